"""What one subject may be expected to do in a period, from its own past alone, and how far it strays from that.

Counts are taken as negative binomial around a mean that follows season, week and day; each step is shrunk towards the
one before by a Gamma prior, so that a slot with few observations says little (empirical Bayes after Gelman et al.,
"Bayesian Data Analysis", 3rd edition, section 2.7) and a past of nothing is a small mean, not an impossible one. Other
numbers lie around a median of like periods with heavy tails. How far a subject strays is measured on its own forecasts,
made in each period from those before it; the worst stretches of that time are left out, and what lies far above like
periods is cut, so that one spike of the past does not raise the bar.

Everything is a sum over finite stretches of the past, `[n, periods]` at once: the same for one close and for a year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beforehand.calendar import Grain
from beforehand.signals.numbers import Bool, Float
from beforehand.signals.tails import count_tail, t_tail
from beforehand.signals.usual import MAD_TO_DEVIATION


@dataclass(frozen=True)
class Past:
    """How much of the past is looked at, in periods.

    `seasons`: (length, how many of them), the finest first. `level`: the stretch that says how much there is at the
    moment; `long`: the one it is shrunk to; `drift`: the newest, 0 for none. `strays`: (length, number, worst left
    out) of the stretches on which forecasts are checked. `like`: lags of like periods. `least`: known periods needed.
    """

    seasons: tuple[tuple[int, int], ...]
    level: int
    long: int
    drift: int
    strays: tuple[int, int, int]
    like: tuple[int, ...]
    least: int

    @property
    def forecast(self) -> int:
        """How far back one forecast looks."""
        by_season = max((length * count + 1 for length, count in self.seasons), default=0)
        return by_season + max(self.level, self.long) + self.drift + max(self.like)

    @property
    def reach(self) -> int:
        """How far back a judgement looks."""
        return self.forecast + self.strays[0] * self.strays[1]


HOURS = Past(
    seasons=((24, 7), (168, 3)), level=168, long=504, drift=24, strays=(12, 14, 2),
    like=(24, 48, 72, 96, 120, 144, 168), least=48,
)  # fmt: skip
DAYS = Past(
    seasons=((7, 6),), level=14, long=42, drift=3, strays=(4, 7, 1), like=(1, 2, 3, 7, 14, 21), least=14
)  # fmt: skip
PAST = {
    Grain.HOUR: HOURS,
    Grain.DAY: DAYS,
    Grain.WEEK: Past((), 8, 26, 0, (2, 13, 1), (1, 2, 3, 4, 5, 6), 8),
    Grain.MONTH: Past((), 6, 18, 0, (1, 12, 1), (1, 2, 3, 4, 5, 6), 6),
    Grain.QUARTER: Past((), 4, 8, 0, (1, 8, 1), (1, 2, 3, 4), 4),
}

SEASON_PRIOR = 4.0
"""The weight, in counts, of "like the rest" against what a slot has seen; and as many periods' worth beside it."""
SEASON_PRIOR_PERIODS = 1.0
LEVEL_PRIOR = 5.0
DRIFT_PRIOR = 10.0
NOTHING = 0.5
"""Counts of a past of nothing: the prior of Jeffreys for the mean of a Poisson count."""
CUT, CUT_COUNT = 3.0, 5.0
"""A past count says at most three times the third highest of like periods, and five."""
STRAY, STRAY_PRIOR = 2.0, 60.0
"""What is believed of the variance against the mean, and how many counts it takes to be believed otherwise."""
CAUTION = 1.15
"""What leaving out the worst stretches takes away from the spread, and a little more."""
FREEDOM = 4.0
"""Student's degrees of freedom for what is not counted."""
LATELY = 5
"""How many of the newest periods move a median of like ones."""
LEAST_RELATIVE = 0.02
FEW = 50
"""One in so many errors, and at least one, is left out of their mean."""
TINY = 1e-9
BLOCK = 250_000
"""Periods of all subjects that are worked on together, to stay in the cache."""


@dataclass(frozen=True)
class Forecast:
    """Mean and spread of each period as its past has it, `[n, periods]`; NaN mean where too little is known."""

    mean: Float
    size: Float
    """Of counts: the size of the negative binomial; of others the scale of Student's t."""
    counted: bool

    def tail(self, value: Float) -> Float:
        """P(as much as `value` or more); NaN where either is not known."""
        found = np.full(value.shape, np.nan)
        at = np.flatnonzero(~np.isnan(value) & ~np.isnan(self.mean))
        x, mean, size = value.ravel()[at], self.mean.ravel()[at], self.size.ravel()[at]
        if self.counted:
            found.reshape(-1)[at] = count_tail(x, mean, size)
        else:
            found.reshape(-1)[at] = t_tail((x - mean) / size, FREEDOM)
        return found

    @property
    def lower(self) -> Float:
        """Two deviations below the mean; of counts 0 at least."""
        low = self.mean - 2 * self.spread
        return np.maximum(low, 0.0) if self.counted else low

    @property
    def spread(self) -> Float:
        """The standard deviation of a count; the scale of others."""
        return np.sqrt(self.mean + self.mean**2 / self.size) if self.counted else self.size


