"""An example over real data: prepares, loads, runs, shows alerts, stories and the backtest beside its rivals."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
from packed import show_packed
from walk import ROOT, Walk, most_urgent


@dataclass(frozen=True)
class Example:
    """What is loaded as which table, and the days of the two runs; the second is where the history ends."""

    title: str
    tables: dict[str, str]
    first_run: str
    until: str
    listed: str
    stories: tuple[str, ...] = ()


EXAMPLES = {
    "openstack": Example(
        "OpenStack: 117 companies, nine years, who stopped contributing", {"events": "events.parquet"},
        first_run="2018-11-01", until="2019-05-01", listed="fewer-people", stories=("changes-halved", "fewer-people"),
    ),
    "ravenstack": Example(
        "RavenStack: a made-up company whose churn nothing foretells",
        {"accounts": "accounts.csv", "events": "events.csv", "tickets": "tickets.csv", "outcomes": "outcomes.csv"},
        first_run="2024-10-01", until="2025-01-01", listed="usage-down",
    ),
}  # fmt: skip


def main() -> int:
    """Runs one example; 0 also where its data are absent, with a word about it."""
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("example", choices=EXAMPLES)
    read.add_argument("--scratch", type=Path, help="an empty folder for the workspace; default: a new temporary one")
    asked = read.parse_args()
    name, example = asked.example, EXAMPLES[asked.example]
    data = Path(os.environ.get("BEFOREHAND_DATA") or ROOT.parent / "shared" / "data") / name
    if not data.is_dir():
        print(
            f"{name}: left out, its data are not here ({data}). Set BEFOREHAND_DATA to the folder that holds `{name}`."
        )
        return 0
    scratch = asked.scratch or Path(tempfile.mkdtemp(prefix=f"beforehand-{name}-"))
    prepare(name, data, scratch)

    walk = Walk(scratch)
    walk.title(example.title)
    walk.say(f"A workspace in {scratch}, made from examples/{name}/workspace.\n")
    walk.show("check")
    for table, file in example.tables.items():
        walk.show("load", f"data/{file}", "--as", table, "--map", f"maps/{table}.yaml")

    walk.title("Backtest beside two rivals")
    walk.show("backtest", "--until", example.until)

    walk.title("Alerts")
    walk.say("Over all of history once more, which keeps each signal's record for the stories.\n")
    walk.show("backtest", quiet=True)
    walk.say(f"A first run on {example.first_run} finds the backlog; a second on {example.until} everything since.\n")
    walk.show("run", "--now", example.first_run)
    walk.show("run", "--now", example.until)
    alerts = walk.ask("alerts", "--open")["alerts"]
    backlog = sum(bool(alert["backlog"]) for alert in alerts)
    walk.say(f"{len(alerts)} alerts are open, {backlog} of them backlog. One signal's:\n")
    walk.show("alerts", "--open", "--signal", example.listed)
    for alert in most_urgent([a for a in alerts if a["signal"] in example.stories], 2):
        walk.show("show", str(alert["alert"]))

    show_packed(walk, name, scratch, example.tables, example.until)
    walk.out.print(f"[dim]Done in {walk.seconds:.0f} s. The workspace stays in {scratch}[/]", soft_wrap=True)
    return 0


def prepare(name: str, data: Path, scratch: Path) -> None:
    """Lays the workspace and the files it loads into `scratch`."""
    source = ROOT / "examples" / name
    shutil.copytree(source / "workspace", scratch, dirs_exist_ok=True)
    (scratch / "data").mkdir(exist_ok=True)
    written = (source / "prepare.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(written.format(data=str(data).replace("'", "''"), scratch=str(scratch).replace("'", "''")))


if __name__ == "__main__":
    sys.exit(main())
