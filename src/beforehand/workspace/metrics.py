"""`metrics.yaml` and `outcomes.yaml`: each entry validated, phrases told apart, conditions checked by the panel."""

from __future__ import annotations

import re

from beforehand.errors import InputError
from beforehand.workspace.reading import read_model
from beforehand.workspace.spec import RECORDED_OUTCOMES, MetricSpec, OutcomeSpec
from beforehand.workspace.yaml_file import At, Written

NAME = re.compile(r"[^\W\d_][\w -]{0,78}")


def plain_phrase(words: str) -> str:
    """A phrase as it is compared: lower case, single spaces."""
    return " ".join(words.casefold().split())


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


def read_outcomes(written: Written) -> dict[str, OutcomeSpec]:
    """Every derived outcome that is right; none may take the name of a recorded one."""
    outcomes: dict[str, OutcomeSpec] = {}
    for name in written.data:
        if plain_phrase(name) in RECORDED_OUTCOMES:
            written.problem(
                (name,), "outcome-taken", f"`{name}` is an outcome that is recorded, not derived.",
                f"Give it another name; taken are {', '.join(RECORDED_OUTCOMES)}.",
            )  # fmt: skip
            continue
        spec = read_model(OutcomeSpec, written, (name,))
        if spec is not None:
            outcomes[name] = spec
    return outcomes


def phrases(name: str, spec: MetricSpec) -> tuple[str, ...]:
    """Every way to say a metric: its name, its display name and its phrases, without repeats."""
    said = [name, *([spec.name] if spec.name else []), *spec.says]
    return tuple(dict.fromkeys(plain_phrase(words) for words in said))


def _check_phrases(metrics: dict[str, MetricSpec], written: Written) -> None:
    """One phrase means one metric."""
    means: dict[str, str] = {}
    for name, spec in metrics.items():
        places: list[tuple[str, At]] = [(name, (name,))]
        places += [(spec.name, (name, "name"))] if spec.name else []
        places += [(words, (name, "says", number)) for number, words in enumerate(spec.says)]
        for words, at in places:
            phrase = plain_phrase(words)
            other = means.setdefault(phrase, name)
            if other != name:
                written.problem(
                    at,
                    "phrase-taken",
                    f"{words!r} means both {other!r} and {name!r}.",
                    "A phrase means one metric; change one.",
                )
            elif not NAME.fullmatch(phrase):
                said = "A phrase begins with a letter and has letters, digits, spaces and dashes."
                written.problem(at, "bad-name", f"{words!r} cannot be said in a sentence.", said)


def _check_conditions(spec: MetricSpec, name: str, written: Written) -> None:
    """The `where:` and `of:` of a metric through the panel's allow-list."""
    from beforehand.panel import where

    checks = [("where", spec.where, where.condition)] if spec.where is not None else []
    if spec.of is not None:
        checks.append(("of", spec.of, where.condition if spec.aggregate == "share" else where.value))
    for key, text, check in checks:
        try:
            check(text, spec.table)
        except InputError as error:
            written.problem((name, key), error.code or "bad-condition", error.message, error.hint)
