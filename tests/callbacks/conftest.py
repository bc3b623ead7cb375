"""A workspace with alerts, a team and ways back to it; and a client that asks the application without a network."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from beforehand.callbacks import Callbacks, application
from beforehand.channels import Button, Message, Words
from beforehand.channels.webhook import signature
from beforehand.commands import Workspace
from beforehand.commands.linking import Links
from beforehand.store import Act, Alert, Callback, Notification, Run, Store, alert_number, runs
from beforehand.store.models import AlertLog

SECRET = "0123456789abcdef0123456789abcdef"
SLACK = "8f742231b10e8888abcd99yyyzzz85a5"
REPLIES = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://care.vendor.example/hooks"
ENVIRONMENT = {"S": SECRET, "SLACK": SLACK, "REPLIES": REPLIES, "TOKEN": "xoxb-1"}
SETTINGS = """name: Acme
our domains: [vendor.example]
channels:
  mail: {kind: email, host: 127.0.0.1, port: 2525, security: none, sender: care@vendor.example, allow: 127.0.0.1}
  care: {kind: slack, token: {env: TOKEN}, api: "SLACK_API", allow: 127.0.0.1}
callbacks:
  url: https://care.vendor.example/hooks
  secret: {env: S}
  slack: {env: SLACK}
  replies: {env: REPLIES}
  reply_to: replies@vendor.example
"""
TEAM = """people:
  Ana Ruiz: {email: ana@vendor.example, roles: [csm], channels: [care], addresses: {care: U0ANA}}
  Ben Ode: {email: ben@vendor.example, roles: [csm], channels: [mail]}
  Old Hand: {email: old@vendor.example, addresses: {care: U0OLD}, left on: 2020-01-01}
"""
PLAYBOOK = """playbook: check-in
goal: logins at least 3 per week
when: {signals: [login-drop]}
steps:
  - step: letter
    draft: Dear {{ person.first_name }}, how are you?
    subject: How are you?
    to: their admin
  - approve: letter
    within: 2 business days
  - send: letter
  - wait for: reply
    within: 7 days
    else: call
  - end with: answered
  - step: call
    call: Ask what changed.
    to: their admin
"""


@cache
def migrated() -> bytes:
    """An empty state, made once: making the tables takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.sqlite"
        Store.open(path).close()
        return path.read_bytes()


