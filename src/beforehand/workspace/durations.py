"""Spans of time as people write them in files: `90 days`, `6 hours`, `2 weeks`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
MOST_DAYS = 999_999
WRITTEN = re.compile(r"^\s*(\d{1,6})\s*(minute|hour|day|week)s?\s*$", re.IGNORECASE)


def read_duration(value: Any) -> timedelta:
    """The span a person wrote; a bare number is days. ValueError says the valid forms."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_DAYS:
        return timedelta(days=value)
    found = WRITTEN.match(str(value))
    if not found:
        raise ValueError(f"{value!r} is not a span of time; write for example `90 days`, `6 hours` or `2 weeks`")
    return int(found[1]) * UNITS[found[2].lower()]


Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["90 days", "6 hours"]}),
]
