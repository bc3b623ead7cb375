"""Rows that could not be loaded: kept with their reason, file and line, listed, tried again after mending."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from beforehand.errors import InputError, among
from beforehand.facts.asking import only
from beforehand.facts.batches import Batch
from beforehand.facts.files import LINE_LIMIT, InputFile
from beforehand.facts.lines import lines_at, lines_of_rows

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

_SHOWN = 10_000
_UNREADABLE = {
    "MISSING COLUMNS": "too few columns",
    "TOO MANY COLUMNS": "too many columns",
    "UNQUOTED VALUE": "a quote that is not closed, or text after a closing quote",
    "LINE SIZE OVER MAXIMUM": f"longer than {LINE_LIMIT:,} bytes",
    "INVALID ENCODING": "not UTF-8",
}


@dataclass(frozen=True)
class Kept:
    """How many rows of a file went to quarantine, and how many of them the engine could not split into columns."""

    total: int
    unreadable: int


def keep_bad_rows(connection: duckdb.DuckDBPyConnection, batch: Batch, file: InputFile) -> Kept:
    """Writes the rows of `k` that have a reason, and those that could not be read, into quarantine."""
    unreadable = _keep_unreadable(connection, batch, file)
    bad = [r[0] for r in connection.execute("SELECT rn FROM k WHERE reason <> '' ORDER BY rn").fetchall()]
    if bad:
        total = int(only(connection, "SELECT count(*) FROM k")[0])
        lines = lines_of_rows(file, bad, total, unreadable)
        connection.register(
            "bad_lines",
            pa.table({"rn": pa.array(lines.keys(), pa.int64()), "line": pa.array(lines.values(), pa.int64())}),
        )
        if file.form == "parquet":
            originals = (
                f"SELECT file_row_number AS rn, CAST(to_json(columns_) AS VARCHAR) AS original FROM (SELECT file_row_number, "
                f"struct_pack({_packed(file)}) AS columns_ FROM {file.relation})"
            )
        else:
            again = file.relation.replace("store_rejects = true", "ignore_errors = true")
            shown = "line" if file.form == "jsonl" else f"CAST(to_json(struct_pack({_packed(file)})) AS VARCHAR)"
            originals = f"SELECT row_number() OVER () - 1 AS rn, {shown} AS original FROM {again}"
        connection.execute(
            f"""INSERT INTO quarantine SELECT ?, ?, ?, ?, b.line, k.reason, o.original, CASE WHEN k.made THEN NULL ELSE k.id END, true
            FROM k JOIN bad_lines b USING (rn) JOIN ({originals}) o USING (rn)""",
            [batch.number, batch.table, batch.source, batch.file],
        )
        connection.unregister("bad_lines")
    return Kept(len(bad) + len(unreadable), len(unreadable))


def _packed(file: InputFile) -> str:
    from beforehand.facts.quoting import name

    return ", ".join(f"{name(c)} := {name(c)}" for c, _ in file.columns)


def _keep_unreadable(connection: duckdb.DuckDBPyConnection, batch: Batch, file: InputFile) -> list[int]:
    """Keeps the rows the engine could not split; returns their lines."""
    if file.form == "parquet":
        return []
    rejected = connection.execute(
        f"SELECT line_byte_position, any_value(error_type), left(any_value(csv_line), {_SHOWN}) FROM reject_errors GROUP BY 1 ORDER BY 1"
    ).fetchall()
    # Positions count from 1.
    lines = lines_at(file, [at - 1 for at, _, _ in rejected])
    for at, error, written in rejected:
        reason = f"the row cannot be read: {_UNREADABLE.get(str(error), str(error).lower())}"
        connection.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, NULL, false)",
            [batch.number, batch.table, batch.source, batch.file, lines[at - 1], reason, written or ""],
        )
    return sorted(lines.values())


def listed(facts: Facts, limit: int | None = None) -> tuple[list[dict[str, Any]], int]:
    """The rows in quarantine (file, line, reason, row as it was read, table, source), oldest load first, and how many."""
    total = only(facts.connection, "SELECT count(*) FROM quarantine")[0]
    rows = facts.connection.execute(
        f"""SELECT file, line, reason, "row", tbl, source FROM quarantine ORDER BY batch, line
        {"" if limit is None else f"LIMIT {int(limit)}"}"""
    ).fetchall()
    names = ("file", "line", "reason", "row", "table", "source")
    return [
        dict(zip(names, (file, line, reason, _read(row), *rest), strict=True))
        for file, line, reason, row, *rest in rows
    ], int(total)


def _read(row: str) -> Any:
    """The row as an object where it is one, else the text of the line."""
    try:
        found = json.loads(row)
    except ValueError:
        return row
    return found if isinstance(found, dict) else row


def drop(facts: Facts, file: Path | None) -> tuple[int, int]:
    """Gives up the rows of a file (by its path or name), or all; returns how many went and how many are left.

    InputError where the file has none.
    """
    condition, values = (
        ("true", [])
        if file is None
        else ("(file = ? OR file = ? OR file LIKE '%/' || ?)", [str(file), str(file.absolute()), str(file)])
    )
    with facts.transaction():
        gone = only(facts.connection, f"SELECT count(*) FROM quarantine WHERE {condition}", values)[0]
        if file is not None and not gone:
            names = [r[0] for r in facts.connection.execute("SELECT DISTINCT file FROM quarantine").fetchall()]
            raise InputError(f"Quarantine holds no row of {file}.", among(str(file), names), code="no-such-file")
        facts.connection.execute(f"DELETE FROM quarantine WHERE {condition}", values)
    return int(gone), int(only(facts.connection, "SELECT count(*) FROM quarantine")[0])
