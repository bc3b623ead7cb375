"""Peers and milestones against slow plain references: one subject, one close at a time, in exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import Grain
from beforehand.signals import SeriesNumbers, Signal, Vocabulary, decided, judge, parse, scores
from beforehand.signals.milestone import NEVER, decide_milestone, score_milestone
from beforehand.signals.numbers import CLEAR, FAILED, HOLDS, UNSURE, Float, Trait
from beforehand.signals.peers import LEAST, alike, decide_peers
from beforehand.signals.tree import Milestone, Peers, Quantity, Sentence, Streak

NAN, INF = math.nan, math.inf
Q = Quantity("logins")
UTC = ZoneInfo("UTC")


class Alike(SeriesNumbers):
    """Series with text traits: codes `[n]` that hold at every close."""

    def __init__(self, values: Float, grain: Grain, texts: dict[str, list[str | None]], **more: object) -> None:
        super().__init__({"logins": values}, grain, **more)  # type: ignore[arg-type]
        self.texts = texts

    def trait(self, name: str, grain: Grain) -> Trait:
        if name not in self.texts:
            return super().trait(name, grain)
        words = tuple(sorted({word for word in self.texts[name] if word is not None}))
        codes = np.array([-1 if word is None else words.index(word) for word in self.texts[name]], dtype=np.int32)
        codes = np.repeat(codes[:, None], len(self.ends(grain)), axis=1)
        as_numbers = np.array([*(float(word) if word.isdigit() else NAN for word in words), NAN])
        return Trait(codes=codes, words=words, numbers=as_numbers[codes])


def sentence(condition: object) -> Signal:
    return Signal("one", Sentence("", condition), counted=frozenset({"logins"}))  # type: ignore[arg-type]


def lowest(leaf: Peers, value: float, group: list[float]) -> int:
    """Among the lowest: at most its share of the group have as little."""
    if math.isinf(value):
        return int(FAILED)
    known = [v for v in group if math.isfinite(v)]
    if math.isnan(value) or len(known) < 10:
        return int(UNSURE)
    beyond = sum(v <= value for v in known) if leaf.direction == "down" else sum(v >= value for v in known)
    return int(HOLDS if beyond <= math.floor(Fraction(str(leaf.share)) * len(known)) else CLEAR)


def enough(verdicts: list[int], streak: Streak) -> int:
    if int(FAILED) in verdicts:
        return int(FAILED)
    sure, unsure = verdicts.count(int(HOLDS)), verdicts.count(int(UNSURE))
    return int(HOLDS) if sure >= streak.need else int(UNSURE) if sure + unsure >= streak.need else int(CLEAR)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_peers_are_the_plain_reference(data: st.DataObject) -> None:
    n, closes = data.draw(st.integers(1, 45)), data.draw(st.integers(1, 4))
    item = st.integers(0, 6).map(float) | st.sampled_from([NAN, 2.0])
    flat = data.draw(st.lists(item, min_size=n * closes, max_size=n * closes))
    values = np.array(flat).reshape(n, closes)
    if data.draw(st.booleans()):
        values[data.draw(st.integers(0, n - 1)), 0] = INF
    of = data.draw(st.integers(1, 3))
    streak = Streak(data.draw(st.integers(1, of)), of)
    leaf = Peers(Q, data.draw(st.sampled_from(("down", "up"))), data.draw(st.sampled_from((0.1, 0.25, 0.2, 0.5))),
                 ("plan",), streak=streak)  # fmt: skip
    plans = data.draw(st.lists(st.sampled_from(["pro", "Pro", "basic", None]), min_size=n, max_size=n))
    found = judge(sentence(leaf), Alike(values, Grain.WEEK, {"plan": plans})).verdicts
    groups = [None if plan is None else plan.lower() for plan in plans]
    each = [
        [
            lowest(leaf, values[row, q], [values[r, q] for r in range(n) if groups[r] == groups[row]])
            for q in range(closes)
        ]
        for row in range(n)
    ]
    for row in range(n):
        for q in range(closes):
            last = [int(UNSURE)] * max(0, of - 1 - q) + each[row][max(0, q - of + 1) : q + 1]
            assert found[row, q] == enough(last, streak)


def test_what_many_have_is_not_the_lowest() -> None:
    values = np.array([[0.0]] * 12 + [[5.0]] * 8)
    found = judge(sentence(Peers(Q, "down")), Alike(values, Grain.WEEK, {})).verdicts[:, 0]
    assert set(found.tolist()) == {0}
    values = np.array([[0.0]] * 4 + [[5.0]] * 16)
    found = judge(sentence(Peers(Q, "down")), Alike(values, Grain.WEEK, {})).verdicts[:, 0]
    assert found.tolist() == [1] * 4 + [0] * 16


def test_blocks_are_decided_as_one_and_a_kept_threshold_stays() -> None:
    rng = np.random.default_rng(8)
    values = rng.poisson(8, (60, 5)).astype(float)
    plans: list[str | None] = [["a", "b", None][row % 3] for row in range(60)]
    signal = sentence(Peers(Q, "down", like=("plan",)))
    whole = judge(signal, Alike(values, Grain.WEEK, {"plan": plans})).verdicts
    parts = [Alike(values[a : a + 20], Grain.WEEK, {"plan": plans[a : a + 20]}) for a in (0, 20, 40)]
    scored = [scores(signal, part) for part in parts]
    thresholds = decided(scored)
    again = [judge(signal, p, scored=s, thresholds=thresholds).verdicts for p, s in zip(parts, scored, strict=True)]
    assert (np.concatenate(again) == whole).all()
    assert {key[2] for key in thresholds} == {"plan a", "plan b", "plan not known"}
    others = Alike(np.concatenate([values[:20], values[:20] * 9]), Grain.WEEK, {"plan": plans[:20] * 2})
    assert (judge(signal, others, thresholds=thresholds).verdicts[:20] == whole[:20]).all()


def test_who_is_alike() -> None:
    texts: dict[str, list[str | None]] = {"plan": ["pro", "PRO ", None], "seats": ["2", "9", "10"]}
    ages = {"age": np.array([[10.0, 100.0], [400.0, 500.0], [NAN, 3.0]])}
    numbers = Alike(np.zeros((3, 2)), Grain.WEEK, texts, traits=ages)
    codes, names = alike((), numbers, Grain.WEEK)
    assert [[names[c] for c in row] for row in codes] == [
        ["plan pro, under 90 days", "plan pro, under a year"],
        ["plan pro, a year or more", "plan pro, a year or more"],
        ["plan not known, age not known", "plan not known, under 90 days"],
    ]
    numbers = Alike(np.zeros((3, 2)), Grain.WEEK, {"size": [None, None, "50"]}, traits={"seats": np.full((3, 2), 4.0)})
    codes, names = alike(("size",), numbers, Grain.WEEK)
    assert [names[c] for c in codes[:, 0]] == ["size 3 to 10", "size 3 to 10", "size 30 to 100"]


# -- milestones ----------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_milestone_is_the_plain_reference(data: st.DataObject) -> None:
    days = data.draw(st.integers(1, 6))
    counts = data.draw(st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, NAN]), min_size=9, max_size=9))
    since = data.draw(st.integers(-3, 6))
    ages = np.array([[float(since + day) if since + day >= 0 else NAN for day in range(9)]])
    leaf = Milestone(Q, days)
    numbers = SeriesNumbers({"logins": np.array([counts])}, Grain.DAY, traits={"age": ages})
    found = judge(sentence(leaf), numbers).verdicts[0]
    for q in range(9):
        known = [c for c in counts[: q + 1] if not math.isnan(c)]
        none = None if not known else sum(known) < 1
        asked = None if math.isnan(ages[0, q]) else ages[0, q] >= days
        expected = CLEAR if False in (none, asked) else UNSURE if None in (none, asked) else HOLDS
        assert found[q] == expected


def slowest(leaf: Milestone, people: list[tuple[float, bool]]) -> float | None:
    """The day by which all but the share have come to it: Kaplan and Meier's estimate, days one after the other."""
    if len(people) < LEAST:
        return None
    still = Fraction(1)
    for day in range(366):
        at_risk = sum(waited >= day for waited, _ in people)
        came = sum(waited == day and reached for waited, reached in people)
        if at_risk:
            still *= 1 - Fraction(came, at_risk)
        if still <= Fraction(str(leaf.share)):
            return day
    return NEVER


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_slowest_are_the_plain_reference(data: st.DataObject) -> None:
    n, closes, before = data.draw(st.integers(1, 30)), 3, 365
    leaf = Milestone(Q, None, share=data.draw(st.sampled_from((0.1, 0.25, 0.5))))
    began = data.draw(st.lists(st.integers(-40, closes + 1), min_size=n, max_size=n))  # day of the signup
    took = data.draw(st.lists(st.none() | st.integers(0, 40), min_size=n, max_size=n))
    series, since = np.zeros((n, before + closes)), np.full((n, closes), NAN)
    for row in range(n):
        series[row, : before + began[row]] = NAN
        if took[row] is not None:
            series[row, before + began[row] + took[row] :] = 1.0
        for q in range(closes):
            if q >= began[row]:
                since[row, q] = q - began[row]
    waited = score_milestone(leaf, series, since)
    codes = np.array([[row % 2] * closes for row in range(n)], dtype=np.int32)
    found = decide_milestone(leaf, waited, since, np.ones((n, closes), bool), codes, 2)
    for q in range(closes):
        for group in range(2):
            people = []
            for row in range(group, n, 2):
                if began[row] <= q:
                    reached = took[row] is not None and began[row] + took[row] <= q
                    people.append((took[row] if reached else q - began[row], reached))
            expected = slowest(leaf, people)
            assert np.isnan(found[group, q]) if expected is None else found[group, q] == expected


def test_who_is_later_than_the_slowest_quarter() -> None:
    days = 80
    counts, ages = np.zeros((13, days)), np.full((13, days), NAN)
    for row in range(13):
        ages[row] = np.arange(days)
        if row < 10:
            counts[row, 5 + row] = 1  # after 5 to 14 days
    leaf = parse("first logins later than the slowest quarter of accounts like it", Vocabulary.anything()).condition
    numbers = SeriesNumbers({"logins": counts}, Grain.DAY, traits={"age": ages})
    found = judge(sentence(leaf), numbers).verdicts
    assert isinstance(leaf, Milestone)
    # 13 accounts, 10 of whom came to it: three quarters had by day 14.
    assert found[12].tolist() == [0] * 15 + [1] * (days - 15)
    assert set(found[0].tolist()) == {0}


@pytest.mark.parametrize("direction", ["down", "up"])
def test_too_few_have_no_bound(direction: str) -> None:
    values = np.arange(9.0)[:, None]
    found = decide_peers(Peers(Q, direction), values, np.ones((9, 1), bool), np.zeros((9, 1), np.int32), 1)  # type: ignore[arg-type]
    assert np.isnan(found).all()
