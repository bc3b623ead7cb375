"""Receipts: values recomputed as known, and what a digest catches; against plain loops over the same rows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from beforehand.calendar import to_us
from beforehand.facts import identity, receipts
from beforehand.story.receipt import Query, Receipt

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
EDGES = tuple(to_us(T0) + k * 7 * DAY_US for k in range(6))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def many(opened, write):
    random.seed(5)
    made, lines = [], ["id,account,person,event,at,learned,ms"]
    for i in range(400):
        at = T0 + timedelta(seconds=random.randrange(35 * 86_400))
        learned = at + timedelta(days=random.choice((0, 0, 0, 9)))
        row = (
            f"e{i}",
            random.choice("abc"),
            random.choice(("p", "q", "r", "")),
            random.choice(("login", "error")),
            at,
            learned,
            random.choice((1, 2.5, None)),
        )
        made.append(row)
        lines.append(",".join("" if c is None else c.isoformat() if isinstance(c, datetime) else str(c) for c in row))
    facts = opened()
    facts.load([write("e.csv", "\n".join(lines))], written={"properties.ms": "ms"}, now=NOW)
    return facts, made


def plain(made, query, known_us, labels):
    """The slow reference."""
    values = []
    for low, high in query.spans:
        rows = [
            r for r in made
            if r[1] in labels and to_us(r[5]) < known_us and to_us(r[4]) < high
            and (to_us(r[4]) >= low or query.aggregate == "last")
            and (query.where is None or r[3] == "login")
        ]  # fmt: skip
        numbers = [r[6] for r in rows if r[6] is not None]
        match query.aggregate:
            case "count":
                values.append(float(len(rows)))
            case "sum":
                values.append(float(sum(numbers)))
            case "mean":
                values.append(sum(numbers) / len(numbers) if numbers else None)
            case "share":
                values.append(sum(r[3] == "error" for r in rows) / len(rows) if rows else None)
            case "people":
                values.append(float(len({r[2] for r in rows if r[2]})))
            case "last":
                held = [r for r in rows if r[6] is not None]
                values.append(float(max(held, key=lambda r: r[4])[6]) if held else None)
            case "latest":
                values.append(float(max(to_us(r[4]) for r in rows)) if rows else None)
    return values


@pytest.mark.parametrize("aggregate", ["count", "sum", "mean", "share", "people", "last", "latest"])
@pytest.mark.parametrize("where", [None, "event = 'login'"])
@pytest.mark.parametrize("span", [1, 3])
def test_values_are_those_of_plain_loops(many, aggregate, where, span):
    facts, made = many
    of = {"sum": "properties.ms", "mean": "properties.ms", "last": "properties.ms", "share": "event = 'error'"}.get(
        aggregate
    )
    for known_us in (EDGES[2], EDGES[5], to_us(NOW)):
        query = Query(
            "events",
            aggregate,
            EDGES,
            (facts.account_named("a"), facts.account_named("b")),
            of=of,
            where=where,
            span=span,
        )
        taken = receipts.take(facts, query, known_us)
        assert list(taken.values) == pytest.approx(plain(made, query, known_us, "ab"), nan_ok=False)
        assert receipts.verify(facts, Receipt.from_json(taken.as_json()))


def test_silence_and_the_feed_that_was_alive(many):
    facts, made = many
    quiet = receipts.take(facts, Query("events", "count", EDGES[:2], (999,)), to_us(NOW))
    assert (quiet.values, quiet.count, quiet.samples) == ((0.0,), 0, ())
    alive = receipts.take(facts, Query("events", "count", EDGES, (facts.account_named("a"),), others=True), to_us(NOW))
    assert sum(alive.numbers) == sum(r[1] != "a" for r in made) == alive.count
    assert len(alive.samples) == 5


def test_per_active_person_and_members(many):
    facts, made = many
    a = facts.account_named("a")
    taken = receipts.take(facts, Query("events", "count", EDGES[:2], (a,), per_active=True), to_us(NOW))
    rows = [r for r in made if r[1] == "a" and to_us(r[4]) < EDGES[1]]
    assert taken.value == pytest.approx(len(rows) / len({r[2] for r in rows if r[2]}))
    member = facts.connection.execute(
        "SELECT member FROM members m JOIN persons p USING (person) WHERE m.account = ? AND p.label = 'q'", [a]
    ).fetchall()[0][0]
    own = receipts.take(facts, Query("events", "count", EDGES[:2], (a,), ((a, member),)), to_us(NOW))
    assert own.value == sum(r[2] == "q" for r in rows)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET properties = {'ms': '99'}::VARIANT WHERE id = (SELECT min(id) FROM events WHERE "
        "account = 0)",
        "DELETE FROM events WHERE id = (SELECT min(id) FROM events WHERE account = 0)",
        "UPDATE events SET occurred_at = occurred_at + INTERVAL 1 SECOND WHERE id = (SELECT min(id) FROM events "
        "WHERE account = 0)",
    ],
)
def test_a_fact_that_was_changed_breaks_its_receipt(many, damage):
    facts, _ = many
    query = Query("events", "count", EDGES, (0,))
    taken, others = (
        receipts.take(facts, query, to_us(NOW)),
        receipts.take(facts, Query("events", "count", EDGES, (1,)), to_us(NOW)),
    )
    facts.connection.execute(damage)
    assert not receipts.verify(facts, taken)
    assert receipts.verify(facts, others)


def test_late_facts_do_not_break_what_was_known_then_but_backfilled_ones_do(many, write):
    facts, _ = many
    taken = receipts.take(facts, Query("events", "count", EDGES, (facts.account_named("a"),)), EDGES[5])
    facts.load([write("l.csv", "id,account,event,at,learned\nL1,a,login,2026-01-02,2026-05-01\n")], now=NOW)
    assert receipts.verify(facts, taken)
    facts.load([write("b.csv", "id,account,event,at,learned\nB1,a,login,2026-01-02,2026-01-02\n")], now=NOW)
    assert not receipts.verify(facts, taken)


def test_exclusions_and_merged_people(many, opened):
    facts, made = many
    a = facts.account_named("a")
    query = Query("events", "people", (EDGES[0], EDGES[5]), (a,))
    taken = receipts.take(facts, query, to_us(NOW))
    assert taken.value == 3
    identity.merge(facts, "person", "p", "q", "ann")
    assert receipts.take(facts, query, to_us(NOW)).value == 2
    facts = opened(exclude={"events": "event = 'error'", "people": ["r*"]})
    assert not receipts.verify(facts, taken)
    count = receipts.take(facts, Query("events", "count", (EDGES[0], EDGES[5]), (a,)), to_us(NOW))
    assert count.value == sum(r[1] == "a" and r[3] != "error" and r[2] != "r" for r in made)


def test_versions_and_traits(opened, write):
    facts = opened()
    jan, feb = (
        write(n, f"subscription,account,start_at,amount,learned\ns,a,2026-01-02,{v},{d}\n")
        for n, v, d in (("1.csv", 10, "2026-01-02"), ("2.csv", 30, "2026-01-20"))
    )
    facts.load([feb], table="subscriptions", now=NOW)
    facts.load([jan], table="subscriptions", now=NOW)
    for aggregate, then, later in (("sum", 10, 30), ("last", 10, 30), ("count", 1, 1)):
        query = Query("subscriptions", aggregate, EDGES[:2], (0,), of=None if aggregate == "count" else "amount")
        assert [receipts.take(facts, query, k).value for k in (EDGES[1], EDGES[5])] == [then, later]
    facts.load([write("a.csv", "account,at,plan\na,2026-01-01,free\na,2026-01-10,team\n")], table="accounts", now=NOW)
    taken = receipts.take(facts, Query("traits", "trait", EDGES, (0,), of="plan"), to_us(NOW))
    assert taken.values == ("free", "team", "team", "team", "team")
    assert receipts.verify(facts, Receipt.from_json(taken.as_json()))
    facts.connection.execute("UPDATE traits SET value = 'enterprise' WHERE value = 'team'")
    assert not receipts.verify(facts, taken)


def test_many_questions_together_are_those_of_plain_loops(many):
    facts, made = many
    random.seed(11)
    nodes = {label: facts.account_named(label) for label in "abc"}
    asks, wanted = [], []
    for _ in range(60):
        labels = random.choice(("a", "b", "ab", "c"))
        low = random.randrange(3)
        edges = EDGES[low : random.randrange(low + 2, 7)]
        aggregate = random.choice(("count", "sum", "mean", "share", "people", "last", "latest"))
        of = {"share": "event = 'error'", "sum": "properties.ms", "mean": "properties.ms", "last": "properties.ms"}
        where = random.choice((None, "event = 'login'"))
        accounts = tuple(nodes[label] for label in labels)
        span = random.randint(1, len(edges) - 1)
        query = Query("events", aggregate, edges, accounts, of=of.get(aggregate), where=where, span=span)
        known = random.choice((EDGES[2], EDGES[4], to_us(NOW)))
        asks.append((query, known))
        wanted.append(plain(made, query, known, labels))
    taken = receipts.take_all(facts, asks)
    for receipt, values in zip(taken, wanted, strict=True):
        assert list(receipt.values) == pytest.approx(values)
    assert taken == [receipts.take(facts, *ask) for ask in asks]
    assert all(receipts.verify_all(facts, taken))


def test_distinct_values_totals_and_single_rows(many, write):
    facts, made = many
    a = facts.account_named("a")
    distinct = receipts.take(facts, Query("events", "distinct", EDGES, (a,), of="event"), to_us(NOW))
    for (low, high), value in zip(distinct.query.spans, distinct.values, strict=True):
        assert value == len({r[3] for r in made if r[1] == "a" and low <= to_us(r[4]) < high})
    standing = receipts.take(facts, Query("events", "count", EDGES[2:], (a,), standing=True), to_us(NOW))
    assert standing.values == tuple(float(sum(r[1] == "a" and to_us(r[4]) < end for r in made)) for end in EDGES[3:])
    keyed = receipts.take(facts, Query("events", "count", EDGES, (a,), key=("event", "error")), to_us(NOW))
    assert sum(keyed.numbers) == sum(r[1] == "a" and r[3] == "error" and to_us(r[4]) < EDGES[-1] for r in made)
    rows = "id,account,at,learned,status,subject\nT,a,2026-01-03,2026-01-03,open,Old\n"
    rows += "T,a,2026-01-03,2026-01-09,solved,New\n"
    facts.load([write("t.csv", rows)], table="tickets", now=NOW)
    query = Query("tickets", "row", EDGES[:2], (a,), of="subject, began", key=("id", "T"))
    known = (to_us(T0 + timedelta(days=5)), to_us(NOW))
    assert [receipts.take(facts, query, k).values[0] for k in known] == ["Old", "New"]
    assert receipts.verify(facts, Receipt.from_json(receipts.take(facts, query, to_us(NOW)).as_json()))
    assert receipts.take(facts, query, to_us(T0)).values == ()
