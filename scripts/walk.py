"""What the demo and the examples share: they type the commands a person would type, and show what comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
TOOL = Path(sys.executable).parent / "beforehand"
WIDTH = 110


class Walk:
    """Runs commands in one workspace and tells what it does; stops with the command's own words when one fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = Console(width=min(WIDTH, Console().width) if sys.stdout.isatty() else WIDTH, highlight=False)
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
        sys.stdout.flush()
        done = self._run(words, capture=quiet)
        if done.returncode:
            self._fail(words, done)
        if not quiet:
            self.out.print()

    def ask(self, *words: str, typed: bool = False) -> Any:
        """What a command answers with --json."""
        if typed:
            self._type(words)
        done = self._run((*words, "--json"), capture=True)
        if done.returncode:
            self._fail(words, done)
        return json.loads(done.stdout)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.started

    def _type(self, words: Sequence[str]) -> None:
        line = " ".join(f"'{w}'" if " " in w or "&" in w or "<" in w else w for w in words)
        self.out.print(Text.assemble(("$ ", "dim"), ("beforehand ", "bold"), (line, "bold")), soft_wrap=True)

    def _run(self, words: Sequence[str], capture: bool) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COLUMNS": str(self.out.width)}
        return subprocess.run([TOOL, *words], cwd=self.folder, text=True, capture_output=capture, env=environment)

    def _fail(self, words: Sequence[str], done: subprocess.CompletedProcess[str]) -> None:
        self.out.print(f"\nbeforehand {' '.join(words)} ended with {done.returncode}.")
        sys.exit((done.stderr or "") + (done.stdout or "") or 1)


SEVERITIES = ("critical", "high", "medium", "low")


def most_urgent(alerts: Sequence[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """The most urgent alerts, one an account: the worst first, then the newest."""
    ranked = sorted(alerts, key=lambda a: a["opened_at"], reverse=True)
    ranked.sort(key=lambda a: SEVERITIES.index(a["severity"]))
    first: dict[str, dict[str, Any]] = {}
    for alert in ranked:
        first.setdefault(alert["account"], alert)
    return list(first.values())[:number]
