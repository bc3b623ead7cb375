"""What a run does next: a pure function of its playbook, its journal, what is known, and the time.

The journal is the run: only what stands in it has happened. A step is left by a line that says where `to`; steps go
forward only, so the last such line says where the run stands, and no step is done twice. Replaying a journal gives the
same move, after any crash and on any machine (Reuter and Wächter, "The ConTract Model", 1991).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from beforehand.calendar import BusinessTime
from beforehand.playbooks.book import GO_ON, Book, event_of, is_sentence, to_customer
from beforehand.workspace.playbook_spec import (
    END,
    REPLY,
    ApproveStep,
    BranchStep,
    EndStep,
    WaitForStep,
    WaitStep,
)

MOST_LINES = 200
"""A run whose journal is longer is ended: something about it is wrong."""
APPROVED, REJECTED, REPLIED, WAITS, ENDED = "approved", "rejected", "reply", "waits", "ended"


@dataclass(frozen=True)
class Line:
    """One line of a journal. `details["to"]` is the step it goes to, `details["until"]` (ISO 8601) when a wait ends."""

    n: int
    at: datetime
    kind: str
    step: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What is known of the account at the moment, as far as the run may ask for it.

    `holds`: sentences that are judged, True where they hold; one that is unsure is missing. `events` are those that
    came since the run waits for them. `cleared`: how the alert was closed, None while it is open or there is none.
    `deleted`: the playbook's file is gone.
    """

    business: BusinessTime
    holds: Mapping[str, bool] = field(default_factory=dict)
    events: frozenset[str] = frozenset()
    cleared: str | None = None
    deleted: bool = False


@dataclass(frozen=True)
class Act:
    """A step is to be done: something is written, rendered, offered or handed over."""

    step: str


@dataclass(frozen=True)
class Go:
    """A step is over without anything being done: where it goes, and why."""

    step: str
    to: str
    why: str


@dataclass(frozen=True)
class Wait:
    """Nothing is to be done before `until`; `begins` where that must be written down."""

    step: str
    until: datetime
    begins: bool = False


@dataclass(frozen=True)
class WaitFor(Wait):
    """Nothing is to be done before `until`, or before `what` comes."""

    what: str = ""


@dataclass(frozen=True)
class Ask(Wait):
    """Somebody is asked to approve a draft, and has not answered."""

    draft: str = ""


@dataclass(frozen=True)
class End:
    """The run is over."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class Stuck:
    """The run cannot go on: what a person must know."""

    reason: str


Move = Act | Go | Wait | End | Stuck


def next_move(book: Book, journal: Sequence[Line], now: datetime, seen: Seen) -> Move:
    """What a run does next at `now`, which is never before its last line: a clock set back changes nothing."""
    at = max([now, *(line.at for line in journal)])
    over = next((line for line in journal if line.kind == ENDED), None)
    if over is not None:
        return End(str(over.details.get("outcome", "")), str(over.details.get("reason", "")))
    if len(journal) >= MOST_LINES:
        return Stuck(f"It has {MOST_LINES} lines in its journal and is no nearer to an end.")
    if seen.deleted and book.spec.when_deleted == "end":
        return End("playbook removed", "The file of the playbook was removed.")
    if book.spec.goal and seen.holds.get(book.spec.goal):
        return End(book.spec.outcome, f"The goal is met: {book.spec.goal}.")
    if seen.cleared is not None and book.spec.when_cleared == "end":
        outcome = "recovered" if seen.cleared == "cleared" else seen.cleared
        return End(outcome, f"Its alert was closed: {seen.cleared}.")
    name = position(book, journal)
    if name == END:
        return End("done", "The last step is done.")
    if name not in book.steps:
        return Stuck(f"There is no step {name!r} in the version it began on.")
    return _at_step(book, name, journal, at, seen)


def position(book: Book, journal: Sequence[Line]) -> str:
    """The step a run stands at; `end` behind the last."""
    return next((str(line.details["to"]) for line in reversed(journal) if "to" in line.details), next(iter(book.steps)))


def waiting(journal: Sequence[Line], step: str) -> Line | None:
    """The line by which a run began to wait at a step, the newest."""
    return next((line for line in reversed(journal) if line.kind == WAITS and line.step == step), None)


def _at_step(book: Book, name: str, journal: Sequence[Line], at: datetime, seen: Seen) -> Move:
    step = book.steps[name]
    began = waiting(journal, name)
    since = [line for line in journal if began is not None and line.n > began.n]
    if began is not None and not _for_reply(step) and any(line.kind == REPLIED for line in since):
        answer = book.spec.when_they_reply
        # A step that lies behind would be a circle: the reply is noted, and the run goes on as it would.
        if answer == END:
            return End("replied", "They have answered: a person takes over.")
        if answer != GO_ON and book.order.get(answer, -1) > book.order[name]:
            return Go(name, answer, "They have answered.")
    until = None if began is None else datetime.fromisoformat(str(began.details["until"]))
    match step:
        case EndStep():
            return End(step.end, "")
        case BranchStep():
            so = _so(step.branch, journal, seen)
            return Go(name, book.next(name) if so else step.otherwise, step.branch if so else f"not: {step.branch}")
        case WaitStep():
            if until is None:
                return Wait(name, step.wait.after(at, seen.business), begins=True)
            return Wait(name, until) if at < until else Go(name, book.next(name), f"{step.wait} have passed.")
        case WaitForStep():
            if until is None:
                return WaitFor(name, step.within.after(at, seen.business), begins=True, what=step.wait_for)
            if _came(step.wait_for, since, seen):
                return Go(name, book.next(name), f"It came: {step.wait_for}.")
            if at >= until:
                return Go(name, book.next(name, step.otherwise), f"Not within {step.within}: {step.wait_for}.")
            return WaitFor(name, until, what=step.wait_for)
        case ApproveStep():
            if until is None and nobody_hears(book, step.approve, journal):
                return Go(name, book.next(name), "There is nobody to write to, so nobody is asked.")
            if until is None:
                return Ask(name, step.within.after(at, seen.business), begins=True, draft=step.approve)
            answered = next((line for line in since if line.kind in (APPROVED, REJECTED)), None)
            if answered is not None:
                to = book.next(name) if answered.kind == APPROVED else step.rejected
                return Go(name, to, f"{answered.kind} by {answered.details.get('by', 'somebody')}")
            if at >= until:
                return Go(name, step.otherwise, f"Nobody answered within {step.within}.")
            return Ask(name, until, draft=step.approve)
        case _:
            # A message that was put off waits as any other.
            return Wait(name, until) if until is not None and at < until else Act(name)


def nobody_hears(book: Book, draft: str, journal: Sequence[Line]) -> bool:
    """Whether a draft for a customer was written to nobody, or to somebody without an address."""
    if not any(to_customer(to) for to in book.draft(draft).to):
        return False
    line = next((line for line in reversed(journal) if line.step == draft and line.kind == "did"), None)
    if line is None or "recipient" not in line.details:
        return line is not None and "nobody" in line.details
    return not line.details["recipient"].get("email")


def _for_reply(step: object) -> bool:
    return isinstance(step, WaitForStep) and step.wait_for.strip().lower() == REPLY


def _so(what: str, journal: Sequence[Line], seen: Seen) -> bool:
    if not is_sentence(what):
        return any(line.kind == REPLIED for line in journal)
    return bool(seen.holds.get(what))


def _came(what: str, since: Sequence[Line], seen: Seen) -> bool:
    event = event_of(what)
    if event is not None:
        return event in seen.events
    if not is_sentence(what):
        return any(line.kind == REPLIED for line in since)
    return bool(seen.holds.get(what))
