"""What persons see of alerts and do with them. Works on the state alone: the facts stay closed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from beforehand import store
from beforehand.alerts import SEVERITIES, Reason, Standing, State, acknowledge
from beforehand.alerts import resolve as closed
from beforehand.alerts import snooze as asleep
from beforehand.calendar import to_us
from beforehand.commands.closes import close_alert
from beforehand.commands.edits import edit_told
from beforehand.commands.stories import shape_of
from beforehand.errors import InputError, among, nearest
from beforehand.store import Alert, LastRun
from beforehand.workspace.durations import read_duration

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

SHORT = re.compile(r"^\s*(\d{1,6})\s*([mhdw])\s*$", re.IGNORECASE)
SHORT_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
FAR = timedelta(days=1)
"""A run given a time further than this from the clock is in a time of its own, not a late cron job."""


def alerts(
    ws: Workspace,
    *,
    open_only: bool = False,
    signal: str | None = None,
    account: str | None = None,
    severity: str | None = None,
    owner: str | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Alerts, open ones first, then by severity, the newest first; those of signals in shadow apart.

    `held` says how many more, of all signals, incidents hold.

    Raises InputError for a severity or signal that does not exist. An account without alerts has none.
    """
    if severity is not None and severity not in SEVERITIES:
        raise InputError(f"{severity!r} is not a severity.", among(severity, SEVERITIES), code="unknown-severity")
    with ws.state() as state, state.read() as session:
        if signal is not None:
            _known_signal(ws, session, signal)
        at = present(session, now)
        found = store.find_alerts(
            session, open_only=open_only, signal=signal, account=account, severity=severity, owner=owner
        )
        rows = [as_row(alert, at) for alert in sorted(found, key=_urgency)]
        held = sum(not h.shadow for h in store.held_of(session))
    return {
        "now": at,
        "alerts": [row for row, shadow in rows if not shadow],
        "shadow": [row for row, shadow in rows if shadow],
        "held": held,
    }


def ack(ws: Workspace, names: Sequence[str], *, note: str = "", now: datetime | None = None) -> dict[str, Any]:
    """Says that somebody has taken alerts on; the actor of the workspace is written beside it."""

    return _each(ws, names, lambda s, alert, at: ack_in(s, alert, at, ws.actor, note), now)


def snooze(
    ws: Workspace,
    names: Sequence[str],
    *,
    until: datetime | None = None,
    span: timedelta | None = None,
    note: str = "",
    now: datetime | None = None,
) -> dict[str, Any]:
    """Quiets alerts until a time, or for a span from now; exactly one of the two."""
    if (until is None) == (span is None):
        raise InputError("A snooze has an end.", "Give --until TIME or --for SPAN, for example --for 7d.", "snooze-end")

    def act(session: Session, alert: Alert, at: datetime) -> str:
        try:
            ends = until or at + (span or timedelta())
        except OverflowError:
            raise InputError("That snooze would end after the last day there is.", code="snooze-end") from None
        return snooze_in(session, alert, at, ws.actor, ends, note)

    return _each(ws, names, act, now)


def resolve(
    ws: Workspace, names: Sequence[str], *, reason: str = "resolved", note: str = "", now: datetime | None = None
) -> dict[str, Any]:
    """Closes alerts by a person; each signal must be clear once at that subject before it opens there again."""

    return _each(ws, names, lambda s, alert, at: resolve_in(s, alert, at, ws.actor, reason, note), now)


def ack_in(session: Session, alert: Alert, at: datetime, actor: str, note: str = "") -> str:
    """Acknowledges an alert in the caller's transaction; returns what was done, as a message about it says."""
    _put(alert, acknowledge(standing_of(alert, at), alert.name))
    store.log(session, alert.number, at, actor, "acknowledged", {"note": note} if note else {})
    return f"Acknowledged by {actor}"


def snooze_in(session: Session, alert: Alert, at: datetime, actor: str, ends: datetime, note: str = "") -> str:
    """Quiets an alert in the caller's transaction; returns what was done."""
    _put(alert, asleep(standing_of(alert, at), alert.name, at, ends))
    details = {"until": ends.astimezone(UTC).isoformat(), **({"note": note} if note else {})}
    store.log(session, alert.number, at, actor, "snoozed", details)
    return f"Snoozed by {actor} until {ends.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def resolve_in(session: Session, alert: Alert, at: datetime, actor: str, reason: str, note: str = "") -> str:
    """Closes an alert in the caller's transaction; returns what was done."""
    after = closed(standing_of(alert, at), alert.name, reason)
    found = after.close_reason or Reason.RESOLVED
    close_alert(session, alert, found, at, at, actor, note)
    store.disarm(session, alert.signal, (alert.account, alert.scope))
    return f"Closed by {actor}: {found}"


