"""Where a signal holds: its tree walked over the numbers of a block of subjects.

A compound is judged at the closes of its finest member. A coarser member keeps the verdict of its last close, and is
unsure before its first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import DAY_US, HOUR_US, Grain
from beforehand.signals.dates import held_against, judge_after, judge_due, traits_read
from beforehand.signals.judges import all_of, any_of, negation, rare_enough
from beforehand.signals.kinds import kind_of
from beforehand.signals.numbers import (
    CLEAR,
    FAILED,
    HOLDS,
    UNSURE,
    Bool,
    Float,
    Int,
    MetricFailed,
    Numbers,
    Opened,
    Verdicts,
)
from beforehand.signals.population import inside, traits_in
from beforehand.signals.signal import Signal, names_in
from beforehand.signals.spike import decide
from beforehand.signals.tree import (
    Absence,
    After,
    AlertOpen,
    All,
    Any,
    Due,
    Leaf,
    Level,
    Named,
    Node,
    Quantity,
    Sentence,
    Spike,
    Streak,
    Then,
    Unless,
    parts_of,
)

FINENESS = tuple(Grain)
# A close that many days away is off by up to an hour where clocks change; no two closes are that near.
CLOCK_CHANGE_US = DAY_US // 12
LONGEST_DAYS = {Grain.HOUR: 1, Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 31, Grain.QUARTER: 92}
LONGEST_US = {grain: days * DAY_US for grain, days in LONGEST_DAYS.items()} | {Grain.HOUR: HOUR_US}


@dataclass(frozen=True)
class Judged:
    """A signal over a block: ends of the judged periods `[Q]`, verdicts of the condition and of `clear:` `[n, Q]`.

    `inside` says where the subject is in the population and in its life.
    """

    ends: Int
    verdicts: Verdicts
    clears: Verdicts | None
    inside: Bool


Key = tuple[str, Leaf]
"""A leaf whose kind has scores, with the name of the signal that says it."""


@dataclass(frozen=True)
class Scores:
    """The p-values of a leaf over a block at the closes of its own grain, and who is in its signal's scope, `[n, Q]`.

    In single precision: over all subjects and closes they are kept until the thresholds are found.
    """

    p: NDArray[np.float32]
    scope: Bool


def scores(signal: Signal, numbers: Numbers, named: Mapping[str, Signal] | None = None) -> dict[Key, Scores]:
    """The scores of a block, for every leaf of a signal (those of signals it names, and of `clear:`) that has them."""
    found: dict[Key, Scores] = {}
    for owner, leaf in _owned(signal, named or {}):
        kind = kind_of(leaf)
        if kind.score is None or (owner.name, leaf) in found:
            continue
        quantity, own = kind.reads(leaf)
        scope = inside(owner.sentence.population, numbers, own)
        try:
            series = numbers.firsts(quantity, own, kind.width(leaf))
            p = kind.score(leaf, series, scope.shape[1], _counted(owner, quantity))
        except MetricFailed:
            p = np.full(scope.shape, np.inf)
        with np.errstate(under="ignore"):
            found[owner.name, leaf] = Scores(p.astype(np.float32), scope)
    return found


def decided(blocks: Sequence[Mapping[Key, Scores]], *, filling: bool = False) -> dict[Key, Float]:
    """The threshold of each close for every leaf that has scores, `[Q]`, from the scores of all blocks."""
    return {
        key: decide(
            np.concatenate([block[key].p for block in blocks]),
            np.concatenate([block[key].scope for block in blocks]),
            filling,
        )
        for key in (blocks[0] if blocks else {})
    }


def judge(
    signal: Signal,
    numbers: Numbers,
    named: Mapping[str, Signal] | None = None,
    *,
    filling: bool = False,
    opened: Opened | None = None,
    scored: Mapping[Key, Scores] | None = None,
    thresholds: Mapping[Key, Float] | None = None,
) -> Judged:
    """Judges a signal over a block at every close of its grain.

    `named` are the other signals its compound may name. With `filling`, the last close of each grain is the period
    still filling, so a coarser member's last close belongs to the last of the finest. `opened` says which alerts of
    others were open; without it a sentence about alerts is unsure. Where a kind has scores, `scored` are those of the
    block and `thresholds` what was decided over all blocks; left out, this block is all there is.
    """
    named = named or {}
    grain = grain_of(signal.sentence, named)
    ends = numbers.ends(grain)
    scored = scores(signal, numbers, named) if scored is None else scored
    thresholds = decided([scored], filling=filling) if thresholds is None else thresholds
    walk = _Walk(signal, numbers, named, filling, opened, scored, thresholds)
    clears = None
    if signal.clear is not None:
        own = grain_of(signal.clear, named)
        clears = walk.aligned(walk.at(signal.clear.condition, own), own, grain)
    return Judged(
        ends, walk.at(signal.sentence.condition, grain), clears, inside(signal.sentence.population, numbers, grain)
    )


@dataclass(frozen=True)
class _Walk:
    signal: Signal
    numbers: Numbers
    named: Mapping[str, Signal]
    filling: bool
    opened: Opened | None
    scored: Mapping[Key, Scores]
    thresholds: Mapping[Key, Float]

    def at(self, node: Node, grain: Grain) -> Verdicts:
        """The verdicts of a node at the closes of a grain that is at least as fine as its own."""
        match node:
            case Named():
                other = self.named[node.signal]
                own = grain_of(other.sentence, self.named)
                walk = replace(self, signal=other)
                verdicts = walk.at(other.sentence.condition, own)
                # Another signal is about its own population: outside of it, it does not hold.
                population = other.sentence.population
                if population is not None:
                    verdicts = np.where(inside(population, self.numbers, own), verdicts, CLEAR)
                return self.aligned(verdicts, own, grain)
            case All(parts=parts, within_days=days):
                if days is None:
                    return all_of([self.at(part, grain) for part in parts])
                return all_of([self._lately(part, days, grain) for part in parts])
            case Any(parts=parts):
                return any_of([self.at(part, grain) for part in parts])
            case Then(first=first, then=then, within_days=days):
                own = node_grain(node, self.named)
                verdicts = all_of([self.at(then, own), self._lately(first, days, own, before=True)])
                return self.aligned(verdicts, own, grain)
            case Unless(condition=condition, exception=exception):
                return all_of([self.at(condition, grain), negation(self.at(exception, grain))])
            case After(condition=condition):
                return judge_after(node, self.at(condition, grain), self.numbers, grain)
            case AlertOpen(least=least):
                return self.aligned(self._alerts(least), Grain.DAY, grain)
            case Due():
                return self.aligned(judge_due(node, self.numbers, Grain.DAY), Grain.DAY, grain)
            case _:
                return self._leaf(node, grain)

    def _alerts(self, least: str) -> Verdicts:
        ends = self.numbers.ends(Grain.DAY)
        if self.opened is None:
            return np.full((self.numbers.size, len(ends)), UNSURE, dtype=np.int8)
        return np.where(self.opened.at(least, ends), HOLDS, CLEAR).astype(np.int8)

    def _leaf(self, leaf: Leaf, grain: Grain) -> Verdicts:
        kind = kind_of(leaf)
        quantity, own = kind.reads(leaf)
        if kind.score is not None:
            key = self.signal.name, leaf
            return self.aligned(rare_enough(streak_of(leaf), self.scored[key].p, self.thresholds[key]), own, grain)
        try:
            windows = self.numbers.windows(quantity, own, kind.width(leaf))
        except MetricFailed:
            shape = (self.numbers.size, len(self.numbers.ends(own)))
            return self.aligned(np.full(shape, FAILED, dtype=np.int8), own, grain)
        if isinstance(leaf, Level) and leaf.of is not None:
            windows = held_against(windows, leaf.of, self.numbers, own)
        return self.aligned(kind.judge(leaf, windows, _counted(self.signal, quantity)), own, grain)

    def _lately(self, part: Node, days: int, grain: Grain, *, before: bool = False) -> Verdicts:
        """Whether a part held at one of its closes within the last `days` days of each close of the grain.

        With `before`, at an earlier close than that. Where the closes do not reach that far back, what is not seen is
        unsure.
        """
        own = node_grain(part, self.named)
        verdicts, ends, closes = self.at(part, own), self.numbers.ends(own), self.numbers.ends(grain)
        last = np.searchsorted(ends, closes, side="left") - 1 if before else self._last(ends, closes)
        since = closes - days * DAY_US - CLOCK_CHANGE_US
        first = np.searchsorted(ends, since, side="left")
        found = np.full((self.numbers.size, len(closes)), CLEAR, dtype=np.int8)
        reaches = (ends[0] <= since + 2 * CLOCK_CHANGE_US) if len(ends) else np.zeros(len(closes), dtype=bool)
        found[:, ~reaches | (last < first)] = UNSURE
        for verdict in (UNSURE, FAILED, HOLDS):
            seen = np.zeros((self.numbers.size, len(ends) + 1), dtype=np.int32)
            np.cumsum(verdicts == verdict, axis=1, out=seen[:, 1:])
            found[seen[:, np.maximum(last + 1, first)] > seen[:, first]] = verdict
        return found

    def aligned(self, verdicts: Verdicts, own: Grain, grain: Grain) -> Verdicts:
        """Verdicts at the closes of `own`, carried to the closes of `grain`."""
        if own is grain:
            return verdicts
        last = self._last(self.numbers.ends(own), self.numbers.ends(grain))
        return np.where(last >= 0, verdicts[:, last] if verdicts.shape[1] else UNSURE, UNSURE).astype(np.int8)

    def _last(self, ends: Int, closes: Int) -> Int:
        """The index of the last of `ends` that had come at each of `closes`; -1 before the first."""
        last = np.searchsorted(ends, closes, side="right") - 1
        if self.filling and len(last) and len(ends):
            last[-1] = len(ends) - 1
        return last


def streak_of(leaf: Leaf) -> Streak:
    """How long a leaf must hold, in its own periods."""
    return Streak() if isinstance(leaf, Absence) else leaf.streak


def _counted(signal: Signal, quantity: Quantity) -> bool:
    return quantity.metric in signal.counted and not quantity.per_active


def _owned(signal: Signal, named: Mapping[str, Signal]) -> Iterator[tuple[Signal, Leaf]]:
    """Every leaf of a signal with the signal whose sentence says it."""
    for sentence in _sentences(signal):
        yield from ((signal, leaf) for leaf in leaves(sentence.condition))
        for other in names_in(sentence.condition):
            yield from _owned(named[other], named)


def leaves(node: Node, named: Mapping[str, Signal] | None = None) -> Iterator[Leaf]:
    """Every leaf of a tree in the order it is written; those of named signals too where `named` is given."""
    match node:
        case Named():
            if named:
                yield from leaves(named[node.signal].sentence.condition, named)
        case All() | Any() | Then() | Unless() | After():
            for part in parts_of(node):
                yield from leaves(part, named)
        case Due() | AlertOpen():
            return  # it reads no metric
        case _:
            yield node


def quantities_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> set[tuple[Quantity, Grain]]:
    """The quantities a sentence reads, each with its grain; of a signal, those of its clear sentence too."""
    return set(widths_of(read, named))


def widths_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> dict[tuple[Quantity, Grain], int]:
    """How many periods back each quantity is read at a close, the close's own included."""
    widths: dict[tuple[Quantity, Grain], int] = {}
    for sentence in _sentences(read):
        for leaf in leaves(sentence.condition, named):
            reads = kind_of(leaf).reads(leaf)
            widths[reads] = max(widths.get(reads, 0), kind_of(leaf).width(leaf))
    return widths


