"""Each judge against a slow plain reference: one subject, one close, one window at a time, in exact arithmetic."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from beforehand.calendar import Grain
from beforehand.signals import band, kind_of
from beforehand.signals import judges as fast
from beforehand.signals.numbers import CLEAR, FAILED, HOLDS, UNSURE
from beforehand.signals.tree import Absence, Change, Direction, Leaf, Level, Quantity, Spike, Streak, Usual
from beforehand.signals.usual import median_and_mad

Q = Quantity("logins")
NAN, INF = math.nan, math.inf
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from(("down", "up"))
values = st.integers(0, 12).map(float) | st.sampled_from([NAN, NAN, 0.5, 1e9])
rare = values | st.sampled_from([INF, -INF])


@st.composite
def streaks(draw: st.DrawFn) -> Streak:
    of = draw(st.integers(1, 5))
    return Streak(draw(st.integers(1, of)), of)


def rows(length: int, items: st.SearchStrategy[float] = rare) -> st.SearchStrategy[list[float]]:
    return st.lists(items, min_size=length, max_size=length)


# -- the reference, written from CONTRACT.md and docs/explanation/sentences.md ------------------------------------


def enough(wrong: list[bool | None], need: int) -> int:
    """Kleene's answer by trying every way the unknown periods could have been."""
    outcomes = set()
    for pattern in range(2 ** len(wrong)):
        tried = [(pattern >> i) & 1 == 1 if w is None else w for i, w in enumerate(wrong)]
        outcomes.add(sum(tried) >= need)
    return int(UNSURE) if len(outcomes) == 2 else int(HOLDS) if outcomes == {True} else int(CLEAR)


def on_wrong_side(value: float, op: str, bound: Fraction | float) -> bool | None:
    if math.isnan(value):
        return None
    exact = Fraction(value)
    return {"<": exact < bound, "<=": exact <= bound, ">": exact > bound, ">=": exact >= bound}[op]


def level(leaf: Level, window: list[float]) -> int:
    judged = window[len(window) - leaf.streak.of :]
    if any(math.isinf(v) for v in judged):
        return int(FAILED)
    return enough([on_wrong_side(v, leaf.op, Fraction(leaf.bound)) for v in judged], leaf.streak.need)


def change(leaf: Change, window: list[float]) -> int:
    before, judged = window[: leaf.baseline], window[-leaf.streak.of :]
    window = before + judged
    if any(math.isinf(v) for v in window):
        return int(FAILED)
    if any(math.isnan(v) for v in before):
        return int(UNSURE)
    mean = sum(Fraction(v) for v in before) / leaf.baseline
    if mean <= 0:
        return int(UNSURE)
    part = Fraction(str(leaf.fraction))
    if leaf.direction == "down":
        return enough([on_wrong_side(v, "<=", mean * (1 - part)) for v in judged], leaf.streak.need)
    return enough([on_wrong_side(v, ">=", mean * (1 + part)) for v in judged], leaf.streak.need)


def usual_band(history: list[float], counted: bool, far: bool) -> tuple[float, float, float] | None:
    known = [v for v in history if not math.isnan(v)]
    if len(known) < 8:
        return None
    mid = statistics.median(known)
    mad = statistics.median([abs(v - mid) for v in known])
    least = math.sqrt(max(mid, 1)) if counted else abs(mid) * 0.05
    half = (5 if far else 2.5) * max(1.4826 * mad, least)
    low = max(0.0, mid - half) if counted else mid - half
    return low, mid, mid + half


def usual(leaf: Usual, window: list[float], counted: bool) -> int:
    if any(math.isinf(v) for v in window):
        return int(FAILED)
    found = usual_band(window[: leaf.baseline], counted, leaf.far)
    if found is None:
        return int(UNSURE)
    low, _, high = found
    judged = window[leaf.baseline :]
    side = ("<", Fraction(low)) if leaf.direction == "down" else (">", Fraction(high))
    return enough([on_wrong_side(v, *side) for v in judged], leaf.streak.need)


# -- the comparison -----------------------------------------------------------------------------------------------


