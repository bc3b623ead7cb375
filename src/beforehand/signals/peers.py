"""Accounts like it: who is alike, and what sets the lowest or the highest of them apart, once per close.

Like a spike's, the threshold of a close is decided over all subjects in scope and kept, so that a verdict does not
change when others do. A value is among the lowest quarter where less than it have at most a quarter of its group, and
those that are equal share their place: what many have is never the lowest.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from beforehand.calendar import Grain
from beforehand.signals.judges import decided_in
from beforehand.signals.numbers import UNSURE, Bool, Float, Int, Numbers, Trait, Verdicts
from beforehand.signals.tree import Peers

LIKE = ("plan", "age")
"""Accounts are alike in these, unless a sentence says in what."""
SAME: dict[str, tuple[str, ...]] = {"size": ("size", "seats")}
"""Traits that may say it; the first that is known for a subject counts."""
LEAST = 10
"""With fewer whose value is known, nothing is said of a group."""
AGES = ((90.0, "under 90 days"), (365.0, "under a year"), (np.inf, "a year or more"))
STEPS = (1, 3, 10)  # of each power of ten: what is about three times as large is alike no more


def traits_alike(like: tuple[str, ...]) -> tuple[str, ...]:
    """The traits that say who is alike."""
    return tuple(trait for name in like or LIKE for trait in SAME.get(name, (name,)))


def alike(like: tuple[str, ...], numbers: Numbers, grain: Grain) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """The group of each subject at each close of a grain, `[n, Q]` into the names of groups.

    Text is compared without regard to case, ages by under 90 days, under a year and older, other numbers by steps of
    about three times. What is not known is a group of its own.
    """
    codes = np.zeros((numbers.size, len(numbers.ends(grain))), dtype=np.int64)
    names: list[str] = [""]
    for trait in like or LIKE:
        own, words = _values(trait, numbers, grain)
        codes, said = codes * len(words) + own, [f"{a}{', ' if a else ''}{b}" for a in names for b in words]
        present = np.bincount(codes.ravel(), minlength=len(said)) > 0
        codes, names = (np.cumsum(present) - 1)[codes], [said[code] for code in np.flatnonzero(present)]
    return codes.astype(np.int32), tuple(names) or ("",)


def _values(name: str, numbers: Numbers, grain: Grain) -> tuple[Int, list[str]]:
    """The value of a trait as a code into words, the last of them for what is not known."""
    found: Int | None = None
    words: list[str] = []
    for trait in SAME.get(name, (name,)):
        read = numbers.trait(trait, grain)
        if name == "age":
            assert read.numbers is not None
            place = np.searchsorted([end for end, _ in AGES], read.numbers, side="right")
            return np.where(np.isnan(read.numbers), len(AGES), place), [*(word for _, word in AGES), "age not known"]
        own, told = _steps(read.numbers) if read.codes is None or _all_numbers(read.words) else _texts(read)
        own = np.where(own >= 0, own + len(words), -1)
        found = own if found is None else np.where(found >= 0, found, own)
        words += told
    assert found is not None
    return np.where(found >= 0, found, len(words)), [*(f"{name} {word}" for word in words), f"{name} not known"]


def _texts(read: Trait) -> tuple[Int, list[str]]:
    assert read.codes is not None
    folded = [" ".join(word.casefold().split()) for word in read.words]
    order = {word: place for place, word in enumerate(sorted(set(folded)))}
    table = np.array([*(order[word] for word in folded), -1], dtype=np.int64)
    return table[read.codes], list(order)


def _steps(values: Float | None) -> tuple[Int, list[str]]:
    assert values is not None
    bounds = np.array([0.0, *(step * 10.0**power for power in range(10) for step in STEPS[:2])])
    place = np.searchsorted(bounds, values, side="right")
    words = ["below 0", *(f"{low:,.0f} to {high:,.0f}" for low, high in pairwise(bounds)), "more"]
    return np.where(np.isfinite(values), place, -1), words


def _all_numbers(words: tuple[str, ...]) -> bool:
    def is_number(word: str) -> bool:
        try:
            return bool(np.isfinite(float(word)))
        except ValueError:
            return False

    return bool(words) and all(map(is_number, words))


def score_peers(leaf: Peers, series: Float, closes: int, counted: bool) -> Float:
    """The value of each of the last `closes` periods of `[n, periods]`: what is compared is the number itself."""
    return np.array(series[:, series.shape[1] - closes :])


def decide_peers(leaf: Peers, values: Float, scope: Bool, codes: NDArray[np.int32], groups: int) -> Float:
    """The threshold of each group and close, `[groups, Q]`: those below it are the lowest, or above it the highest.

    It is the first value that is no more among them: with n known values, the one of rank floor(share n) + 1. NaN
    where fewer than 10 of a group are known.
    """
    found = np.full((groups, values.shape[1]), np.nan)
    sign = 1.0 if leaf.direction == "down" else -1.0
    for q in range(values.shape[1]):
        rows = np.flatnonzero(scope[:, q] & np.isfinite(values[:, q]))
        order = rows[np.lexsort((sign * values[rows, q], codes[rows, q]))]
        counts = np.bincount(codes[rows, q], minlength=groups)
        first = np.cumsum(counts) - counts
        known = np.flatnonzero(counts >= LEAST)
        rank = np.floor(leaf.share * counts[known] + 1e-9).astype(np.int64)
        found[known, q] = values[order[first[known] + rank], q]
    return found


def verdicts_of(leaf: Peers, values: Float, thresholds: Float, idle: Bool | None = None) -> Verdicts:
    """Verdicts from the values `[n, Q]` and the threshold that each is held against, `[n, Q]`, NaN where there is none.

    Of closes before the first nothing is known.
    """
    with np.errstate(invalid="ignore"):
        past = values < thresholds if leaf.direction == "down" else values > thresholds
    off = np.where(np.isinf(values), np.inf, np.where(np.isnan(values) | np.isnan(thresholds), np.nan, past))
    if not off.shape[1]:
        return np.empty(off.shape, dtype=np.int8)
    before = np.full((len(off), leaf.streak.of - 1), np.nan)
    windows = sliding_window_view(np.concatenate([before, off], axis=1), leaf.streak.of, axis=1)
    return decided_in(leaf.streak, windows, idle)


def judge_peers(leaf: Peers, windows: Float, counted: bool = True, idle: Bool | None = None) -> Verdicts:
    """Of a subject alone nothing can be said: unsure."""
    return np.full(windows.shape[:2], UNSURE, dtype=np.int8)
