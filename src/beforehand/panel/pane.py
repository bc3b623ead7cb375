"""Subjects of a sheet laid out together: cells read, aged, cut to lives, and given out as windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import DAY_US, Grain
from beforehand.panel import layout
from beforehand.panel.closes import Closes
from beforehand.panel.columns import Plan
from beforehand.panel.compile import results
from beforehand.panel.kept import Laid, Lived, Read
from beforehand.panel.layout import Cells, Float
from beforehand.panel.life import NEVER
from beforehand.panel.store import CellSet
from beforehand.panel.traits import as_trait
from beforehand.panel.working import COUNTRY, Places
from beforehand.signals.numbers import Bool, Int, MetricFailed, Trait
from beforehand.signals.tree import Quantity

if TYPE_CHECKING:
    from beforehand.panel.sheet import Sheet

LEAST_WIDTH = 4
"""Windows are laid out for at least this width, so that short streaks of different lengths share them."""


class Pane:
    """Subjects low..high-1 of a sheet, laid out together."""

    def __init__(self, sheet: Sheet, low: int, high: int) -> None:
        self.sheet = sheet
        self.low, self.high = low, high
        self.size = high - low
        self.lives = sheet.lives.of(low, high)
        self.places: dict[Grain, Places] = {}

    def ends(self, grain: Grain) -> Int:
        """The ends of the judged periods of a grain, UTC microseconds, ascending, `[Q]`."""
        closes = self.sheet.closes[grain]
        return closes.starts(closes.first, closes.last)[1:] if closes.count else np.empty(0, np.int64)

    def windows(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """As `Block.windows`, for the pane."""
        closes = self.sheet.closes[grain]
        if not closes.count or not self.size:
            return np.empty((self.size, closes.count, width))
        lay = max(width, LEAST_WIDTH)
        made = self.sheet.kept.get(
            (self.low, self.high, quantity, grain),
            lambda: Laid(lay, self._values(quantity, closes, closes.first - (lay - 1), lay)),
            good=lambda laid: laid.width >= width,
        )
        return layout.windows(made.values, made.width - 1, closes.count, width)

    def firsts(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """As `Block.firsts`, for the pane."""
        closes = self.sheet.closes[grain]
        if not closes.count or not self.size:
            return np.empty((self.size, closes.count + width - 1))
        made = self.sheet.kept.get(
            (self.low, self.high, quantity, grain, "firsts"),
            lambda: Laid(width, self._values(quantity, closes, closes.first - (width - 1), 1)),
            good=lambda laid: laid.width >= width,
        )
        return np.asarray(made.values[0][:, made.width - width :])

    def alive(self, grain: Grain) -> Bool:
        """As `Block.alive`, for the pane."""
        ends = self.ends(grain)
        none = np.empty(0, np.int64)
        return self.sheet.kept.get(
            (self.low, self.high, grain, "alive"),
            lambda: Lived(
                self.lives.alive(self.size, ends, self.sheet.closes[grain].known(ends)), none, np.empty(0, bool)
            ),
            good=lambda lived: True,
        ).inside

    def trait(self, name: str, grain: Grain, part: slice) -> Trait:
        """As `Block.trait`, for a part of the pane."""
        ends = self.ends(grain)
        known = self.sheet.closes[grain].known(ends)
        low, high = self.low + part.start, self.low + part.stop
        if name == "age":
            begun = self.sheet.lives.of(low, high).begun(high - low, known)
            return Trait(numbers=np.where(begun == NEVER, np.nan, (ends - begun) / DAY_US))
        own, of_account = self.sheet.traits[name]
        # For a period still filling, what holds now counts, not what will hold at its end.
        at = np.minimum(ends, self.sheet.closes[grain].now_us)
        codes = own.of(low, high).codes(high - low, at, known)
        if of_account is not None:
            codes = np.where(codes == -2, of_account.of(low, high).codes(high - low, at, known), codes)
        return as_trait(codes, own.words)

    def workdays(self, width: int) -> Bool:
        """As `Block.workdays`, for the pane, or one row for all."""
        return self.sheet.working.workdays(self.sheet.closes[Grain.DAY], width, self._places(Grain.DAY))

    def idle(self, grain: Grain, width: int, days: int) -> Bool:
        """As `Block.idle`, for the pane, or one row for all."""
        closes = self.sheet.closes[grain]
        if not self.sheet.working.has_holidays:
            return np.broadcast_to(np.False_, (1, closes.count, width))
        return self.sheet.working.idle(closes, width, days, self._places(grain))

    def _places(self, grain: Grain) -> Places | None:
        """Where each subject works, as known at each close; None where all work by one calendar."""
        if not self.sheet.working.by_country:
            return None
        if grain not in self.places:
            country = self.trait(COUNTRY, grain, slice(0, self.size))
            self.places[grain] = self.sheet.working.places(country)
        return self.places[grain]

    # -- values --------------------------------------------------------------------------------------------------

    def _values(self, quantity: Quantity, closes: Closes, first: int, ages: int) -> Float:
        """The quantity at ages 0 .. ages-1 over the periods first .. last, `[ages or 1, n, P]`, NaN outside life."""
        plan = self.sheet.plans[quantity.metric]
        days = quantity.rolling_days or 1
        values = self._metric(plan, closes, first, ages, days)
        if quantity.per_active:
            people = self._metric(self.sheet.active, closes, first, ages, days)
            values = _ratio(values, people)
        values = self._within_life(values, closes, first, ages, days)
        return self._tracked(quantity, values, closes, first, days)

    def _metric(self, plan: Plan, closes: Closes, first: int, ages: int, days: int) -> Float:
        parts = [self._column(plan, column.name, column.op, closes, first, ages, days) for column in plan.parts]
        if plan.aggregate == "people" and plan.parts[0].op == "count":
            return np.minimum(parts[0], 1.0)
        return parts[0] if len(parts) == 1 else _ratio(*parts)

    def _column(self, plan: Plan, name: str, op: str, closes: Closes, first: int, ages: int, days: int) -> Float:
        slots = self.sheet.subjects.slots
        start = first - (days - 1)
        # A last value is carried from however far back; others only need the periods asked for.
        cells = self._cells(plan.table, closes.grain, name, op, None if op == "last" else start, closes.last)
        shape = (self.size, start, closes.last)
        match op:
            case "last":
                return layout.lasts(cells, name, self.size, first, closes.last, ages)
            case "present":
                values = layout.present_people(cells, name, slots, shape, ages, days)
            case "bits" if days > 1:
                values = layout.rolling_people(cells, name, slots, shape, ages, days)
            case "bits":
                values = layout.aged(layout.bits(cells, name, slots, *shape), ages)
            case _:
                values = layout.aged(layout.additive(cells, name, *shape), ages, days)
        return values[:, :, days - 1 :]

    def _cells(self, table: str, grain: Grain, name: str, op: str, first: int | None, last: int) -> Cells:
        """The cells of a column in this block, read with all its set's columns at once and kept."""
        counted = self.sheet.counted[table, grain]
        if name in counted.failed:
            raise MetricFailed(name)
        cell_set = next(s for s in counted.sets if name in s.names)
        everything = first is None or first <= self.sheet.closes[grain].data_from
        bound = None if everything else first
        return self.sheet.kept.get(
            (self.low, self.high, cell_set.base, op == "last"),
            lambda: Read(bound, self._read(cell_set, bound, last, op == "last")),
            good=lambda read: read.first is None or (bound is not None and read.first <= bound),
        ).cells

    def _read(self, cell_set: CellSet, first: int | None, last: int, lasts: bool) -> Cells:
        names = [n for column in cell_set.columns if (column.op == "last") == lasts for n in results(column)]
        on = "c.account = r.account" + (" AND c.member = r.member" if self.sheet.subjects.kind == "person" else "")
        since = f" AND c.period >= {first}" if first is not None else ""
        # Which member or word a cell is about is only asked of people, and the stored account where members have moved.
        people = any(column.op in ("bits", "present") for column in cell_set.columns)
        more = (["part"] if people else []) + (["account"] if people and self.sheet.subjects.slots else [])
        listed = ", ".join(
            [f"(r.row - {self.low})::INTEGER AS row", *(f"c.{n}" for n in ("period", "lag", *more, *names))]
        )
        pieces = [
            f"SELECT {listed} FROM {table} c JOIN {self.sheet.rows_table} r ON {on}"
            f" WHERE r.row >= {self.low} AND r.row < {self.high} AND c.period <= {last}{since}"
            for table, rows in ((cell_set.base, cell_set.base_rows), (cell_set.later, cell_set.later_rows))
            if rows or table == cell_set.base
        ]
        found = self.sheet.connection.execute(" UNION ALL ".join(pieces)).fetchnumpy()
        plain = {name: _plain(values) for name, values in found.items()}
        none = np.broadcast_to(np.int32(-1), plain["row"].shape)
        row, period, lag, account, part = (
            plain.get(n, none).astype(np.int32, copy=False) for n in ("row", "period", "lag", "account", "part")
        )
        return Cells(row, period, lag, account, part, {name: plain[name] for name in names})

    # -- life ----------------------------------------------------------------------------------------------------

    def _within_life(self, values: Float, closes: Closes, first: int, ages: int, days: int) -> Float:
        """NaN for what does not lie wholly in the life, as known at the close of each age; `values` may be changed."""
        edges = closes.starts(first - (days - 1), closes.last)
        starts, ends = edges[: closes.last - first + 1], edges[days:]
        lived = self.sheet.kept.get(
            (self.low, self.high, closes.grain, first, ages, days, "life"),
            lambda: Lived(*self.lives.inside(self.size, starts, ends, closes.known(ends), ages)),
            good=lambda lived: True,
        )
        varies = bool((lived.varying != lived.varying[:1]).any())
        if varies and values.shape[0] == 1:
            values = np.repeat(values, ages, axis=0)
        outside = ~lived.inside
        for age in range(values.shape[0]):
            if age and varies:
                outside[lived.rows] = ~lived.varying[age]
            np.putmask(values[age], outside, np.nan)
        return values

    def _tracked(self, quantity: Quantity, values: Float, closes: Closes, first: int, days: int) -> Float:
        """NaN for periods that began before the facts they count were complete; `values` are changed."""
        since_us = self.sheet.tracked_us(quantity)
        if since_us is None:
            return values
        edges = closes.starts(first - (days - 1), closes.last)
        values[..., edges[: values.shape[-1]] < since_us] = np.nan
        if quantity.standing and quantity.made is None:
            # All that came is not known of a life that began before.
            begun = self.lives.begun(self.size, closes.known(edges[days:]))
            for age in range(values.shape[0]):
                at = np.minimum(np.arange(values.shape[-1]) + age, values.shape[-1] - 1)
                np.putmask(values[age], begun[:, at] < since_us, np.nan)
        return values


def _ratio(over: Float, under: Float) -> Float:
    """Element by element; NaN where there is nothing to divide by."""
    if over.shape[0] != under.shape[0]:
        ages = max(over.shape[0], under.shape[0])
        over, under = (np.broadcast_to(part, (ages, *part.shape[1:])) for part in (over, under))
    out = np.full(over.shape, np.nan)
    np.divide(over, under, out=out, where=under != 0)
    return out


def _plain(values: NDArray[np.generic] | np.ma.MaskedArray) -> NDArray[np.generic]:
    """An array without a mask: what was NULL is NaN (only last values may be)."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind == "f":
        return values.filled(np.nan)
    return values.filled(0)
