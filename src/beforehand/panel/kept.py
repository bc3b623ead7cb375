"""Arrays kept between the questions of a sheet, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast

from beforehand.panel.layout import Cells, Float
from beforehand.signals.numbers import Bool, Int

T = TypeVar("T", "Laid", "Lived", "Read")
KEPT_BYTES = 1_700_000_000
"""Arrays kept between questions, over all blocks of a sheet; what was not used for longest goes first."""


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
