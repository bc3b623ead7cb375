"""`ensure`: the table of a recipe, brought up to date with the facts."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import duckdb

from beforehand.facts.asking import only
from beforehand.facts.derived import histories, mentions, scan
from beforehand.facts.derived.joins import merges
from beforehand.facts.derived.recipe import Recipe
from beforehand.facts.derived.scope import Stepwise
from beforehand.facts.derived.tables import Kept, forget, kept, note
from beforehand.signals.tree import AmongLast, BackAndForth, Mentions, NewVoice, Repeated, Shifted, Without


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
            _refresh(connection, table, recipe, state)
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
    if isinstance(recipe.made, Stepwise):
        return merges(connection)
    where = histories.places(connection, recipe)
    return sha256(repr(sorted(where.items())).encode()).hexdigest()[:16] if where else ""


def _refresh(connection: duckdb.DuckDBPyConnection, table: Kept, recipe: Recipe, state: str) -> None:
    match recipe.made:
        case Mentions():
            mentions.refresh(connection, table, recipe)
        case Without() | Repeated() | BackAndForth() | Shifted() | AmongLast() | NewVoice():
            scan.refresh(connection, table, recipe)
        case _:
            histories.refresh(connection, table, recipe, whole=state != table.state)
