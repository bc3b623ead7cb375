"""Buttons of Slack: signed by it and of now, pressed by one of us, done once, and shown on the message."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.channels import Message
from beforehand.channels.slack_blocks import payload
from beforehand.channels.slack_signed import Press, press_of, signature
from beforehand.commands import Workspace
from beforehand.commands.coming_back import Office
from beforehand.store import Act, Run, runs

DAY = timedelta(days=1)


def _listening() -> Any:
    path = Path(__file__).parent.parent / "channels" / "http_listener.py"
    spec = importlib.util.spec_from_file_location("http_listener", path)
    assert spec is not None and spec.loader is not None
    sys.modules["http_listener"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.listening()


def edits(front: Any) -> list[Act]:
    return front.rows(Act, Act.key.like("edit:%"))  # type: ignore[no-any-return]


def actions_of(act: Act) -> list[str]:
    """The buttons that Slack would show."""
    rows = [block for block in payload(Message.from_json(act.payload))["blocks"] if block["type"] == "actions"]
    return [element["action_id"] for row in rows for element in row["elements"]]


def test_slack_s_own_example_of_a_signature() -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
        b"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    right = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body) == right


def test_acknowledging_is_by_who_pressed_and_shown_on_the_message(front_anywhere: Any) -> None:
    front = front_anywhere
    name = front.add_alert()
    key = front.told_by_slack(name)
    assert front.press("acknowledge", name).status == 200
    assert (front.alert(name).state, front.log(name)) == ("acknowledged", [("acknowledged", "Ana Ruiz")])
    (came,) = front.came("button")
    assert (came.actor, came.details["action"], came.details["outcome"]) == ("Ana Ruiz", "acknowledge", "done")
    (edit,) = edits(front)
    assert edit.payload["meta"]["replaces"] == key
    assert (edit.state, edit.channel, edit.kind) == ("due", "care", "slack")
    assert "✓ Acknowledged by Ana Ruiz" in json.dumps(edit.payload, ensure_ascii=False)
    assert actions_of(edit) == ["not-useful"]


def test_pressed_twice_is_once(front: Any) -> None:
    name = front.add_alert()
    front.told_by_slack(name)
    front.press("acknowledge", name, stamp="1.1")
    front.press("acknowledge", name, stamp="1.1")  # Slack posts again what was not answered in time
    front.press("acknowledge", name, stamp="2.2")
    assert front.log(name) == [("acknowledged", "Ana Ruiz")]
    assert [c.details["outcome"] for c in sorted(front.came("button"), key=lambda c: c.key)] == ["done", "already"]
    assert len(edits(front)) == 1


def test_snooze_and_not_useful(front: Any) -> None:
    name = front.add_alert()
    front.told_by_slack(name)
    front.press("snooze", f"{name}|7", stamp="1")
    front.press("snooze", f"{name}|7", stamp="2")
    asleep = front.alert(name)
    assert asleep.state == "snoozed"
    assert asleep.snoozed_until - datetime.now(UTC) > 6.9 * DAY
    assert [act for act, _ in front.log(name)] == ["snoozed"]
    front.press("not-useful", name, stamp="3")
    front.press("not-useful", name, stamp="4")
    assert (front.alert(name).close_reason, front.log(name)[-1]) == ("not useful", ("closed", "Ana Ruiz"))
    front.press("acknowledge", name, stamp="5")  # nothing is left to acknowledge
    outcomes = {c.key[-30:]: c.details for c in front.came("button")}
    assert [d["reason"] for d in outcomes.values() if d["outcome"] == "refused"] == ["alert-closed"]
    assert actions_of(edits(front)[-1]) == []


def test_the_commands_edit_the_message_too(front: Any) -> None:
    name = front.add_alert()
    front.told_by_slack(name)
    Workspace(front.root, "Ben Ode").ack([name])
    (edit,) = edits(front)
    assert "✓ Acknowledged by Ben Ode" in json.dumps(edit.payload, ensure_ascii=False)


def test_a_playbook_begins_once(front_anywhere: Any) -> None:
    front = front_anywhere
    name = front.add_alert()
    front.told_by_slack(name)
    front.press("start-playbook", name, stamp="1")
    front.press("start-playbook", name, user="U0ANA", stamp="2")
    (run,) = front.rows(Run)
    assert (run.playbook, run.account, run.owner, run.state) == ("check-in", "globex", "Ana Ruiz", "live")
    assert run.due_at <= datetime.now(UTC)
    assert front.lines(run.number) == ["began"]
    assert ("playbook", "Ana Ruiz") in front.log(name)
    assert sorted(c.details["outcome"] for c in front.came("button")) == ["already", "done"]


def test_a_playbook_that_was_changed_begins_as_it_is_now(front: Any) -> None:
    first, second, third = (front.add_alert(account) for account in ("a", "b", "c"))
    with front.ws.state() as state:
        office = Office(front.root, state, {"S": "x" * 20, "SLACK": "x", "REPLIES": "eA==", "TOKEN": "x"})
        office.warm()
        kept = office.folder()
        assert office.folder() is kept
        office.press_in_slack(Press("1", "U0ANA", True, "start-playbook", first, ""))
        path = front.root / "playbooks" / "check-in.yaml"
        path.write_text(path.read_text().replace("7 days", "9 days"))
        office.press_in_slack(Press("2", "U0ANA", True, "start-playbook", second, ""))
        path.write_text("playbook: [\n")
        broken = office.press_in_slack(Press("3", "U0ANA", True, "start-playbook", third, ""))
    texts = {run.account: run.text for run in front.rows(Run)}
    assert "7 days" in texts["a"]
    assert "9 days" in texts["b"]
    assert (broken.state, broken.reason) == ("refused", "problems")
    assert "c" not in texts


def asked_for(front: Any) -> int:
    """A run that waits for a yes."""
    number: int = front.begin()
    with front.ws.state() as state, state.write() as session:
        run = session.get(Run, number)
        to = {"name": "Ada", "email": "ada@globex.example"}
        runs.add_line(session, run, front.now, "did", "letter",
                      {"to": "approve-2", "subject": "s", "text": "t", "recipient": to})  # fmt: skip
        until = (front.now + 2 * DAY).isoformat()
        runs.add_line(session, run, front.now, "waits", "approve-2", {"until": until})
    return number


@pytest.mark.parametrize(("action", "kind"), [("approve", "approved"), ("reject", "rejected")])
def test_a_draft_is_answered_once(front_anywhere: Any, action: str, kind: str) -> None:
    front = front_anywhere
    number = asked_for(front)
    (asked,) = front.ws.approvals()["approvals"]
    value = f"{number}|{asked['step']}"
    front.press(action, value, stamp="1")
    front.press("approve", value, stamp="2")
    front.press("reject", value, stamp="3")
    assert front.lines(number)[-1] == kind
    assert front.lines(number).count(kind) == 1
    assert front.ws.approvals()["approvals"] == []
    assert [c.details["outcome"] for c in front.came("button")].count("already") == 2


def test_a_button_of_an_earlier_question_answers_no_later_one(front: Any) -> None:
    number = asked_for(front)
    front.press("approve", f"{number}|another-step")
    assert front.came("button")[0].details["reason"] == "not-asked"
    assert "approved" not in front.lines(number)


@pytest.mark.parametrize(
    ("action", "value", "reason"),
    [
        ("acknowledge", "A-9999", "unknown-alert"),
        ("acknowledge", "x' OR 1=1 --", "unknown-alert"),
        ("snooze", "A-1001|99999", "not-understood"),
        ("snooze", "A-1001|-7", "not-understood"),
        ("snooze", "A-1001", "not-understood"),
        ("approve", "99|x", "unknown-run"),
        ("approve", "9" * 40, "unknown-run"),
        ("delete-everything", "A-1001", "unknown-action"),
    ],
)
def test_what_a_button_cannot_do_is_refused_and_kept(front: Any, action: str, value: str, reason: str) -> None:
    name = front.add_alert()
    assert front.press(action, value).status == 200  # Slack itself did nothing wrong
    (came,) = front.came("button")
    assert (came.details["outcome"], came.details["reason"]) == ("refused", reason)
    assert front.log(name) == []


@pytest.mark.parametrize("user", ["U0STRANGER", "U0OLD"])
def test_a_stranger_is_told_so_politely_and_alone(
    fronts: Any, posted: Callable[..., bytes], tmp_path: Path, user: str
) -> None:
    with _listening() as slack:
        slack.body = b'{"ok": false, "error": "user_not_found"}'
        front = fronts(tmp_path / "w", slack_api=slack.url)
        name = front.add_alert()
        body = posted("acknowledge", name, user, response_url=f"{slack.url}/actions/1")
        assert front.slack(body).status == 200
        assert front.alert(name).state == "open"
        (came,) = front.came("button")
        assert (came.actor, came.details["reason"]) == (user, "stranger")
        told = [json.loads(raw) for path, _, raw in slack.posts if path == "/actions/1"]
        assert len(told) == 1
        assert told[0]["response_type"] == "ephemeral"
        assert told[0]["replace_original"] is False
        assert told[0]["text"].startswith("You are not on the team of Acme, so nothing was changed.")


def test_slack_is_asked_for_the_e_mail_of_whom_we_do_not_know_by_id(
    fronts: Any, posted: Callable[..., bytes], tmp_path: Path
) -> None:
    with _listening() as slack:
        slack.body = json.dumps({"ok": True, "user": {"profile": {"email": "Ben@Vendor.example"}}}).encode()
        front = fronts(tmp_path / "w", slack_api=slack.url)
        name = front.add_alert()
        # Whoever is of another Slack says there what their e-mail is, and is not asked for.
        front.slack(posted("acknowledge", name, "U0GUEST", team="T2"))
        assert front.alert(name).state == "open"
        assert slack.posts == []
        front.press("acknowledge", name, user="U0BEN")
        assert front.log(name) == [("acknowledged", "Ben Ode")]
        path, headers, body = slack.posts[0]
        assert (path, body, headers["authorization"]) == ("/users.info", b"user=U0BEN", "Bearer xoxb-1")


def test_an_answer_goes_nowhere_but_to_slack(front: Any, posted: Callable[..., bytes]) -> None:
    with _listening() as other:
        front.slack(posted("acknowledge", "A-9999", response_url=f"{other.url}/x"))
        assert other.posts == []


def test_forged_unsigned_and_stale_ones_are_refused(front: Any, posted: Callable[..., bytes]) -> None:
    name = front.add_alert()
    body = posted("acknowledge", name)
    assert front.slack(body, secret="another").code == "forged"
    assert front.ask("POST", "/slack", body).code == "unsigned"
    for off in (timedelta(minutes=-6), timedelta(minutes=6)):
        assert front.slack(body, at=front.now + off).code == "stale"
    stamp = str(int(front.now.timestamp()))
    other = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature("wrong", stamp, b"")}
    assert front.ask("POST", "/slack", body, other).status == 401
    assert front.alert(name).state == "open"
    assert front.refusals() == {("slack", "forged"): 2, ("slack", "unsigned"): 1, ("slack", "stale"): 2}
    assert front.came("button") == []


@pytest.mark.parametrize(
    "body",
    [b"", b"payload=", b"payload=%7B", b"payload=[]", b"payload=1", b"\xff\xfe", b"nothing=here",
     b"payload=" + b"%5B" * 3000, urlencode({"payload": json.dumps({"type": "block_actions", "actions": [
         {"type": "button", "value": "A-1"}]})}).encode()],
)  # fmt: skip
def test_what_is_no_press_is_refused(front: Any, body: bytes) -> None:
    answer = front.slack(body)
    assert (answer.status, answer.code) == (400, "not-understood")


def test_something_else_of_slack_s_is_passed_over(front: Any, posted: Callable[..., bytes]) -> None:
    assert front.slack(posted("acknowledge", "A-1001", type="view_submission")).status == 200
    link = [{"type": "button", "action_id": "x", "action_ts": "1", "url": "https://a.example"}]
    assert front.slack(posted("x", "y", actions=link)).status == 200
    assert front.came("button") == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "actions", "user", "team", "id", "value"]), inner)
        ),
        max_leaves=12,
    )
)
@settings(max_examples=150)
def test_any_payload_is_read_or_refused(told: Any) -> None:
    told = told | {"type": "block_actions"} if isinstance(told, dict) else told
    with contextlib.suppress(ValueError):
        press_of(urlencode({"payload": json.dumps(told)}).encode())


def test_two_at_once_do_it_once(front_anywhere: Any) -> None:
    """Two applications over one state, each with its own connection, and many presses at the same moment."""
    front = front_anywhere
    name = front.add_alert()
    front.told_by_slack(name)
    go = threading.Barrier(2)

    def many(nth: int) -> None:
        go.wait()
        for n in range(3):
            front.press("start-playbook", name, stamp=f"{nth}.{n}")
            front.press("acknowledge", name, stamp=f"{nth}.{n}")

    threads = [threading.Thread(target=many, args=(nth,)) for nth in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [act for act, _ in front.log(name)].count("acknowledged") == 1
    assert len(front.rows(Run)) == 1
    assert len(edits(front)) == 2
    outcomes = [c.details["outcome"] for c in front.came("button")]
    assert (outcomes.count("done"), outcomes.count("already")) == (2, 10)


def test_a_mistake_in_a_file_keeps_what_was_read(
    front: Any, asking: Callable[..., Any], posted: Callable[..., bytes]
) -> None:
    name, other = front.add_alert(), front.add_alert("acme")
    app = front.app

    def signed(body: bytes) -> dict[str, str]:
        stamp = str(int(front.now.timestamp()))
        given = signature("8f742231b10e8888abcd99yyyzzz85a5", stamp, body)
        return {"x-slack-request-timestamp": stamp, "x-slack-signature": given}

    async def story() -> None:
        (front.root / "team.yaml").write_text("people: {Zoe: {addresses: {care: U0ZOE}}}\n")
        for stamp, alert in (("1", name), ("2", other)):
            body = posted("acknowledge", alert, "U0ZOE", stamp)
            assert (await asking(app, "POST", "/slack", body, signed(body))).status == 200
            (front.root / "beforehand.yaml").write_text("name: [\n")
        await app.close()

    settings_before = (front.root / "beforehand.yaml").read_text()
    asyncio.run(story())
    (front.root / "beforehand.yaml").write_text(settings_before)
    assert front.log(name) == front.log(other) == [("acknowledged", "Zoe")]
