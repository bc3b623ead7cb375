"""What is made of how messages sound: as known at every moment, whatever arrives late, in whatever batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import HOUR_US
from beforehand.facts.derived import ensure, moods, recipe_of
from beforehand.facts.merging import merge
from beforehand.facts.schema import TONES, prepare
from beforehand.signals.tree import AmongLast, Made, NewVoice, Shifted
from beforehand.workspace.spec import MetricSpec, SettingsSpec

START_US = 1_735_689_600_000_000
METRICS = {"tones": MetricSpec(count="tones"), "angry": MetricSpec(count="tones", where="negative > 0.5")}
MADE: tuple[tuple[str, Made], ...] = (
    ("tones", Shifted("terse")),
    ("tones", Shifted("warm")),
    ("angry", AmongLast(2, 3)),
    ("angry", NewVoice()),
)


class Heard(NamedTuple):
    member: int
    at: int
    delay: int
    warmth: float
    angry: bool


heard = st.builds(
    Heard, st.integers(0, 1), st.integers(0, 200), st.sampled_from([0, 0, 0, 1, 9, 60]),
    st.sampled_from([1.5, 1.2, -0.5, -1.0]), st.booleans(),
)  # fmt: skip


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Little is enough, so that something turns in short histories."""
    monkeypatch.setattr(moods, "ENOUGH", 2)
    monkeypatch.setattr(moods, "RECENT", 1)
    monkeypatch.setattr(moods, "ENOUGH_IN_ALL", 1.4)
    monkeypatch.setattr(moods, "OVER", 0.5)
    yield


def opened() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    prepare(connection)
    connection.execute(TONES.ddl)
    for member in (0, 1):
        connection.execute("INSERT INTO persons VALUES (?, ?)", [member, f"p{member}"])
        connection.execute("INSERT INTO members VALUES (0, ?, ?)", [member, member])
    return connection


def store(connection: duckdb.DuckDBPyConnection, rows: list[Heard], first: int, sign: int = 1) -> None:
    for number, row in enumerate(rows, first):
        connection.execute(
            "INSERT INTO tones (stored_seq, source, id, account, member, occurred_at, delay, sign, warmth, negative) "
            "VALUES (?, 'files', ?, 0, ?, make_timestamp(?), ?, ?, ?, ?)",
            [number, f"m{number if sign > 0 else number - 1000}", row.member, START_US + row.at * HOUR_US,
             row.delay * HOUR_US, sign, row.warmth, 0.9 if row.angry else 0.1],
        )  # fmt: skip


def plain(rows: list[Heard], metric: str, made: Made, moment: int, one: bool) -> list[str]:
    found: list[str] = []
    for member in (0, 1):
        mine = sorted(
            (row.at, number) for number, row in enumerate(rows, 1)
            if (one or row.member == member) and row.at + row.delay <= moment
        )  # fmt: skip
        numbers = [number for _, number in mine]
        series = np.zeros(len(mine), np.int64)
        at = np.array([START_US + a * HOUR_US for a, _ in mine], np.int64)
        warmth = np.array([rows[n - 1].warmth for n in numbers], float)
        angry = np.array([rows[n - 1].angry for n in numbers], bool)
        match made:
            case Shifted(to=to):
                places = moods.turned(series, at, warmth, to)
            case AmongLast(need=need, of=of):
                places = moods.among_last(series, angry, need, of)
            case _:
                places = moods.new_voice(series, angry)
        found += [f"m{numbers[place]}" for place in places]
        if one:
            break
    return sorted(found)


def said(connection: duckdb.DuckDBPyConnection, table: str, moment: int) -> list[str]:
    rows: Counter[str] = Counter()
    until = START_US + moment * HOUR_US
    for name, sign in connection.execute(
        f"SELECT id, sign FROM {table} WHERE epoch_us(occurred_at) + delay <= ?", [until]
    ).fetchall():
        rows[name] += sign
    assert set(rows.values()) <= {0, 1}
    return sorted(rows.elements())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(heard, max_size=14), min_size=1, max_size=4), st.booleans())
@pytest.mark.usefixtures("quick")
def test_it_is_as_it_was_known_at_every_moment(batches: list[list[Heard]], together: bool) -> None:
    connection, stored = opened(), list[Heard]()
    recipes = [(metric, made, recipe_of(made, METRICS[metric], METRICS, SettingsSpec())) for metric, made in MADE]
    for batch in batches:
        store(connection, batch, len(stored) + 1)
        stored += batch
        names = [ensure(connection, recipe) for _, _, recipe in recipes]
    if together:
        merge(connection, "person", 1, 0, datetime(2025, 3, 1, tzinfo=UTC), "ada")
        names = [ensure(connection, recipe) for _, _, recipe in recipes]
    for (metric, made, _), name in zip(recipes, names, strict=True):
        for moment in (40, 90, 150, 210, 300):
            assert said(connection, name, moment) == plain(stored, metric, made, moment, together), made
    connection.close()


@pytest.mark.usefixtures("quick")
def test_what_another_reader_takes_back_is_taken_back() -> None:
    connection = opened()
    recipe = recipe_of(Shifted(), METRICS["tones"], METRICS, SettingsSpec())
    rows = [Heard(0, 10 * n, 0, 1.5 if n < 8 else -1.0, False) for n in range(14)]
    store(connection, rows, 1)
    assert said(connection, ensure(connection, recipe), 200)
    store(connection, rows, 1001, sign=-1)
    assert said(connection, ensure(connection, recipe), 200) == []
    connection.close()
