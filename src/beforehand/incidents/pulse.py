"""How many facts of a feed, or of one event of it, came in each hour, and how late each of them was learned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import HOUR_US
from beforehand.signals.numbers import Int

LATE_HOURS = (0, 1, 2, 3, 6, 12, 24, 48, 72, 96, 120, 144, 168, 240, 336, 504, 720)
"""Facts are told apart by so many hours, at most, between the end of their hour and when they were learned.

What came later than all of these is taken as never known.
"""
NEVER = 2**40
STEPS = np.array(LATE_HOURS, dtype=np.int64)


def lateness(delay_hours: Int) -> Int:
    """The place of each lateness in `LATE_HOURS`; its length where it was later than all."""
    return np.asarray(np.searchsorted(STEPS, delay_hours))


@dataclass(frozen=True)
class Pulse:
    """`counts[hour, step]`: facts of the hour `first` + i (hours since 1970, UTC) by their place in `LATE_HOURS`."""

    first: int
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, hour: Int, late: Int, count: Int) -> Pulse:
        """From sparse cells; there is at least one."""
        first, last = int(hour.min()), int(hour.max())
        counts = np.zeros((last - first + 1, len(LATE_HOURS)), dtype=np.int64)
        kept = late < len(LATE_HOURS)
        np.add.at(counts, (hour[kept] - first, late[kept]), count[kept])
        return cls(first, counts)

    @classmethod
    def together(cls, pulses: Iterable[Pulse]) -> Pulse:
        """The sum of at least one."""
        given = list(pulses)
        first = min(p.first for p in given)
        counts = np.zeros((max(p.first + len(p.counts) for p in given) - first, len(LATE_HOURS)), dtype=np.int64)
        for p in given:
            counts[p.first - first : p.first - first + len(p.counts)] += p.counts
        return cls(first, counts)

    def without(self, part: Pulse) -> Pulse:
        """What is left when a part of it is taken out."""
        counts = self.counts.copy()
        low = part.first - self.first
        counts[low : low + len(part.counts)] -= part.counts
        return Pulse(self.first, counts)

    @property
    def total(self) -> int:
        """All facts in it."""
        return int(self.counts.sum())

    def until(self, at: int, cell: int, back: int) -> Cells:
        """The cells of `cell` hours that had ended by the hour `at`, at most `back` of them, none before the first."""
        last = at // cell
        first = max(self.first // cell, last - back)
        size = max(0, last - first)
        hours = np.arange(first * cell, last * cell) - self.first
        inside = (hours >= 0) & (hours < len(self.counts))
        picked = np.zeros((size * cell, len(LATE_HOURS)), dtype=np.int64)
        picked[inside] = self.counts[hours[inside]]
        known = np.cumsum(picked, axis=1)
        # Learned so many hours after the end of its own hour: before `at`, or not known yet.
        ends = np.arange(first * cell, last * cell) + 1
        known = np.where(ends[:, None] + STEPS[None, :] <= at, known, 0)
        return Cells(first, cell, known.reshape(size, cell, len(LATE_HOURS)))


@dataclass(frozen=True)
class Cells:
    """Cells of `cell` hours from the cell `first` on; `known[cell, hour of it, step]` grows over steps."""

    first: int
    cell: int
    known: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.known)

    @property
    def counts(self) -> Int:
        """What each cell had, as known in the end, `[cells]`."""
        return np.asarray(self.known.max(axis=2).sum(axis=1), dtype=np.int64)

    def first_known(self, need: int) -> Int:
        """The hour by whose start so many facts of each cell were known, `[cells]`; `NEVER` where they were not."""
        size = len(self.known)
        if not size:
            return np.empty(0, np.int64)
        ends = (np.arange(size * self.cell) + self.first * self.cell + 1).reshape(size, self.cell)
        moments = ends[:, :, None] + STEPS
        gained = np.diff(self.known, axis=2, prepend=0)
        if self.cell == 1:
            total = self.known[:, 0, :]
            reached = total >= need
            step = np.argmax(reached, axis=1)
            return np.where(reached.any(axis=1), moments[np.arange(size), 0, step], NEVER)
        # Over several hours, what became known when, in order.
        flat, gain = moments.reshape(size, -1), np.maximum(gained, 0).reshape(size, -1)
        order = np.argsort(flat, axis=1, kind="stable")
        total = np.cumsum(np.take_along_axis(gain, order, axis=1), axis=1)
        reached = total >= need
        found = np.take_along_axis(flat, order, axis=1)[np.arange(size), np.argmax(reached, axis=1)]
        return np.where(reached.any(axis=1), found, NEVER)


def hour_of(us: int) -> int:
    """The hour that had begun at a moment (UTC microseconds): all before it have ended."""
    return us // HOUR_US


def enough(typical: NDArray[np.float64], share: float) -> int:
    """How many facts in a cell are something: a small share of a full one, and one at least.

    A few strays that trickle in from a feed that has stopped are nothing.
    """
    full = float(np.percentile(typical, 90)) if len(typical) else 0.0
    return max(1, int(np.ceil(full * share)))
