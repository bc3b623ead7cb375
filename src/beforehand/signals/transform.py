"""From the parse to the typed tree: what the words of a sentence mean, with the defaults of the language.

Meaning errors (units that do not fit, a share above 100 %) are raised as Misfit with the span and, where there is
one, the text that would be right in its place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any as Whatever

from lark import Token, v_args
from lark.tree import Meta

from beforehand.calendar import Grain
from beforehand.errors import among
from beforehand.signals import tree as t
from beforehand.signals.clauses import Clauses, least_days
from beforehand.signals.parts import GRAINS
from beforehand.signals.spoken import (
    Amount,
    Misfit,
    Span,
    Together,
    one_of,
    span_of,
    token_of,
    unit_of,
)
from beforehand.signals.who import Populations


# ruff: noqa: D102 - each method below is called by Lark for the grammar rule it is named after
class Meaning(Clauses, Populations):
    """Reads the parse bottom up; `start` returns (condition, subject, population)."""

    def named(self, parts: list[Token]) -> t.Named:
        name = str(parts[-1])
        if name not in self.vocabulary.signals:
            raise Misfit(
                f"{name!r} is not a signal here.", *span_of(parts[-1:]), advice=among(name, self.vocabulary.signals)
            )
        return t.Named(name)

    @v_args(meta=True)
    def together(self, meta: Meta, parts: list[Whatever]) -> Together:
        nodes = tuple(p for p in parts if not isinstance(p, Token))
        return Together(meta.start_pos, meta.end_pos, nodes)

    def conjunction(self, parts: list[Whatever]) -> t.Node:
        first, *then = (p for p in parts if isinstance(p, Together))
        if not any(isinstance(p, Token) and p.type == "WITHIN" for p in parts):
            if then:
                end = then[0].end
                said = "It must be said within how many days the second follows the first."
                raise Misfit(said, end, end, " within 14 days")
            return first.node
        amount, unit = one_of(parts, Amount), token_of(parts, "UNIT")
        within = token_of(parts, "WITHIN")
        days = self._days(
            Span(within.start_pos or 0, unit.end_pos or 0, self._whole(amount), GRAINS[unit_of(unit)], False), "within"
        )
        if then:
            least = least_days(first.node, then[0].node)
            if days < least:
                said = f"Their closes lie {least} days apart, so nothing can follow within {days}."
                raise Misfit(said, within.start_pos or 0, unit.end_pos or 0, f"within {least} days")
            return t.Then(first.node, then[0].node, days)
        if len(first.nodes) > 1:
            return t.All(first.nodes, days)
        node = first.node
        # `tickets at least 3 within 30 days`: with one part, `within` can only mean the span that is counted.
        plain = isinstance(node, t.Level) and node == t.Level(
            node.quantity, node.op, node.bound, self.default, of=node.of
        )
        if plain and isinstance(node, t.Level) and node.quantity.rolling_days is None and not node.quantity.standing:
            return self._rebuilt(
                node, replace(node, quantity=replace(node.quantity, rolling_days=days), grain=Grain.DAY)
            )
        raise Misfit("`within` joins two parts with `and`.", within.start_pos or 0, unit.end_pos or 0, "")

    def _rebuilt(self, node: t.Node, new: t.Node) -> t.Node:
        self.marks += [(new, mark) for old, mark in self.marks if old is node]
        return new

    def condition(self, parts: list[Whatever]) -> t.Node:
        return parts[0] if len(parts) == 1 else t.Unless(parts[0], parts[2])

    def alternatives(self, parts: list[Whatever]) -> t.Node:
        nodes = [p for p in parts if not isinstance(p, Token)]
        return nodes[0] if len(nodes) == 1 else t.Any(tuple(nodes))