def one(leaf: Leaf, window: list[float], counted: bool = True) -> int:
    verdicts = kind_of(leaf).judge(leaf, np.array([[window]], dtype=np.float64), counted)
    assert verdicts.shape == (1, 1)
    assert verdicts.dtype == np.int8
    return int(verdicts[0, 0])


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_level_is_the_reference(data: st.DataObject) -> None:
    streak = data.draw(streaks())
    leaf = Level(
        Q, data.draw(st.sampled_from(("<", "<=", ">", ">="))), float(data.draw(st.integers(0, 12))), streak=streak
    )
    window = data.draw(rows(streak.of))
    assert one(leaf, window) == level(leaf, window)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_change_is_the_reference(data: st.DataObject) -> None:
    streak, baseline = data.draw(streaks()), data.draw(st.integers(1, 6))
    direction = data.draw(DIRECTIONS)
    fraction = data.draw(st.sampled_from((0.01, 0.1, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9, 1.0)))
    ago = data.draw(st.just(0) | st.integers(streak.of, streak.of + 4))
    leaf = Change(Q, direction, fraction, baseline, streak=streak, ago=ago)
    between = data.draw(rows(leaf.gap - streak.of)) if ago else []
    few_nan = st.integers(0, 12).map(float) | st.integers(0, 12).map(float) | rare
    window = data.draw(rows(baseline, few_nan)) + between + data.draw(rows(streak.of))
    assert one(leaf, window) == change(leaf, window)


@pytest.mark.parametrize("counted", [True, False])
@settings(max_examples=250, deadline=None)
@given(st.data())
def test_usual_is_the_reference(counted: bool, data: st.DataObject) -> None:
    streak, baseline = data.draw(streaks()), data.draw(st.integers(8, 30))
    leaf = Usual(Q, data.draw(st.sampled_from(("down", "up"))), baseline, streak=streak, far=data.draw(st.booleans()))
    steady = st.integers(20, 40).map(float)
    history = data.draw(rows(baseline, steady) | rows(baseline, steady | st.just(NAN)) | rows(baseline))
    window = history + data.draw(rows(streak.of, st.integers(0, 90).map(float) | rare))
    assert one(leaf, window, counted) == usual(leaf, window, counted)


@settings(deadline=None)
@given(st.sampled_from([0.0, 0.5, 1.0, 7.0, NAN, INF]))
def test_absence_is_less_than_one(value: float) -> None:
    expected = (
        int(FAILED) if math.isinf(value) else int(UNSURE) if math.isnan(value) else int(HOLDS if value < 1 else CLEAR)
    )
    assert one(Absence(Q, 14), [value]) == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6) | st.just(NAN), min_size=1, max_size=40), st.booleans(), st.booleans())
@example([0.0] * 8, True, False)
@example([5.0] * 7 + [NAN] * 9, True, False)
def test_the_band_is_the_plain_one(history: list[float], counted: bool, far: bool) -> None:
    found = band(np.array(history), counted=counted, far=far)
    expected = usual_band(history, counted, far)
    if expected is None:
        assert math.isnan(found.mid)
        assert math.isnan(found.lower)
        assert math.isnan(found.upper)
    else:
        assert np.allclose([found.lower, found.mid, found.upper], expected, rtol=1e-12, atol=1e-9)


def test_the_median_of_many_histories_at_once_is_that_of_each() -> None:
    rng = np.random.default_rng(3)
    histories = rng.poisson(6, (200, 9, 27)).astype(float)
    histories[rng.random(histories.shape) < 0.3] = NAN
    histories[:20] = NAN
    mid, mad = median_and_mad(histories)
    for row in range(200):
        for close in range(9):
            known = histories[row, close][~np.isnan(histories[row, close])]
            if known.size < 8:
                assert np.isnan(mid[row, close])
            else:
                assert mid[row, close] == np.median(known)
                assert mad[row, close] == np.median(np.abs(known - np.median(known)))


