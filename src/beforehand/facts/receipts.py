"""Receipts asked and asked again: what a story says is counted here, from the facts as they were known at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from math import isclose
from typing import TYPE_CHECKING, Any

from beforehand.facts.merging import canonical_tables
from beforehand.facts.quoting import text
from beforehand.facts.schema import SHAPES
from beforehand.facts.subjects import excluded_accounts, glob
from beforehand.panel import where
from beforehand.story.receipt import Query, Receipt, Value

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

SAMPLES = 5
EXACT = 1e-9
"""Sums over many rows depend on their order in the last figures; a receipt that differs by no more is the same."""


def take(facts: Facts, query: Query, known_us: int) -> Receipt:
    """The answer to a question from the facts learned before `known_us` (UTC microseconds).

    Exclusions apply as they are now; their digest is written into the receipt. EngineError where the engine fails.
    """
    return take_all(facts, [(query, known_us)])[0]


def take_all(facts: Facts, asks: Sequence[tuple[Query, int]]) -> list[Receipt]:
    """Receipts for many questions; those that differ only in whom they are about are answered in one scan."""
    rules = exclusions(facts)
    groups: dict[tuple[Query, int], list[int]] = {}
    for place, (query, known_us) in enumerate(asks):
        groups.setdefault((replace(query, accounts=(), members=(), exclusions=rules), known_us), []).append(place)
    found: dict[int, Receipt] = {}
    with facts.telling():
        for (shared, known_us), places in groups.items():
            whom = [asks[place][0] for place in places]
            # Equal questions are asked once.
            distinct = list(dict.fromkeys((q.accounts, q.members) for q in whom))
            queries = [replace(shared, accounts=accounts, members=members) for accounts, members in distinct]
            answered = dict(zip(distinct, _answer(facts, queries, known_us), strict=True))
            found.update({p: answered[q.accounts, q.members] for p, q in zip(places, whom, strict=True)})
    return [found[place] for place in range(len(asks))]


def verify(facts: Facts, receipt: Receipt) -> bool:
    """Whether the same question, as known at the same moment, still has the same answer from the same rows."""
    return agree(receipt, take(facts, receipt.query, receipt.known_us))


def agree(kept: Receipt, again: Receipt) -> bool:
    """Whether two answers to one question are the same: rules, rows and values."""
    if (again.query.exclusions, again.count, again.digest) != (kept.query.exclusions, kept.count, kept.digest):
        return False
    return len(again.values) == len(kept.values) and all(map(same, again.values, kept.values))


def same(one: Value, other: Value) -> bool:
    """Whether two answers are one, but for the rounding of sums."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return isclose(one, other, rel_tol=EXACT, abs_tol=EXACT)
    return one == other


def exclusions(facts: Facts) -> str:
    """The digest of the exclusion rules in force; blank where there are none."""
    rules = facts.settings.exclude
    if not (rules.accounts or rules.people or rules.events):
        return ""
    return sha256(rules.model_dump_json().encode()).hexdigest()[:16]