def traits_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> set[str]:
    """The traits that a sentence reads, who it is about and its conditions; those of the signals it names too."""
    found: set[str] = set()
    for sentence in _sentences(read):
        found |= traits_in(sentence.population) | set(traits_read(sentence.condition))
        for other in names_in(sentence.condition):
            if named:
                found |= traits_of(named[other].sentence, named)
    return found


def grain_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> Grain:
    """The grain a sentence is judged at: that of its finest member; a signal's is its condition's."""
    return node_grain((read.sentence if isinstance(read, Signal) else read).condition, named)


def _sentences(read: Signal | Sentence) -> tuple[Sentence, ...]:
    if isinstance(read, Sentence):
        return (read,)
    return (read.sentence,) if read.clear is None else (read.sentence, read.clear)


def closes_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> set[Grain]:
    """Every grain at whose closes a part is judged, whether it reads a metric or not."""
    found: set[Grain] = set()
    for sentence in _sentences(read):
        found |= _closes(sentence.condition, named)
    return found


def _closes(node: Node, named: Mapping[str, Signal] | None) -> set[Grain]:
    inner = (named[node.signal].sentence.condition,) if isinstance(node, Named) and named else parts_of(node)
    return set().union(*(_closes(part, named) for part in inner)) if inner else grains_in(node, named)


