"""Asking the facts the questions of receipts: taken when an alert is raised, asked again before its story is shown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from beforehand.facts.asking import only
from beforehand.facts.quoting import text
from beforehand.facts.schema import SHAPES
from beforehand.facts.subjects import excluded_accounts, excluded_members
from beforehand.story.receipt import Query, Receipt, Value

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

SAMPLES = 5
_CLOSE_ENOUGH = 1e-9
"""Sums are added up in an order that differs from one time to the next."""


class Narrowed:
    """The rows of some accounts and a span of time, set aside table by table for many questions about them."""

    def __init__(self, facts: Facts, queries: Iterable[Query]) -> None:
        self.facts = facts
        self.accounts: dict[str, set[int]] = {}
        self.edges: dict[str, list[int]] = {}
        for query in queries:
            if query.others or not query.accounts or query.table == "traits":
                continue
            for table in {query.table, *(["events"] if query.per_active else [])}:
                self.accounts.setdefault(table, set()).update(query.accounts)
                low = -(2**62) if query.aggregate == "last" else query.edges_us[0]
                self.edges.setdefault(table, []).extend((low, query.edges_us[-1]))

    def __enter__(self) -> Narrowed:
        for table, accounts in self.accounts.items():
            low, high = min(self.edges[table]), max(self.edges[table])
            # Sorted, so that a question about one account reads only the blocks that hold it.
            self.facts.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE narrowed_{table} AS SELECT * EXCLUDE (learned_at) FROM {table} "
                f"WHERE account IN ({', '.join(map(str, sorted(accounts)))}) AND occurred_at < make_timestamp({high}) "
                + (f"AND occurred_at >= make_timestamp({low}) " if low > -(2**62) else "")
                + "ORDER BY account, stored_seq"
            )
        return self

    def __exit__(self, *_: object) -> None:
        for table in self.accounts:
            self.facts.connection.execute(f"DROP TABLE IF EXISTS narrowed_{table}")

    def table(self, query: Query) -> str:
        """Where the rows of a question are: set aside, or the whole table."""
        aside = self.accounts.get(query.table, set())
        edges = self.edges.get(query.table, [])
        inside = bool(query.accounts) and not query.others and aside.issuperset(query.accounts)
        low = -(2**62) if query.aggregate == "last" else query.edges_us[0]
        inside = inside and min(edges) <= low and query.edges_us[-1] <= max(edges)
        return f"narrowed_{query.table}" if inside else query.table


def take(facts: Facts, query: Query, known_us: int, within: Narrowed | None = None) -> Receipt:
    """Answers a question with what had been learned before `known_us`, under the exclusions of now.

    `within` are rows set aside for many questions; the answer is the same without. InputError where the question's
    `where` or `of` is not a condition or value of its table.
    """
    if query.table == "traits":
        return _trait(facts, query, known_us)
    query = replace(query, exclusions=exclusions(facts))
    _rows(facts, query, known_us, within)
    values = _values(facts, query)
    count, digest, samples = _proof(facts, query.table)
    if query.per_active:
        active = replace(query, table="events", aggregate="people", of=None, where=None, per_active=False)
        _rows(facts, active, known_us, within)
        people = _values(facts, active)
        values = [None if not p or v is None else float(v) / float(p) for v, p in zip(values, people, strict=True)]
        digest = sha256((digest + _proof(facts, "events")[1]).encode()).hexdigest()
    return Receipt(query, known_us, tuple(values), count, digest, samples)


def verify(facts: Facts, receipt: Receipt) -> bool:
    """Whether the question still has the answer it had: the same rows with the same content, and the same values."""
    if receipt.query.table != "traits" and receipt.query.exclusions != exclusions(facts):
        return False
    now = take(facts, receipt.query, receipt.known_us)
    same = now.count == receipt.count and now.digest == receipt.digest and len(now.values) == len(receipt.values)
    return same and all(_same(one, other) for one, other in zip(now.values, receipt.values, strict=True))


def exclusions(facts: Facts) -> str:
    """The digest of the exclusion rules in force; blank where there are none."""
    rules = facts.settings.exclude.model_dump(mode="json", exclude_defaults=True)
    return sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16] if rules else ""


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=_CLOSE_ENOUGH, abs_tol=_CLOSE_ENOUGH)
    return one == other


def _rows(facts: Facts, query: Query, known_us: int, within: Narrowed | None) -> None:
    """Makes `asked`: the rows a question is about, with `us`, `sign`, `value`, `hit`, `person` and the digest "
    "of each."""
    from beforehand.panel import where

    shape = SHAPES[query.table]
    low = -(2**62) if query.aggregate == "last" else query.edges_us[0]
    conditions = [
        f"t.occurred_at < make_timestamp({query.edges_us[-1]})",
        f"t.occurred_at >= make_timestamp({low})" if query.aggregate != "last" else "true",
        f"epoch_us(t.occurred_at) + t.delay < {known_us}",
        *_whose(facts, query),
    ]
    value = hit = "NULL"
    if query.aggregate in ("sum", "mean", "last"):
        number = where.value(query.of or "", query.table).sql(dialect="duckdb")
        value = f"CASE WHEN isfinite({number}) THEN {number} END"
    if query.aggregate == "share":
        hit = f"coalesce({where.condition(query.of or '', query.table).sql(dialect='duckdb')}, false)"
    if query.where:
        conditions.append(f"({where.condition(query.where, query.table).sql(dialect='duckdb')})")
    if query.table == "events" and facts.settings.exclude.events:
        conditions.append(
            f"NOT coalesce({where.condition(facts.settings.exclude.events, 'events').sql(dialect='duckdb')}, false)"
        )
    own = [*shape.columns, *(["to_json(properties)"] if shape.properties else [])]
    content = ", ".join(
        f"coalesce(CAST({c} AS VARCHAR), chr(0))"
        for c in (
            "source",
            "id",
            "account",
            "member",
            "epoch_us(occurred_at)",
            "delay",
            "sign" if shape.versioned else "1",
            *own,
        )
    )
    # The scan is narrowed to what the question needs before anything is computed per row.
    facts.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE asked AS
        SELECT a.us, a.seq, a.id, a.sign, a.value, a.hit, a.key, p.person FROM (
            SELECT epoch_us(occurred_at) AS us, stored_seq AS seq, id, account, member,
            {"sign" if shape.versioned else "1"} AS sign,
            CAST({value} AS DOUBLE) AS value, CAST({hit} AS BOOLEAN) AS hit, md5(concat_ws(chr(31), {content})) AS key
            FROM {within.table(query) if within else query.table} t WHERE {" AND ".join(conditions)}) a
        LEFT JOIN ({_people(facts)}) p ON p.account = a.account AND p.member = a.member"""
    )


def _whose(facts: Facts, query: Query) -> list[str]:
    nodes = ", ".join(str(int(a)) for a in query.accounts)
    found: list[str] = []
    if query.others:
        left_out = {int(a) for a in query.accounts} | set(
            excluded_accounts(facts.connection, facts.settings.exclude.accounts)
        )
        found += [f"t.account NOT IN ({', '.join(map(str, sorted(left_out)))})"] if left_out else []
    elif query.accounts:
        found.append(f"t.account IN ({nodes})")
    if query.members:
        pairs = ", ".join(f"({int(a)}, {int(m)})" for a, m in query.members)
        found.append(f"(t.account, t.member) IN ({pairs})")
    bots = excluded_members(facts.connection, facts.settings.exclude.people)
    mine = [(int(a), int(m)) for a, m in bots if query.others or not query.accounts or int(a) in query.accounts]
    if mine:
        found.append(
            f"(t.member IS NULL OR (t.account, t.member) NOT IN ({', '.join(f'({a}, {m})' for a, m in mine)}))"
        )
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


def _values(facts: Facts, query: Query) -> list[Value]:
    """One value per span, from `asked`."""
    spans = pa.table(
        {
            "nth": pa.array(range(len(query.spans)), pa.int64()),
            "low": pa.array([low for low, _ in query.spans], pa.int64()),
            "high": pa.array([high for _, high in query.spans], pa.int64()),
        }
    )
    facts.connection.register("asked_spans", spans)
    try:
        rows = facts.connection.execute(_answer(query)).fetchall()
    finally:
        facts.connection.unregister("asked_spans")
    found: dict[int, Any] = dict(rows)
    empty: Value = 0.0 if query.aggregate in ("count", "sum", "people") else None
    return [empty if found.get(nth) is None else float(found[nth]) for nth in range(len(query.spans))]


def _answer(query: Query) -> str:
    inside = "FROM asked_spans s JOIN asked r ON r.us >= s.low AND r.us < s.high"
    match query.aggregate:
        case "count":
            return f"SELECT s.nth, sum(r.sign) {inside} GROUP BY 1"
        case "sum":
            return f"SELECT s.nth, sum(r.value * r.sign) {inside} GROUP BY 1"
        case "mean":
            known = "CASE WHEN r.value IS NOT NULL THEN r.sign END"
            return f"SELECT s.nth, sum(r.value * r.sign) / nullif(sum({known}), 0) {inside} GROUP BY 1"
        case "share":
            true = "sum(CASE WHEN r.hit THEN r.sign ELSE 0 END)"
            return f"SELECT s.nth, {true} / nullif(sum(r.sign), 0) {inside} GROUP BY 1"
        case "people":
            counted = f"SELECT s.nth, r.person, sum(r.sign) AS present {inside} WHERE r.person IS NOT NULL GROUP BY ALL"
            return f"SELECT nth, count_if(present > 0) FROM ({counted}) GROUP BY 1"
        case "latest":
            return f"SELECT s.nth, max(r.us) {_standing('r.us >= s.low AND r.us < s.high')} GROUP BY 1"
        case _:
            last = "arg_max(r.value, (r.us, r.seq))"
            return f"SELECT s.nth, {last} {_standing('r.us < s.high')} AND r.value IS NOT NULL GROUP BY 1"


def _standing(on: str) -> str:
    """Rows that were not taken back: a version that was followed by another one counts no more."""
    net = "SELECT *, sum(sign) OVER (PARTITION BY id, us, value) AS net FROM asked"
    return f"FROM asked_spans s JOIN ({net}) r ON {on} WHERE r.sign > 0 AND r.net > 0"


def _proof(facts: Facts, table: str) -> tuple[int, str, tuple[str, ...]]:
    """Count, digest and sample ids of `asked`. The digest is a sum of the rows' own, so that their order is no "
    "matter."""
    count, low, high = only(
        facts.connection,
        "SELECT coalesce(sum(sign), 0), sum(CAST(md5_number_lower(key) AS HUGEINT)), "
        "sum(CAST(md5_number_upper(key) AS HUGEINT)) FROM asked",
    )
    rows = facts.connection.execute(
        "SELECT id FROM asked WHERE sign > 0 ORDER BY us, seq LIMIT ?", [SAMPLES]
    ).fetchall()
    digest = sha256(f"{table}|{count}|{low or 0}|{high or 0}".encode()).hexdigest()
    return int(count), digest, tuple(dict.fromkeys(str(r[0]) for r in rows))


