"""What those who hold a role did, against reading every fact."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain
from beforehand.signals.tree import Quantity

# The reference is shared by the tests beside this one; test files are imported by path, not as a package.
if "panel_plainly" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("panel_plainly", Path(__file__).with_name("plainly.py"))
    assert _spec is not None and _spec.loader is not None
    sys.modules["panel_plainly"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["panel_plainly"])
plainly: Any = sys.modules["panel_plainly"]
ref = plainly.ref

METRICS = ["count", "logins", "sum", "mean", "share", "people", "tickets", "writers"]
ASKED = plainly.asking(
    METRICS, per_active=st.booleans(), role=st.sampled_from(["admin", "buyer"]), standing=st.just(False)
)
STANDING = plainly.asking(METRICS, role=st.just("admin"), standing=st.just(True)).map(
    lambda asked: [(Quantity(q.metric, role=q.role, standing=True), g, w) for q, g, w in asked]
)


@plainly.QUICK
@given(plainly.worlds(roles=True), st.one_of(ASKED, STANDING), st.booleans(), st.sampled_from(["account", "person"]))
def test_roles_equal_reading_every_fact(world: Any, asked: Any, whole: bool, kind: str) -> None:
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    plainly.check(facts, world, kind, asked, ref.now_of(world, whole))
    facts.close()


@plainly.FEW
@given(plainly.worlds(roles=True), ASKED)
def test_people_of_a_role_may_be_rolled_up_a_few_at_a_time(world: Any, asked: Any) -> None:
    with ref.pytest.MonkeyPatch.context() as patch:
        patch.setattr("beforehand.panel.roles.TOGETHER", 0)
        patch.setattr("beforehand.panel.roles.LEAST", 1)
        facts = ref.open_facts(world)
        plainly.store(facts, world.facts, world.traits)
        plainly.check(facts, world, "account", asked, ref.now_of(world, True))
        facts.close()


def test_who_held_a_role_last_counts_until_another_does() -> None:
    world = ref.World("UTC")
    begin, day = ref.to_us(ref.datetime(2024, 1, 1, tzinfo=ref.UTC)), DAY_US
    world.persons = {(0, m): m for m in range(3)} | {(1, 0): 10}
    world.facts = [
        plainly.Rich("events", account, member, begin + d * day, 0, "login")
        for account, member in ((0, 0), (0, 1), (0, 2), (1, 0))
        for d in range(0, 40, 2 if member == 0 else 1)
    ]
    said = ((0, "Primary Admin, user", 0), (0, "user", 10), (1, "primary admin", 20), (1, None, 30))
    for seq, (member, value, at) in enumerate(said):
        world.traits.append(ref.Stated(0, "role", value, begin + at * day, 0, True, member, seq=seq + 1))
    for seq, f in enumerate(world.facts):
        f.seq = seq + 1
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    quantity = Quantity("logins", role="primary admin")
    sheet = plainly.panel_of(facts).sheet("account", {(quantity, Grain.WEEK)}, now_us=begin + 36 * day)
    windows = sheet.numbers().windows(quantity, Grain.WEEK, 1)[:, :, 0]
    # Half as many by the first, who counts on after day 10; from day 20 on by the second, also after day 30.
    assert windows[0].tolist() == [4.0, 3.0, 7.0, 7.0, 7.0]
    assert np.isnan(windows[1]).all()  # nobody there ever was a primary admin
    facts.close()
