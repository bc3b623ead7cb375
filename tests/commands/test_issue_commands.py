"""`issues`: listed, shown with quotes and the silent ones, merged, split and renamed, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from beforehand.cli import app
from beforehand.commands.workspace import Workspace
from beforehand.errors import InputError
from beforehand.facts import issues

ERROR = "ExportError: report 88 of the month could not be written to the bucket"
TICKETS = [
    ("t1", "acme", "CSV export hangs", "The CSV export of the monthly report hangs at 99 percent."),
    ("t2", "bolt", "Export to CSV hangs", "Our monthly report export to CSV is stuck at 99 percent again."),
    ("t3", "acme", "Cannot log in with SSO", "Single sign-on with Okta loops back to the login page."),
    ("t4", "acme", "Help", f"It says:\n{ERROR}\n"),
]


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    (tmp_path / "beforehand.yaml").write_text("zone: UTC\n")
    rows = [
        {"id": number, "account": account, "person": f"p@{account}.com", "at": f"2025-03-0{at}T10:00:00Z",
         "subject": subject, "body": body}
        for at, (number, account, subject, body) in enumerate(TICKETS, 1)
    ]  # fmt: skip
    errors = [
        {"id": f"e{at}", "account": account, "person": f"u@{account}.com", "at": f"2025-03-0{at}T11:00:00Z",
         "event": "app error", "properties": {"message": ERROR.replace("88", str(at))}}
        for at, account in enumerate(("acme", "cato", "cato", "dune"), 5)
    ]  # fmt: skip
    found = Workspace(tmp_path, actor="jo")
    for table, lines in (("tickets", rows), ("events", errors)):
        file = tmp_path / f"{table}.jsonl"
        file.write_text("\n".join(json.dumps(line) for line in lines))
        found.load([file], table=table, learned="occurred")
    return found


def run(ws: Workspace, *words: str) -> Any:
    ran = CliRunner().invoke(app, [*words, "-w", str(ws.root), "--json"])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def test_issues_are_listed_by_the_accounts_they_touch(ws: Workspace) -> None:
    found = run(ws, "issues")
    assert found["total"] == 2
    first, second = found["issues"]
    assert (first["issue"], first["tickets"], first["accounts"], first["errors"], first["unwritten"]) == (3, 1, 3, 4, 2)
    assert (second["issue"], second["tickets"], second["accounts"]) == (1, 2, 2)
    assert first["first_at"].startswith("2025-03-04T10:00:00")
    assert run(ws, "issues", "--all")["total"] == 3
    own = run(ws, "issues", "--account", "bolt")
    assert [(row["issue"], row["own_tickets"]) for row in own["issues"]] == [(1, 1)]


def test_one_issue_has_its_quotes_and_the_silent_ones(ws: Workspace) -> None:
    found = run(ws, "issues", "show", "3")
    assert [sample["ticket"] for sample in found["samples"]] == ["t4"]
    assert ERROR in found["samples"][0]["text"]
    assert found["error_texts"] == [ERROR.replace("88", "<*>")]
    assert [(one["account"], one["errors"], one["people"]) for one in found["silent"]] == [
        ("cato", 2, ["u@cato.com"]), ("dune", 1, ["u@dune.com"]),
    ]  # fmt: skip
    assert [one["account"] for one in found["touched"]] == ["acme", "cato", "dune"]
    with pytest.raises(InputError, match="no issue 77"):
        ws.issue(77)


def test_the_silent_are_those_of_late(ws: Workspace) -> None:
    later = [
        {"id": f"l{at}", "account": account, "person": f"{who}@{account}.com", "at": f"2025-{at}T11:00:00Z",
         "event": "app error", "properties": {"message": ERROR}}
        for at, account, who in (("04-20", "eave", "u"), ("04-21", "dune", "v"), ("05-01", "acme", "u"))
    ]  # fmt: skip
    file = ws.root / "later.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in later))
    ws.load([file], table="events", learned="occurred")
    found = run(ws, "issues", "show", "3")
    assert found["since"].startswith("2025-04-01T11:00:00")
    assert {one["account"]: one["people"] for one in found["silent"]} == {
        "dune": ["v@dune.com"], "eave": ["u@eave.com"],
    }  # fmt: skip
    assert found["silent_before"] == 1 and found["issue"]["unwritten"] == 2
    assert len(run(ws, "issues", "show", "3", "--since", "2025-01-01")["silent"]) == 3
    assert run(ws, "issues", "--since", "90 days")["issues"][0]["unwritten"] == 3
    assert run(ws, "issues", "show", "3", "--since", "11 days")["silent"][0]["account"] == "dune"
    said = CliRunner().invoke(app, ["issues", "show", "3", "-w", str(ws.root)]).stdout
    assert "Met the error since 2025-04-01 and have not written: 2 accounts" in said
    assert "1 account met it only before that: --since 2025-03-04" in said
    with pytest.raises(InputError, match="not a time"):
        CliRunner().invoke(app, ["issues", "--since", "lately", "-w", str(ws.root)], catch_exceptions=False)


def test_people_merge_split_and_rename(ws: Workspace) -> None:
    run(ws, "issues")
    assert run(ws, "issues", "rename", "1", "Exports stuck")["name"] == "Exports stuck"
    assert run(ws, "issues", "merge", "1", "2")["merged"] == 2
    shown = run(ws, "issues", "show", "2")
    assert (shown["issue"]["issue"], shown["issue"]["tickets"], shown["issue"]["name"]) == (1, 3, "Exports stuck")
    split = run(ws, "issues", "split", "1", "t1", "t3")
    assert (split["issue"], split["tickets"]) == (4, 2)
    assert run(ws, "issues", "show", "1")["issue"]["tickets"] == 1
    assert [one["kind"] for one in run(ws, "issues", "show", "1")["said"]] == ["rename", "merge", "split"]
    with pytest.raises(InputError, match="not of issue"):
        ws.split_issue(1, ["t1"])


def test_people_can_read_it(ws: Workspace) -> None:
    def said(*words: str) -> str:
        ran = CliRunner().invoke(app, [*words, "-w", str(ws.root)])
        assert ran.exit_code == 0, ran.output
        return ran.output

    assert "2 issues" in said("issues")
    shown = said("issues", "show", "3")
    assert "Met the error since 2025-02-06 and have not written: 2 accounts" in shown
    assert "dune" in shown
    assert "part of issue" in said("issues", "merge", "1", "3")
    assert "called so" in said("issues", "rename", "1", "Exports")


def test_without_facts_there_is_no_issue(tmp_path: Path) -> None:
    (tmp_path / "beforehand.yaml").write_text("zone: UTC\n")
    assert Workspace(tmp_path).issues() == {"issues": [], "total": 0, "since": None}


def test_once_asked_for_issues_grow_with_each_load(ws: Workspace) -> None:
    def grouped() -> int:
        with ws.facts() as facts:
            if not issues.begun(facts.connection):
                return 0
            return len(facts.connection.execute("SELECT 1 FROM issue_tickets").fetchall())

    assert grouped() == 0
    ws.issues()
    assert grouped() == 4
    more = ws.root / "more.jsonl"
    row = {"id": "t5", "account": "eave", "at": "2025-03-09T10:00:00Z", "subject": "CSV export hangs", "body": "Again."}
    more.write_text(json.dumps(row))
    ws.load([more], table="tickets", learned="occurred")
    assert grouped() == 5
