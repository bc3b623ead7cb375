"""The hidden life of an account: a health path, and the story that bends it.

Health is between 0 and 1. What anybody can see (use, errors, tickets, tone, money) follows from it with a lag, with
noise, and differently in each story: some customers leave silently, some loudly, some healthy ones leave because
their budget was cut, and some look bad for a while and stay. A signal made from what can be seen is therefore good, not
perfect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

Story = Literal[
    "steady", "growing", "quiet but loyal", "pause", "champion replaced", "rough patch",
    "silent decline", "noisy decline", "champion gone", "never onboarded", "budget cut",
]  # fmt: skip
STORIES: dict[Story, float] = {
    "steady": 0.31, "growing": 0.10, "quiet but loyal": 0.06, "pause": 0.06, "champion replaced": 0.04,
    "rough patch": 0.06, "silent decline": 0.12, "noisy decline": 0.12, "champion gone": 0.06, "never onboarded": 0.05,
    "budget cut": 0.02,
}  # fmt: skip
LEAVING: frozenset[Story] = frozenset(
    ("silent decline", "noisy decline", "champion gone", "never onboarded", "budget cut")
)
REASONS: dict[Story, tuple[str, ...]] = {
    "silent decline": ("no longer used", "moved to another tool", "no reason given"),
    "noisy decline": ("reliability", "support", "missing features"),
    "champion gone": ("no owner any more", "moved to another tool"),
    "never onboarded": ("never got going", "too hard to set up"),
    "budget cut": ("budget", "company was acquired"),
}
STEPS = ("connect data", "invite team", "build first report", "schedule export")
USUAL_HEALTH = 0.75
LONGEST_BEYOND = 120  # how many days after the end of the data a departure may lie whose decline is already visible


@dataclass(frozen=True)
class Moment:
    """One planted thing, with the days it lasts (`first` to `last`, counted from the first simulated day)."""

    kind: str
    first: int
    last: int
    about: dict[str, Any] = field(default_factory=dict)


@dataclass
class Life:
    """What drives one account, day by day (`[days]` each); only `truth.json` may tell it."""

    story: Story
    born: int  # the first simulated day it is a customer
    new: bool  # whether it signed up inside the simulated time
    health: Float
    use: Float  # how much of its usual activity is left
    level: float  # how active its people are at all
    friction: Float  # times the usual number of errors
    trouble: Float  # times the usual number of tickets
    tone: Float  # -1 angry .. 1 warm
    export_fail: Float  # share of exports that fail
    stuck: str | None = None
    champion_leaves: int | None = None
    champion_follows: int | None = None
    grows: int | None = None  # the day it buys more seats
    shrinks: int | None = None  # the day it takes fewer seats
    notice: int | None = None
    ends: int | None = None
    reason: str | None = None
    moments: list[Moment] = field(default_factory=list)


def life(rng: np.random.Generator, days: int) -> Life:
    """The life of one account over `days` days; draws only from `rng`."""
    names = list(STORIES)
    story = names[int(rng.choice(len(names), p=list(STORIES.values())))]
    new = bool(rng.random() < 0.42) or story == "never onboarded"
    born = int(rng.integers(0, max(1, days - 45))) if new else 0
    made = Life(
        story=story, born=born, new=new, health=USUAL_HEALTH + _wander(rng, days, 0.05), use=np.ones(days),
        level=float(rng.lognormal(0.0, 0.35)), friction=np.ones(days), trouble=np.ones(days),
        tone=np.full(days, float(rng.normal(0.25, 0.15))), export_fail=np.full(days, 0.03),
    )  # fmt: skip
    if story in LEAVING:
        _leave(made, rng, days)
    else:
        _stay(made, rng, days)
    if made.new and made.stuck is None and rng.random() < 0.05:  # stuck for a while, then through: looks bad and stays
        made.stuck = STEPS[int(rng.integers(0, 3))]
        last = min(days - 1, born + int(rng.integers(18, 30)))
        made.moments.append(Moment("onboarding stuck", born, last, {"step": made.stuck, "got through": True}))
    made.health = np.clip(made.health, 0.02, 0.98)
    # What is seen follows health, and has moods of its own.
    made.use *= np.clip(made.health / USUAL_HEALTH, 0.03, 1.25) ** 1.2 * np.exp(_wander(rng, days, 0.13))
    made.tone = np.clip(made.tone + (made.health - USUAL_HEALTH) * 1.1, -1, 1)
    return made


def _wander(rng: np.random.Generator, days: int, sd: float) -> Float:
    """A slow random walk that returns to zero: weekly steps of an AR(1), joined by straight lines, `[days]`."""
    weeks = days // 7 + 2
    steps = rng.normal(0, 1, weeks)
    path = np.empty(weeks)
    last = 0.0
    for k in range(weeks):
        last = 0.7 * last + 0.714 * float(steps[k])
        path[k] = last
    return np.interp(np.arange(days) / 7, np.arange(weeks), path) * sd


def _slide(days: int, first: float, last: float) -> Float:
    """0 before `first`, 1 after `last`, smooth between, `[days]`."""
    x = np.clip((np.arange(days) - first) / max(1.0, last - first), 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


def _window(days: int, first: int, last: int) -> Float:
    """1 from `first` to `last`, with soft edges of three days, `[days]`."""
    return _slide(days, first - 3, first) * (1 - _slide(days, last, last + 3))


def _stay(it: Life, rng: np.random.Generator, days: int) -> None:
    """Bends the life of an account that stays, whatever it looks like."""
    room = days - it.born
    at = it.born + int(room * rng.uniform(0.3, 0.85))
    if it.story == "quiet but loyal":
        it.level *= float(rng.uniform(0.05, 0.25))
    elif it.story == "growing" and room > 120:
        it.grows = at
        it.health += 0.12 * _slide(days, at - 60, at)
        it.moments.append(Moment("expansion", at - 60, at))
    elif it.story == "pause":
        last = at + int(rng.integers(18, 42))
        it.use *= 1 - float(rng.uniform(0.6, 0.95)) * _window(days, at, last)
        it.moments.append(Moment("pause", at, min(last, days - 1)))
    elif it.story == "champion replaced":
        it.champion_leaves, it.champion_follows = at, at + int(rng.integers(18, 40))
        it.use *= 1 - 0.5 * _window(days, at + 4, it.champion_follows + 12)
        it.moments.append(Moment("champion gone", at, min(it.champion_follows, days - 1), {"replaced": True}))
    elif it.story == "rough patch":
        last = at + int(rng.integers(14, 32))
        _errors(it, rng, days, at, last)
        _tickets(it, rng, days, at + 2, last + 4)
        _sour(it, days, at + 3, last + 10, 0.7)
        it.use *= 1 - 0.3 * _window(days, at + 5, last + 7)
    elif it.story == "steady" and rng.random() < 0.10:  # takes fewer seats and stays
        it.shrinks = at


def _leave(it: Life, rng: np.random.Generator, days: int) -> None:
    """Bends the life of an account that leaves, or has begun to when the data ends."""
    early = it.story == "never onboarded"
    shortest = 80 if early else 170
    if it.born + shortest > days + LONGEST_BEYOND - 20:
        it.born = max(0, days + LONGEST_BEYOND - 20 - shortest)
    latest = min(days + LONGEST_BEYOND, it.born + 170) if early else days + LONGEST_BEYOND
    ends = int(rng.integers(it.born + shortest, latest + 1))
    notice = ends - int(rng.integers(14, 46))
    start = max(it.born + 21, notice - int(rng.integers(45, 100)))
    fallen = start + int(rng.integers(14, 60))
    it.reason = str(rng.choice(REASONS[it.story]))
    if it.story == "budget cut":
        it.use *= 1 - 0.6 * _slide(days, notice, ends)
    elif early:
        it.stuck = STEPS[int(rng.integers(0, 3))]
        it.health -= 0.40 + 0.2 * _slide(days, it.born + 25, notice)
        it.moments.append(
            Moment("onboarding stuck", it.born, min(notice, days - 1), {"step": it.stuck, "got through": False})
        )
    else:
        depth = float(rng.uniform(0.42, 0.6))
        if it.story == "champion gone":
            it.champion_leaves = start
            it.moments.append(Moment("champion gone", start, min(notice, days - 1), {"replaced": False}))
        if it.story == "noisy decline":
            spell = min(start + int(rng.integers(16, 40)), notice)
            _errors(it, rng, days, start, spell)
            _tickets(it, rng, days, start + 3, spell + 6)
            _sour(it, days, start + 5, ends, 0.9)
        lag = 20 if it.story == "noisy decline" else 0
        it.health -= depth * _slide(days, start + lag, fallen + lag)
        it.moments.append(Moment("decline", start + lag, min(notice, days - 1)))
    if notice < days:
        it.notice = notice
    if ends < days:
        it.ends = ends
    it.moments = [m for m in it.moments if m.first < days]


def _errors(it: Life, rng: np.random.Generator, days: int, first: int, last: int) -> None:
    """A spell of errors and failing exports, with one sharp hour in it."""
    factor = float(rng.uniform(4, 8))
    it.friction += (factor - 1) * _window(days, first, last)
    it.export_fail = it.export_fail + float(rng.uniform(0.2, 0.45)) * _window(days, first, last)
    if first >= days:
        return
    it.moments.append(Moment("errors rise", first, min(last, days - 1), {"factor": round(factor, 1)}))
    peak = min(first + int(rng.integers(0, max(1, (last - first) // 2))), days - 1)
    it.moments.append(
        Moment("error spike", peak, peak, {"errors": int(rng.integers(25, 60)), "hour": int(rng.integers(8, 16))})
    )


def _tickets(it: Life, rng: np.random.Generator, days: int, first: int, last: int) -> None:
    """A burst of tickets about one issue."""
    if first >= days:
        return
    last = min(last, days - 1)
    number = min(int(rng.integers(4, 8)), last - first + 1)
    if number >= 3:
        it.moments.append(
            Moment(
                "ticket burst",
                first,
                last,
                {"tickets": number, "issue": str(rng.choice(("exports", "errors", "speed")))},
            )
        )
    it.trouble += 1.2 * _window(days, first, last)


def _sour(it: Life, days: int, first: int, last: int, depth: float) -> None:
    """The tone of what they write turns."""
    it.tone = it.tone - depth * _window(days, first, last)
    if first < days:
        it.moments.append(Moment("tone turns", first, min(last, days - 1)))