def present(session: Session, now: datetime | None = None) -> datetime:
    """The time acts happen at: what is given, else the clock; in a workspace that was run in a time of its own
    (`run --now` far from the clock, as on history or a simulation), the time of its last run."""
    if now is not None:
        return now
    last = store.last_run(session)
    return last.now_at if last is not None and last.given else datetime.now(UTC)


def remembered(now: datetime, given: bool) -> LastRun:
    """A run as it is remembered: whether the workspace now lives in a time of its own."""
    return LastRun(now, given and abs(datetime.now(UTC) - now) > FAR)


def read_span(text: str) -> timedelta:
    """A span as people type it: `7d`, `12h`, `2w`, `3 days`. InputError for anything else, and for none."""
    short = SHORT.match(text)
    try:
        span = read_duration(f"{short[1]} {SHORT_UNITS[short[2].lower()]}" if short else text)
    except ValueError:
        span = timedelta()
    if span <= timedelta():
        raise InputError(f"{text!r} is not a span of time.", "Write for example 7d, 12h, 2w or `3 days`.", "bad-span")
    return span


def as_row(alert: Alert, now: datetime) -> tuple[dict[str, Any], bool]:
    """An alert as CONTRACT has it, and whether it is in shadow."""
    standing = standing_of(alert, now)
    return {
        "alert": alert.name,
        "account": alert.account,
        "signal": alert.signal,
        "scope": alert.scope,
        "severity": alert.severity,
        "state": standing.state.value,
        "opened_at": alert.opened_at,
        "since": alert.since,
        "headline": alert.headline,
        "owner": alert.owner,
        "reopens": None if alert.reopens is None else store.alert_name(alert.reopens),
        "incident": alert.incident,
        "backlog": alert.backlog,
        "raised_at": alert.raised_at,
        "judged_at": alert.judged_at,
        "snoozed_until": standing.snoozed_until_at,
        "closed_at": alert.closed_at,
        "close_reason": alert.close_reason,
        "polarity": alert.evidence.get("polarity", "risk"),
        "worth": alert.evidence.get("worth", ""),
        "shape": shape_of(alert.evidence, alert.receipts, to_us(now)),
    }, alert.shadow


def named(session: Session, name: str) -> Alert:
    """The alert a person means; InputError with the nearest where there is none."""
    alert = store.alert_of(session, name)
    if alert is not None:
        return alert
    of_account = store.find_alerts(session, account=name, open_only=True)
    if of_account:
        shown = ", ".join(f"{a.name} ({a.signal})" for a in of_account[:8])
        raise InputError(f"{name} is an account, not an alert.", f"Its open alerts: {shown}.", code="unknown-alert")
    numbers = list(session.scalars(select(Alert.number).where(Alert.closed_at.is_(None)).order_by(Alert.number.desc())))
    names = [store.alert_name(number) for number in numbers[:2000]]
    near = nearest(name, names)
    hint = f"Did you mean {near}? " if near else ""
    hint += "`beforehand alerts` lists them." if names else "No alert is open."
    raise InputError(f"There is no alert {name!r}.", hint, code="unknown-alert")


def _each(
    ws: Workspace, names: Sequence[str], act: Callable[[Session, Alert, datetime], str], now: datetime | None
) -> dict[str, Any]:
    """Does it to all the alerts named, or, where one is wrong, to none; messages that told of them say so."""
    with ws.state() as state:
        with state.write() as session:
            at = present(session, now)
            done = list({alert.number: alert for alert in (named(session, name) for name in names)}.values())
            for alert in done:
                edit_told(session, ws.settings.channels, alert, act(session, alert, at), at)
        return {"now": at, "alerts": [as_row(alert, at)[0] for alert in done]}


def standing_of(alert: Alert, now: datetime) -> Standing:
    """Where an alert stands at a moment: a snooze that is over is none."""
    reason = None if alert.close_reason is None else Reason(alert.close_reason)
    return Standing(State(alert.state), alert.snoozed_until, reason).at(now)


def _put(alert: Alert, standing: Standing) -> None:
    alert.state = standing.state.value
    alert.snoozed_until = standing.snoozed_until_at


def _urgency(alert: Alert) -> tuple[bool, int, float, int]:
    return (alert.closed_at is not None, SEVERITIES.index(alert.severity), -alert.opened_at.timestamp(), alert.number)


def _known_signal(ws: Workspace, session: Session, name: str) -> None:
    """A signal may be asked for that has raised nothing, or that has been removed and left alerts behind."""
    kept = set(session.scalars(select(Alert.signal).distinct())) | set(store.watches(session))
    if name not in kept:
        known = kept | set(ws.folder.signals)
        if name not in known:
            raise InputError(f"There is no signal {name!r}.", among(name, known), code="unknown-signal")
