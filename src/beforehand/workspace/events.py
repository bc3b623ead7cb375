"""`events.yaml`: what the product calls the standard events, and metrics over them as conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from beforehand.errors import among, nearest
from beforehand.library import STANDARD
from beforehand.workspace.spec import MetricSpec
from beforehand.workspace.yaml_file import At, Written

NEAR = 80  # from so near on (0 to 100) a name is taken for a slip of the pen; else it stands for itself
OWN = Mapping[str, tuple[str, ...]]


def read_events(written: Written, metrics: Mapping[str, MetricSpec]) -> dict[str, tuple[str, ...]]:
    """The product's own names of each standard event; a name of which nothing counts is a problem."""
    asked = {name for spec in metrics.values() for name in (*spec.event, *spec.of_event)}
    own: dict[str, tuple[str, ...]] = {}
    for name, value in written.data.items():
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not names or not all(isinstance(n, str) and n.strip() for n in names):
            hint = f"For example `{name}: [Logged In, user_signed_in]`."
            said = f"`{name}:` is to be a list of the names your product sends."
            written.problem((name,), "bad-value", said, hint)
        elif name not in STANDARD and name not in asked:
            said = f"{name!r} is no standard event, and no metric counts it."
            written.problem((name,), "unknown-event", said, among(name, {*STANDARD, *asked}))
        else:
            own[name] = tuple(dict.fromkeys(names))
    return own


def check_events(metrics: Mapping[str, MetricSpec], own: OWN, written: Written) -> None:
    """Tells, in metrics.yaml, each event that is neither standard nor mapped and looks like one that is."""
    known = {*STANDARD, *own}
    for metric, spec in metrics.items():
        for at, name in _places(spec, metric):
            near = None if name in known else nearest(name, known, NEAR)
            if near is not None:
                said = f"{name!r} is no standard event; the nearest is {near!r}."
                hint = f"If your product really sends it, say so in events.yaml: `{name}: [{name}]`."
                written.problem(at, "unknown-event", said, hint)


def expanded(spec: MetricSpec, own: OWN) -> MetricSpec:
    """A metric whose `event:` and `of event:` have become part of its conditions; others as they are.

    A name without a mapping stands for itself.
    """
    said: dict[str, Any] = {}
    if spec.event:
        said["where"] = _both(condition(spec.event, own), spec.where)
    if spec.of_event:
        said["of"] = condition(spec.of_event, own)
    return spec.model_copy(update=said) if said else spec


def condition(names: Sequence[str], own: OWN) -> str:
    """The condition on a row of events that is true of these standard events."""
    sent = dict.fromkeys(name for standard in names for name in own.get(standard, (standard,)))
    quoted = ["'" + name.replace("'", "''") + "'" for name in sent]
    return f"event = {quoted[0]}" if len(quoted) == 1 else f"event in ({', '.join(quoted)})"


def _both(first: str, second: str | None) -> str:
    if second is None:
        return first
    alternatives = re.search(r"\b(or|not|case)\b", second, re.IGNORECASE)
    return f"{first} and ({second})" if alternatives else f"{first} and {second}"


def _places(spec: MetricSpec, metric: str) -> Iterator[tuple[At, str]]:
    for key, names in (("event", spec.event), ("of event", spec.of_event)):
        yield from (((metric, key, number), name) for number, name in enumerate(names))
