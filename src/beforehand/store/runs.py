"""Playbook runs in the state: begun once, their journals, what was kept back, arms, and touches to load."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from beforehand.store.acting import Act, Entry, Exposure, Run, Suppression, TouchDue, Unsent
from beforehand.store.acts import DUE, REFUSED, SENT
from beforehand.store.models import Alert, AlertLog, Setting

LIVE, ENDED = "live", "ended"
LIVES = text("runs.state = 'live'")
"""That a run lives, as the indexes of live runs say it; SQLite takes them only for what is said so."""
LOOKED_AT = "playbooks_looked_at"
"""The setting that holds the newest alert for which playbooks were begun."""
CLOSED_SEEN = "playbooks_closed_seen"
"""The setting that holds the newest line of the alerts' log that runs have seen."""
SOME = 1_000


def begin_run(
    session: Session, *, playbook: str, digest: str, text: str, account: str, now: datetime, alert: Alert | None = None,
    scope: str = "", owner: str | None = None,
) -> Run | None:  # fmt: skip
    """A new run that is due at once; None where one of the playbook lives at the account."""
    lives = select(Run.number).where(Run.account == account, Run.playbook == playbook, LIVES)
    if session.scalar(lives) is not None:
        return None
    run = Run(
        playbook=playbook, digest=digest, text=text, account=account, scope=scope, owner=owner, began_at=now,
        due_at=now, alert=None if alert is None else alert.number, state=LIVE, entries=0,
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def add_line(
    session: Session, run: Run, at: datetime, kind: str, step: str = "", details: Mapping[str, Any] | None = None
) -> Entry:
    """Adds a line to a run's journal."""
    run.entries += 1
    line = Entry(run=run.number, n=run.entries, at=at, kind=kind, step=step, details=dict(details or {}))
    session.add(line)
    return line


def lines_of(session: Session, run: int) -> list[Entry]:
    """A run's journal, oldest first."""
    return list(session.scalars(select(Entry).where(Entry.run == run).order_by(Entry.n)))


def end_run(session: Session, run: Run, at: datetime, outcome: str, reason: str) -> None:
    """Ends a run, once."""
    if run.state == ENDED:
        return
    add_line(session, run, at, "ended", details={"outcome": outcome, "reason": reason})
    run.state, run.outcome, run.reason, run.ended_at, run.due_at = ENDED, outcome, reason, at, None


def find_runs(
    session: Session, *, live: bool = False, playbook: str | None = None, account: str | None = None,
    numbers: Collection[int] | None = None, most: int | None = None,
) -> list[Run]:  # fmt: skip
    """Runs by what is given, the newest first."""
    wanted = select(Run).order_by(Run.number.desc())
    if live:
        wanted = wanted.where(Run.state == LIVE)
    if playbook is not None:
        wanted = wanted.where(Run.playbook == playbook)
    if account is not None:
        wanted = wanted.where(Run.account == account)
    if numbers is not None:
        wanted = wanted.where(Run.number.in_(numbers))
    return list(session.scalars(wanted.limit(most)))


def live_books(session: Session) -> dict[str, str]:
    """The texts of the playbooks that live runs are on, by digest."""
    found: dict[str, str] = {}
    after = ""
    # From one version to the next by the index: it takes as long as there are versions, not runs.
    while True:
        digest = session.scalar(select(func.min(Run.digest)).where(LIVES, Run.digest > after))
        if digest is None:
            return found
        wanted = select(Run.text).where(LIVES, Run.digest == digest).limit(1)
        found[digest], after = session.scalars(wanted).one(), digest


def due_runs(
    session: Session, now: datetime, meeting: Mapping[tuple[str, str], datetime], digests: Collection[str]
) -> tuple[list[int], int]:
    """The live runs to look at: those due, those whose alert was closed since, and those that `meeting` may concern.

    `meeting` are (digest, account) where a goal holds, with the end of the close that says so; `digests` are versions
    whose file is gone. Returns their numbers, ascending, and what `put_closed_seen` is to remember when they have been
    moved. Those that wait are not read, however many they are.
    """
    found = set(session.scalars(select(Run.number).where(LIVES, Run.due_at <= now)))
    kept, newest = session.get(Setting, CLOSED_SEEN), session.scalar(select(func.max(AlertLog.number))) or 0
    if kept is None:
        closed = select(Run.number).join(Alert, Alert.number == Run.alert)
        found |= set(session.scalars(closed.where(Run.state == LIVE, Alert.closed_at.is_not(None))))
    else:
        since = AlertLog.number > int(kept.value["line"])
        alerts = session.scalars(select(AlertLog.alert).where(since, AlertLog.act == "closed").distinct()).all()
        for start in range(0, len(alerts), SOME):
            own = select(Run.number, Run.state).where(Run.alert.in_(alerts[start : start + SOME]))
            found |= {number for number, standing in session.execute(own) if standing == LIVE}
    if digests:
        found |= set(session.scalars(select(Run.number).where(LIVES, Run.digest.in_(digests))))
    accounts = sorted({account for _, account in meeting})
    for start in range(0, len(accounts), SOME):
        some = accounts[start : start + SOME]
        runs = select(Run.number, Run.digest, Run.account, Run.began_at).where(LIVES, Run.account.in_(some))
        for number, digest, account, began_at in session.execute(runs):
            end = meeting.get((digest, account))
            # A goal is met by what happened since.
            if end is not None and end > began_at:
                found.add(number)
    return sorted(found), newest


def put_closed_seen(session: Session, line: int) -> None:
    """Remembers up to which line of the log runs have seen that their alerts were closed."""
    session.merge(Setting(name=CLOSED_SEEN, value={"line": line}))


def looked_at(session: Session) -> int | None:
    """The newest alert for which playbooks were begun, None before the first time."""
    kept = session.get(Setting, LOOKED_AT)
    return None if kept is None else int(kept.value["alert"])


def put_looked_at(session: Session, alert: int) -> None:
    """Remembers it."""
    session.merge(Setting(name=LOOKED_AT, value={"alert": alert}))


def keep_unsent(
    session: Session, *, at: datetime, run: Run, step: str, person: str | None, guard: str, reason: str
) -> None:
    """Records what a customer was not sent."""
    session.add(
        Unsent(
            at=at, run=run.number, step=step, playbook=run.playbook, account=run.account, person=person, guard=guard,
            reason=reason,
        )
    )  # fmt: skip


def suppress(session: Session, address: str, why: str, at: datetime, actor: str, account: str | None = None) -> bool:
    """Puts an address on the list of those that are not written to; False where it was there.

    What waits to be handed over to it is refused, and kept as unsent.
    """
    key = address.strip().lower()
    if session.get(Suppression, key) is not None:
        return False
    session.add(Suppression(address=key, why=why, at=at, actor=actor, account=account))
    waits = select(Act).where(Act.state == DUE, Act.outward, func.lower(Act.recipient) == key).with_for_update()
    for act in session.scalars(waits):
        act.state, act.reason, act.settled_at, act.lease_by, act.lease_until = (
            REFUSED,
            f"suppressed: {why}",
            at,
            None,
            None,
        )
        run = session.get(Run, act.run) if act.run is not None else None
        if run is not None:
            keep_unsent(
                session, at=at, run=run, step=act.step or "", person=address, guard="suppressed",
                reason=f"{key} asked not to be written to before it was handed over: {why}.",
            )  # fmt: skip
    session.flush()
    return True


def exposures_of(session: Session, playbook: str) -> list[Exposure]:
    """The exposures of a playbook, oldest first."""
    return list(session.scalars(select(Exposure).where(Exposure.playbook == playbook).order_by(Exposure.at)))


def note_touches(session: Session) -> int:
    """Writes a touch for each message that was sent to a customer since; returns how many."""
    done = select(TouchDue.key)
    wanted = (
        select(Act, Run).join(Run, Run.number == Act.run).where(Act.outward, Act.state == SENT, Act.key.not_in(done))
    )
    found = session.execute(wanted).all()
    for act, run in found:
        session.add(
            TouchDue(
                key=act.key, at=act.settled_at or act.wanted_at, account=run.account, person=act.recipient,
                teammate=run.owner, kind=act.kind, note=f"{run.playbook}: {act.payload.get('subject', '')}",
            )
        )  # fmt: skip
    session.flush()
    return len(found)


def touches_to_load(session: Session) -> list[TouchDue]:
    """Touches that the facts do not know yet."""
    return list(session.scalars(select(TouchDue).where(TouchDue.loaded_at.is_(None)).order_by(TouchDue.number)))


def touches_loaded(session: Session, numbers: Sequence[int], now: datetime) -> None:
    """Says that the facts know them."""
    session.execute(update(TouchDue).where(TouchDue.number.in_(numbers)).values(loaded_at=now))
