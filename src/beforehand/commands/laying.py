"""A series laid out in periods, as judges read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from beforehand.calendar import DAY_US, Grain, period_of, start_of
from beforehand.commands.series import Series
from beforehand.errors import InputError
from beforehand.signals.numbers import Bool, Float, Int, Trait
from beforehand.signals.peers import LIKE
from beforehand.signals.series import mondays_to_fridays
from beforehand.signals.tree import Quantity

UTC = ZoneInfo("UTC")
MOST_CELLS = 100_000_000


@dataclass(frozen=True)
class Table:
    """Periods of one grain over `n` accounts: `total` and number of `points` [n, Q]; `whole` [n, Q] says where an
    account's series covers the period; `first` and `last` [n] are its first and last period; `starts` [n, Q].
    """

    total: Float
    points: Float
    whole: Bool
    first: Int
    last: Int
    starts: Int
    ends: Int


@dataclass(frozen=True)
class Laid:
    """A series as `signals.numbers.Numbers`. `counts`: values are summed and gaps are zero; else mean, and unsure."""

    size: int
    counts: bool
    make: Callable[[Grain], Table]
    made: dict[Grain, Table] = field(default_factory=dict)

    def table(self, grain: Grain) -> Table:
        """The periods of a grain, laid once."""
        if grain not in self.made:
            self.made[grain] = self.make(grain)
        return self.made[grain]

    def ends(self, grain: Grain) -> Int:
        """The ends of the periods."""
        return self.table(grain).ends

    def starts(self, grain: Grain) -> Int:
        """Where each period starts, `[n, Q]`: by point each account has its own."""
        return self.table(grain).starts

    def reach(self, grain: Grain) -> tuple[Int, Int]:
        """The first and the last period of each account."""
        table = self.table(grain)
        return table.first, table.last

    def values(self, grain: Grain, rolling: int = 1) -> Float:
        """The value of each period, `[n, Q]`; over `rolling` periods where asked. NaN: not known."""
        table = self.table(grain)
        total, points, whole = table.total, table.points, table.whole
        if rolling > 1:
            total, points = _rolled(total, rolling), _rolled(points, rolling)
            whole = _rolled(whole.astype(np.float64), rolling) == rolling
        with np.errstate(invalid="ignore", divide="ignore"):
            value = total if self.counts else total / points
        return np.where(whole, value, np.nan)

    def windows(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The last `width` periods at each close, `[n, Q, width]`; NaN before the first."""
        return sliding_window_view(self.firsts(quantity, grain, width), width, axis=1)

    def firsts(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The values with `width` - 1 unknown ones before them, `[n, Q + width - 1]`: nothing here comes late."""
        values = self.values(grain, quantity.rolling_days or 1)
        return np.concatenate([np.full((self.size, width - 1), np.nan), values], axis=1)

    def workdays(self, width: int) -> Bool:
        """Monday to Friday: a series knows of no holidays."""
        return mondays_to_fridays(self.ends(Grain.DAY), UTC, width)

    def idle(self, grain: Grain, width: int, days: int = 1) -> Bool:
        """Never: a series knows of no holidays."""
        return np.zeros((1, len(self.ends(grain)), width), dtype=bool)

    def alive(self, grain: Grain) -> Bool:
        """From an account's first period to its last."""
        table = self.table(grain)
        at = np.arange(table.ends.size)
        return np.asarray((at >= table.first[:, None]) & (at <= table.last[:, None]))

    def trait(self, name: str, grain: Grain) -> Trait:
        """A series has none; by default, all of a file are alike."""
        if name in LIKE:
            return Trait(numbers=np.full((self.size, len(self.ends(grain))), np.nan))
        raise InputError(f"A series has no {name}.", "Leave `for ...` out of the sentence.", code="no-traits")


def lay_by_time(series: Series) -> Laid:
    """Periods of the calendar, in UTC. A period at either end of a series that covers only a part of it is unsure."""
    return Laid(len(series.accounts), series.whole, lambda grain: _by_time(series, grain))


def lay_by_point(series: Series) -> Laid:
    """Each account's own steps, numbered from its first: a series with even steps keeps its gaps, others have none."""
    return Laid(len(series.accounts), series.whole, lambda grain: _by_point(series))


def _by_time(series: Series, grain: Grain) -> Table:
    n = len(series.accounts)
    number = period_of(grain, UTC, series.at_us)
    low, high = int(number.min()), int(number.max())
    _check_size(n, high - low + 1)
    column = number - low
    bounds = start_of(grain, UTC, np.arange(low, high + 2))
    starts, ends = bounds[:-1], bounds[1:]
    edges = np.searchsorted(series.row, np.arange(n + 1))
    first, last = column[edges[:-1]], column[edges[1:] - 1]
    at = np.arange(ends.size)
    whole = (at >= first[:, None]) & (at <= last[:, None])
    # A step of about a period or more covers it; shorter ones must begin and end near its edges.
    step = series.spacings_us()
    fine = (step > 0) & (step * 4 < (ends - starts).min() * 3)
    begun = series.at_us[edges[:-1]] - starts[first] < step * 1.5
    over = ends[last] - series.at_us[edges[1:] - 1] <= step * 1.5
    rows = np.arange(n)
    whole[rows[fine & ~begun], first[fine & ~begun]] = False
    whole[rows[fine & ~over], last[fine & ~over]] = False
    return _summed(series, column, whole, first, last, np.broadcast_to(starts, (n, ends.size)), ends)


def _by_point(series: Series) -> Table:
    n = len(series.accounts)
    edges = np.searchsorted(series.row, np.arange(n + 1))
    step = series.spacings_us()
    column = np.empty(series.row.size, dtype=np.int64)
    for row in range(n):
        mine = slice(edges[row], edges[row + 1])
        column[mine] = _steps(series.at_us[mine], int(step[row]))
    last = column[edges[1:] - 1]
    width = int(last.max()) + 1
    _check_size(n, width)
    at = np.arange(width)
    # Between its points a period starts by the step; at a point, at the point.
    starts = series.at_us[edges[:-1]][:, None] + at * step[:, None]
    starts[series.row, column] = series.at_us
    whole = at <= last[:, None]
    return _summed(series, column, whole, np.zeros(n, dtype=np.int64), last, starts, (at + 1) * DAY_US)


def _steps(at_us: Int, step: int) -> Int:
    """The number of each point: by even steps where nearly all points keep to them, else one after the other."""
    place: Int = np.unique(at_us, return_inverse=True)[1].astype(np.int64)
    if step:
        number: Int = np.rint((at_us - at_us[0]) / step).astype(np.int64)
        even = np.abs(at_us - at_us[0] - number * step) * 10 <= step
        if even.mean() >= 0.9 and np.unique(number).size == place.max() + 1 and number[-1] < 4 * place.max() + 4:
            return number
    return place


def _summed(series: Series, column: Int, whole: Bool, first: Int, last: Int, starts: Int, ends: Int) -> Table:
    shape = whole.shape
    flat = series.row * shape[1] + column
    total: Float = (
        np.bincount(flat, weights=series.value, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    )
    points: Float = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    return Table(total, points, whole, first, last, starts, ends)


def _rolled(values: Float, width: int) -> Float:
    """The sum of the last `width` periods at each; periods before the first count as nothing."""
    total = np.cumsum(values, axis=1)
    total[:, width:] -= total[:, :-width].copy()
    return total


def _check_size(accounts: int, periods: int) -> None:
    if accounts * periods > MOST_CELLS:
        raise InputError(
            f"{accounts:,} series over {periods:,} periods are too many to lay out at once.",
            "Split the file, or judge by a longer unit, such as `per week`.",
            code="too-large",
        )
