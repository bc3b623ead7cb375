"""A book handed over in one act: what goes along, told once, taken back, and killed in between."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from beforehand.cli import app
from beforehand.commands.workspace import Workspace
from beforehand.errors import InputError
from beforehand.store import Act, Clock, Handover, Holder, Run

sys.path.insert(0, str(Path(__file__).parent))
from test_telling import NOW, OWNERS, TEAM, lived, owned, told

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LEFT = TEAM.replace("manager: Marta, known", "manager: Marta, left on: 2026-03-17, known")
PLAYBOOK = """playbook: ask
when: {signals: logins-fall, backlog: true}
steps:
  - {step: letter, draft: 'Dear {{ account.name }}', subject: 'How are you?', to: owner}
  - {approve: letter, within: 20 days, by: owner}
  - wait: 90 days
"""


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    (tmp_path / "playbooks").mkdir(parents=True)
    (tmp_path / "playbooks" / "ask.yaml").write_text(PLAYBOOK)
    made = lived(tmp_path)
    made.run(now=NOW)
    return made


def owners(ws: Workspace) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for alert in ws.alerts(open_only=True)["alerts"]:
        found.setdefault(alert["account"], set()).add(alert["owner"])
    return found


def whole(ws: Workspace) -> list[Any]:
    """Everything that a hand-over may change."""
    with ws.state() as state, state.read() as session:
        rows = [[(h.role, h.account, h.person, h.how) for h in session.scalars(select(Holder))]]
        rows.append([(h.number, h.undone_at) for h in session.scalars(select(Handover))])
        rows.append([(c.alert, c.person) for c in session.scalars(select(Clock))])
        rows.append([(a.key, a.state) for a in session.scalars(select(Act))])
        rows.append([(r.number, r.owner, r.entries) for r in session.scalars(select(Run))])
    return [*rows, owners(ws), told(ws)]


def test_everything_goes_along_and_is_told_once(ws: Workspace) -> None:
    assert owners(ws) == {"acme": {"Ana"}, "bolt": {"Ben"}, "cube": {"Ana"}}
    assert {r["owner"] for r in ws.runs()["runs"] if r["account"] != "bolt"} == {"Ana"}
    count = len(told(ws))
    row = ws.hand_over("Ana", "Ben", now=NOW + MINUTE)["hand_over"]
    assert (row["accounts"], len(row["alerts"]), len(row["runs"])) == (["acme", "cube"], 4, 2)
    assert row["approvals"] == row["runs"] and row["told"] == ["Ben"]
    assert owners(ws) == {"acme": {"Ben"}, "bolt": {"Ben"}, "cube": {"Ben"}}
    assert {r["owner"] for r in ws.runs()["runs"]} == {"Ben"}
    assert told(ws)[count:] == [("Ben", "handed over", None)]
    act = max(ws.acts()["acts"], key=lambda a: a["act"])
    text = ws.act(act["act"])["act"]["text"]
    assert act["recipient"] == "ben@a.example" and "2 accounts are yours now, with 4 alerts and 2 playbooks" in text
    assert "signed by Ana" in text and "beforehand approve" in text and "handed over what was Ana's to Ben" in text
    with ws.state() as state, state.read() as session:
        assert {clock.person for clock in session.scalars(select(Clock))} == {"Ben"}
    for minutes in (2, 3):
        ws.run(now=NOW + minutes * MINUTE)
    assert told(ws)[count + 1 :] == [] and owners(ws)["acme"] == {"Ben"}
    (line,) = [e for e in ws.show_run(row["runs"][0])["journal"] if e["kind"] == "owner"]
    assert line["from"] == "Ana" and line["owner"] == "Ben" and "handed over" in line["why"]


def test_the_new_owner_is_reminded_and_the_chain_climbs_from_them(ws: Workspace) -> None:
    ws.hand_over("Ana", "Ben", now=NOW + MINUTE)
    ws.run(now=NOW + timedelta(hours=3))
    assert {row[0] for row in told(ws) if row[1] == "still"} == {"Ben"}


def test_what_is_not_told_yet_is_told_to_the_new_owner(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    ws.run(now=NOW, tells=False)
    assert ws.hand_over("Ana", "Ben", accounts=["acme"], now=NOW + MINUTE)["hand_over"]["told"] == ["Ben"]
    ws.run(now=NOW + 2 * MINUTE)
    assert ("Ben", "first", "acme") in told(ws) and ("Ana", "first", "cube") in told(ws)


def test_taken_back_before_anybody_read_it_nobody_is_told(ws: Workspace) -> None:
    before = whole(ws)
    ws.hand_over("Ana", "Ben", now=NOW + MINUTE)
    result = ws.hand_over(undo=1, now=NOW + 2 * MINUTE)
    assert result["left"] == [] and result["hand_over"]["undone_at"] == NOW + 2 * MINUTE
    after = whole(ws)
    assert (after[0], after[2], after[5]) == (before[0], before[2], before[5])
    assert after[3][: len(before[3])] == before[3] and [s for _, s in after[3][len(before[3]) :]] == ["refused"]
    assert [r[:2] for r in after[4]] == [r[:2] for r in before[4]]
    count = len(told(ws))
    ws.run(now=NOW + 3 * MINUTE)
    assert len(told(ws)) == count
    with pytest.raises(InputError, match="was undone on 2026-03-16"):
        ws.hand_over(undo=1, now=NOW + 4 * MINUTE)


def test_taken_back_after_it_was_read_both_hear(ws: Workspace) -> None:
    ws.hand_over("Ana", "Ben", now=NOW + MINUTE)
    with ws.state() as state, state.write() as session:
        for act in session.scalars(select(Act)):
            act.state = "sent"
    count = len(told(ws))
    ws.hand_over(undo=1, now=NOW + 2 * MINUTE)
    assert told(ws)[count:] == [("Ana", "handed over", None), ("Ben", "handed over", None)]
    newest = [a["subject"] for a in ws.acts()["acts"][:2]]
    assert newest == ["2 accounts are not yours any more", "2 accounts are yours now, with 4 alerts and 2 playbooks"]


def test_what_changed_since_is_left_alone(ws: Workspace) -> None:
    ws.hand_over("Ana", "Ben", now=NOW + MINUTE)
    ws.hand_over("Ben", "Marta", accounts=["cube"], now=NOW + 2 * MINUTE)
    result = ws.hand_over(undo=1, now=NOW + 3 * MINUTE)
    assert result["left"] == ["cube"]
    assert owners(ws) == {"acme": {"Ana"}, "bolt": {"Ben"}, "cube": {"Marta"}}
    ws.run(now=NOW + 4 * MINUTE)
    assert owners(ws)["cube"] == {"Marta"}


def test_it_outlives_the_day_the_giver_leaves_and_is_taken_out(ws: Workspace) -> None:
    ws.hand_over("Ana", "Marta", now=NOW + MINUTE)
    for team in (
        TEAM.replace("manager: Marta, known", "manager: Marta, left on: 2026-03-17, known"),
        TEAM.replace(TEAM.splitlines()[1] + "\n", "").replace(
            "rules: [{for accounts where region is EMEA: Ana}], ", ""
        ),
    ):
        (ws.root / "team.yaml").write_text(team)
        again = Workspace(ws.root)
        again.run(now=NOW + 2 * DAY)
        assert owners(again) == {"acme": {"Marta"}, "bolt": {"Ben"}, "cube": {"Marta"}}


def test_who_has_left_hands_over_too(ws: Workspace) -> None:
    (ws.root / "team.yaml").write_text(
        TEAM.replace("manager: Marta, known", "manager: Marta, left on: 2026-03-17, known")
    )
    again = Workspace(ws.root)
    row = again.hand_over("ana@a.example", "Marta", now=NOW + 2 * DAY)["hand_over"]
    assert row["accounts"] == ["acme", "cube"] and owners(again)["acme"] == {"Marta"}
    with pytest.raises(InputError, match="Ana left on"):
        again.hand_over("Ben", "Ana", now=NOW + 2 * DAY)


CANNOT_BE = [
    ("Anna Ben", "unknown-person", "Did you mean Ana?"),
    ("Ana Benn", "unknown-person", "Did you mean Ben?"),
    ("Ana A.Diaz", "unknown-person", "no person of team.yaml"),
    ("Ana ana@a.example", "same-person", "Ana would hand over to themselves"),
    ("Marta Ben", "nothing-to-hand-over", "Marta holds no account"),
    ("Ana Ben --account bolt", "nothing-to-hand-over", "Ben as csm holds it"),
    ("Ana Ben --account acmee", "unknown-account", "Did you mean acme?"),
    ("Ana", "hand-over-what", "to whom"),
    ("--undo 7", "unknown-hand-over", "no hand-over 7"),
]


def test_what_cannot_be_is_said(ws: Workspace) -> None:
    before = whole(ws)
    for words, code, said in CANNOT_BE:
        with pytest.raises(InputError) as caught:
            CliRunner().invoke(app, ["hand-over", *words.split(), "-w", str(ws.root)], catch_exceptions=False)
        assert caught.value.code == code and said in f"{caught.value.message} {caught.value.hint}", words
    assert whole(ws) == before


def test_the_command_line_says_it_and_so_do_told_and_team(ws: Workspace) -> None:
    def said(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "-w", str(ws.root)], catch_exceptions=False)
        assert done.exit_code == 0
        return " ".join(done.stdout.split())

    assert "Ben has 2 accounts, 4 open alerts, 2 playbooks and 2 drafts to approve of Ana" in said(
        "hand-over", "Ana", "Ben"
    )
    assert "handed over" in said("told") and "hand-over 1: Ana to Ben" in said("team")
    found = json.loads(said("hand-over", "--undo", "1", "--json"))
    assert found["hand_over"]["number"] == 1
    assert "undone on" in said("team")


KILLED = """
import os, signal, sys
from datetime import datetime
from beforehand.commands import taking_over
from beforehand.commands.workspace import Workspace
left, said = int(sys.argv[2]), taking_over.say
def dying(*args, **more):
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    number = said(*args, **more)
    os.kill(os.getpid(), signal.SIGKILL)
