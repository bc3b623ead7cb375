"""Periods as whole numbers, and their boundaries in UTC microseconds.

A period is half-open, `[start, end)`, in a zone. Its number is arithmetic on the local day: days count from
1970-01-01, weeks start on Monday (week 0 holds 1970-01-01), months and quarters count from January 1970. Hours are
those of UTC in every zone: they are all of one length, and none is lost or doubled where clocks change. The same
arithmetic is written as SQL by the panel, so that an engine and NumPy put an instant into the same period, 23- and
25-hour days included. Nothing here reads a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from beforehand.errors import InputError, among

Int = NDArray[np.int64]

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVERYWHERE = ZoneInfo("Etc/GMT+12")
"""Where a day ends last: when a period has ended there, it has ended in every zone."""


class Grain(StrEnum):
    """The length of a period; from the finest to the coarsest."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


@lru_cache(maxsize=64)
def zone_named(name: str) -> ZoneInfo:
    """The time zone of an IANA name; InputError with the nearest name where there is none."""
    if name not in available_timezones():
        raise InputError(f"{name!r} is not a time zone.", among(name, available_timezones()), code="unknown-zone")
    return ZoneInfo(name)


def to_us(at: datetime) -> int:
    """Microseconds since 1970 (UTC) of an aware datetime; ValueError for one without zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return (at - EPOCH) // timedelta(microseconds=1)


def to_datetime(us: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=int(us))


@lru_cache(maxsize=256)
def offsets(zone: ZoneInfo, first_us: int, last_us: int) -> tuple[tuple[int, int], ...]:
    """The zone's UTC offsets between two instants: pairs (from this UTC microsecond on, offset in microseconds).

    The first pair starts at `first_us`. Found by looking each day and halving where the offset differs, because
    `zoneinfo` does not publish its table; changes that last less than a day do not exist in the tz database.
    """

    def at(us: int) -> int:
        offset = to_datetime(us).astimezone(zone).utcoffset()
        assert offset is not None
        return offset // timedelta(microseconds=1)

    table = [(first_us, at(first_us))]
    low = first_us
    while low < last_us:
        high = min(low + DAY_US, last_us)
        if at(high) != table[-1][1]:
            lo, hi = low, high
            while hi - lo > SECOND_US:
                mid = (lo + hi) // 2
                lo, hi = (lo, mid) if at(mid) != table[-1][1] else (mid, hi)
            turn = -(-lo // SECOND_US) * SECOND_US
            turn = turn if at(turn) != table[-1][1] else turn + SECOND_US
            table.append((turn, at(turn)))
        low = high
    return tuple(table)


def period_of(grain: Grain, zone: ZoneInfo, at_us: Int) -> Int:
    """The period number each instant (UTC microseconds) falls in."""
    at = np.asarray(at_us, dtype=np.int64)
    if at.size == 0:
        return at.copy()
    if grain is Grain.HOUR:
        return np.asarray(at // HOUR_US)
    table = offsets(zone, int(at.min()), int(at.max()))
    turns = np.array([turn for turn, _ in table])
    shift = np.array([offset for _, offset in table])
    day = (at + shift[np.searchsorted(turns, at, side="right") - 1]) // DAY_US
    if grain is Grain.DAY:
        return np.asarray(day)
    if grain is Grain.WEEK:
        return np.asarray((day + 3) // 7)
    month = np.asarray(day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))
    return month if grain is Grain.MONTH else month // 3


def start_of(grain: Grain, zone: ZoneInfo, period: Int) -> Int:
    """The first instant (UTC microseconds) of each period; the end of p is the start of p + 1."""
    number = np.asarray(period, dtype=np.int64)
    if grain is Grain.HOUR:
        return number * HOUR_US
    if grain is Grain.DAY:
        day = number
    elif grain is Grain.WEEK:
        day = number * 7 - 3
    else:
        month = number if grain is Grain.MONTH else number * 3
        day = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    found = {int(d): _midnight(zone, int(d)) for d in np.unique(day)}
    return np.array([found[int(d)] for d in day.ravel()], dtype=np.int64).reshape(day.shape)


@lru_cache(maxsize=65536)
def _midnight(zone: ZoneInfo, day: int) -> int:
    """The first instant of a local day; where midnight is skipped by a change of clocks, the change itself."""
    naive = datetime(1970, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - a wall clock reading on purpose
    at = to_us(naive.replace(tzinfo=zone, fold=0).astimezone(UTC))
    back = to_datetime(at).astimezone(zone).replace(tzinfo=None)
    if back == naive:
        return at
    # Midnight does not exist on this day: the day begins where the clocks jump over it.
    table = offsets(zone, at - DAY_US, at + DAY_US)
    return min((turn for turn, _ in table[1:]), key=lambda turn: abs(turn - at), default=at)
