"""Did it help: the difference between the arms of an experiment, how sure it is, and what could have been seen.

An arm is who was treated one way, one entry per account or person: the unit that was drawn, never its events. Outcomes
that are 0 or 1 are compared as shares by the score interval of Miettinen and Nurminen ("Comparative analysis of two
rates", Statistics in Medicine 4, 1985), which inverts its test: the interval leaves out 0 exactly where p < 0.05.
Others are compared as means by Welch's t ("The generalization of Student's problem", Biometrika 34, 1947).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np

from beforehand.signals.numbers import Float
from beforehand.signals.tails import t_tail

LEVEL = 0.05
POWER = 0.8
LEAST = 30
"""An arm with fewer says nothing that the next few would not turn around."""
LEAST_OF_EACH = 5
"""Fewer yes or fewer no than this in both arms together are too few for a share."""
MISMATCH = 0.001
"""Below this the arms are not of the sizes they were drawn for, and no effect is to be believed."""

Standing = Literal["higher", "lower", "none shown", "too few"]
_normal = NormalDist()


@dataclass(frozen=True)
class Arm:
    """Who was treated one way: how many, the mean of their outcome, and its variance."""

    name: str
    n: int
    mean: float
    variance: float
    shares: bool
    """Whether every outcome, of all arms, is 0 or 1."""


@dataclass(frozen=True)
class Effect:
    """An arm's mean less the control's, with a two-sided 95 % interval and p-value.

    `detectable` is the difference, up or down, that would have been seen at that level 4 times of 5. All but `effect`
    are NaN where an arm has fewer than two rows.
    """

    arm: str
    effect: float
    lower: float
    upper: float
    p: float
    detectable: float
    standing: Standing


@dataclass(frozen=True)
class Ratio:
    """Whether the arms are as large as they were meant to be: `expected` shares by arm, p-value, and the verdict."""

    expected: dict[str, float]
    p: float
    ok: bool


def arms_of(outcomes: Mapping[str, Float]) -> list[Arm]:
    """The arms of an experiment, in the order given; one array of outcomes each."""
    shares = all(bool(np.isin(values, (0.0, 1.0)).all()) for values in outcomes.values())
    return [
        Arm(
            name,
            values.size,
            float(values.mean()) if values.size else float("nan"),
            float(values.var(ddof=1)) if values.size > 1 else float("nan"),
            shares,
        )
        for name, values in outcomes.items()
    ]


def effect(arm: Arm, control: Arm) -> Effect:
    """The difference an arm made against the control."""
    value = arm.mean - control.mean
    if min(arm.n, control.n) < 2:
        nan = float("nan")
        return Effect(arm.name, value, nan, nan, nan, nan, "too few")
    compare = _of_shares if arm.shares else _of_means
    lower, upper, p = compare(arm, control)
    seen = (_normal.inv_cdf(1 - LEVEL / 2) + _normal.inv_cdf(POWER)) * _pooled_error(arm, control)
    return Effect(arm.name, value, lower, upper, p, seen, _standing(arm, control, value, p))


def ratio(arms: Sequence[Arm], expected: Mapping[str, float] | None = None) -> Ratio:
    """The sample-ratio check: chi-square of the arms' sizes against their shares (equal where none are given).

    A mismatch means that who is in which arm, or who was counted, did not come about by the draw alone: Fabijan et
    al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments" (KDD 2019).
    """
    weights = {arm.name: (expected or {}).get(arm.name, 0.0 if expected else 1.0) for arm in arms}
    whole = sum(weights.values())
    shares = {name: weight / whole for name, weight in weights.items()}
    n = sum(arm.n for arm in arms)
    value = sum((arm.n - n * shares[arm.name]) ** 2 / (n * shares[arm.name]) for arm in arms) if n else 0.0
    p = chi_square_tail(value, len(arms) - 1) if len(arms) > 1 else 1.0
    return Ratio(shares, p, p >= MISMATCH)


def chi_square_tail(value: float, freedom: int) -> float:
    """P(X >= value) of a chi-square distribution with whole degrees of freedom (Abramowitz & Stegun 26.4.4-5)."""
    half = value / 2
    if freedom % 2:
        total, term = erfc(sqrt(half)), exp(-half) * sqrt(half) * 2 / sqrt(np.pi)
        for k in range(1, freedom - 1, 2):
            total, term = total + term, term * half / (k / 2 + 1)
        return float(total)
    total, term = 0.0, exp(-half)
    for k in range(freedom // 2):
        total, term = total + term, term * half / (k + 1)
    return total


def _standing(arm: Arm, control: Arm, value: float, p: float) -> Standing:
    if min(arm.n, control.n) < LEAST:
        return "too few"
    if arm.shares:
        yes = arm.n * arm.mean + control.n * control.mean
        if min(yes, arm.n + control.n - yes) < LEAST_OF_EACH:
            return "too few"
    if p >= LEVEL:
        return "none shown"
    return "higher" if value > 0 else "lower"


def _pooled_error(arm: Arm, control: Arm) -> float:
    if not arm.shares:
        return sqrt(arm.variance / arm.n + control.variance / control.n)
    share = (arm.n * arm.mean + control.n * control.mean) / (arm.n + control.n)
    return sqrt(share * (1 - share) * (1 / arm.n + 1 / control.n))


def _of_means(arm: Arm, control: Arm) -> tuple[float, float, float]:
    own, other = arm.variance / arm.n, control.variance / control.n
    error, value = sqrt(own + other), arm.mean - control.mean
    if error == 0:  # two constants
        return value, value, 1.0 if value == 0 else 0.0
    freedom = (own + other) ** 2 / (own**2 / (arm.n - 1) + other**2 / (control.n - 1))
    half = _t_quantile(freedom) * error
    p = 2 * float(t_tail(np.asarray(abs(value) / error), freedom))
    return value - half, value + half, min(1.0, p)


def _t_quantile(freedom: float) -> float:
    """Where the upper tail of Student's t is half of LEVEL."""
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        if float(t_tail(np.asarray(middle), freedom)) > LEVEL / 2:
            low = middle
        else:
            high = middle
    return high


