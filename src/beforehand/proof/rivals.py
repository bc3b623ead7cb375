"""Two honest rivals: who would have been named by silence alone, and by chance alone.

Both name as many accounts as the signal opened episodes, at the same closes, out of the accounts that were eligible
there. A signal that does no better than them has found nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beforehand.proof.outcomes import NONE
from beforehand.signals.numbers import Bool, Int

SEED = 20100501
MOST_NAMINGS = 1_000_000  # over all draws of the random rival: what a signal with many episodes costs stays bounded


@dataclass(frozen=True)
class Namings:
    """Who was named at which close: account row, close, and draw (0 to `draws` - 1), one entry per naming."""

    row: Int
    close: Int
    draw: Int
    draws: int = 1


def recency(wanted: Int, eligible: Bool, last_us: Int, opened_us: Int, horizon_us: int) -> Namings:
    """At each close the accounts that have been quiet longest, as many as `wanted[q]` says.

    `last_us[n, Q]` is the last event as known at each close. An account that was named stays named until an event
    later than its naming is known, or its horizon is over; meanwhile it cannot be named again. Equal silences are
    decided by lot with a fixed seed. Where fewer accounts are left than wanted, fewer are named.
    """
    accounts = last_us.shape[0]
    lot = np.random.default_rng(SEED).permutation(accounts)
    named_us = np.full(accounts, NONE, dtype=np.int64)
    rows, closes = [], []
    for close in np.flatnonzero(wanted):
        opened, last = opened_us[close], last_us[:, close]
        held = (named_us != NONE) & (last < named_us) & (opened - horizon_us < named_us)
        free = np.flatnonzero(eligible[:, close] & ~held)
        chosen = _quietest(free, last[free], lot[free], int(wanted[close]))
        named_us[chosen] = opened
        rows.append(chosen)
        closes.append(np.full(chosen.size, close))
    row = _joined(rows)
    return Namings(row, _joined(closes), np.zeros(row.size, dtype=np.int64))


def at_random(wanted: Int, eligible: Bool, draws: int = 200) -> Namings:
    """At each close `wanted[q]` different eligible accounts by lot, `draws` times over (fewer for many episodes).

    Each close and draw stands for itself; the seed is fixed. Where fewer are eligible than wanted, all are named.
    """
    draws = int(np.clip(MOST_NAMINGS // max(1, int(wanted.sum())), 20, draws))
    random = np.random.default_rng(SEED)
    rows, closes, drawn = [], [], []
    for close in np.flatnonzero(wanted):
        pool = np.flatnonzero(eligible[:, close])
        chosen = _drawn(random, pool.size, min(int(wanted[close]), pool.size), draws)
        rows.append(pool[chosen].ravel())
        closes.append(np.full(chosen.size, close))
        drawn.append(np.repeat(np.arange(draws), chosen.shape[1]))
    return Namings(_joined(rows), _joined(closes), _joined(drawn), draws)


def _quietest(free: Int, last: Int, lot: Int, wanted: int) -> Int:
    """The `wanted` of `free` with the smallest `last`, ties by `lot`; without sorting all of them."""
    if wanted >= free.size:
        return free
    edge = np.partition(last, wanted - 1)[wanted - 1]
    sure = free[last < edge]
    tied = np.flatnonzero(last == edge)
    tied = tied[np.argsort(lot[tied])][: wanted - sure.size]
    return np.concatenate([sure, free[tied]])


def _drawn(random: np.random.Generator, size: int, wanted: int, draws: int) -> Int:
    """`wanted` different numbers below `size`, `draws` times: `[draws, wanted]`."""
    if wanted == 0:
        return np.zeros((draws, 0), dtype=np.int64)
    if wanted * 8 >= size:
        return np.argsort(random.random((draws, size)), axis=1)[:, :wanted]
    chosen = random.integers(size, size=(draws, wanted))
    while True:  # draw again what came twice in a row; few do where few of many are wanted
        order = np.argsort(chosen, axis=1, kind="stable")
        ranked = np.take_along_axis(chosen, order, axis=1)
        twice = np.zeros_like(chosen, dtype=bool)
        np.put_along_axis(twice, order[:, 1:], ranked[:, 1:] == ranked[:, :-1], axis=1)
        if not twice.any():
            return chosen
        chosen[twice] = random.integers(size, size=int(twice.sum()))


def _joined(parts: list[Int]) -> Int:
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)
