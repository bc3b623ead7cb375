"""Which days the subjects of a sheet worked, and which periods holidays made idle: by place, as known at each close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from beforehand.calendar import BusinessTime, idle, place_of, workdays
from beforehand.panel.closes import Closes
from beforehand.signals.numbers import Bool, Trait

Places = NDArray[np.int16]
COUNTRY = "country"
"""The trait that says where an account works."""


@dataclass(frozen=True)
class Working:
    """Business time of a sheet: `everywhere`, or by the trait `country` (`of_place`, by the code of each place).

    Who has no country, or one whose holidays are not known, has the holidays that hold everywhere.
    """

    everywhere: BusinessTime
    by_country: bool = False
    of_place: Mapping[str, BusinessTime] = field(default_factory=dict)

    @property
    def has_holidays(self) -> bool:
        """Whether any day but those of the weekend may be without work."""
        return self.by_country or self.everywhere.has_holidays

    @property
    def times(self) -> tuple[BusinessTime, ...]:
        """Every business time there is, that of everywhere first."""
        return (self.everywhere, *self.of_place.values())

    def places(self, country: Trait) -> Places:
        """Which of `times` holds for each value of the trait `country`, `[n, Q]`."""
        assert country.codes is not None
        number = {place: at for at, place in enumerate(self.of_place, start=1)}
        of_word = [number.get(place_of(word) or "", 0) for word in country.words]
        return np.array([*of_word, 0], dtype=np.int16)[country.codes]

    def workdays(self, closes: Closes, width: int, places: Places | None) -> Bool:
        """Whether each of the last `width` days at each close was a business day, `[n or 1, Q, width]`."""
        return self._over(closes, width, places, [workdays(t, *_span(closes, width)) for t in self._asked(places)])

    def idle(self, closes: Closes, width: int, days: int, places: Places | None) -> Bool:
        """Whether each of the last `width` periods at each close was idle, `[n or 1, Q, width]`."""
        span = _span(closes, width)
        return self._over(closes, width, places, [idle(t, closes.grain, *span, days) for t in self._asked(places)])

    def _asked(self, places: Places | None) -> tuple[BusinessTime, ...]:
        return self.times if places is not None else (self.everywhere,)

    def _over(self, closes: Closes, width: int, places: Places | None, tables: list[Bool]) -> Bool:
        if not closes.count:
            return np.empty((1 if places is None else len(places), 0, width), dtype=bool)
        windows = sliding_window_view(np.stack(tables), width, axis=1)
        if places is None:
            return windows
        # Few different windows, copied once: rows of them are then taken whole.
        few = windows.reshape(-1, width)
        return few.take(places.astype(np.intp) * closes.count + np.arange(closes.count), axis=0)


def _span(closes: Closes, width: int) -> tuple[int, int]:
    return closes.first - (width - 1), closes.last


def by_place(everywhere: BusinessTime, words: tuple[str, ...]) -> dict[str, BusinessTime]:
    """The business time of each place that a value of the trait `country` names."""
    found = sorted({place for word in words if (place := place_of(word)) is not None})
    return {place: replace(everywhere, country=place) for place in found}
