"""The parts of a sentence between its words and its meaning: what was said, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any as Whatever
from typing import TypeVar

from lark import Token, Tree
from lark.tree import Meta

from beforehand.calendar import Grain
from beforehand.signals import tree as t

COUNTING = "zero one two three four five six seven eight nine ten eleven twelve"
WORDS = {word: number for number, word in enumerate(COUNTING.split())}
WORDS |= {"once": 1, "twice": 2, "thrice": 3}

Found = TypeVar("Found")


class Misfit(Exception):  # noqa: N818 - not an error of the program
    """Words that parse but do not fit together; `repair` would be right in the place of `[start, end)`."""

    def __init__(self, reason: str, start: int, end: int, repair: str | None = None, advice: str = "") -> None:
        super().__init__(reason)
        self.reason, self.start, self.end, self.repair, self.advice = reason, start, end, repair, advice


@dataclass(frozen=True)
class Spanned:
    """A part of a sentence and where it stands."""

    start: int
    end: int


@dataclass(frozen=True)
class Amount(Spanned):
    """A number, and whether it was written as a percentage (then already divided by 100)."""

    value: float
    percent: bool = False


@dataclass(frozen=True)
class Rate(Spanned):
    """`per week`."""

    grain: Grain


@dataclass(frozen=True)
class PerActive(Spanned):
    """`per active person`."""


@dataclass(frozen=True)
class Span(Spanned):
    """`in 30 days` or `for 3 weeks`: whole periods; `streak` is true for `for`."""

    count: int
    grain: Grain
    streak: bool


@dataclass(frozen=True)
class PartOf(Spanned):
    """`in 3 of 4 weeks`."""

    need: int
    of: int
    grain: Grain


@dataclass(frozen=True)
class Before(Spanned):
    """`the 8 weeks before`."""

    count: int
    grain: Grain


@dataclass(frozen=True)
class Course(Spanned):
    """`in a quarter`: from what was so long ago to now."""

    count: int
    unit: str


@dataclass(frozen=True)
class Together(Spanned):
    """Conditions joined by `and`."""

    nodes: tuple[t.Node, ...]

    @property
    def node(self) -> t.Node:
        """The one condition, or all of them at once."""
        return self.nodes[0] if len(self.nodes) == 1 else t.All(self.nodes)


@dataclass(frozen=True)
class Entitled(Spanned):
    """`of seats`: the trait that a percentage is taken of."""

    trait: str


@dataclass(frozen=True)
class Said(Spanned):
    """A metric and what was said right after it."""

    metric: str
    items: tuple[Spanned, ...] = ()


def unit_of(token: Token) -> str:
    """`day`, `week`, `month` or `year` of a written unit."""
    return str(token).lower().rstrip("s")


def number_of(text: str) -> Decimal:
    """The number written: thousands commas, k and m, a currency sign, or a word."""
    said = text.lower()
    if said in WORDS:
        return Decimal(WORDS[said])
    factor = {"k": 1_000, "m": 1_000_000}.get(said[-1], 1)
    return Decimal(said.rstrip("km").replace(",", "").translate(str.maketrans("", "", "$€£"))) * factor


def items_of(parts: Sequence[Whatever]) -> list[Spanned]:
    """What was said of how a metric is read and for how long."""
    return [p for p in parts if isinstance(p, Rate | PerActive | Span | PartOf)]


def one_of(parts: Sequence[Whatever], kind: type[Found]) -> Found:
    """The first part of a kind; there is one."""
    return next(p for p in parts if isinstance(p, kind))


def token_of(parts: Sequence[Whatever], kind: str) -> Token:
    """The first word of a terminal; there is one."""
    return next(p for p in parts if isinstance(p, Token) and p.type == kind)


def at_most_one(items: Sequence[Spanned], kind: type[Found], what: str) -> Found | None:
    """The one part of a kind, None where there is none; Misfit where it is said twice."""
    found = [i for i in items if isinstance(i, kind)]
    if len(found) > 1:
        second = found[1]
        assert isinstance(second, Spanned)
        raise Misfit(f"{what} is said twice.", second.start, second.end, "")
    return found[0] if found else None


def span_of(parts: Sequence[Token | Spanned | Tree[Token] | Meta]) -> tuple[int, int]:
    """Where parts that follow each other start and end."""
    first, last = parts[0], parts[-1]
    start = first.start_pos if isinstance(first, Token) else getattr(first, "start", 0)
    end = last.end_pos if isinstance(last, Token) else getattr(last, "end", 0)
    return start or 0, end or 0


def unquoted(token: Token) -> str:
    """The text of a word, without quotes."""
    return str(token)[1:-1] if token.type == "STRING" else str(token)
