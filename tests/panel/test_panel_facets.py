"""Tickets, issues and features as subjects, against reading every fact."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain
from beforehand.errors import InputError
from beforehand.signals.tree import Quantity

# The reference is shared by the tests beside this one; test files are imported by path, not as a package.
if "panel_plainly" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("panel_plainly", Path(__file__).with_name("plainly.py"))
    assert _spec is not None and _spec.loader is not None
    sys.modules["panel_plainly"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["panel_plainly"])
plainly: Any = sys.modules["panel_plainly"]
ref = plainly.ref

OF_TICKETS = ["tickets", "writers", "all tickets", "issues"]
OF_EVENTS = ["count", "logins", "sum", "mean", "share", "people", "last", "features", "kinds"]
TICKETS = plainly.asking(OF_TICKETS, standing=st.just(False))
EVENTS = plainly.asking(OF_EVENTS, per_active=st.booleans())


@plainly.QUICK
@given(plainly.worlds(), TICKETS, st.booleans(), st.booleans(), st.sampled_from(["ticket", "issue"]))
def test_tickets_and_issues_equal_reading_every_fact(
    world: Any, asked: Any, whole: bool, standing: bool, kind: str
) -> None:
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    if standing:
        asked = [(Quantity(q.metric, standing=True), grain, width) for q, grain, width in asked]
    now = ref.now_of(world, whole)
    plainly.check(facts, world, kind, asked, now, filling=not whole, since=now - 9 * DAY_US if standing else None)
    facts.close()


@plainly.QUICK
@given(plainly.worlds(), EVENTS, st.booleans())
def test_features_equal_reading_every_fact(world: Any, asked: Any, whole: bool) -> None:
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    plainly.check(facts, world, "feature", asked, ref.now_of(world, whole), filling=not whole)
    facts.close()


@plainly.FEW
@given(plainly.worlds(), st.integers(4, 12), st.sampled_from(["ticket", "issue", "feature"]))
def test_slots_stay_and_what_is_new_is_counted(world: Any, size: int, kind: str) -> None:
    names = OF_EVENTS if kind == "feature" else OF_TICKETS
    asked = [(Quantity(name), Grain.WEEK, 3) for name in names]
    facts = ref.open_facts(world)
    plainly.store(facts, [], world.traits)
    slots: set[Any] = set()
    for first in range(0, max(len(world.facts), 1), size):
        plainly.store(facts, world.facts[first : first + size])
        plainly.panel_of(facts).sheet(kind, {(q, g) for q, g, _ in asked}, now_us=ref.now_of(world, True))
        now = set(facts.connection.execute("FROM panel_facets").fetchall())
        assert slots <= now
        slots = now
    keys = [row[:2] + row[3:] for row in slots]
    assert len(keys) == len(set(keys))
    plainly.check(facts, world, kind, asked, ref.now_of(world, True))
    facts.close()


def test_traits_of_the_account_hold_for_its_tickets_and_the_scope_is_the_key() -> None:
    world = ref.World("UTC", nodes=2)
    begin, day = ref.to_us(ref.datetime(2024, 1, 1, tzinfo=ref.UTC)), DAY_US
    ticket = {"table": "tickets", "member": None, "delay": 0, "word": "open"}
    world.facts = [
        plainly.Rich(**ticket, account=1, us=begin + 3 * day, id="T-9", category="billing", seq=1),
        plainly.Rich(**ticket, account=0, us=begin + 4 * day, id="T-1", category="billing", seq=2),
        plainly.Rich(**ticket, account=0, us=begin + 12 * day, id="T-2", category="billing", seq=3),
    ]
    world.traits = [
        ref.Stated(0, "plan", "trial", 0, 0, False, seq=1),
        ref.Stated(0, "plan", "business", begin + 10 * day, 0, True, seq=2),
    ]
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    quantity = Quantity("all tickets", rolling_days=30)
    sheet = plainly.panel_of(facts).sheet("issue", {(quantity, Grain.DAY)}, ["plan", "age"], now_us=begin + 16 * day)
    numbers = sheet.numbers()
    assert [sheet.subjects.scope(row) for row in range(2)] == ["billing", "billing"]
    plan = numbers.trait("plan", Grain.DAY)
    assert [plan.words[code] for code in plan.codes[0]] == ["trial"] * 7 + ["business"] * 6
    assert (plan.codes[1] == -1).all()
    # An issue that is new is known from its first ticket on: before there was nothing of it.
    found = numbers.windows(quantity, Grain.DAY, 1)[0, :, 0]
    assert np.isnan(found[0])
    assert found[1:].tolist() == [1.0] * 8 + [2.0] * 4
    np.testing.assert_allclose(numbers.trait("age", Grain.DAY).numbers[0, -1], 12)
    tickets = plainly.panel_of(facts).sheet("ticket", {(quantity, Grain.DAY)}, now_us=begin + 16 * day)
    assert [tickets.subjects.scope(row) for row in range(3)] == ["T-1", "T-2", "T-9"]
    facts.close()


@pytest.mark.parametrize(
    ("kind", "quantity", "said"),
    [
        ("ticket", Quantity("count"), "reads tickets"),
        ("issue", Quantity("tickets", per_active=True), "active"),
        ("feature", Quantity("tickets"), "reads events"),
        ("ticket", Quantity("tickets", role="admin"), "role"),
    ],
)
def test_what_a_subject_does_not_have_is_refused(kind: Any, quantity: Quantity, said: str) -> None:
    facts = ref.open_facts(ref.World("UTC"))
    with pytest.raises(InputError, match=said):
        plainly.panel_of(facts).sheet(kind, {(quantity, Grain.DAY)}, now_us=0)
    facts.close()
