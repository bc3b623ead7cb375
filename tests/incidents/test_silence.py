"""Feeds gone silent: by their own rhythm, as it was known then, against a plain reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.incidents import Pulse, in_its_place, lateness, rests, silences, vanished, went_on
from beforehand.incidents.pulse import LATE_HOURS

WEEK = 168
START = 500_000 // WEEK * WEEK + 96  # 1970-01-01 was a Thursday: a Monday, 00:00


def pulse(counts, late=0) -> Pulse:
    """Hours from START on; all of them learned `late` hours after they ended, or as an array says."""
    at = np.flatnonzero(counts)
    delay = np.broadcast_to(np.asarray(late), len(counts))[at]
    return Pulse.of(START + at, lateness(delay), np.asarray(counts)[at])


def working_hours(weeks: int, seed: int = 1, rate: float = 6.0) -> np.ndarray:
    """A product used from Monday to Friday, 8 to 18, by chance; hardly at night, nothing at weekends."""
    rng = np.random.default_rng(seed)
    hour = np.arange(weeks * WEEK)
    work = (hour % WEEK < 120) & (hour % 24 >= 8) & (hour % 24 < 18)
    night = (hour % WEEK < 120) & ~work
    return rng.poisson(rate * work + 0.1 * night)


@pytest.mark.parametrize("seed", range(5))
def test_nights_and_weekends_are_usual(seed: int) -> None:
    feed = pulse(working_hours(10, seed))
    for at in range(START + 4 * WEEK, START + 10 * WEEK, 7):
        assert silences(feed, at, 48) == []


def test_a_working_day_without_anything_is_not() -> None:
    counts = working_hours(10)
    stop = 8 * WEEK + 24 + 9  # Tuesday, 09:00
    counts[stop:] = 0
    feed = pulse(counts)
    found = [at for at in range(stop, stop + 48) if silences(feed, START + at, 48)]
    assert found[0] - stop <= 34, found[0] - stop
    assert found == list(range(found[0], stop + 48)), "and it stays found"
    (one,) = silences(feed, START + stop + 40, 48)
    assert (one.since, one.until) == (START + stop, None)
    assert one.sure > 0.95 and 20 < one.expected < 120
    assert START + stop < one.sure_at <= START + found[0]


def test_it_came_back() -> None:
    counts = working_hours(12)
    stop = 8 * WEEK + 9
    counts[stop : stop + 48] = 0
    counts[stop + 48] = 5
    (one,) = silences(pulse(counts), START + stop + 60, 72)
    assert (one.since, one.until) == (START + stop, START + stop + 48)
    assert silences(pulse(counts), START + stop + 200, 48) == [], "long over"
    assert went_on(pulse(counts), START + stop, START + stop + 60) == (START + stop + 48, False)
    assert went_on(pulse(counts), START + stop, START + stop + 40) == (None, False)


def test_what_comes_once_a_week_is_not_silent_on_the_third_day() -> None:
    """Whole weeks are delivered on Mondays at 06:00; each is up to a week late."""
    counts = working_hours(14)
    hour = np.arange(len(counts))
    late = (WEEK + 5) - hour % WEEK
    feed = pulse(counts, late)
    for at in range(START + 8 * WEEK, START + 14 * WEEK, 5):
        assert silences(feed, at, 24) == []
    counts[11 * WEEK :] = 0
    missed = pulse(counts, late)
    assert silences(missed, START + 13 * WEEK, 24) == [], "a day late: not yet"
    assert silences(missed, START + 14 * WEEK, 24)


def test_what_comes_once_a_month_is_looked_at_by_days() -> None:
    counts = np.zeros(WEEK * 60, dtype=int)
    counts[9 :: 24 * 30] = 200
    for at in range(40 * WEEK, 59 * WEEK, 24):
        assert silences(pulse(counts), START + at, 48) == []


def test_a_few_strays_do_not_make_a_feed_alive() -> None:
    counts = working_hours(10, rate=80.0)
    stop = 8 * WEEK + 9
    counts[stop:] = 0
    counts[stop + 5 :: 9] = 1
    assert silences(pulse(counts), START + stop + 30, 48)


def test_where_everything_is_quiet_an_hour_weighs_less() -> None:
    few, many = working_hours(12, 1, 1.2), working_hours(12, 2, 60.0)
    stop = 10 * WEEK
    rest = many.copy()
    rest[stop : stop + 96] = rest[stop : stop + 96] // 20
    few[stop : stop + 96] = 0
    at = START + stop + 90
    assert silences(pulse(few), at, 48, pulse(many))
    assert silences(pulse(few), at, 48, pulse(rest)) == []


def test_what_was_missing_came_late() -> None:
    counts, late = working_hours(12), np.zeros(12 * WEEK, dtype=int)
    stop = 8 * WEEK + 9
    late[stop : stop + 48] = 72
    feed = pulse(counts, late)
    assert silences(feed, START + stop + 40, 48)
    assert went_on(feed, START + stop, START + stop + 60)[1] is False
    assert went_on(feed, START + stop, START + stop + 130)[1] is True
    assert silences(feed, START + stop + 130, 200) == []


def test_too_little_is_known() -> None:
    assert silences(pulse(working_hours(1)[:100]), START + 160, 48) == []


def test_a_new_name() -> None:
    rng = np.random.default_rng(3)
    names = {name: rng.poisson(4.0, 12 * WEEK) for name in ("login", "page", "search")}
    stop = 9 * WEEK + 30
    names["user_login"] = np.where(np.arange(12 * WEEK) >= stop, names["login"], 0)
    names["other"] = np.where(np.arange(12 * WEEK) >= stop, 90, 0)
    names["login"] = np.where(np.arange(12 * WEEK) < stop, names["login"], 0)
    pulses = {name: pulse(counts) for name, counts in names.items()}
    at = START + stop + 24
    found = vanished(pulses, rests(pulses), [], at, 48)
    assert set(found) == {"login"}
    assert in_its_place(pulses, "login", found["login"][0].since, at) == "user_login"
    whole = silences(pulses["login"], at, 48)
    assert vanished(pulses, rests(pulses), whole, at, 48) == {}, "its whole feed was silent"


cells = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 800), st.integers(1, 9)), min_size=1, max_size=30)


@settings(max_examples=80, deadline=None)
@given(cells, st.integers(0, 900), st.sampled_from((1, 24)))
def test_what_was_known_by_then(given_cells, after, cell) -> None:
    """Against going through the facts one by one."""
    hour, late, count = (np.array(column) for column in zip(*given_cells, strict=True))
    steps = lateness(late)
    known = Pulse.of(START + hour, steps, count)
    at = START + after
    laid = known.until(at, cell, 1000)
    for i, got in enumerate(laid.counts):
        first, last = (laid.first + i) * cell, (laid.first + i + 1) * cell
        naive = sum(
            n
            for h, step, n in zip(START + hour, steps, count, strict=True)
            if first <= h < last and step < len(LATE_HOURS) and h + 1 + LATE_HOURS[step] <= at
        )
        assert got == naive
    for i, moment in enumerate(laid.first_known(3)):
        first, last = (laid.first + i) * cell, (laid.first + i + 1) * cell
        moments = sorted(
            (h + 1 + LATE_HOURS[step], n)
            for h, step, n in zip(START + hour, steps, count, strict=True)
            if first <= h < last and step < len(LATE_HOURS) and h + 1 + LATE_HOURS[step] <= at
        )
        total, naive = 0, 2**40
        for when, n in moments:
            total += n
            if total >= 3:
                naive = when
                break
        assert moment == naive
