"""Commands on who hears: `route explain`, `told`, `team`, `hand-over`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from beforehand.cli import common

Now = Annotated[
    str | None, typer.Option("--now", metavar="TIME", help="As of this time instead of the clock (ISO 8601).")
]

VALUE = "value"


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    route = typer.Typer(help="Who hears of what.", no_args_is_help=True, rich_markup_mode=None)
    route.command()(explain)
    app.add_typer(route, name="route")
    app.command()(told)
    app.command()(team)
    app.command("hand-over")(hand_over)


def explain(
    what: Annotated[str, typer.Argument(metavar="ALERT|ACCOUNT", help="An alert such as A-1042, or an account.")],
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Say who hears of an alert and why: the route it takes, the owner with every reason, what was told and held."""
    result = common.workspace(folder).explain(what, now=common.moment(now))
    if json:
        common.emit(result)
        return
    _said_explain(result)


def told(
    person: Annotated[str | None, typer.Option(help="Only to this person.")] = None,
    held_back: Annotated[bool, typer.Option("--held-back", help="What is not told now instead, and why.")] = False,
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """List what was told to whom, the newest first, or what is held back and why."""
    result = common.workspace(folder).told(person=person, held_back=held_back, now=common.moment(now))
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    console = look.console()
    if held_back:
        console.print(look.heading(f"{len(result['held_back'])} held back" if result["held_back"] else "Nothing waits"))
        rows = [(h["alert"], h["account"], h["person"] or "nobody", _waits(h)) for h in result["held_back"]]
        columns = ("alert", "account", "for", look.Column("why", wraps=True))
        console.print(look.table(columns, rows))
        return
    console.print(look.heading(f"{len(result['told'])} told" if result["told"] else "Nobody was told anything yet"))
    shown = [(f"{t['at']:%Y-%m-%d %H:%M}", t["person"], t["kind"], _about(t)) for t in result["told"]]
    columns = ("when", "to", "as", look.Column("about", wraps=True))
    console.print(look.table(columns, shown))


def team(now: Now = None, folder: common.Folder = None, json: common.Json = False) -> None:
    """Show who we are: who works now, open and unanswered alerts, and this week's messages against the budget."""
    result = common.workspace(folder).team(now=common.moment(now))
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    console = look.console()
    rows = [
        (p["person"], ", ".join(p["roles"]), p["standing"], p["open"], p["unanswered"], p["overdue"],
         f"{p['spent']} of {p['budget']}", p["held_back"])
        for p in result["people"]
    ]  # fmt: skip
    figures = [look.Column(name, figures=True) for name in ("open", "unanswered", "overdue", "this week", "waits")]
    console.print(look.table(("person", "roles", look.Column("now", wraps=True), *figures), rows))
    for row in result["hand_overs"]:
        undone = f"undone on {row['undone_at']:%Y-%m-%d}" if row["undone_at"] else ""
        who = look.text(f"hand-over {row['number']}: {row['from']} to {row['to']}")
        console.print(look.line(who, _along(row), f"{row['at']:%Y-%m-%d} by {row['actor']}", undone))


def hand_over(
    giver: Annotated[str | None, typer.Argument(metavar="FROM", help="Whose accounts: a person of team.yaml.")] = None,
    taker: Annotated[str | None, typer.Argument(metavar="TO", help="Who takes them over.")] = None,
    account: Annotated[
        list[str] | None, typer.Option(metavar="ACCOUNT", help="Only this account; may be given again.")
    ] = None,
    undo: Annotated[int | None, typer.Option(metavar="N", help="Take the hand-over of this number back.")] = None,
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Hand over all accounts of one of us to another, with what is open there; the new owner is told once."""
    result = common.workspace(folder).hand_over(giver, taker, accounts=account or (), undo=undo, now=common.moment(now))
    if json:
        common.emit(result)
        return
    from beforehand.cli import look
    from beforehand.story import words

    row, console = result["hand_over"], look.console()
    if undo is None:
        console.print(look.heading(f"{row['to']} has {_along(row)} of {row['from']}", f"hand-over {row['number']}"))
        heard = f"{words.listed(row['told'])} hears of it in one message." if row["told"] else "Nobody is told."
        console.print(look.text(heard))
        console.print(look.text(f"Take it back: beforehand hand-over --undo {row['number']}", "soft"))
        return
    console.print(look.heading(f"Hand-over {row['number']} is undone", f"{row['to']} to {row['from']}"))
    if result["left"]:
        console.print(look.text(f"Left alone, as they changed since: {', '.join(result['left'])}."))


def _along(row: dict[str, Any]) -> str:
    from beforehand.commands.hand_over import in_words

    return in_words(row)


def _waits(held: dict[str, Any]) -> str:
    until = f", until {held['until']:%Y-%m-%d %H:%M}" if held["until"] else ""
    return f"{held['why']}{until}"


def _about(told: dict[str, Any]) -> str:
    alerts = told["alerts"]
    listed = ", ".join(alerts[:3]) + (f" and {len(alerts) - 3} more" if len(alerts) > 3 else "")
    if not alerts:
        return str(told["why"])
    return f"{told['account']}: {listed}" if told["account"] else f"several accounts: {listed}"


def _said_explain(result: dict[str, Any]) -> None:
    from beforehand.cli import look

    console = look.console()
    console.print(look.heading(result["account"], _aside(result["traits"])))
    if not result["alerts"]:
        console.print(look.text("Nothing is open here. Whose the account is:", "soft"))
        for role, owned in result["owners"].items():
            console.print()
            console.print(look.line(look.text(role, "bold"), owned["person"] or "nobody"))
            _reasons(console, owned["reasons"])
    for alert in result["alerts"]:
        console.print()
        head = look.line(look.text(alert["alert"], "bold"), alert["signal"], alert["severity"])
        console.print(look.dot(alert["severity"]) + look.text(" ") + head)
        for hearer in alert["hearers"]:
            console.print()
            who = hearer["person"] or "nobody"
            style = "strong" if hearer["person"] else "critical"
            console.print(look.inset(look.line(look.text(who, style), f"by the route {hearer['route']}")))
            console.print(look.inset(look.text(hearer["why"]), 4))
            spoke = [r for r in hearer["reasons"] if not r["holds"]]
            if hearer["person"] and spoke:
                console.print(look.inset(look.text("also spoke:", "soft"), 4))
                for reason in spoke:
                    said = f"{reason['person']}: {reason['why']}" if reason["person"] else reason["why"]
                    console.print(look.inset(look.text(said, "soft"), 6))
            for said in _terms(hearer):
                console.print(look.inset(look.text(said, "soft"), 4))
            _stages(console, hearer["stages"])
        shown = {(one["person"], step["why"]) for one in alert["hearers"] for step in one["stages"]}
        waits = [held for held in alert["held_back"] if (held["person"], held["why"]) not in shown]
        if alert["told"] or waits:
            console.print()
        for told in alert["told"]:
            others = f"with {', '.join(told['with'][:3])}" if told["with"] else ""
            others += f" and {len(told['with']) - 3} more" if len(told["with"]) > 3 else ""
            way = f"{told['channel']}: {told['state']}" if told["channel"] else ""
            head = look.text("told", "accent")
            console.print(
                look.inset(look.line(head, told["person"], told["kind"], _day(told["at"]), others, look.text(way)))
            )
        for held in waits:
            until = f"until {_day(held['until'])}" if held["until"] else ""
            said = look.text(f"held back ({held['stage']})", "high")
            console.print(look.inset(look.line(said, held["person"] or "nobody", held["why"], until)))


def _stages(console: Any, stages: list[dict[str, Any]]) -> None:
    """One line for each stage: its name, its word, why."""
    from beforehand.cli import look

    if not stages:
        return
    console.print()
    rows = []
    for step in stages:
        style = "high" if step["word"] == "held back" else "soft" if step["word"] == "passes" else "accent"
        until = f", until {_day(step['until'])}" if step["until"] else ""
        rows.append((look.text(step["stage"]), look.text(step["word"], style), look.text(step["why"] + until, "soft")))
    console.print(look.inset(look.table(("stage", "", look.Column("why", wraps=True)), rows), 4))


def _reasons(console: Any, reasons: list[dict[str, Any]]) -> None:
    from beforehand.cli import look

    for reason in reasons:
        said = f"{reason['person']}: {reason['why']}" if reason["person"] else reason["why"]
        console.print(look.inset(look.text(said, "" if reason["holds"] else "soft"), 2))


def _terms(hearer: dict[str, Any]) -> list[str]:
    parts = [
        f"acknowledge by {_day(hearer['acknowledge_by'])}" if hearer["acknowledge_by"] else "",
        f"resolve by {_day(hearer['resolve_by'])}" if hearer["resolve_by"] else "",
    ]
    lines = [", ".join(part for part in parts if part)]
    if hearer["escalates_to"]:
        lines.append("then " + ", then ".join(hearer["escalates_to"]))
    if hearer["digest"]:
        lines.append(f"in the {hearer['digest']} digest only, where they have one")
    return [line[0].upper() + line[1:] for line in lines if line]


def _aside(traits: dict[str, Any]) -> str:
    shown = [
        f"{name} {_amount(traits[name]) if name == VALUE else traits[name]}"
        for name in ("owner", "region", "plan", "segment", "country", VALUE)
        if name in traits
    ]
    return ", ".join(shown[:5])


def _amount(value: Any) -> str:
    """What an account is worth, as one writes a number."""
    from beforehand.story import words

    try:
        return words.number(float(str(value)))
    except (ValueError, OverflowError):
        return str(value)


def _day(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
