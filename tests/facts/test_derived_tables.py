"""Tables of made facts in a facts file: as known at every moment, whatever arrives in whatever batches, and merges."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_made import Fact, Row, plain_repeated, plain_returns, plain_without

from beforehand.calendar import HOUR_US
from beforehand.facts import Facts
from beforehand.facts.derived import Recipe, ensure, made_tables, recipe_of, scan, tables
from beforehand.facts.derived.tables import WHO
from beforehand.facts.merging import merge, undo
from beforehand.facts.schema import prepare
from beforehand.signals.tree import BackAndForth, Made, Repeated, Without
from beforehand.workspace.spec import ExcludeSpec, MetricSpec, SettingsSpec

START_US = 1_735_689_600_000_000  # 2025-01-01
NOW = datetime(2025, 3, 1, tzinfo=UTC)
EVER = 10**6
LAST = 110
METRICS = {name: MetricSpec(count="events", where=f"event = '{name}'") for name in "ab"}
MADE: tuple[Made, ...] = (
    Without("b", 5 * HOUR_US),
    Repeated(2, 6 * HOUR_US),
    Repeated(3, 20 * HOUR_US),
    BackAndForth("b", 9 * HOUR_US),
)
PLACES = ((0, None), (0, 0), (0, 1), (1, None), (1, 0), (1, 1))
"""Accounts and members: person 0 is a member of both accounts, persons 1 and 2 of one each."""
PERSONS = {(0, 0): 0, (0, 1): 1, (1, 0): 0, (1, 1): 2}


class Event(NamedTuple):
    place: tuple[int, int | None]
    at: int
    delay: int
    event: str


Step = list[Event] | tuple[str, int, int] | tuple[str, int]
events = st.builds(
    Event, st.sampled_from(PLACES), st.integers(0, 40), st.sampled_from([0, 0, 0, 1, 3, 30]), st.sampled_from("aaabbc")
)
moves = st.sampled_from(
    [("account", 1, 0), ("person", 1, 0), ("person", 2, 1), ("undo account", 1), ("undo person", 1)]
)
batches = st.lists(st.one_of(st.lists(events, max_size=9), st.lists(events, max_size=9), moves), min_size=1, max_size=5)


@contextmanager
def file() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        prepare(connection)
        for account in (0, 1):
            connection.execute(f"INSERT INTO accounts VALUES ({account}, 'a{account}', true, 'files', '2025-01-01')")
        for (account, member), person in PERSONS.items():
            connection.execute("INSERT INTO members VALUES (?, ?, ?)", [account, member, person])
        yield connection


def store(connection: duckdb.DuckDBPyConnection, rows: list[Event], first: int) -> None:
    for number, row in enumerate(rows, first):
        connection.execute(
            "INSERT INTO events (stored_seq, source, id, account, member, occurred_at, delay, event) VALUES "
            f"({number}, 'files', 'e{number}', ?, ?, make_timestamp({START_US + row.at * HOUR_US}), "
            f"{row.delay * HOUR_US}, '{row.event}')",
            list(row.place),
        )


class People:
    """Who is whom: merges as they stand, without the tables."""

    def __init__(self) -> None:
        self.into: dict[tuple[str, int], int] = {}

    def move(self, connection: duckdb.DuckDBPyConnection, move: tuple[str, int, int] | tuple[str, int]) -> None:
        kind = move[0].removeprefix("undo ")
        if move[0].startswith("undo"):
            if (kind, move[1]) in self.into:
                undo(connection, kind, move[1], NOW, "test")  # type: ignore[arg-type]
                del self.into[kind, move[1]]
            return
        node, end = (self.end(kind, each) for each in move[1:])
        if node != end:
            merge(connection, kind, node, end, NOW, "test")  # type: ignore[arg-type]
            self.into[kind, node] = end

    def end(self, kind: str, node: int) -> int:
        while (kind, node) in self.into:
            node = self.into[kind, node]
        return node

    def one(self, place: tuple[int, int | None]) -> tuple[int, int]:
        """The account and the person of a fact; -1 where it is nobody's."""
        account, member = place
        person = -1 if member is None else self.end("person", PERSONS[account, member])
        return self.end("account", account), person


