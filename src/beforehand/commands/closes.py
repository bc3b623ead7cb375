"""One close, written into the state: verdicts in, alerts opened, confirmed and closed, in the caller's transaction.

Which signal is judged at which close, and from which facts, is decided in `commands.run`; here it is only what a close
does to the alerts. Doing it twice is prevented by the watch of the signal, which moves on in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from beforehand import store
from beforehand.alerts import Policy, Reason, State, Step, Tracks, advance, early
from beforehand.calendar import to_datetime
from beforehand.commands import held
from beforehand.commands.held import Mask
from beforehand.signals.numbers import FAILED, HOLDS, UNSURE, Bool, Float, Int, Verdicts
from beforehand.store import Alert, AlertLog, Close, Key, Track, Watch
from beforehand.store.incidents import DROPPED, OVER

JUDGE = "beforehand"
"""Who is written in the log where no person acted."""


class Keys(Protocol):
    """Who the rows are: (account label, scope) of each, and the rows of some of them. Labels may be costly to tell."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> Key: ...

    def rows(self, keys: Iterable[Key]) -> dict[Key, int]:
        """The rows of those of these subjects that have one."""
        ...


@dataclass(frozen=True)
class Sheet:
    """The verdicts of one signal over the closes to be judged now, and whose rows they are.

    `keys`: who the rows are. `ends_us` `[Q]`: ends of the periods; `verdicts`, `clears`, `inside`
    `[n, Q]`. `filling`: the last column is the period still filling, which only opens. `start`: tracks of a signal
    that is new or changed, counted over the closes before; its first close makes backlog. `changed`: it was judged
    before by another definition. `gone`: why an open alert ends whose subject is no longer among the rows.
    `thresholds`: what p-values were held against at each close, `[Q]`, by clause. `masks`: what incidents make of each
    close.
    """

    signal: str
    digest: str
    shadow: bool
    severity: str
    grain: str
    policy: Policy
    keys: Keys
    ends_us: Int
    verdicts: Verdicts
    clears: Verdicts | None
    inside: Bool
    filling: bool = False
    start: Tracks | None = None
    changed: bool = False
    gone: Callable[[Key], Reason] = lambda _: Reason.LEFT
    thresholds: Mapping[str, Float] = field(default_factory=dict)
    masks: Sequence[Mask | None] = ()

    def mask(self, q: int) -> Mask | None:
        """What incidents make of a close, None where nothing."""
        return self.masks[q] if q < len(self.masks) else None

    @property
    def closes(self) -> int:
        """How many closed closes there are to judge."""
        return len(self.ends_us) - self.filling


@dataclass(frozen=True)
class Told:
    """What is written into a new alert: the sentence on top, since when, whose it is, and what proves it."""

    headline: str
    since: datetime
    owner: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    receipts: list[Any] = field(default_factory=list)


Teller = Callable[[Sheet, int, Sequence[int]], list[Told]]
"""(sheet, column, rows) -> what to write into the alerts that open there."""


@dataclass
class Tally:
    """What was done, as numbers of alerts; a set holds each alert once over several closes."""

    opened: set[int] = field(default_factory=set)
    updated: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    shadow: set[int] = field(default_factory=set)
    held_back: set[int] = field(default_factory=set)
    """What incidents hold, by its own number: it is no alert, or one that would have closed."""

    def add(self, kind: str, alerts: Sequence[Alert]) -> None:
        """Counts alerts; those in shadow only as opened in shadow."""
        getattr(self, kind).update(a.number for a in alerts if not a.shadow)
        if kind == "opened":
            self.shadow.update(a.number for a in alerts if a.shadow)


@dataclass(frozen=True)
class _Before:
    """Where a signal stands before a close: its open alerts, kept tracks, their rows, and both as arrays."""

    alerts: dict[Key, Alert]
    kept: dict[Key, Track]
    rows: dict[Key, int]
    tracks: Tracks


