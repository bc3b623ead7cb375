"""Standing totals against reading every fact."""

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
from beforehand.workspace.spec import MetricSpec

# The reference is shared by the tests beside this one; test files are imported by path, not as a package.
if "panel_plainly" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("panel_plainly", Path(__file__).with_name("plainly.py"))
    assert _spec is not None and _spec.loader is not None
    sys.modules["panel_plainly"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["panel_plainly"])
plainly: Any = sys.modules["panel_plainly"]
ref = plainly.ref

TOTALS = ["count", "logins", "sum", "mean", "share", "people", "tickets", "writers", "features", "issues"]
ASKED = st.lists(
    st.tuples(
        st.builds(Quantity, st.sampled_from(TOTALS), st.booleans(), standing=st.just(True)),
        plainly.GRAINS,
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=3,
)


@plainly.QUICK
@given(plainly.worlds(), ASKED, st.booleans(), st.sampled_from(["account", "person"]), st.sampled_from([None, 4, 11]))
def test_standing_totals_equal_reading_every_fact(
    world: Any, asked: Any, whole: bool, kind: str, back: int | None
) -> None:
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    now = ref.now_of(world, whole)
    # With `back` only the last periods are laid out: what came before counts all the same.
    plainly.check(
        facts, world, kind, asked, now, filling=not whole, since=None if back is None else now - back * DAY_US
    )
    facts.close()


@plainly.FEW
@given(plainly.worlds(), st.booleans())
def test_hours_stand_on_all_that_came_before(world: Any, filling: bool) -> None:
    facts = ref.open_facts(world)
    half = len(world.facts) // 2
    plainly.store(facts, world.facts[:half], world.traits)
    asked = [(Quantity(name, standing=True), Grain.HOUR, 3) for name in ("logins", "people", "tickets")]
    now = ref.now_of(world, False)
    plainly.panel_of(facts).sheet("account", {(Quantity("logins"), Grain.HOUR)}, now_us=now, hours=3)
    plainly.store(facts, world.facts[half:])
    plainly.check(facts, world, "account", asked, now, filling=filling, since=now - 5 * plainly.HOUR)
    facts.close()


@plainly.FEW
@given(plainly.worlds(), st.integers(4, 12))
def test_totals_are_the_same_however_facts_arrived(world: Any, size: int) -> None:
    asked = [(Quantity(name, standing=True), Grain.DAY, 4) for name in TOTALS]
    found = []
    for step in (len(world.facts) or 1, size):
        facts = ref.open_facts(world)
        plainly.store(facts, [], world.traits)
        for first in range(0, max(len(world.facts), 1), step):
            plainly.store(facts, world.facts[first : first + step])
            numbers = plainly.panel_of(facts).sheet(
                "account", {(q, g) for q, g, _ in asked}, now_us=ref.now_of(world, True), grace_us=world.grace
            ).numbers()  # fmt: skip
            last = [np.array(numbers.windows(*one)) for one in asked]
        found.append(last)
        facts.close()
    for one, other in zip(*found, strict=True):
        ref.same(one, other)


def test_the_last_periods_stand_on_all_before_wherever_they_begin() -> None:
    world = ref.World("UTC", nodes=2)
    begin = ref.to_us(ref.datetime(2024, 1, 1, tzinfo=ref.UTC))
    rng = np.random.default_rng(3)
    for seq, (account, member, day, late) in enumerate(rng.integers([2, 3, 20, 9], size=(200, 4)).tolist()):
        fact = {"account": account, "member": member, "us": begin + day * DAY_US, "seq": seq + 1}
        if seq % 3:
            fact |= {"table": "events", "delay": max(0, late - 5) * DAY_US, "word": "login", "amount": float(late)}
        else:
            fact |= {"table": "tickets", "delay": late * DAY_US, "word": "open", "sign": -1 if seq % 2 else 1}
        world.facts.append(plainly.Rich(**fact))
    world.persons = {(account, member): account * 10 + member for account in range(2) for member in range(3)}
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts)
    asked = {(Quantity(name, standing=True), Grain.DAY) for name in ("count", "sum", "people", "tickets", "writers")}
    now = begin + 25 * DAY_US
    whole = plainly.panel_of(facts).sheet("account", asked, now_us=now).numbers()
    for back in range(1, 24):
        part = plainly.panel_of(facts).sheet("account", asked, now_us=now, since_us=now - back * DAY_US).numbers()
        for quantity, grain in asked:
            expected = whole.windows(quantity, grain, 2)[:, -back:]
            ref.same(part.windows(quantity, grain, 2)[:, -expected.shape[1] :], expected)
    facts.close()


def test_none_ever_is_not_known_of_a_life_that_began_before_the_facts_did() -> None:
    world = ref.World("UTC")
    begin = ref.to_us(ref.datetime(2024, 1, 1, tzinfo=ref.UTC))
    event = {"table": "events", "member": None, "delay": 0, "word": "login"}
    world.facts = [
        plainly.Rich(**event, account=0, us=begin + 1, seq=1),
        plainly.Rich(**event, account=1, us=begin + 2, seq=2),
        plainly.Rich(**event | {"word": "report"}, account=1, us=begin + 9 * DAY_US, seq=3),
    ]
    world.traits = [ref.Stated(1, "started_at", "2019-05-01", 0, 0, False, seq=1)]
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    reports = {"reports": MetricSpec(count="events", where="event = 'report'")}
    folder = ref.SimpleNamespace(metrics=reports, settings=facts.settings)
    asked = Quantity("reports", standing=True)
    sheet = ref.Panel(facts, folder).sheet("account", {(asked, Grain.WEEK)}, now_us=begin + 30 * DAY_US)
    windows = sheet.numbers().windows(asked, Grain.WEEK, 1)[:, :, 0]
    assert windows[0].tolist()[1:] == [0.0, 0.0, 0.0]
    assert np.isnan(windows[1, 0])
    assert windows[1].tolist()[1:] == [1.0, 1.0, 1.0]
    facts.close()


@pytest.mark.parametrize(
    ("quantity", "said"),
    [(Quantity("last", standing=True), "add up"), (Quantity("count", rolling_days=3, standing=True), "days")],
)
def test_what_does_not_add_up_does_not_stand(quantity: Quantity, said: str) -> None:
    facts = ref.open_facts(ref.World("UTC"))
    with pytest.raises(InputError, match=said):
        plainly.panel_of(facts).sheet("account", {(quantity, Grain.DAY)}, now_us=0)
    facts.close()
