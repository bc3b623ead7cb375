"""Many questions about one fact table answered together: one scan for all that differ only in whom and when.

A question's rows are set down once, beside the number of the question; what each period has, how many rows there were,
their digest and a few ids are then grouped by that number. So a thousand receipts cost little more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beforehand.facts.issue_keys import KEYS, issue_key
from beforehand.facts.quoting import text
from beforehand.facts.schema import COUNTABLE
from beforehand.facts.subjects import excluded_accounts, excluded_members
from beforehand.story.receipt import Query, Value

if TYPE_CHECKING:
    import duckdb

    from beforehand.facts.facts import Facts

Ask = tuple[Query, int]
"""A question, and the moment up to which facts were known (UTC microseconds)."""
Float = NDArray[np.float64]

SAMPLES = 5
ALWAYS = -(2**62)
_NUMBERED = ("sum", "mean", "last")
_CARRIED = ("last",)


@dataclass(frozen=True)
class Answer:
    """One value per span, how many rows there were, their digest, and the ids of the first few."""

    values: tuple[Value, ...]
    count: int
    digest: str
    samples: tuple[str, ...]


def answers(facts: Facts, asks: Sequence[Ask]) -> list[Answer]:
    """The answers to questions about fact tables (not traits), in their order; each question is scanned for once.

    InputError where a `where` or `of` is not a condition or value of its table.
    """
    found: dict[int, Answer] = {}
    if not asks:
        return []
    if any(query.table == "tones" for query, _ in asks):
        from beforehand.facts import tones

        tones.ensure(facts)
    if any(query.table == "tensions" for query, _ in asks):
        from beforehand.facts import tensions

        tensions.ensure(facts)
    if any(query.table == "moods" for query, _ in asks):
        from beforehand.facts import moods

        moods.ensure(facts)
    if any(query.key and query.key[0] in KEYS for query, _ in asks):
        from beforehand.facts import issues

        issues.ensure(facts)
    with _set_aside(facts, asks) as table:
        for members in _alike(asks):
            found |= zip(members, _answered(facts, [asks[nth] for nth in members], table(members)), strict=True)
    return [found[nth] for nth in range(len(asks))]


def _alike(asks: Sequence[Ask]) -> Iterator[list[int]]:
    """The places of questions that one scan answers: those that differ in whom and when alone."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for nth, (query, _) in enumerate(asks):
        # What others did is asked about everybody: each such question has a scan of its own.
        whom = (nth,) if query.others else (bool(query.members), bool(query.accounts))
        what = (query.table, query.aggregate, query.of, query.where, query.made, query.key)
        groups.setdefault((query.others, *whom, *what, query.standing), []).append(nth)
    yield from groups.values()


def _unbounded(query: Query) -> bool:
    """Whether it looks back before its first edge."""
    return query.standing or query.aggregate in _CARRIED


def _extent(asks: Iterable[Ask]) -> tuple[int, int]:
    """The earliest and latest instants that questions ask about."""
    pairs = [(ALWAYS if _unbounded(q) else q.edges_us[0], q.edges_us[-1]) for q, _ in asks]
    return min(low for low, _ in pairs), max(high for _, high in pairs)


@contextmanager
def _set_aside(facts: Facts, asks: Sequence[Ask]) -> Iterator[Any]:
    """Where the rows of some questions are: in their table, or set aside once where several scans need the same."""
    wanted: dict[str, list[list[int]]] = {}
    for members in _alike(asks):
        query = asks[members[0]][0]
        if query.accounts and not query.others and not query.made:
            wanted.setdefault(query.table, []).append(members)
    aside: dict[tuple[str, bool], str] = {}
    for name, groups in wanted.items():
        # What looks back to the beginning is apart, so that it does not make the others do so.
        for bounded in (True, False):
            own = [m for m in groups if _unbounded(asks[m[0]][0]) is not bounded]
            if len(own) < 2:
                continue
            part = [asks[nth] for members in own for nth in members]
            low, high = _extent(part)
            nodes = sorted({node for query, _ in part for node in query.accounts})
            aside[name, bounded] = f"aside_{name}_{int(bounded)}"
            facts.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {aside[name, bounded]} AS SELECT * EXCLUDE (learned_at) FROM {name} "
                f"WHERE account IN ({', '.join(map(str, nodes))}) AND occurred_at < make_timestamp({high})"
                + (f" AND occurred_at >= make_timestamp({low})" if low > ALWAYS else "")
            )

    def table(members: Sequence[int]) -> str | None:
        query = asks[members[0]][0]
        plain = query.accounts and not query.others and not query.made
        return aside.get((query.table, not _unbounded(query))) if plain else None

    try:
        yield table
    finally:
        for name in aside.values():
            facts.connection.execute(f"DROP TABLE IF EXISTS {name}")


