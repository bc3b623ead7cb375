"""What tickets and messages say: plain templates, chosen by topic and by how the writer feels."""

from __future__ import annotations

import numpy as np

from beforehand.simulate.texts import read

TOPICS = ("exports", "errors", "speed", "sign-in", "billing", "how-to")
MOODS = ("angry", "tense", "neutral", "fine", "warm")

_LETTERS = read("letters")
SUBJECTS: dict[str, list[str]] = _LETTERS["subjects"]  # by topic
OPENINGS: dict[str, list[str]] = _LETTERS["openings"]  # by mood
BODIES: dict[str, dict[str, list[str]]] = _LETTERS["bodies"]  # by topic, then bad or good
CLOSINGS: dict[str, list[str]] = _LETTERS["closings"]  # by mood
ANSWERS: list[str] = _LETTERS["answers"]
TALK: list[str] = _LETTERS["talk"]  # of leaving, before it is decided
TERSE: list[str] = _LETTERS["terse"]  # of somebody who was warm and is no more
BUSY: list[str] = _LETTERS["busy"]  # short, and as warm as ever
PROMISES: list[str] = _LETTERS["promises"]  # of ours, that are not kept
CHASING: list[str] = _LETTERS["chasing"]  # of somebody who was promised something
COMPLAINTS: list[str] = _LETTERS["complaints"]  # of somebody who goes over our heads
SORRY: list[str] = _LETTERS["sorry"]  # of ours, after anger
SOLVED: list[str] = _LETTERS["solved"]  # of somebody who was helped
LEAVING: list[str] = _LETTERS["leaving"]
COMMENTS: dict[str, list[str]] = _LETTERS["comments"]  # low, middle, high


def mood(tone: float) -> str:
    """The mood of a tone between -1 and 1."""
    return MOODS[0 if tone < -0.45 else 1 if tone < -0.1 else 2 if tone < 0.2 else 3 if tone < 0.5 else 4]


def pick(rng: np.random.Generator, of: list[str]) -> str:
    """One of several texts."""
    return of[int(rng.integers(0, len(of)))]


def letter(rng: np.random.Generator, topic: str, tone: float) -> str:
    """What somebody writes about a topic in a mood."""
    how = mood(tone)
    body = pick(rng, BODIES[topic]["bad" if how in ("angry", "tense") else "good"])
    return " ".join(part for part in (pick(rng, OPENINGS[how]), body, pick(rng, CLOSINGS[how])) if part)
