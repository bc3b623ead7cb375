"""team.yaml and routes.yaml read together: what is wrong with either, each at its line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from beforehand.calendar import BusinessTime
from beforehand.errors import InputError, among
from beforehand.routing.owning import condition_of
from beforehand.routing.team import folded
from beforehand.routing.tree import every
from beforehand.signals.whom import population_of
from beforehand.workspace.reading import read_model
from beforehand.workspace.route_spec import MANAGER, NOBODY, RouteSpec, RoutesSpec
from beforehand.workspace.spec import CalendarSpec, SettingsSpec
from beforehand.workspace.team_spec import WHOSE, PersonSpec, TeamSpec
from beforehand.workspace.working import business_time, check_calendar
from beforehand.workspace.yaml_file import At, Written, read_yaml

TEAM, ROUTES = "team.yaml", "routes.yaml"
SOME_DAY_US = 1_767_225_600_000_000  # 2026-01-01: whether there is a business day at all is the same of any


def read_people(root: Path, settings: SettingsSpec) -> tuple[TeamSpec | None, RoutesSpec | None, list[Written]]:
    """Both files where they are; None for one that is not there or cannot be read."""
    files = [read_yaml(root, name) if (root / name).exists() else None for name in (TEAM, ROUTES)]
    team_file, routes_file = files
    team = None if team_file is None or not team_file.readable else read_model(TeamSpec, team_file)
    routes = None if routes_file is None or not routes_file.readable else read_model(RoutesSpec, routes_file)
    if team is not None and team_file is not None:
        _check_team(team, team_file, settings)
    return team, routes, [written for written in files if written is not None]


def time_of(person: PersonSpec, settings: SettingsSpec) -> BusinessTime:
    """When somebody works: their own, and the workspace's where theirs is not said."""
    return business_time(_as_settings(person, settings))


def check_routes(
    routes: RoutesSpec, team: TeamSpec | None, written: Written, known: Collection[str], settings: SettingsSpec
) -> None:
    """Records what routes.yaml says of signals, people, roles and channels that there are not."""
    team = team or TeamSpec()
    if not team.people:
        written.problem((), "nobody-reachable", "Nobody can hear: team.yaml names no people.", "Add `people:` to it.")
    _check_targets(routes.to, ("to",), team, written, settings)
    _check_targets(routes.escalate_to or (), ("escalate to",), team, written, settings, chain=True)
    names: dict[str, str] = {}
    for place, route in _placed(routes.routes, ()):
        _check_route(route, place, team, written, known, settings)
        if route.name is not None and names.setdefault(route.name, str(place)) != str(place):
            said = f"Two routes are called {route.name!r}."
            written.problem((*place, "name"), "name-taken", said, "Give one another name.")
    for signal, covered in routes.covers.items():
        for name in (signal, *covered):
            if name not in known:
                written.problem(("covers", signal), "unknown-signal", f"{name!r} is not a signal.", among(name, known))
    for nth, window in enumerate(routes.maintenance):
        _check_population(window.accounts, ("maintenance", nth, "accounts"), written)
    called = {name for name, _ in every(routes.routes)}
    for nth, case in enumerate(routes.expect):
        at: At = ("expect", nth)
        if case.alert.signal is not None and case.alert.signal not in known:
            said = f"{case.alert.signal!r} is not a signal."
            written.problem((*at, "alert", "signal"), "unknown-signal", said, among(case.alert.signal, known))
        for who in case.who:
            if who not in team.people and who not in settings.channels and who != NOBODY:
                said = f"{who!r} is no person of team.yaml."
                written.problem((*at, "who"), "unknown-person", said, among(who, [*team.people, NOBODY]))
        for name in case.route or ():
            if name not in called and name != "everything else":
                said = f"There is no route {name!r}."
                written.problem((*at, "route"), "unknown-route", said, among(name, [*called, "everything else"]))


def _check_team(team: TeamSpec, written: Written, settings: SettingsSpec) -> None:
    if not team.people and "people" not in {p.code for p in written.problems}:
        written.problem(
            ("people",), "nobody-reachable", "The team has nobody in it.", "Name the people under `people:`."
        )
    called: dict[str, str] = {}
    for name, person in team.people.items():
        _check_person(name, person, team, written, settings)
        for word in {folded(w) for w in (name, person.email or name, *person.known_as)}:
            other = called.setdefault(word, name)
            if other != name:
                said = f"Both {other} and {name} are called {word!r}: whose account would it be?"
                written.problem(("people", name), "name-taken", said, "Let one have it.")
    _check_circles(team, written)
    for role, holders in team.owners.items():
        at: At = ("owners", role)
        for nth, rule in enumerate(holders.rules):
            for line, people in rule.items():
                condition = condition_of(line)
                if condition is None:
                    said = f"{line!r} is no rule."
                    written.problem((*at, "rules", nth), "bad-value", said, f"A rule begins with `{WHOSE.strip()}`.")
                else:
                    _check_population(condition, (*at, "rules", nth, line), written)
                _check_people(people, (*at, "rules", nth, line), team, written)
        _check_people(holders.others, (*at, "others"), team, written)
        everybody = [p for rule in holders.rules for people in rule.values() for p in people]
        if not holders.trait and not any(p in team.people for p in (*everybody, *holders.others)):
            said = f"Nobody holds the role {role!r}."
            written.problem(at, "nobody-reachable", said, "Name a person of this file in a rule, or under `others`.")