def opening(session: Session, sheet: Sheet, q: int) -> list[int]:
    """The rows that a close (or the filling period) would open as things stand: whom a story is needed for."""
    before = _before(session, sheet, q)
    if sheet.filling and q == sheet.closes:
        # What is in doubt while a period fills is told, or held, at its close.
        opened = early(before.tracks, _seen(sheet, q)[0], sheet.inside[:, q], sheet.policy)
    else:
        step = _step(sheet, q, before)
        other = held.beside(session, sheet, q, before.tracks, before.alerts, step)
        opened = step.opened.copy()
        if other is not None:
            opened[other.adopted] = False
            opened[other.opening] = True
    return [int(row) for row in np.flatnonzero(opened)]


def judge_close(session: Session, sheet: Sheet, q: int, now: datetime, tell: Teller, tally: Tally) -> None:
    """Judges one closed close and moves the watch on."""
    before = _before(session, sheet, q)
    step = _step(sheet, q, before)
    other = held.beside(session, sheet, q, before.tracks, before.alerts, step)
    end = to_datetime(int(sheet.ends_us[q]))
    first = sheet.start is not None and q == 0

    gone = {key: alert for key, alert in before.alerts.items() if key not in before.rows}
    reasons = {alert.number: sheet.gone(key) for key, alert in gone.items()}
    of_row = {before.rows[key]: alert for key, alert in before.alerts.items() if key in before.rows}
    for row in np.flatnonzero(step.closed):
        cleared = Reason.SUPERSEDED if first and sheet.changed else Reason.CLEARED
        reasons[of_row[int(row)].number] = Reason.LEFT if step.left[row] else cleared
    released = {row for row, _ in other.closed} if other else set()
    ending = [*gone.values(), *(of_row[int(row)] for row in np.flatnonzero(step.closed) if int(row) not in released)]
    for alert in ending:
        close_alert(session, alert, reasons[alert.number], end, now, JUDGE)
    session.flush()  # before the new ones: the unique index sees one open episode at a time

    opens, after, kept_back = step.opened.copy(), step.tracks, 0
    late_opened: list[Alert] = []
    if other is not None:
        late_opened, late_closed, kept_back = _other_line(session, sheet, q, other, of_row, now, tell, tally)
        ending += late_closed
        opens[other.adopted] = False
        after = _adopted(step.tracks, other)
    opened = [*late_opened, *raise_alerts(session, sheet, q, np.flatnonzero(opens), now, tell, backlog=first)]
    verdict = _seen(sheet, q)[0]
    still = [row for row in of_row if step.tracks.open[row]]
    confirmed = [of_row[row] for row in still if verdict[row] == HOLDS]
    waiting = {h.alert for h in store.held_of(session, signal=sheet.signal)} if other else set()
    unknown = [of_row[r] for r in still if verdict[r] in (UNSURE, FAILED) and of_row[r].number not in waiting]
    if confirmed:
        fresh = {"judged_at": end, "severity": sheet.severity, "signal_digest": sheet.digest}
        session.execute(update(Alert), [{"number": alert.number, **fresh} for alert in confirmed])
    _keep_tracks(session, sheet, before, after)
    for kind, alerts in (("opened", opened), ("updated", confirmed), ("closed", ending), ("held", unknown)):
        tally.add(kind, alerts)

    seen = verdict[sheet.inside[:, q]]
    session.merge(
        Close(
            signal=sheet.signal,
            grain=sheet.grain,
            end_at=end,
            digest=sheet.digest,
            judged_at=now,
            subjects=len(seen),
            holds=int((seen == HOLDS).sum()),
            unsure=int((seen == UNSURE).sum()),
            failed=int((seen == FAILED).sum()),
            opened=len(opened),
            closed=len(ending),
            held=kept_back,
            incident=_incident(sheet, q),
            unjudged=_unjudged(sheet, q),
            thresholds={c: float(t[q]) for c, t in sheet.thresholds.items() if not np.isnan(t[q])} or None,
        )
    )
    watch = session.get(Watch, sheet.signal)
    if watch is None or watch.digest != sheet.digest:
        watch = session.merge(
            Watch(signal=sheet.signal, digest=sheet.digest, mode="", grain=sheet.grain, switched_on_at=now)
        )
    watch.mode = "shadow" if sheet.shadow else "on"
    watch.last_close_at = end


