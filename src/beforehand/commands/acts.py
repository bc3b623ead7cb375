"""`acts`: what was told and done, what is still to be, and settling what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from beforehand.errors import InputError, among
from beforehand.store.acts import IN_DOUBT, REFUSED, STATES, count_acts, find_acts, resolve_doubt

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.store import Act

SHOWN = 500


def acts(
    ws: Workspace,
    *,
    states: Sequence[str] = (),
    channel: str | None = None,
    run: int | None = None,
    most: int = SHOWN,
) -> dict[str, Any]:
    """The newest acts by what is given, and how many there are in each state; see `as_row`."""
    for state in states:
        if state not in STATES:
            raise InputError(f"{state!r} is no state of an act.", among(state, STATES), code="unknown-state")
    with ws.state() as store, store.read() as session:
        found = find_acts(session, states=states, channel=channel, run=run, most=most)
        return {"acts": [as_row(act) for act in found], "counts": count_acts(session)}


def act(ws: Workspace, number: int) -> dict[str, Any]:
    """One act with the whole of what it tells: `payload`, and as plain `text`."""
    from beforehand.channels import Message, plain

    with ws.state() as store, store.read() as session:
        found = _named(session, number)
        text = plain.text(Message.from_json(found.payload)) if "blocks" in found.payload else ""
        return {"act": as_row(found) | {"payload": found.payload, "text": text}}


def resolve_act(ws: Workspace, number: int, sent: bool, now: datetime | None = None) -> dict[str, Any]:
    """A person says what became of an act in doubt (or refused): it was sent, or it is to be handed over again."""
    with ws.state() as store, store.write() as session:
        found = _named(session, number)
        if found.state not in (IN_DOUBT, REFUSED):
            raise InputError(
                f"Act {number} is {found.state}, not in doubt.",
                "Only what is in doubt or was refused is for people to say.",
                code="act-settled",
            )
        resolve_doubt(session, found, now or datetime.now(UTC), sent)
        session.flush()
        return {"act": as_row(found)}


def as_row(act: Act) -> dict[str, Any]:
    """An act as plain data; `reason` begins with its word, `subject` is that of its message, where it has one."""
    return {
        "act": act.number,
        "key": act.key,
        "kind": act.kind,
        "channel": act.channel or None,
        "recipient": act.recipient,
        "outward": act.outward,
        "state": act.state,
        "reason": act.reason,
        "subject": act.payload.get("subject"),
        "made_at": act.made_at,
        "due_at": act.due_at,
        "handed_at": act.handed_at,
        "settled_at": act.settled_at,
        "tries": act.tries,
        "ref": act.ref,
        "run": act.run,
        "step": act.step,
        "notification": act.notification,
    }


def _named(session: Any, number: int) -> Act:
    from beforehand.store import Act

    found: Act | None = session.get(Act, number) if abs(number) < 2**31 else None
    if found is None:
        raise InputError(f"There is no act {number}.", "`beforehand acts` lists them.", code="unknown-act")
    return found
