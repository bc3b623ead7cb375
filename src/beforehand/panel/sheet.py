"""A sheet: the subjects, closes and numbers that a set of signals asks for, given out in blocks of subjects."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import DAY_US, Grain, period_of, start_of
from beforehand.panel import layout
from beforehand.panel.columns import Plan
from beforehand.panel.compile import results
from beforehand.panel.layout import Cells, Float
from beforehand.panel.life import NEVER, Lives
from beforehand.panel.store import CellSet
from beforehand.panel.subjects import Subjects
from beforehand.panel.traits import Dated, as_trait
from beforehand.signals.numbers import Bool, Int, MetricFailed, Trait
from beforehand.signals.tree import Quantity

T = TypeVar("T", "Laid", "Lived", "Read")
KEPT_BYTES = 1_700_000_000
"""Arrays kept between questions, over all blocks of a sheet; what was not used for longest goes first."""
PANE_CELLS = 2_500_000
"""Subjects times periods that are laid out together."""
HOT_HOURS = 90 * 24
"""How far back hours are judged where nobody says how far."""
LEAST_WIDTH = 4
"""Windows are laid out for at least this width, so that short streaks of different lengths share them."""


@dataclass(frozen=True)
class Closes:
    """The closes of one grain: periods first..last, of which those from `open_from` on have not closed yet.

    `data_from` is the first period any fact belongs to. Instants are found once, from `base` on.
    """

    grain: Grain
    zone: ZoneInfo
    grace_us: int
    now_us: int
    first: int
    last: int
    open_from: int
    data_from: int

    @property
    def count(self) -> int:
        """How many closes there are (Q)."""
        return max(0, self.last - self.first + 1)

    def starts(self, first: int, last: int) -> Int:
        """The starts of the periods first .. last + 1."""
        return _starts(self.grain, self.zone, first, last)

    def known(self, ends: Int) -> Int:
        """What had been learned before these instants was known at the closes that end at `ends`."""
        return np.minimum(ends + self.grace_us, self.now_us)


@lru_cache(maxsize=64)
def _starts(grain: Grain, zone: ZoneInfo, first: int, last: int) -> Int:
    return start_of(grain, zone, np.arange(first, last + 2))


@dataclass(frozen=True)
class Counted:
    """Where the cells of one fact table, grain and kind are: the sets, and the columns that failed."""

    sets: tuple[CellSet, ...]
    failed: frozenset[str]


@dataclass(frozen=True)
class Laid:
    """Values laid out for windows up to a width."""

    width: int
    values: Float

    @property
    def nbytes(self) -> int:
        """What it takes."""
        return self.values.nbytes


@dataclass(frozen=True)
class Lived:
    """Who was in life, as asked."""

    inside: Bool
    rows: Int
    varying: Bool

    @property
    def nbytes(self) -> int:
        """What it takes."""
        return self.inside.nbytes + self.varying.nbytes


@dataclass(frozen=True)
class Read:
    """Cells read from a period on (None: all)."""

    first: int | None
    cells: Cells

    @property
    def nbytes(self) -> int:
        """What they take."""
        return self.cells.nbytes


class Kept:
    """The most recently used arrays, up to a number of bytes."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self.most = most
        self.size = 0
        self.held: OrderedDict[Hashable, Laid | Lived | Read] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T], good: Callable[[T], bool]) -> T:
        """What is kept under a key and good enough, else made anew."""
        if key in self.held:
            found = cast(T, self.held[key])
            if good(found):
                self.held.move_to_end(key)
                return found
            self.drop(key)
        made = make()
        self.held[key] = made
        self.size += made.nbytes
        while self.size > self.most and len(self.held) > 1:
            self.drop(next(iter(self.held)))
        return made

    def drop(self, key: Hashable) -> None:
        """Lets go of what is under a key."""
        self.size -= self.held.pop(key).nbytes


