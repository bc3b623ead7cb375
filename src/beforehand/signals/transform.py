"""From the parse to the typed tree: what the words of a sentence mean, with the defaults of the language.

Meaning errors (units that do not fit, a share above 100 %) are raised as Misfit with the span and, where there is
one, the text that would be right in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any as Whatever

from lark import Token, Transformer, v_args
from lark.tree import Meta

from beforehand.calendar import Grain
from beforehand.errors import among
from beforehand.signals import tree as t
from beforehand.signals.dates import called
from beforehand.signals.spoken import (
    Amount,
    Before,
    Course,
    Entitled,
    Misfit,
    PartOf,
    PerActive,
    Rate,
    Said,
    Span,
    Spanned,
    Together,
    at_most_one,
    items_of,
    number_of,
    one_of,
    span_of,
    token_of,
    unit_of,
    unquoted,
)
from beforehand.signals.vocabulary import COUNTED, Vocabulary

GRAINS = {grain.value: grain for grain in Grain}
EVERY = {"daily": Grain.DAY} | {f"{g}ly": g for g in Grain if g is not Grain.DAY}
OPS: dict[str, t.Op] = {"BELOW": "<", "ABOVE": ">", "AT_LEAST": ">=", "AT_MOST": "<=", "OR_MORE": ">=", "OR_LESS": "<="}
DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
USUAL_BASELINE = {Grain.HOUR: 168, Grain.DAY: 28, Grain.WEEK: 26, Grain.MONTH: 12, Grain.QUARTER: 8}
# `up 60% in a quarter` is judged by the week, unless it says another unit, against the mean of 4 weeks a quarter ago.
COURSE_GRAIN = {"hour": Grain.HOUR, "day": Grain.DAY}
COURSE_BASELINE = {Grain.HOUR: 24, Grain.DAY: 7, Grain.WEEK: 4, Grain.MONTH: 1, Grain.QUARTER: 1}
SHORTEST_DAYS = {Grain.HOUR: 1, Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 28, Grain.QUARTER: 90}
LONGEST = 1000  # periods in a streak or a baseline, days in a rolling span
ROLLING = frozenset({"count", "sum", "mean", "share", "people"})


# ruff: noqa: D102 - each method below is called by Lark for the grammar rule it is named after
class Meaning(Transformer[Token, Whatever]):
    """Reads the parse bottom up; `start` returns (condition, subject, population)."""

    def __init__(self, vocabulary: Vocabulary, default: Grain) -> None:
        super().__init__(visit_tokens=False)
        self.vocabulary = vocabulary
        self.default = default

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
        return Span(
            *span_of(parts), self._whole(one_of(parts, Amount)), GRAINS[unit_of(token_of(parts, "UNIT"))], False
        )

    def streak(self, parts: list[Whatever]) -> Span:
        amounts = [p for p in parts if isinstance(p, Amount)]
        count = self._whole(amounts[0]) if amounts else 1
        return Span(*span_of(parts), count, GRAINS[unit_of(token_of(parts, "UNIT"))], True)

    def part_of(self, parts: list[Whatever]) -> PartOf:
        first, second = (p for p in parts if isinstance(p, Amount))
        need, of = self._whole(first), self._whole(second)
        if need > of:
            unit = token_of(parts, "UNIT")
            raise Misfit(f"{need} of {of} cannot be.", *span_of(parts), f"in {of} of {need} {unit}")
        return PartOf(*span_of(parts), need, of, GRAINS[unit_of(token_of(parts, "UNIT"))])

    def before(self, parts: list[Whatever]) -> Before:
        return Before(*span_of(parts), self._whole(one_of(parts, Amount)), GRAINS[unit_of(token_of(parts, "UNIT"))])

    def course(self, parts: list[Whatever]) -> Course:
        amounts = [p for p in parts if isinstance(p, Amount)]
        unit = next(p for p in parts if isinstance(p, Token) and p.type in ("UNIT", "YEAR"))
        return Course(*span_of(parts), self._whole(amounts[0]) if amounts else 1, unit_of(unit))

    def quantity(self, parts: list[Whatever]) -> Said:
        return self._said(parts)

    def comparator(self, parts: list[Token]) -> Token:
        return parts[0]

    def usual_of(self, parts: list[Whatever]) -> Before:
        return one_of(parts, Before)

    # -- the kinds ---------------------------------------------------------------------------------------------

    def level(self, parts: list[Whatever]) -> t.Level:
        op = next(p for p in parts if isinstance(p, Token) and p.type in OPS)
        entitled = next((p for p in parts if isinstance(p, Entitled)), None)
        return self._level(one_of(parts, Said), OPS[op.type], one_of(parts, Amount), items_of(parts), entitled)

    level_or = level

    def level_times(self, parts: list[Whatever]) -> t.Level:
        """`bad answers twice in 30 days`: so often or more, counted over the days."""
        token, said = token_of(parts, "MANY"), one_of(parts, Said)
        if self.vocabulary.aggregates.get(said.metric) not in COUNTED:
            name = self.vocabulary.name(said.metric)
            raise Misfit(f"{name} is not counted, so it does not happen {token}.", *span_of([token]))
        many = Amount(*span_of([token]), float(number_of(str(token).split()[0])))
        return self._level(said, ">=", many, items_of(parts))

    def level_amount_first(self, parts: list[Whatever]) -> t.Level:
        metric = next(i for i, p in enumerate(parts) if isinstance(p, Token) and p.type == "METRIC")
        said = self._said([p for p in parts[: metric + 1] if isinstance(p, Token) and p.type in ("EVERY", "METRIC")])
        return self.level([said, *parts[:metric], *parts[metric + 1 :]])

    level_or_amount_first = level_amount_first

    def change(self, parts: list[Whatever]) -> t.Change:
        said, amount = one_of(parts, Said), one_of(parts, Amount)
        if not amount.percent:
            raise Misfit(
                "A change is written in percent.",
                amount.start,
                amount.end,
                f"{amount.value:g}%" if amount.value > 1 else None,
            )
        down = any(isinstance(p, Token) and p.type in ("DOWN", "DROP") for p in parts)
        if down and amount.value > 1:
            raise Misfit("Nothing can fall by more than 100%.", amount.start, amount.end)
        if amount.value <= 0:
            raise Misfit("A change is more than 0%.", amount.start, amount.end)
        direction: t.Direction = "down" if down else "up"
        courses = [p for p in parts if isinstance(p, Course)]
        if courses:
            return self._in_course(said, direction, amount.value, courses[0], items_of(parts))
        before = one_of(parts, Before)
        quantity, grain, streak = self._when(said, items_of(parts), before)
        self._fits(before, grain)
        return t.Change(quantity, direction, amount.value, before.count, grain, streak)

    def _in_course(
        self, said: Said, direction: t.Direction, fraction: float, course: Course, items: list[Spanned]
    ) -> t.Change:
        """`up 60% in a quarter`: against what was a quarter ago, which a few periods of then say better than one."""
        own = COURSE_GRAIN.get(course.unit, Grain.WEEK)
        quantity, grain, streak = self._when(said, items, Before(course.start, course.end, course.count, own))
        ago = max(1, round(course.count * DAYS[course.unit] / DAYS[grain]))
        if ago > LONGEST:
            raise Misfit(f"At most {LONGEST} {grain}s.", course.start, course.end, f"in {LONGEST} {grain}s")
        if streak.of > ago:
            raise Misfit(
                f"What is judged, {streak.of} {grain}s, is longer than the time in which it changes.",
                course.start, course.end, f"in {streak.of} {grain}s",
            )  # fmt: skip
        return t.Change(quantity, direction, fraction, COURSE_BASELINE[grain], grain, streak, ago)

    def usual(self, parts: list[Whatever]) -> t.Usual:
        befores = [p for p in parts if isinstance(p, Before)]
        quantity, grain, streak = self._when(one_of(parts, Said), items_of(parts), *befores)
        if befores:
            self._fits(befores[0], grain)
            if befores[0].count < 8:
                raise Misfit("What is usual needs at least 8 periods.", befores[0].start, befores[0].end)
        below = any(isinstance(p, Token) and p.type == "BELOW" for p in parts)
        far = any(isinstance(p, Token) and p.type == "FAR" for p in parts)
        baseline = befores[0].count if befores else USUAL_BASELINE[grain]
        return t.Usual(quantity, "down" if below else "up", baseline, grain, streak, far)

    def spike(self, parts: list[Whatever]) -> t.Spike:
        said = one_of(parts, Said)
        items = items_of(parts)
        rolling = next((i for i in [*said.items, *items] if isinstance(i, Span) and not i.streak), None)
        if rolling is not None:
            raise Misfit(
                "A spike is looked for period by period.", rolling.start, rolling.end, "",
                "Say which with `per hour`, `per day` or `per week`.",
            )  # fmt: skip
        quantity, grain, streak = self._when(said, items)
        return t.Spike(quantity, grain, streak)

    def absence(self, parts: list[Whatever]) -> t.Absence:
        token = token_of(parts, "METRIC")
        metric = self.vocabulary.metric(str(token))
        if self.vocabulary.aggregates.get(metric) not in COUNTED:
            raise Misfit(
                f"{self.vocabulary.name(metric)} is not counted, so `no {token}` has no meaning; "
                "say which level it is above or below.",
                *span_of([token]),
            )
        items = items_of(parts)
        spans = [i for i in items if isinstance(i, Span)]
        if len(items) != 1 or not spans:
            raise Misfit(f"`no {token}` takes one span of days.", items[0].start, items[-1].end, "for 14 days")
        return t.Absence(t.Quantity(metric), self._days(spans[0]))

    def alert_open(self, parts: list[Token]) -> t.AlertOpen:
        said = str(parts[0]).lower().split()
        return t.AlertOpen(next((severity for severity in t.SEVERITIES if severity in said), "low"))

    def due(self, parts: list[Whatever]) -> t.Due:
        return t.Due(self._date(parts[0]), self._span_of_days(parts, "within"))

    def gated(self, parts: list[Whatever]) -> t.After:
        condition = next(p for p in parts if not isinstance(p, Token | Amount))
        return t.After(condition, self._span_of_days(parts, ""), self._date(parts[-1]))

    def entitled(self, parts: list[Token]) -> Entitled:
        return Entitled(*span_of(parts), unquoted(parts[-1]))

    def _date(self, token: Token) -> str:
        said = unquoted(token)
        return called(said) if token.type in ("RENEWAL", "DATED") else said

    def _span_of_days(self, parts: list[Whatever], word: str) -> int:
        amount, unit = one_of(parts, Amount), token_of(parts, "UNIT")
        words = [p for p in parts if isinstance(p, Token) and p.type in ("WITHIN", "IN")]
        start = words[0].start_pos or 0 if words else amount.start
        return self._days(Span(start, unit.end_pos or 0, self._whole(amount), GRAINS[unit_of(unit)], False), word)

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
            least = _least_days(first.node, then[0].node)
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
        if plain and isinstance(node, t.Level) and node.quantity.rolling_days is None:
            return t.Level(
                t.Quantity(node.quantity.metric, node.quantity.per_active, days),
                node.op,
                node.bound,
                Grain.DAY,
                of=node.of,
            )
        raise Misfit("`within` joins two parts with `and`.", within.start_pos or 0, unit.end_pos or 0, "")

    def condition(self, parts: list[Whatever]) -> t.Node:
        return parts[0] if len(parts) == 1 else t.Unless(parts[0], parts[2])

    def alternatives(self, parts: list[Whatever]) -> t.Node:
        nodes = [p for p in parts if not isinstance(p, Token)]
        return nodes[0] if len(nodes) == 1 else t.Any(tuple(nodes))

    def start(self, parts: list[Whatever]) -> tuple[t.Node, t.SubjectKind, t.Population | None]:
        if len(parts) == 1:
            return parts[0], "account", None
        subject, population = parts[1]
        return parts[0], subject, population

    # -- the population ----------------------------------------------------------------------------------------

    def population(self, parts: list[Whatever]) -> tuple[t.SubjectKind, t.Population | None]:
        return "person" if parts[0].type == "FOR_PEOPLE" else "account", parts[2] if len(parts) > 1 else None

    def either(self, parts: list[Whatever]) -> t.Population:
        found = [p for p in parts if not isinstance(p, Token)]
        return found[0] if len(found) == 1 else t.Either(tuple(found))

    def both(self, parts: list[Whatever]) -> t.Population:
        found = [p for p in parts if not isinstance(p, Token)]
        return found[0] if len(found) == 1 else t.Both(tuple(found))

    def negated(self, parts: list[Whatever]) -> t.Population:
        return t.Not(parts[1])

    def trait(self, parts: list[Token]) -> str:
        return unquoted(parts[0])

    def value(self, parts: list[Token]) -> str | float:
        return float(number_of(str(parts[0]))) if parts[0].type == "NUMBER" else unquoted(parts[0])

    def values(self, parts: list[Whatever]) -> tuple[str | float, ...]:
        return tuple(p for p in parts if not isinstance(p, Token))

    def _compare(self, parts: list[Whatever], op: Whatever) -> t.Compare:
        return t.Compare(parts[0], op, parts[-1])

    def equal(self, parts: list[Whatever]) -> t.Compare:
        return self._compare(parts, "is")

    def is_not(self, parts: list[Whatever]) -> t.Compare:
        return self._compare(parts, "is not")

    def among(self, parts: list[Whatever]) -> t.Among:
        return t.Among(parts[0], parts[-1])

    def among_not(self, parts: list[Whatever]) -> t.Population:
        return t.Not(t.Among(parts[0], parts[-1]))

    def ordered(self, parts: list[Whatever]) -> t.Compare:
        op = next(OPS[p.type] for p in parts if isinstance(p, Token) and p.type in OPS)
        dates = [p for p in parts if isinstance(p, Token) and p.type == "DATE"]
        if dates:
            return t.Compare(parts[0], op, str(dates[0]))
        units = [p for p in parts if isinstance(p, Token) and p.type in ("UNIT", "YEAR")]
        return t.Compare(parts[0], op, one_of(parts, Amount).value * (DAYS[unit_of(units[0])] if units else 1))

    ordered_or = ordered

    # -- what fits together ------------------------------------------------------------------------------------

    def _said(self, parts: Sequence[Whatever]) -> Said:
        token = token_of(parts, "METRIC")
        items = [p for p in parts if isinstance(p, Spanned)]
        items += [self.rate([p]) for p in parts if isinstance(p, Token) and p.type == "EVERY"]
        return Said(*span_of(parts), self.vocabulary.metric(str(token)), tuple(items))

    def _level(
        self, said: Said, op: t.Op, amount: Amount, items: list[Spanned], entitled: Entitled | None = None
    ) -> t.Level:
        aggregate = self.vocabulary.aggregates.get(said.metric)
        name = self.vocabulary.name(said.metric)
        of = entitled.trait if entitled else self.vocabulary.out_of.get(said.metric) if amount.percent else None
        if of is not None and (not amount.percent or aggregate == "share"):
            where = entitled or amount
            said_so = f"{name} is a share already." if amount.percent else f"A part of {of} is said in percent."
            raise Misfit(said_so, where.start, where.end, "" if entitled else None, "For example: above 90% of seats.")
        if of is not None:
            quantity, grain, streak = self._when(said, items)
            return t.Level(quantity, op, amount.value, grain, streak, of)
        if amount.percent and aggregate in COUNTED and not self.vocabulary.open_words:
            raise Misfit(
                f"{name} is counted, so a bound in percent has no meaning.",
                amount.start,
                amount.end,
                f"{amount.value * 100:g}",
                f"Against its own past: `down {amount.value * 100:g}% vs the 8 weeks before`. Of a trait: "
                f"`{amount.value * 100:g}% of seats`, or `out of: seats` at the metric.",
            )
        if aggregate == "share" and not 0 <= amount.value <= 1:
            near = f"{amount.value:g}%" if 1 < amount.value <= 100 else None
            raise Misfit(f"{name} is a share: from 0% to 100%.", amount.start, amount.end, near)
        quantity, grain, streak = self._when(said, items)
        return t.Level(quantity, op, amount.value, grain, streak)

    def _when(self, said: Said, items: list[Spanned], *befores: Before) -> tuple[t.Quantity, Grain, t.Streak]:
        """The quantity, the grain and the streak that were said, each at most once and all in one unit."""
        items = [*said.items, *items]
        rate = at_most_one(items, Rate, "The unit")
        per_active = at_most_one(items, PerActive, "`per active person`")
        spans = [i for i in items if isinstance(i, Span)]
        rolling = at_most_one([s for s in spans if not s.streak], Span, "The span that is counted")
        run = at_most_one(
            [i for i in items if isinstance(i, PartOf) or (isinstance(i, Span) and i.streak)], Spanned, "The streak"
        )
        if rolling and self.vocabulary.aggregates.get(said.metric) not in ROLLING:
            raise Misfit(
                f"{self.vocabulary.name(said.metric)} is a last value; it is not added up over days.",
                rolling.start,
                rolling.end,
                "",
            )
        quantity = t.Quantity(said.metric, per_active is not None, self._days(rolling) if rolling else None)
        if rolling and rate and rate.grain is not Grain.DAY:
            raise Misfit("What is counted over days is judged each day.", rate.start, rate.end, "")
        if rolling:
            grain = Grain.DAY
        elif rate:
            grain = rate.grain
        elif isinstance(run, Span | PartOf):
            grain = run.grain
        else:
            grain = befores[0].grain if befores else self.default
        if isinstance(run, PartOf):
            self._same(run, run.grain, grain, None, rolling is not None)
            return quantity, grain, t.Streak(run.need, run.of)
        if isinstance(run, Span):
            self._same(run, run.grain, grain, run.count, rolling is not None)
            return quantity, grain, t.Streak(run.count, run.count)
        return quantity, grain, t.Streak()

    def _same(self, part: Spanned, said: Grain, grain: Grain, count: int | None, rolling: bool) -> None:
        if said is grain:
            return
        how = "What is counted over days is judged each day" if rolling else f"It is counted by {grain}"
        near = _same_length(count, said, grain) if count else None
        raise Misfit(
            f"{how}, but the streak is in {said}s.",
            part.start,
            part.end,
            f"for {near} consecutive {grain}{'s' if near != 1 else ''}" if near else None,
        )

    def _fits(self, before: Before, grain: Grain) -> None:
        if before.grain is grain:
            return
        near = _same_length(before.count, before.grain, grain)
        raise Misfit(
            f"It is counted by {grain}, but compared with {before.grain}s.",
            before.start,
            before.end,
            f"the {near} {grain}s before",
        )

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

    def _whole(self, amount: Amount) -> int:
        if amount.percent or amount.value != int(amount.value) or not 1 <= amount.value <= LONGEST:
            raise Misfit(f"A whole number from 1 to {LONGEST} is needed here.", amount.start, amount.end)
        return int(amount.value)


def _least_days(first: t.Node, then: t.Node) -> int:
    """How many days lie at least between a close of one and a later close of the other."""
    from beforehand.signals.evaluate import grains_in, node_grain

    if not (grains_in(first) and grains_in(then)) or node_grain(first) is not node_grain(then):
        return 1
    return SHORTEST_DAYS[node_grain(then)]


def _same_length(count: int, said: Grain, grain: Grain) -> int:
    return max(1, round(count * DAYS[said] / DAYS[grain]))