def _of_shares(arm: Arm, control: Arm) -> tuple[float, float, float]:
    value = arm.mean - control.mean
    z = _normal.inv_cdf(1 - LEVEL / 2)

    def bound(sign: int) -> float:
        near, far = value, float(sign)
        for _ in range(80):
            middle = (near + far) / 2
            near, far = (middle, far) if abs(_score(arm, control, middle)) < z else (near, middle)
        return far

    return max(-1.0, bound(-1)), min(1.0, bound(1)), erfc(abs(_score(arm, control, 0.0)) / sqrt(2))


def _score(arm: Arm, control: Arm, delta: float) -> float:
    """How many standard errors the shares are from differing by `delta`, at the likeliest shares that do."""
    n, m = arm.n, control.n
    difference = arm.mean - control.mean - delta
    if difference == 0:
        return 0.0
    other = _likeliest(arm, control, delta)
    own = min(1.0, max(0.0, other + delta))
    variance = (own * (1 - own) / n + other * (1 - other) / m) * (n + m) / (n + m - 1)
    return difference / sqrt(variance) if variance > 0 else np.sign(difference) * float("inf")


def _likeliest(arm: Arm, control: Arm, delta: float) -> float:
    """The control's share that makes both samples likeliest where the arm's is `delta` above it.

    The middle root of the cubic in Miettinen and Nurminen's appendix.
    """
    n, m = arm.n, control.n
    x, y = arm.mean * n, control.mean * m
    a = float(n + m)
    b = (n + 2 * m) * delta - (n + m) - (x + y)
    c = (m * delta - (n + m) - 2 * y) * delta + (x + y)
    d = y * delta * (1 - delta)
    v = b**3 / (27 * a**3) - b * c / (6 * a**2) + d / (2 * a)
    u = (1.0 if v > 0 else -1.0) * sqrt(max(0.0, b**2 / (9 * a**2) - c / (3 * a)))
    if u == 0:
        return min(1.0, max(0.0, -b / (3 * a)))
    w = (np.pi + float(np.arccos(min(1.0, max(-1.0, v / u**3))))) / 3
    return float(min(1.0, max(0.0, 2 * u * float(np.cos(w)) - b / (3 * a))))
