"""Standing totals: what has come in all up to the end of each period, as each later close knew it. Pure NumPy.

A cell of period d and lag l counts at age a from the period max(d, d + l - a) on: from its own, but not before the
close that is `a` places later had learned of it. What that puts before the first period counts from the first.
"""

from __future__ import annotations

import numpy as np

from beforehand.panel.layout import Cells, Float, Int, Small, Words, bit_rows

Shape = tuple[int, int, int]


def totals(cells: Cells, name: str, shape: Shape, ages: int) -> Float:
    """A column that adds, `[ages or 1, n, periods]`; `shape` is (subjects, first period, last period)."""
    return _running(cells.row, cells.period, cells.lag, cells.values[name].astype(np.float64), shape, ages)


def all_people(cells: Cells, name: str, slots: dict[int, Int], shape: Shape, ages: int) -> Float:
    """How many distinct people, or other bits, there have been: each counts from its first cell on."""
    size, first, last = shape
    width = last - first + 1
    row, period, lag, word, value = bit_rows(cells, name, slots)
    ages = _ages(period, lag, first, ages)
    out = np.zeros((ages, size, width))
    for age in range(ages):
        start = _start(period, lag, first, age)
        seen = np.flatnonzero((start < width) & (value != 0))
        order = seen[np.lexsort((start[seen], word[seen], row[seen]))]
        new = _new(row[order] << 32 | word[order], value[order])
        out[age] = np.bincount(
            row[order] * width + start[order], weights=np.bitwise_count(new), minlength=size * width
        ).reshape(size, width)
        np.cumsum(out[age], axis=1, out=out[age])
    return out


def all_present(cells: Cells, name: str, slots: dict[int, Int], shape: Shape, ages: int) -> Float:
    """How many people, or other things told apart, stand above zero over facts that may be taken back."""
    size, first, last = shape
    cells = cells.take(np.flatnonzero(cells.part >= 0))
    member = cells.part.astype(np.int64)
    for node in np.unique(cells.account):
        if int(node) in slots:
            mine = cells.account == node
            member[mine] = slots[int(node)][member[mine]]
    who, person = np.unique(cells.row.astype(np.int64) << 32 | member, return_inverse=True)
    value = cells.values[name].astype(np.float64)
    there = _running(person.reshape(-1), cells.period, cells.lag, value, (who.size, first, last), ages) > 0
    out = np.zeros((there.shape[0], size, last - first + 1))
    for age in range(there.shape[0]):
        np.add.at(out[age], who >> 32, there[age])
    return out


def _running(row: Int | Small, period: Int | Small, lag: Int | Small, value: Float, shape: Shape, ages: int) -> Float:
    size, first, last = shape
    width = last - first + 1
    ages = _ages(period, lag, first, ages)
    late = lag > 0
    base = np.zeros(size * width)
    _add(base, row[~late], _start(period[~late], lag[~late], first, 0), value[~late], width)
    out = np.empty((ages, size, width))
    row, period, lag, value = row[late], period[late], lag[late], value[late]
    for age in range(ages):
        steps = base.copy() if row.size else base
        _add(steps, row, _start(period, lag, first, age), value, width)
        np.cumsum(steps.reshape(size, width), axis=1, out=out[age])
    return out


def _add(steps: Float, row: Int | Small, start: Int, value: Float, width: int) -> None:
    """Adds each value where it begins to count, unless that is after the last period."""
    inside = start < width
    flat = row[inside].astype(np.int64) * width + start[inside]
    steps += np.bincount(flat, weights=value[inside], minlength=steps.size)


def _start(period: Int | Small, lag: Int | Small, first: int, age: int) -> Int:
    """The column from which each cell counts at an age."""
    return np.asarray(np.maximum(period + np.maximum(lag - age, 0) - first, 0), dtype=np.int64)


def _ages(period: Int | Small, lag: Int | Small, first: int, ages: int) -> int:
    """One age stands for all where nothing that was late still matters."""
    return ages if bool(((lag > 0) & (period + lag > first)).any()) else 1


def _new(group: Int, value: Words) -> Words:
    """Of each bitmap, the bits that none before it in its group had; groups lie together. By doubling."""
    if not group.size:
        return value
    starts = np.append(True, group[1:] != group[:-1])
    rank = np.arange(group.size) - np.maximum.accumulate(np.where(starts, np.arange(group.size), 0))
    known, step = value.copy(), 1
    while step <= int(rank.max()):
        at = np.flatnonzero(rank >= step)
        known[at] = known[at] | known[at - step]
        step *= 2
    before = np.zeros_like(value)
    at = np.flatnonzero(rank > 0)
    before[at] = known[at - 1]
    return np.asarray(value & ~before)
