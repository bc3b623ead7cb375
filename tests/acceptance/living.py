"""A workspace that lives in time: load on one day, run on another, see what is told."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from beforehand import cli

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
MAPPING = "id=id,account=account,person=person,event=event,at=at,learned=learned"
BELOW = "when: logins below 2 per week for 3 consecutive weeks\n"


class World:
    """A workspace and its commands, called as from a shell. Weeks are counted from Monday 2025-01-06."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = 0
        self.sent = 0

    def call(self, *args: object, code: int = 0) -> str:
        """One command in this process; its standard output, or on failure its standard error (with --json never)."""
        out, err = io.StringIO(), io.StringIO()
        argv = ["beforehand", *map(str, args), "-w", str(self.root)]
        with mock.patch.object(sys, "argv", argv), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as ended:
                found = ended.code or 0
            else:
                found = 0
        assert found == code, f"{argv}: exit {found}, want {code}\n{out.getvalue()}\n{err.getvalue()}"
        return out.getvalue() if code < 2 or "--json" in argv else err.getvalue()

    def answer(self, *args: object, code: int = 0) -> dict:
        """One command with --json."""
        return json.loads(self.call(*args, "--json", code=code))

    def start(self, *args: object) -> subprocess.Popen:
        """One command as a process of its own."""
        argv = [sys.executable, "-c", "from beforehand.cli import main; main()", *map(str, args), "-w", str(self.root)]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def signal(self, name: str, text: str) -> None:
        """Writes a signal, or takes it away where the text is empty."""
        path = self.root / "signals" / f"{name}.yaml"
        if text:
            path.write_text(f"signal: {name}\n{text}")
        else:
            path.unlink()

    def events(self, rows: Iterable[tuple], *options: object) -> dict:
        """Loads events (account, occurred_at, learned_at or None, person or None, event or None)."""
        self.files += 1
        path = self.root / f"events-{self.files}.csv"
        with path.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["id", "account", "person", "event", "at", "learned"])
            for account, at, *rest in rows:
                learned, person, event = (*rest, None, None, None)[:3]
                self.sent += 1
                writer.writerow(
                    [self.sent, account, person or f"{account}-p", event or "login", iso(at), iso(learned or at)]
                )
        return self.answer("load", path, "--map", MAPPING, *options)

    def logins(self, account: str, first: datetime, weekly: Iterable[int], **given: object) -> dict:
        """Loads so many logins in each week from `first` on, spread over the week."""
        return self.events(spread(account, first, weekly, **given))

    def run(self, now: datetime) -> dict:
        """`run --now`."""
        return self.answer("run", "--now", iso(now))

    def alerts(self, *options: object) -> list[dict]:
        """`alerts`, by the order in which they were raised."""
        return sorted(self.answer("alerts", *options)["alerts"], key=lambda a: int(a["alert"][2:]))

    def told(self, *options: object) -> list[tuple]:
        """Alerts as (account, signal, scope, week opened, state or reason)."""
        return [
            (a["account"], a["signal"], a["scope"], week_of(a["opened_at"]), a["close_reason"] or a["state"])
            for a in self.alerts(*options)
        ]


def spread(account: str, first: datetime, weekly: Iterable[int], **given: object) -> list[tuple]:
    """Logins spread over weeks as rows for `World.events`."""
    person, event = given.get("person"), given.get("event")
    return [
        (account, first + week * WEEK + (i + 1) * WEEK / (count + 2), None, person, event)
        for week, count in enumerate(weekly)
        for i in range(count)
    ]


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def at(week: float) -> datetime:
    return MONDAY + week * WEEK


def week_of(text: str) -> float:
    return (datetime.fromisoformat(text) - MONDAY) / WEEK


def copy(world: World, into: World) -> None:
    """The whole workspace once more."""
    shutil.copytree(world.root, into.root)


def new_world(root: Path) -> World:
    """A new workspace without signals."""
    made = World(root)
    argv = ["beforehand", "init", str(root)]
    with (
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        cli.main()
    for path in (made.root / "signals").glob("*.yaml"):
        path.unlink()
    return made
