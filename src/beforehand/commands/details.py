"""The rows behind clauses, by name: tickets that wait or were opened, invoices that are overdue, what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from beforehand.commands.desk import Ask, take_all
from beforehand.facts.answering import newest_rows
from beforehand.facts.rows import BEGAN
from beforehand.facts.schema import TENSIONS
from beforehand.signals.tree import BackAndForth, Mentions, Overdue, Repeated, Shifted, Without
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
PAST = 40
"""Among so many messages one is looked for that shows how somebody wrote before."""
FIRST_US = -62_135_596_800_000_000


def details_of(
    facts: Facts, clauses: Sequence[Clause], then: Sequence[Receipt], first: int
) -> tuple[list[Receipt], list[Detail]]:
    """Receipts of rows behind the clauses that are told by name, places counted from `first`, and what they are."""
    found: list[tuple[Detail, Ask]] = []
    for clause in clauses:
        receipt = then[clause.receipt]
        heard = receipt.query.table == "tones"
        if (
            (clause.down and not heard)
            or clause.role in ("unless", "not")
            or not receipt.numbers
            or not receipt.numbers[-1]
        ):
            continue
        made, table = clause.quantity.made, receipt.query.table
        if table == TENSIONS.name:
            found += _strained(facts, clause, receipt, first + len(found))
            continue
        if isinstance(made, Without | Repeated | BackAndForth):
            continue
        if heard:
            found += _heard(facts, clause, receipt, first + len(found))
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


def _heard(facts: Facts, clause: Clause, receipt: Receipt, first: int) -> list[tuple[Detail, Ask]]:
    """The messages behind what was counted of how they sound; of who has turned, also how each wrote before."""
    query, made = receipt.query, clause.quantity.made
    low = query.edges_us[-clause.streak.of - query.span]
    rows = newest_rows(facts, query, receipt.known_us, low, MOST)
    told: list[tuple[str, Any, int, int, int | None]] = [(name, "written", at, a, m) for name, at, a, m in rows]
    if isinstance(made, Shifted):
        for account, member in dict.fromkeys((a, m) for _, _, a, m in rows):
            until = min(at for _, at, a, m in rows if (a, m) == (account, member))
            before = _before(facts, account, member, until, receipt.known_us, made)
            told += [(name, "written before", at, account, member) for name, at in before]
    found: list[tuple[Detail, Ask]] = []
    for name, kind, at, account, member in told:
        edges = (FIRST_US, query.edges_us[-1])
        asked = Query("messages", "row", edges, query.accounts, of=WRITTEN["messages"], key=("id", name))
        detail = Detail(clause.receipt, name, kind, first + len(found), at, _writer(facts, account, member))
        found.append((detail, (asked, receipt.known_us)))
    return found


def _before(
    facts: Facts, account: int, member: int | None, until_us: int, known_us: int, made: Shifted
) -> list[tuple[str, int]]:
    """Of a person's messages before a moment, the one that is most unlike what they turned to: id and when."""
    most = "max" if made.to == "terse" else "min"
    found = facts.connection.execute(
        f"""WITH past AS (
            SELECT id, occurred_at, warmth FROM tones WHERE account = ? AND member IS NOT DISTINCT FROM ?
            AND epoch_us(occurred_at) < ? AND epoch_us(occurred_at) + delay < ?
            GROUP BY ALL HAVING sum(sign) > 0 ORDER BY occurred_at DESC LIMIT {PAST})
        SELECT arg_{most}(id, warmth), epoch_us(arg_{most}(occurred_at, warmth)) FROM past""",
        [account, member, until_us, known_us],
    ).fetchall()
    return [(str(name), int(at)) for name, at in found if name is not None]


def _rows(facts: Facts, clause: Clause, receipt: Receipt) -> list[tuple[str, int, str]]:
    """The newest rows that the judged periods counted: id, when, and who wrote it."""
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
