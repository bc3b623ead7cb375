"""Commands that bring facts in and settle who they are about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beforehand.cli import common

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command()(load)
    app.command()(quarantine)
    app.command()(unmatched)
    app.command()(match)
    app.command()(merge)
    app.command()(unmerge)


def load(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="CSV, JSON lines or Parquet; mbox, .eml or a folder of them; an export of Zendesk or Intercom; "
            "also as gzip.",
        ),
    ],
    table: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="TABLE",
            help="accounts, people, events, tickets, messages, subscriptions, invoices, surveys, touches or outcomes; "
            "mbox, eml, zendesk or intercom for an export. Default: as the file tells, else events.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The system the rows come from; ids are unique within it. Default: files; of an export mail, zendesk "
            "or intercom.",
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option(
            "--map", metavar="PAIRS|FILE", help="account=COLUMN,at=COLUMN,properties.x=COLUMN or a YAML file of them."
        ),
    ] = None,
    learned: Annotated[
        str | None,
        typer.Option(metavar="COLUMN|occurred|now", help="When we learned of each row, where no column says so."),
    ] = None,
    now: Annotated[str | None, typer.Option(metavar="TIME", help="The time of loading; default: the clock.")] = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Load files: each row once, bad ones to quarantine with their reason."""
    result = common.workspace(folder).load(
        files,
        table=table,
        source=source,
        mapping=mapping,
        learned=learned,
        now=common.moment(now),
        progress=not json,
    )
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    console = look.console()
    console.print(look.line(look.text(f"{_loaded(result)} loaded", "strong"), f"{result['read']:,} read"))
    if "our_domain" in result:
        said = f"{result['our_domain']} was taken for your own domain; say it in beforehand.yaml"
        console.print(look.text(f"  {said}: `our domains: [{result['our_domain']}]`", "soft"))
    notes = [
        (result["known"], "known already; they were left as they are", ""),
        (result["quarantined"], "in quarantine: see `beforehand quarantine`", "high"),
        (result["unmatched"], "about accounts that are not in the accounts' list: see `beforehand unmatched`", "high"),
        (result["assumed_learned"], "without a time of arrival: taken as known when they happened", ""),
        (
            result["raised_learned"],
            "learned before they happened by their own account: taken as known when they happened",
            "",
        ),
        (result["without_zone"], "times without a zone: read in the zone of the workspace", ""),
    ]
    for count, said, style in notes:
        if count:
            console.print(look.line(look.text(f"  {count:,} {said}", style or "soft")))


def _loaded(result: dict[str, Any]) -> str:
    """How many rows of what."""
    if len(result["tables"]) > 1:
        return ", ".join(f"{count:,} {name}" for name, count in result["tables"].items())
    return f"{result['loaded']:,} {'row' if result['loaded'] == 1 else 'rows'} of {next(iter(result['tables']))}"


