"""Simulated tickets whose customers lose patience on a known day: what the points say before, beside plain rules.

    OMP_NUM_THREADS=1 .venv/bin/python bench/tension_simulated.py [--tickets 3000] [--seed 7]

A customer has patience, drawn anew for each, which waiting, a promise not kept, a solution that does not hold and
being handed over use up, at rates drawn anew for each ticket; they write in the words of the simulator, the angrier the
less is left, with noise, and escalate where nothing is left. So what is planted is what the points look for: this shows
that the parts work together and read words right, not what they are worth at a company (`bench/tension.py`). Every open
ticket is looked at once a day; it goes wrong where it escalates within 3 days.
"""

from __future__ import annotations

import argparse
import re

import numpy as np

from beforehand.calendar import DAY_US, HOUR_US
from beforehand.facts.derived.strain import ASKS, Said, State, path
from beforehand.simulate import words
from beforehand.text import base_model, read_messages
from tension import auc

WITHIN_US, LONGEST_US = 3 * DAY_US, 40 * DAY_US


class Ticket:
    """One ticket lived through: what was written and done, and when patience ended (None: it never did)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.care = rng, rng.beta(2, 2)
        self.topic = words.TOPICS[int(rng.integers(len(words.TOPICS)))]
        self.left = self.patience = rng.gamma(4, 1.1)
        self.cost = {what: rng.gamma(3, mean / 3) for what, mean in
                     (("day", 0.4), ("promise", 1.0), ("again", 1.3), ("hand", 0.5))}  # fmt: skip
        self.states = [State(0, 0, False)]
        self.said: list[tuple[int, bool, str, int | None]] = []
        self.broken: int | None = None
        self.end = self._live()

    def _live(self) -> int:
        now, holder = 0, 0
        self._write(now)
        promised: int | None = None
        while now < LONGEST_US:
            reply = now + int(self.rng.lognormal(np.log(9), 0.9) * (1 + 5 * (1 - self.care)) * HOUR_US)
            nudge = now + int(self.rng.exponential(2.5) * DAY_US) + 6 * HOUR_US
            if promised is not None and promised < min(reply, nudge):
                now, promised = promised, None
                if self._wear(self.cost["promise"], now):
                    return now
                continue
            if nudge < reply:
                if self._wear((nudge - now) / DAY_US * self.cost["day"], nudge):
                    return nudge
                now = nudge
                self._write(now)
                continue
            if self._wear((reply - now) / DAY_US * self.cost["day"], reply):
                return reply
            now = reply
            promised = now + 2 * DAY_US if self.rng.random() < 0.3 else None
            self.said.append((now, False, "", promised))
            if self.rng.random() < 0.05 + 0.25 * (1 - self.care):
                holder += 1
                self.states.append(State(now, 0, False, holder=str(holder)))
                if holder > 1 and self._wear(self.cost["hand"], now):
                    return now
            if promised is None and self.rng.random() < 0.45:
                self.states.append(State(now + HOUR_US, 0, True))
                now += HOUR_US + int(self.rng.exponential(2) * DAY_US)
                if self.rng.random() > 0.05 + 0.4 * (1 - self.care):
                    return now
                self.states.append(State(now, 0, False))
                if self._wear(self.cost["again"], now):
                    return now
                self._write(now)
            else:
                now += int(self.rng.exponential(8) * HOUR_US)
                self._write(now)
        return now

    def _wear(self, by: float, at: int) -> bool:
        self.left -= by
        if self.left < 0:
            self.broken = at
        return self.broken is not None

    def _write(self, at: int) -> None:
        mood = 0.5 - 1.2 * (1 - self.left / self.patience) + self.rng.normal(0, 0.4)
        self.said.append((at, True, words.letter(self.rng, self.topic, float(np.clip(mood, -1, 1))), None))


def main() -> None:
    """Prints the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("--tickets", type=int, default=3000)
    options.add_argument("--seed", type=int, default=7)
    asked = options.parse_args()
    rng = np.random.default_rng(asked.seed)
    tickets = [Ticket(rng) for _ in range(asked.tickets)]
    texts = [text for ticket in tickets for _, theirs, text, _ in ticket.said if theirs]
    tones = iter(read_messages(texts, base_model()))
    asks = re.compile(ASKS, re.IGNORECASE)
    wrong: list[bool] = []
    rules: dict[str, list[float]] = {
        "points": [],
        "hours without an answer": [],
        "their last message": [],
        "messages": [],
    }
    for ticket in tickets:
        told, heard = [], []
        for at, theirs, text, promised in ticket.said:
            tone = next(tones) if theirs else None
            known = tone is not None and not tone.unsure
            angry = known and (tone.frustration > 0.6 or tone.negative > 0.95)
            told.append(
                Said(
                    at, at, theirs, angry, theirs and bool(asks.search(text)), promised, known and tone.negative > 0.85
                )
            )
            heard.append(tone.negative if known else 0.0)
        points = path([*ticket.states, *told], True)
        for look in range(DAY_US // 2, ticket.end, DAY_US):
            state = [state for state in ticket.states if state.at <= look and state.known <= look][-1]
            if state.done:
                continue
            before = [(one, tone) for one, tone in zip(told, heard, strict=True) if one.at <= look]
            theirs = [(one, tone) for one, tone in before if one.theirs]
            wrong.append(ticket.broken is not None and ticket.broken <= look + WITHIN_US)
            rules["points"].append(next((p.points for p in reversed(points) if p.at <= look), 0))
            rules["hours without an answer"].append((look - before[-1][0].at) / HOUR_US if before[-1][0].theirs else 0)
            rules["their last message"].append(theirs[-1][1])
            rules["messages"].append(len(theirs))
    bad = np.array(wrong)
    ended = sum(ticket.broken is not None for ticket in tickets)
    print(f"{len(tickets):,} tickets, {ended:,} escalate; {bad.size:,} looks, {bad.mean():.1%} escalate within 3 days")
    for name, said in rules.items():
        print(f"  {name:25} AUC {auc(np.array(said, float), bad):.3f}")
    points_now = np.array(rules["points"])
    for least in (3, 5, 7):
        here = points_now >= least
        print(f"  {least} points or more: {here.mean():.1%} of looks, {bad[here].mean():.1%} of them escalate, "
              f"{bad[here].sum() / bad.sum():.1%} of all that do")  # fmt: skip


if __name__ == "__main__":
    main()
