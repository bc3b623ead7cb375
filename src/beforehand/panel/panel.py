"""The panel: counts what signals ask for, once, and lays it out for them."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import EVERYWHERE, HOUR_US, Grain, start_of, zone_named
from beforehand.panel import facets, traits, where
from beforehand.panel.begins import Begins, first_ever
from beforehand.panel.closes import closes_of
from beforehand.panel.counting import Counted, Counting
from beforehand.panel.facets import Facet, facet_of
from beforehand.panel.life import Lives, Points, Stated
from beforehand.panel.plans import EVERY_TONE, Needs, Place, core, enough, needs_of
from beforehand.panel.refusals import why_not
from beforehand.panel.roles import Holders, holders
from beforehand.panel.sheet import ACTIVITY, Sheet
from beforehand.panel.store import CellStore, Span, insert, renew, span, transaction
from beforehand.panel.subjects import Ids, Subjects, excluded_people, facet_slots, facet_subjects, subjects
from beforehand.panel.traits import Dated
from beforehand.panel.working import COUNTRY, Working, by_place
from beforehand.panel.zones import by_zone, only, own_zones
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
        zone: ZoneInfo | None = None,
        accounts: Ids | None = None,
    ) -> Sheet:
        """Counts the quantities and lays them out at closes with `since_us` <= end <= `until_us`, or the `last` ones.

        `wanted` are the traits that are read; `grains` have closes even where nothing is counted by them. Facts
        learned at or after `now_us` do not exist. With `filling` the period still filling is the last close. Hours are
        counted from `hours` before the first close on, unless a last value is asked for. With `accounts`, only they and
        what is of them; with `zone`, periods are in that zone, and a close comes when its period has ended everywhere.
        Raises InputError where a metric is not defined well, EngineError where nothing can be counted.
        """
        asked = set(quantities)
        for quantity, _ in asked:
            refused = why_not(quantity, kind, self.metrics)
            if refused is not None:
                raise refused
        excluded = excluded_people(self.connection, self.settings.exclude.people)
        self._tidy()
        renew(self.connection)
        needs = needs_of(asked, self.metrics, kind, self._ensured(asked))
        facet = facet_of(kind, self.settings.feature, self.settings.issue, self._issues() if kind == "issue" else 0)
        self._told_apart(needs, facet)
        spans = {place.table: span(self.connection, place.table) for place in needs.columns}
        # Of made facts, the facts they are made from: that there is none yet says something too.
        bases = {plan.base for plan in needs.every} if asked else set(TABLES)
        begun = [s.first_us for s in (spans.get(t) or span(self.connection, t) for t in bases) if s is not None]
        closing, zone = (self.zone if zone is None else EVERYWHERE), zone or self.zone
        span_us = min(begun, default=None), since_us, until_us
        closes = {
            grain: replace(
                closes_of(grain, closing, grace_us, now_us, *span_us, last, filling), zone=zone, closing=closing
            )
            for grain in {grain for _, grain in asked} | set(grains)
        }
        number = next(_sheets)
        counting = Counting(CellStore(self.connection), zone, grace_us, self.excluded_events, excluded, facet)
        counted, temporary = {}, list[str]()
        for place, columns in needs.columns.items():
            since = None
            if place.grain is Grain.HOUR and place not in needs.whole:
                # By whole days, so that a set counted at one close serves the next ones too.
                floor = (closes[place.grain].first - hours) // 24 * 24
                since = floor * HOUR_US
                closes[place.grain] = replace(closes[place.grain], data_from=max(closes[place.grain].data_from, floor))
            given = list(columns.values())
            if filling and self._learned_since(place.table, spans[place.table], now_us):
                counted[place] = counting.passing(place, given, now_us, f"{number}_{len(temporary)}", since)
                temporary += [name for cells in counted[place].sets for name in (cells.base, cells.later)]
            else:
                counted[place] = counting.kept(place, given, since)
        people = any(column.op in ("bits", "present") for some in needs.columns.values() for column in some.values())
        roster = subjects(self.facts, kind if facet is None else "account", excluded, people)
        if facet is not None:
            roster = facet_subjects(self.facts, kind, facet, roster, _holding(needs, counted))
        roster = roster if accounts is None else only(roster, accounts)
        rows = self._rows(roster, number)
        roles = self._roles(asked, roster, excluded, number)
        temporary += [*rows, *(held.table for held in roles.values())]
        by_country = {COUNTRY} if self.holidays.by_country else set()
        traits_read = {name: self._trait(name, roster, rows) for name in (set(wanted) | by_country) - {"age"}}
        sheet = Sheet(
            self.connection, roster, closes, needs, counted, self._lives(roster, rows, excluded, facet), traits_read,
            rows[0], self._working(zone, traits_read), self._tracked(zone, asked), roles, self._heard(asked, needs),
            {f: facet_slots(self.connection, f, roster) for f in {plan.facet for plan in needs.every} if f is not None},
        )  # fmt: skip
        self._made.append((weakref.ref(sheet), list(dict.fromkeys(temporary))))
        return sheet

    def zones(self, now_us: int) -> dict[ZoneInfo, Ids]:
        """The accounts by their own time zone as known at `now_us`, the workspace's for those that name none.

        Zones whose clocks agreed over all facts are one.
        """
        spans = [s for s in (span(self.connection, table) for table in TABLES) if s is not None]
        roster = subjects(self.facts, "account", np.empty((0, 2), np.int32), people=False)
        if not spans or not roster.size:
            return {self.zone: roster.account}
        rows = self._rows(roster, next(_sheets))[0]
        zones = own_zones(self.connection, rows, roster.size, now_us, self.zone)
        self.connection.execute(f"DROP TABLE temp.{rows}")
        last_us = max(now_us, *(s.last_us for s in spans))
        return by_zone(roster.account, zones, self.zone, min(s.first_us for s in spans), last_us)

    def _ensured(self, asked: Iterable[tuple[Quantity, Grain]]) -> dict[Quantity, str]:
        """The tables of the made facts that are asked for, brought up to date."""
        from beforehand.facts import moods, tensions, tones
        from beforehand.facts.derived import ensure, made_tables, recipe_of

        time = business_time(self.settings, zone=self.zone.key)
        place = COUNTRY if self.holidays.by_country else None
        found: dict[Quantity, str] = {}
        if any(self.metrics[quantity.metric].table == "tones" for quantity, _ in asked):
            tones.ensure(self.facts)
        if any(self.metrics[quantity.metric].table == "tensions" for quantity, _ in asked):
            tensions.ensure(self.facts)
        if any(self.metrics[quantity.metric].table == "moods" for quantity, _ in asked):
            moods.ensure(self.facts)
        for own in {core(quantity) for quantity, _ in asked}:
            if own.made is not None:
                recipe = recipe_of(own.made, self.metrics[own.metric], self.metrics, self.settings, time, place)
                found[own] = ensure(self.connection, recipe)
            judged = enough(own)
            if judged is not None and judged.made is not None:
                found[judged] = ensure(
                    self.connection, recipe_of(judged.made, EVERY_TONE, self.metrics, self.settings, time, place)
                )
        if found:
            CellStore(self.connection).forget_but(made_tables(self.connection))
        return found

    def _issues(self) -> int:
        """Groups the tickets that are new by what they are about; returns how often people changed issues."""
        from beforehand.facts import issue_keys, issues

        issues.ensure(self.facts)
        return issue_keys.changes(self.connection)

    def _told_apart(self, needs: Needs, facet: Facet | None) -> None:
        """Gives slots to the values that rows are told apart by: of the subjects, and of distinct counts."""
        asked = {(place.facet, place.table) for place in needs.columns if place.facet is not None}
        if facet is not None:
            asked |= {(facet, table) for table in (*facet.tables, *(place.table for place in needs.columns))}
        with transaction(self.connection):
            for each, table in sorted(asked, key=str):
                facets.refresh(self.connection, each, table)

    def _roles(
        self, asked: set[tuple[Quantity, Grain]], roster: Subjects, excluded: Ids, number: int
    ) -> dict[str, Holders]:
        """Who ever held the roles that are asked for."""
        named = sorted({quantity.role for quantity, _ in asked if quantity.role is not None})
        if not named:
            return {}
        people = roster if roster.kind == "person" else subjects(self.facts, "person", excluded)
        return {
            role: holders(self.connection, role, people, roster.accounts, f"panel_role_rows_{number}_{place}")
            for place, role in enumerate(named)
        }

    def _heard(self, asked: set[tuple[Quantity, Grain]], needs: Needs) -> dict[str, Points]:
        """The first fact of each table of which a standing total is asked, as it was known."""
        plans = [needs.plans[core(quantity)] for quantity, _ in asked if quantity.standing]
        return {base: first_ever(self.connection, base) for base in {plan.base for plan in plans if plan.seen}}

    def _working(self, zone: ZoneInfo, read: dict[str, tuple[Dated, Dated | None]]) -> Working:
        """Business time of the accounts, in the zone of the periods."""
        everywhere = business_time(self.settings, zone=zone.key)
        if not self.holidays.by_country:
            return Working(everywhere)
        return Working(everywhere, True, by_place(everywhere, read[COUNTRY][0].words))

    def _tracked(self, zone: ZoneInfo, asked: set[tuple[Quantity, Grain]]) -> dict[str, int]:
        """Since when the facts of each metric asked for are complete, where they were not always."""
        tables = {quantity.metric: self.metrics[quantity.metric].table for quantity, _ in asked}
        days = {name: tracked_since(self.settings, table) for name, table in {**tables, ACTIVITY: "events"}.items()}
        return {
            name: int(start_of(Grain.DAY, zone, np.array([(day - date(1970, 1, 1)).days]))[0])
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

    def _rows(self, roster: Subjects, number: int) -> tuple[str, str]:
        """Temporary tables that say which row of the sheet a stored account or member has, and which place in
        `Subjects.accounts` a stored account. For accounts they are one.
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
        place = np.minimum(np.searchsorted(roster.accounts, roster.owner), max(roster.accounts.size - 1, 0))
        ours = roster.accounts[place] == roster.owner if roster.accounts.size else np.zeros(place.size, bool)
        self.connection.execute(f"CREATE TEMP TABLE {of_account} (account INTEGER, row BIGINT)")
        insert(self.connection, of_account, {"account": roster.owned[ours], "row": place[ours]})
        return name, of_account

    def _trait(self, name: str, roster: Subjects, rows: tuple[str, str]) -> tuple[Dated, Dated | None]:
        """The values of a trait by account; of what is within accounts, its own, and those that hold where it has none.

        The words of the first are those of both.
        """
        of_account = traits.read(self.connection, name, rows[1], people=False)
        if roster.kind == "account":
            return of_account, None
        own = traits.read(self.connection, name, rows[0], people=True) if roster.kind == "person" else Dated.none()
        return traits.joined(own, of_account)

    def _lives(self, roster: Subjects, rows: tuple[str, str], excluded: Ids, facet: Facet | None) -> Lives:
        begins = Begins(self.connection, roster.kind, self.excluded_events, excluded, *rows, facet)
        begins.refresh()
        firsts = begins.read(roster.size)
        people = roster.kind == "person"
        starts = Stated.none()
        if facet is None:
            starts = traits.stated(traits.read(self.connection, "started_at", rows[0], people))
        ends = [traits.stated(traits.read(self.connection, "ended_at", rows[1], people=False)), begins.churned()]
        if roster.kind != "account":
            ends = [end.spread(roster.group) for end in ends]
        if people:
            ends.append(traits.stated(traits.read(self.connection, "ended_at", rows[0], people=True)))
        ended = Stated.joined(ends)
        # Only an end with facts after it can have been reopened.
        reopened = np.flatnonzero(firsts.newest_us[ended.row] > ended.at_us)
        after = begins.after(reopened, ended)
        return Lives(firsts.points, starts, ended, after, partly=facet is not None)


def _holding(needs: Needs, counted: Mapping[Place, Counted]) -> list[tuple[str, list[str]]]:
    """The tables of cells, each with the columns that count the rows of what is asked for."""
    found: dict[str, list[str]] = {}
    for plan in needs.plans.values():
        if plan.seen is None:
            continue
        for place, sets in counted.items():
            if place == plan.place(place.grain):
                for cells in sets.sets:
                    if plan.seen.name in cells.names:
                        for table in (cells.base, cells.later):
                            names = found.setdefault(table, [])
                            names += [plan.seen.name] if plan.seen.name not in names else []
    return list(found.items())
