"""What an account pays and how it ends: subscriptions, invoices, outcomes, and the customer record as it changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from beforehand.simulate import names
from beforehand.simulate.plants import planted
from beforehand.simulate.profile import Profile
from beforehand.simulate.relations import Row
from beforehand.simulate.stories import USUAL_HEALTH, Life, Moment
from beforehand.simulate.vocabulary import DAY, HOUR

SPEAKS = 0.5  # of those who recommend us and are busy, so many say so to others
TERM, LONG_OVERDUE = 30, 60  # days until an invoice is due, and until it is badly overdue


@dataclass
class Money:
    """Rows of one account; times are microseconds from the first simulated day."""

    accounts: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)


def money(rng: np.random.Generator, who: Profile, it: Life, first_on: date, days: int) -> Money:
    """The contract of one account over the simulated days; draws only from `rng`."""
    return _Contract(rng, who, it, first_on, days).rows()


def _noon(day: int) -> int:
    return day * DAY + 12 * HOUR


class _Contract:
    """One account's contract, from which all rows about money follow."""

    def __init__(self, rng: np.random.Generator, who: Profile, it: Life, first_on: date, days: int) -> None:
        self.rng, self.who, self.it, self.first_on, self.days = rng, who, it, first_on, days
        self.last = it.ends if it.ends is not None else days
        self.step = 30 if who.monthly else 365
        self.changes = self._changes()

    def rows(self) -> Money:
        """All rows about money."""
        return Money(self._accounts(), self._subscriptions(), self._invoices(), self._outcomes())

    def seats(self, day: int) -> int:
        """How many seats are paid for on a day."""
        return [seats for at, seats in self.changes if at <= max(day, self.it.born)][-1]

    def _changes(self) -> list[tuple[int, int]]:
        """Seats from each day on; the first entry is the beginning."""
        it, seats = self.it, self.who.seats
        changes = [(it.born, seats)]
        if it.grows is not None and it.grows < self.last:
            changes.append((it.grows, round(seats * float(self.rng.uniform(1.3, 1.7))) + 1))
        if it.shrinks is not None and it.shrinks < self.last and seats > 4:
            changes.append((it.shrinks, max(3, round(seats * float(self.rng.uniform(0.6, 0.85))))))
        return changes

    def _accounts(self) -> list[Row]:
        """The customer record: one row for the beginning and one for each later change."""
        who, it = self.who, self.it
        start = it.born * DAY
        row: Row = {
            "at": start, "name": who.company.name, "domain": who.company.domain,
            "started_at": start if it.new else None, "ended_at": None,
            "plan": who.plan, "seats": who.seats, "value": who.value(who.seats), "currency": who.country.currency,
            "owner": who.owner, "segment": who.segment, "industry": who.company.industry, "country": who.country.code,
            "renewal_on": who.renewal_on, "customer_since": who.customer_since,
        }  # fmt: skip
        later: list[tuple[int, dict[str, Any]]] = [
            (_noon(day), {"seats": seats, "value": who.value(seats)}) for day, seats in self.changes[1:]
        ]
        if it.ends is not None:
            later.append((it.ends * DAY, {"ended_at": it.ends * DAY}))
        else:
            renewal = who.renewal_on
            while (due := (renewal - self.first_on).days) < self.days:
                renewal += timedelta(days=self.step)
                later.append((max(0, due) * DAY, {"renewal_on": renewal}))
        if self.rng.random() < 0.15:  # our own people change too
            day = it.born + int(self.rng.integers(0, max(1, self.days - it.born)))
            owner = names.OWNERS[int(self.rng.integers(0, len(names.OWNERS)))]
            if owner != who.owner and day < self.last:
                later.append((_noon(day), {"owner": owner}))
        rows = [row]
        for at, change in sorted(later, key=lambda pair: pair[0]):
            if start < at < self.days * DAY:
                rows.append({**rows[-1], **change, "at": at})
        return rows

    def _subscriptions(self) -> list[Row]:
        """The contract and its amendments, a row each; the newest tells in further versions how it ends."""
        who, it = self.who, self.it
        ends_at = it.ends * DAY if it.ends is not None else None
        versions: list[tuple[int, dict[str, Any]]] = []
        for number, (day, seats) in enumerate(self.changes):
            at, amendment = (_noon(day), f"-{number}") if number else (day * DAY, "")
            about = {"subscription": f"B-{who.index:05d}{amendment}", "at": at, "seats": seats}
            versions.append((at, {**about, "amount": who.value(seats)}))
        if it.notice is not None:
            versions.append((_noon(it.notice), {"status": "cancelling", "end_at": ends_at}))
        if ends_at is not None:
            versions.append((ends_at, {"status": "ended", "end_at": ends_at}))
        row: Row = {
            "plan": who.plan, "currency": who.country.currency, "status": "active",
            "start_at": (who.customer_since - self.first_on).days * DAY, "end_at": None,
        }  # fmt: skip
        rows: list[Row] = []
        for at, change in sorted(versions, key=lambda pair: pair[0]):
            row = {**row, **change, "learned": at}
            rows.append(row)
        return rows

    def _invoices(self) -> list[Row]:
        """One a month or year; open, perhaps overdue, paid, and paid the later the worse it goes."""
        who, it = self.who, self.it
        first = it.born if it.new else it.born + int(self.rng.integers(0, self.step))
        days = range(first, self.last, self.step)
        late = self._forgotten(days)
        rows: list[Row] = []
        for number, day in enumerate(days):
            issued, due = day * DAY + 6 * HOUR, (day + TERM) * DAY
            worse = max(0.0, USUAL_HEALTH - 0.15 - float(it.health[min(day + 20, self.days - 1)]))
            paid = max(due + int((self.rng.normal(-6, 6) + 60 * worse) * DAY), issued + DAY)
            paid = self._paid(day + TERM, paid, late)
            row: Row = {
                "invoice": f"I-{who.index:05d}-{number:03d}", "at": issued,
                "amount": round(who.value(self.seats(day)) * self.step / 365, 2), "currency": who.country.currency,
                "due_at": due, "paid_at": None,
            }  # fmt: skip
            versions: list[tuple[int, dict[str, Any]]] = [(issued, {"status": "open"})]
            if paid > due + DAY:
                versions.append((due + 6 * HOUR, {"status": "overdue"}))
            versions.append((paid, {"status": "paid", "paid_at": paid}))
            rows += [{**row, **change, "learned": at} for at, change in versions if at < self.days * DAY]
        return rows

    def _forgotten(self, issued: range) -> dict[int, int]:
        """How late each invoice is paid that is planted as overdue, by the day it is due.

        A plant comes true with the first invoice due after it begins, else with the last that leaves time for it.
        """
        plants = planted(self.it, "invoice overdue")
        self.it.moments = [moment for moment in self.it.moments if moment not in plants]
        late: dict[int, int] = {}
        for plant in plants:
            dues = [day + TERM for day in issued if day + TERM < self.last - LONG_OVERDUE - 5]
            if dues:
                late[next((due for due in dues if due >= plant.first), dues[-1])] = plant.last - plant.first
        return late

    def _paid(self, due: int, paid: int, late: dict[int, int]) -> int:
        """When an invoice is paid that is due on a day; one that waits very long is remembered in the life."""
        planned = due in late
        if planned:
            paid = (due + late[due]) * DAY + 12 * HOUR
        if paid >= (due + LONG_OVERDUE) * DAY:
            last = min(paid // DAY, self.last - 1)
            self.it.moments.append(Moment("invoice overdue", due, last, {"planted": planned}))
        return paid

    def _outcomes(self) -> list[Row]:
        """What became of it; a departure happens when the contract ends, and its notice is beside it."""
        who, it = self.who, self.it
        rows: list[Row] = []

        def tell(day: int, outcome: str, **more: Any) -> None:
            if it.born <= day <= self.last and day < self.days:
                rows.append({"at": _noon(day), "outcome": outcome, **more})

        for (_, before), (day, seats) in pairwise(self.changes):
            amount = who.value(seats) - who.value(before)
            tell(day, "expanded" if amount > 0 else "contracted", amount=amount)
        if it.ends is not None and it.notice is not None:
            end = it.ends * DAY  # the very end of the contract: nothing is counted after it
            more = {"reason": it.reason, "notice_at": _noon(it.notice), "end_at": end, "at": end}
            tell(it.ends, "churned", amount=who.value(self.seats(it.ends)), **more)
        elif not who.monthly:
            tell((who.renewal_on - self.first_on).days, "renewed", amount=who.value(self.seats(self.last)))
        for moment in it.moments:
            if moment.kind == "ticket burst" and self.rng.random() < 0.5:
                day = min(moment.first + int(self.rng.integers(3, 12)), moment.last)
                tell(day, "escalated", reason=moment.about["issue"])
        for moment in planted(it, "promoter"):
            if self.rng.random() < SPEAKS:
                tell(moment.first + int(self.rng.integers(35, 90)), "advocate", reason="reference call")
        if it.story in ("steady", "growing") and self.rng.random() < 0.12:
            day = it.born + int(self.rng.integers(30, max(31, self.days - it.born)))
            tell(day, "advocate", reason=("reference call", "case study", "review")[int(self.rng.integers(0, 3))])
        return rows
