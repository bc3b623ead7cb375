"""`callbacks`: takes what comes back, and lists what came."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from beforehand.cli import common

group = typer.Typer(
    invoke_without_command=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    group.callback(invoke_without_command=True)(callbacks)
    group.command("list")(listed)
    app.add_typer(group, name="callbacks")


def callbacks(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Where to listen; a proxy with TLS stands before it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0 takes one that is free.")] = 8025,
    folder: common.Folder = None,
) -> None:
    """Take what comes back: buttons of Slack and of mails, unsubscriptions, replies. Stop with Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    from beforehand.callbacks.serving import serve

    def told(address: str, takes: tuple[str, ...]) -> None:
        print(f"Listening on {address}: {', '.join(takes) or 'nothing is set up to come back'}.", flush=True)
        print("See docs/how-to/receive-callbacks.md." if not takes else "Stop with Ctrl-C.", flush=True)

    serve(common.workspace(folder).root, host, port, told)


def listed(
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only those: button, unsubscribed, reply, refused.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 50,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """What came back and what came of it, the newest first; what was refused is counted by the hour."""
    result = common.workspace(folder).callbacks(kinds=tuple(kind or ()), most=limit)
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    console = look.console()
    if not result["callbacks"]:
        console.print(look.text("Nothing came back yet."))
        return
    rows = [
        (f"{row['at']:%Y-%m-%d %H:%M}", row["kind"], row["actor"] or "", _what(row), _came(row))
        for row in result["callbacks"]
    ]
    columns = [look.Column("when"), look.Column("what"), look.Column("who"), look.Column("of", wraps=True),
               look.Column("came of it", wraps=True)]  # fmt: skip
    console.print(look.table(columns, rows))


def _what(row: dict[str, Any]) -> str:
    match row["kind"]:
        case "button":
            return f"{row['action']} {row['of']}"
        case "reply":
            return str(row["subject"] or row["text"][:60])
        case "unsubscribed":
            return str(row["address"])
        case _:
            return str(row["via"])


def _came(row: dict[str, Any]) -> str:
    if row["kind"] == "refused":
        return f"{row['reason']}, {row['times']} times that hour"
    said = f": {row['said']}" if row["outcome"] != "done" else ""
    run = f", run {row['run']}" if row.get("run") else ""
    return f"{row['reason']}{run}{said}"
