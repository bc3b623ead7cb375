"""Which routes an alert takes: depth first, the first that matches unless it goes on; the file itself is the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from beforehand.signals.population import true_of
from beforehand.signals.whom import population_of
from beforehand.workspace.route_spec import MatchSpec, RouteSpec, RoutesSpec, TermsSpec

EVERYTHING = "everything else"
TERMS = tuple(TermsSpec.model_fields)


@dataclass(frozen=True)
class Such:
    """What routes ask of an alert, and of its account."""

    signal: str
    severity: str
    polarity: str
    group: str | None
    traits: Mapping[str, object]

    @property
    def value(self) -> float:
        """What the account is worth; 0 where that is not known."""
        try:
            return float(str(self.traits.get("value") or 0))
        except ValueError:
            return 0.0


@dataclass(frozen=True)
class Taken:
    """A route that is taken: its name, its terms with what it has from those around it, and what matched, in words."""

    name: str
    terms: TermsSpec
    why: str


def take(routes: RoutesSpec, such: Such) -> tuple[Taken, ...]:
    """The routes an alert takes, at least one."""
    root = TermsSpec.model_construct(**{name: getattr(routes, name) for name in TERMS})
    found: list[Taken] = []
    if not _walk(routes.routes, such, root, "", found):
        found.append(Taken(EVERYTHING, root, "no other route takes it" if not found else "routes before it go on"))
    return tuple(found)


def every(routes: tuple[RouteSpec, ...], around: str = "") -> Iterator[tuple[str, RouteSpec]]:
    """All routes with their names, in the order of the file."""
    for nth, route in enumerate(routes, start=1):
        name = route.name or (f"{around}.{nth}" if around else str(nth))
        yield name, route
        yield from every(route.routes, name)


def _walk(routes: tuple[RouteSpec, ...], such: Such, around: TermsSpec, path: str, found: list[Taken]) -> bool:
    """Adds what is taken among siblings; whether one of them ended the search."""
    for nth, route in enumerate(routes, start=1):
        why = matched(route.match, such)
        if why is None:
            continue
        name = route.name or (f"{path}.{nth}" if path else str(nth))
        terms = within(around, route)
        before = len(found)
        _walk(route.routes, such, terms, name, found)
        if len(found) == before:
            found.append(Taken(name, terms, why))
        if not route.goes_on:
            return True
    return False


def within(around: TermsSpec, route: TermsSpec) -> TermsSpec:
    """The terms of a route, with those of the route around it where it says nothing."""
    own: dict[str, Any] = {name: getattr(route, name) for name in TERMS}
    return TermsSpec.model_construct(**{n: getattr(around, n) if own[n] is None else own[n] for n in TERMS})


def matched(match: MatchSpec | None, such: Such) -> str | None:
    """Why a route matches, in words; None where it does not."""
    if match is None:
        return "it takes everything"
    said: list[str] = []
    if match.signals is not None:
        if such.signal not in match.signals:
            return None
        said.append(f"the signal is {such.signal}")
    for name in ("severity", "polarity", "group"):
        wanted, has = getattr(match, name), getattr(such, name)
        if wanted is None:
            continue
        if has not in ((wanted,) if isinstance(wanted, str) else wanted):
            return None
        said.append(f"the {name} is {has}")
    if match.accounts is not None:
        if not true_of(population_of(match.accounts), such.traits):
            return None
        said.append(match.accounts)
    if match.value_at_least is not None:
        if such.value < match.value_at_least:
            return None
        said.append(f"the account is worth {such.value:,.0f}")
    return ", ".join(said)
