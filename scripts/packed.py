"""The library's signals on real data: those that have something to count there, with lead time and both rivals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
from planted import interval, percent
from walk import ROOT, Walk

from beforehand.cli import look
from beforehand.commands import Workspace
from beforehand.commands.init import init
from beforehand.facts.asking import only
from beforehand.signals import Signal, quantities_of, reads_alerts, traits_of
from beforehand.workspace import Folder

ROLE = "role"
MADE_OF = {"tones": ("messages",), "moods": ("messages",), "tensions": ("tickets", "messages")}
"""The tables that are made when they are first asked for, and of which facts."""


def show_packed(walk: Walk, name: str, scratch: Path, tables: Mapping[str, str], until: str) -> None:
    """Makes a workspace of the library over the files in `scratch/data`, and prints what each signal was worth."""
    folder = scratch / "packed"
    init(folder, pack=True)
    shutil.copytree(ROOT / "examples" / name / "packed", folder, dirs_exist_ok=True)
    shutil.copytree(scratch / "data", folder / "data")
    there, walk.folder = walk.folder, folder
    walk.title("The signals of the library, as they come")
    walk.say("Nothing is adapted but what the events are called (packed/events.yaml). Signals without anything to\n"
             "count here (no tickets, no letters, no invoices ...) are left out.\n")  # fmt: skip
    for table, file in tables.items():
        walk.show("load", f"data/{file}", "--as", table, "--map", f"maps/{table}.yaml", quiet=True)
    ws = Workspace(folder)
    names = list(applying(ws))
    told = walk.ask("backtest", *names, "--until", until)
    rows = sorted(told["signals"], key=lambda row: -(row["precision"][0] or 0))
    columns: list[look.Column | str] = ["signal"]
    columns += [look.Column(n, figures=True) for n in ("alerts", "a week", "right", "precision", "early")]
    columns += [look.Column(n, figures=True) for n in ("quiet", "lot", "untouched")]
    look.console(width=walk.out.width).print(look.table(columns, [cells(row) for row in rows if row["episodes"]]))
    walk.say("\nearly: days, median. quiet, lot: the precision of naming as many by silence, or by lot.\n"
             "untouched: right in the last quarter of the closes.")  # fmt: skip
    silent = [row["signal"] for row in rows if not row["episodes"]]
    if silent:
        walk.say(f"\nNamed nobody: {', '.join(silent)}.")
    walk.folder = there


def cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    """A row of `backtest` as a row of the table."""
    finished, early, weekly = row["episodes"] - row["unfinished"], row["lead_days"]["p50"], row["episodes_per_week"]
    later = row["untouched"]
    return (
        row["signal"], row["episodes"], None if weekly is None else f"{weekly:.2f}", f"{row['right']} of {finished}",
        interval(row["precision"]), None if early is None else f"{early:.0f}",
        percent(row["rivals"]["recency"]["precision"][0]), percent(row["rivals"]["random"]["precision"][0]),
        f"{later['right']} of {later['episodes'] - later['unfinished']}",
    )  # fmt: skip


def applying(ws: Workspace) -> Iterator[str]:
    """The signals of a workspace that have facts for everything they read."""
    folder, sent = ws.folder, {row["event"]: row["rows"] for row in ws.events()["standard"]}
    with ws.facts() as facts:
        connection = facts.connection
        known = {name for (name,) in connection.execute("SELECT DISTINCT trait FROM traits").fetchall()}
        for name, signal in folder.signals.items():
            if not reads_alerts(signal, folder.signals) and _has(connection, folder, signal, sent, known):
                yield name


def _has(
    connection: duckdb.DuckDBPyConnection, folder: Folder, signal: Signal, sent: Mapping[str, int], known: set[str]
) -> bool:
    quantities = [quantity for quantity, _ in quantities_of(signal, folder.signals)]
    if any(quantity.role for quantity in quantities) and ROLE not in known:
        return False
    for quantity in quantities:
        spec = folder.metrics[quantity.metric]
        counted = (
            "member" if spec.aggregate == "people" else "status" if quantity.made and spec.table == "tickets" else "*"
        )
        tables = MADE_OF.get(spec.table, (spec.table,))
        if not any(only(connection, f"SELECT count({counted}) FROM {table}")[0] for table in tables):
            return False
        if (spec.event or spec.of_event) and not all(sent[event] for event in (*spec.event, *spec.of_event)):
            return False
    asked = traits_of(signal, folder.signals) - {"age", "seats"}  # seats not known count as many
    return signal.subject == "account" and asked <= known
