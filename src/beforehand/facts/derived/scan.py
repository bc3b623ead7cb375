"""The ordered scan: the facts of two metrics, one person after another and each in order of time, read in one stream.

Only facts of either metric are sorted, by the engine and where needed on disk; they come in batches that end with a
person, so that memory does not grow with the facts. After new facts only what `scope` says is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from beforehand.facts.derived.followed import without
from beforehand.facts.derived.joins import changed, keep_joins, lay_joins
from beforehand.facts.derived.presence import EVER, Made, Ordered
from beforehand.facts.derived.recipe import Recipe
from beforehand.facts.derived.scope import IN_SCOPE, JOINED, Stepwise, facts_of, lay_scope, read_from, standing
from beforehand.facts.derived.steps import back_and_forth, heard, repeated
from beforehand.facts.derived.tables import Kept, want, write
from beforehand.signals.tree import AmongLast, BackAndForth, NewVoice, Repeated, Shifted, Without

BATCH = 1_000_000
"""Facts read at a time."""
_KEY = "coalesce(j.to_account, f.account)::BIGINT * 4294967296 + coalesce(j.to_member, f.member, -1) + 1"
_SCOPE = f"{IN_SCOPE} AND f.at_us >= s.read_us"


def refresh(connection: duckdb.DuckDBPyConnection, table: Kept, recipe: Recipe) -> None:
    """Brings a table up to date with what arrived since; part of a transaction on `connection`.

    A second connection reads, so that the stream is not cut off by what is written.
    """
    assert isinstance(recipe.made, Stepwise)
    with connection.cursor() as reader:
        lay_joins(reader)
        scoped = table.watermark >= 0
        if scoped:
            pairs = changed(connection, reader, table.name)
            scope = lay_scope(reader, recipe, recipe.made, table, pairs)
            connection.register("scope_given", scope)
            connection.execute("CREATE OR REPLACE TEMP TABLE scope AS SELECT * FROM scope_given")
            connection.unregister("scope_given")
            if not scope.num_rows:
                return
        keep_joins(connection, reader, table.name)
        find = _finder(recipe.made)
        query = _versions(recipe, scoped) if recipe.versioned else _ordered(reader, recipe, scoped)
        want(connection, (find(facts).signed() for facts in _batches(reader, query)))
    if scoped:
        write(connection, table, recipe, standing(table), f"{IN_SCOPE} AND w.at_us >= s.rows_us")
    else:
        write(connection, table, recipe, None)


def _finder(made: Stepwise) -> Callable[[Ordered], Made]:
    match made:
        case Without(within_us=within_us):
            return lambda facts: without(facts, within_us)
        case Repeated(times=times, within_us=within_us):
            return lambda facts: repeated(facts, times, within_us)
        case BackAndForth(within_us=within_us):
            return lambda facts: back_and_forth(facts, within_us)
        case Shifted() | AmongLast() | NewVoice():
            return lambda facts: heard(facts, made)


def _ordered(reader: duckdb.DuckDBPyConnection, recipe: Recipe, scoped: bool) -> str:
    """SQL for the facts in order; conditions choose before anything is joined."""
    since = read_from(reader) if scoped else ""
    return (
        f"SELECT {_KEY} AS key, f.at_us, f.known_us, {EVER} AS gone, f.seq, f.first, f.other "
        f"FROM ({facts_of(recipe, since)}) f "
        f"{JOINED} {_SCOPE if scoped else ''} ORDER BY 1, 2, 5"
    )


def _versions(recipe: Recipe, scoped: bool) -> str:
    """The same of a table with versions: each content of a fact from when it was learned until it was taken back."""
    category = {"tickets": ", f.category", "tones": ", f.value"}.get(recipe.table, "")
    value = ", value" if recipe.table == "tones" else ""
    content = f"f.source, f.id, f.account, f.member{category}"
    group = f"key, at_us, first, other, {content}"
    return f"""
        WITH own AS (
            SELECT {_KEY} AS key, {content}, f.at_us, f.known_us, f.seq, f.first, f.other, f.sign,
            min(f.seq) OVER (PARTITION BY {_KEY}, f.source, f.id) AS tie
            FROM ({facts_of(recipe)}) f {JOINED} {_SCOPE if scoped else ""}),
        net AS (
            SELECT {group.replace("f.", "")}, tie, known_us, min(seq) AS seq, sum(sign) AS net FROM own GROUP BY ALL
            HAVING net <> 0),
        there AS (
            SELECT *, sum(net) OVER w AS held, lead(known_us) OVER w AS until FROM net
            WINDOW w AS (PARTITION BY {group.replace("f.", "")} ORDER BY known_us))
        SELECT key, at_us, known_us, coalesce(until, {EVER}) AS gone, seq, first, other{value} FROM there WHERE held > 0
        ORDER BY key, at_us, tie, seq"""


def _batches(reader: duckdb.DuckDBPyConnection, query: str) -> Iterator[Ordered]:
    """The facts a query answers, in batches that end with a person."""
    left: list[Ordered] = []
    batches: Any = reader.sql(query).to_arrow_reader(BATCH)
    for batch in batches:
        facts = _facts_of(batch)
        if not facts.size:
            continue
        last = int(np.searchsorted(facts.key, facts.key[-1]))
        if last or (left and left[-1].key[-1] != facts.key[0]):
            yield _together([*left, facts.take(slice(0, last))])
            left = []
        left.append(facts.take(slice(last, None)))
    if left:
        yield _together(left)


def _facts_of(batch: pa.RecordBatch) -> Ordered:
    key, at, known, gone, seq = (
        batch.column(n).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
        for n in ("key", "at_us", "known_us", "gone", "seq")
    )
    first, other = (batch.column(n).to_numpy(zero_copy_only=False) for n in ("first", "other"))
    value = None
    if "value" in batch.schema.names:
        value = batch.column("value").to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return Ordered(key, at, known, gone, seq, first, other, value)


def _together(parts: list[Ordered]) -> Ordered:
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {name: [vars(part)[name] for part in parts] for name in vars(parts[0])}
    joined: dict[str, Any] = {n: None if own[0] is None else np.concatenate(own) for n, own in columns.items()}
    return Ordered(**joined)