def quarantine(
    what: Annotated[
        str, typer.Argument(metavar="[retry|drop]", help="Nothing: list. retry: try them again. drop: give them up.")
    ] = "",
    file: Annotated[Path | None, typer.Option(help="With drop: only the rows of this file.")] = None,
    now: Annotated[
        str | None, typer.Option(metavar="TIME", help="With retry: the time of loading; default: the clock.")
    ] = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Rows that could not be loaded: list them, try them again, or give them up."""
    from beforehand.commands import quarantine as room
    from beforehand.errors import InputError, among

    ws = common.workspace(folder)
    if what not in ("", "retry", "drop"):
        raise InputError(
            f"{what!r} is nothing that can be done with quarantine.",
            among(what, ("retry", "drop")),
            code="unknown-word",
        )
    if (file is not None and what != "drop") or (now is not None and what != "retry"):
        raise InputError("--file goes with drop, --now with retry.", code="unknown-word")
    if what == "retry":
        done = room.retry(ws, common.moment(now))
        common.emit(done) if json else print(
            f"{done['loaded']:,} of {done['tried']:,} rows loaded; {done['total']:,} stay in quarantine."
        )
        return
    if what == "drop":
        done = room.drop(ws, file)
        common.emit(done) if json else print(
            f"{done['dropped']:,} rows given up; {done['total']:,} stay in quarantine."
        )
        return
    result = room.quarantine(ws, None if json else SHOWN)
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    _list_rows(look.console(), result)


def _list_rows(console: Console, result: dict[str, Any]) -> None:
    from beforehand.cli import look

    if not result["rows"]:
        console.print("Nothing is in quarantine.")
        return
    console.print(
        look.heading(
            f"{result['total']:,} {'row' if result['total'] == 1 else 'rows'} in quarantine",
            "mend the file and load it again, or `beforehand quarantine retry`",
        )
    )
    file = None
    for row in result["rows"]:
        if row["file"] != file:
            file = row["file"]
            console.print(look.text(f"\n{file}", "soft"))
        console.print(look.line(look.text(f"  line {row['line']}", "accent"), look.text(row["reason"])))
        shown = (
            row["row"]
            if isinstance(row["row"], str)
            else ", ".join(f"{k}={v}" for k, v in row["row"].items() if v is not None)
        )
        console.print(look.text(f"    {shown[:160]}", "faint"))
    if result["total"] > len(result["rows"]):
        console.print(
            look.text(f"\nand {result['total'] - len(result['rows']):,} more; all of them with --json", "soft")
        )


def unmatched(folder: common.Folder = None, json: common.Json = False) -> None:
    """Accounts that facts name and the accounts' list does not, with who they may be."""
    result = common.workspace(folder).unmatched()
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    console = look.console()
    if not result["unmatched"]:
        console.print("Every account is matched.")
        return
    console.print(
        look.heading(f"{result['total']:,} accounts are unmatched", "their facts are kept and counted once matched")
    )
    for row in result["unmatched"][:SHOWN]:
        console.print()
        console.print(look.line(look.text(row["account"], "strong"), f"{row['rows']:,} rows from {row['source']}"))
        for idea in row["suggestions"]:
            console.print(look.line(look.text(f"  {idea['account']}?", "accent"), look.text(idea["why"], "soft")))
        if row["suggestions"]:
            console.print(look.text(f"  beforehand match {row['account']} {row['suggestions'][0]['account']}", "faint"))
    if result["total"] > SHOWN:
        console.print(look.text(f"\nand {result['total'] - SHOWN:,} more; all of them with --json", "soft"))


def match(
    external: Annotated[str, typer.Argument(metavar="EXTERNAL", help="The id facts came under, such as stripe:cus_1.")],
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account it is, by any of its ids.")],
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Say that an id of another system is an account we know; `unmerge` takes it back."""
    done = common.workspace(folder).match(external, account)
    common.emit(done) if json else print(
        f"{done['matched']} is {done['account']} now. To take it back: beforehand unmerge {done['matched']}"
    )


People = Annotated[bool, typer.Option("--people", help="Of people, by id or e-mail address, instead of accounts.")]


def merge(
    named: Annotated[str, typer.Argument(metavar="A", help="The one that goes into the other.")],
    into: Annotated[str, typer.Argument(metavar="B", help="The one that stays.")],
    people: People = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Make two accounts one: nothing is rewritten, and `unmerge` takes it back."""
    done = common.workspace(folder).merge(named, into, people=people)
    common.emit(done) if json else print(
        f"{done['merged']} is part of {done['into']} now. To take it back: beforehand unmerge {named}"
    )


def unmerge(
    named: Annotated[str, typer.Argument(metavar="A", help="The one that was merged or matched into another.")],
    people: People = False,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Take a merge or match back."""
    done = common.workspace(folder).unmerge(named, people=people)
    common.emit(done) if json else print(f"{done['unmerged']} stands by itself again, apart from {done['from']}.")
