"""One story per kind of clause, as text a person can read and judge.

Regenerate with `BEFOREHAND_GOLDEN=write .venv/bin/pytest tests/story/test_story_golden.py`, then read the difference.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from beforehand.calendar import DAY_US, Grain, period_of, start_of, to_us
from beforehand.signals.tree import (
    Absence,
    AmongLast,
    BackAndForth,
    Change,
    Level,
    Made,
    Mentions,
    Milestone,
    NewVoice,
    Overdue,
    Peers,
    Quantity,
    Repeated,
    Shifted,
    Streak,
    Turned,
    Usual,
    Waiting,
    Without,
)
from beforehand.story.clause import Clause
from beforehand.story.receipt import Query, Receipt, Value
from beforehand.story.scene import Check, Closing, Detail, Happening, Occasion, Record, Stake
from beforehand.story.telling import tell

GOLDEN = Path(__file__).parent / "golden"
ZONE = ZoneInfo("Europe/Berlin")
NOW = to_us(datetime(2026, 11, 16, 8, tzinfo=UTC))
LOGINS = Quantity("logins")
STEADY = [14, 13, 15, 11, 17, 14, 16, 12, 14, 15, 13, 14, 17, 11, 12, 16, 14, 15, 13]


def answer(values: list[Value], grain: Grain, span: int = 1, count: int | None = None, name: str = "logins") -> Receipt:
    """A receipt over the last closed periods before NOW."""
    last = int(period_of(grain, ZONE, np.array([NOW]))[0])
    edges = start_of(grain, ZONE, np.arange(last - len(values) - span + 1, last + 1))
    query = Query(
        "events", "count", tuple(int(e) for e in edges), accounts=(7,), span=span, name=name, grain=grain.value
    )
    rows = count if count is not None else int(sum(v for v in values if isinstance(v, int | float)))
    return Receipt(query, NOW - 8 * 3_600_000_000, tuple(values), rows, "ab12" * 8, ("e-101", "e-102"))


def trait(value: Value, name: str) -> Receipt:
    """A dated trait as known now."""
    return Receipt(Query("traits", "trait", (NOW - 1, NOW), accounts=(7,), of=name), NOW, (value,), 1, "cd34" * 8)


def contact(days: int | None) -> Receipt:
    at = None if days is None else float(NOW - days * DAY_US)
    query = Query("touches", "latest", (0, NOW), accounts=(7,))
    return Receipt(query, NOW, (at,), 0 if days is None else 1, "ef56" * 8)


def occasion(clause: Clause, *receipts: Receipt, **more: object) -> Occasion:
    given: dict[str, object] = {
        "account": "Globex",
        "zone": ZONE,
        "now_us": NOW,
        "clauses": (clause,),
        "receipts": receipts,
        "closing": Closing(None, 1, clause.grain),
    }
    return Occasion(**(given | more))  # type: ignore[arg-type]


def fall() -> Occasion:
    """Everything known: stake, owner, contact, record."""
    leaf = Level(LOGINS, "<", 2, Grain.WEEK, Streak(3, 3))
    receipts = (
        answer([*STEADY, 14, 9, 5, 1, 1, 0], Grain.WEEK),
        trait(84_000, "value"),
        trait("GBP", "currency"),
        trait("2027-01-08", "renewal_on"),
        trait("30 days", "notice_period"),
        trait("Dana Reyes", "owner"),
        contact(34),
        answer([4310, 4105, 3985], Grain.WEEK),
    )
    return occasion(
        Clause(leaf, "logins", "count", 0, alive=7),
        *receipts,
        why="Accounts that stop logging in rarely renew",
        stake=Stake(1, 2, 3, 4, 5, 6, "Ben Ito", "call", True),
        closing=Closing("logins are at least 3 a week for two weeks in a row", 1, Grain.WEEK),
        record=Record("churned", 9, 14, 0.388, 0.837, 31, 6, 14),
        tested=True,
    )


def changed_since() -> Occasion:
    """Late facts altered the weeks judged, and the touches were erased."""
    then = fall()
    late = replace(then.receipts[0], values=(*then.receipts[0].values[:-2], 4.0, 6.0))
    checks = [Check(True, r) for r in then.receipts]
    checks[0] = Check(True, late)
    checks[6] = Check(False, contact(None))
    return replace(then, now_us=NOW + 9 * DAY_US, checks=tuple(checks))


def three_of_four() -> Occasion:
    leaf = Level(LOGINS, "<=", 2, Grain.WEEK, Streak(3, 4))
    return occasion(Clause(leaf, "logins", "count", 0), answer([3, 2, 2, 1, 3, 2, 2, 2, 4, 1], Grain.WEEK), tested=True)


def rise() -> Occasion:
    leaf = Level(Quantity("errors"), ">", 20, Grain.DAY)
    values = [3, 2, 4, 0, 3, 5, 3, 2, 2, 4, 3, 3, 40, 212]
    return occasion(
        Clause(leaf, "export errors", "count", 0),
        answer(values, Grain.DAY),
        record=Record("churned", 1, 3, None, None, 12.4),
    )


def newcomer() -> Occasion:
    leaf = Level(LOGINS, "<", 2, Grain.WEEK, Streak(2, 2))
    return occasion(Clause(leaf, "logins", "count", 0), answer([5, 1, 1], Grain.WEEK), account="Nimbus")


def drop() -> Occasion:
    leaf = Change(LOGINS, "down", 0.4, 8, Grain.WEEK, Streak(2, 2))
    return occasion(
        Clause(leaf, "logins", "count", 0), answer([*STEADY, 13, 6, 5], Grain.WEEK), record=Record("churned", 0, 6)
    )


def growth() -> Occasion:
    leaf = Change(Quantity("active_people"), "up", 0.5, 12, Grain.WEEK)
    values = [20, 22, 21, 22, 24, 22, 23, 21, 22, 22, 21, 24, 36]
    return occasion(
        Clause(leaf, "active people", "people", 0),
        answer(values, Grain.WEEK, name="active people"),
        polarity="growth",
        account="Wayne",
        record=Record("expanded", 4, 4, None, None, 44),
    )


def from_nothing() -> Occasion:
    leaf = Change(Quantity("visits"), "up", 0.5, 4, Grain.WEEK)
    return occasion(
        Clause(leaf, "visits to pricing", "count", 0), answer([0, 0, 0, 0, 7], Grain.WEEK), polarity="growth"
    )


def unusual() -> Occasion:
    leaf = Usual(Quantity("tickets"), "up", 26, Grain.WEEK)
    values = [1, 2, 0, 3, 1, 2, 2, 1, 0, 1, 2, 3, 1, 1, 2, 2, 0, 1, 3, 1, 2, 1, 1, 2, 0, 1, 11]
    return occasion(Clause(leaf, "tickets", "count", 0, facts="tickets"), answer(values, Grain.WEEK, name="tickets"))


def silence() -> Occasion:
    leaf = Absence(LOGINS, 21)
    values: list[Value] = [2, 0, 3, 1, 1, 0, 0, 4, 2, 2, 0, 1, 0, 0, 3, 2, 1, *[0] * 23]
    return occasion(
        Clause(leaf, "logins", "count", 0, silence=1, alive=2),
        answer(values, Grain.DAY),
        answer([0], Grain.MONTH, count=0),
        answer([12_400], Grain.MONTH),
        closing=Closing(None, 2, Grain.DAY),
    )


def long_silence() -> Occasion:
    leaf = Absence(LOGINS, 14)
    return occasion(
        Clause(leaf, "logins", "count", 0, silence=1, alive=2),
        answer([0] * 42, Grain.DAY, count=0),
        answer([0], Grain.MONTH, count=0),
        answer([0], Grain.MONTH, count=0),
    )


def person() -> Occasion:
    leaf = Level(LOGINS, "<", 1, Grain.WEEK, Streak(2, 2))
    clause = Clause(leaf, "logins", "count", 0, alive=1)
    return occasion(
        clause,
        answer([4, 5, 4, 6, 5, 5, 4, 5, 0, 0], Grain.WEEK),
        answer([1200, 1204], Grain.WEEK),
        scope="dana@globex.com",
        subject="person",
    )


def share() -> Occasion:
    leaf = Level(Quantity("failed"), ">", 0.1, Grain.WEEK, Streak(2, 2))
    values = [0.02, 0.03, 0.01, 0.025, 0.02, 0.04, 0.03, None, 0.02, 0.2, 0.315]
    return occasion(Clause(leaf, "share of failed exports", "share", 0), answer(values, Grain.WEEK, count=220))


def per_person() -> Occasion:
    leaf = Level(Quantity("logins", per_active=True), "<", 2, Grain.WEEK, Streak(2, 2))
    values = [5.0, 5.2, 4.9, 5.5, 5.25, 5.1, 4.8, 5.333333, 1.5, 1.25]
    return occasion(Clause(leaf, "logins", "count", 0), answer(values, Grain.WEEK, count=400))


def rolling() -> Occasion:
    leaf = Level(Quantity("logins", rolling_days=30), "<", 20, Grain.DAY, Streak(3, 3))
    values = [61, 60, 62, 60, 58, 55, 50, 41, 33, 24, 19, 16, 12]
    return occasion(Clause(leaf, "logins", "count", 0), answer(values, Grain.DAY, span=30))


def monthly() -> Occasion:
    leaf = Level(Quantity("revenue"), "<", 1_000_000, Grain.MONTH)
    values = [1_180_000, 1_204_000, 1_310_500, 1_250_000, 1_190_000, 1_280_000, 1_240_000, 1_300_000, 845_000]
    return occasion(Clause(leaf, "revenue", "sum", 0, facts="invoices"), answer(values, Grain.MONTH, name="revenue"))


def twice_the_same() -> Occasion:
    """Below a line and below what is usual: two receipts of one metric, and nothing is said twice."""
    score = Quantity("score")
    values = (8.4, 8.5, 8.2, 8.4, 8.6, 8.1, 8.3, 8.4, 8.2, 8.5, 4.5)
    below = Clause(Level(score, "<", 6, Grain.WEEK), "survey score", "mean", 0, facts="surveys")
    lower = Clause(Usual(score, "down", 26, Grain.WEEK), "survey score", "mean", 1, facts="surveys")
    receipts = [answer(list(values), Grain.WEEK, name="survey score", count=count) for count in (19, 19)]
    return replace(occasion(below, *receipts), clauses=(below, lower))


def compound() -> Occasion:
    logins = Clause(Change(LOGINS, "down", 0.4, 8, Grain.WEEK), "logins", "count", 0)
    tickets = Clause(Level(Quantity("tickets"), ">=", 3, Grain.WEEK), "tickets", "count", 1, facts="tickets")
    score = Clause(Level(Quantity("score"), "<", 6, Grain.WEEK), "survey score", "mean", 2, facts="surveys")
    return replace(
        occasion(
            logins,
            answer([*STEADY, 5], Grain.WEEK),
            answer([1, 0, 1, 1, 0, 2, 1, 0, 5], Grain.WEEK, name="tickets"),
            answer([8.4, 8.5, 8.2, 8.4, 8.6, 8.1, 8.3, 8.4, 4.5], Grain.WEEK, name="survey score", count=19),
        ),
        clauses=(logins, tickets, score),
    )


def one_after_the_other() -> Occasion:
    """Errors three weeks ago, then a fall, and no ticket that would explain it."""
    errors = Clause(Level(Quantity("errors"), ">", 20, Grain.WEEK), "errors", "count", 0, role="first")
    logins = Clause(Change(LOGINS, "down", 0.4, 8, Grain.WEEK), "logins", "count", 1)
    tickets = Level(Quantity("tickets"), ">=", 3, Grain.WEEK)
    exception = Clause(tickets, "tickets", "count", 2, facts="tickets", role="unless")
    earlier = answer([2, 3, 1, 2, 4, 2, 3, 2, 3, 31, 2, 3, 1], Grain.WEEK, name="errors")
    return replace(
        occasion(
            logins,
            replace(
                earlier, values=earlier.values[:-3], query=replace(earlier.query, edges_us=earlier.query.edges_us[:-3])
            ),
            answer([*STEADY, 5], Grain.WEEK),
            answer([1, 0, 1, 1, 0, 2, 1, 0, 1], Grain.WEEK, name="tickets"),
        ),
        clauses=(errors, logins, exception),
    )


def made(quantity: Quantity, name: str, values: list[Value], bound: float = 1, **more: object) -> Occasion:
    """A level of made facts, day by day."""
    table = str(more.pop("table", "events"))
    clause = Clause(
        Level(quantity, ">=", bound, Grain.DAY), name, "count", 0, facts=table, other=str(more.pop("other", ""))
    )
    recipe = json.dumps(
        {"made": {"kind": type(quantity.made).__name__, **vars(quantity.made)}} | dict(more.pop("keep", {}))
    )
    receipt = answer(values, Grain.DAY, span=quantity.rolling_days or 1, name=name)
    receipt = replace(receipt, query=replace(receipt.query, table=table, made=recipe, standing=quantity.standing))
    return occasion(clause, receipt, *more.pop("rows", ()), **more)  # type: ignore[misc]


def row(table: str, name: str, columns: str, *values: Value) -> Receipt:
    query = Query(table, "row", (0, NOW), accounts=(7,), of=columns, key=("id", name))
    return Receipt(query, NOW, values, 1, "aa11" * 8, (name,))


def at(day: int, month: int = 11) -> float:
    return float(to_us(datetime(2026, month, day, 9, tzinfo=UTC)))


def abandoned() -> Occasion:
    quantity = Quantity("exports", rolling_days=7, made=Without("done", 3_600_000_000))
    return made(quantity, "exports started", [0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 2, 4], 3, other="exports finished")


def again_and_again() -> Occasion:
    return made(
        Quantity("saves", rolling_days=7, made=Repeated(3, 600_000_000)), "saves", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 2
    )


def lost() -> Occasion:
    quantity = Quantity("settings", rolling_days=7, made=BackAndForth("reports", 600_000_000))
    return made(quantity, "settings page", [0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 3], 2, other="report page")


def written_about() -> Occasion:
    text = (
        "Dear team, the export has failed again this week. If this goes on we will have to cancel our plan in spring."
    )
    return made(
        Quantity("messages", made=Mentions(("cancel", "price"))), "messages", [0, 0, 1, 0, 0, 0, 0, 0, 0, 2],
        table="messages", keep={"phrases": ["cancel", "terminate", "pricing"]},
        rows=(
            row("messages", "m-9", "occurred_at, subject, text", at(15), "Exports", text),
            row("messages", "m-8", "occurred_at, subject, text", at(15), "Pricing", "Which pricing for 20 seats?"),
        ),
        details=(Detail(0, "m-9", "written", 1, 0, "Dana Reyes"), Detail(0, "m-8", "written", 2)),
    )  # fmt: skip


def heard(made_of: Made, name: str, values: list[float], *more: Detail) -> Occasion:
    terse = "No.\n\nOn 3 Nov Support wrote:\n> Would Tuesday do?"
    warm = (
        "Hi all, thank you so much for the quick help last week! The new dashboards are a joy and everybody "
        "loves them, our board as well as the finance team."
    )
    columns = "occurred_at, subject, text"
    return made(
        Quantity("tones", rolling_days=30, made=made_of), name, values, table="tones",
        rows=(
            row("messages", "m-9", columns, at(15), "Re: Dashboards", terse),
            row("messages", "m-8", columns, at(14), "Export", "Still not fixed."),
            row("messages", "m-2", columns, at(3), "Dashboards", warm),
        ),
        details=(
            Detail(0, "m-9", "written", 1, 0, "Dana Reyes"), Detail(0, "m-8", "written", 2, 0, "Dana Reyes"), *more,
        ),
    )  # fmt: skip


def shifted() -> Occasion:
    before = Detail(0, "m-2", "written before", 3, 0, "Dana Reyes")
    return heard(Shifted(), "all tones", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2], before)


def among_last() -> Occasion:
    return heard(AmongLast(3, 5), "frustration", [0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2])


def new_voice() -> Occasion:
    return heard(NewVoice(), "angry messages", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2])


def waiting() -> Occasion:
    quantity = Quantity("urgent", made=Waiting(2, business=True), standing=True)
    ticket = row("tickets", "T-12", "subject, began", "Export fails with a timeout", at(10))
    return made(
        quantity, "urgent tickets", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], table="tickets", rows=(ticket,),
        details=(Detail(0, "T-12", "ticket", 1, int(at(12))),),
    )  # fmt: skip


def waiting_ticket() -> Occasion:
    return replace(waiting(), scope="T-12", subject="ticket")


def overdue() -> Occasion:
    quantity = Quantity("invoices", made=Overdue(60), standing=True)
    rows = tuple(row("invoices", f"I-{n}", "amount, currency, due_at", 4_200.0 * n, "EUR", at(n, 8)) for n in (1, 2, 3))
    return made(
        quantity, "invoices", [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4], 2, table="invoices", rows=rows,
        details=tuple(Detail(0, f"I-{n}", "invoice", n) for n in (1, 2, 3)),
    )  # fmt: skip


def turned() -> Occasion:
    quantity = Quantity("tickets", rolling_days=30, made=Turned("reopened"))
    ticket = row("tickets", "T-7", "subject, began", "Single sign-on loop", at(29, 10))
    return made(
        quantity, "tickets", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2], 2, table="tickets", rows=(ticket,),
        details=(Detail(0, "T-7", "ticket", 1, int(at(14))),),
    )  # fmt: skip


def by_issue() -> Occasion:
    leaf = Level(Quantity("tickets", rolling_days=30), ">=", 3, Grain.DAY)
    tickets = tuple(row("tickets", f"T-{n}", "subject, began", f"Export to CSV, try {n}", at(n)) for n in (14, 9, 4))
    counted = answer([0, 0, 1, 1, 0, 1, 1, 2, 2, 3], Grain.DAY, span=30)
    return occasion(
        Clause(leaf, "tickets", "count", 0, facts="tickets"), counted, *tickets, scope="exports", subject="issue",
        details=tuple(Detail(0, f"T-{n}", "ticket", 1 + nth) for nth, n in enumerate((14, 9, 4))),
    )  # fmt: skip


def feature() -> Occasion:
    clause = Clause(Change(Quantity("events"), "down", 0.6, 8), "events", "count", 0)
    return occasion(clause, answer([*STEADY, 3], Grain.WEEK), scope="search", subject="feature")


def admin() -> Occasion:
    leaf = Absence(Quantity("logins", role="admin"), 30)
    values: list[Value] = [1, 0, 2, 1, 0, 1, 1, 0, 2, 1, *[0] * 30]
    return occasion(
        Clause(leaf, "logins", "count", 0, silence=1, alive=2, held_by=("Dana Reyes", "Ben Ito")),
        answer(values, Grain.DAY),
        answer([0], Grain.MONTH, count=0),
        answer([12_400], Grain.MONTH),
    )


def business_days() -> Occasion:
    leaf = Absence(LOGINS, 10, business=True)
    values: list[Value] = [1, 0, 2, 1, 0, 1, 1, 0, 2, 1, *[0] * 17]
    return occasion(
        Clause(leaf, "logins", "count", 0, silence=1, alive=2, judged=14),
        answer(values, Grain.DAY),
        answer([0], Grain.MONTH, count=0),
        answer([8_400], Grain.MONTH),
    )


ALIKE = (("", "plan business"), ("", "under a year"))


def like_it(values: tuple[float, ...], like: tuple[tuple[str, str], ...] = ALIKE) -> Receipt:
    receipt = answer([0], Grain.WEEK)
    return replace(receipt, query=replace(receipt.query, like=like), values=values, count=int(values[4]))


def least_of_peers() -> Occasion:
    clause = Clause(Peers(LOGINS, "down", 0.25), "logins", "count", 0, peers=1)
    return occasion(clause, answer([*STEADY, 3], Grain.WEEK), like_it((8, 13, 21, 7, 84, 6, 76)))


def normal_for_it() -> Occasion:
    told = fall()
    return replace(told, receipts=(*told.receipts, like_it((9, 14, 22, 9, 61, 1, 60))), normal=len(told.receipts))


def no_first() -> Occasion:
    leaf = Milestone(Quantity("reports"), 14)
    return occasion(
        Clause(leaf, "reports", "count", 0, silence=1, alive=2, judged=14, start=3),
        answer([0] * 16, Grain.DAY, count=0), answer([0], Grain.MONTH, count=0), answer([8_400], Grain.MONTH),
        trait("2026-10-31", "started_at"),
    )  # fmt: skip


def later_than_most() -> Occasion:
    leaf = Milestone(Quantity("reports"), None)
    return occasion(
        Clause(leaf, "reports", "count", 0, silence=1, alive=2, judged=30, start=3, peers=4),
        answer([0] * 30, Grain.DAY, count=0), answer([0], Grain.MONTH, count=0), answer([8_400], Grain.MONTH),
        trait("2026-10-13", "started_at"), like_it((3, 5, 9, 12, 40, 0, 40)),
    )  # fmt: skip


def not_so() -> Occasion:
    usual = Clause(Usual(LOGINS, "down", 26, Grain.WEEK), "logins", "count", 0, role="not")
    errors = Clause(Level(Quantity("errors"), ">", 20, Grain.WEEK), "errors", "count", 1)
    return replace(
        occasion(
            usual, answer([*STEADY, 14], Grain.WEEK), answer([2, 3, 1, 2, 4, 2, 3, 2, 3, 31], Grain.WEEK, name="errors")
        ),
        clauses=(usual, errors),
    )


def recovered() -> Occasion:
    below = Clause(Usual(LOGINS, "down", 26, Grain.WEEK), "logins", "count", 0, role="first")
    back = Clause(Usual(LOGINS, "within", 26, Grain.WEEK), "logins", "count", 1)
    whole = answer([*STEADY, 14, 4, 13, 14], Grain.WEEK)
    then = replace(whole, values=whole.values[:-2], query=replace(whole.query, edges_us=whole.query.edges_us[:-2]))
    return replace(occasion(below, then, whole), clauses=(below, back), polarity="growth")


def so_far() -> Occasion:
    leaf = Level(Quantity("reports", standing=True), "<", 3, Grain.WEEK)
    return occasion(Clause(leaf, "reports", "count", 0), answer([0, 0, 1, 1, 1, 2, 2, 2, 2, 2], Grain.WEEK))


def distinct() -> Occasion:
    leaf = Level(Quantity("features"), "<", 3, Grain.WEEK, Streak(2, 2))
    clause = Clause(leaf, "features used", "distinct", 0)
    return occasion(clause, answer([6, 7, 6, 5, 7, 6, 6, 7, 6, 2, 1], Grain.WEEK, count=420))


def all_around() -> Occasion:
    """Everything that may have happened around that time."""
    told = drop()
    first = len(told.receipts)
    weekly = {n: answer(v, Grain.WEEK, name=n) for n, v in {
        "errors": [2, 1, 3, 2, 2, 1, 2, 3, 2, 2, 14, 19, 12], "exports": [4, 5, 3, 4, 5, 4, 4, 5, 4, 4, 0, 0, 0],
        "crashes": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], "dana": [2, 3, 1, 2, 0, 3, 2, 1, 2, 3, 0, 0, 0],
    }.items()}  # fmt: skip
    owner = Query("traits", "trait", (0, int(at(3)), NOW), accounts=(7,), of="owner")
    changed = Receipt(owner, NOW, ("Ben Ito", "Dana Reyes"), 2, "bb22" * 8)
    seats = replace(changed, query=replace(changed.query, of="seats"), values=("40", "25"))
    invoice = row("invoices", "I-3", "amount, currency, due_at", 4_200.0, "EUR", at(1, 10))
    answered = row("surveys", "S-4", "kind, score, occurred_at", "nps", 3.0, at(12))
    seen = [Receipt(Query("events", "first", (0, NOW), accounts=(7,)), NOW, (at(d),), 9, "cc33" * 8) for d in (2, 5, 9)]
    renewal = Receipt(
        Query("traits", "trait", (0, NOW), accounts=(7,), of="renewal_on"), NOW, ("2026-12-20",), 1, "dd" * 16
    )
    more = [*weekly.values(), changed, seats, invoice, answered, *seen, renewal]

    def series(place: int, name: str, kind: str = "metric") -> Happening:
        clause = Clause(Level(Quantity(name), "<", 0), name, "count", first + place)
        return Happening(kind, 0.001, (first + place,), name, weeks=3, clause=clause)

    told = replace(told, receipts=(*told.receipts, *more), looked_at=38)
    return replace(told, meanwhile=(
        series(0, "errors"), series(1, "exports"), series(2, "“crashes” events", "event"),
        Happening("person stopped", 0.002, (first + 3,), "Dana Reyes", "admin", 3),
        Happening("trait", 0.003, (first + 4,)), Happening("trait", 0.003, (first + 5,), "Ben Ito"),
        Happening("invoice", 0.01, (first + 6,), "I-3"), Happening("survey", 0.02, (first + 7,), "Dana Reyes"),
        Happening("person came", 0.02, tuple(first + n for n in (8, 9, 10)), "Mia Lind\nTom Ash\nUna Roy"),
        Happening("renewal", 0.03, (first + 11,)),
        Happening("alert", 0.04, (), "errors-in-the-way", "A-1044", at_us=int(at(8))),
    ))  # fmt: skip


TOLD = {
    "made, without": abandoned,
    "made, repeated": again_and_again,
    "made, back and forth": lost,
    "made, mentions": written_about,
    "made, shifted": shifted,
    "made, among last": among_last,
    "made, new voice": new_voice,
    "made, waiting": waiting,
    "made, waiting ticket": waiting_ticket,
    "made, overdue": overdue,
    "made, turned": turned,
    "subject, issue": by_issue,
    "subject, feature": feature,
    "role": admin,
    "absence, business days": business_days,
    "peers": least_of_peers,
    "normal for accounts like it": normal_for_it,
    "milestone": no_first,
    "milestone, slowest": later_than_most,
    "not": not_so,
    "recovery": recovered,
    "standing": so_far,
    "distinct": distinct,
    "meanwhile": all_around,
    "then, unless": one_after_the_other,
    "level, below": fall,
    "level, changed since": changed_since,
    "level, three of four": three_of_four,
    "level, above, days": rise,
    "level, too new": newcomer,
    "level, share": share,
    "level, per active person": per_person,
    "level, rolling": rolling,
    "level, month, money": monthly,
    "level, person": person,
    "change, down": drop,
    "change, growth": growth,
    "change, from nothing": from_nothing,
    "usual": unusual,
    "absence": silence,
    "absence, from before": long_silence,
    "compound": compound,
    "two clauses, one metric": twice_the_same,
}


def written(of: Occasion) -> str:
    """A story as plain text: the sentences with their receipts in brackets."""
    story = tell(of)
    lines = [story.headline, ""]
    for sentence in story.sentences:
        marks = "".join(f"[{p + 1}]" for p in sentence.receipts)
        topic = f"{sentence.topic} ".ljust(8)
        lines.append(f"{topic}{sentence.shown} {marks}".rstrip())
    for series in story.series:
        starts = "ascending" if all(a < b for a, b in pairwise(series.starts_us)) else "OUT OF ORDER"
        held = f"held {list(series.held)}, usual {series.usual}, threshold {series.threshold}, since {series.since}"
        lines.append(
            f"{'series':8}{series.metric}{series.rate}, {len(series.values)} by {series.grain}, {starts}, {held}"
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", sorted(TOLD))
def test_story_reads_as_kept(name: str) -> None:
    path = GOLDEN / (name.replace(",", "").replace(" ", "-") + ".txt")
    text = written(TOLD[name]())
    if os.environ.get("BEFOREHAND_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
