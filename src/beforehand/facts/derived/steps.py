"""What a person did one thing after another: repeated, and back and forth. Arrays in, arrays out.

Both are found reading forward, so that what is known of the beginning of a series decides its beginning. Where facts
were learned in another order than they occurred in, `replay` reads the series as it was known after each of them.
"""

from __future__ import annotations

import numpy as np

from beforehand.facts.derived.moods import among_last, new_voice, turned
from beforehand.facts.derived.presence import EVER, Bool, Int, Made, Ordered, next_true, starts
from beforehand.facts.derived.replay import Reading, replayed
from beforehand.signals.tree import AmongLast, NewVoice, Shifted


def repeated(facts: Ordered, times: int, within_us: int) -> Made:
    """The metric for the `times`-th time within so long; what completed one counts no more for the next."""
    own = facts.take(facts.first)
    reading = Reading(lambda key, some: times_over(key, some.at, times, within_us), afresh=True, within_us=within_us)
    return as_known(own, reading)


def back_and_forth(facts: Ordered, within_us: int) -> Made:
    """The metric again after the other metric, so long after the last time at most."""
    reading = Reading(lambda key, some: returns(key, some.at, some.first, within_us), afresh=False, within_us=within_us)
    return as_known(facts, reading)


def heard(facts: Ordered, made: Shifted | AmongLast | NewVoice) -> Made:
    """Messages with which a person's tone has turned, or that are among the last or the first of a person."""
    match made:
        case Shifted(to=to):

            def find(key: Int, some: Ordered) -> Int:
                assert some.value is not None
                return turned(key, some.at, some.value, to)

            facts = facts.take(facts.first)
        case AmongLast(need=need, of=of):

            def find(key: Int, some: Ordered) -> Int:
                return among_last(key, some.first, need, of)
        case NewVoice():

            def find(key: Int, some: Ordered) -> Int:
                return new_voice(key, some.first)

    # All of a person's past has a say, so that a late message is read with all that is after it.
    return as_known(facts, Reading(find, afresh=False, within_us=int(EVER)))


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


def as_known(facts: Ordered, reading: Reading) -> Made:
    """What a reading finds, as it was known at each moment."""
    if not facts.size:
        return Made.joined([])
    # Facts further apart than the window have nothing to do with each other, whichever of them are known.
    new = starts((facts.key,))
    new[1:] |= facts.at[1:] - facts.at[:-1] > reading.within_us
    series = np.cumsum(new) - 1
    muddled = facts.gone < EVER
    muddled[1:] |= ~new[1:] & (facts.known[1:] < facts.known[:-1])
    messy = np.zeros(int(series[-1]) + 1, bool)
    messy[series[muddled]] = True
    clean = ~messy[series]
    apart = facts if clean.all() else facts.take(clean)
    places = reading.find(series[clean], apart)
    found = Made(apart.seq[places], apart.at[places], apart.known[places], np.full(places.size, EVER))
    if apart is facts:
        return found
    return Made.joined([found, replayed(facts.take(~clean), series[~clean], reading)])
