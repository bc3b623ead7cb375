"""What judges read: windows of numbers as they were known at each close. The one seam between panel and signals.

A verdict is an int8: CLEAR 0, HOLDS 1, UNSURE 2, FAILED 3. NaN in a window means "not known": outside the subject's
life, or the mean or share of nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import Grain
from beforehand.signals.tree import Quantity

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
Verdicts = NDArray[np.int8]

CLEAR, HOLDS, UNSURE, FAILED = np.int8(0), np.int8(1), np.int8(2), np.int8(3)
VERDICT_NAMES = ("clear", "holds", "unsure", "failed")


@dataclass(frozen=True)
class Trait:
    """A dated trait of each subject as it was known at each close, `[n, Q]`.

    Text traits are codes into `words` (-1: not known); numbers and ages are `numbers` (NaN: not known).
    """

    codes: NDArray[np.int32] | None = None
    words: tuple[str, ...] = ()
    numbers: Float | None = None


class Numbers(Protocol):
    """A block of `n` subjects over the closes of each grain, in time order."""

    @property
    def size(self) -> int:
        """How many subjects the block has (n)."""
        ...

    def ends(self, grain: Grain) -> Int:
        """The ends of the judged periods of a grain, UTC microseconds, ascending, `[Q]`."""
        ...

    def windows(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The last `width` periods at each close as they were known then, oldest first, `[n, Q, width]`.

        May be a read-only view. Periods outside the subject's life are NaN. A rolling quantity is its rolling value
        at the end of each day. A metric the engine could not compute raises MetricFailed.
        """
        ...

    def firsts(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        """The periods up to the last close, from `width` - 1 before the first on, `[n, Q + width - 1]`.

        Each as the close of its own end knew it: what came late is in none of them. NaN outside the life.
        """
        ...

    def alive(self, grain: Grain) -> Bool:
        """Whether the subject's life, as known then, had begun and not ended at each close, `[n, Q]`."""
        ...

    def trait(self, name: str, grain: Grain) -> Trait:
        """A dated trait as known at each close; `age` is in days since the life began."""
        ...

    def workdays(self, width: int) -> Bool:
        """Whether each of the last `width` days at each day's close was a business day there, `[n or 1, Q, width]`."""
        ...

    def idle(self, grain: Grain, width: int, days: int = 1) -> Bool:
        """Whether holidays left a period less than two thirds of its business days, `[n or 1, Q, width]`.

        Oldest first, as `windows`; with `days`, a period is so many days rolling. One without business of its own (a
        Sunday, an hour at night) is not idle.
        """
        ...


class Opened(Protocol):
    """Which alerts of other signals were open, for the rows of a block."""

    def at(self, least: str, ends: Int) -> Bool:
        """Whether an alert of at least that severity was open at each close, `[n, Q]`."""
        ...


class MetricFailed(Exception):  # noqa: N818 - the verdict it leads to is `failed`
    """An engine could not compute a metric; every verdict that needs it is `failed`."""
