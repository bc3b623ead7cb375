"""Upper tails of the two distributions spikes are judged by, in NumPy alone.

Both are regularised incomplete beta functions, found by Lentz' continued fraction (Press et al., "Numerical Recipes",
3rd edition, section 6.4), whose convergence is quick exactly in the upper tail.
"""

from __future__ import annotations

import numpy as np

from beforehand.signals.numbers import Float

STEPS = 300
SMALL = 1e-300
CLOSE = 1e-12
SHIFT = 8
BERNOULLI = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def log_gamma(z: Float) -> Float:
    """The logarithm of the gamma function of positive numbers: Stirling's series after a shift to 8 and above."""
    z = np.asarray(z, dtype=np.float64)
    product = np.ones_like(z)
    low = z < SHIFT
    moved = np.where(low, z + SHIFT, z)
    for step in range(SHIFT):
        product = np.where(low, product * (z + step), product)
    total = (moved - 0.5) * np.log(moved) - moved + 0.5 * np.log(2 * np.pi)
    for power, term in enumerate(BERNOULLI):
        total = total + term / moved ** (2 * power + 1)
    return np.asarray(total - np.log(product))


def incomplete_beta(a: Float, b: Float, x: Float) -> Float:
    """I_x(a, b), the regularised incomplete beta function, for positive a and b and 0 <= x <= 1."""
    a, b, x = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (a, b, x)))
    # The fraction converges below its turning point; beyond it, the mirror image does.
    turned = x > (a + 1) / (a + b + 2)
    a, b, x = np.where(turned, b, a), np.where(turned, a, b), np.where(turned, 1 - x, x)
    with np.errstate(divide="ignore"):
        log_front = a * np.log(x) + b * np.log1p(-x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b) - np.log(a)
    found = np.exp(log_front) * _fraction(a, b, x)
    return np.asarray(np.clip(np.where(turned, 1 - found, found), 0.0, 1.0))


def _fraction(a: Float, b: Float, x: Float) -> Float:
    value = np.empty(a.shape)
    at = np.arange(a.size)
    a, b, x = a.ravel(), b.ravel(), x.ravel()
    flat = value.reshape(-1)
    c = np.ones(a.size)
    d = 1 / _away(1 - (a + b) * x / (a + 1))
    h = d.copy()
    for m in range(1, STEPS + 1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _away(1 + even * d), _away(1 + even / c)
        h *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _away(1 + odd * d), _away(1 + odd / c)
        step = d * c
        h *= step
        flat[at] = h
        left = np.abs(step - 1) > CLOSE
        if not left.all():
            if not left.any():
                break
            at, a, b, x, c, d, h = at[left], a[left], b[left], x[left], c[left], d[left], h[left]
    return value


def _away(value: Float) -> Float:
    return np.where(np.abs(value) < SMALL, SMALL, value)


def count_tail(count: Float, mean: Float, size: Float) -> Float:
    """P(X >= count) of a negative binomial with this mean and the variance mean + mean^2 / size; 1 for a count of 0."""
    count = np.floor(np.asarray(count, dtype=np.float64))
    tail = incomplete_beta(np.maximum(count, 1.0), size, mean / (size + mean))
    return np.where(count <= 0, 1.0, tail)


def t_tail(t: Float, freedom: float) -> Float:
    """P(T >= t) of Student's t distribution."""
    t = np.asarray(t, dtype=np.float64)
    half = 0.5 * incomplete_beta(np.asarray(freedom / 2), np.asarray(0.5), freedom / (freedom + t * t))
    return np.where(t >= 0, half, 1 - half)
