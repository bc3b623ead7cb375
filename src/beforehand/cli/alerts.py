"""Commands on alerts: `run`, `alerts`, `show`, `ack`, `snooze`, `resolve`, `replay`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from beforehand.cli import common

Now = Annotated[
    str | None, typer.Option("--now", metavar="TIME", help="As of this time instead of the clock (ISO 8601).")
]
Names = Annotated[list[str], typer.Argument(metavar="ALERT...", help="Alerts such as A-1042.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="A word to whoever looks next.")]
FailIfFound = Annotated[bool, typer.Option("--fail-if-found", help="Exit with 1 where alerts are open.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    for command in (run, alerts, show, ack, snooze, resolve, replay):
        app.command()(command)


def run(
    now: Now = None, fail_if_found: FailIfFound = False, folder: common.Folder = None, json: common.Json = False
) -> None:
    """Judge every close that is due; open, confirm and close alerts."""
    from beforehand.cli.progress import bar

    ws = common.workspace(folder)
    with bar() as progress:
        result = ws.run(common.moment(now), progress=progress)
    if json:
        common.emit(result)
    else:
        _said_run(result)
    if fail_if_found and ws.alerts(open_only=True)["alerts"]:
        raise typer.Exit(1)


def alerts(
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are not closed.")] = False,
    signal: Annotated[str | None, typer.Option(help="Only of this signal.")] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only critical, high, medium or low ones.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only of accounts with this owner.")] = None,
    now: Now = None,
    fail_if_found: FailIfFound = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """List alerts, the most urgent first."""
    result = common.workspace(folder).alerts(
        open_only=open_only, signal=signal, account=account, severity=severity,
        owner=owner, now=common.moment(now),
    )  # fmt: skip
    if json:
        common.emit(result)
    else:
        _said_alerts(result, filtered=any((signal, account, severity, owner)))
    if fail_if_found and any(a["state"] != "closed" for a in result["alerts"]):
        raise typer.Exit(1)


def show(
    what: Annotated[str, typer.Argument(metavar="ALERT|ACCOUNT", help="An alert such as A-1042, or an account.")],
    receipts: Annotated[bool, typer.Option("--receipts", help="With what proves each sentence.")] = False,
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Tell the story of an alert, or of everything open at an account."""
    result = common.workspace(folder).show(what, receipts=receipts, now=common.moment(now))
    if json:
        common.emit(result)
        return
    from beforehand.cli import look, story_view

    story_view.show(look.console(), result, receipts=receipts)


def ack(
    names: Names, note: Note = "", now: Now = None, folder: common.Folder = None, json: common.Json = False
) -> None:
    """Acknowledge alerts: you have taken them on."""
    _said_acts(common.workspace(folder).ack(names, note=note, now=common.moment(now)), json)