def _answer(facts: Facts, queries: Sequence[Query], known_us: int) -> list[Receipt]:
    """Receipts for questions that differ only in accounts and members."""
    shared, connection = queries[0], facts.connection
    rows = _trait_rows(shared, known_us) if shared.aggregate == "trait" else _fact_rows(facts, shared, known_us)
    if shared.others:
        whom = _others(facts, queries)
    else:
        pairs = [
            (nth, account, member)
            for nth, query in enumerate(queries)
            for account, member in (query.members or [(a, None) for a in query.accounts])
        ]
        listed = ", ".join(f"({n}, {a}, {'NULL' if m is None else m})" for n, a, m in pairs) or "(-1, -1, NULL)"
        on = "s.s_account = t.account AND " + (
            "s.s_member = t.member" if shared.members else "t.member IS NULL" if shared.aggregate == "trait" else "true"
        )
        whom = f"JOIN (VALUES {listed}) s(grp, s_account, s_member) ON {on}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE receipt_rows AS {rows.format(whom=whom)}")
    spans = ", ".join(f"({nth}, {low}, {high})" for nth, (low, high) in enumerate(shared.spans))
    within = "r.us < p.high" if shared.aggregate in ("last", "trait") else "r.us >= p.low AND r.us < p.high"
    per_span = connection.execute(_per_span(shared, "receipt_rows", spans, within)).fetchall()
    totals = connection.execute(
        "SELECT grp, sum(sign), sum(CAST(md5_number_lower(content) AS HUGEINT)), "
        f"sum(CAST(md5_number_upper(content) AS HUGEINT)), arg_min(id, (us, seq), {SAMPLES}) "
        "FROM receipt_rows GROUP BY grp"
    ).fetchall()
    active = _active(facts, shared, known_us, whom) if shared.per_active else {}
    connection.execute("DROP TABLE receipt_rows")
    values = {(grp, nth): value for grp, nth, value in per_span}
    about = {grp: rest for grp, *rest in totals}
    nothing: Value = 0.0 if shared.aggregate in ("count", "sum", "people") else None
    receipts = []
    for grp, query in enumerate(queries):
        answer = [_number(values.get((grp, nth), nothing)) for nth in range(len(shared.spans))]
        if shared.per_active:
            people = [active.get((grp, nth), 0) for nth in range(len(answer))]
            answer = [v / n if n and isinstance(v, float) else None for v, n in zip(answer, people, strict=True)]
        count, lower, upper, samples = about.get(grp, (0, 0, 0, []))
        digest = sha256(f"{count}|{lower}|{upper}".encode()).hexdigest()[:32]
        receipts.append(Receipt(query, known_us, tuple(answer), int(count), digest, tuple(samples or ())))
    return receipts


def _fact_rows(facts: Facts, query: Query, known_us: int) -> str:
    """SQL for the rows of a fact table that a question is about, with a gap for whom."""
    shape = SHAPES[query.table]
    value = "NULL"
    if query.aggregate == "share":
        value = f"CAST(coalesce({where.condition(query.of or '', query.table).sql(dialect='duckdb')}, false) AS DOUBLE)"
    elif query.of is not None:
        value = where.value(query.of, query.table).sql(dialect="duckdb")
    wanted = [f"epoch_us(occurred_at) < {query.edges_us[-1]}", f"epoch_us(occurred_at) + delay < {known_us}"]
    if query.aggregate != "last":
        wanted.append(f"epoch_us(occurred_at) >= {query.edges_us[0]}")
    if query.where:
        wanted.append(f"({where.condition(query.where, query.table).sql(dialect='duckdb')})")
    wanted += _left_out(facts, query.table)
    sign = "sign" if shape.versioned else "1"
    inner = (
        f"SELECT account, member, stored_seq AS seq, source, id, epoch_us(occurred_at) AS us, delay, {sign} AS sign, "
        f"{value} AS value FROM {query.table} WHERE {' AND '.join(wanted)}"
    )
    if query.aggregate == "people":
        # Members of one account that are one person count once, as they are merged now.
        canonical_tables(facts.connection)
        inner = (
            f"SELECT t.* REPLACE (coalesce(c.into_node, m.person) AS value) FROM ({inner}) t "
            "LEFT JOIN members m ON m.account = t.account AND m.member = t.member "
            "LEFT JOIN canon_person c ON c.node = m.person"
        )
    return (
        "SELECT grp, t.*, concat_ws(chr(31), source, id, us, delay, sign, coalesce(CAST(value AS VARCHAR), '')) "
        f"AS content FROM ({inner}) t {{whom}}"
    )


def _trait_rows(query: Query, known_us: int) -> str:
    """SQL for the values of a trait; those that came without a date stand from the beginning and were always known."""
    return (
        "SELECT grp, t.*, concat_ws(chr(31), seq, us, delay, coalesce(value, chr(0))) AS content FROM ("
        "SELECT account, member, stored_seq AS seq, trait AS id, delay, 1 AS sign, value, "
        f"CASE WHEN dated THEN epoch_us(occurred_at) ELSE {query.edges_us[0]} - 1 END AS us "
        f"FROM traits WHERE trait = {text(query.of or '')} "
        f"AND (NOT dated OR epoch_us(occurred_at) + delay < {known_us})) t {{whom}}"
    )


