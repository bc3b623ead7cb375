"""Closes written into the state: against the plain rules, with persons acting and crashes on the way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from beforehand import store as rooms
from beforehand.alerts import Policy, Reason, Tracks
from beforehand.calendar import to_us
from beforehand.commands import closes
from beforehand.commands.closes import Sheet, Tally, Told
from beforehand.signals.numbers import CLEAR, FAILED, HOLDS, UNSURE
from beforehand.store import Store

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
WEEK = timedelta(weeks=1)
WORDS = {".": CLEAR, "X": HOLDS, "?": UNSURE, "!": FAILED}


class Listed(list):
    """Subjects whose labels are at hand."""

    def rows(self, keys):
        return {key: self.index(key) for key in keys if key in self}


def tell(sheet: Sheet, q: int, rows: Sequence[int]) -> list[Told]:
    return [Told(f"{sheet.keys[row][0]}: {sheet.signal}", MONDAY, owner="ann") for row in rows]


def sheet(
    *lines: str, signal: str = "drop", first: bool = False, inside: list[str] | None = None, **given: object
) -> Sheet:
    verdicts = np.array([[WORDS[c] for c in line] for line in lines], np.int8).reshape(len(lines), -1)
    plain: dict = {
        "signal": signal,
        "digest": "d1",
        "shadow": False,
        "severity": "high",
        "grain": "week",
        "policy": Policy(),
        "keys": Listed((f"a{i}", "") for i in range(len(lines))),
        "ends_us": np.array([to_us(MONDAY + (q + 1) * WEEK) for q in range(verdicts.shape[1])]),
        "verdicts": verdicts,
        "clears": None,
        "inside": np.ones_like(verdicts, bool)
        if inside is None
        else np.array([[c == "i" for c in line] for line in inside]),
        "start": Tracks.fresh(len(lines)) if first else None,
    }
    return Sheet(**(plain | given))


def at(week: int) -> datetime:
    return MONDAY + week * WEEK


@pytest.fixture
def state(tmp_path: Path):
    with Store.open(tmp_path / "state.sqlite") as opened:
        yield opened


def judge(state: Store, given: Sheet, tally: Tally | None = None) -> Tally:
    tally = tally or Tally()
    for q in range(given.closes):
        with state.write() as session:
            closes.judge_close(session, given, q, at(q + 1), tell, tally)
    return tally


def told(state: Store) -> list[tuple]:
    with state.read() as session:
        return [
            (a.account, a.scope, week(a.opened_at), a.closed_at and week(a.closed_at), a.close_reason, a.reopens)
            for a in rooms.find_alerts(session)
        ]


def week(when: datetime) -> int:
    return (when - MONDAY) // WEEK


def test_one_signal_through_its_weeks(state: Store) -> None:
    tally = judge(state, sheet(".XX.X", "X?!.."))
    assert told(state) == [
        ("a1", "", 1, 4, "cleared", None),
        ("a0", "", 2, 4, "cleared", None),
        ("a0", "", 5, None, None, 2),
    ]
    assert [len(x) for x in (tally.opened, tally.updated, tally.closed, tally.held)] == [3, 1, 2, 1]
    with state.read() as session:
        assert [line.act for line in rooms.log_of(session, 2)] == ["opened", "closed"]
        assert rooms.log_of(session, 3)[0].details == {"reopens": 2}
        judged = rooms.closes_between(session, None, None)
        assert [(c.holds, c.unsure, c.failed, c.opened, c.closed) for c in judged] == [
            (1, 0, 0, 1, 0),
            (1, 1, 0, 1, 0),
            (1, 0, 1, 0, 0),
            (0, 0, 0, 0, 2),
            (1, 0, 0, 1, 0),
        ]
        assert rooms.watches(session)["drop"].last_close_at == at(5)


def test_the_first_close_makes_backlog(state: Store) -> None:
    judge(state, sheet("XX.X", ".X..", first=True))
    with state.read() as session:
        assert [(a.account, a.backlog) for a in rooms.find_alerts(session)] == [
            ("a0", True),
            ("a1", False),
            ("a0", False),
        ]


def test_a_changed_definition(state: Store) -> None:
    judge(state, sheet("X", "X", "."))
    changed = sheet("X", ".", "X", digest="d2", first=True, changed=True, severity="low")
    judge(state, changed)
    assert told(state) == [
        ("a0", "", 1, None, None, None),
        ("a1", "", 1, 1, "superseded", None),
        ("a2", "", 1, None, None, None),
    ]
    with state.read() as session:
        kept, _, new = rooms.find_alerts(session)
        assert (kept.signal_digest, kept.severity, kept.backlog, new.backlog) == ("d2", "low", False, True)
        assert rooms.watches(session)["drop"].digest == "d2"
        assert [c.digest for c in rooms.closes_between(session, None, None)] == ["d2"]


def test_subjects_that_are_gone(state: Store) -> None:
    judge(state, sheet("X", "X", "X", keys=Listed([("acme", ""), ("old", ""), ("acme", "ann@acme.com")])))
    after = sheet(
        "X", keys=Listed([("acme", "")]), gone=lambda key: Reason.SUPERSEDED if key[0] == "old" else Reason.LEFT
    )
    judge(state, after)
    assert [(account, scope, reason) for account, scope, _, _, reason, _ in told(state)] == [
        ("acme", "", None),
        ("old", "", "superseded"),
        ("acme", "ann@acme.com", "left"),
    ]


def test_delays_go_on_over_runs(state: Store) -> None:
    policy = Policy(delay_in=3, delay_out=2)
    whole = "XX?X..X..?.XXX"
    for q in range(len(whole)):
        one = sheet(whole[q], policy=policy, ends_us=np.array([to_us(at(q + 1))]))
        with state.write() as session:
            closes.judge_close(session, one, 0, at(q + 1), tell, Tally())
    assert [(opened, closed) for _, _, opened, closed, _, _ in told(state)] == [(4, 6), (14, None)]


def test_filling_periods_only_open(state: Store) -> None:
    early = sheet(".X", ".X", "X.", "XX", filling=True)
    judge(state, early)
    for _ in range(2):  # once more changes nothing
        with state.read() as session:
            soon = closes.opening(session, early, 1)
        with state.write() as session:
            closes.judge_filling(session, early, at(1) + timedelta(days=2), tell, Tally())
    assert soon == []
    assert told(state)[2:] == [("a0", "", 2, None, None, None), ("a1", "", 2, None, None, None)]
    with state.read() as session:
        alert = rooms.find_alerts(session, account="a0")[0]
        assert (alert.opened_at, alert.raised_at) == (at(2), at(1) + timedelta(days=2))
        assert len(rooms.find_alerts(session, open_only=True)) == 4
    tally = Tally()
    with state.write() as session:
        closes.judge_close(session, sheet(".X", ".X", "X.", "XX"), 1, at(2), tell, tally)
    assert (len(tally.opened), len(tally.updated), len(tally.closed)) == (0, 3, 1)


def test_modes(state: Store) -> None:
    judge(state, sheet("X", shadow=True))
    with state.write() as session:
        assert closes.switch(session, rooms.watches(session)["drop"], "on", at(2)) == []
    with state.read() as session:
        (alert,) = rooms.find_alerts(session)
        assert (alert.shadow, alert.backlog) == (False, True)
    with state.write() as session:
        assert len(closes.switch(session, rooms.watches(session)["drop"], "off", at(3))) == 1
    with state.read() as session:
        assert rooms.watches(session) == {}
        assert [line.act for line in rooms.log_of(session, 1)] == ["opened", "switched", "closed"]
    assert told(state) == [("a0", "", 1, 3, "superseded", None)]


def test_shadow_is_counted_apart(state: Store) -> None:
    tally = judge(state, sheet("XX.", shadow=True))
    assert [len(x) for x in (tally.opened, tally.updated, tally.closed, tally.shadow)] == [0, 0, 0, 1]


class CrashError(Exception):
    """Stands for a kill inside a transaction."""


@pytest.mark.parametrize("seed", range(8))
def test_persons_and_crashes_in_any_order(tmp_path: Path, seed: int) -> None:
    """The state after each close equals the arrays that never touched a database."""
    dice = random.Random(seed)
    n, weeks = 12, 14
    policy = Policy(dice.choice((1, 1, 2, 3)), dice.choice((1, 1, 2)))
    words = ["".join(dice.choices(".X?!", (5, 5, 2, 1), k=weeks)) for _ in range(n)]
    clears = np.array([[WORDS[c] for c in "".join(dice.choices(".X?", k=weeks))] for _ in range(n)], np.int8)
    lives = ["".join(dice.choices("io", (9, 1), k=weeks)) for _ in range(n)]
    given = sheet(*words, inside=lives, policy=policy, clears=clears if seed % 2 else None)
    plain = Tracks.fresh(n)
    with Store.open(tmp_path / "state.sqlite") as state:
        for q in range(weeks):
            while dice.random() < 0.4:
                with pytest.raises(CrashError), state.write() as session:
                    closes.judge_close(session, given, q, at(q + 1), tell, Tally())
                    raise CrashError
            with state.write() as session:
                closes.judge_close(session, given, q, at(q + 1), tell, Tally())
            clear = None if given.clears is None else given.clears[:, q]
            plain = closes.advance(plain, given.verdicts[:, q], clear, given.inside[:, q], policy).tracks
            with state.write() as session:
                for key, alert in rooms.open_alerts(session, ["drop"])["drop"].items():
                    if dice.random() < 0.15:
                        closes.close_alert(session, alert, Reason.RESOLVED, at(q + 1), at(q + 1), "ann")
                        rooms.disarm(session, "drop", key)
                        plain = plain.closed_by_person(np.array([given.keys.index(key)]))
            with state.read() as session:
                found = closes._before(session, given, q + 1)
                assert np.array_equal(found.tracks.open, plain.open)
                assert np.array_equal(found.tracks.held, plain.held)
                assert np.array_equal(found.tracks.calm, plain.calm)
                assert np.array_equal(found.tracks.armed, plain.armed)
                assert len(found.kept) == int(plain.stirred.sum())
                numbers = [a.number for a in rooms.find_alerts(session)]
                assert numbers == list(range(1, len(numbers) + 1))  # a crash leaves no gap behind
