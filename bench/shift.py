"""People whose tone changes on a known day: how many are found, how late, and how many others are called so.

    OMP_NUM_THREADS=1 .venv/bin/python bench/shift.py [--people 600] [--seed 7]

Three sorts of people write to support for 18 months, in the words of the simulator, none of which was trained on: a
third stay as they are, a third have busy spells (short, friendly messages) and stay, a third turn terse on a known day.
All have bad days. Ours is held beside a plain threshold on the mean sentiment of the last five messages against the
person's messages before, in two strictnesses, and with the same number of messages needed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import DAY_US, HOUR_US
from beforehand.facts.derived import moods
from beforehand.simulate import words
from beforehand.text import base_model, read_messages, warmth_of

DAYS = 540
WAIT = 120
"""A shift that is not seen for so many days is not found."""
SORTS = ("steady", "busy", "terse")
Int = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclass(frozen=True)
class People:
    """All messages, person by person and in order of time; `turns` is the day on which each person does, or -1."""

    who: Int
    at: Int
    warmth: Float
    sentiment: Float
    sort: Int
    turns: Int


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    people = write(options.people, options.seed)
    print(f"{options.people} people, {people.at.size:,} messages, seed {options.seed}")
    print(f"{'':<34}{'found':>7}{'days late':>11}{'false per 100 people a year: steady':>38}{'busy':>7}")
    tell("ours", people, moods.turned(people.who, people.at, people.warmth, "terse"))
    for drop in (0.3, 0.4, 0.5, 0.6, 0.7):
        tell(f"mean sentiment of 5 down {drop:g}", people, threshold(people, drop))


def write(count: int, seed: int) -> People:
    """Everybody's messages, read."""
    rng = np.random.default_rng(seed)
    who, at, texts, sort, turns = [], [], [], [], []
    for person in range(count):
        kind = person % len(SORTS)
        often = rng.uniform(0.6, 3.0) / 7  # messages a day
        mood = rng.uniform(0.25, 0.75)
        day = int(rng.integers(240, 420)) if SORTS[kind] == "terse" else -1
        spells = (
            [(b, b + int(rng.integers(20, 50))) for b in rng.integers(60, DAYS, 3)] if SORTS[kind] == "busy" else []
        )
        bad = set(rng.choice(DAYS, 8, replace=False).tolist())
        times = np.sort(rng.uniform(0, DAYS, rng.poisson(often * DAYS)))
        for time in times:
            who.append(person)
            at.append(int(time * DAY_US) // HOUR_US * HOUR_US)
            texts.append(_text(rng, int(time), mood, day, spells, bad))
        sort.append(kind)
        turns.append(day)
    read = [tone for part in _parts(texts) for tone in read_messages(part, base_model())]
    known = np.array([not tone.unsure for tone in read])
    warmth = np.array([warmth_of(tone) for tone in read], float)[known]
    sentiment = np.array([tone.sentiment for tone in read], float)[known]
    return People(np.array(who)[known], np.array(at)[known], warmth, sentiment, np.array(sort), np.array(turns))


def _text(
    rng: np.random.Generator, day: int, mood: float, turns: int, spells: list[tuple[int, int]], bad: set[int]
) -> str:
    topic = words.TOPICS[int(rng.integers(0, len(words.TOPICS)))]
    if day in bad:
        return words.letter(rng, topic, -0.6)
    if 0 <= turns <= day and rng.random() < 0.8:
        return words.pick(rng, words.TERSE)
    if any(begin <= day < end for begin, end in spells) and rng.random() < 0.8:
        return words.pick(rng, words.BUSY)
    return words.letter(rng, topic, mood + float(rng.normal(0, 0.25)))


def _parts(texts: list[str]) -> list[list[str]]:
    return [texts[low : low + 2000] for low in range(0, len(texts), 2000)]


def threshold(people: People, drop: float) -> Int:
    """Places at which the mean sentiment of the last five is so far below that of the forty before."""
    found = []
    for person in range(people.turns.size):
        mine = np.flatnonzero(people.who == person)
        value = people.sentiment[mine]
        for nth in range(moods.ENOUGH + 4, mine.size):
            before = value[max(0, nth - 4 - moods.PAST) : nth - 4]
            if before.mean() - value[nth - 4 : nth + 1].mean() > drop:
                found.append(mine[nth])
    return np.array(found, np.int64)


def tell(name: str, people: People, places: Int) -> None:
    """Found are shifts with an alert within `WAIT` days after; an alert before that, or of others, is false.

    Alerts of one person less than 60 days apart are one.
    """
    late: list[float] = []
    false = np.zeros(len(SORTS))
    years = np.zeros(len(SORTS))
    for person, (kind, turns) in enumerate(zip(people.sort, people.turns, strict=True)):
        days = people.at[places[people.who[places] == person]] / DAY_US
        begins = days[np.diff(days, prepend=-1e9) > 60] if days.size else days
        until = turns if turns >= 0 else DAYS
        false[kind] += np.count_nonzero(begins < until)
        years[kind] += until / 365
        hits = days[(days >= turns) & (days < turns + WAIT)]
        if turns >= 0 and hits.size:
            late.append(float(hits[0]) - turns)
    rate = 100 * false / years
    share = len(late) / np.count_nonzero(people.turns >= 0)
    others = (false[0] + false[2]) / (years[0] + years[2]) * 100
    print(f"{name:<34}{share:>7.0%}{np.median(late) if late else np.nan:>11.0f}{others:>38.1f}{rate[1]:>7.1f}")


if __name__ == "__main__":
    main()