def _left_out(facts: Facts, table: str) -> list[str]:
    """The conditions that leave out internal, test and bot activity."""
    rules, found = facts.settings.exclude, []
    if rules.events and table == "events":
        found.append(f"NOT coalesce({where.condition(rules.events, 'events').sql(dialect='duckdb')}, false)")
    if rules.people:
        matches = " OR ".join(f"lower(i.external) GLOB {text(glob(pattern))}" for pattern in rules.people)
        found.append(
            f"NOT EXISTS (SELECT 1 FROM members m JOIN person_ids i USING (person) WHERE m.account = {table}.account "
            f"AND m.member = {table}.member AND ({matches}))"
        )
    return found


def _others(facts: Facts, queries: Sequence[Query]) -> str:
    """Everybody but those asked about, and but those that are left out of every count."""
    left_out = excluded_accounts(facts.connection, facts.settings.exclude.accounts)
    pairs = [(nth, account) for nth, query in enumerate(queries) for account in {*query.accounts, *left_out}]
    groups = ", ".join(f"({nth})" for nth in range(len(queries)))
    listed = ", ".join(f"({nth}, {account})" for nth, account in pairs) or "(-1, -1)"
    return (
        f"JOIN (VALUES {groups}) s(grp) ON NOT EXISTS (SELECT 1 FROM (VALUES {listed}) x(grp, account) "
        "WHERE x.grp = s.grp AND x.account = t.account)"
    )


def _aggregate(query: Query) -> str:
    """What is made of the rows of a span; the same as the panel makes of a metric."""
    match query.aggregate:
        case "count":
            return "CAST(sum(sign) AS DOUBLE)"
        case "sum":
            return "sum(CASE WHEN isfinite(value) THEN value * sign ELSE 0 END)"
        case "mean" | "share":
            finite = "CASE WHEN isfinite(value) THEN {} END"
            return f"sum({finite.format('value * sign')}) / nullif(sum({finite.format('sign')}), 0)"
        case "last":
            return "arg_max(value, (us, seq)) FILTER (isfinite(value))"
        case "trait":
            return "arg_max({'value': value}, (us, seq)).value"
        case "latest":
            return "CAST(max(us) FILTER (sign > 0) AS DOUBLE)"
        case _:
            return "CAST(count(DISTINCT value) AS DOUBLE)"


def _per_span(query: Query, table: str, spans: str, within: str) -> str:
    """SQL for the answer in each span."""
    joined = f"{table} r JOIN (VALUES {spans}) p(nth, low, high) ON {within}"
    if query.aggregate == "people":
        joined = f"(SELECT grp, nth, value FROM {joined} GROUP BY ALL HAVING sum(sign) > 0)"
        return f"SELECT grp, nth, {_aggregate(query)} FROM {joined} GROUP BY ALL"
    return f"SELECT r.grp, p.nth, {_aggregate(query)} FROM {joined} GROUP BY ALL"


def _active(facts: Facts, query: Query, known_us: int, whom: str) -> dict[tuple[int, int], int]:
    """How many people had an event in each span, by group."""
    people = replace(query, table="events", aggregate="people", of=None, where=None, per_active=False)
    facts.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE receipt_active AS {_fact_rows(facts, people, known_us).format(whom=whom)}"
    )
    spans = ", ".join(f"({nth}, {low}, {high})" for nth, (low, high) in enumerate(query.spans))
    within = "r.us >= p.low AND r.us < p.high"
    found = facts.connection.execute(_per_span(people, "receipt_active", spans, within)).fetchall()
    facts.connection.execute("DROP TABLE receipt_active")
    return {(grp, nth): int(value) for grp, nth, value in found}


def _number(value: Any) -> Value:
    return value if value is None or isinstance(value, str) else float(value)
