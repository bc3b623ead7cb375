"""Metrics that mean something else than at the last run, and what is left out of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXCLUDED = "exclude"
"""The key of the exclusions, which every metric stands on; no metric is called so."""
Definition = Mapping[str, Any]


@dataclass(frozen=True)
class Changed:
    """One definition that changed: the metric (or `EXCLUDED`) and, by key, what it said and what it says."""

    what: str
    before: dict[str, Any]
    after: dict[str, Any]


def changed(before: Mapping[str, Definition], now: Mapping[str, Definition]) -> list[Changed]:
    """What is defined otherwise than before; what is new or gone is not a change."""
    found = []
    for name in sorted(before.keys() & now.keys()):
        was, is_ = before[name], now[name]
        keys = [key for key in sorted(was.keys() | is_.keys()) if was.get(key) != is_.get(key)]
        if keys:
            found.append(Changed(name, {k: was.get(k) for k in keys}, {k: is_.get(k) for k in keys}))
    return found


def undone(change: Changed, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a change takes back another one, of which `before` and `after` are kept."""
    return change.before == dict(after) and change.after == dict(before)
