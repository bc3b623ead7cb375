"""What fits together: units, spans and streaks of one clause, and the sizes they may have."""

from __future__ import annotations

from typing import Any as Whatever

from lark import Token, Transformer

from beforehand.calendar import DAY_US, HOUR_US, Grain
from beforehand.signals import tree as t
from beforehand.signals.spoken import (
    Amount,
    Before,
    Happened,
    Misfit,
    PartOf,
    PerActive,
    Rate,
    Role,
    Said,
    Same,
    Span,
    Spanned,
    at_most_one,
    unit_of,
)
from beforehand.signals.vocabulary import COUNTED, Vocabulary

DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
LENGTHS_US = {"second": 1_000_000, "minute": 60_000_000, "hour": HOUR_US, "day": DAY_US, "week": 7 * DAY_US}
LONGEST = 1000  # periods in a streak or a baseline, days in a rolling span
ROLLING = frozenset({"count", "sum", "mean", "share", "people", "distinct"})


class Fitting(Transformer[Token, Whatever]):
    """What every meaning needs: the vocabulary, the grain of sentences that name none, and what was marked.

    `marks` are the leaves whose words say who the sentence is about.
    """

    def __init__(self, vocabulary: Vocabulary, default: Grain) -> None:
        super().__init__(visit_tokens=False)
        self.vocabulary = vocabulary
        self.default = default
        self.marks: list[tuple[t.Node, Said]] = []

    def _when(self, said: Said, items: list[Spanned], *befores: Before) -> tuple[t.Quantity, Grain, t.Streak]:
        """The quantity, the grain and the streak that were said, each at most once and all in one unit."""
        items = [*said.items, *items]
        rate = at_most_one(items, Rate, "The unit")
        per_active = at_most_one(items, PerActive, "`per active person`")
        spans = [i for i in items if isinstance(i, Span)]
        business = next((s for s in spans if s.business), None)
        if business is not None:
            raise Misfit(
                "Only silence and waiting are told in business days.", business.start, business.end,
                f"{'for' if business.streak else 'in'} {business.count} days",
            )  # fmt: skip
        rolling = at_most_one([s for s in spans if not s.streak], Span, "The span that is counted")
        run = at_most_one(
            [i for i in items if isinstance(i, PartOf) or (isinstance(i, Span) and i.streak)], Spanned, "The streak"
        )
        if rolling and said.made is None and self.vocabulary.aggregates.get(said.metric) not in ROLLING:
            reason = f"{self.vocabulary.name(said.metric)} is a last value; it is not added up over days."
            raise Misfit(reason, rolling.start, rolling.end, "")
        if rolling and said.standing:
            reason = "What is open stands until it is over, so it is not added up over days."
            raise Misfit(reason, rolling.start, rolling.end, "", "For so long without a break: `for 3 days`.")
        quantity = self._quantity(said, items, per_active is not None, self._days(rolling) if rolling else None)
        if rolling and rate and rate.grain is not Grain.DAY:
            raise Misfit("What is counted over days is judged each day.", rate.start, rate.end, "")
        if rolling:
            grain = Grain.DAY
        elif rate:
            grain = rate.grain
        elif isinstance(run, Span | PartOf):
            grain = run.grain
            if befores and isinstance(run, Span):  # of weeks and days that are as long, weeks are meant
                grain = _coarser(run.grain, run.count, befores[0].grain)
        else:
            grain = befores[0].grain if befores else Grain.DAY if said.standing else self.default
        if isinstance(run, PartOf):
            _same(run, run.grain, grain, None, rolling is not None)
            return quantity, grain, t.Streak(run.need, run.of)
        if isinstance(run, Span):
            _same(run, run.grain, grain, run.count, rolling is not None)
            return quantity, grain, t.Streak(run.count, run.count)
        return quantity, grain, t.Streak()

    def _quantity(
        self, said: Said, items: list[Spanned], per_active: bool = False, rolling: int | None = None
    ) -> t.Quantity:
        """What is counted, with the role whose holders are counted as one."""
        roles = [i for i in items if isinstance(i, Role) and i.together]
        role = roles[0].role if roles else said.role if said.together else None
        return t.Quantity(said.metric, per_active, rolling, said.made, said.standing, role)

    def _marked(self, node: t.Node, said: Said, items: list[Spanned]) -> t.Node:
        """Remembers of a leaf who its words make the sentence about, for when the whole is known."""
        items = [*said.items, *items]
        same = at_most_one(items, Same, "What it is about")
        role = at_most_one([i for i in items if isinstance(i, Role) and not i.together], Role, "The role")
        about = same.subject if same else said.about
        if role is not None or (said.role is not None and not said.together):
            found = Said(said.start, said.end, said.metric, about="person", role=role.role if role else said.role)
            self.marks.append((node, found))
        elif about is not None:
            where = same or said
            found = Said(where.start, where.end, said.metric, about=about, together=same is not None)
            self.marks.append((node, found))
        return node

    def _happened(self, said: Said, items: list[Spanned]) -> bool:
        return said.happened or any(isinstance(i, Happened) for i in [*said.items, *items])

    def _is_counted(self, said: Said) -> bool:
        return said.made is not None or self.vocabulary.aggregates.get(said.metric) in COUNTED

    def _days(self, span: Span, word: str | None = None) -> int:
        days = max(1, round(span.count * DAYS[span.grain]))
        word = ("for " if span.streak else "in ") if word is None else f"{word} ".lstrip()
        if span.grain in (Grain.MONTH, Grain.QUARTER):
            said = f"{span.grain}s differ in length: write days.".capitalize()
            raise Misfit(said, span.start, span.end, f"{word}{days} days")
        if span.grain is Grain.HOUR:
            said = "What is counted over a span is counted over whole days."
            raise Misfit(said, span.start, span.end, f"{word}{days} days", "For each hour by itself, say `per hour`.")
        if days > LONGEST:
            raise Misfit(f"At most {LONGEST} days.", span.start, span.end, f"{word}{LONGEST} days")
        return days

    def _whole(self, amount: Amount, most: int = LONGEST) -> int:
        if amount.percent or amount.value != int(amount.value) or not 1 <= amount.value <= most:
            raise Misfit(f"A whole number from 1 to {most} is needed here.", amount.start, amount.end)
        return int(amount.value)

    def _length(self, amount: Amount, unit: Token) -> int:
        """Microseconds of `1 hour` or `10 minutes`."""
        name = unit_of(unit)
        end = unit.end_pos or 0
        if name not in LENGTHS_US:
            near = f"{max(1, round(amount.value * DAYS[name]))} days"
            raise Misfit(f"{name.capitalize()}s differ in length: write days.", amount.start, end, near)
        found = round(amount.value * LENGTHS_US[name])
        if amount.percent or not 0 < found <= LONGEST * DAY_US:
            raise Misfit(f"A time of at most {LONGEST} days is needed here.", amount.start, end)
        return found


def fits(before: Before, grain: Grain) -> None:
    """Misfit where what is compared with is not in the unit that is counted."""
    if before.grain is grain:
        return
    near = same_length(before.count, before.grain, grain)
    said = f"It is counted by {grain}, but compared with {before.grain}s."
    raise Misfit(said, before.start, before.end, f"{near} {grain}s before")


def _coarser(grain: Grain, count: int, other: Grain) -> Grain:
    """The other grain where it is coarser and so many of the first are whole ones of it, else the first."""
    return other if DAYS[other] > DAYS[grain] and count * DAYS[grain] % DAYS[other] == 0 else grain


def same_length(count: int, said: Grain, grain: Grain) -> int:
    """About as many periods of another grain."""
    return max(1, round(count * DAYS[said] / DAYS[grain]))


def _same(part: Spanned, said: Grain, grain: Grain, count: int | None, rolling: bool) -> None:
    if said is grain:
        return
    how = "What is counted over days is judged each day" if rolling else f"It is counted by {grain}"
    near = same_length(count, said, grain) if count else None
    raise Misfit(
        f"{how}, but the streak is in {said}s.",
        part.start,
        part.end,
        f"for {near} consecutive {grain}{'s' if near != 1 else ''}" if near else None,
    )