def forecast_counts(x: Float, closes: int, past: Past) -> Forecast:
    """The forecast of each of the last `closes` periods of `[n, periods]` counts (NaN: not known) from those before."""
    known = ~np.isnan(x)
    seen = known.astype(np.float64)
    cut = _cut(np.where(known, x, 0.0), seen, past)
    count = _before(seen, past.long)
    long = (_before(cut, past.long) + NOTHING) / np.maximum(count, 1.0)
    level = (_before(cut, past.level) + LEVEL_PRIOR) / (_before(seen, past.level) + LEVEL_PRIOR / long)
    # From here on only what is needed: the closes, and the time before them in which forecasts are checked.
    length, number, _ = past.strays
    mean, weight = _in_season(cut, seen * level, level, min(x.shape[1], closes + length * number + past.drift), past)
    if past.drift:
        due = _before(_last(seen, mean.shape[1]) * mean, past.drift)
        mean = mean * (_before(_last(cut, mean.shape[1]), past.drift) + DRIFT_PRIOR) / (due + DRIFT_PRIOR)
    width = mean.shape[1]
    linear, quadratic = _strays(_last(x, width), _last(cut, width), mean, _last(count, width), closes, past)
    mean, weight = _last(mean, closes), _last(weight, closes)
    more = np.maximum(linear / mean, quadratic)
    return Forecast(np.where(_last(count, closes) >= past.least, mean, np.nan), 1 / (more + 1 / weight), True)


def _in_season(cut: Float, due: Float, level: Float, width: int, past: Past) -> tuple[Float, Float]:
    """Level times season of the last `width` periods, and how many counts that rests on."""
    level = _last(level, width)
    if not past.seasons:
        return level, _last(_before(cut, past.level), width) + LEVEL_PRIOR
    # What a slot had against the level of its own time: what was known when it came.
    cut, due = _smooth(cut), _smooth(due)
    prior = SEASON_PRIOR + SEASON_PRIOR_PERIODS * level
    factor, weight = np.ones_like(level), prior
    for length, times in past.seasons:
        got, expected = np.zeros_like(level), np.zeros_like(level)
        for back in range(1, times + 1):
            got += _lagged(cut, length * back, width)
            expected += _lagged(due, length * back, width)
        factor = (got + prior * factor) / (expected + prior)
        weight = got + prior
    return level * factor, weight


def _strays(x: Float, cut: Float, mean: Float, count: Float, closes: int, past: Past) -> tuple[Float, Float]:
    """How forecasts have strayed beyond Poisson, in proportion to the mean and to its square, `[n, closes]`."""
    length, number, worst = past.strays
    usable = ~np.isnan(x) & (count >= past.least / 2)

    def stretches(part: Float) -> Float:
        total = _before(np.where(usable, part, 0.0), length)
        return np.stack([_lagged(total, length * back, closes) for back in range(number)])

    wrong, due, square = stretches((x - mean) ** 2), stretches(mean), stretches(mean**2)
    total = due.sum(axis=0)
    # Of rare counts the worst stretches are all that tells: with all of them, but what is far out cut off.
    linear = _kept(wrong / np.maximum(due, TINY), due > 0, worst) * CAUTION
    linear = np.maximum(linear, stretches((cut - mean) ** 2).sum(axis=0) / np.maximum(total, TINY))
    linear = (linear * total + STRAY * STRAY_PRIOR) / (total + STRAY_PRIOR)
    quadratic = _kept((wrong - due) / np.maximum(square, TINY), due > 0, worst) * CAUTION
    return np.maximum(linear - 1, 0.0), np.maximum(quadratic, 0.0)


def _kept(ratio: Float, usable: Bool, worst: int) -> Float:
    """The mean of the stretches but for the worst ones; 0 where there are none."""
    ratio = np.where(usable, ratio, -np.inf)
    ratio = np.partition(ratio, len(ratio) - worst, axis=0)[: len(ratio) - worst] if worst else ratio
    good = np.isfinite(ratio)
    return np.asarray(np.where(good, ratio, 0.0).sum(axis=0) / np.maximum(good.sum(axis=0), 1))


