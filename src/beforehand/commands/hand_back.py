"""A hand-over taken back: who held the accounts before holds them again, except where they were given on since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from beforehand.channels import Headline, Listing, Message, Words
from beforehand.commands.alerts import present
from beforehand.commands.hand_over import as_row
from beforehand.commands.holdings import every_traits
from beforehand.commands.people import Holders
from beforehand.commands.route import holders_of
from beforehand.commands.taking_over import HANDED, Along, say, take_along
from beforehand.commands.taking_over_message import LISTED
from beforehand.errors import InputError
from beforehand.routing.owning import GIVEN
from beforehand.store import Act, Handover, Holder, Notification
from beforehand.store.acts import DUE, REFUSED
from beforehand.story import words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.commands.workspace import Workspace


def hand_back(ws: Workspace, number: int, now: datetime | None) -> dict[str, Any]:
    """Takes a hand-over back: who held the accounts before holds them again, and what is open there goes along."""
    with ws.facts() as facts, ws.state() as state:
        with state.read() as session:
            at = present(session, now)
            _standing(session, number)
        traits = every_traits(facts, at)
        with state.write() as session:
            row = _standing(session, number)
            back, left = _given_back(session, row)
            row.undone_at = at
            unread = _withdrawn(session, row, at)
            session.flush()
            holders = holders_of(session, ws.folder, at)
            some = {account: traits[account] for account in back if account in traits}
            lead = f"{ws.actor} took back that {row.from_person}'s accounts were handed over to {row.to_person}."
            along = Along()
            if some:
                # Where the new owner was not told yet, nobody needs to hear that it was taken back.
                along = take_along(
                    session, ws.folder, holders, some, at, actor=ws.actor, given={},
                    thread=f"hand-over {row.number} undone", lead=lead, tells=not unread,
                )  # fmt: skip
                if not unread:
                    _tell_taker(session, ws, holders, row, back, lead)
            row.moved = {**row.moved, "undone": along.as_json()}
            return {"now": at, "hand_over": as_row(row), "left": left}


def _standing(session: Session, number: int) -> Handover:
    """A hand-over that can be undone."""
    row: Handover | None = session.get(Handover, number) if abs(number) < 2**31 else None
    if row is None:
        newest = [str(n) for n in session.scalars(select(Handover.number).order_by(Handover.number.desc()).limit(12))]
        there = f"There are: {', '.join(newest)}." if newest else "Nothing was handed over yet."
        raise InputError(f"There is no hand-over {number}.", there, code="unknown-hand-over")
    if row.undone_at is not None:
        said = f"Hand-over {number} was undone on {row.undone_at:%Y-%m-%d %H:%M} UTC."
        hint = f"Hand over anew: beforehand hand-over {row.from_person!r} {row.to_person!r}"
        raise InputError(said, hint, code="hand-over-undone")
    return row


def _given_back(session: Session, row: Handover) -> tuple[list[str], list[str]]:
    """Restores who held each account, where nobody gave it on since; the accounts restored, and those left alone."""
    since = {
        (role, account)
        for moved in session.scalars(
            select(Handover.moved).where(Handover.number > row.number, Handover.undone_at.is_(None))
        )
        for role, account, _ in moved.get("before", ())
    }
    back: list[str] = []
    left: list[str] = []
    for role, account, was in row.moved["before"]:
        held = session.get(Holder, (role, account))
        ours = held is not None and (held.person, held.how, held.at) == (row.to_person, GIVEN, row.at)
        if held is None or not ours or (role, account) in since:
            left.append(account)
            continue
        back.append(account)
        if was is None:
            session.delete(held)
        else:
            held.person, held.how, held.said = was[0], was[1], was[2]
            held.at = datetime.fromisoformat(was[3])
    session.flush()
    return list(dict.fromkeys(back)), list(dict.fromkeys(left))


def _withdrawn(session: Session, row: Handover, at: datetime) -> bool:
    """Takes back the messages that nobody was handed yet; True where that is all of them."""
    numbers = list(row.moved.get("told", {}).values())
    acts = list(session.scalars(select(Act.number).where(Act.notification.in_(numbers)))) if numbers else []
    change = (
        update(Act)
        .where(Act.number.in_(acts), Act.state == DUE, Act.lease_by.is_(None), Act.tries == 0)
        .values(state=REFUSED, reason=f"undone: hand-over {row.number} was taken back", settled_at=at)
    )
    taken = session.execute(change).rowcount if acts else 0  # type: ignore[attr-defined]
    unread = taken == len(acts)
    if unread and numbers:
        # They were told nothing: what they hear of later is new to them.
        session.execute(update(Notification).where(Notification.number.in_(numbers)).values(said={}))
    return unread


def _tell_taker(
    session: Session, ws: Workspace, holders: Holders, row: Handover, back: Sequence[str], lead: str
) -> None:
    """Whoever had heard that accounts are theirs hears that they are not."""
    one = len(back) == 1
    subject = f"{back[0] if one else words.counted(len(back), 'account')} {'is' if one else 'are'} not yours any more"
    shown = (*back[:LISTED], *([f"and {len(back) - LISTED} more"] if len(back) > LISTED else []))
    message = Message(subject, (Headline(subject), Words(lead), Listing(shown)))
    person = holders.team.reach(row.to_person, holders.at).person or row.to_person
    say(
        session, ws.folder, holders, person, message, kind=HANDED, thread=f"hand-over {row.number} undone",
        reason=lead, account=back[0] if one else None,
    )  # fmt: skip
