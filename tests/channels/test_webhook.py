"""Webhooks against a real listener, signatures against vectors, and where may be connected to."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from beforehand.channels import Message, Words
from beforehand.channels.addresses import AddressError, connect, networks, outside
from beforehand.channels.posting import retry_after
from beforehand.channels.webhook import Webhook, body_of, id_of, signature, verified

HERE = networks(["127.0.0.1"])
NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
HELLO = Message("Hello", (Words("hello"),), thread="A-1001")
RESEARCH = Path(os.environ.get("BEFOREHAND_RESEARCH", Path(__file__).parents[2].parent / "shared" / "research"))


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


def webhook(url: str, **given: Any) -> Webhook:
    return Webhook(url, **({"allow": HERE, "timeout_s": 2.0, "clock": lambda: NOW} | given))


def test_what_is_posted_is_signed_and_the_same_id_at_each_try() -> None:
    with listening() as server:
        channel = webhook(server.url + "/in?a=b", secrets=(SECRET, "b3RoZXJvdGhlcm90aGVyb3RoZXI="))
        first, again = (channel.hand(HELLO, "crm", "1:tell:crm:hook", replaces="msg_x") for _ in range(2))
    assert (first.state, first.reason, first.ref) == ("sent", "accepted", id_of("1:tell:crm:hook"))
    assert again.ref == first.ref
    (path, headers, body), (_, other, _) = server.posts
    assert path == "/in?a=b"
    assert headers["webhook-id"] == other["webhook-id"]
    assert verified([SECRET], headers, body, NOW)
    assert not verified([SECRET], headers, body + b" ", NOW)
    assert not verified([SECRET], headers, body, NOW + timedelta(minutes=6))
    assert not verified([SECRET], headers, body, NOW - timedelta(minutes=6))
    assert not verified(["bm90IGl0"], headers, body, NOW)
    told = json.loads(body)
    assert (told["type"], told["timestamp"]) == ("beforehand.alert", "2026-08-01T12:00:00Z")
    assert (told["data"]["recipient"], told["data"]["replaces"], told["data"]["text"]) == ("crm", "msg_x", "hello\n")
    assert told["data"]["blocks"] == [{"block": "words", "text": "hello"}]


@pytest.mark.skipif(not RESEARCH.is_dir(), reason="the vectors lie beside the project")
def test_as_it_was_looked_at() -> None:
    kept = Path(__file__).parent / "golden" / "alert-webhook.json"
    assert body_of(ALERT, NOW) == json.loads(kept.read_text(encoding="utf-8"))


def test_signatures_are_those_of_the_standards_own_library() -> None:
    kept = json.loads((RESEARCH / "captures" / "signature_vectors.json").read_text())["standard_webhooks"]
    headers, body = kept["headers"], kept["body"].encode()
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert signature(kept["secret"], headers["webhook-id"], at, body) == headers["webhook-signature"]
    assert verified([kept["secret"]], headers, body, at)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (204, "sent", "accepted"), (302, "refused", "redirected"), (400, "refused", "rejected"),
        (401, "retry", "login-refused"), (408, "retry", "put-off"), (410, "refused", "gone"),
        (429, "retry", "rate-limited"), (500, "retry", "server-error"), (503, "retry", "server-error"),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, state: str, reason: str) -> None:
    with listening() as server:
        server.status, server.body = status, b"" if status == 204 else b"no\nmore"
        server.headers = {"Retry-After": "17", "Location": "http://169.254.169.254/"}
        handed = webhook(server.url).hand(HELLO, "crm", "k")
    assert (handed.state, handed.reason) == (state, reason)
    assert handed.after_s == (17 if state == "retry" else None)
    assert len(server.posts) == 1  # what it sends on to is not followed


def test_no_answer_is_tried_again_as_the_other_side_knows_the_key() -> None:
    with listening() as server:
        server.wait_s = 5
        handed = webhook(server.url, timeout_s=0.3).hand(HELLO, "crm", "k")
        assert (handed.state, handed.reason) == ("retry", "timeout")
        server.wait_s, server.silent = 0, True
        handed = webhook(server.url).hand(HELLO, "crm", "k")
        assert (handed.state, handed.reason) == ("retry", "cut-off")
    handed = webhook(server.url).hand(HELLO, "crm", "k")
    assert (handed.state, handed.reason) == ("retry", "unreachable")
    assert webhook("nonsense").hand(HELLO, "crm", "k").reason == "bad-address"
    assert webhook("https://no-such-host.invalid/").hand(HELLO, "crm", "k").reason == "no-such-host"


def test_a_private_address_is_refused_where_it_is_not_allowed() -> None:
    with listening() as server:
        for allow in ((), networks(["10.0.0.0/8"])):
            handed = webhook(server.url, allow=allow).hand(HELLO, "crm", "k")
            assert (handed.state, handed.reason) == ("refused", "private-address")
        assert (
            webhook(server.url.replace("127.0.0.1", "localhost"), allow=()).hand(HELLO, "crm", "k").state == "refused"
        )
    assert server.posts == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_private_in_every_writing(address: str) -> None:
    assert not outside(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "2002:101:101::"])
def test_public(address: str) -> None:
    assert outside(address)


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("1.1.1.1", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr("beforehand.channels.addresses.socket.getaddrinfo", resolved)
    with pytest.raises(AddressError) as told:
        connect("rebinding.example", 80, 1.0)
    assert told.value.reason == "private-address"


def test_a_name_is_looked_up_once_and_that_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with listening() as server:
        port = server.server_address[1]

        def resolved(host: str, *_: Any, **__: Any) -> list[Any]:
            asked.append(host)
            return [(2, 1, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr("beforehand.channels.addresses.socket.getaddrinfo", resolved)
        assert webhook(f"http://crm.example:{port}/in").hand(HELLO, "crm", "k").state == "sent"
    assert asked == ["crm.example"]
    assert server.posts[0][1]["host"] == f"crm.example:{port}"


def test_networks_as_people_write_them() -> None:
    assert outside("10.1.2.3", networks(["10.0.0.0/8"]))
    assert outside("::ffff:10.1.2.3", networks(["10.0.0.0/8"]))
    assert not outside("10.1.2.3", networks(["fd00::/8", "127.0.0.1"]))
    with pytest.raises(ValueError, match="does not appear"):
        networks(["here"])


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("17", 17.0), (" 5 ", 5.0), ("9" * 40, 86_400.0), ("Sat, 01 Aug 2026 12:01:00 GMT", 60.0),
        ("Sat, 01 Aug 2026 11:00:00 GMT", 0.0), ("soon", None), ("-5", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_how_long_it_asks_to_be_left_alone(written: str | None, seconds: float | None) -> None:
    assert retry_after(written, NOW) == seconds
