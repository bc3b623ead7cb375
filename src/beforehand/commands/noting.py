"""Incidents written into the state: found anew, going on, over, settled by themselves; and what they make doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from beforehand import store
from beforehand.calendar import DAY_US, HOUR_US, Grain, to_datetime, to_us
from beforehand.commands.closes import Sheet
from beforehand.commands.finding import (
    FIRST_LOOK_HOURS,
    Feeds,
    Found,
    Moved,
    definitions_of,
    is_larger,
    redefined,
    silent,
    together,
)
from beforehand.commands.held import Doubts, Mask, end
from beforehand.commands.opened import read_by
from beforehand.incidents import Incident, Reading, covers, doubt, hour_of, touches, undone, went_on
from beforehand.signals import grain_of, reads_alerts
from beforehand.signals.numbers import Bool, Int
from beforehand.store.incidents import DROPPED, OPEN, SETTLED

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.commands.judging import SignalHistory
    from beforehand.facts import Facts
    from beforehand.signals import Signal
    from beforehand.store import Store
    from beforehand.workspace import Folder

ORDER = {grain: place for place, grain in enumerate(Grain)}
NEAR_US = 7 * DAY_US
DATA, REAL, ITSELF = "data", "real", "by itself"
VALUED = frozenset({"mean", "share", "last"})


class Noted:
    """The incidents of a run: found, written, and cast over the sheets that are judged."""

    def __init__(self, facts: Facts, folder: Folder, state: Store, at: datetime, last: datetime | None) -> None:
        self.facts, self.folder, self.state, self.at, self.last = facts, folder, state, at, last
        self.kinds = folder.settings.incident_kinds
        self.moved = Moved(folder, self.kinds)
        self.readings = readings_of(folder)
        self.active: list[tuple[Incident, str | None, str | None]] = []

    def find(self, sheets: Sequence[tuple[Sheet, SignalHistory]]) -> list[int]:
        """Finds what is wrong as of the closes of these sheets and of now, and writes it; returns what is new.

        One transaction: a run that is cut off finds the same again and writes nothing twice.
        """
        last_us = None if self.last is None else to_us(self.last)
        moments = self._moments(sheets)
        feeds = Feeds.read(self.facts, to_us(self.at)) if {"feed", "tracking"} & set(self.kinds) else None
        found = list(silent(feeds, self.folder, moments, last_us, self.kinds)) if feeds is not None else []
        news = [one for one in found if self._matters(one, one.until_us, last_us, sheets)]
        moved = together(self.moved, self.facts, self.folder, self.kinds)
        # The longest periods and the most accounts first: what moved beside them is a part of that.
        for one, known in sorted(
            moved, key=lambda m: (-ORDER[m[0].grain or Grain.HOUR], -m[0].numbers["accounts"], m[0].key)
        ):
            if self._matters(one, known, last_us, sheets):
                news.append(one)
        meant = definitions_of(self.folder)
        new: list[int] = []
        with self.state.write() as session:
            if "definition" in self.kinds:
                before = store.definitions(session)
                for one, change in redefined(before, meant, self.last, self.at, self.folder):
                    if not self._taken_back(session, one.key, change):
                        new += self._write(session, one)
            if store.definitions(session) != meant:
                store.put_definitions(session, meant)
            for one in news:
                if not self._explained(session, one):
                    new += self._write(session, one)
            if feeds is not None:
                self._follow(session, feeds, moments)
            self._follow_together(session)
            self.active = [
                (_pure(kept), kept.source, kept.tbl)
                for kept in store.find_incidents(session)
                if kept.state == OPEN or kept.how == DATA
            ]
        return new

    def mask(self, sheet: Sheet, history: SignalHistory) -> Sheet:
        """The sheet with what incidents make of its closes."""
        reading = self.readings.get(sheet.signal)
        if reading is None or not self.active:
            return sheet
        masks = [
            self._mask(reading, len(sheet.keys), int(end_us), int(end_us) + history.grace_us, history)
            for end_us in sheet.ends_us
        ]
        return replace(sheet, masks=tuple(masks)) if any(mask is not None for mask in masks) else sheet

    def settle(self) -> list[int]:
        """Settles by themselves the incidents that are over and whose every signal has had a whole close since."""
        done = []
        with self.state.write() as session:
            watches = store.watches(session)
            for kept in store.find_incidents(session, open_only=True):
                one = _pure(kept)
                if one.until_us is None:
                    continue
                doubtful = False
                for name in touched(one, self.readings):
                    watch = watches.get(name)
                    if watch is not None and watch.last_close_at is not None:
                        end_us = to_us(watch.last_close_at)
                        doubtful |= bool(doubt(self.readings[name], one, end_us, to_us(self.at)))
                if not doubtful:
                    end(store.held_of(session, incident=kept.number), DROPPED, self.at)
                    store.forget_would(session, incident=kept.number)
                    kept.state, kept.how, kept.settled_at, kept.settled_by = SETTLED, ITSELF, self.at, "beforehand"
                    done.append(kept.number)
        return done

    # -- finding -------------------------------------------------------------------------------------------------

    def _moments(self, sheets: Sequence[tuple[Sheet, SignalHistory]]) -> list[int]:
        """When the closes to be judged were known, the last of each day, and now; no further back than a first look."""
        now = to_us(self.at)
        known = {int(e) + history.grace_us for sheet, history in sheets for e in sheet.ends_us}
        of_day: dict[int, int] = {}
        for moment in sorted(known | {now}):
            if now - FIRST_LOOK_HOURS * HOUR_US <= moment <= now:
                of_day[moment // DAY_US] = moment
        return sorted(of_day.values())

    def _matters(
        self, one: Found, known_us: int | None, last_us: int | None, sheets: Sequence[tuple[Sheet, SignalHistory]]
    ) -> bool:
        """Whether it is news since the last run, or makes a close doubtful that is judged now."""
        if last_us is not None and (known_us is None or known_us > last_us):
            return True
        if one.kind == "feed" and one.until_us is None:
            return True
        given = Incident(0, one.kind, one.effect, one.metrics, one.since_us, one.until_us)
        return any(
            doubt(self.readings[sheet.signal], given, int(end_us), int(end_us) + history.grace_us)
            for sheet, history in sheets
            if sheet.signal in self.readings
            for end_us in sheet.ends_us
        )

    def _explained(self, session: Session, one: Found) -> bool:
        """Whether most accounts moved by what is an incident already: a feed or an event that is missing, or another
        metric that moved the same way at the same time, whose incident it then becomes a part of.
        """
        if one.grain is None:
            return False
        for kept in store.find_incidents(session):
            until = None if kept.until is None else to_us(kept.until)
            near = NEAR_US if kept.grain is not None and kept.state == OPEN else 0
            apart = to_us(kept.since) >= (one.until_us or 2**62) or (until is not None and until + near <= one.since_us)
            if apart or kept.effect != one.effect or kept.key == one.key:
                continue
            if kept.grain is None and not one.metrics <= set(kept.metrics):
                continue
            if kept.grain is not None and kept.state == OPEN and not one.metrics <= set(kept.metrics):
                kept.metrics = sorted({*kept.metrics, *one.metrics})
                if until is not None and (one.until_us is None or one.until_us > until):
                    kept.until = None if one.until_us is None else to_datetime(one.until_us)
                kept.signals = touched(_pure(kept), self.readings)
                kept.numbers = {**kept.numbers, "also": sorted({*kept.numbers.get("also", ()), *one.metrics})}
            return True
        return False

    def _taken_back(self, session: Session, key: str, change: Any) -> bool:
        """A definition that is again what it was before an incident: that one settles by itself, and no other opens."""
        for kept in store.incidents_of(session, key)[:1]:
            if undone(change, kept.numbers["before"], kept.numbers["after"]) and kept.how != REAL:
                if kept.state == OPEN:
                    end(store.held_of(session, incident=kept.number), DROPPED, self.at)
                    store.forget_would(session, incident=kept.number)
                    kept.state, kept.how, kept.settled_at, kept.settled_by = SETTLED, ITSELF, self.at, "beforehand"
                return True
        return False

    def _write(self, session: Session, one: Found) -> list[int]:
        """Writes what was found; the same thing going on is the incident it was."""
        for kept in store.incidents_of(session, one.key):
            until = None if kept.until is None else to_us(kept.until)
            # Days on which everybody is quiet come together, as between Christmas and New Year.
            near = NEAR_US if one.grain is not None and kept.state == OPEN else 0
            apart = (until is not None and until + near < one.since_us) or (
                one.until_us is not None and one.until_us < to_us(kept.since)
            )
            if apart:
                continue
            if kept.state == OPEN or kept.how == DATA:
                kept.since = min(kept.since, to_datetime(one.since_us))
                later = until is None or one.until_us is None or one.until_us > until
                if one.kind not in ("feed", "definition") and one.event is None and later:
                    kept.until = None if one.until_us is None else to_datetime(one.until_us)
                if kept.state == OPEN and later:
                    also = {"also": kept.numbers["also"]} if "also" in kept.numbers else {}
                    kept.headline, kept.numbers = one.headline, {**one.numbers, **also}
                    kept.sure = max(kept.sure, one.sure)
                kept.seen_at = self.at
            return []
        if self._widened(session, one):
            return []
        number = 0
        pure = Incident(number, one.kind, one.effect, one.metrics, one.since_us, one.until_us)
        made = store.Incident(
            kind=one.kind, key=one.key, what=one.what, source=one.source, tbl=one.table, event=one.event,
            grain=None if one.grain is None else one.grain.value, effect=one.effect, metrics=sorted(one.metrics),
            signals=sorted(touched(pure, self.readings)), since=to_datetime(one.since_us),
            until=None if one.until_us is None else to_datetime(one.until_us), found_at=self.at, seen_at=self.at,
            sure=one.sure, headline=one.headline, numbers=one.numbers, state=OPEN, note="",
        )  # fmt: skip
        session.add(made)
        session.flush()
        return [made.number]

    def _widened(self, session: Session, one: Found) -> bool:
        """Whether an open incident of an event, or feed, turns out to be that of something larger, and now says so."""
        if one.kind != "feed":
            return False
        silent = [kept for kept in store.find_incidents(session, open_only=True) if kept.kind in ("feed", "tracking")]
        for kept in silent:
            larger = is_larger((one.table, one.source, one.event), (kept.tbl, kept.source, kept.event))
            if larger and covers(_hours(one.since_us, one.until_us), _hours(to_us(kept.since), _us(kept.until))):
                kept.kind, kept.key, kept.what, kept.event = one.kind, one.key, one.what, None
                kept.source, kept.tbl, kept.metrics = one.source, one.table, sorted({*kept.metrics, *one.metrics})
                kept.headline, kept.numbers, kept.sure = one.headline, one.numbers, max(kept.sure, one.sure)
                kept.since = min(kept.since, to_datetime(one.since_us))
                kept.signals, kept.seen_at = sorted(touched(_pure(kept), self.readings)), self.at
                return True
        return False

    def _follow(self, session: Session, feeds: Feeds, moments: Iterable[int]) -> None:
        """Whether what was silent came back, and whether what was missing came late."""
        for kept in store.find_incidents(session):
            if kept.key.split("/")[0] not in ("feed", "tracking") or (kept.state == SETTLED and kept.how != DATA):
                continue
            if kept.filled_at is not None or (kept.state == SETTLED and kept.until is not None):
                continue
            pulse = feeds.all if kept.tbl is None else feeds.feeds.get((kept.tbl, kept.source or ""))
            if kept.event is not None:
                pulse = feeds.of(kept.source or "").get(kept.event)
            if pulse is None:
                continue
            missing = kept.found_at < self.at  # seen to be missing; before that it may only not have been due yet
            for moment in moments:
                until, filled = went_on(pulse, hour_of(to_us(kept.since)), hour_of(moment))
                if not filled:
                    missing = True
                    kept.until = None if until is None else to_datetime(until * HOUR_US)
                elif missing:
                    kept.filled_at = to_datetime(moment)
                    kept.until = kept.until or to_datetime(moment)
                    break
            kept.seen_at = self.at

    def _follow_together(self, session: Session) -> None:
        """Accounts that moved together are over it at the first close at which most no longer are."""
        for kept in store.find_incidents(session):
            name, _, rest = kept.key.partition("/")
            if name not in ("drop", "jump") or kept.until is not None:
                continue
            metric, _, grain = rest.rpartition("/")
            ends = self.moved.tested.get((metric, Grain(grain)), [])
            moved = [e for e in ends if (metric, Grain(grain), name, e) in self.moved.found]
            calm = [e for e in ends if e not in moved and e > to_us(kept.since) and (not moved or e > moved[-1])]
            if calm:
                over = ends[ends.index(calm[0]) - 1] if ends.index(calm[0]) else to_us(kept.since)
                kept.until = to_datetime(max(over, to_us(kept.since)))
            kept.seen_at = self.at

    # -- masks ---------------------------------------------------------------------------------------------------

    def _mask(self, reading: Reading, n: int, end_us: int, known_us: int, history: SignalHistory) -> Mask | None:
        undecided, settled = Doubts.none(n), Doubts.none(n)
        by: list[tuple[int, Bool]] = []
        settled_by = []
        for one, source, table in self.active:
            found = doubt(reading, one, end_us, known_us)
            if not found:
                continue
            rows = _rows(self.facts, one, source, table, history)
            into = undecided if one.undecided else settled
            for name in ("holds", "clear", "calm", "unrest"):
                if getattr(found, name):
                    np.logical_or(getattr(into, name), rows, out=getattr(into, name))
            if one.undecided:
                by.append((one.number, rows))
            else:
                settled_by.append(one.number)
        return Mask(undecided, settled, tuple(by), tuple(settled_by)) if by or settled_by else None


@dataclass(frozen=True)
class Past:
    """Incidents that were settled as ones of the data, and how the signals read what they made doubtful."""

    incidents: tuple[tuple[Incident, str | None, str | None], ...]
    readings: Mapping[str, Reading]

    def within(self, facts: Facts, history: SignalHistory, row: Int, close: Int) -> Bool:
        """Which episodes, by row and close of opening, opened where one made it doubtful that the signal holds."""
        reading = self.readings.get(history.signal.name)
        found = np.zeros(len(row), bool)
        if reading is None:
            return found
        for one, source, table in self.incidents:
            closes = [bool(doubt(reading, one, int(e), int(e) + history.grace_us).holds) for e in history.ends]
            if any(closes):
                found |= np.array(closes)[close] & _rows(facts, one, source, table, history)[row]
        return found


def past_incidents(session: Session, folder: Folder) -> Past:
    """What is known to have been wrong with the data."""
    known = [kept for kept in store.find_incidents(session) if kept.how == DATA]
    return Past(tuple((_pure(kept), kept.source, kept.tbl) for kept in known), readings_of(folder) if known else {})


def _us(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)


def _hours(since_us: int, until_us: int | None) -> tuple[int, int | None]:
    return since_us // HOUR_US, None if until_us is None else until_us // HOUR_US


def _rows(facts: Facts, one: Incident, source: str | None, table: str | None, history: SignalHistory) -> Bool:
    """The rows an incident touches: of one feed among several, the accounts that had facts of it."""
    accounts = np.asarray(history.subjects.account)
    if one.kind not in ("feed", "tracking") or source is None or table is None or len(facts.sources(table)) < 2:
        return np.ones(len(accounts), bool)
    from beforehand.facts import pulses

    since_us = one.since_us - FIRST_LOOK_HOURS * HOUR_US
    return np.isin(accounts, pulses.accounts_of(facts, (table, source), since_us, one.since_us))


def readings_of(folder: Folder) -> dict[str, Reading]:
    """How each signal that is not off reads its metrics."""
    valued = {name for name, spec in folder.metrics.items() if spec.aggregate in VALUED}

    def reading(signal: Signal) -> Reading:
        return Reading.of(signal, grain_of(signal.sentence, folder.signals), folder.signals, valued)

    found = {}
    for name, signal in folder.signals.items():
        if signal.mode != "off":
            own = reading(signal)
            if reads_alerts(signal, folder.signals):
                own = replace(own, alerts=tuple(reading(other) for other in read_by(signal, folder.signals)))
            found[name] = own
    return found


def touched(one: Incident, readings: Mapping[str, Reading]) -> list[str]:
    """The signals that could open or close by an incident."""
    return [name for name, reading in readings.items() if touches(reading, one)]


def _pure(kept: store.Incident) -> Incident:
    kind: Any = kept.kind
    effect: Any = kept.effect
    return Incident(
        kept.number, kind, effect, frozenset(kept.metrics), to_us(kept.since),
        None if kept.until is None else to_us(kept.until),
        None if kept.filled_at is None else to_us(kept.filled_at), kept.state == OPEN,
    )  # fmt: skip
