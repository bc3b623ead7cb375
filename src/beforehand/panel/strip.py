"""Stored cells of a run of rows, laid out column by column: what panes, and the people behind a role, are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beforehand.panel import layout, standing
from beforehand.panel.closes import Closes
from beforehand.panel.columns import Column
from beforehand.panel.compile import Engine, merged, results
from beforehand.panel.kept import Read
from beforehand.panel.layout import Cells, Float
from beforehand.panel.plans import Plan
from beforehand.panel.store import CellSet
from beforehand.signals.numbers import MetricFailed

if TYPE_CHECKING:
    from beforehand.panel.sheet import Sheet


@dataclass(frozen=True)
class Asked:
    """What of a quantity is laid out: ages 0 .. `ages`-1 of the periods first .. the last close.

    `days` > 1: sums over so many days that end with each; `standing`: over all so far.
    """

    closes: Closes
    first: int
    ages: int
    days: int = 1
    standing: bool = False


@dataclass(frozen=True)
class Strip:
    """The rows low .. high-1 of `rows`, a table that says which row each stored account or member has."""

    sheet: Sheet
    rows: str
    by_member: bool
    low: int
    high: int

    def values(self, plan: Plan, asked: Asked) -> list[Float]:
        """The columns of a plan in its order, each `[ages or 1, n, periods]`. Raises MetricFailed."""
        found = [self._column(plan, column, asked) for column in plan.columns]
        if plan.aggregate == "people" and plan.parts[0].op == "count":  # a person is one person, or none
            found[0] = np.minimum(found[0], 1.0)
        return found

    def _column(self, plan: Plan, column: Column, asked: Asked) -> Float:
        slots = self.sheet.slots(plan)
        first, ages, days, last = asked.first, asked.ages, asked.days, asked.closes.last
        start, size = first - (days - 1), self.high - self.low
        name, shape = column.name, (size, start, last)
        if column.op == "last":  # carried from however far back; others only need the periods asked for
            return layout.lasts(self._cells(plan, column, asked, None), name, size, first, last, ages)
        cells = self._cells(plan, column, asked, start)
        match column.op:
            case "present" if asked.standing:
                return standing.all_present(cells, name, slots, shape, ages)
            case "bits" if asked.standing:
                return standing.all_people(cells, name, slots, shape, ages)
            case _ if asked.standing:
                return standing.totals(cells, name, shape, ages)
            case "present":
                values = layout.present_people(cells, name, slots, shape, ages, days)
            case "bits" if days > 1:
                values = layout.rolling_people(cells, name, slots, shape, ages, days)
            case "bits":
                values = layout.aged(layout.bits(cells, name, slots, *shape), ages)
            case _:
                values = layout.aged(layout.additive(cells, name, *shape), ages, days)
        return values[:, :, days - 1 :]

    def _cells(self, plan: Plan, column: Column, asked: Asked, first: int | None) -> Cells:
        """The cells of a column in this strip, read with all its set's columns at once and kept."""
        counted = self.sheet.counted[plan.place(asked.closes.grain)]
        if column.name in counted.failed:
            raise MetricFailed(column.name)
        cell_set = next(s for s in counted.sets if column.name in s.names)
        lasts, last = column.op == "last", asked.closes.last
        folded = asked.standing and not lasts
        everything = first is None or (not folded and first <= self.sheet.closes[asked.closes.grain].data_from)
        bound = None if everything else first
        return self.sheet.kept.get(
            (self.rows, self.low, self.high, cell_set.base, lasts, folded),
            lambda: Read(bound, self._read(cell_set, bound, last, lasts, folded)),
            good=lambda read: read.first is None or (bound is not None and read.first <= bound),
        ).cells

    def _read(self, cell_set: CellSet, first: int | None, last: int, lasts: bool, folded: bool) -> Cells:
        chosen = [column for column in cell_set.columns if (column.op == "last") == lasts]
        names = [n for column in chosen for n in results(column)]
        on = "c.account = r.account" + (" AND c.member = r.member" if self.by_member else "")
        # Which member or word a cell is about is only asked of people, and the stored account where members have moved.
        people = any(column.op in ("bits", "present") for column in cell_set.columns)
        more = (["part"] if people else []) + (["account"] if people and self.sheet.moved else [])
        listed = ", ".join(
            [f"(r.row - {self.low})::INTEGER AS row", *(f"c.{n}" for n in ("period", "lag", *more, *names))]
        )
        pieces = [
            f"SELECT {listed} FROM {table} c JOIN {self.rows} r ON {on}"
            f" WHERE r.row >= {self.low} AND r.row < {self.high} AND c.period <= {last}"
            for table, rows in ((cell_set.base, cell_set.base_rows), (cell_set.later, cell_set.later_rows))
            if rows or table == cell_set.base
        ]
        if first is not None and folded:
            pieces = [text for piece in pieces for text in self._fold(piece, first, more, chosen)]
        elif first is not None:
            pieces = [f"{piece} AND c.period >= {first}" for piece in pieces]
        found = self.sheet.connection.execute(" UNION ALL ".join(pieces)).fetchnumpy()
        plain = {name: _plain(values) for name, values in found.items()}
        none = np.broadcast_to(np.int32(-1), plain["row"].shape)
        row, period, lag, account, part = (
            plain.get(n, none).astype(np.int32, copy=False) for n in ("row", "period", "lag", "account", "part")
        )
        return Cells(row, period, lag, account, part, {name: plain[name] for name in names})

    def _fold(self, piece: str, first: int, more: list[str], columns: list[Column]) -> tuple[str, str]:
        """What was known by the first period in one cell of it, and the other cells as they are."""
        names = ", ".join(["row", *more])
        sums = ", ".join(part.sql(dialect=Engine.dialect) for column in columns for part in merged(column))
        order = ", ".join(["row", "period", "lag", *more, *(n for column in columns for n in results(column))])
        return (
            f"SELECT row, {first} AS period, 0 AS lag, {', '.join([*more, sums])}"
            f" FROM ({piece} AND c.period + c.lag <= {first}) GROUP BY {names}",
            f"SELECT {order} FROM ({piece} AND c.period + c.lag > {first})",
        )


def _plain(values: NDArray[np.generic] | np.ma.MaskedArray) -> NDArray[np.generic]:
    """An array without a mask: what was NULL is NaN (only last values may be)."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind == "f":
        return values.filled(np.nan)
    return values.filled(0)
