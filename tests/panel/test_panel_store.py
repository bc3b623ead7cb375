"""Cells that are kept: refreshed, recounted, isolated from what fails, and whole after a failure."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from beforehand.calendar import Grain
from beforehand.errors import EngineError
from beforehand.facts import Facts
from beforehand.panel import Panel
from beforehand.panel.store import CellStore
from beforehand.signals.numbers import MetricFailed
from beforehand.signals.tree import Quantity
from beforehand.workspace.spec import ExcludeSpec, MetricSpec, SettingsSpec

# The reference is shared with the test beside this one; test files are imported by path, not as a package.
_spec = importlib.util.spec_from_file_location("panel_reference", Path(__file__).with_name("test_panel_reference.py"))
assert _spec is not None and _spec.loader is not None
ref: Any = importlib.util.module_from_spec(_spec)
sys.modules["panel_reference"] = ref
_spec.loader.exec_module(ref)

EVERYTHING = [
    (Quantity(metric, rolling_days=days), grain, 3)
    for metric in ref.METRICS
    for grain, days in ((Grain.DAY, 4), (Grain.WEEK, None))
]
FEW = [(Quantity("logins"), Grain.WEEK, 2), (Quantity("people"), Grain.DAY, 2), (Quantity("sum"), Grain.DAY, 1)]


def windows(facts: Facts, world: Any, kind: str = "account", asked: Any = EVERYTHING) -> list[np.ndarray]:
    sheet = ref.panel_of(facts).sheet(
        kind, {(q, g) for q, g, _ in asked}, now_us=ref.now_of(world, True), grace_us=world.grace
    )
    numbers = sheet.numbers()
    return [np.array(numbers.windows(q, g, w)) for q, g, w in asked]


def equal(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    for a, b in zip(left, right, strict=True):
        ref.same(a, b)


@settings(phases=[Phase.explicit, Phase.generate], max_examples=10, deadline=None, derandomize=True,
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(ref.worlds(), st.randoms(use_true_random=False), st.sampled_from(["account", "person"]))
def test_refresh_in_batches_equals_one_scan(world: Any, random: Any, kind: str) -> None:
    whole = ref.open_facts(world)
    ref.store(whole, world.facts, world.traits)
    expected = windows(whole, world, kind)
    whole.close()
    facts = ref.open_facts(world)
    ref.store(facts, [], world.traits)
    left = list(world.facts)
    found = None
    while left:
        size = random.randint(3, 12)
        batch, left = left[:size], left[size:]
        ref.store(facts, batch)
        found = windows(facts, world, kind)
    if found is not None:
        equal(found, expected)
    facts.close()


@settings(phases=[Phase.explicit, Phase.generate], max_examples=5, deadline=None, derandomize=True,
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(ref.worlds())
def test_merges_and_their_undoing_need_no_new_scan(world: Any) -> None:
    world.merged, world.same = {}, {}
    facts = ref.open_facts(world)
    ref.store(facts, world.facts, world.traits)
    before = windows(facts, world)
    ref.merge(facts.connection, "account", 3, 1)
    ref.merge(facts.connection, "person", 30, 11)
    world.merged, world.same = {3: 1}, {30: 11}
    ref.check(facts, world, "account", FEW, ref.now_of(world, True), False)
    facts.connection.execute("UPDATE merges SET undone_at = now()::TIMESTAMP, undone_by = 'x'")
    equal(windows(facts, world), before)
    facts.close()


def small_world(**given_: Any) -> Any:
    world = ref.World("Europe/London", **given_)
    begin = ref.to_us(ref.datetime(2024, 3, 20, tzinfo=ref.UTC))
    world.persons = {(a, m): a * 10 + m for a in range(4) for m in (0, 1, 2)}
    for i in range(60):
        f = ref.Fact(
            "events",
            i % 4,
            i % 3,
            begin + i * 13 * ref.HOUR,
            (i % 7 == 0) * 9 * ref.DAY_US,
            "login",
            float(i),
            seq=i + 1,
        )
        world.facts.append(f)
    return world


def test_people_left_out_later_are_taken_out_of_what_was_counted() -> None:
    world = small_world()
    facts = ref.open_facts(world)
    ref.store(facts, world.facts)
    before = windows(facts, world)
    facts.settings = SettingsSpec(zone=world.zone, exclude=ExcludeSpec(people=("P11@*", "p0*")))
    world.barred = {(1, 1), (0, 0)}
    ref.check(facts, world, "account", FEW, ref.now_of(world, True), False)
    sheet = ref.panel_of(facts).sheet("person", {FEW[0][:2]}, now_us=ref.now_of(world, True))
    assert {"p0", "p11"}.isdisjoint({sheet.subjects.label(i) for i in range(sheet.subjects.size)})
    facts.settings = SettingsSpec(zone=world.zone)
    equal(windows(facts, world), before)
    facts.close()


def test_one_metric_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world()
    facts = ref.open_facts(world)
    ref.store(facts, world.facts)
    metrics = ref.METRICS | {"huge": MetricSpec(count="events", where="round(properties.amount, 999999999999) > 1")}
    panel = Panel(facts, SimpleNamespace(metrics=metrics, settings=facts.settings))  # type: ignore[arg-type]
    asked = {(Quantity("logins"), Grain.WEEK), (Quantity("huge"), Grain.WEEK)}
    for _ in range(2):  # counted, then found in the store
        numbers = panel.sheet("account", asked, now_us=ref.now_of(world, True)).numbers()
        with pytest.raises(MetricFailed):
            numbers.windows(Quantity("huge"), Grain.WEEK, 2)
        assert np.nansum(numbers.windows(Quantity("logins"), Grain.WEEK, 1)) > 20
    facts.close()


def test_a_failure_in_the_middle_leaves_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world()
    facts = ref.open_facts(world)
    ref.store(facts, world.facts[:30])
    windows(facts, world)
    sets = facts.connection.execute("FROM panel_sets ORDER BY ALL").fetchall()
    ref.store(facts, world.facts[30:])

    def broken(*_: Any) -> None:
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr(CellStore, "_note", broken)
    with pytest.raises(EngineError):
        windows(facts, world)
    assert facts.connection.execute("FROM panel_sets ORDER BY ALL").fetchall() == sets
    monkeypatch.undo()
    refreshed = windows(facts, world)
    facts.close()
    whole = ref.open_facts(world)
    ref.store(whole, world.facts)
    equal(refreshed, windows(whole, world))
    whole.close()


def test_many_small_refreshes_are_compacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beforehand.panel.store.COMPACT_FROM", 0)
    world = small_world()
    facts = ref.open_facts(world)
    for first in range(0, 60, 10):
        ref.store(facts, world.facts[first : first + 10])
        found = windows(facts, world)
    base, later = facts.connection.execute("SELECT max(base_rows), max(later_rows) FROM panel_sets").fetchone()
    assert later <= base
    facts.close()
    whole = ref.open_facts(world)
    ref.store(whole, world.facts)
    equal(found, windows(whole, world))
    whole.close()


def test_a_changed_definition_is_counted_and_old_sets_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beforehand.panel.store.KEPT", 2)
    world = small_world()
    facts = ref.open_facts(world)
    ref.store(facts, world.facts)
    for bound in range(5):
        metrics = {"some": MetricSpec(count="events", where=f"properties.amount > {bound * 10}")}
        panel = Panel(facts, SimpleNamespace(metrics=metrics, settings=facts.settings))  # type: ignore[arg-type]
        sheet = panel.sheet("account", {(Quantity("some"), Grain.MONTH)}, now_us=ref.now_of(world, True), since_us=0)
        assert sheet.closes[Grain.MONTH].count == 2
    kept = facts.connection.execute("SELECT count(*) FROM panel_sets").fetchone()
    tables = facts.connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'panel_base%'"
    ).fetchone()
    assert kept == tables == (2,)
    facts.close()


def test_empty_facts_have_no_closes_and_accounts_without_facts_no_life() -> None:
    world = ref.World("UTC")
    facts = ref.open_facts(world)
    sheet = ref.panel_of(facts).sheet("account", {(Quantity("count"), Grain.WEEK)}, now_us=ref.now_of(world, True))
    assert sheet.numbers().windows(Quantity("count"), Grain.WEEK, 3).shape == (4, 0, 3)
    sheet = ref.panel_of(facts).sheet(
        "account", {(Quantity("count"), Grain.WEEK)}, now_us=ref.now_of(world, True), last=2
    )
    numbers = sheet.numbers()
    assert np.isnan(numbers.windows(Quantity("count"), Grain.WEEK, 3)).all()
    assert not numbers.alive(Grain.WEEK).any()
    facts.close()


def test_traits_and_age_are_as_known_at_each_close() -> None:
    world = ref.World("UTC")
    begin = ref.to_us(ref.datetime(2024, 1, 1, tzinfo=ref.UTC))
    day = ref.DAY_US
    world.persons = {(0, 0): 0, (0, 1): 1}
    world.facts = [
        ref.Fact("events", 0, 0, begin, 0, "login", seq=1),
        ref.Fact("events", 0, 1, begin, 0, "login", seq=2),
    ]
    world.traits = [
        ref.Stated(0, "plan", "trial", 0, 0, False, seq=1),
        ref.Stated(0, "plan", "business", begin + 10 * day, 6 * day, True, seq=2),  # learned on day 16
        ref.Stated(0, "plan", None, begin + 25 * day, 0, True, seq=3),
        ref.Stated(0, "plan", "vip", begin + 5 * day, 0, True, member=1, seq=4),
    ]
    facts = ref.open_facts(world)
    ref.store(facts, world.facts, world.traits)

    def plans(kind: str) -> Any:
        sheet = ref.panel_of(facts).sheet(
            kind, {(Quantity("count"), Grain.WEEK)}, ["plan", "age"], now_us=begin + 35 * day
        )
        return sheet.numbers()

    def words(numbers: Any, row: int) -> list[str | None]:
        trait = numbers.trait("plan", Grain.WEEK)
        return [trait.words[code] if code >= 0 else None for code in trait.codes[row]]

    assert words(plans("account"), 0) == ["trial", "trial", "business", None, None]
    people = plans("person")
    assert words(people, 0)[:3] == ["trial", "trial", "business"]
    assert words(people, 1) == ["vip"] * 5
    np.testing.assert_allclose(people.trait("age", Grain.WEEK).numbers[0], [7, 14, 21, 28, 35])
    facts.close()
