"""Waiting, overdue, opened again, given away and mentioned: from files that were loaded, as a table says it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import BusinessTime, zone_named
from beforehand.errors import InputError
from beforehand.facts import Facts, receipts
from beforehand.facts.derived import Recipe, ensure, histories, lists, recipe_of
from beforehand.facts.derived.mentions import FROM_CUSTOMER, FROM_US
from beforehand.facts.derived.phrases import pattern, phrases_of, shipped
from beforehand.signals.tree import Made, Mentions, Overdue, Repeated, Turned, Waiting, Without
from beforehand.story.receipt import Query
from beforehand.workspace.spec import MetricSpec, SettingsSpec

Open = Callable[..., Facts]
Write = Callable[..., Path]
NOW = datetime(2025, 6, 1, tzinfo=UTC)
URGENT = MetricSpec(count="tickets", where="priority = 'urgent'")
INVOICES = MetricSpec(count="invoices")


def recipe(made: Made, metric: MetricSpec, **settings: Any) -> Recipe:
    return recipe_of(made, metric, {}, SettingsSpec(**settings))


def rows(facts: Facts, given_recipe: Recipe, of: str = "occurred_at, learned_at, sign") -> list[tuple[str, ...]]:
    """The rows of a table in the order they were written, times as text to the hour."""
    asked = ", ".join(f"strftime({c.strip()}, '%m-%d %H')" if "_at" in c else c for c in of.split(","))
    return facts.connection.execute(
        f"SELECT {asked} FROM {ensure(facts.connection, given_recipe)} ORDER BY stored_seq"
    ).fetchall()


def load(facts: Facts, write: Write, table: str, *lines: str, **columns: str) -> None:
    path = write(f"{table}-{abs(hash(lines))}.csv", "\n".join(lines) + "\n")
    facts.load([path], table=table, written=columns, now=NOW)


TICKETS = "id,account,at,learned,status,priority,category"


def test_a_ticket_waits_from_when_its_days_are_over_until_it_is_solved(opened: Open, write: Write) -> None:
    facts, waiting = opened(), recipe(Waiting(2), URGENT)
    load(facts, write, "tickets", TICKETS, "t,acme,2025-01-03 15:00,2025-01-03 16:00,open,urgent,login")
    assert rows(facts, waiting) == [("01-05 15", "01-05 15", 1)]
    load(facts, write, "tickets", TICKETS, "t,acme,2025-01-03 15:00,2025-01-09 10:00,Solved,urgent,login")
    assert rows(facts, waiting)[1:] == [("01-09 10", "01-09 10", -1)]
    load(facts, write, "tickets", TICKETS, "t,acme,2025-01-03 15:00,2025-01-20 10:00,open,urgent,login")
    assert rows(facts, waiting)[2:] == [("01-22 10", "01-22 10", 1)]  # opened again: the days begin anew
    assert set(rows(facts, waiting, "ticket, category, id")) == {("t", "login", "t")}


def test_a_ticket_solved_in_time_never_waits(opened: Open, write: Write) -> None:
    facts = opened()
    load(
        facts,
        write,
        "tickets",
        TICKETS,
        "t,acme,2025-01-03 15:00,2025-01-03 16:00,open,urgent,login",
        "t,acme,2025-01-03 15:00,2025-01-04 16:00,won't-fix,urgent,login",
    )
    assert rows(facts, recipe(Waiting(2), URGENT)) == []


def test_a_solution_heard_of_late_takes_the_waiting_back(opened: Open, write: Write) -> None:
    facts, waiting = opened(), recipe(Waiting(2), URGENT)
    load(facts, write, "tickets", TICKETS, "t,acme,2025-01-03 15:00,2025-01-03 15:00,open,urgent,login")
    assert len(rows(facts, waiting)) == 1
    # Its own time moved to when it was solved, which we heard a week later.
    load(facts, write, "tickets", TICKETS, "t,acme,2025-01-04 12:00,2025-01-11 12:00,solved,urgent,login")
    assert rows(facts, waiting)[1:] == [("01-05 15", "01-11 12", -1)]


def test_a_ticket_waits_for_the_metric_only_while_it_is_of_it(opened: Open, write: Write) -> None:
    facts = opened()
    load(
        facts,
        write,
        "tickets",
        TICKETS,
        "t,acme,2025-01-03 15:00,2025-01-03 15:00,open,low,login",
        "t,acme,2025-01-03 15:00,2025-01-08 15:00,open,urgent,login",
        "t,acme,2025-01-03 15:00,2025-01-09 15:00,open,urgent,export",
        "t,acme,2025-01-03 15:00,2025-01-10 15:00,pending,low,export",
    )
    assert rows(facts, recipe(Waiting(2), URGENT), "occurred_at, sign, category") == [
        ("01-08 15", 1, "login"),
        ("01-09 15", -1, "login"),
        ("01-09 15", 1, "export"),
        ("01-10 15", -1, "export"),
    ]


def test_business_days_are_those_of_the_accounts_country(opened: Open, write: Write) -> None:
    facts = opened()
    load(facts, write, "accounts", "id,country", "acme,Germany", "beta,United States")
    # Thursday, 2 January; Monday, 6 January is a holiday in Austria.
    load(
        facts,
        write,
        "tickets",
        TICKETS,
        *(
            f"{n},{name},2025-01-02 15:00,2025-01-02 15:00,open,urgent,x"
            for n, name in enumerate(("acme", "beta", "gamma"))
        ),
    )
    time = BusinessTime(zone_named("UTC"), country="AT")
    made = Waiting(2, business=True)
    everywhere = recipe_of(made, URGENT, {}, SettingsSpec(), time)
    assert Recipe.from_text(everywhere.as_text()) == everywhere
    assert rows(facts, everywhere, "occurred_at") == [("01-07 15",)] * 3
    by_country = recipe_of(made, URGENT, {}, SettingsSpec(), time, "country")
    assert rows(facts, by_country, "occurred_at, id") == [("01-06 15", "0"), ("01-06 15", "1"), ("01-07 15", "2")]
    # Where an account is, is taken as it is known now: what followed from another place is taken back.
    load(facts, write, "accounts", "id,country", "acme,Austria")
    assert rows(facts, by_country, "occurred_at, id, sign")[3:] == [("01-06 15", "0", -1), ("01-07 15", "0", 1)]


INVOICE = "id,account,at,learned,amount,status,due_at,paid_at"


def test_an_invoice_is_overdue_until_it_is_paid(opened: Open, write: Write) -> None:
    facts, late = opened(), recipe(Overdue(10), INVOICES)
    load(
        facts,
        write,
        "invoices",
        INVOICE,
        "1,acme,2025-01-01,2025-01-01,10,open,2025-01-11,",
        "2,acme,2025-01-01,2025-01-01,10,open,,",
        "3,acme,2025-01-01,2025-01-01,10,Void,2025-01-11,",
        "4,acme,2025-01-01,2025-01-01,10,open,2025-01-11,2025-01-20",
        "5,acme,2025-01-01,2025-01-01,10,open,2025-01-11,2025-02-20",
    )
    said = [("01-21 00", "01-21 00", 1)] * 2 + [("02-20 00", "02-20 00", -1)]
    assert rows(facts, late) == said
    load(facts, write, "invoices", INVOICE, "1,acme,2025-01-01,2025-02-07,10,paid,2025-01-11,2025-02-05")
    assert rows(facts, late)[3:] == [("02-05 00", "02-07 00", -1)]


def test_paid_without_a_date_is_paid_when_we_heard_of_it(opened: Open, write: Write) -> None:
    facts = opened()
    load(
        facts,
        write,
        "invoices",
        INVOICE,
        "1,acme,2025-01-01,2025-01-01,10,open,2025-01-11,",
        "1,acme,2025-01-01,2025-02-07,10,Written_Off,2025-01-11,",
    )
    assert rows(facts, recipe(Overdue(10), INVOICES)) == [("01-21 00", "01-21 00", 1), ("02-07 00", "02-07 00", -1)]


def test_turns_of_a_ticket(opened: Open, write: Write) -> None:
    facts, every = opened(), MetricSpec(count="tickets")
    head = "id,account,at,learned,status,assignee"
    load(
        facts,
        write,
        "tickets",
        head,
        "t,acme,2025-01-03,2025-01-03,open,",
        "t,acme,2025-01-03,2025-01-04,open,ann",
        "t,acme,2025-01-03,2025-01-05,solved,ann",
        "t,acme,2025-01-03,2025-01-06,open,",
        "t,acme,2025-01-03,2025-01-07,open,Ann",
        "t,acme,2025-01-03,2025-01-08,open,bob",
        "t,acme,2025-01-03,2025-01-09,closed,bob",
        **{"properties.assignee": "assignee"},
    )
    assert rows(facts, recipe(Turned("reopened"), every)) == [("01-06 00", "01-06 00", 1)]
    assert rows(facts, recipe(Turned("reassigned"), every)) == [("01-08 00", "01-08 00", 1)]


MESSAGES = "id,account,person,at,direction,subject,text"


def test_mentions_are_what_customers_wrote(opened: Open, write: Write) -> None:
    facts, metric = opened(), MetricSpec(count="messages")
    cancel = recipe(Mentions(("cancel",)), metric)
    load(
        facts,
        write,
        "messages",
        MESSAGES,
        "1,acme,p,2025-01-01,Inbound,,we CANCELLED it",
        "2,acme,p,2025-01-02,outbound,,cancel",
        "3,acme,p,2025-01-03,,Cancellation,please",
        "4,acme,,2025-01-04,,,cancel",
        "5,acme,p,2025-01-05,end-user,,uncancelled",
    )
    assert rows(facts, cancel, "id") == [("1",), ("3",)]
    load(facts, write, "messages", MESSAGES, "6,acme,p,2025-01-06,in,,Wir  won’t\trenew")
    assert rows(facts, cancel, "id") == [("1",), ("3",), ("6",)]


def test_mentions_in_tickets_follow_their_versions(opened: Open, write: Write) -> None:
    facts, refund = opened(), recipe(Mentions(("refund",)), MetricSpec(count="tickets"))
    head = "id,account,at,learned,status,subject,body"
    load(facts, write, "tickets", head, "t,acme,2025-01-03,2025-01-03,open,Refund?,now")
    load(facts, write, "tickets", head, "t,acme,2025-01-03,2025-01-05,open,Question,now")
    assert rows(facts, refund, "learned_at, sign, ticket") == [("01-03 00", 1, "t"), ("01-05 00", -1, "t")]


def test_lists_of_phrases_are_added_to_or_replaced() -> None:
    own = SettingsSpec(phrases={"Competitor": ["Acme"], "price": {"only": ["toll"]}, "rivals": "Beta Corp"}).phrases
    known = lists(own)
    assert known["competitor"] == (*shipped()["competitor"], "Acme")
    assert known["price"] == ("toll",) and known["rivals"] == ("Beta Corp",)
    assert phrases_of(["prices", "rival", "Gamma"], own) == ("toll", "Beta Corp", "Gamma")


def test_every_shipped_phrase_is_found_in_itself_and_is_no_expression(opened: Open) -> None:
    connection = opened().connection
    assert {"cancel", "competitor", "price", "contract", "refund", "legal", "outage", "security"} <= shipped().keys()
    for phrases in shipped().values():
        for phrase in phrases:
            assert connection.execute(
                "SELECT regexp_matches(?, ?)", [f"(a) {phrase}.", pattern([phrase])]
            ).fetchall() == [(True,)]


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("sla", "the SLA, then", True),
        ("sla", "a slate", False),
        ("price", "priced", True),
        ("price", "overprice", False),
        ("a.c", "abc", False),
        ("c++", "in C++ now", True),
        (".*", "anything", False),
        ("$500", "for$500", True),
        ("über", "ÜBER alles", True),
        ("über", "grüber", False),
        ("price", "_price", False),
        ("price", "9price", False),
        ("not renew", "not\n  renewing", True),
        ("can't", "I CAN’T", True),
        ("(?i)x", "x", False),
        ("price", "(price)", True),
    ],
)
def test_phrases_are_met_at_the_beginning_of_a_word(opened: Open, phrase: str, text: str, found: bool) -> None:
    asked = opened().connection.execute("SELECT regexp_matches(?, ?)", [text, pattern([phrase])])
    assert asked.fetchall() == [(found,)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12), max_size=5))
def test_any_phrases_make_an_expression_the_engine_takes(phrases: list[str]) -> None:
    import duckdb

    phrases = [phrase.replace("\x00", "x") for phrase in phrases]
    assert duckdb.execute("SELECT regexp_matches('', ?)", [pattern(phrases)]).fetchall() == [(False,)]


def test_the_page_has_every_word_that_means_something() -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "derived-facts.md"
    told = page.read_text(encoding="utf-8")
    words = [*shipped(), *histories.SOLVED, *histories.PAID, *histories.HOLDERS, *FROM_CUSTOMER, *FROM_US]
    assert [word for word in words if f"`{word}`" not in told] == []


# -- what a recipe refuses, and receipts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "metric", "said"),
    [
        (Waiting(2), MetricSpec(count="events"), "tickets"),
        (Overdue(2), MetricSpec(count="tickets"), "invoices"),
        (Mentions(("x",)), MetricSpec(count="events"), "messages"),
        (Without("b", 1), MetricSpec(count="events"), "no metric 'b'"),
        (Without("c", 1), MetricSpec(count="events"), "the same table"),
    ],
)
def test_a_recipe_refuses_what_cannot_be_made(made: Made, metric: MetricSpec, said: str) -> None:
    with pytest.raises(InputError) as refused:
        recipe_of(made, metric, {"c": MetricSpec(count="tickets")}, SettingsSpec())
    assert said in f"{refused.value.message} {refused.value.hint}"


def test_recipes_read_back_and_are_told_apart() -> None:
    metrics = {"b": MetricSpec(count="events", where="event = 'b'")}
    a = MetricSpec(count="events", where="event = 'a'")
    made = [
        recipe_of(Without("b", 5), a, metrics, SettingsSpec()),
        recipe_of(Without("b", 6), a, metrics, SettingsSpec()),
        recipe_of(Repeated(2, 5), a, metrics, SettingsSpec()),
        recipe(Mentions(("cancel",)), MetricSpec(count="messages")),
        recipe(Mentions(("cancel",)), MetricSpec(count="messages"), phrases={"cancel": ["stop"]}),
        recipe(Waiting(2), URGENT),
        recipe(Waiting(2, True), URGENT),
        recipe(Waiting(2, True), URGENT, zone="Europe/Berlin"),
    ]
    assert [Recipe.from_text(each.as_text()) for each in made] == made
    assert len({each.digest for each in made}) == len(made)
    spaced = MetricSpec(count="events", where="event  =  'a'")
    assert recipe_of(Without("b", 5), spaced, metrics, SettingsSpec()).digest == made[0].digest


def test_a_receipt_of_made_facts_leads_back_to_the_facts(opened: Open, write: Write) -> None:
    facts = opened()
    metrics = {name: MetricSpec(count="events", where=f"event = '{name}'") for name in ("start", "end")}
    head = "id,account,person,at,event"
    load(
        facts,
        write,
        "events",
        head,
        "s1,acme,p,2025-01-01 10:00,start",
        "e1,acme,p,2025-01-01 10:30,end",
        "s2,acme,p,2025-01-01 12:00,start",
        "s3,acme,q,2025-01-01 13:30,start",
    )
    made = recipe_of(Without("end", 3_600_000_000), metrics["start"], metrics, SettingsSpec())
    edges = tuple(int(datetime(2025, 1, day, tzinfo=UTC).timestamp()) * 1_000_000 for day in (1, 2))
    query = Query("events", "count", edges, accounts=(0,), where=metrics["start"].where, made=made.as_text())
    receipt = receipts.take(facts, query, edges[-1])
    assert receipt.values == (2.0,) and receipt.samples == ("s2", "s3")
    # A late end takes one back; as of then the receipt still says what it said.
    load(facts, write, "events", f"{head},learned", "e2,acme,p,2025-01-01 12:30,end,2025-01-05")
    assert receipts.verify(facts, receipt)
    now = receipts.take(facts, query, edges[-1] + 10 * (edges[1] - edges[0]))
    assert now.values == (1.0,) and now.samples == ("s3",)


def test_what_stands_is_a_receipt_of_its_own(opened: Open, write: Write) -> None:
    facts = opened()
    load(
        facts,
        write,
        "tickets",
        TICKETS,
        "t,acme,2025-01-03,2025-01-03,open,urgent,x",
        "u,acme,2025-01-03,2025-01-03,open,urgent,x",
        "t,acme,2025-01-03,2025-01-08,solved,urgent,x",
    )
    edges = tuple(int(datetime(2025, 1, day, tzinfo=UTC).timestamp()) * 1_000_000 for day in range(5, 12))
    made = recipe(Waiting(2), URGENT).as_text()
    query = Query("tickets", "count", edges, accounts=(0,), made=made, standing=True)
    receipt = receipts.take(facts, query, edges[-1])
    assert receipt.values == (2.0, 2.0, 2.0, 1.0, 1.0, 1.0) and receipt.samples == ("u",)
    assert all(later <= earlier for earlier, later in pairwise(v for v in receipt.numbers if v is not None))
