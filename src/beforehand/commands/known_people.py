"""Who it was that did something from outside: matched to team.yaml by an address of a channel, a name or an e-mail."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from beforehand.channels.opening import SecretMissingError, open_channel
from beforehand.channels.posting import PostError, post
from beforehand.channels.slack import Slack
from beforehand.channels.slack_signed import Press
from beforehand.routing.team import Team
from beforehand.workspace.channel_spec import SlackSpec
from beforehand.workspace.people import recipient, time_of
from beforehand.workspace.spec import SettingsSpec
from beforehand.workspace.team_spec import TeamSpec

ASKED_FOR_S = 60.0
"""So long what Slack said of somebody holds: a stranger who presses often does not make us ask often."""
PATIENCE_S = 2.0
"""Slack itself waits three seconds for what we answer."""


@dataclass
class KnownPeople:
    """The people of a workspace as they may come back; asks Slack for the e-mail of whom it does not know by an id."""

    settings: SettingsSpec
    spec: TeamSpec
    root: Path
    environment: Mapping[str, str]
    asked: dict[str, tuple[float, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        people = self.spec.people
        self.team = Team(self.spec, {name: time_of(person, self.settings) for name, person in people.items()})

    def called(self, written: str, at: datetime) -> str | None:
        """The name of who was written to under an address; None for nobody, and for who left."""
        by_address = next((n for n, p in self.team.people.items() if written in p.addresses.values()), None)
        name = by_address or self.team.named(written)
        return None if name is None or self.team.left(name, at) else name

    def left(self, written: str, at: datetime) -> bool:
        """Whether an address is of somebody who is no longer with us."""
        name = self.team.named(written)
        return name is not None and self.team.left(name, at)

    def presser(self, press: Press, at: datetime) -> str | None:
        """Who of us pressed a button in Slack; None for a stranger.

        By their id under `addresses` of a Slack channel; else, where they are of our own Slack, by the e-mail that
        Slack has of them. What they call themselves there counts for nothing.
        """
        slack = {name for name, spec in self.settings.channels.items() if isinstance(spec, SlackSpec)}
        for name, person in self.team.people.items():
            if any(channel in slack and called == press.user for channel, called in person.addresses.items()):
                return None if self.team.left(name, at) else name
        email = self._email(press.user) if press.own else ""
        mine = next((n for n, p in self.team.people.items() if email and (p.email or "").lower() == email), None)
        return None if mine is None or self.team.left(mine, at) else mine

    def way_to(self, name: str) -> tuple[str, str] | None:
        """The channel by which somebody is reached, and what they are called there; None where by none."""
        person = self.team.people.get(name)
        if person is None:
            return None
        for channel in person.channels or tuple(self.settings.channels):
            called = recipient(person, channel, self.settings)
            if called:
                return channel, called
        return None

    def apps(self) -> list[Slack]:
        """The Slack apps of the settings whose token is there."""
        found: list[Slack] = []
        for spec in self.settings.channels.values():
            if isinstance(spec, SlackSpec) and spec.token is not None:
                try:
                    opened = open_channel(spec, self.root, self.environment)
                except SecretMissingError:
                    continue
                found += [opened] if isinstance(opened, Slack) else []
        return found

    def _email(self, user: str) -> str:
        """The e-mail of somebody in our Slack, in lower case; blank where Slack does not say."""
        asked_at, known = self.asked.get(user, (-ASKED_FOR_S, ""))
        if time.monotonic() - asked_at < ASKED_FOR_S:
            return known
        found = next((email for app in self.apps() if (email := _asked(app, user))), "")
        if len(self.asked) > 10_000:
            self.asked.clear()
        self.asked[user] = (time.monotonic(), found)
        return found


def _asked(app: Slack, user: str) -> str:
    headers = {"Authorization": f"Bearer {app.token}", "Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"user": user}).encode()
    try:
        answer = post(f"{app.api}/users.info", body, headers, timeout_s=PATIENCE_S, allow=app.allow)
        told: dict[str, Any] = json.loads(answer.body)
        found = told["user"] if told.get("ok") else {}
        return "" if found.get("deleted") else str(found.get("profile", {}).get("email", "")).lower()
    except (PostError, ValueError, KeyError, AttributeError, TypeError):
        return ""
