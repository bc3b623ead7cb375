"""A file's rows in the engine: `s` with everything read and typed, `k` with what decides about each row."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from beforehand.facts.asking import first
from beforehand.facts.checked import Reading, Terms, checked
from beforehand.facts.files import InputFile
from beforehand.facts.mapping import Columns
from beforehand.facts.resolving import account_text
from beforehand.facts.schema import SHAPES

SEPARATOR = "chr(31)"


@dataclass(frozen=True)
class Counts:
    """What `k` and `skip` hold: rows (blank lines left out), good ones, new ones; of the new ones: times without zone,
    arrivals raised, arrivals given, and the first time (UTC microseconds)."""

    rows: int
    good: int
    fresh: int
    without_zone: int
    raised: int
    given: int
    first_us: int | None


def stage(connection: duckdb.DuckDBPyConnection, table: str, file: InputFile, columns: Columns, terms: Terms) -> None:
    """Reads a file for a fact table into `s` and `k`.

    Text is read once, into a temporary table that moves to disk where memory ends; Parquet stays where it is and is
    read column by column when needed.
    """
    select_into_s(connection, file, checked(table, file, columns, terms))
    keys_from_s(connection, table, "id" in columns.roles)


def select_into_s(connection: duckdb.DuckDBPyConnection, file: InputFile, reading: Reading) -> None:
    """Makes `s`: what a file is read as, with the number of each row from 0 as `rn`."""
    for leftover in ("reject_errors", "reject_scans"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{leftover}")
    connection.execute("DROP VIEW IF EXISTS temp.s")
    one, two, three = reading.sql()
    if file.form == "parquet":
        # Stays where it is: what a query does not ask of `s` is not read.
        cells = f"SELECT file_row_number AS rn, {one} FROM {file.relation}"
        connection.execute(f"CREATE TEMP VIEW s AS SELECT rn, {three} FROM (SELECT rn, {two} FROM ({cells}))")
    else:
        cells = f"SELECT {one} FROM {file.relation}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE staged AS SELECT {three} FROM (SELECT {two} FROM ({cells}))")
        connection.execute("CREATE TEMP VIEW s AS SELECT rowid AS rn, * FROM staged")


def keys_from_s(connection: duckdb.DuckDBPyConnection, table: str, with_ids: bool) -> None:
    """Makes `k` from `s`. A row without id is known by the digest of its content and, from the second equal one of the
    file on, its number among them; the time of arrival is no content."""
    shape = SHAPES[table]
    own = [*shape.columns, *(["to_json(properties)"] if shape.properties else [])]
    content = ", ".join(_present(c) for c in ("account", "person", "occurred_us", *own))
    digest = f"md5(concat_ws({SEPARATOR}, {content}))"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE k AS SELECT rn,
            {"id" if with_ids else f"CASE WHEN refused IS NULL THEN {digest} END"}
        AS id, id IS NULL AS made, {account_text("account", "person")} AS account, person, occurred_us, refused
        AS reason,
        without_zone, learned_us IS NOT NULL AS given, coalesce(learned_us < occurred_us, false) AS raised FROM s"""
    )
    if with_ids and first(connection, "SELECT 1 FROM k WHERE made AND reason IS NULL LIMIT 1"):
        connection.execute(
            f"UPDATE k SET id = d.digest FROM (SELECT rn, {digest} AS digest FROM s WHERE id IS NULL AND refused "
            "IS NULL) d "
            "WHERE d.rn = k.rn"
        )
    if first(connection, "SELECT 1 FROM k WHERE made AND reason IS NULL GROUP BY id HAVING count(*) > 1 LIMIT 1"):
        connection.execute(
            """UPDATE k SET id = concat(k.id, '#', n.number) FROM (
                SELECT rn, row_number() OVER (PARTITION BY id ORDER BY rn) AS number
                FROM k WHERE made AND reason IS NULL) n
            WHERE n.rn = k.rn AND n.number > 1"""
        )


def counts(connection: duckdb.DuckDBPyConnection) -> Counts:
    """Counts what `k` and `skip` hold now."""
    skipped = first(connection, "SELECT 1 FROM skip LIMIT 1") is not None
    fresh = "reason IS NULL AND rn NOT IN (SELECT rn FROM skip)" if skipped else "reason IS NULL"
    row = first(
        connection,
        f"""SELECT count(*), {count("reason IS NULL")}, {count("fresh")}, {count("fresh AND without_zone")},
        {count("fresh AND raised")}, {count("fresh AND given")}, min(CASE WHEN fresh THEN occurred_us END)
        FROM (SELECT *, {fresh} AS fresh FROM k WHERE reason IS NULL OR reason <> '')""",
    )
    assert row is not None
    return Counts(*row)


def count(condition: str) -> str:
    """SQL for how many rows meet a condition; `count_if` of no rows is NULL."""
    return f"coalesce(count_if({condition}), 0)"


def _present(column: str) -> str:
    return f"coalesce(CAST({column} AS VARCHAR), '')"
