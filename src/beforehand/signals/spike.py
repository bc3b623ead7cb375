"""Spikes: far above the subject's own usual, with false discoveries kept rare over all subjects of a close.

`score` says for each subject and close how unlikely so much is (a p-value); `decide` finds, once per close and over all
subjects in scope, which of them are rare enough: Benjamini and Hochberg, "Controlling the False Discovery Rate"
(J. R. Statist. Soc. B, 1995). A verdict is then each subject's p-value against the threshold of its close.
"""

from __future__ import annotations

import numpy as np

from beforehand.signals.expected import PAST, Forecast, forecast
from beforehand.signals.numbers import Bool, Float
from beforehand.signals.tree import Spike

RATE = 0.05
"""The share of false ones among all that hold at a close."""
FAR = 0.001
"""However few subjects there are: what comes once in a thousand periods by chance alone is not far above usual."""
LEAST = 3
"""Fewer of anything are no spike, whatever was usual."""


def spike_width(leaf: Spike) -> int:
    """How many periods a verdict looks at."""
    return PAST[leaf.grain].reach + leaf.streak.of


def foresee(leaf: Spike, series: Float, closes: int, counted: bool) -> Forecast:
    """What was to be expected of each of the last `closes` periods of `[n, periods]`."""
    return forecast(np.where(np.isinf(series), np.nan, series), closes, leaf.grain, counted)


def score_spike(leaf: Spike, series: Float, closes: int, counted: bool) -> Float:
    """The p-value of each of the last `closes` periods of `[n, periods]`; NaN: not known, infinite: failed."""
    value = series[:, series.shape[1] - closes :]
    p = foresee(leaf, series, closes, counted).tail(np.where(np.isinf(value), np.nan, value))
    if counted:
        p = np.where((value < LEAST) & ~np.isnan(p), 1.0, p)
    return np.where(np.isinf(value), np.inf, p)


def decide(p: Float, scope: Bool, filling: bool = False) -> Float:
    """The threshold of each close, `[Q]`, over the subjects in `scope` `[n, Q]`.

    Never below RATE / subjects in scope, which is all that a period still filling (the last one) is held against,
    and never above FAR.
    """
    found = np.empty(p.shape[1])
    for q in range(p.shape[1]):
        subjects = max(1, int(scope[:, q].sum()))
        floor = RATE / subjects
        found[q] = floor
        if filling and q == p.shape[1] - 1:
            continue
        rare = np.sort(p[scope[:, q] & (p[:, q] <= RATE), q])
        steps = RATE * np.arange(1, rare.size + 1) / subjects
        passed = np.flatnonzero(rare <= steps)
        if passed.size:
            found[q] = max(floor, steps[passed[-1]])
    return np.minimum(found, FAR)


def least_spike(usual: Forecast, level: float = FAR) -> Float:
    """The value from which on a period alone would be a spike at this level."""
    low = np.where(np.isnan(usual.mean), 0.0, usual.mean)
    high = low + np.maximum(np.where(np.isnan(usual.mean), 1.0, usual.spread), 1.0)
    for _ in range(60):
        short = usual.tail(high) > level
        if not short.any():
            break
        low, high = np.where(short, high, low), np.where(short, high + 2 * (high - usual.mean), high)
    for _ in range(50):
        middle = (low + high) / 2
        short = usual.tail(middle) > level
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    found = np.maximum(np.ceil(high), LEAST) if usual.counted else high
    return np.where(np.isnan(usual.mean), np.nan, found)
