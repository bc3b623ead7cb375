"""Most accounts falling, or rising, at once: one cause for all of them, whatever it is.

Each account is held against its own like periods (the weeks before; the same day, or hour, of the weeks before), and
what is told is the share of those that usually have something. That share must be most of them, and far above what
the shares of the closes before were, in their own median and deviation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from beforehand.calendar import Grain
from beforehand.incidents.holding import Kind
from beforehand.signals.numbers import Bool, Float, Int
from beforehand.signals.usual import MAD_TO_DEVIATION

LEAST_ACCOUNTS = 10
MOST = 0.6
"""The share that is most."""
APART = 0.3
"""By how much it is above the usual share."""
DEVIATIONS = 4.0
LEAST_USUAL = 3.0
"""Of counted things an account usually has so many in a period, or it says nothing of a fall."""
HALF, TWICE, NOISE = 0.5, 2.0, 2.0
LEAST_LIKE = 4
"""Of the like periods so many must be known."""
LIKE = {Grain.HOUR: (168, 4), Grain.DAY: (7, 6), Grain.WEEK: (1, 8)}
"""How far apart like periods are, and how many of them are looked at."""
BEFORE = {Grain.HOUR: 0, Grain.DAY: 21, Grain.WEEK: 8}
"""How many closes before the tested ones say what share is usual."""
LEAST_BEFORE = 3


def width(grain: Grain) -> int:
    """How many periods a window must have."""
    apart, many = LIKE[grain]
    return apart * many + 1


@dataclass(frozen=True)
class Shares:
    """Over all accounts, at each close `[Q]`: who could fall and did, who could rise and did, and what all had."""

    could_fall: Int
    fell: Int
    could_rise: Int
    rose: Int
    total: Float
    usual: Float

    def __add__(self, other: Shares) -> Shares:
        return Shares(
            self.could_fall + other.could_fall, self.fell + other.fell, self.could_rise + other.could_rise,
            self.rose + other.rose, self.total + other.total, self.usual + other.usual,
        )  # fmt: skip


def shares(windows: Float, grain: Grain, counted: bool, idle: Bool | None = None) -> Shares:
    """What some accounts did at each close, from `[n, Q, width(grain)]` windows, oldest first, NaN being not known.

    `counted`: whole things, which vary by chance. `idle`, `[n or 1, Q]`, are accounts whose holidays explain the
    period: they say nothing.
    """
    apart, _ = LIKE[grain]
    like, now = windows[..., :-1][..., ::apart], windows[..., -1]
    known = np.count_nonzero(~np.isnan(like), axis=-1) >= LEAST_LIKE
    known &= np.isfinite(now)
    if idle is not None:
        known &= ~idle
    middle = np.where(known, _median(like), np.nan)
    some = np.where(known, now, 0.0)
    with np.errstate(invalid="ignore"):
        if counted:
            noise = NOISE * np.sqrt(np.maximum(middle, 1.0))
            could_fall = middle >= LEAST_USUAL
            fell = could_fall & (now <= HALF * middle) & (now < middle - noise)
            ever = np.nansum(windows[..., :-1], axis=-1)
            could_rise = known & (ever >= LEAST_USUAL)
            rose = could_rise & (now >= TWICE * middle) & (now > middle + noise + 1)
        else:
            could_fall = could_rise = middle > 0
            fell = could_fall & (now <= HALF * middle)
            rose = could_rise & (now >= TWICE * middle)
    return Shares(
        could_fall.sum(axis=0), fell.sum(axis=0), could_rise.sum(axis=0), rose.sum(axis=0),
        np.where(could_fall | could_rise, some, 0.0).sum(axis=0),
        np.where(could_fall | could_rise, np.nan_to_num(middle), 0.0).sum(axis=0),
    )  # fmt: skip


@dataclass(frozen=True)
class Together:
    """Most accounts moved at the close `q`: `moved` of `could`; the usual share of the closes before, how sure."""

    q: int
    kind: Kind
    moved: int
    could: int
    usual_share: float
    total: float
    usual_total: float
    sure: float


def moved_together(found: Shares, tested: int, before: int) -> Iterator[Together]:
    """The closes, of the last `tested`, at which most moved; the `before` ones ahead of each say what is usual."""
    sides: tuple[tuple[Kind, Int, Int], ...] = (
        ("drop", found.fell, found.could_fall),
        ("jump", found.rose, found.could_rise),
    )
    for kind, moved, could in sides:
        share = np.where(could >= LEAST_ACCOUNTS, moved / np.maximum(could, 1), np.nan)
        for q in range(max(0, len(share) - tested), len(share)):
            if not share[q] >= MOST:
                continue
            past = share[max(0, q - before) : q]
            past = past[~np.isnan(past)]
            usual = deviation = 0.0
            if len(past) >= LEAST_BEFORE:
                usual = float(np.median(past))
                deviation = MAD_TO_DEVIATION * float(np.median(np.abs(past - usual)))
            if share[q] - usual < max(APART, DEVIATIONS * deviation):
                continue
            yield Together(
                q, kind, int(moved[q]), int(could[q]), usual, float(found.total[q]), float(found.usual[q]),
                _sure(float(share[q]), max(usual, 1 / LEAST_ACCOUNTS), int(could[q])),
            )  # fmt: skip


def _sure(share: float, usual: float, accounts: int) -> float:
    """1 less the chance that so many move where each does with the usual share (Chernoff's bound)."""
    if share <= usual:
        return 0.0
    apart = share * np.log(share / usual)
    if share < 1:
        apart += (1 - share) * np.log((1 - share) / (1 - usual))
    return round(1 - float(np.exp(-accounts * apart)), 4)


def _median(values: Float) -> Float:
    """The median over the last axis of what is known; NaN where nothing is."""
    ordered = np.sort(values, axis=-1)
    known = np.count_nonzero(~np.isnan(ordered), axis=-1)
    low, high = np.maximum((known - 1) // 2, 0), np.minimum(known // 2, values.shape[-1] - 1)
    picked = [np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0] for at in (low, high)]
    return np.where(known > 0, (picked[0] + picked[1]) / 2, np.nan)
