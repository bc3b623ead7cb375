"""What every command shares: the workspace option, JSON out, and errors as people read them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beforehand.errors import BeforehandError, InputError, Problems

if TYPE_CHECKING:
    from beforehand.commands import Workspace

Folder = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="The workspace; default: the folder upward that holds beforehand.yaml."),
]
Json = Annotated[bool, typer.Option("--json", help="Results as JSON on standard output.")]


def workspace(folder: Path | None) -> Workspace:
    """The workspace a command works on: the one named, which must be one, or the nearest upward."""
    from beforehand.commands.workspace import SETTINGS_FILE, Workspace

    if folder is not None and not (folder / SETTINGS_FILE).is_file():
        raise InputError(
            f"{folder} is no workspace: it holds no {SETTINGS_FILE}.",
            "Make one there with `beforehand init`, or leave -w out inside a workspace.",
            code="no-workspace",
        )
    return Workspace.find(folder)


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 time from the command line as aware UTC; a day means its first instant."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is not a time.", "Write ISO 8601, for example 2026-06-10T00:00:00Z.", code="bad-time"
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def plain(value: Any) -> Any:
    """What `json` cannot write by itself, as the contract writes it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def emit(result: Any) -> None:
    """Writes one result as JSON on standard output; NaN has no place in it."""
    sys.stdout.write(json.dumps(result, default=plain, ensure_ascii=False, allow_nan=False) + "\n")


def report(error: BeforehandError) -> int:
    """Shows an error on standard error and returns the exit code; with --json also as one JSON object on stdout."""
    problems = error.problems if isinstance(error, Problems) else ()
    if "--json" in sys.argv:
        shown = [
            {"file": p.file, "line": p.line, "code": p.code, "message": p.message, "hint": p.hint} for p in problems
        ]
        emit({"error": {"code": error.code, "message": error.message, "hint": error.hint}, "problems": shown})
    print("\n".join(str(p) for p in problems) if problems else error.message, file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)
    return error.exit_code
