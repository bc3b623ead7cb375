"""Which questions about facts prove a verdict: the receipts a story of one signal at one subject needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import Grain, period_of, start_of
from beforehand.errors import InputError, among
from beforehand.signals import kind_of
from beforehand.signals.tree import Absence, Leaf, Milestone, Quantity, SubjectKind
from beforehand.story import Query
from beforehand.story.clause import Clause, Measure
from beforehand.story.quantities import other_metric
from beforehand.story.usual import HISTORY
from beforehand.workspace.spec import MetricSpec
from beforehand.workspace.working import business_time, holidays

if TYPE_CHECKING:
    from beforehand.workspace import Folder

ABSENCE_HISTORY = (21, 63)
"""How many days before a silence are asked for, at least and at most: twice the silence in between."""
MILESTONE_DAYS = 30
"""How many days are shown of a milestone that others say when it is late."""
COUNTRY = "country"
"""The trait that says by whose holidays business days go, where they go by country."""
FIRST_US = -62_135_596_800_000_000
"""Before everything: the first instant of year 1."""


@dataclass(frozen=True)
class Whose:
    """A subject as questions name it: the account's label and all its stored nodes; of a person also its places.

    `born_us` is when its life began as far as is known; nothing is asked about periods before it. `country` is the
    account's, where business days go by it. `zone` is that of its periods, where it is not the workspace's.
    """

    account: str
    nodes: tuple[int, ...]
    scope: str = ""
    members: tuple[tuple[int, int], ...] = ()
    born_us: int | None = None
    subject: SubjectKind = "account"
    country: str | None = None
    zone: ZoneInfo | None = None


def series_query(
    folder: Folder, leaf: Leaf, whose: Whose, zone: ZoneInfo, last: int, *, back: int = 0
) -> tuple[Query, int]:
    """The question of one leaf over the periods that end with period number `last`, and how many of them are judged.

    `back` asks for so many periods more, for clauses that may have held some closes ago.
    """
    clause = clause_of(folder, leaf)
    grain = clause.grain
    judged = days_judged(folder, leaf, whose, last) or clause.streak.of
    if isinstance(leaf, Absence | Milestone):
        least, most = ABSENCE_HISTORY
        before = min(max(least, 2 * judged), most)
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


def days_judged(folder: Folder, leaf: Leaf, whose: Whose, last: int) -> int:
    """How many days up to day number `last` a leaf is about that does not say so itself; 0 for all others.

    Of business days, the days from the first of them on; of a milestone, those it may wait at most.
    """
    if isinstance(leaf, Absence) and leaf.business:
        time = business_time(folder.settings, whose.country)
        days = np.arange(last - 7 * leaf.days - 30, last + 1)
        worked = np.flatnonzero(time.is_workday(days)[::-1])
        return int(worked[leaf.days - 1]) + 1 if worked.size >= leaf.days else 7 * leaf.days
    if isinstance(leaf, Milestone) and leaf.days is None:
        return MILESTONE_DAYS
    return 0


def metric_query(folder: Folder, leaf: Leaf, whose: Whose, edges: Sequence[int], span: int, grain: Grain) -> Query:
    """A metric of a subject over given periods."""
    quantity = leaf.quantity
    spec = spec_of(folder, quantity.metric)
    return Query(
        table=spec.table,
        aggregate=cast("Measure", spec.aggregate),
        edges_us=tuple(edges),
        accounts=whose.nodes,
        members=whose.members,
        of=spec.of,
        where=None if quantity.made else spec.where,
        per_active=quantity.per_active,
        span=span,
        name=folder.vocabulary.name(quantity.metric),
        grain=grain.value,
        made=recipe_text(folder, quantity),
        standing=quantity.standing,
        key=key_of(folder, whose, made=quantity.made is not None or spec.table == "tensions"),
    )


def spec_of(folder: Folder, metric: str) -> MetricSpec:
    """The definition of a metric; InputError where the workspace has none any more."""
    if metric not in folder.metrics:
        raise InputError(f"There is no metric {metric!r}.", among(metric, folder.metrics), code="unknown-metric")
    return folder.metrics[metric]


def recipe_text(folder: Folder, quantity: Quantity) -> str:
    """How the facts are made that a quantity counts, as the text a receipt keeps; blank for facts as they are."""
    if quantity.made is None:
        return ""
    from beforehand.facts.derived import recipe_of

    time = business_time(folder.settings, zone=folder.settings.zone)
    place = COUNTRY if holidays(folder.settings.calendar).by_country else None
    spec = spec_of(folder, quantity.metric)
    return recipe_of(quantity.made, spec, folder.metrics, folder.settings, time, place).as_text()


def key_of(folder: Folder, whose: Whose, *, made: bool) -> tuple[str, ...]:
    """By which column or property the rows of one ticket, issue or feature are known, and which it is.

    `made`: the rows are made from others and name the ticket they are about.
    """
    column = {
        "ticket": "ticket" if made else "id",
        "issue": "meaning" if folder.settings.issue == "meaning" else "issue",
        "feature": folder.settings.feature,
    }.get(whose.subject)
    return (column, whose.scope) if column and whose.scope else ()


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


def first_query(whose: Whose, now_us: int) -> Query:
    """The first event of the account."""
    return Query(table="events", aggregate="first", edges_us=(FIRST_US, now_us), accounts=whose.nodes)


def country_of(folder: Folder, traits: Mapping[str, Any]) -> str | None:
    """The country of an account with these traits, where business days go by it."""
    return traits.get(COUNTRY) if holidays(folder.settings.calendar).by_country else None


def contact_query(whose: Whose, now_us: int) -> Query:
    """Our newest touch with the account."""
    return Query(table="touches", aggregate="latest", edges_us=(FIRST_US, now_us), accounts=whose.nodes)


def clause_of(folder: Folder, leaf: Leaf, receipt: int = 0) -> Clause:
    """A leaf with the name and measure of its metric."""
    spec = spec_of(folder, leaf.quantity.metric)
    second = other_metric(leaf.quantity.made)
    return Clause(
        leaf,
        name_of(folder, leaf.quantity.metric),
        cast("Measure", spec.aggregate),
        receipt,
        facts=spec.table,
        other=name_of(folder, second) if second else "",
    )


def name_of(folder: Folder, metric: str) -> str:
    """What a metric is called inside a sentence."""
    return _lowered(folder.vocabulary.name(metric))


def last_period(grain: Grain, zone: ZoneInfo, end_us: int, *, filling: bool = False) -> int:
    """The newest period of a grain that had ended at a close; with `filling`, the one that the close lies in."""
    return int(period_of(grain, zone, np.array([end_us - (1 if filling else 0)]))[0]) - (0 if filling else 1)


def _lowered(name: str) -> str:
    """A display name inside a sentence: `Logins` is `logins`, `NPS` stays."""
    return name if name[:2].isupper() or not name else name[0].lower() + name[1:]
