"""The sentences of the signals, understood: vocabulary and built signals, each problem on the line of its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from beforehand.errors import InputError, among
from beforehand.panel.refusals import why_not
from beforehand.signals import SentenceError, Signal, Vocabulary, build, parse, quantities_of, wrong_names
from beforehand.signals.signal import names_in
from beforehand.signals.tree import SubjectKind
from beforehand.workspace.spec import CompoundSpec, MetricSpec, SignalSpec
from beforehand.workspace.yaml_file import At, Written

Specs = Mapping[str, tuple[SignalSpec, Written]]
ONE_WORD = re.compile(r"[a-z0-9][a-z0-9-]*")


def build_signals(
    specs: Specs,
    metrics: Mapping[str, MetricSpec],
    known: frozenset[str] = frozenset(),
    right: Mapping[str, MetricSpec] | None = None,
) -> tuple[Vocabulary, dict[str, Signal]]:
    """Every signal whose sentences are understood and can be counted; what is wrong with others is told in their files.

    `known` are names of signals whose files have problems of their own: to name one is no further problem. `right` are
    the metrics that are well defined (default: all): what is said of another is not held against the sentence.
    """
    right = metrics if right is None else right
    vocabulary = Vocabulary.of(metrics, {*specs, *known})
    signals: dict[str, Signal] = {}
    for name, (spec, written) in specs.items():
        misread = list(_misread(spec, vocabulary))
        for at, error in misread:
            _tell(error, at, written, vocabulary)
        if not misread:
            try:
                signals[name] = build(spec, vocabulary)
            except SentenceError as error:
                _tell(error, error.path, written, vocabulary)
                continue
            for at, refused in _uncountable(spec, signals[name].subject, vocabulary, right):
                written.problem(at, refused.code, refused.message, refused.hint)
                signals.pop(name, None)
    for name, other, wrong in wrong_names(signals, {*specs, *known}):
        at = _where_named(specs[name][0], other)
        specs[name][1].problem(at, wrong.code, wrong.message, wrong.hint)
    return vocabulary, _standing(signals)


def _misread(spec: SignalSpec, vocabulary: Vocabulary) -> Iterator[tuple[At, SentenceError]]:
    """Each sentence of a signal that cannot be read, so that a file with three wrong ones is mended at once."""
    for at, text in _texts(spec):
        if len(at) > 1 and text.strip() in vocabulary.signals:
            continue
        try:
            parse(text, vocabulary)
        except SentenceError as error:
            yield at, error


def _uncountable(
    spec: SignalSpec, subject: SubjectKind, vocabulary: Vocabulary, metrics: Mapping[str, MetricSpec]
) -> Iterator[tuple[At, InputError]]:
    """Each sentence of a signal that reads what cannot be counted of its subjects, and why not."""
    for at, text in _texts(spec):
        if len(at) > 1 and text.strip() in vocabulary.signals:
            continue
        for quantity in sorted({q for q, _ in quantities_of(parse(text, vocabulary))}, key=str):
            refused = why_not(quantity, subject, metrics)
            if refused is not None:
                yield at, refused
                break


def _texts(spec: SignalSpec) -> Iterator[tuple[At, str]]:
    """All sentences of a signal, with their places."""
    yield from _sentences(spec.when, ("when",))
    if spec.clear is not None:
        yield ("clear",), spec.clear


def _sentences(when: str | CompoundSpec, at: At) -> Iterator[tuple[At, str]]:
    if isinstance(when, str):
        yield at, when
        return
    key = "all of" if when.all_of is not None else "any of"
    for number, part in enumerate(when.parts):
        yield from _sentences(part, (*at, key, number))
    for key, other in (("then", when.then), ("unless", when.unless)):
        if other is not None:
            yield from _sentences(other, (*at, key))


def _tell(error: SentenceError, at: At, written: Written, vocabulary: Vocabulary) -> None:
    word = error.text.strip()
    if len(at) > 1 and ONE_WORD.fullmatch(word) and "-" in word:
        written.problem(at, "unknown-signal", f"{word!r} is not a signal.", among(word, vocabulary.signals))
        return
    hint = error.hint or "Compare it with the sentences of the starter, or read docs/explanation/sentences.md."
    written.problem(at, error.code or "bad-sentence", error.message, hint)


def _standing(signals: Mapping[str, Signal]) -> dict[str, Signal]:
    """The signals that can be judged: all they name stands too, which nothing in a circle does."""
    named = {
        name: names_in(s.sentence.condition) | (names_in(s.clear.condition) if s.clear else set())
        for name, s in signals.items()
    }
    standing: set[str] = set()
    while more := {name for name in signals if name not in standing and named[name] <= standing}:
        standing |= more
    return {name: signal for name, signal in signals.items() if name in standing}


def _where_named(spec: SignalSpec, other: str) -> At:
    """The place where a signal names another."""
    places = [at for at, text in _sentences(spec.when, ("when",)) if other in text]
    return places[0] if places else (("clear",) if spec.clear and other in spec.clear else ("when",))