taking_over.say = dying
Workspace(__import__('pathlib').Path(sys.argv[1])).hand_over('Ana', 'Ben', now=datetime.fromisoformat(sys.argv[3]))
"""


@pytest.mark.parametrize("after", [0, 1])
def test_killed_in_between_nothing_is_handed_over(ws: Workspace, after: int) -> None:
    before = whole(ws)
    at = (NOW + MINUTE).isoformat()
    done = subprocess.run([sys.executable, "-c", KILLED, str(ws.root), str(after), at], env=os.environ, timeout=60)
    assert done.returncode == -signal.SIGKILL and whole(ws) == before
    assert ws.hand_over("Ana", "Ben", now=NOW + MINUTE)["hand_over"]["number"] == 1
    assert told(ws).count(("Ben", "handed over", None)) == 1


def test_an_account_given_by_hand_goes_back_once_the_trait_names_another(ws: Workspace) -> None:
    ws.hand_over("Ana", "Ben", accounts=["acme"], now=NOW + MINUTE)
    owned(ws, OWNERS | {"acme": "Marta"})
    later = datetime.now(UTC) + 2 * DAY
    ws.run(now=later)
    assert owners(ws)["acme"] == {"Marta"}
    assert {r["owner"] for r in ws.runs(account="acme")["runs"] if r["state"] == "live"} <= {"Marta"}
    assert ("Marta", "handed over", "acme") in told(ws)
