"""What the stages decide, written: notifications, the acts that hand them over, what is held back, and clocks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand import store
from beforehand.alerts import State
from beforehand.channels import Message
from beforehand.commands.gathering import OVERRAN, Gathered, chain_of
from beforehand.commands.handing import put_message
from beforehand.commands.tell_message import joined, message_of
from beforehand.commands.told_before import open_act, payload_of, withdraw
from beforehand.routing import clocks
from beforehand.routing.batch import Batch, Held, Telling
from beforehand.routing.clocks import Ticking
from beforehand.routing.sending import rhythm_of
from beforehand.store import Act, Clock, HeldBack, Notification, telling

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.workspace import Folder

ASKED_AGAIN = timedelta(hours=1)
STARTS = ("first", "handed over", "since")
"""The news from which on an alert has a clock."""


def write_telling(
    session: Session,
    folder: Folder,
    gathered: Gathered,
    one: Telling,
    stories: Mapping[int, dict[str, Any]],
    held: Sequence[Held],
    at: datetime,
) -> None:
    """Writes a notification, and the act that hands it over; what still waits to be handed over is changed instead."""
    version = telling.newest_version(session, one.thread, one.person) + 1
    lead = one.news[0]
    row = Notification(
        at=at,
        person=one.person,
        kind=one.kind,
        thread=one.thread,
        version=version,
        route=lead.route,
        reason=lead.why,
        account=one.account,
        alerts=[due.item.number for due in one.news],
        said={str(due.item.number): [due.item.severity, due.news] for due in one.news},
    )
    session.add(row)
    session.flush()
    for due in one.news:
        details = {"person": one.person, "kind": due.news, "route": due.route}
        store.log(session, due.item.number, at, "routing", "told", details)
    if one.silent:
        if one.replaces is not None:
            withdraw(session, one.replaces, at)
        return
    channel, called = gathered.ways[one.person]
    before = _sent_before(session, one)
    if one.kind == "since" and before is not None:
        message = joined(before, one, gathered.alerts, folder, at)
        waiting = open_act(session, str(one.replaces), at)
        if waiting is not None:
            waiting.payload = message.as_json()
            return
    else:
        names = {account: name for account, of in gathered.traits.items() if (name := of.get("name"))}
        known = payload_of(session, lead.item.number, one.person) if lead.item.number not in stories else None
        message = message_of(folder, one, gathered.alerts, stories, at, held=held, names=names, before=known)
    put_message(
        session, folder.settings.channels, message, key=f"notification:{row.number}:{version}:{channel}",
        channel=channel, recipient=called, now=at, due_at=max(one.at or at, at), notification=row.number,
    )  # fmt: skip


def _sent_before(session: Session, one: Telling) -> Message | None:
    """The message that something joins, as it is shown now: what took its place counts."""
    if one.replaces is None:
        return None
    act = session.scalar(select(Act).where(Act.key == one.replaces))
    if act is not None and act.ref is not None:
        act = session.scalars(select(Act).where(Act.ref == act.ref).order_by(Act.number.desc()).limit(1)).first()
    return None if act is None else Message.from_json(act.payload)


def write_held(session: Session, held: Sequence[Held], at: datetime) -> None:
    """Brings the list of what waits up to date: new rows, and an end for those that wait no longer.

    What waits for a digest keeps the one it was promised: the next one is another at each look.
    """
    wanted = {(one.person, one.alert, one.stage): one for one in held}
    for row in telling.held_back(session):
        one = wanted.pop((row.person, row.alert, row.stage), None)
        if one is None:
            row.released_at = at
            continue
        promised = [until for until in (row.until, one.until) if until is not None]
        row.reason, row.until = one.why, min(promised, default=None) if row.stage == "digest" else one.until
    session.add_all(
        HeldBack(at=at, person=one.person, stage=one.stage, reason=one.why, alert=one.alert, until=one.until)
        for one in wanted.values()
    )


def release(session: Session, told: Collection[tuple[int, str]], at: datetime) -> None:
    """Ends the waiting of what was told outside of a run; all else stays as the last run left it."""
    for row in telling.held_back(session):
        if row.person is not None and (row.alert, row.person) in told:
            row.released_at = at


def write_clocks(session: Session, gathered: Gathered, after: Batch, at: datetime) -> None:
    """Starts the clocks of alerts that are told to their first hearer, and moves those that were looked at.

    What its route, or how little it weighs, leaves to a digest has no clock: nobody is asked to answer it.
    """
    team = gathered.holders.team
    said = {(due.item.number, one.person) for one in after.tellings for due in one.news}
    begun: dict[int, Ticking] = {}
    for number, clock in gathered.ticked.items():
        wanted = gathered.poked.get(number, frozenset())
        if not wanted or any((number, person) in said for person in wanted):
            begun[number] = clock
        else:
            _put_off(session, number, wanted, after.held, at)
    for one in after.tellings:
        for due in one.news:
            first = next(iter(gathered.hearers.get(due.item.number, ())), None)
            fresh = due.news in STARTS and first is not None and first.person == one.person
            if fresh and first is not None and one.person in team.people and not due.item.closed:
                if rhythm_of(first.terms.digest, due.item.severity, due.item.polarity) is not None:
                    continue
                fresh_clock = clocks.start(team, first.terms, one.person, at)
                if fresh_clock is not None:
                    begun[due.item.number] = fresh_clock
    for number, clock in begun.items():
        alert, heard = gathered.alerts[number], gathered.hearers[number][0]
        after_them = chain_of(heard, gathered.holders, alert, gathered.traits, clock.person)
        acknowledged = alert.state == State.ACKNOWLEDGED.value
        session.merge(
            Clock(
                alert=number,
                person=clock.person,
                started_at=clock.started_at,
                acknowledge_by=clock.acknowledge_by,
                resolve_by=clock.resolve_by,
                level=clock.level + OVERRAN * clock.overran,
                reminded=clock.reminded,
                due_at=clocks.next_look(team, heard.terms, clock, after_them, acknowledged=acknowledged),
            )
        )


def _put_off(session: Session, number: int, wanted: Collection[str], held: Sequence[Held], at: datetime) -> None:
    """What a clock asked for and nobody was told is asked for again: when what kept it back ends, or in an hour."""
    clock = session.get(Clock, number)
    if clock is not None:
        ends = [one.until for one in held if one.alert == number and one.person in wanted and one.until is not None]
        clock.due_at = min(ends, default=at + ASKED_AGAIN)
