"""Merges of accounts and people: recorded, undoable, and never rewriting a fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import duckdb
import pyarrow as pa

from beforehand.errors import InputError
from beforehand.facts.asking import first
from beforehand.facts.batches import plain

NodeKind = Literal["account", "person"]


def merged(connection: duckdb.DuckDBPyConnection, kind: NodeKind) -> dict[int, int]:
    """Each merged node and the one it ended up in, chains resolved; nodes that were not merged are left out."""
    into = dict(
        connection.execute("SELECT node, into_node FROM merges WHERE kind = ? AND undone_at IS NULL", [kind]).fetchall()
    )
    return {node: final(into, node) for node in into}


def final(into: Mapping[int, int], node: int) -> int:
    """Where a chain of merges ends."""
    while node in into:
        node = into[node]
    return node


def merge(
    connection: duckdb.DuckDBPyConnection, kind: NodeKind, node: int, into_node: int, at: datetime, actor: str
) -> int:
    """Records that `node` is the same as `into_node`, and returns the number of the merge.

    What they were merged into before counts: the ends of both chains become one. InputError where they already are.
    """
    into = merged(connection, kind)
    node, into_node = into.get(node, node), into.get(into_node, into_node)
    if node == into_node:
        raise InputError(f"These are one {kind} already.", "Nothing was changed.", code="already-merged")
    row = first(connection, "SELECT coalesce(max(merge), 0) + 1 FROM merges")
    assert row is not None
    connection.execute(
        "INSERT INTO merges (merge, kind, node, into_node, merged_at, actor) VALUES (?, ?, ?, ?, ?, ?)",
        [row[0], kind, node, into_node, plain(at), actor],
    )
    return int(row[0])


def undo(connection: duckdb.DuckDBPyConnection, kind: NodeKind, node: int, at: datetime, actor: str) -> int:
    """Undoes the newest merge of `node` into another, and returns the node it had gone into.

    InputError where it was not merged.
    """
    row = first(
        connection,
        "SELECT merge, into_node FROM merges WHERE kind = ? AND node = ? AND undone_at IS NULL ORDER BY merge "
        "DESC LIMIT 1",
        [kind, node],
    )
    if row is None:
        raise InputError(f"This {kind} was not merged into another.", code="not-merged")
    connection.execute("UPDATE merges SET undone_at = ?, undone_by = ? WHERE merge = ?", [plain(at), actor, row[0]])
    return int(row[1])


def canonical_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes `canon_account` and `canon_person` (node, into_node) of what is merged now."""
    kinds: tuple[NodeKind, ...] = ("account", "person")
    for kind in kinds:
        into = merged(connection, kind)
        table = pa.table({"node": pa.array(into.keys(), pa.int32()), "into_node": pa.array(into.values(), pa.int32())})
        connection.register("merged_now", table)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE canon_{kind} AS SELECT * FROM merged_now")
        connection.unregister("merged_now")
