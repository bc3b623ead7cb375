"""How a person's tone moves against their own past. Arrays in, arrays out.

A message is held against the median warmth of the person's messages before the last few, in units of how they usually
vary (the median absolute deviation). What is lower adds up, message by message, and what is not takes away again: a
cumulative sum (Page 1954, "Continuous inspection schemes"). No sitting counts for more than `MOST_A_SITTING`, however
bad the day was, so that it takes several days.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import HOUR_US
from beforehand.facts.derived.presence import Bool, Int, starts

Float = NDArray[np.float64]

ENOUGH = 8
"""Messages of a person that must lie before the recent ones; with fewer nothing is said."""
RECENT, PAST = 4, 40
"""The newest messages are no part of what is usual; of those before, so many are."""
SITTING_US = 8 * HOUR_US
"""Messages less than this apart are of one sitting."""
LEAST_SPREAD = 0.35
"""Points of warmth: nobody is so even that less than this is unusual."""
FAR_SHARE, FAR_IN_SPREADS = 0.9, 1.2816
"""Of a normal distribution, a tenth lies beyond so many spreads."""
TEPID = 0.4
"""Points of warmth between what is cool and what is warm: a line of work without a courtesy, and one with."""
SLACK, MOST_A_SITTING, ENOUGH_IN_ALL, MOST_IN_ALL, OVER = 0.5, 1.5, 5.0, 6.0, 2.0
"""In units of the person's spread: what is let pass a sitting, the most one may add, where a turn begins, the most in
all, and where the turn is over."""
NEW = 3
"""A person is a new voice for their first messages."""
_BLOCK = 100_000


def turned(series: Int, at: Int, warmth: Float, to: str) -> Int:
    """Places of the messages that are written while a person's tone has turned `terse`, or `warm`.

    `series` says whose each is; messages of one lie together, in order of time. A turn begins where what is lower than
    usual has added up to `ENOUGH_IN_ALL`, and is over where that has been taken away again.
    """
    if not at.size:
        return np.empty(0, np.int64)
    sign = 1.0 if to == "warm" else -1.0
    off = sign * unusual(series, warmth, sign)
    # A person who is only less effusive, or busy and friendly, has not turned terse: what is said must be cool itself.
    plain = sign * (warmth - TEPID) < 0
    return np.flatnonzero(_standing(series, at, np.where(plain, np.minimum(off, -SLACK), off)))


def unusual(series: Int, warmth: Float, side: float) -> Float:
    """How far each message is above what was usual of its writer before, in units of their spread; NaN: not known.

    The spread is the median absolute deviation or, where that is more, that of the tenth that lies furthest on the
    `side` (-1: below): who is now and then cold varies more downwards than the middle tells.
    """
    off = np.full(warmth.size, np.nan)
    begin = np.maximum.accumulate(np.where(starts((series,)), np.arange(series.size), 0))
    for low in range(0, warmth.size, _BLOCK):
        place = np.arange(low, min(low + _BLOCK, warmth.size))
        before = place[:, None] - RECENT - np.arange(PAST, 0, -1)
        there = before >= begin[place][:, None]
        ready = np.flatnonzero(there.sum(axis=1) >= ENOUGH)
        if not ready.size:
            continue
        past = np.where(there[ready], warmth[np.maximum(before[ready], 0)], np.nan)
        middle = np.nanmedian(past, axis=1)
        off_middle = past - middle[:, None]
        spread = 1.4826 * np.nanmedian(np.abs(off_middle), axis=1)
        far = np.nanquantile(side * off_middle, FAR_SHARE, axis=1) / FAR_IN_SPREADS
        off[place[ready]] = (warmth[place[ready]] - middle) / np.maximum(np.maximum(spread, far), LEAST_SPREAD)
    return off


def _standing(series: Int, at: Int, off: Float) -> Bool:
    """Where the sum of what is more than usual stands high enough."""
    new = starts((series,))
    sitting = new.copy()
    sitting[1:] |= at[1:] - at[:-1] > SITTING_US
    known = ~np.isnan(off)
    first = np.maximum.accumulate(np.where(sitting, np.arange(at.size), 0))
    # The mean of a sitting up to each message: what it adds is known when the message is.
    total, many = np.cumsum(np.where(known, off, 0.0)), np.cumsum(known)
    total -= (total - np.where(known, off, 0.0))[first]
    many -= (many - known)[first]
    step = np.clip(total / np.maximum(many, 1) - SLACK, -MOST_A_SITTING, MOST_A_SITTING)
    step[many == 0] = 0.0
    stands = np.zeros(at.size, bool)
    # All first messages, then all second ones: as many steps as the longest series has messages.
    begins = np.flatnonzero(new)
    ends = np.append(begins[1:], at.size)
    order = np.argsort(begins - ends, kind="stable")
    place, ends = begins[order].copy(), ends[order]
    sum_before, sum_now, on = np.zeros(place.size), np.zeros(place.size), np.zeros(place.size, bool)
    while place.size:
        opens = sitting[place]
        sum_before[opens] = sum_now[opens]
        sum_now = np.clip(sum_before + step[place], 0.0, MOST_IN_ALL)
        on = (on & (sum_now > OVER)) | (sum_now >= ENOUGH_IN_ALL)
        stands[place] = on & known[place]
        left = int(np.count_nonzero(place + 1 < ends))
        place = place[:left] + 1
        ends, sum_before, sum_now, on = ends[:left], sum_before[:left], sum_now[:left], on[:left]
    return stands


def among_last(series: Int, chosen: Bool, need: int, of: int) -> Int:
    """Places of chosen messages with which `need` of the person's last `of` messages are chosen ones."""
    count = np.cumsum(chosen)
    begin = np.maximum.accumulate(np.where(starts((series,)), np.arange(series.size), 0)) if series.size else series
    low = np.maximum(np.arange(series.size) - of + 1, begin)
    within = count - count[low] + chosen[low] if series.size else count
    return np.flatnonzero(chosen & (within >= need))


def new_voice(series: Int, chosen: Bool) -> Int:
    """Places of chosen messages that are among the first few of their person."""
    begin = np.maximum.accumulate(np.where(starts((series,)), np.arange(series.size), 0)) if series.size else series
    return np.flatnonzero(chosen & (np.arange(series.size) - begin < NEW))
