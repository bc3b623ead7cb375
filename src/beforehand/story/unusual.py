"""How unusual something is for one account: a p-value against its own past, or the base rate over accounts.

Only to rank by, and to leave out what is nothing special; no sentence says one. Pure NumPy.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from beforehand.signals.tails import count_tail, t_tail

UNUSUAL = 0.05
"""What is not rarer than this is not told."""
LEAST_PAST = 8
"""With fewer weeks before, an account has no past of its own yet."""
FREEDOM = 5.0
LEAST_RELATIVE = 0.05
MAD_TO_DEVIATION = 1.4826


def count_p(past: ArrayLike, now: ArrayLike) -> float:
    """How likely so much or so little in all of `now` is, from the counts of the periods before; two-sided.

    A negative binomial with the variance of the past, more where weeks follow the ones before them, and of the mean
    itself being uncertain. NaN where too little is known.
    """
    before, after = np.array(past, dtype=np.float64), np.array(now, dtype=np.float64)
    before, length = before[~np.isnan(before)], after.size
    if before.size < LEAST_PAST or not length:
        return float("nan")
    mean = (before.sum() + 0.5) / (before.size + 0.5)
    each = max(float(before.var()), mean) * _drift(before)
    due = length * mean
    size = due**2 / max(length * each + length**2 * each / before.size - due, 1e-9)
    total = float(np.nansum(after))
    above = float(count_tail(np.array(total), np.array(due), np.array(size)))
    below = 1 - float(count_tail(np.array(total + 1), np.array(due), np.array(size)))
    return min(1.0, 2 * min(above, below))


def _drift(before: NDArray[np.float64]) -> float:
    """How much more sums of neighbours vary than their parts alone would: by the correlation of one with the next."""
    middle = before - before.mean()
    total = float((middle**2).sum())
    if total <= 0:
        return 1.0
    follow = float((middle[1:] * middle[:-1]).sum()) / total
    follow = min(max(follow * (1 + 4 / before.size), 0.0), 0.8)
    return (1 + follow) / (1 - follow)


def value_p(past: ArrayLike, now: ArrayLike) -> float:
    """The same of numbers that are not counts: the mean of `now` beside those of stretches of the same length.

    Student's t with few degrees of freedom over median and MAD. NaN where too little is known.
    """
    before, after = np.array(past, dtype=np.float64), np.array(now, dtype=np.float64)
    before, after = before[~np.isnan(before)], after[~np.isnan(after)]
    if before.size < LEAST_PAST or not after.size:
        return float("nan")
    length = min(after.size, before.size)
    means = sliding_window_view(before, length).mean(axis=1)
    middle = float(np.median(means))
    scale = MAD_TO_DEVIATION * float(np.median(np.abs(means - middle)))
    scale = max(scale, float(before.std()) / np.sqrt(length) / 2, LEAST_RELATIVE * abs(middle), 1e-9)
    return float(2 * t_tail(np.array(abs(float(after.mean()) - middle) / scale), FREEDOM))


def stopped_p(past: ArrayLike, silent: int) -> float:
    """How likely a person is seen in none of `silent` periods, from those before since the first time; one-sided.

    Beta-binomial with Jeffreys' prior. NaN where too little is known.
    """
    before = np.array(past, dtype=np.float64)
    seen = np.flatnonzero(before > 0)
    if not seen.size or before.size - seen[0] < LEAST_PAST:
        return float("nan")
    known = before.size - seen[0]
    p = 1.0
    for step in range(silent):
        p *= (known - seen.size + 0.5 + step) / (known + 1 + step)
    return float(p)


def rate_p(times: float, of: float) -> float:
    """The base rate of what happened `times` times among `of` that it could have happened to; never quite nothing."""
    return min(1.0, (times + 0.5) / (of + 0.5))
