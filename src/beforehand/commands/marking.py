"""The traits that a verdict read, with the receipts of what they were at the close."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from beforehand.calendar import DAY_US, to_us
from beforehand.commands import questions
from beforehand.commands.opened import Opening
from beforehand.commands.questions import Whose
from beforehand.signals.dates import SIGNUP, traits_of_date
from beforehand.signals.tree import After, AlertOpen, Due, Leaf, Level, Milestone, Named, Node, parts_of
from beforehand.story import Query, Receipt
from beforehand.story.clause import Mark

if TYPE_CHECKING:
    from beforehand.workspace import Folder

Take = Callable[[Sequence[tuple[Query, int]]], list[Receipt]]


@dataclass
class Marks:
    """What is known of the days and traits that a condition names, and which of them made it hold."""

    of: Mapping[str, Receipt]
    alerts: Callable[[str], list[Opening]]
    told: dict[Mark, Receipt | None] = field(default_factory=dict)
    bounds: dict[Leaf, Leaf] = field(default_factory=dict)

    def opened(self, node: AlertOpen) -> bool:
        """Whether an alert of another signal was open; each that was is told."""
        found = self.alerts(node.least)
        for one in found:
            self.told[Mark("alert", one.signal, -1, severity=one.severity, since_us=one.opened_us)] = None
        return bool(found)

    def due(self, node: Due, now: bool) -> bool:
        """Whether the day comes in time; told where it does, or (not `now`) may have done so before."""
        receipt = self.of.get(node.date)
        at = None if receipt is None else day_of(receipt)
        if receipt is None or at is None:
            return False
        left = round((at - receipt.query.edges_us[-1]) / DAY_US)
        holds = 0 <= left <= node.days
        if holds or not now:
            self.told[Mark("due", node.date, -1, days=node.days)] = receipt
        return holds or not now

    def after(self, node: After) -> None:
        """Tells from when on the condition is asked."""
        if node.date in self.of:
            self.told[Mark("after", node.date, -1, days=node.days)] = self.of[node.date]

    def bound(self, leaf: Leaf) -> Leaf:
        """A leaf with the bound that its trait gives."""
        if not isinstance(leaf, Level) or leaf.of is None or leaf.of not in self.of:
            return leaf
        number = number_of(self.of[leaf.of])
        if number is None:
            return leaf
        bound = replace(leaf, bound=leaf.bound * number, of=None)
        self.bounds[bound] = leaf
        return bound

    def unbound(self, leaf: Leaf) -> Leaf:
        """The leaf as it was written, of one with the bound that its trait gives."""
        return self.bounds.get(leaf, leaf)

    def entitled(self, leaf: Leaf) -> None:
        """Tells what the bound of a leaf is a part of."""
        if isinstance(leaf, Level) and leaf.of is not None and leaf.of in self.of:
            self.told[Mark("of", leaf.of, -1, fraction=leaf.bound)] = self.of[leaf.of]


def read(
    take: Take,
    condition: Node,
    folder: Folder,
    whose: Whose,
    end_us: int,
    known_us: int,
    alerts: Callable[[str], list[Opening]],
) -> Marks:
    """The traits a condition reads, as known at a close."""
    found: dict[str, Receipt] = {}
    for name in dict.fromkeys(_names(condition, folder)):
        receipts = take([(query, known_us) for query in _asked(name, whose, end_us)])
        known = next((r for r in receipts if r.values[-1] not in (None, "")), None)
        if known is not None:
            found[name] = known
    return Marks(found, alerts)


def asks(condition: Node, folder: Folder, whose: Whose, end_us: int, known_us: int) -> list[tuple[Query, int]]:
    """All questions about traits that `read` asks, so that many may be asked together."""
    names = dict.fromkeys(_names(condition, folder))
    return [(query, known_us) for name in names for query in _asked(name, whose, end_us)]


def _asked(name: str, whose: Whose, end_us: int) -> list[Query]:
    """The traits that may be what a condition names, in order; what a person has of its own goes before the account."""
    found: list[Query] = []
    for trait in ("started_at",) if name == SIGNUP else traits_of_date(name):
        query = questions.trait_query(whose, trait, end_us)
        found += [replace(query, members=whose.members), query] if whose.members else [query]
    return found


def _names(node: Node, folder: Folder) -> list[str]:
    own: list[str] = []
    match node:
        case Named():
            return _names(folder.signals[node.signal].sentence.condition, folder)
        case Due(date=date) | After(date=date) | Milestone(date=date):
            own = [date]
        case Level(of=str() as trait):
            own = [trait]
    return own + [name for part in parts_of(node) for name in _names(part, folder)]


def day_of(receipt: Receipt) -> int | None:
    """The instant a trait names, as the judge reads it: a day is its first instant in UTC."""
    from datetime import UTC, datetime

    try:
        at = datetime.fromisoformat(str(receipt.values[-1]))
    except ValueError:
        return None
    return to_us(at if at.tzinfo else at.replace(tzinfo=UTC))


def number_of(receipt: Receipt) -> float | None:
    """The number a trait is, None where it is none."""
    try:
        return float(receipt.values[-1] or "")
    except ValueError:
        return None
