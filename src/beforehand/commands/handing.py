"""Acts written and handed over: what others call to have something told, and what a worker does with one act."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beforehand.channels import Channel, Handed, Message
from beforehand.channels.masking import masked
from beforehand.channels.opening import KEYED, SecretMissingError, open_channel
from beforehand.commands.linking import Links, linked, links_of
from beforehand.errors import BeforehandError, InputError, among
from beforehand.store.acts import Settled, put_act
from beforehand.workspace.callback_spec import CallbacksSpec
from beforehand.workspace.channel_spec import ChannelSpec

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.store import Act

KEPT = ("task", "note", "call")
"""Kinds of acts that no channel carries: they are listed for people, and done when they are written."""
MAIL_KIND = {"email": "mail"}
REPLACES = "replaces"


def put_message(
    session: Session,
    channels: Mapping[str, ChannelSpec],
    message: Message,
    *,
    key: str,
    channel: str,
    recipient: str,
    now: datetime,
    due_at: datetime | None = None,
    **more: Any,
) -> bool:
    """Writes the act that hands `message` over by a channel of the settings, in the caller's transaction.

    False, and nothing written, where the key is known. `more`: `outward`, `run`, `step`, `notification`. To take the
    place of a message sent before, `message.meta["replaces"]` is the key of its act. Raises InputError where the
    settings have no such channel.
    """
    spec = channels.get(channel)
    if spec is None:
        raise InputError(f"There is no channel {channel!r}.", among(channel, channels), code="unknown-channel")
    return put_act(
        session, key=key, kind=MAIL_KIND.get(spec.kind, spec.kind), channel=channel, recipient=recipient,
        payload=message.as_json(), due_at=due_at or now, made_at=now, keyed=KEYED[spec.kind], **more,
    )  # fmt: skip


def put_kept(
    session: Session, *, key: str, kind: str, recipient: str, payload: dict[str, Any], now: datetime, **more: Any
) -> bool:
    """Writes an act that no channel carries (a task, a note, a call): a worker settles it at once, and it is listed."""
    if kind not in KEPT:
        raise ValueError(f"{kind} is none of {KEPT}")
    return put_act(
        session, key=key, kind=kind, channel="", recipient=recipient, payload=payload, due_at=now, made_at=now, **more
    )


@dataclass
class Ways:
    """The channels of a workspace, each opened when it is first needed and kept open.

    With `mask`, what identifies people is taken out of what customers are quoted with, and secrets out of all of it.
    `callbacks` says where links of messages lead back to.
    """

    root: Path
    specs: Mapping[str, ChannelSpec]
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    mask: bool = True
    callbacks: CallbacksSpec = field(default_factory=CallbacksSpec)
    opened: dict[str, Channel] = field(default_factory=dict)
    _made: dict[str, Message] = field(default_factory=dict)

    def hand(self, act: Act, replaces: str | None) -> Handed:
        """Hands an act over; `replaces` is the ref of the message it takes the place of."""
        if act.kind in KEPT:
            return Handed("sent", "kept")
        try:
            channel = self._channel(act.channel)
        except SecretMissingError as error:
            return Handed("retry", "no-secret", str(error))
        if channel is None:
            return Handed("retry", "no-channel", f"beforehand.yaml has no channel {act.channel!r}.")
        try:
            message = self._made.pop(act.key, None) or self._message(act)
            return channel.hand(message, act.recipient, act.key, replaces)
        except _UnreadableError as error:
            return Handed("refused", "not-understood", f"What is to be told cannot be read: {error}.")
        except SecretMissingError as error:
            return Handed("retry", "no-secret", str(error))
        except BeforehandError as error:
            return Handed("retry", error.code, error.message)
        except Exception as error:  # a fault of ours must not stop the acts behind it, nor be repeated blindly
            return Handed("in doubt", "failed", f"Our own fault while handing over: {type(error).__name__}: {error}.")

    def ready(self, act: Act) -> None:
        """Does for an act what can be done before its turn, while another is handed over; another thread may."""
        makes = getattr(self.opened.get(act.channel), "ready", None)
        if act.kind in KEPT or makes is None:
            return
        with suppress(Exception):  # it is told when the act is handed over
            message = self._message(act)
            makes(message, act.recipient, act.key)
            self._made[act.key] = message

    def _message(self, act: Act) -> Message:
        """What an act tells, as it goes out: masked, and with links that lead back."""
        try:
            message = Message.from_json(act.payload)
        except (KeyError, TypeError) as error:
            raise _UnreadableError(str(error)) from error
        links = self._links(needed=act.outward)
        message = masked(message) if self.mask else message
        spec = self.specs.get(act.channel)
        return message if spec is None else linked(message, act, spec, links)

    def close(self) -> None:
        """Lets go of connections."""
        for channel in self.opened.values():
            close = getattr(channel, "close", None)
            if close is not None:
                close()
        self.opened.clear()

    def _links(self, *, needed: bool) -> Links | None:
        """Where links lead back to; a customer is not written to without, one of us is told all the same."""
        try:
            return links_of(self.callbacks, self.root, self.environment)
        except SecretMissingError:
            if needed:
                raise
            return None

    def _channel(self, name: str) -> Channel | None:
        if name not in self.opened and name in self.specs:
            self.opened[name] = open_channel(self.specs[name], self.root, self.environment)
        return self.opened.get(name)


class _UnreadableError(Exception):
    """What an act is to tell is no message."""


def settled(handed: Handed) -> Settled:
    """What came of handing over, as the table of acts keeps it: the word, and what a person needs to know."""
    reason = f"{handed.reason}: {handed.detail}" if handed.detail else handed.reason
    after = None if handed.after_s is None else timedelta(seconds=handed.after_s)
    return Settled(handed.state, reason, ref=handed.ref, after=after)
