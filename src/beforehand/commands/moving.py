"""Runs moved as far as they go: those that are due, many in one transaction, their lines and acts together or neither.

What the facts and the state say of them is read once for all. What is decided follows from the journals alone, so that
whoever is killed in the middle leaves nothing of it, and the next `run` decides the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand.channels import Button
from beforehand.commands.at_accounts import Accounts
from beforehand.commands.doing import Done, Stage, Told, do, tell, written
from beforehand.commands.edits import APPROVE, REJECT
from beforehand.commands.handing import put_kept, put_message
from beforehand.commands.people import Holders
from beforehand.errors import BeforehandError, InputError
from beforehand.playbooks import Act, Ask, Book, End, Go, Line, Seen, Stuck, Wait, WaitFor, next_move, position, waiting
from beforehand.playbooks.book import event_of
from beforehand.store import Run, runs, telling
from beforehand.store.run_batch import RunBatch
from beforehand.workspace.playbook_spec import OWNER, WaitForStep
from beforehand.workspace.working import business_time

if TYPE_CHECKING:
    from beforehand.calendar import BusinessTime
    from beforehand.facts import Facts
    from beforehand.store import Store
    from beforehand.workspace import Folder

STUCK, HELD_OUT = "stuck", "held out"
MOST_MOVES = 300
MOST_ADDRESSES = 5_000
"""So many addresses are asked about at once, before a message to one of them is written."""
Verdicts = Mapping[str, Mapping[str, datetime]]
"""For each sentence the accounts at which it holds, each with the end of the close that says so."""


@dataclass(frozen=True)
class Mover:
    """Moves runs at `at`. `books` are the playbooks they are on, by version; `holds` is where their sentences hold."""

    facts: Facts
    folder: Folder
    state: Store
    books: Mapping[str, Book]
    holds: Verdicts
    holders: Holders
    at: datetime
    faults: list[Exception] = field(default_factory=list)
    """What went wrong by faults of ours, for whoever moves them to raise once all others are moved."""

    def move(self, numbers: Sequence[int]) -> tuple[int, int]:
        """Moves the runs of these numbers in one transaction; returns how many there were and how many ended.

        Where one fails by a fault of ours, each is moved alone, so that it keeps back no other; it is left as it was.
        """
        try:
            return self._together(numbers)
        except BeforehandError:
            raise
        except Exception as fault:
            if len(numbers) == 1:
                self.faults.append(fault)
                return 0, 0
        moved = [self.move([number]) for number in numbers]
        return sum(one for one, _ in moved), sum(ended for _, ended in moved)

    def _together(self, numbers: Sequence[int]) -> tuple[int, int]:
        with self.state.read() as session:
            found = session.execute(select(Run.account, Run.began_at).where(Run.number.in_(numbers))).all()
        if not found:
            return 0, 0
        # What is known of them is read before the state is locked: nobody shall wait for that.
        accounts = Accounts(self.facts, [account for account, _ in found], self.at, min(began for _, began in found))
        people = (person.email for here in accounts.known.values() for person in here.people if person.email)
        business = business_time(self.folder.settings)
        ended = 0
        with self.state.write() as session:
            batch = RunBatch.numbered(session, numbers)
            batch.look_up(islice(people, MOST_ADDRESSES))
            with session.no_autoflush:
                for run in batch.runs:
                    ended += self._one(batch, accounts, run, business)
            telling.put_shared(session, self.holders.new, self.at)
            self.holders.new.clear()
        return len(batch.runs), ended

    def _one(self, batch: RunBatch, accounts: Accounts, run: Run, business: BusinessTime) -> bool:
        """Moves a run as far as it goes, in the transaction of its batch; True where it ended."""
        book = self.books.get(run.digest)
        if book is None:
            why = "The version it began on cannot be read by this version of Beforehand."
            runs.end_run(batch.session, run, self.at, STUCK, why)
            return True
        stage = Stage(
            self.facts, self.folder, batch.session, self.holders, book, run, batch.alert(run), self.at,
            among=accounts, beside=batch,
        )  # fmt: skip
        for _ in range(MOST_MOVES):
            lines = [Line(e.n, e.at, e.kind, e.step, e.details) for e in batch.lines(run)]
            now = max([self.at, *(line.at for line in lines)])
            found = next_move(book, lines, now, seen_of(stage, lines, self.holds, business))
            match found:
                case End(outcome, reason):
                    runs.end_run(batch.session, run, now, outcome, reason)
                    return True
                case Stuck(reason):
                    return _stuck(stage, now, reason)
                case Go(step, to, why):
                    batch.add_line(run, now, "went", step, {"to": to, "why": why})
                case Wait(step, until, begins):
                    if begins:
                        batch.add_line(run, now, "waits", step, {"until": until.isoformat()})
                        if isinstance(found, Ask):
                            _ask(stage, found, lines, now)
                    # What only the facts can tell is looked at by every `run`.
                    asks = isinstance(found, WaitFor) and found.what.strip().lower() != "reply"
                    run.due_at = now if asks else until
                    return False
                case Act(step):
                    try:
                        done = do(stage, step, lines)
                        _write(stage, step, done, now)
                    except InputError as error:
                        return _stuck(stage, now, f"{step}: {error.message}")
                    if done.held_out:
                        why = "It is in the arm for which nothing is done."
                        runs.end_run(batch.session, run, now, HELD_OUT, why)
                        return True
                    if done.kept is not None and done.kept.until is not None:
                        run.due_at = done.kept.until
                        return False
        return _stuck(stage, self.at, "It does not come to an end.")


def seen_of(stage: Stage, lines: Sequence[Line], holds: Verdicts, business: BusinessTime) -> Seen:
    """What is known of a run's account, as far as its next move asks for it."""
    book, run, alert = stage.book, stage.run, stage.alert
    name = position(book, lines)
    step = book.steps.get(name)
    began = waiting(lines, name)
    known: dict[str, bool] = {}
    for sentence, where in holds.items():
        end = where.get(run.account)
        # A goal is met by what happened since; so is what is waited for.
        since = run.began_at if sentence == book.spec.goal else None
        if isinstance(step, WaitForStep) and step.wait_for == sentence and began is not None:
            since = began.at
        known[sentence] = end is not None and (since is None or end > since)
    events: frozenset[str] = frozenset()
    event = event_of(step.wait_for) if isinstance(step, WaitForStep) else None
    if event is not None and began is not None and stage.accounts.came(run.account, event, began.at):
        events = frozenset({event})
    return Seen(
        business,
        known,
        events,
        cleared=alert.close_reason if alert is not None and alert.closed_at is not None else None,
        deleted=book.name not in stage.folder.shelf.books,
    )


