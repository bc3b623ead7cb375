"""The parts of a condition as a story needs them: each leaf, when it may have held, and its role in the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from beforehand.calendar import Grain
from beforehand.commands import questions
from beforehand.signals import kind_of
from beforehand.signals.numbers import HOLDS
from beforehand.signals.tree import (
    Absence,
    After,
    AlertOpen,
    All,
    Compound,
    Due,
    Leaf,
    Milestone,
    Named,
    Negation,
    Node,
    Peers,
    Then,
    Unless,
)
from beforehand.signals.tree import Any as AnyOf
from beforehand.story import Receipt
from beforehand.story.clause import Role
from beforehand.story.peers import standing

if TYPE_CHECKING:
    from beforehand.commands.marking import Marks
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
        case All() | AnyOf() | Then() | Unless() | After() | Negation():
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
        case Negation(condition=condition):
            # Of what must not be so twice, nothing is said but that it is not so.
            return [(condition, replace(where, role=where.role or "not"))]


def chosen(
    condition: Node,
    folder: Folder,
    close: Close,
    answers: Mapping[tuple[Leaf, Where], Receipt],
    marks: Marks,
    peers: Mapping[Leaf, Receipt],
) -> list[tuple[tuple[Leaf, Role, Receipt], int]]:
    """The leaves that made a condition hold, each with its series, and how many closes ago it held.

    Of `any of` those parts that do hold, where the receipts say so; of an exception, what is not so. What the marks of
    days, traits and alerts say is told to them.
    """

    def keep(node: Node, where: Where) -> tuple[bool, list[tuple[tuple[Leaf, Role, Receipt], int]]]:
        match node:
            case Named():
                return keep(folder.signals[node.signal].sentence.condition, where)
            case AlertOpen():
                return marks.opened(node), []
            case Due():
                return marks.due(node, where.days is None), []
            case After():
                holds, found = keep(node.condition, where)
                if holds:
                    marks.after(node)
                return holds, found
            case Negation():
                ((part, place),) = places(node, close, where)
                holds, found = keep(part, place)
                return not holds, found
            case All() | AnyOf() | Then() | Unless():
                kept = [keep(part, place) for part, place in places(node, close, where)]
                holding = [found for holds, found in kept if holds]
                if isinstance(node, AnyOf):
                    told = holding if where.role not in ("not", "unless") else []
                    return bool(holding), [leaf for found in told or [f for _, f in kept] for leaf in found]
                found = [leaf for _, leaves in kept for leaf in leaves]
                if isinstance(node, Unless):
                    (holds, _), (excepted, _) = kept
                    return holds and not excepted, found
                return len(holding) == len(kept), found
            case _:
                receipt = answers[node, where]
                leaf = marks.bound(node)
                held = held_at(folder, leaf, receipt, where, peers.get(node))
                spoken = where.role not in ("unless", "not")
                if held is not None and spoken:
                    marks.entitled(node)
                if held is None:  # late facts have changed it since; it is told of the newest close it may be of
                    held_then = next(
                        (n for n, end in enumerate(reversed(receipt.query.edges_us)) if _early(end, where)), 0
                    )
                    return False, [((leaf, where.role, receipt), held_then)]
                return True, [((leaf, where.role, receipt), held)] if spoken else []

    return keep(condition, Where())[1]


def _early(end_us: int, where: Where) -> bool:
    """Whether a close is one at which a part may have held."""
    return where.before_us is None or end_us < where.before_us


def held_at(folder: Folder, leaf: Leaf, receipt: Receipt, where: Where, peers: Receipt | None = None) -> int | None:
    """How many closes before the last one of its receipt a leaf held; None where it did not, as `where` asks.

    What is judged against others is held against what the receipt of its `peers` says they had.
    """
    values = np.array([np.nan if v is None else v for v in receipt.numbers])
    clause = questions.clause_of(folder, leaf)
    edges = receipt.query.edges_us
    for ago in range(1 if where.days is None else 1 + len(values)):
        if where.before_us is not None and ago < len(edges) and edges[-1 - ago] >= where.before_us:
            continue
        seen = values[: len(values) - ago]
        if len(seen) < (1 if isinstance(leaf, Milestone) else clause.streak.of):
            return None
        if isinstance(leaf, Absence | Milestone):
            days = leaf.days or len(seen)
            if np.nansum(seen[-days:] if isinstance(leaf, Absence) else seen) < 1:
                return ago
            continue
        if isinstance(leaf, Peers):
            found = None if peers is None else standing(peers)
            past = seen[-leaf.streak.of :]
            line = np.nan if found is None else found.edge
            wrong = past < line if leaf.direction == "down" else past > line
            if np.count_nonzero(wrong) >= leaf.streak.need or found is None:
                return ago
            continue
        width = kind_of(leaf).width(leaf)
        window = np.full(width, np.nan)
        window[max(0, width - len(seen)) :] = seen[-width:]
        if kind_of(leaf).judge(leaf, window[None, None, :], clause.whole)[0, 0] == HOLDS:
            return ago
    return None
