"""The stages of telling before messages are made: incidents, bigger alerts, what was told before, grouping."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from beforehand.routing.batch import KINDS, SEVERITIES, Batch, Due, Held, Kind, Rhythm, Telling

ACCOUNT = "account "
"""How the thread of what is about one account begins."""


class Hold:
    """What opened while an incident is open, of a signal it touches, waits until it is settled."""

    def pass_on(self, batch: Batch) -> Batch:
        """The batch without what is in doubt."""
        kept, held = [], []
        for due in batch.due:
            doubt = None if due.item.closed or (due.item.number, due.person) in batch.before else _doubt(batch, due)
            if doubt is None:
                kept.append(due)
            else:
                held.append(
                    Held(due.person, due.item.number, "hold", f"{doubt} is open, and may be what it comes from")
                )
        return replace(batch, due=tuple(kept), held=(*batch.held, *held))


def _doubt(batch: Batch, due: Due) -> str | None:
    item = due.item
    return next((d.name for d in batch.doubts if item.signal in d.signals and item.opened_at >= d.since), None)


class Inhibit:
    """A bigger alert at the same account covers what the same person would hear: more severe, or declared to.

    Bad news covers bad news and good news good. Something covered by what is covered is covered too, and one of them
    is always told. What was told before, sleeps or is over covers nothing new, or is no longer to be covered.
    """

    def pass_on(self, batch: Batch) -> Batch:
        """The batch without what is covered."""
        by_place: dict[tuple[str, str, str], list[Due]] = defaultdict(list)
        for due in batch.due:
            by_place[due.person, due.item.account, due.item.polarity].append(due)
        covered: dict[tuple[int, str], Due] = {}
        for dues in by_place.values():
            covered |= self._covered(batch, dues)
        kept = tuple(due for due in batch.due if (due.item.number, due.person) not in covered)
        held = [
            Held(person, number, "inhibit", f"covered by {by.item.name} ({by.item.signal}, {by.item.severity})")
            for (number, person), by in covered.items()
        ]
        return replace(batch, due=kept, held=(*batch.held, *held))

    def _covered(self, batch: Batch, dues: list[Due]) -> dict[tuple[int, str], Due]:
        awake = [d for d in dues if not d.item.closed and not _sleeps(batch, d)]
        awake.sort(key=lambda due: due.item.urgency)
        found: dict[tuple[int, str], Due] = {}
        for due in sorted(awake, key=lambda due: due.item.urgency, reverse=True):
            if due.news is not None or (due.item.number, due.person) in batch.before:
                continue
            by = next((other for other in awake if other is not due and self._covers(batch, other, due)), None)
            if by is not None:
                awake.remove(due)
                found[due.item.number, due.person] = by
        return found

    def _covers(self, batch: Batch, one: Due, other: Due) -> bool:
        return one.item.rank < other.item.rank or other.item.signal in batch.covers.get(one.item.signal, ())


def _sleeps(batch: Batch, due: Due) -> bool:
    until = due.item.snoozed_until
    return until is not None and until > batch.now


class Remember:
    """What is new to somebody: told first, worse than told, taken over from another, or over. The rest was told.

    It stands before grouping, so that the budget counts messages that would really be sent.
    """

    def pass_on(self, batch: Batch) -> Batch:
        """The batch with what is new only."""
        told_to: dict[int, set[str]] = defaultdict(set)
        for number, person in batch.before:
            told_to[number].add(person)
        hearing: dict[int, set[str]] = defaultdict(set)
        for due in batch.due:
            hearing[due.item.number].add(due.person)
        found = []
        for due in batch.due:
            left = told_to[due.item.number] - hearing[due.item.number]
            news = due.news or _news(batch, due, handed=bool(left))
            if news is not None:
                found.append(replace(due, news=news))
        return replace(batch, due=tuple(found))


def _news(batch: Batch, due: Due, *, handed: bool) -> Kind | None:
    said = batch.before.get((due.item.number, due.person))
    if due.item.closed:
        return "cleared" if said is not None and said.kind != "cleared" else None
    if said is None:
        return "handed over" if handed else "first"
    # One that was told less severe is told again; whoever has taken it on knows.
    return "worse" if SEVERITIES.index(said.severity) > due.item.rank and not due.item.acknowledged else None


class Group:
    """One message for what one person hears of one account; one cause over many accounts is told once, with the list.

    Causes: what was taken over together, what was open when it all began, one incident, one signal at many accounts.
    """

    def pass_on(self, batch: Batch) -> Batch:
        """The batch as messages."""
        groups: dict[tuple[str, str, bool], list[Due]] = defaultdict(list)
        day = f"{batch.now:%Y-%m-%d}"
        spread: dict[tuple[str, str], set[str]] = defaultdict(set)
        for due in batch.due:
            if due.news == "first" and not due.item.backlog:
                spread[due.person, _cause(due)].add(due.item.account)
        for due in batch.due:
            many = len(spread[due.person, _cause(due)]) >= batch.together
            groups[due.person, _thread(due, day, many), due.news == "cleared"].append(due)
        tellings = []
        for (person, thread, _), dues in groups.items():
            news = tuple(sorted(dues, key=lambda due: due.item.urgency))
            accounts = {due.item.account for due in news}
            account = accounts.pop() if len(accounts) == 1 else None
            tellings.append(Telling(person, most_pressing(news), thread, news, account=account))
        return replace(batch, due=(), tellings=tuple(tellings))


class Follow:
    """What comes up at an account of which somebody was told not long ago joins what they have.

    What still waits to be handed over takes it in. Else it is written into the message that told of the account where
    that can be edited, or waits for the next digest: the daily one where it is of high severity, the weekly one
    otherwise. What is worse than what they were told, critical, or for any hour, is a message of its own.
    """

    def pass_on(self, batch: Batch) -> Batch:
        """The batch with what follows joined to what was told."""
        return replace(batch, tellings=tuple(self._joined(batch, telling) for telling in batch.tellings))

    def _joined(self, batch: Batch, telling: Telling) -> Telling:
        if telling.account is None or not telling.thread.startswith(ACCOUNT) or not all(map(_calm, telling.news)):
            return telling
        last = batch.last.get((telling.thread, telling.person))
        follows = all(_follows(batch, due) for due in telling.news)
        if last is not None and (follows or last.waiting):
            news = tuple(replace(due, news="since") for due in telling.news)
            return replace(telling, kind="since", news=news, replaces=last.key, also=last.alerts)
        if not follows:
            return telling
        return replace(telling, news=tuple(_waiting(batch, due) for due in telling.news))


def _calm(due: Due) -> bool:
    return due.news == "first" and not due.any_hour and not due.alone and due.item.severity != "critical"


def _follows(batch: Batch, due: Due) -> bool:
    """Whether somebody was told of as much at the account lately, for good or for bad."""
    lately = batch.lately.get((due.item.account, due.item.polarity, due.person))
    return lately is not None and SEVERITIES.index(lately.severity) <= due.item.rank


def _waiting(batch: Batch, due: Due) -> Due:
    if due.digest is not None:
        return due
    lately = batch.lately[due.item.account, due.item.polarity, due.person]
    rhythm: Rhythm = "daily" if due.item.severity == "high" else "weekly"
    why = f"they were told of the account on {lately.at:%Y-%m-%d}; it goes along with the {rhythm} digest"
    return replace(due, digest=rhythm, waits=why)


def _cause(due: Due) -> str:
    item = due.item
    return f"incident {item.cause}" if item.cause is not None else f"signal {item.signal}"


def _thread(due: Due, day: str, many: bool) -> str:
    if due.news == "handed over":
        return f"handed over {day}"
    if due.news == "first" and due.item.backlog:
        return f"backlog {day}"
    if due.news == "first" and many and due.item.severity != "critical":
        return f"{_cause(due)} {day}"
    return f"{ACCOUNT}{due.item.account}"


def most_pressing(news: Iterable[Due]) -> Kind:
    """The kind of a message with several things in it."""
    return min((due.news or "first" for due in news), key=KINDS.index)
