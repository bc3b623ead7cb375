"""Which resource helps with what an alert is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from beforehand.workspace.playbook_spec import ANY, FixesSpec, ResourceSpec

KINDS = ("error", "onboarding step", "feature", "issue", "signal")
"""From the closest to the widest: a fix for this error beats a page about the signal."""
About = Mapping[str, Sequence[str]]
"""What an alert is about: texts by kind (error texts and fingerprints, issue groups, ...), the most frequent first."""


def find_resource(
    resources: Iterable[ResourceSpec], about: About, by: str = "any", language: str = "en"
) -> ResourceSpec | None:
    """The resource that fits best, in the reader's language where there is one; None where none fits.

    The closest kind first; within it what happens most often, then the longest text that matches, then the name.
    """
    kinds = KINDS if by == ANY else tuple(kind for kind in KINDS if kind == by)
    ranked = [
        (
            kinds.index(kind),
            place,
            foreign,
            -length,
            resource.resource,
            resource,
        )
        for resource in resources
        for foreign in [_spoken(resource.language) != _spoken(language)]
        for kind in kinds
        for place, length in [_place(_texts(resource.fixes, kind), about.get(kind, ()))]
        if length
    ]
    return min(ranked, key=lambda r: r[:5])[-1] if ranked else None


def _spoken(language: str) -> str:
    """A language without its region: `de-AT` is read by whoever reads `de`."""
    return language.replace("_", "-").partition("-")[0].strip().lower()


def _texts(fixes: FixesSpec, kind: str) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(fixes, kind.replace(" ", "_"))
    return found


def _place(fixed: Sequence[str], found: Sequence[str]) -> tuple[int, int]:
    """The first of the texts found in which one that is fixed stands, and the length of that; length 0 for none."""
    for place, text in enumerate(found):
        lengths = [len(fix) for fix in fixed if fix.lower() in text.lower()]
        if lengths:
            return place, max(lengths)
    return 0, 0
