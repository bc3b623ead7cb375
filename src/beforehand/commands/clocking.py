"""What time alone brings about, where the facts are not at hand: reminders, the climb, and digests that are due.

`beforehand work` looks every minute. It decides by the same stages as `run`, with the traits of accounts as the last
run left them, and tells only what a clock asks for and what a run has listed as waiting for a digest: what is new is
told by `run`, which knows the story. Two that look at once tell nothing twice: each asks again once it has the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from beforehand import store
from beforehand.commands.gathering import gather
from beforehand.commands.tell_writing import release, write_clocks, write_telling
from beforehand.routing.batch import Batch, Telling
from beforehand.routing.pipeline import decide
from beforehand.store import Clock, HeldBack, telling

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.store import Store
    from beforehand.workspace import Folder

OF_TIME = ("still", "escalated")
"""What a clock tells."""
LISTED = ("digest", "budget")
"""The stages whose list a digest tells."""


def tick(folder: Folder, state: Store, at: datetime) -> int:
    """Tells what time has brought about by a moment; how many messages.

    Nothing in a workspace that was run in a time of its own: there the clock does not go.
    """
    if folder.routes is None or folder.team is None:
        return 0
    with state.read() as session:
        if not _due(session, at):
            return 0
    with state.write() as session:
        if not _due(session, at):
            return 0  # somebody else was here
        gathered = gather(session, folder, telling.traits_kept(session), at)
        listed = {(row.alert, row.person): row for row in telling.held_back(session) if row.stage in LISTED}
        gathered.batch = _of_time(gathered.batch, listed)
        decided = decide(gathered.batch)
        told = tuple(one for one in decided.tellings if one.kind == "digest" or _poked(one))
        for one in told:
            write_telling(session, folder, gathered, one, {}, decided.held, at)
        release(session, {(due.item.number, one.person) for one in told for due in one.news}, at)
        write_clocks(session, gathered, replace(decided, tellings=told), at)
    return len(told)


def _due(session: Session, at: datetime) -> bool:
    last = store.last_run(session)
    if last is None or last.given or last.now_at > at:
        return False
    clock = session.scalars(select(Clock.alert).where(Clock.due_at <= at).limit(1)).first()
    return clock is not None or bool(telling.digests_due(session, at))


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
