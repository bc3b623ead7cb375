"""Made facts as the panel counts them: those of the tables of derived facts, one by one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.calendar import Grain
from beforehand.errors import InputError
from beforehand.facts.derived import ensure, recipe_of
from beforehand.signals.tree import (
    BackAndForth,
    Made,
    Mentions,
    Overdue,
    Quantity,
    Repeated,
    Turned,
    Waiting,
    Without,
)

# The reference is shared by the tests beside this one; test files are imported by path, not as a package.
if "panel_plainly" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("panel_plainly", Path(__file__).with_name("plainly.py"))
    assert _spec is not None and _spec.loader is not None
    sys.modules["panel_plainly"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["panel_plainly"])
plainly: Any = sys.modules["panel_plainly"]
ref = plainly.ref

HOURS = 6 * plainly.HOUR
OF_EVENTS: list[tuple[str, Made]] = [
    ("logins", Without("count", HOURS)),
    ("count", Repeated(2, 8 * HOURS)),
    ("people", Repeated(2, 8 * HOURS)),
    ("logins", BackAndForth("people", 12 * HOURS)),
]
OF_TICKETS: list[tuple[str, Made]] = [
    ("all tickets", Turned("reopened")),
    ("writers", Waiting(2)),
    ("all tickets", Waiting(3)),
]


def made_rows(facts: Any, world: Any, asked: list[tuple[str, Made]]) -> dict[Made, str]:
    """Puts the rows of the tables of made facts into the world, and says where they are."""
    tables = {}
    for metric, made in asked:
        name = ensure(facts.connection, recipe_of(made, plainly.METRICS[metric], plainly.METRICS, facts.settings))
        tables[made] = name
        rows = facts.connection.execute(
            f"SELECT account, member, epoch_us(occurred_at), delay, sign, ticket, category, stored_seq FROM {name}"
        ).fetchall()
        for account, member, us, delay, sign, ticket, category, seq in rows:
            world.facts.append(
                plainly.Rich(name, account, member, us, delay, "", None, sign, seq, ticket or "", category)
            )
    return tables


@plainly.FEW
@given(
    plainly.worlds(roles=True), st.booleans(), st.sampled_from(["account", "person"]),
    st.sampled_from([None, None, "admin"]), plainly.GRAINS, st.integers(1, 3),
)  # fmt: skip
def test_made_facts_equal_reading_every_one(
    world: Any, whole: bool, kind: str, role: str | None, grain: Grain, width: int
) -> None:
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts, world.traits)
    tables = made_rows(facts, world, OF_EVENTS + OF_TICKETS)
    asked = [
        (Quantity(metric, made=made, standing=isinstance(made, Waiting), role=role), grain, width)
        for metric, made in OF_EVENTS + OF_TICKETS
    ]
    plainly.check(facts, world, kind, asked, ref.now_of(world, whole), filling=not whole, made=tables)
    facts.close()


@plainly.FEW
@given(plainly.worlds(), st.sampled_from(["ticket", "issue"]), st.booleans(), st.integers(4, 12))
def test_made_facts_of_tickets_and_issues_as_they_arrive(world: Any, kind: str, standing: bool, size: int) -> None:
    facts = ref.open_facts(world)
    plainly.store(facts, [], world.traits)
    asked = [
        (Quantity(metric, made=made, standing=standing or isinstance(made, Waiting)), Grain.DAY, 2)
        for metric, made in OF_TICKETS
    ]
    now = ref.now_of(world, True)
    for first in range(0, max(len(world.facts), 1), size):
        plainly.store(facts, world.facts[first : first + size])
        plainly.panel_of(facts).sheet(kind, {(q, g) for q, g, _ in asked}, now_us=now)
    plainly.check(facts, world, kind, asked, now, made=made_rows(facts, world, OF_TICKETS))
    facts.close()


def test_what_nothing_can_be_made_from_is_refused() -> None:
    facts = ref.open_facts(ref.World("UTC"))
    for quantity, said in (
        (Quantity("count", made=Waiting(2), standing=True), "is over events"),
        (Quantity("tickets", made=Overdue(60), standing=True), "is over tickets"),
        (Quantity("count", made=Mentions(("cancel",))), "is over events"),
        (Quantity("sum", made=Repeated(2, HOURS)), "is a sum"),
        (Quantity("count", made=Without("tickets", HOURS)), "cannot follow"),
    ):
        with pytest.raises(InputError, match=said):
            plainly.panel_of(facts).sheet("account", {(quantity, Grain.DAY)}, now_us=0)
    facts.close()


def test_counts_of_tables_that_are_gone_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["beforehand.facts.derived.tables"], "KEPT", 1)
    world = ref.World("UTC")
    begin = ref.to_us(ref.datetime(2024, 1, 1, tzinfo=ref.UTC))
    world.facts = [plainly.Rich("events", 0, 0, begin + i * plainly.HOUR, 0, "login", seq=i + 1) for i in range(200)]
    facts = ref.open_facts(world)
    plainly.store(facts, world.facts)
    for times in (2, 3, 4):
        quantity = Quantity("count", made=Repeated(times, HOURS))
        sheet = plainly.panel_of(facts).sheet("account", {(quantity, Grain.DAY)}, now_us=begin + 8 * ref.DAY_US)
        assert np.nansum(sheet.numbers().windows(quantity, Grain.DAY, 1)) > 0
    places = facts.connection.execute("SELECT place FROM panel_sets WHERE place LIKE 'made%'").fetchall()
    assert len(places) == 1
    facts.close()
