"""What makes a message answerable: buttons as links, an address to unsubscribe at, one that says which run it answers.

It is added when a message is handed over, so that no token lies in the state, and a changed address holds at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import formataddr, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from beforehand.channels import Button, Message
from beforehand.channels.opening import SecretMissingError
from beforehand.channels.tokens import SHORTEST_SECRET, seal, seal_short, unseal, unseal_short
from beforehand.workspace.callback_spec import CallbacksSpec
from beforehand.workspace.channel_spec import ChannelSpec, EmailSpec

if TYPE_CHECKING:
    from beforehand.store import Act

UNSUBSCRIBE, DO, REPLY = "unsubscribe", "do", "reply"
"""What tokens are for; the first two are also where their links lead."""
LINKED = ("email", "webhook")
"""Kinds of channels in which a button is a link; Slack has buttons of its own."""
GOOD_FOR = timedelta(days=30)
"""So long a button of a mail works: whoever has the mail can press it."""


@dataclass(frozen=True)
class Links:
    """Makes the addresses that lead back here, and reads them."""

    url: str
    secrets: tuple[str, ...]
    reply_to: str = ""

    def unsubscribe(self, address: str, run: int | None) -> str:
        """Where the owner of an address says that we are not to write to it; it has no end."""
        said = {"to": address} | ({} if run is None else {"run": run})
        return f"{self.url}/{UNSUBSCRIBE}/{seal(self.secrets[0], UNSUBSCRIBE, said)}"

    def button(self, button: Button, who: str, until: datetime) -> str:
        """Where a button of a message to `who` is pressed, until a day."""
        day = until.astimezone(UTC).date().isoformat()
        said = {"do": button.action, "of": button.value, "who": who, "until": day}
        return f"{self.url}/{DO}/{seal(self.secrets[0], DO, said)}"

    def answers_to(self, run: int) -> str:
        """The mail address by which an answer is known to be of a run; blank where none is set."""
        if not self.reply_to:
            return ""
        name, address = parseaddr(self.reply_to)
        local, _, domain = address.rpartition("@")
        return formataddr((name, f"{local}+{seal_short(self.secrets[0], REPLY, {'run': run})}@{domain}"))

    def opened(self, purpose: str, token: str) -> dict[str, Any] | None:
        """What a token of one of our links says; None where it is forged, or for something else."""
        return unseal(self.secrets, purpose, token)

    def run_of(self, address: str) -> int | None:
        """The run that an address of `answers_to` is of; None for any other."""
        ours = parseaddr(self.reply_to)[1].lower()
        local, _, domain = address.strip().lower().rpartition("@")
        name, _, mark = local.partition("+")
        if not mark or f"{name}@{domain}" != ours:
            return None
        run = (unseal_short(self.secrets, REPLY, mark) or {}).get("run")
        return run if isinstance(run, int) else None


def links_of(spec: CallbacksSpec, root: Path, environment: Mapping[str, str]) -> Links | None:
    """The links of a workspace, None where the settings have neither `url` nor `reply_to`.

    Raises SecretMissingError where the secret is not where it should be, or is too short to keep anything.
    """
    if not (spec.url or spec.reply_to):
        return None
    return Links(spec.url or "", known(spec, "secret", root, environment, SHORTEST_SECRET), spec.reply_to or "")


def known(
    spec: CallbacksSpec, name: str, root: Path, environment: Mapping[str, str], least: int = 1
) -> tuple[str, ...]:
    """The secrets under a key of the settings; SecretMissingError naming the place where one is missing or short."""
    found = []
    for secret in spec.all_of(name):
        value = secret.value(root, environment) or ""
        if len(value) < least:
            place = f"{secret.place[0].upper()}{secret.place[1:]}"
            said = f"holds fewer than {least} characters; openssl rand -hex 32 makes a good one" if value else ""
            raise SecretMissingError(f"{place} {said or 'holds nothing'}.")
        found.append(value)
    return tuple(found)


def linked(message: Message, act: Act, spec: ChannelSpec, links: Links | None) -> Message:
    """The message as it is handed over: a customer can refuse it, a teammate can press its buttons."""
    if act.outward:
        return _to_customer(message, act, spec, links) if isinstance(spec, EmailSpec) else message
    if links is None or not links.url or spec.kind not in LINKED:
        return message
    until = act.made_at + GOOD_FOR
    blocks = tuple(
        replace(block, url=links.button(block, act.recipient, until))
        if isinstance(block, Button) and not block.url
        else block
        for block in message.blocks
    )
    return replace(message, blocks=blocks)


def _to_customer(message: Message, act: Act, spec: EmailSpec, links: Links | None) -> Message:
    if links is not None and act.run is not None and links.reply_to:
        message = replace(message, reply_to=links.answers_to(act.run))
    if message.unsubscribe:
        return message
    if links is not None and links.url:
        return replace(message, unsubscribe=links.unsubscribe(act.recipient, act.run))
    # Nobody is there to take a click: it is a mail, which whoever reads that mailbox acts on.
    mailbox = parseaddr(message.reply_to or spec.reply_to or spec.sender)[1]
    return replace(message, unsubscribe=f"mailto:{quote(mailbox, safe='@')}?subject=unsubscribe")
