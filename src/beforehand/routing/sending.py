"""The stages of telling once messages are made: what must be quiet, the digest, the budget, and what is sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

from beforehand.routing.batch import Batch, Due, Held, Telling
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


class Digest:
    """What a route leaves to the daily digest waits for it; people without one hear at once."""

    def pass_on(self, batch: Batch) -> Batch:
        """The batch with the digests that are due, and without what waits for one."""
        kept: list[Telling] = []
        held: list[Held] = []
        listed: dict[str, list[Due]] = defaultdict(list)
        for telling in batch.tellings:
            person = telling.person
            waits = [d for d in telling.news if d.digest and d.news in ("first", "worse") and person in batch.digest_at]
            news = tuple(due for due in telling.news if due not in waits)
            if person in batch.digest_now:
                listed[person] += waits
            else:
                until = batch.digest_at.get(person)
                held += [
                    Held(person, due.item.number, "digest", "its route tells it in the digest", until) for due in waits
                ]
            if news:
                kept.append(replace(telling, news=news, kind=most_pressing(news)))
        kept += [digest_of(batch, person, dues) for person, dues in listed.items() if dues]
        return replace(batch, tellings=tuple(kept), held=(*batch.held, *held))


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
            free = [t for t in tellings if limit is None or t.kind in ("cleared", "digest")]
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

    What is over is edited into the message that told it, where that can be; nobody gets a message for it.
    """

    def pass_on(self, batch: Batch) -> Batch:
        """The batch with every message as it is to be handed over."""
        found = []
        for telling in batch.tellings:
            if telling.kind == "cleared":
                last = batch.last.get((telling.thread, telling.person))
                found.append(replace(telling, replaces=last, silent=last is None))
            else:
                urgent = any(due.any_hour or due.channel for due in telling.news)
                found.append(replace(telling, at=None if urgent else batch.opens.get(telling.person)))
        return replace(batch, tellings=tuple(found))
