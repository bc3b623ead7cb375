"""Which periods say nothing about a customer, because hardly any business was done in them.

A period is idle where holidays left less than two thirds of its business days: Christmas week in Germany, of which
three days of five are worked, a holiday as a day, its hours. A period that has no business of its own (a Sunday, an
hour at night) is not: nothing was to be expected of it, and nothing is missing.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar.business import BusinessTime, local_clock
from beforehand.calendar.periods import HOUR_US, Grain, period_of, start_of

Bool = NDArray[np.bool_]
Int = NDArray[np.int64]


@lru_cache(maxsize=256)
def workdays(time: BusinessTime, first: int, last: int) -> Bool:
    """Whether each of the local days first..last (days since 1970-01-01) is a business day, read-only."""
    found = time.is_workday(np.arange(first, last + 1))
    found.setflags(write=False)
    return found


@lru_cache(maxsize=256)
def idle(time: BusinessTime, grain: Grain, first: int, last: int, days: int = 1) -> Bool:
    """Whether each of the periods first..last is idle, in the zone of `time`; read-only.

    With `days`, and the grain of days, a period is the `days` days that end with the last of it.
    """
    own, left = _hours(time, first, last) if grain is Grain.HOUR else _days(time, grain, first, last, days)
    found = np.asarray((own > 0) & (3 * left < 2 * own))
    found.setflags(write=False)
    return found


def _hours(time: BusinessTime, first: int, last: int) -> tuple[Int, Int]:
    """Business hours that each hour has by its weekday and clock, and those that holidays left it: 0 or 1."""
    at = np.arange(first, last + 1) * HOUR_US
    day, wall = local_clock(time.zone, at)
    own = ~time.is_weekend(day) & (wall >= time.opens) & (wall < time.closes)
    return own.astype(np.int64), (own & time.is_workday(day)).astype(np.int64)


def _days(time: BusinessTime, grain: Grain, first: int, last: int, days: int) -> tuple[Int, Int]:
    """Days of each period that are not of the weekend, and business days among all of its days."""
    if last < first:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    edges = period_of(Grain.DAY, time.zone, start_of(grain, time.zone, np.arange(first, last + 2)))
    start, end = edges[:-1] - (days - 1), edges[1:]
    every = np.arange(int(start[0]), int(end[-1]))
    own, left = (np.append(0, np.cumsum(found)) for found in (~time.is_weekend(every), time.is_workday(every)))
    return own[end - start[0]] - own[start - start[0]], left[end - start[0]] - left[start - start[0]]
