"""Commands about what can be watched: `library`, `signals`, `events`."""

from __future__ import annotations

from typing import Annotated

import typer

from beforehand.cli import common

Group = Annotated[
    str | None,
    typer.Argument(metavar="[GROUP]", help="Only of one group: usage, friction, relationship or money."),
]


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command()(library)
    app.command()(signals)
    app.command()(events)


def library(group: Group = None, json: common.Json = False) -> None:
    """List the signals that ship with Beforehand: sentence, reason, source, response, record."""
    from beforehand.commands.library import library as listed

    result = listed(group)
    if json:
        common.emit(result)
        return
    from beforehand.cli.library_view import show_library

    show_library(result)


def signals(group: Group = None, folder: common.Folder = None, json: common.Json = False) -> None:
    """List the signals of the workspace by group: mode, sentence, where each holds now."""
    from datetime import UTC, datetime

    result = common.workspace(folder).signals(datetime.now(UTC), group=group)
    if json:
        common.emit(result)
        return
    from beforehand.cli.library_view import show_signals

    show_signals(result)


def events(
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Print events.yaml as it could be, to be looked through.")
    ] = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Tell which standard events have no data yet, and which events in the data nothing counts."""
    result = common.workspace(folder).events()
    if json:
        common.emit(result)
        return
    from beforehand.cli.library_view import show_events, show_mapping

    if suggest:
        show_mapping(result)
    else:
        show_events(result)
