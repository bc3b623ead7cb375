"""What became of tickets and invoices, version by version: waiting, overdue, opened again. Arrays in, arrays out.

Each version says how a ticket or invoice is from then on. Its time is when it was learned, or its own `at` where that
moved forward with it; the first one begins when the ticket was opened, by the earliest `at` known. All of it is read
anew after each version, as it was known then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from beforehand.facts.derived.presence import EVER, Bool, Int, Made, Signed, starts


@dataclass(frozen=True)
class Versions:
    """Versions of tickets or invoices in order: by `fact`, then by when they were learned (UTC microseconds).

    `seq` is the number of a row with the version's content, `at` its own time. `done`: its status says solved, or paid;
    `counts`: it is of the metric. `due` and `paid` are those of an invoice (`EVER`: not said), `holder` is who has a
    ticket, as a number (0: nobody).
    """

    fact: Int
    seq: Int
    at: Int
    known: Int
    done: Bool
    counts: Bool
    due: Int
    paid: Int
    holder: Int

    @property
    def until(self) -> Int:
        """When the next version of the same fact was learned; `EVER` for the last."""
        until = np.full(self.fact.size, EVER)
        until[:-1] = np.where(self.fact[1:] == self.fact[:-1], self.known[1:], EVER)
        return until

    @property
    def place(self) -> Int:
        """The place of each version among those of its fact, from 0."""
        begins = starts((self.fact,))
        return np.asarray(np.arange(self.fact.size) - np.flatnonzero(begins)[np.cumsum(begins) - 1])


@dataclass(frozen=True)
class Told:
    """The story of each fact as each of its versions tells it, its stretches in order.

    A stretch is of version `row` and runs from `begin` to `end`; `teller` is the version by which it is told, `new`
    marks the first stretch of a story.
    """

    row: Int
    teller: Int
    begin: Int
    end: Int
    new: Bool


def waiting(versions: Versions, later: Callable[[Int, Int], Int]) -> list[Signed]:
    """A ticket that is open for long: one row when it begins to wait and is of the metric, one when no longer so.

    `later` says until when it may be open, from times (UTC microseconds) at which it was opened or opened again, and
    the versions they are of.
    """
    told = _told(versions)
    open_ = ~versions.done[told.row]
    opened = open_.copy()
    opened[1:] &= told.new[1:] | ~open_[:-1]
    # Every open stretch after it goes on from where it was opened.
    since = np.maximum.accumulate(np.where(opened, np.arange(opened.size), 0))
    first = np.flatnonzero(opened)
    due = np.zeros(opened.size, np.int64)
    due[first] = later(told.begin[first], told.row[first])
    return _stood(versions, told, np.maximum(told.begin, due[since]), told.end, open_)


def overdue(versions: Versions, grace_us: int) -> list[Signed]:
    """An invoice that is not paid so long after it was due: one row then, one when it is paid or no longer due."""
    told = _told(versions)
    due = np.minimum(versions.due[told.row], EVER - grace_us) + grace_us
    end = np.minimum(told.end, versions.paid[told.teller])
    return _stood(versions, told, np.maximum(told.begin, due), end, ~versions.done[told.row])


def reopened(versions: Versions) -> list[Signed]:
    """A ticket that is open in a version and was solved in the one before."""
    turned = np.zeros(versions.fact.size, bool)
    turned[1:] = (versions.fact[1:] == versions.fact[:-1]) & versions.done[:-1] & ~versions.done[1:]
    return _turned(versions, turned)


def reassigned(versions: Versions) -> list[Signed]:
    """A ticket that somebody else has than had it last."""
    new = starts((versions.fact,))
    held = new | (versions.holder != 0)
    last = np.maximum.accumulate(np.where(held, np.arange(new.size), 0))
    turned = np.zeros(new.size, bool)
    before = versions.holder[last[:-1]]
    turned[1:] = ~new[1:] & (before != 0) & (versions.holder[1:] != 0) & (versions.holder[1:] != before)
    return _turned(versions, turned)


def _turned(versions: Versions, turned: Bool) -> list[Signed]:
    turned &= versions.counts
    ever = np.full(int(turned.sum()), EVER)
    return [Made(versions.seq[turned], _moments(versions)[turned], versions.known[turned], ever).signed()]


def _moments(versions: Versions) -> Int:
    """The time of each version: its own where that moved forward, else when it was learned; never before the last."""
    moved = np.zeros(versions.fact.size, bool)
    moved[1:] = versions.at[1:] > versions.at[:-1]
    moments = np.where(moved, versions.at, versions.known)
    place = versions.place
    moments[place == 0] = versions.at[place == 0]
    for nth in range(1, int(place.max(initial=0)) + 1):
        here = np.flatnonzero(place == nth)
        moments[here] = np.maximum(moments[here], moments[here - 1])
    return moments


def _told(versions: Versions) -> Told:
    place, moments = versions.place, _moments(versions)
    earliest = versions.at.copy()
    for nth in range(1, int(place.max(initial=0)) + 1):
        here = np.flatnonzero(place == nth)
        earliest[here] = np.minimum(earliest[here], earliest[here - 1])
    many = place + 1
    teller = np.repeat(np.arange(place.size), many)
    row = np.arange(teller.size) - np.repeat(np.cumsum(many) - many, many) + (teller - place[teller])
    new = place[row] == 0
    begin = np.where(new, earliest[teller], moments[row])
    end = np.full(row.size, EVER)
    end[:-1] = np.where(new[1:], EVER, begin[1:])
    return Told(row, teller, begin, end, new)


def _stood(versions: Versions, told: Told, begin: Int, end: Int, stands: Bool) -> list[Signed]:
    """Stretches in which something stands, as rows: one where each begins, one with the other sign where it ends."""
    stands = stands & versions.counts[told.row] & (begin < end)
    seq, teller, begin, end = versions.seq[told.row[stands]], told.teller[stands], begin[stands], end[stands]
    known, until = versions.known[teller], versions.until[teller]
    ended = end < EVER
    up = Made(seq, begin, np.maximum(known, begin), until).signed()
    down = Made(seq[ended], end[ended], np.maximum(known, end)[ended], until[ended]).signed()
    return [up, (*down[:3], -down[3])]
