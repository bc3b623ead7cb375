"""The parts of a clause: amounts, units, spans, streaks, and what is compared with."""

from __future__ import annotations

from typing import Any as Whatever

from lark import Token

from beforehand.calendar import Grain
from beforehand.signals.fitting import LONGEST
from beforehand.signals.making import Making
from beforehand.signals.spoken import (
    Amount,
    Before,
    Course,
    Misfit,
    PartOf,
    PerActive,
    Rate,
    Span,
    number_of,
    one_of,
    span_of,
    token_of,
    unit_of,
)

GRAINS = {grain.value: grain for grain in Grain}
EVERY = {"daily": Grain.DAY} | {f"{g}ly": g for g in Grain if g is not Grain.DAY}


# ruff: noqa: D102 - each method below is called by Lark for the grammar rule it is named after
class Parts(Making):
    """Reads what quantities and clauses are made of."""

    # -- the parts of a sentence -------------------------------------------------------------------------------

    def amount(self, parts: list[Token]) -> Amount:
        percent = len(parts) > 1 and parts[1].type == "PERCENT"
        value = number_of(str(parts[0])) / (100 if percent else 1)
        return Amount(*span_of(parts), float(value), percent)

    def rate(self, parts: list[Token]) -> Rate:
        word = parts[-1]
        return Rate(*span_of(parts), EVERY[str(word).lower()] if word.type == "EVERY" else GRAINS[unit_of(word)])

    def per_active(self, parts: list[Token]) -> PerActive:
        return PerActive(*span_of(parts))

    def rolling(self, parts: list[Whatever]) -> Span:
        return self._span(parts, streak=False)

    def streak(self, parts: list[Whatever]) -> Span:
        return self._span(parts, streak=True)

    def _span(self, parts: list[Whatever], *, streak: bool) -> Span:
        amounts = [p for p in parts if isinstance(p, Amount)]
        unit = next(p for p in parts if isinstance(p, Token) and p.type in ("UNIT", "BUSINESS"))
        count = self._whole(amounts[0], LONGEST * (24 if unit_of(unit) == "hour" else 1)) if amounts else 1
        return Span(*span_of(parts), count, GRAINS[unit_of(unit)], streak, unit.type == "BUSINESS")

    def part_of(self, parts: list[Whatever]) -> PartOf:
        first, second = (p for p in parts if isinstance(p, Amount))
        need, of = self._whole(first), self._whole(second)
        if need > of:
            unit = token_of(parts, "UNIT")
            raise Misfit(f"{need} of {of} cannot be.", *span_of(parts), f"in {of} of {need} {unit}")
        return PartOf(*span_of(parts), need, of, GRAINS[unit_of(token_of(parts, "UNIT"))])

    def before(self, parts: list[Whatever]) -> Before:
        amounts = [p for p in parts if isinstance(p, Amount)]
        count = self._whole(amounts[0]) if amounts else 1
        return Before(*span_of(parts), count, GRAINS[unit_of(token_of(parts, "UNIT"))])

    def course(self, parts: list[Whatever]) -> Course:
        amounts = [p for p in parts if isinstance(p, Amount)]
        unit = next(p for p in parts if isinstance(p, Token) and p.type in ("UNIT", "YEAR"))
        return Course(*span_of(parts), self._whole(amounts[0]) if amounts else 1, unit_of(unit))

    def comparator(self, parts: list[Token]) -> Token:
        return parts[0]

    def usual_of(self, parts: list[Whatever]) -> Before:
        return one_of(parts, Before)
