"""Which rows of a file are known already: the same id with the same content adds nothing, with other content is "
"told."""

from __future__ import annotations

import duckdb

from beforehand.facts.asking import first, only
from beforehand.facts.merging import canonical_tables
from beforehand.facts.quoting import text
from beforehand.facts.schema import SHAPES, Shape
from beforehand.facts.staging import SEPARATOR


def find(connection: duckdb.DuckDBPyConnection, table: str, source: str, copies: bool = False) -> None:
    """Makes `skip(rn)`, the good rows of `k` that bring nothing new, and gives a reason to those that contradict.

    Of two rows with one id the first stays: the stored one, or the earlier one of the file. With `copies` the other is
    known already whatever it says: a letter that came once more by a mailing list has another foot.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE skip (rn BIGINT)")
    shape = SHAPES[table]
    canonical_tables(connection)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE twice AS SELECT id FROM k WHERE reason IS NULL AND NOT made GROUP BY id "
        "HAVING count(*) > 1"
    )
    # Ids mostly grow with time: with their range said, the engine passes over the blocks that hold none of them.
    low, high = only(connection, "SELECT coalesce(min(id), ''), coalesce(max(id), '') FROM k WHERE reason IS NULL")
    stored = f"e.source = {text(source)} AND e.id BETWEEN {text(low)} AND {text(high)} AND e.id = k.id"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE hit AS SELECT rn, id, made FROM k "
        f"WHERE reason IS NULL AND EXISTS (SELECT 1 FROM {table} e WHERE {stored})"
    )
    if shape.versioned:
        return
    if _any(connection, "twice"):
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE judged AS
            SELECT rn, id, content, first(content) OVER (PARTITION BY id ORDER BY rn) AS kept,
                row_number() OVER (PARTITION BY id ORDER BY rn) AS number
            FROM (SELECT k.rn, k.id, {arriving_content(shape)} AS content FROM k {ARRIVING} WHERE k.id IN (SELECT id
            FROM twice EXCEPT SELECT id FROM hit))
            """
        )
        connection.execute("INSERT INTO skip SELECT rn FROM judged WHERE number > 1 AND content = kept")
        others = "SELECT rn FROM judged WHERE number > 1 AND content <> kept"
        _contradict(connection, others, "another row of the file", copies)
    if _any(connection, "hit"):
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE judged AS
            SELECT n.rn, n.made OR n.content IS NOT DISTINCT FROM o.content AS same
            FROM (SELECT k.rn, k.id, k.made, {arriving_content(shape)} AS content FROM k {ARRIVING} WHERE k.rn
            IN (SELECT rn FROM hit)) n
            JOIN (SELECT e.id, {stored_content(shape)} AS content FROM {table} e {STORED}
                WHERE e.source = {text(source)} AND e.id IN (SELECT id FROM hit)) o USING (id)"""
        )
        connection.execute("INSERT INTO skip SELECT rn FROM judged WHERE same")
        _contradict(connection, "SELECT rn FROM judged WHERE NOT same", "a stored row", copies)


# The sides of a comparison: accounts and people as they are merged now, so that a match made between two loads of a
# row does not make it another row.
ARRIVING = (
    "JOIN s USING (rn) JOIN acct a ON a.text = k.account LEFT JOIN mem m ON m.account_text = k.account AND "
    "m.person_text = k.person "
    "LEFT JOIN canon_account ca ON ca.node = a.account LEFT JOIN canon_person cp ON cp.node = m.person"
)
STORED = (
    "LEFT JOIN members m ON m.account = e.account AND m.member = e.member "
    "LEFT JOIN canon_account ca ON ca.node = e.account LEFT JOIN canon_person cp ON cp.node = m.person"
)


def arriving_content(shape: Shape) -> str:
    """SQL for the digest of a row's content on the arriving side."""
    return _content(shape, "s", "coalesce(ca.into_node, a.account)", "s.occurred_us")


def stored_content(shape: Shape) -> str:
    """SQL for the same digest on the stored side."""
    return _content(shape, "e", "coalesce(ca.into_node, e.account)", "epoch_us(e.occurred_at)")


def _content(shape: Shape, side: str, account: str, occurred_us: str) -> str:
    own = [f"{side}.{c}" for c in shape.columns] + ([f"to_json({side}.properties)"] if shape.properties else [])
    pieces = [account, "coalesce(cp.into_node, m.person)", occurred_us, *own]
    return f"md5(concat_ws({SEPARATOR}, {', '.join(f'coalesce(CAST({p} AS VARCHAR), chr(0))' for p in pieces)}))"


def _contradict(connection: duckdb.DuckDBPyConnection, rows: str, other: str, copies: bool) -> None:
    if copies:
        connection.execute(f"INSERT INTO skip {rows}")
        return
    connection.execute(
        f"UPDATE k SET reason = concat('id ', left(k.id, 60), ': {other} has it with other content') WHERE rn IN "
        f"({rows})"
    )


def _any(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return first(connection, f"SELECT 1 FROM {table} LIMIT 1") is not None
