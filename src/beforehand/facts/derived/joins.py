"""Who is one person now: places at accounts that merges of accounts and people have made one.

A place is (account, member), as facts carry it; member -1 stands for an account's facts that are nobody's. Merges
rewrite no fact, and few places are ever joined: only those are listed.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from beforehand.facts.asking import first, only
from beforehand.facts.merging import canonical_tables

Place = tuple[int, int]
_COLUMNS = "account, member, to_account, to_member"


def lay_joins(reader: duckdb.DuckDBPyConnection) -> None:
    """Makes `joins` for the reader: every place that is one with others, and the one of them that stands for all."""
    if first(reader, "SELECT 1 FROM merges WHERE undone_at IS NULL LIMIT 1") is None:
        none = ", ".join(f"{column.strip()} INTEGER" for column in _COLUMNS.split(","))
        reader.execute(f"CREATE OR REPLACE TEMP TABLE joins ({none})")
        return
    canonical_tables(reader)
    reader.execute(
        """CREATE OR REPLACE TEMP TABLE joins AS
        WITH own AS (
            SELECT m.account, m.member, coalesce(a.into_node, m.account) AS root,
            coalesce(p.into_node, m.person) AS one
            FROM members m LEFT JOIN canon_account a ON a.node = m.account LEFT JOIN canon_person p ON p.node = m.person
            WHERE root IN (SELECT into_node FROM canon_account) OR one IN (SELECT into_node FROM canon_person)
            UNION ALL
            SELECT node, -1, into_node, -1 FROM canon_account
            UNION ALL
            SELECT DISTINCT into_node, -1, into_node, -1 FROM canon_account),
        shared AS (
            SELECT root, one, min((account, member)) AS least FROM own GROUP BY ALL HAVING count(*) > 1)
        SELECT account, member, least[1] AS to_account, least[2] AS to_member FROM own JOIN shared USING (root, one)
        """
    )


def merges(connection: duckdb.DuckDBPyConnection) -> str:
    """A text that changes when anybody is merged, or a merge is undone."""
    return "/".join(map(str, only(connection, "SELECT count(*), count(undone_at) FROM merges")))


def changed(connection: duckdb.DuckDBPyConnection, reader: duckdb.DuckDBPyConnection, table: str) -> pa.Table:
    """The places (account, member) that are one with others than when a table of made facts was last written."""
    before = _read(connection, f"SELECT {_COLUMNS} FROM recipe_joins WHERE tbl = '{table}'")
    now = _read(reader, f"SELECT {_COLUMNS} FROM joins")
    moved = {place for place in before.keys() | now.keys() if before.get(place) != now.get(place)}
    # With each that came or went, all of those it was and is with.
    ends = {joins.get(place, place) for joins in (before, now) for place in moved}
    moved |= {place for joins in (before, now) for place, end in joins.items() if end in ends} | ends
    accounts, members = [a for a, _ in moved], [m for _, m in moved]
    return pa.table({"account": pa.array(accounts, pa.int32()), "member": pa.array(members, pa.int32())})


def keep_joins(connection: duckdb.DuckDBPyConnection, reader: duckdb.DuckDBPyConnection, table: str) -> None:
    """Writes down which places are one, for the next time; part of a transaction."""
    connection.execute("DELETE FROM recipe_joins WHERE tbl = ?", [table])
    connection.register("joins_given", reader.sql("SELECT * FROM joins").to_arrow_table())
    connection.execute(f"INSERT INTO recipe_joins SELECT '{table}', {_COLUMNS} FROM joins_given")
    connection.unregister("joins_given")


def _read(connection: duckdb.DuckDBPyConnection, query: str) -> dict[Place, Place]:
    return {(a, m): (to_a, to_m) for a, m, to_a, to_m in connection.execute(query).fetchall()}
