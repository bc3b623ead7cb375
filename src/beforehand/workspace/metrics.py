"""`metrics.yaml` and `outcomes.yaml`: each entry validated, phrases told apart, conditions checked by the panel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from beforehand.errors import InputError
from beforehand.signals import Signal, quantities_of
from beforehand.signals.vocabulary import implied_by, tidy
from beforehand.workspace.reading import read_model
from beforehand.workspace.spec import RECORDED_OUTCOMES, MetricSpec, OutcomeSpec
from beforehand.workspace.yaml_file import At, Written

NAME = re.compile(r"[^\W\d_][\w -]{0,78}")


def read_metrics(written: Written) -> dict[str, MetricSpec]:
    """Every entry that is right; the problems of the others are in `written`."""
    metrics: dict[str, MetricSpec] = {}
    for name in written.data:
        if not NAME.fullmatch(name):
            said = "A metric's name begins with a letter and has letters, digits, spaces, dashes and underscores."
            written.problem((name,), "bad-name", f"{name!r} is no name for a metric.", said)
            continue
        spec = read_model(MetricSpec, written, (name,))
        if spec is not None:
            metrics[name] = spec
            _check_conditions(spec, name, written)
    _check_phrases(metrics, written)
    return metrics


def with_implied(metrics: Mapping[str, MetricSpec]) -> dict[str, MetricSpec]:
    """The metrics of a workspace, then those that sentences name by themselves (`no contact from us`)."""
    more = {name: MetricSpec.model_validate({"count": table}) for name, table in implied_by(metrics).items()}
    return dict(metrics) | more


def implied_for(signals: Iterable[Signal], metrics: Mapping[str, MetricSpec]) -> dict[str, MetricSpec]:
    """The implied metrics that signals read."""
    read = {quantity.metric for signal in signals for quantity, _ in quantities_of(signal)}
    return {name: spec for name, spec in with_implied(metrics).items() if name in read and name not in metrics}


def read_outcomes(written: Written) -> dict[str, OutcomeSpec]:
    """Every derived outcome that is right; none may take the name of a recorded one."""
    outcomes: dict[str, OutcomeSpec] = {}
    for name in written.data:
        if tidy(name) in RECORDED_OUTCOMES:
            written.problem(
                (name,), "outcome-taken", f"`{name}` is an outcome that is recorded, not derived.",
                f"Give it another name; taken are {', '.join(RECORDED_OUTCOMES)}.",
            )  # fmt: skip
            continue
        spec = read_model(OutcomeSpec, written, (name,))
        if spec is not None:
            outcomes[name] = spec
    return outcomes


def spoken(metrics: Mapping[str, MetricSpec], written: Written) -> dict[str, MetricSpec]:
    """The metrics as a vocabulary takes them: those that are wrong stand in by their words, no phrase is twice.

    So a mistake in metrics.yaml is told there, and not again at each sentence.
    """
    taken: set[str] = set()
    heard: dict[str, MetricSpec] = {}
    for name, data in written.data.items():
        spec = metrics.get(name) or MetricSpec(count="events", says=_raw_phrases(data))
        if taken.isdisjoint(own := _of_name(name)):
            says = tuple(words for words in spec.says if tidy(words) not in taken)
            called = None if spec.name is None or tidy(spec.name) in taken else spec.name
            heard[name] = spec.model_copy(update={"says": says, "name": called})
            taken |= {*own, *map(tidy, says), *([tidy(called)] if called else [])}
    return heard


def _raw_phrases(data: Any) -> tuple[str, ...]:
    says = data.get("says") if isinstance(data, dict) else None
    return tuple(words for words in says if isinstance(words, str)) if isinstance(says, list) else ()


def _of_name(name: str) -> tuple[str, ...]:
    """The phrases a metric's name itself is: as written, and with spaces for dashes and underscores."""
    return tuple({tidy(name): None, tidy(name.replace("_", " ").replace("-", " ")): None})


def _check_phrases(metrics: Mapping[str, MetricSpec], written: Written) -> None:
    """One phrase means one metric."""
    means: dict[str, str] = {}
    for name, spec in metrics.items():
        places: list[tuple[str, At]] = [(phrase, (name,)) for phrase in _of_name(name)]
        places += [(spec.name, (name, "name"))] if spec.name else []
        places += [(words, (name, "says", number)) for number, words in enumerate(spec.says)]
        told = False
        for words, at in places:
            other = means.setdefault(tidy(words), name)
            if other != name and not told:
                told = len(at) == 1  # the name itself is taken: its spellings need not be told one by one
                said = f"{words!r} means both {other!r} and {name!r}."
                written.problem(at, "phrase-taken", said, "A phrase means one metric; change one.")
            elif not NAME.fullmatch(tidy(words)):
                said = "A phrase begins with a letter and has letters, digits, spaces and dashes."
                written.problem(at, "bad-name", f"{words!r} cannot be said in a sentence.", said)


def _check_conditions(spec: MetricSpec, name: str, written: Written) -> None:
    """The `where:` and `of:` of a metric through the panel's allow-list."""
    from beforehand.panel import where

    checks = [("where", spec.where, where.condition)] if spec.where is not None else []
    if spec.of is not None:
        reads = {"share": where.condition, "distinct": where.text}
        checks.append(("of", spec.of, reads.get(spec.aggregate, where.value)))
    for key, text, check in checks:
        try:
            check(text, spec.table)
        except InputError as error:
            written.problem((name, key), error.code or "bad-condition", error.message, error.hint)
