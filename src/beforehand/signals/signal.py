"""A signal: a sentence with its clear sentence and the settings of its alerts, built from its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from beforehand.errors import InputError, among
from beforehand.signals.kinds import kind_of
from beforehand.signals.language import parse
from beforehand.signals.sentence_error import SentenceError
from beforehand.signals.tree import All, Any, Named, Node, Population, Sentence, SubjectKind
from beforehand.signals.vocabulary import Vocabulary

if TYPE_CHECKING:
    from beforehand.workspace.spec import CompoundSpec, SignalSpec

PLURAL = {"account": "accounts", "person": "people"}


@dataclass(frozen=True)
class Signal:
    """What one file of `signals/` means. `delay_in` and `delay_out` are closes; `counted` are
    the metrics that are whole numbers of things.
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
    )


def only_truer(signal: Signal, named: Mapping[str, Signal], vocabulary: Vocabulary) -> bool:
    """Whether further facts can only turn the condition from `clear` to `holds`, so that it may be judged on the period
    still filling: kinds and metrics that only grow, in every part. `named` are the signals it may name.
    """
    return _only_truer(signal.sentence.condition, named, vocabulary)


def _only_truer(node: Node, named: Mapping[str, Signal], vocabulary: Vocabulary) -> bool:
    match node:
        case Named():
            other = named[node.signal].sentence
            # A population may be left; outside of it a named signal does not hold.
            return other.population is None and _only_truer(other.condition, named, vocabulary)
        case All(parts=parts) | Any(parts=parts):
            return all(_only_truer(part, named, vocabulary) for part in parts)
        case _:
            kind = kind_of(node)
            quantity, _ = kind.reads(node)
            return kind.only_truer(node) and quantity.metric in vocabulary.growing and not quantity.per_active


def check_names(signals: Mapping[str, Signal]) -> None:
    """InputError where a signal names one that is not there or is about others, or where names lead in a circle."""
    for name, signal in signals.items():
        for sentence in (signal.sentence, signal.clear):
            for other in sorted(names_in(sentence.condition)) if sentence else ():
                if other not in signals:
                    raise InputError(
                        f"{name} names {other!r}, which is no signal.", among(other, signals), code="unknown-signal"
                    )
                if signals[other].subject != signal.subject:
                    own, others = PLURAL[signal.subject], PLURAL[signals[other].subject]
                    raise InputError(
                        f"{name} is about {own}, but {other} is about {others}.",
                        "A signal can only name signals about the same subjects.",
                        code="other-subject",
                    )
    for name in signals:
        cycle = _cycle(name, signals, ())
        if cycle:
            raise InputError(
                f"Signals name each other in a circle: {' -> '.join(cycle)}.",
                "Take one of the names out.",
                code="cycle",
            )


def names_in(node: Node) -> set[str]:
    """The names of other signals in a tree."""
    match node:
        case Named():
            return {node.signal}
        case All(parts=parts) | Any(parts=parts):
            return set().union(*(names_in(part) for part in parts))
        case _:
            return set()


def _cycle(name: str, signals: Mapping[str, Signal], path: tuple[str, ...]) -> tuple[str, ...] | None:
    if name in path:
        return (*path[path.index(name) :], name)
    signal = signals[name]
    after = names_in(signal.sentence.condition) | (names_in(signal.clear.condition) if signal.clear else set())
    for other in sorted(after & signals.keys()):
        found = _cycle(other, signals, (*path, name))
        if found:
            return found
    return None


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
        key = "all of" if spec.all_of is not None else "any of"
        parts = spec.all_of if spec.all_of is not None else spec.any_of
        nodes = tuple(self._part(part, (*path, key, i)) for i, part in enumerate(parts or ()))
        if not nodes:
            raise SentenceError(f"`{key}:` has no parts.", self.text(spec)).at(*path)
        if spec.within is not None:
            if len(nodes) < 2:
                raise SentenceError("`within:` needs two parts.", self.text(spec)).at(*path)
            days = spec.within / timedelta(days=1)
            if days != int(days) or days < 1:
                raise SentenceError("`within:` is in whole days.", self.text(spec), advice="For example: 14 days").at(
                    *path
                )
            return All(nodes, int(days))
        if len(nodes) == 1:
            return nodes[0]
        return All(nodes) if key == "all of" else Any(nodes)

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
        parts = [
            part if isinstance(part, str) else f"({self.text(part)})" for part in (spec.all_of or spec.any_of or ())
        ]
        within = f", within {spec.within.days} days" if spec.within is not None else ""
        return joint.join(parts) + within
