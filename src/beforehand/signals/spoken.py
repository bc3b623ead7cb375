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
    """`in 30 days` or `for 3 weeks`: whole periods; `streak` is true for `for`, `business` for business days."""

    count: int
    grain: Grain
    streak: bool
    business: bool = False


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
class Same(Spanned):
    """`on the same issue`: what the sentence is about."""

    subject: t.SubjectKind


@dataclass(frozen=True)
class Role(Spanned):
    """`from a decision maker`: people who hold it, each by themselves; `together`: `by any admin`, as one."""

    role: str
    together: bool = False


@dataclass(frozen=True)
class Happened(Spanned):
    """`seen`, `visited`: that it happened at all."""


@dataclass(frozen=True)
class Said(Spanned):
    """A metric and what was said right after it: `items`, the facts `made` from it, who they are about.

    `happened`: its words say by themselves that something was done. `about` and `role` are what the words make the
    sentence about, where they alone decide; `together` as in Role.
    """

    metric: str
    items: tuple[Spanned, ...] = ()
    made: t.Made | None = None
    happened: bool = False
    about: t.SubjectKind | None = None
    role: str | None = None
    together: bool = False
    singular: bool = True

    @property
    def standing(self) -> bool:
        """Whether what is counted stands until it is over."""
        return isinstance(self.made, t.Waiting | t.Overdue)


def unit_of(token: Token) -> str:
    """`day`, `week`, `month`, `year` or `minute` of a written unit; `day` of business days."""
    said = str(token).lower().rstrip("s")
    if token.type == "MINUTE":
        return said if said in ("minute", "second") else "minute" if said.startswith("m") else "second"
    return "day" if token.type == "BUSINESS" else said


def number_of(text: str) -> Decimal:
    """The number written: thousands commas, k and m, a currency sign, or a word."""
    said = text.lower()
    if said in WORDS:
        return Decimal(WORDS[said])
    factor = {"k": 1_000, "m": 1_000_000}.get(said[-1], 1)
    return Decimal(said.rstrip("km").replace(",", "").translate(str.maketrans("", "", "$€£"))) * factor


def times_of(token: Token) -> Decimal:
    """How often `twice`, `3 times` or `3x` is."""
    return number_of(str(token).split()[0].rstrip("xX"))


def items_of(parts: Sequence[Whatever]) -> list[Spanned]:
    """What was said of how a metric is read and for how long."""
    return [p for p in parts if isinstance(p, Rate | PerActive | Span | PartOf | Same | Role | Happened)]


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


def has(parts: Sequence[Whatever], *kinds: str) -> bool:
    """Whether a word of one of the terminals was said."""
    return any(isinstance(p, Token) and p.type in kinds for p in parts)


def unquoted(token: Token) -> str:
    """The text of a word, without quotes."""
    return str(token)[1:-1] if token.type == "STRING" else str(token)
