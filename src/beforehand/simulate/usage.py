"""What people do in the product: sessions, features, exports, errors, onboarding steps, as events with two times.

All of one account at once: the sessions of each person and day are Poisson, everything else hangs on a session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from beforehand.simulate import planted_use, seasons
from beforehand.simulate.profile import People, Profile
from beforehand.simulate.stories import STEPS, Life
from beforehand.simulate.vocabulary import CODE, DAY, DETAIL, HOUR, MINUTE, SECOND

Int = NDArray[np.int64]
Float = NDArray[np.float64]

ACTIONS = ("feature used", "page viewed", "report created", "comment added", "export started")
WEIGHTS = (0.46, 0.27, 0.11, 0.08, 0.08)
FEATURE_WEIGHTS = (0.4, 0.14, 0.2, 0.12, 0.06, 0.08)
ACTIONS_PER_SESSION = 1.9
ERRORS_PER_SESSION = 0.05
# The tracker of this event was silent between these days before the end, for everybody.
FEED_GAP = ("page viewed", 131, 129)
# Asked for, all trackers are silent between these days before the end, and from a day on an event has another name.
OUTAGE = (48, 45)
RENAMED = ("report created", "report made", 21)
NONE = -1


@dataclass(frozen=True)
class Events:
    """Events of one account, `[n]` each: who, codes of the event and of its detail, the two times in microseconds from
    the first simulated day, the workflow an export belongs to, and whether it came from a phone."""

    person: Int
    code: Int
    detail: Int
    at: Int
    learned: Int
    workflow: Int
    mobile: NDArray[np.bool_]


class Pen:
    """Collects arrays of events until they are put together."""

    def __init__(self) -> None:
        self.parts: list[tuple[Int, Int, Int, Int, Int, Int]] = []

    def write(
        self, person: Int, code: str | Int, detail: str | Int, at: Int, delay: Int | int = 0, workflow: Int | int = NONE
    ) -> None:
        """Adds events that share what is given once."""
        n = len(at)
        if not n:
            return

        def full(value: Int | int) -> Int:
            return np.broadcast_to(np.asarray(value, dtype=np.int64), n)

        self.parts.append((
            full(person), full(CODE[code] if isinstance(code, str) else code),
            full((DETAIL[detail] if detail else NONE) if isinstance(detail, str) else detail),
            full(at), full(delay), full(workflow),
        ))  # fmt: skip


def events(
    rng: np.random.Generator, more: np.random.Generator, who: Profile, it: Life, folk: People, first_on: date,
    days: int, incidents: bool = False,
) -> Events:  # fmt: skip
    """Everything the account did that was learned before the data ends, by time; draws from `rng`, for plants `more`.

    With `incidents` the trackers fail everybody twice.
    """
    pen = Pen()
    _sessions(rng, pen, who, it, folk, first_on, days)
    _spikes(rng, pen, it, folk, who, days)
    if it.new:
        _onboarding(rng, pen, it, folk, who, days)
    _growth(rng, pen, it, folk, who, days)
    planted_use.write(more, pen, who, it, folk, first_on, days)
    if not pen.parts:
        empty = np.empty(0, np.int64)
        return Events(empty, empty, empty, empty, empty, empty, empty.astype(bool))
    person, code, detail, at, delay, workflow = (np.concatenate(column) for column in zip(*pen.parts, strict=True))
    learned = at + np.maximum(delay, 0)
    keep = (at >= 0) & (learned < days * DAY) & (at < (it.ends if it.ends is not None else days) * DAY)
    silent, from_back, to_back = FEED_GAP
    keep &= ~((code == CODE[silent]) & (at >= (days - from_back) * DAY) & (at < (days - to_back) * DAY))
    keep &= ~planted_use.left_out(it, folk, person, code, at)
    known = code
    if incidents:
        keep &= ~((at >= (days - OUTAGE[0]) * DAY) & (at < (days - OUTAGE[1]) * DAY))
        renamed, new, since = RENAMED
        code = np.where((code == CODE[renamed]) & (at >= (days - since) * DAY), CODE[new], code)
    detail = planted_use.narrowed(it, code, detail, at)
    order = np.flatnonzero(keep)[np.argsort(at[keep], kind="stable")]
    planted_use.happened(it, who, folk, person[order], known[order], at[order], workflow[order], days)
    # A delay of -1 says: from a phone, but sent at once.
    return Events(
        person[order], code[order], detail[order], at[order], learned[order], workflow[order], delay[order] != 0
    )


def _sessions(
    rng: np.random.Generator, pen: Pen, who: Profile, it: Life, folk: People, first_on: date, days: int
) -> None:
    """Logins and what follows them."""
    day = np.arange(days)
    alive = (day >= it.born) & (day < (it.ends if it.ends is not None else days))
    ramp = 1 - 0.75 * np.exp(-(day - it.born) / 18) if it.new else np.ones(days)
    pace = seasons.work(who.country, first_on, days) * alive * np.clip(ramp, 0, 1) * it.level * np.sqrt(it.use)
    # People stop one after another, the least loyal first.
    stays = 1 / (1 + np.exp(-np.clip((it.use[None, :] - 0.85 * folk.loyalty[:, None]) / 0.07, -30, 30)))
    there = (day[None, :] >= folk.joins[:, None]) & (day[None, :] < folk.leaves[:, None])
    count = rng.poisson(folk.zeal[:, None] * pace[None, :] * stays * there)
    person, on = np.nonzero(count)
    times = count[person, on]
    person, on = np.repeat(person, times), np.repeat(on, times)
    n = len(person)
    late_half = rng.random(n) < 0.45
    hour = np.clip(rng.normal(np.where(late_half, 14.6, 10.2), 1.5), 0.2, 23.2) - who.country.offset_hours
    at = on * DAY + (hour * HOUR).astype(np.int64)
    mobile = folk.mobile[person] & (rng.random(n) < 0.5)
    offline = mobile & (rng.random(n) < 0.35)  # a phone without network: learned when it is back
    delay = np.where(offline, np.minimum(rng.exponential(2.0, n), 16) * DAY, np.where(mobile, -1, 0)).astype(np.int64)
    pen.write(person, "login", "", at, delay)

    row = np.repeat(np.arange(n), rng.poisson(ACTIONS_PER_SESSION, n))
    kind = np.searchsorted(np.cumsum(WEIGHTS)[:-1], rng.random(len(row)), side="right")
    code = np.array([CODE[a] for a in ACTIONS])[kind]
    feature = np.searchsorted(np.cumsum(FEATURE_WEIGHTS)[:-1], rng.random(len(row)), side="right")
    detail = np.select(
        [kind == 0, kind == 1, kind == 4],
        [feature, DETAIL["home"] + feature % 4, DETAIL["csv"] + feature % 3],
        NONE,
    )
    when = at[row] + rng.integers(15, 1500, len(row)) * SECOND
    flow = np.where(kind == 4, np.arange(len(row)), NONE)
    pen.write(person[row], code, detail, when, delay[row], flow)

    out = np.flatnonzero(kind == 4)
    fate = rng.random(len(out))
    fails = it.export_fail[on[row[out]]]
    ended = fate < 0.98  # the rest is abandoned
    result = np.where(rng.random(len(out)) < fails, CODE["export failed"], CODE["export finished"])[ended]
    done = out[ended]
    pen.write(
        person[row[done]],
        result,
        detail[done],
        when[done] + rng.integers(20, 400, len(done)) * SECOND,
        delay[row[done]],
        flow[done],
    )

    hurt = np.repeat(np.arange(n), rng.poisson(ERRORS_PER_SESSION * it.friction[on]))
    what = DETAIL["timeout"] + rng.integers(0, 4, len(hurt))
    pen.write(person[hurt], "error shown", what, at[hurt] + rng.integers(30, 1500, len(hurt)) * SECOND, delay[hurt])


def _spikes(rng: np.random.Generator, pen: Pen, it: Life, folk: People, who: Profile, days: int) -> None:
    """The sharp hour of each planted spike."""
    for moment in it.moments:
        if moment.kind == "error spike":
            n, there = moment.about["errors"], folk.present(moment.first)
            at = moment.first * DAY + moment.about["hour"] * HOUR + rng.integers(0, 3600, n) * SECOND
            pen.write(there[rng.integers(0, len(there), n)], "error shown", "http 500", at)


def _onboarding(rng: np.random.Generator, pen: Pen, it: Life, folk: People, who: Profile, days: int) -> None:
    """The steps of the first weeks: through them quickly, or stuck at one, trying again and again."""
    stuck = next((m for m in it.moments if m.kind == "onboarding stuck"), None)
    day = float(it.born) + 0.4
    for step in STEPS:
        tries = 1 + int(rng.random() < 0.15)
        here = stuck is not None and it.stuck == step
        if here and stuck is not None:
            tries = int(rng.integers(7, 12))
            span = max(6.0, min(30.0, stuck.last - day))
            when = np.sort(day + rng.random(tries) * span)
        else:
            when = day + np.arange(tries, dtype=np.float64) * float(rng.uniform(0.1, 1.5))
        actor = np.full(tries, folk.champion)
        at = (when * DAY).astype(np.int64)
        pen.write(actor, "onboarding step started", step, at)
        through = not here or bool(stuck and stuck.about["got through"])
        fails = tries - 1 if through else tries
        pen.write(actor[:fails], "onboarding step failed", step, at[:fails] + rng.integers(120, 2400, fails) * SECOND)
        if not through:
            return
        pen.write(actor[:1], "onboarding step finished", step, at[-1:] + rng.integers(180, 3000, 1) * SECOND)
        day = float(when[-1]) + float(rng.uniform(0.5, 5.0))


def _growth(rng: np.random.Generator, pen: Pen, it: Life, folk: People, who: Profile, days: int) -> None:
    """Invitations when people join, and looks at the upgrade page: mostly more before an expansion."""
    host = folk.champion
    inside = folk.joins[(folk.joins > 0) & (folk.joins < days)]
    inside = inside[(inside > it.born) & (inside < folk.leaves[host])]
    pen.write(
        np.full(len(inside), host), "teammate invited", "", inside * DAY + rng.integers(8, 16, len(inside)) * HOUR
    )
    idle = (
        rng.integers(it.born, days, int(rng.poisson(1.1 * max(0, days - it.born) / 100)))
        if days > it.born
        else np.empty(0, np.int64)
    )
    eager = np.empty(0, np.int64)
    if it.grows is not None:
        eager = it.grows - rng.integers(1, 45, int(rng.integers(0, 8)))
    looks = np.concatenate([idle, eager])
    looks = looks[looks < folk.leaves[host]]
    pen.write(
        np.full(len(looks), host),
        "upgrade page visited",
        "billing",
        looks * DAY + rng.integers(8 * 60, 17 * 60, len(looks)) * MINUTE,
    )
