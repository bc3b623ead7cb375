"""What is planted, as events: added to what people do anyway, or left out of it; and what happened of itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beforehand.simulate import seasons
from beforehand.simulate.plants import planted
from beforehand.simulate.profile import People, Profile
from beforehand.simulate.stories import STEPS, Life, Moment
from beforehand.simulate.vocabulary import CODE, DAY, DETAIL, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from beforehand.simulate.usage import Pen

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

WORKDAY = 0.3  # from so much of a usual day on, a day is one of work
FIRST_WORKFLOW = 9_000_000  # numbers of planted exports; an account has fewer of its own
HELP_PER_DAY = 0.05  # help pages read a working day by a team of nine
SILENT, NO_ADMIN = 21, 30  # days after which the signals of the library speak
PROMPT = 14
LOOKS, LOOKS_IN, FULL = 3, 30, 0.85
LEFT, TRIES = 3, 4


def write(rng: np.random.Generator, pen: Pen, who: Profile, it: Life, folk: People, first_on: date, days: int) -> None:
    """Adds the events of every plant, and the few help pages that everybody reads; draws only from `rng`."""
    work = seasons.work(who.country, first_on, days)
    hand = _Hand(rng, pen, it, folk, work)
    alive = np.zeros(days)
    alive[it.born : it.ends if it.ends is not None else days] = 1
    often = HELP_PER_DAY * np.sqrt(who.seats / 9) * work * alive * np.clip(it.use, 0.1, 1.2)
    hand.put("help viewed", np.repeat(np.arange(days), rng.poisson(often)))
    for moment in planted(it, "abandoned exports"):
        hand.abandoned(moment)
    for moment in planted(it, "back and forth"):
        hand.back_and_forth(moment)
    for moment in planted(it, "promoter"):
        hand.busy(moment)
    for kind, event, least, most in (
        ("lost in the help", "help viewed", 14, 30), ("payment failed", "payment failed", 2, 3),
        ("looks at the exit", "cancel page visited", 1, 3), ("looks at the exit", "billing page visited", 1, 4),
        ("looks at prices", "upgrade page visited", 3, 6), ("at the limit", "limit reached", 4, 9),
    ):  # fmt: skip
        for moment in planted(it, kind):
            hand.some(moment, event, int(rng.integers(least, most + 1)))
    for moment in planted(it, "looks at the exit"):
        if rng.random() < 0.4:
            hand.some(moment, "all data exported", 1)


def left_out(it: Life, folk: People, person: Int, code: Int, at: Int) -> Bool:
    """Which events did not happen because of a plant: of admins who stay away, of a core action that nobody does."""
    out = np.zeros(len(at), dtype=bool)
    for moment in planted(it, "admin silent"):
        admins = np.array([role == "admin" for role in folk.roles])
        out |= admins[person] & _within(moment, at)
    for kind in ("core action stops", "missed milestone"):
        for moment in planted(it, kind):
            out |= (code == CODE["report created"]) & _within(moment, at)
    return out


def narrowed(it: Life, code: Int, detail: Int, at: Int) -> Int:
    """The features of the uses: while use is narrow, only dashboards."""
    for moment in planted(it, "narrow use"):
        detail = np.where((code == CODE["feature used"]) & _within(moment, at), DETAIL["dashboards"], detail)
    return detail


def happened(it: Life, who: Profile, folk: People, person: Int, code: Int, at: Int, workflow: Int, days: int) -> None:
    """Adds to the life what came about without being planted: gaps that the signals of silence rightly tell."""
    last = it.ends if it.ends is not None else days
    reports = at[code == CODE["report created"]] // DAY
    admins = np.array([role == "admin" for role in folk.roles])
    logins = at[(code == CODE["login"]) & admins[person]] // DAY
    for kind, seen, least in (("core action stops", reports, SILENT), ("admin silent", logins, NO_ADMIN)):
        begin = it.born - 1 if kind == "core action stops" else int(logins[0]) if len(logins) else last
        marks = np.concatenate([[begin], np.unique(seen), [last]])
        for before, after in zip(marks[:-1].tolist(), marks[1:].tolist(), strict=True):
            if after - before > least:
                _of_itself(it, kind, before + 1, after - 1)
    if it.new and last - it.born > PROMPT and (not len(reports) or reports[0] - it.born >= PROMPT):
        _of_itself(it, "missed milestone", it.born, int(reports[0]) - 1 if len(reports) else last - 1)
    _exports(it, person, code, at, workflow)
    looks = at[code == CODE["upgrade page visited"]] // DAY
    for first, third in zip(looks.tolist(), looks[LOOKS - 1 :].tolist(), strict=False):
        if third - first < LOOKS_IN:
            _of_itself(it, "looks at prices", first, third)
    # How many people a week had, while the seats are those of the beginning.
    weeks, used = np.unique(np.unique(at // (7 * DAY) * folk.size + person) // folk.size, return_counts=True)
    for full in weeks[used > FULL * who.seats].tolist():
        if it.grows is None or 7 * full < it.grows:
            _of_itself(it, "seats full", 7 * full, 7 * full + 6)


def _exports(it: Life, person: Int, code: Int, at: Int, workflow: Int) -> None:
    """Exports that failed or were left, three in a week; and exports that one person tried four times in an hour."""
    started = code == CODE["export started"]
    finished = workflow[code == CODE["export finished"]]
    left = at[started & ~np.isin(workflow, finished)] // DAY
    for first, third in zip(left.tolist(), left[LEFT - 1 :].tolist(), strict=False):
        if third - first < 7:
            _of_itself(it, "abandoned exports", first, third)
    for one in np.unique(person[started]).tolist():
        mine = at[started & (person == one)]
        for k in np.flatnonzero(mine[TRIES - 1 :] - mine[: len(mine) - TRIES + 1] <= HOUR).tolist():
            _of_itself(it, "abandoned exports", int(mine[k]) // DAY, int(mine[k]) // DAY)


def _of_itself(it: Life, kind: str, first: int, last: int) -> None:
    """Adds what came of itself, in the order of its days, unless it is planted; what goes on makes the last longer."""
    if any(first <= moment.last and moment.first <= last for moment in planted(it, kind)):
        return
    before = it.moments[-1] if it.moments else None
    if before is not None and before.kind == kind and first <= before.last + 1:
        it.moments[-1] = Moment(kind, before.first, last, {"planted": False})
    else:
        it.moments.append(Moment(kind, first, last, {"planted": False}))


def _within(moment: Moment, at: Int) -> Bool:
    return np.asarray((at >= moment.first * DAY) & (at < (moment.last + 1) * DAY))


class _Hand:
    """Writes events of one account in its working hours."""

    def __init__(self, rng: np.random.Generator, pen: Pen, it: Life, folk: People, work: NDArray[np.float64]) -> None:
        self.rng, self.pen, self.it, self.folk, self.work = rng, pen, it, folk, work

    def put(self, event: str, day: Int, detail: str = "", person: int | None = None) -> Int:
        """One event on each of the days, by somebody who is there; when they happened."""
        day = np.asarray(day, dtype=np.int64)
        at = day * DAY + self.rng.integers(8 * 60, 17 * 60, len(day)) * MINUTE
        by = np.array([self.somebody(d) if person is None else person for d in day.tolist()], dtype=np.int64)
        self.pen.write(by, event, detail, at)
        return at

    def somebody(self, day: int) -> int:
        """Who is there on a day, mostly the champion."""
        there = self.folk.present(day)
        if self.folk.champion in there and self.rng.random() < 0.5:
            return self.folk.champion
        return int(there[int(self.rng.integers(0, len(there)))])

    def some(self, moment: Moment, event: str, number: int) -> None:
        """So many events on the working days of a moment."""
        self.put(event, np.sort(self.rng.choice(self.workdays(moment), number)))

    def workdays(self, moment: Moment) -> Int:
        """The days of a moment on which people work; all of them where there is none."""
        span = np.arange(moment.first, moment.last + 1)
        busy = span[self.work[span] >= WORKDAY]
        return busy if len(busy) else span

    def abandoned(self, moment: Moment) -> None:
        """Exports that nobody sees finished, one day's after four or five quick tries."""
        by = self.somebody(moment.first)
        days = self.workdays(moment)
        once = days * DAY + self.rng.integers(8 * 60, 12 * 60, len(days)) * MINUTE
        tries = int(self.rng.integers(4, 6))
        again = int(days[0]) * DAY + 13 * HOUR + np.sort(self.rng.integers(0, 40 * 60, tries)) * SECOND
        at = np.concatenate([once, once + 2 * HOUR, again])
        self.pen.write(np.full(len(at), by), "export started", "csv", at, 0, FIRST_WORKFLOW + at // MINUTE)

    def back_and_forth(self, moment: Moment) -> None:
        """From a step to the help and back to the step, again and again."""
        by = self.folk.champion
        for begin in self.rng.choice(self.workdays(moment), 5):
            at = int(begin) * DAY + int(self.rng.integers(9 * 60, 16 * 60)) * MINUTE
            for event, detail, minutes in (
                ("onboarding step started", STEPS[0], 0), ("help viewed", "", 4),
                ("onboarding step started", STEPS[0], 9),
            ):  # fmt: skip
                self.pen.write(np.array([by]), event, detail, np.array([at + minutes * MINUTE]))

    def busy(self, moment: Moment) -> None:
        """More reports and more uses than this account's people make otherwise."""
        days = self.workdays(moment)
        for event, detail, often in (("report created", "", 0.5), ("feature used", "sharing", 0.6)):
            for day in days.tolist():
                there = self.folk.present(day)
                by = there[self.rng.random(len(there)) < often]
                at = day * DAY + self.rng.integers(8 * 60, 17 * 60, len(by)) * MINUTE
                self.pen.write(by, event, detail, at)
