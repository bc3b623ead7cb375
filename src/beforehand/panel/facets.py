"""What rows of facts are told apart by besides accounts and people: tickets, issues, features, any value of a column.

Each value gets a number within its account, its slot, in the order in which values arrived. Slots never change, so that
cells can be kept by them: as the subjects of a sheet (account, slot), and as the bits of a distinct count. They are
kept in one table of the facts file and brought up to date by what is new.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

import duckdb
import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from beforehand.facts.issue_keys import KEYS, First, issue_key
from beforehand.panel import where
from beforehand.panel.columns import MADE
from beforehand.signals.tree import SubjectKind

Int = NDArray[np.int64]
TABLE = "panel_facets"
TENSIONS = "tensions"
"""The one table besides made facts whose rows name the ticket they are about."""
_SEEN = "panel_facets_seen"


@dataclass(frozen=True)
class Facet:
    """What is told apart: by which text of each fact table, and of tables of made facts by which column, if any."""

    name: str
    keys: tuple[tuple[str, str], ...]
    made: str | None = None

    @classmethod
    def of(cls, text: str, table: str) -> Facet:
        """The values of what a person wrote about rows of a table; InputError where it is not allowed."""
        key = where.text(text, table).sql(dialect="duckdb")
        return cls(f"v{sha256(f'{table}|{key}'.encode()).hexdigest()[:16]}", ((table, key),))

    @property
    def tables(self) -> tuple[str, ...]:
        """The fact tables whose rows have it."""
        return tuple(table for table, _ in self.keys)

    def key(self, table: str) -> str | None:
        """The SQL of the text by which rows of a table are told apart; None where they cannot be."""
        return self.made if table.startswith((MADE, TENSIONS)) else dict(self.keys).get(table)


TICKET = Facet("ticket", (("tickets", "id"),), made="ticket")
ISSUES = {
    first: Facet(f"issue-{first}", (("tickets", issue_key("id", first)),), made=issue_key("ticket", first))
    for first in KEYS.values()
}


def facet_of(kind: SubjectKind, feature: str, issue: First = "category", marks: int = 0) -> Facet | None:
    """What the subjects of a kind are within their accounts; `feature` is what an event's feature is read from.

    `issue` is what issues are told apart by first, and `marks` how often people changed them: each merge and split
    tells them apart anew.
    """
    match kind:
        case "ticket":
            return TICKET
        case "issue":
            return replace(ISSUES[issue], name=f"{ISSUES[issue].name}-{marks}")
        case "feature":
            return Facet.of(feature, "events")
        case _:
            return None


def source(table: str, subject: Facet | None, value: Facet | None) -> exp.Expr:
    """A fact table to read from, with the slots of its rows as `subject_slot` and `value_slot` where they are asked.

    Rows without the value are left out. The result goes by the table's name.
    """
    if subject is None and value is None:
        return exp.to_table(table)
    columns, joins = ["t.*"], []
    for name, facet in (("subject", subject), ("value", value)):
        if facet is not None:
            columns.append(f"{name}.slot AS {name}_slot")
            joins.append(
                f"JOIN {TABLE} AS {name} ON {name}.facet = '{facet.name}' AND {name}.node = t.account"
                f" AND {name}.key = {facet.key(table)}"
            )
    text = f"SELECT {', '.join(columns)} FROM {table} AS t {' '.join(joins)}"
    return exp.Subquery(this=exp.maybe_parse(text, dialect="duckdb"), alias=exp.to_identifier(table))


def refresh(connection: duckdb.DuckDBPyConnection, facet: Facet, table: str) -> None:
    """Gives a slot to each value of a facet that arrived in a table since the last time."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (facet VARCHAR, node INTEGER, slot INTEGER, key VARCHAR)")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_SEEN} (facet VARCHAR, tbl VARCHAR, watermark BIGINT)")
    place = [facet.name, table]
    found = connection.execute(f"SELECT watermark FROM {_SEEN} WHERE facet = ? AND tbl = ?", place).fetchall()
    watermark = int(found[0][0]) if found else -1
    newest = connection.execute(f"SELECT max(stored_seq) FROM {table}").fetchall()[0][0]
    if newest is None or newest <= watermark:
        return
    connection.execute(
        f"""INSERT INTO {TABLE}
        WITH arrived AS (
            SELECT account AS node, {facet.key(table)} AS key, min(stored_seq) AS seq FROM {table}
            WHERE stored_seq > {watermark} GROUP BY ALL),
        fresh AS (
            SELECT * FROM arrived a WHERE key IS NOT NULL AND key <> '' AND NOT EXISTS (
                SELECT 1 FROM {TABLE} f WHERE f.facet = '{facet.name}' AND f.node = a.node AND f.key = a.key)),
        held AS (SELECT node, max(slot) + 1 AS size FROM {TABLE} WHERE facet = '{facet.name}' GROUP BY node)
        SELECT '{facet.name}', node,
            coalesce(size, 0) - 1 + row_number() OVER (PARTITION BY node ORDER BY seq, key), key
        FROM fresh LEFT JOIN held USING (node) ORDER BY ALL"""
    )
    connection.execute(f"DELETE FROM {_SEEN} WHERE facet = ? AND tbl = ?", place)
    connection.execute(f"INSERT INTO {_SEEN} VALUES (?, ?, ?)", [*place, newest])


class Labels:
    """The keys of slots, read some thousand rows at a time as they are asked for."""

    STEP, HELD = 4_096, 16

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, facet: Facet, node: NDArray[np.int32], slot: NDArray[np.int32]
    ) -> None:
        self.connection, self.facet = connection, facet
        self.node, self.slot = node, slot
        self.read: dict[int, dict[tuple[int, int], str]] = {}

    def __call__(self, row: int) -> str:
        """The key of a row."""
        part = row // self.STEP
        if part not in self.read:
            if len(self.read) >= self.HELD:
                self.read.pop(next(iter(self.read)))
            self.read[part] = self._keys(slice(part * self.STEP, (part + 1) * self.STEP))
        return self.read[part][int(self.node[row]), int(self.slot[row])]

    def _keys(self, rows: slice) -> dict[tuple[int, int], str]:
        import pyarrow as pa

        self.connection.register("panel_asked", pa.table({"node": self.node[rows], "slot": self.slot[rows]}))
        try:
            found = self.connection.execute(
                f"SELECT node, slot, key FROM {TABLE} JOIN panel_asked USING (node, slot) WHERE facet = ?",
                [self.facet.name],
            ).fetchall()
        finally:
            self.connection.unregister("panel_asked")
        return {(node, slot): key for node, slot, key in found}
