"""The library's playbooks at work: the five stories of what they are for, told in time, from facts to the mailbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from beforehand.commands import Workspace
from beforehand.commands.init import init
from beforehand.store import Act

MONDAY = datetime(2026, 5, 4, 9, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CHANNELS = """
channels:
  mail: {kind: email, host: 127.0.0.1, port: 2525, security: none, sender: care@vendor.example, allow: 127.0.0.1}
"""
TEAM = """people:
  Ann Lee: {email: ann@vendor.example, roles: [csm], manager: Marta Roth}
  Marta Roth: {email: marta@vendor.example, roles: [vp]}
owners:
  csm: {trait: owner, others: [Ann Lee]}
"""
ACCOUNTS = ("spike", "stuck", "angry", "fading", "growing")
ANGRY = "This is useless and broken. Nobody answers. Terrible, terrible service."


def logins(account: str, weeks: range) -> list[dict[str, Any]]:
    return [event(account, 7 * week - 0.1 - n, "login") for week in weeks for n in range(5)]


def event(account: str, days: float, name: str, **properties: Any) -> dict[str, Any]:
    """An event so many days before Monday."""
    return {"account": account, "person": f"ada@{account}.example", "event": name, "properties": properties,
            "at": (MONDAY - days * DAY).isoformat()}  # fmt: skip


EVENTS = [
    *(row for account in ACCOUNTS for row in logins(account, range(1, 12)) if account != "fading"),
    *logins("fading", range(4, 12)),
    *(event("spike", day + 0.3, "error shown", message="sync failed: connection lost") for day in range(1, 40)),
    *(event("spike", 0.1, "error shown", message="sync failed: connection lost") for _ in range(40)),
    *(event("stuck", day, "onboarding step failed", step="invite team") for day in (0.8, 3, 4, 5)),
    event("stuck", 6, "onboarding step finished", step="connect data"),
    *(event("growing", day, "limit reached", limit="seats") for day in (0.8, 3, 4)),
]
MESSAGES = [
    {"id": f"m{day}", "account": "angry", "person": "ada@angry.example", "direction": "in", "text": ANGRY,
     "at": (MONDAY - day * DAY).isoformat()}
    for day in (0.7, 0.8, 0.9)
]  # fmt: skip


class Living:
    """A workspace of the library on Monday: a first run on Sunday, and what came since."""

    def __init__(self, root: Path) -> None:
        init(root, pack=True)
        settings = root / "beforehand.yaml"
        settings.write_text(settings.read_text().replace("\nchannels:", "\n# channels:") + CHANNELS)
        (root / "team.yaml").write_text(TEAM)
        (root / "routes.yaml").write_text("to: csm\n")
        self.root = root
        born = {"spike": 400, "stuck": 20, "angry": 400, "fading": 400, "growing": 400}
        self.load("accounts", [
            {"account": name, "name": name.title(), "owner": "Ann Lee", "plan": "team",
             "seats": 5 if name == "fading" else 20, "started_at": (MONDAY - born[name] * DAY).isoformat()}
            for name in ACCOUNTS
        ])  # fmt: skip
        self.load("people", [
            {"account": name, "person": f"ada@{name}.example", "email": f"ada@{name}.example", "name": "Ada Byron",
             "role": "admin"}
            for name in ACCOUNTS
        ])  # fmt: skip
        self.load("events", EVENTS, learned="occurred")
        self.load("messages", MESSAGES, learned="occurred")
        self.ws.run(MONDAY - DAY)
        self.ws.run(MONDAY)
        self.asked = {(row["account"], row["playbook"]): row for row in self.ws.approvals()["approvals"]}
        for row in self.asked.values():
            self.ws.approve(row["run"], now=MONDAY)
        self.ws.run(MONDAY + HOUR)

    @property
    def ws(self) -> Workspace:
        return Workspace(self.root, "ann")

    def load(self, table: str, rows: list[dict[str, Any]], learned: str | None = None) -> None:
        path = self.root.parent / f"{table}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.ws.load([path], table=table, learned=learned, now=MONDAY - 3 * DAY if learned is None else None)

    def acts(self, account: str, playbook: str) -> list[Act]:
        runs = {row["run"] for row in self.ws.runs(account=account, playbook=playbook)["runs"]}
        with self.ws.state() as state, state.read() as session:
            return [act for act in session.scalars(select(Act).order_by(Act.number)) if act.run in runs]


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Living:
    return Living(tmp_path_factory.mktemp("pack") / "w")


def letter(living: Living, account: str, playbook: str) -> str:
    """What the customer got, once somebody of us had read it and said yes."""
    (mail,) = [act for act in living.acts(account, playbook) if act.outward]
    assert mail.recipient == f"ada@{account}.example" and mail.payload["reply_to"]
    text = str(mail.payload["blocks"][0]["text"])
    assert text.startswith("Hello Ada,\n\n") and text.endswith("\nAnn Lee")
    return text


def test_a_spike_of_errors_brings_the_customer_the_fix_that_matches(living: Living) -> None:
    assert "https://help.example.com/sync-problems" in letter(living, "spike", "fix-and-tell")
    assert living.asked["spike", "fix-and-tell"]["to"] == "ada@spike.example"


def test_who_is_stuck_in_onboarding_gets_the_guide_for_that_step(living: Living) -> None:
    assert "https://help.example.com/invite-your-team" in letter(living, "stuck", "onboarding-session")
    assert living.asked["stuck", "onboarding-session"]["subject"] == "Inviting your team and giving roles"


def test_a_manager_knows_of_anger_before_the_complaint_and_nobody_writes(living: Living) -> None:
    acts = living.acts("angry", "before-the-complaint")
    assert [(act.kind, act.recipient) for act in acts] == [("mail", "marta@vendor.example"), ("call", "Ann Lee")]
    assert acts[0].payload["subject"].startswith("Escalated: Angry") and "Ann Lee" in str(acts[0].payload["blocks"])
    assert acts[1].payload["whom"] == "Ada Byron" and not any(act.outward for act in acts)
    with living.ws.facts() as facts:
        assert facts.connection.execute("SELECT count(*) FROM tickets").fetchall() == [(0,)]


def test_a_decline_is_asked_about_and_nothing_is_offered_yet(living: Living) -> None:
    text = letter(living, "fading", "ask-what-changed")
    assert "how things are going" in text and "http" not in text
    assert not any(word in text.lower() for word in ("login", "usage", "active", "noticed"))


def test_two_playbooks_do_not_write_on_one_morning(living: Living) -> None:
    number = living.ws.start_playbook("check-in", "spike", now=MONDAY + HOUR)["run"]["run"]
    living.ws.approve(number, now=MONDAY + HOUR)
    living.ws.run(MONDAY + 2 * HOUR)
    told = living.ws.show_run(number)
    assert told["run"]["step"] == "send-4" and told["run"]["due_at"] == MONDAY + HOUR + 2 * DAY
    assert told["journal"][-1]["guard"] == "touch"


def test_who_reaches_the_limit_is_offered_room(living: Living) -> None:
    text = letter(living, "growing", "growth-talk")
    assert "more seats or another plan" in text and "https://help.example.com/seats-and-plans" in text


def test_a_promoter_is_asked_for_a_favour_once(living: Living) -> None:
    number = living.ws.start_playbook("ask-for-a-reference", "growing", now=MONDAY + HOUR)["run"]["run"]
    asked = next(row for row in living.ws.approvals()["approvals"] if row["run"] == number)
    assert "two sentences we\nmay quote" in asked["text"] and "no need to explain" in asked["text"]
    living.ws.approve(number, now=MONDAY + HOUR)
    living.ws.run(MONDAY + 2 * HOUR)
    # They were written to about growing an hour ago: a favour is asked for in its own quarter.
    assert living.ws.unsent(playbook="ask-for-a-reference")["by_guard"] == {"cap": 1}
    assert living.ws.show_run(number)["run"]["outcome"] == "not asked"
