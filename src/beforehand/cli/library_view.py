"""How `library`, `signals` and `events` look in a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from rich.console import Console

from beforehand.cli import look
from beforehand.cli.checked import where_now
from beforehand.story import words

WIDEST = 100
OTHERS = "Others"


def show_library(result: Mapping[str, Any], out: Console | None = None) -> None:
    """Prints what `commands.library.library` returned."""
    out = out or look.console()
    measured = result["measured"]
    for group, rows in _by_group(result):
        out.print(look.hairline(group))
        for row in rows:
            out.print()
            head = look.dot(row["severity"], row["polarity"]).append(" ")
            out.print(head.append_text(look.heading(row["signal"], row["severity"])))
            out.print(look.text(_indented(row["sentence"], out)))
            out.print(look.text(_indented(row["why"] or "", out), "soft"))
            if row["playbook"]:
                out.print(look.text(_indented(f"Suggested: {response(row['playbook'])}", out), "soft"))
            out.print(look.text(_indented(f"From {row['source']}", out), "faint"))
            out.print(look.text(_indented(record(row["record"], row["outcome"]), out), "faint"))
        out.print()
    said = f"Records are of a simulated company ({measured['command']}); yours will differ: `beforehand backtest`."
    out.print(look.text(_indented(f"{len(result['signals'])} signals. {said}", out), "soft"))


def show_signals(result: Mapping[str, Any], out: Console | None = None) -> None:
    """Prints what `commands.signals.signals` returned."""
    out = out or look.console()
    for group, rows in _by_group(result):
        out.print(look.hairline(group))
        for row in rows:
            aside = row["mode"] if row["mode"] != "on" else ""
            out.print(look.dot(row["severity"], row["polarity"]).append(" ").append_text(
                look.heading(row["signal"], aside)))  # fmt: skip
            out.print(look.text(_indented(row["sentence"], out), "soft"))
            if row["holds_now"] is not None:
                out.print(look.text(_indented(where_now(row["holds_now"]), out), "faint"))
        out.print()
    out.print(f"{len(result['signals'])} signals.")
    if result["facts"]:
        out.print(look.text(result["facts"], "soft"))


def show_events(result: Mapping[str, Any], out: Console | None = None) -> None:
    """Prints what `commands.events.events` returned."""
    out = out or look.console()
    with_data = [row for row in result["standard"] if row["rows"]]
    if with_data:
        columns: list[look.Column | str] = [
            "standard event",
            look.Column("counted from", wraps=True),
            look.Column("rows", figures=True),
            "last",
        ]
        out.print(look.table(columns, [
            (row["event"], ", ".join(row["own"]), row["rows"], f"{row['last_at']:%Y-%m-%d}") for row in with_data
        ]))  # fmt: skip
        out.print()
    without = [row["event"] for row in result["standard"] if not row["rows"]]
    if without:
        out.print(look.heading("No data yet", f"{len(without)} standard events that metrics count"))
        out.print(look.text(_indented(", ".join(without), out), "soft"))
        out.print()
    if result["unmapped"]:
        out.print(look.heading("Counted by nothing but the whole", "events in the data without a standard name"))
        out.print(look.table(
            ["event", look.Column("rows", figures=True), look.Column("may be", wraps=True)],
            [(row["event"], row["rows"], _guess(row)) for row in result["unmapped"]],
        ))  # fmt: skip
        out.print()
        if any(row["suggestion"] for row in result["unmapped"]):
            out.print("`beforehand events --suggest` prints the lines for events.yaml.")
    else:
        out.print("Every event in the data has a standard name.")


def show_mapping(result: Mapping[str, Any]) -> None:
    """Prints events.yaml with every suggestion taken, as plain text that may go into the file."""
    print("# What our product calls the standard events. Look through each line before you keep it.")
    why = {row["event"]: row for row in result["unmapped"]}
    for name, own in result["mapping"].items():
        alike = [f"{event} is like {why[event]['like']}" for event in own if why.get(event, {}).get("why") == "alike"]
        said = ", ".join(json.dumps(event, ensure_ascii=False) for event in own)
        print(f"{name}: [{said}]" + (f"  # guessed: {'; '.join(alike)}" if alike else ""))


def response(playbook: Mapping[str, str]) -> str:
    """A suggested response in words."""
    return f"{playbook['name']}. {playbook['text']}".strip() if playbook["text"] else playbook["name"]


def record(row: Mapping[str, Any] | None, outcome: str) -> str:
    """A record in one line: right of finished, the interval, both rivals and how early."""
    if row is None:
        return "Not measured on the simulated company."
    finished = row["episodes"] - row["unfinished"]
    if not finished:
        return f"Of the simulated company no episode has ended ({outcome})."
    rivals = row["rivals"]
    said = f"{outcome}: {row['right']} of {finished} right"
    if row["precision"][1] is not None:
        said += f" ({words.percent(row['precision'][1])[:-1]} to {words.percent(row['precision'][2])})"
    shares = [f"{name} {words.percent(rivals[name]['precision'][0])}" for name in ("recency", "random")
              if rivals.get(name) and rivals[name]["precision"][0] is not None]  # fmt: skip
    said += f"; rivals: {', '.join(shares)}" if shares else ""
    early = row["lead_days"]["p50"]
    return said + (f"; {early:.0f} days ahead" if early is not None else "")


def _by_group(result: Mapping[str, Any]) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
    found: list[tuple[str, Sequence[Mapping[str, Any]]]] = []
    for group, heading in (*result["groups"].items(), (None, OTHERS)):
        rows = [row for row in result["signals"] if row["group"] == group]
        if rows:
            found.append((heading, rows))
    return found


def _guess(row: Mapping[str, Any]) -> str:
    if row["suggestion"] is None:
        return ""
    return str(row["suggestion"]) + ("" if row["why"] == "known" else f" (it is like {row['like']})")


def _indented(said: str, out: Console) -> str:
    return fill(said, min(out.width, WIDEST), initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
