"""What a story needs to tell why one leaf holds for one subject at one close: numbers, not words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from beforehand.calendar import Grain
from beforehand.signals.judges import COMPARE, baseline_mean, change_bound, usual_bound
from beforehand.signals.numbers import Bool, Float
from beforehand.signals.spike import FAR, foresee, least_spike, score_spike
from beforehand.signals.tree import Absence, Change, Level, Milestone, Op, Peers, Quantity, Spike, Streak, Usual
from beforehand.signals.usual import band


@dataclass(frozen=True)
class Evidence:
    """The numbers behind one verdict on one subject.

    `values` are the periods judged, oldest first; `history` the periods before them, where the window had any.
    `bound` is what they were held against, with `op` in the direction that counts as wrong; `expected` with `lower`
    and `upper` what was usual, or the mean of the baseline (None where the kind has none). `gap` is the last value
    minus the bound. `run` is how many closed periods up to the last have been wrong without a break, as far back as
    the window goes; `wrong` how many of those judged are.
    `p` is how likely so much is by chance.
    """

    kind: str
    quantity: Quantity
    grain: Grain
    values: Float
    history: Float
    op: Op
    bound: float
    streak: Streak
    wrong: int
    run: int
    gap: float
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None


def level_evidence(leaf: Level, window: Float, counted: bool = True) -> Evidence:
    """`window` is `[W]` with W >= the streak; a longer one lets `run` reach further back."""
    wrong = np.asarray(COMPARE[leaf.op](window, leaf.bound))
    return _told("level", leaf.quantity, leaf.grain, leaf.streak, window, wrong, leaf.op, leaf.bound)


def change_evidence(leaf: Change, window: Float, counted: bool = True) -> Evidence:
    """`window` is `[W]` with W >= baseline + gap; only the last of them are read."""
    window = window[window.size - leaf.baseline - leaf.gap :]
    mean = baseline_mean(leaf, window)
    op, slack_bound = change_bound(leaf, mean)
    wrong = np.zeros(window.size, dtype=bool)
    wrong[leaf.baseline :] = COMPARE[op](window[leaf.baseline :], slack_bound)
    bound = float(mean) * (1 - leaf.fraction if leaf.direction == "down" else 1 + leaf.fraction)
    return _told("change", leaf.quantity, leaf.grain, leaf.streak, window, wrong, op, bound, expected=float(mean))


def usual_evidence(leaf: Usual, window: Float, counted: bool = True) -> Evidence:
    """`window` is `[W]` with W >= baseline + streak; only the last of them are read."""
    window = window[window.size - leaf.baseline - leaf.streak.of :]
    usual = band(window[: leaf.baseline], counted=counted, far=leaf.far)
    op, bound = usual_bound(leaf, usual)
    wrong = np.zeros(window.size, dtype=bool)
    judged = window[leaf.baseline :]
    if leaf.direction == "within":
        op, bound = ">=", usual.lower
        wrong[leaf.baseline :] = (judged >= usual.lower) & (judged <= usual.upper)
    else:
        wrong[leaf.baseline :] = COMPARE[op](judged, bound)
    told = _told("usual", leaf.quantity, leaf.grain, leaf.streak, window, wrong, op, float(bound))
    return replace(told, expected=float(usual.mid), lower=float(usual.lower), upper=float(usual.upper))


def spike_evidence(leaf: Spike, window: Float, counted: bool = True) -> Evidence:
    """`window` is `[W]` with W >= the kind's width; `bound` is what would be a spike of this subject alone."""
    usual = foresee(leaf, window[None], leaf.streak.of, counted)
    p = score_spike(leaf, window[None], leaf.streak.of, counted)[0]
    upper = float(least_spike(usual)[0, -1])
    wrong = np.zeros(window.size, dtype=bool)
    wrong[window.size - leaf.streak.of :] = p <= FAR
    told = _told("spike", leaf.quantity, leaf.grain, leaf.streak, window, wrong, ">=", upper)
    mean, lower = float(usual.mean[0, -1]), float(usual.lower[0, -1])
    return replace(told, expected=mean, lower=lower, upper=upper, p=float(p[-1]))


def absence_evidence(leaf: Absence, window: Float, counted: bool = True) -> Evidence:
    """`window` is `[W]` of the rolling count at the end of each day; of business days, of each day's own count.

    `run` is how many days it has been nothing.
    """
    quantity = leaf.quantity if leaf.business else replace(leaf.quantity, rolling_days=leaf.days)
    return _told("absence", quantity, Grain.DAY, Streak(), window, window < 1, "<", 1.0)


def peers_evidence(leaf: Peers, window: Float, counted: bool = True, bound: float = np.nan) -> Evidence:
    """`window` is `[W]` with W >= the streak; `bound` is the threshold of the last close."""
    op: Op = "<" if leaf.direction == "down" else ">"
    wrong = np.asarray(COMPARE[op](window, bound))
    return _told("peers", leaf.quantity, leaf.grain, leaf.streak, window, wrong, op, bound)


def milestone_evidence(leaf: Milestone, window: Float, counted: bool = True) -> Evidence:
    """`window` is `[W]` of the total at the end of each day; `run` is how many days there has been none."""
    quantity = replace(leaf.quantity, standing=True)
    return _told("milestone", quantity, Grain.DAY, Streak(), window, window < 1, "<", 1.0)


def _told(
    kind: str,
    quantity: Quantity,
    grain: Grain,
    streak: Streak,
    window: Float,
    wrong: Bool,
    op: Op,
    bound: float,
    expected: float | None = None,
) -> Evidence:
    right = np.flatnonzero(~wrong)
    first = window.size - streak.of
    return Evidence(
        kind=kind,
        quantity=quantity,
        grain=grain,
        values=np.array(window[first:]),
        history=np.array(window[:first]),
        op=op,
        bound=bound,
        streak=streak,
        wrong=int(wrong[first:].sum()),
        run=int(window.size - 1 - right[-1]) if right.size else int(window.size),
        gap=float(window[-1] - bound),
        expected=expected,
    )
