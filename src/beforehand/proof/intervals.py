"""How sure a proportion is when the same account was counted several times.

Episodes of one account are not independent: it churns once, and all its alerts are right together. So the interval is
Wilson's, taken at the *effective* number of episodes: what remains of them after the design effect of clustering by
account (Korn & Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts
estimated from survey data", Survey Methodology 24), with their correction for few accounts.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from beforehand.signals.numbers import Float, Int

Z = 1.959963984540054  # the 97.5 % point of the normal: every interval here is two-sided 95 %
Interval = tuple[float, float, float]


def wilson(share: float, n: float) -> Interval:
    """(share, lower, upper): Wilson's score interval of a share seen in `n` > 0 trials; `n` need not be whole."""
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def clustered(hits: Float, trials: Float) -> Interval | None:
    """(share, lower, upper) of sum(hits) / sum(trials), one entry of each per account; None without trials.

    Accounts without trials are left out. Where no variance between accounts can be seen (all hits, no hits, one
    account), the accounts are what was counted: the effective number is theirs.
    """
    seen = trials > 0
    hits, trials = hits[seen], trials[seen]
    if not hits.size:
        return None
    total = float(trials.sum())
    share = float(hits.sum()) / total
    return wilson(share, effective(hits, trials, share, total))


def effective(hits: Float, trials: Float, share: float, total: float) -> float:
    """The number of independent episodes that would tell as much; between above 0 and `total`."""
    accounts = hits.size
    spread = share * (1 - share)
    if accounts < 2 or spread <= 0:
        return float(accounts)
    residual = hits - share * trials
    variance = accounts / (accounts - 1) * float(residual @ residual) / total**2
    if variance <= 1e-15:
        return float(accounts)
    design = variance / (spread / (total - 1))
    few = (student(total - 1) / student(accounts - 1)) ** 2
    return min(total, total / design * few)


def difference(hits: Float, trials: Float, other_hits: Float, other_trials: Float) -> Interval | None:
    """(difference, lower, upper) of two shares counted over the same accounts; None where one has no trials.

    The four arrays hold one entry per account, in one order. The variance is that of the difference linearised over
    accounts, so accounts that both name count for both (Taylor linearisation, Woodruff 1971), at Student's quantile.
    """
    n, m = float(trials.sum()), float(other_trials.sum())
    if not n or not m:
        return None
    share, other = float(hits.sum()) / n, float(other_hits.sum()) / m
    seen = (trials > 0) | (other_trials > 0)
    accounts = int(seen.sum())
    value = share - other
    if accounts < 2:
        return value, -1.0, 1.0
    residual = ((hits - share * trials) / n - (other_hits - other * other_trials) / m)[seen]
    half = student(accounts - 1) * sqrt(accounts / (accounts - 1) * float(residual @ residual))
    return value, max(-1.0, value - half), min(1.0, value + half)


def by_account(rows: Int, size: int, weight: Float | None = None) -> Float:
    """How often each of `size` accounts appears in `rows`, or the sum of its `weight`."""
    return np.bincount(rows, weights=weight, minlength=size).astype(np.float64)


def student(freedom: float) -> float:
    """The 97.5 % point of Student's t with `freedom` >= 1 degrees of freedom.

    Exact for one and two; from three on the Cornish-Fisher expansion in 1/freedom (Abramowitz & Stegun 26.7.5), within
    0.4 % of the truth.
    """
    if freedom < 1.5:
        return 12.706204736432095
    if freedom < 2.5:
        return 4.302652729911275
    z = Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom ** (k + 1) for k, term in enumerate(terms))
