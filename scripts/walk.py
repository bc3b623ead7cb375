"""What the demo and the examples share: they type the commands a person would type, and show what comes back."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from beforehand.cli import app
from beforehand.errors import BeforehandError

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 110


class Walk:
    """Runs commands in one workspace and tells what it does; stops with the command's own words when one fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = Console(width=min(WIDTH, Console().width) if sys.stdout.isatty() else WIDTH, highlight=False)
        os.environ["COLUMNS"] = str(self.out.width)  # the commands are drawn as wide as what is said between them
        self.started = time.monotonic()

    def title(self, text: str) -> None:
        """A new part."""
        self.out.print()
        self.out.print(Rule(Text(text, style="bold"), align="left", style="dim"))
        self.out.print()

    def say(self, text: str) -> None:
        """A sentence or two between commands."""
        self.out.print(Padding(Text.from_markup(text, style="dim"), (0, 2)))

    def show(self, *words: str, quiet: bool = False) -> None:
        """Types a command, and shows what it says unless `quiet`."""
        self._type(words)
        if quiet:
            self._run(words, io.StringIO())
        else:
            sys.stdout.flush()
            if words[0] == "show":
                self.out.print()
            self._run(words, sys.stdout)
            self.out.print()

    def ask(self, *words: str, typed: bool = False) -> Any:
        """What a command answers with --json."""
        if typed:
            self._type(words)
        said = io.StringIO()
        self._run((*words, "--json"), said)
        return json.loads(said.getvalue())

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.started

    def _type(self, words: Sequence[str]) -> None:
        self.out.print(Text.assemble(("$ ", "dim"), (f"beforehand {shlex.join(words)}", "bold")), soft_wrap=True)

    def _run(self, words: Sequence[str], out: TextIO) -> None:
        """Runs a command as the shell would, but in this process: thirty starts of Python cost half a minute."""
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out):
            try:
                app(list(words), standalone_mode=False)
            except BeforehandError as error:
                said = f"{error.message}\n{error.hint}".rstrip()
                sys.exit(f"\nbeforehand {shlex.join(words)} ended with {error.exit_code}:\n{said}")


def most_urgent(alerts: Sequence[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """The first alerts of different accounts, in the order `beforehand alerts` gives them, new ones before backlog."""
    first: dict[str, dict[str, Any]] = {}
    for alert in sorted(alerts, key=lambda a: bool(a.get("backlog"))):
        first.setdefault(alert["account"], alert)
    return list(first.values())[:number]
