"""The table of acts: written once, leased by one worker at a time, handed over at most once where it cannot be undone.

An act is `due` (perhaps leased), then `handing` from just before its channel is called until it is settled. Killed
while `handing`: where the other side knows the key it is due again, else it is in doubt and never repeated by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, cast

from sqlalchemy import Executable, Integer, Table, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from beforehand.store.acting import Act

DUE, HANDING, SENT, REFUSED, IN_DOUBT = "due", "handing", "sent", "refused", "in doubt"
ACTS = cast(Table, Act.__table__)
STATES = (DUE, HANDING, SENT, REFUSED, IN_DOUBT)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720))
"""How long after each failed try the next one comes; the last one repeats."""
GIVE_UP = timedelta(hours=24)
"""So long after it was due an act that is still put off is refused."""


# Made once, as what a worker does for each act: most of the time they took went into making them.
_THIS = ACTS.c.number == bindparam("n", type_=Integer)
_NOW = bindparam("now", type_=ACTS.c.lease_until.type)
BEGINS = (
    update(ACTS)
    .where(_THIS, ACTS.c.state == DUE, ACTS.c.lease_by == bindparam("worker"), ACTS.c.lease_until > _NOW)
    .values(
        state=HANDING, handed_at=_NOW, tries=ACTS.c.tries + 1,
        lease_until=func.coalesce(bindparam("until", type_=ACTS.c.lease_until.type), ACTS.c.lease_until),
    )
)  # fmt: skip
HELD = select(
    ACTS.c.state, ACTS.c.lease_by, ACTS.c.tries, ACTS.c.wanted_at, ACTS.c.due_at, ACTS.c.settled_at, ACTS.c.ref
).where(_THIS).with_for_update()  # fmt: skip
SETTLES = (
    update(ACTS)
    .where(_THIS)
    .values(
        state=bindparam("state"), reason=bindparam("reason"), ref=bindparam("ref"), due_at=bindparam("due"),
        settled_at=bindparam("at"), lease_by=None, lease_until=None,
    )
)  # fmt: skip


@dataclass(frozen=True)
class Settled:
    """What came of handing an act over: `retry` puts it off, not before `after` from now where that is given."""

    state: Literal["sent", "retry", "refused", "in doubt"]
    reason: str
    ref: str | None = None
    after: timedelta | None = None


def put_act(session: Session, **values: Any) -> bool:
    """Writes an act in the caller's transaction; False, and nothing, where its key is known already."""
    values = {"state": DUE, "outward": False, "keyed": False, "tries": 0, "wanted_at": values["due_at"], **values}
    return session.execute(_put(session.get_bind().dialect.name), values).scalar() is not None


@cache
def _put(dialect: str) -> Executable:
    # Made once, and its values given apart: most of the time it took went into making it.
    into = postgresql.insert(ACTS) if dialect == "postgresql" else sqlite.insert(ACTS)
    return into.on_conflict_do_nothing(index_elements=["key"]).returning(ACTS.c.number)


def lease(session: Session, worker: str, now: datetime, span: timedelta, most: int) -> list[Act]:
    """Takes up to `most` acts that are due, the longest due first, for `span`; others leave them alone until then.

    First what was cut off is cleared up: see `recover`. On PostgreSQL rows that another worker is taking are skipped.
    """
    recover(session, now)
    free = or_(Act.lease_until.is_(None), Act.lease_until <= now)
    wanted = (
        select(Act)
        .where(Act.state == DUE, Act.due_at <= now, free)
        .order_by(Act.due_at, Act.number)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    taken = list(session.scalars(wanted))
    for act in taken:
        act.lease_by, act.lease_until = worker, now + span
    session.flush()
    return taken


def recover(session: Session, now: datetime) -> int:
    """Acts that a worker died with while handing: due again where the other side knows the key, else in doubt."""
    cut_off = and_(Act.state == HANDING, Act.lease_until <= now)
    again = update(Act).where(cut_off, Act.keyed).values(state=DUE, due_at=now, lease_by=None, lease_until=None)
    lost = (
        update(Act)
        .where(cut_off, ~Act.keyed)
        .values(state=IN_DOUBT, settled_at=now, reason="cut-off", lease_by=None, lease_until=None)
    )
    return sum(session.execute(change).rowcount for change in (again, lost))  # type: ignore[attr-defined]


def begin(session: Session, act: Act, worker: str, now: datetime, span: timedelta | None = None) -> bool:
    """Says that the channel is about to be called; False where the lease is no longer this worker's.

    `span`: the lease lasts so long from `now`, so that the last act of many has as much time as the first.
    """
    told = {"n": act.number, "worker": worker, "now": now, "until": None if span is None else now + span}
    begun = bool(session.execute(BEGINS, told).rowcount)  # type: ignore[attr-defined]
    session.expire_all()
    return begun


def settle(session: Session, act: Act, worker: str, now: datetime, settled: Settled) -> None:
    """Writes down what came of it.

    A worker whose lease ran out meanwhile may still say that it was sent or refused, which it knows; not that it is
    to be tried again, which another may be doing.
    """
    held = session.execute(HELD, {"n": act.number}).one_or_none()
    if held is None or held.state in (SENT, REFUSED):
        return
    mine = held.state == HANDING and held.lease_by == worker
    told = {"n": act.number, "state": settled.state, "reason": settled.reason, "ref": held.ref, "due": held.due_at,
            "at": held.settled_at}  # fmt: skip
    if settled.state == "retry":
        if not mine:
            return
        wait = max(WAITS[min(held.tries, len(WAITS)) - 1], settled.after or timedelta())
        if now + wait > held.wanted_at + GIVE_UP:
            told |= {"state": REFUSED, "reason": f"gave-up: {settled.reason}", "at": now}
        else:
            told |= {"state": DUE, "due": now + wait}
    elif settled.state == "in doubt" and not mine:
        return
    else:
        told |= {"ref": settled.ref, "at": now}
    session.execute(SETTLES, told)
    session.expire_all()


def give_back(session: Session, worker: str) -> int:
    """Lets go of what a worker leased and did not begin, so that another need not wait until the lease is over."""
    change = update(Act).where(Act.state == DUE, Act.lease_by == worker).values(lease_by=None, lease_until=None)
    return int(session.execute(change).rowcount)  # type: ignore[attr-defined]


def resolve_doubt(session: Session, act: Act, now: datetime, sent: bool) -> None:
    """A person says what became of an act in doubt or refused: it was sent, or it is to be handed over again."""
    if sent:
        act.state, act.reason, act.settled_at = SENT, "said-by-a-person", now
    else:
        act.state, act.due_at, act.wanted_at, act.settled_at, act.reason = DUE, now, now, None, "again-by-a-person"
    act.lease_by = act.lease_until = None


def find_acts(
    session: Session, *, states: Sequence[str] = (), run: int | None = None, channel: str | None = None, most: int = 500
) -> list[Act]:
    """Acts, the newest first."""
    chosen = select(Act).order_by(Act.number.desc()).limit(most)
    if states:
        chosen = chosen.where(Act.state.in_(states))
    if run is not None:
        chosen = chosen.where(Act.run == run)
    if channel is not None:
        chosen = chosen.where(Act.channel == channel)
    return list(session.scalars(chosen))


def count_acts(session: Session) -> dict[str, int]:
    """How many acts are in each state."""
    counted = {state: n for state, n in session.execute(select(Act.state, func.count()).group_by(Act.state))}  # noqa: C416
    return {state: counted.get(state, 0) for state in STATES}
