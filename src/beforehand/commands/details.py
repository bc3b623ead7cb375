"""The rows behind clauses, by name: tickets that wait or were opened, invoices that are overdue, what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from beforehand.commands.desk import Ask, take_all
from beforehand.commands.hearing import FIRST_US, heard, weighed, writer
from beforehand.facts.answering import newest_rows
from beforehand.facts.rows import BEGAN
from beforehand.facts.schema import MOODS, TENSIONS
from beforehand.signals.tree import BackAndForth, Mentions, Overdue, Repeated, Without
from beforehand.story import Query, Receipt
from beforehand.story.clause import Clause
from beforehand.story.mades import MOST
from beforehand.story.scene import Detail

if TYPE_CHECKING:
    from beforehand.facts import Facts

COLUMNS = {
    "tickets": f"subject, {BEGAN}",
    "invoices": "amount, currency, due_at",
}
WRITTEN = {
    "messages": "occurred_at, subject, text",
    "tickets": f"{BEGAN}, subject, body",
    "surveys": "occurred_at, comment",
}


def details_of(
    facts: Facts, clauses: Sequence[Clause], then: Sequence[Receipt], first: int
) -> tuple[list[Receipt], list[Detail]]:
    """Receipts of rows behind the clauses that are told by name, places counted from `first`, and what they are."""
    found: list[tuple[Detail, Ask]] = []
    for clause in clauses:
        receipt = then[clause.receipt]
        table = receipt.query.table
        told = table in ("tones", MOODS.name)
        if (
            (clause.down and not told)
            or clause.role in ("unless", "not")
            or not receipt.numbers
            or not receipt.numbers[-1]
        ):
            continue
        made = clause.quantity.made
        if table == TENSIONS.name:
            found += _strained(facts, clause, receipt, first + len(found))
            continue
        if table == MOODS.name:
            # Two clauses over one mood (below a line, and below usual) have the same people behind them.
            if clause.down and not any(detail.kind == "pulled" for detail, _ in found):
                found += weighed(facts, clause, receipt, first + len(found))
            continue
        if isinstance(made, Without | Repeated | BackAndForth) and (table != "tones" or not isinstance(made, Without)):
            continue
        if table == "tones":
            found += heard(facts, clause, receipt, first + len(found))
            continue
        written = isinstance(made, Mentions)
        columns = WRITTEN.get(table) if written else COLUMNS.get(table)
        if columns is None or (isinstance(made, Overdue) and table != "invoices") or (table == "invoices" and not made):
            continue
        kind: Any = "written" if written else "invoice" if table == "invoices" else "ticket"
        for name, at_us, by in _rows(facts, clause, receipt):
            edges = (FIRST_US, receipt.query.edges_us[-1])
            query = Query(table, "row", edges, receipt.query.accounts, of=columns, key=("id", name))
            place = first + len(found)
            found.append((Detail(clause.receipt, name, kind, place, at_us, by), (query, receipt.known_us)))
    receipts = take_all(facts, [ask for _, ask in found])
    return receipts, [detail for detail, _ in found]


def _strained(facts: Facts, clause: Clause, receipt: Receipt, first: int) -> list[tuple[Detail, Ask]]:
    """The newest row of the points of what is told of, which has their reasons."""
    query = receipt.query
    rows = newest_rows(facts, query, receipt.known_us, FIRST_US, 1)
    found: list[tuple[Detail, Ask]] = []
    for name, at_us, _, _ in rows:
        edges = (FIRST_US, query.edges_us[-1])
        asked = Query(TENSIONS.name, "row", edges, query.accounts, of="ticket, points, reasons", key=("id", name))
        detail = Detail(clause.receipt, name, "strained", first + len(found), at_us, "")
        found.append((detail, (asked, receipt.known_us)))
    return found


def _rows(facts: Facts, clause: Clause, receipt: Receipt) -> list[tuple[str, int, str]]:
    """The newest rows that the judged periods counted: id, when, and who wrote it."""
    query = receipt.query
    low = FIRST_US if query.standing else query.edges_us[-clause.streak.of - query.span]
    found = newest_rows(facts, query, receipt.known_us, low, MOST)
    return [(name, at, writer(facts, account, member, receipt.known_us)) for name, at, account, member in found]
