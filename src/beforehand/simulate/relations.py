"""What passes between us and an account in words: tickets, conversations, surveys, and what we did ourselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from beforehand.simulate import planted_words, seasons, threads, words
from beforehand.simulate.planted_words import SUPPORT
from beforehand.simulate.plants import SERVED, planted
from beforehand.simulate.profile import People, Profile
from beforehand.simulate.stories import Life
from beforehand.simulate.vocabulary import DAY, HOUR, MINUTE

Row = dict[str, Any]
PRIORITIES = ("low", "normal", "high", "urgent")
HASTE = {"low": 1.0, "normal": 1.0, "high": 0.5, "urgent": 0.12}  # of the usual time until it is solved


@dataclass
class Relations:
    """Rows of one account; times are microseconds from the first simulated day."""

    tickets: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    surveys: list[Row] = field(default_factory=list)
    touches: list[Row] = field(default_factory=list)


class Days:
    """What the writers share about one account; `more` is the stream of what is planted."""

    def __init__(
        self, rng: np.random.Generator, more: np.random.Generator, who: Profile, it: Life, folk: People,
        first_on: date, days: int,
    ) -> None:  # fmt: skip
        self.rng, self.more, self.who, self.it, self.folk, self.days = rng, more, who, it, folk, days
        self.first_on = first_on
        self.last = it.ends if it.ends is not None else days
        self.end = self.last * DAY
        busy = seasons.work(who.country, first_on, days).copy()
        busy[: it.born] = 0
        busy[self.last :] = 0
        self.busy = busy
        self.size = float(np.sqrt(who.seats / 9))

    def draw(self, rate: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
        """Days drawn from a Poisson rate per day."""
        return [int(d) for d in np.repeat(np.arange(self.days), self.rng.poisson(rate))]

    def instant(self, day: int, rng: np.random.Generator) -> int:
        """A time in the working hours of a day."""
        return day * DAY + int(rng.integers(7 * 60, 17 * 60)) * MINUTE

    def somebody(self, day: int, rng: np.random.Generator) -> str:
        """The address of somebody who is there; often the champion."""
        folk = self.folk
        there = folk.present(min(day, self.days - 1))
        if folk.champion in there and rng.random() < 0.35:
            return folk.emails[folk.champion]
        return folk.emails[int(there[int(rng.integers(0, len(there)))])]

    def survey(
        self, made: Relations, at: int, person: str, kind: str, score: int, rng: np.random.Generator
    ) -> None:  # fmt: skip
        """An answer to a survey, with a comment that goes with its score."""
        low, high = {"nps": (6, 9), "csat": (2, 4)}[kind]
        if at < self.end:
            side = "low" if score <= low else "middle" if score < high else "high"
            made.surveys.append({
                "survey": f"S-{self.who.index:05d}-{len(made.surveys):03d}", "person": person, "at": at, "kind": kind,
                "score": score, "comment": words.pick(rng, words.COMMENTS[side]),
            })  # fmt: skip

    def letter(
        self, made: Relations, number: int, at: int, person: str, text: str, topic: str = "billing", subject: str = ""
    ) -> None:
        """A letter that begins and ends a conversation; without a topic it is about the contract."""
        subject = subject or f"Contract of {self.who.company.name}"
        _message(self, made, number, at, person, "in", "email", topic, text, 0, subject=subject)


def relations(
    rng: np.random.Generator, more: np.random.Generator, who: Profile, it: Life, folk: People, first_on: date, days: int
) -> Relations:
    """Everything in words between us and one account; draws from `rng`, for what is planted from `more`."""
    here = Days(rng, more, who, it, folk, first_on, days)
    made = Relations()
    _tickets(here, made)
    _talks(here, made)
    _nps(here, made)
    _touches(here, made)
    planted_words.write(here, made)
    threads.write(here, made)
    planted_words.happened(here, made)
    threads.happened(here, made)
    return made


def _tickets(here: Days, made: Relations) -> None:
    rng, it = here.rng, here.it
    use = np.clip(it.use, 0.1, 1.2)
    plan: list[tuple[int, str | None]] = [
        (d, None) for d in here.draw(0.022 * here.size * here.busy * it.trouble * use)
    ]
    for moment in it.moments:
        if moment.kind == "ticket burst":
            chosen = rng.choice(np.arange(moment.first, moment.last + 1), moment.about["tickets"], replace=False)
            plan += [(int(d), str(moment.about["issue"])) for d in chosen if d < here.last]
    for number, (day, issue) in enumerate(sorted(plan, key=lambda p: (p[0], p[1] or ""))):
        tone = float(it.tone[day])
        topic = issue or words.TOPICS[int(rng.choice(6, p=(0.16, 0.14, 0.12, 0.16, 0.16, 0.26)))]
        high = rng.random() < 0.2 - 0.35 * min(0.0, tone) + (0.2 if issue else 0)
        row: Row = {
            "ticket": f"T-{here.who.index:05d}-{number:03d}", "person": here.somebody(day, rng),
            "at": here.instant(day, rng),
            "priority": PRIORITIES[(2 + int(rng.random() < 0.3)) if high else int(rng.random() < 0.7)],
            "category": topic, "assignee": SUPPORT[(here.who.index + number) % len(SUPPORT)],
            "subject": words.pick(rng, words.SUBJECTS[topic]),
            "body": words.letter(rng, topic, tone - (0.35 if issue else 0.1)),
        }  # fmt: skip
        slow = 2.2 if issue or it.trouble[day] > 1.5 else 1.0
        opened = int(row["at"])
        waited = opened + int(rng.exponential(6 * slow) * HOUR) + 20 * MINUTE
        solved = waited + int(rng.exponential(40 * slow) * HASTE[str(row["priority"])] * HOUR) + HOUR
        for status, learned in (("open", opened), ("pending", waited), ("solved", solved)):
            if learned < min(here.end, here.days * DAY):
                made.tickets.append({**row, "status": status, "learned": learned})
        if solved < here.end and rng.random() < 0.3:
            score = int(np.clip(round(4.1 + 1.3 * tone - (0.9 if issue else 0) + rng.normal(0, 0.7)), 1, 5))
            here.survey(made, solved + int(rng.integers(1, 40)) * HOUR, str(row["person"]), "csat", score, rng)


def _talks(here: Days, made: Relations) -> None:
    """Conversations of one to three letters, each answered; and the letter that ends it."""
    rng, it = here.rng, here.it
    use = np.clip(it.use, 0.15, 1.2)
    for number, day in enumerate(here.draw(0.035 * here.size * here.busy * use)):
        topic = words.TOPICS[int(rng.integers(0, 6))]
        person, channel = here.somebody(day, rng), "email" if rng.random() < 0.65 else "chat"
        at = here.instant(day, rng)
        for turn in range(int(rng.integers(1, 4))):
            tone = float(it.tone[min(day, here.days - 1)]) + float(rng.normal(0, 0.15))
            _message(here, made, number, at, person, "in", channel, topic, words.letter(rng, topic, tone), turn)
            at += int(rng.exponential(5) * HOUR) + 10 * MINUTE
            _message(here, made, number, at, None, "out", channel, topic, words.pick(rng, words.ANSWERS), turn)
            at += int(rng.exponential(14) * HOUR) + 20 * MINUTE
    if it.notice is not None:
        at, person = here.instant(it.notice, rng), here.somebody(it.notice, rng)
        here.letter(made, 9999, at, person, words.pick(rng, words.LEAVING))


def _message(
    here: Days, made: Relations, number: int, at: int, person: str | None, direction: str, channel: str, topic: str,
    text: str, turn: int, subject: str | None = None,
) -> None:  # fmt: skip
    if at < here.end:
        conversation = f"C-{here.who.index:05d}-{number:04d}"
        made.messages.append({
            "message": f"{conversation}-{turn}{direction[0]}", "conversation": conversation, "person": person, "at": at,
            "direction": direction, "channel": channel,
            "subject": subject or f"About {topic}", "text": text,
        })  # fmt: skip


def _nps(here: Days, made: Relations) -> None:
    """Twice a year a few people are asked; about a third answers."""
    rng, it, folk = here.rng, here.it, here.folk
    for day in range(it.born + 60 + int(rng.integers(0, 60)), here.last - 2, 182):
        for k in folk.present(day)[:12]:
            if rng.random() < 0.35:
                score = int(
                    np.clip(round(7.6 + 5.5 * (it.health[day] - 0.72) + 1.5 * it.tone[day] + rng.normal(0, 1.5)), 0, 10)
                )
                at = here.instant(day, rng) + int(rng.integers(0, 5)) * DAY
                here.survey(made, at, folk.emails[int(k)], "nps", score, rng)


def _touches(here: Days, made: Relations) -> None:
    """Calls, meetings and mails of ours: regular ones for those whom an owner serves, and where it is called for."""
    rng, it, who = here.rng, here.it, here.who
    pace = {"starter": 0.006, "business": 0.004, "enterprise": 0.01}[who.plan]
    heard = 6.0 if it.story == "rough patch" else 2.0 if it.story == "noisy decline" else 1.0
    silent = planted(it, "we were silent")
    called = here.draw(pace * here.busy * np.where(it.trouble > 1.5, heard, 1.0))
    days = [d for d in called if not any(m.first <= d <= m.last for m in silent)]
    if who.plan in SERVED:
        days = sorted([*days, *planted_words.in_touch(here)])
    for number, day in enumerate(days):
        kind = ("call", "meeting", "email", "review")[int(rng.choice(4, p=(0.3, 0.2, 0.4, 0.1)))]
        made.touches.append({
            "touch": f"U-{who.index:05d}-{number:03d}", "person": here.somebody(day, rng), "at": here.instant(day, rng),
            "teammate": who.owner, "kind": kind, "note": {"call": "Checked in", "meeting": "Went through open points",
            "email": "Sent an update", "review": "Business review"}[kind],
        })  # fmt: skip
