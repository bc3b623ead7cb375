"""How many facts came when, by feed (source and table) and by event, kept up to date as facts arrive.

Small counts beside the facts: each refresh reads only what was stored since the last one. The first one reads the last
ten weeks of a table, or of a table with little in it the last fourteen months. Names of events are told apart where
they are frequent; others are counted with their feed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from beforehand.calendar import DAY_US, HOUR_US
from beforehand.facts.asking import first
from beforehand.facts.quoting import text
from beforehand.facts.schema import SHAPES

if TYPE_CHECKING:
    import duckdb

    from beforehand.facts.facts import Facts

PULSES, MARKS, NAMES = "pulse_counts", "pulse_marks", "pulse_names"
HOT_DAYS, COLD_DAYS = 70, 420
LITTLE = 50_000
"""A table with fewer rows in the hot days is counted further back: what comes seldom needs a longer look."""
FREQUENT, MOST_NAMES = 0.001, 300
LATEST = 1_000_000
"""Hours late, for what came later than all steps."""
MERGE_AT = 200_000
"""Rows of counts, at which those of one hour are added up."""

Feed = tuple[str, str]
"""(table, source)."""
Sparse = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Hours since 1970 (UTC), hours late (rounded up to a step), and counts."""


def refresh(facts: Facts, now_us: int, steps: Sequence[int]) -> None:
    """Counts what was stored since the last refresh, by `steps` of hours late; all of it or nothing."""
    connection = facts.connection
    newest = facts.watermark()
    with facts.transaction():
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {PULSES} (tbl VARCHAR, source VARCHAR, name VARCHAR, hour INTEGER, "
            "late INTEGER, n BIGINT)"
        )
        connection.execute(f"CREATE TABLE IF NOT EXISTS {MARKS} (tbl VARCHAR PRIMARY KEY, stored_seq BIGINT)")
        connection.execute(f"CREATE TABLE IF NOT EXISTS {NAMES} (source VARCHAR, name VARCHAR)")
        for table in SHAPES:
            row = first(connection, f"SELECT stored_seq FROM {MARKS} WHERE tbl = ?", [table])
            if row is not None and int(row[0]) >= newest:
                continue
            _count(connection, table, None if row is None else int(row[0]), now_us, steps)
            connection.execute(f"INSERT OR REPLACE INTO {MARKS} VALUES (?, ?)", [table, newest])
        _merge(connection)


def feeds(facts: Facts) -> Iterator[tuple[Feed, Sparse]]:
    """Every feed with its counts."""
    found = facts.connection.execute(
        f"SELECT tbl, source, hour, late, sum(n)::BIGINT AS n FROM {PULSES} GROUP BY ALL ORDER BY tbl, source, hour"
    ).fetchnumpy()
    for feed, sparse in _parted(found, "tbl", "source"):
        yield (feed[0], feed[1]), sparse


def events(facts: Facts, source: str) -> Iterator[tuple[str, Sparse]]:
    """Every frequent event of a source with its counts."""
    found = facts.connection.execute(
        f"SELECT name, hour, late, sum(n)::BIGINT AS n FROM {PULSES} WHERE tbl = 'events' AND source = ? "
        "AND name <> '' GROUP BY ALL ORDER BY name, hour",
        [source],
    ).fetchnumpy()
    for (name,), sparse in _parted(found, "name"):
        yield name, sparse


def accounts_of(facts: Facts, feed: Feed, since_us: int, until_us: int, event: str | None = None) -> np.ndarray:
    """The canonical accounts a feed, or an event of it, has facts of in a stretch of time, ascending."""
    table, source = feed
    only = "" if event is None else f" AND event = {text(event)}"
    found = facts.connection.execute(
        f"SELECT DISTINCT account FROM {table} WHERE source = ? AND occurred_at >= make_timestamp(?) "
        f"AND occurred_at < make_timestamp(?){only}",
        [source, since_us, until_us],
    ).fetchnumpy()["account"]
    return np.unique(facts.subjects().canonical[np.asarray(found, dtype=np.int64)])


