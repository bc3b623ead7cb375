"""What the clauses of a sentence mean: one kind of condition each, with the defaults of the language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any as Whatever

from lark import Token
from rapidfuzz.distance import OSA

from beforehand.calendar import Grain
from beforehand.signals import tree as t
from beforehand.signals.dates import DAYS as DATES
from beforehand.signals.dates import SIGNUP, called
from beforehand.signals.fitting import DAYS, LONGEST, fits
from beforehand.signals.parts import GRAINS, Parts
from beforehand.signals.spoken import (
    Amount,
    Before,
    Course,
    Entitled,
    Misfit,
    Role,
    Said,
    Span,
    Spanned,
    has,
    items_of,
    one_of,
    span_of,
    times_of,
    token_of,
    unit_of,
    unquoted,
)
from beforehand.signals.tree import PEER_SHARE, USUAL_BASELINE
from beforehand.signals.vocabulary import COUNTED
from beforehand.signals.who import OPS

NOT_OPS: dict[t.Op, t.Op] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
SHARES = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4, "fifth": 1 / 5, "tenth": 1 / 10}
# `up 60% in a quarter` is judged by the week, unless it says another unit, against the mean of 4 weeks a quarter ago.
COURSE_GRAIN = {"hour": Grain.HOUR, "day": Grain.DAY}
COURSE_BASELINE = {Grain.HOUR: 24, Grain.DAY: 7, Grain.WEEK: 4, Grain.MONTH: 1, Grain.QUARTER: 1}
SHORTEST_DAYS = {Grain.HOUR: 1, Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 28, Grain.QUARTER: 90}
GONE_DAYS = 30
"""Who did nothing for so long has left, unless a sentence says how long."""
RECOVERY_DAYS = 28
SHIFT_DAYS = 30
"""A shift of tone is told of so long after the last message that was written so, unless a sentence says how long."""


# ruff: noqa: D102 - each method below is called by Lark for the grammar rule it is named after
class Clauses(Parts):
    """Reads the kinds."""

    def level(self, parts: list[Whatever]) -> t.Node:
        self._plain(parts, "FAR", "DOWN", "UP")
        token = next(p for p in parts if isinstance(p, Token) and p.type in OPS)
        op = NOT_OPS[OPS[token.type]] if has(parts, "NOT") else OPS[token.type]
        entitled = next((p for p in parts if isinstance(p, Entitled)), None)
        return self._level(one_of(parts, Said), op, one_of(parts, Amount), items_of(parts), entitled)

    level_or = level

    def level_times(self, parts: list[Whatever]) -> t.Node:
        """`bad answers twice in 30 days`: so often or more, counted over the days."""
        token, said = token_of(parts, "MANY"), one_of(parts, Said)
        if not self._is_counted(said):
            name = self.vocabulary.name(said.metric)
            raise Misfit(f"{name} is not counted, so it does not happen {token}.", *span_of([token]))
        many = Amount(*span_of([token]), float(times_of(token)))
        return self._level(said, ">=", many, items_of(parts))

    def level_many(self, parts: list[Whatever]) -> t.Node:
        """`3 tickets in 30 days`: so many or more."""
        said, amount = one_of(parts, Said), one_of(parts, Amount)
        if not self._is_counted(said):
            name = self.vocabulary.name(said.metric)
            raise Misfit(f"{name} is not counted.", amount.start, amount.end, None, "Say `at least` or `at most`.")
        return self._level(said, ">=", amount, [])

    def level_overdue(self, parts: list[Whatever]) -> t.Node:
        """`invoice more than 60 days overdue`, and how many of them."""
        self._plain(parts, "FAR", "DOWN", "UP", "NOT")
        said = one_of(parts, Said)
        token = next(i for i, p in enumerate(parts) if isinstance(p, Token) and p.type == "OVERDUE")
        sides = [i for i, p in enumerate(parts) if isinstance(p, Token) and p.type in OPS]
        amounts = [i for i, p in enumerate(parts) if isinstance(p, Amount)]
        late = max(i for i in amounts if i < token)
        side = max(i for i in sides if i < late)
        if parts[side].type in ("BELOW", "AT_MOST"):
            raise Misfit("Overdue is said of more than so many days.", *span_of([parts[side]]), "more than")
        if said.made is not None:
            raise Misfit("What is overdue is an invoice.", *span_of([parts[token]]))
        self._rows_of(said, "invoices")
        said = replace(said, made=t.Overdue(self._days_of(parts[late], token_of(parts, "UNIT"))), happened=True)
        others = [i for i in amounts if i != late]
        if not others:
            return self.seen([said, *items_of(parts)])
        op = next(OPS[parts[i].type] for i in sides if i != side)
        return self._level(said, op, parts[others[0]], items_of(parts))

    def seen(self, parts: list[Whatever]) -> t.Node:
        """`upgrade page visited in 3 days`, and any fact made from others: at least once."""
        said = one_of(parts, Said)
        items = items_of(parts)
        if not self._happened(said, items):
            name = self.vocabulary.phrase(said.metric) if not self.vocabulary.open_words else said.metric
            advice = f"For example: {name} below 2 per week, no {name} for 14 days, {name} below usual, {name} seen."
            raise Misfit(f"Nothing is said of {name}.", said.end, said.end, None, advice)
        if not self._is_counted(said):
            raise Misfit(f"{self.vocabulary.name(said.metric)} is not counted.", said.start, said.end)
        if isinstance(said.made, t.Shifted) and not any(isinstance(i, Span) for i in [*said.items, *items]):
            items = [*items, Span(said.end, said.end, SHIFT_DAYS, Grain.DAY, streak=False)]
        quantity, grain, streak = self._when(said, items)
        if isinstance(said.made, t.Waiting):
            said = replace(said, about="ticket")  # each by itself; so many of them would be about the account
        return self._marked(t.Level(quantity, ">=", 1, grain, streak), said, items)

    def change(self, parts: list[Whatever]) -> t.Node:
        said, amount = one_of(parts, Said), one_of(parts, Amount)
        if not amount.percent:
            raise Misfit(
                "A change is written in percent.",
                amount.start,
                amount.end,
                f"{amount.value:g}%" if amount.value > 1 else None,
            )
        if not has(parts, "DOWN", "UP", "DROP", "RISE", "BELOW", "ABOVE"):
            raise Misfit("It is not said whether up or down.", amount.start, amount.start, "down ")
        self._plain(parts, "FAR")
        down = has(parts, "DOWN", "DROP", "BELOW")
        if down and amount.value > 1:
            raise Misfit("Nothing can fall by more than 100%.", amount.start, amount.end)
        if amount.value <= 0:
            raise Misfit("A change is more than 0%.", amount.start, amount.end)
        direction: t.Direction = "down" if down else "up"
        courses = [p for p in parts if isinstance(p, Course)]
        items = items_of(parts)
        if courses:
            found = self._in_course(said, direction, amount.value, courses[0], items)
        else:
            before = one_of(parts, Before)
            quantity, grain, streak = self._when(said, items, before)
            fits(before, grain)
            found = t.Change(quantity, direction, amount.value, before.count, grain, streak)
        return self._unless_not(found, said, items, parts)

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

    def usual(self, parts: list[Whatever]) -> t.Node:
        befores = [p for p in parts if isinstance(p, Before)]
        said, items = one_of(parts, Said), items_of(parts)
        quantity, grain, streak = self._when(said, items, *befores)
        if befores:
            fits(befores[0], grain)
            if befores[0].count < 8:
                raise Misfit("What is usual needs at least 8 periods.", befores[0].start, befores[0].end)
        self._plain(parts, "DOWN", "UP", *(["FAR"] if has(parts, "WITHIN_USUAL") else []))
        side = "within" if has(parts, "WITHIN_USUAL") else "down" if has(parts, "BELOW") else "up"
        baseline = befores[0].count if befores else USUAL_BASELINE[grain]
        found = t.Usual(quantity, side, baseline, grain, streak, has(parts, "FAR"))  # type: ignore[arg-type]
        return self._unless_not(found, said, items, parts)

    def recovery(self, parts: list[Whatever]) -> t.Node:
        """`logins recover within 28 days`: below usual, and then within it again."""
        said, items = one_of(parts, Said), items_of(parts)
        quantity, grain, streak = self._when(said, items)
        days = self._span_of_days(parts, "within") if has(parts, "WITHIN") else RECOVERY_DAYS
        first = t.Usual(quantity, "down", USUAL_BASELINE[grain], grain)
        then = t.Usual(quantity, "within", USUAL_BASELINE[grain], grain, streak)
        least = least_days(first, then)
        if days < least:
            start, end = span_of([token_of(parts, "WITHIN"), token_of(parts, "UNIT")])
            raise Misfit(
                f"What is counted by {grain} cannot recover within {days}.", start, end, f"within {least} days"
            )
        return t.Then(self._marked(first, said, items), self._marked(then, said, items), days)

    def peers(self, parts: list[Whatever]) -> t.Node:
        """`logins among the lowest quarter of accounts like it`, `below 20% of peers`, `above peers`."""
        said, items = one_of(parts, Said), items_of(parts)
        self._plain(parts, "DOWN", "UP", *(["FAR"] if not has(parts, "BELOW", "ABOVE") else []))
        like = next((p for p in parts if isinstance(p, tuple)), ())
        down = has(parts, "LOWEST", "BELOW", "AT_MOST")
        share = PEER_SHARE / 2 if has(parts, "FAR") else self._share(parts)
        if not has(parts, "LOWEST", "HIGHEST") and not down and any(isinstance(p, Amount) for p in parts):
            share = 1 - share  # above 80% of peers: among the highest fifth
        if not 0 < share <= 0.5:
            amount = one_of(parts, Amount)
            said_so = "More than half of them cannot be the lowest or the highest."
            raise Misfit(said_so, amount.start, amount.end, f"{100 - round(amount.value * 100)}%")
        quantity, grain, streak = self._when(said, items)
        found = t.Peers(quantity, "down" if down else "up", round(share, 12), like, grain, streak)
        return self._unless_not(found, said, items, parts)

    def alike(self, parts: list[Token]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(p) for p in parts if p.type == "TRAIT"))

    def _share(self, parts: list[Whatever]) -> float:
        """A share of peers: `quarter`, `20%`; a quarter where none is said."""
        amounts = [p for p in parts if isinstance(p, Amount)]
        if amounts:
            if not amounts[0].percent:
                near = f"{amounts[0].value:g}%" if 0 < amounts[0].value <= 100 else None
                raise Misfit("A share of peers is said in percent.", amounts[0].start, amounts[0].end, near)
            return amounts[0].value
        words = [p for p in parts if isinstance(p, Token) and p.type in ("PART", "UNIT")]
        if not words:
            return PEER_SHARE
        said = str(words[0]).lower()
        if said not in SHARES:
            raise Misfit(f"{said!r} is no share.", *span_of(words[:1]), "quarter", "Say quarter, third, half or 10%.")
        return SHARES[said]

    def _unless_not(self, found: t.Node, said: Said, items: list[Spanned], parts: list[Whatever]) -> t.Node:
        """The leaf, or with `not` its opposite in each of the periods that are asked for.

        Enough periods are not wrong where it is not so that one more than the others are.
        """
        assert isinstance(found, t.Change | t.Usual | t.Peers)
        if not has(parts, "NOT"):
            return self._marked(found, said, items)
        streak = found.streak
        turned = replace(found, streak=t.Streak(streak.of - streak.need + 1, streak.of))
        return t.Negation(self._marked(turned, said, items))

    def negation(self, parts: list[Whatever]) -> t.Negation:
        return t.Negation(parts[1])

    def spike(self, parts: list[Whatever]) -> t.Node:
        said = one_of(parts, Said)
        items = items_of(parts)
        rolling = next((i for i in [*said.items, *items] if isinstance(i, Span) and not i.streak), None)
        if rolling is not None:
            raise Misfit(
                "A spike is looked for period by period.", rolling.start, rolling.end, "",
                "Say which with `per hour`, `per day` or `per week`.",
            )  # fmt: skip
        quantity, grain, streak = self._when(said, items)
        return self._marked(t.Spike(quantity, grain, streak), said, items)

    def absence(self, parts: list[Whatever]) -> t.Node:
        token = token_of(parts, "METRIC")
        return self._absence(token, Said(*span_of([token]), self._counted(token)), items_of(parts))

    def absence_of(self, parts: list[Whatever]) -> t.Node:
        """`primary admin has not logged in for 30 days`, `no admin has logged in for 30 days`."""
        token, who = token_of(parts, "METRIC"), parts[0]
        said = Said(*span_of([token]), self._counted(token))
        role = None if who.type == "NOBODY" else self.role_of(who)
        if who.type == "ROLE_HAS" and role is not None:
            said = replace(said, about="person" if role == "" else None, role=role or None)
        elif role:
            said = replace(said, role=role, together=True)
        return self._absence(token, said, items_of(parts))

    def gone(self, parts: list[Whatever]) -> t.Node:
        """`champion has left`: nothing at all by those who hold the role."""
        role = self.role_of(parts[0])
        said = Said(*span_of(parts[:2]), self.vocabulary.whole["events"], role=role or None, together=bool(role))
        items = items_of(parts) or [Span(0, 0, GONE_DAYS, Grain.DAY, True)]
        return self._absence(parts[1], said, items)

    def _absence(self, token: Token, said: Said, items: list[Spanned]) -> t.Node:
        who: list[Spanned] = [i for i in items if isinstance(i, Role)]
        spans = [i for i in items if isinstance(i, Span)]
        if len(items) != len(who) + 1 or not spans:
            raise Misfit(f"`no {token}` takes one span of days.", items[0].start, items[-1].end, "for 14 days")
        span = spans[0]
        quantity = self._quantity(said, who)
        if span.business:
            days = span.count if span.count <= LONGEST // 4 else 0
            if not days:
                raise Misfit(f"At most {LONGEST // 4} business days.", span.start, span.end)
            return self._marked(t.Absence(quantity, days, business=True), said, who)
        return self._marked(t.Absence(quantity, self._days(span)), said, who)

    def _counted(self, token: Token) -> str:
        metric = self.vocabulary.metric(str(token))
        if self.vocabulary.aggregates.get(metric) not in COUNTED:
            raise Misfit(
                f"{self.vocabulary.name(metric)} is not counted, so `no {token}` has no meaning; "
                "say which level it is above or below.",
                *span_of([token]),
            )
        return metric

    def milestone(self, parts: list[Whatever]) -> t.Node:
        """`no first report within 14 days of signup`."""
        metric = self._counted(token_of(parts, "METRIC"))
        days = self._span_of_days(parts, "within" if has(parts, "WITHIN") else "")
        return t.Milestone(t.Quantity(metric), days, self._date(parts[-1]))

    def slowest(self, parts: list[Whatever]) -> t.Node:
        """`first report later than the slowest quarter of accounts like it`."""
        metric = self._counted(token_of(parts, "METRIC"))
        share = self._share(parts)
        if not 0 < share <= 0.5:
            amount = one_of(parts, Amount)
            raise Misfit("At most half of them can be the slowest.", amount.start, amount.end)
        like = next((p for p in parts if isinstance(p, tuple)), ())
        return t.Milestone(t.Quantity(metric), None, SIGNUP, share, like)

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
        if token.type == "TRAIT":  # written as it is: one that is nearly a day of the language is a slip of the pen
            near = min(DATES, key=lambda day: OSA.distance(said.lower(), day))
            if OSA.distance(said.lower(), near) <= 2:
                start, end = span_of([token])
                raise Misfit(f"{said!r} is nearly {near!r}.", start, end, near, f'If it is a trait, write "{said}".')
        return called(said) if token.type in ("RENEWAL", "DATED") else said

    def _span_of_days(self, parts: list[Whatever], word: str) -> int:
        amount, unit = one_of(parts, Amount), token_of(parts, "UNIT")
        words = [p for p in parts if isinstance(p, Token) and p.type in ("WITHIN", "IN")]
        start = words[0].start_pos or 0 if words else amount.start
        return self._days(Span(start, unit.end_pos or 0, self._whole(amount), GRAINS[unit_of(unit)], False), word)

    # -- what fits together ------------------------------------------------------------------------------------

    def _plain(self, parts: list[Whatever], *kinds: str) -> None:
        """Misfit where a word was said that has no meaning in a clause of this kind."""
        odd = [p for p in parts if isinstance(p, Token) and p.type in kinds]
        if odd:
            raise Misfit(f"{str(odd[0])!r} has no meaning here.", *span_of(odd[:1]), "")

    def _rows_of(self, said: Said, table: str) -> None:
        own = self.vocabulary.tables.get(said.metric, table)
        if own != table:
            name = self.vocabulary.name(said.metric)
            raise Misfit(f"{name} counts {own}; this is said of {table}.", said.start, said.end)

    def _level(
        self, said: Said, op: t.Op, amount: Amount, items: list[Spanned], entitled: Entitled | None = None
    ) -> t.Node:
        aggregate = "count" if said.made else self.vocabulary.aggregates.get(said.metric)
        name = self.vocabulary.name(said.metric)
        of = entitled.trait if entitled else self.vocabulary.out_of.get(said.metric) if amount.percent else None
        if of is not None and (not amount.percent or aggregate == "share"):
            where = entitled or amount
            said_so = f"{name} is a share already." if amount.percent else f"A part of {of} is said in percent."
            raise Misfit(said_so, where.start, where.end, "" if entitled else None, "For example: above 90% of seats.")
        if of is None and amount.percent and aggregate in COUNTED and not self.vocabulary.open_words:
            raise Misfit(
                f"{name} is counted, so a bound in percent has no meaning.",
                amount.start,
                amount.end,
                f"{amount.value * 100:g}",
                f"Against its own past: `down {amount.value * 100:g}% vs the 8 weeks before`. Of a trait: "
                f"`{amount.value * 100:g}% of seats`, or `out of: seats` at the metric.",
            )
        if of is None and aggregate == "share" and not 0 <= amount.value <= 1:
            near = f"{amount.value:g}%" if 1 < amount.value <= 100 else None
            raise Misfit(f"{name} is a share: from 0% to 100%.", amount.start, amount.end, near)
        quantity, grain, streak = self._when(said, items)
        return self._marked(t.Level(quantity, op, amount.value, grain, streak, of), said, items)


def least_days(first: t.Node, then: t.Node) -> int:
    """How many days lie at least between a close of one and a later close of the other."""
    from beforehand.signals.asked import grains_in, node_grain  # which asks the table of kinds

    if not (grains_in(first) and grains_in(then)) or node_grain(first) is not node_grain(then):
        return 1
    return SHORTEST_DAYS[node_grain(then)]
