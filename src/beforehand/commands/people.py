"""The people of a workspace and who hears of what: team.yaml, routes.yaml and what the state keeps of holders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beforehand.errors import Problem
from beforehand.routing.owning import SHARED, Kept, Loads, Owned, Traits, owner
from beforehand.routing.team import Team
from beforehand.routing.tree import Such
from beforehand.routing.who import Hearer, hearers
from beforehand.workspace.people import time_of
from beforehand.workspace.route_spec import NOBODY, ExpectSpec
from beforehand.workspace.team_spec import TeamSpec

if TYPE_CHECKING:
    from beforehand.workspace import Folder

OWNER = "owner"
SOME_DAY = datetime(2999, 1, 1, 12, tzinfo=UTC)  # after everybody who leaves has left


def team_of(folder: Folder, spec: TeamSpec | None = None) -> Team:
    """The team of a workspace, each with their business time; nobody where there is no team.yaml."""
    people = spec or folder.team or TeamSpec()
    return Team(people, {name: time_of(person, folder.settings) for name, person in people.people.items()})


def such_of(folder: Folder, signal: str, severity: str, polarity: str, traits: Traits) -> Such:
    """An alert as routes ask of it."""
    spec = folder.specs.get(signal)
    return Such(signal, severity, polarity, spec.group if spec else None, traits)


@dataclass
class Holders:
    """Who holds each role at each account, with what was shared or handed over before; `new` is to be kept."""

    team: Team
    at: datetime
    kept: Mapping[tuple[str, str], Kept] = field(default_factory=dict)
    open: Mapping[str, int] = field(default_factory=dict)
    new: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: dict[tuple[str, str], Owned] = field(default_factory=dict)
    given: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for (role, _), kept in self.kept.items():
            if kept.how == SHARED:
                self.given.setdefault(role, Counter())[kept.person] += 1

    def of(self, role: str, account: str, traits: Traits) -> Owned:
        """The holder of a role at an account; the same for the whole of one run."""
        key = (role, account)
        if key not in self.asked:
            given = self.given.setdefault(role, Counter())
            found = owner(self.team, role, traits, self.at, self.kept.get(key), Loads(given, self.open))
            if found.share and found.person is not None:
                self.new[key] = found.person
                given[found.person] += 1
            self.asked[key] = found
        return self.asked[key]


def who_hears(folder: Folder, holders: Holders, account: str, such: Such) -> tuple[Hearer, ...]:
    """Everybody who is to hear of an alert at an account; nobody where there is no routes.yaml."""
    if folder.routes is None:
        return ()
    return hearers(holders.team, folder.routes, such, holders.at, lambda role: holders.of(role, account, such.traits))


def role_of_owners(team: Team, role: str) -> str | None:
    """The role of the team that a playbook's `owner` means.

    Itself where it is one; `owner` is the role that the trait `owner` names, else the only one under `owners:`.
    """
    if role in team.roles:
        return role
    owners = team.spec.owners
    named = [name for name, spec in owners.items() if spec.trait == OWNER] or list(owners)
    return named[0] if role == OWNER and len(named) == 1 else None


def whose_run(holders: Holders, role: str, account: str, traits: Traits, alerted: str | None) -> tuple[str | None, str]:
    """Whose a run of a playbook is, and why: the holder of its role, else `alerted`, whose alert began it, else whose
    the account is. Who left is passed over, up to whoever stands in for them.
    """
    team, at = holders.team, holders.at
    asked = role_of_owners(team, role)
    if asked is not None:
        owned = holders.of(asked, account, traits)
        if owned.person is not None:
            return owned.person, f"{asked} of the account: {owned.why}"
        for reason in owned.reasons:
            reach = team.reach(reason.person, at) if reason.person is not None else None
            if reach is not None and reach.person is not None:
                return reach.person, f"{reason.why}; {reach.why}"
    for called, why in ((alerted, "the alert is theirs"), (traits.get(OWNER), f"the trait {OWNER} names them")):
        person = team.named(str(called)) if called else None
        if person is not None and team.left(person, at):
            reach = team.reach(person, at)
            if reach.person is not None:
                return reach.person, f"{why}; {reach.why}"
        elif called:
            return person or str(called), why
    return None, "nobody holds it"


def failing_expectations(folder: Folder) -> list[Problem]:
    """Every `expect:` case of routes.yaml that does not come out as it says, with its line."""
    if folder.routes is None or folder.routes_written is None or not folder.team:
        return []
    present = {name: person.model_copy(update={"away": ()}) for name, person in folder.team.people.items()}
    problems = []
    for nth, case in enumerate(folder.routes.expect):
        day = case.on
        at = SOME_DAY if day is None else datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        spec = folder.team if day else folder.team.model_copy(update={"people": present})
        found = _heard(folder, case, Holders(team_of(folder, spec), at))
        wrong = _differs(case, found)
        if wrong is not None:
            at_line = folder.routes_written.line(("expect", nth))
            said = "; ".join(f"{h.person or NOBODY} by {h.route}, because {h.why}" for h in found)
            problems.append(Problem(folder.routes_written.file, at_line, "failing-case", wrong, f"It is {said}."))
    return problems


def _heard(folder: Folder, case: ExpectSpec, holders: Holders) -> tuple[Hearer, ...]:
    signal = folder.specs.get(case.alert.signal or "")
    such = Such(
        case.alert.signal or "",
        case.alert.severity or (signal.severity if signal else "medium"),
        case.alert.polarity or (signal.polarity if signal else "risk"),
        case.alert.group or (signal.group if signal else None),
        case.account,
    )
    return who_hears(folder, holders, "", such)


def _differs(case: ExpectSpec, found: tuple[Hearer, ...]) -> str | None:
    heard = {hearer.person or NOBODY for hearer in found}
    if heard != set(case.who):
        return f"{_listed(case.who)} must hear, and {_listed(sorted(heard))} would."
    routes = {hearer.route for hearer in found}
    if case.route is not None and routes != set(case.route):
        return f"It must take {_listed(case.route)}, and takes {_listed(sorted(routes))}."
    return None


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
