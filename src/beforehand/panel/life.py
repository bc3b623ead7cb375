"""When each subject's life began and ended, as it was known at any moment.

A life begins at the earlier of `started_at` and the first fact, ends at `ended_at` or a churned outcome, and later
facts open it again. What was known changes with time: an early fact may be learned late. So the beginning is kept as a
short list of points, each a fact earlier than all that had been learned before it; most subjects have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Mask = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max // 4
ALWAYS = -NEVER


@dataclass(frozen=True)
class Points:
    """Instants that became known: of row `row`, `at_us` was known from `known_us` on (UTC microseconds)."""

    row: Int
    at_us: Int
    known_us: Int

    def frontier(self) -> Points:
        """Only the points that, when learned, were earlier than all learned before; by row and time of learning."""
        order = np.lexsort((self.at_us, self.known_us, self.row))
        row, at, known = self.row[order], self.at_us[order], self.known_us[order]
        if not row.size:
            return Points(row, at, known)
        group = np.cumsum(np.append(False, row[1:] != row[:-1]))
        # Ranks, moved down by group, so that one running minimum serves all subjects.
        level = np.unique(at, return_inverse=True)[1].reshape(-1) - group * row.size
        keep = np.append(True, level[1:] < np.minimum.accumulate(level)[:-1])
        return Points(row[keep], at[keep], known[keep])

    def of(self, low: int, high: int) -> Points:
        """The points of rows low..high-1, which become rows 0..; the points must be sorted by row."""
        start, stop = np.searchsorted(self.row, [low, high])
        return Points(self.row[start:stop] - low, self.at_us[start:stop], self.known_us[start:stop])

    def earliest(self, size: int, known_before_us: Int, rest: int = NEVER) -> Int:
        """The earliest instant each row knew before each moment, `[size, moments]`; `rest` where it knew none."""
        out = np.full((size, known_before_us.size + 1), rest, np.int64)
        place = np.searchsorted(known_before_us, self.known_us, side="right")
        np.minimum.at(out, (self.row, place), self.at_us)
        return np.minimum.accumulate(out, axis=1)[:, :-1]


@dataclass(frozen=True)
class Stated:
    """Instants that somebody stated: of row `row`, `at_us` stood from `from_us` until a correction at `until_us`."""

    row: Int
    at_us: Int
    from_us: Int
    until_us: Int

    @classmethod
    def none(cls) -> Stated:
        """Nothing stated."""
        return cls(*(np.empty(0, np.int64) for _ in range(4)))

    def of(self, low: int, high: int) -> Stated:
        """The statements about rows low..high-1, which become rows 0..; they must be sorted by row."""
        some = slice(*(int(i) for i in np.searchsorted(self.row, [low, high])))
        return Stated(self.row[some] - low, self.at_us[some], self.from_us[some], self.until_us[some])

    def spread(self, group: Int) -> Stated:
        """What was stated about places, of the rows that have them: `group` is the place of each row, ascending."""
        low, high = (np.searchsorted(group, self.row, side=side) for side in ("left", "right"))
        chosen = np.repeat(np.arange(self.row.size), high - low)
        return self.take(chosen, ranges(low, high))

    def take(self, chosen: Int, row: Int) -> Stated:
        """Some of the statements, about other rows."""
        return Stated(row, self.at_us[chosen], self.from_us[chosen], self.until_us[chosen])

    @classmethod
    def joined(cls, parts: Sequence[Stated]) -> Stated:
        """All statements of several kinds, sorted by row."""
        columns = [
            np.concatenate(c) for c in zip(*((p.row, p.at_us, p.from_us, p.until_us) for p in parts), strict=True)
        ]
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))

    def standing(self, known_us: Int) -> Mask:
        """Whether each was known and not yet corrected at each moment, `[statements, moments]`."""
        return np.asarray((self.from_us[:, None] < known_us) & (known_us <= self.until_us[:, None]))


@dataclass(frozen=True)
class Lives:
    """The lives of all subjects of a sheet; rows of all arrays ascending.

    `facts` are first facts, `starts` and `ends` what was stated; `after` holds the facts after each end, with the
    index of the end as their row. `partly`: before its first fact there is nothing of a subject that could be missed,
    so that the stretch in which its life begins is whole.
    """

    facts: Points
    starts: Stated
    ends: Stated
    after: Points
    partly: bool = False

    def of(self, low: int, high: int) -> Lives:
        """The lives of rows low..high-1."""
        start, stop = (int(i) for i in np.searchsorted(self.ends.row, [low, high]))
        return Lives(
            self.facts.of(low, high), self.starts.of(low, high), self.ends.of(low, high), self.after.of(start, stop),
            self.partly,
        )  # fmt: skip

    def begun(self, size: int, known_us: Int) -> Int:
        """When each life began as known at each moment, `[size, moments]`; NEVER where it had not."""
        out = self.facts.earliest(size, known_us)
        if self.starts.row.size:
            stated = np.where(self.starts.standing(known_us), self.starts.at_us[:, None], NEVER)
            np.minimum.at(out, self.starts.row, stated)
        return out

    def unsettled(self, size: int, end_us: Int, known_us: Int) -> Int:
        """The rows whose life looked different at different closes (`known_us` are the moments of those at `end_us`).

        All others began at one instant that the close of its period knew, and never ended.
        """
        out = np.zeros(size, bool)
        out[self.ends.row] = True
        corrected = (self.starts.until_us != NEVER) | (self.starts.from_us != ALWAYS)
        out[self.starts.row[corrected]] = True
        points = self.facts
        out[points.row[1:][points.row[1:] == points.row[:-1]]] = True
        first = np.searchsorted(end_us, points.at_us, side="right")
        tardy = np.append(known_us, NEVER)[first] <= points.known_us
        out[points.row[tardy]] = True
        return np.flatnonzero(out)

    def inside(self, size: int, start_us: Int, end_us: Int, known_us: Int, ages: int) -> tuple[Mask, Int, Mask]:
        """Whether each stretch [start, end) lay wholly in the life as its own close knew it, `[size, stretches]`.

        Then the rows for which closes differ, and for those the same at ages 0 .. ages-1, `[ages, rows, stretches]`:
        what the close that many places later knew. Where that is beyond the last close, the last one counts.
        """
        rows = self.unsettled(size, end_us, known_us)
        since = end_us - 1 if self.partly else start_us
        ok = np.asarray(since[None, :] >= self.begun(size, np.array([NEVER])))
        lives, ends = self._only(rows, size), self.ends
        begun = lives.begun(rows.size, known_us)
        ends = lives.ends
        again = lives.after.earliest(ends.row.size, known_us)
        standing = ends.standing(known_us)
        varying = np.empty((ages, rows.size, start_us.size), bool)
        for age in range(ages):
            at = np.minimum(np.arange(start_us.size) + age, known_us.size - 1)
            varying[age] = since >= begun[:, at]
            cut = (end_us[None, :] > ends.at_us[:, None]) & (start_us[None, :] < again[:, at])
            np.logical_and.at(varying[age], ends.row, ~(standing[:, at] & cut))
        ok[rows] = varying[0]
        return ok, rows, varying

    def alive(self, size: int, end_us: Int, known_us: Int) -> Mask:
        """Whether each life had begun and not ended at each close, as known then, `[size, closes]`."""
        rows = self.unsettled(size, end_us, known_us)
        ok = np.asarray(self.begun(size, np.array([NEVER])) < end_us[None, :])
        lives = self._only(rows, size)
        varying = lives.begun(rows.size, known_us) < end_us[None, :]
        ends = lives.ends
        again = lives.after.earliest(ends.row.size, known_us)
        over = (end_us[None, :] >= ends.at_us[:, None]) & (end_us[None, :] <= again)
        np.logical_and.at(varying, ends.row, ~(ends.standing(known_us) & over))
        ok[rows] = varying
        return ok

    def _only(self, rows: Int, size: int) -> Lives:
        place = np.full(size, -1, np.int64)
        place[rows] = np.arange(rows.size)
        facts = self.facts
        mine = place[facts.row] >= 0
        starts = np.flatnonzero(place[self.starts.row] >= 0)
        ends = np.flatnonzero(place[self.ends.row] >= 0)
        index = np.full(self.ends.row.size, -1, np.int64)
        index[ends] = np.arange(ends.size)
        kept = index[self.after.row] >= 0
        return Lives(
            Points(place[facts.row[mine]], facts.at_us[mine], facts.known_us[mine]),
            self.starts.take(starts, place[self.starts.row[starts]]),
            self.ends.take(ends, place[self.ends.row[ends]]),
            Points(index[self.after.row[kept]], self.after.at_us[kept], self.after.known_us[kept]),
            self.partly,
        )


def ranges(low: Int, high: Int) -> Int:
    """The numbers low .. high-1 of each pair, one after the other."""
    size = high - low
    return np.asarray(np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size - low, size))


def until(row: Int, key: Sequence[Int], known_us: Int) -> Int:
    """For rows of one dated thing: until when each stood, which is when one that comes later in `key` was learned.

    `key` sorts the rows of one subject, most important first. NEVER where none came later.
    """
    order = np.lexsort((*reversed(key), row))[::-1]
    subject, known = row[order], known_us[order]
    group = np.cumsum(np.append(False, subject[1:] != subject[:-1])) if row.size else row
    levels, rank = np.unique(known, return_inverse=True)
    level = rank.reshape(-1) - group * (row.size + 1)
    least = np.minimum.accumulate(level) if row.size else level
    out = np.full(row.size, NEVER, np.int64)
    if row.size:
        later = np.append(False, group[1:] == group[:-1])
        out[order[later]] = levels[(least + group * (row.size + 1))[:-1][later[1:]]]
    return out
