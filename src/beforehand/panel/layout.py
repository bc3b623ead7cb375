"""Cells laid out as dense arrays, and how a period's value looked at each later close.

The age of a value is the number of closes since its period ended: at age 0 it is what its own close knew. A late fact
with lag l changes a value from age l on. All windows of a metric are then views of one array `[ages, n, periods]`:
element (subject, close q, period p) is at age q - p. Where nothing was late one age stands for all. Pure NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Small = NDArray[np.int32]
Short = NDArray[np.int16]
Words = NDArray[np.uint64]
Mask = NDArray[np.bool_]
LONGEST = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Placed:
    """Cells within some periods, and their places in an array of `width` columns taken flat.

    Those on time, then the late ones and their lags.
    """

    width: int
    on_time: Int | slice
    flat: Int
    late: Int | slice
    late_flat: Int
    lag: Short


@dataclass(frozen=True)
class Cells:
    """Sparse cells of a block: row, period and lag of each, and one result per column; `part` as in the scan."""

    row: Small
    period: Small
    lag: Small
    account: Small
    part: Small
    values: dict[str, NDArray[np.generic]]
    places: dict[tuple[int, int], Placed] = field(default_factory=dict, compare=False, repr=False)

    def placed(self, first: int, last: int) -> Placed:
        """Where the cells of the periods first..last go; found once for all columns."""
        if (first, last) not in self.places:
            self.places[first, last] = _place(self.row, self.period, self.lag, first, last)
        return self.places[first, last]

    @property
    def nbytes(self) -> int:
        """What they take, without their places."""
        arrays = (self.row, self.period, self.lag, self.account, self.part, *self.values.values())
        return sum(array.nbytes for array in arrays if array.strides != (0,))

    def take(self, chosen: Mask | Int) -> Cells:
        """Some of the cells."""
        return Cells(
            self.row[chosen], self.period[chosen], self.lag[chosen], self.account[chosen], self.part[chosen],
            {name: value[chosen] for name, value in self.values.items()},
        )  # fmt: skip


@dataclass(frozen=True)
class Additive:
    """Values that add: `base[n, periods]` as known at age 0, and what late facts add from a lag on, in order of lag.

    `flat` are places in `base` taken flat.
    """

    base: Float
    flat: Int
    lag: Short
    delta: Float


def additive(cells: Cells, name: str, size: int, first: int, last: int) -> Additive:
    """A column that adds, over the periods first..last."""
    return _added(cells.placed(first, last), cells.values[name], size)


def _place(row: Int | Small, period: Int | Small, lag: Int | Small, first: int, last: int) -> Placed:
    width = last - first + 1
    flat = row.astype(np.int64) * width + (period - first)
    inside = (period >= first) & (period <= last)
    tardy = lag > 0
    late = np.flatnonzero(inside & tardy)
    on_time = inside & ~tardy if late.size else inside
    chosen, tail = _taken(np.flatnonzero(on_time)), _taken(late)
    # No age comes near the largest short number; short ones are sorted several times as fast.
    return Placed(width, chosen, flat[chosen], tail, flat[tail], np.minimum(lag[tail], LONGEST).astype(np.int16))


def _taken(places: Int) -> Int | slice:
    """Places that follow one another as a slice, which takes a view and no copy."""
    if places.size and places[-1] - places[0] == places.size - 1:
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def _added(place: Placed, value: NDArray[np.generic], size: int) -> Additive:
    flat = np.bincount(place.flat, weights=value[place.on_time], minlength=size * place.width)
    base: Float = flat.astype(np.float64, copy=False).reshape(size, place.width)  # of no cells it is whole numbers
    late = value[place.late]
    # Most late cells are about other columns.
    some = np.flatnonzero(late)
    some = some[np.argsort(place.lag[some], kind="stable")]
    return Additive(base, place.late_flat[some], place.lag[some], late[some].astype(np.float64))


def bits(cells: Cells, name: str, slots: dict[int, Int], size: int, first: int, last: int) -> Additive:
    """Distinct people per period as an additive column: each late bit adds one unless it was known already."""
    row, period, lag, word, value = bit_rows(cells, name, slots)
    if (lag > 0).any() or slots:
        row, period, lag, word, value = _new_bits(row, period, lag, word, value)
    return _added(_place(row, period, lag, first, last), np.bitwise_count(value), size)


def bit_rows(cells: Cells, name: str, slots: dict[int, Int]) -> tuple[Int, Int, Int, Int, Words]:
    """Row, period, lag, word and bits, with members of merged accounts and people moved to the bit they have now."""
    held = cells.part >= 0
    cells = cells.take(np.flatnonzero(held)) if not held.all() else cells
    row, period, lag, word = (a.astype(np.int64) for a in (cells.row, cells.period, cells.lag, cells.part))
    value = cells.values[name].astype(np.uint64)
    if not slots:
        return row, period, lag, word, value
    moved = np.isin(cells.account, np.fromiter(slots, np.int64, len(slots)))
    pieces = [(row[~moved], period[~moved], lag[~moved], word[~moved], value[~moved])]
    for node in np.unique(cells.account[moved]):
        mine = np.flatnonzero(cells.account == node)
        cell, bit = np.nonzero((value[mine, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1))
        at = mine[cell]
        slot = slots[int(node)][word[at] * 64 + bit]
        one = np.left_shift(np.uint64(1), (slot & 63).astype(np.uint64))
        pieces.append((row[at], period[at], lag[at], slot >> 6, one))
    return tuple(np.concatenate(column) for column in zip(*pieces, strict=True))  # type: ignore[return-value]


def _new_bits(row: Int, period: Int, lag: Int, word: Int, value: Words) -> tuple[Int, Int, Int, Int, Words]:
    """One cell per (row, period, word, lag), holding only the bits no smaller lag had."""
    order = np.lexsort((lag, word, period, row))
    row, period, lag, word = (column[order] for column in (row, period, lag, word))
    value = value[order]
    fresh = np.ones(row.size, dtype=bool)
    fresh[1:] = (row[1:] != row[:-1]) | (period[1:] != period[:-1]) | (word[1:] != word[:-1])
    start = np.maximum.accumulate(np.where(fresh, np.arange(row.size), 0))
    rank = np.arange(row.size) - start
    known = value.copy()
    new = value.copy()
    for step in range(1, int(rank.max(initial=0)) + 1):
        at = np.flatnonzero(rank == step)
        new[at] = value[at] & ~known[at - 1]
        known[at] = value[at] | known[at - 1]
    return row, period, lag, word, new


def aged(series: Additive, ages: int, days: int = 1) -> Float:
    """The value at ages 0 .. ages-1, `[ages, n, periods]`, or `[1, n, periods]` where all ages are the same.

    `days` > 1 gives rolling sums ending with each period; the first `days` - 1 columns then lack what came before.
    """
    base = rolled(series.base, days)
    # Where the facts of each lag begin; keys of the array's own type, or all of it is converted for each question.
    start = np.searchsorted(series.lag, np.arange(ages + days + 1, dtype=series.lag.dtype))
    if not start[ages + days - 1]:
        return base[None]
    flat, delta, width = series.flat, series.delta, base.shape[1]
    out = np.empty((ages, *base.shape))
    out[0] = base
    for after in range(1, days):  # sums that end up to days - 1 later hold the fact; those from its lag on knew it
        known = slice(0, start[after + 1])
        _put(out[0], flat[known], after, delta[known], width)
    for age in range(1, ages):
        out[age] = out[age - 1]
        # One close later a fact of lag l is also felt by the sum that ends at d + l - age, if that sum still holds d.
        for after in range(days):
            hit = slice(start[age + after], start[age + after + 1])
            _put(out[age], flat[hit], after, delta[hit], width)
    return out


def _put(target: Float, flat: Int, after: int, delta: Float, width: int) -> None:
    """Adds each delta `after` columns behind its place, where there is such a column."""
    if after:
        fits = flat % width < width - after
        flat, delta = flat[fits] + after, delta[fits]
    np.add.at(target.reshape(-1), flat, delta)


def rolled(base: Float, days: int) -> Float:
    """Sums over the last `days` columns, by doubling: nothing is ever subtracted, so that no dust stays behind."""
    if days == 1:
        return base
    total: Float | None = None
    done, length, power = 0, 1, base.copy()
    while True:
        if days & length:
            total = power.copy() if total is None else _shifted_add(total, power, done)
            done += length
        length *= 2
        if length > days:
            assert total is not None
            return total
        power = _shifted_add(power, power, length // 2)


def _shifted_add(left: Float, right: Float, by: int) -> Float:
    out = left.copy()
    if by < left.shape[1]:
        out[:, by:] += right[:, : left.shape[1] - by]
    return out


def lasts(cells: Cells, name: str, size: int, first: int, last: int, ages: int) -> Float:
    """The last value by time, carried forward, at ages 0 .. ages-1 (or one for all); NaN before there was one.

    A value of period d and lag l is known from the close d + l on, and holds from the end of d on.
    """
    value = cells.values[name]
    known = ~np.isnan(value.astype(np.float64)) & (cells.period <= last)
    cells = cells.take(np.flatnonzero(known))
    order = np.lexsort((cells.values[name + "_seq"], cells.values[name + "_at"]))
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    values = np.append(cells.values[name].astype(np.float64)[order], np.nan)
    width = last - first + 1
    arrival = np.maximum(cells.period + cells.lag - first, 0)
    on_board = np.full((size, width), -1, np.int64)
    seen = arrival < width
    np.maximum.at(on_board, (cells.row[seen], arrival[seen]), rank[seen])
    current = np.maximum.accumulate(on_board, axis=1)
    late = np.flatnonzero((cells.lag > 0) & (cells.period + cells.lag - first >= 0))
    if ages == 1 or not late.size:
        return values[current][None]
    out = np.empty((ages, size, width))
    out[0] = values[current]
    row, lag, rank, arrival = cells.row[late], cells.lag[late], rank[late], (cells.period + cells.lag - first)[late]
    for age in range(1, ages):
        current = current.copy()
        hit = (lag >= age) & (arrival - age >= 0) & (arrival - age < width)
        np.maximum.at(current, (row[hit], arrival[hit] - age), rank[hit])
        out[age] = values[current]
    return out


def rolling_people(
    cells: Cells, name: str, slots: dict[int, Int], shape: tuple[int, int, int], ages: int, days: int
) -> Float:
    """Distinct people over the last `days` days at each age; `shape` is (subjects, first day, last day).

    A fact of day d and lag l makes its person count at age k in the sums that end from max(d, d + l - k) to
    d + days - 1. The length of the union of these stretches, per person, is what each day counts: exact whatever
    overlaps and whatever was late.
    """
    size, first, last = shape
    width = last - first + 1
    row, period, lag, word, value = bit_rows(cells, name, slots)
    usable = (period + days > first) & (period <= last)
    row, period, lag, word = (column[usable] for column in (row, period, lag, word))
    value = value[usable]
    late = bool((lag > 0).any())
    cell, bit = _exploded(value)
    who = (row[cell] << 32) | (word[cell] * 64 + bit)
    row, day, lag = row[cell], period[cell] - first, lag[cell]
    out = np.empty((ages if late else 1, size, width))
    for age in range(out.shape[0]):
        start = day + np.maximum(lag - age, 0)
        keep = start < day + days
        order = np.lexsort((start[keep], who[keep]))
        w, r, s, e = (column[keep][order] for column in (who, row, start, day + days))
        # Stretches of one person in order of their start: each adds what lies beyond the furthest end so far.
        group = np.cumsum(np.append(True, w[1:] != w[:-1])) - 1 if w.size else w
        reach = (
            np.maximum.accumulate(e + group * (width + 2 * days + 2)) - group * (width + 2 * days + 2) if w.size else e
        )
        before = np.append(np.int64(-(days + 1)), reach[:-1]) if w.size else e
        if w.size:
            before[np.append(True, group[1:] != group[:-1])] = -(days + 1)
        s, e = np.clip(np.maximum(s, before), 0, width), np.clip(e, 0, width)
        live = e > s
        steps = np.bincount(r[live] * (width + 1) + s[live], minlength=size * (width + 1)).astype(np.int64)
        steps -= np.bincount(r[live] * (width + 1) + e[live], minlength=size * (width + 1))
        out[age] = np.cumsum(steps.reshape(size, width + 1), axis=1)[:, :width]
    return out


def _exploded(value: Words) -> tuple[Int, Int]:
    """The cell and bit number of each bit that is set."""
    raw = np.unpackbits(np.ascontiguousarray(value).view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    cell, bit = np.nonzero(raw)
    return cell.astype(np.int64), bit.astype(np.int64)


def windows(values: Float, first_close: int, closes: int, width: int) -> Float:
    """Read-only views `[n, closes, width]`, oldest first, of `[ages, n, periods]`; closes are columns of `values`."""
    ages, size = values.shape[:2]
    n_step, step = values.strides[1], values.strides[2]
    if ages == 1:
        start = values[0, :, first_close - width + 1 :]
        return as_strided(start, (size, closes, width), (n_step, step, step), writeable=False)
    start = values[width - 1, :, first_close - width + 1 :]
    return as_strided(start, (size, closes, width), (n_step, step, step - values.strides[0]), writeable=False)


def present_people(
    cells: Cells, name: str, slots: dict[int, Int], shape: tuple[int, int, int], ages: int, days: int
) -> Float:
    """Distinct people over facts that may be taken back: each person's own signed count, where it is above zero."""
    size, first, last = shape
    cells = cells.take(np.flatnonzero((cells.part >= 0) & (cells.period >= first) & (cells.period <= last)))
    member = cells.part.astype(np.int64)
    for node in np.unique(cells.account):
        if int(node) in slots:
            mine = cells.account == node
            member[mine] = slots[int(node)][member[mine]]
    who, person = np.unique((cells.row.astype(np.int64) << 32) | member, return_inverse=True)
    place = _place(person.reshape(-1), cells.period, cells.lag, first, last)
    counts = _added(place, cells.values[name], who.size)
    there = aged(counts, ages, days) > 0
    out = np.zeros((there.shape[0], size, last - first + 1))
    for age in range(there.shape[0]):
        np.add.at(out[age], who >> 32, there[age])
    return out