def _check_person(name: str, person: PersonSpec, team: TeamSpec, written: Written, settings: SettingsSpec) -> None:
    at: At = ("people", name)
    if person.manager is not None:
        _check_people((person.manager,), (*at, "manager"), team, written)
    for nth, off in enumerate(person.away):
        if off.stand_in is not None:
            _check_people((off.stand_in,), (*at, "away", nth, "stand-in"), team, written)
    ours = Written(written.file)
    try:
        time = time_of(person, settings)
        check_calendar(_as_settings(person, settings), ours)
        time.days_later(np.array([SOME_DAY_US]), 1)
    except InputError as error:
        key = "zone" if error.code == "unknown-zone" else "holidays"
        written.problem((*at, key), error.code, f"{name}: {error.message}", error.hint)
    for problem in ours.problems:
        written.problem((*at, "weekend" if "weekend" in problem.message else "holidays"), problem.code,
                        f"{name}: {problem.message}", problem.hint)  # fmt: skip
    channels = person.channels or tuple(settings.channels)[:1]
    for place, channel in enumerate(person.channels):
        if channel not in settings.channels:
            said = f"beforehand.yaml has no channel {channel!r}."
            written.problem((*at, "channels", place), "unknown-channel", said, among(channel, settings.channels))
    for channel in person.addresses:
        if channel not in settings.channels:
            said = f"beforehand.yaml has no channel {channel!r}."
            written.problem((*at, "addresses", channel), "unknown-channel", said, among(channel, settings.channels))
    known = [channel for channel in channels if channel in settings.channels]
    if known and not any(recipient(person, channel, settings) for channel in known):
        said = f"{name} can be reached by no channel: they have neither an e-mail nor an address on {known[0]}."
        written.problem(at, "nobody-reachable", said, f"Give `email:`, or `addresses: {{{known[0]}: ...}}`.")


def recipient(person: PersonSpec, channel: str, settings: SettingsSpec) -> str | None:
    """What somebody is called on a channel; None where they cannot be reached by it."""
    if channel in person.addresses:
        return person.addresses[channel]
    spec = settings.channels.get(channel)
    if spec is None:
        return None
    if spec.kind == "email":
        return person.email
    if spec.kind == "slack" and spec.token is not None:
        return None  # an app needs to know whose conversation it is
    return person.email or channel


def _check_circles(team: TeamSpec, written: Written) -> None:
    """Managers in a circle; and stand-ins who are away themselves on a day they stand in, with nobody behind them."""
    told: set[str] = set()
    for name in team.people:
        path, now = [name], team.people[name].manager
        while now is not None and now in team.people and now not in path:
            path.append(now)
            now = team.people[now].manager
        if now == name and name not in told:
            told.update(path)
            said = f"The managers go in a circle: {' -> '.join((*path, name))}."
            written.problem(("people", name, "manager"), "cycle", said, "Somebody has no manager.")
    for name, person in team.people.items():
        for nth, off in enumerate(person.away):
            path, now = [name], off.stand_in or person.manager
            if now is None:
                said = f"{name} is away from {off.from_on} with neither a stand-in nor a manager."
                written.problem(("people", name, "away", nth), "nobody-reachable", said, "Name a `stand-in:`.")
            while now is not None and now in team.people:
                if now in path:
                    said = f"While {name} is away the stand-ins go in a circle: {' -> '.join((*path, now))}."
                    written.problem(("people", name, "away", nth), "cycle", said, "Name somebody who is there.")
                    break
                path.append(now)
                others = team.people[now].away
                over = next((o for o in others if o.from_on <= off.until_on and o.until_on >= off.from_on), None)
                now = None if over is None else over.stand_in or team.people[now].manager


def _check_route(
    route: RouteSpec, at: At, team: TeamSpec, written: Written, known: Collection[str], settings: SettingsSpec
) -> None:
    _check_targets(route.to or (), (*at, "to"), team, written, settings)
    _check_targets(route.escalate_to or (), (*at, "escalate to"), team, written, settings, chain=True)
    if route.match is None:
        return
    _check_population(route.match.accounts, (*at, "match", "accounts"), written)
    for nth, signal in enumerate(route.match.signals or ()):
        if signal not in known:
            said = f"{signal!r} is not a signal."
            written.problem((*at, "match", "signals", nth), "unknown-signal", said, among(signal, known))


def _check_targets(
    targets: Iterable[str], at: At, team: TeamSpec, written: Written, settings: SettingsSpec, *, chain: bool = False
) -> None:
    """Whether somebody stands behind each name: a person, a role that somebody has, or a channel."""
    roles = {role for person in team.people.values() for role in person.roles} | set(team.owners)
    valid = [*team.people, *roles, *([MANAGER] if chain else settings.channels)]
    for target in targets:
        if target in valid:
            continue
        what = "person or role" if chain else "person, role or channel"
        written.problem(at, "unknown-person", f"{target!r} is no {what}.", among(target, valid))


def _check_people(people: Iterable[str], at: At, team: TeamSpec, written: Written) -> None:
    for name in people:
        if name not in team.people:
            written.problem(at, "unknown-person", f"{name!r} is no person of team.yaml.", among(name, team.people))


def _check_population(text: str | None, at: At, written: Written) -> None:
    if text is None:
        return
    try:
        population_of(text)
    except InputError as error:
        written.problem(at, error.code or "bad-sentence", error.message, error.hint)


def _placed(routes: tuple[RouteSpec, ...], around: At) -> Iterable[tuple[At, RouteSpec]]:
    for nth, route in enumerate(routes):
        at = (*around, "routes", nth)
        yield at, route
        yield from _placed(route.routes, at)


def _as_settings(person: PersonSpec, settings: SettingsSpec) -> SettingsSpec:
    own: Mapping[str, object] = {
        name: value for name in ("weekend", "holidays", "hours") if (value := getattr(person, name)) is not None
    }
    calendar: CalendarSpec = settings.calendar.model_copy(update=own)
    return settings.model_copy(update={"calendar": calendar, "zone": person.zone or settings.zone})
