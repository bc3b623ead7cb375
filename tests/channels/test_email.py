"""Mail against a real SMTP server: what is sent, and what each failure means."""

from __future__ import annotations

import importlib.util
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from beforehand.channels import Headline, Message, Words
from beforehand.channels.addresses import networks
from beforehand.channels.email import ASKED_S, POLICY, Email, compose


def _beside(name: str) -> Any:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mail_server, messages = _beside("mail_server"), _beside("messages")
Mailbox, serving = mail_server.Mailbox, mail_server.serving
ALERT, LETTER = messages.ALERT, messages.LETTER
HERE = networks(["127.0.0.1", "::1"])
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HELLO = Message("Hello", (Words("hello"),))


OPENED: list[Email] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def email(port: int, **given: Any) -> Email:
    plain = {"security": "none", "allow": HERE, "timeout_s": 2.0, "clock": lambda: NOW}
    OPENED.append(Email("127.0.0.1", port, "Acme Care <care@vendor.example>", **(plain | given)))
    return OPENED[-1]


def test_one_connection_carries_many_messages() -> None:
    with serving() as (box, port):
        channel = email(port)
        for n in range(5):
            assert channel.hand(ALERT, "Ana <ana@vendor.example>", f"n{n}:1:mail").state == "sent"
        channel.close()
    assert box.connections == 1
    assert len(box.counted()) == 5
    assert box.to == ["ana@vendor.example"] * 5


def test_an_alert_as_it_arrives() -> None:
    with serving() as (box, port):
        handed = email(port).hand(ALERT, "ana@vendor.example", "n1:1:mail")
    (mail,) = box.mails
    assert (handed.state, handed.reason, handed.ref) == ("sent", "accepted", mail["Message-ID"])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in mail
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "> Exports <b>fail</b> & nobody answers." in plain.get_content()
    page = html.get_content()
    assert "Exports &lt;b&gt;fail&lt;/b&gt; &amp; nobody answers." in page
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert f"cid:{picture['Content-ID'][1:-1]}" in page
    assert picture.get_content().startswith(b"\x89PNG")


def test_a_customers_letter_can_be_answered_and_refused() -> None:
    mail = compose(LETTER, "priya@globex.example", "7:3:priya:mail", sender="care@vendor.example", at=NOW)
    raw = mail.as_bytes(policy=POLICY).decode()
    # Whole on its line: folded, some programs do not see it.
    assert f"\r\nList-Unsubscribe: <{LETTER.unsubscribe}>\r\n" in raw
    assert "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert raw.startswith("From: Ana <ana@vendor.example>\r\n")
    assert "\r\nReferences: <root-1@globex.example> <orig-9@globex.example>\r\n" in raw
    assert "\r\nIn-Reply-To: <orig-9@globex.example>\r\n" in raw
    assert "Auto-Submitted" not in raw


def test_the_same_act_is_the_same_mail_and_a_thread_holds_together() -> None:
    def mail(key: str) -> Any:
        return compose(ALERT, "ana@vendor.example", key, sender="care@vendor.example", at=NOW)

    assert mail("a").as_bytes() == mail("a").as_bytes()
    assert mail("a")["Message-ID"] != mail("b")["Message-ID"]
    assert mail("a")["References"] == mail("b")["References"]
    other = compose(replace(ALERT, thread="A-1"), "a@b.example", "a", sender="care@vendor.example", at=NOW)
    assert other["References"] != mail("a")["References"]


@pytest.mark.parametrize(
    "subject", ["one\r\nBcc: eve@evil.example", "one\nBcc: eve@evil.example", "Grüße aus Köln 🎉", "x" * 2000]
)
def test_no_text_can_add_a_header(subject: str) -> None:
    message = Message(subject, (Headline(subject), Words(".\n..\n.\r\nQUIT\n")))
    with serving() as (box, port):
        assert email(port).hand(message, "ana@vendor.example", "k").state == "sent"
    (mail,) = box.mails
    assert "Bcc" not in mail
    assert mail["Subject"] == " ".join(subject.split())
    body = mail.get_body(("plain",))
    assert body is not None
    assert ".\n..\n.\nQUIT" in body.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "recipient",
    ["", "ana", "ana@", "@x.example", "a@b.example\r\nRCPT TO:<eve@evil.example>", "a@b@c", "a b@c.example"],
)
def test_what_is_no_address_is_refused_before_anybody_is_asked(recipient: str) -> None:
    assert (email(1).hand(HELLO, recipient, "k").state, email(1).hand(HELLO, recipient, "k").reason) == (
        "refused",
        "bad-address",
    )


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        ("450 4.2.1 try later", "retry", "mailbox"),
        ("451 4.7.1 greylisted", "retry", "policy"),
        ("421 closing", "retry", "not-now"),
        ("550 5.1.1 no such user", "refused", "bad-address"),
        ("552 5.2.2 full", "refused", "mailbox"),
        ("554 no", "refused", "rejected"),
    ],
)
def test_what_a_no_means(said: str, state: str, reason: str) -> None:
    with serving(Mailbox(at_rcpt=said)) as (box, port):
        channel = email(port)
        handed = channel.hand(HELLO, "ana@vendor.example", "k")
        assert (handed.state, handed.reason) == (state, reason)
        box.at_rcpt, box.at_data = "", said
        handed = channel.hand(HELLO, "ana@vendor.example", "k")
        assert (handed.state, handed.reason) == (state, reason)
        box.at_data = ""
        assert channel.hand(HELLO, "ana@vendor.example", "k").state == "sent"
    assert len(box.raw) == 1


