"""The stages of telling once messages are made: what must be quiet, the digest, the budget, and what is sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

from beforehand.routing.batch import FREE, Batch, Due, Held, Rhythm, Sent, Telling
from beforehand.routing.stages import most_pressing


class Mute:
    """Snoozed alerts wait until they wake, and all of a time of maintenance until it is over."""

    def pass_on(self, batch: Batch) -> Batch:
        """The batch without what must be quiet."""
        kept: list[Telling] = []
        held: list[Held] = []
        for telling in batch.tellings:
            news = []
            for due in telling.news:
                quiet = _quiet(batch, due)
                if quiet is None:
                    news.append(due)
                else:
                    held.append(Held(telling.person, due.item.number, "mute", quiet[1], quiet[0]))
            if news:
                kept.append(replace(telling, news=tuple(news), kind=most_pressing(news)))
        return replace(batch, tellings=tuple(kept), held=(*batch.held, *held))


def _quiet(batch: Batch, due: Due) -> tuple[datetime, str] | None:
    item = due.item
    if item.closed:
        return None
    if item.snoozed_until is not None and item.snoozed_until > batch.now:
        return item.snoozed_until, "snoozed"
    return max(item.waits, default=None)


def rhythm_of(said: bool | Rhythm | None, severity: str, polarity: str) -> Rhythm | None:
    """Which digest an alert may wait for: as its route says, else what is low the daily one, and growth the weekly."""
    if said is None:
        if polarity == "growth":
            return None if severity == "critical" else "weekly"
        return "daily" if severity == "low" else None
    return None if said is False else "daily" if said is True else said


class Digest:
    """What is not worth a message of its own waits for a digest, daily or weekly; people without one hear at once.

    Whichever digest is sent first takes all that waits, and so does a message about the same account.
    """

    def pass_on(self, batch: Batch) -> Batch:
        """The batch with the digests that are due, and without what waits for one."""
        kept: list[Telling] = []
        held: list[Held] = []
        listed: dict[str, list[Due]] = defaultdict(list)
        for telling in batch.tellings:
            person = telling.person
            waits = [due for due in telling.news if _may_wait(batch, telling, due)]
            news = tuple(due for due in telling.news if due not in waits)
            if not waits or (news and telling.account is not None):
                kept.append(telling)
                continue
            if person in batch.digest_now:
                listed[person] += waits
            else:
                held += [_for_digest(batch, person, due) for due in waits]
            if news:
                kept.append(replace(telling, news=news, kind=most_pressing(news)))
        kept += [digest_of(batch, person, dues) for person, dues in listed.items() if dues]
        return replace(batch, tellings=tuple(kept), held=(*batch.held, *held))


def _may_wait(batch: Batch, telling: Telling, due: Due) -> bool:
    return (
        due.digest is not None
        and due.news in ("first", "worse")
        and telling.kind not in FREE
        and telling.person in batch.digest_at
    )


def _for_digest(batch: Batch, person: str, due: Due) -> Held:
    weekly = due.digest == "weekly"
    until = (batch.week_at if weekly else batch.digest_at).get(person, batch.digest_at.get(person))
    return Held(
        person, due.item.number, "digest", due.waits or f"its route leaves it to the {due.digest} digest", until
    )


def digest_of(batch: Batch, person: str, dues: list[Due]) -> Telling:
    """The digest of somebody."""
    news = tuple(sorted(dues, key=lambda due: due.item.urgency))
    return Telling(person, "digest", f"digest {batch.now:%Y-%m-%d}", news)


class Budget:
    """So many messages a week to each person, those first where most is at risk; the rest is listed, and told later.

    Critical alerts and what nobody answered pass and count. A digest that is due takes in what is not allowed.
    """

    def pass_on(self, batch: Batch) -> Batch:
        """The batch with no more than the budgets allow."""
        by_person: dict[str, list[Telling]] = defaultdict(list)
        for telling in batch.tellings:
            by_person[telling.person].append(telling)
        kept: list[Telling] = []
        held: list[Held] = []
        for person, tellings in by_person.items():
            limit = batch.budget.get(person)
            free = [t for t in tellings if limit is None or t.kind in FREE]
            costly = sorted((t for t in tellings if t not in free), key=_pressing)
            left = (limit or 0) - batch.spent.get(person, 0)
            over: list[Telling] = []
            for telling in costly:
                pressing = telling.critical or telling.kind == "escalated"
                if left > 0 or (pressing and not batch.critical_counts):
                    free.append(telling)
                    left -= 1
                else:
                    over.append(telling)
            if over and person in batch.digest_now:
                free = _taken_in(batch, person, free, over)
            else:
                held += [_spent(batch, person, due) for telling in over for due in telling.news]
            kept += free
        return replace(batch, tellings=tuple(kept), held=(*batch.held, *held))


def _pressing(telling: Telling) -> tuple[bool, bool, float, str]:
    """The order in which a budget is spent: what was said before comes last."""
    pressing = telling.critical or telling.kind == "escalated"
    return not pressing, telling.kind == "still", -telling.stake, telling.thread


def _taken_in(batch: Batch, person: str, free: list[Telling], over: list[Telling]) -> list[Telling]:
    digest = next((t for t in free if t.kind == "digest"), None)
    dues = [due for telling in ([digest] if digest else []) + over for due in telling.news]
    return [*(t for t in free if t is not digest), digest_of(batch, person, dues)]


def _spent(batch: Batch, person: str, due: Due) -> Held:
    ends = [at for at in (batch.week_ends.get(person), batch.digest_at.get(person)) if at is not None]
    why = f"the {batch.budget[person]} messages of this week are spent on what is more at risk"
    return Held(person, due.item.number, "budget", why, min(ends, default=None))


class Send:
    """When and how each message is handed over: outside of working hours with their beginning, unless it is urgent.

    Where all that a message told is over it is edited where that can be, or taken back while it waits; nobody gets a
    message for it. Editing wakes nobody, so it waits for nothing.
    """

    def pass_on(self, batch: Batch) -> Batch:
        """The batch with every message as it is to be handed over."""
        found = []
        for telling in batch.tellings:
            if telling.kind == "cleared":
                last = _last_of(batch, telling)
                key = None if last is None else last.key
                found.append(replace(telling, replaces=key, silent=last is None or last.waiting))
            elif telling.kind == "since":
                found.append(telling)
            else:
                urgent = any(due.any_hour or due.channel for due in telling.news)
                found.append(replace(telling, at=None if urgent else batch.opens.get(telling.person)))
        return replace(batch, tellings=tuple(found))


def _last_of(batch: Batch, telling: Telling) -> Sent | None:
    """The message that told what is over, where it told nothing that is not."""
    last = batch.last.get((telling.thread, telling.person))
    if last is None:
        return None
    over = {due.item.number for due in telling.news}
    over |= {number for (number, who), said in batch.before.items() if who == telling.person and said.kind == "cleared"}
    return last if over.issuperset(last.alerts) else None
