"""Which tickets and error events are about the same issue, as facts: grouped as they arrive, and never anew.

`issues` has a row for each issue, `issue_tickets` one for each ticket with words, `issue_errors` one for each issue and
person (or account) that met its error, and `issue_marks` what people said: merges, splits, names. What the grouping
learned is kept in tables beside them, so the next arrivals go on where the last ended. Grouping is a function of the
order of arrival alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from beforehand.facts.asking import first, only
from beforehand.facts.issue_memory import TOGETHER, add_index, insert, keep_seen, keep_templates, parts, restored
from beforehand.text.grouping import Text
from beforehand.text.vectors import Seen

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

CHARACTERS = 100_000
"""Of a text so many are handed to the grouping, which looks at no more."""
Progress = Callable[[int, int], None]
ERROR_EVENT = "error|exception|fail|crash|fault|denied|timeout|timed.out"
"""How the names of events look that are errors; they need a text in one of PROPERTIES to be grouped."""
PROPERTIES = ("fingerprint", "error_message", "message", "error", "exception", "reason")
TABLES = (
    "issues",
    "issue_tickets",
    "issue_errors",
    "issue_marks",
    "issue_index",
    "issue_keys",
    "issue_templates",
    "issue_read",
)

_MADE = (
    "CREATE TABLE IF NOT EXISTS issues (issue INTEGER PRIMARY KEY, name VARCHAR NOT NULL)",
    # `grouped` is the issue it was found to be; `issue` where people moved it, else the same.
    "CREATE TABLE IF NOT EXISTS issue_tickets (ticket_source VARCHAR NOT NULL, ticket_id VARCHAR NOT NULL, "
    "node INTEGER NOT NULL, person INTEGER, opened_at TIMESTAMP NOT NULL, grouped INTEGER NOT NULL, "
    "issue INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS issue_errors (issue INTEGER NOT NULL, node INTEGER NOT NULL, person INTEGER, "
    "first_at TIMESTAMP NOT NULL, last_at TIMESTAMP NOT NULL, times BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS issue_marks (mark INTEGER PRIMARY KEY, kind VARCHAR NOT NULL, issue INTEGER NOT NULL, "
    "other INTEGER, tickets VARCHAR[], name VARCHAR, marked_at TIMESTAMP NOT NULL, actor VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS issue_index (nth BIGINT NOT NULL, ids BLOB NOT NULL, weights BLOB NOT NULL, "
    "pointing BLOB NOT NULL, digest BLOB NOT NULL, at_us BIGINT NOT NULL, context BIGINT[] NOT NULL, "
    "issue INTEGER NOT NULL)",
    # What each issue is counted as: itself, or what people merged it into (`issue`), by that one's own words.
    "CREATE TABLE IF NOT EXISTS issue_keys (raw INTEGER PRIMARY KEY, issue INTEGER NOT NULL, name VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS issue_templates (nth INTEGER NOT NULL, template VARCHAR NOT NULL, "
    "number INTEGER NOT NULL, issue INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS issue_read (tickets BIGINT NOT NULL, events BIGINT NOT NULL, "
    "texts BIGINT NOT NULL, counts BLOB NOT NULL, next_nth BIGINT NOT NULL)",
)


@dataclass(frozen=True)
class Grouped:
    """How many tickets and error events were grouped now."""

    tickets: int
    errors: int


def ensure(facts: Facts, progress: Progress | None = None) -> Grouped:
    """Groups the tickets and error events that arrived since; tables that do not exist yet are made.

    One transaction: killed at any moment, everything is as it was. Call it outside of one. `progress` is told how many
    of how many texts are grouped.
    """
    connection = facts.connection
    prepare(connection)
    row = first(connection, "SELECT tickets, events FROM issue_read")
    tickets, events = (int(row[0]), int(row[1])) if row else (-1, -1)
    newest = [
        int(only(connection, f"SELECT coalesce(max(stored_seq), -1) FROM {table}")[0])
        for table in ("tickets", "events")
    ]
    if newest[0] <= tickets and newest[1] <= events:
        return Grouped(0, 0)
    connection.execute("BEGIN TRANSACTION")
    try:
        found = _group(connection, tickets, events, newest, progress)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # already rolled back by the engine
            connection.execute("ROLLBACK")
        raise
    return found


def begun(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether anything was grouped yet: who never asks for issues need not wait for them."""
    found = first(connection, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'issue_read' AND NOT temporary")
    return found is not None and first(connection, "SELECT 1 FROM issue_read") is not None


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the tables where there are none."""
    for statement in _MADE:
        connection.execute(statement)


def _group(
    connection: duckdb.DuckDBPyConnection, tickets: int, events: int, newest: list[int], progress: Progress | None
) -> Grouped:
    asked = _tickets(tickets), _errors(events)
    totals = [int(only(connection, f"SELECT count(*) FROM ({sql})")[0]) for sql in asked]
    seen_tickets = seen_errors = 0
    if any(totals):
        groups, nth = restored(connection)
        named = set(groups.names)
        known = len(groups.groups_of_templates())
        # A second connection reads what was there before, so that the stream is not cut off by what is written.
        with connection.cursor() as other:
            for rows in parts(other.sql(asked[0]).to_arrow_reader(TOGETHER)):
                numbers = groups.assign([_ticket(row) for row in rows])
                _add_tickets(connection, rows, numbers)
                nth = add_index(connection, groups, nth)
                seen_tickets += len(rows)
                if progress:
                    progress(seen_tickets, sum(totals))
            for rows in parts(other.sql(asked[1]).to_arrow_reader(TOGETHER)):
                numbers = groups.assign([Text(row["said"], row["first_us"], error=True) for row in rows])
                _add_errors(connection, rows, numbers)
                nth = add_index(connection, groups, nth)
                seen_errors += sum(row["times"] for row in rows)
                if progress:
                    progress(seen_tickets + len(rows), sum(totals))
        new = sorted(set(groups.names) - named)
        if new:
            fresh = [(issue, groups.names[issue]) for issue in new]
            connection.executemany("INSERT INTO issues VALUES (?, ?)", fresh)
            connection.executemany("INSERT INTO issue_keys VALUES (?, ?, ?)", [(one[0], *one) for one in fresh])
        keep_templates(connection, groups, known)
        keep_seen(connection, groups.seen, newest, nth)
    else:
        connection.execute("UPDATE issue_read SET tickets = ?, events = ?", newest)
        if first(connection, "SELECT 1 FROM issue_read") is None:
            keep_seen(connection, Seen(), newest, 0)
    return Grouped(seen_tickets, seen_errors)


def _tickets(after: int) -> str:
    """The first version of each ticket that is not grouped yet, in order of arrival."""
    return (
        "SELECT source, id, account, member, category, epoch_us(occurred_at) AS at_us, "
        f"left(concat_ws(chr(10), nullif(trim(subject), ''), nullif(trim(body), '')), {CHARACTERS}) AS said "
        f"FROM tickets t WHERE stored_seq > {after} AND sign > 0 "
        "AND NOT EXISTS "
        "(SELECT 1 FROM issue_tickets i WHERE i.ticket_source = t.source AND i.ticket_id = t.id) "
        "QUALIFY row_number() OVER (PARTITION BY source, id ORDER BY stored_seq) = 1 ORDER BY stored_seq"
    )


def _errors(after: int) -> str:
    """The error events that arrived: a row for each text and person (or account), in order of arrival."""
    said = ", ".join(f"nullif(trim(TRY_CAST(properties.{name} AS VARCHAR)), '')" for name in PROPERTIES)
    return (
        "SELECT account, member, said, min(at_us) AS first_us, max(at_us) AS last_us, count(*) AS times FROM ("
        f"SELECT account, member, left(coalesce({said}), {CHARACTERS}) AS said, epoch_us(occurred_at) AS at_us, "
        f"stored_seq FROM events WHERE stored_seq > {after} AND regexp_matches(event, '{ERROR_EVENT}', 'i')) "
        "WHERE said IS NOT NULL GROUP BY account, member, said ORDER BY min(stored_seq)"
    )


def _ticket(row: dict[str, Any]) -> Text:
    person = None if row["member"] is None else f"{row['account']}/{row['member']}"
    return Text(row["said"], row["at_us"], person, str(row["account"]), row["category"] or None)


def _add_tickets(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], numbers: list[int]) -> None:
    # Those without words are kept too, as of no issue (0): what is told of them stays told when words are added.
    told = list(zip(rows, numbers, strict=True))
    if told:
        given = pa.table(
            {
                "ticket_source": [row["source"] for row, _ in told],
                "ticket_id": [row["id"] for row, _ in told],
                "node": pa.array([row["account"] for row, _ in told], pa.int32()),
                "person": pa.array([row["member"] for row, _ in told], pa.int32()),
                "opened_at": pa.array([row["at_us"] for row, _ in told], pa.timestamp("us")),
                "grouped": pa.array([number for _, number in told], pa.int32()),
                "issue": pa.array([number for _, number in told], pa.int32()),
            }
        )
        insert(connection, "issue_tickets", given)


def _add_errors(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], numbers: list[int]) -> None:
    told = [(row, number) for row, number in zip(rows, numbers, strict=True) if number]
    if not told:
        return
    given = pa.table(
        {
            "issue": pa.array([number for _, number in told], pa.int32()),
            "node": pa.array([row["account"] for row, _ in told], pa.int32()),
            "person": pa.array([row["member"] for row, _ in told], pa.int32()),
            "first_at": pa.array([row["first_us"] for row, _ in told], pa.timestamp("us")),
            "last_at": pa.array([row["last_us"] for row, _ in told], pa.timestamp("us")),
            "times": pa.array([row["times"] for row, _ in told], pa.int64()),
        }
    )
    # What is known of them already goes in anew, summed up with what came.
    connection.register("issues_given", given)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE issues_summed AS SELECT issue, node, person, min(first_at) AS first_at, "
        "max(last_at) AS last_at, sum(times)::BIGINT AS times FROM (SELECT * FROM issues_given UNION ALL "
        "SELECT e.* FROM issue_errors e SEMI JOIN issues_given g ON e.issue = g.issue AND e.node = g.node "
        "AND e.person IS NOT DISTINCT FROM g.person) GROUP BY ALL"
    )
    connection.execute(
        "DELETE FROM issue_errors WHERE EXISTS (SELECT 1 FROM issues_given g WHERE issue_errors.issue = g.issue "
        "AND issue_errors.node = g.node AND issue_errors.person IS NOT DISTINCT FROM g.person)"
    )
    connection.execute("INSERT INTO issue_errors SELECT * FROM issues_summed")
    connection.execute("DROP TABLE issues_summed")
    connection.unregister("issues_given")
