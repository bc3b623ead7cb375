"""Made facts, as arrays: what was known at each moment against a plain reading of what was learned by then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_made import (
    Fact,
    Row,
    Version,
    plain_overdue,
    plain_repeated,
    plain_returns,
    plain_waiting,
    plain_without,
    told,
)  # fmt: skip

from beforehand.facts.derived.followed import without
from beforehand.facts.derived.presence import EVER, Made, Ordered, Signed
from beforehand.facts.derived.steps import back_and_forth, repeated
from beforehand.facts.derived.timelines import Versions, overdue, reassigned, reopened, waiting

LAST = 80


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    found = []
    for seq in range(draw(st.integers(0, 14))):
        at = draw(st.integers(0, 30))
        known = at + draw(st.sampled_from([0, 0, 0, 1, 2, 9, 25]))
        gone = known + draw(st.integers(1, 20)) if draw(st.integers(0, 5)) == 0 else int(EVER)
        first = draw(st.booleans())
        found.append(Fact(draw(st.integers(0, 1)), at, seq, known, gone, first, draw(st.booleans()) or not first))
    return sorted(found)


def arrays(rows: Sequence[Fact]) -> Ordered:
    def numbers(name: str) -> np.ndarray:
        return np.array([getattr(row, name) for row in rows], np.int64)

    flags = (np.array([getattr(row, name) for row in rows], bool) for name in ("first", "other"))
    return Ordered(*(numbers(name) for name in ("key", "at", "known", "gone", "seq")), *flags)


def known_at(rows: Signed, moment: int) -> list[Row]:
    """What rows with signs say at a moment; nothing is ever taken back that was not there."""
    counted: Counter[Row] = Counter()
    for seq, at, learned, sign in zip(*rows, strict=True):
        assert at <= learned and abs(sign) == 1
        if learned <= moment:
            counted[int(seq), int(at)] += int(sign)
    assert all(count >= 0 for count in counted.values())
    return sorted(counted.elements())


def agree(rows: list[Fact], made: Made, plain: Callable[[list[Fact], int], list[Row]]) -> None:
    signed = made.signed()
    for moment in range(LAST):
        there = [fact for fact in rows if fact.known <= moment < fact.gone]
        wanted = [row for key in (0, 1) for row in plain([fact for fact in there if fact.key == key], moment)]
        assert known_at(signed, moment) == sorted(wanted), moment


@settings(max_examples=150, deadline=None)
@given(facts(), st.integers(1, 12))
def test_without_is_what_the_facts_known_by_then_say(rows: list[Fact], within: int) -> None:
    agree(rows, without(arrays(rows), within), lambda mine, moment: plain_without(mine, within, moment))


@settings(max_examples=150, deadline=None)
@given(facts(), st.integers(1, 4), st.integers(1, 12))
def test_repeated_is_what_the_facts_known_by_then_say(rows: list[Fact], times: int, within: int) -> None:
    agree(rows, repeated(arrays(rows), times, within), lambda mine, _: plain_repeated(mine, times, within))


@settings(max_examples=150, deadline=None)
@given(facts(), st.integers(1, 12))
def test_back_and_forth_is_what_the_facts_known_by_then_say(rows: list[Fact], within: int) -> None:
    agree(rows, back_and_forth(arrays(rows), within), lambda mine, _: plain_returns(mine, within))


def ordered(*places: tuple[int, str]) -> Ordered:
    """Ordered of one person learned at once: `a` is of the metric, `b` of the other."""
    return arrays([Fact(0, at, n, at, int(EVER), "a" in what, "b" in what) for n, (at, what) in enumerate(places)])


def test_each_third_of_many_in_a_row_completes_a_repetition() -> None:
    made = repeated(ordered(*((at, "a") for at in range(10))), 3, 5)
    assert made.at.tolist() == [2, 5, 8]


def test_what_occurred_at_the_same_time_follows() -> None:
    assert without(ordered((1, "b"), (1, "a"), (5, "ab"), (6, "b"), (9, "ab")), 2).at.tolist() == [11]


def test_the_end_of_the_window_is_in_it() -> None:
    assert without(ordered((1, "a"), (4, "b")), 3).at.tolist() == []
    assert without(ordered((1, "a"), (5, "b")), 3).at.tolist() == [4]
    assert back_and_forth(ordered((1, "a"), (2, "b"), (4, "a")), 3).at.tolist() == [4]
    assert back_and_forth(ordered((1, "a"), (2, "b"), (5, "a")), 3).at.tolist() == []
    assert repeated(ordered((1, "a"), (4, "a")), 2, 3).at.tolist() == [4]


@st.composite
def versions(draw: st.DrawFn) -> list[Version]:
    found = []
    for fact in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, 20))
        known = at + draw(st.integers(0, 3))
        for _ in range(draw(st.integers(1, 5))):
            due, paid = (draw(st.one_of(st.just(int(EVER)), st.integers(0, 40))) for _ in range(2))
            counts = draw(st.integers(0, 4)) > 0
            found.append(Version(fact, known, at, draw(st.booleans()), counts, due, paid, draw(st.integers(0, 2))))
            known += draw(st.integers(1, 12))
            at = min(known, max(0, at + draw(st.sampled_from([0, 0, 0, -2, 5]))))
    return found


def history(rows: list[Version]) -> Versions:
    def column(name: str, kind: type = np.int64) -> np.ndarray:
        return np.array([getattr(row, name) for row in rows], kind)

    return Versions(
        column("fact"), np.arange(len(rows)), column("at"), column("known"), column("done", bool),
        column("counts", bool), column("due"), column("paid"), column("holder"),
    )  # fmt: skip


def total(parts: list[Signed], ids: set[int], at: int, moment: int) -> int:
    """What stands at a time as known at a moment."""
    return sum(
        int(sign) for part in parts for seq, occurred, learned, sign in zip(*part, strict=True)
        if int(seq) in ids and occurred <= at and learned <= moment
    )  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(versions(), st.integers(1, 10))
def test_what_stands_is_what_the_versions_known_by_then_say(rows: list[Version], hours: int) -> None:
    waits = waiting(history(rows), lambda at, _: at + hours)
    owes = overdue(history(rows), hours)
    for part in (*waits, *owes):
        assert (part[1] <= part[2]).all()
    for fact in {row.fact for row in rows}:
        ids = {nth for nth, row in enumerate(rows) if row.fact == fact}
        for moment in range(0, LAST, 3):
            known = [row for row in rows if row.fact == fact and row.known <= moment]
            for at in range(0, moment + 1, 2):
                assert total(waits, ids, at, moment) == (bool(known) and plain_waiting(known, hours, at))
                assert total(owes, ids, at, moment) == (bool(known) and plain_overdue(known, hours, at))


@settings(max_examples=120, deadline=None)
@given(versions())
def test_turns_are_what_each_version_says_of_the_one_before(rows: list[Version]) -> None:
    (back,), (given_away,) = reopened(history(rows)), reassigned(history(rows))
    wanted_back, wanted_away = [], []
    for fact in {row.fact for row in rows}:
        mine = [(nth, row) for nth, row in enumerate(rows) if row.fact == fact]
        begins = [begin for begin, _ in told([row for _, row in mine])]
        holder = 0
        for place, (nth, row) in enumerate(mine):
            before = mine[place - 1][1] if place else None
            if before is not None and before.done and not row.done and row.counts:
                wanted_back.append((nth, begins[place], row.known))
            if holder and row.holder and row.holder != holder and row.counts:
                wanted_away.append((nth, begins[place], row.known))
            holder = row.holder or holder
    for (seq, at, learned, sign), wanted in ((back, wanted_back), (given_away, wanted_away)):
        assert (sign == 1).all()
        assert sorted(zip(seq.tolist(), at.tolist(), learned.tolist(), strict=True)) == sorted(wanted)
