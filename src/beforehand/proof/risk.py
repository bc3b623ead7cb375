"""How likely an account is lost, from the alerts that are open on it: 1 minus the product of (1 - precision)."""

from __future__ import annotations

from collections.abc import Iterable

PRIOR = 5.0  # how many finished episodes the base rate is worth
UNKNOWN = 0.5  # the base rate where no signal of the workspace has one: it only orders accounts by their open alerts


def shrunk(right: float, finished: float, base_rate: float) -> float:
    """A signal's precision pulled towards the base rate: (right + PRIOR * base) / (finished + PRIOR).

    A signal that was right once in one alert is not certain, and one that never was is not impossible (empirical
    Bayes with a beta prior of fixed weight).
    """
    return (right + PRIOR * base_rate) / (finished + PRIOR)


def combined(chances: Iterable[float]) -> float:
    """1 - prod(1 - chance): the noisy or of alerts taken as independent causes; between 0 and 1.

    Alerts of one account do overlap, so several open ones overstate; the order of accounts is what it is for.
    """
    kept = 1.0
    for chance in chances:
        kept *= 1.0 - min(1.0, max(0.0, chance))
    return 1.0 - kept
