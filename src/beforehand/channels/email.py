"""Mail by SMTP: one connection kept from one message to the next, and at each step it is known what a failure means.

Until the server has the last byte of a message nothing was sent, and it may be tried again. From then until its answer
nobody knows: that is in doubt, and never repeated by itself. RFC 5321; RFC 8058 for unsubscribing; RFC 3834 for mail
that no person wrote.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr
from typing import Literal

from beforehand.channels import html, picture, plain
from beforehand.channels.addresses import AddressError, Network, connect
from beforehand.channels.message import Chart, Message
from beforehand.channels.seam import Handed

POLICY = SMTP.clone(max_line_length=998, cte_type="7bit")
"""No folding: the usual width breaks List-Unsubscribe in two, which some readers then do not see."""
IDLE_S = 30.0
"""A connection left alone for longer is made anew: servers close them without a word."""
ASKED_S = 2.0
"""One left alone for longer is asked first whether it still stands."""
MOST_A_CONNECTION = 500
ADDRESS = re.compile(r"^[^\s@<>,;:\"\\()\[\]\x00-\x1f]+@[^\s@<>,;:\"\\()\[\]\x00-\x1f]+$")
# The second figure of an enhanced status code (RFC 3463) as a word; then what basic codes say by themselves.
SUBJECTS = {"1": "bad-address", "2": "mailbox", "3": "mail-system", "4": "network", "5": "protocol", "6": "content",
            "7": "policy"}  # fmt: skip
CODES = {421: "not-now", 450: "mailbox", 452: "no-room", 552: "mailbox", 550: "bad-address", 553: "bad-address"}
Security = Literal["starttls", "tls", "none"]


@dataclass
class Email:
    """A mail server to hand messages to; `sender` is an address, perhaps with a name before it."""

    host: str
    port: int
    sender: str
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    reply_to: str = ""
    allow: tuple[Network, ...] = ()
    timeout_s: float = 30.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    keyed = False
    _open: _Server | None = field(default=None, repr=False, compare=False)
    _used_at: float = field(default=0.0, repr=False, compare=False)
    _ready: dict[str, tuple[tuple[int, str], _Written]] = field(default_factory=dict, repr=False, compare=False)

    def hand(self, message: Message, recipient: str, key: str, replaces: str | None = None) -> Handed:
        """Sends a message to one address; `ref` is its Message-ID. What it replaces stays where it is."""
        address = parseaddr(recipient)[1]
        if not (ADDRESS.match(address) and recipient.isprintable()):
            return Handed("refused", "bad-address", f"{recipient!r} is no mail address.")
        kept = self._ready.pop(key, None)
        mail = kept[1] if kept is not None and kept[0] == (id(message), recipient) else None
        mail = mail or self._written(message, recipient, key)
        try:
            try:
                return self._sent(self._connected(), mail, address)
            except _LeftError:
                # It went away after the message before this one, which says nothing about this one.
                self.close()
                return self._sent(self._connected(), mail, address)
        except _StoppedError as stopped:
            return stopped.handed
        finally:
            self._used_at = time.monotonic()

    def ready(self, message: Message, recipient: str, key: str) -> None:
        """Writes the mail of a message that is handed over soon; another thread may, while one is handed over."""
        self._ready[key] = (id(message), recipient), self._written(message, recipient, key)

    def _written(self, message: Message, recipient: str, key: str) -> _Written:
        mail = compose(message, recipient, key, sender=self.sender, reply_to=self.reply_to, at=self.clock())
        sender, name = parseaddr(str(mail["From"]))[1], str(mail["Message-ID"])
        return _Written(_dotted(mail.as_bytes(policy=POLICY)), sender, name)

    def close(self) -> None:
        """Says goodbye to the server, where there is one."""
        if self._open is not None:
            self._open.leave()
            self._open = None

    def _connected(self) -> _Server:
        """The connection of the last message where it still stands, else a new one."""
        server = self._open
        if server is not None:
            idle = time.monotonic() - self._used_at
            fresh = idle < IDLE_S and server.handed_over < MOST_A_CONNECTION and server.sock is not None
            if fresh and (idle < ASKED_S or server.stands()):
                return server
            self.close()
        self._open = self._greeted()
        return self._open

    def _greeted(self) -> _Server:
        server = _Server(self.host, self.timeout_s, self.allow, implicit=self.security == "tls")
        try:
            code, said = server.connect(self.host, self.port)
            if code != 220:
                raise _StoppedError(_answered(code, said))
            server.ehlo_or_helo_if_needed()
            if self.security == "starttls":
                if not server.has_extn("starttls"):
                    raise _StoppedError(
                        Handed("retry", "tls", f"{self.host} offers no STARTTLS; nothing is sent in the clear.")
                    )
                server.starttls(context=ssl.create_default_context())
                server.ehlo_or_helo_if_needed()
            if self.user:
                server.login(self.user, self.password)
        except _StoppedError:
            server.close()
            raise
        except AddressError as error:
            raise _StoppedError(
                Handed("refused" if error.reason == "private-address" else "retry", error.reason, error.detail)
            ) from error
        except smtplib.SMTPAuthenticationError as error:
            server.close()
            # What the server says of a wrong password may hold the name; the code is enough.
            detail = f"{self.host} refuses the login ({error.smtp_code})."
            raise _StoppedError(Handed("retry", "login-refused", detail)) from error
        except smtplib.SMTPNotSupportedError as error:
            server.close()
            raise _StoppedError(Handed("retry", "login-refused", f"{self.host} takes no login.")) from error
        except ssl.SSLError as error:
            server.close()
            detail = f"{self.host} cannot be spoken to in private: {error.reason or error}."
            raise _StoppedError(Handed("retry", "tls", detail)) from error
        except (smtplib.SMTPException, OSError) as error:
            server.close()
            raise _StoppedError(self._silent(error, "retry")) from error
        return server

    def _sent(self, server: _Server, mail: _Written, address: str) -> Handed:
        """One transaction; `given` is true from the moment the server has the whole message."""
        given = False
        try:
            options = []
            if server.has_extn("size"):
                options.append(f"size={len(mail.raw)}")
            if not address.isascii():
                if not server.has_extn("smtputf8"):
                    return Handed("refused", "bad-address", f"{self.host} takes only addresses in ASCII letters.")
                options.append("SMTPUTF8")
            try:
                code, said = server.mail(mail.sender, options)
            except smtplib.SMTPServerDisconnected as error:
                if server.handed_over and not isinstance(error.__context__, TimeoutError):
                    raise _LeftError from None
                raise
            if code == 421 and server.handed_over:
                raise _LeftError
            if code == 250:
                code, said = server.rcpt(address)
            if code not in (250, 251):
                server.reset(code)
                return _answered(code, said)
            code, said = server.docmd("DATA")
            if code != 354:
                server.reset(code)
                return _answered(code, said)
            server.send(mail.raw)
            given = True
            code, said = server.getreply()
            server.handed_over += 1
            if code == 250:
                return Handed("sent", "accepted", ref=mail.name)
            server.reset(code)
            return _answered(code, said)
        except (smtplib.SMTPException, OSError) as error:
            server.close()
            self._open = None
            return self._silent(error, "in doubt" if given else "retry")

    def _silent(self, error: Exception, state: Literal["retry", "in doubt"]) -> Handed:
        """No answer came: the server hung up, said what is no SMTP, or said nothing for too long."""
        late = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
        detail = f"{self.host} did not answer within {self.timeout_s:g} s." if late else f"{self.host} broke off."
        detail += " It had the whole message." if state == "in doubt" else ""
        return Handed(state, "timeout" if late else "cut-off", detail)


@dataclass(frozen=True)
class _Written:
    """A mail as DATA wants it, whom it is from, and its Message-ID."""

    raw: bytes
    sender: str
    name: str


class _StoppedError(Exception):
    """No connection: what comes of the message."""

    def __init__(self, handed: Handed) -> None:
        super().__init__(handed.reason)
        self.handed = handed


class _LeftError(Exception):
    """A connection that was kept is there no more; nothing of this message was said."""


class _Server(smtplib.SMTP):
    """A connection to an address that was checked; `implicit`: TLS from the first byte."""

    def __init__(self, host: str, timeout_s: float, allow: tuple[Network, ...], *, implicit: bool) -> None:
        self.allow = allow
        self.implicit = implicit
        self.handed_over = 0
        super().__init__(timeout=timeout_s)
        self._host = host  # what smtplib checks certificates against

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = connect(host, port, timeout, self.allow)
        if not self.implicit:
            return made
        try:
            return ssl.create_default_context().wrap_socket(made, server_hostname=host)
        except BaseException:
            made.close()
            raise

    def stands(self) -> bool:
        """Whether the server still answers."""
        try:
            return self.noop()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def reset(self, code: int) -> None:
        """Makes ready for the next message after a no; 421 says that the server is leaving."""
        try:
            if code == 421 or self.rset()[0] != 250:
                self.close()
        except (smtplib.SMTPException, OSError):
            self.close()

    def leave(self) -> None:
        """QUIT, and no word of what comes of it."""
        try:
            self.quit()
        except (smtplib.SMTPException, OSError):
            self.close()


def compose(
    message: Message, recipient: str, key: str, *, sender: str, reply_to: str = "", at: datetime
) -> EmailMessage:
    """The mail of a message: plain text, HTML, the charts as pictures inside it. The same for the same arguments."""
    charts = [block for block in message.blocks if isinstance(block, Chart)]
    own = parseaddr(message.sender or sender)[1]
    domain = own.rpartition("@")[2] or "localhost"
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    mail = EmailMessage(policy=POLICY)
    mail["From"] = _address(message.sender or sender)
    mail["To"] = _address(recipient)
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(at.astimezone(UTC))
    mail["Message-ID"] = f"<{digest}@{domain}>"
    if message.reply_to or reply_to:
        mail["Reply-To"] = _address(message.reply_to or reply_to)
    for name, ids in _threading(message, domain).items():
        mail[name] = ids
    if message.purpose != "customer":
        mail["Auto-Submitted"] = "auto-generated"
    elif message.unsubscribe:
        mail["List-Unsubscribe"] = f"<{''.join(message.unsubscribe.split())}>"
        if message.unsubscribe.startswith(("https:", "http:")):  # a mail is no click
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    names = {id(chart): f"{digest}.{n}@{domain}" for n, chart in enumerate(charts)}
    mail.set_content(plain.text(message))
    mail.add_alternative(html.page(message, lambda chart, _: f"cid:{names[id(chart)]}"), subtype="html")
    body = mail.get_payload()[1]  # type: ignore[index]
    for chart in charts:
        body.add_related(  # type: ignore[union-attr]
            picture.png(chart, message.tone), "image", "png", cid=f"<{names[id(chart)]}>", disposition="inline",
            filename=f"chart-{charts.index(chart) + 1}.png",
        )  # fmt: skip
    mail["Content-Language"] = message.lang if re.fullmatch(r"[A-Za-z0-9-]{1,35}", message.lang) else "en"
    _fixed_boundaries(mail, digest)
    return mail


def _threading(message: Message, domain: str) -> dict[str, str]:
    """What a mail answers. Mails of one `thread` answer an id made of it, whether or not such a mail was ever sent.

    Programs that show threads put those together that name the same ancestor (Zawinski's algorithm, RFC 5256).
    """
    ids = " ".join(re.findall(r"<[^<>\s]+>", message.meta.get("references", "")))
    answered = " ".join(re.findall(r"<[^<>\s]+>", message.meta.get("in_reply_to", ""))[:1])
    if message.thread and not answered:
        answered = f"<thread.{hashlib.sha256(message.thread.encode()).hexdigest()[:24]}@{domain}>"
    if not answered:
        return {}
    return {"In-Reply-To": answered, "References": ids if answered in ids.split() else f"{ids} {answered}".strip()}


def _address(written: str) -> str:
    """An address with its name, as a header holds it; control characters and line ends are gone."""
    name, address = parseaddr("".join(c for c in written if c.isprintable()))
    return formataddr((name, address)) if name else address


def _fixed_boundaries(mail: EmailMessage, digest: str) -> None:
    """Boundaries made of the key instead of at random, so that a message can be compared with itself."""
    parts = [part for part in mail.walk() if part.is_multipart()]
    for n, part in enumerate(parts):
        part.set_boundary(f"={digest[:20]}.{n}=")


def _dotted(raw: bytes) -> bytes:
    """The message as DATA wants it: lines end in CR LF, a leading dot is doubled, a line with a dot ends it."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    stuffed = re.sub(rb"(?m)^\.", b"..", lines)
    return stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _answered(code: int, said: bytes) -> Handed:
    """What a no means: 4xx is not now, 5xx is never; the word is that of the enhanced code where there is one."""
    words = " ".join(said.decode("utf-8", "replace").split())[:200]
    found = re.match(r"[245]\.(\d{1,3})\.\d{1,3}\b", words)
    reason = SUBJECTS.get(found[1], "") if found else ""
    if 400 <= code < 500:
        return Handed("retry", reason or CODES.get(code, "put-off"), f"It answered {code} {words}")
    if 500 <= code < 600:
        return Handed("refused", reason or CODES.get(code, "rejected"), f"It answered {code} {words}")
    return Handed("retry", "not-understood", f"It answered {code} {words}")
