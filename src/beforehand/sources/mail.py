"""Mailboxes: mbox files and folders of .eml files (Maildir too) as messages, threads and directions settled."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from beforehand.sources.letters import Letter, read_letter
from beforehand.sources.row import IN, OUT, Row, of, refused

LONGEST_LETTER = 40_000_000
"""Bytes of one letter that are read: its text stands before what is attached."""
_SEPARATOR = re.compile(rb"^From \S+ .*\d{4}\s*$|^From (?:- )?[A-Z][a-z]{2} [A-Z][a-z]{2} ")
_DATED = re.compile(rb"^From \S+ +[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d")
_HEADER = re.compile(rb"^[!-9;-~]{1,100}:[ \t\r\n]?")
_QUOTED_FROM = re.compile(rb"^>+From ")
_SAME_TOPIC = timedelta(days=30)
_TOPICS = 50_000
_OFFICES = re.compile(
    r"^(?:support|help|helpdesk|hello|info|contact|sales|team|service|care|success|office|billing|kundenservice|"
    r"hilfe|kontakt|soporte|ayuda|aide)(?:[+.-][^@]*)?@"
)
LOOKED_AT = 3_000
"""Letters that are looked at to tell which domain is ours."""


@dataclass
class Ours:
    """Whose addresses are ours: domains (those under them too) and single addresses."""

    domains: frozenset[str]
    addresses: frozenset[str] = frozenset()

    @classmethod
    def of(cls, listed: Iterable[str]) -> Ours:
        """From what is listed: `acme.com`, `@acme.com` or `ann@gmail.com`."""
        said = [entry.strip().lower() for entry in listed if entry.strip()]
        return cls(
            frozenset(entry.lstrip("@") for entry in said if "@" not in entry.lstrip("@")),
            frozenset(entry for entry in said if "@" in entry.lstrip("@")),
        )

    def __contains__(self, address: str) -> bool:
        if address in self.addresses:
            return True
        domain = address.rpartition("@")[2]
        while domain:
            if domain in self.domains:
                return True
            domain = domain.partition(".")[2]
        return False


def letters_of_mbox(stream: IO[bytes]) -> Iterator[tuple[int, str, bytes]]:
    """The letters of an mbox: (line it begins at, its `From ` line, its bytes); what stands before the first too.

    A `From ` line begins a letter where a header follows it and a blank line stands before it; without that line only
    where it has a full date. Those quoted in a body (`>From `) are unquoted.
    """
    held: list[bytes] = []
    size, begins, envelope = 0, 1, ""
    blank, number = True, 0
    waiting: bytes | None = None
    while (line := stream.readline(1 << 20)) or waiting is not None:
        if waiting is not None:
            if _HEADER.match(line) or _QUOTED_FROM.match(line):
                if held:
                    yield begins, envelope, b"".join(held)
                held, size, begins = [], 0, number
                envelope = waiting.decode("latin-1").strip()
            else:
                held.append(waiting)
            waiting = None
            if not line:
                break
        number += 1
        if line.startswith(b"From ") and (_SEPARATOR if blank else _DATED).match(line.rstrip(b"\r\n")):
            waiting, blank = line, False
            continue
        blank = not line.strip()
        size += len(line)
        if size <= LONGEST_LETTER:
            held.append(line[1:] if line.startswith(b">") and _QUOTED_FROM.match(line) else line)
    if b"".join(held[:50]).strip():
        yield begins, envelope, b"".join(held)


def letters_of_files(paths: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    """The letters of .eml files."""
    for path in paths:
        with path.open("rb") as stream:
            yield path, stream.read(LONGEST_LETTER)


@dataclass
class Mailbox:
    """Letters as rows of messages. One for all files of a mailbox: threads go on from one to the next.

    `before` are letters loaded earlier that are not the first of their thread: (id, conversation).
    """

    ours: Ours
    before: InitVar[Iterable[tuple[str, str]]] = ()
    _threads: dict[int, str] = field(default_factory=dict)
    _topics: OrderedDict[tuple[str, str], tuple[str, datetime]] = field(default_factory=OrderedDict)

    def __post_init__(self, before: Iterable[tuple[str, str]]) -> None:
        self._threads |= {_key(message_id): conversation for message_id, conversation in before}

    def row(self, raw: bytes, line: int, envelope: str = "", file: str | None = None) -> Row:
        """One letter as a row; with a reason where it is none, or about nobody outside."""
        letter = read_letter(raw, envelope)
        if letter is None or (letter.sender is None and letter.message_id is None and letter.at is None):
            return refused("messages", line, "this is no letter: it has neither sender nor date", raw[:40_000], file)
        direction, person, teammate = self._who(letter)
        message_id = letter.message_id or _digest(letter, raw)
        conversation = self._conversation(letter, message_id, person)
        cells = of(
            id=message_id if len(message_id) <= 512 else _short(message_id),
            conversation=conversation, person=person, direction=direction, channel="email",
            at=letter.at.isoformat() if letter.at is not None else None,
            subject=letter.subject, text=letter.text,
            properties=of(
                teammate=teammate, automatic=letter.automatic or None, mailing_list=letter.mailing_list,
                name=letter.sender[0] if letter.sender and direction == IN else None, cut=letter.cut or None,
            ),
        )  # fmt: skip
        reason = None
        if person is None:
            everybody = [*([letter.sender[1]] if letter.sender else []), *letter.to]
            reason = (
                "it is from and to addresses of your own, and so about nobody's account"
                if everybody and all(address in self.ours for address in everybody)
                else "it has no sender that could be read"
                if letter.sender is None
                else "it goes to nobody whose address could be read"
            )
        return Row("messages", line, cells, reason, file)

    def _who(self, letter: Letter) -> tuple[str, str | None, str | None]:
        """The direction, the customer's address and that of the one of us."""
        sender = letter.sender[1] if letter.sender else None
        if sender is not None and sender not in self.ours:
            return IN, sender, next((a for a in letter.to if a in self.ours), None)
        outside = next((address for address in letter.to if address not in self.ours), None)
        if outside is None and letter.reply_to is not None and letter.reply_to not in self.ours:
            # A form on our own site writes in the name of a customer.
            return IN, letter.reply_to, sender
        return OUT, outside, sender

    def _conversation(self, letter: Letter, message_id: str, person: str | None) -> str:
        found: str | None = None
        for parent in letter.references:
            found = self._threads.get(_key(parent))
            if found is not None:
                break
        topic = (letter.topic, person or "")
        if found is None and letter.references:
            found = letter.references[0]
        elif found is None and letter.is_reply and letter.at is not None and topic in self._topics:
            # Some programs answer without saying what: the same words under the subject, with the same person, lately.
            before, at = self._topics[topic]
            found = before if abs(letter.at - at) <= _SAME_TOPIC else None
        conversation = found or message_id
        conversation = conversation if len(conversation) <= 512 else _short(conversation)
        if conversation != message_id:
            self._threads[_key(message_id)] = conversation
            # A thread whose first letter is elsewhere: what else answers to the same letters belongs to it.
            for parent in letter.references:
                self._threads.setdefault(_key(parent), conversation)
        if letter.at is not None and letter.topic:
            self._topics[topic] = (conversation, letter.at)
            self._topics.move_to_end(topic)
            if len(self._topics) > _TOPICS:
                self._topics.popitem(last=False)
        return conversation


