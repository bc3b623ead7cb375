"""What is usual for one subject, as it is said: a band of its own past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from beforehand.signals import band
from beforehand.signals.tree import Usual
from beforehand.story.clause import LEAST_HISTORY, Clause

HISTORY = 26


@dataclass(frozen=True)
class Band:
    """From `low` to `high`, `mid` between them, each as it is said (whole where the metric is)."""

    low: float
    mid: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value is inside."""
        return self.low <= value <= self.high


def usual_of(clause: Clause, values: Sequence[float | None], judged: int, history: int = HISTORY) -> Band | None:
    """The usual band of the periods before the `judged` last ones; None where fewer than six of them are known."""
    before = [v for v in values[max(0, len(values) - judged - history) : len(values) - judged] if v is not None]
    if len(before) < LEAST_HISTORY:
        return None
    lower, mid, upper = (float(np.asarray(x)) for x in band(np.array(before, dtype=np.float64)))
    if min(before) >= 0:
        lower = max(0.0, lower)
    if clause.whole:
        low, high = ceil(lower), floor(upper)
        if low > high:
            low = high = round(mid)
        return Band(low, min(max(round(mid), low), high), high)
    return _rounded(lower, mid, upper, clause)


def _rounded(lower: float, mid: float, upper: float, clause: Clause) -> Band:
    """The band in round figures, a third of its width apart at most; inward, so that outside stays outside."""
    if upper <= lower:
        return Band(mid, mid, mid)
    step = 10.0 ** floor(log10((upper - lower) / 3))
    low, high = ceil(lower / step - 1e-9) * step, floor(upper / step + 1e-9) * step
    if 0 <= lower < step and not isinstance(clause.leaf, Usual):
        low = 0.0  # "1% to 4% is usual" would be odd of something that is often nothing
    middle = min(max(round(mid / step) * step, low), high)
    return Band(_clean(low), _clean(middle), _clean(high))


def _clean(value: float) -> float:
    """Without the dust of binary fractions: 0.30000000000000004 is 0.3."""
    return float(f"{value:.10g}")


def left_at(band: Band, values: Sequence[float | None], down: bool) -> int | None:
    """Where the last unbroken stay outside the band (below it, or above) began: an index; None where it is inside."""
    at = len(values)
    while at > 0:
        value = values[at - 1]
        if value is None or (value >= band.low if down else value <= band.high):
            break
        at -= 1
    return at if at < len(values) else None
