"""The message to whoever takes accounts over: what is open there, drafts to say yes to, and playbooks at work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beforehand.channels import Block, Facts, Headline, Listing, Message, Words
from beforehand.store import alert_name
from beforehand.story import words

if TYPE_CHECKING:
    from beforehand.commands.taking_over import Taken
    from beforehand.store import Alert, Run

LISTED = 30


def message_of(taken: Taken, waits: Sequence[Mapping[str, Any]], *, lead: str, before: Sequence[str] = ()) -> Message:
    """All that somebody takes over; `waits` are the drafts of its runs that are to be approved, written in the name of
    those who had them `before`."""
    accounts = taken.accounts
    subject = _subject(accounts, len(taken.alerts), len(taken.runs))
    blocks: list[Block] = [Headline(subject, taken.alerts[0][0].severity if taken.alerts else "")]
    blocks += [Words(lead)] if lead else []
    asked = [_asked(row) for row in waits]
    blocks += _list(f"{_many(asked, 'draft')} {'waits' if len(asked) == 1 else 'wait'} for your yes:", asked)
    if asked and before:
        said = f"They may be signed by {words.listed(before)}; --edit FILE sends another text instead."
        blocks.append(Words(f"To whom they go and what they say: beforehand approvals. {said}"))
    alerts = [_alert(alert) for alert, _ in taken.alerts]
    blocks += _list(f"{_many(alerts, 'open alert')}:", alerts)
    at_work = [_run(run) for run in taken.runs]
    blocks += _list(f"{_many(at_work, 'playbook')} at work:", at_work)
    busy = {*(a.account for a, _ in taken.alerts), *(run.account for run in taken.runs)}
    quiet = [account for account in accounts if account not in busy]
    blocks += _list(f"{_many(quiet, 'account')} where nothing is open:", [", ".join(quiet[:LISTED])] if quiet else [])
    if len(quiet) > LISTED:
        blocks.append(Words(f"And {words.counted(len(quiet) - LISTED, 'more account')}."))
    reasons = list(taken.reasons)
    if reasons:
        blocks.append(Facts((("Why you", "; ".join(reasons[:3]) + ("; and more" if len(reasons) > 3 else "")),)))
    meta = {"account": accounts[0]} if len(accounts) == 1 else {}
    return Message(subject, tuple(blocks), meta=meta)


def _subject(accounts: Sequence[str], alerts: int, runs: int) -> str:
    what = accounts[0] if len(accounts) == 1 else words.counted(len(accounts), "account")
    said = f"{what[:1].upper()}{what[1:]} {'is' if len(accounts) == 1 else 'are'} yours now"
    parts = [words.counted(n, one) for n, one in ((alerts, "alert"), (runs, "playbook")) if n]
    return said + (f", with {words.listed(parts)}" if parts else "")


def _list(head: str, items: Sequence[str]) -> list[Block]:
    if not items:
        return []
    more = [f"and {len(items) - LISTED} more"] if len(items) > LISTED else []
    return [Words(head), Listing((*items[:LISTED], *more))]


def _many(items: Sequence[str], one: str) -> str:
    return words.counted(len(items), one)


def _asked(row: Mapping[str, Any]) -> str:
    by = str(row["until"])[:16].replace("T", " ")
    return f"{row['account']}: {row['subject']} (by {by} UTC: beforehand approve {row['run']})"


def _alert(alert: Alert) -> str:
    headline = alert.headline.partition(";")[0].strip().rstrip(".")
    state = "" if alert.state == "open" else f", {alert.state}"
    return f"{alert.account}: {headline} ({alert.severity}, {alert_name(alert.number)}{state})"


def _run(run: Run) -> str:
    until = f", looked at next on {run.due_at:%Y-%m-%d}" if run.due_at is not None else ""
    return f"{run.account}: {run.playbook} (run {run.number}{until})"
