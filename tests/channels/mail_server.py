"""A real SMTP server for tests: it keeps what it was given, and misbehaves where it is asked to."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Answer = Callable[[str], str]


@dataclass
class Mailbox:
    """What a server has taken, and how it answers.

    `at_mail` is told which MAIL it is, from 1; `at_rcpt` and `at_data` may be an answer or a function of it.
    """

    raw: list[bytes] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    connections: int = 0
    asked: int = 0
    at_mail: Callable[[int], str] = lambda nth: ""
    at_rcpt: str = ""
    at_data: str = ""
    hang_s: float = 0.0
    pause_s: float = 0.0
    cut_after_data: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=default) for raw in self.raw]  # type: ignore[misc]

    def counted(self) -> Counter[str]:
        """How often each message id was taken."""
        return Counter(str(mail["Message-ID"]) for mail in self.mails)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        answer = self.at_mail(self.asked)
        if answer:
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_rcpt:
            return self.at_rcpt
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.hang_s or self.pause_s:
            await asyncio.sleep(self.hang_s or self.pause_s)
        if self.at_data:
            return self.at_data
        with self.lock:
            self.raw.append(envelope.original_content or b"")
            self.to += envelope.rcpt_tos
        if self.cut_after_data:
            assert server.transport is not None
            server.transport.abort()
        return "250 2.0.0 taken"


class _OnAnyPort(Controller):
    """The operating system chooses the port; aiosmtpd, which looks whether it answers, is told which it was."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@contextmanager
def serving(mailbox: Mailbox | None = None) -> Iterator[tuple[Mailbox, int]]:
    """A mailbox behind an SMTP server on a free port of this machine."""
    box = mailbox or Mailbox()
    controller = _OnAnyPort(box, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True, data_size_limit=0)
    controller.start()
    try:
        yield box, controller.port
    finally:
        controller.stop()
