"""Links in messages: added when they are handed over, signed, and left out where nobody would take them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest

from beforehand.channels import Button, Handed, Message, Words
from beforehand.channels.email import compose
from beforehand.channels.opening import SecretMissingError
from beforehand.commands import Workspace
from beforehand.commands.handing import Ways
from beforehand.commands.linking import Links, links_of
from beforehand.errors import Problems
from beforehand.store import Act
from beforehand.workspace.callback_spec import CallbacksSpec

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
SECRET = "0123456789abcdef0123456789abcdef"
LINKS = Links("https://care.vendor.example/hooks", (SECRET,), "Care <replies@vendor.example>")
SETTINGS = """name: Acme
channels:
  mail:
    kind: email
    host: smtp.vendor.example
    sender: Care <care@vendor.example>
  crm:
    kind: webhook
    url: https://crm.vendor.example/in
"""
CALLBACKS = """callbacks:
  url: https://care.vendor.example/hooks/
  secret: {env: S}
"""


class Kept:
    """A channel that keeps what it is handed."""

    keyed = False

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def hand(self, message: Message, recipient: str, key: str, replaces: str | None = None) -> Handed:
        self.messages.append(message)
        return Handed("sent", "accepted")


def handed(root: Path, callbacks: str, *, environment: dict[str, str] | None = None, **act: Any) -> Any:
    (root / "beforehand.yaml").write_text(SETTINGS + callbacks)
    settings = Workspace(root, "ann").settings
    kept = Kept()
    found = {"S": SECRET} if environment is None else environment
    ways = Ways(root, settings.channels, found, callbacks=settings.callbacks, opened={"mail": kept, "crm": kept})
    plain: dict[str, Any] = {
        "kind": "mail", "channel": "mail", "recipient": "ada@globex.example", "key": "7:mail:x", "outward": True,
        "run": 7, "made_at": NOW, "payload": Message("Hello", (Words("hi"),), purpose="customer").as_json(),
    }  # fmt: skip
    answer = ways.hand(Act(**plain | act), None)
    return kept.messages[0] if kept.messages else answer


def test_a_customer_can_refuse_in_one_click(tmp_path: Path) -> None:
    message = handed(tmp_path, CALLBACKS)
    assert message.unsubscribe.startswith("https://care.vendor.example/hooks/unsubscribe/")
    assert "ada" not in message.unsubscribe
    token = message.unsubscribe.rpartition("/")[2]
    assert LINKS.opened("unsubscribe", token) == {"to": "ada@globex.example", "run": 7}
    mail = compose(message, "ada@globex.example", "k", sender="care@vendor.example", at=NOW)
    assert mail["List-Unsubscribe"] == f"<{message.unsubscribe}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.unsubscribe in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert message.unsubscribe in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_without_an_address_it_is_a_mail_to_the_sender(tmp_path: Path) -> None:
    message = handed(tmp_path, "")
    assert message.unsubscribe == "mailto:care@vendor.example?subject=unsubscribe"
    mail = compose(message, "ada@globex.example", "k", sender="care@vendor.example", at=NOW)
    assert mail["List-Unsubscribe"] == f"<{message.unsubscribe}>"
    assert mail["List-Unsubscribe-Post"] is None


ALERT = Message("Globex", (Words("fell"), Button("Acknowledge", "acknowledge", "A-1001", "primary")))


@pytest.mark.parametrize("channel", ["mail", "crm"])
def test_buttons_are_links_that_only_we_can_make(tmp_path: Path, channel: str) -> None:
    told = {"outward": False, "run": None, "recipient": "ana@vendor.example", "payload": ALERT.as_json()}
    message = handed(tmp_path, CALLBACKS, channel=channel, **told)
    url = message.blocks[1].url
    assert url.startswith("https://care.vendor.example/hooks/do/")
    assert LINKS.opened("do", url.rpartition("/")[2]) == {
        "do": "acknowledge", "of": "A-1001", "who": "ana@vendor.example", "until": "2026-06-03",
    }  # fmt: skip
    assert message.unsubscribe == ""


def test_without_an_address_a_mail_has_no_buttons(tmp_path: Path) -> None:
    told = {"outward": False, "run": None, "recipient": "ana@vendor.example", "payload": ALERT.as_json()}
    message = handed(tmp_path, "", **told)
    assert message == ALERT
    mail = compose(message, "ana@vendor.example", "k", sender="care@vendor.example", at=NOW)
    assert "Acknowledge" not in mail.as_string()


def test_an_answer_says_which_run_it_is_of(tmp_path: Path) -> None:
    callbacks = "callbacks: {reply_to: Care <replies@vendor.example>, secret: {env: S}}\n"
    message = handed(tmp_path, callbacks)
    name, address = parseaddr(message.reply_to)
    assert name == "Care"
    assert len(address.partition("@")[0]) <= 64
    assert LINKS.run_of(address) == 7
    assert LINKS.run_of(address.upper()) == 7  # a letter's case is nobody's to keep
    assert LINKS.run_of("replies@vendor.example") is None
    assert LINKS.run_of(address.replace("vendor", "attacker")) is None
    assert LINKS.run_of(address[:10] + ("b" if address[10] != "b" else "c") + address[11:]) is None
    assert message.unsubscribe.startswith("mailto:replies%2B")


def test_without_its_secret_a_customer_waits_and_a_teammate_does_not(tmp_path: Path) -> None:
    answer = handed(tmp_path, CALLBACKS, environment={})
    assert (answer.state, answer.reason) == ("retry", "no-secret")
    assert "environment variable S" in answer.detail
    short = handed(tmp_path, CALLBACKS, environment={"S": "short"})
    assert "fewer than 16" in short.detail
    told = {"outward": False, "run": None, "recipient": "ana@vendor.example", "payload": ALERT.as_json()}
    assert handed(tmp_path, CALLBACKS, environment={}, **told) == ALERT


def test_a_secret_may_be_changed_without_losing_links(tmp_path: Path) -> None:
    spec = CallbacksSpec.model_validate(
        {"url": "https://a.example", "secret": [{"env": "NEW"}, {"env": "OLD"}]}
    )  # fmt: skip
    before = links_of(CallbacksSpec.model_validate({"url": "https://a.example", "secret": {"env": "OLD"}}), tmp_path,
                      {"OLD": "o" * 20})  # fmt: skip
    after = links_of(spec, tmp_path, {"OLD": "o" * 20, "NEW": "n" * 20})
    assert before is not None
    assert after is not None
    token = before.unsubscribe("ada@globex.example", 1).rpartition("/")[2]
    assert after.opened("unsubscribe", token) == {"to": "ada@globex.example", "run": 1}
    assert before.opened("unsubscribe", after.unsubscribe("ada@globex.example", 1).rpartition("/")[2]) is None
    with pytest.raises(SecretMissingError):
        links_of(spec, tmp_path, {"NEW": "n" * 20})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{url: 'http://care.vendor.example', secret: {env: S}}", "must begin with https://"),
        ("{url: care.vendor.example, secret: {env: S}}", "no address of a web page"),
        ("{url: 'https://u:p@care.vendor.example', secret: {env: S}}", "only the address itself"),
        ("{url: 'https://care.vendor.example'}", "need a `secret`"),
        ("{reply_to: replies@vendor.example}", "need a `secret`"),
        ("{reply_to: a-very-long-name-of-a-mailbox@vendor.example, secret: {env: S}}", "at most 20 characters"),
        ("{url: 'https://care.vendor.example', secret: hunter2}", "never written into this file"),
        ("{slack: xoxb-1}", "never written into this file"),
        ("{adress: 'https://care.vendor.example'}", "not known here"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "beforehand.yaml").write_text(f"name: Acme\ncallbacks: {written}\n")
    with pytest.raises(Problems) as raised:
        _ = Workspace(tmp_path, "ann").settings
    (problem,) = raised.value.problems
    assert problem.line == 2
    assert said in problem.message
    assert "hunter2" not in str(problem)
