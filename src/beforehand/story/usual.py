"""What is usual for one subject, as it is said: a band of its own past, and the line a `usual` leaf draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isnan, log10

import numpy as np

from beforehand.signals import band
from beforehand.signals.tree import Usual
from beforehand.story.clause import Clause

HISTORY = 26


@dataclass(frozen=True)
class Said:
    """From `low` to `high`, `mid` between them, each as it is said: whole numbers for counts, round ones for others."""

    low: float
    mid: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value is inside."""
        return self.low <= value <= self.high


def usual_of(clause: Clause, values: Sequence[float | None], judged: int) -> Said | None:
    """The usual band of the periods before the `judged` last ones; None where too few of them are known."""
    exact = _exact(clause, values, judged, far=False)
    return None if exact is None else _said(clause, *exact)


def line_of(clause: Clause, values: Sequence[float | None], judged: int) -> float | None:
    """The edge that a `usual` leaf asks to be passed, as it is said; None where too little is known."""
    leaf = clause.leaf
    assert isinstance(leaf, Usual)
    exact = _exact(clause, values, judged, far=leaf.far)
    if exact is None:
        return None
    said = _said(clause, *exact)
    return said.low if clause.down else said.high


def left_at(usual: Said, values: Sequence[float | None], down: bool) -> int | None:
    """Where the last unbroken stay outside the band (below it, or above) began: an index; None where it is inside."""
    at = len(values)
    while at > 0:
        value = values[at - 1]
        if value is None or (value >= usual.low if down else value <= usual.high):
            break
        at -= 1
    return at if at < len(values) else None


def _exact(
    clause: Clause, values: Sequence[float | None], judged: int, *, far: bool
) -> tuple[float, float, float] | None:
    baseline = clause.leaf.baseline if isinstance(clause.leaf, Usual) else HISTORY
    before = values[max(0, len(values) - judged - baseline) : len(values) - judged]
    known = np.array([np.nan if v is None else v for v in before], dtype=np.float64)
    if not known.size:
        return None
    found = band(known, counted=clause.whole, far=far)
    lower, mid, upper = float(found.lower), float(found.mid), float(found.upper)
    if isnan(mid):
        return None
    # Nothing that was never negative is usual below nothing.
    return (max(lower, 0.0) if np.nanmin(known) >= 0 else lower), mid, upper


def _said(clause: Clause, lower: float, mid: float, upper: float) -> Said:
    """The band in round figures, each a third of its width at most; inward, so that outside stays outside."""
    if upper <= lower:
        return Said(mid, mid, mid)
    step = 1.0 if clause.whole else 10.0 ** floor(log10((upper - lower) / 3))
    low, high = ceil(lower / step - 1e-9) * step, floor(upper / step + 1e-9) * step
    if 0 <= lower < step and not clause.whole and not isinstance(clause.leaf, Usual):
        low = 0.0  # "1% to 4% is usual" would be odd of something that is often nothing
    if low > high:
        low = high = round(mid / step) * step
    return Said(_clean(low), _clean(min(max(round(mid / step) * step, low), high)), _clean(high))


def _clean(value: float) -> float:
    """Without the dust of binary fractions: 0.30000000000000004 is 0.3."""
    return float(f"{value:.10g}")
