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
from beforehand.facts.files import PLACE, PLACE_FILE, REFUSED, InputFile, open_bytes
from beforehand.facts.lines import lines_at, lines_in, lines_of_rows, rows_at_lines
from beforehand.facts.quoting import name
from beforehand.facts.scanning import LINE_LIMIT

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

_SHOWN = 10_000
_SAME_ROW = 0.5
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
    if str(file.path) == batch.file:  # else it is a second try of rows in quarantine
        clear_mended(connection, batch, file)
    unreadable = _keep_unreadable(connection, batch, file)
    bad = [r[0] for r in connection.execute("SELECT rn FROM k WHERE reason <> '' ORDER BY rn").fetchall()]
    if bad:
        total = int(only(connection, "SELECT count(*) FROM k")[0])
        lines = lines_of_rows(file, bad, total, unreadable)
        connection.register(
            "bad_lines",
            pa.table({"rn": pa.array(lines.keys(), pa.int64()), "line": pa.array(lines.values(), pa.int64())}),
        )
        originals = _originals(file)
        connection.execute(
            f"""INSERT INTO quarantine SELECT ?, ?, ?, ?, b.line, k.reason, o.original, CASE WHEN k.made THEN NULL
                ELSE k.id END, true
            FROM k JOIN bad_lines b USING (rn) JOIN ({originals}) o USING (rn)""",
            [batch.number, batch.table, batch.source, batch.file],
        )
        connection.unregister("bad_lines")
        if file.made and str(file.path) == batch.file:
            _put_in_place(connection, batch)
    lost = len(unreadable) + len(file.bad)
    return Kept(len(bad) + lost, lost)


