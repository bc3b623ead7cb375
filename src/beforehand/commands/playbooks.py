"""`playbooks`, `runs`, `approve` and what was not sent: what persons see of playbooks and do with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand.commands.alerts import present
from beforehand.commands.doing import written
from beforehand.commands.edits import edit_asked
from beforehand.commands.playing import as_lines, holders_of, keep_shared, owner_of, play, start
from beforehand.errors import InputError, among
from beforehand.playbooks import Book, position, waiting
from beforehand.store import Run, Unsent, alert_name, runs
from beforehand.workspace.playbook_spec import ApproveStep
from beforehand.workspace.playbooks import book_from

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.commands.workspace import Workspace

SHOWN = 200
BLANK = re.compile(r"\[fill in[^\]]*\]", re.IGNORECASE)


def playbooks(ws: Workspace) -> dict[str, Any]:
    """The playbooks of the workspace, and how their runs stand.

    Returns `{"playbooks": [{"playbook", "about", "mode", "signals", "goal", "steps", "holdout", "live", "ended"}]}`;
    `ended` says how many ended with each outcome.
    """
    folder = ws.folder
    live: dict[str, int] = {}
    ended: dict[str, dict[str, int]] = {}
    with ws.state() as state, state.read() as session:
        for name, standing, outcome in session.execute(select(Run.playbook, Run.state, Run.outcome)):
            if standing == runs.LIVE:
                live[name] = live.get(name, 0) + 1
            else:
                counts = ended.setdefault(name, {})
                counts[outcome or ""] = counts.get(outcome or "", 0) + 1
    found = []
    for name, book in folder.shelf.books.items():
        own = [s for s, spec in folder.specs.items() if spec.playbook == name]
        found.append({
            "playbook": name, "about": book.spec.about, "mode": book.spec.mode,
            "signals": sorted({*own, *book.spec.when.signals}), "goal": book.spec.goal, "steps": list(book.steps),
            "holdout": book.spec.holdout.share if book.spec.holdout else None, "live": live.get(name, 0),
            "ended": ended.get(name, {}),
        })  # fmt: skip
    return {"playbooks": found}


def start_playbook(ws: Workspace, name: str, account: str, now: datetime | None = None) -> dict[str, Any]:
    """Begins a playbook at an account by hand and moves it as far as it goes.

    Returns `{"run": {...}}` as `runs` does. Raises InputError where there is no such playbook or account, or where one
    lives there.
    """
    book = book_named(ws, name)
    with ws.facts() as facts, ws.state() as state:
        label = facts.label(facts.account_named(account))
        with state.read() as session:
            at = present(session, now)
            holders = holders_of(ws.folder, at, session)
        owner = owner_of(facts, holders, book, label, None, at)
        with state.write() as session:
            run = start(session, ws.folder, book, label, at, None, owner)
            if run is None:
                said = f"A run of {name} lives at {label}."
                raise InputError(said, "`beforehand runs` lists it.", code="run-lives")
            number = run.number
            keep_shared(session, holders, at)
        play(facts, ws.folder, state, at)
        with state.read() as session:
            return {"run": as_row(session, named(session, number))}


def list_runs(
    ws: Workspace, *, live: bool = False, playbook: str | None = None, account: str | None = None, most: int = SHOWN
) -> dict[str, Any]:
    """The runs of playbooks, the newest first.

    Returns `{"runs": [{"run", "playbook", "account", "alert", "owner", "state", "step", "outcome", "reason",
    "began_at", "ended_at", "due_at"}]}`; `step` is where it stands.
    """
    with ws.state() as state, state.read() as session:
        found = runs.find_runs(session, live=live, playbook=playbook, account=account, most=most)
        return {"runs": [as_row(session, run) for run in found]}


def show_run(ws: Workspace, number: int) -> dict[str, Any]:
    """One run with its journal.

    Returns `{"run": {...}, "journal": [{"n", "at", "kind", "step", ...}]}`. Raises InputError where there is none.
    """
    with ws.state() as state, state.read() as session:
        run = named(session, number)
        lines = [
            {"n": e.n, "at": e.at, "kind": e.kind, "step": e.step, **e.details} for e in runs.lines_of(session, number)
        ]
        return {"run": as_row(session, run), "journal": lines}


def approvals(ws: Workspace) -> dict[str, Any]:
    """The drafts that wait for somebody's yes, the most urgent first.

    Returns `{"approvals": [{"run", "playbook", "account", "step", "draft", "to", "subject", "text", "until"}]}`.
    """
    with ws.state() as state, state.read() as session:
        found = [asked for run in runs.find_runs(session, live=True) if (asked := asked_of(session, run)) is not None]
    return {"approvals": sorted(found, key=lambda row: str(row["until"]))}


def approve(
    ws: Workspace, number: int, *, yes: bool = True, text: str | None = None, subject: str | None = None,
    note: str = "", now: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Says yes to what a run has drafted (with another `text` or `subject`, if given), or no.

    What follows is done by the next `run`. Said twice, it counts once. Returns `{"run": {...}}`. Raises InputError
    where nothing of the run waits for an answer.
    """
    with ws.state() as state, state.write() as session:
        run = named(session, number)
        asked = asked_of(session, run)
        if asked is None:
            raise InputError(
                f"Run {number} waits for nobody's yes.", "`beforehand approvals` lists what does.", "not-asked"
            )
        if yes and (blank := blank_in(asked, text, subject)) is not None:
            said = f"The draft has a place that nobody has filled in: {blank}"
            raise InputError(
                said, f"`beforehand approve {number} --edit FILE` sends what the file says.", "not-filled-in"
            )
        at = present(session, now)
        answer_in(session, run, asked, at, ws.actor, yes=yes, text=text, subject=subject, note=note)
        said = f"{'Approved' if yes else 'Rejected'} by {ws.actor}"
        edit_asked(session, ws.settings.channels, run.number, asked["step"], said, at)
        return {"run": as_row(session, run)}


