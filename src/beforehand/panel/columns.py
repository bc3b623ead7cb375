"""What a metric needs counted: the few kinds of columns that all aggregates are made of.

A column says how its cells merge: counts and sums add, people are bitmaps that OR, a last value is replaced by a later
one. A metric is one column or two (mean and share are a numerator and a denominator). A column's name is a digest of
its definition, so that what two metrics share is counted once, and a changed definition is a new column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

import sqlglot
from sqlglot import exp

from beforehand.panel import where
from beforehand.signals.tree import SubjectKind
from beforehand.workspace.spec import MetricSpec

Op = Literal["count", "sum", "bits", "present", "last"]
VERSIONED = frozenset({"tickets", "subscriptions", "invoices"})
ACTIVE = MetricSpec(people="events")
"""Who was active in a period, by any event: what `per active person` divides by."""


@dataclass(frozen=True)
class Column:
    """One column of cells. `condition` chooses rows (None: all), `value` is what a sum or last value is taken over."""

    op: Op
    condition: exp.Expr | None = field(default=None, compare=False)
    value: exp.Expr | None = field(default=None, compare=False)
    name: str = ""

    @classmethod
    def of(cls, op: Op, condition: exp.Expr | None = None, value: exp.Expr | None = None) -> Column:
        """The column with the name its definition gives it."""
        text = "|".join([op, *(part.sql(dialect="duckdb") if part is not None else "" for part in (condition, value))])
        return cls(op, condition, value, f"{op}_{sha256(text.encode()).hexdigest()[:16]}")

    def stored(self) -> list[str]:
        """The column as text that `restored` reads back."""
        parts = (self.condition, self.value)
        return [self.op, self.name, *(part.sql(dialect="duckdb") if part is not None else "" for part in parts)]

    @classmethod
    def restored(cls, op: Op, name: str, condition: str, value: str) -> Column:
        """The column that `stored` wrote."""
        chosen, over = (sqlglot.parse_one(text, read="duckdb") if text else None for text in (condition, value))
        return cls(op, chosen, over, name)


@dataclass(frozen=True)
class Plan:
    """How a metric is made of columns of one fact table: `parts` are [value] or [numerator, denominator]."""

    table: str
    aggregate: str
    parts: tuple[Column, ...]


def plan(spec: MetricSpec, kind: SubjectKind) -> Plan:
    """The columns of a metric for one kind of subject; InputError where its conditions are not valid."""
    table = spec.table
    chosen = where.condition(spec.where, table) if spec.where else None
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
        case _ if kind == "person":  # a person is one person, or none
            parts = [Column.of("count", chosen)]
        case _:
            # Bits cannot be taken back: where rows are corrected, people are counted one by one.
            parts = [Column.of("present" if table in VERSIONED else "bits", chosen)]
    return Plan(table, spec.aggregate, tuple(parts))


def _both(left: exp.Expr | None, right: exp.Expr) -> exp.Expr:
    if left is None:
        return right
    return exp.And(this=exp.Paren(this=left.copy()), expression=exp.Paren(this=right))
