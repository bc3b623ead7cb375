"""Reminders, the climb and digests by workers, the state alone: on time, once, whoever looks and whoever is killed."""

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from beforehand import store
from beforehand.channels import Listing, Message
from beforehand.commands.clocking import Clockwork, tick
from beforehand.commands.workspace import Workspace
from beforehand.store import Act, Notification
from beforehand.store.queries import LastRun

sys.path.insert(0, str(Path(__file__).parent))
from test_telling import NOW, TEAM, lived, told, workspace

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TICK = """
import sys
from datetime import datetime
from pathlib import Path
from beforehand.commands import clocking
from beforehand.commands.workspace import Workspace
if sys.argv[3] == "killed":
    import os
    clocking.write_clocks = lambda *given: os._exit(9)
ws = Workspace(Path(sys.argv[1]))
with ws.state() as state:
    print(clocking.tick(ws.folder, state, datetime.fromisoformat(sys.argv[2])))
"""


def by_the_clock(ws: Workspace, at: datetime = NOW) -> Workspace:
    """A run in a time of its own is taken for one by the clock: only there do clocks go by themselves."""
    with ws.state() as state, state.write() as session:
        store.put_last_run(session, LastRun(at, False))
    return ws


def alerted(root: Path, **more: Any) -> Workspace:
    ws = lived(root, **more)
    ws.run(now=NOW)
    return by_the_clock(ws)


def looked(ws: Workspace, at: datetime) -> int:
    with ws.state() as state:
        return tick(Workspace(ws.root).folder, state, at)


def handed(ws: Workspace, state: str = "sent", reason: str | None = None, **chosen: Any) -> None:
    """As if a worker had handed over what is due."""
    with ws.state() as opened, opened.write() as session:
        for act in session.scalars(select(Act).filter_by(state="due", **chosen)):
            act.state, act.reason, act.settled_at = state, reason, act.made_at


def elsewhere(root: Path, at: datetime, how: str = "") -> subprocess.Popen[str]:
    given = [sys.executable, "-c", TICK, str(root), at.isoformat(), how]
    return subprocess.Popen(given, stdout=subprocess.PIPE, text=True)


def test_a_reminder_comes_on_time_once_and_tells_the_story_again(tmp_path: Path) -> None:
    ws = alerted(tmp_path)
    assert looked(ws, NOW + HOUR) == 0
    assert looked(ws, NOW + 2 * HOUR) == 3
    assert looked(ws, NOW + 2 * HOUR) == 0
    assert looked(ws, NOW + 5 * HOUR) == 0, "one reminder at most, by routes.yaml"
    assert sorted(row for row in told(ws) if row[1] == "still") == [
        ("Ana", "still", "acme"),
        ("Ana", "still", "cube"),
        ("Ben", "still", "bolt"),
    ]
    first, again = [a for a in reversed(ws.acts()["acts"]) if "Acme" in (a["subject"] or "")]
    assert again["subject"] == f"Still open: {first['subject']}"
    assert "it is open and nobody has acknowledged it" in ws.act(again["act"])["act"]["text"]


def test_who_answers_is_not_reminded_and_the_manager_hears_of_the_others(tmp_path: Path) -> None:
    ws = alerted(tmp_path)
    ws.ack([a["alert"] for a in ws.alerts(open_only=True, account="acme")["alerts"]], now=NOW + HOUR)
    by_the_clock(ws)
    assert looked(ws, NOW + 2 * HOUR) == 2
    assert looked(ws, NOW + DAY - HOUR) == 0
    assert looked(ws, NOW + DAY) == 2
    assert [row for row in told(ws) if row[0] == "Marta"] == [
        ("Marta", "escalated", "bolt"), ("Marta", "escalated", "cube")
    ]  # fmt: skip
    act = next(a for a in ws.acts()["acts"] if a["recipient"] == "marta@a.example")
    assert act["subject"].startswith("Nobody has answered: ")
    # Ten in Berlin is five in the morning where Marta is: it waits for nine there.
    due = {row["due_at"] for row in ws.acts()["acts"] if row["recipient"] == "marta@a.example"}
    assert due == {datetime(2026, 3, 17, 13, tzinfo=NOW.tzinfo)}


def test_two_at_once_and_one_that_is_killed_tell_it_once(tmp_path: Path) -> None:
    ws = alerted(tmp_path)
    at = NOW + 2 * HOUR
    killed = elsewhere(tmp_path, at, "killed")
    assert killed.communicate()[0] == "" and killed.returncode == 9
    assert len(told(ws)) == 3, "killed before it was kept: nobody was told"
    both = [elsewhere(tmp_path, at) for _ in range(2)]
    assert sorted(int(one.communicate()[0]) for one in both) == [0, 3]
    assert len(told(ws)) == 6 and len(ws.acts()["acts"]) == 6


def low_only(root: Path) -> Workspace:
    ws = workspace(root)
    (root / "signals" / "fall.yaml").unlink()
    ws = Workspace(root)
    ws.run(now=NOW - 7 * DAY)
    ws.run(now=NOW)
    return by_the_clock(ws)