class Says:
    """What a table says, in numbers of facts and hours, read once for all moments."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        at, known = (f"(epoch_us({column}) - {START_US}) // {HOUR_US}" for column in ("occurred_at", "learned_at"))
        self.rows = connection.execute(f"SELECT ltrim(id, 'e')::INT, {at}, {known}, sign FROM {table}").fetchall()

    def at(self, moment: int) -> list[Row]:
        counted: Counter[Row] = Counter()
        for number, hour, known, sign in self.rows:
            counted[number, hour] += sign if known <= moment else 0
        assert set(counted.values()) <= {0, 1}
        return sorted(counted.elements())


def plain(stored: list[Event], people: People, made: Made, moment: int) -> list[Row]:
    found: list[Row] = []
    for one in {people.one(row.place) for row in stored}:
        mine = sorted(
            Fact(0, row.at, number, row.at + row.delay, EVER, row.event == "a", row.event == "b")
            for number, row in enumerate(stored, 1)
            if people.one(row.place) == one and row.at + row.delay <= moment and row.event in "ab"
        )
        match made:
            case Without(within_us=within):
                found += plain_without(mine, within // HOUR_US, moment)
            case Repeated(times=times, within_us=within):
                found += plain_repeated(mine, times, within // HOUR_US)
            case BackAndForth(within_us=within):
                found += plain_returns(mine, within // HOUR_US)
    return sorted(found)


def content(connection: duckdb.DuckDBPyConnection, table: str) -> Counter[tuple[object, ...]]:
    """All that a table says, with when it was learned; what cancels out left out."""
    rows = connection.execute(
        f"SELECT {', '.join(WHO)}, occurred_at, learned_at, sum(sign) FROM {table} GROUP BY ALL HAVING sum(sign) <> 0"
    ).fetchall()
    return Counter(rows)


def anew(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> str:
    """The table of a recipe, made from scratch."""
    connection.execute("DELETE FROM recipes WHERE digest = ?", [recipe.digest])
    return ensure(connection, recipe)


@settings(max_examples=8, deadline=None)
@given(batches, st.sampled_from([2, 1_000_000]))
def test_tables_say_what_was_known_whatever_the_batches(steps: list[Step], batch: int) -> None:
    with file() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "BATCH", batch)
        recipes = [recipe_of(made, METRICS["a"], METRICS, SettingsSpec()) for made in MADE]
        stored: list[Event] = []
        people = People()
        for step in steps:
            if isinstance(step, list):
                store(connection, step, len(stored) + 1)
                stored += step
            else:
                people.move(connection, step)
            names = [ensure(connection, recipe) for recipe in recipes]
        for recipe, name in zip(recipes, names, strict=True):
            said = Says(connection, name)
            for moment in range(0, LAST, 3):
                assert said.at(moment) == plain(stored, people, recipe.made, moment)
            order = connection.execute(f"SELECT stored_seq FROM {name} ORDER BY rowid").fetchall()
            assert order == [(number,) for number in range(1, len(order) + 1)]
            assert content(connection, name) == content(connection, anew(connection, recipe))


def test_what_was_written_stays_and_what_is_late_is_taken_back() -> None:
    recipe = recipe_of(Without("b", 5 * HOUR_US), METRICS["a"], METRICS, SettingsSpec())
    with file() as connection:
        store(connection, [Event((0, 0), 1, 0, "a")], 1)
        before = connection.execute(f"FROM {(name := ensure(connection, recipe))}").fetchall()
        store(connection, [Event((0, 0), 4, 6, "b")], 2)
        assert ensure(connection, recipe) == name
        after = connection.execute(f"FROM {name} ORDER BY stored_seq").fetchall()
        assert after[:1] == before and len(after) == 2
        assert Says(connection, name).rows == [(1, 6, 6, 1), (1, 6, 10, -1)]


def test_nothing_is_written_where_nothing_is_new() -> None:
    recipe = recipe_of(Repeated(2, 5 * HOUR_US), METRICS["a"], METRICS, SettingsSpec())
    with file() as connection:
        store(connection, [Event((0, 0), 1, 0, "a"), Event((0, 0), 2, 0, "a")], 1)
        rows = connection.execute(f"FROM {ensure(connection, recipe)}").fetchall()
        assert len(rows) == 1
        assert connection.execute(f"FROM {ensure(connection, recipe)}").fetchall() == rows


def test_events_left_out_count_nowhere() -> None:
    left_out = SettingsSpec(exclude=ExcludeSpec(events="id = 'e2'"))
    with file() as connection:
        store(connection, [Event((0, 0), 1, 0, "a"), Event((0, 0), 2, 0, "b")], 1)
        for setting, rows in ((SettingsSpec(), 0), (left_out, 1)):
            name = ensure(connection, recipe_of(Without("b", HOUR_US), METRICS["a"], METRICS, setting))
            assert len(connection.execute(f"FROM {name}").fetchall()) == rows


def test_killed_in_the_middle_the_table_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of(Without("b", HOUR_US), METRICS["a"], METRICS, SettingsSpec())
    with file() as connection:
        store(connection, [Event((0, 0), 1, 0, "a")], 1)
        name = ensure(connection, recipe)
        store(connection, [Event((0, 0), 5, 0, "a")], 2)

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(scan, "write", killed)
            with pytest.raises(KeyboardInterrupt):
                ensure(connection, recipe)
        assert len(connection.execute(f"FROM {name}").fetchall()) == 1
        assert ensure(connection, recipe) == name
        assert len(connection.execute(f"FROM {name}").fetchall()) == 2


def test_tables_nobody_asks_for_are_dropped_and_never_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "KEPT", 2)
    first, second, third = (
        recipe_of(Without("b", hours * HOUR_US), METRICS["a"], METRICS, SettingsSpec()) for hours in (1, 2, 3)
    )
    with file() as connection:
        assert made_tables(connection) == ()
        names = [ensure(connection, recipe) for recipe in (first, second, first, third)]
        assert set(made_tables(connection)) == {names[0], names[3]}
        assert ensure(connection, second) not in names
        there = connection.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'made%'").fetchall()
        assert {name for (name,) in there} == set(made_tables(connection))


# -- tables with versions ------------------------------------------------------------------------------------------


class Ticket(NamedTuple):
    ticket: int
    learned: int
    account: str
    status: str


tickets = st.builds(
    Ticket, st.integers(0, 3), st.integers(4, 40), st.sampled_from(["x", "y"]), st.sampled_from(["a", "b", "c"])
)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.lists(tickets, min_size=1, max_size=5), min_size=1, max_size=4))
def test_tickets_are_read_as_their_versions_were_known(loads: list[list[Ticket]]) -> None:
    metrics = {name: MetricSpec(count="tickets", where=f"status = '{name}'") for name in "ab"}
    recipes = [recipe_of(made, metrics["a"], metrics, SettingsSpec()) for made in MADE]
    versions: dict[tuple[int, int], Ticket] = {}
    with tempfile.TemporaryDirectory() as folder, Facts.open(Path(folder) / "facts.duckdb", SettingsSpec()) as facts:
        for number, rows in enumerate(loads):
            path = Path(folder) / f"{number}.csv"
            new = {(row.ticket, row.learned): row for row in rows if (row.ticket, row.learned) not in versions}
            versions |= new
            # Each says something new: a version that is like the one before it is none.
            lines = [
                f"{t.ticket},{t.account},{_hour(t.ticket)},{t.status},{_hour(t.learned)},{t.learned}"
                for t in new.values()
            ]
            path.write_text("\n".join(["id,account,at,status,learned,subject", *lines]) + "\n")
            if new:
                facts.load([path], table="tickets")
            names = [ensure(facts.connection, recipe) for recipe in recipes]
        for recipe, name in zip(recipes, names, strict=True):
            said = Says(facts.connection, name)
            for moment in range(0, 66, 3):
                assert said.at(moment) == _plain_tickets(versions, recipe.made, moment)
            assert content(facts.connection, name) == content(facts.connection, anew(facts.connection, recipe))


def _hour(number: int) -> str:
    return f"2025-01-0{1 + number // 24} {number % 24:02}:00Z"


def _plain_tickets(versions: dict[tuple[int, int], Ticket], made: Made, moment: int) -> list[Row]:
    now: dict[int, Ticket] = {}
    for (ticket, learned), version in sorted(versions.items()):
        if learned <= moment:
            now[ticket] = version
    found: list[Row] = []
    for account in "xy":
        mine = [
            Fact(0, ticket, ticket, 0, EVER, version.status == "a", version.status == "b")
            for ticket, version in sorted(now.items())
            if version.account == account and version.status in "ab"
        ]
        match made:
            case Without(within_us=within):
                found += plain_without(mine, within // HOUR_US, moment)
            case Repeated(times=times, within_us=within):
                found += plain_repeated(mine, times, within // HOUR_US)
            case BackAndForth(within_us=within):
                found += plain_returns(mine, within // HOUR_US)
    return sorted(found)
