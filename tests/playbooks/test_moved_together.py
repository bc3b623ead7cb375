"""Runs moved some hundreds in a transaction: as if one by one, and those that wait are not read."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playbook_world import MONDAY, Told
from sqlalchemy import delete, event, select
from sqlalchemy.engine import Engine

from beforehand.commands import Workspace, moving, playing
from beforehand.store import Act, Entry, Run, runs

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from chaos_world import DONE, World, made


def world(root: Path, waiting: int, due: int) -> World:
    root.mkdir()
    return made(root, 2525, "", waiting, due, 0.0)


def journals(ws: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """The journal of the run of each account, without its moments; and what it wrote."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with ws.state() as state, state.read() as session:
        lines = select(Run.account, Entry.kind, Entry.step, Entry.details).join(Entry, Entry.run == Run.number)
        for account, *line in session.execute(lines.order_by(Entry.run, Entry.n)):
            line[2] = {key: value for key, value in line[2].items() if key != "until"}
            found.setdefault(account, []).append(tuple(line))
        acts = select(Run.account, Act.key, Act.recipient, Act.payload).join(Act, Act.run == Run.number)
        for account, *act in session.execute(acts.order_by(Act.number)):
            found[account].append(tuple(act))
    return found


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How many statements of each kind the databases are told."""
    said: Counter[str] = Counter()

    def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said[statement.split()[0]] += 1

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


def test_together_they_come_to_what_each_comes_to_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together, alone = world(tmp_path / "together", 20, 40), world(tmp_path / "alone", 20, 40)
    assert together.ws.run()["runs"]["moved"] == 40
    monkeypatch.setattr(playing, "TOGETHER", 1)
    assert alone.ws.run()["runs"]["moved"] == 40
    found = journals(together.ws)
    assert found == journals(alone.ws)
    kinds = {account: [line[0] for line in lines if len(line) == 3] for account, lines in found.items()}
    assert {n: kinds[f"a{n}"][: len(DONE[what])] for n, what in together.what.items()} == {
        n: DONE[what] for n, what in together.what.items()
    }


def test_those_that_wait_are_not_read(tmp_path: Path) -> None:
    """What is asked of the state follows neither from how many wait nor, in one transaction, how many are due."""
    asked = []
    for waiting, due in ((10, 10), (400, 10), (10, 30)):
        here = world(tmp_path / f"{waiting}-{due}", waiting, due)
        with here.ws.state() as state, state.write() as session:
            # Whoever looked at one that waits would find it at its beginning, and write a line.
            session.execute(delete(Entry).where(Entry.run.not_in(here.what)))
        with counted() as said:
            assert here.ws.run()["runs"] == {"began": 0, "moved": due, "ended": list(here.what.values()).count("kept")}
        asked.append(said["SELECT"])
        with here.ws.state() as state, state.read() as session:
            assert set(session.scalars(select(Entry.run))) == set(here.what)
    assert asked[0] == asked[1] == asked[2]


def test_where_none_is_due_the_state_takes_as_many_steps_however_many_wait(tmp_path: Path) -> None:
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    def connected(connection: Any, _: Any) -> None:
        connection.set_progress_handler(step, 100)  # at each hundredth step of SQLite's own machine

    taken = []
    event.listen(Engine, "connect", connected)
    try:
        for waiting in (20, 2_000):
            here = world(tmp_path / str(waiting), waiting, 0)
            here.ws.run()
            before = steps
            assert here.ws.run()["runs"] == {"began": 0, "moved": 0, "ended": 0}
            taken.append(steps - before)
    finally:
        event.remove(Engine, "connect", connected)
    assert taken[1] <= taken[0] + 3


def test_one_that_fails_by_a_fault_of_ours_keeps_back_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(tmp_path / "w", 0, 9)
    broken = sorted(here.what)[4]
    do = moving.do

    def failing(stage: Any, *given: Any) -> Any:
        if stage.run.number == broken:
            raise RuntimeError("a fault of ours")
        return do(stage, *given)

    monkeypatch.setattr(moving, "do", failing)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        here.ws.run()
    with here.ws.state() as state, state.read() as session:
        moved = {line.run for line in session.scalars(select(Entry).where(Entry.kind == "went"))}
    assert moved == {*here.what} - {broken}
    monkeypatch.undo()
    assert here.ws.run()["runs"]["moved"] == 1


def test_a_cap_counts_what_is_written_beside_it(told: Told) -> None:
    """Two runs at one account, moved in one transaction: the second sees what the first is about to send."""
    first = told.root / "playbooks" / "check-in.yaml"
    text = first.read_text().replace("goal: logins at least 3 per week\n", "cap: {messages: 1, within: 14 days}\n")
    first.write_text(text)
    (told.root / "playbooks" / "second.yaml").write_text(text.replace("playbook: check-in", "playbook: second"))
    told.ws.run(MONDAY)
    told.ws.start_playbook("second", "globex", now=MONDAY)
    for number in (1, 2):
        told.ws.approve(number, now=MONDAY)
    assert told.ws.run(MONDAY)["runs"]["moved"] == 2
    assert [act.run for act in told.acts(outward=True)] == [1]
    assert told.ws.unsent()["by_guard"] == {"cap": 1}


def test_an_alert_that_is_closed_is_seen_once(told: Told) -> None:
    path = told.root / "playbooks" / "check-in.yaml"
    path.write_text(path.read_text().replace("steps:", "when cleared: go on\nsteps:", 1))
    told.ws.run(MONDAY)
    told.ws.resolve(["A-1001"], now=MONDAY)
    assert told.ws.run(MONDAY)["runs"]["moved"] == 1  # it goes on
    assert told.ws.run(MONDAY)["runs"]["moved"] == 0
    assert told.run_row()["state"] == runs.LIVE
