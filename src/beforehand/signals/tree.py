"""The typed tree of a sentence: what a signal means, as data.

A sentence is a condition on subjects (accounts, or people of accounts), with an optional population.
Leaves are judged by `signals.judges`; compounds combine verdicts in Kleene's three-valued logic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from beforehand.calendar import Grain

Op = Literal["<", "<=", ">", ">="]
Direction = Literal["down", "up"]
Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
USUAL_BASELINE = {Grain.HOUR: 168, Grain.DAY: 28, Grain.WEEK: 26, Grain.MONTH: 12, Grain.QUARTER: 8}
"""How many periods tell what is usual, unless a sentence says how many."""
PEER_SHARE = 0.25
"""The lowest or the highest quarter of peers, unless a sentence says what share."""
SubjectKind = Literal["account", "person", "ticket", "issue", "feature"]
Turn = Literal["reopened", "reassigned"]
Mood = Literal["terse", "warm"]


@dataclass(frozen=True)
class Without:
    """A fact of the metric that no fact of the metric `then` follows within `within_us` microseconds.

    Both are of one person, or of the account where no person is known. It happens when the time is over.
    """

    then: str
    within_us: int


@dataclass(frozen=True)
class Repeated:
    """The metric for the `times`-th time within `within_us` microseconds, by one person; counting then starts anew."""

    times: int
    within_us: int


@dataclass(frozen=True)
class BackAndForth:
    """The metric, then the metric `other`, then the metric again, by one person within `within_us` microseconds."""

    other: str
    within_us: int


@dataclass(frozen=True)
class Mentions:
    """What a customer wrote, a message or a ticket, that has one of the words or of the phrases of a list so called."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Waiting:
    """A ticket of the metric that has been open longer than `days`: it stands from then on until it is solved."""

    days: int
    business: bool = False


@dataclass(frozen=True)
class Overdue:
    """An invoice of the metric that was due more than `days` ago and is not paid: it stands until it is."""

    days: int


@dataclass(frozen=True)
class Turned:
    """A ticket of the metric was opened again after it was solved, or given to somebody else."""

    turn: Turn


@dataclass(frozen=True)
class Shifted:
    """A message written while its writer's tone, held against their own past, has turned terse, or warm."""

    to: Mood = "terse"


@dataclass(frozen=True)
class AmongLast:
    """A message of the metric with which `need` of its writer's last `of` messages are of the metric."""

    need: int
    of: int


@dataclass(frozen=True)
class NewVoice:
    """A message of the metric that is among the first few its writer ever wrote."""


Made = Without | Repeated | BackAndForth | Mentions | Waiting | Overdue | Turned | Shifted | AmongLast | NewVoice
"""How facts are made from the facts of a metric; they are counted in its place."""


@dataclass(frozen=True)
class Quantity:
    """A metric read in periods; `rolling_days` makes it a rolling sum ending with each day.

    `made`: facts made from the metric's are counted. `standing`: what has come in all up to the end of each period,
    less what was taken back. `role`: only what people who hold it at the close did, or those who held it last;
    not known where nobody ever did.
    """

    metric: str
    per_active: bool = False
    rolling_days: int | None = None
    made: Made | None = None
    standing: bool = False
    role: str | None = None


@dataclass(frozen=True)
class Streak:
    """Holds in `need` of the last `of` closed periods; equal for "consecutive"."""

    need: int = 1
    of: int = 1


@dataclass(frozen=True)
class Level:
    """The quantity is on the wrong side of a fixed bound; with `of`, the bound is a fraction of that trait."""

    quantity: Quantity
    op: Op
    bound: float
    grain: Grain = Grain.WEEK
    streak: Streak = Streak()
    of: str | None = None


@dataclass(frozen=True)
class Change:
    """Down or up by `fraction` against the mean of the `baseline` closed periods before those judged.

    With `ago`, against the mean of those that ended so many periods before the last one judged: what was, then.
    """

    quantity: Quantity
    direction: Direction
    fraction: float
    baseline: int
    grain: Grain = Grain.WEEK
    streak: Streak = Streak()
    ago: int = 0

    @property
    def gap(self) -> int:
        """How many periods lie after the baseline, those judged included."""
        return self.ago or self.streak.of


