"""Who an account is: plan, seats, price, owner, country; and its people, who come and go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from beforehand.simulate import names, seasons
from beforehand.simulate.stories import Life

Float = NDArray[np.float64]

ROLES = ("admin", "manager", "analyst", "viewer")
PRICE = {"starter": 190.0, "business": 430.0, "enterprise": 620.0}  # a seat and year, in euros
RATES = {"EUR": 1.0, "USD": 1.1, "GBP": 0.86, "SEK": 11.2, "CAD": 1.48, "AUD": 1.66}


@dataclass(frozen=True)
class Profile:
    """What the customer database says about an account on its first day."""

    index: int
    company: names.Company
    country: seasons.Country
    plan: str
    seats: int
    monthly: bool  # pays by the month; else by the year
    owner: str
    segment: str
    customer_since: date
    renewal_on: date  # the first renewal inside or after the simulated time

    def value(self, seats: int) -> float:
        """What `seats` seats are worth a year, in its own currency, rounded as price lists are."""
        return float(round(seats * PRICE[self.plan] * RATES[self.country.currency] / 10) * 10)


@dataclass(frozen=True)
class People:
    """The people of an account; arrays `[people]`, days counted from the first simulated one."""

    names: list[str]
    emails: list[str]
    roles: list[str]
    joins: NDArray[np.int64]
    leaves: NDArray[np.int64]  # the day after the last; `days` and more: still there
    zeal: Float  # sessions on a working day
    loyalty: Float  # 0..1: the share of use below which this person stops
    mobile: NDArray[np.bool_]
    champion: int
    follower: int | None  # who takes over from the champion

    @property
    def size(self) -> int:
        """How many people."""
        return len(self.names)

    def present(self, day: int) -> NDArray[np.int64]:
        """Who is there on a day; the champion where nobody is."""
        found = np.flatnonzero((self.joins <= day) & (day < self.leaves))
        return found if found.size else np.array([self.champion])


def profile(rng: np.random.Generator, index: int, seed: int, it: Life, first_on: date, days: int) -> Profile:
    """The account of an index; draws only from `rng`."""
    country = seasons.COUNTRIES[int(rng.choice(len(seasons.COUNTRIES), p=[c.share for c in seasons.COUNTRIES]))]
    seats = int(np.clip(rng.lognormal(2.25, 0.85), 3, 160))
    plan = "starter" if seats <= 6 else "business" if seats <= 32 else "enterprise"
    born_on = first_on + timedelta(days=it.born)
    since = born_on if it.new else first_on - timedelta(days=int(rng.integers(40, 1400)))
    monthly = bool(rng.random() < {"starter": 0.6, "business": 0.2, "enterprise": 0.0}[plan])
    if it.ends is not None:  # the contract ends when the customer goes
        renewal = first_on + timedelta(days=it.ends)
    else:
        step = 30 if monthly else 365
        renewal = since + timedelta(days=step)
        while renewal < born_on:
            renewal += timedelta(days=step)
    return Profile(
        index=index, company=names.company(index, seed, country), country=country, plan=plan, seats=seats,
        monthly=monthly, owner=names.OWNERS[int(rng.integers(0, len(names.OWNERS)))],
        segment="small" if seats <= 6 else "mid-market" if seats <= 32 else "large",
        customer_since=since, renewal_on=renewal,
    )  # fmt: skip


def people(rng: np.random.Generator, who: Profile, it: Life, days: int) -> People:
    """The people of an account over the simulated days; draws only from `rng`."""
    first = max(2, round(who.seats * float(rng.uniform(0.55, 0.92))))
    hires = int(rng.poisson(first * 0.16 * max(0, days - it.born) / 365))
    grown = max(2, round(first * float(rng.uniform(0.35, 0.6)))) if it.grows is not None else 0
    number = first + hires + grown
    joins = np.full(number, it.born)
    if it.new:  # they are invited over the first weeks, the two first at once
        joins[2:first] = it.born + rng.integers(1, 45, max(0, first - 2))
    joins[first : first + hires] = it.born + (rng.random(hires) * max(1, days - it.born)).astype(int)
    if it.grows is not None:
        joins[first + hires :] = it.grows + rng.integers(-50, 25, grown)
    leaves = joins + np.maximum(30, rng.exponential(365 / 0.17, number).astype(int))
    champion, follower = 0, None
    leaves[champion] = 10 * days if it.champion_leaves is None else it.champion_leaves
    if it.champion_follows is not None:
        follower = number
        number += 1
        joins = np.append(joins, it.champion_follows)
        leaves = np.append(leaves, 10 * days)
    made = names.people(rng, number)
    roles = [ROLES[k] for k in rng.choice(4, number, p=[0.08, 0.2, 0.42, 0.3])]
    zeal = rng.gamma(3.0, 0.15, number) * np.array(
        [{"admin": 1.0, "manager": 0.8, "analyst": 1.35, "viewer": 0.6}[r] for r in roles]
    )
    loyalty = rng.random(number)
    for k in (champion, follower):
        if k is not None:
            roles[k] = "admin"
            zeal[k] = 0.9
            loyalty[k] = 0.02  # the last to stop
    return People(
        names=[n for n, _ in made], emails=[f"{local}@{who.company.domain}" for _, local in made], roles=roles,
        joins=joins, leaves=leaves, zeal=zeal, loyalty=loyalty, mobile=rng.random(number) < 0.16,
        champion=champion, follower=follower,
    )  # fmt: skip