def our_domain(
    letters: Iterable[bytes], customers: Collection[str], free: Collection[str]
) -> tuple[str | None, list[str]]:
    """The domain that takes part in nearly all letters, and all that might be it, likeliest first.

    Domains of customers and of public mail services are none. None where two are alike.
    """
    part: Counter[str] = Counter()
    office: Counter[str] = Counter()
    many = 0
    for raw in letters:
        letter = read_letter(raw)
        if letter is None or letter.sender is None:
            continue
        many += 1
        here = {letter.sender[1], *letter.to, *letter.delivered_to}
        part.update({address.rpartition("@")[2] for address in here})
        office.update({a.rpartition("@")[2] for a in (*letter.to, *letter.delivered_to) if _OFFICES.match(a)})
        if many >= LOOKED_AT:
            break
    for domain in [domain for domain in part if domain in customers or domain in free]:
        del part[domain]
    ranked = sorted(part, key=lambda domain: (-part[domain] - office[domain], domain))
    if not ranked:
        return None, []
    best = part[ranked[0]] + office[ranked[0]]
    clear = len(ranked) == 1 or best > part[ranked[1]] + office[ranked[1]]
    return (ranked[0] if clear and part[ranked[0]] >= 0.5 * many else None), ranked[:5]


def _key(message_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(message_id.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _short(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def _digest(letter: Letter, raw: bytes) -> str:
    """An id for a letter that has none: by what it says."""
    said = (letter.sender, letter.at, letter.to, letter.subject, letter.text)
    return f"made-{_short(repr(said) if letter.text or letter.subject else repr(said) + repr(raw[:10_000]))[:32]}"
