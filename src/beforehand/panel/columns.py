"""What a metric needs counted: the few kinds of columns that all aggregates are made of.

A column says how its cells merge: counts and sums add, people and other distinct things are bitmaps that OR, a last
value is replaced by a later one; `rows` are all there ever were, those that were taken back too. A column's name is a
digest of its definition, so that what two metrics share is counted once, and a changed definition is a new column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

import sqlglot
from sqlglot import exp

Op = Literal["count", "rows", "sum", "bits", "present", "last"]
VERSIONED = frozenset({"tickets", "subscriptions", "invoices", "tones", "tensions", "moods"})
MADE = "made_"
"""How the names of tables of made facts begin."""


def signed(table: str) -> bool:
    """Whether rows of a table may be taken back by others: it has a `sign`."""
    return table in VERSIONED or table.startswith(MADE)


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
