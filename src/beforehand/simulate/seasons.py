"""How much of a working day each day is: weekends, public holidays, summer, the weeks around New Year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

WEEKEND = 0.05
HOLIDAY = 0.04


@dataclass(frozen=True)
class Country:
    """Where an account sits: what it pays in, its winter offset from UTC, when its summer is quiet."""

    code: str
    currency: str
    top: str
    legal: str
    offset_hours: int
    share: float
    summer: tuple[int, float]  # the month that is quiet, and how much of the usual is left in it
    holidays: str  # month and day of those that do not move (for the US and GB as they fell in 2025 and 2026)


COUNTRIES = (
    Country("US", "USD", "com", "Inc.", -6, 0.34, (7, 0.88), "01-01 05-26 06-19 07-04 09-01 11-27 11-28 12-25"),
    Country("GB", "GBP", "co.uk", "Ltd", 0, 0.17, (8, 0.78), "01-01 05-04 05-25 08-31 12-25 12-26"),
    Country("DE", "EUR", "de", "GmbH", 1, 0.16, (8, 0.72), "01-01 05-01 10-03 12-24 12-25 12-26 12-31"),
    Country("FR", "EUR", "fr", "SAS", 1, 0.10, (8, 0.48), "01-01 05-01 05-08 07-14 08-15 11-01 11-11 12-25"),
    Country("NL", "EUR", "nl", "BV", 1, 0.08, (8, 0.68), "01-01 04-27 05-05 12-25 12-26"),
    Country("SE", "SEK", "se", "AB", 1, 0.05, (7, 0.40), "01-01 01-06 05-01 06-06 06-20 12-24 12-25 12-26"),
    Country("CA", "CAD", "ca", "Corp.", -5, 0.06, (7, 0.86), "01-01 07-01 09-07 10-12 12-25 12-26"),
    Country("AU", "AUD", "com.au", "Pty Ltd", 10, 0.04, (1, 0.66), "01-01 01-26 04-25 12-25 12-26"),
)


def easter(year: int) -> date:
    """Easter Sunday of a year (the anonymous Gregorian computus, Meeus 1991)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e, f = b // 4, b % 4, (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def work(country: Country, first_on: date, days: int) -> Float:
    """How much of a usual working day each day from `first_on` is, `[days]`, about 1 from Monday to Friday."""
    share = np.empty(days)
    weekday = (1.04, 1.08, 1.05, 1.0, 0.86, WEEKEND, WEEKEND)
    quiet_month, quiet = country.summer
    for k in range(days):
        on = first_on + timedelta(days=k)
        factor = weekday[on.weekday()]
        if on.month == quiet_month:
            factor *= quiet
        if (on.month, on.day) >= (12, 20) or (on.month, on.day) <= (1, 4):
            factor *= 0.28
        moving = on - easter(on.year)
        if f"{on:%m-%d}" in country.holidays or (country.code != "US" and moving.days in (-2, 1)):
            factor = min(factor, HOLIDAY)
        share[k] = factor
    share.setflags(write=False)
    return share