def test_taken_and_then_cut_or_silent_is_in_doubt() -> None:
    with serving(Mailbox(cut_after_data=True)) as (box, port):
        handed = email(port).hand(HELLO, "ana@vendor.example", "k")
        assert (handed.state, handed.reason) == ("in doubt", "cut-off")
        assert len(box.raw) == 1
    with serving(Mailbox(hang_s=1.0)) as (_, port):
        handed = email(port, timeout_s=0.3).hand(HELLO, "ana@vendor.example", "k")
        assert (handed.state, handed.reason) == ("in doubt", "timeout")


@contextmanager
def bare(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that says what it likes to one caller."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as caller:
                talk(caller)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_a_server_that_never_greets_hangs_up_or_talks_nonsense() -> None:
    done = threading.Event()
    with bare(lambda _: done.wait(5)) as port:  # type: ignore[arg-type, return-value]
        handed = email(port, timeout_s=0.3).hand(HELLO, "ana@vendor.example", "k")
        assert (handed.state, handed.reason) == ("retry", "timeout")
        done.set()
    with bare(lambda caller: caller.close()) as port:
        assert email(port).hand(HELLO, "ana@vendor.example", "k").state == "retry"
    with bare(lambda caller: caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n" * 3)) as port:
        assert email(port).hand(HELLO, "ana@vendor.example", "k").state == "retry"
    with bare(lambda caller: caller.sendall(b"554 5.7.1 not you\r\n")) as port:
        assert email(port).hand(HELLO, "ana@vendor.example", "k").state == "refused"


def test_nothing_is_sent_in_the_clear_where_privacy_is_asked_for() -> None:
    with serving() as (box, port):
        handed = email(port, security="starttls", user="me", password="hunter2").hand(HELLO, "a@b.example", "k")
        assert (handed.state, handed.reason) == ("retry", "tls")
        handed = email(port, security="tls").hand(HELLO, "a@b.example", "k")
        assert handed.state == "retry"
        assert "hunter2" not in repr(email(port, password="hunter2"))
    assert box.raw == []


def test_a_private_server_is_reached_only_where_it_is_allowed() -> None:
    with serving() as (box, port):
        handed = email(port, allow=()).hand(HELLO, "a@b.example", "k")
    assert (handed.state, handed.reason) == ("refused", "private-address")
    assert box.connections == 0


def test_a_connection_that_went_away_is_made_anew() -> None:
    with serving() as (box, port):
        channel = email(port)
        assert channel.hand(HELLO, "a@b.example", "1").state == "sent"
        assert channel._open is not None
        assert channel._open.sock is not None
        channel._open.sock.shutdown(socket.SHUT_RDWR)
        assert channel.hand(HELLO, "a@b.example", "2").state == "sent"
        channel._used_at -= ASKED_S  # left alone for so long it is asked first
        channel._open.sock.shutdown(socket.SHUT_RDWR)
        assert channel.hand(HELLO, "a@b.example", "3").state == "sent"
    assert (box.connections, len(box.raw)) == (3, 3)


def test_a_server_that_leaves_after_some_messages_is_called_again_at_once() -> None:
    with serving() as (box, port):
        box.at_mail = lambda nth: "421 4.4.2 too many messages" if nth == 2 else ""
        channel = email(port)
        assert [channel.hand(HELLO, "a@b.example", str(n)).state for n in range(3)] == ["sent"] * 3
    assert (box.connections, len(box.raw)) == (2, 3)
    with serving() as (box, port):
        box.at_mail = lambda _: "421 4.3.2 not now"
        handed = email(port).hand(HELLO, "a@b.example", "1")  # a new connection: it means what it says
    assert (handed.state, handed.reason, box.connections) == ("retry", "mail-system", 1)


def test_letters_beyond_ascii_in_an_address() -> None:
    with serving() as (box, port):
        assert email(port).hand(HELLO, "jürgen@bücher.example", "k").state == "sent"
    assert box.to == ["jürgen@bücher.example"]


@pytest.mark.parametrize(("name", "message"), [("alert", ALERT), ("letter", LETTER)])
def test_as_it_was_looked_at(name: str, message: Message) -> None:
    """Golden files: what a change of one would show is looked at before it is kept."""
    mail = compose(message, "ana@vendor.example", "key", sender="Acme Care <care@vendor.example>", at=NOW)
    parsed = message_from_bytes(mail.as_bytes(policy=POLICY), policy=default)
    for kind, ending in (("plain", "txt"), ("html", "html")):
        body = parsed.get_body((kind,))  # type: ignore[attr-defined]
        kept = Path(__file__).parent / "golden" / f"{name}.{ending}"
        assert body.get_content().replace("\r\n", "\n") == kept.read_text(encoding="utf-8")
