"""Whose an account is in a role: one person, and every reason that spoke for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from beforehand.routing.team import Team
from beforehand.signals.population import true_of
from beforehand.signals.whom import population_of
from beforehand.workspace.team_spec import WHOSE, HoldersSpec

Traits = Mapping[str, object]
SHARED, GIVEN = "shared", "handed over"


@dataclass(frozen=True)
class Kept:
    """What is kept of an account in a role: whom it was shared to, or handed over to.

    `said`: whom the trait or a rule named when it was handed over; once they name another, the hand-over is over.
    """

    person: str
    how: str
    said: str | None = None


@dataclass(frozen=True)
class Reason:
    """One thing that spoke for somebody; `holds` for the one that decided, `person` None where it named nobody."""

    person: str | None
    why: str
    holds: bool = False


@dataclass(frozen=True)
class Owned:
    """The holder of a role at an account, None where there is none; `share`: it is to be kept."""

    role: str
    person: str | None
    reasons: tuple[Reason, ...]
    share: bool = False

    @property
    def why(self) -> str:
        """The reason that decided."""
        return next((reason.why for reason in self.reasons if reason.holds), "nobody holds it")


@dataclass(frozen=True)
class Loads:
    """How many accounts each was given by sharing in this role, and how many open alerts each has."""

    given: Mapping[str, int] = field(default_factory=dict)
    open: Mapping[str, int] = field(default_factory=dict)


def owner(
    team: Team, role: str, traits: Traits, at: datetime, kept: Kept | None = None, loads: Loads | None = None
) -> Owned:
    """Who holds a role at an account. The order: handed over, the trait, the rules, shared among the others.

    Somebody who left is passed over, and said to be; somebody away still holds it.
    """
    spec = team.spec.owners.get(role)
    reasons: list[Reason] = []
    written = _written(team, spec, traits, at, reasons)
    if kept is not None and kept.how == GIVEN:
        there = kept.person in team.people and not team.left(kept.person, at)
        if there and _says_still(team, kept.said, named_now(team, role, traits)):
            reasons.insert(0, Reason(kept.person, "it was handed over to them"))
            return _decided(role, kept.person, reasons, 0)
        since = ", before team.yaml or its trait said another" if there else ", who is no longer with us"
        reasons.append(Reason(kept.person if there else None, f"it was handed over to {kept.person}{since}"))
    if len(written) == 1:
        place = next(n for n, reason in enumerate(reasons) if reason.person == written[0])
        return _decided(role, written[0], reasons, place)
    among, of = written, "of those the rule names"
    if not among:
        named = spec.others if spec and spec.others else team.in_role(role)
        among, of = [n for n in named if n in team.people and not team.left(n, at)], f"of those with the role {role}"
        if spec and spec.others:
            of = "of the others"
    if not among:
        reasons.append(Reason(None, f"nobody has the role {role}"))
        return Owned(role, None, tuple(reasons))
    if len(among) == 1:
        reasons.append(Reason(among[0], f"they are the only one {of}"))
        return _decided(role, among[0], reasons, len(reasons) - 1)
    if kept is not None and kept.how == SHARED and kept.person in among:
        reasons.append(Reason(kept.person, f"it was shared to them, {of}"))
        return _decided(role, kept.person, reasons, len(reasons) - 1)
    how = spec.share if spec else "round robin"
    chosen = _next(among, how, loads or Loads())
    words = "they are the next in turn" if how == "round robin" else "they have the fewest open alerts"
    reasons.append(Reason(chosen, f"{words}, {of}"))
    return _decided(role, chosen, reasons, len(reasons) - 1, share=True)


def _written(team: Team, spec: HoldersSpec | None, traits: Traits, at: datetime, reasons: list[Reason]) -> list[str]:
    """Whom the trait, else the first rule that matches, names; all that spoke for somebody goes into `reasons`."""
    chosen: list[str] = []
    if spec is None:
        return chosen
    if spec.trait:
        said = traits.get(spec.trait)
        if said is not None and str(said).strip():
            person = team.named(str(said))
            if person is None:
                reasons.append(Reason(None, f"the trait {spec.trait} says {said}, who is not in team.yaml"))
            else:
                reasons.append(Reason(person, f"the trait {spec.trait} says {said}" + _gone(team, person, at)))
                chosen = [] if team.left(person, at) else [person]
    for rule in spec.rules:
        for written, people in rule.items():
            condition = condition_of(written)
            if condition is None or not true_of(population_of(condition), traits):
                continue
            known = [person for person in people if person in team.people]
            said = f"for accounts where {condition}"
            reasons.extend(Reason(person, said + _gone(team, person, at)) for person in known)
            if not chosen:
                chosen = [person for person in known if not team.left(person, at)]
    return chosen


def named_now(team: Team, role: str, traits: Traits) -> tuple[str, ...]:
    """Whom the trait, else the first rule that matches, names at an account, whether or not they are still with us.

    As it is written first: that is what a hand-over keeps, so that it outlives the day they leave and are taken out
    of team.yaml. A trait that names a stranger lets the rules speak too.
    """
    spec = team.spec.owners.get(role)
    found: list[str] = []
    if spec is None:
        return ()
    said = str((traits.get(spec.trait) if spec.trait else None) or "").strip()
    person = team.named(said) if said else None
    if person is not None:
        return (said, person)
    for rule in spec.rules:
        for written, people in rule.items():
            condition = condition_of(written)
            if not found and condition is not None and true_of(population_of(condition), traits):
                found.append(", ".join(people))
    return (*found, *([said] if said else []))


def _says_still(team: Team, said: str | None, now: tuple[str, ...]) -> bool:
    """Whether nobody else is named than when it was handed over; naming nobody any more takes nothing away."""
    if said is not None and (said in now or team.named(said) in now):
        return True
    return not any(team.named(name) for written in now for name in written.split(", "))


def condition_of(written: str) -> str | None:
    """What a rule's line says after `for accounts where`; None where it does not begin so."""
    line = " ".join(written.split())
    return line[len(WHOSE) :].strip() or None if line.lower().startswith(WHOSE) else None


def _gone(team: Team, person: str, at: datetime) -> str:
    return f" (but they left on {team.people[person].left_on})" if team.left(person, at) else ""


def _next(among: Sequence[str], how: str, loads: Loads) -> str:
    counted = loads.given if how == "round robin" else loads.open
    return min(among, key=lambda name: (counted.get(name, 0), among.index(name)))


def _decided(role: str, person: str, reasons: Sequence[Reason], place: int, share: bool = False) -> Owned:
    said = tuple(Reason(r.person, r.why, holds=n == place) for n, r in enumerate(reasons))
    return Owned(role, person, said, share)
