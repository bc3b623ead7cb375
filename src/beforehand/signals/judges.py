"""The judges: small pure functions from windows of numbers to verdicts. One per kind; peers and milestones apart.

A window is `[n, Q, W]`, the last W periods at each of Q closes, oldest first, NaN where not known; it may be a strided
view, and no judge copies more of it than a block. Verdicts are `[n, Q]` int8. The logic is Kleene's: a streak holds
where enough known periods hold, is clear where enough can no longer hold, and is unsure between. An infinite number
is a failure of whoever counted it, and so is the verdict. `idle` `[n or 1, Q, streak]` are the judged periods of which
holidays left too little to say that something fell: where it did, they count as not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import NDArray

from beforehand.signals.numbers import CLEAR, FAILED, HOLDS, UNSURE, Bool, Float, Verdicts
from beforehand.signals.spike import FAR, RATE, score_spike
from beforehand.signals.tree import Absence, Change, Level, Op, Spike, Streak, Usual
from beforehand.signals.usual import Band, band

BLOCK = 1 << 18  # windows judged at once
SORTED_BLOCK = 1 << 14  # fewer where a window is copied to be sorted, to stay in the cache
EXACT = 1e-9  # the relative slack of a percentage, so that 10 to 6 is down 40% in binary numbers too

NEGATED = np.array([HOLDS, CLEAR, UNSURE, FAILED], dtype=np.int8)
COMPARE: dict[Op, Callable[[Float, float | Float], Bool]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def judge_level(leaf: Level, windows: Float, counted: bool = True, idle: Bool | None = None) -> Verdicts:
    """Whether enough of the last `streak.of` periods are on the wrong side of a fixed bound."""
    verdicts = np.empty(windows.shape[:2], dtype=np.int8)
    for rows in _blocks(windows):
        verdicts[rows] = _streak(leaf.streak, windows[rows], leaf.op, leaf.bound, _rows(idle, rows))
    return verdicts


def judge_change(leaf: Change, windows: Float, counted: bool = True, idle: Bool | None = None) -> Verdicts:
    """Whether enough of the last `streak.of` periods are down or up by the fraction against the mean of those before.

    The mean needs every one of the `baseline` periods. A percentage of nothing is not a number: where the mean is 0 or
    less the verdict is unsure, for a rise as for a fall.
    """
    verdicts = np.empty(windows.shape[:2], dtype=np.int8)
    for rows in _blocks(windows):
        block = windows[rows]
        mean = baseline_mean(leaf, block)
        op, bound = change_bound(leaf, mean)
        found = _streak(leaf.streak, block, op, bound, _rows(idle, rows))
        found[~(mean > 0) & (found != FAILED)] = UNSURE
        if not np.isfinite(mean).all():
            found[np.isinf(block[..., -leaf.baseline - leaf.gap : -leaf.gap]).any(axis=-1)] = FAILED
        verdicts[rows] = found
    return verdicts


def judge_usual(leaf: Usual, windows: Float, counted: bool = True, idle: Bool | None = None) -> Verdicts:
    """Whether enough of the last `streak.of` periods are outside the subject's own usual band of the periods before, or
    inside it.

    The band needs 8 known periods of the `baseline` before those judged.
    """
    verdicts = np.empty(windows.shape[:2], dtype=np.int8)
    for rows in _blocks(windows, SORTED_BLOCK):
        block = windows[rows]
        history = block[..., -leaf.baseline - leaf.streak.of : -leaf.streak.of]
        usual = band(history, counted=counted, far=leaf.far)
        if leaf.direction == "within":
            found = decided_in(leaf.streak, _inside(block[..., -leaf.streak.of :], usual), _rows(idle, rows))
        else:
            op, bound = usual_bound(leaf, usual)
            found = _streak(leaf.streak, block, op, bound, _rows(idle, rows))
        found[np.isnan(usual.mid) & (found != FAILED)] = UNSURE
        infinite = np.isinf(_series(history))
        if infinite.any():
            found[_spread(infinite, leaf.baseline).any(axis=-1)] = FAILED
        verdicts[rows] = found
    return verdicts


def judge_spike(leaf: Spike, windows: Float, counted: bool = True, idle: Bool | None = None) -> Verdicts:
    """Whether enough of the last `streak.of` periods are spikes, were each subject the only one in scope."""
    n, closes, width = windows.shape
    if not n * closes:
        return np.empty((n, closes), dtype=np.int8)
    p = score_spike(leaf, windows.reshape(n * closes, width), leaf.streak.of, counted)
    return _streak(leaf.streak, p.reshape(n, closes, leaf.streak.of), "<=", min(RATE, FAR))


def rare_enough(streak: Streak, p: Float | NDArray[np.float32], thresholds: Float) -> Verdicts:
    """Verdicts from p-values `[n, Q]` and the threshold of each close; of closes before the first nothing is known."""
    if not p.shape[1]:
        return np.empty(p.shape, dtype=np.int8)
    ratio = np.concatenate([np.full((len(p), streak.of - 1), np.nan), p / thresholds], axis=1)
    return _streak(streak, sliding_window_view(ratio, streak.of, axis=1), "<=", 1.0)


def judge_absence(leaf: Absence, windows: Float, counted: bool = True, idle: Bool | None = None) -> Verdicts:
    """Whether nothing was counted in the rolling days that end at each close; `windows` hold the rolling count."""
    verdicts = np.empty(windows.shape[:2], dtype=np.int8)
    for rows in _blocks(windows):
        verdicts[rows] = _streak(Streak(), windows[rows], "<", 1.0, _rows(idle, rows))
    return verdicts


def in_business_days(windows: Float, workdays: Bool, days: int) -> Float:
    """What was counted since the last `days` business days began, `[n, Q, 1]`, from daily windows `[n, Q, W]`.

    What is counted at all shows, whatever else is not known; NaN where it is not known that nothing was, or where the
    window has fewer business days.
    """
    ahead = np.cumsum(workdays[..., ::-1], axis=-1)[..., ::-1]  # business days from each day on
    since = ahead <= days  # with the days off that lie right before the first of them
    began = ahead[..., :1] >= days
    # The stretch begins with its first business day.
    since = since & (np.cumsum(workdays & since, axis=-1) > 0)
    if len(since) > 1:
        stretches = np.where(since, windows, 0.0)
        return np.where(began, _counted_at_all(stretches)[..., np.newaxis], np.nan)
    found = np.empty((*windows.shape[:2], 1))
    for close, days_since in enumerate(since[0].sum(axis=-1)):  # one calendar for all: no copy of the windows
        found[:, close, 0] = _counted_at_all(windows[:, close, windows.shape[2] - days_since :])
    return np.where(began, found, np.nan)


def _counted_at_all(stretches: Float) -> Float:
    """The sum over the last axis; 1 where one is not known and another is more than nothing."""
    with np.errstate(invalid="ignore"):
        total = stretches.sum(axis=-1)
        return np.where(np.isnan(total) & (stretches > 0).any(axis=-1), 1.0, total)


def baseline_mean(leaf: Change, windows: Float) -> Float:
    """The mean of the `baseline` periods before those judged, `[...]`; NaN where any is not known."""
    first = windows.shape[-1] - leaf.gap - leaf.baseline
    total = np.zeros(windows.shape[:-1])
    with np.errstate(invalid="ignore", over="ignore"):
        for period in range(first, first + leaf.baseline):
            total += windows[..., period]
    return total / leaf.baseline


def change_bound(leaf: Change, mean: Float) -> tuple[Op, Float]:
    """What each judged period is held against, from the mean of the baseline."""
    with np.errstate(invalid="ignore", over="ignore"):
        if leaf.direction == "down":
            return "<=", mean * (1 - leaf.fraction) + EXACT * mean
        return ">=", mean * (1 + leaf.fraction) - EXACT * mean


def usual_bound(leaf: Usual, usual: Band) -> tuple[Op, Float]:
    """The end of the usual band that each judged period is held against."""
    return ("<", usual.lower) if leaf.direction == "down" else (">", usual.upper)


def _inside(judged: Float, usual: Band) -> Float:
    """1 where a period is within the band, 0 where it is not; what is not known or infinite stays."""
    with np.errstate(invalid="ignore"):
        within = (judged >= usual.lower[..., np.newaxis]) & (judged <= usual.upper[..., np.newaxis])
    return np.where(np.isfinite(judged), within, judged)


def decided_in(streak: Streak, flags: Float, idle: Bool | None = None) -> Verdicts:
    """The verdict on flags `[n, Q, streak]`: 1 holds, 0 does not, NaN is not known, infinite failed."""
    return _streak(streak, flags, ">=", 1.0, idle)


def all_of(parts: Sequence[Verdicts]) -> Verdicts:
    """Every part holds: clear where one is clear, else failed, else unsure where one is."""
    return _combine(parts, CLEAR, HOLDS)


def any_of(parts: Sequence[Verdicts]) -> Verdicts:
    """One part holds: holds where one does, else failed, else unsure where one is."""
    return _combine(parts, HOLDS, CLEAR)


def negation(verdicts: Verdicts) -> Verdicts:
    """Holds where it is clear and the reverse; what is not known stays so."""
    return NEGATED[verdicts]


def _combine(parts: Sequence[Verdicts], decisive: np.int8, neutral: np.int8) -> Verdicts:
    result = np.full(parts[0].shape, neutral, dtype=np.int8)
    for verdict in (UNSURE, FAILED, decisive):
        for part in parts:
            result[part == verdict] = verdict
    return result


def _streak(streak: Streak, windows: Float, op: Op, bound: float | Float, idle: Bool | None = None) -> Verdicts:
    """Kleene's verdict on "at least `need` of the last `of` periods are wrong", the last ones of `[n, Q, W]`."""
    last = windows[..., windows.shape[2] - streak.of :]
    series = _series(last)
    finite = np.isfinite(series)
    by_period = COMPARE[op](series, bound) if np.ndim(bound) == 0 else None
    # As small as the count fits: adding flags to wider numbers takes several times as long as finding them.
    holding = np.zeros(last.shape[:2], dtype=np.int8 if streak.of < 128 else np.int16)
    unknown, failed = np.zeros_like(holding), None
    if not finite.all():
        infinite = np.isinf(series)
        failed = _spread(infinite, streak.of).any(axis=-1) if infinite.any() else None
        for period in range(streak.of):
            unknown += _spread(~finite, streak.of)[..., period].view(np.int8)
    for period in range(streak.of):
        wrong = (
            COMPARE[op](last[..., period], bound) if by_period is None else _spread(by_period, streak.of)[..., period]
        )
        if idle is not None:
            # What fell while hardly any business was done proves nothing; what did not fall then did not.
            resting = wrong & idle[..., period - streak.of]
            unknown += resting
            wrong = wrong & ~resting
        holding += wrong.view(np.int8)
    possible, holds = holding + unknown >= streak.need, holding >= streak.need
    # By arithmetic: through a mask each verdict is a branch, and the processor guesses half of them wrong.
    verdicts: Verdicts = CLEAR + possible.view(np.int8) * (UNSURE - CLEAR) + holds.view(np.int8) * (HOLDS - UNSURE)
    if failed is not None:
        verdicts[failed] = FAILED
    return verdicts


def _series(last: Float) -> Float:
    """Windows `[n, Q, of]` that slide over a series, as that series `[n, Q + of - 1]`; else the windows as they are.

    Each number is then looked at once, not once for each close that sees it.
    """
    n, closes, of = last.shape
    if last.strides[1] != last.strides[2] or not closes:
        return last
    return as_strided(last, (n, closes + of - 1), last.strides[:2], writeable=False)


def _spread(flags: Bool, of: int) -> Bool:
    """Flags of what `_series` gave, by window `[n, Q, of]`."""
    return flags if flags.ndim == 3 else sliding_window_view(flags, of, axis=1)


def _rows(idle: Bool | None, rows: slice) -> Bool | None:
    return idle if idle is None or len(idle) == 1 else idle[rows]


def _blocks(windows: Float, most: int = BLOCK) -> Iterator[slice]:
    """Slices of subjects with at most about `most` windows each."""
    step = max(1, most // max(1, windows.shape[1]))
    for first in range(0, windows.shape[0], step):
        yield slice(first, first + step)
