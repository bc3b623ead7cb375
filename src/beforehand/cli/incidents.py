"""Commands on incidents: what may be wrong with the data, what it holds back, and settling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from beforehand.cli import common

if TYPE_CHECKING:
    from rich.console import Console

Now = Annotated[
    str | None, typer.Option("--now", metavar="TIME", help="As of this time instead of the clock (ISO 8601).")
]
Number = Annotated[int, typer.Argument(metavar="N", help="The number of an incident, as `incidents` lists it.")]
HELD_SHOWN = 20
READABLE = 84

group = typer.Typer(
    invoke_without_command=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    group.callback(invoke_without_command=True)(incidents)
    group.command("show")(show)
    group.command("settle")(settle)
    app.add_typer(group, name="incidents")


def incidents(
    context: typer.Context,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that nobody has settled.")] = False,
    fail_if_found: Annotated[bool, typer.Option("--fail-if-found", help="Exit with 1 where one is open.")] = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """What may be wrong with the data rather than with the customers, and how many alerts it holds."""
    if context.invoked_subcommand is not None:
        return
    result = common.workspace(folder).incidents(open_only=open_only)
    if json:
        common.emit(result)
    else:
        _said_incidents(result)
    if fail_if_found and any(row["state"] == "open" for row in result["incidents"]):
        raise typer.Exit(1)


def show(number: Number, folder: common.Folder = None, json: common.Json = False) -> None:
    """One incident: how it was found, which signals it touches, and every alert it holds."""
    result = common.workspace(folder).incident(number)
    if json:
        common.emit(result)
    else:
        _said_one(result["incident"])


def settle(
    number: Number,
    data: Annotated[
        bool, typer.Option("--data", help="It was the data: what it holds is dropped, its closes are not judged.")
    ] = False,
    real: Annotated[
        bool, typer.Option("--real", help="It was the customers: what it holds opens, each at its own time.")
    ] = False,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="A word to whoever looks next.")] = "",
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Settle an incident: was it the data or the customers?"""
    from beforehand.errors import InputError

    if data == real:
        raise InputError("Say what it was.", "Give --data or --real, exactly one of them.", code="settle-how")
    result = common.workspace(folder).settle(number, "data" if data else "real", note=note, now=common.moment(now))
    if json:
        common.emit(result)
    else:
        _said_settled(result)


