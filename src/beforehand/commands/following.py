"""Owners who changed: what is open follows them at the next `run`, whoever changed the trait, the rules or the team.

Looked at are only accounts of which something was said since the last look, or all that have something open where
team.yaml changed or somebody left: a run that waits costs nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from beforehand.calendar import to_us
from beforehand.commands.route import holders_of, traits_of
from beforehand.commands.taking_over import Along, take_along
from beforehand.store import Alert, Run, Setting, runs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.commands.people import Holders
    from beforehand.facts import Facts
    from beforehand.store import Store
    from beforehand.workspace import Folder

LOOKED = "owners_looked_at"
"""The setting that holds how far owners were followed."""


@dataclass(frozen=True)
class Looked:
    """How far: the newest stored fact, the moment, and what the team was."""

    seq: int
    us: int
    team: str


def follow(facts: Facts, folder: Folder, state: Store, at: datetime, *, tells: bool = True) -> Along:
    """Gives open alerts and live runs to who owns their accounts at a moment, and tells each new owner once."""
    with state.read() as session:
        kept = session.get(Setting, LOOKED)
        before = None if kept is None else Looked(**kept.value)
        holders = holders_of(session, folder, at)
        now = Looked(facts.watermark(), to_us(at), _team_now(holders))
        every = before is None or before.team != now.team
        accounts = None if before is None or every else _spoken_of(facts, before, now)
        if accounts is None or accounts:
            open_at = _open_at(session)
            accounts = open_at if accounts is None else accounts & open_at
    traits = traits_of(facts, sorted(accounts), at) if accounts else {}
    with state.write() as session:
        holders = holders_of(session, folder, at)
        along = take_along(session, folder, holders, traits, at, tells=tells) if traits else Along()
        session.merge(Setting(name=LOOKED, value={"seq": now.seq, "us": now.us, "team": now.team}))
    return along


def _team_now(holders: Holders) -> str:
    """What the team is known by: its file, and who has left by now."""
    team = holders.team
    left = [name for name in team.people if team.left(name, holders.at)]
    return hashlib.sha256(f"{team.spec.model_dump_json()}{left}".encode()).hexdigest()[:16]


def _open_at(session: Session) -> set[str]:
    """The accounts where something is open or at work."""
    alerts = select(Alert.account).where(Alert.closed_at.is_(None), Alert.shadow.is_(False)).distinct()
    live = select(Run.account).where(runs.LIVES).distinct()
    return {*session.scalars(alerts), *session.scalars(live)}


def _spoken_of(facts: Facts, before: Looked, now: Looked) -> set[str]:
    """The accounts of which a trait was stored since, or began to hold or to be known."""
    rows = facts.connection.execute(
        """SELECT DISTINCT account FROM traits WHERE member IS NULL AND (stored_seq > ? OR
        (dated AND epoch_us(occurred_at) + delay >= ? AND epoch_us(occurred_at) + delay < ?))""",
        [before.seq, before.us, now.us],
    ).fetchall()
    return {facts.label(int(account)) for (account,) in rows}
