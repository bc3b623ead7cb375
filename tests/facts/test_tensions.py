"""How near a ticket is to going wrong: points as known at each moment, with reasons, incrementally."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, HOUR_US, Grain, to_us
from beforehand.commands.workspace import Workspace
from beforehand.facts import tensions
from beforehand.facts.derived.strain import Said, State, path, promised_until
from beforehand.panel import Panel
from beforehand.signals.tree import Quantity

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
H, D = HOUR_US, DAY_US


def told(*events: State | Said, ticket: bool = True) -> list[tuple[int, int]]:
    return [(point.at, point.points) for point in path(events, ticket)]


def opened(at: int, **more: Any) -> State:
    return State(at, more.pop("opened_at", at), False, **more)


def solved(at: int) -> State:
    return State(at, 0, True)


def test_a_ticket_that_is_answered_and_solved_has_no_points() -> None:
    assert told(opened(0), Said(0, 0, True), Said(2 * H, 2 * H, False), solved(D)) == []


def test_an_answer_that_does_not_come_adds_up_with_the_clock() -> None:
    found = told(opened(0), Said(0, 0, True), Said(8 * D, 8 * D, False))
    assert found == [(D, 1), (3 * D, 2), (7 * D, 3), (8 * D, 0)]


def test_a_note_that_came_in_time_takes_the_clock_back() -> None:
    assert told(opened(0), Said(0, 0, True), Said(23 * H, 23 * H, False), solved(2 * D)) == []
    late = told(opened(0), Said(0, 0, True), Said(2 * D, 23 * H, False), solved(2 * D))
    assert late == [(D, 1), (2 * D, 0)]  # it was not known in time


def test_opened_again_and_handed_over() -> None:
    found = path([opened(0), solved(H), opened(2 * H), solved(3 * H), opened(4 * H)], True)
    assert [(p.at, p.points) for p in found] == [(2 * H, 2), (3 * H, 0), (4 * H, 4)]
    hands = [opened(n * H, opened_at=0, holder=str(n)) for n in range(6)]
    assert [p for _, p in told(*hands, solved(6 * H))] == [1, 1, 2, 2, 2, 0]


def test_words_promises_and_urgency() -> None:
    angry, asks = Said(H, H, True, angry=True), Said(2 * H, 2 * H, True, asks=True)
    found = path([opened(0, urgent=True), angry, asks, Said(3 * H, 3 * H, False, promised=D), solved(2 * D)], True)
    assert [(p.at, p.points) for p in found] == [(0, 1), (H, 3), (2 * H, 4), (3 * H, 3), (D + 1, 5), (2 * D, 0)]
    assert dict(found[1].reasons) == {"their last message is angry": 2, "it is urgent": 1}
    assert ("a promise of ours was not kept", 2) in found[4].reasons
    sharp = path([opened(0), Said(0, 0, True, sharp=True), Said(H, H, True, angry=True, sharp=True)], True)
    assert [p.points for p in sharp[:2]] == [1, 2 + 1] and sharp[0].reasons[0][0] == "their last message is sharp"
    kept = told(opened(0), Said(3 * H, 3 * H, False, promised=D), Said(20 * H, 20 * H, False), solved(2 * D))
    assert kept == []


def test_a_thread_is_over_when_nobody_writes() -> None:
    found = told(Said(0, 0, True), Said(H, H, True), ticket=False)
    assert found == [(H, 1), (D, 2), (3 * D, 3), (7 * D, 4), (14 * D + H, 0)]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("We will get back to you tomorrow.", 2 * D),
        ("I'll let you know by end of day", D),
        ("we’ll fix it within 4 hours", 4 * H),
        ("We will ship the fix in two weeks", 14 * D),
        ("We'll update you by Friday", 7 * D),
        ("We will follow up", 3 * D),
        ("Did you get back to us?", None),
        ("It is fixed", None),
    ],
)
def test_what_is_promised_and_until_when(text: str, span: int | None) -> None:
    assert promised_until(text, 5) == (None if span is None else 5 + span)


def plain(events: list[State | Said], ticket: bool, moment: int) -> int:
    """The points at a moment, read anew from what was known by then."""
    known = [event for event in events if event.known <= moment]
    points = [point for point in path(known, ticket) if point.at <= moment]
    return points[-1].points if points else 0


event = st.one_of(
    st.builds(lambda at, late, done, who: State(at + late, at, done, False, who), st.integers(0, 20 * D),
              st.sampled_from([0, H, 5 * D]), st.booleans(), st.sampled_from([None, "a", "b"])),
    st.builds(lambda at, late, theirs, angry, span: Said(at + late, at, theirs, angry and theirs, False,
              None if theirs or not span else at + span), st.integers(0, 20 * D), st.sampled_from([0, H, 5 * D]),
              st.booleans(), st.booleans(), st.sampled_from([0, D])),
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(event, max_size=9), st.booleans(), st.integers(0, 40 * D))
def test_what_is_told_of_a_moment_never_follows_from_what_came_later(
    events: list[State | Said], ticket: bool, moment: int
) -> None:
    points = [point for point in path(events, ticket) if point.at <= moment]
    assert (points[-1].points if points else 0) == plain(events, ticket, moment)


METRICS = """
escalation risk:
  last: tensions
  of: points
  says: [escalation risk]
tense:
  count: tensions
  where: points >= 3
