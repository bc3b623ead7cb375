"""What was told before: how each alert was last told to each, what of an account lately, and what can be changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from beforehand.routing.batch import FREE, SEVERITIES, Lately, Said, Sent
from beforehand.routing.stages import ACCOUNT
from beforehand.store import Act, Alert, Notification
from beforehand.store.acts import DUE, REFUSED, SENT

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Refusal:
    """A message that its channel refused: which channel, what it said, and what the message was."""

    channel: str
    reason: str
    kind: str


@dataclass
class Before:
    """What was told before, by (alert, person), and to whom each alert was told.

    What a channel refused was not told: it is in `refused`, the oldest first; after what was handed over it is empty.
    """

    said: dict[tuple[int, str], Said] = field(default_factory=dict)
    told_to: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    refused: dict[tuple[int, str], list[Refusal]] = field(default_factory=lambda: defaultdict(list))


def said_before(session: Session) -> Before:
    """What was told before to whom, and what was refused."""
    found = Before()
    rows = session.execute(
        select(Notification.person, Notification.said, Act.state, Act.reason, Act.channel)
        .outerjoin(Act, Act.notification == Notification.number)
        .order_by(Notification.number)
    )
    for person, said, state, reason, channel in rows:
        for written, (severity, kind) in said.items():
            key = (int(written), person)
            if state == REFUSED and not (reason or "").startswith(WITHDRAWN):
                found.refused[key].append(Refusal(channel, reason or "refused", kind))
                continue
            found.refused.pop(key, None)
            found.said[key] = Said(severity, kind)
            found.told_to[key[0]].add(person)
    return found


def tried_last(session: Session, people: Collection[str]) -> dict[str, set[str]]:
    """The channels whose newest message to somebody was refused: others are tried before them."""
    rows = session.execute(
        select(Notification.person, Act.channel, Act.state, Act.reason)
        .join(Act, Act.notification == Notification.number)
        .where(Act.state.in_((REFUSED, SENT)), Notification.person.in_(people))
        .order_by(Act.number)
    )
    newest = {(person, channel): (state, reason) for person, channel, state, reason in rows}
    found: dict[str, set[str]] = defaultdict(set)
    for (person, channel), (state, reason) in newest.items():
        if state == REFUSED and not (reason or "").startswith(WITHDRAWN):
            found[person].add(channel)
    return found


def lately(session: Session, alerts: Collection[int], since: datetime) -> dict[tuple[str, str, str], Lately]:
    """The worst each was told of (account, polarity, person) in messages of their own: since then, or open still.

    `alerts` are those that are open.
    """
    rows = session.execute(
        select(Notification.at, Notification.person, Notification.said)
        .outerjoin(Act, Act.notification == Notification.number)
        .where(or_(Act.number.is_(None), Act.state != REFUSED))
        .where(Notification.kind.not_in(FREE), or_(Notification.at >= since, _about_open(session)))
        .order_by(Notification.number)
    ).all()
    numbers = {int(number) for _, _, said in rows for number in said}
    places = _places(session, numbers)
    found: dict[tuple[str, str, str], Lately] = {}
    for at, person, said in rows:
        for written, (severity, _) in said.items():
            number = int(written)
            if number not in places or (at < since and number not in alerts):
                continue
            account, polarity = places[number]
            key = (account, polarity, person)
            worst = min(severity, found[key].severity if key in found else severity, key=SEVERITIES.index)
            found[key] = Lately(worst, at)
    return found


def _about_open(session: Session) -> Any:
    """Only what is about accounts with an open alert: the rest cannot matter, however long it is ago."""
    accounts = select(Alert.account).where(Alert.closed_at.is_(None))
    return or_(Notification.account.is_(None), Notification.account.in_(accounts))


def _places(session: Session, numbers: Collection[int]) -> dict[int, tuple[str, str]]:
    rows = session.execute(select(Alert.number, Alert.account, Alert.evidence).where(Alert.number.in_(numbers)))
    return {number: (account, str(evidence.get("polarity", "risk"))) for number, account, evidence in rows}


def last_of(
    session: Session, editable: Collection[str], accounts: Collection[str], at: datetime
) -> dict[tuple[str, str], Sent]:
    """The newest message about each account to each person, where it can be changed still.

    It can while it waits to be handed over, and later where its channel edits what was sent (`editable` people).
    """
    rows = session.execute(
        select(Notification.thread, Notification.person, Notification.kind, Notification.alerts, Act)
        .outerjoin(Act, Act.notification == Notification.number)
        .where(Notification.thread.in_([f"{ACCOUNT}{account}" for account in accounts]))
        .order_by(Notification.number)
    )
    acts: dict[tuple[str, str], Act] = {}
    told: dict[tuple[str, str], tuple[int, ...]] = {}
    for thread, person, kind, alerts, act in rows:
        key = (thread, person)
        if kind == "cleared":
            if act is not None:
                acts.pop(key, None)  # it says that all is over: what comes next is a message of its own
        elif kind == "since":
            told[key] = (*told.get(key, ()), *alerts)
            if act is not None:
                acts[key] = act
        elif act is not None:
            acts[key], told[key] = act, tuple(alerts)
    found: dict[tuple[str, str], Sent] = {}
    for key, act in acts.items():
        if waits(act, at):
            found[key] = Sent(act.key, told[key], waiting=True)
        elif key[1] in editable and act.state != REFUSED:
            found[key] = Sent(act.key, told[key])
    return found


def waits(act: Act, at: datetime) -> bool:
    """Whether a message is not handed over yet, nor about to be."""
    return act.state == DUE and act.tries == 0 and act.due_at > at and act.lease_by is None


def open_act(session: Session, key: str, at: datetime) -> Act | None:
    """The act of a message that waits, held until the transaction ends; None where a worker was faster."""
    act = session.scalar(
        select(Act).where(Act.key == key).with_for_update(), execution_options={"populate_existing": True}
    )
    return act if act is not None and waits(act, at) else None


def withdraw(session: Session, key: str, at: datetime) -> bool:
    """Takes a message back that waits and tells of nothing that is still so."""
    act = open_act(session, key, at)
    if act is None:
        return False
    act.state, act.reason, act.settled_at = REFUSED, f"{WITHDRAWN}: what it told was over before it was due", at
    return True


def payload_of(session: Session, alert: int, person: str | None = None) -> Mapping[str, Any] | None:
    """The newest message that told of an alert first of all and by itself, to somebody or to anybody; None without."""
    rows = session.execute(
        select(Act.payload, Notification.alerts, Notification.person)
        .join(Act, Act.notification == Notification.number)
        .join(Alert, Alert.account == Notification.account)
        .where(Alert.number == alert, Notification.kind.not_in(FREE))
        .order_by(Notification.number.desc())
    ).all()
    mine = [row for row in rows if row.alerts and row.alerts[0] == alert]
    chosen = next((row for row in mine if row.person == person), next(iter(mine), None))
    return None if chosen is None else chosen.payload
