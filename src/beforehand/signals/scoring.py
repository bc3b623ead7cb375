"""What can only be decided over all subjects of a close: scores of each block, and the thresholds over all blocks.

A spike's p-values are held against one threshold a close; what is compared with peers, against one a close and group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beforehand.signals.asked import leaves, sentences_of
from beforehand.signals.dates import days_until
from beforehand.signals.judges import rare_enough
from beforehand.signals.kinds import kind_of
from beforehand.signals.milestone import decide_milestone, score_milestone, verdicts_late
from beforehand.signals.numbers import Bool, Float, MetricFailed, Numbers, Verdicts
from beforehand.signals.peers import alike, decide_peers, verdicts_of
from beforehand.signals.population import inside
from beforehand.signals.signal import Signal, names_in
from beforehand.signals.spike import decide
from beforehand.signals.tree import Leaf, Milestone, Peers, Quantity

Key = tuple[str, Leaf, str]
"""A leaf that is decided over all subjects, with the signal that says it and the group; '' where there are none."""
Clause = tuple[str, Leaf]


@dataclass(frozen=True)
class Scores:
    """The scores of a leaf over a block at the closes of its own grain, and who is in its signal's scope, `[n, Q]`.

    P-values are in single precision: over all subjects and closes they are kept until the thresholds are found.
    `codes` `[n, Q]` say into which of `groups` each subject falls; `since` are the days since a milestone's day.
    """

    p: NDArray[np.float32] | Float
    scope: Bool
    codes: NDArray[np.int32] | None = None
    groups: tuple[str, ...] = ("",)
    since: Float | None = None


def needs_all(leaf: Leaf) -> bool:
    """Whether a leaf can only be decided over all subjects of a close."""
    return kind_of(leaf).score is not None or (isinstance(leaf, Milestone) and leaf.days is None)


def scores(signal: Signal, numbers: Numbers, named: Mapping[str, Signal] | None = None) -> dict[Clause, Scores]:
    """The scores of a block, for every leaf of a signal (those of signals it names, and of `clear:`) that has them."""
    found: dict[Clause, Scores] = {}
    for owner, leaf in _owned(signal, named or {}):
        if needs_all(leaf) and (owner.name, leaf) not in found:
            found[owner.name, leaf] = _scored(owner, leaf, numbers)
    return found


def _scored(owner: Signal, leaf: Leaf, numbers: Numbers) -> Scores:
    kind = kind_of(leaf)
    quantity, own = kind.reads(leaf)
    scope = inside(owner.sentence.population, numbers, own)
    codes, groups = alike(leaf.like, numbers, own) if isinstance(leaf, Peers | Milestone) else (None, ("",))
    since = -days_until(leaf.date, numbers, own) if isinstance(leaf, Milestone) else None
    try:
        series = numbers.firsts(quantity, own, kind.width(leaf))
    except MetricFailed:
        return Scores(np.full(scope.shape, np.inf), scope, codes, groups, since)
    if isinstance(leaf, Milestone):
        assert since is not None
        return Scores(score_milestone(leaf, series, since), scope, codes, groups, since)
    assert kind.score is not None
    p = kind.score(leaf, series, scope.shape[1], counted(owner, quantity))
    if codes is not None:
        return Scores(p, scope, codes, groups)
    with np.errstate(under="ignore"):
        return Scores(p.astype(np.float32), scope)


def decided(blocks: Sequence[Mapping[Clause, Scores]], *, filling: bool = False) -> dict[Key, Float]:
    """The threshold of each close for every leaf that has scores, and of peers for each group, `[Q]`.

    NaN where a group has too few that are known.
    """
    found: dict[Key, Float] = {}
    for name, leaf in blocks[0] if blocks else {}:
        parts = [block[name, leaf] for block in blocks]
        p, scope = np.concatenate([part.p for part in parts]), np.concatenate([part.scope for part in parts])
        if not isinstance(leaf, Peers | Milestone):
            found[name, leaf, ""] = decide(p, scope, filling)
            continue
        groups = {group: place for place, group in enumerate(dict.fromkeys(g for part in parts for g in part.groups))}
        codes = np.concatenate([_renamed(part, groups) for part in parts])
        if isinstance(leaf, Milestone):
            since = np.concatenate([part.since for part in parts if part.since is not None])
            thresholds = decide_milestone(leaf, p, since, scope, codes, len(groups))
        else:
            thresholds = decide_peers(leaf, p, scope, codes, len(groups))
        found |= {(name, leaf, group): thresholds[place] for group, place in groups.items()}
    return found


def verdicts(name: str, leaf: Leaf, own: Scores, thresholds: Mapping[Key, Float], idle: Bool | None) -> Verdicts:
    """The verdicts of a leaf over a block, from its scores and what was decided over all blocks, `[n, Q]`."""
    if own.codes is None:
        return rare_enough(leaf.streak, own.p, thresholds[name, leaf, ""])  # type: ignore[union-attr]
    closes = own.p.shape[1]
    nothing = np.full(closes, np.nan)
    table = np.stack([thresholds.get((name, leaf, group), nothing) for group in own.groups])
    held = table[own.codes, np.arange(closes)]
    p = np.asarray(own.p, dtype=np.float64)
    return verdicts_late(p, held) if isinstance(leaf, Milestone) else verdicts_of(leaf, p, held, idle)  # type: ignore[arg-type]


def counted(signal: Signal, quantity: Quantity) -> bool:
    """Whether a quantity is a whole number of things, to which chance gives a spread."""
    return quantity.made is not None or (quantity.metric in signal.counted and not quantity.per_active)


def _renamed(part: Scores, groups: Mapping[str, int]) -> NDArray[np.int32]:
    assert part.codes is not None
    return np.array([groups[group] for group in part.groups], dtype=np.int32)[part.codes]


def _owned(signal: Signal, named: Mapping[str, Signal]) -> Iterator[tuple[Signal, Leaf]]:
    """Every leaf of a signal with the signal whose sentence says it."""
    for sentence in sentences_of(signal):
        yield from ((signal, leaf) for leaf in leaves(sentence.condition))
        for other in names_in(sentence.condition):
            yield from _owned(named[other], named)
