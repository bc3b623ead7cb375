"""Issues: what tickets and error events are about, who is touched, and who sees an error and has not written yet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.facts.issue_reading import Issue, OfAccount

SAMPLES = 5


def issues(
    ws: Workspace, *, account: str | None = None, every: bool = False, limit: int | None = None, progress: bool = False
) -> dict[str, Any]:
    """The issues, those that touch most accounts first; of one account where it is named.

    Tickets and error events that are new are grouped first (`progress` draws a bar on standard error). Returns
    `{"issues": [{"issue", "name", "tickets", "accounts", "errors", "first_at", "last_at", "unwritten"}], "total"}`;
    `accounts` counts those that wrote or met the error, `unwritten` those that met it and have not written. Without
    `every`, issues of a single ticket and no error are left out. InputError for an account there is none of.
    """
    with ws.facts() as facts:
        _grouped(facts, progress)
        from beforehand.facts import issue_reading

        node = None if account is None else facts.account_named(account)
        found = issue_reading.read(facts)
        if node is not None:
            found = [issue for issue in found if node in issue.accounts]
        if not every:
            found = [issue for issue in found if issue.tickets > 1 or issue.errors]
        found.sort(key=lambda issue: (-len(issue.accounts), -issue.tickets, issue.number))
        rows = [_row(issue, node) for issue in found[:limit]]
    return {"issues": rows, "total": len(found)}


def show(ws: Workspace, number: int, *, progress: bool = False) -> dict[str, Any]:
    """One issue: tickets that speak of it, quoted, the accounts it touches, and who sees its error and is silent.

    Adds to its row `"samples"` (the newest tickets), `"error_texts"`, `"touched"` (its accounts), `"silent"` (the
    accounts that met the error and have not written: `"account"`, `"people"`, `"errors"`, `"first_at"`, `"last_at"`)
    and `"said"`, what people did to it. InputError where there is no such issue.
    """
    with ws.facts() as facts:
        _grouped(facts, progress)
        from beforehand.facts import issue_marks, issue_reading

        issue_marks.check(facts.connection, number)
        into = issue_marks.merged(facts.connection)
        number = into.get(number, number)
        found = issue_reading.read(facts, [number])
        issue = found[0] if found else issue_reading.Issue(number, issue_marks.names(facts.connection)[number])
        row = _row(issue, None)
        touched = sorted(issue.accounts.values(), key=lambda one: (-one.tickets, -one.errors, one.account))
        return {
            "issue": row,
            "samples": issue_reading.samples(facts, number, SAMPLES),
            "error_texts": issue_reading.templates_of(facts, number),
            "touched": [_account(facts, one) for one in touched],
            "silent": [_account(facts, one) for one in issue.unwritten],
            "said": issue_marks.marks_of(facts.connection, into, number),
        }


def merge(ws: Workspace, kept: int, gone: int, *, now: datetime | None = None) -> dict[str, Any]:
    """Makes two issues one that goes by the first number; what would join either joins it from now on."""
    with ws.facts() as facts:
        _grouped(facts, False)
        from beforehand.facts import issue_marks

        kept, gone = issue_marks.merge(facts, kept, gone, ws.actor, now)
        name = issue_marks.names(facts.connection)[kept]
    return {"issue": kept, "merged": gone, "name": name, "actor": ws.actor}


def split(ws: Workspace, number: int, tickets: list[str], *, now: datetime | None = None) -> dict[str, Any]:
    """Makes tickets of an issue another one; tickets like them follow from now on."""
    with ws.facts() as facts:
        _grouped(facts, False)
        from beforehand.facts import issue_marks

        new, moved = issue_marks.split(facts, number, tickets, ws.actor, now)
        name = issue_marks.names(facts.connection)[new]
    return {"issue": new, "from": number, "tickets": moved, "name": name, "actor": ws.actor}


def rename(ws: Workspace, number: int, name: str, *, now: datetime | None = None) -> dict[str, Any]:
    """Gives an issue a name that stays."""
    with ws.facts() as facts:
        _grouped(facts, False)
        from beforehand.facts import issue_marks

        issue = issue_marks.rename(facts, number, name, ws.actor, now)
        said = issue_marks.names(facts.connection)[issue]
    return {"issue": issue, "name": said, "actor": ws.actor}


def _grouped(facts: Facts, progress: bool) -> None:
    from beforehand.facts import issues as grouping
    from beforehand.facts.progress import steps

    with steps("Grouping tickets and errors", progress) as told:
        grouping.ensure(facts, told)


def _row(issue: Issue, node: int | None) -> dict[str, Any]:
    first_at, last_at = issue.span()
    row: dict[str, Any] = {
        "issue": issue.number,
        "name": issue.name,
        "tickets": issue.tickets,
        "accounts": len(issue.accounts),
        "errors": issue.errors,
        "first_at": first_at,
        "last_at": last_at,
        "unwritten": len(issue.unwritten),
    }
    if node is not None:
        row["own_tickets"] = issue.accounts[node].tickets
        row["own_errors"] = issue.accounts[node].errors
    return row


def _account(facts: Facts, one: OfAccount) -> dict[str, Any]:
    silent = sorted(one.people - one.wrote)
    return {
        "account": facts.label(one.account),
        "tickets": one.tickets,
        "errors": one.errors,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "people": [facts.member_label(node, person) for node, person in silent],
    }
