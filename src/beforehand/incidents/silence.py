"""Feeds gone silent: a gap that is longer than the feed's own usual gaps.

Time is measured by the feed's own rhythm (time rescaling, as for point processes; Brown et al., Neural Computation 14,
2002): each hour weighs as much as the share of the same hours of other weeks in which anything came. A weekend in
which nothing ever comes weighs nothing; a feed that comes on Mondays waits a week between any two deliveries, and that
is its usual gap. Gaps are seen as they looked then: a feed that is learned late is always that far behind.

Where everything else is quiet too, as between Christmas and New Year, time goes more slowly: each hour weighs only as
much of itself as the rest of what comes has of its usual amount that day, or, where there is no rest, as the feed had
the day before.

A gap is longer than usual where it weighs more than the longest of the past by half, by three times what that was
above the median gap, and at least `LEAST`. The very longest of many gaps of the past is left out: it may have been an
incident itself. Feeds with something in few hours are looked at by days.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from beforehand.incidents.pulse import NEVER, Cells, Pulse, enough
from beforehand.signals.numbers import Bool, Float, Int

HOURS, DAYS = 1, 24
CYCLE = {HOURS: 168, DAYS: 7}
BACK = {HOURS: 8 * 168, DAYS: 400}
LEAST = {HOURS: 6.0, DAYS: 2.0}
"""The least a silence weighs: hours, or days, in which something always comes."""
DENSE = 0.15
"""Something in so many of the hours of the last four weeks, and the rhythm is looked at by hours."""
TRICKLE = 0.02
"""Less than this share of what is usual is nothing."""
LIKE_DAYS, FEW_FACTS = 8, 5.0
"""All else is held against the same weekday of so many weeks before; so few facts more or less say little."""
LONGER, ABOVE = 1.5, 3.0
FEW, ONE_IN = 8, 200
"""Of at least so many gaps of the past the longest is left out, and one in so many more."""
LEAST_CELLS = {HOURS: 7 * 24, DAYS: 14}
"""How long a feed must have been known, and"""
LEAST_SEEN = {HOURS: 30, DAYS: 6}
"""in how many cells something must have come, before anything is said of its gaps."""
LEAST_EXPECTED = 10
"""About so many facts would have come: with fewer, chance is enough."""
PRIOR = 1.0
"""Weeks of the hours of all days, against which a slot of the week is weighed."""
FILLED = 0.5
"""A hole is filled where no stretch of it is left that weighs half of the least silence."""


@dataclass(frozen=True)
class Silence:
    """Hours since 1970, UTC: nothing from `since` on; longer than usual at `sure_at`; something again at `until`.

    `expected`: about how many facts would have come; `usual_hours`: the longest gap that is usual; `sure`: 1 less the
    chance of such a gap in a feed that has not stopped.
    """

    since: int
    sure_at: int
    until: int | None
    expected: int
    usual_hours: int
    sure: float


@dataclass(frozen=True)
class Rhythm:
    """A feed as it was known at a moment, laid out in cells."""

    cells: Cells
    there: Bool
    need: int
    """How many facts are something."""
    weight: Float
    """How much each cell weighs: the share of like cells with something."""
    typical: Float

    @property
    def clock(self) -> Float:
        """The weight of all cells before each, `[cells + 1]`."""
        return np.concatenate([[0.0], np.cumsum(self.weight)])


def rhythm(pulse: Pulse, at: int, rest: Pulse | None = None) -> Rhythm | None:
    """The rhythm of a feed as known at the hour `at`; None where too little is known of it. `rest` is all else."""
    hours = pulse.until(at, HOURS, BACK[HOURS])
    lately = hours.counts[-4 * 168 :] > 0
    cell = HOURS if lately.size and lately.mean() >= DENSE else DAYS
    cells = hours if cell == HOURS else pulse.until(at, DAYS, BACK[DAYS])
    counts = cells.counts
    if len(cells) < LEAST_CELLS[cell] or np.count_nonzero(counts) < LEAST_SEEN[cell]:
        return None
    cycle = CYCLE[cell]
    slot = (np.arange(len(cells)) + cells.first) % cycle
    typical = _typical(counts, cycle)[np.arange(len(cells)) % cycle]
    need = enough(typical, TRICKLE)
    there = counts >= need
    weight = _weights(there, slot, cell)
    if rest is not None:
        weight = (
            weight
            * _pace(rest, at, BACK[cell] * cell // DAYS)[
                (np.arange(len(cells)) + cells.first) * cell // DAYS - at // DAYS - 1
            ]
        )
    return Rhythm(cells, there, need, weight, typical)


def silences(pulse: Pulse, at: int, back: int, rest: Pulse | None = None) -> list[Silence]:
    """The silences, known at the hour `at`, that had not ended `back` hours before; the one going on is the last."""
    seen = rhythm(pulse, at, rest)
    if seen is None:
        return []
    cell, first, clock = seen.cells.cell, seen.cells.first, seen.clock
    size = len(seen.cells)
    behind, steps = _behind(seen, at)
    lag = clock[np.arange(1, size + 1)] - clock[behind + 1]
    ends = np.flatnonzero(steps)
    peaks = lag[ends - 1]
    found = []
    gone = np.flatnonzero(seen.there)
    if not len(gone):
        return []
    # Gaps between cells with something, as known in the end, and the one that is going on.
    edges = np.concatenate([gone, [size]])
    for before, after in pairwise(edges):
        weight = float(clock[after] - clock[before + 1])
        if after - before < 2 or (after + first) * cell < at - back or weight < LEAST[cell]:
            continue
        limit, usual = _limit(peaks, weight, cell)
        expected = float((seen.typical * seen.weight)[before + 1 : after].sum())
        if weight <= limit or expected < LEAST_EXPECTED:
            continue
        sure_at = int(np.searchsorted(clock, clock[before + 1] + limit, side="right"))
        found.append(
            Silence(
                since=(first + int(before) + 1) * cell,
                sure_at=(first + min(sure_at, size)) * cell,
                until=None if after == size else (first + int(after)) * cell,
                expected=round(expected),
                usual_hours=_hours(lag, usual, cell, clock),
                # Of n gaps that end by chance alone the longest is ln(n) times the mean one.
                sure=round(1 - float(np.exp(-weight / max(1.0, usual / np.log(len(peaks) + 2)))), 4),
            )
        )
    return found


def went_on(pulse: Pulse, since: int, at: int) -> tuple[int | None, bool]:
    """What became of a silence that began at the hour `since`, as known at `at`: the hour at which facts came again
    (None: not yet), and whether what was missing has come late.
    """
    seen = rhythm(pulse, at)
    if seen is None:
        return None, False
    cell, first, clock = seen.cells.cell, seen.cells.first, seen.clock
    low = max(0, since // cell - first)
    there = seen.there[low:]
    edges = np.flatnonzero(np.diff(np.concatenate([[True], there, [True]]).astype(np.int8)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if clock[low + end] - clock[low + begin] >= LEAST[cell] * FILLED:
            return (None if end == len(there) else (first + low + int(end)) * cell), False
    return since, len(there) > 0


def _pace(rest: Pulse, at: int, days: int) -> Float:
    """How much of its usual amount all else has each day, at most 1, the newest day last; today is as yesterday.

    Of the last `days` and three more; days of which nothing is known have 1.
    """
    counts = rest.until(at, DAYS, days + 7 * LIKE_DAYS).counts
    pace = np.ones(days + 3)
    if not len(counts):
        return pace
    typical = np.zeros(len(counts))
    for weekday in range(7):
        like = counts[weekday::7].astype(np.float64)
        if len(like) > LIKE_DAYS:
            past = np.lib.stride_tricks.sliding_window_view(
                np.concatenate([np.full(LIKE_DAYS, np.nan), like]), LIKE_DAYS
            )
            typical[weekday::7] = np.nan_to_num(_medians(past[:-1]))
    ratio = np.minimum(1.0, (counts + FEW_FACTS) / (typical + FEW_FACTS))
    ratio = ratio[-days - 1 :]
    pace[-1 - len(ratio) : -1] = ratio
    pace[-1] = ratio[-1]
    return pace


def _medians(rows: Float) -> Float:
    """The median of each row, of what is known; NaN where nothing is."""
    ordered = np.sort(rows, axis=1)
    known = np.count_nonzero(~np.isnan(ordered), axis=1)
    place = np.arange(len(rows))
    low, high = np.maximum((known - 1) // 2, 0), np.minimum(known // 2, rows.shape[1] - 1)
    return np.where(known > 0, (ordered[place, low] + ordered[place, high]) / 2, np.nan)


def _behind(seen: Rhythm, at: int) -> tuple[Int, Bool]:
    """At the end of each cell, the newest cell with something that was known then (-1: none); where it moves on."""
    size, cell = len(seen.cells), seen.cells.cell
    known = seen.cells.first_known(seen.need)
    moment = np.where(known < NEVER, -(-known // cell) - seen.cells.first - 1, size)
    newest = np.full(size, -1, dtype=np.int64)
    inside = moment < size
    np.maximum.at(newest, np.maximum(moment[inside], 0), np.flatnonzero(inside))
    behind = np.maximum.accumulate(newest)
    moved = np.concatenate([[False], behind[1:] > behind[:-1]])
    return behind, moved


def _limit(peaks: Float, weight: float, cell: int) -> tuple[float, float]:
    """How much a gap may weigh, and what the longest usual one of the past did; the gap itself is not of the past."""
    past = np.sort(peaks[peaks > 0])
    own = np.flatnonzero(np.isclose(past, weight))
    past = np.delete(past, own[-1:]) if len(own) else past
    if not len(past):
        return LEAST[cell], 0.0
    left_out = len(past) // ONE_IN + 1 if len(past) >= FEW else 0
    top, middle = float(past[len(past) - 1 - left_out]), float(np.median(past))
    return max(LEAST[cell], LONGER * top, top + ABOVE * (top - middle)), top


def _typical(counts: Int, cycle: int) -> Float:
    """What each place of a week that begins with the first cell has where it has anything: the median over weeks."""
    weeks = -(-len(counts) // cycle)
    laid = np.full(weeks * cycle, np.nan)
    laid[: len(counts)] = counts
    rows = laid.reshape(weeks, cycle)
    return np.nan_to_num(_medians(np.where(rows > 0, rows, np.nan).T))


def _weights(there: Bool, slot: Int, cell: int) -> Float:
    """The share of like cells with something: of the slot of the week, drawn towards that of the day and of all."""
    cycle = CYCLE[cell]
    part = slot % 24 if cell == HOURS else np.zeros_like(slot)
    whole = float(there.mean())
    daily = _shares(there, part, 24 if cell == HOURS else 1, np.full(24 if cell == HOURS else 1, whole))
    return _shares(there, slot, cycle, daily[np.arange(cycle) % len(daily)])[slot]


def _shares(there: Bool, slot: Int, slots: int, prior: Float) -> Float:
    seen = np.bincount(slot, minlength=slots)
    some = np.bincount(slot, weights=there.astype(np.float64), minlength=slots)
    return np.asarray((some + PRIOR * prior) / (seen + PRIOR))


def _hours(lag: Float, usual: float, cell: int, clock: Float) -> int:
    """About how many hours a gap of that weight lasts."""
    pace = clock[-1] / max(1, len(clock) - 1)
    return round(usual / max(float(pace), 1e-9) * cell)
