"""Texts of our own with labels: from `support.grammar`, and the made-up messages of `messages/`."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

GRAMMAR = Path(__file__).with_name("support.grammar")
MESSAGES = Path(__file__).with_name("messages")
OUTPUTS = ("negative", "positive", "frustration", "gratitude", "urgency")


@dataclass(frozen=True)
class Section:
    """Lines that sound alike; `labels` in the order of OUTPUTS."""

    name: str
    labels: tuple[float, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """One text and how it sounds, each label between 0 and 1."""

    text: str
    labels: tuple[float, ...]


def read_grammar(path: Path = GRAMMAR) -> tuple[dict[str, str], list[Section]]:
    """The slots by name, and the sections in the order of the file."""
    slots: dict[str, str] = {}
    sections: list[tuple[str, tuple[float, ...], list[str]]] = []
    in_slots = False
    for line in path.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if head := re.fullmatch(r"\[([\w-]+)((?: \w+=[\d.]+)*)\]", line):
            in_slots = head[1] == "slots"
            given = dict(pair.split("=") for pair in head[2].split())
            if not in_slots:
                sections.append((head[1], tuple(float(given.get(name, 0)) for name in OUTPUTS), []))
        elif in_slots:
            name, _, body = line.partition(": ")
            slots[name] = body
        else:
            sections[-1][2].append(line)
    return slots, [Section(name, labels, tuple(lines)) for name, labels, lines in sections]


def expand(line: str, slots: dict[str, str], rng: random.Random) -> str:
    """One text of a line: each slot filled, each choice made."""
    while True:
        filled = re.sub(r"<(\w+)>", lambda m: slots[m[1]] if m[1] in slots else m[0], line)
        chosen = re.sub(r"\{([^{}]*)\}", lambda m: rng.choice(m[1].split("|")), filled)
        if chosen == line:
            return re.sub(r"\s+", " ", chosen).strip()
        line = chosen


def roughen(text: str, rng: random.Random) -> str:
    """As people type: mostly with a capital, at times without stops, in capitals or with marks to spare."""
    kind = rng.random()
    if kind < 0.55:
        return text[:1].upper() + text[1:]
    if kind < 0.6:
        return text.upper()
    if kind < 0.75:
        return text.rstrip(".!")
    if kind < 0.8:
        return text.rstrip(".") + rng.choice(["...", "!!", "!", " :)", "?"] if rng.random() < 0.2 else ["...", "!"])
    return text


def both(first: tuple[float, ...], second: tuple[float, ...]) -> tuple[float, ...]:
    """How two sentences sound together: the louder counts, courtesy takes a little off a complaint, a complaint most
    off the praise beside it."""
    negative, positive, frustration, gratitude, urgency = map(max, zip(first, second, strict=True))
    if abs(first[0] - second[0]) > 0.2:
        negative, positive = negative - 0.08, positive * (1 - negative)
    return negative, positive, frustration, gratitude, urgency


def write(count: int, seed: int) -> list[Written]:
    """`count` texts of the grammar: each of one section, a third of them beside a second one."""
    rng = random.Random(seed)
    slots, sections = read_grammar()
    weights = [len(section.lines) for section in sections]
    said = Saying(sections, slots, rng)
    return [said.text(section, rng.choice(section.lines)) for section in rng.choices(sections, weights, k=count)]


def registers() -> list[str]:
    """The names of the files of messages."""
    return sorted(path.stem for path in MESSAGES.glob("*.txt"))


def messages(names: Iterable[str]) -> list[Written]:
    """The messages of these files, as they stand."""
    return [Written(line, section.labels) for name in names for section in _sections(name) for line in section.lines]


def retold(names: Iterable[str], seed: int) -> list[Written]:
    """Each message of these files once more, as somebody else would type it, a third of them beside a second one."""
    rng = random.Random(seed)
    out = []
    for name in names:
        sections = _sections(name)
        said = Saying(sections, {}, rng)
        out += [said.text(section, line) for section in sections for line in section.lines]
    return out


def _sections(name: str) -> list[Section]:
    return read_grammar(MESSAGES / f"{name}.txt")[1]


class Saying:
    """Makes texts of lines: slots filled, roughened, and at times beside another line."""

    def __init__(self, sections: Sequence[Section], slots: dict[str, str], rng: random.Random) -> None:
        self.slots, self.rng = slots, rng
        self.calm = [section for section in sections if section.labels[0] <= 0.15] or list(sections)

    def text(self, section: Section, line: str) -> Written:
        """The line as one text, or as one of two sentences: the other is of the same section or of a calm one."""
        rng = self.rng
        text, labels = roughen(expand(line, self.slots, rng), rng), section.labels
        if rng.random() < 0.35:
            other = section if rng.random() < 0.4 else rng.choice(self.calm)
            second = roughen(expand(rng.choice(other.lines), self.slots, rng), rng)
            pair = [text, second] if rng.random() < 0.5 else [second, text]
            text = " ".join(part if part[-1] in ".!?)" else part + "." for part in pair)
            labels = both(labels, other.labels)
        return Written(text, labels)
