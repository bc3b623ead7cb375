"""A signal's trial on history: its episodes, both rivals, and the part of time kept untouched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beforehand.proof.figures import Figures, Ground, figures
from beforehand.proof.outcomes import Fates, Outcomes, fates, happened, leads
from beforehand.proof.rivals import Namings, at_random, recency
from beforehand.signals.numbers import Bool, Float, Int

UNTOUCHED = 0.25  # of the closes, the last ones, rounded up


@dataclass(frozen=True)
class Trial:
    """What a signal said over `n` accounts and `Q` closes, and what happened.

    `opened_us` [Q] is when an episode of each close opens: its period's end plus grace, ascending; `weeks` [Q] how
    much time each close stands for. `reach` [n, Q] says who was in the population and in life, `last_us` [n, Q] the
    last event, both as known at the close. `row`, `close` [k] are the episodes: account and close of opening. Times
    are UTC microseconds; nothing behind `until_us` is looked at.
    """

    opened_us: Int
    weeks: Float
    reach: Bool
    last_us: Int
    row: Int
    close: Int
    outcomes: Outcomes
    horizon_us: int
    until_us: int

    @cached_property
    def seen(self) -> Outcomes:
        """The outcomes that had happened by the end of the trial."""
        return self.outcomes.until(self.until_us)

    @cached_property
    def fates(self) -> Fates:
        """What an alert on each account at each close would have been."""
        return fates(self.seen, self.opened_us, self.horizon_us, self.reach.shape[0])

    @cached_property
    def finished(self) -> Bool:
        """Whether the horizon of each close ended within the trial, `[Q]`."""
        return np.asarray(self.opened_us + self.horizon_us <= self.until_us)

    @cached_property
    def eligible(self) -> Bool:
        """In the population, in life, and the outcome has not yet happened, `[n, Q]`."""
        return np.asarray(self.reach & ~happened(self.seen, self.opened_us, self.last_us))

    @cached_property
    def right(self) -> Bool:
        """Per episode: right or not; meaningless where `pending`."""
        return np.asarray(self.fates.right[self.row, self.close])

    @cached_property
    def too_late(self) -> Bool:
        """Per episode: the outcome came within the horizon, but its notice was given before the alert."""
        return np.asarray(self.fates.late[self.row, self.close])

    @cached_property
    def pending(self) -> Bool:
        """Per episode: its horizon ends after the trial, so nobody can say yet."""
        return np.asarray(~self.finished[self.close])

    def leads(self) -> tuple[Int, Int]:
        """Per episode: microseconds from opening to outcome or notice, and to the outcome's beginning (or NONE)."""
        return leads(self.seen, self.row, self.opened_us[self.close], self.horizon_us)


@dataclass(frozen=True)
class Proof:
    """The figures of one part of time: the signal's own, and its rivals' at the same number and closes."""

    signal: Figures
    recency: Figures
    random: Figures


@dataclass(frozen=True)
class Proven:
    """A trial's figures: over everything, the earlier part, and the untouched last quarter of the closes."""

    whole: Proof
    earlier: Proof
    untouched: Proof


def prove(trial: Trial) -> Proven:
    """Figures of the signal and of its rivals. The rivals name once over the whole time; parts are cuts of that."""
    closes = trial.opened_us.size
    wanted = np.bincount(trial.close, minlength=closes).astype(np.int64)
    own = Namings(trial.row, trial.close, np.zeros(trial.row.size, dtype=np.int64))
    quiet = recency(wanted, trial.eligible, trial.last_us, trial.opened_us, trial.horizon_us)
    chance = at_random(wanted, trial.eligible)
    begin = int(closes * (1 - UNTOUCHED))
    parts = []
    for part in (slice(0, closes), slice(0, begin), slice(begin, closes)):
        inside = np.zeros(closes, dtype=bool)
        inside[part] = True
        ground = Ground.of(trial, inside, wanted, own)
        mine = figures(ground, own)
        parts.append(Proof(mine, figures(ground, quiet, against=own), figures(ground, chance, against=own)))
    return Proven(*parts)
