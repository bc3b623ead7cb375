"""What was true from when until when, as rows with signs. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Signed = tuple[Int, Int, Int, NDArray[np.int8]]
"""Rows: `seq` of the fact each is made from, when it happened, when it was learned, and its sign."""
EVER = np.int64(2**62)
"""No end (UTC microseconds)."""


@dataclass(frozen=True)
class Ordered:
    """Facts in order: by `key` (one person, or one account's facts that are nobody's), then time, then arrival.

    `at` is when each occurred, `known` when it was learned and `gone` when it was taken back (`EVER`: never), UTC
    microseconds; `seq` is its number. `first` says whether it is of the metric, `other` of the other metric;
    `value` is a number it has, where one is read.
    """

    key: Int
    at: Int
    known: Int
    gone: Int
    seq: Int
    first: Bool
    other: Bool
    value: Float | None = None

    @property
    def size(self) -> int:
        """How many there are."""
        return self.key.size

    def take(self, which: Int | Bool | slice) -> Ordered:
        """Some of them, in the order given."""
        taken: dict[str, Any] = {n: None if column is None else column[which] for n, column in vars(self).items()}
        return Ordered(**taken)


@dataclass(frozen=True)
class Made:
    """Made facts: `seq` of the fact each is made from, `at` when it happened, known from `since` up to `until`."""

    seq: Int
    at: Int
    since: Int
    until: Int

    @classmethod
    def joined(cls, parts: list[Made]) -> Made:
        """All of several."""
        if not parts:
            none = np.empty(0, np.int64)
            return cls(none, none, none, none)
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("seq", "at", "since", "until")))

    def signed(self) -> Signed:
        """As rows (seq, at, learned, sign): one when it is known first, one that takes it back when it no longer is.

        What is taken back and put there again at one moment is no row.
        """
        some = self.since < self.until
        ends = some & (self.until < EVER)
        if not ends.any():
            return self.seq[some], self.at[some], self.since[some], np.ones(int(some.sum()), np.int8)
        seq = np.concatenate([self.seq[some], self.seq[ends]])
        at = np.concatenate([self.at[some], self.at[ends]])
        learned = np.concatenate([self.since[some], self.until[ends]])
        sign = np.concatenate([np.ones(int(some.sum()), np.int64), -np.ones(int(ends.sum()), np.int64)])
        order = np.lexsort((learned, at, seq))
        seq, at, learned, sign = seq[order], at[order], learned[order], sign[order]
        new = starts((seq, at, learned))
        net = np.add.reduceat(sign, np.flatnonzero(new))
        seq, at, learned = seq[new], at[new], learned[new]
        left = net != 0
        times = np.abs(net[left])
        seq, at, learned = (np.repeat(column[left], times) for column in (seq, at, learned))
        return seq, at, learned, np.repeat(np.sign(net[left]), times).astype(np.int8)


def starts(columns: tuple[Int, ...]) -> Bool:
    """Where in sorted columns a value begins that differs from the one before."""
    new = np.zeros(columns[0].size, bool)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return new


def next_true(flags: Bool) -> Int:
    """For each place, and the one after the last, the first place from it on where a flag is set; the size if none."""
    places = np.full(flags.size + 1, flags.size, np.int64)
    places[:-1][flags] = np.flatnonzero(flags)
    return np.asarray(np.minimum.accumulate(places[::-1])[::-1])
