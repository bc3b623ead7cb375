"""The standard events, and which of them a product's own event may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from ruamel.yaml import YAML

ALIKE = 84  # from so near on (0 to 100) names are taken to be alike; below, too many are by chance
SHORTEST = 4  # letters a name has at least for likeness to mean something
FILLERS = frozenset({"a", "an", "the", "amplitude", "segment", "event", "track"})


@dataclass(frozen=True)
class StandardEvent:
    """One event of the standard vocabulary: what it means, and names that products give it."""

    name: str
    means: str
    spelled: tuple[str, ...]


class Guess(NamedTuple):
    """The standard event that an own one may be: by a name that is known, or one that is alike."""

    standard: str
    why: Literal["known", "alike"]
    like: str


def _read() -> dict[str, StandardEvent]:
    written: dict[str, Any] = YAML(typ="safe", pure=True).load(
        (files(__package__) / "vocabulary.yaml").read_text(encoding="utf-8")
    )
    return {name: StandardEvent(name, said["means"], tuple(said["spelled"])) for name, said in written.items()}


STANDARD: Mapping[str, StandardEvent] = _read()


def plainly(name: str) -> str:
    """A name without what only style puts into it: `$userSignedIn`, `User Signed In` and `user_signed_in` are one."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    kept = [word for word in re.split(r"[^\w]+|_+", words.lower()) if word and word not in FILLERS]
    return " ".join(kept)


@cache
def _known() -> dict[str, tuple[str, str]]:
    """Every plain name: the standard event it means, and how it was spelled; a standard name means itself."""
    found = {plainly(name): (name, name) for name in STANDARD}
    for event in STANDARD.values():
        for spelled in event.spelled:
            found.setdefault(plainly(spelled), (event.name, spelled))
    return found


def guess(own: str) -> Guess | None:
    """The standard event that a product's own event most likely is; None where none is near."""
    from rapidfuzz import fuzz, process

    plain = plainly(own)
    known = _known()
    if plain in known:
        standard, spelled = known[plain]
        return Guess(standard, "known", spelled)
    if len(plain) < SHORTEST:
        return None
    near = process.extractOne(plain, list(known), scorer=fuzz.token_sort_ratio, score_cutoff=ALIKE)
    if near is None:
        return None
    standard, spelled = known[near[0]]
    return Guess(standard, "alike", spelled)
