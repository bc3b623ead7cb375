"""Asking the facts the questions of receipts: taken when an alert is raised, asked again before its story is shown."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from beforehand.facts.answering import ALWAYS, SAMPLES, Answer, Ask, active, answers
from beforehand.facts.quoting import text
from beforehand.facts.rows import rows
from beforehand.story.receipt import Query, Receipt, Value

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

_CLOSE_ENOUGH = 1e-9
"""Sums are added up in an order that differs from one time to the next."""


def take(facts: Facts, query: Query, known_us: int) -> Receipt:
    """Answers a question with what had been learned before `known_us`, under the exclusions of now.

    InputError where the question's `where` or `of` is not a condition or value of its table.
    """
    return take_all(facts, [(query, known_us)])[0]


def take_all(facts: Facts, asks: Sequence[Ask]) -> list[Receipt]:
    """Answers to questions, in their order; equal ones are asked once, and alike ones together. See `take`."""
    rules = exclusions(facts)
    asked = [(q if q.table == "traits" else replace(q, exclusions=rules), known) for q, known in asks]
    distinct = list(dict.fromkeys(asked))
    of_traits = [ask for ask in distinct if ask[0].table == "traits"]
    of_rows = [ask for ask in distinct if ask[0].aggregate == "row"]
    of_facts = [ask for ask in distinct if ask[0].table != "traits" and ask[0].aggregate != "row"]
    divided = [ask for ask in of_facts if ask[0].per_active]
    plain = [(replace(q, per_active=False), known) for q, known in of_facts]
    found = answers(facts, [*plain, *((active(q), known) for q, known in divided)])
    people = dict(zip(divided, found[len(plain) :], strict=True))
    taken = {ask: _receipt(ask, own, people.get(ask)) for ask, own in zip(of_facts, found, strict=False)}
    taken |= zip(of_traits, _traits(facts, of_traits), strict=True)
    taken |= zip(of_rows, rows(facts, of_rows), strict=True)
    return [taken[ask] for ask in asked]


def verify(facts: Facts, receipt: Receipt) -> bool:
    """Whether the question still has the answer it had: the same rows with the same content, and the same values."""
    return verify_all(facts, [receipt])[0]


def verify_all(facts: Facts, kept: Sequence[Receipt]) -> list[bool]:
    """Of each receipt, whether its question still has the answer it had."""
    return [same(one, now) for one, now in zip(kept, take_all(facts, asks_of(kept)), strict=True)]


def asks_of(kept: Sequence[Receipt]) -> list[Ask]:
    """The questions of receipts, to be asked again as of then."""
    return [(receipt.query, receipt.known_us) for receipt in kept]


def same(kept: Receipt, now: Receipt) -> bool:
    """Whether two receipts of one question have one answer, got under the same exclusions."""
    alike = now.count == kept.count and now.digest == kept.digest and len(now.values) == len(kept.values)
    alike = alike and now.query.exclusions == kept.query.exclusions
    return alike and all(_same(one, other) for one, other in zip(now.values, kept.values, strict=True))


def exclusions(facts: Facts) -> str:
    """The digest of the exclusion rules in force; blank where there are none."""
    rules = facts.settings.exclude.model_dump(mode="json", exclude_defaults=True)
    return sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16] if rules else ""


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=_CLOSE_ENOUGH, abs_tol=_CLOSE_ENOUGH)
    return one == other


def _receipt(ask: Ask, own: Answer, people: Answer | None) -> Receipt:
    """A receipt of an answer, divided by the people who were active where that is asked."""
    values, digest = own.values, own.digest
    if people is not None:
        pairs = zip(values, people.values, strict=True)
        values = tuple(None if not p or v is None else float(v) / float(p) for v, p in pairs)
        digest = sha256((digest + people.digest).encode()).hexdigest()
    return Receipt(ask[0], ask[1], values, own.count, digest, own.samples)


def _traits(facts: Facts, asks: Sequence[Ask]) -> list[Receipt]:
    """The values of dated traits at the end of each span, and the rows that say so; one look at the table for all."""
    if not asks:
        return []
    nodes = sorted({int(a) for query, _ in asks for a in query.accounts}) or [-1]
    names = sorted({query.of or "" for query, _ in asks})
    rows = facts.connection.execute(
        f"""SELECT account, coalesce(member, -1), trait, CASE WHEN dated THEN epoch_us(occurred_at) ELSE {ALWAYS} END
            AS from_us, CASE WHEN dated THEN epoch_us(occurred_at) + delay ELSE {ALWAYS} END AS known, value,
            stored_seq, source, delay
        FROM traits WHERE account IN ({", ".join(map(str, nodes))}) AND trait IN ({", ".join(map(text, names))})
        ORDER BY from_us, stored_seq"""
    ).fetchall()
    by_place: dict[tuple[int, int, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        by_place.setdefault(row[:3], []).append(row)
    return [_trait(query, known_us, by_place) for query, known_us in asks]


def _trait(query: Query, known_us: int, by_place: dict[tuple[int, int, str], list[tuple[Any, ...]]]) -> Receipt:
    places = query.members or tuple((account, -1) for account in query.accounts)
    rows = [row for account, member in places for row in by_place.get((account, member, query.of or ""), ())]
    rows = sorted((r for r in rows if r[3] < query.edges_us[-1] and r[4] < known_us), key=lambda r: (r[3], r[6]))
    values: list[Value] = []
    for _, high in query.spans:
        held: Sequence[str | None] = [r[5] for r in rows if r[3] < high]
        values.append(held[-1] if held else None)
    content = repr([(from_us, value, source, account, delay) for account, _, _, from_us, _, value, _, source, delay
                    in rows])  # fmt: skip
    samples = tuple(f"{source}:{seq}" for *_, seq, source, _ in rows[-SAMPLES:])
    return Receipt(query, known_us, tuple(values), len(rows), sha256(content.encode()).hexdigest(), samples)
