"""Subjects of a sheet laid out together: counted, cut to lives, and given out as windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beforehand.calendar import DAY_US, Grain
from beforehand.panel import layout
from beforehand.panel.closes import Closes
from beforehand.panel.kept import Laid, Lived
from beforehand.panel.layout import Float
from beforehand.panel.life import NEVER
from beforehand.panel.plans import Plan, core
from beforehand.panel.roles import held_by, rolled_up
from beforehand.panel.strip import Asked, Strip
from beforehand.panel.traits import as_trait
from beforehand.panel.working import COUNTRY, Places
from beforehand.signals.numbers import Bool, Int, Trait
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
        if of_account is not None and high > low:
            group = self.sheet.subjects.group[low:high]
            theirs = of_account.of(int(group[0]), int(group[-1]) + 1).codes(int(group[-1] - group[0]) + 1, at, known)
            codes = np.where(codes == -2, theirs[group - group[0]], codes)
        return as_trait(codes, own.words)

    def workdays(self, width: int, part: slice) -> Bool:
        """As `Block.workdays`, for a part of the pane, or one row for all."""
        return self.sheet.working.workdays(self.sheet.closes[Grain.DAY], width, self._places(Grain.DAY, part))

    def idle(self, grain: Grain, width: int, days: int, part: slice) -> Bool:
        """As `Block.idle`, for a part of the pane, or one row for all."""
        closes = self.sheet.closes[grain]
        if not self.sheet.working.has_holidays:
            return np.broadcast_to(np.False_, (1, closes.count, width))
        return self.sheet.working.idle(closes, width, days, self._places(grain, part))

    def _places(self, grain: Grain, part: slice) -> Places | None:
        """Where each subject of a part works, as known at each close; None where all work by one calendar."""
        if not self.sheet.working.by_country:
            return None
        if grain not in self.places:
            country = self.trait(COUNTRY, grain, slice(0, self.size))
            self.places[grain] = self.sheet.working.places(country)
        return self.places[grain][part]

    # -- values --------------------------------------------------------------------------------------------------

    def _values(self, quantity: Quantity, closes: Closes, first: int, ages: int) -> Float:
        """The quantity at ages 0 .. ages-1 over the periods first .. last, `[ages or 1, n, P]`, NaN outside life."""
        plan = self.sheet.needs.plans[core(quantity)]
        days = quantity.rolling_days or 1
        asked = Asked(closes, first, ages, days, quantity.standing)
        # Who was active is asked of each period, whatever is added up over it.
        plans = [(plan, asked)]
        if quantity.per_active:
            plans.append((self.sheet.needs.active[quantity.role], Asked(closes, first, ages, days)))
        wrote = self.sheet.needs.enough.get(core(quantity))
        if wrote is not None:
            plans.append((wrote, Asked(closes, first, ages, standing=True)))
        counted, nobody = self._counted(quantity.role, plans)
        parts = counted[0][: len(plan.parts)]
        values = parts[0] if len(parts) == 1 else _ratio(*parts)
        if quantity.standing and plan.seen is not None:
            values = self._unheard(values, counted[0][-1], plan, asked)
        if quantity.per_active:
            values = _ratio(values, counted[1][0])
        if nobody is not None:
            values = _without(values, nobody, ages)
        if wrote is not None:
            too_few = counted[-1][0] <= 0
            values = _without(values, np.ones(too_few.shape[1:], bool), ages, too_few)
        values = self._within_life(values, closes, first, ages, days)
        return self._tracked(quantity, values, closes, first, days)

    def _counted(self, role: str | None, plans: list[tuple[Plan, Asked]]) -> tuple[list[list[Float]], Bool | None]:
        """The columns of each plan; and where, with a role, there is nobody to count at a close, `[n, P]`."""
        sheet, kind = self.sheet, self.sheet.subjects.kind
        if role is None or kind == "person":
            strip = Strip(sheet, sheet.rows_table, kind != "account", self.low, self.high)
            counted = [strip.values(plan, asked) for plan, asked in plans]
            if role is None:
                return counted, None
            held = held_by(sheet.roles[role], plans[0][1], sheet.subjects.group, self.low, self.high)
            return counted, ~held
        counted, ever = [], np.zeros(0, bool)
        for plan, asked in plans:
            found, ever = rolled_up(sheet, sheet.roles[role], plan, asked, self.low, self.high)
            counted.append(found)
        return counted, ~ever

    def _unheard(self, values: Float, seen: Float, plan: Plan, asked: Asked) -> Float:
        """NaN where nothing ever came of a life that began before the first fact of the table: the past is not known.

        `seen` is how many rows there ever were, as known at each age.
        """
        closes = asked.closes
        known = closes.known(closes.starts(asked.first, closes.last)[1:])
        old = self.lives.begun(self.size, known) < self.sheet.heard[plan.base].earliest(1, known)
        return _without(values, old, asked.ages, seen == 0) if old.any() else values

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


def _without(values: Float, closed: Bool, ages: int, only: Bool | None = None) -> Float:
    """NaN where something is true of a row at the close that an age looks from, `closed` `[n, P]`; beyond the last
    close, of the last. With `only`, `[ages or 1, n, P]`, just where that is true as well.
    """
    varies = bool((closed != closed[:, :1]).any()) or (only is not None and len(only) > 1)
    out = np.repeat(values, ages, axis=0) if varies and len(values) < ages else values.copy()
    width = out.shape[2]
    for age in range(len(out)):
        hit = closed[:, np.minimum(np.arange(width) + age, width - 1)]
        if only is not None:
            hit = hit & only[min(age, len(only) - 1)]
        out[age][hit] = np.nan
    return out
