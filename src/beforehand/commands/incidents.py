"""What persons see of incidents and do with them. Works on the state alone: the facts stay closed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from beforehand import store
from beforehand.commands.alerts import present
from beforehand.commands.held import CLOSING, OPENING, end, release
from beforehand.errors import InputError, among
from beforehand.incidents import SAID
from beforehand.store import Alert, Close, Held, Incident, Would
from beforehand.store.incidents import DROPPED, HELD, OPEN, RELEASED, SETTLED

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

DATA, REAL = "data", "real"


def incidents(ws: Workspace, *, open_only: bool = False, now: datetime | None = None) -> dict[str, Any]:
    """Incidents, those nobody has settled first, then the newest first; each with what it holds.

    Returns `{"now", "incidents": [{"incident", "kind", "what", "state", "how", "since", "until", "found_at", "sure",
    "headline", "numbers", "signals", "held", "released", "dropped", ...}]}`.
    """
    with ws.state() as state, state.read() as session:
        counts = store.counts_of(session)
        found = store.find_incidents(session, open_only=open_only)
        ordered = sorted(found, key=lambda i: (i.state != OPEN, -i.number))
        rows = [as_row(incident, counts.get(incident.number, {})) for incident in ordered]
        return {"now": present(session, now), "incidents": rows}


def show(ws: Workspace, number: int, *, now: datetime | None = None) -> dict[str, Any]:
    """One incident with everything it held, and the closes it made doubtful.

    Adds to its row `"alerts"`, one for each alert that would have opened or closed, and `"closes"`. InputError where
    there is no such incident.
    """
    with ws.state() as state, state.read() as session:
        incident = _named(session, number)
        helds = store.ever_held(session, number)
        row = as_row(incident, store.counts_of(session).get(number, {}))
        row["alerts"] = [_held_row(h) for h in helds if not h.shadow]
        row["shadow"] = [_held_row(h) for h in helds if h.shadow]
        row["closes"] = [
            {"signal": c.signal, "end": c.end_at, "held": c.held, "judged": not c.unjudged}
            for c in store.closes_between(session, None, None)
            if c.incident == number
        ]
        return {"now": present(session, now), "incident": row}


def settle(ws: Workspace, number: int, how: str, *, note: str = "", now: datetime | None = None) -> dict[str, Any]:
    """Says what an incident was: `data`, so that what it held is dropped and the closes it touched count as not
    judged; or `real`, so that what was held, and would still hold, happens after all, each at its own time.

    All in one transaction. What another open incident holds as well stays held by that one. Raises InputError for an
    incident there is none of, one that is settled, or another word.
    """
    if how not in (DATA, REAL):
        raise InputError(
            f"{how!r} is not what an incident can be settled as.", among(how, (DATA, REAL)), "unknown-word"
        )
    with ws.state() as state, state.write() as session:
        at = present(session, now)
        incident = _named(session, number)
        if incident.state != OPEN:
            raise InputError(
                f"Incident {number} is settled already ({incident.how}).",
                "What it held has been decided; if it happens again, a new incident is found.",
                code="incident-settled",
            )
        helds, moved = _own(session, number)
        opened: list[Alert] = []
        closed: list[Alert] = []
        if how == REAL:
            opened, closed = release(session, helds, at, ws.actor)
            _stand(session, number)
        else:
            end(helds, DROPPED, at)
            for close in store.closes_between(session, None, None):
                if close.incident == number:
                    session.get_one(Close, (close.signal, close.grain, close.end_at)).unjudged = True
        store.forget_would(session, incident=number)
        incident.state, incident.how, incident.settled_at = SETTLED, how, at
        incident.settled_by, incident.note = ws.actor, note
        session.flush()
        counts = store.counts_of(session).get(number, {})
        return {
            "now": at,
            "incident": as_row(incident, counts),
            "opened": [alert.name for alert in opened if not alert.shadow],
            "closed": [alert.name for alert in closed if not alert.shadow],
            "dropped": sum(h.state == DROPPED and not h.shadow for h in helds),
            "still_held": moved,
        }


def as_row(incident: Incident, counts: dict[tuple[str, str], int]) -> dict[str, Any]:
    """An incident as plain data, with how much it holds, and has released and dropped."""
    return {
        "incident": incident.number,
        "kind": incident.kind,
        "said": SAID.get(incident.kind, incident.kind),  # type: ignore[call-overload]
        "what": incident.what,
        "state": incident.state,
        "how": incident.how,
        "since": incident.since,
        "until": incident.until,
        "filled_at": incident.filled_at,
        "found_at": incident.found_at,
        "sure": incident.sure,
        "headline": incident.headline,
        "numbers": incident.numbers,
        "source": incident.source,
        "table": incident.tbl,
        "metrics": incident.metrics,
        "signals": incident.signals,
        "held": {act: counts.get((act, HELD), 0) for act in (OPENING, CLOSING)},
        "released": {act: counts.get((act, RELEASED), 0) for act in (OPENING, CLOSING)},
        "dropped": {act: counts.get((act, DROPPED), 0) for act in (OPENING, CLOSING)},
        "settled_at": incident.settled_at,
        "settled_by": incident.settled_by,
        "note": incident.note,
    }


def _held_row(h: Held) -> dict[str, Any]:
    return {
        "account": h.account, "signal": h.signal, "scope": h.scope, "act": h.act, "at": h.end_at, "state": h.state,
        "severity": h.severity, "headline": h.headline, "owner": h.owner,
        "alert": None if h.alert is None else store.alert_name(h.alert),
    }  # fmt: skip


def _own(session: Session, number: int) -> tuple[list[Held], int]:
    """What an incident holds alone; what another open one holds as well goes over to that."""
    still = {incident.number for incident in store.find_incidents(session, open_only=True)} - {number}
    own, moved = [], 0
    for h in store.held_of(session, incident=number):
        heirs = [other for other in h.others if other in still]
        if heirs:
            h.incident, h.others = heirs[0], heirs[1:]
            would = session.get(Would, (h.signal, h.account, h.scope))
            if would is not None:
                would.incident = heirs[0]
            moved += not h.shadow
        else:
            own.append(h)
    session.flush()
    return own, moved


def _stand(session: Session, number: int) -> None:
    """The counts between closes go on from where they would stand."""
    for would in store.would_by(session, number):
        session.merge(
            store.Track(
                signal=would.signal, account=would.account, scope=would.scope,
                held=would.held, calm=would.calm, armed=would.armed,
            )
        )  # fmt: skip


def _named(session: Session, number: int) -> Incident:
    incident = session.get(Incident, number)
    if incident is None:
        known = [str(i.number) for i in store.find_incidents(session)]
        hint = f"There are {', '.join(known[-10:])}." if known else "None has been found."
        raise InputError(f"There is no incident {number}.", hint, code="unknown-incident")
    return incident
