"""Reading the versions of tickets and invoices for `timelines`, and what their statuses mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb
import numpy as np

from beforehand.calendar import DAY_US, BusinessTime, place_of
from beforehand.facts.derived import timelines
from beforehand.facts.derived.presence import EVER, Int, Signed
from beforehand.facts.derived.recipe import Recipe
from beforehand.facts.derived.tables import Kept, want, write
from beforehand.facts.derived.timelines import Versions
from beforehand.facts.merging import merged
from beforehand.facts.quoting import name, text
from beforehand.signals.tree import Overdue, Turned, Waiting

SOLVED = (
    "solved", "closed", "resolved", "done", "completed", "complete", "finished", "fixed", "answered", "cancelled",
    "canceled", "rejected", "declined", "wont fix", "won't fix", "duplicate", "merged", "spam", "deleted", "archived",
)  # fmt: skip
"""Statuses of a ticket that nobody waits for any more; letter case does not matter, nor dashes and underscores."""
PAID = (
    "paid", "settled", "void", "voided", "cancelled", "canceled", "refunded", "credited", "written off", "write off",
    "uncollectible", "forgiven", "closed", "deleted", "draft",
)  # fmt: skip
"""Statuses of an invoice that is not to be paid, or not any more."""
HOLDERS = ("assignee", "assignee_id", "assigned_to", "assignee_email", "owner", "owner_id", "agent", "agent_id")
"""Properties of a ticket that say who has it; the first that is there counts."""
Historic = Waiting | Overdue | Turned


def refresh(connection: duckdb.DuckDBPyConnection, table: Kept, recipe: Recipe, whole: bool) -> None:
    """Brings a table up to date with the versions that arrived since, or with all (`whole`); part of a transaction."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE scope AS SELECT DISTINCT source, id FROM {recipe.table} WHERE stored_seq > "
        f"{-1 if whole else table.watermark}"
    )
    versions, accounts = _read(connection, recipe)
    want(connection, _made(connection, recipe, versions, accounts))
    old = f"SELECT m.* FROM {table.name} m JOIN scope s ON s.source = m.source AND s.id = m.id"
    write(connection, table, recipe, old if table.watermark >= 0 else None)
    connection.execute("DROP TABLE scope")


def places(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> dict[int, str]:
    """Where the accounts are by whose holidays business days are counted: stored account to place, as it is now."""
    if recipe.place is None:
        return {}
    said = connection.execute(
        "SELECT account, value FROM traits WHERE trait = ? AND member IS NULL AND value IS NOT NULL "
        "ORDER BY occurred_at, stored_seq",
        [recipe.place],
    ).fetchall()
    into = merged(connection, "account")
    newest = {into.get(account, account): place_of(value) for account, value in said}
    stored = {account for account, _ in said} | newest.keys() | {a for a, root in into.items() if root in newest}
    found = {account: newest[into.get(account, account)] for account in sorted(stored)}
    return {account: place for account, place in found.items() if place is not None}


def _made(connection: duckdb.DuckDBPyConnection, recipe: Recipe, versions: Versions, accounts: Int) -> list[Signed]:
    match recipe.made:
        case Waiting(days=days, business=True):
            assert recipe.time is not None
            return timelines.waiting(versions, _business(recipe.time, days, accounts, places(connection, recipe)))
        case Waiting(days=days):
            return timelines.waiting(versions, lambda at, _: at + days * DAY_US)
        case Overdue(days=days):
            return timelines.overdue(versions, days * DAY_US)
        case Turned(turn="reopened"):
            return timelines.reopened(versions)
        case _:
            return timelines.reassigned(versions)


def _business(time: BusinessTime, days: int, accounts: Int, where: dict[int, str]) -> Callable[[Int, Int], Int]:
    """So many business days later, by the calendar of the place each version's account is at."""
    codes = sorted(set(where.values()))
    number = {account: 1 + codes.index(place) for account, place in where.items()}
    of = (
        np.array([number.get(int(account), 0) for account in accounts], np.int64) if number else np.zeros_like(accounts)
    )

    def later(at: Int, row: Int) -> Int:
        found = np.empty_like(at)
        for code, place in enumerate((time.country, *codes)):
            here = of[row] == code
            if here.any():
                found[here] = replace(time, country=place).days_later(at[here], days)
        return found

    return later


def _read(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> tuple[Versions, Int]:
    """The versions of what is in `scope`, and the account of each."""
    invoice = recipe.table == "invoices"
    status = "replace(replace(lower(trim(t.status)), '_', ' '), '-', ' ')"
    done = f"coalesce({status} IN ({', '.join(text(word) for word in (PAID if invoice else SOLVED))}), false)"
    due, paid = (f"epoch_us(t.{c})" if invoice else "NULL::BIGINT" for c in ("due_at", "paid_at"))
    holder = "0"
    if isinstance(recipe.made, Turned) and recipe.made.turn == "reassigned":
        said = ", ".join(f"nullif(trim(TRY_CAST(t.properties.{name(p)} AS VARCHAR)), '')" for p in HOLDERS)
        holder = (
            f"CASE WHEN coalesce({said}) IS NOT NULL THEN (hash(lower(coalesce({said}))) >> 1)::BIGINT | 1 ELSE 0 END"
        )
    category = "" if invoice else ", t.category"
    found = connection.execute(
        f"""WITH chosen AS (
            SELECT *, {recipe.condition_sql} AS counts FROM {recipe.table}
            WHERE (source, id) IN (SELECT (source, id) FROM scope)),
        versions AS (
            SELECT t.source, t.id, t.account, t.member{category}, epoch_us(t.occurred_at) AS at_us,
            epoch_us(t.occurred_at) + t.delay AS known_us, {done} AS done, t.counts, {due} AS due, {paid} AS paid,
            {holder} AS holder, min(t.stored_seq) AS seq
            FROM chosen t GROUP BY ALL HAVING sum(t.sign) > 0)
        SELECT dense_rank() OVER (ORDER BY source, id) AS fact, account, seq, at_us, known_us, done, counts,
        coalesce(due, {EVER}) AS due, coalesce(paid, {EVER}) AS paid, holder
        FROM versions ORDER BY fact, known_us, seq"""
    ).fetchnumpy()
    fact, seq, at, known, due_us, paid_us, held = (
        np.asarray(found[n], np.int64) for n in ("fact", "seq", "at_us", "known_us", "due", "paid", "holder")
    )
    solved, counts = (np.asarray(found[n], bool) for n in ("done", "counts"))
    return Versions(fact, seq, at, known, solved, counts, due_us, paid_us, held), np.asarray(found["account"], np.int64)
