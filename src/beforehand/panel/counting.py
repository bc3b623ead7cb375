"""What a sheet needs counted, from the store: kept sets brought up to date, or passing ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlglot import exp

from beforehand.panel.columns import Column
from beforehand.panel.facets import Facet
from beforehand.panel.plans import FACETS, Place
from beforehand.panel.store import CellSet, CellStore, Scope
from beforehand.panel.subjects import Ids


@dataclass(frozen=True)
class Counted:
    """Where the cells of one place are: the sets, and the columns that failed."""

    sets: tuple[CellSet, ...]
    failed: frozenset[str]


@dataclass(frozen=True)
class Counting:
    """The store, asked for one sheet; `facet` is what its subjects are within accounts."""

    store: CellStore
    zone: ZoneInfo
    grace_us: int
    excluded_events: exp.Expr | None
    excluded: Ids
    facet: Facet | None

    def kept(self, place: Place, columns: Sequence[Column], since_us: int | None) -> Counted:
        """Sets that stay in the file, up to the newest arrivals."""
        sets, failed = self.store.prepare(self._scope(place, since_us), columns, self.excluded)
        return Counted(tuple(sets), failed)

    def passing(
        self, place: Place, columns: Sequence[Column], known_before_us: int, name: str, since_us: int | None
    ) -> Counted:
        """A set in temporary tables of what had been learned before an instant."""
        scope = self._scope(place, since_us)
        sets, failed = self.store.passing(scope, columns, self.excluded, known_before_us, name)
        return Counted(tuple(sets), failed)

    def _scope(self, place: Place, since_us: int | None) -> Scope:
        subject = self.facet if place.kind in FACETS else None
        return Scope(
            place.table, place.grain, place.kind, self.zone, self.grace_us, self.excluded_events, since_us, subject,
            place.facet,
        )  # fmt: skip
