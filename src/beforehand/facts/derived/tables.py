"""Tables of made facts: their shape, the ledger of which there are and how far each has seen, and how rows get in.

A table is brought up to date by the difference between what it says and what it should say of the people or tickets
that new facts touch. The difference is written with signs and with the moments at which it was learned; nothing is
rewritten, so that whoever has read up to a `stored_seq` goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from beforehand.facts.asking import first, only
from beforehand.facts.derived.presence import Signed
from beforehand.facts.derived.recipe import Recipe

PREFIX = "made_"
"""What the names of all tables of made facts begin with."""
KEPT = 100
"""How many tables a file keeps; those not asked for longest go when another is made."""

COLUMNS = (
    "stored_seq BIGINT NOT NULL, source VARCHAR NOT NULL, id VARCHAR NOT NULL, account INTEGER NOT NULL, "
    "member INTEGER, occurred_at TIMESTAMP NOT NULL, delay BIGINT NOT NULL, "
    "learned_at TIMESTAMP GENERATED ALWAYS AS (occurred_at + to_microseconds(delay)) VIRTUAL, "
    "sign TINYINT NOT NULL, ticket VARCHAR, category VARCHAR"
)
"""Those of a fact table that has versions. `id` is that of the fact a row was made from; `ticket` and `category` are
NULL where that fact is no ticket."""
WHO = ("source", "id", "account", "member", "ticket", "category")
"""What a row has of the fact it was made from."""
_LEDGER = (
    "CREATE TABLE IF NOT EXISTS recipes (tbl VARCHAR PRIMARY KEY, digest VARCHAR NOT NULL, recipe VARCHAR NOT NULL, "
    "watermark BIGINT NOT NULL, state VARCHAR NOT NULL, used BIGINT NOT NULL)"
)
_JOINED = (
    "CREATE TABLE IF NOT EXISTS recipe_joins (tbl VARCHAR NOT NULL, account INTEGER NOT NULL, member INTEGER NOT NULL, "
    "to_account INTEGER NOT NULL, to_member INTEGER NOT NULL)"
)


@dataclass
class Kept:
    """A table as the ledger has it: `watermark` is the newest arrival it has seen, -1 for none; `state` is what its
    rows followed from besides facts."""

    name: str
    watermark: int
    state: str


def made_tables(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The tables of made facts there are: what was kept of others is of no use any more."""
    if first(connection, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'recipes' AND NOT temporary") is None:
        return ()
    return tuple(str(name) for (name,) in connection.execute("SELECT tbl FROM recipes ORDER BY 1").fetchall())


def kept(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> Kept:
    """The table of a recipe, made where there is none, and marked as used; part of a transaction."""
    connection.execute(_LEDGER)
    connection.execute(_JOINED)
    digest = recipe.digest
    row = first(connection, "SELECT tbl, watermark, state FROM recipes WHERE digest = ?", [digest])
    if row is None:
        # Numbered, so that a table made anew is not taken for the one that went, of which others may have kept counts.
        number = int(only(connection, "SELECT coalesce(max(value::BIGINT), 0) + 1 FROM meta WHERE key = 'recipes'")[0])
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('recipes', ?)", [str(number)])
        row = (f"{PREFIX}{digest}_{number}", -1, "")
        connection.execute(f"CREATE TABLE {row[0]} ({COLUMNS})")
        connection.execute("INSERT INTO recipes VALUES (?, ?, ?, -1, '', 0)", [row[0], digest, recipe.as_text()])
    connection.execute("UPDATE recipes SET used = (SELECT max(used) + 1 FROM recipes) WHERE tbl = ?", [row[0]])
    return Kept(*row)


def note(connection: duckdb.DuckDBPyConnection, table: Kept) -> None:
    """Writes down how far a table has seen; part of a transaction."""
    connection.execute(
        "UPDATE recipes SET watermark = ?, state = ? WHERE tbl = ?", [table.watermark, table.state, table.name]
    )


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Drops the tables beyond those that are kept; part of a transaction."""
    old = connection.execute("SELECT tbl FROM recipes ORDER BY used DESC OFFSET ?", [KEPT]).fetchall()
    for (name,) in old:
        connection.execute(f"DROP TABLE {name}")
        connection.execute("DELETE FROM recipes WHERE tbl = ?", [name])
        connection.execute("DELETE FROM recipe_joins WHERE tbl = ?", [name])


def what(recipe: Recipe, of: str) -> str:
    """SQL for the columns of `WHO` of a row `of` the table that a recipe reads."""
    ticket, category = (f"{of}.id", f"{of}.category") if recipe.table == "tickets" else ("NULL", "NULL")
    return f"{of}.source, {of}.id, {of}.account, {of}.member, {ticket} AS ticket, {category} AS category"


def want(connection: duckdb.DuckDBPyConnection, parts: Iterable[Signed]) -> None:
    """Makes `wanted`, the rows that a table is to say: the fact each is made from, when, learned when, with a sign."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE wanted (seq BIGINT, at_us BIGINT, learned_us BIGINT, sign TINYINT)"
    )
    for part in parts:
        columns = dict(zip(("seq", "at_us", "learned_us", "sign"), part, strict=True))
        connection.register("wanted_given", pa.table(columns))
        connection.execute("INSERT INTO wanted SELECT * FROM wanted_given")
        connection.unregister("wanted_given")


def write(
    connection: duckdb.DuckDBPyConnection, table: Kept, recipe: Recipe, old: str | None, only_in: str = ""
) -> None:
    """Writes what `wanted` says (seq of the fact, at_us, learned_us, sign) and the table does not.

    `old` is SQL for the rows of the table that stand for what `wanted` says anew; None where there are none. `only_in`,
    a join to the facts `f` and to `wanted` `w`, leaves out what it says besides. Part of a transaction.
    """
    who = ", ".join(WHO)
    # Those that say the same at the same moment cancel out; facts that changed hands have rows of several.
    made = (
        f"SELECT {what(recipe, 'f')}, w.at_us, w.learned_us, w.sign FROM wanted w JOIN {recipe.table} f "
        f"ON f.stored_seq = w.seq {only_in}"
    )
    if old is not None or recipe.versioned:
        taken = (
            f" UNION ALL SELECT {who}, epoch_us(occurred_at) AS at_us, epoch_us(occurred_at) + delay AS learned_us, "
            f"-sign AS sign FROM ({old})"
            if old is not None
            else ""
        )
        made = (
            f"SELECT {who}, at_us, learned_us, sign(net)::TINYINT AS sign FROM ("
            f"SELECT {who}, at_us, learned_us, sum(sign) AS net FROM ({made}{taken}) GROUP BY ALL HAVING net <> 0), "
            "unnest(range(abs(net)::BIGINT))"
        )
    append(connection, table, made)
    connection.execute("DROP TABLE wanted")


def append(connection: duckdb.DuckDBPyConnection, table: Kept, rows: str) -> None:
    """Adds rows, SQL with `WHO`, at_us, learned_us and sign, in the order in which they were learned."""
    newest = only(connection, f"SELECT coalesce(max(stored_seq), 0) FROM {table.name}")[0]
    connection.execute(
        f"INSERT INTO {table.name} (stored_seq, {', '.join(WHO)}, occurred_at, delay, sign) "
        f"SELECT {newest} + row_number() OVER (ORDER BY learned_us, account, at_us, sign), {', '.join(WHO)}, "
        f"make_timestamp(at_us), learned_us - at_us, sign FROM ({rows})"
    )
