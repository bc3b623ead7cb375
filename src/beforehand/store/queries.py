"""What is asked of the state and written to it; each takes the session of the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from beforehand.store.models import Alert, AlertLog, Close, Record, Setting, Track, Watch, alert_number

LAST_RUN = "last_run"
Key = tuple[str, str]
"""(account, scope): a subject of a signal."""
Kept = Mapping[str, Mapping[datetime, float]]
"""Thresholds of a signal by clause and the end of the close."""


@dataclass(frozen=True)
class LastRun:
    """When the last run was: the time it ran as of, and whether that time was given rather than read from the clock."""

    now_at: datetime
    given: bool


def last_run(session: Session) -> LastRun | None:
    """The newest run, or None before the first."""
    kept = session.get(Setting, LAST_RUN)
    return None if kept is None else LastRun(datetime.fromisoformat(kept.value["now_at"]), bool(kept.value["given"]))


def put_last_run(session: Session, run: LastRun) -> None:
    """Remembers a run."""
    session.merge(Setting(name=LAST_RUN, value={"now_at": run.now_at.isoformat(), "given": run.given}))


def find_alerts(
    session: Session,
    *,
    open_only: bool = False,
    signal: str | None = None,
    account: str | None = None,
    severity: str | None = None,
    owner: str | None = None,
    shadow: bool | None = None,
) -> list[Alert]:
    """Alerts by what is given, in the order in which they were raised."""
    wanted: list[ColumnElement[bool]] = []
    if open_only:
        wanted.append(Alert.closed_at.is_(None))
    if shadow is not None:
        wanted.append(Alert.shadow.is_(shadow))
    for column, value in (
        (Alert.signal, signal),
        (Alert.account, account),
        (Alert.severity, severity),
        (Alert.owner, owner),
    ):
        if value is not None:
            wanted.append(column == value)
    return list(session.scalars(select(Alert).where(*wanted).order_by(Alert.number)))


@dataclass(frozen=True)
class Opened:
    """That an alert of a signal opened on an account, and how many accounts had one of that signal in the same time."""

    number: int
    signal: str
    opened_at: datetime
    accounts: int


def opened_between(session: Session, account: str, first: datetime, last: datetime) -> list[Opened]:
    """The alerts on an account, told to people, that opened from `first` to `last`, in the order they were raised."""
    inside = (Alert.shadow.is_(False), Alert.opened_at >= first, Alert.opened_at <= last)
    own = select(Alert.number, Alert.signal, Alert.opened_at).where(Alert.account == account, *inside)
    rows = session.execute(own.order_by(Alert.number)).all()
    named = sorted({signal for _, signal, _ in rows})
    having = select(Alert.signal, func.count(Alert.account.distinct())).where(Alert.signal.in_(named), *inside)
    counts = {signal: int(count) for signal, count in session.execute(having.group_by(Alert.signal)).all()}
    return [Opened(number, signal, opened_at, counts[signal]) for number, signal, opened_at in rows]


def alert_of(session: Session, name: str) -> Alert | None:
    """The alert of a public id (`A-1042`), or None."""
    number = alert_number(name)
    return None if number is None else session.get(Alert, number)


def open_alerts(session: Session, signals: Iterable[str]) -> dict[str, dict[Key, Alert]]:
    """The open episodes of some signals, by signal and subject."""
    found: dict[str, dict[Key, Alert]] = {name: {} for name in signals}
    for alert in session.scalars(select(Alert).where(Alert.closed_at.is_(None), Alert.signal.in_(list(found)))):
        found[alert.signal][alert.account, alert.scope] = alert
    return found


def newest_closed(session: Session, signal: str, keys: Iterable[Key]) -> dict[Key, int]:
    """The number of the newest closed episode of each subject that has one: what a new one reopens."""
    found: dict[Key, int] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), 200):  # two bound values each, far below SQLite's limit
        some = wanted[start : start + 200]
        rows = session.execute(
            select(Alert.account, Alert.scope, func.max(Alert.number))
            .where(
                Alert.signal == signal,
                Alert.closed_at.is_not(None),
                or_(*(and_(Alert.account == account, Alert.scope == scope) for account, scope in some)),
            )
            .group_by(Alert.account, Alert.scope)
        )
        found.update({(account, scope): number for account, scope, number in rows})
    return found


def log(
    session: Session, alert: int, at: datetime, actor: str, act: str, details: Mapping[str, Any] | None = None
) -> None:
    """Adds one line to an alert's log."""
    session.add(AlertLog(alert=alert, at=at, actor=actor, act=act, details=dict(details or {})))


def log_of(session: Session, alert: int) -> list[AlertLog]:
    """All that happened to an alert, oldest first."""
    return list(session.scalars(select(AlertLog).where(AlertLog.alert == alert).order_by(AlertLog.number)))


def tracks_of(session: Session, signals: Iterable[str]) -> dict[str, dict[Key, Track]]:
    """The kept tracks of some signals, by signal and subject."""
    found: dict[str, dict[Key, Track]] = {name: {} for name in signals}
    for track in session.scalars(select(Track).where(Track.signal.in_(list(found)))):
        found[track.signal][track.account, track.scope] = track
    return found


def disarm(session: Session, signal: str, key: Key) -> None:
    """A person closed it: the signal must be clear at this subject before it opens again."""
    session.merge(Track(signal=signal, account=key[0], scope=key[1], held=0, calm=0, armed=False))


def forget_tracks(session: Session, signal: str) -> None:
    """Forgets where the subjects of a signal stood."""
    session.execute(delete(Track).where(Track.signal == signal))


def watches(session: Session) -> dict[str, Watch]:
    """The signals being judged, by name."""
    return {watch.signal: watch for watch in session.scalars(select(Watch))}


def closes_between(session: Session, after: datetime | None, until: datetime | None) -> list[Close]:
    """Judged closes with `after` < end <= `until`, by end and signal."""
    wanted = []
    if after is not None:
        wanted.append(Close.end_at > after)
    if until is not None:
        wanted.append(Close.end_at <= until)
    return list(session.scalars(select(Close).where(*wanted).order_by(Close.end_at, Close.signal)))


def thresholds_of(session: Session, digests: Mapping[str, str]) -> dict[str, Kept]:
    """The thresholds kept with the closes of signals (name to digest of the definition), by signal, clause and end."""
    found: dict[str, dict[str, dict[datetime, float]]] = {}
    wanted = select(Close).where(Close.signal.in_(digests), Close.thresholds.is_not(None))
    for close in session.scalars(wanted):
        if close.digest == digests[close.signal]:
            for clause, threshold in (close.thresholds or {}).items():
                found.setdefault(close.signal, {}).setdefault(clause, {})[close.end_at] = float(threshold)
    return dict(found)


def record_of(session: Session, signal: str) -> Record | None:
    """The newest backtest's record of a signal, or None."""
    return session.get(Record, signal)


def put_record(session: Session, signal: str, digest: str, as_of: datetime, record: Mapping[str, Any]) -> None:
    """Keeps the record of a signal in place of the one before."""
    session.merge(Record(signal=signal, digest=digest, as_of_at=as_of, record=dict(record)))
