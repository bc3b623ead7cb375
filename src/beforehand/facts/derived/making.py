"""`ensure`: the table of a recipe, brought up to date with the facts."""

from __future__ import annotations

from contextlib import suppress

import duckdb

from beforehand.facts.asking import only
from beforehand.facts.derived import mentions, scan
from beforehand.facts.derived.joins import merges
from beforehand.facts.derived.recipe import Recipe
from beforehand.facts.derived.tables import Kept, forget, kept, note
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
        state = _state(connection, recipe)
        if newest > table.watermark or state != table.state:
            _refresh(connection, table, recipe)
            table.watermark, table.state = newest, state
            note(connection, table)
        forget(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # already rolled back by the engine
            connection.execute("ROLLBACK")
        raise
    return table.name


def _state(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> str:
    """What besides facts the rows follow from, as a text that changes with it."""
    return merges(connection) if isinstance(recipe.made, scan.Stepwise) else ""


def _refresh(connection: duckdb.DuckDBPyConnection, table: Kept, recipe: Recipe) -> None:
    if isinstance(recipe.made, Mentions):
        mentions.refresh(connection, table, recipe)
    elif isinstance(recipe.made, scan.Stepwise):
        scan.refresh(connection, table, recipe)
