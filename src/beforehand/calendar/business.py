"""Business days and business hours of a place: which days are worked, and what is so many of them later.

A business day is a local day that is neither of the weekend nor a holiday. Business days run from midnight to midnight
and stand still on all others: two of them after Friday 15:00 is Tuesday 15:00, after Saturday 11:00 it is Wednesday
00:00. Business hours run between opening and closing on business days only. Wall clocks are local, changes of clocks
included: a time that the clocks jump over is read by the clock before, one that comes twice is its first.
"""

from __future__ import annotations

import re
from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beforehand.calendar.periods import DAY_US, HOUR_US, Grain, offsets, period_of, start_of
from beforehand.calendar.places import EPOCH_ORDINAL, holidays_of
from beforehand.errors import InputError

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_IDLE_DAYS = 366
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Holidays are looked up between these years; the package knows none outside of them."""


@dataclass(frozen=True)
class BusinessTime:
    """When business is done: `weekend` as days of the week (Monday 0), `opens` and `closes` in microseconds of the day.

    `country`: the place whose public holidays hold, `DE` or `DE-BY`, None for none. `closed`: days that are holidays
    besides, each as `2025-05-02` or, every year, as `12-24`.
    """

    zone: ZoneInfo
    weekend: frozenset[int] = frozenset({5, 6})
    opens: int = 9 * HOUR_US
    closes: int = 17 * HOUR_US
    country: str | None = None
    closed: tuple[str, ...] = ()

    @property
    def has_holidays(self) -> bool:
        """Whether any day but those of the weekend may be idle."""
        return self.country is not None or bool(self.closed)

    def is_workday(self, days: ArrayLike) -> Bool:
        """Whether each local day (days since 1970-01-01, as periods of days are numbered) is a business day."""
        number = np.asarray(days, dtype=np.int64)
        found = ~self.is_weekend(number)
        if not number.size or not self.has_holidays:
            return found
        years = (
            np.array([number.min(), number.max()]).astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
        )
        # By whole decades, so that few different spans are asked for.
        first, last = (int(year) // 10 * 10 for year in np.clip(years, FIRST_YEAR, LAST_YEAR))
        idle, worked = _exceptions(self.country, self.closed, first, last + 9)
        found |= np.isin(number, worked)
        return found & ~np.isin(number, idle)

    def is_weekend(self, days: ArrayLike) -> Bool:
        """Whether each local day is one of the weekend, holidays aside."""
        return np.isin((np.asarray(days, dtype=np.int64) + 3) % 7, sorted(self.weekend))

    def days_later(self, at_us: ArrayLike, days: int) -> Int:
        """When `days` whole business days have passed since each instant (UTC microseconds), at the same wall clock.

        From a day that is none it counts from the start of the next one. InputError where a year has no business day.
        """
        at = np.asarray(at_us, dtype=np.int64)
        if days < 0:
            raise ValueError("business days are counted forward")
        if not at.size:
            return at.copy()
        day, wall = local_clock(self.zone, at)
        first = int(day.min())
        worked = self._worked(first, int(day.max()) - first + 1, days + 1)
        place = np.searchsorted(worked, day)
        wall = np.where(worked[place] == day, wall, 0)
        return self._instant(worked[place + days], wall)

    def hours_later(self, at_us: ArrayLike, hours: float) -> Int:
        """When so many business hours have passed since each instant (UTC microseconds); an instant itself for 0.

        InputError where a year has no business day.
        """
        at = np.asarray(at_us, dtype=np.int64)
        if hours < 0:
            raise ValueError("business hours are counted forward")
        if not at.size or not hours:
            return at.copy()
        wanted = round(hours * HOUR_US)
        day = period_of(Grain.DAY, self.zone, at)
        first, spread = int(day.min()), int(day.max() - day.min()) + 1
        count = wanted // (self.closes - self.opens) + 2
        while True:
            worked = self._worked(first, spread, count)
            opens, closes = self._hours_of(worked)
            passed = np.append(0, np.cumsum(closes - opens))
            place = np.minimum(np.searchsorted(worked, day), len(worked) - 1)
            already = np.clip(at - opens[place], 0, closes[place] - opens[place])
            goal = passed[place] + already + wanted
            if goal.max() <= passed[-1]:
                break
            count *= 2  # days that clocks cut short
        reached = np.searchsorted(passed, goal, side="left") - 1
        return np.asarray(opens[reached] + goal - passed[reached])

    def _worked(self, first: int, spread: int, count: int) -> Int:
        """The business days from `first` on: those of `spread` days, and at least `count` after them."""
        ahead = count * 7 // max(1, 7 - len(self.weekend)) + 32
        while True:
            last = first + spread + ahead
            days = np.flatnonzero(self.is_workday(np.arange(first, last))) + first
            gaps = np.diff(np.concatenate([[first - 1], days, [last]]))
            if gaps.max() > MOST_IDLE_DAYS:
                raise InputError(
                    f"There is no business day within a year of {_said(first + int(gaps.argmax()))}.",
                    "Look at `weekend` and `holidays` under `calendar` in beforehand.yaml: they leave no day to work.",
                    code="no-business-day",
                )
            if (days >= first + spread).sum() >= count:
                return days
            ahead *= 2

    def _hours_of(self, days: Int) -> tuple[Int, Int]:
        """Opening and closing of each day (UTC microseconds), within what the clocks leave of the day."""
        starts, ends = start_of(Grain.DAY, self.zone, days), start_of(Grain.DAY, self.zone, days + 1)
        opens = np.clip(self._instant(days, np.full(days.shape, self.opens)), starts, ends)
        closes = np.clip(self._instant(days, np.full(days.shape, self.closes)), starts, ends)
        return opens, closes

    def _instant(self, day: Int, wall: Int) -> Int:
        """The instant (UTC microseconds) at which local clocks show a day and a time of it."""
        local = day * DAY_US + wall
        table = offsets(self.zone, int(local.min()) - 2 * DAY_US, int(local.max()) + 2 * DAY_US)
        turns = np.array([turn for turn, _ in table])
        shift = np.array([offset for _, offset in table])
        # The clock before counts until both it and the one after have passed the change.
        until = turns[1:] + np.maximum(shift[:-1], shift[1:])
        return np.asarray(local - shift[np.searchsorted(until, local, side="right")])


def local_clock(zone: ZoneInfo, at_us: Int) -> tuple[Int, Int]:
    """The local day of each instant (days since 1970-01-01), and what clocks there show, in microseconds of the day."""
    if not at_us.size:
        return at_us.copy(), at_us.copy()
    table = offsets(zone, int(at_us.min()), int(at_us.max()))
    turns, shift = (np.array(column) for column in zip(*table, strict=True))
    local = at_us + shift[np.searchsorted(turns, at_us, side="right") - 1]
    return local // DAY_US, local % DAY_US


def day_of(text: str) -> str:
    """A closed day as written, `2025-05-02` or `12-24`; InputError where it is no day."""
    found = text.strip()
    if re.fullmatch(r"\d{2}-\d{2}", found):
        try:
            date.fromisoformat(f"2024-{found}")  # a leap year: 02-29 is a day
        except ValueError:
            pass
        else:
            return found
    elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", found):
        try:
            date.fromisoformat(found)
        except ValueError:
            pass
        else:
            return found
    raise InputError(f"{text!r} is no day.", "Write it as 2025-05-02, or as 12-24 for every year.", code="bad-value")


@lru_cache(maxsize=256)
def _exceptions(country: str | None, closed: tuple[str, ...], first_year: int, last_year: int) -> tuple[Int, Int]:
    """Holidays, and days of weekends that are worked, in some years."""
    none = np.empty(0, dtype=np.int64)
    idle, worked = (none, none) if country is None else holidays_of(country, first_year, last_year)
    own = []
    for day in closed:
        if len(day) == len("2025-05-02"):
            own.append(date.fromisoformat(day))
            continue
        own += [
            date.fromisoformat(f"{year}-{day}")
            for year in range(first_year, last_year + 1)
            if day != "02-29" or isleap(year)
        ]
    more = np.array([day.toordinal() - EPOCH_ORDINAL for day in own], dtype=np.int64)
    return np.union1d(idle, more), worked


def _year(day: np.int64) -> int:
    return int(day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)) + 1970


def _said(day: int) -> str:
    return f"{date(1970, 1, 1) + timedelta(days=day):%Y-%m-%d}"