def judge_filling(session: Session, sheet: Sheet, now: datetime, tell: Teller, tally: Tally) -> None:
    """Opens what already holds in the period still filling; nothing is closed or counted before its close."""
    q = sheet.closes
    before = _before(session, sheet, q)
    opens = early(before.tracks, _seen(sheet, q)[0], sheet.inside[:, q], sheet.policy)
    rows = np.flatnonzero(opens)
    tally.add("opened", raise_alerts(session, sheet, q, rows, now, tell, backlog=False))


def raise_alerts(
    session: Session, sheet: Sheet, q: int, rows: Int, now: datetime, tell: Teller, *, backlog: bool
) -> list[Alert]:
    """New open alerts for these rows, each linked back to the episode before it."""
    if not len(rows):
        return []
    end = to_datetime(int(sheet.ends_us[q]))
    keys = [sheet.keys[int(row)] for row in rows]
    before = store.newest_closed(session, sheet.signal, keys)
    alerts = [
        Alert(
            account=key[0],
            signal=sheet.signal,
            scope=key[1],
            severity=sheet.severity,
            state=State.OPEN.value,
            backlog=backlog,
            shadow=sheet.shadow,
            opened_at=end,
            since=told.since,
            raised_at=now,
            judged_at=end,
            reopens=before.get(key),
            headline=told.headline,
            owner=told.owner,
            signal_digest=sheet.digest,
            evidence=told.evidence,
            receipts=told.receipts,
        )
        for key, told in zip(keys, tell(sheet, q, [int(row) for row in rows]), strict=True)
    ]
    session.add_all(alerts)
    session.flush()
    details = {k: True for k, on in (("backlog", backlog), ("shadow", sheet.shadow)) if on}
    lines = [
        _line(a, now, JUDGE, "opened", {**details, **({"reopens": a.reopens} if a.reopens else {})}) for a in alerts
    ]
    session.execute(insert(AlertLog), lines)
    return alerts


def close_alert(
    session: Session, alert: Alert, reason: Reason, closed_at: datetime, now: datetime, actor: str, note: str = ""
) -> None:
    """Ends an episode, and writes down who did it and why."""
    alert.state = State.CLOSED.value
    alert.closed_at = closed_at
    alert.close_reason = reason.value
    alert.snoozed_until = None
    details = {"reason": reason.value, **({"note": note} if note else {})}
    store.log(session, alert.number, now, actor, "closed", details)


def switch(session: Session, watch: Watch, mode: str, now: datetime) -> list[Alert]:
    """A signal judged until now got another mode; returns the alerts that were closed by it.

    To shadow: its open alerts go on in shadow. To on: they become backlog. To off (or its file is gone): they are
    closed as superseded, and it is new when it is switched on again.
    """
    alerts = list(store.open_alerts(session, [watch.signal])[watch.signal].values())
    if mode == "off":
        for alert in alerts:
            close_alert(session, alert, Reason.SUPERSEDED, now, now, JUDGE, "the signal was switched off")
        held.drop_signal(session, watch.signal, now)
        store.forget_tracks(session, watch.signal)
        session.delete(watch)
        return alerts
    watch.mode = mode
    for waiting in store.held_of(session, signal=watch.signal):
        waiting.shadow = mode == "shadow"
        waiting.backlog = waiting.backlog or mode == "on"
    for alert in alerts:
        alert.shadow = mode == "shadow"
        alert.backlog = alert.backlog or mode == "on"
        store.log(session, alert.number, now, JUDGE, "switched", {"mode": mode})
    return []


def wake(session: Session, now: datetime) -> None:
    """Alerts whose snooze is over are open again."""
    for alert in store.find_alerts(session, open_only=True):
        if alert.state == State.SNOOZED and alert.snoozed_until is not None and alert.snoozed_until <= now:
            alert.state, alert.snoozed_until = State.OPEN.value, None
            store.log(session, alert.number, now, JUDGE, "woke")


def _before(session: Session, sheet: Sheet, q: int) -> _Before:
    alerts = store.open_alerts(session, [sheet.signal])[sheet.signal]
    kept = store.tracks_of(session, [sheet.signal])[sheet.signal]
    fresh = Tracks.fresh(len(sheet.keys)) if sheet.start is None or q else sheet.start
    tracks = Tracks(fresh.open.copy(), fresh.held.copy(), fresh.calm.copy(), fresh.armed.copy())
    rows = sheet.keys.rows(alerts.keys() | kept.keys())
    for key, row in rows.items():
        tracks.open[row] = key in alerts
        track = kept.get(key)
        if track is None:
            continue
        tracks.armed[row] = track.armed
        if sheet.start is None or q:  # the counts of another definition mean nothing for this one
            tracks.held[row], tracks.calm[row] = track.held, track.calm
    return _Before(alerts, kept, rows, tracks)


