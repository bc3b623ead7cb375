"""Commands that prove: `backtest`, `diff`, `risk`, `judge`, `uplift`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from beforehand.cli import common

Since = Annotated[str | None, typer.Option(metavar="TIME", help="Only closes from this time on (ISO 8601).")]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="The end of the test; default: the last closed period of the facts.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    for command in (backtest, diff, risk, judge, uplift):
        app.command()(command)


def backtest(
    signals: Annotated[list[str] | None, typer.Argument(metavar="[SIGNAL]...", help="Default: all.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Prove against this outcome; default: that of the signal.")
    ] = None,
    horizon: Annotated[str | None, typer.Option(metavar="SPAN", help="How far ahead, such as `90 days`.")] = None,
    since: Since = None,
    until: Until = None,
    episodes: Annotated[bool, typer.Option("--episodes", help="With hits, misses and false alarms by name.")] = False,
    fail_if_found: Annotated[
        bool, typer.Option("--fail-if-found", help="Exit with 1 where a signal is not better than its rivals.")
    ] = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Test signals on history: how often right, how early, and would something simpler have done as well."""
    from beforehand.cli.progress import bar

    ws = common.workspace(folder)
    with bar() as progress:
        result = ws.backtest(
            signals or (), outcome=outcome, horizon=_span(horizon), since=common.moment(since),
            until=common.moment(until), episodes=episodes, progress=progress,
        )  # fmt: skip
    if json:
        common.emit(result)
    else:
        from beforehand.cli import proof_view

        proof_view.backtest(result)
    if fail_if_found and any(row["standing"] in ("chance", "recency") for row in result["signals"]):
        raise typer.Exit(1)


def diff(
    other: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="The folder of another version.")] = None,
    against: Annotated[str | None, typer.Option(metavar="REVISION", help="A git revision of this workspace.")] = None,
    since: Since = None,
    until: Until = None,
    fail_if_found: Annotated[
        bool, typer.Option("--fail-if-found", help="Exit with 1 where any alert is added, removed or moved.")
    ] = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Show which alerts another version of the files would have added and removed over history."""
    from beforehand.cli.progress import bar

    ws = common.workspace(folder)
    with bar() as progress:
        result = ws.diff(
            other, against=against, since=common.moment(since), until=common.moment(until), progress=progress
        )
    if json:
        common.emit(result)
    else:
        from beforehand.cli import proof_view

        proof_view.diff(result)
    if fail_if_found and any(result[kind] for kind in ("added", "removed", "moved")):
        raise typer.Exit(1)


def risk(
    at: Annotated[str | None, typer.Option(metavar="TIME", help="As it was known at this time.")] = None,
    fail_if_found: Annotated[
        bool, typer.Option("--fail-if-found", help="Exit with 1 where an account is at risk.")
    ] = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Order accounts by risk: their open alerts, each weighted by how often its signal was right."""
    result = common.workspace(folder).risk(at=common.moment(at))
    if json:
        common.emit(result)
    else:
        from beforehand.cli import proof_view

        proof_view.risk(result)
    if fail_if_found and result["accounts"]:
        raise typer.Exit(1)


def judge(
    sentence: Annotated[str, typer.Argument(help='Such as "value below 2 per day for 3 consecutive days".')],
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="CSV, JSON lines or Parquet: account, at, value.")],
    fail_if_found: Annotated[
        bool, typer.Option("--fail-if-found", help="Exit with 1 where it holds anywhere.")
    ] = False,
    json: common.Json = False,
) -> None:
    """Judge a sentence over any series, without a workspace."""
    from beforehand.commands.judge import judge_series

    result = judge_series(sentence, file)
    if json:
        common.emit(result)
    else:
        from beforehand.cli import proof_view

        proof_view.judged(result)
    if fail_if_found and any(row["verdict"] == "holds" for row in result["rows"]):
        raise typer.Exit(1)


def uplift(
    playbook: Annotated[
        str | None, typer.Argument(metavar="[PLAYBOOK]", help="A playbook with a holdout; else give --from.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="CSV, JSON lines or Parquet; a row an account.")
    ] = None,
    arm: Annotated[str, typer.Option(metavar="COL", help="The column that says which arm a row is in.")] = "",
    control: Annotated[str, typer.Option(metavar="VALUE", help="What that column says of the control.")] = "",
    outcome: Annotated[
        str,
        typer.Option(
            metavar="COL",
            help="The column of the outcome: a number, or yes and no. Of a playbook: recovered, ...",
        ),
    ] = "",
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="ARM=SHARE", help="What each arm was drawn for, such as a=0.9; default: all equal."),
    ] = None,
    horizon: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Of a playbook: how long after it is looked, such as `60 days`.")
    ] = None,
    fail_if_found: Annotated[
        bool, typer.Option("--fail-if-found", help="Exit with 1 where a difference or a mismatch of sizes is shown.")
    ] = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Compare the arms of an experiment, in a file or of a playbook: did it help, and how sure is that?"""
    from beforehand.commands.uplift import read_shares
    from beforehand.commands.uplift import uplift as compare
    from beforehand.errors import InputError

    if (playbook is None) == (file is None):
        raise InputError(
            "What is to be compared?", "Name a playbook, or a file with --from; one of the two.", code="uplift-what"
        )
    if playbook is not None:
        ws = common.workspace(folder)
        result = ws.uplift_playbook(playbook, outcome=outcome or "recovered", horizon=_span(horizon))
    elif file is not None:
        if not (arm and control and outcome):
            raise InputError(
                "A file needs --arm, --control and --outcome.", "Say which columns they are.", code="uplift-what"
            )
        result = compare(file, arm=arm, control=control, outcome=outcome, shares=read_shares(share))
    if json:
        common.emit(result)
    else:
        from beforehand.cli import uplift_view

        uplift_view.uplift(result)
    shown = any(row["standing"] in ("higher", "lower") for row in result["effects"])
    if fail_if_found and (shown or not result["ratio_check"]["ok"]):
        raise typer.Exit(1)


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    from beforehand.errors import InputError
    from beforehand.workspace.durations import read_duration

    try:
        span = read_duration(int(text) if text.isdigit() else text)
    except ValueError as error:
        raise InputError(f"{error}.".capitalize(), "For example: --horizon '90 days'.", code="bad-span") from None
    if not span:
        raise InputError("A horizon of nothing proves nothing.", "For example: --horizon '90 days'.", code="bad-span")
    return span
