"""How `check` looks: each sentence said back, and where it holds now."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from rich.console import Console

from beforehand.cli import look


def show(result: dict[str, Any], out: Console | None = None) -> None:
    """Prints what `commands.check.check` returned."""
    out = out or look.console()
    for signal in result["signals"]:
        aside = signal["file"] + ("" if signal["mode"] == "on" else f", {signal['mode']}")
        out.print(look.heading(signal["signal"], aside))
        out.print(look.text(_indented(signal["echo"], out)))
        if signal.get("holds_now") is not None:
            out.print(look.text(_indented(where_now(signal["holds_now"]), out), "soft"))
        out.print()
    cases = sum(signal["cases"] for signal in result["signals"])
    many = len(result["signals"])
    out.print(f"No problems: {_count(many, 'signal')}, {_count(cases, 'case')} as written.")
    for hint in result.get("hints", ()):
        out.print(look.text(fill(hint, min(out.width, 100), break_on_hyphens=False), "soft"))
    if result.get("facts"):
        out.print(look.text(result["facts"], "soft"))


def _indented(words: str, out: Console) -> str:
    return fill(words, min(out.width, 100), initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def where_now(now: dict[str, Any]) -> str:
    """Where a signal holds, in a sentence."""
    when = f"At the close of {now['as_of']:%Y-%m-%d}"
    if not now["of"]:
        return f"{when} there was nobody to judge."
    if not now["holds"]:
        return f"{when} it held for none of {now['of']:,} {now['what']}."
    examples = "; ".join(now["examples"])
    return f"{when} it held for {now['holds']:,} of {now['of']:,} {now['what']}, for example {examples}."


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
