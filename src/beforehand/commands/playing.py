"""Playbooks at work: `run` begins runs for new alerts, looks at those that are due, and writes acts and journal.

Each run moves in one transaction: its lines and the acts they speak of are there together, or neither is. What is
decided follows from the journal alone, so that a `run` that was killed anywhere does the rest and nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import func, select

from beforehand.calendar import to_datetime, to_us
from beforehand.commands.at_account import at_account, events_since
from beforehand.commands.doing import OWNER, Done, Stage, Told, do, tell, written
from beforehand.commands.handing import put_kept, put_message
from beforehand.commands.judging import judged
from beforehand.commands.people import Holders, whose_run
from beforehand.commands.route import holders_of as routed
from beforehand.errors import BeforehandError, InputError
from beforehand.playbooks import Act, Ask, Book, End, Go, Line, Seen, Stuck, Wait, WaitFor, next_move, position, waiting
from beforehand.playbooks.book import event_of
from beforehand.signals import SentenceError
from beforehand.signals.numbers import HOLDS
from beforehand.signals.population import true_of
from beforehand.signals.whom import population_of
from beforehand.store import Alert, Run, runs, telling
from beforehand.workspace.playbook_spec import WaitForStep
from beforehand.workspace.playbooks import OUR_SOURCE, book_from, signal_of
from beforehand.workspace.working import business_time

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.facts import Facts
    from beforehand.store import Store
    from beforehand.workspace import Folder

LOOK_BACK = timedelta(days=120)
STUCK, HELD_OUT = "stuck", "held out"
MOST_MOVES = 300
Verdicts = dict[str, dict[str, datetime]]
"""For each sentence the accounts at which it holds, each with the end of the close that says so."""


def play(facts: Facts, folder: Folder, state: Store, at: datetime) -> dict[str, int]:
    """Begins and moves runs as of `at`; returns how many began, moved and ended. Call it with the facts open."""
    tell_facts(facts, state, at)
    began = begin(facts, folder, state, at)
    with state.read() as session:
        texts = runs.live_books(session)
    if not texts:
        return {"began": began, "moved": 0, "ended": 0}
    books = {digest: book for digest, text in texts.items() if (book := _book(text)) is not None}
    holds = judge(facts, folder, {s for book in books.values() for s in book.sentences}, at)
    meeting = {
        (digest, account)
        for digest, book in books.items()
        if book.spec.goal
        for account in holds.get(book.spec.goal, {})
    }
    gone = {d for d, book in books.items() if book.name not in folder.shelf.books and book.spec.when_deleted == "end"}
    with state.read() as session:
        due = runs.due_runs(session, at, meeting, gone | (texts.keys() - books.keys()))
        holders = holders_of(folder, at, session)
    moved = ended = 0
    for number in due:
        with state.write() as session:
            run = session.get(Run, number)
            if run is None or run.state != runs.LIVE:
                continue
            moved += 1
            ended += move(facts, folder, session, run, books.get(run.digest), holds, holders, at)
            keep_shared(session, holders, at)
    return {"began": began, "moved": moved, "ended": ended}


def begin(facts: Facts, folder: Folder, state: Store, at: datetime) -> int:
    """Begins a run for each new alert and each playbook that answers it."""
    shelf = folder.shelf
    with state.read() as session:
        newest = session.scalar(select(func.max(Alert.number))) or 0
        after = runs.looked_at(session)
        # Where playbooks are new, alerts that were raised before are for people.
        new = Alert.raised_at >= at if after is None else Alert.number > after
        alerts = list(
            session.scalars(
                select(Alert).where(new, Alert.shadow.is_(False), Alert.closed_at.is_(None)).order_by(Alert.number)
            )
        )
    wanted = [(alert, book) for alert in alerts for book in shelf.books.values() if answers(folder, book, alert)]
    chosen = []
    for alert, book in wanted:
        if book.spec.when.accounts is not None:
            traits = at_account(facts, alert.account, at).traits
            if not true_of(population_of(book.spec.when.accounts), traits):
                continue
        chosen.append((alert, book))
    began = 0
    with state.write() as session:
        holders = holders_of(folder, at, session)
        for alert, book in chosen:
            owner = owner_of(facts, holders, book, alert.account, alert, at)
            run = start(session, folder, book, alert.account, at, alert, owner)
            began += run is not None
        keep_shared(session, holders, at)
        if newest:
            runs.put_looked_at(session, newest)
    return began


def start(
    session: Session, folder: Folder, book: Book, account: str, at: datetime, alert: Alert | None, owner: str | None
) -> Run | None:
    """Begins a run; None where one lives."""
    text = folder.shelf.texts[book.name]
    run = runs.begin_run(
        session, playbook=book.name, digest=digest_of(text), text=text, account=account, now=at, alert=alert,
        scope=alert.scope if alert else "", owner=owner,
    )  # fmt: skip
    if run is not None:
        runs.add_line(session, run, at, "began", details={"alert": alert.name if alert else None})
    return run


def answers(folder: Folder, book: Book, alert: Alert) -> bool:
    """Whether an alert begins a playbook, its population aside."""
    when, spec = book.spec.when, folder.specs.get(alert.signal)
    named = alert.signal in when.signals or (spec is not None and spec.playbook == book.name)
    fits = not when.severity or alert.severity in when.severity
    return book.spec.mode == "on" and named and fits and (when.backlog or not alert.backlog)


def owner_of(facts: Facts, holders: Holders, book: Book, account: str, alert: Alert | None, at: datetime) -> str | None:
    """Whose a run is: the holder of the playbook's role, else whose the alert is, else whose the account is."""
    traits = at_account(facts, account, at).traits
    return whose_run(holders, book.spec.owner, account, traits, alert.owner if alert else None)[0]


