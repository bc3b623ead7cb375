"""The one object every face stands on: a workspace and what can be done with it.

Each command is one method: plain data in, plain data out (times are aware UTC datetimes; the faces write them as ISO
8601). What a command does, and what it takes, stands in the module of `commands/` it is bound to. Three need none:
`commands.init` makes one, `commands.library` lists what ships, `commands.judge` judges any series.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from beforehand.commands.bound import Command
from beforehand.errors import InputError

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.store import Store
    from beforehand.workspace import Folder
    from beforehand.workspace.spec import SettingsSpec

SETTINGS_FILE = "beforehand.yaml"


class Workspace:
    """A folder of files, its facts and its state; `actor` is who asks, written beside each change."""

    check = Command("check")
    signals = Command("signals")
    events = Command("events")
    load = Command("load")
    quarantine = Command("quarantine")
    retry_quarantine = Command("quarantine", "retry")
    drop_quarantine = Command("quarantine", "drop")
    unmatched = Command("identity")
    match = Command("identity")
    merge = Command("identity")
    unmerge = Command("identity")
    run = Command("run")
    alerts = Command("alerts")
    show = Command("show")
    ack = Command("alerts")
    snooze = Command("alerts")
    resolve = Command("alerts")
    incidents = Command("incidents")
    incident = Command("incidents", "show")
    settle = Command("incidents")
    issues = Command("issues")
    issue = Command("issues", "show")
    merge_issues = Command("issues", "merge")
    split_issue = Command("issues", "split")
    rename_issue = Command("issues", "rename")
    work = Command("work")
    acts = Command("acts")
    act = Command("acts")
    resolve_act = Command("acts")
    callbacks = Command("coming_back", "came_back")
    preview = Command("preview")
    explain = Command("route")
    told = Command("told")
    team = Command("told")
    hand_over = Command("hand_over")
    playbooks = Command("playbooks")
    start_playbook = Command("playbooks")
    simulate_playbook = Command("playing_ahead")
    runs = Command("playbooks", "list_runs")
    show_run = Command("playbooks")
    approvals = Command("playbooks")
    approve = Command("playbooks")
    unsent = Command("playbooks")
    suppress = Command("playbooks")
    uplift_playbook = Command("playbook_uplift")
    replay = Command("replay")
    backtest = Command("backtest")
    diff = Command("diff")
    risk = Command("risk")

    def __init__(self, root: Path, actor: str | None = None) -> None:
        self.root = root
        self.actor = actor or _login()

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The workspace at `start`, or in the nearest folder upward; InputError where there is none."""
        start = (start or Path.cwd()).absolute()
        for folder in (start, *start.parents):
            if (folder / SETTINGS_FILE).is_file():
                return cls(folder)
        raise InputError(
            f"No workspace here: {start} and the folders above it hold no {SETTINGS_FILE}.",
            "Make one with `beforehand init DIR`, or name one with `-w DIR`.",
            code="no-workspace",
        )

    @property
    def data(self) -> Path:
        """The folder that holds what is not written by people: facts, state, lock."""
        return self.root / ".beforehand"

    @cached_property
    def folder(self) -> Folder:
        """The team's files as one validated object; raises `Problems` with every problem at once."""
        from beforehand.workspace import read_folder

        return read_folder(self.root)

    @contextmanager
    def facts(self) -> Iterator[Facts]:
        """The facts, with the lock held; waits 10 s for it, then raises BusyError naming who holds it."""
        from beforehand.commands.text import reader
        from beforehand.facts import Facts
        from beforehand.facts.lock import locked

        derived = {name: spec.silent_for for name, spec in self.folder.outcomes.items()}
        settings = self.folder.settings
        with locked(self.data), Facts.open(self.data / "facts.duckdb", settings, derived, reader(settings)) as facts:
            yield facts

    @cached_property
    def settings(self) -> SettingsSpec:
        """`beforehand.yaml` alone, for what needs no other file; raises `Problems` with every problem of it."""
        from beforehand.errors import Problems
        from beforehand.workspace.reading import read_model
        from beforehand.workspace.spec import SettingsSpec
        from beforehand.workspace.yaml_file import read_yaml

        written = read_yaml(self.root, SETTINGS_FILE)
        found = read_model(SettingsSpec, written)
        if found is None or written.problems:
            raise Problems(written.problems)
        return found

    @contextmanager
    def state(self) -> Iterator[Store]:
        """The state database, migrated to this version: a SQLite file, or where `state:` of the settings says."""
        from beforehand.store import Store

        with Store.open(self._state_address() or self.data / "state.sqlite") as store:
            yield store

    def _state_address(self) -> str | None:
        kept = self.settings.state
        if kept is None or isinstance(kept, str):
            return kept
        found = kept.value(self.root, os.environ)
        if found is None:
            raise InputError(
                f"The state is to be where {kept.place} says, and nothing is there.",
                "Put the address of the database there: postgresql://user:password@host/database.",
                code="no-secret",
            )
        return found


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user that has no name
        return "unknown"
