"""What is planted beside the stories: one thing of every kind a signal can tell, with its account and its days.

A plant is drawn from a stream of its own, so that the lives themselves stay what they are. Those that are bad news are
rarer among customers who stay than among those who leave, and come to the latter while they decide: so a signal that
finds its plant is right more often than chance, and is still often wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from beforehand.simulate.profile import People, Profile
from beforehand.simulate.stories import LEAVING, Life, Moment

Whose = Literal["any", "new", "new, briefly", "served", "staying"]
SERVED = ("business", "enterprise")  # the plans whose owners keep in touch of their own accord
SETTLED = 75  # days: what is planted later needs a past to stand out from
BEFORE_END = 12  # days before the end of the data, so that there is time to see it
QUIET_BEFORE = 120  # days from a new customer's start in which nothing else than the start is planted


@dataclass(frozen=True)
class Plant:
    """One kind of thing: how often it is planted with those who stay and who leave, for how many days, with whom."""

    kind: str
    staying: float
    leaving: float
    days: tuple[int, int]
    whose: Whose = "any"


PLANTS = (
    Plant("back and forth", 0.14, 0.25, (2, 6), "new, briefly"),
    Plant("missed milestone", 0.12, 0.30, (22, 60), "new"),
    Plant("abandoned exports", 0.05, 0.12, (3, 7)),
    Plant("core action stops", 0.08, 0.14, (32, 60)),
    Plant("narrow use", 0.06, 0.12, (50, 90)),
    Plant("lost in the help", 0.05, 0.08, (1, 2)),
    Plant("ticket waits", 0.05, 0.12, (6, 14)),
    Plant("ticket reopened", 0.05, 0.10, (9, 18)),
    Plant("ticket passed around", 0.05, 0.10, (5, 11)),
    Plant("bad answers", 0.05, 0.10, (4, 18)),
    Plant("low NPS", 0.06, 0.14, (1, 1)),
    Plant("talks of leaving", 0.03, 0.35, (1, 1)),
    Plant("admin silent", 0.09, 0.15, (42, 80)),
    Plant("we were silent", 0.09, 0.16, (60, 110), "served"),
    Plant("invoice overdue", 0.08, 0.15, (75, 120)),
    Plant("payment failed", 0.03, 0.07, (3, 9)),
    Plant("money falls", 0.25, 0.0, (1, 1), "staying"),
    Plant("looks at the exit", 0.01, 0.40, (1, 5)),
    Plant("looks at prices", 0.05, 0.02, (3, 20)),
    Plant("at the limit", 0.05, 0.02, (4, 12)),
    Plant("promoter", 0.08, 0.0, (28, 56), "staying"),
    Plant("turned terse", 0.05, 0.12, (60, 100)),
    Plant("ticket goes wrong", 0.05, 0.14, (8, 14)),
    Plant("silent after anger", 0.04, 0.14, (30, 60)),
)
ADVANCED_BY_GROWTH = {"looks at prices": 0.5, "at the limit": 0.45, "promoter": 0.35}
DECIDES = ("manager",)  # roles whose people decide about the contract
WROTE_BEFORE = 130  # days for which somebody who turns terse had written warmly
STAYS = 60  # days for which somebody who falls silent in anger is still there
FEWEST_SEATS = 7  # with fewer, a seat less is no fall
RENEWAL_NEAR = 120  # days
BACK_AFTER, RECOVERED = 12, 35  # days until a new champion has everybody back; days in which that shows
DECIDING = frozenset({"talks of leaving", "looks at the exit"})  # come in the last weeks before the notice


def plant(rng: np.random.Generator, who: Profile, it: Life, folk: People, days: int) -> None:
    """Adds to the life what is planted with this account; draws only from `rng`."""
    leaves = it.story in LEAVING
    last = min(it.notice if it.notice is not None else days, it.ends if it.ends is not None else days, days)
    for one in PLANTS:
        # The same numbers are drawn whether it is planted or not, so that one plant does not move another.
        chance, where = rng.random(2).tolist()
        length = int(rng.integers(one.days[0], one.days[1] + 1))
        often = one.leaving if leaves else one.staying
        if it.story == "growing":
            often = ADVANCED_BY_GROWTH.get(one.kind, often)
        if chance >= often or not _fits(one.whose, who, it):
            continue
        first, until = _span(one, it, last)
        latest = min(until, last - BEFORE_END) - min(length, 30)
        if latest < first:
            continue
        day = it.born if one.whose == "new" else first + int(where * (latest - first + 1))
        about = _about(one.kind, where, who, it, folk, day)
        if about is not None:
            it.moments.append(Moment(one.kind, day, min(day + length, last) - 1, {"planted": True, **about}))
    _of_the_story(it, who, days)


def planted(it: Life, kind: str) -> list[Moment]:
    """What of a kind is planted with an account."""
    return [moment for moment in it.moments if moment.kind == kind and moment.about.get("planted")]


def _fits(whose: Whose, who: Profile, it: Life) -> bool:
    match whose:
        case "new" | "new, briefly":
            return it.new and it.stuck is None
        case "served":
            return who.plan in SERVED
        case "staying":
            return it.story in ("steady", "growing", "champion replaced") and it.shrinks is None
        case _:
            return True


def _span(one: Plant, it: Life, last: int) -> tuple[int, int]:
    """The first and last day on which it may begin."""
    if one.whose == "new":
        return it.born, last
    if one.whose == "new, briefly":
        return it.born + 1, it.born + 12
    begin = it.born + (QUIET_BEFORE if it.new else SETTLED)
    decline = next((m.first for m in it.moments if m.kind in ("decline", "champion gone")), None)
    if it.story in LEAVING and decline is not None:
        begin = max(begin, decline)
    if one.kind in DECIDING and it.notice is not None:
        begin = max(begin, it.notice - 45)
    if one.kind == "money falls" and it.grows is not None:
        return begin, min(last, it.grows - 120)
    return begin, last


def _about(kind: str, where: float, who: Profile, it: Life, folk: People, day: int) -> dict[str, Any] | None:
    """What else is to be known of a plant (`where`: a number from 0 to 1); None where the account is not fit for it."""
    if kind == "low NPS":
        asked = [k for k in folk.present(day).tolist() if folk.roles[k] in DECIDES]
        return {"person": folk.emails[asked[int(where * len(asked))]]} if asked else None
    if kind == "turned terse":  # somebody who is there all the time, and wrote before it
        there = [k for k in folk.present(max(day - WROTE_BEFORE, it.born)).tolist() if k in folk.present(day)]
        there = [k for k in there if k != folk.champion]
        return {"person": folk.emails[there[int(where * len(there))]]} if there else None
    if kind == "silent after anger":  # somebody who does not turn terse besides, and stays
        terse = {moment.about["person"] for moment in planted(it, "turned terse")}
        stays = set(folk.present(min(day + STAYS, len(it.health) - 1)).tolist())
        there = [k for k in folk.present(day).tolist() if k in stays and folk.emails[k] not in terse]
        return {"person": folk.emails[there[int(where * len(there))]]} if there else None
    if kind == "money falls":
        if who.seats < FEWEST_SEATS:
            return None
        it.shrinks = day
    return {}


def _before_renewal(it: Life, decline: Moment, who: Profile, days: int) -> None:
    """The part of a decline from which on the renewal is near; who leaves, leaves when the contract is up."""
    if it.ends is None or who.monthly:
        return
    first, last = max(decline.first, it.ends - RENEWAL_NEAR), min(decline.last, days - 1)
    if first < last:
        it.moments.append(Moment("trouble before the renewal", first, last, {"planted": True}))


def _of_the_story(it: Life, who: Profile, days: int) -> None:
    """What a story has planted by itself, named as the signals tell it."""
    born = it.born + QUIET_BEFORE if it.new else it.born
    if it.story == "quiet but loyal" and born < days - SETTLED:
        it.moments.append(Moment("quiet for its size", born, days - 1, {"planted": True}))
    if it.story == "steady" and it.shrinks is not None and not planted(it, "money falls") and who.seats > 4:
        it.moments.append(Moment("money falls", it.shrinks, it.shrinks, {"planted": False}))
    for moment in list(it.moments):
        if moment.kind == "decline":
            _before_renewal(it, moment, who, days)
        if moment.kind == "decline" and it.story == "noisy decline":
            it.moments.append(Moment("trouble, then decline", moment.first, moment.last, {"planted": True}))
        back = moment.last if moment.kind == "pause" else None
        if moment.kind == "champion gone" and moment.about["replaced"]:
            back = moment.last + BACK_AFTER
        if back is not None and back + RECOVERED < days and moment.first > it.born + SETTLED:
            it.moments.append(Moment("recovery", back, back + RECOVERED, {"planted": True}))
