"""Simulates the company into a folder: a workspace, its data and the truth."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from beforehand.errors import InputError
from beforehand.library import PACK
from beforehand.simulate.company import account
from beforehand.simulate.files import Files
from beforehand.simulate.names import MOST
from beforehand.simulate.team import write_team
from beforehand.simulate.usage import FEED_GAP, OUTAGE, RENAMED

BLOCK = 500  # accounts in memory at a time
LEAST_DAYS, MOST_DAYS = 200, 1830
#: The order in which the data are loaded: who first, then what they did.
TABLES = {
    "accounts": "accounts.csv",
    "people": "people.csv",
    "subscriptions": "subscriptions.csv",
    "invoices": "invoices.csv",
    "events": "events.parquet",
    "tickets": "tickets.csv",
    "messages": "messages.jsonl",
    "surveys": "surveys.csv",
    "touches": "touches.csv",
    "outcomes": "outcomes.csv",
}


@dataclass(frozen=True)
class Simulated:
    """What was written: rows per table, and the commands that load them, in order."""

    folder: Path
    first_on: date
    end_on: date
    rows: dict[str, int]

    def loads(self) -> list[list[str]]:
        """The arguments of `beforehand load` for each file, relative to the folder."""
        commands = []
        for table, file in TABLES.items():
            mapping = f"maps/{table}.yaml"
            mapped = ["--map", mapping] if (self.folder / mapping).exists() else []
            commands.append(["load", f"data/{file}", "--as", table, *mapped])
        return commands


def simulate(
    folder: Path, *, end_on: date, accounts: int = 300, days: int = 540, seed: int = 7, incidents: bool = False
) -> Simulated:
    """Writes a company of `accounts` accounts over the `days` days before `end_on` (which is left out, UTC).

    The workspace is the library's pack with what is particular to the company laid over it. With `incidents` all
    trackers are silent for some days, and an event is renamed. The same numbers give the same bytes. InputError where
    the folder holds anything already, or a number is out of range.
    """
    _check(folder, accounts, days, seed)
    first_on = end_on - timedelta(days=days)
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("beforehand.simulate") / "folder") as own:
        for source in (PACK, own):
            shutil.copytree(source, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    (folder / "gitignore").rename(folder / ".gitignore")
    write_team(folder, end_on)
    silent, from_back, to_back = FEED_GAP
    gap = {"event": silent, "from": end_on - timedelta(days=from_back), "to": end_on - timedelta(days=to_back)}
    head: dict[str, Any] = {"seed": seed, "days": days, "first_on": first_on, "end_on": end_on, "feed_gap": gap}
    if incidents:
        old, new, since = RENAMED
        outage = {"from": end_on - timedelta(days=OUTAGE[0]), "to": end_on - timedelta(days=OUTAGE[1])}
        renamed = {"event": old, "to": new, "from": end_on - timedelta(days=since)}
        head["incidents"] = {"outage": outage, "renamed": renamed}
    with Files(folder, first_on, head) as out:
        for begin in range(0, accounts, BLOCK):
            out.write([account(k, seed, first_on, days, incidents) for k in range(begin, min(begin + BLOCK, accounts))])
    return Simulated(folder, first_on, end_on, {table: out.counts[table] for table in TABLES})


def _check(folder: Path, accounts: int, days: int, seed: int) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty.", "Name a folder that does not exist yet.", code="not-empty")
    for what, value, low, high in (
        ("accounts", accounts, 1, MOST),
        ("days", days, LEAST_DAYS, MOST_DAYS),
        ("seed", seed, 0, 2**31),
    ):
        if not low <= value <= high:
            raise InputError(
                f"{what} is {value}; it is from {low} to {high}.",
                f"For example: --{what} {min(max(value, low), high)}",
                code="out-of-range",
            )