def holders_of(folder: Folder, at: datetime, session: Session) -> Holders:
    """Who holds each role: as team.yaml says, and as accounts were shared and handed over."""
    return routed(session, folder, at)


def keep_shared(session: Session, holders: Holders, at: datetime) -> None:
    """Keeps whom accounts were shared to while runs asked, so that they stay there."""
    telling.put_shared(session, holders.new, at)
    holders.new.clear()


def digest_of(text: str) -> str:
    """The version of a playbook: what its text is known by."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def judge(facts: Facts, folder: Folder, sentences: Collection[str], at: datetime) -> Verdicts:
    """Where sentences hold at their last close; one that is no longer understood holds nowhere."""
    signals = {}
    for sentence in sorted(sentences):
        try:
            signals[f"playbook: {sentence}"] = (sentence, signal_of(sentence, folder.vocabulary))
        except SentenceError:
            continue
    found: Verdicts = {}
    if not signals or facts.watermark() <= 0:
        return found
    since = to_us(at - LOOK_BACK)
    for history in judged(facts, folder, [s for _, s in signals.values()], now_us=to_us(at), since_us=since):
        if not len(history.ends):
            continue
        rows = (history.verdicts[:, -1] == HOLDS).nonzero()[0]
        end = to_datetime(int(history.ends[-1]))
        labels = (facts.label(int(history.subjects.account[row])) for row in rows)
        found[signals[history.signal.name][0]] = dict.fromkeys(labels, end)
    return found


def move(
    facts: Facts, folder: Folder, session: Session, run: Run, book: Book | None, holds: Verdicts, holders: Holders,
    at: datetime,
) -> bool:  # fmt: skip
    """Moves a run as far as it goes at `at`, in the caller's transaction; True where it ended."""
    if book is None:
        runs.end_run(session, run, at, STUCK, "The version it began on cannot be read by this version of Beforehand.")
        return True
    alert = session.get(Alert, run.alert) if run.alert is not None else None
    stage = Stage(facts, folder, session, holders, book, run, alert, at)
    for _ in range(MOST_MOVES):
        lines = as_lines(session, run.number)
        now = max([at, *(line.at for line in lines)])
        seen = seen_of(stage, lines, holds)
        found = next_move(book, lines, now, seen)
        match found:
            case End(outcome, reason):
                runs.end_run(session, run, now, outcome, reason)
                return True
            case Stuck(reason):
                return _stuck(stage, now, reason)
            case Go(step, to, why):
                runs.add_line(session, run, now, "went", step, {"to": to, "why": why})
            case Wait(step, until, begins):
                if begins:
                    runs.add_line(session, run, now, "waits", step, {"until": until.isoformat()})
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
                    runs.end_run(session, run, now, HELD_OUT, "It is in the arm for which nothing is done.")
                    return True
                if done.kept is not None and done.kept.until is not None:
                    run.due_at = done.kept.until
                    return False
    return _stuck(stage, at, "It does not come to an end.")


