"""Issues: what tickets and error events are about, who is touched, and who sees an error and has not written yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.facts.issue_reading import Issue, OfAccount

SAMPLES = 5
RECENT = timedelta(days=30)
"""Whoever met an error in this time can still be told before they write."""


def issues(
    ws: Workspace,
    *,
    account: str | None = None,
    every: bool = False,
    limit: int | None = None,
    since: datetime | timedelta | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """The issues, those that touch most accounts first; of one account where it is named.

    Tickets and error events that are new are grouped first (`progress` draws a bar on standard error). Returns
    `{"issues": [{"issue", "name", "tickets", "accounts", "errors", "first_at", "last_at", "unwritten"}], "total",
    "since"}`; `accounts` counts those that wrote or met the error, `unwritten` those that met it `since` then (see
    `show`) and have not written. Without `every`, issues of a single ticket and no error are left out. InputError for
    an account there is none of.
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
        begin = _since(facts, since)
        rows = [_row(issue, node, begin) for issue in found[:limit]]
    return {"issues": rows, "total": len(found), "since": begin}


def show(
    ws: Workspace, number: int, *, since: datetime | timedelta | None = None, progress: bool = False
) -> dict[str, Any]:
    """One issue: tickets that speak of it, quoted, the accounts it touches, and who sees its error and is silent.

    Adds to its row `"samples"` (the newest tickets), `"error_texts"`, `"touched"` (its accounts), `"silent"` (the
    accounts that met the error `"since"` then and have not written: `"account"`, `"people"`, `"errors"`, `"first_at"`,
    `"last_at"`), `"silent_before"`, how many met it before that for the last time, and `"said"`, what people did to it.

    `since` is a moment, or how long before the newest ticket or event; 30 days of it where it is left out. InputError
    where there is no such issue.
    """
    with ws.facts() as facts:
        _grouped(facts, progress)
        from beforehand.facts import issue_marks, issue_reading

        issue_marks.check(facts.connection, number)
        into = issue_marks.merged(facts.connection)
        number = into.get(number, number)
        found = issue_reading.read(facts, [number])
        issue = found[0] if found else issue_reading.Issue(number, issue_marks.names(facts.connection)[number])
        begin = _since(facts, since)
        row = _row(issue, None, begin)
        silent = issue.unwritten_since(begin)
        touched = sorted(issue.accounts.values(), key=lambda one: (-one.tickets, -one.errors, one.account))
        return {
            "issue": row,
            "samples": issue_reading.samples(facts, number, SAMPLES),
            "error_texts": issue_reading.templates_of(facts, number),
            "touched": [_account(facts, one) for one in touched],
            "since": begin,
            "silent": [_account(facts, one, begin) for one in silent],
            "silent_before": len(issue.unwritten) - len(silent),
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


def _since(facts: Facts, since: datetime | timedelta | None) -> datetime | None:
    """The moment from which on it is recent; None where there are no facts."""
    from beforehand.facts import issue_reading

    if isinstance(since, datetime):
        return since
    newest = issue_reading.newest_at(facts)
    return None if newest is None else newest - (RECENT if since is None else since)


def _row(issue: Issue, node: int | None, since: datetime | None) -> dict[str, Any]:
    first_at, last_at = issue.span()
    row: dict[str, Any] = {
        "issue": issue.number,
        "name": issue.name,
        "tickets": issue.tickets,
        "accounts": len(issue.accounts),
        "errors": issue.errors,
        "first_at": first_at,
        "last_at": last_at,
        "unwritten": len(issue.unwritten_since(since)),
    }
    if node is not None:
        row["own_tickets"] = issue.accounts[node].tickets
        row["own_errors"] = issue.accounts[node].errors
    return row


def _account(facts: Facts, one: OfAccount, since: datetime | None = None) -> dict[str, Any]:
    met = {who for who, at in one.people.items() if since is None or at >= since}
    silent = sorted(met - one.wrote)
    return {
        "account": facts.label(one.account),
        "tickets": one.tickets,
        "errors": one.errors,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "people": [facts.member_label(node, person) for node, person in silent],
    }
