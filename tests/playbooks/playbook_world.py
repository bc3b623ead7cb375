"""A small workspace in which weeks pass and a playbook is at work: what the tests of this room share."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from beforehand.commands import Workspace
from beforehand.store import Act

MONDAY = datetime(2026, 5, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SETTINGS = """name: Acme
incidents: off
channels:
  mail:
    kind: email
    host: 127.0.0.1
    port: 2525
    security: none
    sender: Care <care@vendor.example>
    allow: 127.0.0.1
"""
METRICS = """logins:
  says: [logins, login frequency]
  count: events
  where: event = 'login'
contacts:
  says: [contacts]
  count: touches
"""
SIGNAL = """signal: login-drop
when: logins below 3 per week for 2 consecutive weeks
severity: high
playbook: check-in
"""
PLAYBOOK = """playbook: check-in
about: Asks what changed.
goal: logins at least 3 per week
steps:
  - offer resource: any
  - step: letter
    draft: |
      Dear {{ person.first_name }},
      we saw that {{ account.name }} is less with us.
    subject: How are you, {{ person.first_name }}?
    to: [their champion, their admin]
  - approve: letter
    within: 2 business days
  - step: mail
    send: letter
  - wait for: reply
    within: 7 days
    else: call-them
  - end with: answered
  - step: call-them
    call: Ask {{ person.name }} what changed.
    to: their admin
  - wait: 14 days
  - end with: no answer
"""
RESOURCE = """resource: first-steps
title: First steps
fixes: {signal: login-drop}
link: https://help.vendor.example/first-steps
"""
PEOPLE = [
    {
        "account": "globex",
        "person": "ada@globex.example",
        "email": "ada@globex.example",
        "name": "Ada Byron",
        "role": "admin",
    },
    {"account": "acme", "person": "bob@acme.example", "email": "bob@acme.example", "name": "Bob Ray", "role": "user"},
]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def logins(account: str, monday: datetime, count: int) -> list[dict[str, Any]]:
    return [
        {"account": account, "event": "login", "person": "p", "at": (monday + n * timedelta(hours=5)).isoformat()}
        for n in range(count)
    ]


class Told:
    """A workspace in which weeks pass: `globex` logs in five times a week, and from 20 April on no more."""

    def __init__(self, root: Path, playbook: str = PLAYBOOK, settings: str = SETTINGS) -> None:
        self.root = root
        for name in ("signals", "playbooks", "resources"):
            (root / name).mkdir(parents=True)
        (root / "beforehand.yaml").write_text(settings)
        (root / "metrics.yaml").write_text(METRICS)
        (root / "signals" / "login-drop.yaml").write_text(SIGNAL)
        (root / "playbooks" / "check-in.yaml").write_text(playbook)
        (root / "resources" / "first-steps.yaml").write_text(RESOURCE)
        weeks = [MONDAY - n * 7 * DAY for n in range(3, 10)]
        rows = [row for account in ("globex", "acme") for week in weeks for row in logins(account, week, 5)]
        rows += [row for n in (1, 2) for row in logins("acme", MONDAY - n * 7 * DAY, 5)]
        self.load("events", rows)
        self.load("people", PEOPLE)
        self.load("accounts", [{"account": "globex", "name": "Globex", "owner": "ann@vendor.example"}])
        self.ws.run(MONDAY - 7 * DAY - timedelta(hours=1))

    @property
    def ws(self) -> Workspace:
        return Workspace(self.root, "ann")

    def load(self, table: str, rows: list[dict[str, Any]], now: datetime | None = None) -> None:
        path = lines(self.root / f"{table}-{abs(hash(str(rows)))}.jsonl", rows)
        self.ws.load([path], table=table, learned="occurred" if table == "events" else None, now=now)

    def acts(self, **by: Any) -> list[Act]:
        with self.ws.state() as state, state.read() as session:
            found = list(session.scalars(select(Act).order_by(Act.number)))
        return [act for act in found if all(getattr(act, key) == value for key, value in by.items())]

    def run_row(self, number: int = 1) -> dict[str, Any]:
        return dict(self.ws.show_run(number)["run"])

    def kinds(self, number: int = 1) -> list[str]:
        return [f"{line['kind']} {line['step']}".strip() for line in self.ws.show_run(number)["journal"]]

    def change(self, statement: Any) -> None:
        with self.ws.state() as state, state.write() as session:
            session.execute(statement)