def snooze(
    names: Names,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Quiet until this time or day.")] = None,
    span: Annotated[str | None, typer.Option("--for", metavar="SPAN", help="Quiet for so long: 7d, 12h.")] = None,
    note: Annotated[str, typer.Option("--note", "--reason", metavar="TEXT", help="Why, in your words.")] = "",
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Quiet alerts until a time; judging goes on meanwhile."""
    from beforehand.commands.alerts import read_span

    ends = common.moment(until)
    length = None if span is None else read_span(span)
    _said_acts(common.workspace(folder).snooze(names, until=ends, span=length, note=note, now=common.moment(now)), json)


def resolve(
    names: Names,
    reason: Annotated[str, typer.Option(help="`resolved` or `not useful`.")] = "resolved",
    note: Note = "",
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Close alerts: done, or not useful. They open again only after having been clear once."""
    _said_acts(common.workspace(folder).resolve(names, reason=reason, note=note, now=common.moment(now)), json)


def replay(
    names: Annotated[list[str] | None, typer.Argument(metavar="SIGNAL...", help="Only these.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="The first close (the first there is).")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="The last (the newest fact).")] = None,
    kill: Annotated[bool, typer.Option("--kill", help="Kill and restart each run at random moments.")] = False,
    seed: Annotated[int, typer.Option(help="Decides the moments of --kill.")] = 1,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Live through history day by day in a scratch copy, and compare with the backtest."""
    from beforehand.cli.progress import bar

    with bar() as progress:
        result = common.workspace(folder).replay(
            names or (), since=common.moment(since), until=common.moment(until), kill=kill,
            seed=seed, progress=progress,
        )  # fmt: skip
    if json:
        common.emit(result)
    else:
        _said_replay(result)
    if not result["equal"]:
        raise typer.Exit(3)


def _said_run(result: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    closes = result["closes"]
    if not closes:
        if not _happened(result):
            console.print(look.text("No close was due: every closed period has been judged.", "soft"))
    elif len(closes) == 1:
        signals = words.counted(len(closes[0]["signals"]), "signal")
        console.print(f"Judged {signals} at the close of the {closes[0]['grain']} to {_day(closes[0]['end'])}.")
    else:
        console.print(f"Judged {len(closes)} closes, from {_day(closes[0]['end'])} to {_day(closes[-1]['end'])}.")
    if closes or result["opened"]:
        parts = [f"{result[kind]} {said}" for kind, said in RUN_WORDS if result[kind]]
        held, unsure = result["held_by"]["incidents"], result["held_by"]["unsure"]
        parts += [f"{held} held by {'an incident' if len(result['incidents']) == 1 else 'incidents'}"] if held else []
        parts += [f"{unsure} held, because judging was unsure"] if unsure else []
        console.print(look.line(*parts) if parts else look.text("Nothing changed.", "soft"))
    if result["opened"]:
        console.print(look.text("See them with `beforehand alerts --open`.", "soft"))
    if result["told"] or result["held_back"]:
        said = f"told {words.counted(result['told'], 'message')}" if result["told"] else "told nobody anything new"
        waits = f"{words.counted(result['held_back'], 'alert')} held back" if result["held_back"] else ""
        console.print(look.line(said, waits))
        console.print(look.text("See what was told with `beforehand told`, and what was not with --held-back.", "soft"))
    along = result["taken_over"]
    if along["told"]:
        parts = [words.counted(len(along[key]), one) for key, one in (("alerts", "alert"), ("runs", "playbook"))]
        what = words.listed([part for part in parts if not part.startswith("0 ")])
        console.print(look.line(f"{what} went along to another owner", words.listed(sorted(along["told"]))))
    played = [f"{result['runs'][kind]} {said}" for kind, said in RUNS_WORDS if result["runs"][kind]]
    if played:
        console.print(look.line(f"playbooks: {played[0]}", *played[1:]))
        console.print(look.text("See them with `beforehand runs --live`.", "soft"))
    for why in result["nobody"]:
        console.print(look.line(look.text("nobody hears", "critical"), why))
    if result["incidents"]:
        said = f"{words.counted(len(result['incidents']), 'incident')} open"
        console.print(look.line(look.text(said, "high"), "was it the data or the customers?"))
        console.print(look.text("See `beforehand incidents --open`.", "soft"))


def _happened(result: dict[str, Any]) -> bool:
    """Whether a run did anything but judge."""
    done = (*(result[kind] for kind in ("opened", "closed", "told", "incidents")), *result["runs"].values())
    return any(done) or any(result["taken_over"].values())


RUNS_WORDS = (("began", "began"), ("moved", "looked at"), ("ended", "ended"))
RUN_WORDS = (
    ("opened", "opened"),
    ("updated", "go on"),
    ("closed", "closed"),
    ("shadow", "opened in shadow"),
)


def _said_alerts(result: dict[str, Any], *, filtered: bool) -> None:
    from beforehand.cli import look, story_view
    from beforehand.story import words

    console = look.console()
    now = result["now"]
    still = [a for a in result["alerts"] if a["state"] != "closed"]
    over = [a for a in result["alerts"] if a["state"] == "closed"]
    aside = ", ".join(words.counted(n, s, s) for s, n in _by_severity(still))
    console.print(look.heading(words.counted(len(still), "open alert") if still else "No alert is open", aside))
    if still:
        console.print()
        story_view.listed(console, still, now)
    elif not result["alerts"]:
        said = (
            "Nothing was raised for what you asked."
            if filtered
            else "Nothing has been raised yet; `beforehand run` judges."
        )
        console.print(look.text(said, "soft"))
    if over:
        console.print()
        shown = sorted(over, key=lambda a: a["closed_at"], reverse=True)[:CLOSED_SHOWN]
        rest = f"the newest {len(shown)}" if len(over) > len(shown) else ""
        console.print(look.heading(f"{words.number(len(over))} closed", rest))
        console.print()
        story_view.listed(console, shown, now)
    if result["shadow"]:
        console.print()
        console.print(look.heading(f"{len(result['shadow'])} in shadow", "told to nobody"))
        console.print()
        story_view.listed(console, result["shadow"][:CLOSED_SHOWN], now)
    if result["held"]:
        console.print()
        more = "is" if result["held"] == 1 else "are"
        console.print(look.text(f"{result['held']} more {more} held: see `beforehand incidents --open`.", "high"))
    if still:
        console.print()
        console.print(look.text(f"The story of one: beforehand show {still[0]['alert']}", "soft"))


CLOSED_SHOWN = 10


def _by_severity(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    from beforehand.cli.look import SEVERITIES

    return [(s, n) for s in SEVERITIES if (n := sum(a["severity"] == s for a in rows))]


def _said_acts(result: dict[str, Any], json: bool) -> None:
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    console = look.console()
    for a in result["alerts"]:
        said = {
            "acknowledged": "acknowledged",
            "snoozed": f"quiet until {_day(a['snoozed_until'])}" if a["snoozed_until"] else "",
            "closed": f"closed, {a['close_reason']}",
        }[a["state"]]
        console.print(look.line(look.text(a["alert"], "bold"), a["account"], a["signal"], said))


def _said_replay(result: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    closes = f"{words.counted(result['closes'], 'close')} from {_day(result['since'])} to {_day(result['until'])}"
    killed = f", {result['killed']} of them killed" if result["killed"] else ""
    console.print(f"Lived through {closes} in {words.counted(result['runs'], 'run')}{killed}.")
    for row in result["signals"]:
        same = "equal" if not (row["only_live"] or row["only_backtest"]) else "differs"
        console.print(look.line(look.text(row["signal"], "bold"), words.counted(row["episodes"], "episode"), same))
        for side, said in (("only_live", "only live"), ("only_backtest", "only in the backtest")):
            for e in row[side][:20]:
                end = f" to {_day(e['closed_at'])}" if e["closed_at"] else ", open"
                console.print(look.text(f"  {said}: {e['account']} {e['scope']} from {_day(e['opened_at'])}{end}"))
    if result["left_out"]:
        rows = words.counted(result["left_out"], "row")
        console.print(look.text(f"Left out: {rows} loaded after go-live for times before it.", "soft"))
    console.print("replay equals backtest" if result["equal"] else "replay and backtest DIFFER")


def _day(at: Any) -> str:
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute) == (0, 0) else f"{at:%Y-%m-%d %H:%M}"
