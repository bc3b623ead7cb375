"""Versions of tickets and invoices that arrive in any order, in any files: tables say what was known at each moment."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_made import Version, plain_overdue, plain_waiting, told

from beforehand.facts import Facts
from beforehand.facts.derived import Recipe, ensure, recipe_of
from beforehand.facts.derived.tables import WHO
from beforehand.signals.tree import Mentions, Overdue, Turned, Waiting
from beforehand.workspace.spec import MetricSpec, SettingsSpec

DAYS, LAST = 3, 45
FIRST = "2025-01-01"
NEVER = 10**6
METRICS = {
    "tickets": MetricSpec(count="tickets", where="category <> 'x'"),
    "invoices": MetricSpec(count="invoices", where="amount > 0"),
}
RECIPES = {
    made: recipe_of(made, METRICS["invoices" if isinstance(made, Overdue) else "tickets"], {}, SettingsSpec())
    for made in (Waiting(DAYS), Turned("reopened"), Turned("reassigned"), Mentions(("cancel",)), Overdue(DAYS))
}


class Given(NamedTuple):
    """A version as it is loaded, in days; `learned` is different for each of one ticket."""

    fact: int
    at: int
    learned: int
    done: bool
    counts: bool
    holder: int
    cancels: bool
    due: int
    paid: int


days = st.integers(0, 25)
given_versions = st.builds(
    Given, st.integers(0, 2), days, days, st.booleans(), st.integers(0, 4).map(bool), st.integers(0, 2), st.booleans(),
    st.one_of(st.just(NEVER), days), st.one_of(st.just(NEVER), days),
)  # fmt: skip
loads = st.lists(st.lists(given_versions, min_size=1, max_size=5), min_size=1, max_size=3)


def day(number: int) -> str:
    return "" if number == NEVER else f"2025-{1 + number // 31:02}-{1 + number % 31:02}"


def ticket(row: Given) -> str:
    status, category = "Solved" if row.done else "open", "y" if row.counts else "x"
    said = "Cancelling it" if row.cancels else "How to?"
    holder = ("", "ann", "bob")[row.holder]
    # The priority makes each version say something new: one that is like the one before it is none.
    return f"{row.fact},acme,{day(row.at)},{day(row.learned)},{status},{category},{holder},{said},p{row.learned}"


def invoice(row: Given) -> str:
    status = "paid" if row.done else "open"
    return (
        f"{row.fact},acme,{day(row.at)},{day(row.learned)},{status},{int(row.counts)},{day(row.due)},{day(row.paid)},"
        f"C{row.learned}"
    )


HEADS = {
    "tickets": "id,account,at,learned,status,category,assignee,subject,priority",
    "invoices": "id,account,at,learned,status,amount,due_at,paid_at,currency",
}


class Table:
    """A table read once, in days."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        at, known = (f"datediff('day', DATE '{FIRST}', {c})" for c in ("occurred_at", "learned_at"))
        self.rows = connection.execute(f"SELECT id::INT, {at}, {known}, sign FROM {name}").fetchall()

    def stands(self, fact: int, at: int, moment: int) -> int:
        return sum(s for f, day, known, s in self.rows if f == fact and day <= at and known <= moment)

    def known(self, fact: int, moment: int) -> list[int]:
        counted: Counter[int] = Counter()
        for number, day, known, sign in self.rows:
            if number == fact and known <= moment:
                counted[day] += sign
        assert min(counted.values(), default=0) >= 0
        return sorted(counted.elements())


def content(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[object, ...]]:
    return connection.execute(
        f"SELECT {', '.join(WHO)}, occurred_at, learned_at, sum(sign) FROM {name} GROUP BY ALL HAVING sum(sign) <> 0 "
        "ORDER BY ALL"
    ).fetchall()


def anew(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> str:
    connection.execute("DELETE FROM recipes WHERE digest = ?", [recipe.digest])
    return ensure(connection, recipe)


@settings(max_examples=6, deadline=None)
@given(loads)
def test_tables_say_what_the_versions_known_by_then_say(files: list[list[Given]]) -> None:
    versions: dict[tuple[int, int], Given] = {}
    with tempfile.TemporaryDirectory() as folder, Facts.open(Path(folder) / "facts.duckdb", SettingsSpec()) as facts:
        for number, rows in enumerate(files):
            usable = (row._replace(learned=max(row.learned, row.at)) for row in rows)
            new = {(r.fact, r.learned): r for r in usable if (r.fact, r.learned) not in versions}
            versions |= new
            for table, line in (("tickets", ticket), ("invoices", invoice)):
                path = Path(folder) / f"{table}{number}.csv"
                path.write_text("\n".join([HEADS[table], *map(line, new.values())]) + "\n")
                assigned = {"properties.assignee": "assignee"} if table == "tickets" else {}
                if new:
                    facts.load([path], table=table, written=assigned)
            names = {made: ensure(facts.connection, recipe) for made, recipe in RECIPES.items()}
        read = {made: Table(facts.connection, name) for made, name in names.items()}
        for fact in {fact for fact, _ in versions}:
            chain = [version for key, version in sorted(versions.items()) if key[0] == fact]
            for moment in range(0, LAST, 2):
                _agree(read, fact, [row for row in chain if row.learned <= moment], moment)
        for made, name in names.items():
            assert content(facts.connection, name) == content(facts.connection, anew(facts.connection, RECIPES[made]))


def _agree(read: dict[object, Table], fact: int, known: list[Given], moment: int) -> None:
    rows = [Version(r.fact, r.learned, r.at, r.done, r.counts, r.due, r.paid, r.holder) for r in known]
    for at in range(0, moment + 1, 3):
        waits, owes = (bool(rows) and plain(rows, DAYS, at) for plain in (plain_waiting, plain_overdue))
        assert read[Waiting(DAYS)].stands(fact, at, moment) == waits
        assert read[Overdue(DAYS)].stands(fact, at, moment) == owes
    begins = [begin for begin, _ in told(rows)] if rows else []
    back, away, holder = [], [], 0
    for place, row in enumerate(rows):
        if place and rows[place - 1].done and not row.done and row.counts:
            back.append(begins[place])
        if holder and row.holder and row.holder != holder and row.counts:
            away.append(begins[place])
        holder = row.holder or holder
    assert read[Turned("reopened")].known(fact, moment) == sorted(back)
    assert read[Turned("reassigned")].known(fact, moment) == sorted(away)
    said = [known[-1].at] if known and known[-1].cancels and known[-1].counts else []
    assert read[Mentions(("cancel",))].known(fact, moment) == said
