"""Business days and hours against a walk in steps of a quarter of an hour, in zones whose clocks do odd things."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, HOUR_US, BusinessTime, day_of, place_named, place_of, to_datetime, to_us
from beforehand.calendar import business as module
from beforehand.errors import InputError

QUARTER_US = HOUR_US // 4
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu")
PLACES = (None, "DE", "DE-BY", "US", "US-CA", "JP", "CN", "IN", "BR")

places = st.sampled_from(PLACES)
weekends = st.sampled_from([frozenset({5, 6}), frozenset({4, 5}), frozenset({6}), frozenset(), frozenset({1, 2, 5, 6})])
hours = st.sampled_from([(9, 17), (0, 24), (0, 8), (8.5, 12.25), (1, 3), (23, 24)])
business = st.builds(
    lambda zone, weekend, span, place, closed: BusinessTime(
        ZoneInfo(zone), weekend, int(span[0] * HOUR_US), int(span[1] * HOUR_US), place, closed
    ),
    st.sampled_from(ZONES),
    weekends,
    hours,
    places,
    st.sampled_from([(), ("12-24", "12-31"), ("2024-10-28", "02-29")]),
)
FIRST, LAST = to_us(datetime(2017, 1, 1, tzinfo=UTC)), to_us(datetime(2025, 12, 31, tzinfo=UTC))
# Around changes of clocks, and around Christmas.
NEAR = [
    to_us(datetime.fromisoformat(at).replace(tzinfo=UTC))
    for at in ("2018-11-04T03:00", "2019-02-17T02:00", "2024-03-31T01:00", "2024-10-27T01:00", "2024-12-24T12:00")
]
instants = st.integers(FIRST, LAST) | st.builds(
    lambda at, off: at + off, st.sampled_from(NEAR), st.integers(-3 * DAY_US, 3 * DAY_US)
)


def local(zone: ZoneInfo, at_us: int) -> datetime:
    return to_datetime(at_us).astimezone(zone)


@cache
def works(time: BusinessTime, day: date) -> bool:
    """The reference for one day: asked of `holidays` directly."""
    import holidays

    own = f"{day:%Y-%m-%d}" in time.closed or f"{day:%m-%d}" in time.closed
    if time.country is None:
        return day.weekday() not in time.weekend and not own
    country, _, part = time.country.partition("-")
    known = holidays.country_holidays(country, subdiv=part or None, years=day.year)
    if own or day in known:
        return False
    return day.weekday() not in time.weekend or day in known.weekend_workdays


def plain_days_later(time: BusinessTime, at_us: int, days: int) -> int:
    at = local(time.zone, at_us)
    day, wall = at.date(), at.time()
    if not works(time, day):
        while not works(time, day):
            day += timedelta(days=1)
        wall = wall.min
    for _ in range(days):
        day += timedelta(days=1)
        while not works(time, day):
            day += timedelta(days=1)
    return to_us(datetime.combine(day, wall, time.zone).replace(fold=0).astimezone(UTC))


def is_open(time: BusinessTime, at_us: int) -> bool:
    at = local(time.zone, at_us)
    passed = ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond
    return works(time, at.date()) and time.opens <= passed < time.closes


def plain_hours_later(time: BusinessTime, at_us: int, quarters: int) -> int:
    while quarters:
        quarters -= is_open(time, at_us)
        at_us += QUARTER_US
    return at_us


@settings(max_examples=80, deadline=None)
@given(business, st.lists(instants, min_size=1, max_size=4), st.integers(0, 12))
def test_days_later_is_the_walk_by_days(time: BusinessTime, at: list[int], days: int) -> None:
    assert time.days_later(np.array(at), days).tolist() == [plain_days_later(time, us, days) for us in at]


@settings(max_examples=60, deadline=None)
@given(business, st.lists(instants, min_size=1, max_size=2), st.integers(1, 24))
def test_hours_later_is_the_walk_by_quarters_of_an_hour(time: BusinessTime, at: list[int], quarters: int) -> None:
    rounded = [us // QUARTER_US * QUARTER_US for us in at]
    wanted = [plain_hours_later(time, us, quarters) for us in rounded]
    assert time.hours_later(np.array(rounded), quarters / 4).tolist() == wanted


@settings(max_examples=50, deadline=None)
@given(business, st.integers(17_000, 21_000), st.integers(1, 500))
def test_workdays_are_those_of_the_package(time: BusinessTime, first: int, count: int) -> None:
    days = np.arange(first, first + min(count, 60))
    assert time.is_workday(days).tolist() == [works(time, date(1970, 1, 1) + timedelta(days=int(d))) for d in days]


@settings(max_examples=50, deadline=None)
@given(business, instants, st.integers(0, 200), st.integers(0, 200))
def test_days_add_up(time: BusinessTime, at: int, one: int, two: int) -> None:
    start = time.days_later(np.array([at]), 0)
    # From a wall clock that exists on every day: one that is skipped is another on its way.
    noon = time.days_later(start, 1) // DAY_US * DAY_US + DAY_US // 2
    whole = time.days_later(noon, one + two)
    assert time.days_later(time.days_later(noon, one), two).tolist() == whole.tolist()
    assert (whole >= noon).all()


@pytest.mark.parametrize(
    ("at", "days", "then"),
    [
        ("2024-06-07T15:00", 2, "2024-06-11T15:00"),  # Friday, over a weekend
        ("2024-06-08T11:00", 2, "2024-06-12T00:00"),  # Saturday: counted from Monday
        ("2024-12-20T15:00", 3, "2024-12-27T15:00"),  # over Christmas
        ("2024-03-29T15:00", 1, "2024-04-03T00:00"),  # Good Friday; Easter Monday is none either; clocks change
    ],
)
def test_business_days_of_germany(at: str, days: int, then: str) -> None:
    time = BusinessTime(BERLIN, country="DE", closed=())
    start = to_us(datetime.fromisoformat(at).replace(tzinfo=BERLIN))
    (found,) = time.days_later(np.array([start]), days)
    assert local(BERLIN, found).replace(tzinfo=None) == datetime.fromisoformat(then)


def test_hours_run_while_business_is_done() -> None:
    time = BusinessTime(BERLIN, country="DE")
    start = to_us(datetime(2024, 12, 24, 16, 0, tzinfo=BERLIN))
    found = time.hours_later(np.array([start, start, start]), 0), time.hours_later(np.array([start]), 2.5)
    assert found[0].tolist() == [start] * 3
    assert to_datetime(int(found[1][0])) == datetime(2024, 12, 27, 9, 30, tzinfo=UTC)


def test_nothing_asked_is_nothing_found() -> None:
    time, none = BusinessTime(BERLIN), np.empty(0, dtype=np.int64)
    assert time.is_workday(none).size == time.days_later(none, 3).size == time.hours_later(none, 3).size == 0


@pytest.mark.parametrize("weekend", [frozenset(range(7)), frozenset({5, 6})])
def test_a_year_without_business_is_said_and_not_waited_for(
    weekend: frozenset[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    every = np.arange(-80_000, 90_000)
    monkeypatch.setattr(module, "holidays_of", lambda place, first, last: (every, np.empty(0, dtype=np.int64)))
    module._exceptions.cache_clear()
    time = BusinessTime(BERLIN, weekend, country="DE")
    try:
        for later in (time.days_later, time.hours_later):
            with pytest.raises(InputError, match="no business day within a year") as told:
                later(np.array([FIRST]), 2)
            assert told.value.code == "no-business-day"
            assert "calendar" in told.value.hint
    finally:
        module._exceptions.cache_clear()


def test_holidays_of_a_whole_week_are_passed_over() -> None:
    time = BusinessTime(ZoneInfo("UTC"), closed=tuple(f"12-{day}" for day in range(23, 32)))
    start = to_us(datetime(2024, 12, 20, 12, tzinfo=UTC))
    assert to_datetime(int(time.days_later(np.array([start]), 1)[0])) == datetime(2025, 1, 1, 12, tzinfo=UTC)


def test_days_to_come_have_no_holidays_but_end() -> None:
    time = BusinessTime(BERLIN, country="DE", closed=("12-24",))
    far = to_us(datetime(2300, 1, 1, tzinfo=UTC))
    assert time.days_later(np.array([far]), 260)[0] > far


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        ("United States", "US"),
        ("USA", "US"),
        ("uk", "GB"),
        ("GB-SCT", "GB-SCT"),
        ("DE-BY", "DE-BY"),
        ("de-bayern", "DE-BY"),
        ("Germany - BY", "DE-BY"),
    ],
)
def test_places_are_known_by_their_codes_and_names(said: str, place: str) -> None:
    assert place_named(said) == place_of(said) == place


@pytest.mark.parametrize(
    ("said", "near"),
    [("Germny", "Germany"), ("DE-BX", "BY"), ("Frnace", "France"), ("Englandd-1", "Valid"), ("", "Valid")],
)
def test_an_unknown_place_is_told_with_the_nearest(said: str, near: str) -> None:
    assert place_of(said) is None
    with pytest.raises(InputError) as told:
        place_named(said)
    assert told.value.code == "unknown-country"
    assert near in told.value.hint


@pytest.mark.parametrize("said", ["12-24", "2025-05-02", "02-29"])
def test_days_of_the_team(said: str) -> None:
    assert day_of(f" {said} ") == said


@pytest.mark.parametrize("said", ["24.12.", "13-01", "2025-02-30", "christmas", "02-30"])
def test_what_is_no_day_is_told(said: str) -> None:
    with pytest.raises(InputError, match="no day"):
        day_of(said)


def test_holidays_are_not_read_before_they_are_asked_for() -> None:
    code = (
        "import sys, numpy as np; from zoneinfo import ZoneInfo; from beforehand.calendar import BusinessTime;"
        "BusinessTime(ZoneInfo('UTC')).days_later(np.array([0]), 3); sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
