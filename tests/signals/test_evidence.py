"""What a story is given: the numbers behind a verdict, and since when it has been so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import Grain
from beforehand.signals import kind_of
from beforehand.signals.numbers import HOLDS
from beforehand.signals.tree import Absence, Change, Leaf, Level, Quantity, Streak, Usual

Q = Quantity("logins")


def evidence(leaf: Leaf, *values: float, counted: bool = True):  # type: ignore[no-untyped-def]
    return kind_of(leaf).evidence(leaf, np.array(values, dtype=float), counted)


def test_a_level_tells_its_bound_gap_and_run() -> None:
    told = evidence(Level(Q, "<", 2, streak=Streak(3, 3)), 6, 1, 1, 1, 0)
    assert (told.kind, told.op, told.bound, told.gap, told.wrong, told.run) == ("level", "<", 2, -2, 3, 4)
    assert told.values.tolist() == [1, 1, 0]
    assert told.history.tolist() == [6, 1]
    assert told.expected is None
    broken = evidence(Level(Q, "<", 3, streak=Streak(3, 4)), 1, 5, 1, 1)
    assert (broken.wrong, broken.run) == (3, 2)
    assert evidence(Level(Q, "<", 3), 1, np.nan, 1).run == 1, "what is not known breaks the run"
    assert evidence(Level(Q, "<", 3), 1, 1).run == 2
    assert evidence(Level(Q, "<", 3), 5).run == 0


def test_a_change_tells_its_mean() -> None:
    told = evidence(Change(Q, "down", 0.4, 3, streak=Streak(2, 2)), 99, 10, 10, 10, 6, 3)
    assert (told.expected, told.bound, told.op, told.wrong, told.run) == (10, 6, "<=", 2, 2)
    assert told.gap == -3
    up = evidence(Change(Q, "up", 0.5, 2), 10, 10, 14)
    assert (up.bound, up.op, up.wrong, up.gap) == (15, ">=", 0, -1)


def test_usual_tells_its_band() -> None:
    told = evidence(Usual(Q, "down", 8), *[16] * 8, 2)
    assert (told.lower, told.expected, told.upper) == (6, 16, 26)
    assert (told.bound, told.gap, told.wrong) == (6, -4, 1)
    far = evidence(Usual(Q, "up", 8, far=True), *[16] * 8, 40)
    assert (far.bound, far.gap) == (36, 4)


def test_absence_tells_how_long_nothing_was_counted() -> None:
    told = evidence(Absence(Q, 14), 3, 0, 0, 0)
    assert (told.quantity.rolling_days, told.grain, told.run, told.wrong, told.gap) == (14, Grain.DAY, 3, 1, -1)


LEAVES = [
    Level(Q, ">=", 3, streak=Streak(2, 3)),
    Change(Q, "up", 0.5, 3, streak=Streak(2, 3)),
    Usual(Q, "up", 9, streak=Streak(2, 3)),
    Absence(Q, 14),
]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: type(leaf).__name__)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_evidence_agrees_with_the_verdict(leaf: Leaf, data: st.DataObject) -> None:
    kind = kind_of(leaf)
    values = st.integers(0, 9).map(float) | st.just(np.nan)
    width = kind.width(leaf)
    window = np.array(data.draw(st.lists(values, min_size=width, max_size=width)))
    holds = kind.judge(leaf, window[np.newaxis, np.newaxis], True)[0, 0] == HOLDS
    told = kind.evidence(leaf, window, True)
    if holds:
        assert told.wrong >= told.streak.need
        assert told.values.size == told.streak.of
    elif not np.isnan(window).any() and (told.expected is None or told.expected > 0):
        assert told.wrong < told.streak.need