def _answered(facts: Facts, asks: Sequence[Ask], aside: str | None) -> list[Answer]:
    connection = facts.connection
    whose, when, edges = _tables(asks)
    given = {"asked_whose": whose, "asked_when": when, "asked_edges": edges}
    for name, table in given.items():
        connection.register(name, table)
    query = asks[0][0]
    try:
        rows = _rows(facts, asks, aside)
        if not query.others:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {rows}")
        source = f"({rows})" if query.others else "asked"
        values = _values(connection, asks, source)
        proofs = _proofs(connection, query, source)
    finally:
        for name in given:
            connection.unregister(name)
    nothing = (0, 0, 0, ())
    return [
        Answer(values[nth], *_proof(query.table, *proofs.get(nth, nothing))) for nth in range(len(asks))
    ]  # fmt: skip


def _tables(asks: Sequence[Ask]) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Whom each question is about, from when to when as known when, and the starts of its periods."""
    whose: list[tuple[int, int, int | None]] = []
    whose += [(nth, account, None) for nth, (q, _) in enumerate(asks) if not q.members for account in q.accounts]
    whose += [(nth, account, member) for nth, (q, _) in enumerate(asks) for account, member in q.members]
    when = [(nth, ALWAYS if _unbounded(q) else q.edges_us[0], q.edges_us[-1], us) for nth, (q, us) in enumerate(asks)]
    starts = [(nth, place, us) for nth, (q, _) in enumerate(asks) for place, us in enumerate(q.edges_us[:-1])]
    starts += [(nth, -1, ALWAYS) for nth, (q, _) in enumerate(asks) if _unbounded(q)]
    return (
        _table(whose, ("ask", "account", "member"), (pa.int32(), pa.int32(), pa.int32())),
        _table(when, ("ask", "low", "high", "known"), (pa.int32(), pa.int64(), pa.int64(), pa.int64())),
        _table(starts, ("ask", "nth", "low"), (pa.int32(), pa.int32(), pa.int64())),
    )


def _table(rows: Sequence[tuple[Any, ...]], names: tuple[str, ...], types: tuple[pa.DataType, ...]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({n: pa.array(c, t) for n, c, t in zip(names, columns, types, strict=True)})


def _rows(facts: Facts, asks: Sequence[Ask], aside: str | None, more: str = "") -> str:
    """SQL for the rows the questions are about: `ask`, `us`, `seq`, `id`, `sign`, `value`, `hit`, `item`, `account`,
    and the digest of each as `low` and `high`."""
    from beforehand.panel import where

    query = asks[0][0]
    low, high = _extent(asks)
    at = "epoch_us(t.occurred_at)"
    conditions = [f"t.occurred_at < make_timestamp({high})", f"{at} < q.high", f"{at} >= q.low"]
    conditions.append(f"{at} + t.delay < q.known")
    conditions += [f"t.occurred_at >= make_timestamp({low})"] if low > ALWAYS else []
    conditions += _left_out(facts, query)
    value = hit = item = "NULL"
    if query.aggregate in _NUMBERED:
        number = where.value(query.of or "", query.table).sql(dialect="duckdb")
        value = f"CASE WHEN isfinite({number}) THEN {number} END"
    if query.aggregate == "share":
        hit = f"coalesce({where.condition(query.of or '', query.table).sql(dialect='duckdb')}, false)"
    if query.aggregate == "distinct" and not query.made:
        item = where.text(query.of or "", query.table).sql(dialect="duckdb")
    if query.where and not query.made:  # a recipe has the condition in itself
        conditions.append(f"({where.condition(query.where, query.table).sql(dialect='duckdb')})")
    if query.key:
        conditions.append(_keyed(query))
    if query.table == "events" and facts.settings.exclude.events and not query.made:
        left_out = where.condition(facts.settings.exclude.events, "events").sql(dialect="duckdb")
        conditions.append(f"NOT coalesce({left_out}, false)")
    versioned = bool(query.made) or COUNTABLE[query.table].versioned
    if query.others:
        joined = "CROSS JOIN asked_when q"
    else:
        on = " USING (account, member)" if query.members else " USING (account)"
        joined = f"JOIN (SELECT * FROM asked_whose JOIN asked_when USING (ask)) q{on if query.accounts else ' ON true'}"
    key = "NULL" if query.others else f"md5(concat_ws(chr(31), {_content(query, versioned)}))"
    people = query.aggregate == "people"
    inner = (
        f"SELECT q.ask, epoch_us(t.occurred_at) AS us, t.stored_seq AS seq, t.id, t.account, t.member, "
        f"{'t.sign' if versioned else '1'} AS sign, CAST({value} AS DOUBLE) AS value, CAST({hit} AS BOOLEAN) AS hit, "
        f"CAST({item} AS VARCHAR) AS item, {key} AS key{more} FROM {aside or _read_from(facts, query)} t {joined} "
        f"WHERE {' AND '.join(conditions)}"
    )
    if people:
        inner = (
            f"SELECT a.* REPLACE (CAST(p.person AS VARCHAR) AS item) FROM ({inner}) a "
            f"LEFT JOIN ({_people(facts)}) p ON p.account = a.account AND p.member = a.member"
        )
    return inner


def _read_from(facts: Facts, query: Query) -> str:
    """The table whose rows are asked about: that of made facts is brought up to date first, or made anew."""
    if not query.made:
        return query.table
    from beforehand.facts.derived import Recipe, ensure

    return ensure(facts.connection, Recipe.from_text(query.made))


def _keyed(query: Query) -> str:
    """The condition that a row is of the ticket, issue or feature asked about."""
    from beforehand.panel import where

    column, value = query.key
    if column in KEYS:
        return f"{issue_key('ticket' if query.made else 'id', KEYS[column])} = {text(value)}"
    if query.made:
        return f"t.{column} = {text(value)}"
    return f"{where.text(column, query.table).sql(dialect='duckdb')} = {text(value)}"


def _content(query: Query, versioned: bool) -> str:
    """All that a row says, as text."""
    shape = COUNTABLE[query.table]
    own = [*shape.columns, *(["to_json(properties)"] if shape.properties else [])]
    own = ["ticket", "category"] if query.made else own
    every = ("source", "id", "t.account", "t.member", "epoch_us(occurred_at)", "delay", "sign" if versioned else "1")
    return ", ".join(f"coalesce(CAST({c} AS VARCHAR), chr(0))" for c in (*every, *own))


def _left_out(facts: Facts, query: Query) -> list[str]:
    """Conditions against accounts and people that are left out, and for what others did against those it is about."""
    found: list[str] = []
    if query.others:
        own = {int(a) for a in query.accounts}
        own |= set(excluded_accounts(facts.connection, facts.settings.exclude.accounts))
        found += [f"t.account NOT IN ({', '.join(map(str, sorted(own)))})"] if own else []
    bots = excluded_members(facts.connection, facts.settings.exclude.people)
    if len(bots):
        pairs = ", ".join(f"({int(a)}, {int(m)})" for a, m in bots)
        found.append(f"(t.member IS NULL OR (t.account, t.member) NOT IN ({pairs}))")
    return found


def _people(facts: Facts) -> str:
    """SQL for who each stored member is now, merges of people applied."""
    from beforehand.facts.merging import merged

    into = merged(facts.connection, "person")
    if not into:
        return "SELECT account, member, person FROM members"
    pairs = ", ".join(f"({node}, {root})" for node, root in into.items())
    return (
        "SELECT m.account, m.member, coalesce(c.into_node, m.person) AS person FROM members m "
        f"LEFT JOIN (VALUES {pairs}) c(node, into_node) ON c.node = m.person"
    )


def _values(connection: duckdb.DuckDBPyConnection, asks: Sequence[Ask], source: str) -> list[tuple[Value, ...]]:
    """One value per span of each question."""
    query = asks[0][0]
    if query.aggregate in ("people", "distinct"):
        return _distinct(connection, asks, source)
    placed = f"FROM {source} r ASOF JOIN asked_edges e ON r.ask = e.ask AND r.us >= e.low"
    standing = (
        f"FROM (SELECT *, sum(sign) OVER (PARTITION BY ask, id, us, value) AS net FROM {source}) r "
        "ASOF JOIN asked_edges e ON r.ask = e.ask AND r.us >= e.low WHERE r.sign > 0 AND r.net > 0"
    )
    found = {
        "count": f"sum(r.sign), 0 {placed}",
        "sum": f"sum(r.value * r.sign), 0 {placed}",
        "mean": f"sum(r.value * r.sign), sum(CASE WHEN r.value IS NOT NULL THEN r.sign END) {placed}",
        "share": f"sum(CASE WHEN r.hit THEN r.sign ELSE 0 END), sum(r.sign) {placed}",
        "first": f"min(r.us), 0 {standing}",
        "latest": f"max(r.us), 0 {standing}",
        "last": f"arg_max(r.value, (r.us, r.seq)), 0 {standing} AND r.value IS NOT NULL",
    }[query.aggregate]
    parts = _parts(asks)
    for ask, nth, one, other in connection.execute(f"SELECT r.ask, e.nth, {found} GROUP BY 1, 2").fetchall():
        parts[ask][:, nth + 1] = (np.nan if one is None else float(one)), float(other or 0)
    return [_spans(q, part) for (q, _), part in zip(asks, parts, strict=True)]


def _parts(asks: Sequence[Ask]) -> list[Float]:
    """Per question two rows of what each period had, `[2, periods + 1]`; the first column is what was before."""
    made = []
    for query, _ in asks:
        part = np.zeros((2, len(query.edges_us)))
        part[0] = 0.0 if query.aggregate in ("count", "sum", "mean", "share") else np.nan
        made.append(part)
    return made


def _spans(query: Query, part: Float) -> tuple[Value, ...]:
    """What the spans of a question have, from what its periods have."""
    one, other = part
    if query.aggregate == "last":
        known = np.where(np.isnan(one), -1, np.arange(one.size))
        newest = np.maximum.accumulate(known)[query.span :]
        return tuple(None if at < 0 else float(one[at]) for at in newest)
    if query.standing:
        return tuple(float(v) for v in np.cumsum(one)[query.span :])
    windows = np.lib.stride_tricks.sliding_window_view(one[1:], query.span)
    if query.aggregate in ("first", "latest"):
        pick = np.nanmin if query.aggregate == "first" else np.nanmax
        return tuple(None if np.isnan(w).all() else float(pick(w)) for w in windows)
    total = np.nansum(windows, axis=1)
    if query.aggregate in ("count", "sum"):
        return tuple(float(v) for v in total)
    rows = np.lib.stride_tricks.sliding_window_view(other[1:], query.span).sum(axis=1)
    return tuple(float(t / n) if n else None for t, n in zip(total, rows, strict=True))


def _distinct(connection: duckdb.DuckDBPyConnection, asks: Sequence[Ask], source: str) -> list[tuple[Value, ...]]:
    """Distinct people, or values of `of`, of each span: a row that was taken back counts no more."""
    query = asks[0][0]
    spans = [
        (nth, place, 0 if q.standing else place, place + q.span - 1)
        for nth, (q, _) in enumerate(asks)
        for place in range(len(q.spans))
    ]
    types = (pa.int32(), pa.int32(), pa.int32(), pa.int32())
    connection.register("asked_spans", _table(spans, ("ask", "place", "first", "last"), types))
    first = "b.nth <= s.last" if query.standing else "b.nth BETWEEN s.first AND s.last"
    try:
        rows = connection.execute(
            f"""WITH base AS (
                SELECT r.ask, e.nth, r.item, sum(r.sign) AS present
                FROM {source} r ASOF JOIN asked_edges e ON r.ask = e.ask AND r.us >= e.low
                WHERE r.item IS NOT NULL GROUP BY ALL),
            counted AS (
                SELECT s.ask, s.place, b.item, sum(b.present) AS present
                FROM asked_spans s JOIN base b ON b.ask = s.ask AND {first} GROUP BY ALL)
            SELECT ask, place, count_if(present > 0) FROM counted GROUP BY ALL"""
        ).fetchall()
    finally:
        connection.unregister("asked_spans")
    found = {(ask, place): float(count or 0) for ask, place, count in rows}
    return [tuple(found.get((nth, place), 0.0) for place in range(len(q.spans))) for nth, (q, _) in enumerate(asks)]


def _proofs(
    connection: duckdb.DuckDBPyConnection, query: Query, source: str
) -> dict[int, tuple[int, int, int, tuple[str, ...]]]:
    """Per question its rows, the two halves of their digest, and ids; a sum of the rows' own, so order is no matter."""
    digested = source
    if query.others:
        # Of everybody's rows a digest each would cost more than all else: how many of each account, and when.
        kept = "concat_ws(chr(31), account, count(*), sum(sign), sum(us))"
        digested = f"(SELECT ask, sum(sign) AS sign, md5({kept}) AS key FROM {source} GROUP BY ask, account)"
    sums = connection.execute(
        "SELECT ask, sum(sign), sum(CAST(md5_number_lower(key) AS HUGEINT)), sum(CAST(md5_number_upper(key) AS "
        f"HUGEINT)) FROM {digested} GROUP BY ask"
    ).fetchall()
    left = source
    if query.made:  # what was taken back, or has ended, is no example of what there is
        left = f"(SELECT ask, id, min(us) AS us, min(seq) AS seq, sum(sign) AS sign FROM {source} GROUP BY ask, id)"
    if query.others:  # one question: its first rows are found quicker than a choice for each of many
        first = f"(SELECT ask, id, us, seq FROM {left} WHERE sign > 0 ORDER BY us, seq LIMIT {SAMPLES})"
        named = f"SELECT ask, list(id ORDER BY us, seq) FROM {first} GROUP BY ask"
    else:
        named = f"SELECT ask, arg_min(id, (us, seq), {SAMPLES}) FROM {left} WHERE sign > 0 GROUP BY ask"
    ids = dict(connection.execute(named).fetchall())
    return {
        ask: (int(count or 0), int(low or 0), int(high or 0), tuple(dict.fromkeys(map(str, ids.get(ask) or ()))))
        for ask, count, low, high in sums
    }


