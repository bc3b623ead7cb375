"""Issues as subjects by what tickets mean: counted as known, people's changes obeyed, categories where asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beforehand.commands.workspace import Workspace
from beforehand.facts import issue_marks

START = datetime(2025, 3, 3, tzinfo=UTC)
TICKETS = [
    ("t1", 0, "CSV export hangs", "The CSV export of the monthly report hangs at 99 percent.", "bug"),
    ("t2", 3, "Export to CSV hangs", "Our monthly report export to CSV is stuck at 99 percent again.", "question"),
    ("t3", 5, "Cannot log in with SSO", "Single sign-on with Okta loops back to the login page.", "bug"),
    (
        "t4",
        8,
        "Monthly report: CSV export stuck",
        "The CSV export of the monthly report hangs at 99 percent.",
        "how to",
    ),
]
FILES = {
    "metrics.yaml": "tickets: {says: [tickets], count: tickets}\n",
    "signals/again.yaml": "signal: again\nwhen: at least 3 tickets on the same issue in 30 days\n",
}


def world(folder: Path, *, issue: str, category: bool) -> Workspace:
    folder.mkdir(exist_ok=True)
    (folder / "signals").mkdir(exist_ok=True)
    (folder / "beforehand.yaml").write_text(f"zone: UTC\nissue: {issue}\n")
    for name, said in FILES.items():
        (folder / name).write_text(said)
    rows = [
        {"id": number, "account": "acme", "person": f"{number}@acme.com",
         "at": (START + timedelta(days=day)).isoformat(), "subject": subject, "body": body,
         "category": kind if category else ""}
        for number, day, subject, body, kind in TICKETS
    ]  # fmt: skip
    (folder / "tickets.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    found = Workspace(folder, actor="jo")
    found.load([folder / "tickets.jsonl"], table="tickets", learned="occurred")
    return found


def scopes(ws: Workspace, days: int = 20) -> list[str]:
    ws.run(now=START + timedelta(days=days))
    return [alert["scope"] for alert in ws.alerts()["alerts"]]


@pytest.mark.parametrize(("issue", "category"), [("meaning", True), ("meaning", False), ("category", False)])
def test_three_tickets_that_mean_the_same_are_told(tmp_path: Path, issue: str, category: bool) -> None:
    (scope,) = scopes(world(tmp_path / "ws", issue=issue, category=category))
    assert scope.startswith("#1 ")
    assert "export" in scope.lower()


def test_categories_tell_apart_where_the_team_says_so(tmp_path: Path) -> None:
    assert scopes(world(tmp_path / "ws", issue="category", category=True)) == []


def test_a_story_names_the_tickets(tmp_path: Path) -> None:
    ws = world(tmp_path / "ws", issue="meaning", category=True)
    assert len(scopes(ws)) == 1
    shown: dict[str, Any] = ws.show(ws.alerts()["alerts"][0]["alert"])
    said = json.dumps(shown, default=str)
    assert all(f"Ticket {ticket}" in said for ticket in ("t1", "t2", "t4"))
    assert "Ticket t3" not in said


def test_a_split_is_counted_anew(tmp_path: Path) -> None:
    ws = world(tmp_path / "ws", issue="meaning", category=False)
    ws.issues()
    with ws.facts() as facts:
        issue_marks.split(facts, 1, ["t2"], "jo")
    assert scopes(ws) == []
    with ws.facts() as facts:
        issue_marks.merge(facts, 2, 3, "jo")
        issue_marks.merge(facts, 1, 2, "jo")
    found = scopes(ws, 21)
    assert len(found) == 1
    assert np.all([scope.startswith("#1 ") for scope in found])
