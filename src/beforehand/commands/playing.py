"""Playbooks at work: `run` begins runs for new alerts, looks at those that are due, and writes acts and journal.

Only runs that are due are read, some hundreds in one transaction (see `moving`): those that wait cost a row. A `run`
that was killed anywhere does the rest when it is started again, and nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import and_, func, or_, select

from beforehand.alerts import SEVERITIES
from beforehand.calendar import to_datetime, to_us
from beforehand.commands.at_accounts import Accounts
from beforehand.commands.judging import judged
from beforehand.commands.moving import Mover
from beforehand.commands.people import Holders, whose_run
from beforehand.commands.route import holders_of as routed
from beforehand.errors import BeforehandError
from beforehand.playbooks import Book, Line
from beforehand.playbooks.book import GO_ON
from beforehand.signals import SentenceError
from beforehand.signals.numbers import HOLDS
from beforehand.signals.population import true_of
from beforehand.signals.whom import population_of
from beforehand.store import Alert, Run, runs, telling
from beforehand.workspace.playbooks import OUR_SOURCE, book_from, signal_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.facts import Facts
    from beforehand.store import Store
    from beforehand.workspace import Folder

LOOK_BACK = timedelta(days=120)
CLEARED, JUST_OVER = "cleared", timedelta(days=3)
TOGETHER = 200
"""So many runs are moved in one transaction."""


def play(facts: Facts, folder: Folder, state: Store, at: datetime) -> dict[str, int]:
    """Begins and moves runs as of `at`; returns how many began, moved and ended. Call it with the facts open."""
    tell_facts(facts, state, at)
    began = begin(facts, folder, state, at)
    with state.read() as session:
        texts = runs.live_books(session)
    books = {digest: book for digest, text in texts.items() if (book := _book(text)) is not None}
    holds = judge(facts, folder, {s for book in books.values() for s in book.sentences}, at)
    meeting = {
        (digest, account): end
        for digest, book in books.items()
        if book.spec.goal
        for account, end in holds.get(book.spec.goal, {}).items()
    }
    gone = {d for d, book in books.items() if book.name not in folder.shelf.books and book.spec.when_deleted == "end"}
    with state.read() as session:
        due, looked = runs.due_runs(session, at, meeting, gone | (texts.keys() - books.keys()))
        holders = holders_of(folder, at, session)
    moved = ended = 0
    mover = Mover(facts, folder, state, books, holds, holders, at)
    for start_at in range(0, len(due), TOGETHER):
        together = mover.move(due[start_at : start_at + TOGETHER])
        moved, ended = moved + together[0], ended + together[1]
    if mover.faults:
        raise mover.faults[0]
    with state.write() as session:
        runs.put_closed_seen(session, looked)
    return {"began": began, "moved": moved, "ended": ended}


def begin(facts: Facts, folder: Folder, state: Store, at: datetime) -> int:
    """Begins a run for each new alert and each playbook that answers it."""
    shelf = folder.shelf
    with state.read() as session:
        newest = session.scalar(select(func.max(Alert.number))) or 0
        after = runs.looked_at(session)
        # Where playbooks are new, alerts that were raised before are for people.
        new = Alert.raised_at >= at if after is None else Alert.number > after
        # What was over before we looked, as a spike is within the day, is still answered where a playbook goes on.
        over = and_(Alert.close_reason == CLEARED, Alert.closed_at >= at - JUST_OVER)
        standing = or_(Alert.closed_at.is_(None), over)
        alerts = list(
            session.scalars(select(Alert).where(new, Alert.shadow.is_(False), standing).order_by(Alert.number))
        )
    # Where two playbooks would write to one account, the more urgent one does.
    alerts.sort(key=lambda alert: SEVERITIES.index(alert.severity))
    wanted = [
        (alert, book)
        for alert in alerts
        for book in shelf.books.values()
        if answers(folder, book, alert) and (alert.closed_at is None or book.spec.when_cleared == GO_ON)
    ]
    accounts = Accounts(facts, [alert.account for alert, _ in wanted], at)
    chosen = [(alert, book) for alert, book in wanted if meant(book, accounts.of(alert.account).traits)]
    began = 0
    with state.write() as session:
        holders = holders_of(folder, at, session)
        for alert, book in chosen:
            traits = accounts.of(alert.account).traits
            owner = whose_run(holders, book.spec.owner, alert.account, traits, alert.owner)[0]
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


def meant(book: Book, traits: Mapping[str, str]) -> bool:
    """Whether an account is of those that a playbook is for."""
    accounts = book.spec.when.accounts
    return accounts is None or true_of(population_of(accounts), traits)


def owner_of(facts: Facts, holders: Holders, book: Book, account: str, alert: Alert | None, at: datetime) -> str | None:
    """Whose a run is: the holder of the playbook's role, else whose the alert is, else whose the account is."""
    traits = Accounts(facts, [account], at).of(account).traits
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


def judge(facts: Facts, folder: Folder, sentences: Collection[str], at: datetime) -> dict[str, dict[str, datetime]]:
    """Where sentences hold at their last close; one that is no longer understood holds nowhere."""
    signals = {}
    for sentence in sorted(sentences):
        try:
            signals[f"playbook: {sentence}"] = (sentence, signal_of(sentence, folder.vocabulary))
        except SentenceError:
            continue
    found: dict[str, dict[str, datetime]] = {}
    if not signals or facts.watermark() <= 0:
        return found
    since = to_us(at - LOOK_BACK)
    known = facts.subjects()
    labels = dict(zip(map(int, known.account), map(str, known.label), strict=True))
    for history in judged(facts, folder, [s for _, s in signals.values()], now_us=to_us(at), since_us=since):
        if not len(history.ends):
            continue
        rows = (history.verdicts[:, -1] == HOLDS).nonzero()[0]
        end = to_datetime(int(history.ends[-1]))
        where = {label for row in rows if (label := labels.get(int(history.subjects.account[row]))) is not None}
        found[signals[history.signal.name][0]] = dict.fromkeys(sorted(where), end)
    return found


def as_lines(session: Session, run: int) -> list[Line]:
    """A run's journal as the pure room reads it."""
    return [Line(e.n, e.at, e.kind, e.step, e.details) for e in runs.lines_of(session, run)]


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