def _proof(table: str, count: int, low: int, high: int, samples: tuple[str, ...]) -> tuple[int, str, tuple[str, ...]]:
    return count, sha256(f"{table}|{count}|{low}|{high}".encode()).hexdigest(), samples


def active(query: Query) -> Query:
    """The people who were active in the same periods, which a number per active person is divided by."""
    plain = {"of": None, "where": None, "made": "", "standing": False, "key": ()}
    return replace(query, table="events", aggregate="people", per_active=False, **plain)  # type: ignore[arg-type]


def newest_rows(
    facts: Facts, query: Query, known_us: int, since_us: int, most: int
) -> list[tuple[str, int, int, int | None]]:
    """The newest rows that a count is of, from `since_us` on: id, when (UTC microseconds), account and member.

    Of tickets that were made facts of, the ids of the tickets; what was taken back or has ended is left out.
    """
    asked = replace(query, edges_us=(max(since_us, ALWAYS), query.edges_us[-1]), span=1, standing=False)
    whose, when, _ = _tables([(asked, known_us)])
    name = "coalesce(ticket, id)" if query.made else "id"
    given = {"asked_whose": whose, "asked_when": when}
    for table, arrow in given.items():
        facts.connection.register(table, arrow)
    try:
        rows = _rows(facts, [(replace(asked, aggregate="count"), known_us)], None, ", t.ticket" if query.made else "")
        found = facts.connection.execute(
            f"SELECT {name} AS name, max(us) AS newest, arg_max(account, us), arg_max(member, us) FROM ({rows}) "
            f"GROUP BY 1 HAVING sum(sign) > 0 ORDER BY newest DESC, name LIMIT {int(most)}"
        ).fetchall()
    finally:
        for table in given:
            facts.connection.unregister(table)
    return [
        (str(n), int(at), int(account), None if member is None else int(member)) for n, at, account, member in found
    ]