LEAVES: list[Leaf] = [
    Level(Q, "<", 3, streak=Streak(2, 3)),
    Change(Q, "down", 0.4, 8, streak=Streak(2, 2)),
    Usual(Q, "up", 12, streak=Streak(1, 2)),
    Absence(Q, 14),
]
SCORED = [Spike(Q, Grain.QUARTER, Streak(1, 2))]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: type(leaf).__name__)
def test_strided_views_in_blocks_give_what_each_window_alone_gives(leaf: Leaf, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    series = rng.poisson(4, (57, 40)).astype(float)
    series[rng.random(series.shape) < 0.05] = NAN
    series[3, 20] = INF
    series.setflags(write=False)
    width = kind_of(leaf).width(leaf)
    windows = sliding_window_view(series, width, axis=1)
    whole = kind_of(leaf).judge(leaf, windows, True)
    monkeypatch.setattr(fast, "BLOCK", 64)
    monkeypatch.setattr(fast, "SORTED_BLOCK", 64)
    in_blocks = fast.__dict__[f"judge_{kind_of(leaf).name}"](leaf, windows, True)
    assert (whole == in_blocks).all()
    assert {0, 1, 2, 3} <= set(np.unique(whole).tolist()) or isinstance(leaf, Absence)
    for row in range(57):
        for close in range(windows.shape[1]):
            assert whole[row, close] == one(leaf, windows[row, close].tolist())


@pytest.mark.parametrize("leaf", [*LEAVES, *SCORED], ids=lambda leaf: type(leaf).__name__)
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_no_subjects_and_no_closes_are_judged_too(leaf: Leaf, shape: tuple[int, int]) -> None:
    kind = kind_of(leaf)
    assert kind.judge(leaf, np.empty((*shape, kind.width(leaf))), True).shape == shape


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=4))
def test_compounds_are_kleenes(parts: list[list[int]]) -> None:
    arrays = [np.array([p], dtype=np.int8) for p in parts]
    every, some = fast.all_of(arrays)[0], fast.any_of(arrays)[0]
    for close in range(2):
        seen = {p[close] for p in parts}
        expected = 0 if 0 in seen else 3 if 3 in seen else 2 if 2 in seen else 1
        assert every[close] == expected
        expected = 1 if 1 in seen else 3 if 3 in seen else 2 if 2 in seen else 0
        assert some[close] == expected


def test_a_percentage_of_nothing_is_unsure() -> None:
    for leaf in (Change(Q, "down", 0.5, 3), Change(Q, "up", 0.5, 3)):
        assert one(leaf, [0, 0, 0, 10]) == UNSURE
        assert one(leaf, [-3, -3, -3, -10]) == UNSURE
    assert one(Change(Q, "down", 0.4, 1), [10, 6]) == HOLDS, "exactly 40% counts"
    assert one(Change(Q, "down", 0.9, 1), [10, 1]) == HOLDS, "also where binary numbers are off"
    assert one(Change(Q, "down", 0.4, 1), [10, 7]) == CLEAR


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_within_usual_is_the_reference(data: st.DataObject) -> None:
    streak, counted = data.draw(streaks()), data.draw(st.booleans())
    history = data.draw(rows(10, st.integers(20, 40).map(float) | st.just(NAN)))
    judged = data.draw(rows(streak.of, st.integers(0, 60).map(float) | rare))
    leaf = Usual(Q, "within", 10, streak=streak)
    known = usual_band(history, counted, False)
    if any(math.isinf(v) for v in judged):
        expected = int(FAILED)
    elif known is None:
        expected = int(UNSURE)
    else:
        inside = [None if math.isnan(v) else known[0] <= v <= known[2] for v in judged]
        expected = enough(inside, streak.need)
    assert one(leaf, history + judged, counted) == expected


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_fell_in_an_idle_period_is_not_known(data: st.DataObject) -> None:
    streak = data.draw(streaks())
    leaf = Level(Q, "<", float(data.draw(st.integers(0, 12))), streak=streak)
    window = data.draw(rows(streak.of, values))
    resting = data.draw(st.lists(st.booleans(), min_size=streak.of, max_size=streak.of))
    found = fast.judge_level(leaf, np.array([[window]]), True, np.array([[resting]]))[0, 0]
    low = [v < leaf.bound for v in window]
    assert found == level(leaf, [NAN if r and fell else v for v, r, fell in zip(window, resting, low, strict=True)])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_business_days_are_counted_back_one_by_one(data: st.DataObject) -> None:
    width, days = 16, data.draw(st.integers(1, 6))
    counts = data.draw(rows(width, st.sampled_from([0.0, 0.0, 0.0, 1.0, NAN])))
    works = data.draw(st.lists(st.booleans(), min_size=width, max_size=width))
    left, since = days, width
    while left and since:
        since -= 1
        left -= works[since]
    found = fast.in_business_days(np.array([[counts]]), np.array([[works]]), days)
    verdict = fast.judge_absence(Absence(Q, days, business=True), found)[0, 0]
    seen = counts[since:]
    if left:
        assert verdict == UNSURE
    else:
        assert verdict == (CLEAR if 1.0 in seen else UNSURE if any(map(math.isnan, seen)) else HOLDS)
