"""What a person did one thing after another: repeated, and back and forth. Arrays in, arrays out.

Both are found reading forward, so that what is known of the beginning of a series decides its beginning. Where facts
were learned in another order than they occurred in, the series is read as it was known after each such fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from beforehand.facts.derived.presence import EVER, Bool, Int, Made, Ordered, next_true, starts

AT_ONCE = 4_000_000
"""How many facts are laid out side by side at most, as they were known at different moments."""
Epochs = tuple[Ordered, Int, Int, Int]
"""Facts as known in some epochs: the number of the epoch of each, and from when until when it was."""
Find = Callable[[Int, Int, Bool], Int]
"""Places at which something is complete, from key, time and whether each fact is of the metric, in order."""


def repeated(facts: Ordered, times: int, within_us: int) -> Made:
    """The metric for the `times`-th time within so long; what completed one counts no more for the next."""
    own = facts.take(facts.first)
    return _as_known(own, within_us, lambda key, at, _: times_over(key, at, times, within_us))


def back_and_forth(facts: Ordered, within_us: int) -> Made:
    """The metric again after the other metric, so long after the last time at most."""
    return _as_known(facts, within_us, lambda key, at, first: returns(key, at, first, within_us))


def times_over(key: Int, at: Int, times: int, within_us: int) -> Int:
    """Places of each `times`-th fact within so long of the first of them, counting anew after each."""
    size = key.size
    if size < times:
        return np.empty(0, np.int64)
    back = times - 1
    full = np.zeros(size, bool)
    full[back:] = (key[back:] == key[: size - back]) & (at[back:] - at[: size - back] <= within_us)
    new = starts((key,))
    begins = np.flatnonzero(new)
    ends = np.append(begins[1:], size)
    following, run_over = next_true(full), next_true(~full)
    place = following[begins]
    live = place < ends
    place, ends = place[live], ends[live]
    found: list[Int] = []
    while place.size:
        # In a run of places at which one may be complete, every `times`-th is; the run may end with the key.
        last = np.minimum(run_over[place], ends)
        many = (last - 1 - place) // times + 1
        first_of = np.repeat(place, many)
        nth = np.arange(first_of.size) - np.repeat(np.cumsum(many) - many, many)
        found.append(first_of + nth * times)
        place = following[np.minimum(place + many * times, size)]
        live = place < ends
        place, ends = place[live], ends[live]
    return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)


def returns(key: Int, at: Int, first: Bool, within_us: int) -> Int:
    """Places of facts of the metric that follow one of them with facts of the other alone between, and some."""
    places = np.flatnonzero(first)
    before, after = places[:-1], places[1:]
    back = (key[before] == key[after]) & (after - before > 1) & (at[after] - at[before] <= within_us)
    return np.asarray(after[back])


def _as_known(facts: Ordered, within_us: int, find: Find) -> Made:
    """What `find` finds, as it was known at each moment."""
    if not facts.size:
        return Made.joined([])
    # Facts further apart than the window have nothing to do with each other, whichever of them are known.
    new = starts((facts.key,))
    new[1:] |= facts.at[1:] - facts.at[:-1] > within_us
    series = np.cumsum(new) - 1
    muddled = facts.gone < EVER
    muddled[1:] |= ~new[1:] & (facts.known[1:] < facts.known[:-1])
    messy = np.zeros(int(series[-1]) + 1, bool)
    messy[series[muddled]] = True
    clean = ~messy[series]
    if clean.all():
        return _found(facts, series, np.zeros_like(facts.at) - EVER, np.full_like(facts.at, EVER), find)
    apart = facts.take(clean)
    parts = [_found(apart, series[clean], np.full(apart.size, -EVER), np.full(apart.size, EVER), find)]
    rest = facts.take(~clean)
    parts += [_found(*epoch, find) for epoch in _epochs(rest, series[~clean])]
    return Made.joined(parts)


def _found(facts: Ordered, series: Int, since: Int, until: Int, find: Find) -> Made:
    """What is found in series of which each is as it was from `since` on, growing at its end, up to `until`."""
    places = find(series, facts.at, facts.first)
    # Known with the fact that completes it, or from the beginning of the epoch.
    known = np.maximum(facts.known[places], since[places])
    return Made(facts.seq[places], facts.at[places], known, until[places])


def _epochs(facts: Ordered, series: Int) -> Iterator[Epochs]:
    """Each series as known from one muddling moment to the next: its facts, a number, and from when until when.

    A moment muddles where a fact was learned after one that lies later in its series, or was taken back. Between two of
    them a series only grows at its end.
    """
    begins = np.flatnonzero(starts((series,)))
    lengths = np.diff(np.append(begins, series.size))
    number = np.repeat(np.arange(begins.size), lengths)
    # Compared by rank, each series above the one before, so that one pass tells what comes after in its own.
    rank = np.unique(facts.known, return_inverse=True)[1].astype(np.int64)
    apart = rank + number * (rank.max() + 1)
    late = apart > np.minimum.accumulate(apart[::-1])[::-1]
    taken = facts.gone < EVER
    moments = np.concatenate([facts.known[late], facts.gone[taken]])
    of = np.concatenate([number[late], number[taken]])
    order = np.lexsort((moments, of))
    moments, of = moments[order], of[order]
    distinct = starts((of, moments)) if of.size else np.empty(0, bool)
    moments, of = moments[distinct], of[distinct]
    # Each series has one epoch more than it has moments.
    all_of = np.concatenate([np.arange(begins.size), of])
    all_since = np.concatenate([np.full(begins.size, -EVER), moments])
    order = np.lexsort((all_since, all_of))
    all_of, all_since = all_of[order], all_since[order]
    all_until = np.full(all_since.size, EVER)
    same = all_of[1:] == all_of[:-1]
    all_until[:-1][same] = all_since[1:][same]
    total = np.cumsum(lengths[all_of])
    low = 0
    while low < all_of.size:
        done = total[low - 1] if low else 0
        high = max(low + 1, int(np.searchsorted(total, done + AT_ONCE, side="right")))
        yield _laid_out(facts, begins, lengths, all_of[low:high], all_since[low:high], all_until[low:high])
        low = high


def _laid_out(
    facts: Ordered, begins: Int, lengths: Int, of: Int, since: Int, until: Int
) -> tuple[Ordered, Int, Int, Int]:
    """The facts of some epochs one after another, those that were not known then left out."""
    many = lengths[of]
    epoch = np.repeat(np.arange(of.size), many)
    place = np.arange(epoch.size) - np.repeat(np.cumsum(many) - many, many) + begins[of][epoch]
    there = (facts.known[place] < until[epoch]) & (facts.gone[place] > since[epoch])
    place, epoch = place[there], epoch[there]
    return facts.take(place), epoch, since[epoch], until[epoch]
