"""Slack against a local listener: blocks within their limits, posting, editing, and what an answer means."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.channels import Button, Facts, Headline, Link, Listing, Message, Words, slack_page
from beforehand.channels.addresses import networks
from beforehand.channels.slack import Slack
from beforehand.channels.slack_blocks import payload


def _beside(name: str) -> Any:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


listening = _beside("http_listener").listening
ALERT = _beside("messages").ALERT
HERE = networks(["127.0.0.1"])
HELLO = Message("Hello", (Words("hello"),))


def app(url: str, **given: Any) -> Slack:
    return Slack(**({"token": "xoxb-secret", "api": url, "allow": HERE, "timeout_s": 2.0} | given))


def answered(server: Any, **said: Any) -> None:
    server.body = json.dumps(said).encode()


def test_posting_and_then_editing_the_same_message() -> None:
    with listening() as server:
        answered(server, ok=True, channel="C1", ts="17.001")
        handed = app(server.url).hand(ALERT, "#care", "n1:1:slack")
        assert (handed.state, handed.ref) == ("sent", "C1/17.001")
        again = app(server.url).hand(ALERT, "#care", "n1:2:slack", replaces=handed.ref)
        assert again.state == "sent"
    (first, second) = server.posts
    assert (first[0], second[0]) == ("/chat.postMessage", "/chat.update")
    assert first[1]["authorization"] == "Bearer xoxb-secret"
    assert json.loads(first[2])["channel"] == "#care"
    assert {k: json.loads(second[2])[k] for k in ("channel", "ts")} == {"channel": "C1", "ts": "17.001"}


def test_what_can_no_longer_be_edited_is_posted_anew() -> None:
    with listening() as server:
        answered(server, ok=False, error="message_not_found")
        app(server.url).hand(ALERT, "#care", "k", replaces="C1/17.001")
    assert [post[0] for post in server.posts] == ["/chat.update", "/chat.postMessage"]


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        ("ratelimited", "retry", "rate-limited"), ("invalid_auth", "retry", "login-refused"),
        ("channel_not_found", "refused", "bad-address"), ("invalid_blocks", "refused", "content"),
        ("something_new", "refused", "rejected"),
    ],
)  # fmt: skip
def test_what_slack_says(error: str, state: str, reason: str) -> None:
    with listening() as server:
        answered(server, ok=False, error=error)
        handed = app(server.url).hand(HELLO, "#care", "k")
        assert (handed.state, handed.reason) == (state, reason)
        server.status, server.body, server.headers = 429, b"", {"Retry-After": "30"}
        handed = app(server.url).hand(HELLO, "#care", "k")
        assert (handed.state, handed.reason, handed.after_s) == ("retry", "rate-limited", 30.0)


def test_silence_after_posting_is_in_doubt_after_editing_it_is_tried_again() -> None:
    with listening() as server:
        server.silent = True
        assert app(server.url).hand(HELLO, "#care", "k").state == "in doubt"
        assert app(server.url).hand(HELLO, "#care", "k", replaces="C1/17.001").state == "retry"
        server.silent, server.body = False, b"<html>a proxy</html>"
        assert app(server.url).hand(HELLO, "#care", "k").reason == "not-understood"
    assert app(server.url).hand(HELLO, "#care", "k").reason == "unreachable"
    assert "xoxb" not in repr(app(server.url))


def test_an_incoming_webhook() -> None:
    with listening() as server:
        channel = Slack(webhook=server.url + "/services/T1", allow=HERE)
        assert channel.hand(HELLO, "", "k").state == "sent"
        server.status, server.body = 404, b"channel_is_archived"
        assert channel.hand(HELLO, "", "k").reason == "bad-address"
    assert server.posts[0][0] == "/services/T1"


def test_as_it_was_looked_at() -> None:
    kept = Path(__file__).parent / "golden" / "alert-slack.json"
    assert payload(ALERT) == json.loads(kept.read_text(encoding="utf-8"))


def test_without_buttons_only_links_stay() -> None:
    (row,) = [block for block in payload(ALERT, buttons=False)["blocks"] if block["type"] == "actions"]
    assert [button["text"]["text"] for button in row["elements"]] == ["Acknowledge", "Snooze 7 days"]


def test_nothing_written_becomes_a_mention_or_a_link() -> None:
    said = "<!channel> <@U1> <https://evil.example|here> & so on"
    message = Message(said, (Headline(said), Words(said), Facts(((said, said),)), Link("x|y>", "https://a.example/|>")))
    made = payload(message)
    texts = json.dumps({**made, "blocks": [b for b in made["blocks"] if b["type"] != "header"]})
    assert "<!channel>" not in texts
    assert "<@U1>" not in texts
    assert "<https://evil" not in texts
    assert "<https://a.example/%7C%3E|x/y&gt;>" in texts
    assert "<!channel>" not in slack_page.page(made, "<b>Acme</b>")


TEXTS = st.text(max_size=9000)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.lists(TEXTS, max_size=20), st.lists(st.tuples(TEXTS, TEXTS), max_size=30), st.integers(0, 120))
def test_always_within_the_limits(said: str, items: list[str], rows: list[tuple[str, str]], many: int) -> None:
    buttons = tuple(Button(said or "x", f"a{n}", said) for n in range(many))
    blocks = (Headline(said), Words(said), Listing(tuple(items)), Facts(tuple(rows)), *(Words("x"),) * many, *buttons)
    made = payload(Message(said, blocks))
    assert len(made["blocks"]) <= 50
    assert len(made["text"]) <= 3000
    for block in made["blocks"]:
        match block["type"]:
            case "header":
                assert 0 < len(block["text"]["text"]) <= 150
            case "section":
                assert 0 < len(block.get("text", {"text": "x"})["text"]) <= 3000
                assert len(block.get("fields", ())) <= 10
                assert all(0 < len(field["text"]) <= 2000 for field in block.get("fields", ()))
            case "actions":
                assert 0 < len(block["elements"]) <= 25
                assert all(len(b["text"]["text"]) <= 75 and len(b["value"]) <= 2000 for b in block["elements"])
    assert slack_page.page(made, "Acme").startswith("<!doctype html>")
