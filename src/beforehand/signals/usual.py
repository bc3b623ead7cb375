"""What is usual for one subject: a band around its own median, robust to a few odd periods.

Half the width is 2.5 robust standard deviations (1.4826 times the median absolute deviation; Iglewicz and Hoaglin,
"How to Detect and Handle Outliers", 1993), 5 for `far`. For counted things the deviation is at least the square root
of the median (a Poisson count varies that much by chance) and at least 1; for other metrics at least 5 % of the
median, so that a constant past does not make every change unusual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beforehand.signals.numbers import Float

MAD_TO_DEVIATION = 1.4826
WIDTH, FAR_WIDTH = 2.5, 5.0
LEAST_KNOWN = 8
LEAST_RELATIVE = 0.05


@dataclass(frozen=True)
class Band:
    """The usual band of each history, `[...]`; NaN where fewer than 8 periods are known."""

    lower: Float
    mid: Float
    upper: Float


def band(history: Float, *, counted: bool = True, far: bool = False) -> Band:
    """The usual band of `[..., W]` histories, NaN being not known; the lower end of a counted thing is at least 0."""
    mid, mad = median_and_mad(history)
    floor = np.sqrt(np.maximum(mid, 1.0)) if counted else LEAST_RELATIVE * np.abs(mid)
    half = (FAR_WIDTH if far else WIDTH) * np.maximum(MAD_TO_DEVIATION * mad, floor)
    with np.errstate(invalid="ignore"):
        lower = mid - half
    return Band(np.maximum(lower, 0.0) if counted else lower, mid, mid + half)


def median_and_mad(history: Float) -> tuple[Float, Float]:
    """Median and median absolute deviation over the last axis, of the known values; NaN where fewer than 8 are known.

    One sort gives both: the values nearest to the median are a run of the sorted ones, so the deviation of rank k is
    the smallest, over all runs of k values, of the larger of its two ends' deviations.
    """
    width = history.shape[-1]
    rows = np.array(history, dtype=np.float64, copy=True).reshape(-1, width)
    rows.sort(axis=-1)  # NaN last
    with np.errstate(invalid="ignore"):  # an infinite history has no band; the judge calls it failed
        mid, mad = _of_rows(rows)
    return mid.reshape(history.shape[:-1]), mad.reshape(history.shape[:-1])


def _of_rows(rows: Float) -> tuple[Float, Float]:
    width = rows.shape[1]
    if width < LEAST_KNOWN:
        return np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    mid, mad = _of_sorted(rows)
    partly = np.flatnonzero(np.isnan(rows[:, -1]))
    mid[partly], mad[partly] = np.nan, np.nan
    known = width - np.count_nonzero(np.isnan(rows[partly]), axis=-1)
    for count in np.unique(known[known >= LEAST_KNOWN]):
        these = partly[known == count]
        mid[these], mad[these] = _of_sorted(rows[these, :count])
    return mid, mad


def _of_sorted(rows: Float) -> tuple[Float, Float]:
    width = rows.shape[1]
    mid = (rows[:, (width - 1) // 2] + rows[:, width // 2]) / 2
    columns = np.ascontiguousarray(rows.T)
    below = mid - columns
    low = _deviation_of_rank((width - 1) // 2 + 1, below)
    return mid, low if width % 2 else (low + _deviation_of_rank(width // 2 + 1, below)) / 2


def _deviation_of_rank(rank: int, below: Float) -> Float:
    """The absolute deviation of a rank (from 1), `below` being median minus value in ascending order of value."""
    best = np.maximum(below[0], -below[rank - 1])
    for first in range(1, len(below) - rank + 1):
        np.minimum(best, np.maximum(below[first], -below[first + rank - 1]), out=best)
    return np.asarray(best)
