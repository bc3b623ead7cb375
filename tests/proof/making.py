"""A small workspace made of rows: what the acceptance tests of the proof share."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from beforehand.commands import Workspace
from beforehand.commands.init import init

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


class Made:
    """A workspace folder under construction."""

    def __init__(self, root: Path) -> None:
        init(root)
        for file in (root / "signals").iterdir():
            file.unlink()
        self.root = root
        self.files = 0

    @property
    def ws(self) -> Workspace:
        """The workspace, its files read anew."""
        return Workspace(self.root, actor="tests")

    def signal(self, name: str, text: str) -> None:
        (self.root / "signals" / f"{name}.yaml").write_text(f"signal: {name}\n{text}\n")

    def setting(self, text: str) -> None:
        """Puts keys into beforehand.yaml in place of those of the starter."""
        file = self.root / "beforehand.yaml"
        keys = {line.split(":")[0] for line in text.splitlines() if line and not line.startswith(" ")}
        kept = [line for line in file.read_text().splitlines() if line.split(":")[0] not in keys]
        file.write_text("\n".join([*kept, text]) + "\n")

    def outcomes(self, text: str) -> None:
        (self.root / "outcomes.yaml").write_text(text)

    def load(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], learned: str | None = None
    ) -> None:
        """Rows of a table; columns are named as ours are."""
        self.files += 1
        path = self.root.parent / f"{self.root.name}-{self.files}.csv"
        with path.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(columns)
            writer.writerows([v.isoformat() if isinstance(v, datetime) else v for v in row] for row in rows)
        with self.ws.facts() as facts:
            loaded = facts.load([path], table=table, learned=learned)
            assert not loaded.quarantined, facts.connection.execute("SELECT reason FROM quarantine LIMIT 3").fetchall()

    def events(self, rows: Iterable[tuple[str, datetime, datetime]], event: str = "login") -> None:
        """(account, occurred, learned); a person of its own for each account."""
        self.load(
            "events", ("account", "person", "event", "at", "learned"), [(a, f"{a}-p", event, o, k) for a, o, k in rows]
        )

    def weekly(self, counts: Mapping[str, Sequence[int]]) -> None:
        """So many logins in each week from Monday 2025-01-06 on, learned at once.

        Every account begins with the first instant of the first week. One more, `feed`, is busy throughout and on into
        the week after the last, so that this one has closed.
        """
        rows = []
        for account, weeks in counts.items():
            for week, count in enumerate(weeks):
                rows += [(account, at := MONDAY + week * WEEK + k * timedelta(hours=5), at) for k in range(count)]
        last = max(len(weeks) for weeks in counts.values())
        feed = [MONDAY + week * WEEK + k * timedelta(hours=5) for week in range(last) for k in range(9)]
        rows += [("feed", at, at) for at in [*feed, MONDAY + last * WEEK + timedelta(hours=1)]]
        self.events(rows)

    def copy(self, root: Path) -> Made:
        """The files alone in another folder."""
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns(".beforehand"))
        other = object.__new__(Made)
        other.root, other.files = root, 0
        return other