def reads_alerts(read: Signal | Sentence, named: Mapping[str, Signal]) -> bool:
    """Whether a condition asks for alerts of other signals, itself or through a signal it names."""
    return any(_reads_alerts(sentence.condition, named) for sentence in _sentences(read))


def _reads_alerts(node: Node, named: Mapping[str, Signal]) -> bool:
    inner = (named[node.signal].sentence.condition,) if isinstance(node, Named) else parts_of(node)
    return isinstance(node, AlertOpen) or any(_reads_alerts(part, named) for part in inner)


def node_grain(node: Node, named: Mapping[str, Signal] | None = None) -> Grain:
    """The grain a node is judged at: the finest among those of its leaves."""
    return min(grains_in(node, named), key=FINENESS.index)


def grains_in(node: Node, named: Mapping[str, Signal] | None = None) -> set[Grain]:
    """The grains that decide when a node is judged; what `then` comes after does not. None of named signals alone
    where `named` is not given.
    """
    match node:
        case Named():
            return grains_in(named[node.signal].sentence.condition, named) if named else set()
        case Then(then=then):
            return grains_in(then, named)
        case All() | Any() | Unless() | After():
            return set().union(*(grains_in(part, named) for part in parts_of(node)))
        case Due() | AlertOpen():
            return {Grain.DAY}
        case _:
            return {kind_of(node).reads(node)[1]}


