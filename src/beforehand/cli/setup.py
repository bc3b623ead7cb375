"""Commands that make and check a workspace: `init`, `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from beforehand.cli import common


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command()(init)
    app.command()(check)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make the workspace in.")],
    json: common.Json = False,
) -> None:
    """Make a workspace: commented files, metrics and signals to start from."""
    from beforehand.commands.init import init as make

    made = make(folder)
    if json:
        common.emit(made)
        return
    print(f"Made a workspace in {made['workspace']}:")
    for name in made["files"]:
        print(f"  {name}")
    print("\nNext: load what your customers did, for example `beforehand load events.csv`, then `beforehand check`.")


def check(folder: common.Folder = None, json: common.Json = False) -> None:
    """Check the files: every mistake at once, the cases run, each sentence said back in plain words."""
    from beforehand.commands.check import check as look

    result = look(common.workspace(folder))
    if json:
        common.emit(result)
        return
    print(f"No problems in {len(result['signals'])} signals.")
