"""Commands of what is done about alerts: `playbooks`, `runs`, `approvals`, `unsent` and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from beforehand.cli import common

Number = Annotated[int, typer.Argument(metavar="N", help="The number of a run, as `runs` lists it.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A playbook.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="An account, by any of its ids.")]
OfAccount = Annotated[str | None, typer.Option("--account", help="Only of this account.")]
OfPlaybook = Annotated[str | None, typer.Option("--playbook", help="Only of this playbook.")]

one = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="One playbook.")
many = typer.Typer(invoke_without_command=True, add_completion=False, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    for command in (playbooks, approvals, approve, unsent, suppress):
        app.command()(command)
    one.command("simulate")(simulate)
    one.command("start")(start)
    app.add_typer(one, name="playbook")
    many.callback(invoke_without_command=True)(runs)
    many.command("show")(show)
    app.add_typer(many, name="runs")


def playbooks(folder: common.Folder = None, json: common.Json = False) -> None:
    """The playbooks of the workspace: which signals begin them, and how their runs stand."""
    result = common.workspace(folder).playbooks()
    if json:
        common.emit(result)
        return
    rows = [
        (row["playbook"], ", ".join(row["signals"]), str(row["live"] or ""),
         ", ".join(f"{n} {outcome}" for outcome, n in row["ended"].items()), row["about"] or "")
        for row in result["playbooks"]
    ]  # fmt: skip
    _table(("playbook", "signals", "live", "ended", "for"), rows, "No playbooks: put one into playbooks/.")


def simulate(
    name: Name,
    account: Account,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="As if it began then; default: now.")] = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """What a playbook would do at an account and when, along every way it may take. Nothing is sent or kept."""
    result = common.workspace(folder).simulate_playbook(name, account, at=common.moment(at))
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    console = look.console()
    for number, way in enumerate(result["ways"], 1):
        console.print(look.heading(f"Way {number}", way["outcome"]))
        if way["if"]:
            console.print(look.text("if " + ", and ".join(way["if"]), "soft"))
        for line in way["lines"]:
            console.print(look.text(f"  {line['at']:%Y-%m-%d %H:%M}  {line['step']:<18} {line['what']}"))
        console.print()


def start(name: Name, account: Account, folder: common.Folder = None, json: common.Json = False) -> None:
    """Begin a playbook at an account by hand."""
    result = common.workspace(folder).start_playbook(name, account)
    if json:
        common.emit(result)
    else:
        run = result["run"]
        print(f"Run {run['run']} of {name} at {run['account']}: {run['step'] or run['outcome']}")


def runs(
    context: typer.Context,
    live: Annotated[bool, typer.Option("--live", help="Only those that are at work.")] = False,
    account: OfAccount = None,
    playbook: OfPlaybook = None,
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Playbooks at work and those that ended, the newest first: where each stands and how it ended."""
    if context.invoked_subcommand is not None:
        return
    result = common.workspace(folder).runs(live=live, account=account, playbook=playbook)
    if json:
        common.emit(result)
        return
    rows = [
        (str(row["run"]), row["playbook"], row["account"], row["alert"] or "", row["owner"] or "",
         row["step"] or row["outcome"] or "", f"{row['due_at']:%Y-%m-%d %H:%M}" if row["due_at"] else "")
        for row in result["runs"]
    ]  # fmt: skip
    _table(("run", "playbook", "account", "alert", "owner", "stands at", "next"), rows, "No runs.")


def show(number: Number, folder: common.Folder = None, json: common.Json = False) -> None:
    """One run and its journal: everything that was done, and why."""
    result = common.workspace(folder).show_run(number)
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    run, console = result["run"], look.console()
    console.print(look.heading(f"Run {number}: {run['playbook']} at {run['account']}", run["outcome"] or run["state"]))
    for line in result["journal"]:
        console.print(look.text(f"  {line['at']:%Y-%m-%d %H:%M}  {line['kind']:<9} {line['step']:<18} {_said(line)}"))


def approvals(folder: common.Folder = None, json: common.Json = False) -> None:
    """The drafts that wait for somebody's yes."""
    result = common.workspace(folder).approvals()
    if json:
        common.emit(result)
        return
    from beforehand.cli import look

    console = look.console()
    for row in result["approvals"]:
        title = f"Run {row['run']}: {row['playbook']} at {row['account']}"
        console.print(look.heading(title, f"by {_minute(row['until'])}"))
        console.print(look.text(f"To {row['to'] or 'nobody yet'}: {row['subject']}\n\n{row['text']}\n"))
    if not result["approvals"]:
        console.print(look.text("Nothing waits for an answer."))


def approve(
    number: Number,
    edit: Annotated[Path | None, typer.Option(metavar="FILE", help="A file with the text to send instead.")] = None,
    subject: Annotated[str | None, typer.Option(help="Another subject.")] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
    note: Annotated[str, typer.Option(help="Why; kept in the journal.")] = "",
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Say yes to what a run has drafted, or no; what follows is done by the next `run`."""
    text = None
    if edit is not None:
        from beforehand.errors import InputError

        try:
            text = edit.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{edit} cannot be read: {error}.", "Name a text file.", code="no-file") from None
    result = common.workspace(folder).approve(number, yes=not reject, text=text, subject=subject, note=note)
    if json:
        common.emit(result)
    else:
        print(f"Run {number}: {'no' if reject else 'yes'}. `beforehand run` goes on from here.")


def unsent(
    account: OfAccount = None, playbook: OfPlaybook = None, folder: common.Folder = None, json: common.Json = False
) -> None:
    """What customers were not sent, by which guard, and why."""
    result = common.workspace(folder).unsent(account=account, playbook=playbook)
    if json:
        common.emit(result)
        return
    rows = [
        (
            f"{row['at']:%Y-%m-%d %H:%M}",
            row["account"],
            row["playbook"],
            row["person"] or "",
            row["guard"],
            row["reason"],
        )
        for row in result["unsent"]
    ]
    _table(("when", "account", "playbook", "to", "guard", "why"), rows, "Nothing was kept back.")


def suppress(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="As person@example.com.")],
    why: Annotated[str, typer.Option(help="The reason, shown with what is not sent.")] = "asked by a teammate",
    folder: common.Folder = None,
    json: common.Json = False,
) -> None:
    """Put an address on the list of those that no playbook writes to."""
    result = common.workspace(folder).suppress(address, why=why)
    if json:
        common.emit(result)
    else:
        print(f"{result['address']} is {'now' if result['new'] else 'already'} on the list.")


def _said(line: dict[str, Any]) -> str:
    keys = ("why", "to_whom", "resource", "subject", "outcome", "reason", "until", "by", "alert")
    said = {key: str(line[key]) for key in keys if line.get(key)}
    if "resource" in said:
        said["resource"] = line["resource"]["title"]
    if "until" in said:
        said["until"] = f"until {_minute(said['until'])}"
    return "; ".join(said.values())


def _minute(written: str) -> str:
    """A time of a journal, as all other times are shown."""
    return written[:16].replace("T", " ")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], nothing: str) -> None:
    from beforehand.cli import look

    console = look.console()
    if not rows:
        console.print(look.text(nothing))
        return
    console.print(look.table([look.Column(name, wraps=name == head[-1]) for name in head], rows))