@dataclass(frozen=True)
class Usual:
    """Outside the subject's own usual band (median and MAD of the `baseline` periods before those judged), or in it.

    `far` asks for a band twice as wide.
    """

    quantity: Quantity
    direction: Direction | Literal["within"]
    baseline: int = 26
    grain: Grain = Grain.WEEK
    streak: Streak = Streak()
    far: bool = False


@dataclass(frozen=True)
class Spike:
    """Far above the subject's own usual, by a p-value held against the threshold of its close."""

    quantity: Quantity
    grain: Grain = Grain.WEEK
    streak: Streak = Streak()


@dataclass(frozen=True)
class Absence:
    """Nothing counted in the last `days` days, or `business` days; judged at every day's close."""

    quantity: Quantity
    days: int
    business: bool = False


@dataclass(frozen=True)
class Peers:
    """Among the lowest (down) or highest (up) `share` of accounts like it, those alike in the traits `like`."""

    quantity: Quantity
    direction: Direction
    share: float = 0.25
    like: tuple[str, ...] = ()
    grain: Grain = Grain.WEEK
    streak: Streak = Streak()


@dataclass(frozen=True)
class Milestone:
    """Nothing counted yet, so many days after the day that `date` names; judged at every day's close.

    `days` None: later than the slowest `share` of accounts like it took.
    """

    quantity: Quantity
    days: int | None
    date: str = "signup"
    share: float = 0.25
    like: tuple[str, ...] = ()


@dataclass(frozen=True)
class Due:
    """The day that `date` names comes at most `days` days after the close; judged at every day's close.

    `date` is one of `dates.DAYS`, or the name of a trait.
    """

    date: str
    days: int


@dataclass(frozen=True)
class AlertOpen:
    """An alert of another signal, of at least this severity, is open on the account; judged at every day's close."""

    least: Severity = "low"


@dataclass(frozen=True)
class Named:
    """The condition of another signal, by name."""

    signal: str


@dataclass(frozen=True)
class All:
    """Every part holds at the same close, or each within the last `within_days` days."""

    parts: tuple[Node, ...]
    within_days: int | None = None


@dataclass(frozen=True)
class Any:
    """At least one part holds at the close."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Then:
    """`then` holds, and `first` held at an earlier close, at most `within_days` days before; judged when `then` is."""

    first: Node
    then: Node
    within_days: int


@dataclass(frozen=True)
class After:
    """The condition, asked only once `days` days have passed since the day that `date` names."""

    condition: Node
    days: int
    date: str


@dataclass(frozen=True)
class Unless:
    """The condition holds and the exception does not."""

    condition: Node
    exception: Node


@dataclass(frozen=True)
class Negation:
    """The condition is clear: `not below usual`."""

    condition: Node


Leaf = Level | Change | Usual | Spike | Absence | Peers | Milestone
Compound = All | Any | Then | Unless | After | Negation
Node = Leaf | Due | AlertOpen | Named | Compound


def parts_of(node: Node) -> tuple[Node, ...]:
    """The parts a compound is made of, in the order they are written; none for a leaf or a name."""
    match node:
        case All(parts=parts) | Any(parts=parts):
            return parts
        case Then(first=first, then=then):
            return first, then
        case Unless(condition=condition, exception=exception):
            return condition, exception
        case After(condition=condition) | Negation(condition=condition):
            return (condition,)
        case _:
            return ()


@dataclass(frozen=True)
class Compare:
    """A dated trait against a value: text is compared without regard to case, numbers and days as numbers."""

    trait: str
    op: Literal["is", "is not", "<", "<=", ">", ">="]
    value: str | float


@dataclass(frozen=True)
class Among:
    """A dated trait is one of the values."""

    trait: str
    values: tuple[str | float, ...]


@dataclass(frozen=True)
class Both:
    """Every part is true of the subject."""

    parts: tuple[Population, ...]


@dataclass(frozen=True)
class Either:
    """One part at least is true of the subject."""

    parts: tuple[Population, ...]


@dataclass(frozen=True)
class Not:
    """The part is not true of the subject."""

    part: Population


Population = Compare | Among | Both | Either | Not


@dataclass(frozen=True)
class Sentence:
    """What a person wrote, understood: the condition, for whom, and the text itself."""

    text: str
    condition: Node
    subject: SubjectKind = "account"
    population: Population | None = field(default=None)
