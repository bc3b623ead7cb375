"""Zones, periods and closes: when a period starts, and which one an instant falls in."""

from beforehand.calendar.periods import (
    DAY_US,
    HOUR_US,
    Grain,
    offsets,
    period_of,
    start_of,
    to_datetime,
    to_us,
    zone_named,
)

__all__ = ["DAY_US", "HOUR_US", "Grain", "offsets", "period_of", "start_of", "to_datetime", "to_us", "zone_named"]