def blank_in(asked: Mapping[str, Any], text: str | None = None, subject: str | None = None) -> str | None:
    """The first place of a draft that a person is to fill in, as `[fill in: what we promised]`; None without."""
    found = BLANK.search(f"{subject or asked['subject']}\n{text or asked['text']}")
    return found[0] if found else None


def answer_in(
    session: Session, run: Run, asked: Mapping[str, Any], at: datetime, actor: str, *, yes: bool,
    text: str | None = None, subject: str | None = None, note: str = "",
) -> None:  # fmt: skip
    """Writes the answer to what a run has `asked` (see `asked_of`) in the caller's transaction; the run is due."""
    details: dict[str, Any] = {"by": actor, "draft": asked["draft"]}
    details |= {key: said for key, said in (("text", text), ("subject", subject), ("note", note)) if said}
    runs.add_line(session, run, at, "approved" if yes else "rejected", asked["step"], details)
    run.due_at = at


def note_reply(session: Session, run: Run, at: datetime, text: str) -> None:
    """A customer has answered a run: it is looked at next."""
    runs.add_line(session, run, at, "reply", details={"text": text[:2000]})
    run.due_at = at


def unsent(ws: Workspace, *, account: str | None = None, playbook: str | None = None) -> dict[str, Any]:
    """What customers were not sent, by which guard and why, the newest first.

    Returns `{"unsent": [{"at", "run", "step", "playbook", "account", "person", "guard", "reason"}],
    "by_guard": {...}}`.
    """
    wanted = select(Unsent).order_by(Unsent.number.desc()).limit(SHOWN)
    wanted = wanted if account is None else wanted.where(Unsent.account == account)
    wanted = wanted if playbook is None else wanted.where(Unsent.playbook == playbook)
    with ws.state() as state, state.read() as session:
        rows = list(session.scalars(wanted))
    keys = ("at", "run", "step", "playbook", "account", "person", "guard", "reason")
    counted: dict[str, int] = {}
    for row in rows:
        counted[row.guard] = counted.get(row.guard, 0) + 1
    return {"unsent": [{key: getattr(row, key) for key in keys} for row in rows], "by_guard": counted}


def suppress(
    ws: Workspace, address: str, *, why: str = "asked by a teammate", now: datetime | None = None
) -> dict[str, Any]:
    """Puts an address on the list of those that no playbook writes to.

    Returns `{"address", "new"}`. Raises InputError where it is no address.
    """
    if "@" not in address.strip().strip("@"):
        raise InputError(f"{address!r} is no address.", "As person@example.com.", code="bad-address")
    with ws.state() as state, state.write() as session:
        new = runs.suppress(session, address, why, now or datetime.now(UTC), ws.actor)
    return {"address": address.strip().lower(), "new": new}


def book_named(ws: Workspace, name: str) -> Book:
    """A playbook of the workspace; InputError with the nearest where there is none."""
    books = ws.folder.shelf.books
    if name not in books:
        raise InputError(f"There is no playbook {name!r}.", among(name, books), code="unknown-playbook")
    return books[name]


def named(session: Session, number: int) -> Run:
    """A run by its number; InputError where there is none."""
    found: Run | None = session.get(Run, number) if abs(number) < 2**31 else None
    if found is None:
        raise InputError(f"There is no run {number}.", "`beforehand runs` lists them.", code="unknown-run")
    return found


def as_row(session: Session, run: Run) -> dict[str, Any]:
    """A run as plain data."""
    step = None
    if run.state == runs.LIVE:
        try:
            step = position(book_from(run.text), as_lines(session, run.number))
        except InputError:
            step = None
    return {
        "run": run.number, "playbook": run.playbook, "account": run.account,
        "alert": None if run.alert is None else alert_name(run.alert), "owner": run.owner, "state": run.state,
        "step": step,
        "outcome": run.outcome, "reason": run.reason, "began_at": run.began_at, "ended_at": run.ended_at,
        "due_at": run.due_at,
    }  # fmt: skip


def asked_of(session: Session, run: Run) -> dict[str, Any] | None:
    """What a run waits to have approved, None where it does not."""
    if run.state != runs.LIVE:
        return None
    lines = as_lines(session, run.number)
    try:
        book = book_from(run.text)
    except InputError:
        return None
    name = position(book, lines)
    step, began = book.steps.get(name), waiting(lines, name)
    if not isinstance(step, ApproveStep) or began is None:
        return None
    if any(line.kind in ("approved", "rejected") and line.n > began.n for line in lines):
        return None
    draft = written(lines, step.approve)
    to = draft.get("recipient", {})
    return {
        "run": run.number, "playbook": run.playbook, "account": run.account, "step": name, "draft": step.approve,
        "to": to.get("email") or to.get("name"), "subject": draft.get("subject"), "text": draft.get("text"),
        "until": began.details["until"],
    }  # fmt: skip
