"""What a sentence reads, and what missing or surplus data would do to it: what an incident could have caused.

Fewer facts make a fall, an absence or a milestone missed come true and a rise end; more facts do the reverse. An
incident holds back only what could be its effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from beforehand.calendar import DAY_US, HOUR_US, Grain
from beforehand.signals.tree import (
    Absence,
    After,
    AlertOpen,
    All,
    Any,
    BackAndForth,
    Change,
    Due,
    Level,
    Milestone,
    Named,
    Negation,
    Node,
    Peers,
    Quantity,
    Repeated,
    Spike,
    Then,
    Unless,
    Usual,
    Without,
)

if TYPE_CHECKING:
    from beforehand.signals.signal import Signal

Effect = Literal["less", "more", "any"]
"""What happened to the numbers: fewer facts than there were, more, or another definition."""
ACTIVE = "people active"
"""What `per active person` divides by: no metric of the folder, but read like one (of the table of events)."""
PERIOD_US = {
    Grain.HOUR: HOUR_US, Grain.DAY: DAY_US, Grain.WEEK: 7 * DAY_US, Grain.MONTH: 31 * DAY_US, Grain.QUARTER: 92 * DAY_US
}  # fmt: skip
ENOUGH = 5
"""A hole of less than a fifth of a period does not make it another period."""
FEWER: frozenset[Effect] = frozenset({"less"})
SURPLUS: frozenset[Effect] = frozenset({"more"})
BOTH = FEWER | SURPLUS
NEITHER: frozenset[Effect] = frozenset()


@dataclass(frozen=True)
class Read:
    """One leaf: the metrics it reads, what makes it true and what false, and the stretch before a close it judges.

    `valued`: a mean, a share or a last value, which fewer facts do not change.
    """

    metrics: frozenset[str]
    true_by: frozenset[Effect]
    false_by: frozenset[Effect]
    period_us: int
    back_us: int
    valued: bool = False

    def touched(self, metrics: frozenset[str], since_us: int, until_us: int | None, end_us: int) -> bool:
        """Whether what happened to these metrics from `since_us` to `until_us` lies in what is judged at a close."""
        if self.metrics.isdisjoint(metrics):
            return False
        first = max(since_us, end_us - self.back_us)
        last = end_us if until_us is None else min(until_us, end_us)
        return (last - first) * ENOUGH >= self.period_us

    def turned(self) -> Read:
        """The leaf under a `not`."""
        return replace(self, true_by=self.false_by, false_by=self.true_by)


def reads(node: Node, named: Mapping[str, Signal], valued: frozenset[str]) -> Iterator[Read]:
    """Every leaf of a condition; `valued` are metrics that are means, shares or last values."""
    match node:
        case Named():
            yield from reads(named[node.signal].sentence.condition, named, valued)
        case Then(first=before, then=then, within_days=within):
            for read in reads(before, named, valued):
                yield replace(read, back_us=read.back_us + within * DAY_US)
            yield from reads(then, named, valued)
        case Unless(condition=condition, exception=exception):
            yield from reads(condition, named, valued)
            for read in reads(exception, named, valued):
                yield read.turned()
        case Negation(condition=condition):
            for read in reads(condition, named, valued):
                yield read.turned()
        case After(condition=condition):
            yield from reads(condition, named, valued)
        case All(parts=parts, within_days=within):
            for part in parts:
                for read in reads(part, named, valued):
                    yield replace(read, back_us=read.back_us + (within or 0) * DAY_US)
        case Any(parts=parts):
            for part in parts:
                yield from reads(part, named, valued)
        case Due() | AlertOpen():
            return  # a day of the calendar; the alerts it reads are told by `commands`
        case _:
            yield _leaf(node, valued)


def _leaf(leaf: Level | Change | Usual | Spike | Absence | Peers | Milestone, valued: frozenset[str]) -> Read:
    quantity = leaf.quantity
    true_by, false_by = _direction(leaf)
    if quantity.per_active or quantity.standing or isinstance(quantity.made, Without):
        # The part below the line, or what would have ended a wait, may be what is missing.
        true_by, false_by = BOTH, BOTH
    if isinstance(leaf, Absence | Milestone):
        period = back = max(1, leaf.days or 1) * DAY_US
    elif quantity.rolling_days:
        period = quantity.rolling_days * DAY_US
        back = period + (leaf.streak.of - 1) * DAY_US
    else:
        period = PERIOD_US[leaf.grain]
        back = period * leaf.streak.of
    return Read(frozenset(_metrics(quantity)), true_by, false_by, period, back, quantity.metric in valued)


def _direction(leaf: Node) -> tuple[frozenset[Effect], frozenset[Effect]]:
    match leaf:
        case Level(op="<" | "<=") | Absence() | Milestone():
            return FEWER, SURPLUS
        case Usual(direction="within"):
            return NEITHER, BOTH
        case Change(direction="down") | Usual(direction="down") | Peers(direction="down"):
            return FEWER, SURPLUS
        case _:
            return SURPLUS, FEWER


def _metrics(quantity: Quantity) -> Iterator[str]:
    yield quantity.metric
    match quantity.made:
        case Without(then=other) | BackAndForth(other=other):
            yield other
        case Repeated() | _:
            pass
    if quantity.per_active:
        yield ACTIVE


def grain_period_us(grain: Grain) -> int:
    """The longest a period of a grain is, in microseconds."""
    return PERIOD_US[grain]
