"""The closes of a sheet: which periods of a grain are judged, and what each close knew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import Grain, period_of, start_of
from beforehand.signals.numbers import Int

HOT_HOURS = 90 * 24
"""How far back hours are judged where nobody says how far."""


@dataclass(frozen=True)
class Closes:
    """The closes of one grain: periods first..last, of which those from `open_from` on have not closed yet.

    `data_from` is the first period any fact belongs to. `zone` is that of the periods; where it is not the workspace's,
    closes come when a period has ended in `closing`.
    """

    grain: Grain
    zone: ZoneInfo
    grace_us: int
    now_us: int
    first: int
    last: int
    open_from: int
    data_from: int
    closing: ZoneInfo | None = None

    @property
    def count(self) -> int:
        """How many closes there are (Q)."""
        return max(0, self.last - self.first + 1)

    def ends(self) -> Int:
        """When the periods judged have ended for all subjects (UTC microseconds), `[Q]`."""
        return _starts(self.grain, self.closing or self.zone, self.first, self.last)[1:]

    def starts(self, first: int, last: int) -> Int:
        """The starts of the periods first .. last + 1."""
        return _starts(self.grain, self.zone, first, last)

    def known(self, ends: Int) -> Int:
        """What had been learned before these instants was known at the closes that end at `ends`."""
        return np.minimum(ends + self.grace_us, self.now_us)


@lru_cache(maxsize=64)
def _starts(grain: Grain, zone: ZoneInfo, first: int, last: int) -> Int:
    return start_of(grain, zone, np.arange(first, last + 2))


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
