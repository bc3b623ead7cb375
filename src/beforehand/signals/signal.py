"""A signal: a sentence with its clear sentence and the settings of its alerts, built from its file."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Literal, NamedTuple

from beforehand.errors import InputError, among
from beforehand.signals.kinds import kind_of
from beforehand.signals.language import parse
from beforehand.signals.sentence_error import SentenceError
from beforehand.signals.tree import (
    After,
    AlertOpen,
    All,
    Any,
    BackAndForth,
    Due,
    Mentions,
    Named,
    Negation,
    Node,
    Population,
    Quantity,
    Repeated,
    Sentence,
    SubjectKind,
    Then,
    Unless,
    parts_of,
)
from beforehand.signals.vocabulary import ONCE_ONLY, Vocabulary

if TYPE_CHECKING:
    from beforehand.workspace.spec import CompoundSpec, SignalSpec

PLURAL = {"account": "accounts", "person": "people", "ticket": "tickets", "issue": "issues", "feature": "features"}


@dataclass(frozen=True)
class Signal:
    """What one file of `signals/` means. `delay_in` and `delay_out` are closes; `counted` are
    the metrics that are whole numbers of things, `lasting` those that are no amounts of what was done but values that
    a period has whatever is done in it; `own_zone`: periods are in the zone of each account.
    """

    name: str
    sentence: Sentence
    clear: Sentence | None = None
    severity: Literal["critical", "high", "medium", "low"] = "medium"
    mode: Literal["on", "shadow", "off"] = "on"
    polarity: Literal["risk", "growth"] = "risk"
    delay_in: int = 1
    delay_out: int = 1
    why: str | None = None
    outcome: str | None = None
    horizon: timedelta | None = None
    counted: frozenset[str] = frozenset()
    lasting: frozenset[str] = frozenset()
    own_zone: bool = False

    @property
    def text(self) -> str:
        """The sentence as it was written."""
        return self.sentence.text

    @property
    def subject(self) -> SubjectKind:
        """What a row is: an account, or a person of one."""
        return self.sentence.subject

    def only_condition(self) -> Signal:
        """The signal without its population and its clear sentence."""
        sentence = Sentence(self.sentence.text, self.sentence.condition, self.sentence.subject)
        return replace(self, sentence=sentence, clear=None)


def build(spec: SignalSpec, vocabulary: Vocabulary) -> Signal:
    """The signal of a file; SentenceError with the `path` to the sentence that is not understood."""
    sentence = _when(spec.when, vocabulary)
    clear = None
    if spec.clear is not None:
        try:
            clear = parse(spec.clear, vocabulary)
        except SentenceError as error:
            raise error.at("clear") from None
        if clear.population is not None or clear.subject != "account":
            raise SentenceError(
                "`clear:` is about the same accounts as `when:`.", clear.text, advice="Leave the `for ...` out of it."
            ).at("clear")
        clear = Sentence(clear.text, clear.condition, sentence.subject, sentence.population)
    return Signal(
        name=spec.signal,
        sentence=sentence,
        clear=clear,
        severity=spec.severity,
        mode=spec.mode,
        polarity=spec.polarity,
        delay_in=spec.delay_in,
        delay_out=spec.delay_out,
        why=spec.why,
        outcome=spec.outcome,
        horizon=spec.horizon,
        counted=vocabulary.counted,
        lasting=vocabulary.lasting,
        own_zone=spec.zone == "account",
    )


def only_truer(signal: Signal, named: Mapping[str, Signal], vocabulary: Vocabulary) -> bool:
    """Whether further facts can only turn the condition from `clear` to `holds`, so that it may be judged on the period
    still filling: kinds and metrics that only grow, in every part. `named` are the signals it may name.
    """
    if signal.subject == "issue":
        return False  # a ticket may turn out to be about another
    return _only_truer(signal.sentence.condition, named, vocabulary)


def _only_truer(node: Node, named: Mapping[str, Signal], vocabulary: Vocabulary) -> bool:
    match node:
        case Named():
            other = named[node.signal].sentence
            # A population may be left; outside of it a named signal does not hold.
            return other.population is None and _only_truer(other.condition, named, vocabulary)
        case All() | Any() | Then():
            return all(_only_truer(part, named, vocabulary) for part in parts_of(node))
        case Unless() | After() | Negation() | Due() | AlertOpen():
            return False  # an exception may come true, a day be put off, an alert close
        case _:
            kind = kind_of(node)
            quantity, _ = kind.reads(node)
            return bool(kind.only_truer(node)) and _only_grows(quantity, vocabulary)


def _only_grows(quantity: Quantity, vocabulary: Vocabulary) -> bool:
    """Whether further facts can only raise it: what was made may be taken back, and a role change hands."""
    if quantity.per_active or quantity.standing or quantity.role is not None:
        return False
    once = vocabulary.tables.get(quantity.metric) in ONCE_ONLY
    made = quantity.made is None or (once and isinstance(quantity.made, Repeated | BackAndForth | Mentions))
    return made and quantity.metric in vocabulary.growing


class WrongName(NamedTuple):
    """A signal that names another in a way it cannot, and what is wrong with that."""

    signal: str
    other: str
    error: InputError


def wrong_names(signals: Mapping[str, Signal], known: Container[str] = frozenset()) -> Iterator[WrongName]:
    """Every name of another signal that is not there or is about other subjects, and every circle of names, once.

    `known` are signals that exist but could not be built: to name one is not wrong.
    """
    after: dict[str, set[str]] = {}
    for name, signal in signals.items():
        others = names_in(signal.sentence.condition) | (names_in(signal.clear.condition) if signal.clear else set())
        after[name] = others & signals.keys()
        for other in sorted(others):
            if other not in signals and other not in known:
                said = f"{name} names {other!r}, which is no signal."
                yield WrongName(name, other, InputError(said, among(other, signals), code="unknown-signal"))
            elif other in signals and signals[other].subject != signal.subject:
                own, theirs = PLURAL[signal.subject], PLURAL[signals[other].subject]
                said, hint = (
                    f"{name} is about {own}, but {other} is about {theirs}.",
                    "Name one about the same subjects.",
                )
                yield WrongName(name, other, InputError(said, hint, code="other-subject"))
    while circle := _circle(after):
        said = f"Signals name each other in a circle: {' -> '.join(circle)}."
        yield WrongName(circle[0], circle[1], InputError(said, "Take one of the names out.", code="cycle"))
        after[circle[0]] = set()


def names_in(node: Node) -> set[str]:
    """The names of other signals in a tree."""
    match node:
        case Named():
            return {node.signal}
        case _:
            return set().union(*(names_in(part) for part in parts_of(node)))


def _circle(after: Mapping[str, set[str]]) -> tuple[str, ...]:
    """One circle of names, from its first in the alphabet back to it; empty where there is none."""
    try:
        TopologicalSorter(after).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1][:0:-1]
        turn = ring.index(min(ring))
        return (*ring[turn:], *ring[:turn], ring[turn])
    return ()


def _when(when: str | CompoundSpec, vocabulary: Vocabulary) -> Sentence:
    if isinstance(when, str):
        try:
            return parse(when, vocabulary)
        except SentenceError as error:
            raise error.at("when") from None
    whole = _Compound(vocabulary)
    condition = whole.node(when, ("when",))
    text = whole.text(when)
    return Sentence(text, condition, whole.subject or "account", whole.population)


class _Compound:
    """Builds a compound from its parts; the population and the subject may be said in any one of them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.subject: SubjectKind | None = None
        self.population: Population | None = None

    def node(self, spec: CompoundSpec, path: tuple[str | int, ...]) -> Node:
        node = self._parts(spec, path)
        if spec.then is not None:
            node = Then(node, self._part(spec.then, (*path, "then")), self._days(spec, path))
        if spec.unless is not None:
            node = Unless(node, self._part(spec.unless, (*path, "unless")))
        return node

    def _parts(self, spec: CompoundSpec, path: tuple[str | int, ...]) -> Node:
        key = "all of" if spec.all_of is not None else "any of"
        nodes = tuple(self._part(part, (*path, key, i)) for i, part in enumerate(spec.parts))
        if not nodes:
            raise SentenceError(f"`{key}:` has no parts.", self.text(spec)).at(*path)
        if spec.within is not None and spec.then is None:
            if len(nodes) < 2:
                raise SentenceError("`within:` needs two parts.", self.text(spec)).at(*path)
            return All(nodes, self._days(spec, path))
        if len(nodes) == 1:
            return nodes[0]
        return All(nodes) if key == "all of" else Any(nodes)

    def _days(self, spec: CompoundSpec, path: tuple[str | int, ...]) -> int:
        days = (spec.within or timedelta(0)) / timedelta(days=1)
        if days != int(days) or days < 1:
            said, example = "`within:` is in whole days.", "For example: 14 days"
            raise SentenceError(said, self.text(spec), advice=example).at(*path)
        return int(days)

    def _part(self, part: str | CompoundSpec, path: tuple[str | int, ...]) -> Node:
        if not isinstance(part, str):
            return self.node(part, path)
        if part.strip() in self.vocabulary.signals:
            return Named(part.strip())
        try:
            sentence = parse(part, self.vocabulary)
        except SentenceError as error:
            raise error.at(*path) from None
        if sentence.population is not None or sentence.subject != "account":
            if self.subject is not None and (self.subject, self.population) != (sentence.subject, sentence.population):
                raise SentenceError(
                    "Two parts say `for ...` differently, but an alert is about one population.", part,
                    advice="Say it in one part; it holds for the whole.",
                ).at(*path)  # fmt: skip
            self.subject, self.population = sentence.subject, sentence.population
        return sentence.condition

    def text(self, spec: CompoundSpec) -> str:
        """The compound as one line for people."""
        joint = " and " if spec.all_of is not None else " or "
        text = joint.join(self._written(part) for part in spec.parts)
        if spec.then is not None:
            text += f", then {self._written(spec.then)}"
        text += f", within {spec.within.days} days" if spec.within is not None else ""
        return text + (f", unless {self._written(spec.unless)}" if spec.unless is not None else "")

    def _written(self, part: str | CompoundSpec) -> str:
        return part if isinstance(part, str) else f"({self.text(part)})"
