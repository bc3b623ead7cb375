"""Milestones: nothing counted yet, so long after a day that a trait names, or longer than others like it took.

How long others took is estimated from those too that have not come to it yet (Kaplan and Meier, "Nonparametric
Estimation from Incomplete Observations", J. Am. Stat. Assoc., 1958), over those that began within the last year.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beforehand.signals.numbers import CLEAR, FAILED, HOLDS, UNSURE, Bool, Float, Verdicts
from beforehand.signals.peers import LEAST
from beforehand.signals.tree import Milestone

COHORT_DAYS = 365
"""Those whose day lies at most so long back say how long it takes."""
NEVER = 1e9
"""The threshold, in days, where so few have come to it that none is late."""


def milestone_width(leaf: Milestone) -> int:
    """How many days a verdict looks at."""
    return 1 if leaf.days is not None else COHORT_DAYS + 1


def judge_milestone(leaf: Milestone, windows: Float, counted: bool = True, idle: Bool | None = None) -> Verdicts:
    """Whether nothing has been counted yet; `windows` hold the total so far. When it is asked, dates say."""
    total = windows[..., -1]
    with np.errstate(invalid="ignore"):
        verdicts = np.where(total < 1, HOLDS, CLEAR)
    verdicts = np.where(np.isnan(total), UNSURE, verdicts)
    return np.where(np.isinf(total), FAILED, verdicts).astype(np.int8)


def score_milestone(leaf: Milestone, series: Float, since: Float) -> Float:
    """How many days each subject has waited at each close, `[n, Q]`, from its totals day by day `[n, Q + 365]`.

    `since` `[n, Q]` are the days since its day. For who came to it after d days: -1 - d. NaN: not known, or its day is
    still ahead; infinite: failed.
    """
    closes = since.shape[1]
    before = series.shape[1] - closes
    with np.errstate(invalid="ignore"):
        reached = series >= 1
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), series.shape[1])[:, np.newaxis]
    at = before + np.arange(closes)
    took = np.maximum(since - (at - first), 0.0)
    now = series[:, before:]
    with np.errstate(invalid="ignore"):
        p = np.where(first <= at, -1.0 - took, since)
        p = np.where((since >= 0) & ~np.isnan(now), p, np.nan)
    return np.where(np.isinf(now), np.inf, p)


def decide_milestone(
    leaf: Milestone, waited: Float, since: Float, scope: Bool, codes: NDArray[np.int32], groups: int
) -> Float:
    """The day after which an account is later than all but the slowest share of its group, `[groups, Q]`.

    NaN where fewer than 10 of a group began within the last year.
    """
    found = np.full((groups, waited.shape[1]), np.nan)
    width = COHORT_DAYS + 1
    for q in range(waited.shape[1]):
        with np.errstate(invalid="ignore"):
            own = scope[:, q] & np.isfinite(waited[:, q]) & (since[:, q] <= COHORT_DAYS)
        p, group = waited[own, q], codes[own, q]
        came = p < 0
        days = np.clip(np.where(came, -1.0 - p, p), 0, COHORT_DAYS).astype(np.int64)
        cells = group * width + days
        events = np.bincount(cells[came], minlength=groups * width).reshape(groups, width)
        left = np.bincount(cells, minlength=groups * width).reshape(groups, width)
        at_risk = left[:, ::-1].cumsum(axis=1)[:, ::-1]
        still = np.cumprod(1 - events / np.maximum(at_risk, 1), axis=1)
        late = still <= leaf.share + 1e-12
        day = np.where(late.any(axis=1), late.argmax(axis=1), NEVER)
        found[:, q] = np.where(at_risk[:, 0] >= LEAST, day, np.nan)
    return found


def verdicts_late(waited: Float, thresholds: Float) -> Verdicts:
    """Verdicts from the days waited `[n, Q]` and the day that each is held against; who came to it is clear."""
    with np.errstate(invalid="ignore"):
        late = np.where(waited > thresholds, HOLDS, CLEAR)
        unknown = np.isnan(waited) | (np.isnan(thresholds) & ~(waited < 0))
    verdicts = np.where(unknown, UNSURE, late)
    return np.where(np.isinf(waited), FAILED, verdicts).astype(np.int8)
