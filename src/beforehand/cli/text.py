"""Commands on text: how messages sound, and which are about the same issue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beforehand.cli import common

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# From here on a message is called negative in the readable form, and shown with a mark.
NEGATIVE, NEARLY = 0.5, 0.3
SHOWN_CHARACTERS = 600
LARGEST_SHOWN = 20

group = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    group.command("tone")(tone)
    group.command("group")(same_issue)
    app.add_typer(group, name="text", help="How messages sound, and which are about the same issue.")


def tone(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines: id, text, account, person, at.")],
    reader: Annotated[
        str | None, typer.Option(metavar="NAME", help="base, encoder or endpoint; default: as beforehand.yaml says.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="The workspace whose `text:` is used; none is needed.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")] = False,
) -> None:
    """Tell how each message sounds, by which words, and of which it cannot say."""
    from beforehand.cli import look
    from beforehand.cli.progress import bar
    from beforehand.commands.text import tone as read

    rows = 0
    # Beside a table that scrolls past nobody needs a bar.
    watched = json or not sys.stdout.isatty()
    out = look.console()
    unsure = negative = 0
    with bar() as progress:
        found = read(_workspace(folder), file, reader=reader, progress=progress if watched else None)
        for row in found:
            rows += 1
            if json:
                common.emit({key: value for key, value in row.items() if not key.startswith("_")})
                continue
            unsure += row["unsure"]
            negative += not row["unsure"] and row["negative"] >= NEGATIVE
            _say(out, row)
    if not json:
        out.print(_summary(rows, negative, unsure))


def same_issue(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines: id, text, account, person, at.")],
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="tickets, errors (log lines and error texts) or auto: by their look.")
    ] = "auto",
    folder: Annotated[Path | None, typer.Option("--workspace", "-w", help="Not needed; taken as by text tone.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")] = False,
) -> None:
    """Group messages that are about the same issue, in order of arrival."""
    from beforehand.cli import look
    from beforehand.cli.progress import bar
    from beforehand.commands.text_group import group as read

    out = look.console()
    watched = json or not sys.stdout.isatty()
    rows = 0
    sizes: dict[int, int] = {}
    names: dict[int, str] = {}
    with bar() as progress:
        for row in read(_workspace(folder), file, kind=kind, progress=progress if watched else None):
            rows += 1
            if json:
                common.emit({key: value for key, value in row.items() if not key.startswith("_")})
            elif row["group"]:
                number = row["group"]
                sizes[number] = sizes.get(number, 0) + 1
                if names.setdefault(number, row["name"]) and sizes[number] == 1:
                    out.print(look.line(look.text(f"{number}", "bold"), look.text(row["name"]), f"first: {row['id']}"))
    if json:
        return
    if not rows:
        out.print(look.text("No messages.", "soft"))
        return
    largest = sorted(sizes, key=lambda number: (-sizes[number], number))[:LARGEST_SHOWN]
    for number in largest:
        if sizes[number] > 1:
            out.print(
                look.line(look.text(f"{sizes[number]:,} messages", "bold"), f"{number}", look.text(names[number]))
            )
    ungrouped = rows - sum(sizes.values())
    out.print(
        look.line(
            look.text(f"{rows:,} {'message' if rows == 1 else 'messages'}", "bold"),
            f"{len(sizes):,} {'group' if len(sizes) == 1 else 'groups'}",
            f"{ungrouped:,} with nothing to read" if ungrouped else None,
        )
    )


def _workspace(folder: Path | None) -> Any:
    """The workspace named or the one we stand in; None where there is none, as none is needed."""
    from beforehand.errors import InputError

    try:
        return common.workspace(folder)
    except InputError as error:
        if folder is None and error.code == "no-workspace":
            return None
        raise


def _say(out: Console, row: dict[str, Any]) -> None:
    from beforehand.cli import look

    name = look.text(row["id"], "bold")
    who = look.line(*(str(row[key]) for key in ("account", "person", "at") if key in row))
    if row["unsure"]:
        out.print(look.line(name, look.text(f"unsure: {_why(row)}", "soft"), who))
        out.print(look.inset(look.text(_short(row["_read"]) or "nothing to read", "faint")))
        return
    style = "critical" if row["negative"] >= NEGATIVE else "medium" if row["negative"] >= NEARLY else "growth"
    mark = "●" if row["negative"] >= NEGATIVE else "◐" if row["negative"] >= NEARLY else "○"
    more = [f"{key} {row[key]:.2f}" for key in ("frustration", "gratitude", "urgency") if (row[key] or 0) >= NEGATIVE]
    out.print(look.line(look.text(f"{mark} negative {row['negative']:.2f}", style), name, *more, who))
    out.print(look.inset(_marked(row)))
    weighed = [
        f"{word} {weight:+.1f}" if weight is not None else word
        for word, weight in zip(row["words"], row["weights"], strict=True)
    ]
    out.print(look.inset(look.text("by: " + ", ".join(weighed) if weighed else "by: its base alone", "faint")))


def _why(row: dict[str, Any]) -> str:
    reasons = {
        "empty": "it is empty",
        "nothing of their own": "only quotes, signatures or pasted output",
        "automatic": "a machine wrote it",
        "no words": "no words to read",
        "language": f"not in a language that is read ({row['language']})",
        "no answer": "the endpoint gave no answer",
    }
    return reasons[row["reason"]]


def _marked(row: dict[str, Any]) -> Text:
    """The message with the words that weighed most: those that add underlined, those that take away in italics."""
    from beforehand.cli import look

    shown = look.text(_short(row["_read"]))
    for start, end, weight in row["_places"]:
        if end <= min(len(shown), SHOWN_CHARACTERS):
            shown.stylize("italic growth" if weight < 0 else "underline critical", start, end)
    return shown


def _short(read: str) -> str:
    return read if len(read) <= SHOWN_CHARACTERS else read[:SHOWN_CHARACTERS] + " ..."


def _summary(rows: int, negative: int, unsure: int) -> Text:
    from beforehand.cli import look

    if not rows:
        return look.text("No messages.", "soft")
    return look.line(
        look.text(f"{rows:,} {'message' if rows == 1 else 'messages'}", "bold"),
        f"{negative:,} negative",
        f"{unsure:,} unsure" if unsure else None,
        "underlined words add to negative, those in italics take from it",
    )
