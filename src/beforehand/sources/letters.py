"""One e-mail as it was written: headers decoded, addresses, the text of its body. Whatever is broken is read around.

Headers that are no ASCII, charsets that do not exist, dates of no calendar and multiparts without an end are all found
in real mailboxes; a letter is only given up where it has no head at all.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from beforehand.sources.row import plain, words

_LONGEST_HEADER = 20_000
_ADDRESS = re.compile(r"^[^@\s<>\"]{1,128}@[^@\s<>\"]{1,255}$")
_BARE = re.compile(r"[^\s<>,;\"@]{1,128}@[^\s<>,;\"@]{1,255}")
_ID = re.compile(r"<([^<>\s]{1,900})>")
_RE = re.compile(r"^\s*(?:(?:re|aw|sv|antw|vs|rif|res|odp|ynt|回复|答复)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE)
_BULK = ("auto_reply", "bulk", "junk", "list")
_MACHINES = re.compile(r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+.-]|@)", re.IGNORECASE)


@dataclass(frozen=True)
class Letter:
    """What an e-mail says. Addresses are in lower case, `ids` without brackets; `at` is aware, None where none is told.

    `automatic`: a machine wrote it, or a list sent it on. `references` are older first. `cut`: its text goes on.
    """

    message_id: str | None
    at: datetime | None
    sender: tuple[str, str] | None
    reply_to: str | None
    to: tuple[str, ...]
    delivered_to: tuple[str, ...]
    subject: str | None
    text: str | None
    references: tuple[str, ...]
    automatic: bool
    mailing_list: str | None
    cut: bool

    @property
    def is_reply(self) -> bool:
        """Whether the subject says that this answers something."""
        return self.subject is not None and _RE.match(self.subject) is not None

    @property
    def topic(self) -> str:
        """The subject without what says that this is an answer."""
        return " ".join(_RE.sub("", self.subject or "").lower().split())


def read_letter(raw: bytes, envelope: str = "") -> Letter | None:
    """A letter of bytes; None where they have no head. `envelope` is the line that begins it in an mbox."""
    head = _Head(message := message_from_bytes(raw.lstrip(b"\r\n")))
    if not head.found:
        return None
    text, cut = _body(message)
    senders = head.addresses("from") or head.addresses("sender")
    reply = head.addresses("reply-to")
    automatic = (
        (head.one("auto-submitted") or "no").strip().lower() not in ("no", "")
        or (head.one("precedence") or "").strip().lower() in _BULK
        or any(head.one(name) for name in ("x-autoreply", "x-autorespond", "x-auto-response", "x-failed-recipients"))
        or (bool(senders) and _MACHINES.match(senders[0][1]) is not None)
    )
    return Letter(
        message_id=next(iter(head.ids("message-id")), None),
        at=_moment(head, envelope),
        sender=senders[0] if senders else None,
        reply_to=reply[0][1] if reply else None,
        to=tuple(address for _, address in (*head.addresses("to"), *head.addresses("cc"))),
        delivered_to=tuple(a for name in ("delivered-to", "x-original-to") for _, a in head.addresses(name)),
        subject=head.one("subject"),
        text=text,
        references=tuple(dict.fromkeys((*head.ids("references"), *head.ids("in-reply-to")))),
        automatic=automatic,
        mailing_list=head.one("list-id"),
        cut=cut,
    )


class _Head:
    """The headers of a message as text, by their names in lower case."""

    def __init__(self, message: Message) -> None:
        self.found: dict[str, list[str]] = {}
        for name, value in message.raw_items():
            self.found.setdefault(str(name).lower(), []).append(str(value)[:_LONGEST_HEADER])

    def one(self, name: str) -> str | None:
        """The first header of a name, decoded, on one line."""
        held = self.found.get(name)
        return _decoded(held[0]) or None if held else None

    def addresses(self, name: str) -> list[tuple[str, str]]:
        """(name, address) of all headers of a name; what is no address is left out."""
        held = [" ".join(_bytes_read(value).split()) for value in self.found.get(name, ())]
        try:
            pairs = getaddresses(held)
        except (ValueError, IndexError, TypeError):
            pairs = [
                ("", found) for value in held for found in re.findall(r"[^\s<>,;\"]{1,128}@[^\s<>,;\"]{1,255}", value)
            ]
        return [(_decoded(said), a.lower()) for said, a in pairs if _ADDRESS.match(a)]

    def ids(self, name: str) -> list[str]:
        """The ids a header names; one without brackets where it is alone."""
        said = " ".join(" ".join(self.found.get(name, ())).split())
        return _ID.findall(said) or ([said] if said and " " not in said and len(said) <= 900 else [])


def _decoded(value: str) -> str:
    """A header with its encoded words read, on one line."""
    value = _bytes_read(value)
    if "=?" in value:
        with suppress(HeaderParseError, ValueError, LookupError):  # else as it stands
            parts = decode_header(value)
            value = "".join(part if isinstance(part, str) else _read_bytes(part, charset) for part, charset in parts)
    return " ".join(plain(value).split())


def _bytes_read(value: str) -> str:
    """A header whose bytes were no ASCII."""
    if value.isascii():
        return value
    return _read_bytes(value.encode("utf-8", "surrogateescape"), None)


def _read_bytes(raw: bytes, charset: str | None) -> str:
    """Text of bytes: by its charset where that fits, else UTF-8, else as Windows writes it."""
    for name in (charset, "utf-8"):
        if name:
            try:
                return raw.decode(name)
            except (LookupError, UnicodeError, ValueError):
                continue
    return raw.decode("cp1252", "replace")


def _body(message: Message) -> tuple[str | None, bool]:
    """The plain text of a message, else its HTML as text; attachments and letters within it are left out."""
    plain_parts: list[str] = []
    html: list[str] = []
    for part in _parts(message, 0):
        if part.get_content_disposition() == "attachment" or part.get_filename():
            continue
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html"):
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and payload.strip():
            read = _read_bytes(payload[:4_000_000], _charset(part))
            (plain_parts if kind == "text/plain" else html).append(read)
    if plain_parts:
        # A body that is called plain and is HTML after all is read as what it is.
        return words("\n".join(plain_parts))
    return words("\n".join(html), html=True) if html else (None, False)


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, TypeError):
        return None


def _parts(message: Message, depth: int) -> list[Message]:
    """The leaves of a message; the letter that a bounce or a forward brings along is none of them."""
    held = message.get_payload()
    if not isinstance(held, list):
        return [message]
    if message.get_content_maintype() == "message" or depth > 20:
        return []
    return [leaf for part in held[:200] if isinstance(part, Message) for leaf in _parts(part, depth + 1)]


def _moment(head: _Head, envelope: str) -> datetime | None:
    """When it was written: its date, else when it was received, else what the mailbox says.

    A date that lies more than a day after it was received comes from a clock that is wrong.
    """
    received = [_date(value.rsplit(";", 1)[-1]) for value in head.found.get("received", ())[:1]]
    arrived = next((at for at in received if at is not None), None)
    said = _date(head.one("date") or "")
    if said is not None and arrived is not None and (said - arrived).total_seconds() > 86_400:
        return arrived
    return said or arrived or _date(_of_envelope(envelope))


def _of_envelope(line: str) -> str:
    """The date of `From bob@acme.test Sun Nov 22 10:50:01 2026` in the order of a header."""
    found = re.search(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d(?::\d\d)?) (?:[A-Z]{2,5} )?(\d{4})", line)
    return f"{found[2]} {found[1]} {found[4]} {found[3]} +0000" if found else ""


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(" ".join(value.split()))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