@dataclass
class Answered:
    """What the application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class Front:
    """A workspace and its application."""

    root: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    slack_api: str = "https://slack.com/api"
    state_at: str = ""
    links = Links(URL, (SECRET,), "replies@vendor.example")

    def __post_init__(self) -> None:
        for name in ("signals", "playbooks"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        settings = SETTINGS.replace("SLACK_API", self.slack_api)
        (self.root / "beforehand.yaml").write_text(settings + (f"state: {self.state_at}\n" if self.state_at else ""))
        (self.root / "team.yaml").write_text(TEAM)
        (self.root / "metrics.yaml").write_text("logins:\n  says: [logins]\n  count: events\n")
        (self.root / "signals" / "login-drop.yaml").write_text(
            "signal: login-drop\nwhen: logins below 3 per week\nplaybook: check-in\n"
        )
        (self.root / "playbooks" / "check-in.yaml").write_text(PLAYBOOK)
        if not self.state_at:
            (self.root / ".beforehand").mkdir(exist_ok=True)
            (self.root / ".beforehand" / "state.sqlite").write_bytes(migrated())
        self.ws = Workspace(self.root, "ann")
        self.app = application(self.root, ENVIRONMENT, lambda: self.now)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, *,
        app: Callbacks | None = None, root_path: str = "", close: bool = True,
    ) -> Answered:  # fmt: skip
        """One request, and the end of the application after it unless `close` is False."""

        async def whole() -> Answered:
            used = app or application(self.root, ENVIRONMENT, lambda: self.now)
            answered = await asked(used, method, path, body, headers, root_path)
            await asyncio.sleep(0)
            if close:
                await used.close()
            return answered

        return asyncio.run(whole())

    def slack(self, body: bytes, *, secret: str = SLACK, at: datetime | None = None, **headers: str) -> Answered:
        stamp = str(int((at or self.now).timestamp()))
        given = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        signed = {"x-slack-request-timestamp": stamp, "x-slack-signature": given}
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "/slack", body, kind | signed | headers)

    def press(self, action: str, value: str, user: str = "U0ANA", stamp: str = "1.1", **payload: Any) -> Answered:
        return self.slack(pressed(action, value, user, stamp, **payload))

    def link(self, action: str, value: str, who: str = "ben@vendor.example", days: int = 30) -> str:
        url = self.links.button(Button("x", action, value), who, self.now + timedelta(days=days))
        return url.removeprefix(URL)

    def reply(self, body: bytes, *, kind: str = "application/json", key: str = "msg_1", secret: str = REPLIES,
              at: datetime | None = None) -> Answered:  # fmt: skip
        moment = at or self.now
        signed = {"webhook-id": key, "webhook-timestamp": str(int(moment.timestamp())),
                  "webhook-signature": signature(secret, key, moment, body)}  # fmt: skip
        return self.ask("POST", "/replies", body, {"content-type": kind, **signed})

    def answer(self, **told: Any) -> Any:
        """A reply as JSON; returns what came of it."""
        came = self.reply(json.dumps(told).encode(), key=str(told.get("id", "msg_1")))
        assert came.status == 200, came.text
        return came.json

    def add_alert(self, account: str = "globex") -> str:
        at = self.now - timedelta(days=1)
        with self.ws.state() as state, state.write() as session:
            alert = Alert(
                account=account, signal="login-drop", scope="", severity="high", state="open", opened_at=at, since=at,
                raised_at=at, judged_at=at, headline="Logins fell from 14 a week to 1; and more", owner="Ana Ruiz",
                signal_digest="d", evidence={}, receipts=[],
            )  # fmt: skip
            session.add(alert)
            session.flush()
            return alert.name

    def told_by_slack(self, name: str, ref: str = "C1/1.5") -> str:
        """A message about an alert that was posted in Slack; returns the key of its act."""
        buttons = tuple(Button(word, word, name) for word in ("acknowledge", "not-useful"))
        message = Message("Globex", (Words("Logins fell."), *buttons), meta={"alert": name})
        with self.ws.state() as state, state.write() as session:
            row = Notification(
                at=self.now, person="Ana Ruiz", kind="first", thread=name, version=1, route="all", reason="r",
                account="globex", alerts=[alert_number(name)], said={},
            )  # fmt: skip
            session.add(row)
            session.flush()
            session.add(made_act(f"n:{row.number}", self.now, "slack", "care", message, ref, notification=row.number))
            return f"n:{row.number}"

    def begin(self, account: str = "globex", owner: str | None = "Ben Ode") -> int:
        with self.ws.state() as state, state.write() as session:
            run = runs.begin_run(
                session, playbook="check-in", digest="d", text=PLAYBOOK, account=account, now=self.now, owner=owner
            )
            assert run is not None
            return run.number

    def sent(self, run: int, ref: str, to: str = "ada@globex.example", state: str = "sent") -> None:
        """A mail of a run to a customer."""
        message = Message("How are you?", (Words("hi"),), purpose="customer", thread=f"run-{run}")
        with self.ws.state() as store, store.write() as session:
            act = made_act(f"{run}:send:{ref}", self.now, "mail", "mail", message, ref, run=run, outward=True)
            act.recipient, act.state, act.step = to, state, "send-3"
            session.add(act)

    def rows(self, table: type, *conditions: Any) -> list[Any]:
        with self.ws.state() as state, state.read() as session:
            return list(session.scalars(select(table).where(*conditions)))

    def alert(self, name: str) -> Alert:
        return self.rows(Alert, Alert.number == alert_number(name))[0]  # type: ignore[no-any-return]

    def log(self, name: str) -> list[tuple[str, str]]:
        return [(line.act, line.actor) for line in self.rows(AlertLog, AlertLog.alert == alert_number(name))]

    def came(self, kind: str) -> list[Callback]:
        return self.rows(Callback, Callback.kind == kind)

    def refusals(self) -> dict[tuple[str, str], int]:
        return {(r.details["via"], r.details["reason"]): r.details["times"] for r in self.came("refused")}

    def lines(self, run: int) -> list[str]:
        with self.ws.state() as state, state.read() as session:
            return [line.kind for line in runs.lines_of(session, run)]

    def run(self, number: int) -> Run:
        return self.rows(Run, Run.number == number)[0]  # type: ignore[no-any-return]


def made_act(key: str, now: datetime, kind: str, channel: str, message: Message, ref: str, **more: Any) -> Act:
    return Act(
        key=key, kind=kind, channel=channel, recipient="U0ANA", payload=message.as_json(), due_at=now, wanted_at=now,
        made_at=now, state="sent", ref=ref, tries=1, settled_at=now, **more,
    )  # fmt: skip


def pressed(
    action: str, value: str, user: str = "U0ANA", stamp: str = "1.1", team: str = "T1", **payload: Any
) -> bytes:  # fmt: skip
    """The form that Slack posts."""
    told = {
        "type": "block_actions", "user": {"id": user, "username": "x", "team_id": team}, "team": {"id": "T1"},
        "container": {"message_ts": "1.5", "channel_id": "C1"}, "response_url": "",
        "actions": [{"type": "button", "action_id": action, "value": value, "action_ts": stamp}],
    } | payload  # fmt: skip
    return urlencode({"payload": json.dumps(told)}).encode()


async def asked(
    app: Callbacks, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None,
    root_path: str = "", parts: list[bytes] | None = None,
) -> Answered:  # fmt: skip
    """One request to an ASGI application, as a server hands it on."""
    sent: list[Any] = []
    waiting = list(parts) if parts is not None else [body]

    async def receive() -> Any:
        part = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(event: Any) -> None:
        sent.append(event)

    raw = [(k.lower().encode(), v.encode("latin-1")) for k, v in (headers or {}).items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw, "root_path": root_path}
    await app(scope, receive, send)
    start, *rest = sent
    said = {k.decode(): v.decode() for k, v in start["headers"]}
    return Answered(start["status"], said, b"".join(part["body"] for part in rest))


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """A workspace on SQLite."""
    return Front(tmp_path / "w")


@pytest.fixture
def front_anywhere(anywhere: Path | str, tmp_path: Path) -> Iterator[Front]:
    """One on SQLite, one on PostgreSQL."""
    yield Front(tmp_path / "w", state_at=anywhere if isinstance(anywhere, str) else "")


@pytest.fixture
def fronts() -> Callable[..., Front]:
    """Makes others."""
    return Front


@pytest.fixture
def posted() -> Callable[..., bytes]:
    """Makes what Slack posts."""
    return pressed


@pytest.fixture
def asking() -> Callable[..., Any]:
    """Asks an application."""
    return asked
