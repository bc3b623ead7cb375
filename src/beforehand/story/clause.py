"""One clause of a signal as a story needs it: the leaf that was judged, how its metric is called, its receipts.

A clause holds no number of its own. What it says comes from the receipts it points at and from the bounds its author
wrote in the sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from beforehand.calendar import Grain
from beforehand.signals.tree import Absence, Leaf, Level, Milestone, Quantity, Spike, Streak
from beforehand.story import quantities, words

Measure = Literal["count", "sum", "mean", "share", "last", "people", "distinct"]
LEAVES: dict[str, type[Leaf]] = {leaf.__name__.lower(): leaf for leaf in get_args(Leaf)}
BELOW = ("<", "<=")
COUNTED = ("count", "people", "distinct")
Role = Literal["", "first", "unless", "not"]
"""What a clause is to its condition: `first` of two that follow each other, the exception that is not there, or what
is asked not to be so."""


@dataclass(frozen=True)
class Clause:
    """A leaf of the condition that held, with places in the story's list of receipts.

    `receipt` answers period by period and ends with the periods judged; `silence` is the one whose count is zero,
    `alive` shows that the same feed brought facts of others meanwhile, `peers` what accounts alike had, and `start` the
    day that is counted from. `name` is the metric's display name, `other` that of the second metric of made facts;
    `facts` what its rows are called (events, tickets). `judged` is how many periods were, where the leaf does not say.
    `held_by` are the people who hold the role that is asked about.
    """

    leaf: Leaf
    name: str
    measure: Measure
    receipt: int
    silence: int | None = None
    alive: int | None = None
    facts: str = "events"
    role: Role = ""
    other: str = ""
    judged: int = 0
    peers: int | None = None
    start: int | None = None
    held_by: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The clause as plain data, kept with the alert."""
        kind = next(k for k, t in LEAVES.items() if isinstance(self.leaf, t))
        leaf = {"kind": kind, **asdict(self.leaf), "quantity": quantities.as_json(self.quantity)}
        return {**vars(self), "leaf": leaf}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Clause:
        """The clause kept as plain data; KeyError or TypeError where it is none."""
        leaf = dict(data["leaf"])
        kind = LEAVES[leaf.pop("kind")]
        leaf["quantity"] = quantities.from_json(leaf["quantity"])
        if "grain" in leaf:
            leaf["grain"] = Grain(leaf["grain"])
        if "streak" in leaf:
            leaf["streak"] = Streak(**leaf["streak"])
        if "like" in leaf:
            leaf["like"] = tuple(leaf["like"])
        return cls(**{**data, "leaf": kind(**leaf), "held_by": tuple(data.get("held_by", ()))})

    @property
    def quantity(self) -> Quantity:
        """What is read."""
        return self.leaf.quantity

    @property
    def grain(self) -> Grain:
        """The length of its periods; absences, milestones and rolling quantities are read by days."""
        if isinstance(self.leaf, Absence | Milestone) or self.quantity.rolling_days:
            return Grain.DAY
        return self.leaf.grain

    @property
    def streak(self) -> Streak:
        """How many periods were judged, and how many of them must hold."""
        if isinstance(self.leaf, Absence | Milestone):
            days = self.judged or self.leaf.days or 1
            return Streak(days, days)
        return self.leaf.streak

    @property
    def down(self) -> bool:
        """Whether it tells of less than before."""
        if isinstance(self.leaf, Level):
            return self.leaf.op in BELOW
        if isinstance(self.leaf, Spike):
            return False
        return isinstance(self.leaf, Absence | Milestone) or self.leaf.direction == "down"

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers by nature."""
        return self.measure in COUNTED and not self.quantity.per_active

    @property
    def called(self) -> str:
        """The name in a sentence: `logins`, `logins per active person`, `logins in 30 days`."""
        return quantities.called(self.quantity, self.name, self.other)

    @property
    def rate(self) -> str:
        """What follows its numbers: ` a week`, or nothing for what is no rate."""
        if self.quantity.rolling_days or self.quantity.standing or self.measure in ("mean", "share", "last"):
            return ""
        return f" {words.per(self.grain)}"

    @property
    def plural(self) -> bool:
        """Whether the name takes `were`."""
        return quantities.plural(self.quantity, self.name)

    def said(self, value: float) -> str:
        """A value of this metric: shares as percent, large ones short."""
        if self.measure == "share" and not self.quantity.per_active:
            return words.percent(value)
        return words.short(value) if abs(value) >= 100_000 else words.number(value)

    def holds(self, value: float | None) -> bool:
        """Whether one value of a level is on the wrong side of its bound (other kinds are judged by their windows)."""
        if value is None or not isinstance(self.leaf, Level):
            return False
        bound = self.leaf.bound
        return {"<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound}[self.leaf.op]


@dataclass(frozen=True)
class Mark:
    """A trait that was read: `due` within so many days, `after` so many, or `of` which a bound is a `fraction`.

    `name` is what the day or the trait is called; `receipt` the place of its value as known at the close. An `alert` of
    the signal `name` was open since `since_us`; it has no receipt here (-1), its own story has them.
    """

    kind: Literal["due", "after", "of", "alert"]
    name: str
    receipt: int
    days: int = 0
    fraction: float = 0.0
    severity: str = ""
    since_us: int = 0

    def as_json(self) -> dict[str, Any]:
        """The mark as plain data, kept with the alert."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Mark:
        """The mark kept as plain data; TypeError where it is none."""
        return cls(**data)


def lasting(streak: Streak, grain: Grain) -> str:
    """How long it must hold: `for three weeks in a row`, `in three of four weeks`; nothing for one period."""
    if streak.of == 1:
        return ""
    if streak.need == streak.of:
        return f" for {words.in_words(streak.of)} {grain.value}s in a row"
    return f" in {words.in_words(streak.need)} of {words.in_words(streak.of)} {grain.value}s"


PARTS = {
    Fraction(1, 2): ("half", "half"),
    Fraction(1, 3): ("third", "two thirds"),
    Fraction(1, 4): ("quarter", "three quarters"),
    Fraction(1, 5): ("fifth", "four fifths"),
    Fraction(1, 10): ("tenth", "nine tenths"),
}


def part(share: float) -> str:
    """A share in words: `quarter`, `tenth`, `30%`."""
    return PARTS.get(Fraction(share).limit_denominator(10), (words.percent(share), ""))[0]


def rest(share: float) -> str:
    """What a share leaves, in words: `three quarters`, `70%`."""
    return PARTS.get(Fraction(share).limit_denominator(10), ("", words.percent(1 - share)))[1]
