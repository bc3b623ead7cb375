"""Public holidays by place: a country as `DE`, or a part of one as `DE-BY`, from the package `holidays`.

It is imported where a holiday is first asked for: most workspaces, and every start of the tool, do without it.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from beforehand.errors import InputError, among, nearest

Int = NDArray[np.int64]
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def place_named(text: str) -> str:
    """The code of a place, `DE` or `DE-BY`; InputError with the nearest name where holidays of it are not known.

    A country is known by its ISO codes of two and of three letters and by its English name, a part of one by its ISO
    code or its own name; case does not matter.
    """
    found = place_of(text)
    if found is not None:
        return found
    country, _, part = text.strip().partition("-")
    code = _country(country)
    if code is None:
        hint = among(text, sorted(_countries()[code] for code in set(_codes().values())))
        raise InputError(f"No holidays are known of {text!r}.", hint, code="unknown-country")
    raise InputError(
        f"{part!r} is not a part of {_countries()[code]}.", among(part, _parts(code)), code="unknown-country"
    )


@lru_cache(maxsize=4096)
def place_of(text: str) -> str | None:
    """The code of a place as `place_named` gives it, None where holidays of it are not known."""
    code = _country(text)
    if code is not None:
        return code
    country, dash, part = text.strip().partition("-")
    code = _country(country) if dash else None
    if code is None:
        return None
    parts = {_plain(said): told for said, told in _parts(code).items()}
    told = parts.get(_plain(part))
    return None if told is None else f"{code}-{told}"


def nearest_place(text: str) -> str | None:
    """The English name of the country that is written most like the text."""
    return nearest(text, _countries().values())


@lru_cache(maxsize=256)
def holidays_of(place: str, first_year: int, last_year: int) -> tuple[Int, Int]:
    """The public holidays of a place in some years, and the days of weekends that are worked there instead of others.

    As day numbers since 1970-01-01, ascending. Years the package knows nothing of have none.
    """
    import holidays

    country, _, part = place.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None)
    years = range(max(first_year, found.start_year), min(last_year, found.end_year) + 1)
    for year in years:
        found.get(date(year, 7, 1))  # a year is filled in when one of its days is asked for
    return _numbers(found.keys(), years), _numbers(found.weekend_workdays, years)


def _numbers(days: object, years: range) -> Int:
    assert hasattr(days, "__iter__")
    numbers = sorted(day.toordinal() - EPOCH_ORDINAL for day in days if day.year in years)
    return np.array(numbers, dtype=np.int64)


def _country(text: str) -> str | None:
    return _codes().get(_plain(text))


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Two-letter code to English name."""
    from holidays.registry import COUNTRIES

    return {names[1]: key.replace("_", " ").title() for key, names in COUNTRIES.items()}


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """Whatever a country may be called, plain, to its two-letter code."""
    from holidays.registry import COUNTRIES

    return {_plain(said): names[1] for key, names in COUNTRIES.items() for said in (key, *names)}


@lru_cache(maxsize=256)
def _parts(country: str) -> dict[str, str]:
    """Codes and names of the parts of a country to the code that the package knows them by."""
    import holidays

    known = holidays.country_holidays(country)
    return {code: code for code in known.subdivisions} | dict(known.subdivisions_aliases)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