def _said_incidents(result: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    still = [row for row in result["incidents"] if row["state"] == "open"]
    over = [row for row in result["incidents"] if row["state"] != "open"]
    held = sum(sum(row["held"].values()) for row in still)
    aside = f"{words.counted(held, 'alert')} held" if held else ""
    console.print(look.heading(words.counted(len(still), "open incident") if still else "No incident is open", aside))
    for row in still:
        console.print()
        _one(console, row)
    if over:
        console.print()
        console.print(look.heading(f"{words.number(len(over))} settled"))
        console.print()
        rows = [(str(row["incident"]), _when(row), row["said"], row["what"], row["how"], _ended(row)) for row in over]
        columns = [
            look.Column("", figures=True), look.Column("when"), look.Column("kind"), look.Column("what", wraps=True),
            look.Column("settled as"), look.Column("alerts"),
        ]  # fmt: skip
        console.print(look.table(columns, rows))
    if still:
        console.print()
        number = still[0]["incident"]
        console.print(look.text(f"What it holds: beforehand incidents show {number}", "soft"))
        console.print(look.text(f"Settle it:     beforehand incidents settle {number} --data, or --real", "soft"))


def _one(console: Console, row: dict[str, Any]) -> None:
    from rich.text import Text

    from beforehand.cli import look
    from beforehand.story import words

    style = "soft" if row["state"] != "open" else "high"
    head = Text.assemble(
        look.text("◆", style), " ", look.text(str(row["incident"]), "faint"), "  ", look.text(row["said"], "bold"),
        "  ", look.text(row["what"], "soft"),
    )  # fmt: skip
    console.print(head)
    also = f" Also {words.listed(row['numbers']['also'])}." if row["numbers"].get("also") else ""
    console.print(look.inset(look.text(row["headline"] + also)), width=min(console.width, READABLE))
    signals = row["signals"]
    touches = f"touches {words.listed(signals[:4])}" if len(signals) <= 4 else f"touches {len(signals)} signals"
    held = row["held"]
    parts = [f"{held['open']} held from opening"] if held["open"] else []
    parts += [f"{held['close']} held open"] if held["close"] else []
    standing = "going on" if row["until"] is None else "over"
    sure = f"sure {words.percent(min(row['sure'], 0.99))}" if row["sure"] < 1 else ""
    line = look.line(*parts, look.text(standing, "soft"), look.text(sure, "soft"),
                     look.text(touches if signals else "touches no signal", "soft"))  # fmt: skip
    console.print(look.inset(line), width=min(console.width, READABLE))


def _said_one(row: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    _one(console, row)
    if row["state"] != "open":
        by = f" by {row['settled_by']}" if row["settled_by"] and row["how"] != "by itself" else ""
        note = f": {row['note']}" if row["note"] else ""
        console.print(look.inset(look.text(f"Settled as {row['how']}{by}, {_day(row['settled_at'])}{note}", "soft")))
    numbers = [f"{key.replace('_', ' ')} {_number(value)}" for key, value in row["numbers"].items()
               if isinstance(value, int | float)]  # fmt: skip
    if numbers:
        console.print()
        console.print(look.inset(look.text("Found by: " + ", ".join(numbers), "faint")),
                      width=min(console.width, READABLE))  # fmt: skip
    if row["alerts"]:
        console.print()
        shown = row["alerts"][:HELD_SHOWN]
        rest = f"the first {len(shown)}" if len(row["alerts"]) > len(shown) else ""
        console.print(look.heading(words.counted(len(row["alerts"]), "alert"), rest))
        console.print()
        said = {("open", "held"): "held from opening", ("close", "held"): "held open", ("open", "released"): "opened",
                ("close", "released"): "closed"}  # fmt: skip
        rows = [
            (look.dot(a["severity"]), a["account"], a["scope"], a["signal"], _day(a["at"]),
             said.get((a["act"], a["state"]), a["state"]), a["alert"] or "")
            for a in shown
        ]  # fmt: skip
        columns = [look.Column(""), look.Column("account"), look.Column(""), look.Column("signal", wraps=True),
                   look.Column("close of"),
                   look.Column(""), look.Column("")]  # fmt: skip
        console.print(look.table(columns, rows))
    if row["state"] == "open":
        console.print()
        console.print(look.text(f"Settle it: beforehand incidents settle {row['incident']} --data, or --real", "soft"))


def _said_settled(result: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    row = result["incident"]
    what = "the data" if row["how"] == "data" else "the customers"
    parts = [f"{words.counted(len(result['opened']), 'alert')} opened"] if result["opened"] else []
    parts += [f"{len(result['closed'])} closed"] if result["closed"] else []
    parts += [f"{result['dropped']} dropped"] if result["dropped"] else []
    parts += [f"{result['still_held']} still held by another incident"] if result["still_held"] else []
    console.print(
        look.line(
            look.text(f"Incident {row['incident']} settled: it was {what}", "bold"), *(parts or ["nothing was held"])
        )
    )
    if result["opened"]:
        console.print(look.text("See them with `beforehand alerts --open`.", "soft"))


def _when(row: dict[str, Any]) -> str:
    since, until = _day(row["since"]), _day(row["until"]) if row["until"] else ""
    return since if until in ("", since) else f"{since} to {until}"


def _ended(row: dict[str, Any]) -> str:
    parts = [f"{sum(row[kind].values())} {kind}" for kind in ("released", "dropped") if sum(row[kind].values())]
    return ", ".join(parts)


def _number(value: float) -> str:
    from beforehand.story import words

    return words.number(value)


def _day(at: Any) -> str:
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute) == (0, 0) else f"{at:%Y-%m-%d %H:%M}"
