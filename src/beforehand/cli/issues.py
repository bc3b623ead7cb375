"""Commands on issues: what tickets and errors are about, who is touched, who sees the error and is silent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beforehand.cli import common

if TYPE_CHECKING:
    from rich.console import Console

Number = Annotated[int, typer.Argument(metavar="N", help="The number of an issue, as `issues` lists it.")]
Now = Annotated[
    str | None, typer.Option("--now", metavar="TIME", help="As of this time instead of the clock (ISO 8601).")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="WHEN",
        help="Who met an error since then is silent: a day, or `90 days` before the newest fact. Default: 30 days.",
    ),
]
SILENT_SHOWN, TOUCHED_SHOWN, LISTED = 20, 10, 40

group = typer.Typer(
    invoke_without_command=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    group.callback(invoke_without_command=True)(issues)
    group.command("show")(show)
    group.command("merge")(merge)
    group.command("split")(split)
    group.command("rename")(rename)
    app.add_typer(group, name="issues")


def issues(
    context: typer.Context,
    account: Annotated[str | None, typer.Option("--account", metavar="ACCOUNT", help="Only what touches it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those of a single ticket and no error too.")] = False,
    since: Since = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """What tickets and errors are about, across accounts, and how many see an error and have not written."""
    if context.invoked_subcommand is not None:
        return
    limit = None if json else LISTED
    result = common.workspace(folder).issues(
        account=account, every=every, limit=limit, since=_since(since), progress=True
    )
    if json:
        common.emit(result)
    else:
        _said_issues(result)


def show(number: Number, since: Since = None, folder: common.Folder = None, json: common.Json = False) -> None:
    """One issue: tickets that speak of it, accounts it touches, and who sees its error and has not written."""
    result = common.workspace(folder).issue(number, since=_since(since), progress=True)
    if json:
        common.emit(result)
    else:
        _said_one(result)


def merge(
    kept: Annotated[int, typer.Argument(metavar="A", help="The issue that stays.")],
    gone: Annotated[int, typer.Argument(metavar="B", help="The issue that goes into it.")],
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Make two issues one; what would join either joins it from now on."""
    result = common.workspace(folder).merge_issues(kept, gone, now=common.moment(now))
    _told(result, json, f"Issue {result['merged']} is part of issue {result['issue']} now: {result['name']}")


def split(
    number: Number,
    tickets: Annotated[list[str], typer.Argument(metavar="TICKET...", help="The ids of the tickets that go.")],
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Make some tickets of an issue another one; tickets like them follow from now on."""
    result = common.workspace(folder).split_issue(number, tickets, now=common.moment(now))
    _told(
        result, json, f"{result['tickets']} of issue {result['from']} are issue {result['issue']} now: {result['name']}"
    )


def rename(
    number: Number,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it, in quotes.")],
    now: Now = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Give an issue a name that stays."""
    result = common.workspace(folder).rename_issue(number, name, now=common.moment(now))
    _told(result, json, f"Issue {result['issue']} is called so now: {result['name']}")


def _since(text: str | None) -> datetime | timedelta | None:
    from beforehand.workspace.durations import WRITTEN, read_duration

    return read_duration(text) if text is not None and WRITTEN.match(text) else common.moment(text)


def _told(result: dict[str, Any], json: bool, said: str) -> None:
    from beforehand.cli import look

    if json:
        common.emit(result)
    else:
        look.console().print(look.text(said))


def _said_issues(result: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    rows, total = result["issues"], result["total"]
    console.print(look.heading(words.counted(total, "issue") if total else "No issue of more than one ticket"))
    if not rows:
        console.print(look.text("Those of a single ticket: beforehand issues --all", "soft"))
        return
    console.print()
    shown = [
        (str(row["issue"]), row["name"], words.number(row["tickets"]), words.number(row["accounts"]),
         words.number(row["errors"]), words.number(row["unwritten"]), _day(row["last_at"]))
        for row in rows
    ]  # fmt: skip
    columns = [
        look.Column("", figures=True), look.Column("issue", wraps=True), look.Column("tickets", figures=True),
        look.Column("accounts", figures=True), look.Column("errors", figures=True),
        look.Column("silent", figures=True), look.Column("last"),
    ]  # fmt: skip
    console.print(look.table(columns, shown))
    console.print()
    if total > len(rows):
        console.print(look.text(f"{words.number(total - len(rows))} more: --json has them all.", "soft"))
    console.print(
        look.text(f"silent: accounts that met the error since {_day(result['since'])} and have not written.", "soft")
    )
    console.print(look.text(f"Who they are: beforehand issues show {rows[0]['issue']}", "soft"))


def _said_one(result: dict[str, Any]) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    console = look.console()
    row = result["issue"]
    console.print(look.heading(f"Issue {row['issue']}: {row['name']}"))
    console.print(
        look.line(
            words.counted(row["tickets"], "ticket"),
            words.counted(row["accounts"], "account"),
            f"{words.counted(row['errors'], 'error')} met" if row["errors"] else None,
            f"first {_day(row['first_at'])}, last {_day(row['last_at'])}" if row["first_at"] else None,
        )
    )
    for template in result["error_texts"][:5]:
        console.print(look.inset(look.text(template, "soft")))
    for sample in result["samples"]:
        console.print()
        console.print(
            look.line(look.text(sample["ticket"], "bold"), sample["account"], sample["person"], _day(sample["at"]))
        )
        console.print(look.inset(look.text(sample["text"])))
    _accounts(console, "Touched", result["touched"], TOUCHED_SHOWN)
    since, before = _day(result["since"]), result["silent_before"]
    if result["silent"]:
        _accounts(console, f"Met the error since {since} and have not written", result["silent"], SILENT_SHOWN)
    elif row["errors"]:
        console.print()
        console.print(look.text(f"Every account that met the error since {since} has written.", "soft"))
    if before:
        more = f"{words.counted(before, 'account')} met it only before that"
        console.print(look.text(f"{more}: --since {_day(row['first_at'])}", "soft"))


def _accounts(console: Console, title: str, accounts: list[dict[str, Any]], most: int) -> None:
    from beforehand.cli import look
    from beforehand.story import words

    if not accounts:
        return
    console.print()
    console.print(look.heading(f"{title}: {words.counted(len(accounts), 'account')}"))
    shown = [
        (one["account"], words.number(one["tickets"]), words.number(one["errors"]), _day(one["first_at"]),
         _day(one["last_at"]), _people(one["people"]))
        for one in accounts[:most]
    ]  # fmt: skip
    columns = [
        look.Column("account"), look.Column("tickets", figures=True), look.Column("errors", figures=True),
        look.Column("first"), look.Column("last"), look.Column("met it, silent", wraps=True, least=24),
    ]  # fmt: skip
    console.print(look.table(columns, shown))
    if len(accounts) > most:
        console.print(look.text(f"{words.number(len(accounts) - most)} more: --json has them all.", "soft"))


def _people(people: list[str]) -> str:
    """One by name, the others counted: the whole list is in --json."""
    return "" if not people else people[0] + (f" and {len(people) - 1} more" if len(people) > 1 else "")


def _day(at: Any) -> str:
    return at.date().isoformat() if at is not None else ""
