"""Rows that could not be loaded: kept with their reason, file and line, listed, tried again after mending."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from beforehand.facts.asking import first
from beforehand.facts.batches import Batch
from beforehand.facts.files import LINE_LIMIT, InputFile
from beforehand.facts.lines import lines_at, lines_of_rows

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
        row = first(connection, "SELECT count(*) FROM k")
        assert row is not None
        lines = lines_of_rows(file, bad, int(row[0]), unreadable)
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
