"""The digest as a message: what has waited for it, by why it waited, and what is held back from its reader and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from beforehand.channels import Block, Divider, Headline, Listing, Message, Words
from beforehand.routing.batch import Due, Held, Telling
from beforehand.story import words

if TYPE_CHECKING:
    from beforehand.store import Alert

LISTED = 30
SHOWN = 10
"""How many lines of what is held back a digest has; a command lists the rest."""


def digest_message(
    telling: Telling, alerts: Mapping[int, Alert], held: Sequence[Held], names: Mapping[str, str]
) -> Message:
    """The digest of somebody; `held` is what they are not told, each with its reason; `names` are those of accounts."""
    news = telling.news
    accounts = list(dict.fromkeys(names.get(due.item.account, due.item.account) for due in news))
    more = f" and {words.counted(len(accounts) - 1, 'more account')}" if len(accounts) > 1 else ""
    subject = f"Your digest: {accounts[0]}{more}"
    blocks: list[Block] = [Headline(subject)]
    for said, dues in _sections(news):
        lines = [line_of(alerts, due, with_account=True, names=names) for due in dues]
        blocks += [Words(said), Listing(tuple(lines[:LISTED]))]
        if len(lines) > LISTED:
            blocks.append(Words(f"And {words.counted(len(lines) - LISTED, 'more alert')}."))
    quiet = [why for why in held if why.person == telling.person and why.alert in alerts]
    if quiet:
        lines = _kept(alerts, quiet, names)
        blocks += [Divider(), Words("Held back from you, and why:"), Listing(tuple(lines[:SHOWN]))]
        if len(lines) > SHOWN:
            blocks.append(Words(f"All of it: beforehand told --held-back --person '{telling.person}'"))
    footer = "What need not reach you at once comes here: team.yaml says when, routes.yaml what."
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


def _kept(alerts: Mapping[int, Alert], held: Sequence[Held], names: Mapping[str, str]) -> list[str]:
    """What is held back, in a line for each account and reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for why in held:
        until = f" until {why.until:%d %b}" if why.until is not None else ""
        alert = alerts[why.alert]
        said = f"{_said(alert)} ({alert.severity}, {alert.name})"
        found.setdefault((names.get(alert.account, alert.account), f"{why.why}{until}"), []).append(said)
    return [f"{account}: {'; '.join(said)}. {why[:1].upper()}{why[1:]}." for (account, why), said in found.items()]


def line_of(
    alerts: Mapping[int, Alert], due: Due, *, with_account: bool, names: Mapping[str, str] = MappingProxyType({})
) -> str:
    """An alert in one line of a list."""
    alert = alerts[due.item.number]
    where = f"{names.get(alert.account, alert.account)}: " if with_account else ""
    end = f" ({alert.close_reason})" if due.item.closed else f" ({alert.severity}, {alert.name})"
    return f"{where}{_said(alert)}{end}"


def _said(alert: Alert) -> str:
    return alert.headline.partition(";")[0].strip().rstrip(".")
