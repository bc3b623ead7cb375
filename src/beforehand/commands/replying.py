"""Answers of customers: which run they are of, and what is done with them. On the state alone.

A run is found by the mark in the address that was answered, by the mail that is answered, or by the thread it is in.
What a machine wrote (RFC 3834) moves no run. What is of no run is kept with the reason, so that it can be looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand.channels import Headline, Message, Quote, Words
from beforehand.commands.handing import put_message
from beforehand.commands.linking import Links
from beforehand.commands.playbooks import note_reply
from beforehand.commands.pressing import Outcome
from beforehand.commands.unsubscribing import suppress_in
from beforehand.errors import InputError
from beforehand.sources.letters import read_letter
from beforehand.sources.mail import Ours
from beforehand.store import Run, callbacks, runs
from beforehand.text import clean

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from beforehand.commands.known_people import KnownPeople

MOST_TEXT = 2000
MOST_IDS = 200
UNSUBSCRIBE = "unsubscribe"
FIELDS: dict[str, type | tuple[type, ...]] = {
    "from": str, "to": (str, list), "subject": str, "text": str, "html": str, "message_id": str, "in_reply_to": str,
    "references": (str, list), "headers": dict, "id": str,
}  # fmt: skip
"""What a posted reply may hold, and of which kind each is; only `from` is needed."""
HEADERS = {
    "from": "From", "to": "To", "subject": "Subject", "message_id": "Message-ID", "in_reply_to": "In-Reply-To",
    "references": "References",
}  # fmt: skip
ALREADY_SAID = ("content-type", "content-transfer-encoding", "mime-version")


@dataclass(frozen=True)
class Reply:
    """A mail that came in. Addresses are in lower case, ids without brackets, older `references` first."""

    key: str
    sender: str
    name: str
    to: tuple[str, ...]
    subject: str
    text: str
    references: tuple[str, ...]
    automatic: bool


def from_mail(raw: bytes, key: str) -> Reply:
    """A reply of the mail itself (`message/rfc822`); `key` is what the post is known by where the mail has no id.

    Raises InputError where it is no mail, or of nobody.
    """
    letter = read_letter(raw)
    if letter is None or letter.sender is None:
        raise InputError("It is no mail, or has no sender.", "It begins with the headers of the mail.", "not-a-mail")
    name, address = letter.sender
    return Reply(
        letter.message_id or key, address, name, (*letter.to, *letter.delivered_to), letter.subject or "",
        letter.text or "", letter.references, letter.automatic,
    )  # fmt: skip


def from_json(told: Any, key: str) -> Reply:
    """A reply of a JSON object with `FIELDS`. Raises InputError where something of it is of the wrong kind.

    It is read as a mail, so that both ways in agree.
    """
    if not isinstance(told, dict):
        raise InputError("A reply is a JSON object.", f"Its keys: {', '.join(FIELDS)}.", "not-a-mail")
    for name, kind in FIELDS.items():
        if told.get(name) is not None and not isinstance(told[name], kind):
            said = "docs/how-to/receive-callbacks.md shows what a reply holds."
            raise InputError(f"`{name}` is of the wrong kind.", said, "not-a-mail")
    written = (told.get("headers") or {}).items()
    headers = {str(n): str(value) for n, value in written if str(n).lower() not in ALREADY_SAID}
    named = {name.lower() for name in headers}
    for key_of, header in HEADERS.items():
        value = told.get(key_of)
        if value and header.lower() not in named:
            between = ", " if key_of == "to" else " "
            headers[header] = between.join(map(str, value)) if isinstance(value, list) else str(value)
    text, html = told.get("text"), told.get("html")
    # No value can begin another header: its lines are made one.
    head = "\n".join(f"{_token(name)}: {' '.join(value.split())}" for name, value in headers.items())
    media = "text/plain" if text or not html else "text/html"
    raw = f"{head}\nContent-Type: {media}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text or html or ''}"
    return from_mail(raw.encode("utf-8", "replace"), str(told.get("id") or key))


def take(session: Session, people: KnownPeople, links: Links | None, reply: Reply, at: datetime) -> Outcome:
    """Does what a reply asks for, once, and keeps it; in the caller's transaction."""
    key = "reply:" + (reply.key if len(reply.key) < 150 else hashlib.sha256(reply.key.encode()).hexdigest())
    before = callbacks.seen(session, key)
    if before is not None:
        return Outcome("already", "seen", "This mail was taken before.")
    run, how = _run_of(session, links, reply)
    text = clean(reply.text).text or reply.text.strip()
    came = _done(session, people, reply, run, text, at)
    details = {
        "via": how, "from": reply.sender, "subject": reply.subject[:300], "text": text[:MOST_TEXT],
        "run": None if run is None else run.number, "account": None if run is None else run.account,
    }  # fmt: skip
    callbacks.keep(session, key, at, callbacks.REPLY, reply.sender[:200], details | came.as_json())
    return came


