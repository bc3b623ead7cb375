"""`ensure`: the table of a recipe, brought up to date with the facts."""

from __future__ import annotations

import duckdb

from beforehand.facts.asking import only
from beforehand.facts.derived import mentions
from beforehand.facts.derived.recipe import Recipe
from beforehand.facts.derived.tables import forget, kept, note
from beforehand.signals.tree import Mentions


def ensure(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> str:
    """The name of the table of a recipe's facts, made or brought up to date with what arrived since.

    One transaction: killed at any moment, the table is as it was. Call it outside of one. Tables beyond the newest
    `tables.KEPT` that nobody asked for longest are dropped here. InputError where a condition is none.
    """
    newest = int(only(connection, f"SELECT coalesce(max(stored_seq), 0) FROM {recipe.table}")[0])
    connection.execute("BEGIN TRANSACTION")
    try:
        table = kept(connection, recipe)
        if newest > table.watermark:
            if isinstance(recipe.made, Mentions):
                mentions.refresh(connection, table, recipe)
            table.watermark = newest
        note(connection, table)
        forget(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return table.name
