"""Numbers over plain arrays: what `cases:` and the `judge` command give to the judges, with no engine behind."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from beforehand.calendar import Grain, period_of, start_of
from beforehand.errors import InputError
from beforehand.signals.numbers import Bool, Float, Int, Trait
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
    `traits` are numbers as known at each close.
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
    ) -> None:
        arrays = [np.asarray(values, dtype=np.float64) for values in series.values()]
        shapes = {values.shape for values in arrays}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise ValueError(f"the series must be [n, P] of one shape; got {sorted(shapes)}")
        self.traits = dict(traits or {})
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

    def firsts(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The values with `width` - 1 unknown ones before them, `[n, Q + width - 1]`: nothing here comes late."""
        values = self._values(quantity, grain)
        return np.concatenate([np.full((self.rows, width - 1), np.nan), values], axis=1)

    def alive(self, grain: Grain) -> Bool:
        """Always: a series has no life of its own."""
        return np.ones((self.rows, len(self.ends(grain))), dtype=bool)

    def trait(self, name: str, grain: Grain) -> Trait:
        """A trait that was given, `[n, P]` numbers as known at each close; InputError for others."""
        if name in self.traits:
            at = np.searchsorted(self.ends(self.grain), self.ends(grain))
            return Trait(numbers=self.traits[name][:, at])
        raise InputError(
            f"Plain series have no trait {name!r}.", "Leave the `for accounts where ...` out.", code="no-trait"
        )

    def _values(self, quantity: Quantity, grain: Grain) -> Float:
        if quantity.rolling_days is not None and self.grain is not Grain.DAY:
            raise InputError(
                f"These series are by {self.grain}; what is counted over days needs values by day.", code="too-coarse"
            )
        values = self._by(grain, quantity.metric, self._metric(quantity.metric))
        aggregate = self.aggregates.get(quantity.metric, "count")
        rolling = quantity.rolling_days
        if rolling is not None and aggregate in (*ADDED, "mean"):
            values = _rolled(values, rolling) / (rolling if aggregate == "mean" else 1)
        if not quantity.per_active:
            return values
        if self.active is None:
            raise InputError("`per active person` needs the people active in each period.", code="no-people")
        people = self.active if grain is self.grain else self._by(grain, "", self.active)
        return np.asarray(np.divide(values, people, out=np.full(values.shape, np.nan), where=people > 0))

    def _metric(self, metric: str) -> Float:
        if metric not in self.series:
            raise InputError(f"There is no series for {metric}.", f"Given: {', '.join(self.series)}.", code="no-series")
        return self.series[metric]

    def _by(self, grain: Grain, metric: str, values: Float) -> Float:
        """The values by a grain that is as coarse or coarser, over its whole periods."""
        if grain is self.grain:
            return values
        aggregate = self.aggregates.get(metric, "people" if metric == "" else "count")
        numbers, whole = self._coarse(grain)
        if aggregate in ("people", "share"):
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


def _rolled(values: Float, days: int) -> Float:
    """The sum of each last `days` columns; NaN where there are fewer or one is not known."""
    rolled = np.full(values.shape, np.nan)
    if values.shape[1] >= days:
        rolled[:, days - 1 :] = sliding_window_view(values, days, axis=1).sum(axis=2)
    return rolled
