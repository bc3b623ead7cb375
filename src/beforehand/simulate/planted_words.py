"""What is planted, as tickets, letters, answers and contacts, and what of these came about of itself."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from beforehand.simulate import words
from beforehand.simulate.plants import DECIDES, WROTE_BEFORE, planted
from beforehand.simulate.stories import Moment
from beforehand.simulate.vocabulary import DAY, HOUR

if TYPE_CHECKING:
    from beforehand.simulate.relations import Days, Relations, Row

SUPPORT = ("Nadia Kern", "Tom Berry", "Li Wen", "Ana Ruiz", "Joost Vos")
SAID = ("cancel", "competitor", "price", "pricing", "end our subscription")  # what the letters say of leaving
PATIENCE = 2  # business days an urgent ticket may be open
SAME_ISSUE, IN_DAYS = 3, 30
TOGETHER = 60  # days in which two answers are heard together
WRITES = (2.5, 7.0)  # days between two letters of somebody who writes now and then
CADENCE = (12, 28)  # days between two contacts of an owner who keeps in touch


def write(here: Days, made: Relations) -> None:
    """Adds the rows of every plant; draws only from `here.more`."""
    _tickets(here, made)
    _answers(here, made)
    for number, moment in enumerate(planted(here.it, "talks of leaving")):
        at = here.instant(moment.first, here.more)
        here.letter(made, 9000 + number, at, here.somebody(moment.first, here.more), words.pick(here.more, words.TALK))
    _turned(here, made)


def _tickets(here: Days, made: Relations) -> None:
    number = 0
    for kind in ("ticket waits", "ticket reopened", "ticket passed around"):
        for moment in planted(here.it, kind):
            topic = words.TOPICS[int(here.more.integers(0, 5))]
            row: Row = {
                "ticket": f"T-{here.who.index:05d}-P{number}", "person": here.somebody(moment.first, here.more),
                "at": here.instant(moment.first, here.more), "category": topic,
                "priority": "urgent" if kind == "ticket waits" else "normal",
                "assignee": SUPPORT[number % len(SUPPORT)],
                "subject": words.pick(here.more, words.SUBJECTS[topic]), "body": words.letter(here.more, topic, 0.1),
            }  # fmt: skip
            number += 1
            for changed in _versions(here, kind, moment, row):
                if changed["learned"] < min(here.end, here.days * DAY):
                    made.tickets.append(changed)


def _versions(here: Days, kind: str, moment: Moment, row: Row) -> list[Row]:
    """How a planted ticket went, one row a change."""
    opened, last = int(row["at"]), (moment.last + 1) * DAY - 4 * HOUR
    if kind == "ticket waits":
        steps = [(opened, {"status": "open"}), (last, {"status": "solved"})]
    elif kind == "ticket reopened":
        times = np.linspace(opened + 20 * HOUR, last, 5).astype(int).tolist()
        steps = [(opened, {"status": "open"})]
        steps += [(at, {"status": ("solved", "open")[k % 2]}) for k, at in enumerate(times)]
    else:
        own = SUPPORT.index(row["assignee"])
        times = np.linspace(opened + 9 * HOUR, last - 10 * HOUR, 4).astype(int).tolist()
        steps = [(opened, {"status": "open"})]
        steps += [(at, {"assignee": SUPPORT[(own + k + 1) % len(SUPPORT)]}) for k, at in enumerate(times)]
        steps += [(last, {"status": "solved"})]
    rows, now = [], row
    for at, change in steps:
        now = {**now, **change, "learned": at}
        rows.append(now)
    return rows


def _turned(here: Days, made: Relations) -> None:
    """Letters of somebody who writes now and then, warmly, and from a day on in a few cold words."""
    number = 8000
    for moment in planted(here.it, "turned terse"):
        day = float(max(moment.first - WROTE_BEFORE, here.it.born))
        while day < min(moment.last, here.last):
            terse = day >= moment.first
            topic = words.TOPICS[int(here.more.integers(0, len(words.TOPICS)))]
            warm = words.letter(here.more, topic, 0.2 + float(here.more.uniform(0.05, 0.6)))
            text = words.pick(here.more, words.TERSE) if terse and here.more.random() < 0.85 else warm
            at = here.instant(int(day), here.more)
            here.letter(made, number, at, moment.about["person"], text, topic, f"About {topic}")
            number += 1
            day += float(here.more.uniform(*WRITES))


def _answers(here: Days, made: Relations) -> None:
    for moment in planted(here.it, "bad answers"):
        for day in np.linspace(moment.first, moment.last, 2).astype(int).tolist():
            score = int(here.more.integers(1, 3))
            here.survey(made, here.instant(day, here.more), here.somebody(day, here.more), "csat", score, here.more)
    for moment in planted(here.it, "low NPS"):
        at = here.instant(moment.first, here.more)
        here.survey(made, at, moment.about["person"], "nps", int(here.more.integers(1, 6)), here.more)
    for moment in planted(here.it, "promoter"):
        for day in (moment.first + 5, moment.first + 9):
            score = int(here.more.integers(9, 11))
            here.survey(made, here.instant(day, here.more), here.somebody(day, here.more), "nps", score, here.more)


def in_touch(here: Days) -> list[int]:
    """The days on which an owner keeps in touch of their own accord, none while we are silent."""
    silent = planted(here.it, "we were silent")
    found, day = [], float(here.it.born) + float(here.more.uniform(*CADENCE))
    while day < here.last:
        at = int(day)
        if not any(m.first <= at <= m.last for m in silent):
            found.append(at)
        day += float(here.more.uniform(*CADENCE))
    return found


def happened(here: Days, made: Relations) -> None:
    """Adds to the life what came about without being planted."""
    roles = dict(zip(here.folk.emails, here.folk.roles, strict=True))
    tickets = {row["ticket"]: row for row in made.tickets}
    for row in tickets.values():  # the newest version of each
        solved = int(row["learned"]) if row["status"] == "solved" else here.last * DAY
        days = np.busday_count(_date(here, int(row["at"])), _date(here, solved))
        if row["priority"] == "urgent" and days > PATIENCE:
            of_itself(here, "ticket waits", int(row["at"]), solved)
        if _says(row["body"], row["subject"]):
            of_itself(here, "talks of leaving", int(row["at"]), int(row["at"]))
    for topic in words.TOPICS:
        opened = sorted(int(row["at"]) for row in tickets.values() if row["category"] == topic)
        for first, third in zip(opened, opened[SAME_ISSUE - 1 :], strict=False):
            if third - first < IN_DAYS * DAY:
                of_itself(here, "same issue", first, third)
    pleased = [s for s in made.surveys if s["kind"] == "nps" and s["score"] >= 9]
    for one, two in pairwise(sorted(pleased, key=lambda s: int(s["at"]))):
        if int(two["at"]) - int(one["at"]) < TOGETHER * DAY:
            of_itself(here, "promoter", int(one["at"]), int(two["at"]))
    bad = [s for s in made.surveys if s["kind"] == "csat" and s["score"] <= 2]
    for one, two in pairwise(sorted(bad, key=lambda s: int(s["at"]))):
        if int(two["at"]) - int(one["at"]) < IN_DAYS * DAY:
            of_itself(here, "bad answers", int(one["at"]), int(two["at"]))
    for survey in made.surveys:
        if survey["kind"] == "nps" and survey["score"] <= 6 and roles.get(survey["person"]) in DECIDES:
            of_itself(here, "low NPS", int(survey["at"]), int(survey["at"]))
        if _says(survey["comment"]):
            of_itself(here, "talks of leaving", int(survey["at"]), int(survey["at"]))
    for letter in made.messages:
        if letter["direction"] == "in" and _says(letter["text"], letter["subject"]):
            of_itself(here, "talks of leaving", int(letter["at"]), int(letter["at"]))


def of_itself(here: Days, kind: str, first_us: int, last_us: int) -> None:
    """Adds to the life something that came about from one moment to another, unless one of its kind is near."""
    first, last = first_us // DAY, min(last_us // DAY, here.last - 1)
    near = [m for m in here.it.moments if m.kind == kind and m.first - 3 <= last and first <= m.last + 3]
    if not near:
        here.it.moments.append(Moment(kind, first, last, {"planted": False}))


def _says(*texts: str) -> bool:
    return any(word in text.lower() for word in SAID for text in texts)


def _date(here: Days, at: int) -> np.datetime64:
    return np.datetime64(here.first_on) + np.timedelta64(at // DAY, "D")
