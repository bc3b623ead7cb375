"""`playbook simulate`: a playbook on an account with time made fast and nothing sent, along every way it may take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from beforehand.commands.alerts import present
from beforehand.commands.doing import Done, Stage, do, written
from beforehand.commands.playbooks import book_named
from beforehand.commands.playing import digest_of, holders_of, owner_of
from beforehand.errors import InputError
from beforehand.playbooks import Act, Ask, End, Go, Line, Seen, Stuck, Wait, WaitFor, next_move, position, waiting
from beforehand.playbooks.book import is_sentence
from beforehand.store import Run, find_alerts
from beforehand.workspace.playbook_spec import BranchStep
from beforehand.workspace.working import business_time

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

MOST_WAYS = 64
SOON = timedelta(hours=1)


@dataclass(frozen=True)
class _Way:
    """A journal so far, the time it has come to, and what was supposed on the way."""

    lines: tuple[Line, ...]
    at: datetime
    supposed: tuple[str, ...] = ()
    holds: tuple[tuple[str, bool], ...] = ()

    def line(self, kind: str, step: str, **details: Any) -> _Way:
        return replace(self, lines=(*self.lines, Line(len(self.lines) + 1, self.at, kind, step, details)))


def simulate_playbook(ws: Workspace, name: str, account: str, at: datetime | None = None) -> dict[str, Any]:
    """Plays a playbook at an account from `at` on, once for each way it may take; nothing is sent and nothing kept.

    Answers and replies that may come are supposed to come after an hour. What stands open with the account and who is
    there are as known at `at`. Returns `{"playbook", "account", "at", "ways": [{"if": [...], "outcome", "lines":
    [{"at", "step", "what", "subject", "text"}]}]}`. Raises InputError where there is no such playbook or account.
    """
    book = book_named(ws, name)
    folder = ws.folder
    with ws.facts() as facts, ws.state() as state:
        label = facts.label(facts.account_named(account))
        with state.read() as session:
            begins = present(session, at)
            open_now = find_alerts(session, account=label, open_only=True)
            own = [a for a in open_now if (s := folder.specs.get(a.signal)) is not None and s.playbook == name]
            own += [a for a in open_now if a.signal in book.spec.when.signals]
            alert = own[0] if own else None
            holders = holders_of(folder, begins, session)
            owner = owner_of(facts, holders, book, label, alert, begins)
            run = Run(
                number=0, playbook=name, digest=digest_of(folder.shelf.texts[name]), text="", account=label,
                scope=alert.scope if alert else "", owner=owner, began_at=begins,
            )  # fmt: skip
            stage = Stage(facts, folder, session, holders, book, run, alert, begins)
            ways = list(_ways(stage, _Way((), begins)))
            session.rollback()  # the arm of an experiment that was asked for
    return {"playbook": name, "account": label, "at": begins, "ways": ways}


def _ways(stage: Stage, way: _Way) -> Iterator[dict[str, Any]]:
    """Every way from here to an end, at most MOST_WAYS."""
    todo, told = [way], 0
    while todo and told < MOST_WAYS:
        way = todo.pop()
        ended, more = _on(stage, way)
        if ended is not None:
            told += 1
            yield ended
        todo += reversed(more)


def _on(stage: Stage, way: _Way) -> tuple[dict[str, Any] | None, list[_Way]]:
    """One move further: the way as told where it ends, else the ways it may take."""
    book = stage.book
    name = position(book, way.lines)
    step = book.steps.get(name)
    known = dict(way.holds)
    if isinstance(step, BranchStep) and is_sentence(step.branch) and step.branch not in known:
        return None, [
            replace(way, holds=(*way.holds, (step.branch, so)), supposed=(*way.supposed, _if(step.branch, so)))
            for so in (True, False)
        ]
    stage.at = way.at
    stage.supposed = [
        (str(line.details.get("to_whom")), line.at)
        for line in way.lines
        if line.kind == "did" and line.step in book.steps and book.outward(line.step)
    ]
    move = next_move(book, way.lines, way.at, Seen(business_time(stage.folder.settings), known))
    match move:
        case End(outcome, reason):
            return _told(stage, way, outcome, reason), []
        case Stuck(reason):
            return _told(stage, way, "stuck", reason), []
        case Go(at_step, to, why):
            return None, [way.line("went", at_step, to=to, why=why)]
        case Act(at_step):
            try:
                return None, [_acted(way, at_step, do(stage, at_step, way.lines))]
            except InputError as error:
                return _told(stage, way, "stuck", error.message), []
        case Wait(at_step, until, True):
            return None, [way.line("waits", at_step, until=until.isoformat(), draft=getattr(move, "draft", ""))]
        case Ask(at_step, until, draft=draft):
            soon = replace(way, at=min(until, way.at + SOON))
            answers = [
                replace(soon, supposed=(*way.supposed, f"{at_step}: {said}")).line(kind, at_step, by="you", draft=draft)
                for kind, said in (("approved", "yes"), ("rejected", "no"))
            ]
            return None, [*answers, replace(way, at=until, supposed=(*way.supposed, f"{at_step}: no answer"))]
        case WaitFor(at_step, until, what=what):
            began = waiting(way.lines, at_step)
            soon = replace(way, at=min(until, way.at + SOON), supposed=(*way.supposed, f"{what} comes"))
            # A reply is a line of the journal; an event or a sentence is supposed to be seen.
            came = (
                soon.line("reply", at_step)
                if what.strip().lower() == "reply"
                else soon.line("went", at_step, to=book.next(at_step), why=f"It came: {what}.")
            )
            assert began is not None
            return None, [came, replace(way, at=until, supposed=(*way.supposed, f"{what} does not come"))]
        case Wait(at_step, until):
            return None, [replace(way, at=until)]
    raise AssertionError(f"{move} is no move")


def _if(sentence: str, so: bool) -> str:
    return sentence if so else f"not: {sentence}"


def _acted(way: _Way, step: str, done: Done) -> _Way:
    if done.held_out:
        return way.line("unsent", step, to="end", why=done.kept.reason if done.kept else "")
    if done.kept is not None and done.kept.until is not None:
        return way.line("waits", step, until=done.kept.until.isoformat(), why=done.kept.reason)
    if done.kept is not None:
        return way.line("unsent", step, to=done.to, why=f"{done.kept.guard}: {done.kept.reason}")
    return way.line("did", step, to=done.to, **done.details)


def _told(stage: Stage, way: _Way, outcome: str, reason: str) -> dict[str, Any]:
    lines = [{"at": line.at, "step": line.step, **_what(stage, way, line)} for line in way.lines]
    last = {"at": way.at, "step": "", "what": f"ends: {outcome}" + (f" ({reason})" if reason else "")}
    return {"if": list(way.supposed), "outcome": outcome, "lines": [*lines, last]}


def _what(stage: Stage, way: _Way, line: Line) -> dict[str, Any]:
    """A line of the journal in words."""
    details = line.details
    if line.kind == "did":
        kind = stage.book.steps[line.step].key
        to = details.get("to_whom") or (details.get("recipient") or {}).get("email") or details.get("nobody") or ""
        said = f"{kind} to {to}" if to else kind
        if kind == "send":
            sent = written(way.lines, getattr(stage.book.steps[line.step], "send", ""))
            return {"what": f"{said}: {sent.get('subject', '')}", "text": sent.get("text")}
        title = details.get("subject") or (details.get("resource") or {}).get("title") or details.get("text") or ""
        return {"what": f"{said}: {title}" if title else said, "text": details.get("text")}
    if line.kind == "waits":
        until = datetime.fromisoformat(details["until"])
        return {"what": f"waits until {until:%Y-%m-%d %H:%M}" + (f": {details['why']}" if details.get("why") else "")}
    if line.kind == "unsent":
        return {"what": f"not sent: {details['why']}"}
    return {"what": f"{line.kind}" + (f": {details['why']}" if details.get("why") else "")}
