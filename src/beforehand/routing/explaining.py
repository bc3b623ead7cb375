"""What became of one alert for one person at each stage: a word and a reason, by the stages that decide. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from beforehand.routing.batch import Batch, Due, Held, Stage, Telling
from beforehand.routing.pipeline import STAGES

PASSES, HELD = "passes", "held back"


@dataclass(frozen=True)
class Step:
    """What a stage made of it: `word` is `passes`, `held back`, or what it decides; `until` where that is known."""

    stage: str
    word: str
    why: str
    until: datetime | None = None


Trace = tuple[tuple[str, Batch, Batch], ...]
"""Each stage by name, with the batch before and after it."""


def trace(batch: Batch, stages: Sequence[Stage] = STAGES) -> Trace:
    """What each stage makes of a batch."""
    found = []
    for stage in stages:
        after = stage.pass_on(batch)
        found.append((type(stage).__name__.lower(), batch, after))
        batch = after
    return tuple(found)


def steps(traced: Trace, number: int, person: str) -> tuple[Step, ...]:
    """The stages an alert goes through for somebody, up to the one that keeps it, or to its being handed over.

    An alert that was told goes no further than `remember`.
    """
    found: list[Step] = []
    for name, before, after in traced:
        held = _held(after.held[len(before.held) :], number, person)
        due, telling = _due(after, number, person), _telling(after, number, person)
        if held is not None:
            return (*found, Step(held.stage, HELD, held.why, held.until))
        if due is None and telling is None:
            return (*found, Step(name, *_told_before(before, number, person)))
        found.append(_step(name, before, due, telling, number, person))
    return tuple(found)


def _step(name: str, batch: Batch, due: Due | None, telling: Telling | None, number: int, person: str) -> Step:
    """What a stage says of what it passes on."""
    if due is not None:
        match name:
            case "hold":
                return Step(name, PASSES, _no_doubt(batch))
            case "inhibit":
                return Step(name, PASSES, "nothing bigger at the account covers it")
            case "remember":
                return Step(name, str(due.news), _news(due))
    if telling is None:
        return Step(name, PASSES, "")
    match name:
        case "group":
            others = [one.item for one in telling.news if one.item.number != number]
            if not others:
                return Step(name, "alone", "nothing else of it is told to them now")
            named = ", ".join(item.name for item in others[:3]) + (f" and {len(others) - 3} more" if others[3:] else "")
            return Step(name, "together", f"one message with {named} ({telling.thread})")
        case "follow":
            if telling.replaces is not None:
                return Step(name, "joins", "it goes into the message that told of the account before")
            return Step(name, PASSES, "it is a message of its own")
        case "mute":
            return Step(name, PASSES, "neither snoozed nor in maintenance")
        case "digest":
            if telling.kind == "digest":
                return Step(name, "digest", "the digest that is due takes it in")
            return Step(name, PASSES, "it does not wait for a digest")
        case "budget":
            return Step(name, PASSES, _budget(batch, telling, person))
        case "send":
            if telling.silent:
                return Step(name, "silent", "what is over is no message of its own")
            if telling.at is not None:
                return Step(name, "waits", "they do not work now", telling.at)
            return Step(name, "now", "the next run hands it to `beforehand work`")
    return Step(name, PASSES, "")


def _told_before(batch: Batch, number: int, person: str) -> tuple[str, str]:
    said = batch.before.get((number, person))
    if said is None:
        return "nothing", "there is nothing to tell them"
    return "told", f"they were told of it ({said.kind}, {said.severity}), and nothing is new since"


def _no_doubt(batch: Batch) -> str:
    return "no open incident touches it" if batch.doubts else "no incident is open"


def _news(due: Due) -> str:
    return {
        "first": "they were not told of it yet",
        "worse": "it is more severe than when they were told",
        "handed over": "somebody else was told of it, and it is theirs now",
        "cleared": "it is over, and they were told of it",
    }.get(str(due.news), due.why)


def _budget(batch: Batch, telling: Telling, person: str) -> str:
    limit = batch.budget.get(person)
    if limit is None:
        return "nothing limits it"
    if telling.kind in ("cleared", "digest") or telling.replaces is not None:
        return "it does not count"
    spent = f"{batch.spent.get(person, 0)} of {limit} messages of this week are spent"
    pressing = telling.critical or telling.kind == "escalated"
    return f"{spent}; it passes in any case" if pressing and not batch.critical_counts else spent


def _held(held: Sequence[Held], number: int, person: str) -> Held | None:
    return next((one for one in held if (one.alert, one.person) == (number, person)), None)


def _due(batch: Batch, number: int, person: str) -> Due | None:
    return next((one for one in batch.due if (one.item.number, one.person) == (number, person)), None)


def _telling(batch: Batch, number: int, person: str) -> Telling | None:
    mine = (one for one in batch.tellings if one.person == person)
    return next((one for one in mine if any(due.item.number == number for due in one.news)), None)