def test_what_is_low_comes_with_the_digest_at_nine_and_not_before(tmp_path: Path) -> None:
    ws = low_only(tmp_path)
    assert told(ws) == []
    waits = ws.told(held_back=True)["held_back"]
    nine = datetime(2026, 3, 17, 9, tzinfo=NOW.tzinfo)
    assert {(w["stage"], w["until"]) for w in waits} == {("digest", nine)} and len(waits) == 3
    ws.run(now=NOW + HOUR)  # the next look is nearer to the digest after, and does not put it off
    by_the_clock(ws, NOW + HOUR)
    assert {w["until"] for w in ws.told(held_back=True)["held_back"]} == {nine}
    assert looked(ws, nine - timedelta(minutes=1)) == 0
    assert looked(ws, nine) == 2
    assert looked(ws, nine) == 0 and ws.told(held_back=True)["held_back"] == []
    assert sorted(told(ws)) == [("Ana", "digest", None), ("Ben", "digest", None)]
    text = ws.act(next(a["act"] for a in ws.acts()["acts"] if a["recipient"] == "ana@a.example"))["act"]["text"]
    assert "Worth knowing" in text and "Acme: " in text and "Cube: " in text
    assert ws.run(now=nine + HOUR)["told"] == 0
    assert looked(by_the_clock(ws, nine + HOUR), nine + 4 * DAY) == 0, "what a digest told has no clock"


def test_a_digest_says_what_is_held_back_and_why(tmp_path: Path) -> None:
    ws = low_only(tmp_path)
    cube = [a["alert"] for a in ws.alerts(open_only=True, account="cube")["alerts"]]
    ws.snooze(cube, span=7 * DAY, now=NOW + HOUR)
    ws.run(now=NOW + HOUR)
    assert looked(by_the_clock(ws, NOW + HOUR), datetime(2026, 3, 17, 9, tzinfo=NOW.tzinfo)) == 2
    with ws.state() as state, state.read() as session:
        payload = session.scalars(select(Act.payload).where(Act.recipient == "ana@a.example")).one()
    lists = [block for block in Message.from_json(payload).blocks if isinstance(block, Listing)]
    assert len(lists) == 2 and "Snoozed" in lists[1].items[0] and lists[1].items[0].startswith("Cube: ")


def test_a_refused_reminder_is_made_up_for_by_another_way_and_not_for_ever(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    other = "  other: {kind: email, host: localhost, security: none, sender: care@a.example}\n"
    (tmp_path / "beforehand.yaml").write_text((tmp_path / "beforehand.yaml").read_text() + other)
    (tmp_path / "team.yaml").write_text(TEAM.replace("Ana: {", "Ana: {channels: [mail, other], "))
    ws = Workspace(tmp_path)
    ws.run(now=NOW)
    handed(by_the_clock(ws))
    at = NOW + 2 * HOUR
    assert looked(ws, at) == 3
    handed(ws, "refused", "refused: 550 no such mailbox", recipient="ana@a.example")
    count = len(told(ws))
    assert looked(ws, at + timedelta(minutes=1)) == 2, "Ana's two, and not Ben's"
    newest = ws.acts()["acts"][:2]
    assert {(a["channel"], a["recipient"]) for a in newest} == {("other", "ana@a.example")}
    assert "could not be handed over before" in ws.act(newest[0]["act"])["act"]["text"]
    for minute in range(2, 6):
        handed(ws, "refused", "refused: 550 no such mailbox", recipient="ana@a.example")
        looked(ws, at + timedelta(minutes=minute))
    assert len(told(ws)) == count + 4, "three tries each in all"


def test_a_first_message_that_is_refused_is_told_again_then_listed_with_its_reason(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    for nth in range(4):
        ws.run(now=NOW + nth * timedelta(minutes=1))
        handed(ws, "refused", "refused: 550 no such mailbox", recipient="ben@a.example")
    assert [row for row in told(ws) if row[0] == "Ben"] == [("Ben", "first", "bolt")] * 3
    (listed,) = [w for w in ws.told(held_back=True)["held_back"] if w["stage"] == "channel"]
    assert listed["person"] == "Ben" and "550 no such mailbox" in listed["why"]


def test_a_workspace_in_a_time_of_its_own_has_no_clocks_that_go(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    ws.run(now=NOW)
    assert looked(ws, NOW + 30 * DAY) == 0


def test_a_worker_looks_once_a_minute_and_reads_files_that_have_changed(tmp_path: Path) -> None:
    ws = alerted(tmp_path)
    with ws.state() as state:
        clocks = Clockwork(ws.root, state)
        assert clocks.look(NOW + HOUR) == 0
        assert clocks.look(NOW + HOUR + timedelta(seconds=30)) == 0 and clocks.folder is None, "nothing to do"
        (tmp_path / "routes.yaml").write_text("to: nobody-there\n")
        assert clocks.look(NOW + 2 * HOUR) == 0, "the files are wrong, and nothing is known of before"
        (tmp_path / "routes.yaml").write_text("to: csm\nremind every: 2 hours\n")
        assert clocks.look(NOW + 2 * HOUR + timedelta(seconds=30)) == 0
        assert clocks.look(NOW + 2 * HOUR + timedelta(minutes=1)) == 3
        kinds = set()
        with state.read() as session:
            kinds = set(session.scalars(select(Notification.kind)))
    assert kinds == {"first", "still"}


@pytest.mark.parametrize("hours", [1, 2, 26])
def test_a_clock_set_back_tells_nothing(tmp_path: Path, hours: int) -> None:
    ws = alerted(tmp_path)
    assert looked(ws, NOW - hours * HOUR) == 0
