"""By when an alert must be answered, computed once in business time, and what happens when it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from beforehand.routing.batch import Kind
from beforehand.routing.team import Team
from beforehand.workspace.route_spec import TermsSpec

REMINDERS = 2
"""How often it is said again where a route does not say how often at most."""


@dataclass(frozen=True)
class Ticking:
    """The clock of an alert: whose time it runs in, from when, by when, and how far it has gone.

    `level`: how many have heard because nobody answered. `overran`: somebody heard that it was not over in time.
    """

    person: str
    started_at: datetime
    acknowledge_by: datetime | None
    resolve_by: datetime | None
    level: int = 0
    overran: bool = False
    reminded: int = 0


@dataclass(frozen=True)
class Poke:
    """Somebody who must hear because time has passed, and why."""

    person: str
    kind: Kind
    why: str


def start(team: Team, terms: TermsSpec, person: str, at: datetime) -> Ticking | None:
    """The clock of an alert that is told now; None where its route knows no times."""
    if terms.acknowledge_within is None and terms.resolve_within is None and terms.remind_every is None:
        return None
    acknowledge, resolve = (
        None if span is None else team.later(person, at, span)
        for span in (terms.acknowledge_within, terms.resolve_within)
    )
    return Ticking(person, at, acknowledge, resolve)


def look(
    team: Team, terms: TermsSpec, clock: Ticking, chain: Sequence[str], now: datetime, *, acknowledged: bool
) -> tuple[tuple[Poke, ...], Ticking]:
    """Who must hear at a moment, and the clock afterwards; looking twice at one moment says nothing twice.

    Reminders and the climb end with acknowledgement. At most one step up the chain is taken at a look, so that nobody
    is passed over after a long silence of ours.
    """
    pokes: list[Poke] = []
    if not acknowledged:
        due = answer_due(team, terms, clock, chain)
        if due is not None and due <= now:
            why = f"nobody has acknowledged it by {due:%Y-%m-%d %H:%M} UTC"
            pokes.append(Poke(chain[clock.level], "escalated", why))
            clock = replace(clock, level=clock.level + 1)
        said = reminders_due(team, terms, clock, now)
        if said > clock.reminded:
            pokes.append(Poke(clock.person, "still", "it is open and nobody has acknowledged it"))
            clock = replace(clock, reminded=said)
    if clock.resolve_by is not None and clock.resolve_by <= now and not clock.overran:
        if chain:
            why = f"it is not over by {clock.resolve_by:%Y-%m-%d %H:%M} UTC"
            pokes.append(Poke(chain[0], "escalated", why))
        clock = replace(clock, overran=True)
    return tuple({poke.person: poke for poke in reversed(pokes)}.values()), clock


def answer_due(team: Team, terms: TermsSpec, clock: Ticking, chain: Sequence[str]) -> datetime | None:
    """When the next one of the chain hears: each has as long as the first had, in their own business time."""
    if clock.acknowledge_by is None or terms.acknowledge_within is None or clock.level >= len(chain):
        return None
    due = clock.acknowledge_by
    for person in chain[: clock.level]:
        due = team.later(person, due, terms.acknowledge_within)
    return due


def reminders_due(team: Team, terms: TermsSpec, clock: Ticking, now: datetime) -> int:
    """How many reminders should have been said by now."""
    most = REMINDERS if terms.remind_at_most is None else terms.remind_at_most
    if terms.remind_every is None:
        return 0
    at, said = clock.started_at, 0
    while said < most:
        at = team.later(clock.person, at, terms.remind_every)
        if at > now:
            break
        said += 1
    return said


def next_look(
    team: Team, terms: TermsSpec, clock: Ticking, chain: Sequence[str], *, acknowledged: bool
) -> datetime | None:
    """When the clock is to be looked at next; None where nothing more will happen by itself."""
    found = [] if clock.overran or clock.resolve_by is None else [clock.resolve_by]
    if not acknowledged:
        due = answer_due(team, terms, clock, chain)
        found += [due] if due is not None else []
        most = REMINDERS if terms.remind_at_most is None else terms.remind_at_most
        if terms.remind_every is not None and clock.reminded < most:
            at = clock.started_at
            for _ in range(clock.reminded + 1):
                at = team.later(clock.person, at, terms.remind_every)
            found.append(at)
    return min(found, default=None)
