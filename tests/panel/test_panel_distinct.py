"""Distinct values against reading every fact, and against count(distinct) of an engine."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beforehand.calendar import Grain
from beforehand.signals.tree import Quantity

# The reference is shared by the tests beside this one; test files are imported by path, not as a package.
if "panel_plainly" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("panel_plainly", Path(__file__).with_name("plainly.py"))
    assert _spec is not None and _spec.loader is not None
    sys.modules["panel_plainly"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["panel_plainly"])
plainly: Any = sys.modules["panel_plainly"]
ref = plainly.ref

ASKED = plainly.asking(["features", "kinds", "issues"], per_active=st.booleans())


@plainly.QUICK
@given(plainly.worlds(), ASKED, st.booleans(), st.booleans(), st.sampled_from(["account", "person"]))
def test_distinct_values_equal_reading_every_fact(
    world: Any, asked: Any, whole: bool, filling: bool, kind: str
) -> None:
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    plainly.check(facts, world, kind, asked, ref.now_of(world, whole), filling=filling)
    facts.close()


@plainly.FEW
@given(plainly.worlds(roles=True), st.integers(4, 12))
def test_values_that_arrive_later_and_people_left_out_later(world: Any, size: int) -> None:
    asked = [(Quantity(name), grain, 3) for name in ("features", "issues") for grain in (Grain.DAY, Grain.WEEK)]
    barred, exclude = world.barred, world.exclude
    world.barred, world.exclude = set(), exclude.model_copy(update={"people": ()})
    facts = ref.open_facts(world)
    plainly.store(facts, [], world.traits)
    for first in range(0, max(len(world.facts), 1), size):
        plainly.store(facts, world.facts[first : first + size])
        plainly.panel_of(facts).sheet("account", {(q, g) for q, g, _ in asked}, now_us=ref.now_of(world, True))
    world.barred, world.exclude = barred, exclude
    facts.settings = facts.settings.model_copy(update={"exclude": exclude})
    plainly.check(facts, world, "account", asked, ref.now_of(world, True))
    facts.close()


def test_more_values_than_a_word_has_bits_are_those_of_count_distinct() -> None:
    world = ref.World("UTC", nodes=3)
    begin = ref.to_us(ref.datetime(2024, 1, 1, tzinfo=ref.UTC))
    rng = np.random.default_rng(5)
    world.facts = [
        plainly.Rich("events", int(account), None, begin + int(hour) * plainly.HOUR, 0, "login", feature=f"f{value}")
        for account, hour, value in rng.integers([3, 720, 200], size=(1_500, 3))
    ]
    for seq, f in enumerate(world.facts):
        f.seq = seq + 1
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts)
    ref.merge(facts.connection, "account", 2, 1)
    quantity = Quantity("features")
    sheet = plainly.panel_of(facts).sheet("account", {(quantity, Grain.WEEK)}, now_us=begin + 28 * ref.DAY_US)
    found = sheet.numbers().windows(quantity, Grain.WEEK, 1)[:, 1:, 0]
    rows = facts.connection.execute(
        "SELECT least(account, 1) AS who, (epoch_us(occurred_at) - ?) // (7 * 86400000000) AS week,"
        " count(DISTINCT properties.feature::VARCHAR) FROM events GROUP BY ALL",
        [begin],
    ).fetchall()
    assert found.max() > 64
    for who, week, count in rows:
        if 1 <= week < 4:
            assert found[who, week - 1] == count
    facts.close()
