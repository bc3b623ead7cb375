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
    app.command()(simulate)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make the workspace in.")],
    pack: Annotated[
        bool, typer.Option("--pack", help="With the whole library of signals, see `beforehand library`.")
    ] = False,
    json: common.Json = False,
) -> None:
    """Make a workspace: commented files, metrics and signals to start from."""
    from beforehand.commands.init import init as make

    made = make(folder, pack=pack)
    if json:
        common.emit(made)
        return
    print(f"Made a workspace in {made['workspace']}:")
    for name in made["files"]:
        print(f"  {name}")
    print("\nNext: load what your customers did, for example `beforehand load events.csv`, then `beforehand check`.")


def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must be empty or not there.")],
    accounts: Annotated[int, typer.Option(help="How many customers.")] = 300,
    days: Annotated[int, typer.Option(help="How many days of history.")] = 540,
    seed: Annotated[int, typer.Option(help="The same seed, numbers and end give the same files.")] = 7,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="The day before which it ends (today).")] = None,
    incidents: Annotated[
        bool, typer.Option("--incidents", help="Let the trackers fail: silent for some days, then an event renamed.")
    ] = False,
    json: common.Json = False,
) -> None:
    """Make a simulated company to try things on: a workspace, its data, and the truth beside it."""
    from datetime import UTC, datetime

    from beforehand.commands.simulate import simulate as make

    until = common.moment(end) or datetime.now(UTC)
    made = make(folder, accounts=accounts, days=days, seed=seed, end=until, incidents=incidents)
    if json:
        common.emit(made)
        return
    rows = ", ".join(f"{n:,} {table}" for table, n in made["rows"].items())
    print(f"Made a company in {made['workspace']}: {rows}.")
    print(f"It lived from {made['first_on']} to {made['end_on']}. What really happened to whom is in truth.json.\n")
    print(f"Next, in that folder (cd {folder}):\n")
    for words in made["next"]:
        print(f"  beforehand {words}")


def check(folder: common.Folder = None, json: common.Json = False) -> None:
    """Check the files: every mistake at once, the cases run, each sentence said back in plain words."""
    from datetime import UTC, datetime

    result = common.workspace(folder).check(datetime.now(UTC))
    if json:
        common.emit(result)
        return
    from beforehand.cli.checked import show

    show(result)
