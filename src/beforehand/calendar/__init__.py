"""Zones, periods and closes: when a period starts, which one an instant falls in, and when business is done."""

from beforehand.calendar.business import WEEKDAYS, BusinessTime, day_of
from beforehand.calendar.idle import idle, workdays
from beforehand.calendar.periods import (
    DAY_US,
    EVERYWHERE,
    HOUR_US,
    Grain,
    offsets,
    period_of,
    start_of,
    to_datetime,
    to_us,
    zone_named,
)
from beforehand.calendar.places import nearest_place, place_named, place_of

__all__ = [
    "DAY_US",
    "EVERYWHERE",
    "HOUR_US",
    "WEEKDAYS",
    "BusinessTime",
    "Grain",
    "day_of",
    "idle",
    "nearest_place",
    "offsets",
    "period_of",
    "place_named",
    "place_of",
    "start_of",
    "to_datetime",
    "to_us",
    "workdays",
    "zone_named",
]
