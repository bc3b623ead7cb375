"""The sentences of the signals, understood: vocabulary and built signals, each problem on the line of its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from beforehand.errors import among
from beforehand.signals import SentenceError, Signal, Vocabulary, build, parse
from beforehand.signals.signal import names_in
from beforehand.workspace.spec import CompoundSpec, MetricSpec, SignalSpec
from beforehand.workspace.yaml_file import At, Written

Specs = Mapping[str, tuple[SignalSpec, Written]]
ONE_WORD = re.compile(r"[a-z0-9][a-z0-9-]*")


def build_signals(
    specs: Specs, metrics: Mapping[str, MetricSpec], known: frozenset[str] = frozenset()
) -> tuple[Vocabulary, dict[str, Signal]]:
    """Every signal whose sentences are understood; what is wrong with the others is recorded in their files.

    `known` are names of signals whose files have problems of their own: to name one is no further problem.
    """
    vocabulary = Vocabulary.of(metrics, {*specs, *known})
    signals: dict[str, Signal] = {}
    for name, (spec, written) in specs.items():
        wrong = list(_misread(spec, vocabulary))
        for at, error in wrong:
            _tell(error, at, written, vocabulary)
        if not wrong:
            try:
                signals[name] = build(spec, vocabulary)
            except SentenceError as error:
                _tell(error, error.path, written, vocabulary)
    named = _check_named(signals, specs, known)
    return vocabulary, _standing(signals, named)


def _misread(spec: SignalSpec, vocabulary: Vocabulary) -> Iterator[tuple[At, SentenceError]]:
    """Each sentence of a signal that cannot be read, so that a file with three wrong ones is mended at once."""
    for at, text in (
        *_sentences(spec.when, ("when",)),
        *([(("clear",), spec.clear)] if spec.clear is not None else []),
    ):
        if len(at) > 1 and text.strip() in vocabulary.signals:
            continue
        try:
            parse(text, vocabulary)
        except SentenceError as error:
            yield at, error


def _sentences(when: str | CompoundSpec, at: At) -> Iterator[tuple[At, str]]:
    if isinstance(when, str):
        yield at, when
        return
    key = "all of" if when.all_of is not None else "any of"
    for number, part in enumerate(when.parts):
        yield from _sentences(part, (*at, key, number))


def _tell(error: SentenceError, at: At, written: Written, vocabulary: Vocabulary) -> None:
    word = error.text.strip()
    if len(at) > 1 and ONE_WORD.fullmatch(word) and "-" in word:
        written.problem(at, "unknown-signal", f"{word!r} is not a signal.", among(word, vocabulary.signals))
        return
    hint = error.hint or "Compare it with the sentences of the starter, or read docs/explanation/sentences.md."
    written.problem(at, error.code or "bad-sentence", error.message, hint)


def _standing(signals: dict[str, Signal], named: Mapping[str, set[str]]) -> dict[str, Signal]:
    """The signals that can be judged: all they name stands too, which nothing in a circle does."""
    standing: dict[str, Signal] = {}
    while more := [name for name in signals if name not in standing and named[name] <= standing.keys()]:
        standing |= {name: signals[name] for name in more}
    return {name: signal for name, signal in signals.items() if name in standing}


def _check_named(signals: Mapping[str, Signal], specs: Specs, known: frozenset[str]) -> dict[str, set[str]]:
    """Signals that name others: they exist, are about the same subjects, and lead to no circle.

    Returns which names which.
    """
    named: dict[str, set[str]] = {}
    for name, signal in signals.items():
        others = names_in(signal.sentence.condition) | (names_in(signal.clear.condition) if signal.clear else set())
        named[name] = others
        for other in sorted(others):
            at = _where_named(specs[name][0], other)
            if other not in signals and other not in specs and other not in known:
                hint = among(other, specs)
                specs[name][1].problem(at, "unknown-signal", f"{other!r} is not a signal.", hint)
            elif other in signals and signals[other].subject != signal.subject:
                said = f"{name} is about {_plural(signal)}, but {other} is about {_plural(signals[other])}."
                specs[name][1].problem(at, "other-subject", said, "A signal names signals about the same subjects.")
    graph = dict(named)
    while True:
        try:
            TopologicalSorter(graph).prepare()
            return named
        except CycleError as error:
            circle: list[str] = list(reversed(error.args[1]))
            first = min(circle[:-1])
            turn = circle.index(first)
            circle = [*circle[turn:-1], *circle[:turn], first]
            at = _where_named(specs[first][0], circle[1])
            said = f"Signals name each other in a circle: {' -> '.join(circle)}."
            specs[first][1].problem(at, "cycle", said, "Take one of the names out.")
            graph[first] = set()


def _where_named(spec: SignalSpec, other: str) -> At:
    """The place where a signal names another."""
    places = [at for at, text in _sentences(spec.when, ("when",)) if other in text]
    return places[0] if places else (("clear",) if spec.clear and other in spec.clear else ("when",))


def _plural(signal: Signal) -> str:
    return "people" if signal.subject == "person" else "accounts"
