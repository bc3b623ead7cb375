"""How a quantity is made of columns: which table is read, whose cells they are, what is told apart.

A metric is one column or two (mean and share are a numerator and a denominator), and one more where a standing total
has to know whether there ever was anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sqlglot import exp

from beforehand.calendar import DAY_US, Grain
from beforehand.panel import where
from beforehand.panel.columns import Column, signed
from beforehand.panel.facets import Facet
from beforehand.signals.tree import Overdue, Quantity, Repeated, Shifted, SubjectKind, Waiting
from beforehand.workspace.spec import MetricSpec

ACTIVE = MetricSpec(people="events")
"""Who was active in a period, by any event: what `per active person` divides by."""
STANDS = (Waiting, Overdue)
"""Made facts that say themselves what stands: none of them is none, however little of the past is known."""
A_LIFETIME_US = 36_500 * DAY_US
EVERY_TONE = MetricSpec(count="tones")


class Place(NamedTuple):
    """What is counted in one scan: a table by a grain, whose cells they are, what distinct counts tell apart."""

    table: str
    grain: Grain
    kind: SubjectKind
    facet: Facet | None


@dataclass(frozen=True)
class Plan:
    """How a quantity is counted: `parts` are [value] or [numerator, denominator], over rows of `table`.

    `kind` is whose cells they are: of people where only those who hold a role count. `facet` is what a distinct count
    tells apart. `base` is the table that made facts were made from, else `table`. `seen` counts the rows there ever
    were: of subjects within accounts, which only are where there is one, and of standing totals.
    """

    table: str
    base: str
    aggregate: str
    parts: tuple[Column, ...]
    kind: SubjectKind
    facet: Facet | None = None
    seen: Column | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """All that has to be counted."""
        return self.parts if self.seen is None else (*self.parts, self.seen)

    def place(self, grain: Grain) -> Place:
        """Where its columns are counted by a grain."""
        return Place(self.table, grain, self.kind, self.facet)


@dataclass
class Needs:
    """What a sheet has to have counted: a plan for each quantity (`core`), for who was active by role, and columns.

    `enough` are plans of who wrote enough to be judged, by `core`. `whole` are the places where cells from the
    beginning on are read.
    """

    plans: dict[Quantity, Plan] = field(default_factory=dict)
    enough: dict[Quantity, Plan] = field(default_factory=dict)
    active: dict[str | None, Plan] = field(default_factory=dict)
    columns: dict[Place, dict[str, Column]] = field(default_factory=dict)
    whole: set[Place] = field(default_factory=set)

    @property
    def every(self) -> tuple[Plan, ...]:
        """All plans."""
        return (*self.plans.values(), *self.enough.values(), *self.active.values())


def needs_of(
    asked: Iterable[tuple[Quantity, Grain]],
    metrics: Mapping[str, MetricSpec],
    kind: SubjectKind,
    made: Mapping[Quantity, str],
) -> Needs:
    """What quantities by grains need counted; `made` are the tables of those that are of made facts, by `core`.

    InputError where the conditions of a metric are not valid.
    """
    needs = Needs()
    for quantity, grain in sorted(asked, key=str):
        own = core(quantity)
        if own not in needs.plans:
            needs.plans[own] = plan(own, metrics[own.metric], kind, made.get(own))
        used = [needs.plans[own]]
        if quantity.per_active:
            by_role = Quantity("", role=quantity.role)
            used.append(needs.active.setdefault(quantity.role, plan(by_role, ACTIVE, kind)))
        judged = enough(own)
        if judged is not None:
            wrote = plan(judged, EVERY_TONE, kind, made.get(judged))
            used.append(needs.enough.setdefault(own, replace(wrote, seen=None)))
        for each in used:
            place = each.place(grain)
            needs.columns.setdefault(place, {}).update({column.name: column for column in each.columns})
            standing = quantity.standing or each is needs.enough.get(own)
            if standing or any(column.op == "last" for column in each.columns):
                needs.whole.add(place)
    return needs


FACETS = frozenset({"ticket", "issue", "feature"})


def core(quantity: Quantity) -> Quantity:
    """What of a quantity decides its plan: neither whom it is divided by nor over how many days it is taken."""
    return replace(quantity, per_active=False, rolling_days=None)


def enough(own: Quantity) -> Quantity | None:
    """What there must be one of, so that a quantity can be told of a subject at all; None where nothing must be.

    A shift of tone is one against a person's own past: with fewer messages than that takes it is not known.
    """
    if not isinstance(own.made, Shifted):
        return None
    from beforehand.facts.derived import moods

    return replace(own, made=Repeated(moods.RECENT + moods.ENOUGH + 1, A_LIFETIME_US), standing=True)


def plan(quantity: Quantity, spec: MetricSpec, kind: SubjectKind, made: str | None = None) -> Plan:
    """The plan of a quantity of a metric, for one kind of subject; `made` is the table of its made facts.

    InputError where the metric's conditions are not valid.
    """
    if quantity.role is not None:
        kind = "person"
    table = made or spec.table
    # What made facts are made from has been chosen already.
    chosen = where.condition(spec.where, table) if spec.where and made is None else None
    facet = None
    match spec.aggregate:
        case "count":
            parts = [Column.of("count", chosen)]
        case "sum":
            parts = [Column.of("sum", chosen, where.value(spec.of or "", table))]
        case "mean":
            value = where.value(spec.of or "", table)
            known = exp.func("isfinite", value.copy())
            parts = [Column.of("sum", chosen, value), Column.of("count", _both(chosen, known))]
        case "share":
            parts = [
                Column.of("count", _both(chosen, where.condition(spec.of or "", table))),
                Column.of("count", chosen),
            ]
        case "last":
            parts = [Column.of("last", chosen, where.value(spec.of or "", table))]
        case "people" if kind == "person":  # a person is one person, or none
            parts = [Column.of("count", chosen)]
        case _:
            facet = Facet.of(spec.of or "", table) if spec.aggregate == "distinct" else None
            # Bits cannot be taken back: where rows are corrected, people are counted one by one.
            parts = [Column.of("present" if signed(table) else "bits", chosen)]
    seen = None
    if kind in FACETS or (quantity.standing and not isinstance(quantity.made, STANDS)):
        seen = Column.of("rows" if signed(table) else "count", chosen)
    return Plan(table, spec.table, spec.aggregate, tuple(parts), kind, facet, seen)


def _both(left: exp.Expr | None, right: exp.Expr) -> exp.Expr:
    if left is None:
        return right
    return exp.And(this=exp.Paren(this=left.copy()), expression=exp.Paren(this=right))
