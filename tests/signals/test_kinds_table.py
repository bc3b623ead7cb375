"""No kind is half there: each has a rule, a meaning, a judge, evidence, words, a heading and examples that hold."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydantic import BaseModel

from beforehand.calendar import Grain
from beforehand.signals import KINDS, Kind, SeriesNumbers, Signal, Vocabulary, build, echo, judge, kind_of, parse, say
from beforehand.signals import judges as judges_module
from beforehand.signals import milestone as milestone_module
from beforehand.signals import peers as peers_module
from beforehand.signals.asked import node_grain
from beforehand.signals.canonical import EACH
from beforehand.signals.dates import BEGUN, RENEWAL
from beforehand.signals.evidence import peers_evidence
from beforehand.signals.grammar import FORMS, GRAMMAR_FILE, OPEN_NAMES, grammar_for
from beforehand.signals.made import WAYS, Way
from beforehand.signals.plain_words import HOW
from beforehand.signals.signal import PLURAL
from beforehand.signals.transform import Meaning
from beforehand.signals.tree import Compound, Leaf, Made, Node, Peers, Quantity, SubjectKind, parts_of
from beforehand.signals.who import OF_TABLE
from beforehand.workspace.spec import (
    AGGREGATES,
    CompoundSpec,
    MetricSpec,
    OutcomeSpec,
    SettingsSpec,
    SignalSpec,
)

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "sentences.md"
by_name = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def test_the_table_holds_every_leaf_of_the_tree_once() -> None:
    assert {kind.leaf for kind in KINDS} == set(get_args(Leaf))
    assert len({kind.name for kind in KINDS}) == len({kind.anchor for kind in KINDS}) == len(KINDS)


def test_every_judge_belongs_to_a_kind() -> None:
    found = {
        function
        for module in (judges_module, peers_module, milestone_module)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("judge_")
    }
    assert found == {kind.judge for kind in KINDS}


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
    usual = 0.0 if kind.name == "milestone" else 30.0
    series = np.array([usual] * max(40, width + 8) + [odd] * (1 if kind.name == "spike" else 3))
    windows = np.lib.stride_tricks.sliding_window_view(series[np.newaxis], width, axis=1)
    verdicts = kind.judge(leaf, windows, True)
    assert verdicts.shape == windows.shape[:2]
    if kind.name == "peers":  # of one alone nothing can be said
        assert set(verdicts[0].tolist()) == {2}
    else:
        assert verdicts[0, -1] == 1, f"{kind.example!r} does not hold on a clear case"
        assert verdicts[0, 0] == (1 if kind.name == "milestone" else 0)
    told = peers_evidence(leaf, windows[0, -1], True, 20.0) if isinstance(leaf, Peers) else None
    told = told or kind.evidence(leaf, windows[0, -1], True)
    assert told.kind == kind.name
    assert told.values[-1] == odd
    assert told.gap * (odd - 30) > 0
    assert told.wrong == told.streak.of
    assert told.run >= told.wrong
    assert isinstance(kind.only_truer(leaf), bool)
    assert isinstance(kind.falls(leaf), bool)


@by_name
def test_the_example_is_judged_over_many_from_the_sentence_on(kind: Kind[Leaf], vocabulary: Vocabulary) -> None:
    read = parse(kind.example, vocabulary)
    leaf = read.condition
    quantity, grain = kind.reads(leaf)
    periods = max(40, kind.width(leaf) + 8)
    odd = {"spike": 400.0}.get(kind.name, 0.0)
    values = np.tile(np.where(np.arange(periods) < periods - 3, 30.0, 30.0), (20, 1))
    values[0, periods - (1 if kind.name == "spike" else 14 if kind.name == "absence" else 3) :] = odd
    if kind.name == "milestone":
        values[0] = 0
    ages = {"age": np.tile(np.arange(float(periods)), (20, 1))}
    numbers = SeriesNumbers({quantity.metric: values}, grain, aggregates=vocabulary.aggregates, traits=ages)
    found = judge(Signal("one", read, counted=vocabulary.counted), numbers).verdicts
    assert found[0, -1] == 1
    assert set(found[1:, -1].tolist()) == {0}


@by_name
def test_a_kind_has_its_part_of_the_page(kind: Kind[Leaf]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    anchors = [line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")]
    assert kind.anchor in anchors
    part = text.lower().split(f"\n## {kind.anchor.replace('-', ' ')}\n")[1].split("\n## ")[0]
    assert kind.example in part


# -- ways to make facts, conditions that are no leaves, the parts of clauses ---------------------------------------

of_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.rule)
JOINED = "more-than-one-condition"
# Conditions beside the kinds: their rules, an example, and what it parses to.
CONDITIONS = {
    "All": (
        ("together", "conjunction"),
        "logins below 2 per week and errors at least 20 per day",
        JOINED,
    ),
    "Any": (("alternatives",), "no logins for 14 days or active people below 2 for 3 weeks", JOINED),
    "Then": (("recovery",), "logins recover within 28 days", "usual"),
    "Unless": (
        ("condition",),
        "logins below 2 for 2 weeks unless tickets at least 3 in 30 days",
        JOINED,
    ),
    "After": (("gated",), "seats used below 30% 90 days after contract start", "days-and-entitlements"),
    "Negation": (("negation",), "not (logins below 2 or errors above 5)", JOINED),
    "Due": (("due",), "renewal within 120 days", "days-and-entitlements"),
    "AlertOpen": (("alert_open",), "any critical alert open", "open-alerts"),
    "Named": (("named",), "no logins for 14 days unless signal quiet", JOINED),
}
# Rules that make parts of a clause or say for whom; each with words of the page that it reads.
PARTS = {
    "start": "",
    "population": "for accounts where",
    "quantity": "",
    "plain": "logins",
    "amount": "10,000",
    "rate": "per week",
    "per_active": "per active person",
    "rolling": "in 30 days",
    "streak": "for 3 consecutive weeks",
    "part_of": "in 3 of 4 weeks",
    "before": "the 8 weeks before",
    "course": "in a quarter",
    "usual_of": "of the 12 weeks before",
    "comparator": "below",
    "entitled": "90% of seats",
    "alike": "by plan and region",
    "mentioned": "cancel, competitor or price",
    "same": "on the same issue",
    "from_role": "from a decision maker",
    "by_role": "by any champion",
    "either": " or ",
    "both": " and ",
    "negated": "and not region",
    "equal": "plan is business",
    "is_not": "plan is not",
    "among": "plan in (basic, pro)",
    "among_not": "not in (...)",
    "ordered": "age above 90 days",
    "ordered_or": "or more",
    "trait": "plan",
    "values": "(basic, pro)",
    "value": "business",
}


@of_way
def test_a_way_to_make_facts_is_whole(way: Way[Made], vocabulary: Vocabulary) -> None:
    assert hasattr(Meaning, way.rule)
    assert {one.made for one in WAYS} == set(get_args(Made))
    read = parse(way.example, vocabulary)
    made = getattr(read.condition, "quantity").made  # noqa: B009 - every example is a leaf
    assert isinstance(made, way.made)
    assert parse(say(read, vocabulary), vocabulary).condition == read.condition
    told = way.tell(made, "x", vocabulary)
    assert told[1:] in echo(read, vocabulary).replace(vocabulary.name(read.condition.quantity.metric).lower(), "x")
    part = PAGE.read_text(encoding="utf-8").lower().split(f"\n## {way.anchor.replace('-', ' ')}\n")[1].split("\n## ")[0]
    assert way.example.lower() in part
    # What is made is judged like any count.
    grain = Grain.DAY
    quantity = read.condition.quantity
    values = np.zeros((1, 40))
    values[0, -3:] = 3
    numbers = SeriesNumbers({quantity.metric: values}, grain, aggregates=vocabulary.aggregates)
    named = Signal("one", parse(way.example + (" per day" if read.condition.grain is not grain else ""), vocabulary))
    assert judge(named, numbers).verdicts[0, -5:].tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_whole(name: str, vocabulary: Vocabulary) -> None:
    rules, example, anchor = CONDITIONS[name]
    assert all(hasattr(Meaning, rule) for rule in rules)
    read = parse(example, vocabulary)

    def nodes(node: Node) -> Iterator[Node]:
        yield node
        for part in parts_of(node):
            yield from nodes(part)

    assert name in {type(node).__name__ for node in nodes(read.condition)}
    assert parse(say(read, vocabulary), vocabulary).condition == read.condition
    assert echo(read, vocabulary)
    text = PAGE.read_text(encoding="utf-8").lower()
    part = text.split(f"\n## {anchor.replace('-', ' ')}\n")[1].split("\n## ")[0]
    assert example.lower() in part
    others = {"quiet": build(SignalSpec(signal="quiet", when="errors below 1"), vocabulary)}
    values = {metric: np.zeros((1, 40)) for metric in vocabulary.aggregates}
    names = {"age", "seats", *RENEWAL, *BEGUN}
    numbers = SeriesNumbers(
        values, Grain.DAY, aggregates=dict.fromkeys(values, "count"), traits={n: np.full((1, 40), 5.0) for n in names}
    )
    found = judge(Signal("one", read, counted=vocabulary.counted), numbers, others).verdicts
    assert found.shape == (1, len(numbers.ends(node_grain(read.condition, others))))


def test_every_condition_of_the_tree_is_here() -> None:
    classes = {node.__name__ for node in (*get_args(Compound), *(c for c in get_args(Node)))}
    assert {c for c in classes if c not in {leaf.__name__ for leaf in get_args(Leaf)}} == CONDITIONS.keys()


def test_every_rule_of_the_grammar_belongs_somewhere(vocabulary: Vocabulary) -> None:
    rules = {str(rule.alias or rule.origin.name) for rule in grammar_for(vocabulary).rules}
    rules = {rule for rule in rules if not rule.startswith("_")}
    known = {rule for kind in KINDS for rule in kind.rules} | {way.rule for way in WAYS}
    known |= {rule for rules, _, _ in CONDITIONS.values() for rule in rules} | PARTS.keys()
    inlined = {"item"}
    assert rules <= known | inlined, "a rule that no kind, way, condition or part owns"
    assert known <= rules | {"quantity"}, "a name of no rule"
    for rule in rules - inlined:
        assert hasattr(Meaning, rule), f"{rule} is parsed, but has no meaning"
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    for rule, words in PARTS.items():
        assert words in page, f"the page does not show {rule}"


def test_every_terminal_is_used_by_a_rule_and_has_words(vocabulary: Vocabulary) -> None:
    used = {symbol.name for rule in grammar_for(vocabulary).rules for symbol in rule.expansion if symbol.is_term}
    assert used == {t.name for t in grammar_for(vocabulary).terminals} - {"BLANK"}
    assert used == FORMS.keys() | (OPEN_NAMES.keys() - {"$END"})


# -- aggregates, subjects and settings -----------------------------------------------------------------------------


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_every_aggregate_can_be_said_told_and_judged(aggregate: str) -> None:
    of = (
        {"of": "event = 'a'"}
        if aggregate == "share"
        else {}
        if aggregate in ("count", "people")
        else {"of": "properties.ms"}
    )
    known = Vocabulary.of({"things": MetricSpec.model_validate({aggregate: "events", **of})})
    read = parse("things below 0.5 per week for 2 weeks", known)
    assert HOW[aggregate] in echo(read, known)
    numbers = SeriesNumbers({"things": np.array([[1.0, 0, 0]])}, Grain.WEEK, aggregates=known.aggregates)
    assert judge(Signal("one", read, counted=known.counted), numbers).verdicts[0].tolist()[1:] == [0, 1]
    assert HOW.keys() == set(AGGREGATES)


@pytest.mark.parametrize("subject", get_args(SubjectKind))
def test_every_subject_can_be_said_and_is_on_the_page(subject: SubjectKind, vocabulary: Vocabulary) -> None:
    assert subject in EACH
    assert subject in PLURAL
    metric = {"tickets": "tickets", "events": "events"}[OF_TABLE.get(subject, "events")]
    read = parse(f"{metric} below 5 for {EACH[subject][1]} where plan is pro", vocabulary)
    assert read.subject == subject
    assert parse(say(read, vocabulary), vocabulary).subject == subject
    assert f"for {EACH[subject][0 if subject != 'account' else 1]}" in PAGE.read_text(encoding="utf-8")


SPECS = (SettingsSpec, MetricSpec, OutcomeSpec, SignalSpec, CompoundSpec)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_every_key_of_a_file_has_an_executor_a_page_and_a_test(spec: type[BaseModel]) -> None:
    code = [path for path in (ROOT / "src").rglob("*.py") if path.name != "spec.py"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in code)
    own = (ROOT / "src/beforehand/workspace/spec.py").read_text(encoding="utf-8")
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for name, field in spec.model_fields.items():
        said = field.alias or name
        read = rf"\.{name}\b"
        by_name = name in AGGREGATES and "getattr(self, " in own  # the aggregates are told by their names
        assert re.search(read, source) or re.search(read, own) or by_name, f"{spec.__name__}.{name} is read nowhere"
        assert f"`{said}" in pages or f"{said}:" in pages, f"no page tells of {said}"
        assert re.search(rf"\b{re.escape(said)}\b|\b{name}\b", tests), f"no test has {said}"
