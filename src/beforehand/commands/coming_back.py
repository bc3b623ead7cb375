"""What comes back, and what is done with it: buttons, unsubscriptions, replies. It works on the state alone.

Each is one transaction that keeps what came beside what it did: posted again, or killed in between, it is done once.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beforehand.channels.opening import SecretMissingError
from beforehand.channels.slack_signed import Press
from beforehand.channels.webhook import signature
from beforehand.commands import replying
from beforehand.commands.alerts import present
from beforehand.commands.edits import START
from beforehand.commands.known_people import KnownPeople
from beforehand.commands.linking import DO, UNSUBSCRIBE, Links, known, links_of
from beforehand.commands.pressing import Outcome, Pressed, press
from beforehand.commands.unsubscribing import suppress_in
from beforehand.commands.workspace import SETTINGS_FILE, Workspace
from beforehand.errors import InputError, among
from beforehand.store import Alert, Store, alert_of, callbacks
from beforehand.workspace.people import TEAM, read_people
from beforehand.workspace.spec import SettingsSpec
from beforehand.workspace.team_spec import TeamSpec

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.commands.replying import Reply
    from beforehand.workspace import Folder

LISTED = 200
FORGED = Outcome("refused", "forged", "This link is not one of ours, or a part of it is missing.")
STALE = Outcome("refused", "stale", "This link has been good for 30 days, and is not any more.")
LEFT = Outcome("refused", "stranger", "This link was made for somebody who is no longer on the team.")


@dataclass
class Office:
    """An open workspace that takes what comes back. The settings and the team are read again when they change."""

    root: Path
    state: Store
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _read: tuple[object, _Files] | None = None
    _whole: tuple[object, Folder] | None = None
    # Writers queue anyway. In line here they go one after the other; at the door of SQLite whoever asks at the right
    # moment gets in, and some wait for seconds.
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def press_in_slack(self, told: Press) -> Outcome:
        """A button that was pressed in Slack, whose signature was right."""
        files = self.files
        with self.state.read() as session:
            at = present(session)
        actor = files.people.presser(told, at)
        if actor is None:
            name = files.settings.name
            said = (
                f"You are not on the team of {name}, so nothing was changed. Whoever keeps its team.yaml can add your "
                f"Slack id there: {told.user}."
            )
            stranger = Outcome("refused", "stranger", said)
            return self._once(told.key, "slack", told.user, told.action, told.value, lambda _s, _at: stranger)
        return self._press(told.key, "slack", actor, told.action, told.value)

    def press_link(self, token: str) -> Outcome:
        """A button of a mail, or of a webhook's message."""
        said = self.link(DO, token)
        if isinstance(said, Outcome):
            return said
        digest = hashlib.sha256(token.encode()).hexdigest()[:24]
        with self.state.read() as session:
            at = present(session)
        actor = self.called(said["who"], at)
        # Pressed again it is another press: how things stand decides what it does.
        key = f"link:{digest}:{secrets.token_hex(8)}"
        return self._press(key, "link", actor, said["do"], said["of"])

    def link(self, purpose: str, token: str) -> dict[str, Any] | Outcome:
        """What a link of ours says, without doing anything; or why it is none."""
        links = self.files.links
        said = None if links is None else links.opened(purpose, token)
        if said is None:
            return FORGED
        if purpose == DO:
            if self.clock().date() > date.fromisoformat(said["until"]):
                return STALE
            with self.state.read() as session:
                at = present(session)
            if self.files.people.left(said["who"], at):
                return LEFT
        return said

    def called(self, who: str, at: datetime | None = None) -> str:
        """The name of who a link was made for; as they were written to, where nobody of the team is called so."""
        return self.files.people.called(who, at or self.clock()) or who

    def headline(self, alert: str) -> str:
        """What an alert is about, for the page that asks whether to go on; blank where there is none."""
        with self.state.read() as session:
            found: Alert | None = alert_of(session, alert.partition("|")[0])
            return "" if found is None else f"{found.account}: {found.headline.partition(';')[0].strip()}"

    def unsubscribe(self, token: str) -> Outcome:
        """An address is not written to any more, from now on; said twice, it is so once."""
        said = self.link(UNSUBSCRIBE, token)
        if isinstance(said, Outcome):
            return said
        with self._writing, self.state.write() as session:
            at = present(session)
            return suppress_in(session, str(said["to"]), at, said.get("run"), "link")

    def reply(self, reply: Reply) -> Outcome:
        """A customer's answer, whose signature was right."""
        files = self.files
        with self._writing, self.state.write() as session:
            return replying.take(session, files.people, files.links, reply, present(session))

    def refused(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Keeps how often something was refused before anybody knew whose it was, by (place, reason)."""
        now = self.clock()
        with self._writing, self.state.write() as session:
            for (where, reason), times in counts.items():
                callbacks.count_refused(session, where, reason, times, now)

    def secrets(self, name: str) -> tuple[str, ...]:
        """The secrets under `slack` or `replies` of the settings; none where it is not set up."""
        return self.files.secrets[name]

    @property
    def files(self) -> _Files:
        """The settings and the team as the files say now; as they said before, while there is a mistake in them."""
        stamp = tuple(_stamp(self.root / name) for name in (SETTINGS_FILE, TEAM))
        if self._read is None or self._read[0] != stamp:
            try:
                self._read = (stamp, _Files.read(self.root, self.environment))
            except InputError:
                if self._read is None:
                    raise
                self._read = (stamp, self._read[1])
        return self._read[1]

    def folder(self) -> Folder:
        """All files of the workspace, read again where one of them changed; InputError where one is wrong.

        Reading takes longer than Slack waits on a busy machine, and so is done before the first button, by `warm`.
        """
        stamp = tuple(
            (str(path), *_stamp(path)) for path in sorted(self.root.rglob("*.yaml")) if ".beforehand" not in path.parts
        )
        if self._whole is None or self._whole[0] != stamp:
            self._whole = (stamp, Workspace(self.root, "callbacks").folder)
        return self._whole[1]

    def warm(self) -> None:
        """Reads what the first button would wait for; what is wrong in it is told to whoever presses."""
        with suppress(InputError):
            self.folder()

    def _press(self, key: str, via: str, actor: str, action: str, value: str) -> Outcome:
        folder = None
        if action == START:  # read before anything is locked
            try:
                folder = self.folder()
            except InputError:
                said = "There is a mistake in the files of the workspace: `beforehand check` tells it."
                broken = Outcome("refused", "problems", said)
                return self._once(key, via, actor, action, value, lambda _s, _at: broken)
        channels = self.files.settings.channels

        def do(session: Session, at: datetime) -> Outcome:
            return press(session, Pressed(actor, action, value, at, channels, folder))

        return self._once(key, via, actor, action, value, do)

    def _once(
        self, key: str, via: str, actor: str, action: str, value: str, do: Callable[[Session, datetime], Outcome]
    ) -> Outcome:
        """Does something in one transaction with the row that keeps it from being done again."""
        with self._writing, self.state.write() as session:
            before = callbacks.seen(session, key)
            if before is not None:
                return Outcome("already", "seen", str(before.details.get("said", "")))
            at = present(session)
            came = do(session, at)
            details = {"via": via, "action": action, "of": value} | came.as_json()
            callbacks.keep(session, key, at, callbacks.BUTTON, actor, details)
            return came


@dataclass
class _Files:
    """What the settings and the team say, and the secrets they name."""

    settings: SettingsSpec
    people: KnownPeople
    links: Links | None
    secrets: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, root: Path, environment: Mapping[str, str]) -> _Files:
        """Reads them; InputError where something is wrong, `Problems` where it is in a file."""
        try:
            return cls._read(root, environment)
        except SecretMissingError as error:
            hint = "docs/how-to/receive-callbacks.md tells how to make one."
            raise InputError(str(error), hint, code="no-secret") from None

    @classmethod
    def _read(cls, root: Path, environment: Mapping[str, str]) -> _Files:
        ws = Workspace(root, "callbacks")
        settings = ws.settings
        team, _, _ = read_people(root, settings)
        spec = settings.callbacks
        for secret in known(spec, "replies", root, environment):
            try:
                signature(secret, "", datetime.now(UTC), b"")
            except ValueError as error:
                raise SecretMissingError(f"`callbacks: replies`: {error}.") from None
        return cls(
            settings,
            KnownPeople(settings, team or TeamSpec(), root, environment),
            links_of(spec, root, environment),
            {name: known(spec, name, root, environment) for name in ("slack", "replies")},
        )

    @cached_property
    def takes(self) -> tuple[str, ...]:
        """What is set up to come back, in words."""
        found = ["buttons and unsubscriptions by link"] if self.links is not None and self.links.url else []
        found += ["buttons of Slack"] if self.secrets["slack"] else []
        return tuple(found + (["replies"] if self.secrets["replies"] else []))


def came_back(ws: Workspace, *, kinds: tuple[str, ...] = (), most: int = LISTED) -> dict[str, Any]:
    """What came back, the newest first, refused ones counted by the hour.

    Returns `{"callbacks": [{"at", "kind", "actor", "via", "outcome", "reason", ...}]}`. Raises InputError for a kind
    that there is not.
    """
    for kind in kinds:
        if kind not in callbacks.KINDS:
            raise InputError(f"{kind!r} does not come back.", among(kind, callbacks.KINDS), code="bad-value")
    with ws.state() as state, state.read() as session:
        found = callbacks.find_callbacks(session, kinds=kinds, most=most)
        return {"callbacks": [{"at": r.at, "kind": r.kind, "actor": r.actor or None, **r.details} for r in found]}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
