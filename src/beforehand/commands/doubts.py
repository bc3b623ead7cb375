"""What is in doubt is told to its owner: nobody can say whether it was sent, and only a person can find out.

Once for each time an act comes to be in doubt, all of one person's in one message. A message that says so and is in
doubt itself is listed only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from beforehand.channels import Block, Facts, Headline, Listing, Message, Words
from beforehand.commands.people import Holders
from beforehand.commands.route import holders_of
from beforehand.commands.taking_over import say
from beforehand.commands.taking_over_message import LISTED
from beforehand.store import Act, Notification, Run, Setting
from beforehand.store.acts import IN_DOUBT
from beforehand.story import words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.store import Store
    from beforehand.workspace import Folder

KIND = "in doubt"
TOLD = "doubts_told"
"""The setting that holds which acts in doubt were told, each with when it came to be."""


def tell_doubts(folder: Folder, state: Store, at: datetime) -> int:
    """Tells the owners of acts in doubt what only they can find out; returns how many messages were written."""
    with state.read() as session:
        if not _untold(session):
            return 0
    with state.write() as session:
        untold = _untold(session)
        holders = holders_of(session, folder, at)
        by_person: dict[str, list[Act]] = {}
        for act in untold:
            person = _owner(session, holders, act)
            if person is not None:
                by_person.setdefault(person, []).append(act)
        for person, acts in by_person.items():
            message = _message(session, acts)
            reason = "what became of it only a person can say: beforehand acts --in-doubt"
            say(session, folder, holders, person, message, kind=KIND, thread=KIND, reason=reason)
        session.merge(Setting(name=TOLD, value=dict(map(_mark, _in_doubt(session)))))
    return len(by_person)


def _in_doubt(session: Session) -> list[Act]:
    return list(session.scalars(select(Act).where(Act.state == IN_DOUBT).order_by(Act.number)))


def _untold(session: Session) -> list[Act]:
    """The acts in doubt that their owners were not told of since they came to be."""
    kept = session.get(Setting, TOLD)
    told = {} if kept is None else kept.value
    return [act for act in _in_doubt(session) if told.get(_mark(act)[0]) != _mark(act)[1]]


def _mark(act: Act) -> tuple[str, str]:
    return str(act.number), act.settled_at.isoformat() if act.settled_at else ""


def _owner(session: Session, holders: Holders, act: Act) -> str | None:
    """Whose it is to find out: the owner of the run, or whoever was to be told; or who stands in for them."""
    run = session.get(Run, act.run) if act.run is not None else None
    notice = session.get(Notification, act.notification) if act.notification is not None else None
    if notice is not None and notice.kind == KIND:
        return None
    called = run.owner if run is not None else notice.person if notice is not None else None
    person = holders.team.named(called) if called else None
    return None if person is None else holders.team.reach(person, holders.at).person


def _message(session: Session, acts: Sequence[Act]) -> Message:
    said = [_said(session, act) for act in acts]
    subject = f"Was it sent? {said[0]}" if len(acts) == 1 else f"Were they sent? {words.counted(len(acts), 'message')}"
    one = acts[0]
    why = (
        "Handing it over was cut off" if len(acts) == 1 else "Handing them over was cut off"
    ) + ", and whether it arrived cannot be told from here. So it is not sent again by itself: nobody gets it twice."
    blocks: list[Block] = [Headline(subject, "medium"), Words(why)]
    if len(acts) == 1:
        handed = f"{one.handed_at:%Y-%m-%d %H:%M} UTC" if one.handed_at else ""
        rows = (("To", one.recipient), ("By", one.channel), ("Handed over", handed), ("Word", one.reason or ""))
        blocks.append(Facts(tuple(row for row in rows if row[1])))
    else:
        more = (f"and {len(acts) - LISTED} more: beforehand acts --in-doubt",) if len(acts) > LISTED else ()
        blocks.append(Listing((*(f"Act {a.number}: {s}" for a, s in zip(acts[:LISTED], said, strict=False)), *more)))
    number = str(one.number) if len(acts) == 1 else "N"
    blocks.append(
        Words(
            "Look whether it is there, or ask. Then say so: "
            f"beforehand acts resolve {number} --sent, or --again to have it handed over again."
        )
    )
    return Message(subject, tuple(blocks), purpose="task")


def _said(session: Session, act: Act) -> str:
    run = session.get(Run, act.run) if act.run is not None else None
    about = f" at {run.account}" if run is not None else ""
    return f"{act.payload.get('subject', act.kind)} (to {act.recipient}{about})"
