"""What is asked of the state about who hears, and written to it; each takes the caller's session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from beforehand.store.acting import AccountTraits, Clock, HeldBack, Holder, Notification
from beforehand.store.models import Alert

SHARED = "shared"


def holders(session: Session) -> dict[tuple[str, str], Holder]:
    """Whom accounts were given to, by (role, account)."""
    return {(row.role, row.account): row for row in session.scalars(select(Holder))}


def put_shared(session: Session, given: Mapping[tuple[str, str], str], at: datetime) -> None:
    """Keeps whom accounts are shared to."""
    for (role, account), person in given.items():
        session.merge(Holder(role=role, account=account, person=person, how=SHARED, said=None, at=at))


def notifications_of(session: Session, alerts: Iterable[int]) -> list[Notification]:
    """What was ever told about some alerts, in the order it was told."""
    wanted = set(alerts)
    found = session.scalars(select(Notification).order_by(Notification.number))
    return [row for row in found if wanted.intersection(row.alerts)]


def spent(session: Session, person: str, since: datetime, until: datetime) -> int:
    """How many messages of a budget somebody got in a span: what changes a message and digests are free."""
    counted = select(func.count()).select_from(Notification).where(
        Notification.person == person, Notification.at >= since, Notification.at < until,
        Notification.kind.not_in(("cleared", "digest", "since")),
    )  # fmt: skip
    return int(session.scalar(counted) or 0)


def held_back(session: Session, *, person: str | None = None, standing: bool = True) -> list[HeldBack]:
    """What was not told, the newest first; `standing`: only what still is not."""
    chosen = select(HeldBack).order_by(HeldBack.number.desc())
    if person is not None:
        chosen = chosen.where(HeldBack.person == person)
    if standing:
        chosen = chosen.where(HeldBack.released_at.is_(None))
    return list(session.scalars(chosen))


def clocks(session: Session) -> dict[int, Clock]:
    """The clock of each alert that has one."""
    return {row.alert: row for row in session.scalars(select(Clock))}


def versions(session: Session) -> Counter[tuple[str, str]]:
    """How often was told in each thread to each person."""
    rows = session.execute(
        select(Notification.thread, Notification.person, func.max(Notification.version)).group_by(
            Notification.thread, Notification.person
        )
    )
    return Counter({(thread, person): int(version) for thread, person, version in rows})


def notifications(session: Session, *, person: str | None = None, most: int = 200) -> list[Notification]:
    """What was told, the newest first."""
    chosen: Any = select(Notification).order_by(Notification.number.desc()).limit(most)
    return list(session.scalars(chosen if person is None else chosen.where(Notification.person == person)))


def digests_due(session: Session, at: datetime) -> set[str]:
    """Whose digest is due: something has waited for it until now."""
    waits = select(HeldBack.person).join(Alert, Alert.number == HeldBack.alert).where(
        HeldBack.stage == "digest", HeldBack.released_at.is_(None), HeldBack.until <= at, Alert.closed_at.is_(None),
    )  # fmt: skip
    return {person for person in session.scalars(waits) if person is not None}


def put_traits(session: Session, traits: Mapping[str, Mapping[str, str]], at: datetime) -> None:
    """Keeps the traits of these accounts, as routes ask of them, and of no others."""
    for row in session.scalars(select(AccountTraits)):
        if row.account not in traits:
            session.delete(row)
    for account, known in traits.items():
        session.merge(AccountTraits(account=account, traits=dict(known), at=at))


def traits_kept(session: Session) -> dict[str, dict[str, str]]:
    """The traits of accounts as they were at the last run."""
    return {row.account: row.traits for row in session.scalars(select(AccountTraits))}


def newest_version(session: Session, thread: str, person: str) -> int:
    """How often was told in a thread to a person."""
    wanted = select(func.max(Notification.version)).where(Notification.thread == thread, Notification.person == person)
    return int(session.scalar(wanted) or 0)