def _done(
    session: Session, people: KnownPeople, reply: Reply, run: Run | None, text: str, at: datetime
) -> Outcome:  # fmt: skip
    if reply.automatic or clean(reply.text).automatic:
        return Outcome("refused", "auto-reply", "A machine wrote it: it moves no run.")
    if _ours(people, reply.sender):
        return Outcome("refused", "ours", "One of us wrote it: it moves no run.")
    if reply.subject.strip().lower() == UNSUBSCRIBE:
        return suppress_in(session, reply.sender, at, None if run is None else run.number, "mail")
    if run is None:
        return Outcome("refused", "unknown", "It answers no message of a run.")
    _tell_owner(session, people, reply, run, text, at)
    if run.state != runs.LIVE:
        return Outcome("refused", "run-ended", f"Run {run.number} has ended; its owner was told.")
    note_reply(session, run, at, text)
    return Outcome("done", "noted", f"Run {run.number} at {run.account} goes on with the next run.")


def _run_of(session: Session, links: Links | None, reply: Reply) -> tuple[Run | None, str]:
    """The run a mail answers, and by what it was found: `address`, `message`, `thread`, or nothing."""
    for address in reply.to if links is not None and links.reply_to else ():
        number = links.run_of(address) if links is not None else None
        run = None if number is None else session.get(Run, number)
        if run is not None:
            return run, "address"
    ids = tuple(reversed(reply.references[-MOST_IDS:]))
    for one in ids:
        run = callbacks.run_of_message(session, f"<{one}>")
        if run is not None:
            return run, "message"
    # A server may give our mails other ids; the thread they are in is of our own making, and stays.
    threads = {one.partition("@")[0].removeprefix("thread.") for one in ids if one.startswith("thread.")}
    if threads:
        for number in _newest(session):
            if hashlib.sha256(f"run-{number}".encode()).hexdigest()[:24] in threads:
                return session.get(Run, number), "thread"
    return None, ""


def _newest(session: Session) -> Iterator[int]:
    """The numbers of live runs, then those of the newest that have ended."""
    yield from session.scalars(select(Run.number).where(runs.LIVES).order_by(Run.number.desc()))
    ended = select(Run.number).where(Run.state != runs.LIVE).order_by(Run.number.desc()).limit(10_000)
    yield from session.scalars(ended)


def _ours(people: KnownPeople, sender: str) -> bool:
    mails = {(person.email or "").lower() for person in people.team.people.values()}
    return sender in mails or sender in Ours.of(people.settings.our_domains)


def _tell_owner(session: Session, people: KnownPeople, reply: Reply, run: Run, text: str, at: datetime) -> None:
    """The owner hears what was answered: it may have come to a mailbox that nobody reads."""
    way = people.way_to(run.owner or "")
    if way is None:
        return
    who = reply.name or reply.sender
    subject = f"{who} has answered: {run.playbook} at {run.account}"
    after = "the run goes on from there" if run.state == runs.LIVE else "the run had ended"
    blocks = (
        Headline(subject), Quote(text[:MOST_TEXT] or "(no text)", f"{who}, {reply.sender}"),
        Words(f"Answer them by answering this mail; {after}."),
    )  # fmt: skip
    message = Message(
        subject, blocks, purpose="task", thread=f"run-{run.number}", reply_to=reply.sender,
        meta={"run": str(run.number), "account": run.account},
    )  # fmt: skip
    digest = hashlib.sha256(reply.key.encode()).hexdigest()[:24]
    put_message(
        session, people.settings.channels, message, key=f"reply:{run.number}:{digest}", channel=way[0],
        recipient=way[1], now=at, run=run.number,
    )  # fmt: skip


def _token(name: str) -> str:
    """A name of a header as one can be."""
    return "".join(c for c in name if c.isascii() and (c.isalnum() or c in "-_")) or "X"
