"""The ordered scan: the facts of two metrics, one person after another and each in order of time, read in one stream.

Only facts of either metric are sorted, by the engine and where needed on disk; they come in batches that end with a
person, so that memory does not grow with the facts. What follows from new facts alone is read for the people they are
of, and from the beginning of what they can change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from beforehand.facts.asking import only
from beforehand.facts.derived.followed import without
from beforehand.facts.derived.joins import changed, keep_joins, lay_joins
from beforehand.facts.derived.presence import EVER, Made, Ordered
from beforehand.facts.derived.recipe import Recipe
from beforehand.facts.derived.steps import back_and_forth, repeated
from beforehand.facts.derived.tables import Kept, want, write
from beforehand.signals.tree import BackAndForth, Repeated, Without

BATCH = 1_000_000
"""Facts read at a time."""
LOOKS_BACK = 3
"""How many windows before a new fact the beginning of its series is looked for, before all of the past is read."""
_KEY = "coalesce(j.to_account, f.account)::BIGINT * 4294967296 + coalesce(j.to_member, f.member, -1) + 1"
_JOIN = "LEFT JOIN joins j ON j.account = f.account AND j.member = coalesce(f.member, -1)"
Stepwise = Without | Repeated | BackAndForth


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
            scope = _scope(reader, recipe, recipe.made, table.watermark, pairs)
            connection.register("scope_given", scope)
            connection.execute("CREATE OR REPLACE TEMP TABLE scope AS SELECT * FROM scope_given")
            connection.unregister("scope_given")
            if not scope.num_rows:
                return
        keep_joins(connection, reader, table.name)
        find = _finder(recipe.made)
        query = _versions(recipe, scoped) if recipe.versioned else _ordered(reader, recipe, scoped)
        want(connection, (find(facts).signed() for facts in _batches(reader, query)))
    write(connection, table, recipe, _standing(table, recipe.made) if scoped else None)


def _finder(made: Stepwise) -> Callable[[Ordered], Made]:
    match made:
        case Without(within_us=within_us):
            return lambda facts: without(facts, within_us)
        case Repeated(times=times, within_us=within_us):
            return lambda facts: repeated(facts, times, within_us)
        case BackAndForth(within_us=within_us):
            return lambda facts: back_and_forth(facts, within_us)


def _ordered(reader: duckdb.DuckDBPyConnection, recipe: Recipe, scoped: bool) -> str:
    """SQL for the facts in order; conditions choose before anything is joined."""
    since = ""
    if scoped:  # said once for all, so that whole blocks of the past are passed over
        least = only(reader, f"SELECT coalesce(min(low_us), {EVER}) FROM scope")[0]
        since = f" AND occurred_at >= make_timestamp({least})"
    return (
        f"SELECT {_KEY} AS key, f.at_us, f.known_us, {EVER} AS gone, f.seq, f.first, f.other "
        f"FROM ({_facts(recipe, since)}) f "
        f"{_JOIN} {_SCOPE if scoped else ''} ORDER BY 1, 2, 5"
    )


def _versions(recipe: Recipe, scoped: bool) -> str:
    """The same of a table with versions: each content of a fact from when it was learned until it was taken back."""
    category = ", f.category" if recipe.table == "tickets" else ""
    content = f"f.source, f.id, f.account, f.member{category}"
    group = f"key, at_us, first, other, {content}"
    return f"""
        WITH own AS (
            SELECT {_KEY} AS key, {content}, f.at_us, f.known_us, f.seq, f.first, f.other, f.sign,
            min(f.seq) OVER (PARTITION BY {_KEY}, f.source, f.id) AS tie
            FROM ({_facts(recipe)}) f {_JOIN} {_SCOPE if scoped else ""}),
        net AS (
            SELECT {group.replace("f.", "")}, tie, known_us, min(seq) AS seq, sum(sign) AS net FROM own GROUP BY ALL
            HAVING net <> 0),
        there AS (
            SELECT *, sum(net) OVER w AS held, lead(known_us) OVER w AS until FROM net
            WINDOW w AS (PARTITION BY {group.replace("f.", "")} ORDER BY known_us))
        SELECT key, at_us, known_us, coalesce(until, {EVER}) AS gone, seq, first, other FROM there WHERE held > 0
        ORDER BY key, at_us, tie, seq"""


_SCOPE = "JOIN scope s ON s.account = f.account AND s.member = coalesce(f.member, -1) AND f.at_us >= s.low_us"


def _facts(recipe: Recipe, since: str = "") -> str:
    own = ", id, source, sign" + (", category" if recipe.table == "tickets" else "") if recipe.versioned else ""
    return (
        f"SELECT account, member, epoch_us(occurred_at) AS at_us, epoch_us(occurred_at) + delay AS known_us, "
        f"stored_seq AS seq, {recipe.condition_sql} AS first, {recipe.other_sql} AS other{own} FROM {recipe.table} "
        f"WHERE (({recipe.condition_sql}) OR ({recipe.other_sql})){since}"
    )


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
    return Ordered(key, at, known, gone, seq, first, other)


def _together(parts: list[Ordered]) -> Ordered:
    if len(parts) == 1:
        return parts[0]
    return Ordered(*(np.concatenate(columns) for columns in zip(*(vars(p).values() for p in parts), strict=True)))


def _scope(
    reader: duckdb.DuckDBPyConnection, recipe: Recipe, made: Stepwise, watermark: int, joined: pa.Table
) -> pa.Table:
    """Who is looked at again, and from when on: those whom new facts are of, and those who were joined or parted.

    Makes `scope` for the reader and returns it.
    """
    reader.execute(
        f"""CREATE OR REPLACE TEMP TABLE touched AS
        SELECT coalesce(j.to_account, f.account) AS account, coalesce(j.to_member, f.member, -1) AS member,
        min(f.at_us) AS at_us FROM ({_facts(recipe, f" AND stored_seq > {watermark}")}) f {_JOIN} GROUP BY 1, 2"""
    )
    low = f"t.at_us - {made.within_us}"
    if recipe.versioned:
        low = f"-{EVER}"
    elif not isinstance(made, Without):
        _series(reader, recipe, made.within_us)
        low = "t.at_us"
    reader.register("joined_given", joined)
    reader.execute(
        f"""CREATE OR REPLACE TEMP TABLE scope AS
        SELECT account, member, min(low_us) AS low_us FROM (
            SELECT coalesce(j.account, t.account) AS account, coalesce(j.member, t.member) AS member, {low} AS low_us
            FROM touched t LEFT JOIN joins j ON j.to_account = t.account AND j.to_member = t.member
            UNION ALL SELECT account, member, -{EVER} FROM joined_given) GROUP BY 1, 2"""
    )
    reader.unregister("joined_given")
    return reader.sql("SELECT * FROM scope").to_arrow_table()


def _series(reader: duckdb.DuckDBPyConnection, recipe: Recipe, within_us: int) -> None:
    """Moves the times in `touched` back to where the series of facts that they lie in begin.

    A series begins after a gap longer than the window. Where none is near, it is all of the past.
    """
    back = LOOKS_BACK * within_us
    least = only(reader, f"SELECT coalesce(min(at_us), 0) - {back} FROM touched")[0]
    reader.execute(
        f"""CREATE OR REPLACE TEMP TABLE touched AS
        WITH near AS (
            SELECT t.account, t.member, t.at_us AS new_us, f.at_us,
            lag(f.at_us, 1, t.at_us - {back})
            OVER (PARTITION BY t.account, t.member ORDER BY f.at_us) AS before_us
            FROM ({_facts(recipe, f" AND occurred_at >= make_timestamp({least})")}) f {_JOIN}
            JOIN touched t ON t.account = coalesce(j.to_account, f.account)
                AND t.member = coalesce(j.to_member, f.member, -1) AND f.at_us >= t.at_us - {back})
        SELECT account, member,
        coalesce(max(CASE WHEN at_us <= new_us AND at_us - before_us > {within_us} THEN at_us END), -{EVER}) AS at_us
        FROM near GROUP BY 1, 2"""
    )


def _standing(table: Kept, made: Stepwise) -> str:
    """SQL for the rows that stand for what is in scope, by when the facts occurred that they are made from."""
    later = made.within_us if isinstance(made, Without) else 0
    return (
        f"SELECT m.* FROM {table.name} m JOIN scope s ON s.account = m.account AND s.member = coalesce(m.member, -1) "
        f"WHERE epoch_us(m.occurred_at) - {later} >= s.low_us"
    )
