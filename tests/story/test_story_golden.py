"""One story per kind of clause, as text a person can read and judge.

Regenerate with `BEFOREHAND_GOLDEN=write .venv/bin/pytest tests/story/test_story_golden.py`, then read the difference.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from beforehand.calendar import DAY_US, Grain, period_of, start_of, to_us
from beforehand.signals.tree import Absence, Change, Level, Quantity, Streak, Usual
from beforehand.story.clause import Clause
from beforehand.story.receipt import Query, Receipt, Value
from beforehand.story.scene import Check, Closing, Occasion, Record, Stake
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


TOLD = {
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
}


def written(of: Occasion) -> str:
    """A story as plain text: the sentences with their receipts in brackets."""
    story = tell(of)
    lines = [story.headline, ""]
    for sentence in story.sentences:
        marks = "".join(f"[{p + 1}]" for p in sentence.receipts)
        lines.append(f"{sentence.topic:8}{sentence.shown} {marks}".rstrip())
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