def _step(sheet: Sheet, q: int, before: _Before) -> Step:
    return advance(before.tracks, *_seen(sheet, q), sheet.inside[:, q], sheet.policy)


def _seen(sheet: Sheet, q: int) -> tuple[Verdicts, Verdicts | None]:
    """The verdicts of a close with what incidents make doubtful made unsure."""
    verdict, clear = sheet.verdicts[:, q], None if sheet.clears is None else sheet.clears[:, q]
    mask = sheet.mask(q)
    return (verdict, clear) if mask is None else mask.lived(verdict, clear)


def _incident(sheet: Sheet, q: int) -> int | None:
    mask = sheet.mask(q)
    if mask is None:
        return None
    return next(iter([*(number for number, _ in mask.by), *mask.settled_by]), None)


def _unjudged(sheet: Sheet, q: int) -> bool:
    """Whether an incident settled as one of the data leaves the close unjudged where it touches it."""
    mask = sheet.mask(q)
    return mask is not None and bool(mask.settled_by)


def _other_line(
    session: Session,
    sheet: Sheet,
    q: int,
    other: held.Beside,
    of_row: Mapping[int, Alert],
    now: datetime,
    tell: Teller,
    tally: Tally,
) -> tuple[list[Alert], list[Alert], int]:
    """Writes what the close means for what is held; returns what it released, and how many more are held."""
    end = to_datetime(int(sheet.ends_us[q]))
    held.end(other.dropped, DROPPED, now)
    held.end(other.over, OVER, now)
    session.flush()
    opened, closed = held.release(session, [h for _, h in (*other.opened, *other.closed)], now, JUDGE)
    for alert in opened:
        alert.judged_at = end
    told = tell(sheet, q, other.opening) if other.opening else []
    new = held.hold(session, sheet, q, other, end, told, of_row)
    session.flush()
    still = store.held_of(session, signal=sheet.signal)
    tally.held_back.difference_update(h.number for h in (*other.dropped, *other.over))
    tally.held_back.difference_update(h.number for _, h in (*other.opened, *other.closed))
    tally.held_back.update(h.number for h in still if not h.shadow)
    return opened, closed, len(new)


def _adopted(lived: Tracks, other: held.Beside) -> Tracks:
    """The tracks after a close, where at some rows the other line turned out to be the true one."""
    if not other.adopted or other.tracks is None:
        return lived
    rows = np.array(other.adopted)
    parts = []
    for name in ("open", "held", "calm", "armed"):
        part = getattr(lived, name).copy()
        part[rows] = getattr(other.tracks, name)[rows]
        parts.append(part)
    return Tracks(*parts)


def _keep_tracks(session: Session, sheet: Sheet, before: _Before, after: Tracks) -> None:
    """Writes the tracks that differ from fresh ones and drops those that no longer do."""
    wanted = {
        sheet.keys[row]: (int(after.held[row]), int(after.calm[row]), bool(after.armed[row]))
        for row in map(int, np.flatnonzero(after.stirred))
    }
    added = []
    for key, (counted, calm, armed) in wanted.items():
        track = before.kept.get(key)
        if track is None:
            subject = {"signal": sheet.signal, "account": key[0], "scope": key[1]}
            added.append({**subject, "held": counted, "calm": calm, "armed": armed})
        else:
            track.held, track.calm, track.armed = counted, calm, armed
    if added:
        session.execute(insert(Track), added)
    for key, track in before.kept.items():
        if key in wanted:
            continue
        if key in before.rows or track.armed:
            session.execute(
                delete(Track).where(Track.signal == sheet.signal, Track.account == key[0], Track.scope == key[1])
            )
        else:  # the subject is not there now; that a person closed it is remembered
            track.held = track.calm = 0


def _line(alert: Alert, at: datetime, actor: str, act: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"alert": alert.number, "at": at, "actor": actor, "act": act, "details": details}
