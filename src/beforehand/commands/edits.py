"""What was told is edited when things change, where the channel can do that (Slack, as an app).

An edit is an act like any other. It is made of the message as it was told and of how things stand now, so that edits
may be handed over again, or one be left out, and what is shown is right.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from beforehand.alerts import State
from beforehand.channels import Block, Button, Message, Words
from beforehand.commands.handing import REPLACES, put_message
from beforehand.store import Act, Notification
from beforehand.store.acts import SENT
from beforehand.workspace.channel_spec import ChannelSpec, SlackSpec

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.store import Alert

SLACK = "slack"
ACKNOWLEDGE, SNOOZE, NOT_USEFUL, START, APPROVE, REJECT = (
    "acknowledge", "snooze", "not-useful", "start-playbook", "approve", "reject",
)  # fmt: skip
"""What buttons do; Slack sends these words back."""


def edit_told(
    session: Session, channels: Mapping[str, ChannelSpec], alert: Alert, said: str, at: datetime,
    gone: Collection[str] = (),
) -> int:  # fmt: skip
    """Edits the messages that told of an alert alone: `said` under them, and no button that makes no sense any more.

    `gone`: other buttons that are left out. Returns how many edits were written.
    """
    if not _editable(channels):
        return 0
    told = (
        select(Act)
        .join(Notification, Notification.number == Act.notification)
        .where(Notification.account == alert.account, Act.kind == SLACK, Act.state == SENT, Act.ref.is_not(None))
        .order_by(Act.number)
    )
    # What took the place of another has its ref: the newest is what is shown.
    shown = {act.ref: act for act in session.scalars(told)}
    about = [act for act in shown.values() if act.payload.get("meta", {}).get("alert") == alert.name]
    left_out = {*gone, *_senseless(alert)}
    return sum(_edit(session, channels, act, said, at, left_out) for act in about)


def edit_asked(
    session: Session, channels: Mapping[str, ChannelSpec], run: int, step: str, said: str, at: datetime
) -> int:
    """Edits the messages that asked for an approval: `said` under them, and no buttons."""
    if not _editable(channels):
        return 0
    asked = select(Act).where(Act.run == run, Act.step == step, Act.kind == SLACK, Act.state == SENT)
    acts = [act for act in session.scalars(asked.where(Act.ref.is_not(None))) if REPLACES not in _meta(act)]
    return sum(_edit(session, channels, act, said, at, {APPROVE, REJECT}) for act in acts)


def with_said(message: Message, said: str, left_out: Collection[str]) -> Message:
    """A message with a line above its buttons that says what has become of it, without some of them."""
    kept = [b for b in message.blocks if not (isinstance(b, Button) and b.action in left_out)]
    place = next((n for n, block in enumerate(kept) if isinstance(block, Button)), len(kept))
    blocks: tuple[Block, ...] = (*kept[:place], Words(f"✓ {said}"), *kept[place:])
    return replace(message, blocks=blocks)


def _edit(
    session: Session, channels: Mapping[str, ChannelSpec], act: Act, said: str, at: datetime, left_out: Collection[str]
) -> bool:
    if act.channel not in channels:
        return False
    message = with_said(Message.from_json(act.payload), f"{said}, {at.astimezone(UTC):%d %b %H:%M} UTC", left_out)
    return put_message(
        session, channels, replace(message, meta=message.meta | {REPLACES: act.key}),
        key=f"edit:{act.number}:{at.isoformat()}:{said[:80]}", channel=act.channel, recipient=act.recipient, now=at,
        run=act.run, step=act.step,
    )  # fmt: skip


def _senseless(alert: Alert) -> set[str]:
    """Buttons that do nothing more as an alert stands."""
    if alert.closed_at is not None:
        return {ACKNOWLEDGE, SNOOZE, NOT_USEFUL, START}
    return {ACKNOWLEDGE} if alert.state == State.ACKNOWLEDGED.value else set()


def _editable(channels: Mapping[str, ChannelSpec]) -> bool:
    return any(isinstance(spec, SlackSpec) and spec.token is not None for spec in channels.values())


def _meta(act: Act) -> Mapping[str, str]:
    found: Mapping[str, str] = act.payload.get("meta", {})
    return found