def lookback_days(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> int:
    """How many days of closes before the one judged are looked at: coarser members, `clear:`, and `within`.

    A live check that asks for the closes of so many days back gets the verdicts a backtest gets.
    """
    finest = grain_of(read, named)
    return max(_lookback(sentence.condition, finest, named) for sentence in _sentences(read))


def _lookback(node: Node, finest: Grain, named: Mapping[str, Signal] | None) -> int:
    match node:
        case Named():
            return _lookback(named[node.signal].sentence.condition, finest, named) if named else 0
        case All(parts=parts, within_days=days):
            back = max(_lookback(part, finest, named) for part in parts)
            return back if days is None else back + days + LONGEST_DAYS[finest]
        case Then(first=first, then=then, within_days=days):
            own = node_grain(node, named)
            before = _lookback(first, own, named) + days + LONGEST_DAYS[own]
            carried = 0 if own is finest else LONGEST_DAYS[own] + 1
            return carried + max(before, _lookback(then, own, named))
        case Any() | Unless() | After():
            return max(_lookback(part, finest, named) for part in parts_of(node))
        case _:
            own = node_grain(node)
            # Each period of a streak of spikes is held against the threshold of its own close.
            run = -(-(node.streak.of - 1) * LONGEST_US[own] // DAY_US) if isinstance(node, Spike) else 0
            return int(run) + (0 if own is finest else LONGEST_DAYS[own] + 1)
