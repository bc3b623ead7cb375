"""What time alone brings about, where the facts are not at hand: reminders, the climb, and digests that are due.

`beforehand work` looks every minute. It decides by the same stages as `run`, with the traits of accounts as the last
run left them, and tells only what a clock asks for and what a run has listed as waiting for a digest: what is new is
told by `run`, which knows the story. Two that look at once tell nothing twice: each asks again once it has the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from beforehand import store
from beforehand.alerts import State
from beforehand.commands.gathering import gather
from beforehand.commands.tell_writing import release, write_clocks, write_telling
from beforehand.errors import BusyError, Problems
from beforehand.routing.batch import Batch, Held, Telling
from beforehand.routing.pipeline import decide
from beforehand.store import Act, Alert, Clock, HeldBack, Notification, telling
from beforehand.store.acts import REFUSED
from beforehand.workspace import read_folder

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.store import Store
    from beforehand.workspace import Folder

EVERY = timedelta(minutes=1)
READ = ("team.yaml", "routes.yaml", "beforehand.yaml", "signals")
"""What is read anew when it has changed."""
OF_TIME = ("still", "escalated")
"""What a clock tells."""
LISTED = ("digest", "budget")
"""The stages whose list a digest tells."""


class Clockwork:
    """Looks at the clocks of a workspace every minute, for a worker; the files are read where there is something to do.

    Files that are changed are read anew; while they are wrong, what they said before holds.
    """

    def __init__(self, root: Path, state: Store) -> None:
        self.root = root
        self.state = state
        self.next_at: datetime | None = None
        self.folder: Folder | None = None
        self.stamps: tuple[int, ...] = ()

    def look(self, now: datetime) -> int:
        """How many messages time has brought about, at most once a minute; none while somebody else writes."""
        if self.next_at is not None and now < self.next_at:
            return 0
        self.next_at = now + EVERY
        with suppress(BusyError):
            with self.state.read() as session:
                if not is_due(session, now):
                    return 0
            folder = self._read()
            return 0 if folder is None else tick(folder, self.state, now)
        return 0

    def _read(self) -> Folder | None:
        stamps = tuple(path.stat().st_mtime_ns for path in (self.root / name for name in READ) if path.exists())
        if stamps != self.stamps:
            self.stamps = stamps
            with suppress(Problems):
                self.folder = read_folder(self.root)
        return self.folder


def tick(folder: Folder, state: Store, at: datetime) -> int:
    """Tells what time has brought about by a moment; how many messages.

    Nothing in a workspace that was run in a time of its own: there the clock does not go.
    """
    if folder.routes is None or folder.team is None:
        return 0
    with state.write() as session:
        if not is_due(session, at):
            return 0  # somebody else was here
        gathered = gather(session, folder, telling.traits_kept(session), at)
        rows = telling.held_back(session)
        listed = {(row.alert, row.person): row for row in rows if row.stage in LISTED}
        gathered.batch = _of_time(gathered.batch, listed)
        decided = decide(gathered.batch)
        told = tuple(one for one in decided.tellings if one.kind == "digest" or _poked(one))
        said = {(due.item.number, one.person) for one in told for due in one.news}
        held = [Held(r.person, r.alert, r.stage, r.reason, r.until) for r in rows if (r.alert, r.person) not in said]
        for one in told:
            write_telling(session, folder, gathered, one, {}, held, at)
        release(session, said, at)
        write_clocks(session, gathered, replace(decided, tellings=told), at)
    return len(told)


def is_due(session: Session, at: datetime) -> bool:
    """Whether time has brought anything about: a clock, a digest, or a reminder that its channel has just refused."""
    last = store.last_run(session)
    if last is None or last.given or last.now_at > at:
        return False
    clocks = (
        select(Clock.alert)
        .join(Alert, Alert.number == Clock.alert)
        .where(Clock.due_at <= at, Alert.closed_at.is_(None), Alert.state != State.SNOOZED.value)
    )
    refused = (
        select(Act.number)
        .join(Notification, Notification.number == Act.notification)
        .where(Act.state == REFUSED, Act.settled_at > at - 2 * EVERY, Notification.kind.in_(OF_TIME))
    )
    if any(session.scalars(wanted.limit(1)).first() is not None for wanted in (clocks, refused)):
        return True
    return bool(telling.digests_due(session, at))


def _of_time(batch: Batch, listed: Mapping[tuple[int, str | None], HeldBack]) -> Batch:
    """What was told, what a clock asks for, and what a run has listed; what is new or over is left to `run`."""
    dues = []
    for due in batch.due:
        key = (due.item.number, due.person)
        row = listed.get(key)
        if row is not None and row.stage == "digest" and due.digest is None:
            dues.append(replace(due, digest="daily", waits=row.reason))  # as it was promised
        elif not due.item.closed and (row is not None or due.news is not None or key in batch.before):
            dues.append(due)
    return replace(batch, due=tuple(dues))


def _poked(one: Telling) -> bool:
    """Whether a message says only what a clock asks for."""
    return all(due.news in OF_TIME for due in one.news)
