"""Periods and their boundaries in zones whose clocks do odd things, against `zoneinfo` asked one instant at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain, offsets, period_of, start_of, to_datetime, to_us, zone_named
from beforehand.errors import InputError

HOUR_US = DAY_US // 24
ZONES = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # clocks changed at midnight until 2019: days that begin at 01:00
    "Australia/Lord_Howe",  # half an hour of summer time
    "Asia/Kathmandu",  # +05:45, since 1986
    "Africa/Cairo",  # summer time given up and taken up again; starts at midnight
    "America/Havana",  # starts at midnight
    "Pacific/Apia",  # skipped 30 December 2011 altogether
    "Asia/Tehran",
    "America/St_Johns",
    "Pacific/Chatham",
    "Africa/Casablanca",  # summer time but for Ramadan
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
grains = st.sampled_from(Grain)
instants = st.integers(to_us(datetime(1990, 1, 1, tzinfo=UTC)), to_us(datetime(2037, 12, 31, tzinfo=UTC)))
# Near the changes of clocks that these zones have had.
TURNS = (
    *("2010-10-01T00:00", "2011-12-30T10:00", "2011-12-31T10:00", "2014-05-15T22:00", "2018-11-04T03:00"),
    *("2019-02-17T02:00", "2022-03-21T20:30", "2024-03-10T05:00", "2024-03-10T07:00", "2024-03-31T01:00"),
    *("2024-04-06T15:00", "2024-04-14T02:00", "2024-04-25T22:00", "2024-10-05T15:30", "2024-10-27T01:00"),
    *("2024-10-31T21:00", "2024-11-03T05:00"),
)
TURNS_US = [to_us(datetime.fromisoformat(turn).replace(tzinfo=UTC)) for turn in TURNS]
turns = st.builds(lambda turn, off: turn + off, st.sampled_from(TURNS_US), st.integers(-2 * DAY_US, 2 * DAY_US))
moments = instants | turns


def plain_period(grain: Grain, zone: ZoneInfo, at_us: int) -> int:
    """The reference: the local day by `zoneinfo`, then the calendar of `datetime`."""
    if grain is Grain.HOUR:
        return int((to_datetime(at_us) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 3600)
    local = to_datetime(at_us).astimezone(zone).date()
    if grain is Grain.DAY:
        return (local - date(1970, 1, 1)).days
    if grain is Grain.WEEK:
        return ((local - timedelta(days=local.weekday())) - date(1969, 12, 29)).days // 7
    if grain is Grain.QUARTER:
        return (local.year - 1970) * 4 + (local.month - 1) // 3
    return (local.year - 1970) * 12 + local.month - 1


@settings(max_examples=200, deadline=None)
@given(grains, zones, st.lists(moments, min_size=1, max_size=8))
def test_an_instant_falls_into_the_period_of_its_local_day(grain: Grain, zone: ZoneInfo, at: list[int]) -> None:
    assert period_of(grain, zone, np.array(at)).tolist() == [plain_period(grain, zone, us) for us in at]


@settings(max_examples=200, deadline=None)
@given(grains, zones, moments)
def test_a_period_holds_what_falls_into_it(grain: Grain, zone: ZoneInfo, at: int) -> None:
    (period,) = period_of(grain, zone, np.array([at])).tolist()
    start, end = start_of(grain, zone, np.array([period, period + 1])).tolist()
    assert start <= at < end
    assert period_of(grain, zone, np.array([start, end - 1, end])).tolist()[:2] == [period, period]
    assert plain_period(grain, zone, start - 1) < period, "the instant before belongs to an earlier period"
    assert plain_period(grain, zone, end) > period


@settings(max_examples=200, deadline=None)
@given(grains, zones, st.integers(-200, 20_000))
def test_boundaries_rise_and_follow_each_other(grain: Grain, zone: ZoneInfo, first: int) -> None:
    starts = start_of(grain, zone, np.arange(first, first + 40))
    assert (np.diff(starts) >= 0).all()
    assert (np.diff(starts) > 0).sum() >= 38, "only a day that a zone skipped is empty"


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", "2024-03-31", 23),
        ("Europe/London", "2024-10-27", 25),
        ("Europe/London", "2024-06-01", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("America/Sao_Paulo", "2019-02-16", 25),
        ("Australia/Lord_Howe", "2024-10-06", 23.5),
        ("Australia/Lord_Howe", "2024-04-07", 24.5),
        ("Asia/Kathmandu", "2024-03-31", 24),
        ("Africa/Cairo", "2024-04-26", 23),
        ("Africa/Cairo", "2024-10-31", 25),
        ("America/Havana", "2024-03-10", 23),
        ("America/Havana", "2024-11-03", 25),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Apia", "2011-12-31", 24),
        ("Pacific/Apia", "2011-12-29", 24),
    ],
)
def test_days_are_as_long_as_their_clocks_say(zone: str, day: str, hours: float) -> None:
    number = (date.fromisoformat(day) - date(1970, 1, 1)).days
    start, end = start_of(Grain.DAY, ZoneInfo(zone), np.array([number, number + 1])).tolist()
    assert (end - start) / HOUR_US == hours


def test_weeks_with_a_change_of_clocks_are_an_hour_off() -> None:
    zone = ZoneInfo("Europe/Berlin")
    (week,) = period_of(Grain.WEEK, zone, np.array([to_us(datetime(2024, 3, 31, 12, tzinfo=UTC))])).tolist()
    starts = start_of(Grain.WEEK, zone, np.array([week, week + 1]))
    assert to_datetime(starts[0]) == datetime(2024, 3, 24, 23, tzinfo=UTC)
    assert to_datetime(starts[1]) == datetime(2024, 3, 31, 22, tzinfo=UTC)
    assert (starts[1] - starts[0]) == 167 * HOUR_US


def test_numbers_count_from_1970() -> None:
    utc = zone_named("UTC")
    at = np.array([0])
    assert [period_of(grain, utc, at).tolist() for grain in Grain] == [[0]] * 5
    assert to_datetime(start_of(Grain.WEEK, utc, np.array([0]))[0]) == datetime(1969, 12, 29, tzinfo=UTC)
    assert to_datetime(start_of(Grain.MONTH, utc, np.array([649]))[0]) == datetime(2024, 2, 1, tzinfo=UTC)
    assert to_datetime(start_of(Grain.WEEK, utc, np.array([2828]))[0]).weekday() == 0
    assert to_datetime(start_of(Grain.QUARTER, utc, np.array([216]))[0]) == datetime(2024, 1, 1, tzinfo=UTC)
    assert to_datetime(start_of(Grain.HOUR, utc, np.array([1]))[0]) == datetime(1970, 1, 1, 1, tzinfo=UTC)


def test_shapes_are_kept_and_nothing_is_something() -> None:
    utc = zone_named("UTC")
    assert period_of(Grain.DAY, utc, np.array([], dtype=np.int64)).shape == (0,)
    assert start_of(Grain.WEEK, utc, np.zeros((2, 3), dtype=np.int64)).shape == (2, 3)
    assert period_of(Grain.MONTH, utc, np.zeros((2, 3), dtype=np.int64)).shape == (2, 3)


@settings(max_examples=200, deadline=None)
@given(zones, moments, st.integers(0, 800 * DAY_US))
def test_the_table_of_offsets_is_what_zoneinfo_says_at_each_instant(zone: ZoneInfo, first: int, length: int) -> None:
    table = offsets(zone, first, first + length)
    assert table[0][0] == first
    assert [turn for turn, _ in table] == sorted({turn for turn, _ in table})
    looked = {first, first + length, *(turn for turn, _ in table), *(turn - 1 for turn, _ in table[1:])}
    looked |= {first + length * part // 17 for part in range(17)}
    for us in looked:
        offset = to_datetime(us).astimezone(zone).utcoffset()
        told = [shift for turn, shift in table if turn <= us][-1]
        assert offset == timedelta(microseconds=told)


def test_an_unknown_zone_names_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        zone_named("Europe/Berln")
    assert "Europe/Berlin" in caught.value.hint


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        to_us(datetime(2024, 1, 1))  # noqa: DTZ001 - on purpose
