"""Commands that hand over what is to be told: `work`, `acts`, `preview`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beforehand.cli import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from beforehand.channels import Handed
    from beforehand.store import Act

Number = Annotated[int, typer.Argument(metavar="N", help="The number of an act, as `acts` lists it.")]

group = typer.Typer(
    invoke_without_command=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command()(work)
    group.callback(invoke_without_command=True)(acts)
    group.command("show")(show)
    group.command("resolve")(resolve)
    app.add_typer(group, name="acts")
    app.command()(preview)


def work(
    once: Annotated[bool, typer.Option("--once", help="Until nothing is due, then stop.")] = False,
    span: Annotated[str | None, typer.Option("--for", metavar="SPAN", help="So long, such as `55 minutes`.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many acts.")] = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Hand over what is due: mails, messages, webhooks. Run as many side by side as you like; stop with Ctrl-C."""
    import signal
    import threading

    from beforehand.errors import InputError
    from beforehand.workspace.durations import read_duration

    try:
        lasting = None if span is None else read_duration(span)
    except ValueError as error:
        raise InputError(f"--for: {error}.", "As `--for '55 minutes'`.", code="bad-span") from None
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        # The act at hand is finished and what came of it written down; then the rest is given back.
        signal.signal(sign, lambda *_: stop.set())
    result = common.workspace(folder).work(
        once=once, span=lasting, limit=limit, stop=stop, told=None if json else _teller()
    )
    if json:
        common.emit(result)
        return
    _said_work(result)


def acts(
    context: typer.Context,
    in_doubt: Annotated[bool, typer.Option("--in-doubt", help="Only those that nobody knows the end of.")] = False,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only those: due, handing, sent, refused, in doubt.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="Only those of this channel.")] = None,
    run: Annotated[int | None, typer.Option(help="Only those of this playbook run.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 50,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """What was told and done by which way, and what is still to be; the newest first."""
    if context.invoked_subcommand is not None:
        return
    states = [*(state or []), *(["in doubt"] if in_doubt else [])]
    result = common.workspace(folder).acts(states=states, channel=channel, run=run, most=limit)
    if json:
        common.emit(result)
    else:
        _said_acts(result)


def show(number: Number, folder: common.Folder = None, json: common.Json = False) -> None:
    """One act and the whole of what it tells, as plain text."""
    result = common.workspace(folder).act(number)
    if json:
        common.emit(result)
    else:
        _said_act(result["act"])


def resolve(
    number: Number,
    sent: Annotated[bool, typer.Option("--sent", help="It was sent: it is not handed over again.")] = False,
    again: Annotated[bool, typer.Option("--again", help="It was not: it is handed over again.")] = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Say what became of an act that is in doubt, or have one handed over again that was refused."""
    from beforehand.errors import InputError

    if sent == again:
        raise InputError("Say what became of it.", "Give --sent or --again, exactly one of them.", code="resolve-how")
    result = common.workspace(folder).resolve_act(number, sent)
    if json:
        common.emit(result)
    else:
        row = result["act"]
        print(f"Act {row['act']} is {row['state']}." + (" `beforehand work` hands it over." if again else ""))


def preview(
    target: Annotated[str, typer.Argument(metavar="ALERT", help="An alert, such as A-1042.")],
    channel: Annotated[
        str, typer.Option(help="email, slack or webhook, or the name of a channel in beforehand.yaml.")
    ] = "email",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write it (.beforehand/preview/).")
    ] = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Write what an alert would look like as a mail, in Slack or to a webhook; nothing is sent."""
    result = common.workspace(folder).preview(target, channel=channel, out=out)
    if json:
        common.emit(result)
        return
    print(result["subject"])
    print(f"Written to {result['file']}; nothing was sent.")


def _teller() -> Callable[[Act, Handed], None]:
    from beforehand.cli import look

    console = look.console()
    styles = {"sent": "growth", "retry": "medium", "refused": "high", "in doubt": "critical"}

    def told(act: Act, what: Handed) -> None:
        subject = str(act.payload.get("subject", act.kind))
        aside = what.detail or what.reason if what.state != "sent" else ""
        to = look.text(f"{act.channel or act.kind} to {act.recipient}")
        state = look.text(f"{what.state:<8}", styles[what.state])
        line = look.line(state, to, look.text(subject, "soft"), look.text(aside, "soft"))
        console.print(line, no_wrap=True, overflow="ellipsis")

    return told


def _said_work(result: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    came = result["came"]
    said_of = {"sent": "sent", "retry": "put off", "refused": "refused", "in doubt": "in doubt"}
    parts = [f"{words.number(came[state])} {said}" for state, said in said_of.items() if came.get(state)]
    whole = words.listed(parts) if parts else "Nothing was due"
    left = result["left"]
    waits = f"{words.number(left['due'])} still to come" if left["due"] else ""
    console.print(look.line(look.text(whole), look.text(waits, "soft")))
    if result["by_time"]:
        said = words.counted(result["by_time"], "message")
        console.print(look.text(f"{said} because time has passed: reminders, digests, and who hears next", "soft"))
    if left["in doubt"]:
        many = words.counted(left["in doubt"], "act")
        console.print(look.text(f"{many} in doubt: beforehand acts --in-doubt", "high"))


def _said_acts(result: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    counts = result["counts"]
    aside = ", ".join(f"{words.number(n)} {state}" for state, n in counts.items() if n)
    console.print(look.heading(words.counted(sum(counts.values()), "act"), aside))
    if not result["acts"]:
        return
    console.print()
    rows = [
        (str(row["act"]), row["state"], row["channel"] or row["kind"], row["recipient"], row["subject"] or "",
         _when(row), "" if row["state"] == "sent" else (row["reason"] or ""))
        for row in result["acts"]
    ]  # fmt: skip
    columns = [look.Column("", figures=True), look.Column("state"), look.Column("by"), look.Column("to"),
               look.Column("what", wraps=True), look.Column("when"), look.Column("why", wraps=True)]  # fmt: skip
    console.print(look.table(columns, rows))
    if counts["in doubt"]:
        first = next((row["act"] for row in result["acts"] if row["state"] == "in doubt"), "N")
        console.print()
        console.print(look.text(f"Settle one: beforehand acts resolve {first} --sent, or --again", "soft"))


def _said_act(row: dict[str, Any]) -> None:
    from beforehand.cli import look

    console = look.console()
    console.print(look.heading(f"Act {row['act']}", row["state"]))
    facts = [("by", row["channel"] or row["kind"]), ("to", row["recipient"]), ("key", row["key"]),
             ("made", _moment(row["made_at"])), ("handed", _moment(row["handed_at"])), ("tries", str(row["tries"])),
             ("why", row["reason"]), ("ref", row["ref"])]  # fmt: skip
    for label, value in facts:
        if value:
            console.print(look.inset(look.line(look.text(f"{label:<7}", "faint"), look.text(value))))
    console.print()
    console.print(look.text(row["text"]))


def _when(row: dict[str, Any]) -> str:
    return _moment(row["settled_at"] or row["handed_at"] or row["due_at"])


def _moment(at: Any) -> str:
    return at.strftime("%Y-%m-%d %H:%M") if at is not None else ""
