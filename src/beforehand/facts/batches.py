"""The ledger of what was loaded: which file, when, how its times of arrival were set; and the sequence of all rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from beforehand.calendar import to_us
from beforehand.facts.asking import first


@dataclass(frozen=True)
class Batch:
    """One file as it was loaded into one table. `read` counts its rows, `loaded` those that were new."""

    number: int
    table: str
    source: str
    file: str
    digest: str
    mapping: str
    loaded_at: datetime
    arrival: str


def meta(connection: duckdb.DuckDBPyConnection, key: str) -> str | None:
    """A value kept beside the facts."""
    row = first(connection, "SELECT value FROM meta WHERE key = ?", [key])
    return None if row is None else str(row[0])


def set_meta(connection: duckdb.DuckDBPyConnection, key: str, value: str) -> None:
    """Keeps a value beside the facts, inside the transaction there is."""
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", [key, value]
    )


def next_seq(connection: duckdb.DuckDBPyConnection) -> int:
    """The first free number of the sequence over all fact tables."""
    return int(meta(connection, "next_seq") or 1)


def go_live_at(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """When the first run was, or None."""
    found = meta(connection, "go_live_at")
    return datetime.fromisoformat(found) if found else None


def already(connection: duckdb.DuckDBPyConnection, digest: str, mapping: str, table: str, source: str) -> int | None:
    """How many rows this very file brought when it was loaded before in this way; None where it was not."""
    row = first(
        connection,
        "SELECT max(read) FROM batches WHERE digest = ? AND mapping = ? AND tbl = ? AND source = ?",
        [digest, mapping, table, source],
    )
    return None if row is None or row[0] is None else int(row[0])


def assumed_arrival(connection: duckdb.DuckDBPyConnection, source: str, digests: Collection[str]) -> str:
    """What stands in for a missing time of arrival: "occurred" before go-live and in a source's first load, else "now".

    The files of one command are one load: those of `digests` that are in the ledger already, from a run of the
    command that was cut off, do not make the others a second load.
    """
    if meta(connection, "go_live_at") is None:
        return "occurred"
    earlier = first(
        connection,
        "SELECT count(*) FROM batches WHERE source = ? AND NOT (arrival = 'occurred' AND list_contains(?, digest))",
        [source, list(digests)],
    )
    return "now" if earlier and earlier[0] else "occurred"


def enter(
    connection: duckdb.DuckDBPyConnection,
    batch: Batch,
    seq_from: int,
    seq_to: int,
    read: int,
    loaded: int,
    assumed: int,
    backfilled: bool,
) -> None:
    """Writes a batch into the ledger and moves the sequence past it; part of the transaction of its rows."""
    connection.execute(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            batch.number, batch.table, batch.source, batch.file, batch.digest, batch.mapping, seq_from, seq_to, read,
            loaded,
            plain(batch.loaded_at), batch.arrival, assumed, backfilled,
        ],
    )  # fmt: skip
    set_meta(connection, "next_seq", str(seq_to + 1))


def next_batch(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the next batch."""
    row = first(connection, "SELECT coalesce(max(batch), 0) + 1 FROM batches")
    assert row is not None
    return int(row[0])


def plain(at: datetime) -> datetime:
    """An aware time as the engine stores it: UTC without zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def backfills(connection: duckdb.DuckDBPyConnection, first_occurred_us: int | None) -> bool:
    """Whether rows loaded now are history from before go-live."""
    live = go_live_at(connection)
    return live is not None and first_occurred_us is not None and first_occurred_us < to_us(live)