"""


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    (tmp_path / "beforehand.yaml").write_text("zone: UTC\nour domains: [vendor.test]\n")
    (tmp_path / "metrics.yaml").write_text(METRICS)
    (tmp_path / "signals").mkdir()
    (tmp_path / "signals" / "tense.yaml").write_text(
        "signal: tense\nwhen: escalation risk at least 4 per day for each ticket\n"
    )
    return Workspace(tmp_path)


def at(days: float) -> str:
    return (BEGIN + timedelta(days=days)).isoformat()


def tickets(*versions: tuple[float, str]) -> str:
    rows = [{"id": "T1", "account": "A", "at": at(0), "learned": at(day), "status": status} for day, status in versions]
    return "\n".join(map(json.dumps, rows))


def letters(*said: tuple[str, float, str, str]) -> str:
    rows = [{"id": i, "account": "A", "at": at(day), "conversation": "T1", "direction": way, "text": text}
            for i, day, way, text in said]  # fmt: skip
    return "\n".join(map(json.dumps, rows))


NET = "SELECT points, reasons, occurred_at::VARCHAR FROM tensions GROUP BY ALL HAVING sum(sign) > 0 ORDER BY 3"


def test_a_table_grows_as_facts_arrive_and_takes_back_what_is_no_longer_so(
    ws: Workspace, write: Callable[..., Path]
) -> None:
    ws.load([write("t.jsonl", tickets((0, "open"), (4, "solved"), (6, "open")))], table="tickets")
    ws.load([write("m.jsonl", letters(("a", 0, "in", "It fails.")))], table="messages")
    with ws.facts() as facts:
        tensions.ensure(facts)
        first = facts.connection.execute(NET).fetchall()
        assert [row[0] for row in first] == [1, 2, 0, 2]
        assert first[1][1] == "no answer for more than 3 days (2)"
        assert first[3][1] == "opened again (2)"
    ws.load([write("n.jsonl", letters(("b", 0.5, "out", "Done.")))], table="messages")
    with ws.facts() as facts:
        tensions.ensure(facts)
        assert [row[0] for row in facts.connection.execute(NET).fetchall()] == [2]
        rows = facts.connection.execute("SELECT count(*), max(stored_seq) FROM tensions").fetchall()
        tensions.ensure(facts)
        assert facts.connection.execute("SELECT count(*), max(stored_seq) FROM tensions").fetchall() == rows


def test_step_by_step_says_the_same_as_at_once(ws: Workspace, tmp_path: Path, write: Callable[..., Path]) -> None:
    said = [
        ("a", 0, "in", "It fails."),
        ("b", 1.5, "out", "We will get back to you tomorrow."),
        ("c", 5, "in", "This is unacceptable, I am furious and disappointed."),
        ("d", 5.1, "in", "Hello?"),
    ]
    ws.load([write("t.jsonl", tickets((0, "open")))], table="tickets")
    for nth, one in enumerate(said):
        ws.load([write(f"m{nth}.jsonl", letters(one))], table="messages")
        with ws.facts() as facts:
            tensions.ensure(facts)
    with ws.facts() as facts:
        steps = facts.connection.execute(NET).fetchall()
        for table in ("tensions", "tensions_made"):
            facts.connection.execute(f"DROP TABLE {table}")
        tensions.ensure(facts)
        assert facts.connection.execute(NET).fetchall() == steps
    assert "they speak of a complaint, a manager or leaving (2)" in steps[-2][1]
    assert "a promise of ours was not kept (2)" in steps[-2][1]


def test_it_is_counted_for_each_ticket_and_opens_alerts(ws: Workspace, write: Callable[..., Path]) -> None:
    ws.load([write("t.jsonl", tickets((0, "open"), (4, "solved"), (6, "open"), (30, "solved")))], table="tickets")
    said = letters(("a", 0, "in", "It fails."), ("b", 6.5, "in", "Again."), ("c", 20, "out", "Ok"))
    ws.load([write("m.jsonl", said)], table="messages")
    with ws.facts() as facts:
        sheet = Panel(facts, ws.folder).sheet(
            "ticket", {(Quantity("escalation risk"), Grain.DAY)}, now_us=to_us(BEGIN) + 32 * D, last=32
        )
        values = sheet.numbers().windows(Quantity("escalation risk"), Grain.DAY, 1)[0, :, 0]
    whole = dict(zip(range(32), values, strict=True))
    assert [whole[day] for day in (3, 5, 7, 9, 14, 20, 31)] == [2, 0, 2 + 1, 2 + 2, 2 + 3, 2, 0]
    ws.run(now=BEGIN + timedelta(days=12))
    (alert,) = ws.alerts()["alerts"]
    assert alert["scope"] == "T1" and alert["state"] == "open"
    story = json.dumps(ws.show(str(alert["alert"])), default=str)
    assert "opened again (2), no answer for more than 3 days (2)" in story


def test_a_replay_sees_what_the_backtest_does(ws: Workspace, write: Callable[..., Path]) -> None:
    ws.load([write("t.jsonl", tickets((0, "open"), (4, "solved"), (6, "open"), (30, "solved")))], table="tickets")
    late = {"id": "b", "account": "A", "at": at(6.5), "learned": at(9.2), "conversation": "T1", "direction": "out"}
    said = letters(("a", 6.1, "in", "Again."), ("c", 11, "in", "I complain formally."), ("d", 20, "out", "Ok"))
    ws.load([write("m.jsonl", said + "\n" + json.dumps(late))], table="messages")
    (ws.root / "signals" / "tense.yaml").write_text(
        "signal: tense\nwhen: escalation risk at least 3 per day for each ticket\n"
    )
    found = Workspace(ws.root).replay(until=BEGIN + timedelta(days=16))
    assert found["equal"] and found["signals"][0]["episodes"] >= 1
