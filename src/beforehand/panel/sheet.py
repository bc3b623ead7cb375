"""A sheet: the subjects, closes and numbers that a set of signals asks for, given out in blocks of subjects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import duckdb

from beforehand.calendar import Grain
from beforehand.panel.closes import Closes
from beforehand.panel.counting import Counted
from beforehand.panel.facets import Facet
from beforehand.panel.kept import Kept
from beforehand.panel.life import Lives, Points
from beforehand.panel.pane import Pane
from beforehand.panel.plans import Needs, Place, Plan
from beforehand.panel.roles import Holders
from beforehand.panel.subjects import Subjects
from beforehand.panel.traits import Dated
from beforehand.panel.working import Working
from beforehand.signals.numbers import Bool, Float, Int, Trait
from beforehand.signals.tree import Quantity

ACTIVITY = " activity"
"""Who was active, beside the names of metrics."""
PANE_CELLS = 2_500_000
"""Subjects times periods that are laid out together."""


@dataclass
class Sheet:
    """Subjects, closes and what was counted for them; made by `Panel.sheet`.

    `roles` are the people who ever held a role, `heard` the first fact of each table that standing totals are taken of.
    `bits` says of each facet what `Subjects.slots` says of people.

    `tracked`: since when (UTC microseconds) the facts of a metric, or of `ACTIVITY`, are complete, where they were not
    always.
    """

    connection: duckdb.DuckDBPyConnection
    subjects: Subjects
    closes: Mapping[Grain, Closes]
    needs: Needs
    counted: Mapping[Place, Counted]
    lives: Lives
    traits: Mapping[str, tuple[Dated, Dated | None]]
    rows_table: str
    working: Working
    tracked: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, Holders] = field(default_factory=dict)
    heard: Mapping[str, Points] = field(default_factory=dict)
    bits: Mapping[Facet, dict[int, Int]] = field(default_factory=dict)
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

    def ends(self, grain: Grain) -> Int:
        """When the judged periods of a grain have ended, in whatever zones they are (UTC microseconds), `[Q]`."""
        return self.closes[grain].ends()

    def tracked_us(self, quantity: Quantity) -> int | None:
        """Since when the facts that a quantity counts are complete, None where they always were."""
        reads = (quantity.metric, *([ACTIVITY] if quantity.per_active else []))
        return max((self.tracked[name] for name in reads if name in self.tracked), default=None)

    def slots(self, plan: Plan) -> dict[int, Int]:
        """Which bit each stored member, or each value that a distinct count tells apart, is now."""
        return self.subjects.slots if plan.facet is None else self.bits[plan.facet]

    @property
    def moved(self) -> bool:
        """Whether any of them is not simply the bit it was stored as."""
        return bool(self.subjects.slots) or any(self.bits.values())

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

    def workdays(self, width: int) -> Bool:
        """Whether each of the last `width` days at each day's close was a business day there, `[n or 1, Q, width]`."""
        return self.pane.workdays(width, self.part)

    def idle(self, grain: Grain, width: int, days: int = 1) -> Bool:
        """Whether holidays left a period less than two thirds of its business days, `[n or 1, Q, width]`."""
        return self.pane.idle(grain, width, days, self.part)
