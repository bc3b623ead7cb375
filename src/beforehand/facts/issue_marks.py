"""What people say of issues: two are one, some are another, a better name. Kept, and obeyed by later arrivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb

from beforehand.errors import InputError, among
from beforehand.facts import issue_memory, issues
from beforehand.facts.asking import first, only
from beforehand.facts.batches import plain
from beforehand.facts.merging import final

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

LONGEST_NAME = 200


def merged(connection: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Each issue that went into another, and the one it ended up in."""
    into = dict(
        connection.execute("SELECT other, issue FROM issue_marks WHERE kind = 'merge' ORDER BY mark").fetchall()
    )
    return {issue: final(into, issue) for issue in into}


def names(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """What each issue is called: as people said last, else by its own words."""
    found = dict(connection.execute("SELECT issue, name FROM issues").fetchall())
    said = connection.execute("SELECT issue, name FROM issue_marks WHERE kind = 'rename' ORDER BY mark").fetchall()
    return {**found, **dict(said)}


def merge(facts: Facts, kept: int, gone: int, actor: str, at: datetime | None = None) -> tuple[int, int]:
    """Makes two issues one, which goes by the first number; returns both. InputError where they are one already."""
    connection = facts.connection
    into = merged(connection)
    for issue in (kept, gone):
        check(connection, issue)
    kept, gone = into.get(kept, kept), into.get(gone, gone)
    if kept == gone:
        raise InputError("These are one issue already.", "Nothing was changed.", code="already-merged")
    with facts.transaction():
        _mark(connection, "merge", kept, actor, at, other=gone)
        connection.execute(
            "UPDATE issue_keys SET issue = ?, name = (SELECT name FROM issues WHERE issue = ?) WHERE issue = ?",
            [kept, kept, gone],
        )
    return kept, gone


def rename(facts: Facts, issue: int, name: str, actor: str, at: datetime | None = None) -> int:
    """Gives an issue a name that stays; returns its number. InputError where the name is empty or longer than 200."""
    connection = facts.connection
    check(connection, issue)
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise InputError(
            "An issue's name is between 1 and 200 characters.", "Write it in quotes.", code="bad-issue-name"
        )
    issue = merged(connection).get(issue, issue)
    with facts.transaction():
        _mark(connection, "rename", issue, actor, at, name=name)
    return issue


def split(facts: Facts, issue: int, tickets: Sequence[str], actor: str, at: datetime | None = None) -> tuple[int, int]:
    """Makes some tickets of an issue another one; returns its number and how many tickets moved.

    Texts like theirs follow them from now on. InputError where a ticket is not of the issue, or all of them are named.
    """
    connection = facts.connection
    check(connection, issue)
    into = merged(connection)
    issue = into.get(issue, issue)
    numbers = [issue, *(gone for gone, kept in into.items() if kept == issue)]
    every = [
        str(row[0])
        for row in connection.execute(
            f"SELECT ticket_id FROM issue_tickets WHERE issue IN ({', '.join(map(str, numbers))})"
        ).fetchall()
    ]
    wanted = list(dict.fromkeys(tickets))
    for ticket in wanted:
        if ticket not in every:
            raise InputError(f"Ticket {ticket!r} is not of issue {issue}.", among(ticket, every), code="unknown-ticket")
    moved = sum(ticket in set(wanted) for ticket in every)
    if not wanted or moved == len(every):
        raise InputError("A split leaves some tickets and takes some.", "Name the tickets that go.", code="empty-split")
    with facts.transaction():
        new = int(only(connection, "SELECT coalesce(max(issue), 0) + 1 FROM issues")[0])
        _move(connection, numbers, wanted, new)
        _mark(connection, "split", issue, actor, at, other=new, tickets=wanted)
    return new, moved


def check(connection: duckdb.DuckDBPyConnection, issue: int) -> None:
    """InputError where there is no such issue."""
    if first(connection, f"SELECT 1 FROM issues WHERE issue = {int(issue)}") is None:
        raise InputError(
            f"There is no issue {issue}.", "See them with `beforehand issues --all`.", code="unknown-issue"
        )


def _move(connection: duckdb.DuckDBPyConnection, numbers: list[int], tickets: list[str], new: int) -> None:
    """Moves tickets to a new issue, and what the grouping knows of texts like theirs."""
    of_issue = f"issue IN ({', '.join(map(str, numbers))})"
    connection.execute(
        f"UPDATE issue_tickets SET issue = {new} WHERE {of_issue} AND list_contains(?, ticket_id)", [tickets]
    )
    said = connection.execute(
        "SELECT left(concat_ws(chr(10), nullif(trim(subject), ''), nullif(trim(body), '')), "
        f"{issues.CHARACTERS}) FROM tickets t "
        "JOIN issue_tickets i ON i.ticket_source = t.source AND i.ticket_id = t.id "
        f"WHERE i.issue = {new} AND t.sign > 0 "
        "QUALIFY row_number() OVER (PARTITION BY t.source, t.id ORDER BY t.stored_seq) = 1 ORDER BY t.stored_seq"
    ).fetchall()
    issue_memory.move(connection, [str(text) for (text,) in said], new)
    name = issue_memory.name_of(connection, str(said[0][0])) if said else f"part of {numbers[0]}"
    connection.execute("INSERT INTO issues VALUES (?, ?)", [new, name])
    connection.execute("INSERT INTO issue_keys VALUES (?, ?, ?)", [new, new, name])


def _mark(
    connection: duckdb.DuckDBPyConnection, kind: str, issue: int, actor: str, at: datetime | None,
    *, other: int | None = None, tickets: Sequence[str] | None = None, name: str | None = None,
) -> None:  # fmt: skip
    number = int(only(connection, "SELECT coalesce(max(mark), 0) + 1 FROM issue_marks")[0])
    connection.execute(
        "INSERT INTO issue_marks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [number, kind, issue, other, list(tickets) if tickets else None, name, plain(at or datetime.now(UTC)), actor],
    )


def marks_of(connection: duckdb.DuckDBPyConnection, numbers: Mapping[int, int], issue: int) -> list[dict[str, object]]:
    """What people said of an issue, the oldest first."""
    rows = connection.execute(
        "SELECT kind, issue, other, tickets, name, marked_at, actor FROM issue_marks ORDER BY mark"
    ).fetchall()
    return [
        {"kind": kind, "issue": of, "other": other, "tickets": tickets, "name": name,
         "at": at.replace(tzinfo=UTC), "by": actor}
        for kind, of, other, tickets, name, at, actor in rows
        if issue in (numbers.get(of, of), other)
    ]  # fmt: skip
