"""What fell in a period that holidays left too little of proves nothing; judges against a plain reading."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import Grain
from beforehand.signals import Vocabulary, build, judge
from beforehand.signals.judges import judge_absence, judge_change, judge_level, judge_usual
from beforehand.signals.numbers import CLEAR, HOLDS, UNSURE, Bool
from beforehand.signals.series import SeriesNumbers
from beforehand.signals.tree import Absence, Change, Level, Quantity, Streak, Usual
from beforehand.workspace.spec import MetricSpec, SignalSpec

LOGINS = Quantity("logins")
values = st.lists(st.sampled_from([0.0, 1.0, 3.0, 8.0, np.nan]), min_size=12, max_size=12)
resting = st.lists(st.booleans(), min_size=3, max_size=3)
streaks = st.sampled_from([Streak(), Streak(2, 2), Streak(2, 3)])


def plain(streak: Streak, wrong: list[bool | None]) -> int:
    """Kleene's verdict by trying every value of what is not known."""
    last = wrong[-streak.of :]
    unknown = [i for i, flag in enumerate(last) if flag is None]
    found = set()
    for case in range(2 ** len(unknown)):
        tried = [bool(case >> unknown.index(i) & 1) if flag is None else flag for i, flag in enumerate(last)]
        found.add(sum(tried) >= streak.need)
    return int(UNSURE) if len(found) == 2 else int(HOLDS if found == {True} else CLEAR)


def flags(window: list[float], bound: float, below: bool, idle: list[bool]) -> list[bool | None]:
    out: list[bool | None] = []
    for value, rests in zip(window[-len(idle) :], idle, strict=True):
        wrong = value < bound if below else value <= bound
        out.append(None if np.isnan(value) or (rests and wrong) else wrong)
    return out


@settings(max_examples=200, deadline=None)
@given(values, streaks, resting, st.booleans())
def test_a_level_is_known_where_it_did_not_fall(
    window: list[float], streak: Streak, rests: list[bool], one: bool
) -> None:
    idle = rests[-streak.of :]
    windows = np.array([[window]] * (1 if one else 2))
    leaf = Level(LOGINS, "<", 2.0, Grain.WEEK, streak)
    found = judge_level(leaf, windows, True, np.array([[idle]]))
    assert found.tolist() == [[plain(streak, flags(window, 2.0, True, idle))]] * len(windows)


@settings(max_examples=200, deadline=None)
@given(values, streaks, resting)
def test_a_fall_is_known_where_there_is_none(window: list[float], streak: Streak, rests: list[bool]) -> None:
    idle, leaf = rests[-streak.of :], Change(LOGINS, "down", 0.5, 4, Grain.WEEK, streak)
    found = judge_change(leaf, np.array([[window]]), True, np.array([[idle]]))
    before = window[-streak.of - 4 : -streak.of]
    mean = sum(before) / 4
    wanted = plain(streak, flags(window, mean * 0.5 + 1e-9 * mean, False, idle)) if mean > 0 else int(UNSURE)
    assert found.tolist() == [[wanted]]


def test_every_kind_that_falls_waits() -> None:
    quiet = np.zeros((1, 1, 30))
    usual = np.concatenate([np.full((1, 1, 29), 9.0), np.zeros((1, 1, 1))], axis=2)
    for rests, wanted in ((False, HOLDS), (True, UNSURE)):
        idle = np.array([[[rests]]])
        assert judge_absence(Absence(LOGINS, 3), quiet[..., :1], True, idle).tolist() == [[wanted]]
        assert judge_usual(Usual(LOGINS, "down", 20), usual, True, idle).tolist() == [[wanted]]


class Resting(SeriesNumbers):
    """A series whose newest period is idle."""

    def idle(self, grain: Grain, width: int, days: int = 1) -> Bool:
        found = np.zeros((1, len(self.ends(grain)), width), dtype=bool)
        found[0, -1, -1] = True
        return found


METRICS = {
    "logins": MetricSpec(count="events"),
    "amount": MetricSpec(sum="invoices", of="amount"),
    "score": MetricSpec(mean="surveys", of="score"),
    "seats": MetricSpec(last="subscriptions", of="seats"),
    "part": MetricSpec(share="events", of="event = 'x'"),
}


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("logins below 2 per week", UNSURE),
        ("logins down 40% vs the 4 weeks before", UNSURE),
        ("logins below 3 per active person per week", UNSURE),
        ("amount below 2 per week", UNSURE),
        ("score below 2", HOLDS),
        ("seats below 2", HOLDS),
        ("part down 40% vs the 4 weeks before", HOLDS),
        ("logins above 2 per week", CLEAR),
        ("logins below 1 per week", CLEAR),
    ],
)
def test_amounts_wait_and_values_do_not(sentence: str, wanted: int) -> None:
    vocabulary = Vocabulary.of(METRICS, set())
    signal = build(SignalSpec(signal="a", when=sentence), vocabulary)
    metric = sentence.split()[0]
    ones = np.ones((1, 6))
    numbers = Resting({metric: np.array([[9.0, 9, 9, 9, 9, 1]])}, Grain.WEEK, active=ones)
    verdicts = judge(signal, numbers).verdicts
    assert verdicts[0, -1] == wanted
