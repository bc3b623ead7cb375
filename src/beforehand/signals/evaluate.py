"""Where a signal holds: its tree walked over the numbers of a block of subjects.

A compound is judged at the closes of its finest member. A coarser member keeps the verdict of its last close, and is
unsure before its first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from beforehand.calendar import DAY_US, Grain
from beforehand.signals.asked import grain_of, node_grain
from beforehand.signals.dates import held_against, judge_after, judge_due, judge_since
from beforehand.signals.judges import all_of, any_of, in_business_days, negation
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
from beforehand.signals.population import inside
from beforehand.signals.scoring import Clause, Key, Scores, counted, decided, needs_all, scores, verdicts
from beforehand.signals.signal import Signal
from beforehand.signals.tree import (
    Absence,
    After,
    AlertOpen,
    All,
    Any,
    Due,
    Leaf,
    Level,
    Milestone,
    Named,
    Negation,
    Node,
    Quantity,
    Streak,
    Then,
    Unless,
)

# A close that many days away is off by up to an hour where clocks change; no two closes are that near.
CLOCK_CHANGE_US = DAY_US // 12


@dataclass(frozen=True)
class Judged:
    """A signal over a block: ends of the judged periods `[Q]`, verdicts of the condition and of `clear:` `[n, Q]`.

    `inside` says where the subject is in the population and in its life.
    """

    ends: Int
    verdicts: Verdicts
    clears: Verdicts | None
    inside: Bool


def judge(
    signal: Signal,
    numbers: Numbers,
    named: Mapping[str, Signal] | None = None,
    *,
    filling: bool = False,
    opened: Opened | None = None,
    scored: Mapping[Clause, Scores] | None = None,
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
    scored: Mapping[Clause, Scores]
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
            case Negation(condition=condition):
                return negation(self.at(condition, grain))
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
        idle = self._idle(quantity, own, streak_of(leaf)) if kind.falls(leaf) else None
        if needs_all(leaf):
            name = self.signal.name
            return self.aligned(verdicts(name, leaf, self.scored[name, leaf], self.thresholds, idle), own, grain)
        try:
            windows = self.numbers.windows(quantity, own, kind.width(leaf))
        except MetricFailed:
            shape = (self.numbers.size, len(self.numbers.ends(own)))
            return self.aligned(np.full(shape, FAILED, dtype=np.int8), own, grain)
        if isinstance(leaf, Level) and leaf.of is not None:
            windows = held_against(windows, leaf.of, self.numbers, own)
        if isinstance(leaf, Absence) and leaf.business:
            windows = in_business_days(windows, self.numbers.workdays(windows.shape[2]), leaf.days)
        found = kind.judge(leaf, windows, counted(self.signal, quantity), idle)
        if isinstance(leaf, Milestone):
            assert leaf.days is not None
            found = judge_since(leaf.date, leaf.days, found, self.numbers, own)
        return self.aligned(found, own, grain)

    def _idle(self, quantity: Quantity, own: Grain, streak: Streak) -> Bool | None:
        """Where holidays left too little of a judged period to say that something fell; None where nowhere.

        What stands, and what is a value and no amount, is not less for a holiday.
        """
        if quantity.standing or quantity.metric in self.signal.lasting:
            return None
        idle = self.numbers.idle(own, streak.of, quantity.rolling_days or 1)
        return idle if idle.any() else None

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
        if not verdicts.shape[1]:  # a coarse period of which none has closed yet
            return np.full((self.numbers.size, len(last)), UNSURE, dtype=np.int8)
        return np.where(last >= 0, verdicts[:, last], UNSURE).astype(np.int8)

    def _last(self, ends: Int, closes: Int) -> Int:
        """The index of the last of `ends` that had come at each of `closes`; -1 before the first."""
        last = np.searchsorted(ends, closes, side="right") - 1
        if self.filling and len(last) and len(ends):
            last[-1] = len(ends) - 1
        return last


def streak_of(leaf: Leaf) -> Streak:
    """How long a leaf must hold, in its own periods."""
    return Streak() if isinstance(leaf, Absence | Milestone) else leaf.streak
