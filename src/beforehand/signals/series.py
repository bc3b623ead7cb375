"""Numbers over plain arrays: what `cases:` and the `judge` command give to the judges, with no engine behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from beforehand.calendar import Grain, period_of, start_of
from beforehand.errors import InputError
from beforehand.signals.numbers import Bool, Float, Int, Trait
from beforehand.signals.peers import LIKE
from beforehand.signals.tree import Quantity

UTC = ZoneInfo("UTC")
FINENESS = tuple(Grain)
# Monday, 1 January 2024: periods of every grain begin with the first value.
FIRST_US = 1_704_067_200_000_000
ADDED = frozenset({"count", "sum"})


class SeriesNumbers:
    """Series of one grain as `Numbers`: `{metric: [n, P]}`, NaN where not known, the first column period `first`.

    Counts and sums are added up for coarser grains and rolling days, means averaged, last values carried; of people
    and shares a rolling quantity is taken as already rolled. `active` is the people active in each period, `[n, P]`;
    `traits` are numbers as known at each close. `made` are series of facts made from a metric's, or of holders of a
    role, by `counted_of` their quantity; where there is none, the metric's own series is taken for them.
    """

    def __init__(
        self,
        series: Mapping[str, Float],
        grain: Grain,
        *,
        aggregates: Mapping[str, str] | None = None,
        active: Float | None = None,
        first: int | None = None,
        zone: ZoneInfo = UTC,
        traits: Mapping[str, Float] | None = None,
        made: Mapping[Quantity, Float] | None = None,
    ) -> None:
        arrays = [np.asarray(values, dtype=np.float64) for values in series.values()]
        shapes = {values.shape for values in arrays}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise ValueError(f"the series must be [n, P] of one shape; got {sorted(shapes)}")
        self.traits, self.made = dict(traits or {}), dict(made or {})
        self.series = dict(zip(series, arrays, strict=True))
        self.grain, self.zone, self.active = grain, zone, active
        self.aggregates = aggregates if aggregates is not None else {}
        self.rows, self.periods = int(arrays[0].shape[0]), int(arrays[0].shape[1])
        self.first = int(period_of(grain, zone, np.array([FIRST_US]))[0]) if first is None else first

    @property
    def size(self) -> int:
        """How many rows the series have."""
        return self.rows

    def ends(self, grain: Grain) -> Int:
        """The ends of the whole periods of a grain within the series, `[Q]` UTC microseconds."""
        if grain is self.grain:
            return start_of(grain, self.zone, self.first + 1 + np.arange(self.periods))
        numbers, whole = self._coarse(grain)
        return start_of(grain, self.zone, numbers[whole] + 1)

    def windows(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The last `width` periods at each close, `[n, Q, width]`, NaN before the series begins."""
        padded = self.firsts(quantity, grain, width)
        closes = padded.shape[1] - width + 1
        return sliding_window_view(padded, width, axis=1) if closes else np.empty((self.rows, 0, width))

    def workdays(self, width: int) -> Bool:
        """Monday to Friday: a series knows of no holidays."""
        return mondays_to_fridays(self.ends(Grain.DAY), self.zone, width)

    def idle(self, grain: Grain, width: int, days: int = 1) -> Bool:
        """Never: a series knows of no holidays."""
        return np.zeros((1, len(self.ends(grain)), width), dtype=bool)

    def firsts(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The values with `width` - 1 unknown ones before them, `[n, Q + width - 1]`: nothing here comes late."""
        values = self._values(quantity, grain)
        return np.concatenate([np.full((self.rows, width - 1), np.nan), values], axis=1)

    def alive(self, grain: Grain) -> Bool:
        """Always: a series has no life of its own."""
        return np.ones((self.rows, len(self.ends(grain))), dtype=bool)

    def trait(self, name: str, grain: Grain) -> Trait:
        """A trait that was given, `[n, P]` numbers as known at each close; InputError for others.

        Those by which accounts are alike unless a sentence says in what are not known where they are not given.
        """
        if name in self.traits:
            at = np.searchsorted(self.ends(self.grain), self.ends(grain))
            return Trait(numbers=self.traits[name][:, at])
        if name in LIKE:
            return Trait(numbers=np.full((self.rows, len(self.ends(grain))), np.nan))
        raise InputError(
            f"Plain series have no trait {name!r}.", "Leave the `for accounts where ...` out.", code="no-trait"
        )

    def _values(self, quantity: Quantity, grain: Grain) -> Float:
        """Facts made from others are given as they are, and the number that stands; of the rest stands the total."""
        if quantity.rolling_days is not None and self.grain is not Grain.DAY:
            raise InputError(
                f"These series are by {self.grain}; what is counted over days needs values by day.", code="too-coarse"
            )
        if quantity.standing:
            given = self._metric(quantity)
            standing = given if quantity.made is not None else _total(given)
            return standing if grain is self.grain else self._at_ends(grain, standing)
        aggregate = "count" if quantity.made is not None else self.aggregates.get(quantity.metric, "count")
        values = self._by(grain, aggregate, self._metric(quantity))
        rolling = quantity.rolling_days
        if rolling is not None and aggregate in (*ADDED, "mean"):
            values = _rolled(values, rolling) / (rolling if aggregate == "mean" else 1)
        if not quantity.per_active:
            return values
        if self.active is None:
            raise InputError("`per active person` needs the people active in each period.", code="no-people")
        people = self.active if grain is self.grain else self._by(grain, "people", self.active)
        return np.asarray(np.divide(values, people, out=np.full(values.shape, np.nan), where=people > 0))

    def _metric(self, quantity: Quantity) -> Float:
        own, metric = counted_of(quantity), quantity.metric
        if own in self.made:
            return self.made[own]
        if metric not in self.series:
            raise InputError(f"There is no series for {metric}.", f"Given: {', '.join(self.series)}.", code="no-series")
        return self.series[metric]

    def _at_ends(self, grain: Grain, values: Float) -> Float:
        numbers, whole = self._coarse(grain)
        periods = self._periods(grain)
        return values[:, [int(np.flatnonzero(periods == number)[-1]) for number in numbers[whole]]]

    def _by(self, grain: Grain, aggregate: str, values: Float) -> Float:
        """The values by a grain that is as coarse or coarser, over its whole periods."""
        if grain is self.grain:
            return values
        numbers, whole = self._coarse(grain)
        if aggregate in ("people", "share", "distinct"):
            raise InputError(
                f"A {grain} cannot be told from {self.grain}s: people and shares do not add up.",
                f"Say `per {self.grain}`, or give the values by {grain}.",
                code="not-additive",
            )
        periods = self._periods(grain)
        chosen = [np.flatnonzero(periods == number) for number in numbers[whole]]
        how = {"mean": np.mean, "last": lambda block, axis: block[:, -1]}.get(aggregate, np.sum)
        columns = [how(values[:, columns], axis=1) for columns in chosen]  # type: ignore[operator]
        return np.stack(columns, axis=1) if columns else np.empty((self.rows, 0))

    def _periods(self, grain: Grain) -> Int:
        if FINENESS.index(grain) < FINENESS.index(self.grain):
            raise InputError(f"These series are by {self.grain}; the sentence asks for {grain}s.", code="too-coarse")
        return period_of(grain, self.zone, start_of(self.grain, self.zone, self.first + np.arange(self.periods)))

    def _coarse(self, grain: Grain) -> tuple[Int, Bool]:
        """The coarser periods the series touch, and which of them they cover wholly."""
        numbers = np.unique(self._periods(grain))
        start, end = start_of(self.grain, self.zone, np.array([self.first, self.first + self.periods]))
        whole = (start_of(grain, self.zone, numbers) >= start) & (start_of(grain, self.zone, numbers + 1) <= end)
        return numbers, whole


def counted_of(quantity: Quantity) -> Quantity:
    """What is counted, whatever it is divided by and however it is added up."""
    return replace(quantity, per_active=False, rolling_days=None)


def mondays_to_fridays(ends: Int, zone: ZoneInfo, width: int) -> Bool:
    """Whether each of the last `width` days at each day's close is one from Monday to Friday, `[1, Q, width]`."""
    last = period_of(Grain.DAY, zone, ends - 1)
    day = last[:, np.newaxis] - np.arange(width - 1, -1, -1)
    return np.asarray((day + 3) % 7 < 5)[np.newaxis]  # day 0 is a Thursday


def _total(values: Float) -> Float:
    """The total so far; not known before anything is."""
    seen = np.cumsum(~np.isnan(values), axis=1) > 0
    return np.where(seen, np.cumsum(np.nan_to_num(values), axis=1), np.nan)


def _rolled(values: Float, days: int) -> Float:
    """The sum of each last `days` columns; NaN where there are fewer or one is not known."""
    rolled = np.full(values.shape, np.nan)
    if values.shape[1] >= days:
        rolled[:, days - 1 :] = sliding_window_view(values, days, axis=1).sum(axis=2)
    return rolled
