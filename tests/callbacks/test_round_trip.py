"""Out and back: what a real mail server took, and what Slack was posted, is what is answered."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest

from beforehand.channels import Button, Message, Words
from beforehand.commands.handing import put_message

CLICK = b"List-Unsubscribe=One-Click"


def _beside(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent.parent / "channels" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SECRETS = {
    "S": "0123456789abcdef0123456789abcdef", "SLACK": "8f742231b10e8888abcd99yyyzzz85a5",
    "REPLIES": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "TOKEN": "xoxb-1",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def put(front: Any, message: Message, to: str, key: str, **more: Any) -> None:
    with front.ws.state() as state, state.write() as session:
        put_message(
            session, front.ws.settings.channels, message, key=key, channel="mail", recipient=to, now=front.now, **more
        )


def through_smtp(front: Any) -> None:
    """Mail goes to a server of this machine."""
    path = front.root / "beforehand.yaml"
    path.write_text(path.read_text().replace("port: 2525", f"port: {front.port}"))


def test_a_customer_unsubscribes_with_what_the_mail_server_took(front: Any) -> None:
    with _beside("mail_server").serving() as (box, port):
        front.port = port
        through_smtp(front)
        run = front.begin()
        letter = Message("How are you?", (Words("hi"),), purpose="customer", thread=f"run-{run}")
        put(front, letter, "ada@globex.example", "1:send", outward=True, run=run, step="send-3")
        assert front.ws.work(once=True)["came"] == {"sent": 1}
        (mail,) = box.mails
        raw = box.raw[0].decode()
        # On one line each: a folded one is not seen by every reader.
        header = re.search(
            r"^List-Unsubscribe: <https://care\.vendor\.example/hooks(/unsubscribe/[^>\s]+)>\r?$", raw, re.M
        )
        assert header is not None
        assert re.search(r"^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r?$", raw, re.M)
        path = header[1]
        assert path in mail.get_body(("plain",)).get_content()
        # Their program answers it: to the address with the mark, or with the id of what it answers.
        marked = parseaddr(str(mail["Reply-To"]))[1]
        assert front.answer(**{"from": "ada@globex.example"}, id="1", to=marked)["reason"] == "noted"
        answered = {"in_reply_to": str(mail["Message-ID"])}
        assert front.answer(**{"from": "ada@globex.example"}, id="2", **answered)["reason"] == "noted"
        # And the next letter is on its way when they click.
        put(front, letter, "ada@globex.example", "1:again", outward=True, run=run, step="send-3")
        assert front.ask("POST", path, CLICK).status == 200
        assert front.ws.work(once=True)["handed"] == 2  # to the owner, who hears of both answers; to Ada no more
        assert [str(m["To"]) for m in box.mails].count("ada@globex.example") == 1
        assert front.ws.unsent()["by_guard"] == {"suppressed": 1}


def test_a_teammate_presses_a_button_of_the_mail_they_got(front: Any) -> None:
    with _beside("mail_server").serving() as (box, port):
        front.port = port
        through_smtp(front)
        name = front.add_alert()
        message = Message("Globex", (Words("Logins fell."), Button("Acknowledge", "acknowledge", name, "primary")))
        put(front, message, "ben@vendor.example", "n:1")
        front.ws.work(once=True)
        (mail,) = box.mails
        page = mail.get_body(("html",)).get_content()
        path = re.search(r'href="https://care\.vendor\.example/hooks(/do/[^"]+)"', page)
        assert path is not None
        assert front.ask("GET", path[1]).status == 200
        assert front.log(name) == []
        assert front.ask("POST", path[1]).status == 200
        assert front.log(name) == [("acknowledged", "Ben Ode")]


def test_the_message_in_slack_is_edited_where_it_stands(fronts: Any, tmp_path: Path) -> None:
    with _beside("http_listener").listening() as slack:
        slack.body = b'{"ok": true, "channel": "C1", "ts": "1.5"}'
        front = fronts(tmp_path / "w", slack_api=slack.url)
        name = front.add_alert()
        front.told_by_slack(name, "C1/1.5")
        front.press("acknowledge", name)
        front.press("not-useful", name, stamp="2")
        assert front.ws.work(once=True)["came"] == {"sent": 2}
        posts = [(path, json.loads(body)) for path, _, body in slack.posts]
        assert [path for path, _ in posts] == ["/chat.update", "/chat.update"]
        assert {(said["channel"], said["ts"]) for _, said in posts} == {("C1", "1.5")}
        first, last = (json.dumps(said["blocks"], ensure_ascii=False) for _, said in posts)
        assert "✓ Acknowledged by Ana Ruiz" in first
        assert '"action_id": "not-useful"' in first
        assert "✓ Closed by Ana Ruiz: not useful" in last
        assert "action_id" not in last
