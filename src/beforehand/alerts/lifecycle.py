"""The life of episodes as arrays: one close for all subjects at once. Pure: no clock, no database.

The live check advances the tracks of a signal close by close; a backtest folds the same function over all closes, so
that the two cannot disagree. The rules:

- An episode opens at the first close that makes `delay_in` closes in a row that hold.
- It closes at the first close that makes `delay_out` calm closes in a row. Without a clear sentence a close is calm
  where the verdict is `clear`. With one it is calm where the clear sentence holds and the condition does not: while
  the condition itself holds an episode stays open, so that two sentences that overlap never make it flap.
- `unsure` and `failed` neither open nor close, and leave both counts as they are.
- Leaving the population or the life closes as `left` and forgets the counts.
- After a close by a person the condition must first be `clear` once (the track is armed again) before it may open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from beforehand.signals.numbers import CLEAR, HOLDS, Bool, Int, Verdicts

Count = NDArray[np.int32]


@dataclass(frozen=True)
class Policy:
    """How many closes in a row must hold before an episode opens, and be calm before it closes (both at least 1)."""

    delay_in: int = 1
    delay_out: int = 1

    def __post_init__(self) -> None:
        if self.delay_in < 1 or self.delay_out < 1:
            raise ValueError(f"delays are at least 1 close: {self.delay_in}, {self.delay_out}")


@dataclass(frozen=True)
class Tracks:
    """Where each of `n` subjects stands after a close, `[n]` each.

    `open`: an episode is open. `held`: closes in a row that held while none was open. `calm`: calm closes in a row
    while one was open. `armed`: False from a close by a person until the condition was `clear` once.
    """

    open: Bool
    held: Count
    calm: Count
    armed: Bool

    @classmethod
    def fresh(cls, n: int) -> Tracks:
        """Subjects about which nothing is known yet."""
        return cls(np.zeros(n, bool), np.zeros(n, np.int32), np.zeros(n, np.int32), np.ones(n, bool))

    @property
    def stirred(self) -> Bool:
        """Which tracks differ from a fresh one beside `open`: those that must be kept, `[n]`."""
        return (self.held > 0) | (self.calm > 0) | ~self.armed

    def closed_by_person(self, rows: Int | Bool) -> Tracks:
        """The tracks after a person closed the episodes of these rows."""
        opened, held, calm, armed = self.open.copy(), self.held.copy(), self.calm.copy(), self.armed.copy()
        opened[rows], held[rows], calm[rows], armed[rows] = False, 0, 0, False
        return Tracks(opened, held, calm, armed)


@dataclass(frozen=True)
class Step:
    """What one close did, `[n]` each: `opened`, `cleared` and `left` never share a row."""

    tracks: Tracks
    opened: Bool
    cleared: Bool
    left: Bool

    @property
    def closed(self) -> Bool:
        """Episodes that ended at this close, for whichever reason."""
        return self.cleared | self.left


def advance(tracks: Tracks, verdict: Verdicts, clear: Verdicts | None, inside: Bool, policy: Policy) -> Step:
    """One close over all subjects.

    `verdict` and `clear` (the clear sentence's, None where the signal has none) are int8 `[n]`; `inside` says who is
    in the population and in life, `[n]`.
    """
    holds = (verdict == HOLDS) & inside
    at_ease = (verdict == CLEAR) & inside
    if clear is None:
        calm_now, unrest = at_ease, holds
    else:
        calm_now = (clear == HOLDS) & inside & ~holds
        unrest = holds | ((clear == CLEAR) & inside)
    was_open, outside = tracks.open, ~inside

    held = np.where(holds, tracks.held + 1, tracks.held)
    opened = holds & ~was_open & tracks.armed & (held >= policy.delay_in)
    held[at_ease | outside | was_open | opened | ~tracks.armed] = 0

    calm = np.where(calm_now, tracks.calm + 1, tracks.calm)
    cleared = calm_now & was_open & (calm >= policy.delay_out)
    left = was_open & outside
    calm[unrest | outside | ~was_open | cleared] = 0

    after = Tracks((was_open | opened) & ~cleared & ~left, held, calm, tracks.armed | at_ease)
    return Step(after, opened, cleared, left)


def early(tracks: Tracks, verdict: Verdicts, inside: Bool, policy: Policy) -> Bool:
    """Who opens already while the period is still filling, `[n]`.

    Only for conditions that further facts can only make truer. Nothing else changes: the counts move at the close.
    """
    opens: Bool = (verdict == HOLDS) & inside & ~tracks.open & tracks.armed & (tracks.held + 1 >= policy.delay_in)
    return opens


def warm(verdicts: Verdicts, inside: Bool, policy: Policy) -> Tracks:
    """Tracks for a signal switched on after these closes, `[n, K]`: those that held are counted, none opens.

    So where it had already held for `delay_in` closes it becomes backlog at its first close, not news later.
    """
    n, closes = verdicts.shape
    held = np.zeros(n, np.int32)
    for q in range(closes):
        held[(verdicts[:, q] == HOLDS) & inside[:, q]] += 1
        held[(verdicts[:, q] == CLEAR) | ~inside[:, q]] = 0
    fresh = Tracks.fresh(n)
    return Tracks(fresh.open, np.minimum(held, policy.delay_in - 1).astype(np.int32), fresh.calm, fresh.armed)


class Episode(NamedTuple):
    """One episode: the subject's row, the close it opened at, the close it ended at (None: still open) and why."""

    row: int
    opened: int
    closed: int | None
    reason: str | None


@dataclass(frozen=True)
class Episodes:
    """Episodes in order of (row, opened), as arrays `[E]`: `closed` is -1 while open, `left` says why it ended."""

    row: Int
    opened: Int
    closed: Int
    left: Bool

    def __len__(self) -> int:
        return len(self.row)

    def __iter__(self) -> Iterator[Episode]:
        for row, opened, closed, left in zip(self.row, self.opened, self.closed, self.left, strict=True):
            ended = int(closed) if closed >= 0 else None
            yield Episode(int(row), int(opened), ended, None if ended is None else "left" if left else "cleared")


def trace(
    verdicts: Verdicts, clears: Verdicts | None, inside: Bool, policy: Policy, start: Tracks | None = None
) -> Episodes:
    """All episodes of a history: `advance` folded over the closes `[n, Q]`, from `start` (default: fresh tracks).

    Only subjects that ever hold, or start with an open episode, are carried; an episode that is open in `start` is
    told as opened at close -1.
    """
    ever = ((verdicts == HOLDS) & inside).any(axis=1)
    if start is not None:
        ever |= start.open
    rows = np.flatnonzero(ever)
    by_close = np.ascontiguousarray(verdicts[rows].T)
    clear_by_close = None if clears is None else np.ascontiguousarray(clears[rows].T)
    inside_by_close = np.ascontiguousarray(inside[rows].T)
    tracks = Tracks.fresh(len(rows)) if start is None else _pick(start, rows)

    opened_at = np.where(tracks.open, -1, -2)
    found: list[tuple[Int, Int, Int, Bool]] = []
    for q in range(len(by_close)):
        clear = None if clear_by_close is None else clear_by_close[q]
        step = advance(tracks, by_close[q], clear, inside_by_close[q], policy)
        ended = np.flatnonzero(step.closed)
        if len(ended):
            found.append((rows[ended], opened_at[ended], np.full(len(ended), q), step.left[ended]))
        opened_at[step.opened] = q
        tracks = step.tracks
    still = np.flatnonzero(tracks.open)
    found.append((rows[still], opened_at[still], np.full(len(still), -1), np.zeros(len(still), bool)))

    row, opened, closed, left = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((opened, row))
    return Episodes(row[order], opened[order], closed[order], left[order])


def _pick(tracks: Tracks, rows: Int) -> Tracks:
    return Tracks(tracks.open[rows], tracks.held[rows], tracks.calm[rows], tracks.armed[rows])