def _put_in_place(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Says of the rows made of an export where each stands in it."""
    connection.execute(
        f"""UPDATE quarantine SET line = CAST("row" ->> '$.{PLACE}' AS BIGINT),
        file = coalesce("row" ->> '$.{PLACE_FILE}', file) WHERE batch = ?""",
        [batch.number],
    )


def clear_mended(connection: duckdb.DuckDBPyConnection, batch: Batch, file: InputFile) -> int:
    """Takes out the rows that an earlier load of the same file left in quarantine and that this one holds again.

    A row with an id is found by it, one without by its line, where half of the cells that stand there now are the same.
    Whether it is good now does not matter: if not, it goes to quarantine anew. Returns how many went.
    """
    within = " OR starts_with(file, ?)" if file.made else ""
    older = connection.execute(
        f"""SELECT rowid, line, id, "row" FROM quarantine
        WHERE (file = ?{within}) AND tbl = ? AND source = ? AND batch <> ?""",
        [batch.file, *([f"{batch.file}/"] if within else []), batch.table, batch.source, batch.number],
    ).fetchall()
    if not older:
        return 0
    by_id = "SELECT id FROM k WHERE NOT made AND id IS NOT NULL"
    listed = ", ".join(str(place) for place, _, row_id, _ in older if row_id is not None) or "NULL"
    found = connection.execute(f"SELECT rowid FROM quarantine WHERE rowid IN ({listed}) AND id IN ({by_id})").fetchall()
    gone = [place for (place,) in found]
    by_line = {line: (place, row) for place, line, row_id, row in older if row_id is None and not file.made}
    if file.made and any(row_id is None for _, _, row_id, _ in older):
        said = f"SELECT original FROM ({_originals(file)}) WHERE contains(original, '\"{REFUSED}\"')"
        now = {_words(row) for (row,) in connection.execute(said).fetchall()}
        gone += [place for place, _, row_id, row in older if row_id is None and _words(row) in now]
    total = int(only(connection, "SELECT count(*) FROM k")[0])
    rows = rows_at_lines(file, by_line.keys(), total, _unreadable_lines(connection, file))
    if rows:
        listed = ", ".join(map(str, rows.values()))
        texts = dict(
            connection.execute(f"SELECT rn, original FROM ({_originals(file)}) WHERE rn IN ({listed})").fetchall()
        )
        gone += [
            by_line[line][0]
            for line, row in rows.items()
            if row in texts and _alike(texts[row], by_line[line][1], file.delimiter) >= _SAME_ROW
        ]
    if gone:
        connection.execute(f"DELETE FROM quarantine WHERE rowid IN ({', '.join(map(str, gone))})")
    return len(gone)


def _words(row: str) -> str:
    """What a row made of an export says, wherever it stands."""
    read = _read(row)
    return json.dumps({k: v for k, v in read.items() if k != PLACE}, sort_keys=True) if isinstance(read, dict) else row


def _alike(one: str, other: str, delimiter: str) -> float:
    """The share of cells two rows have in common, whichever of them could be split into columns."""
    cells = [
        list(read.values()) if isinstance(read := _read(row), dict) else row.split(delimiter) for row in (one, other)
    ]
    pairs = [(a, b) for a, b in zip(*cells, strict=False) if (a, b) != (None, None)]
    return sum(str(a) == str(b) for a, b in pairs) / max(1, len(pairs))


def _originals(file: InputFile) -> str:
    """SQL for the rows as they stand in the file (`rn`, `original`)."""
    packed = f"CAST(to_json(struct_pack({', '.join(f'{name(c)} := {name(c)}' for c, _ in file.columns)})) AS VARCHAR)"
    if file.form == "parquet":
        return f"SELECT file_row_number AS rn, {packed} AS original FROM {file.relation}"
    again = file.relation.replace("store_rejects = true", "ignore_errors = true")
    return (
        f"SELECT row_number() OVER () - 1 AS rn, {'line' if file.form == 'jsonl' else packed} AS original FROM {again}"
    )


def _unreadable_lines(connection: duckdb.DuckDBPyConnection, file: InputFile) -> list[int]:
    if file.form == "parquet":
        return []
    places = connection.execute("SELECT DISTINCT line_byte_position - 1 FROM reject_errors").fetchall()
    return sorted(lines_at(file, [at for (at,) in places]).values())


def _keep_unreadable(connection: duckdb.DuckDBPyConnection, batch: Batch, file: InputFile) -> list[int]:
    """Keeps the rows that could not be split into columns; returns the lines of those the engine itself refused."""
    if file.form == "parquet":
        return []
    kept: list[tuple[int, str, str]] = []
    if file.bad:
        with open_bytes(file.path, file.compressed) as stream:
            at = lines_in(stream, [bad.start for bad in file.bad])
        kept += [(at[bad.start], bad.reason, bad.text) for bad in file.bad]
    rejected = connection.execute(
        "SELECT line_byte_position - 1, any_value(error_type), left(any_value(csv_line), ?) FROM reject_errors "
        "GROUP BY 1 ORDER BY 1",
        [_SHOWN],
    ).fetchall()
    lines = lines_at(file, [place for place, _, _ in rejected])
    for place, error, written in rejected:
        kept.append(
            (lines[place], f"the row cannot be read: {_UNREADABLE.get(str(error), str(error).lower())}", written or "")
        )
    for line, reason, row in sorted(kept):
        connection.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, NULL, false)",
            [batch.number, batch.table, batch.source, batch.file, line, reason, row],
        )
    return sorted(lines.values())


def listed(facts: Facts, limit: int | None = None) -> tuple[list[dict[str, Any]], int]:
    """The rows in quarantine (file, line, reason, row as it was read, table, source), oldest load first, and "
    "how many."""
    total = only(facts.connection, "SELECT count(*) FROM quarantine")[0]
    rows = facts.connection.execute(
        f"""SELECT file, line, reason, "row", tbl, source FROM quarantine ORDER BY batch, line
        {"" if limit is None else f"LIMIT {int(limit)}"}"""
    ).fetchall()
    names = ("file", "line", "reason", "row", "table", "source")
    return [
        dict(zip(names, (file, line, reason, _as_told(_read(row)), *rest), strict=True))
        for file, line, reason, row, *rest in rows
    ], int(total)


def _as_told(row: Any) -> Any:
    """A row without where it stood and why it was refused, which is told beside it."""
    if not isinstance(row, dict):
        return row
    return {key: value for key, value in row.items() if key not in (PLACE, PLACE_FILE, REFUSED)}


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