def seen_of(stage: Stage, lines: list[Line], holds: Verdicts) -> Seen:
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
    if event is not None and began is not None and events_since(stage.facts, stage.here, event, began.at):
        events = frozenset({event})
    return Seen(
        business_time(stage.folder.settings),
        known,
        events,
        cleared=alert.close_reason if alert is not None and alert.closed_at is not None else None,
        deleted=book.name not in stage.folder.shelf.books,
    )


def as_lines(session: Session, run: int) -> list[Line]:
    """A run's journal as the pure room reads it."""
    return [Line(e.n, e.at, e.kind, e.step, e.details) for e in runs.lines_of(session, run)]


def _write(stage: Stage, step: str, done: Done, now: datetime) -> None:
    """A step's line and its acts; or that a guard kept it back."""
    session, run = stage.session, stage.run
    if done.kept is not None:
        why = {"guard": done.kept.guard, "why": done.kept.reason}
        if done.kept.until is not None:  # put off, not kept back: it goes later, or is kept back then
            runs.add_line(session, run, now, "waits", step, {**why, "until": done.kept.until.isoformat()})
        else:
            runs.keep_unsent(
                session, at=now, run=run, step=step, person=done.person, guard=done.kept.guard, reason=done.kept.reason
            )
            runs.add_line(session, run, now, "unsent", step, {**why, "to": done.to})
        return
    for told in done.told:
        put(stage, step, told, now)
    runs.add_line(session, run, now, "did", step, {**done.details, "to": done.to})


def put(stage: Stage, step: str, told: Told, now: datetime) -> None:
    """Writes an act once: its key is the run, the step, the recipient and the channel."""
    session, run = stage.session, stage.run
    key = f"{run.number}:{step}:{told.recipient}:{told.channel or told.kind}"
    if told.message is not None:
        put_message(
            session, stage.folder.settings.channels, told.message, key=key, channel=told.channel,
            recipient=told.recipient, now=now, outward=told.outward, run=run.number, step=step,
        )  # fmt: skip
    else:
        put_kept(
            session, key=key, kind=told.kind, recipient=told.recipient, payload=dict(told.payload), now=now,
            run=run.number, step=step,
        )  # fmt: skip


def _ask(stage: Stage, asked: Ask, lines: list[Line], now: datetime) -> None:
    """Tells whoever is to approve a draft that they are asked."""
    step: Any = stage.book.steps[asked.step]
    draft = written(lines, asked.draft)
    who = stage.teammate(step.by)
    to = draft.get("recipient", {})
    whom = to.get("name") or to.get("email") or "nobody yet"
    until = f"{asked.until:%Y-%m-%d %H:%M} UTC"
    text = f"To {whom}\n\n{draft.get('subject', '')}\n\n{draft.get('text', '')}\n\n"
    text += f"Say yes or no by {until}: beforehand approve {stage.run.number}"
    put(stage, asked.step, tell(stage, who, f"To approve: {draft.get('subject', asked.draft)}", text, "approval"), now)


def _stuck(stage: Stage, now: datetime, reason: str) -> bool:
    runs.end_run(stage.session, stage.run, now, STUCK, reason)
    who = stage.teammate((OWNER,))
    put(stage, STUCK, tell(stage, who, f"{stage.run.playbook} is stuck at {stage.run.account}", reason), now)
    return True


def _book(text: str) -> Book | None:
    try:
        return book_from(text)
    except BeforehandError:
        return None


def tell_facts(facts: Facts, state: Store, at: datetime) -> int:
    """Loads touches for what was sent since; the facts know each once, whenever this is cut off."""
    with state.write() as session:
        runs.note_touches(session)
        unknown = runs.touches_to_load(session)
        numbers = [touch.number for touch in unknown]
        due = [
            {"id": t.key, "account": t.account, "person": t.person, "at": t.at, "teammate": t.teammate, "kind": t.kind,
             "note": t.note}
            for t in unknown
        ]  # fmt: skip
    if not due:
        return 0
    with TemporaryDirectory() as folder:
        path = Path(folder) / "touches.parquet"
        pq.write_table(pa.Table.from_pylist(due), path)
        facts.load([path], table="touches", source=OUR_SOURCE, learned="now", now=at)
    with state.write() as session:
        runs.touches_loaded(session, numbers, at)
    return len(due)
