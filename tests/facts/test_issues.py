"""Issues as facts: grouped once and in order, kept over openings, people's words obeyed, the silent ones named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beforehand.errors import InputError
from beforehand.facts import Facts, issue_marks, issue_reading, issues

Open = Callable[..., Facts]
Write = Callable[..., Path]
EXPORT = [
    ("CSV export hangs", "The CSV export of the monthly report hangs at 99 percent."),
    ("Export to CSV hangs", "Our monthly report export to CSV is stuck at 99 percent again."),
    ("Monthly report: CSV export stuck", "The export hangs at 99 percent since this morning."),
]
LOGIN = ("Cannot log in with SSO", "Single sign-on with Okta loops back to the login page.")


def ticket(number: int, said: tuple[str, str], account: str = "acme", **more: Any) -> dict[str, Any]:
    return {
        "id": f"t{number}", "account": account, "person": f"p{number}@{account}.com",
        "at": f"2025-03-{number % 27 + 1:02d}T10:00:00Z", "status": "open", "subject": said[0], "body": said[1], **more,
    }  # fmt: skip


def event(number: int, account: str, message: str | None, name: str = "export error", **more: Any) -> dict[str, Any]:
    properties = {} if message is None else {"properties": {"message": message}}
    return {
        "id": f"e{number}", "account": account, "person": f"user@{account}.com",
        "at": f"2025-03-{number % 27 + 1:02d}T11:00:00Z", "event": name, **properties, **more,
    }  # fmt: skip


def load(facts: Facts, write: Write, table: str, rows: Sequence[dict[str, Any]]) -> None:
    name = f"{table}-{id(rows)}.jsonl"
    facts.load([write(name, "\n".join(json.dumps(row) for row in rows))], table=table, learned="occurred")


def of_tickets(facts: Facts) -> dict[str, int]:
    rows = facts.connection.execute("SELECT ticket_id, issue FROM issue_tickets ORDER BY ticket_id").fetchall()
    return dict(rows)


def test_tickets_are_grouped_once_over_accounts_and_openings(opened: Open, write: Write) -> None:
    facts = opened()
    load(facts, write, "tickets", [ticket(1, EXPORT[0]), ticket(2, LOGIN, "bolt")])
    assert issues.ensure(facts) == issues.Grouped(2, 0)
    assert issues.ensure(facts) == issues.Grouped(0, 0)
    facts = opened()
    load(facts, write, "tickets", [ticket(3, EXPORT[1], "bolt"), ticket(4, ("", ""))])
    told: list[tuple[int, int]] = []
    assert issues.ensure(facts, lambda done, of: told.append((done, of))) == issues.Grouped(2, 0)
    assert told == [(2, 2)]
    assert of_tickets(facts) == {"t1": 1, "t2": 2, "t3": 1, "t4": 0}
    found = issue_reading.read(facts)
    assert [(issue.number, issue.tickets, len(issue.accounts)) for issue in found] == [(1, 2, 2), (2, 1, 1)]
    assert "export" in found[0].name.lower()


def test_a_new_version_of_a_ticket_groups_nothing_anew(opened: Open, write: Write) -> None:
    facts = opened()
    load(facts, write, "tickets", [ticket(1, EXPORT[0])])
    issues.ensure(facts)
    load(facts, write, "tickets", [ticket(1, LOGIN, status="solved")])
    assert issues.ensure(facts) == issues.Grouped(0, 0)
    assert of_tickets(facts) == {"t1": 1}


def test_one_load_or_many_make_the_same_issues(opened: Open, write: Write, tmp_path: Path) -> None:
    rows = [ticket(n, EXPORT[n % 3] if n % 2 else LOGIN, f"a{n}") for n in range(1, 9)]
    facts = opened()
    for row in rows:
        load(facts, write, "tickets", [row])
        issues.ensure(facts)
    by_one = of_tickets(facts)
    other = Facts.open(tmp_path / "other.duckdb", facts.settings)
    load(other, write, "tickets", rows)
    issues.ensure(other)
    assert of_tickets(other) == by_one
    other.close()


def test_who_sees_the_error_and_has_not_written(opened: Open, write: Write) -> None:
    facts = opened()
    error = "ExportError: report 88 of the month could not be written to the bucket"
    quoting = ("Help", f"Nothing works here today:\n{error.replace('88', '7')}\n")
    load(facts, write, "tickets", [ticket(1, quoting)])
    load(
        facts, write, "events",
        [event(1, "acme", error), event(2, "bolt", error.replace("88", "91")), event(3, "bolt", error),
         event(4, "cato", None), event(5, "cato", error, name="page viewed"),
         event(6, "dune", "PaymentError: the card of customer 4 was declined by the bank")],
    )  # fmt: skip
    assert issues.ensure(facts) == issues.Grouped(1, 4)
    found = issue_reading.read(facts)
    first = found[0]
    assert (first.tickets, first.errors, len(first.accounts)) == (1, 3, 2)
    assert [facts.label(one.account) for one in first.unwritten] == ["bolt"]
    assert [one.errors for one in first.unwritten] == [2]
    assert [facts.label(one.account) for one in found[1].unwritten] == ["dune"]
    # More of it, loaded later, adds up; and who writes is silent no more.
    load(facts, write, "events", [event(7, "bolt", error), event(8, "eave", error.replace("88", "3"))])
    load(facts, write, "tickets", [ticket(2, quoting, "bolt")])
    assert issues.ensure(facts) == issues.Grouped(1, 2)
    first = issue_reading.read(facts, [1])[0]
    assert [(facts.label(one.account), one.errors) for one in first.unwritten] == [("eave", 1)]
    assert first.errors == 5
    assert issue_reading.templates_of(facts, 1) == [
        "ExportError: report <*> of the month could not be written to the bucket"
    ]


def test_an_error_joins_the_tickets_that_speak_of_it_in_its_words(opened: Open, write: Write) -> None:
    facts = opened()
    load(
        facts, write, "tickets", [ticket(1, ("Monthly report export hangs", "The export of the monthly report hangs."))]
    )
    load(facts, write, "events", [event(1, "bolt", "export of monthly report hangs, attempt 3")])
    issues.ensure(facts)
    (issue,) = issue_reading.read(facts)
    assert (issue.tickets, issue.errors, len(issue.unwritten)) == (1, 1, 1)


def test_a_merge_is_obeyed_by_later_arrivals(opened: Open, write: Write) -> None:
    facts = opened()
    load(facts, write, "tickets", [ticket(1, EXPORT[0]), ticket(2, LOGIN)])
    issues.ensure(facts)
    assert issue_marks.merge(facts, 2, 1, "jo") == (2, 1)
    with pytest.raises(InputError, match="one issue already"):
        issue_marks.merge(facts, 1, 2, "jo")
    with pytest.raises(InputError, match="no issue 9"):
        issue_marks.merge(facts, 1, 9, "jo")
    facts = opened()
    load(facts, write, "tickets", [ticket(3, EXPORT[1])])
    issues.ensure(facts)
    (issue,) = issue_reading.read(facts)
    assert (issue.number, issue.tickets) == (2, 3)


def test_a_split_is_obeyed_by_later_arrivals(opened: Open, write: Write) -> None:
    facts = opened()
    other = ("CSV export hangs", "The CSV export of the yearly audit log hangs at 10 percent.")
    load(facts, write, "tickets", [ticket(1, EXPORT[0]), ticket(2, other)])
    issues.ensure(facts)
    assert of_tickets(facts) == {"t1": 1, "t2": 1}
    assert issue_marks.split(facts, 1, ["t2"], "jo") == (2, 1)
    facts = opened()
    load(facts, write, "tickets", [ticket(3, other), ticket(4, EXPORT[0])])
    issues.ensure(facts)
    assert of_tickets(facts) == {"t1": 1, "t2": 2, "t3": 2, "t4": 1}
    with pytest.raises(InputError, match="not of issue"):
        issue_marks.split(facts, 1, ["t3"], "jo")
    with pytest.raises(InputError, match="leaves some"):
        issue_marks.split(facts, 1, ["t1", "t4"], "jo")


def test_a_name_stays(opened: Open, write: Write) -> None:
    facts = opened()
    load(facts, write, "tickets", [ticket(1, EXPORT[0])])
    issues.ensure(facts)
    assert issue_marks.rename(facts, 1, "  Exports \n stuck ", "jo") == 1
    facts = opened()
    load(facts, write, "tickets", [ticket(2, EXPORT[1])])
    issues.ensure(facts)
    assert [issue.name for issue in issue_reading.read(facts)] == ["Exports stuck"]
    with pytest.raises(InputError, match="200"):
        issue_marks.rename(facts, 1, " ", "jo")


def test_what_is_cut_off_leaves_everything_as_it_was(
    opened: Open, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = opened()
    load(facts, write, "tickets", [ticket(1, EXPORT[0])])
    issues.ensure(facts)
    load(facts, write, "tickets", [ticket(2, EXPORT[1])])

    def broken(*_: Any) -> None:
        raise duckdb.Error("the machine stops here")

    with monkeypatch.context() as patched, pytest.raises(duckdb.Error):
        patched.setattr(issues, "keep_seen", broken)
        issues.ensure(facts)
    assert of_tickets(facts) == {"t1": 1}
    assert issues.ensure(facts) == issues.Grouped(1, 0)
    assert of_tickets(facts) == {"t1": 1, "t2": 1}


def test_excluded_accounts_are_in_no_issue(opened: Open, write: Write) -> None:
    facts = opened(exclude={"accounts": ["test*"]})
    load(facts, write, "tickets", [ticket(1, EXPORT[0], "test-1"), ticket(2, EXPORT[1])])
    issues.ensure(facts)
    (issue,) = issue_reading.read(facts)
    assert issue.tickets == 1
    assert [row["ticket"] for row in issue_reading.samples(facts, 1, 5)] == ["t2"]
