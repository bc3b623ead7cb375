"""What a teammate is told, as one message: a story for one account, a list for one cause over many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from beforehand.calendar import to_us, zone_named
from beforehand.channels import Block, Facts, Headline, Listing, Message, Words
from beforehand.channels.message import Button, Purpose
from beforehand.commands.alert_message import alert_message
from beforehand.commands.digest_message import LISTED, digest_message, line_of
from beforehand.routing.batch import Due, Held, Telling
from beforehand.story import words

if TYPE_CHECKING:
    from beforehand.store import Alert
    from beforehand.workspace import Folder

OF_ONE_MESSAGE = ("replaces", "in_reply_to", "references")
"""What a message's `meta` says of itself alone."""
BEFORE = {"worse": "Worse: ", "still": "Still open: ", "escalated": "Nobody has answered: "}


def message_of(
    folder: Folder,
    telling: Telling,
    alerts: Mapping[int, Alert],
    stories: Mapping[int, dict[str, Any]],
    at: datetime,
    *,
    held: Sequence[Held] = (),
    names: Mapping[str, str] = MappingProxyType({}),
    before: Mapping[str, Any] | None = None,
) -> Message:
    """The message of a telling; `stories` are alerts as `show` gives them, by number.

    `before`: the message that told of the first one before, which is told again where no story is at hand. `held`: what
    is kept from the reader of a digest; `names`: what the accounts are called there.
    """
    lead = telling.news[0]
    zone = _zone(folder, telling.person)
    footer = f"You hear of it by the route {lead.route}: {lead.why}." if lead.route else ""
    story = stories.get(lead.item.number)
    if telling.kind == "cleared":
        message = _over(telling, alerts)
    elif telling.kind == "digest":
        message = digest_message(telling, alerts, held, names)
    elif story is not None and telling.account is not None:
        message = _of_account(telling, alerts, story, zone, at, footer)
    elif before is not None and telling.account is not None:
        message = _again(telling, alerts, Message.from_json(dict(before)), footer)
    else:
        message = _listed(telling, alerts, footer)
    meta = {**message.meta, "alert": lead.item.name}
    if telling.account is not None:
        meta["account"] = telling.account
    if telling.replaces is not None:
        meta["replaces"] = telling.replaces
    purpose: Purpose = "digest" if telling.kind == "digest" else "alert"
    return replace(message, thread=f"{telling.thread} {telling.person}", purpose=purpose, meta=meta)


def joined(before: Message, telling: Telling, alerts: Mapping[int, Alert], folder: Folder, at: datetime) -> Message:
    """A message with what has come up at its account since."""
    day = words.short_day(to_us(at), _zone(folder, telling.person), to_us(at))
    lines = [line_of(alerts, due, with_account=False) for due in telling.news]
    meta = before.meta | ({"replaces": telling.replaces} if telling.replaces is not None else {})
    said = f"Since then also at this account ({day}):"
    return replace(before, blocks=tuple(_above_buttons(before.blocks, said, lines)), meta=meta)


def _above_buttons(blocks: Sequence[Block], said: str, lines: Sequence[str]) -> list[Block]:
    """Blocks with a list above the buttons, which are about the first alert."""
    place = next((n for n, block in enumerate(blocks) if isinstance(block, Button)), len(blocks))
    return [*blocks[:place], Words(said), Listing(tuple(lines[:LISTED])), *blocks[place:]]


def _again(telling: Telling, alerts: Mapping[int, Alert], message: Message, footer: str) -> Message:
    """What was told, told again: to the same person, or to whom it goes now."""
    why = telling.news[0].why
    blocks = [
        replace(block, rows=_with_why(block, why)) if isinstance(block, Facts) else block for block in message.blocks
    ]
    more = [line_of(alerts, due, with_account=False) for due in telling.news[1:]]
    if more:
        blocks = _above_buttons(blocks, f"And {words.counted(len(more), 'more alert')} at this account:", more)
    meta = {name: said for name, said in message.meta.items() if name not in OF_ONE_MESSAGE} | {"footer": footer}
    headline = next((block.text for block in blocks if isinstance(block, Headline)), message.subject)
    for before in BEFORE.values():
        headline = headline.removeprefix(before)
    headline = BEFORE.get(telling.kind, "") + headline
    blocks = [replace(block, text=headline) if isinstance(block, Headline) else block for block in blocks]
    return replace(message, subject=headline, blocks=tuple(blocks), meta=meta)


def _with_why(block: Facts, why: str) -> tuple[tuple[str, str], ...]:
    return tuple((label, why if label == "Why you" else said) for label, said in block.rows)


def _of_account(
    telling: Telling, alerts: Mapping[int, Alert], story: dict[str, Any], zone: ZoneInfo, at: datetime, footer: str
) -> Message:
    message = alert_message(story, zone, at, footer=footer, why=telling.news[0].why)
    more = [line_of(alerts, due, with_account=False) for due in telling.news[1:]]
    blocks: list[Block] = list(message.blocks)
    if more:
        blocks = _above_buttons(blocks, f"And {words.counted(len(more), 'more alert')} at this account:", more)
    before = BEFORE.get(telling.kind, "")
    if before:
        blocks[0] = replace(blocks[0], text=before + blocks[0].text) if isinstance(blocks[0], Headline) else blocks[0]
    return replace(message, subject=before + message.subject, blocks=tuple(blocks))


def _listed(telling: Telling, alerts: Mapping[int, Alert], footer: str) -> Message:
    news = telling.news
    accounts = {due.item.account for due in news}
    subject = _subject(telling, news, len(accounts), alerts)
    lines = [line_of(alerts, due, with_account=True) for due in news[:LISTED]]
    blocks: list[Block] = [Headline(subject, _tone(telling)), Listing(tuple(lines))]
    if len(news) > LISTED:
        said = f"And {words.counted(len(news) - LISTED, 'more alert')}: beforehand told --person '{telling.person}'"
        blocks.append(Words(said))
    reasons = list(dict.fromkeys(due.why for due in news))
    blocks.append(Facts((("Why you", "; ".join(reasons[:3]) + ("; and more" if len(reasons) > 3 else "")),)))
    return Message(subject, tuple(blocks), meta={"footer": footer})


def _over(telling: Telling, alerts: Mapping[int, Alert]) -> Message:
    subject = f"Over: {telling.account or words.counted(len(telling.news), 'alert')}"
    lines = [line_of(alerts, due, with_account=telling.account is None) for due in telling.news[:LISTED]]
    return Message(subject, (Headline(subject), Listing(tuple(lines))))


def _subject(telling: Telling, news: Sequence[Due], accounts: int, alerts: Mapping[int, Alert]) -> str:
    many = words.counted(accounts, "account")
    counted = words.counted(len(news), "alert")
    match telling.kind:
        case "handed over":
            return f"{many[0].upper()}{many[1:]} {'is' if accounts == 1 else 'are'} yours now, with {counted}"
    if all(due.item.backlog for due in news):
        return f"To begin with: {counted} already open at {many}"
    signals = {due.item.signal for due in news}
    what = next(iter(signals)) if len(signals) == 1 else f"{len(signals)} signals"
    return f"{what} at {many}"


def _tone(telling: Telling) -> str:
    worst = min(telling.news, key=lambda due: due.item.rank).item
    return "growth" if worst.polarity == "growth" else worst.severity


def _zone(folder: Folder, person: str) -> ZoneInfo:
    own = folder.team.people[person].zone if folder.team and person in folder.team.people else None
    return zone_named(own or folder.settings.zone)