@dataclass
class Sheet:
    """Subjects, closes and what was counted for them; made by `Panel.sheet`."""

    connection: duckdb.DuckDBPyConnection
    subjects: Subjects
    closes: Mapping[Grain, Closes]
    plans: Mapping[str, Plan]
    active: Plan
    counted: Mapping[tuple[str, Grain], Counted]
    lives: Lives
    traits: Mapping[str, tuple[Dated, Dated | None]]
    rows_table: str
    kept: Kept = field(default_factory=Kept)

    def blocks(self, size: int | None = None) -> Iterator[tuple[slice, Block]]:
        """The subjects in blocks of at most `size`, each with its numbers; where there are none, one empty block."""
        periods = max((c.last - min(c.first, c.data_from) + 1 for c in self.closes.values()), default=1)
        rows = max(256, PANE_CELLS // max(1, periods))
        for low in range(0, max(self.subjects.size, 1), rows):
            pane = Pane(self, low, min(low + rows, self.subjects.size))
            step = size or rows
            for first in range(low, max(pane.high, low + 1), step):
                last = min(first + step, pane.high)
                yield slice(first, last), Block(pane, first - low, last - low)

    def numbers(self) -> Block:
        """All subjects as one block."""
        return Block(Pane(self, 0, self.subjects.size), 0, self.subjects.size)

    def filling(self, grain: Grain) -> int:
        """How many of the last closes of a grain are of periods that have not closed yet."""
        closes = self.closes[grain]
        return max(0, closes.last - closes.open_from + 1)


class Block:
    """The numbers of some subjects: what judges read (`signals.numbers.Numbers`). A part of a pane."""

    def __init__(self, pane: Pane, low: int, high: int) -> None:
        self.pane = pane
        self.part = slice(low, high)

    @property
    def size(self) -> int:
        """How many subjects the block has (n)."""
        return int(self.part.stop - self.part.start)

    def ends(self, grain: Grain) -> Int:
        """The ends of the judged periods of a grain, UTC microseconds, ascending, `[Q]`."""
        return self.pane.ends(grain)

    def windows(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The last `width` periods at each close as known then, oldest first, `[n, Q, width]`; read-only views.

        Periods outside the subject's life are NaN. Raises MetricFailed where the engine could not compute the metric.
        """
        return self.pane.windows(quantity, grain, width)[self.part]

    def firsts(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The periods up to the last close, each as its own close knew it, `[n, Q + width - 1]`; NaN outside life."""
        return self.pane.firsts(quantity, grain, width)[self.part]

    def alive(self, grain: Grain) -> Bool:
        """Whether the subject's life, as known then, had begun and not ended at each close, `[n, Q]`."""
        return self.pane.alive(grain)[self.part]

    def trait(self, name: str, grain: Grain) -> Trait:
        """A dated trait as known at each close; `age` is in days since the life began."""
        return self.pane.trait(name, grain, self.part)


class Pane:
    """Subjects low..high-1 of a sheet, laid out together."""

    def __init__(self, sheet: Sheet, low: int, high: int) -> None:
        self.sheet = sheet
        self.low, self.high = low, high
        self.size = high - low
        self.lives = sheet.lives.of(low, high)

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

    # -- values --------------------------------------------------------------------------------------------------

    def _values(self, quantity: Quantity, closes: Closes, first: int, ages: int) -> Float:
        """The quantity at ages 0 .. ages-1 over the periods first .. last, `[ages or 1, n, P]`, NaN outside life."""
        plan = self.sheet.plans[quantity.metric]
        days = quantity.rolling_days or 1
        values = self._metric(plan, closes, first, ages, days)
        if quantity.per_active:
            people = self._metric(self.sheet.active, closes, first, ages, days)
            values = _ratio(values, people)
        return self._within_life(values, closes, first, ages, days)

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


def closes_of(
    grain: Grain, zone: ZoneInfo, grace_us: int, now_us: int, data_us: int | None, since_us: int | None,
    until_us: int | None, last: int | None, filling: bool,
) -> Closes:  # fmt: skip
    """The closes with `since_us` <= end <= `until_us` that `now_us` has reached, the newest `last` of them.

    Without `since_us` and `last` they begin with the first period that holds a fact (`data_us`); hours at most 90 days
    before `now_us`. With `filling` the
    periods that have not closed, up to the one of `now_us`, come after them.
    """
    current = int(period_of(grain, zone, np.array([now_us]))[0])
    closed = int(period_of(grain, zone, np.array([now_us - grace_us]))[0]) - 1
    data_from = int(period_of(grain, zone, np.array([data_us if data_us is not None else now_us]))[0])
    final = closed if until_us is None else min(closed, int(period_of(grain, zone, np.array([until_us]))[0]) - 1)
    first = data_from if data_us is not None else closed + 1
    if grain is Grain.HOUR and since_us is None and last is None:
        first = max(first, current - HOT_HOURS)
    if since_us is not None:
        # The first period whose end is at or after `since_us`.
        holds = int(period_of(grain, zone, np.array([since_us - 1]))[0])
        first = max(first, holds) if last is None else holds
    if last is not None:
        first = max(first, final - last + 1) if since_us is not None else final - last + 1
    final = current if filling else final
    return Closes(grain, zone, grace_us, now_us, min(first, final + 1), final, closed + 1, data_from)
