"""The life of episodes: the arrays against a slow plain reference, and the rules one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from beforehand.alerts import Episode, Policy, Tracks, advance, early, trace, warm
from beforehand.signals.numbers import CLEAR, FAILED, HOLDS, UNSURE

WORDS = {".": CLEAR, "X": HOLDS, "?": UNSURE, "!": FAILED}


@dataclass
class Plain:
    """One subject, told as slowly and plainly as possible."""

    policy: Policy
    open: bool = False
    held: int = 0
    calm: int = 0
    armed: bool = True

    def close(self, verdict: int, clear: int | None, inside: bool) -> str | None:
        """What happened at one close: 'opened', 'cleared', 'left' or nothing."""
        if not inside:
            self.held = self.calm = 0
            if self.open:
                self.open = False
                return "left"
            return None
        if self.open:
            return self._while_open(verdict, clear)
        if not self.armed:
            if verdict == CLEAR:
                self.armed = True
            return None
        if verdict == HOLDS:
            self.held += 1
        elif verdict == CLEAR:
            self.held = 0
        if verdict == HOLDS and self.held >= self.policy.delay_in:
            self.open, self.held, self.calm = True, 0, 0
            return "opened"
        return None

    def _while_open(self, verdict: int, clear: int | None) -> str | None:
        if clear is None:
            sign = {int(HOLDS): "unrest", int(CLEAR): "calm"}.get(int(verdict), "nothing")
        elif verdict == HOLDS:
            sign = "unrest"
        else:
            sign = {int(HOLDS): "calm", int(CLEAR): "unrest"}.get(int(clear), "nothing")
        if sign == "unrest":
            self.calm = 0
        elif sign == "calm":
            self.calm += 1
            if self.calm >= self.policy.delay_out:
                self.open, self.calm, self.held = False, 0, 0
                return "cleared"
        return None

    def person_closes(self) -> None:
        self.open, self.held, self.calm, self.armed = False, 0, 0, False


def episodes_of(policy: Policy, verdicts: np.ndarray, clears: np.ndarray | None, inside: np.ndarray) -> list[Episode]:
    found = []
    for row in range(len(verdicts)):
        plain, opened = Plain(policy), 0
        for q in range(verdicts.shape[1]):
            did = plain.close(verdicts[row, q], None if clears is None else clears[row, q], bool(inside[row, q]))
            if did == "opened":
                opened = q
            elif did:
                found.append(Episode(row, opened, q, did))
        if plain.open:
            found.append(Episode(row, opened, None, None))
    return sorted(found, key=lambda e: (e.row, e.opened))


def line(text: str) -> np.ndarray:
    return np.array([[WORDS[c] for c in text]], np.int8)


def life(verdicts: str, clears: str | None = None, inside: str | None = None, **delays: int) -> list[tuple]:
    shown = np.ones((1, len(verdicts)), bool) if inside is None else np.array([[c == "i" for c in inside]])
    told = trace(line(verdicts), None if clears is None else line(clears), shown, Policy(**delays))
    return [(e.opened, e.closed, e.reason) for e in told]


@pytest.mark.parametrize(
    ("given_", "want"),
    [
        ({"verdicts": ".XX."}, [(1, 3, "cleared")]),
        ({"verdicts": "X"}, [(0, None, None)]),
        ({"verdicts": "?!?!"}, []),
        ({"verdicts": "X?!."}, [(0, 3, "cleared")]),  # unsure and failed keep it open
        ({"verdicts": "X.X."}, [(0, 1, "cleared"), (2, 3, "cleared")]),
        ({"verdicts": "XX.XXX", "delay_in": 3}, [(5, None, None)]),
        ({"verdicts": "X?X!X", "delay_in": 3}, [(4, None, None)]),  # unsure neither counts nor starts over
        ({"verdicts": "X.X..", "delay_out": 2}, [(0, 4, "cleared")]),
        ({"verdicts": "X.?.", "delay_out": 2}, [(0, 3, "cleared")]),
        ({"verdicts": "XX..XX", "inside": "iioiii"}, [(0, 2, "left"), (4, None, None)]),
        ({"verdicts": "XXXX", "inside": "iooi"}, [(0, 1, "left"), (3, None, None)]),
        ({"verdicts": "XX.X", "inside": "iooi", "delay_in": 2}, []),  # leaving forgets the count
        ({"verdicts": "X....", "clears": "..X.X"}, [(0, 2, "cleared")]),  # only the clear sentence closes
        ({"verdicts": "X....", "clears": ".?!.."}, [(0, None, None)]),
        ({"verdicts": "X?", "clears": ".X"}, [(0, 1, "cleared")]),  # the clear sentence is sure
        ({"verdicts": "XXXX.", "clears": "XXXXX"}, [(0, 4, "cleared")]),  # overlapping sentences do not flap
        ({"verdicts": "X.....", "clears": ".XX.XX", "delay_out": 2}, [(0, 2, "cleared")]),
        ({"verdicts": "X.....", "clears": ".X.X?X", "delay_out": 2}, [(0, 5, "cleared")]),
    ],
)
def test_rules_one_by_one(given_: dict, want: list) -> None:
    assert life(**given_) == want


def test_after_a_close_by_a_person_it_must_be_clear_once() -> None:
    policy, inside = Policy(), np.ones(1, bool)
    tracks = advance(Tracks.fresh(1), line("X")[0], None, inside, policy).tracks.closed_by_person(np.array([0]))
    assert tracks.stirred.all()
    for word in "XX?!X":
        step = advance(tracks, line(word)[0], None, inside, policy)
        assert not step.opened.any()
        tracks = step.tracks
    outside = advance(tracks, line("X")[0], None, ~inside, policy).tracks
    assert not advance(outside, line("X")[0], None, inside, policy).opened.any()
    calm = advance(outside, line(".")[0], None, inside, policy).tracks
    assert not calm.stirred.any()
    assert advance(calm, line("X")[0], None, inside, policy).opened.all()


def test_early_opens_what_the_close_would_open() -> None:
    inside = np.array([True, True, False, True])
    verdict = np.array([HOLDS, CLEAR, HOLDS, HOLDS])
    tracks = Tracks.fresh(4).closed_by_person(np.array([3]))
    assert early(tracks, verdict, inside, Policy()).tolist() == [True, False, False, False]
    assert not early(tracks, verdict, inside, Policy(delay_in=2)).any()


def test_warm_makes_backlog_of_what_had_held() -> None:
    before = np.concatenate([line("XXX"), line("XX."), line("X?X"), line("?.X")])
    tracks = warm(before, np.ones_like(before, bool), Policy(delay_in=3))
    step = advance(tracks, np.full(4, HOLDS), None, np.ones(4, bool), Policy(delay_in=3))
    assert step.opened.tolist() == [True, False, True, False]
    assert not warm(before, np.ones_like(before, bool), Policy()).stirred.any()


def test_policy_refuses_no_delay() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Policy(delay_in=0)


verdict_words = st.sampled_from([0, 1, 2, 3])
policies = st.builds(Policy, st.integers(1, 4), st.integers(1, 4))


@st.composite
def histories(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, Policy]:
    n, closes = draw(st.integers(1, 6)), draw(st.integers(0, 14))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    weights = draw(st.sampled_from([(4, 4, 1, 1), (1, 8, 1, 0), (8, 1, 1, 1), (1, 1, 6, 0)]))
    p = np.array(weights) / sum(weights)
    verdicts = rng.choice(4, (n, closes), p=p).astype(np.int8)
    clears = rng.choice(4, (n, closes), p=p).astype(np.int8) if draw(st.booleans()) else None
    return verdicts, clears, rng.random((n, closes)) < draw(st.sampled_from([1.0, 0.8])), draw(policies)


@given(histories())
@settings(max_examples=300, deadline=None)
def test_trace_equals_the_plain_reference(history: tuple) -> None:
    verdicts, clears, inside, policy = history
    assert list(trace(verdicts, clears, inside, policy)) == episodes_of(policy, verdicts, clears, inside)


@given(histories(), st.integers(0, 14))
@settings(max_examples=200, deadline=None)
def test_trace_may_be_cut_anywhere(history: tuple, cut: int) -> None:
    verdicts, clears, inside, policy = history
    n, closes = verdicts.shape
    cut = min(cut, closes)
    tracks = Tracks.fresh(n)
    for q in range(cut):
        tracks = advance(tracks, verdicts[:, q], None if clears is None else clears[:, q], inside[:, q], policy).tracks
    rest = trace(verdicts[:, cut:], None if clears is None else clears[:, cut:], inside[:, cut:], policy, tracks)
    whole = trace(verdicts, clears, inside, policy)
    assert [(e.row, e.closed if e.closed is None else e.closed + cut, e.reason) for e in rest] == [
        (e.row, e.closed, e.reason) for e in whole if e.closed is None or e.closed >= cut
    ]
    assert [e.opened + cut for e in rest if e.opened >= 0] == [e.opened for e in whole if e.opened >= cut]


class Life(RuleBasedStateMachine):
    """Closes and acts of persons in any order, arrays beside the plain reference."""

    @initialize(policy=policies, with_clear=st.booleans(), n=st.integers(1, 4))
    def start(self, policy: Policy, with_clear: bool, n: int) -> None:
        self.policy, self.with_clear, self.n = policy, with_clear, n
        self.tracks = Tracks.fresh(n)
        self.plain = [Plain(policy) for _ in range(n)]

    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        row = st.lists(verdict_words, min_size=self.n, max_size=self.n)
        verdict = np.array(data.draw(row), np.int8)
        clear = np.array(data.draw(row), np.int8) if self.with_clear else None
        inside = np.array(data.draw(st.lists(st.sampled_from([True] * 5 + [False]), min_size=self.n, max_size=self.n)))
        soon = early(self.tracks, verdict, inside, self.policy)
        step = advance(self.tracks, verdict, clear, inside, self.policy)
        for i, subject in enumerate(self.plain):
            did = subject.close(verdict[i], None if clear is None else clear[i], bool(inside[i]))
            told = [
                w for w, mask in (("opened", step.opened), ("cleared", step.cleared), ("left", step.left)) if mask[i]
            ]
            assert told == ([did] if did else [])
            if did and did != "left":
                deciding = verdict if did == "opened" or clear is None else clear
                assert int(deciding[i]) in (int(CLEAR), int(HOLDS))  # never on unsure or failed
        assert (soon == step.opened).all()
        self.tracks = step.tracks

    @rule(data=st.data())
    def person_closes(self, data: st.DataObject) -> None:
        still = [i for i in range(self.n) if self.plain[i].open]
        if still:
            row = data.draw(st.sampled_from(still))
            self.plain[row].person_closes()
            self.tracks = self.tracks.closed_by_person(np.array([row]))

    @invariant()
    def same(self) -> None:
        if not hasattr(self, "plain"):
            return
        t = self.tracks
        assert [(p.open, p.held, p.calm, p.armed) for p in self.plain] == list(
            zip(t.open.tolist(), t.held.tolist(), t.calm.tolist(), t.armed.tolist(), strict=True)
        )


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
