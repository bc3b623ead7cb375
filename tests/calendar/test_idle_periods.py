"""Idle periods against a count of their days one by one, and what they are in a German Christmas."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import HOUR_US, BusinessTime, Grain, idle, period_of, start_of, to_datetime, to_us, workdays

EPOCH = date(1970, 1, 1)
GERMANY = BusinessTime(ZoneInfo("Europe/Berlin"), country="DE")
times = st.builds(
    lambda zone, weekend, place, closed: BusinessTime(ZoneInfo(zone), weekend, country=place, closed=closed),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.sampled_from([frozenset({5, 6}), frozenset({4, 5}), frozenset()]),
    st.sampled_from([None, "DE", "US", "CN"]),
    st.sampled_from([(), ("12-24", "12-31"), tuple(f"2024-07-{day:02}" for day in range(8, 27))]),
)


def plain(time: BusinessTime, grain: Grain, period: int, days: int) -> bool:
    start, end = start_of(grain, time.zone, np.array([period, period + 1])).tolist()
    if grain is Grain.HOUR:
        at = to_datetime(start).astimezone(time.zone)
        wall = (at.hour * 60 + at.minute) * 60_000_000
        if not time.opens <= wall < time.closes or at.weekday() in time.weekend:
            return False
        return not time.is_workday((at.date() - EPOCH).days)
    day = to_datetime(start).astimezone(time.zone).date() - timedelta(days=days - 1)
    last = to_datetime(end - 1).astimezone(time.zone).date()
    own = left = 0
    while day <= last:
        own += day.weekday() not in time.weekend
        left += bool(time.is_workday((day - EPOCH).days))
        day += timedelta(days=1)
    return own > 0 and left / own < 2 / 3 - 1e-9


@settings(max_examples=80, deadline=None)
@given(
    times,
    st.sampled_from([(g, 1) for g in Grain] + [(Grain.DAY, 7), (Grain.DAY, 10)]),
    st.integers(0, 900),
    st.integers(0, 40),
)
def test_a_period_is_idle_as_its_days_say(time: BusinessTime, form: tuple[Grain, int], after: int, count: int) -> None:
    grain, days = form
    begin = to_us(datetime(2023, 1, 1, tzinfo=UTC)) + after * 24 * HOUR_US
    first = int(period_of(grain, time.zone, np.array([begin]))[0])
    found = idle(time, grain, first, first + count - 1, days)
    assert found.tolist() == [plain(time, grain, first + i, days) for i in range(count)]


def week(day: str) -> int:
    at = to_us(datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC))
    return int(period_of(Grain.WEEK, GERMANY.zone, np.array([at]))[0])


@pytest.mark.parametrize(
    ("day", "is_idle"),
    [
        ("2024-12-25", True),  # two of five days are holidays
        ("2025-12-25", True),
        ("2023-12-25", True),
        ("2024-12-18", False),
        ("2025-01-01", False),  # one of five
        ("2024-05-01", False),
        ("2022-12-25", False),  # Sunday; the second day is in the week after
    ],
)
def test_a_week_that_lost_two_of_five_days_is_idle(day: str, is_idle: bool) -> None:
    assert idle(GERMANY, Grain.WEEK, week(day), week(day)).tolist() == [is_idle]


def test_a_weekend_is_nothing_special_and_a_holiday_is() -> None:
    first = (date(2024, 12, 21) - EPOCH).days  # a Saturday
    assert idle(GERMANY, Grain.DAY, first, first + 7).tolist() == [False] * 4 + [True, True, False, False]
    assert workdays(GERMANY, first, first + 7).tolist() == [False, False, True, True, False, False, True, False]


def test_without_holidays_nothing_is_idle() -> None:
    plain_time = replace(GERMANY, country=None)
    for grain in Grain:
        assert not idle(plain_time, grain, 400, 800).any()


def test_no_period_is_none() -> None:
    for grain in Grain:
        assert idle(GERMANY, grain, 500, 499).size == 0
