"""Customers' answers: found by address, mail or thread; noted once; and what is no answer moves nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from beforehand.commands.replying import FIELDS, from_json, from_mail
from beforehand.errors import InputError
from beforehand.store import Act, Suppression, runs

MAIL_ID = "<0123abc@vendor.example>"


@pytest.fixture
def waiting(front_anywhere: Any) -> tuple[Any, int]:
    """A run that has sent a letter and waits."""
    number = front_anywhere.begin()
    front_anywhere.sent(number, MAIL_ID)
    with front_anywhere.ws.state() as state, state.write() as session:
        front_anywhere_run = session.get(runs.Run, number)
        front_anywhere_run.due_at = None
    return front_anywhere, number


def said(front: Any, **more: Any) -> Any:
    plain = {"from": "Ada Byron <ada@globex.example>", "subject": "Re: How are you?", "text": "All is well."}
    return front.answer(**plain | more)


def by_mail(_: Any, __: int) -> dict[str, Any]:
    return {"in_reply_to": MAIL_ID}


def by_references(_: Any, __: int) -> dict[str, Any]:
    return {"references": ["<first@globex.example>", MAIL_ID, "<last@globex.example>"]}


def by_address(front: Any, run: int) -> dict[str, Any]:
    return {"to": ["Care <" + parseaddr(front.links.answers_to(run))[1].upper() + ">"]}


def by_thread(_: Any, run: int) -> dict[str, Any]:
    """A mail server that gives our mails ids of its own leaves the thread."""
    thread = hashlib.sha256(f"run-{run}".encode()).hexdigest()[:24]
    return {"headers": {"References": f"<thread.{thread}@vendor.example> <other@amazonses.example>"}}


@pytest.mark.parametrize(
    ("told", "how"),
    [(by_mail, "message"), (by_references, "message"), (by_address, "address"), (by_thread, "thread")],
)
def test_an_answer_is_noted_and_its_run_is_due(waiting: Any, told: Callable[..., Any], how: str) -> None:
    front, run = waiting
    before = front.run(run)
    assert before.due_at is None
    came = said(front, id="m1", **told(front, run))
    assert (came["outcome"], came["reason"]) == ("done", "noted")
    assert front.lines(run) == ["reply"]
    assert front.run(run).due_at is not None
    (kept,) = front.came("reply")
    assert (kept.details["run"], kept.details["via"], kept.details["text"]) == (run, how, "All is well.")
    (owner,) = front.rows(Act, Act.key.like("reply:%"))
    assert (owner.channel, owner.recipient) == ("mail", "ben@vendor.example")
    assert owner.payload["reply_to"] == "ada@globex.example"
    assert "Ada Byron has answered" in owner.payload["subject"]
    assert not owner.outward


def test_posted_twice_is_noted_once(waiting: Any) -> None:
    front, run = waiting
    said(front, id="m1", message_id="<r1@globex.example>", in_reply_to=MAIL_ID)
    again = said(front, id="m2", message_id="<r1@globex.example>", in_reply_to=MAIL_ID)
    assert (again["outcome"], again["reason"]) == ("already", "seen")
    assert front.lines(run) == ["reply"]
    said(front, id="m3", message_id="<r2@globex.example>", in_reply_to=MAIL_ID)
    assert front.lines(run) == ["reply", "reply"]


@pytest.mark.parametrize(
    "headers",
    [{"Auto-Submitted": "auto-replied"}, {"auto-submitted": "auto-generated; type=x"}, {"Precedence": "bulk"},
     {"X-Autoreply": "yes"}],
)  # fmt: skip
def test_what_a_machine_wrote_moves_no_run(front: Any, headers: dict[str, str]) -> None:
    run = front.begin()
    front.sent(run, MAIL_ID)
    came = said(front, in_reply_to=MAIL_ID, headers=headers, text="I am away until Monday.")
    assert came["reason"] == "auto-reply"
    assert front.lines(run) == []
    assert front.rows(Act, Act.key.like("reply:%")) == []
    assert said(front, id="m2", in_reply_to=MAIL_ID, headers={"Auto-Submitted": "no"})["reason"] == "noted"


def test_a_bounce_moves_no_run(front: Any) -> None:
    run = front.begin()
    front.sent(run, MAIL_ID)
    came = said(front, **{"from": "MAILER-DAEMON@mx.example"}, in_reply_to=MAIL_ID, text="Undelivered")
    assert came["reason"] == "auto-reply"


def test_an_answer_to_nothing_known_is_kept_and_listed(front: Any) -> None:
    came = said(front, in_reply_to="<of-nobody@elsewhere.example>")
    assert (came["outcome"], came["reason"]) == ("refused", "unknown")
    (row,) = front.ws.callbacks(kinds=("reply",))["callbacks"]
    assert (row["from"], row["text"], row["said"]) == (
        "ada@globex.example", "All is well.", "It answers no message of a run.",
    )  # fmt: skip


def test_one_of_us_is_no_customer(front: Any) -> None:
    run = front.begin()
    front.sent(run, MAIL_ID)
    for sender in ("ana@vendor.example", "anybody@mail.vendor.example"):
        assert said(front, **{"from": sender}, id=sender, in_reply_to=MAIL_ID)["reason"] == "ours"
    assert front.lines(run) == []


def test_a_run_that_has_ended_is_not_written_to_but_its_owner_hears(front: Any) -> None:
    run = front.begin()
    front.sent(run, MAIL_ID)
    with front.ws.state() as state, state.write() as session:
        runs.end_run(session, session.get(runs.Run, run), front.now, "no answer", "")
    came = said(front, in_reply_to=MAIL_ID)
    assert came["reason"] == "run-ended"
    assert front.lines(run) == ["ended"]
    (owner,) = front.rows(Act, Act.key.like("reply:%"))
    assert "the run had ended" in json.dumps(owner.payload)


def test_a_mail_that_says_unsubscribe_does_it(front: Any) -> None:
    run = front.begin()
    front.sent(run, MAIL_ID)
    assert said(front, in_reply_to=MAIL_ID, subject=" Unsubscribe ")["reason"] == "unsubscribed"
    (kept,) = front.rows(Suppression)
    assert (kept.address, kept.account) == ("ada@globex.example", "globex")


def test_the_mail_itself_is_read_as_the_json_is(front: Any) -> None:
    run = front.begin()
    front.sent(run, MAIL_ID)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ada <ada@globex.example>", "care@vendor.example", "Re: How äre you?"
    mail["Message-ID"], mail["In-Reply-To"] = "<r9@globex.example>", MAIL_ID
    mail.set_content("Alles gut.\n\nOn Monday Care wrote:\n> How are you?\n")
    mail.add_attachment(b"\x00" * 1000, maintype="application", subtype="octet-stream", filename="a.bin")
    came = front.reply(mail.as_bytes(), kind="message/rfc822")
    assert came.json["reason"] == "noted"
    (kept,) = front.came("reply")
    assert (kept.details["text"], kept.details["subject"]) == ("Alles gut.", "Re: How äre you?")
    assert kept.key == "reply:r9@globex.example"


def test_a_reply_of_html_is_read_as_text(front: Any) -> None:
    run = front.begin()
    front.sent(run, MAIL_ID)
    front.answer(**{"from": "ada@globex.example"}, html="<p>All <b>is</b> well.</p>", in_reply_to=MAIL_ID)
    assert front.came("reply")[0].details["text"] == "All is well."


def test_forged_and_stale_ones_are_refused(front: Any) -> None:
    run = front.begin()
    front.sent(run, MAIL_ID)
    body = json.dumps({"from": "ada@globex.example", "in_reply_to": MAIL_ID}).encode()
    assert front.reply(body, secret="whsec_AAAA").code == "forged"
    assert front.reply(body, at=front.now - timedelta(minutes=6)).code == "forged"
    assert front.ask("POST", "/replies", body, {"content-type": "application/json"}).status == 401
    assert front.lines(run) == []
    assert front.refusals() == {("replies", "forged"): 3}


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"[]", "application/json", 400, "not-a-mail"),
        (b"{", "application/json", 400, "not-understood"),
        (b"[" * 100_000, "application/json", 400, "not-understood"),
        (b"\xff", "application/json", 400, "not-understood"),
        (b"{}", "application/json", 400, "not-a-mail"),
        (b'{"from": 7}', "application/json", 400, "not-a-mail"),
        (b'{"from": "nobody"}', "application/json", 400, "not-a-mail"),
        (b'{"from": "a@b.example", "headers": []}', "application/json", 400, "not-a-mail"),
        (b"no mail at all", "message/rfc822", 400, "not-a-mail"),
        (b"", "message/rfc822", 400, "not-a-mail"),
        (b"{}", "text/plain", 415, "bad-kind"),
    ],
)
def test_what_is_no_mail_is_refused(front: Any, body: bytes, kind: str, status: int, code: str) -> None:
    answer = front.reply(body, kind=kind)
    assert (answer.status, answer.code) == (status, code)
    assert front.came("reply") == []


def test_no_value_begins_another_header() -> None:
    told = {"from": "ada@globex.example", "subject": "x\r\nAuto-Submitted: auto-replied\r\n\r\nbody",
            "headers": {"X\nPrecedence: bulk\nY": "z"}}  # fmt: skip
    reply = from_json(told, "k")
    assert not reply.automatic
    assert reply.text == ""


VALUES = st.none() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=8), max_size=3)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), VALUES | st.dictionaries(st.text(max_size=5), st.text())))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_read_or_refused(told: dict[str, Any]) -> None:
    try:
        reply = from_json(told, "k")
    except InputError as error:
        assert error.code == "not-a-mail"
    else:
        assert "@" in reply.sender


@given(st.binary(max_size=400))
@settings(max_examples=200)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for mail in (
        raw,
        b"From: a@b.example\n" + raw,
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\n" + raw,
    ):
        try:
            assert "@" in from_mail(mail, "k").sender
        except InputError as error:
            assert error.code == "not-a-mail"


def test_a_mail_of_boxes_in_boxes_is_survived(front: Any) -> None:
    deep = b"From: a@b.example\n" + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" * 3000
    answer = front.reply(deep, kind="message/rfc822")
    assert answer.status in (200, 400)
    assert "Traceback" not in answer.text


def test_a_reply_while_a_run_waits_moves_it_at_the_next_run(front: Any) -> None:
    """From the letter that somebody approved to the answer that ends the run; told in time."""
    monday = datetime(2026, 5, 4, 10, tzinfo=UTC)
    person = {"account": "globex", "person": "ada", "email": "ada@globex.example", "name": "Ada Byron", "role": "admin"}
    event = {"account": "globex", "event": "login", "person": "ada", "at": "2026-05-01T10:00:00Z"}
    for table, row in (("people", person), ("events", event)):
        path = front.root / f"{table}.jsonl"
        path.write_text(json.dumps(row) + "\n")
        front.ws.load([path], table=table, now=monday)
    front.ws.run(monday)
    run = front.ws.start_playbook("check-in", "globex", now=monday)["run"]["run"]
    front.ws.approve(run, now=monday)
    front.ws.run(monday + timedelta(minutes=5))
    with front.ws.state() as state, state.write() as session:
        (mail,) = session.scalars(select(Act).where(Act.outward))
        mail.state, mail.ref, mail.settled_at = "sent", MAIL_ID, monday
    front.ws.run(monday + timedelta(days=1))
    assert front.run(run).state == "live"
    assert said(front, in_reply_to=MAIL_ID)["reason"] == "noted"
    front.ws.run(monday + timedelta(days=2))
    assert (front.run(run).state, front.run(run).outcome) == ("ended", "answered")
