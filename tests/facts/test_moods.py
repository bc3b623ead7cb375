"""When a person's tone has turned: against a slow reading of the same rule, and what must not count."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import HOUR_US
from beforehand.facts.derived import moods

WARM, COOL = 1.4, -0.6
DAY = 24 * HOUR_US


def slowly(at: list[int], warmth: list[float], to: str) -> list[int]:
    """One person's messages, one by one, by the words of the rule."""
    sign = 1.0 if to == "warm" else -1.0
    found, total, before, on, sitting = [], 0.0, 0.0, False, []
    for nth, value in enumerate(warmth):
        if nth == 0 or at[nth] - at[nth - 1] > moods.SITTING_US:
            before, sitting = total, []
        past = warmth[max(0, nth - moods.RECENT - moods.PAST) : max(0, nth - moods.RECENT)]
        known = len(past) >= moods.ENOUGH
        if known:
            middle = float(np.median(past))
            spread = max(
                1.4826 * float(np.median(np.abs(np.array(past) - middle))),
                float(np.quantile(sign * (np.array(past) - middle), moods.FAR_SHARE)) / moods.FAR_IN_SPREADS,
                moods.LEAST_SPREAD,
            )
            off = sign * (value - middle) / spread
            if sign * (value - moods.TEPID) < 0:
                off = min(off, -moods.SLACK)
            sitting.append(off)
        step = 0.0
        if sitting:
            step = float(np.clip(np.mean(sitting) - moods.SLACK, -moods.MOST_A_SITTING, moods.MOST_A_SITTING))
        total = min(max(before + step, 0.0), moods.MOST_IN_ALL)
        on = (on and total > moods.OVER) or total >= moods.ENOUGH_IN_ALL
        if on and known:
            found.append(nth)
    return found


people = st.lists(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from([1.8, 1.4, 1.0, 0.3, -0.2, -0.6, -1.5])), max_size=60),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(people, st.sampled_from(["terse", "warm"]))
def test_turns_equal_the_slow_reading(everybody: list[list[tuple[int, float]]], to: str) -> None:
    series, at, warmth, expected = [], [], [], []
    for person, messages in enumerate(everybody):
        times = np.cumsum([hours for hours, _ in messages]) * HOUR_US if messages else np.empty(0, int)
        values = [value for _, value in messages]
        expected += [place + len(at) for place in slowly(times.tolist(), values, to)]
        series += [person] * len(values)
        at += times.tolist()
        warmth += values
    found = moods.turned(np.array(series, np.int64), np.array(at, np.int64), np.array(warmth, float), to)
    assert found.tolist() == expected


def turned(warmth: list[float], days: list[float] | None = None, to: str = "terse") -> list[int]:
    at = (np.array(days if days is not None else np.arange(len(warmth)) * 3.0) * DAY).astype(np.int64)
    return moods.turned(np.zeros(len(warmth), np.int64), at, np.array(warmth, float), to).tolist()


def test_a_person_who_turns_terse_is_found_and_found_to_be_warm_again() -> None:
    found = turned([WARM] * 20 + [COOL] * 8 + [WARM] * 12)
    assert 20 + 3 <= found[0] <= 20 + 5
    assert 27 in found
    assert found[-1] < 36


def test_one_bad_day_is_no_turn_however_much_is_written_on_it() -> None:
    days = [3.0 * n for n in range(20)] + [60 + n / 100 for n in range(30)] + [63.0 + 3 * n for n in range(8)]
    assert turned([WARM] * 20 + [-2.0] * 30 + [WARM] * 8, days) == []


def test_less_effusive_is_not_terse_and_few_messages_say_nothing() -> None:
    assert turned([2.2] * 20 + [0.6] * 20) == []
    assert turned([WARM] * (moods.ENOUGH - 1) + [COOL] * 4) == []
    assert turned([COOL] * 30) == []  # who was always so has not turned
    assert turned([COOL] * 20 + [WARM] * 8, to="warm") != []


def test_among_the_last_and_new_voices() -> None:
    series = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    chosen = np.array([1, 0, 1, 0, 1, 1, 1, 1, 1], bool)
    assert moods.among_last(series, chosen, 3, 5).tolist() == [4, 5, 8]
    assert moods.new_voice(series, chosen).tolist() == [0, 2, 6, 7, 8]
    none = np.empty(0, np.int64)
    assert moods.among_last(none, none.astype(bool), 3, 5).size == moods.new_voice(none, none.astype(bool)).size == 0
