"""One click unsubscribes, opening a link does not, and a forged link does nothing. RFC 8058."""

from __future__ import annotations

import re
from typing import Any

import pytest

from beforehand.store import Suppression, Unsent
from beforehand.store.acting import Act

CLICK = b"List-Unsubscribe=One-Click"


def path_of(front: Any, address: str = "ada@globex.example", run: int | None = None) -> str:
    return str(front.links.unsubscribe(address, run)).removeprefix("https://care.vendor.example/hooks")


def test_opening_the_link_shows_a_page_and_changes_nothing(front: Any) -> None:
    for method in ("GET", "HEAD"):
        page = front.ask(method, path_of(front))
        assert page.status == 200
        assert front.rows(Suppression) == []
    page = front.ask("GET", path_of(front))
    assert "ada@globex.example" in page.text
    assert '<form method="post">' in page.text
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert front.ask("HEAD", path_of(front)).body == b""


@pytest.mark.parametrize(
    "body", [CLICK, b"list-unsubscribe=one-click",
             b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'],
)  # fmt: skip
def test_one_click_suppresses_at_once_and_works_twice(front_anywhere: Any, body: bytes) -> None:
    front = front_anywhere
    run = front.begin()
    first = front.ask("POST", path_of(front, run=run), body)
    again = front.ask("POST", path_of(front, run=run), body)
    assert (first.status, again.status) == (200, 200)
    assert "You are unsubscribed" in again.text
    (kept,) = front.rows(Suppression)
    assert (kept.address, kept.why, kept.actor, kept.account) == (
        "ada@globex.example", "unsubscribed", "customer", "globex",
    )  # fmt: skip
    (came,) = front.came("unsubscribed")
    assert came.details["run"] == run
    assert front.ws.callbacks()["callbacks"][0]["address"] == "ada@globex.example"


def test_the_button_of_the_page_does_what_it_says(front: Any) -> None:
    page = front.ask("GET", path_of(front)).text
    field = re.search(r'name="([^"]+)" value="([^"]+)"', page)
    assert field is not None
    assert front.ask("POST", path_of(front), f"{field[1]}={field[2]}".encode()).status == 200
    assert len(front.rows(Suppression)) == 1


def test_what_waits_for_them_is_not_handed_over_any_more(front: Any) -> None:
    run = front.begin()
    front.sent(run, "<1@v>", state="due")
    front.sent(run, "<2@v>", to="bob@globex.example", state="due")
    front.sent(run, "<3@v>", to="Ada@Globex.example", state="sent")
    front.ask("POST", path_of(front, run=run), CLICK)
    states = {act.ref: (act.state, act.reason) for act in front.rows(Act)}
    assert states["<1@v>"] == ("refused", "suppressed: unsubscribed")
    assert states["<2@v>"] == ("due", None)
    assert states["<3@v>"][0] == "sent"
    (unsent,) = front.rows(Unsent)
    assert (unsent.guard, unsent.run, unsent.account) == ("suppressed", run, "globex")


def test_a_post_that_does_not_ask_for_it_does_nothing(front: Any) -> None:
    answer = front.ask("POST", path_of(front), b"hello=there")
    assert answer.status == 400
    assert front.rows(Suppression) == []
    assert front.refusals() == {("unsubscribe", "not-asked"): 1}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_one_is_refused(front: Any, method: str) -> None:
    good = path_of(front)
    other = front.link("acknowledge", "A-1001").removeprefix("/do/")
    for bad in (good[:-1] + ("A" if good[-1] != "A" else "B"), "/unsubscribe/x", f"/unsubscribe/{other}"):
        answer = front.ask(method, bad, CLICK)
        assert answer.status == 403
        assert "This link does not work" in answer.text
        assert "Traceback" not in answer.text
    assert front.rows(Suppression) == []
    assert front.refusals() == {("unsubscribe", "forged"): 3}


def test_a_program_gets_json(front: Any) -> None:
    answer = front.ask("POST", path_of(front), CLICK, {"accept": "application/json"})
    assert answer.json == {
        "outcome": "done", "reason": "unsubscribed", "said": "ada@globex.example is not written to any more.",
    }  # fmt: skip
    forged = front.ask("POST", "/unsubscribe/x", CLICK, {"accept": "application/json"})
    assert (forged.status, forged.code) == (403, "forged")
