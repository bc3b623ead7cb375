"""Which questions about facts prove a verdict: the receipts a story of one signal at one subject needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import Grain, period_of, start_of
from beforehand.signals import kind_of
from beforehand.signals.tree import Absence, Leaf
from beforehand.story import Query
from beforehand.story.clause import Clause, Measure
from beforehand.story.usual import HISTORY

if TYPE_CHECKING:
    from beforehand.workspace import Folder

ABSENCE_HISTORY = (21, 63)
"""How many days before a silence are asked for, at least and at most: twice the silence in between."""
FIRST_US = -62_135_596_800_000_000
"""Before everything: the first instant of year 1."""


@dataclass(frozen=True)
class Whose:
    """A subject as questions name it: the account's label and all its stored nodes; of a person also its places.

    `born_us` is when its life began as far as is known; nothing is asked about periods before it.
    """

    account: str
    nodes: tuple[int, ...]
    scope: str = ""
    members: tuple[tuple[int, int], ...] = ()
    born_us: int | None = None


def series_query(
    folder: Folder, leaf: Leaf, whose: Whose, zone: ZoneInfo, last: int, *, back: int = 0
) -> tuple[Query, int]:
    """The question of one leaf over the periods that end with period number `last`, and how many of them are judged.

    `back` asks for so many periods more, for clauses that may have held some closes ago.
    """
    clause = clause_of(folder, leaf)
    judged, grain = clause.streak.of, clause.grain
    if isinstance(leaf, Absence):
        least, most = ABSENCE_HISTORY
        before = min(max(least, 2 * leaf.days), most)
    else:
        before = max(HISTORY, kind_of(leaf).width(leaf) - judged)
    span = leaf.quantity.rolling_days or 1
    count = judged + before + back + span - 1
    edges = [int(e) for e in start_of(grain, zone, np.arange(last + 1 - count, last + 2))]
    if whose.born_us is not None:
        # Periods that began before the life did have no values; those that are judged stay, whatever is known of it.
        kept = [e for e in edges if e >= whose.born_us]
        edges = edges[-max(len(kept), judged + span) :]
    return metric_query(folder, leaf, whose, edges, span, grain), judged


def metric_query(folder: Folder, leaf: Leaf, whose: Whose, edges: Sequence[int], span: int, grain: Grain) -> Query:
    """A metric of a subject over given periods."""
    quantity, spec = leaf.quantity, folder.metrics[leaf.quantity.metric]
    return Query(
        table=spec.table,
        aggregate=cast("Measure", spec.aggregate),
        edges_us=tuple(edges),
        accounts=whose.nodes,
        members=whose.members,
        of=spec.of,
        where=spec.where,
        per_active=quantity.per_active,
        span=span,
        name=folder.vocabulary.name(quantity.metric),
        grain=grain.value,
    )


def silence_query(query: Query, judged: int) -> Query:
    """The judged periods of a silence as one: its count is zero."""
    return replace(query, edges_us=(query.edges_us[-1 - judged], query.edges_us[-1]), span=1, grain="")


def alive_query(query: Query, judged: int) -> Query:
    """What all accounts did in the same time: that the feed was alive. One question, whoever the silent one is."""
    edges = (query.edges_us[-judged - query.span], query.edges_us[-1])
    return Query(table=query.table, aggregate="count", edges_us=edges, others=True, name=query.table)


def trait_query(whose: Whose, trait: str, now_us: int) -> Query:
    """A dated trait of the account as it stands now."""
    return Query(table="traits", aggregate="trait", edges_us=(FIRST_US, now_us), accounts=whose.nodes, of=trait)


def contact_query(whose: Whose, now_us: int) -> Query:
    """Our newest touch with the account."""
    return Query(table="touches", aggregate="latest", edges_us=(FIRST_US, now_us), accounts=whose.nodes)


def clause_of(folder: Folder, leaf: Leaf, receipt: int = 0) -> Clause:
    """A leaf with the name and measure of its metric."""
    spec = folder.metrics[leaf.quantity.metric]
    name = _lowered(folder.vocabulary.name(leaf.quantity.metric))
    return Clause(leaf, name, cast("Measure", spec.aggregate), receipt, facts=spec.table)


def last_period(grain: Grain, zone: ZoneInfo, end_us: int, *, filling: bool = False) -> int:
    """The newest period of a grain that had ended at a close; with `filling`, the one that the close lies in."""
    return int(period_of(grain, zone, np.array([end_us - (1 if filling else 0)]))[0]) - (0 if filling else 1)


def _lowered(name: str) -> str:
    """A display name inside a sentence: `Logins` is `logins`, `NPS` stays."""
    return name if name[:2].isupper() or not name else name[0].lower() + name[1:]
