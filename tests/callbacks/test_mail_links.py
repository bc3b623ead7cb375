"""Buttons of mails: opening one asks, pressing it does it, for who the mail was to; and everything that is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from beforehand.callbacks.app import Callbacks
from beforehand.commands.coming_back import Office
from beforehand.errors import BusyError


def test_opening_asks_and_pressing_does(front_anywhere: Any) -> None:
    front = front_anywhere
    name = front.add_alert()
    path = front.link("acknowledge", name)
    page = front.ask("GET", path)
    assert page.status == 200
    assert "globex: Logins fell from 14 a week to 1" in page.text
    assert f"Acknowledge: {name}" in page.text
    assert "You do it as Ben Ode." in page.text
    assert front.alert(name).state == "open"
    assert front.ask("HEAD", path).status == 200
    done = front.ask("POST", path)
    assert "is acknowledged" in done.text
    again = front.ask("POST", path)
    assert again.status == 200
    assert "acknowledged already by Ben Ode" in again.text
    assert front.log(name) == [("acknowledged", "Ben Ode")]
    assert [c.details["via"] for c in front.came("button")] == ["link", "link"]


def test_a_snooze_of_a_mail_says_for_how_long(front: Any) -> None:
    name = front.add_alert()
    path = front.link("snooze", f"{name}|7")
    assert "Snooze 7 days" in front.ask("GET", path).text
    assert front.ask("POST", path, headers={"accept": "application/json"}).json["reason"] == "snoozed"
    assert front.alert(name).state == "snoozed"


def test_a_mail_tells_who_is_not_there_any_more(front: Any) -> None:
    name = front.add_alert()
    for method in ("GET", "POST"):
        answer = front.ask(method, front.link("acknowledge", name, who="old@vendor.example"))
        assert answer.status == 403
        assert "no longer on the team" in answer.text
    old = front.link("acknowledge", name, days=-1)
    assert front.ask("POST", old).status == 410
    assert front.alert(name).state == "open"
    assert front.refusals() == {("do", "stranger"): 2, ("do", "stale"): 1}


def test_what_cannot_be_done_is_a_page_too(front: Any) -> None:
    name = front.add_alert()
    front.ask("POST", front.link("not-useful", name))
    answer = front.ask("POST", front.link("acknowledge", name))
    assert answer.status == 409
    assert "is closed already" in answer.text
    gone = front.ask("POST", front.link("acknowledge", "A-9999"), headers={"accept": "application/json"})
    assert (gone.status, gone.code) == (410, "unknown-alert")
    # What was asked of the state stands there beside what was asked, and is counted once.
    assert front.refusals() == {}
    assert [c.details["reason"] for c in front.came("button")].count("unknown-alert") == 1


def test_a_page_says_nothing_that_was_written_into_it(front: Any) -> None:
    path = front.link("acknowledge", "<script>alert(1)</script>", who="<b>x</b>@vendor.example")
    page = front.ask("GET", path).text
    assert "<script>" not in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/slack", 405, "bad-method"),
        ("DELETE", "/replies", 405, "bad-method"),
        ("POST", "/slack/x", 404, "not-found"),
        ("GET", "/do", 404, "not-found"),
        ("GET", "/do/a/b", 404, "not-found"),
        ("GET", "/../beforehand.yaml", 404, "not-found"),
        ("GET", "/do/%2e%2e", 403, "forged"),
        ("POST", "/do/" + "A" * 5000, 403, "forged"),
        ("GET", "/unsubscribe/\x00\udce9", 403, "forged"),
    ],
)
def test_what_is_not_there_is_refused_and_counted(front: Any, method: str, path: str, status: int, code: str) -> None:
    answer = front.ask(method, path, headers={"accept": "application/json"})
    assert (answer.status, answer.code) == (status, code)
    assert list(front.refusals().values()) == [1]
    assert answer.headers["cache-control"] == "no-store"
    if status == 405:
        assert answer.headers["allow"] in ("POST", "GET, POST")


def test_a_path_of_the_public_address_or_of_a_mount_is_left_off(front: Any) -> None:
    name = front.add_alert()
    path = front.link("acknowledge", name)
    assert front.ask("GET", f"/hooks{path}").status == 200
    assert front.ask("GET", f"/app/hooks{path}", root_path="/app").status == 200
    assert front.ask("GET", f"/other{path}").status == 404


def test_a_body_is_taken_up_to_a_limit(front: Any, asking: Callable[..., Any]) -> None:
    path = front.links.unsubscribe("ada@globex.example", None).removeprefix("https://care.vendor.example/hooks")
    told = front.ask("POST", path, b"x", {"content-length": "2000000000"})
    assert told.status == 413
    assert told.headers["connection"] == "close"

    async def in_parts() -> Any:
        answer = await asking(front.app, "POST", "/slack", parts=[b"x" * 600_000] * 3)
        await front.app.close()
        return answer

    sent = asyncio.run(in_parts())
    assert (sent.status, sent.code) == (413, "too-large")
    assert front.refusals() == {("unsubscribe", "too-large"): 1, ("slack", "too-large"): 1}


def test_a_request_that_breaks_off_does_nothing(front: Any) -> None:
    path = front.links.unsubscribe("ada@globex.example", None).removeprefix("https://care.vendor.example/hooks")
    sent: list[Any] = []

    async def cut() -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(event: Any) -> None:
            sent.append(event)

        scope = {"type": "http", "method": "POST", "path": path, "headers": []}
        await front.app(scope, receive, send)
        await front.app.close()

    asyncio.run(cut())
    assert sent[0]["status"] == 400
    assert front.refusals() == {("unsubscribe", "cut-off"): 1}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(RuntimeError("a secret of ours"), 500, "failed"), (BusyError("state.sqlite is locked"), 503, "busy")],
)
def test_what_goes_wrong_within_is_not_told_outside(
    front: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, status: int,
    code: str,
) -> None:  # fmt: skip
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Office, "press_link", broken)
    answer = front.ask("POST", front.link("acknowledge", "A-1001"))
    assert (answer.status, answer.code) == (status, code)
    assert str(error) not in answer.text
    if status == 500:
        assert "a secret of ours" in caplog.text  # it is in our own log
    else:
        assert answer.headers["retry-after"] == "5"


def test_a_flood_of_forged_ones_is_one_row(front: Any, asking: Callable[..., Any]) -> None:
    async def flood() -> None:
        for _ in range(200):
            assert (await asking(front.app, "GET", "/do/forged")).status == 403
        await front.app.close()

    asyncio.run(flood())
    assert front.refusals() == {("do", "forged"): 200}
    assert len(front.ws.callbacks(kinds=("refused",))["callbacks"]) == 1


def test_the_server_that_mounts_it_starts_and_stops_it(front: Any) -> None:
    async def live(app: Callbacks, events: list[str]) -> list[str]:
        sent: list[str] = []

        async def receive() -> Any:
            return {"type": f"lifespan.{events.pop(0)}"}

        async def send(event: Any) -> None:
            sent.append(event["type"])

        await app({"type": "lifespan"}, receive, send)
        return sent

    assert asyncio.run(live(front.app, ["startup", "shutdown"])) == [
        "lifespan.startup.complete", "lifespan.shutdown.complete",
    ]  # fmt: skip


def test_a_link_is_good_for_thirty_days_to_the_day(front: Any) -> None:
    name = front.add_alert()
    path = front.link("acknowledge", name)
    front.now += timedelta(days=31)
    assert front.ask("GET", path).status == 410
