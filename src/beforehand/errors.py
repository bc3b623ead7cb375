"""Every error a person can meet.

    BeforehandError
    ├── InputError    what was asked or written is wrong; exit 2
    │   └── Problems  several at once, each with its place (`check`)
    └── EngineError   an engine, a lock or a delivery failed; exit 3
        └── BusyError another process works on this workspace

Each says what happened, where, the valid values or the nearest name, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong at one place: `file` relative to the workspace, `line` counted from 1 (None: the whole file)."""

    file: str
    line: int | None
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        if "\n" not in self.message + self.hint:
            return f"{place}: {self.message}" + (f" {self.hint}" if self.hint else "")
        # A sentence with its caret: what helps stands under it, not behind the caret.
        return f"{place}: {self.message}" + "".join(f"\n  {line}" for line in self.hint.splitlines())


class BeforehandError(Exception):
    """The root; `hint` says what to do next and is shown under the message."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class InputError(BeforehandError):
    """What was asked or written is wrong; nothing was changed."""

    exit_code = 2


class Problems(InputError):  # noqa: N818 - it is several
    """Several problems found at once in the files of a workspace."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(p) for p in problems), code="problems")
        self.problems = tuple(problems)


class EngineError(BeforehandError):
    """An engine, a disk or a delivery failed; what had been committed stays."""


class BusyError(EngineError):
    """Another process holds the workspace."""


def nearest(word: str, valid: Iterable[str], cutoff: float = 60) -> str | None:
    """The valid name most like `word`, or None where nothing is near (0 to 100, `cutoff` excluded below)."""
    from rapidfuzz import process

    found = process.extractOne(word.lower(), {v: v.lower() for v in valid}, score_cutoff=cutoff)
    return found[2] if found else None


def among(word: str, valid: Iterable[str]) -> str:
    """The hint for an unknown name: the nearest first, then every valid one (at most 12)."""
    names = sorted(set(valid))
    near = nearest(word, names)
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return (f"Did you mean {near}? " if near else "") + f"Valid: {shown or 'none are defined'}."
