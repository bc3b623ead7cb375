"""What somebody holds: every account in every role that is theirs, and who named them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from beforehand.routing.owning import SHARED, named_now, owner
from beforehand.routing.team import folded
from beforehand.routing.tree import every

if TYPE_CHECKING:
    from beforehand.commands.people import Holders
    from beforehand.facts import Facts
    from beforehand.workspace import Folder


@dataclass(frozen=True)
class Held:
    """An account that somebody holds in a role; `said`: whom the trait or a rule names there, as it is written."""

    role: str
    account: str
    said: str | None


def every_traits(facts: Facts, at: datetime) -> dict[str, dict[str, str]]:
    """The traits of every account, by label, as known at a time."""
    from beforehand.facts.traits import of_many

    subjects = facts.subjects()
    stored: dict[int, list[int]] = {}
    for node, into in enumerate(subjects.canonical.tolist()):
        stored.setdefault(into, []).append(node)
    found = of_many(facts, {row: stored[int(node)] for node, row in subjects.row_of.items()}, at)
    return {label: found.get(row, {}) for row, label in enumerate(subjects.label)}


def held_by(folder: Folder, holders: Holders, person: str, traits: Mapping[str, Mapping[str, str]]) -> list[Held]:
    """All that somebody holds, in every role that has owners, or that a route tells, or that was given to them.

    What would only be shared out now is nobody's yet. Of somebody who has left, or is no longer in team.yaml: the
    accounts that the trait or a rule gave them, unless they were handed over to another.
    """
    team, at = holders.team, holders.at
    gone = person not in team.people or team.left(person, at)
    roles = [role for role in team.roles if role in _roles(folder, holders, person)]
    found = []
    for role in roles:
        for account, own in traits.items():
            kept = holders.kept.get((role, account))
            owned = owner(team, role, own, at, kept)
            named = named_now(team, role, own)
            theirs = owned.person == person and not owned.share
            if gone and not theirs:
                given_on = kept is not None and kept.how != SHARED and owned.person == kept.person
                theirs = bool(named) and not given_on and _calls(holders, named[0], person)
                theirs = theirs or (kept is not None and kept.how == SHARED and kept.person == person)
            if theirs:
                found.append(Held(role, account, named[0] if named else None))
    return found


def _roles(folder: Folder, holders: Holders, person: str) -> set[str]:
    """The roles in which accounts are owned: under `owners:`, told by a route, or given to this person before."""
    told: set[str] = set()
    if folder.routes is not None:
        told = {*folder.routes.to, *(to for _, route in every(folder.routes.routes) for to in route.to or ())}
    given = {role for (role, _), kept in holders.kept.items() if kept.person == person}
    return {*holders.team.spec.owners, *told, *given}


def _calls(holders: Holders, said: str, person: str) -> bool:
    return holders.team.named(said) == person or folded(said) == folded(person)
