"""No kind is half there: each has a rule, a meaning, a judge, evidence, words, a heading and examples that hold."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from beforehand.calendar import Grain
from beforehand.signals import KINDS, Kind, Vocabulary, echo, kind_of, parse, say
from beforehand.signals import judges as judges_module
from beforehand.signals.grammar import GRAMMAR_FILE, grammar_for
from beforehand.signals.transform import Meaning
from beforehand.signals.tree import Leaf, Quantity

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "sentences.md"
by_name = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def test_the_table_holds_every_leaf_of_the_tree_once() -> None:
    assert {kind.leaf for kind in KINDS} == set(get_args(Leaf))
    assert len({kind.name for kind in KINDS}) == len({kind.anchor for kind in KINDS}) == len(KINDS)


def test_every_judge_belongs_to_a_kind() -> None:
    judges = {f for name, f in inspect.getmembers(judges_module, inspect.isfunction) if name.startswith("judge_")}
    assert judges == {kind.judge for kind in KINDS}


@by_name
def test_a_kind_has_a_rule_and_a_meaning(kind: Kind[Leaf], vocabulary: Vocabulary) -> None:
    origins = {str(rule.alias or rule.origin.name) for rule in grammar_for(vocabulary).rules}
    assert kind.rules
    for rule in kind.rules:
        assert rule in origins, f"{GRAMMAR_FILE.name} has no rule {rule}"
        assert hasattr(Meaning, rule), f"{rule} is parsed, but has no meaning"


@by_name
def test_the_example_is_of_the_kind_and_can_be_said_and_told(kind: Kind[Leaf], vocabulary: Vocabulary) -> None:
    read = parse(kind.example, vocabulary)
    leaf = read.condition
    assert isinstance(leaf, kind.leaf)
    assert kind_of(leaf) is kind
    written = say(read, vocabulary)
    assert parse(written, vocabulary).condition == leaf
    assert kind.say(leaf, vocabulary) == written
    assert kind.tell(leaf, vocabulary)[1:] in echo(read, vocabulary)


@by_name
def test_the_example_is_judged_and_has_evidence(kind: Kind[Leaf], vocabulary: Vocabulary) -> None:
    leaf = parse(kind.example, vocabulary).condition
    assert isinstance(leaf, kind.leaf)
    quantity, grain = kind.reads(leaf)
    assert isinstance(quantity, Quantity)
    assert isinstance(grain, Grain)
    width = kind.width(leaf)
    assert width >= 1
    odd = 400.0 if kind.name == "spike" else 0.0
    series = np.array([30.0] * max(40, width + 8) + [odd] * (1 if kind.name == "spike" else 3))
    windows = np.lib.stride_tricks.sliding_window_view(series[np.newaxis], width, axis=1)
    verdicts = kind.judge(leaf, windows, True)
    assert verdicts.shape == windows.shape[:2]
    assert verdicts[0, -1] == 1, f"{kind.example!r} does not hold on a clear case"
    assert verdicts[0, 0] == 0
    told = kind.evidence(leaf, windows[0, -1], True)
    assert told.kind == kind.name
    assert told.values[-1] == odd
    assert told.gap * (odd - 30) > 0
    assert told.wrong == told.streak.of
    assert told.run >= told.wrong
    assert isinstance(kind.only_truer(leaf), bool)


@by_name
def test_a_kind_has_its_part_of_the_page(kind: Kind[Leaf]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    anchors = [line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")]
    assert kind.anchor in anchors
    part = text.lower().split(f"\n## {kind.anchor.replace('-', ' ')}\n")[1].split("\n## ")[0]
    assert kind.example in part