def _cut(raw: Float, seen: Float, past: Past) -> Float:
    """Counts with what is far above like periods cut off."""
    marked = np.where(seen > 0, raw, -1.0)
    like = np.stack([_lagged(marked, lag, raw.shape[1], -1.0) for lag in past.like])
    third = np.partition(like, len(past.like) - 3, axis=0)[len(past.like) - 3]
    return np.where(third >= 0, np.minimum(raw, CUT * third + CUT_COUNT), raw)


def _smooth(values: Float) -> Float:
    """Each value with half of its neighbours: seasons do not keep to the minute."""
    out = values.copy()
    out[:, 1:] += values[:, :-1] / 2
    out[:, :-1] += values[:, 1:] / 2
    return out


def _before(values: Float, length: int) -> Float:
    """The sum of the `length` columns before each one."""
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    out = total[:, :-1].copy()
    if length < values.shape[1]:
        out[:, length:] -= total[:, : -length - 1]
    return np.maximum(out, 0.0)


def _last(values: Float, width: int) -> Float:
    return values[:, values.shape[1] - width :]


def _lagged(values: Float, lag: int, width: int, rest: float = 0.0) -> Float:
    """The values `lag` columns before each of the last `width` ones; `rest` before the first."""
    low, high = values.shape[1] - width - lag, values.shape[1] - lag
    if low >= 0:
        return values[:, low:high]
    out = np.full((values.shape[0], width), rest)
    if high > 0:
        out[:, -low:] = values[:, :high]
    return out


def forecast_values(x: Float, closes: int, past: Past) -> Forecast:
    """The same of numbers that are not counted: the median of like periods, moved by how the newest ones differ.

    The scale is the largest of three that agree where errors are normal: from their median (times 1.4826), from their
    90th percentile, and from their mean but for the largest few; at least 2 % of the number itself.
    """
    length, number, _ = past.strays
    width = min(x.shape[1], closes + length * number)
    wide = min(x.shape[1], width + LATELY)
    count = _last(_before((~np.isnan(x)).astype(np.float64), past.long), closes)
    usual = _median(np.stack([_lagged(x, lag, wide, np.nan) for lag in past.like]))
    moved = _last(x, wide) - usual
    mean = _last(usual, width) + _median(np.stack([_lagged(moved, lag, width, np.nan) for lag in range(1, LATELY + 1)]))
    wrong = np.abs(_last(x, width) - mean)
    checked = np.stack([_lagged(wrong, lag, closes, np.nan) for lag in range(1, length * number + 1)])
    mean = _last(mean, closes)
    scale = np.maximum(_scale(checked), np.maximum(LEAST_RELATIVE * np.abs(mean), TINY))
    known = (count >= past.least) & (np.count_nonzero(~np.isnan(checked), axis=0) >= past.least // 2)
    return Forecast(np.where(known, mean, np.nan), scale, False)


def forecast(x: Float, closes: int, grain: Grain, counted: bool) -> Forecast:
    """The forecast of each of the last `closes` periods of `[n, periods]` from those before it, a block at a time."""
    past, how = PAST[grain], forecast_counts if counted else forecast_values
    rows = max(1, BLOCK // max(1, x.shape[1]))
    parts = [how(x[first : first + rows], closes, past) for first in range(0, max(len(x), 1), rows)]
    return Forecast(np.concatenate([p.mean for p in parts]), np.concatenate([p.size for p in parts]), counted)


def _scale(errors: Float) -> Float:
    """The scale of absolute errors, over the first axis, of those that are known."""
    ordered = np.sort(errors, axis=0)
    known = np.count_nonzero(~np.isnan(errors), axis=0)
    ninth = np.take_along_axis(ordered, np.maximum((known * 9 + 9) // 10 - 1, 0)[None], axis=0)[0]
    few = np.arange(len(errors))[:, None, None] < known - np.maximum(known // FEW, 1)
    mean = np.where(few, ordered, 0.0).sum(axis=0) / np.maximum(few.sum(axis=0), 1)
    return np.asarray(np.maximum(np.maximum(MAD_TO_DEVIATION * _median(errors), ninth / 1.645), mean * 1.2533))


def _median(stack: Float) -> Float:
    """The median over the first axis of what is known; NaN where nothing is."""
    ordered = np.sort(stack, axis=0)
    known = np.count_nonzero(~np.isnan(stack), axis=0)
    low, high = np.maximum((known - 1) // 2, 0), np.minimum(known // 2, len(stack) - 1)
    picked = [np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high)]
    return np.where(known > 0, (picked[0] + picked[1]) / 2, np.nan)
