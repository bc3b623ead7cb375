"""Who hears of an alert: the routes it takes, the holder of each role, and who stands in for whoever is away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from beforehand.routing.owning import Owned, Reason
from beforehand.routing.team import Team
from beforehand.routing.tree import Such, Taken, take
from beforehand.workspace.route_spec import MANAGER, RoutesSpec, TermsSpec

Holder = Callable[[str], Owned]
"""The holder of a role at the account in question."""


@dataclass(frozen=True)
class Hearer:
    """Somebody who is to hear of an alert: a person of the team, or a channel (`channel`); None: nobody can.

    `reasons` are all that spoke for anybody, in the order asked.
    """

    person: str | None
    route: str
    terms: TermsSpec
    why: str
    reasons: tuple[Reason, ...] = ()
    role: str | None = None
    channel: bool = False
    share: Owned | None = None


def hearers(team: Team, routes: RoutesSpec, such: Such, at: datetime, holder: Holder) -> tuple[Hearer, ...]:
    """Everybody who is to hear of an alert, each once, by the first route that names them."""
    found: dict[str | None, Hearer] = {}
    for taken in take(routes, such):
        for target in taken.terms.to or ():
            hearer = _hearer(team, taken, target, at, holder)
            found.setdefault(hearer.person, hearer)
    if len(found) > 1:
        found.pop(None, None)  # somebody hears: who cannot is no more than a reason
    return tuple(found.values())


def _hearer(team: Team, taken: Taken, target: str, at: datetime, holder: Holder) -> Hearer:
    if target in team.people:
        reach = team.reach(target, at)
        reason = Reason(target, f"the route {taken.name} names them", holds=True)
        return Hearer(
            reach.person, taken.name, taken.terms, _said(target, reach.person, reason.why, reach.why), (reason,)
        )
    if target not in team.roles:
        why = f"the route {taken.name} names the channel"
        return Hearer(target, taken.name, taken.terms, why, (Reason(target, why, holds=True),), channel=True)
    owned = holder(target)
    if owned.person is None:
        why = f"nobody holds the role {target}: " + "; ".join(reason.why for reason in owned.reasons)
        return Hearer(None, taken.name, taken.terms, why, owned.reasons, role=target)
    reach = team.reach(owned.person, at)
    why = _said(owned.person, reach.person, f"{target} of the account: {owned.why}", reach.why)
    share = owned if owned.share else None
    return Hearer(reach.person, taken.name, taken.terms, why, owned.reasons, role=target, share=share)


def _said(wanted: str, person: str | None, why: str, instead: str) -> str:
    if person == wanted:
        return why
    return f"{why} ({instead})" if person else f"nobody is reachable: {instead}"


def chain(team: Team, terms: TermsSpec, first: str, at: datetime, holder: Holder) -> tuple[str, ...]:
    """Who hears after `first` when nobody answers, one after the other, each once; not those out of reach."""
    found: list[str] = []
    asked = first
    for target in terms.escalate_to or ():
        if target == MANAGER:
            named = team.people[asked].manager if asked in team.people else None
        elif target in team.people:
            named = target
        else:
            named = holder(target).person
        reached = team.reach(named, at).person if named is not None and named in team.people else None
        if reached is not None and reached != first and reached not in found:
            found.append(reached)
        asked = named or asked
    return tuple(found)
