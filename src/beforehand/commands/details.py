"""The rows behind clauses, by name: tickets that wait or were opened, invoices that are overdue, what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from beforehand.commands.desk import Ask, take_all
from beforehand.facts.rows import BEGAN
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
FIRST_US = -62_135_596_800_000_000


def details_of(
    facts: Facts, clauses: Sequence[Clause], then: Sequence[Receipt], first: int
) -> tuple[list[Receipt], list[Detail]]:
    """Receipts of rows behind the clauses that are told by name, places counted from `first`, and what they are."""
    found: list[tuple[Detail, Ask]] = []
    for clause in clauses:
        receipt = then[clause.receipt]
        if clause.down or clause.role in ("unless", "not") or not receipt.numbers or not receipt.numbers[-1]:
            continue
        made, table = clause.quantity.made, receipt.query.table
        if isinstance(made, Without | Repeated | BackAndForth):
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


def _rows(facts: Facts, clause: Clause, receipt: Receipt) -> list[tuple[str, int, str]]:
    """The newest rows that the judged periods counted: id, when, and who wrote it."""
    from beforehand.facts.answering import newest_rows

    query = receipt.query
    low = FIRST_US if query.standing else query.edges_us[-clause.streak.of - query.span]
    found = newest_rows(facts, query, receipt.known_us, low, MOST)
    return [(name, at, _writer(facts, account, member)) for name, at, account, member in found]


def _writer(facts: Facts, account: int, member: int | None) -> str:
    if member is None:
        return ""
    rows = facts.connection.execute(
        "SELECT value FROM traits WHERE account = ? AND member = ? AND trait = 'name' ORDER BY dated DESC, "
        "occurred_at DESC, stored_seq DESC LIMIT 1",
        [account, member],
    ).fetchall()
    return str(rows[0][0]) if rows and rows[0][0] else facts.member_label(account, member)
