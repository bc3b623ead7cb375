"""The parts of a condition as a story needs them: each leaf, when it may have held, and its role in the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from beforehand.calendar import Grain
from beforehand.commands import questions
from beforehand.signals import kind_of
from beforehand.signals.numbers import HOLDS
from beforehand.signals.tree import Absence, After, AlertOpen, All, Compound, Due, Leaf, Named, Node, Then, Unless
from beforehand.signals.tree import Any as AnyOf
from beforehand.story import Receipt
from beforehand.story.clause import Role

if TYPE_CHECKING:
    from beforehand.workspace import Folder


SHORTEST_DAYS = {Grain.HOUR: 1 / 24, Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 28, Grain.QUARTER: 90}


@dataclass(frozen=True)
class Where:
    """What a leaf is to the whole: how many days before the close it may have held, at a close before which instant
    (microseconds) it must have, and its role in the story.
    """

    days: int | None = None
    before_us: int | None = None
    role: Role = ""

    def back(self, grain: Grain) -> int:
        """How many closes of a grain before the newest one may matter."""
        return 0 if self.days is None else max(1, int(self.days / SHORTEST_DAYS[grain]))


Close = Callable[[Node], int]
"""The newest close of a node as of the close that is told (microseconds)."""


def leaves_of(node: Node, folder: Folder, close: Close, where: Where | None = None) -> Iterator[tuple[Leaf, Where]]:
    """Every leaf, and what it is to the whole."""
    where = where or Where()
    match node:
        case Named():
            yield from leaves_of(folder.signals[node.signal].sentence.condition, folder, close, where)
        case Due() | AlertOpen():
            return  # what it reads is no metric
        case All() | AnyOf() | Then() | Unless() | After():
            for part, place in places(node, close, where):
                yield from leaves_of(part, folder, close, place)
        case _:
            yield node, where


def places(node: Compound, close: Close, where: Where) -> list[tuple[Node, Where]]:
    """The parts of a compound, and what each is to the whole."""
    match node:
        case All(parts=parts, within_days=within):
            place = where if within is None else replace(where, days=(where.days or 0) + within)
            return [(part, place) for part in parts]
        case AnyOf(parts=parts):
            return [(part, where) for part in parts]
        case Then(first=first, then=then, within_days=within):
            role: Role = where.role or "first"
            earlier = Where((where.days or 0) + within, where.before_us or close(then), role)
            return [(first, earlier), (then, where)]
        case After(condition=condition):
            return [(condition, where)]
        case Unless(condition=condition, exception=exception):
            return [(condition, where), (exception, replace(where, role="unless"))]


def held_at(folder: Folder, leaf: Leaf, receipt: Receipt, where: Where) -> int | None:
    """How many closes before the last one of its receipt a leaf held; None where it did not, as `where` asks."""
    values = np.array([np.nan if v is None else v for v in receipt.numbers])
    clause = questions.clause_of(folder, leaf)
    edges = receipt.query.edges_us
    for ago in range(1 if where.days is None else 1 + len(values)):
        if where.before_us is not None and ago < len(edges) and edges[-1 - ago] >= where.before_us:
            continue
        seen = values[: len(values) - ago]
        if len(seen) < clause.streak.of:
            return None
        if isinstance(leaf, Absence):
            if np.nansum(seen[-leaf.days :]) < 1:
                return ago
            continue
        width = kind_of(leaf).width(leaf)
        window = np.full(width, np.nan)
        window[max(0, width - len(seen)) :] = seen[-width:]
        if kind_of(leaf).judge(leaf, window[None, None, :], clause.whole)[0, 0] == HOLDS:
            return ago
    return None
