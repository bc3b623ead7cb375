"""What was not followed by what should follow it in time. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from beforehand.facts.derived.presence import Int, Made, Ordered, next_true, starts


def without(facts: Ordered, within_us: int) -> Made:
    """Facts of the metric that none of the other follows, from their own time to `within_us` later, both included.

    Each happens when the time is over, and is known then or when its fact was learned, whichever is later, as long as
    no fact that follows in time was known.
    """
    places = np.flatnonzero(facts.first)
    if not places.size:
        return Made.joined([])
    new = starts((facts.key,))
    after = next_true(facts.other)
    ends = np.append(np.flatnonzero(new)[1:], facts.size)[np.cumsum(new)[places] - 1]
    due = facts.at[places] + within_us
    since, until = np.maximum(due, facts.known[places]), facts.gone[places]
    # What occurred at the very same time follows too, wherever it stands.
    tied = new.copy()
    tied[1:] |= facts.at[1:] != facts.at[:-1]
    following = after[np.maximum.accumulate(np.where(tied, np.arange(facts.size), 0))[places]]
    following = np.where(following == places, after[places + 1], following)
    open_, pairs = np.flatnonzero(since < until), []
    settled = np.zeros(places.size, bool)
    while open_.size:
        other = following[open_]
        there = other < ends[open_]
        open_, other = open_[there], other[there]
        there = facts.at[other] <= due[open_]
        open_, other = open_[there], other[there]
        done = (facts.known[other] <= since[open_]) & (facts.gone[other] >= until[open_])
        settled[open_[done]] = True
        open_, other = open_[~done], other[~done]
        pairs.append((open_, other))
        other = after[other + 1]
        following[open_] = np.where(other == places[open_], after[np.minimum(other + 1, facts.size)], other)
    followed = [(nth[keep], other[keep]) for nth, other in pairs if (keep := ~settled[nth]).any()]
    alone = ~settled & (since < until)
    made = Made(facts.seq[places], due, since, until)
    if not followed:
        return _some(made, alone)
    nth, other = (np.concatenate(column) for column in zip(*followed, strict=True))
    alone[nth] = False
    return Made.joined([_some(made, alone), _uncovered(made, nth, facts.known[other], facts.gone[other])])


def _uncovered(made: Made, nth: Int, known: Int, gone: Int) -> Made:
    """The times at which none of the facts that follow the `nth` was known."""
    known, gone = np.clip(known, made.since[nth], made.until[nth]), np.clip(gone, made.since[nth], made.until[nth])
    own = np.unique(nth)
    of = np.concatenate([own, own, nth, nth])
    at = np.concatenate([made.since[own], made.until[own], known, gone])
    step = np.concatenate([np.zeros(2 * own.size, np.int64), np.ones(nth.size, np.int64), -np.ones(nth.size, np.int64)])
    order = np.lexsort((at, of))
    of, at, step = of[order], at[order], step[order]
    new = starts((of, at))
    # Every rise falls again within its own, so that one sum serves them all.
    cover = np.cumsum(np.add.reduceat(step, np.flatnonzero(new)))
    of, at = of[new], at[new]
    free = np.flatnonzero((cover[:-1] == 0) & (of[1:] == of[:-1]))
    return Made(made.seq[of[free]], made.at[of[free]], at[free], at[free + 1])


def _some(made: Made, which: np.ndarray) -> Made:
    return Made(made.seq[which], made.at[which], made.since[which], made.until[which])
