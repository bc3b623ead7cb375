"""What is asked of the state about incidents and what they hold; each takes the session of the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from beforehand.store.models import Held, Incident, Setting, Would
from beforehand.store.queries import Key

DEFINITIONS = "definitions"
OPEN, SETTLED = "open", "settled"
HELD, RELEASED, DROPPED, OVER = "held", "released", "dropped", "over"


def find_incidents(session: Session, *, open_only: bool = False) -> list[Incident]:
    """Incidents in the order in which they were found."""
    wanted = [Incident.state == OPEN] if open_only else []
    return list(session.scalars(select(Incident).where(*wanted).order_by(Incident.number)))


def incidents_of(session: Session, key: str) -> list[Incident]:
    """Everything that ever happened to one thing, the newest first."""
    return list(session.scalars(select(Incident).where(Incident.key == key).order_by(Incident.number.desc())))


def held_of(session: Session, *, signal: str | None = None, incident: int | None = None) -> list[Held]:
    """What is being held, of a signal or by an incident."""
    wanted = [Held.state == HELD]
    if signal is not None:
        wanted.append(Held.signal == signal)
    if incident is not None:
        wanted.append(Held.incident == incident)
    return list(session.scalars(select(Held).where(*wanted).order_by(Held.number)))


def ever_held(session: Session, incident: int) -> list[Held]:
    """All that an incident held, also what has been released or dropped."""
    return list(session.scalars(select(Held).where(Held.incident == incident).order_by(Held.number)))


def counts_of(session: Session) -> dict[int, dict[tuple[str, str], int]]:
    """How many of each (act, state) each incident held; what is in shadow is not counted."""
    found: dict[int, dict[tuple[str, str], int]] = {}
    rows = session.execute(
        select(Held.incident, Held.act, Held.state, func.count())
        .where(Held.shadow.is_(False))
        .group_by(Held.incident, Held.act, Held.state)
    )
    for incident, act, state, count in rows:
        found.setdefault(incident, {})[act, state] = count
    return found


def would_of(session: Session, signal: str) -> dict[Key, Would]:
    """Where subjects of a signal would stand, by subject."""
    return {(w.account, w.scope): w for w in session.scalars(select(Would).where(Would.signal == signal))}


def would_by(session: Session, incident: int) -> list[Would]:
    """Where subjects would stand because of an incident."""
    return list(session.scalars(select(Would).where(Would.incident == incident)))


def forget_would(session: Session, *, signal: str | None = None, incident: int | None = None) -> None:
    """Forgets where the subjects of a signal, or those an incident touched, would stand."""
    if signal is not None:
        session.execute(delete(Would).where(Would.signal == signal))
    if incident is not None:
        session.execute(delete(Would).where(Would.incident == incident))


def definitions(session: Session) -> Mapping[str, Mapping[str, Any]] | None:
    """What metrics meant at the last run, by name; None before the first."""
    kept = session.get(Setting, DEFINITIONS)
    return None if kept is None else kept.value


def put_definitions(session: Session, meant: Mapping[str, Mapping[str, Any]]) -> None:
    """Remembers what metrics mean."""
    session.merge(Setting(name=DEFINITIONS, value={name: dict(spec) for name, spec in meant.items()}))
