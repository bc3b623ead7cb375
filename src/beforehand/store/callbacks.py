"""What came back, kept once by its key; and what was refused, counted by the hour so that nobody can fill the disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from beforehand.store.acting import Act, Callback, Run

BUTTON, UNSUBSCRIBED, REPLY, REFUSED = "button", "unsubscribed", "reply", "refused"
KINDS = (BUTTON, UNSUBSCRIBED, REPLY, REFUSED)
LONGEST_KEY = 200


def seen(session: Session, key: str) -> Callback | None:
    """What came back under a key before; None where nothing did."""
    return session.get(Callback, key[:LONGEST_KEY])


def keep(session: Session, key: str, at: datetime, kind: str, actor: str, details: Mapping[str, Any]) -> Callback:
    """Keeps that something came back, in the transaction of what it does."""
    row = Callback(key=key[:LONGEST_KEY], at=at, kind=kind, actor=actor, details=dict(details))
    session.add(row)
    session.flush()
    return row


def count_refused(session: Session, where: str, reason: str, times: int, at: datetime) -> None:
    """Adds to how often something was refused at one place for one reason in the hour of `at`."""
    hour = at.astimezone(UTC).strftime("%Y-%m-%dT%H")
    key = f"{REFUSED}:{where}:{reason}:{hour}"
    row = session.get(Callback, key)
    if row is None:
        keep(session, key, at, REFUSED, "", {"via": where, "reason": reason, "times": times})
    else:
        row.details = {**row.details, "times": row.details["times"] + times}
        row.at = at


def find_callbacks(session: Session, *, kinds: Collection[str] = (), most: int = 200) -> list[Callback]:
    """What came back, the newest first."""
    wanted = select(Callback).order_by(Callback.at.desc(), Callback.key).limit(most)
    return list(session.scalars(wanted.where(Callback.kind.in_(kinds)) if kinds else wanted))


def run_of_message(session: Session, ref: str) -> Run | None:
    """The run that sent the message to a customer that the mail server knows as `ref` (a Message-ID)."""
    wanted = select(Run).join(Act, Act.run == Run.number).where(Act.ref == ref, Act.outward)
    return session.scalars(wanted.limit(1)).first()
