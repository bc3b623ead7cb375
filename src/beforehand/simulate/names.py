"""Names that sound like companies and people, all made up; the n-th company always has the same name for a seed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np

from beforehand.simulate.seasons import Country
from beforehand.simulate.texts import read

_LISTS = read("names")
STEMS: tuple[str, ...] = tuple(_LISTS["stems"])
TRADES = tuple((trade, industry) for industry, trades in _LISTS["trades"].items() for trade in trades)
WIDER: tuple[str, ...] = tuple(_LISTS["wider"])
GIVEN: tuple[str, ...] = tuple(_LISTS["given"])
FAMILY: tuple[str, ...] = tuple(_LISTS["family"])
OWNERS: tuple[str, ...] = tuple(_LISTS["owners"])
MOST = len(STEMS) * len(TRADES) * len(WIDER)


@dataclass(frozen=True)
class Company:
    """An account's name, and what follows from it."""

    name: str
    slug: str
    domain: str
    industry: str


def slug_of(text: str) -> str:
    """Small letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def company(index: int, seed: int, country: Country) -> Company:
    """The company of an index: no two below `MOST` share a name."""
    plain = len(STEMS) * len(TRADES)
    wide, within = divmod(index, plain)
    k = (within * 2017 + seed * 613) % plain  # 2017 is prime to `plain`, so this walks through all of them
    stem, (trade, industry) = STEMS[k % len(STEMS)], TRADES[k // len(STEMS)]
    name = f"{stem} {trade}" + (f" {WIDER[wide]}" if wide else "")
    slug = slug_of(name)
    return Company(f"{name} {country.legal}", slug, f"{slug}.{country.top}", industry)


def people(rng: np.random.Generator, number: int) -> list[tuple[str, str]]:
    """Names of `number` people and the local part of their address, which is unique among them."""
    given = rng.integers(0, len(GIVEN), number)
    family = rng.integers(0, len(FAMILY), number)
    taken: dict[str, int] = {}
    found = []
    for g, f in zip(given.tolist(), family.tolist(), strict=True):
        local = f"{GIVEN[g]}.{FAMILY[f]}".lower()
        taken[local] = taken.get(local, 0) + 1
        found.append((f"{GIVEN[g]} {FAMILY[f]}", local if taken[local] == 1 else f"{local}{taken[local]}"))
    return found