def _trait(facts: Facts, query: Query, known_us: int) -> Receipt:
    """The value of a dated trait at the end of each span, and the rows that say so."""
    nodes = ", ".join(str(int(a)) for a in query.accounts) or "NULL"
    whose = "member IS NULL"
    if query.members:
        whose = f"(account, member) IN ({', '.join(f'({int(a)}, {int(m)})' for a, m in query.members)})"
    rows = facts.connection.execute(
        f"""SELECT CASE WHEN dated THEN epoch_us(occurred_at) ELSE {-(2**62)} END AS from_us, value, stored_seq,
            source, account, delay
        FROM traits WHERE account IN ({nodes}) AND {whose} AND trait = {text(query.of or "")}
        AND (NOT dated OR epoch_us(occurred_at) + delay < {known_us})
        AND (NOT dated OR epoch_us(occurred_at) < {query.edges_us[-1]})
        ORDER BY from_us, stored_seq"""
    ).fetchall()
    values: list[Value] = []
    for _, high in query.spans:
        held: Sequence[str | None] = [value for from_us, value, *_ in rows if from_us < high]
        values.append(held[-1] if held else None)
    digest = sha256(repr([(f, v, s, a, d) for f, v, _, s, a, d in rows]).encode()).hexdigest()
    samples = tuple(f"{source}:{seq}" for _, _, seq, source, *_ in rows[-SAMPLES:])
    return Receipt(query, known_us, tuple(values), len(rows), digest, samples)
