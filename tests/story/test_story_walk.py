"""No kind without its story: walks kinds, made facts, subjects, parts of conditions, and what happens around alerts."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_args

import pytest

from beforehand.calendar import Grain
from beforehand.commands import meanwhile as search
from beforehand.signals import tree
from beforehand.signals.kinds import KINDS
from beforehand.signals.tree import Compound, Level, Made, Node, Quantity, Streak, SubjectKind
from beforehand.story import meanwhile, quantities
from beforehand.story.clause import LEAVES, Clause, Measure, Role
from beforehand.story.closing import leaf_phrase, phrase
from beforehand.story.kinds import TELLERS
from beforehand.workspace.spec import AGGREGATES

GOLDEN = Path(__file__).parent / "golden"
PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "story.md").read_text(encoding="utf-8")
SAMPLES: dict[str, object] = {
    "metric": "m", "then": "n", "other": "n", "within_us": 3_600_000_000, "times": 3, "words": ("cancel",), "days": 3,
    "turn": "reopened", "need": 3, "of": 5, "quantity": Quantity("m"), "op": "<", "bound": 2.0, "direction": "down",
    "fraction": 0.4,
    "baseline": 8, "signal": "s", "parts": (Level(Quantity("m"), "<", 2.0),),
    "condition": Level(Quantity("m"), "<", 2.0),
    "exception": Level(Quantity("n"), "<", 2.0), "first": Level(Quantity("m"), "<", 2.0), "within_days": 14,
    "date": "renewal", "least": "high",
}  # fmt: skip


def sample(kind: type) -> object:
    """One of a kind, with a plain value for each field that must be given."""
    fields = inspect.signature(kind).parameters.values()
    if kind is tree.Then:
        return tree.Then(Level(Quantity("m"), "<", 2.0), Level(Quantity("n"), "<", 2.0), 14)
    return kind(**{f.name: SAMPLES[f.name] for f in fields if f.default is f.empty or f.name == "days"})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_told_kept_and_closes(kind: object) -> None:
    leaf_type = kind.leaf  # type: ignore[attr-defined]
    assert leaf_type in TELLERS
    assert leaf_type in LEAVES.values()
    leaf = sample(leaf_type)
    clause = Clause(leaf, "logins", "count", 0)  # type: ignore[arg-type]
    assert Clause.from_json(clause.as_json()) == clause
    assert leaf_phrase(clause).startswith(("logins ", "there are "))
    assert leaf_type.__name__.lower() in PAGE.lower()


def test_the_tellers_are_those_of_the_kinds() -> None:
    assert set(TELLERS) == {kind.leaf for kind in KINDS} == set(LEAVES.values())


@pytest.mark.parametrize("made", get_args(Made), ids=lambda made: made.__name__)
def test_every_made_fact_is_named_kept_and_has_a_golden_story(made: type) -> None:
    quantity = Quantity("m", made=sample(made), standing=made in quantities.STANDING)  # type: ignore[arg-type]
    said = quantities.called(quantity, "exports", "reports")
    assert said != "exports"
    assert quantities.from_json(quantities.as_json(quantity)) == quantity
    clause = Clause(Level(quantity, ">=", 1, Grain.DAY, Streak()), "exports", "count", 0)
    assert Clause.from_json(clause.as_json()) == clause
    assert any(made.__name__.lower() in path.stem.replace("-", "") for path in GOLDEN.glob("made-*.txt"))


@pytest.mark.parametrize("subject", get_args(SubjectKind))
def test_every_subject_stands_in_the_sentence(subject: SubjectKind) -> None:
    said = quantities.scoped("logins", subject, "X-1")
    assert said.startswith("logins ") and said.endswith("X-1")
    assert quantities.scoped("logins", subject, "") == "logins"


@pytest.mark.parametrize("node", [n for n in get_args(Node) if n not in LEAVES.values()], ids=lambda n: n.__name__)
def test_every_part_of_a_condition_can_close_an_episode(node: type) -> None:
    said = phrase(sample(node), lambda metric: (metric, "count"))  # type: ignore[arg-type]
    assert said and not said.startswith("None")


def test_every_compound_has_its_places() -> None:
    source = inspect.getsource(__import__("beforehand.commands.parts", fromlist=["places"]).places)
    for compound in get_args(Compound):
        assert f"{'AnyOf' if compound is tree.Any else compound.__name__}(" in source


def test_every_aggregate_and_role_is_known() -> None:
    assert set(AGGREGATES) <= set(get_args(Measure))
    source = inspect.getsource(__import__("beforehand.story.kinds", fromlist=["tell"]))
    for role in get_args(Role):
        assert role in ("", "first") or f'"{role}"' in source


def test_whatever_is_found_around_an_alert_can_be_told() -> None:
    source = inspect.getsource(search)
    found = {kind for kind in meanwhile.TELLERS if f'Found("{kind}"' in source or f'"{kind}"' in source}
    assert found == set(meanwhile.TELLERS)
    golden = (GOLDEN / "meanwhile.txt").read_text(encoding="utf-8")
    assert golden.count("\nmeanwhile ") >= len(meanwhile.TELLERS)
    assert "because" not in golden
