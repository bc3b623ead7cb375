"""One simulated account from its number: the same number and seed give the same account, whoever else is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from beforehand.simulate.money import Money, money
from beforehand.simulate.plants import plant
from beforehand.simulate.profile import People, Profile, people, profile
from beforehand.simulate.relations import Relations, relations
from beforehand.simulate.stories import Life, life
from beforehand.simulate.usage import Events, events


@dataclass(frozen=True)
class Account:
    """Everything about one account: what is hidden, and the facts that follow."""

    who: Profile
    life: Life
    folk: People
    events: Events
    relations: Relations
    money: Money


def account(index: int, seed: int, first_on: date, days: int, incidents: bool = False) -> Account:
    """The account of a number over `days` days from `first_on`; with `incidents` the trackers fail twice.

    Each part draws from a stream of its own (PCG64 keyed by seed, number and part), so that a change to what tickets
    say does not change who leaves.
    """

    def stream(part: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, index, part))))

    it = life(stream(0), days)
    who = profile(stream(1), index, seed, it, first_on, days)
    folk = people(stream(2), who, it, days)
    plant(stream(6), who, it, folk, days)
    return Account(
        who=who, life=it, folk=folk,
        events=events(stream(3), stream(7), who, it, folk, first_on, days, incidents),
        relations=relations(stream(4), stream(8), who, it, folk, first_on, days),
        money=money(stream(5), who, it, first_on, days),
    )  # fmt: skip


def truth(it: Account, first_on: date) -> dict[str, Any]:
    """What really happened to an account, for measuring signals later: never loaded, only compared with."""
    life = it.life

    def on(day: int | None) -> str | None:
        return None if day is None else (first_on + timedelta(days=day)).isoformat()

    last = life.ends if life.ends is not None else len(life.health)
    weeks = [round(float(life.health[k : k + 7].mean()), 2) for k in range(life.born, last, 7)]
    moments = [
        {"kind": m.kind, "from": on(m.first), "to": on(min(m.last, last - 1)), **m.about}
        for m in sorted(life.moments, key=lambda m: (m.first, m.kind))
        if m.first < last
    ]
    return {
        "account": it.who.company.slug, "seats": it.who.seats, "story": life.story,
        "from": on(life.born), "leaves": life.ends is not None,
        "notice_on": on(life.notice), "ends_on": on(life.ends), "reason": life.reason,
        "champion": it.folk.emails[it.folk.champion], "champion_leaves_on": on(life.champion_leaves),
        "champion_follows_on": on(life.champion_follows), "weekly_health": weeks, "moments": moments,
    }  # fmt: skip