def _write(stage: Stage, step: str, done: Done, now: datetime) -> None:
    """A step's line and its acts; or that a guard kept it back."""
    session, run = stage.session, stage.run
    if done.kept is not None:
        why = {"guard": done.kept.guard, "why": done.kept.reason}
        if done.kept.until is not None:  # put off, not kept back: it goes later, or is kept back then
            stage.batch.add_line(run, now, "waits", step, {**why, "until": done.kept.until.isoformat()})
        else:
            runs.keep_unsent(
                session, at=now, run=run, step=step, person=done.person, guard=done.kept.guard, reason=done.kept.reason
            )
            stage.batch.add_line(run, now, "unsent", step, {**why, "to": done.to})
        return
    for told in done.told:
        put(stage, step, told, now)
    stage.batch.add_line(run, now, "did", step, {**done.details, "to": done.to})


def put(stage: Stage, step: str, told: Told, now: datetime) -> None:
    """Writes an act once: its key is the run, the step, the recipient and the channel."""
    session, run = stage.session, stage.run
    key = f"{run.number}:{step}:{told.recipient}:{told.channel or told.kind}"
    if told.message is not None:
        new = put_message(
            session, stage.folder.settings.channels, told.message, key=key, channel=told.channel,
            recipient=told.recipient, now=now, outward=told.outward, run=run.number, step=step,
        )  # fmt: skip
        if new and told.outward:
            stage.batch.goes_out(run.account, told.recipient, now)
    else:
        put_kept(
            session, key=key, kind=told.kind, recipient=told.recipient, payload=dict(told.payload), now=now,
            run=run.number, step=step,
        )  # fmt: skip


def _ask(stage: Stage, asked: Ask, lines: Sequence[Line], now: datetime) -> None:
    """Tells whoever is to approve a draft that they are asked."""
    step: Any = stage.book.steps[asked.step]
    draft = written(lines, asked.draft)
    who = stage.teammate(step.by)
    to = draft.get("recipient", {})
    whom = to.get("name") or to.get("email") or "nobody yet"
    until = f"{asked.until:%Y-%m-%d %H:%M} UTC"
    text = f"To {whom}\n\n{draft.get('subject', '')}\n\n{draft.get('text', '')}\n\n"
    text += f"Say yes or no by {until}: beforehand approve {stage.run.number}"
    told = tell(stage, who, f"To approve: {draft.get('subject', asked.draft)}", text, "approval")
    if told.message is not None:
        # The step says which answer is meant: a button of an earlier one answers no later one.
        value = f"{stage.run.number}|{asked.step}"
        buttons = (Button("Approve", APPROVE, value, "primary"), Button("Reject", REJECT, value))
        told = replace(told, message=replace(told.message, blocks=(*told.message.blocks, *buttons)))
    put(stage, asked.step, told, now)


def _stuck(stage: Stage, now: datetime, reason: str) -> bool:
    runs.end_run(stage.session, stage.run, now, STUCK, reason)
    who = stage.teammate((OWNER,))
    put(stage, STUCK, tell(stage, who, f"{stage.run.playbook} is stuck at {stage.run.account}", reason), now)
    return True
