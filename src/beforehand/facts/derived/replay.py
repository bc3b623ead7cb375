"""Series of facts that were learned in another order than they occurred in, read as they were known at each moment.

A moment muddles a series where a fact was learned after one that lies later in it, or was taken back. Between two such
moments it only grows at its end. So it is read once for each of them, and only from where that one can change anything:
what comes late by an hour costs the reading of an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from beforehand.facts.derived.presence import EVER, Bool, Int, Made, Ordered, starts


@dataclass(frozen=True)
class Reading:
    """How a series is read forward: `find` gives the places at which something is complete.

    It takes the series of each of some facts, and the facts in order. What it finds may depend on what lies at most
    `within_us` before; where it begins `afresh` after each find, also on where the last one was.
    """

    find: Callable[[Int, Ordered], Int]
    afresh: bool
    within_us: int


@dataclass(frozen=True)
class Epochs:
    """From one muddling moment of a series to the next: `since` up to `until` (UTC microseconds), the `nth` of its own.

    `place` is the first fact that the moment concerns; nothing changes before it. `high` is the place after the last
    fact known in the epoch, `near` the first fact at most a window before `place`, `begin` the first of the series.
    """

    since: Int
    until: Int
    nth: Int
    place: Int
    high: Int
    near: Int
    begin: Int


def replayed(facts: Ordered, series: Int, reading: Reading) -> Made:
    """What is found in muddled series, as it was known at each moment."""
    epochs = _epochs(facts, series, reading.within_us)
    live, since = np.zeros(facts.size, bool), np.zeros(facts.size, np.int64)
    parts: list[Made] = []
    order = np.argsort(epochs.nth, kind="stable")
    # All first epochs, then all second ones: each goes on from what the one before it left.
    for rows in np.split(order, np.cumsum(np.bincount(epochs.nth))[:-1]):
        start = _last_find(live, epochs, rows) if reading.afresh else epochs.near[rows]
        many = epochs.high[rows] - start
        of = np.repeat(np.arange(rows.size), many)
        place = np.arange(of.size) - np.repeat(np.cumsum(many) - many, many) + start[of]
        changed = place >= epochs.place[rows][of]
        over = changed & live[place]
        parts.append(_made(facts, place[over], since[place[over]], epochs.since[rows][of[over]]))
        live[place[over]] = False
        there = (facts.known[place] < epochs.until[rows][of]) & (facts.gone[place] > epochs.since[rows][of])
        place, of, changed = place[there], of[there], changed[there]
        found = reading.find(of, facts.take(place))
        found = found[changed[found]]
        at = place[found]
        live[at] = True
        since[at] = np.maximum(facts.known[at], epochs.since[rows][of[found]])
    left = np.flatnonzero(live)
    return Made.joined([*parts, _made(facts, left, since[left], np.full(left.size, EVER))])


def _made(facts: Ordered, places: Int, since: Int, until: Int) -> Made:
    return Made(facts.seq[places], facts.at[places], since, until)


def _last_find(live: Bool, epochs: Epochs, rows: Int) -> Int:
    """The places after the last find before what changes, or the beginnings of series."""
    finds = np.append(-1, np.flatnonzero(live))
    last = finds[np.searchsorted(finds, epochs.place[rows]) - 1]
    return np.asarray(np.maximum(last + 1, epochs.begin[rows]))


def _epochs(facts: Ordered, series: Int, within_us: int) -> Epochs:
    new = starts((series,))
    number, begins = np.cumsum(new) - 1, np.flatnonzero(new)
    # Compared by rank, each series above the one before, so that one pass tells what comes after in its own.
    moments, rank = np.unique(facts.known, return_inverse=True)
    apart = rank + number * moments.size
    least_after = np.minimum.accumulate(apart[::-1])[::-1]
    late, taken = np.flatnonzero(apart > least_after), np.flatnonzero(facts.gone < EVER)
    place = np.concatenate([begins, late, taken])
    since = np.concatenate([np.full(begins.size, -EVER), facts.known[late], facts.gone[taken]])
    order = np.lexsort((place, since, number[place]))
    place, since = place[order], since[order]
    one = starts((number[place], since))
    place, since = place[one], since[one]
    of = number[place]
    first = starts((of,))
    until = np.append(np.where(first[1:], EVER, since[1:]), EVER)
    nth = np.arange(of.size) - np.flatnonzero(first)[np.cumsum(first) - 1]
    high = np.searchsorted(least_after, np.searchsorted(moments, until) + of * moments.size)
    times, when = np.unique(facts.at, return_inverse=True)
    earliest = np.searchsorted(times, facts.at[place] - within_us) + of * times.size
    near = np.searchsorted(when + number * times.size, earliest)
    return Epochs(since, until, nth, place, high, near, begins[of])
