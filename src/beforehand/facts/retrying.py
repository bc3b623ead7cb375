"""Trying rows in quarantine again: the same mapping, the settings as they are now."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from beforehand.facts import batches, listing, loading, staging
from beforehand.facts.asking import only
from beforehand.facts.batches import Batch
from beforehand.facts.files import InputFile

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts


def retry(facts: Facts, now: datetime | None = None) -> tuple[int, int, int]:
    """Tries the rows of every load again; returns how many were tried, how many loaded, and how many stay.

    Rows that could not even be split into columns wait for a mended file. Each load is tried in one transaction: its
    rows leave quarantine and are loaded, or go back there with the reason of now.
    """
    rows = facts.connection.execute(
        """SELECT q.batch, q.line, q."row", b.tbl, b.source, b.file, b.mapping, b.arrival, b.loaded_at, q.id
        FROM quarantine q JOIN batches b USING (batch) WHERE q.retry ORDER BY q.batch, q.line"""
    ).fetchall()
    loaded = 0
    for number, group in groupby(rows, key=lambda row: row[0]):
        listed = list(group)
        _, _, _, table, source, file, mapping, arrival, _loaded_at, _ = listed[0]
        at = now or datetime.now(UTC)
        batch = Batch(0, table, source, file, f"retry of {number}", mapping, at, arrival)
        loaded += _again(facts, batch, int(number), [(line, row, row_id) for _, line, row, *_, row_id in listed])
    return len(rows), loaded, int(only(facts.connection, "SELECT count(*) FROM quarantine")[0])


def _again(facts: Facts, batch: Batch, number: int, rows: list[tuple[int, str, str | None]]) -> int:
    """Loads the kept rows of one batch as JSON lines; those that fail again keep their place in their own file."""
    connection = facts.connection
    written = json.loads(batch.mapping)
    learned = written.pop("learned")[1:] if written.get("learned") in ("=occurred", "=now") else None
    with tempfile.TemporaryDirectory(dir=facts.path.parent) as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(row.replace("\n", " ") + "\n" for _, row, _ in rows), encoding="utf-8")
        keys = _keys(row for _, row, _ in rows)
        file = InputFile(path, "jsonl", False, batch.digest, tuple((key, "JSON") for key in keys))
        columns = loading.columns_of(replace(file, path=Path(batch.file)), batch.table, written, learned)
        terms = loading.terms(facts.settings, batch.loaded_at, batch.arrival)
        with facts.telling():
            if batch.table in listing.LISTS:
                listing.stage(connection, batch.table, file, columns, terms)
            else:
                staging.stage(connection, batch.table, file, columns, terms)
        with facts.transaction():
            again = replace(batch, number=batches.next_batch(connection))
            connection.execute("DELETE FROM quarantine WHERE batch = ? AND retry", [number])
            store = (
                listing.store(facts, again, file, columns)
                if batch.table in listing.LISTS
                else loading.store(facts, again, file)
            )
            # What failed again goes back under the load it came from, with the line it has there.
            lines = [line for line, _, _ in rows]
            back = connection.execute(
                "SELECT line FROM quarantine WHERE batch = ? ORDER BY line", [again.number]
            ).fetchall()
            for (place,) in back:
                connection.execute(
                    "UPDATE quarantine SET batch = ?, line = ? WHERE batch = ? AND line = ?",
                    [number, lines[place - 1], again.number, place],
                )
            if not store.loaded:
                connection.execute("DELETE FROM batches WHERE batch = ?", [again.number])
    return store.loaded + store.known


def _keys(rows: Iterable[str]) -> list[str]:
    """The columns the kept rows have, in the order they are first met."""
    found: dict[str, None] = {}
    for row in rows:
        try:
            read = json.loads(row)
        except ValueError:
            continue
        if isinstance(read, dict):
            found |= dict.fromkeys(read)
    return list(found)
