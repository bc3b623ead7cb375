"""What a teammate is told, as one message: a story for one account, a list for one cause over many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from beforehand.calendar import zone_named
from beforehand.channels import Block, Facts, Headline, Listing, Message, Words
from beforehand.channels.message import Button, Purpose
from beforehand.commands.alert_message import alert_message
from beforehand.routing.batch import Due, Telling
from beforehand.story import words

if TYPE_CHECKING:
    from beforehand.store import Alert
    from beforehand.workspace import Folder

LISTED = 30
BEFORE = {"worse": "Worse: ", "still": "Still open: ", "escalated": "Nobody has answered: "}


def message_of(
    folder: Folder, telling: Telling, alerts: Mapping[int, Alert], stories: Mapping[int, dict[str, Any]], at: datetime
) -> Message:
    """The message of a telling; `stories` are alerts as `show` gives them, by number."""
    lead = telling.news[0]
    zone = _zone(folder, telling.person)
    footer = f"You hear of it by the route {lead.route}: {lead.why}." if lead.route else ""
    story = stories.get(lead.item.number)
    if telling.kind == "cleared":
        message = _over(telling, alerts)
    elif story is not None and telling.account is not None:
        message = _of_account(telling, alerts, story, zone, at, footer)
    else:
        message = _listed(telling, alerts, footer)
    meta = {**message.meta, "alert": lead.item.name}
    if telling.account is not None:
        meta["account"] = telling.account
    if telling.replaces is not None:
        meta["replaces"] = telling.replaces
    purpose: Purpose = "digest" if telling.kind == "digest" else "alert"
    return replace(message, thread=f"{telling.thread} {telling.person}", purpose=purpose, meta=meta)


def _of_account(
    telling: Telling, alerts: Mapping[int, Alert], story: dict[str, Any], zone: ZoneInfo, at: datetime, footer: str
) -> Message:
    message = alert_message(story, zone, at, footer=footer, why=telling.news[0].why)
    more = [_line(alerts, due, with_account=False) for due in telling.news[1:]]
    blocks: list[Block] = list(message.blocks)
    if more:
        # Before the buttons, which are about the first.
        place = next((n for n, block in enumerate(blocks) if isinstance(block, Button)), len(blocks))
        said = f"And {words.counted(len(more), 'more alert')} at this account:"
        blocks[place:place] = [Words(said), Listing(tuple(more[:LISTED]))]
    before = BEFORE.get(telling.kind, "")
    if before:
        blocks[0] = replace(blocks[0], text=before + blocks[0].text) if isinstance(blocks[0], Headline) else blocks[0]
    return replace(message, subject=before + message.subject, blocks=tuple(blocks))


def _listed(telling: Telling, alerts: Mapping[int, Alert], footer: str) -> Message:
    news = telling.news
    accounts = {due.item.account for due in news}
    subject = _subject(telling, news, len(accounts), alerts)
    lines = [_line(alerts, due, with_account=True) for due in news[:LISTED]]
    blocks: list[Block] = [Headline(subject, _tone(telling)), Listing(tuple(lines))]
    if len(news) > LISTED:
        said = f"And {words.counted(len(news) - LISTED, 'more alert')}: beforehand told --person '{telling.person}'"
        blocks.append(Words(said))
    reasons = list(dict.fromkeys(due.why for due in news))
    blocks.append(Facts((("Why you", "; ".join(reasons[:3]) + ("; and more" if len(reasons) > 3 else "")),)))
    return Message(subject, tuple(blocks), meta={"footer": footer})


def _over(telling: Telling, alerts: Mapping[int, Alert]) -> Message:
    subject = f"Over: {telling.account or words.counted(len(telling.news), 'alert')}"
    lines = [_line(alerts, due, with_account=telling.account is None) for due in telling.news[:LISTED]]
    return Message(subject, (Headline(subject), Listing(tuple(lines))))


def _subject(telling: Telling, news: Sequence[Due], accounts: int, alerts: Mapping[int, Alert]) -> str:
    many = words.counted(accounts, "account")
    counted = words.counted(len(news), "alert")
    match telling.kind:
        case "digest":
            return f"Your digest: {counted} at {many}"
        case "handed over":
            return f"{many[0].upper()}{many[1:]} {'is' if accounts == 1 else 'are'} yours now, with {counted}"
    if all(due.item.backlog for due in news):
        return f"To begin with: {counted} already open at {many}"
    signals = {due.item.signal for due in news}
    what = next(iter(signals)) if len(signals) == 1 else f"{len(signals)} signals"
    return f"{what} at {many}"


def _line(alerts: Mapping[int, Alert], due: Due, *, with_account: bool) -> str:
    alert = alerts[due.item.number]
    where = f"{alert.account}: " if with_account else ""
    end = f" ({alert.close_reason})" if due.item.closed else f" ({alert.severity}, {alert.name})"
    return f"{where}{alert.headline.partition(';')[0].strip().rstrip('.')}{end}"


def _tone(telling: Telling) -> str:
    worst = min(telling.news, key=lambda due: due.item.rank).item
    return "growth" if worst.polarity == "growth" else worst.severity


def _zone(folder: Folder, person: str) -> ZoneInfo:
    own = folder.team.people[person].zone if folder.team and person in folder.team.people else None
    return zone_named(own or folder.settings.zone)