def versions(
    facts: Facts, source: str, properties: tuple[str, ...], since_us: int, until_us: int
) -> list[tuple[str, str, int, int]]:
    """What the first of these properties that events of a stretch have says, as (property, value, facts, first seen).

    The most frequent values first; first seen is in UTC microseconds.
    """
    for name in properties:
        place = ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
        rows = facts.connection.execute(
            f"SELECT CAST(properties.{place} AS VARCHAR) AS value, count(*), epoch_us(min(occurred_at)) FROM events "
            "WHERE source = ? AND occurred_at >= make_timestamp(?) AND occurred_at < make_timestamp(?) "
            "GROUP BY 1 HAVING value IS NOT NULL ORDER BY 2 DESC, 1 LIMIT 20",
            [source, since_us, until_us],
        ).fetchall()
        if rows:
            return [(name, str(value), int(count), int(seen)) for value, count, seen in rows]
    return []


def _count(
    connection: duckdb.DuckDBPyConnection, table: str, after: int | None, now_us: int, steps: Sequence[int]
) -> None:
    """Adds the counts of rows stored after a mark, or of a table's last weeks where there is none."""
    if after is not None:
        rows = f"stored_seq > {after} AND {_since(now_us, COLD_DAYS)}"
    else:
        rows = _since(now_us, HOT_DAYS)
        found = first(connection, f"SELECT count(*) FROM {table} WHERE {rows}")
        if found is not None and int(found[0]) < LITTLE:
            rows = _since(now_us, COLD_DAYS)
    name = "''"
    if table == "events":
        connection.execute(
            f"INSERT INTO {NAMES} SELECT source, event FROM events WHERE {rows} GROUP BY ALL "
            f"HAVING count(*) >= {FREQUENT} * (SELECT count(*) FROM events WHERE {rows}) "
            f"AND (source, event) NOT IN (SELECT (source, name) FROM {NAMES}) "
            f"ORDER BY count(*) DESC LIMIT {MOST_NAMES}"
        )
        name = f"CASE WHEN (source, event) IN (SELECT (source, name) FROM {NAMES}) THEN event ELSE '' END"
    hours = f"(epoch_us(occurred_at) + delay) // {HOUR_US} - epoch_us(occurred_at) // {HOUR_US}"
    late = " ".join(["CASE", *(f"WHEN {hours} <= {step} THEN {step}" for step in steps), f"ELSE {LATEST} END"])
    connection.execute(
        f"INSERT INTO {PULSES} SELECT '{table}', source, {name}, (epoch_us(occurred_at) // {HOUR_US})::INTEGER, "
        f"({late})::INTEGER, count(*) FROM {table} WHERE {rows} GROUP BY ALL"
    )


def _since(now_us: int, days: int) -> str:
    return f"occurred_at >= make_timestamp({now_us - days * DAY_US})"


def _merge(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds up counts of one hour that came in parts, once there are many more of them than before."""
    size = first(connection, f"SELECT count(*) FROM {PULSES}")
    kept = first(connection, "SELECT value FROM meta WHERE key = 'pulses'")
    if size is None or int(size[0]) < MERGE_AT + 2 * int(kept[0] if kept else 0):
        return
    connection.execute(
        f"CREATE OR REPLACE TABLE {PULSES}_new AS SELECT tbl, source, name, hour, late, sum(n)::BIGINT AS n "
        f"FROM {PULSES} GROUP BY ALL"
    )
    connection.execute(f"DROP TABLE {PULSES}")
    connection.execute(f"ALTER TABLE {PULSES}_new RENAME TO {PULSES}")
    connection.execute(f"INSERT OR REPLACE INTO meta SELECT 'pulses', count(*)::VARCHAR FROM {PULSES}")


def _parted(found: dict[str, np.ndarray], *keys: str) -> Iterator[tuple[tuple[str, ...], Sparse]]:
    """Rows in order of their keys, one part a key."""
    size = len(found["n"])
    if not size:
        return
    change = np.zeros(size, dtype=bool)
    for key in keys:
        column = np.asarray(found[key], dtype=object)
        change[1:] |= column[1:] != column[:-1]
    edges = [0, *np.flatnonzero(change).tolist(), size]
    for low, high in pairwise(edges):
        part = tuple(np.asarray(found[name][low:high], dtype=np.int64) for name in ("hour", "late", "n"))
        yield tuple(str(found[key][low]) for key in keys), (part[0], part[1], part[2])
