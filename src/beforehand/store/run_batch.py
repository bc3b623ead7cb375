"""What the state knows of runs that are moved in one transaction: each thing read once for all of them.

What is written through it is seen by the moves that come after, before it is in the database: it goes there when the
transaction ends, all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from beforehand.store import runs as kept
from beforehand.store.acting import Act, Entry, Exposure, Run, Suppression
from beforehand.store.incidents import find_incidents
from beforehand.store.models import Alert, Incident


class RunBatch:
    """Some runs in a session that writes. Their journals, alerts and arms are read when the first of them asks."""

    def __init__(self, session: Session, some: Iterable[Run]) -> None:
        self.session = session
        self.runs = list(some)
        self._why: dict[str, str | None] = {}

    @classmethod
    def numbered(cls, session: Session, numbers: Sequence[int]) -> RunBatch:
        """The runs of these numbers that live, in order of their numbers."""
        wanted = session.scalars(select(Run).where(Run.number.in_(numbers)))
        return cls(session, sorted((run for run in wanted if run.state == kept.LIVE), key=lambda run: run.number))

    def alert(self, run: Run) -> Alert | None:
        """The alert that a run is about."""
        return None if run.alert is None else self._alerts.get(run.alert)

    def lines(self, run: Run) -> Sequence[Entry]:
        """The journal of a run, oldest first, with the lines that were added here."""
        return self._journals.setdefault(run.number, [])

    def add_line(
        self, run: Run, at: datetime, kind: str, step: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        """Adds a line to the journal of a run."""
        own = self._journals.setdefault(run.number, [])
        own.append(kept.add_line(self.session, run, at, kind, step, details))

    def suppressed(self, address: str) -> str | None:
        """Why an address must not be written to, None where it may."""
        key = address.strip().lower()
        if key not in self._why:
            self.look_up([key])
        return self._why[key]

    def look_up(self, addresses: Iterable[str]) -> None:
        """Reads of many addresses at once whether they may be written to."""
        keys = {address.strip().lower() for address in addresses} - self._why.keys()
        self._why |= dict.fromkeys(keys)
        wanted = select(Suppression.address, Suppression.why).where(Suppression.address.in_(keys))
        self._why |= {address: why for address, why in self.session.execute(wanted)} if keys else {}  # noqa: C416

    def heard_from_us(self, account: str, address: str) -> tuple[list[datetime], list[datetime]]:
        """When messages of playbooks went, or are to go, to an address, and to anybody at its account."""
        rows = self._heard.get(account, [])
        return [at for to, at in rows if to.lower() == address.lower()], [at for _, at in rows]

    def goes_out(self, account: str, address: str, at: datetime) -> None:
        """A message to somebody at an account was written here."""
        self._heard.setdefault(account, []).append((address, at))

    def arm_stored(self, playbook: str, account: str, salt: str) -> str | None:
        """The arm an account was stored with, None where it was never exposed."""
        return self._arms.get((playbook, account, salt))

    def expose(self, run: Run, *, salt: str, arm: str, share: float, at: datetime) -> str:
        """Stores the arm of a run's account the first time we would act on it; returns the one that is stored."""
        key = (run.playbook, run.account, salt)
        if key not in self._arms:
            self._arms[key] = arm
            named = {"playbook": run.playbook, "account": run.account, "salt": salt}
            self.session.add(Exposure(**named, arm=arm, share=share, at=at, alert=run.alert))
        return self._arms[key]

    @cached_property
    def incidents(self) -> Sequence[Incident]:
        """The incidents that are open."""
        return find_incidents(self.session, open_only=True)

    @cached_property
    def _accounts(self) -> list[str]:
        return sorted({run.account for run in self.runs})

    @cached_property
    def _alerts(self) -> dict[int, Alert]:
        numbers = {run.alert for run in self.runs if run.alert is not None}
        found = self.session.scalars(select(Alert).where(Alert.number.in_(numbers))) if numbers else ()
        return {alert.number: alert for alert in found}

    @cached_property
    def _journals(self) -> dict[int, list[Entry]]:
        numbers = [run.number for run in self.runs]
        found: dict[int, list[Entry]] = {number: [] for number in numbers}
        for line in self.session.scalars(select(Entry).where(Entry.run.in_(numbers)).order_by(Entry.run, Entry.n)):
            found[line.run].append(line)
        return found

    @cached_property
    def _arms(self) -> dict[tuple[str, str, str], str]:
        wanted = select(Exposure.playbook, Exposure.account, Exposure.salt, Exposure.arm).where(
            Exposure.playbook.in_({run.playbook for run in self.runs}), Exposure.account.in_(self._accounts)
        )
        return {(playbook, account, salt): arm for playbook, account, salt, arm in self.session.execute(wanted)}

    @cached_property
    def _heard(self) -> dict[str, list[tuple[str, datetime]]]:
        wanted = (
            select(Run.account, Act.recipient, Act.wanted_at)
            .join(Run, Run.number == Act.run)
            .where(Act.outward, Run.account.in_(self._accounts), Act.state != "refused")
        )
        found: dict[str, list[tuple[str, datetime]]] = {}
        for account, to, at in self.session.execute(wanted):
            found.setdefault(account, []).append((to, at))
        return found
