"""The digest as a message: what has waited for it, by why it waited, and what is held back from its reader and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from beforehand.channels import Block, Divider, Headline, Listing, Message, Words
from beforehand.routing.batch import Due, Held, Telling
from beforehand.story import words

if TYPE_CHECKING:
    from beforehand.store import Alert

LISTED = 30
SHOWN = 10
"""How many of what is held back a digest lists; the rest are counted, and named by a command."""


def digest_message(telling: Telling, alerts: Mapping[int, Alert], held: Sequence[Held]) -> Message:
    """The digest of somebody; `held` is what they are not told, each with its reason."""
    news = telling.news
    counted = words.counted(len(news), "alert")
    subject = f"Your digest: {counted} at {words.counted(len({due.item.account for due in news}), 'account')}"
    blocks: list[Block] = [Headline(subject)]
    for said, dues in _sections(news):
        lines = [line_of(alerts, due, with_account=True) for due in dues]
        blocks += [Words(said), Listing(tuple(lines[:LISTED]))]
        if len(lines) > LISTED:
            blocks.append(Words(f"And {words.counted(len(lines) - LISTED, 'more alert')}."))
    quiet = [why for why in held if why.alert in alerts]
    if quiet:
        lines = [_kept(alerts[why.alert], why) for why in quiet[:SHOWN]]
        blocks += [Divider(), Words(f"Held back from you, and why ({len(quiet)}):"), Listing(tuple(lines))]
        if len(quiet) > SHOWN:
            blocks.append(Words(f"All of it: beforehand told --held-back --person '{telling.person}'"))
    footer = "It takes what need not reach you at once: team.yaml says when it comes, routes.yaml what it takes."
    return Message(subject, tuple(blocks), purpose="digest", meta={"footer": footer})


def _sections(news: Sequence[Due]) -> list[tuple[str, list[Due]]]:
    """What a digest tells, by why it waited; those first that a person would want to see first."""
    found: dict[str, list[Due]] = {
        "Since you were told of these accounts, also:": [],
        "More than your messages of this week:": [],
        "Worth knowing:": [],
        "Chances:": [],
    }
    since, over, low, growth = found
    for due in news:
        if due.item.polarity == "growth":
            found[growth].append(due)
        elif due.waits:
            found[since].append(due)
        else:
            found[low if due.digest is not None else over].append(due)
    return [(said, dues) for said, dues in found.items() if dues]


def _kept(alert: Alert, why: Held) -> str:
    until = f", until {why.until:%d %b}" if why.until is not None else ""
    return f"{alert.account}: {_said(alert)} ({alert.severity}, {alert.name}): {why.why}{until}"


def line_of(alerts: Mapping[int, Alert], due: Due, *, with_account: bool) -> str:
    """An alert in one line of a list."""
    alert = alerts[due.item.number]
    where = f"{alert.account}: " if with_account else ""
    end = f" ({alert.close_reason})" if due.item.closed else f" ({alert.severity}, {alert.name})"
    return f"{where}{_said(alert)}{end}"


def _said(alert: Alert) -> str:
    return alert.headline.partition(";")[0].strip().rstrip(".")
