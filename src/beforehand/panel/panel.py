"""The panel: counts what signals ask for, once, and lays it out for them."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from beforehand.calendar import HOUR_US, Grain, start_of, zone_named
from beforehand.panel import columns, traits, where
from beforehand.panel.begins import Begins
from beforehand.panel.closes import closes_of
from beforehand.panel.columns import ACTIVE, Column, Plan
from beforehand.panel.life import Lives, Stated
from beforehand.panel.sheet import ACTIVITY, Counted, Sheet
from beforehand.panel.store import CellStore, Scope, Span, insert, renew, span
from beforehand.panel.subjects import Ids, Subjects, excluded_people, subjects
from beforehand.panel.traits import Dated
from beforehand.panel.working import COUNTRY, Working, by_place
from beforehand.signals.tree import Quantity, SubjectKind
from beforehand.workspace.spec import TABLES
from beforehand.workspace.working import business_time, holidays, tracked_since

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

MOST_HOURS = 2 * 1000
"""How many hours any sentence reads back: the longest baseline and the longest streak."""
_sheets = itertools.count()


class Panel:
    """Numbers per subject and period over the facts of a workspace, with the metrics of its folder."""

    def __init__(self, facts: Facts, folder: Folder) -> None:
        self.facts = facts
        self.connection = facts.connection
        self.metrics = folder.metrics
        self.settings = folder.settings
        self.zone = zone_named(folder.settings.zone)
        self.holidays = holidays(folder.settings.calendar)
        excluded = folder.settings.exclude
        self.excluded_events = where.condition(excluded.events, "events") if excluded.events else None
        self._made: list[tuple[weakref.ref[Sheet], list[str]]] = []

    def sheet(
        self,
        kind: SubjectKind,
        quantities: Iterable[tuple[Quantity, Grain]],
        wanted: Iterable[str] = (),
        *,
        now_us: int,
        grace_us: int = 0,
        since_us: int | None = None,
        until_us: int | None = None,
        last: int | None = None,
        filling: bool = False,
        hours: int = MOST_HOURS,
        grains: Iterable[Grain] = (),
    ) -> Sheet:
        """Counts the quantities and lays them out at closes with `since_us` <= end <= `until_us`, or the `last` ones.

        `wanted` are the traits that are read; `grains` have closes even where nothing is counted by them. Facts
        learned at or after `now_us` do not exist. With `filling` the period still filling is the last close. Hours are
        counted from `hours` before the first close on, unless a last value is asked for. Raises InputError where a
        metric is not defined well, EngineError where nothing can be counted.
        """
        asked = set(quantities)
        excluded = excluded_people(self.connection, self.settings.exclude.people)
        plans = {q.metric: columns.plan(self.metrics[q.metric], kind) for q, _ in asked}
        active = columns.plan(ACTIVE, kind)
        needs = self._needs(asked, plans, active)
        people = any(column.op in ("bits", "present") for some in needs.values() for column in some.values())
        roster = subjects(self.facts, kind, excluded, people)
        spans = {table: span(self.connection, table) for table, _ in needs}
        begun = [s.first_us for s in spans.values() if s is not None]
        if not asked:  # traits alone: the closes begin with the first fact of all
            begun = [s.first_us for s in (span(self.connection, table) for table in TABLES) if s is not None]
        closes = {
            grain: closes_of(
                grain, self.zone, grace_us, now_us, min(begun, default=None), since_us, until_us, last, filling
            )
            for grain in {grain for _, grain in asked} | set(grains)
        }
        store = CellStore(self.connection)
        self._tidy()
        renew(self.connection)
        number = next(_sheets)
        rows = self._rows(roster, number)
        temporary = list(dict.fromkeys(rows))
        counted = {}
        for (table, grain), wanted_columns in needs.items():
            given = list(wanted_columns.values())
            since = None
            if grain is Grain.HOUR and all(column.op != "last" for column in given):
                # By whole days, so that a set counted at one close serves the next ones too.
                floor = (closes[grain].first - hours) // 24 * 24
                since = floor * HOUR_US
                closes[grain] = replace(closes[grain], data_from=max(closes[grain].data_from, floor))
            scope = Scope(table, grain, kind, self.zone, grace_us, self.excluded_events, since)
            if filling and self._learned_since(table, spans[table], now_us):
                sets, failed = store.passing(scope, given, excluded, now_us, f"{number}_{len(temporary)}")
                temporary += [name for cells in sets for name in (cells.base, cells.later)]
            else:
                sets, failed = store.prepare(scope, given, excluded)
            counted[table, grain] = Counted(tuple(sets), failed)
        by_country = {COUNTRY} if self.holidays.by_country else set()
        traits_read = {name: self._trait(name, roster, rows) for name in (set(wanted) | by_country) - {"age"}}
        sheet = Sheet(
            self.connection, roster, closes, plans, active, counted, self._lives(roster, rows, excluded),
            traits_read, rows[0], self._working(traits_read), self._tracked(asked),
        )  # fmt: skip
        self._made.append((weakref.ref(sheet), temporary))
        return sheet

    def _working(self, read: dict[str, tuple[Dated, Dated | None]]) -> Working:
        """Business time of the accounts, in the zone of the periods."""
        everywhere = business_time(self.settings, zone=self.zone.key)
        if not self.holidays.by_country:
            return Working(everywhere)
        return Working(everywhere, True, by_place(everywhere, read[COUNTRY][0].words))

    def _tracked(self, asked: set[tuple[Quantity, Grain]]) -> dict[str, int]:
        """Since when the facts of each metric asked for are complete, where they were not always."""
        tables = {quantity.metric: self.metrics[quantity.metric].table for quantity, _ in asked}
        days = {name: tracked_since(self.settings, table) for name, table in {**tables, ACTIVITY: "events"}.items()}
        return {
            name: int(start_of(Grain.DAY, self.zone, np.array([(day - date(1970, 1, 1)).days]))[0])
            for name, day in days.items()
            if day is not None
        }

    def _tidy(self) -> None:
        """Drops the temporary tables of sheets that are gone; never while a sheet may be reading."""
        kept = []
        for sheet, tables in self._made:
            if sheet() is None:
                for table in tables:
                    self.connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
            else:
                kept.append((sheet, tables))
        self._made = kept

    def _learned_since(self, table: str, extent: Span | None, now_us: int) -> bool:
        """Whether the store holds facts that were learned at or after `now_us`."""
        if extent is None or extent.last_us < now_us:
            return False
        found = self.connection.execute(
            f"SELECT 1 FROM {table} WHERE epoch_us(occurred_at) + delay >= {now_us} LIMIT 1"
        ).fetchone()
        return found is not None

    def _needs(
        self, asked: set[tuple[Quantity, Grain]], plans: dict[str, Plan], active: Plan
    ) -> dict[tuple[str, Grain], dict[str, Column]]:
        needs: dict[tuple[str, Grain], dict[str, Column]] = {}
        for quantity, grain in sorted(asked, key=str):
            used = [plans[quantity.metric], *([active] if quantity.per_active else [])]
            for plan in used:
                needs.setdefault((plan.table, grain), {}).update({column.name: column for column in plan.parts})
        return needs

    def _rows(self, roster: Subjects, number: int) -> tuple[str, str]:
        """Temporary tables that say which rows of the sheet a stored account or member, and a stored account, has.

        For accounts they are one; a person has the rows of its account in the second.
        """
        name, of_account = f"panel_rows_{number}", f"panel_account_rows_{number}"
        self.connection.execute(f"CREATE TEMP TABLE {name} (account INTEGER, member INTEGER, row BIGINT)")
        insert(
            self.connection,
            name,
            {"account": roster.raw_account, "member": roster.raw_member, "row": roster.raw_row},
        )
        if roster.kind == "account":
            return name, name
        # Every stored account that is now the account of a person, with that person's row.
        order = np.argsort(roster.owner, kind="stable")
        low, high = (np.searchsorted(roster.owner[order], roster.account, side=side) for side in ("left", "right"))
        row = np.repeat(np.arange(roster.size), high - low)
        at = (
            np.arange(row.size)
            - np.repeat(np.cumsum(high - low) - (high - low), high - low)
            + np.repeat(low, high - low)
        )
        self.connection.execute(f"CREATE TEMP TABLE {of_account} (account INTEGER, row BIGINT)")
        insert(self.connection, of_account, {"account": roster.owned[order][at], "row": row})
        return name, of_account

    def _trait(self, name: str, roster: Subjects, rows: tuple[str, str]) -> tuple[Dated, Dated | None]:
        """The values of a trait; for people, those of their accounts too, which hold where a person has none."""
        of_account = traits.read(self.connection, name, rows[1], people=False)
        if roster.kind == "account":
            return of_account, None
        return traits.joined(traits.read(self.connection, name, rows[0], people=True), of_account)

    def _lives(self, roster: Subjects, rows: tuple[str, str], excluded: Ids) -> Lives:
        begins = Begins(self.connection, roster.kind, self.excluded_events, excluded, *rows)
        begins.refresh()
        firsts = begins.read(roster.size)
        people = roster.kind == "person"
        starts = traits.stated(traits.read(self.connection, "started_at", rows[0], people))
        ends = [traits.stated(traits.read(self.connection, "ended_at", rows[1], people=False)), begins.churned()]
        if people:
            ends.append(traits.stated(traits.read(self.connection, "ended_at", rows[0], people=True)))
        ended = Stated.joined(ends)
        # Only an end with facts after it can have been reopened.
        reopened = np.flatnonzero(firsts.newest_us[ended.row] > ended.at_us)
        after = begins.after(reopened, ended)
        return Lives(firsts.points, starts, ended, after)
