"""What quantities mean: a metric as it is, or facts made from its facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any as Whatever

from lark import Token
from rapidfuzz.distance import OSA

from beforehand.signals import tree as t
from beforehand.signals.fitting import Fitting
from beforehand.signals.spoken import (
    Amount,
    Happened,
    Misfit,
    Rate,
    Role,
    Said,
    Same,
    Spanned,
    has,
    items_of,
    number_of,
    one_of,
    span_of,
    times_of,
    token_of,
    unit_of,
    unquoted,
)

WRITTEN = frozenset({"messages", "tickets", "surveys"})
"""Tables with words of customers."""
WARM = frozenset({"warm", "friendly", "enthusiastic"})
MOST_MESSAGES = 100
"""Of at most so many last messages something is said."""
ABOUT: dict[str, t.SubjectKind] = {"feature": "feature", "ticket": "ticket"}
ARTICLES = frozenset({"the", "our", "a", "an", "any", "no", "zero"})
# Words for the account itself, and for any person of it, where a role could stand.
ACCOUNT_WORDS = frozenset({"customer", "account", "client", "company", "it", "customers", "they", "team"})
PERSON_WORDS = frozenset({"person", "user", "people", "users", "anyone", "anybody", "someone", "somebody"})
# A phrase that ends so says by itself that something was done: `upgrade page visited`, `export started`.
DONE = ("ed", "seen", "sent", "left", "begun", "made", "logged in", "signed in", "lost", "won", "paid", "built", "run")


# ruff: noqa: D102 - each method below is called by Lark for the grammar rule it is named after
class Making(Fitting):
    """Reads what is counted."""

    def plain(self, parts: list[Whatever]) -> Said:
        token = token_of(parts, "METRIC")
        metric = self.vocabulary.metric(str(token))
        text = " ".join(str(token).lower().split())
        return self._said(parts, metric, happened=text.endswith(DONE) and not self.vocabulary.open_words)

    def without(self, parts: list[Whatever]) -> Said:
        """`export started without export finished within 1 hour`."""
        first, then = self._pair(parts)
        if not has(parts, "WITHIN"):
            end = [p for p in parts if isinstance(p, Token) and p.type == "METRIC"][1].end_pos or 0
            said = f"It must be said how soon {self.vocabulary.name(then)} is to follow."
            raise Misfit(said, end, end, " within 1 hour")
        return self._said(parts, first, t.Without(then, self._within(parts)))

    def repeated(self, parts: list[Whatever]) -> Said:
        """`setup step repeated 3 times within 1 hour`; without a number, twice."""
        token = token_of(parts, "METRIC")
        many = [p for p in parts if isinstance(p, Token) and p.type == "MANY"]
        times = int(times_of(many[0])) if many else 2
        if times < 2:
            raise Misfit("Once is not repeated.", *span_of(many), "twice")
        return self._said(parts, self._rows(token), t.Repeated(times, self._within(parts)))

    def back_and_forth(self, parts: list[Whatever]) -> Said:
        """`back and forth between settings page and report page within 10 minutes`."""
        first, other = self._pair(parts)
        if not has(parts, "WITHIN"):
            end = [p for p in parts if isinstance(p, Token) and p.type == "METRIC"][1].end_pos or 0
            raise Misfit("It must be said within what time.", end, end, " within 10 minutes")
        return self._said(parts, first, t.BackAndForth(other, self._within(parts)))

    def waiting(self, parts: list[Whatever]) -> Said:
        """`urgent ticket open more than 2 business days`."""
        token, amount = token_of(parts, "METRIC"), one_of(parts, Amount)
        unit = next(p for p in parts if isinstance(p, Token) and p.type in ("UNIT", "BUSINESS"))
        made = t.Waiting(self._days_of(amount, unit), unit.type == "BUSINESS")
        return self._said(parts, self._rows(token, "tickets"), made)

    def overdue(self, parts: list[Whatever]) -> Said:
        """`invoices overdue by more than 60 days`."""
        token = token_of(parts, "METRIC")
        made = t.Overdue(self._days_of(one_of(parts, Amount), token_of(parts, "UNIT")))
        return self._said(parts, self._rows(token, "invoices"), made)

    def turned(self, parts: list[Whatever]) -> Said:
        """`ticket reopened`, `ticket reassigned`; of one ticket where one is said."""
        token = token_of(parts, "METRIC")
        made = t.Turned("reopened" if has(parts, "REOPENED") else "reassigned")
        return self._said(parts, self._rows(token, "tickets"), made, about="ticket" if _is_one(token) else None)

    def mentions(self, parts: list[Whatever]) -> Said:
        """`customer mentions cancel, competitor or price`."""
        words = next(p for p in parts if isinstance(p, tuple))
        metrics = [p for p in parts if isinstance(p, Token) and p.type == "METRIC"]
        metric = self._rows(metrics[0], *WRITTEN) if metrics else self.vocabulary.whole["messages"]
        speakers = [p for p in parts if isinstance(p, Token) and p.type == "ROLE_SAYS"]
        role = self.role_of(speakers[0]) if speakers else None
        return self._said(parts, metric, t.Mentions(words), about="person" if role == "" else None, role=role or None)

    def shifted(self, parts: list[Whatever]) -> Said:
        """`tone shifts from warm to terse`."""
        token = token_of(parts, "SHIFT")
        words = str(token).lower().split()
        to: t.Mood = "warm" if words[-1] in WARM else "terse"
        if "from" in words and (words[words.index("from") + 1] in WARM) is (to == "warm"):
            raise Misfit("This is no shift: both are alike.", *span_of([token]), "tone shifts from warm to terse")
        return self._said(parts, self.vocabulary.whole["tones"], t.Shifted(to))

    def among_last(self, parts: list[Whatever]) -> Said:
        """`frustration in 3 of the last 5 messages`."""
        token, last, first = token_of(parts, "METRIC"), token_of(parts, "LAST_MESSAGES"), one_of(parts, Amount)
        second = Amount(*span_of([last]), float(number_of(str(last).split()[1])))
        need, of = self._whole(first, MOST_MESSAGES), self._whole(second, MOST_MESSAGES)
        if need > of:
            near = f"{of} of the last {need} messages"
            raise Misfit(f"{need} of {of} cannot be.", first.start, second.end, near)
        return self._said(parts, self._rows(token, "tones"), t.AmongLast(need, of))

    def new_voice(self, parts: list[Whatever]) -> Said:
        """`angry messages from a new voice`."""
        return self._said(parts, self._rows(token_of(parts, "METRIC"), "tones"), t.NewVoice())

    def mentioned(self, parts: list[Token]) -> tuple[str, ...]:
        words = (" ".join(unquoted(p).lower().split()) for p in parts if p.type != "OR_WORD")
        return tuple(dict.fromkeys(word for word in words if word))

    # -- who it is about -------------------------------------------------------------------------------------------

    def same(self, parts: list[Token]) -> Same:
        about = str(parts[0]).lower().split()[-1]
        return Same(*span_of(parts), ABOUT.get(about, "issue"))

    def from_role(self, parts: list[Token]) -> Role:
        return Role(*span_of(parts), unquoted(parts[-1]))

    def by_role(self, parts: list[Token]) -> Role:
        return Role(*span_of(parts), unquoted(parts[-1]), together=True)

    def role_of(self, token: Token) -> str | None:
        """The role a word names: None for the account itself, '' for any person."""
        words = str(token).split()
        while len(words) > 1 and words[0].lower() in ARTICLES:
            words = words[1:]
        role = " ".join(words)
        known = ACCOUNT_WORDS | PERSON_WORDS
        near = min(known, key=lambda word: OSA.distance(role.lower(), word)) if role.lower() not in known else ""
        if len(near) >= 6 and OSA.distance(role.lower(), near) <= 2:
            raise Misfit(f"{role!r} is nearly {near!r}, and no role that is known.", *span_of([token]), near)
        return None if role.lower() in ACCOUNT_WORDS else "" if role.lower() in PERSON_WORDS else role

    # -- parts of the above ----------------------------------------------------------------------------------------

    def _said(
        self,
        parts: Sequence[Whatever],
        metric: str,
        made: t.Made | None = None,
        *,
        happened: bool = False,
        about: t.SubjectKind | None = None,
        role: str | None = None,
    ) -> Said:
        items: list[Spanned] = items_of(parts)
        items += [Happened(*span_of([p])) for p in parts if isinstance(p, Token) and p.type == "SEEN"]
        items += [self.rate([p]) for p in parts if isinstance(p, Token) and p.type == "EVERY"]
        tokens = [p for p in parts if isinstance(p, Token) and p.type == "METRIC"]
        one = _is_one(tokens[0]) if tokens else True
        done = happened or made is not None
        return Said(*span_of(parts), metric, tuple(items), made, done, about, role, singular=one)

    def rate(self, parts: list[Token]) -> Rate:
        raise NotImplementedError  # of Meaning, which knows the grains

    def _pair(self, parts: list[Whatever]) -> tuple[str, str]:
        first, second = (p for p in parts if isinstance(p, Token) and p.type == "METRIC")
        one, other = self._rows(first), self._rows(second)
        tables = self.vocabulary.tables
        if tables.get(one) != tables.get(other):
            said = f"{first} and {second} are not counted from the same facts."
            raise Misfit(said, *span_of([second]), None, f"Name another metric over {tables[one]}.")
        if one == other:
            raise Misfit("These two are the same.", *span_of([second]))
        return one, other

    def _within(self, parts: list[Whatever]) -> int:
        unit = next(p for p in parts if isinstance(p, Token) and p.type in ("UNIT", "MINUTE"))
        return self._length(one_of(parts, Amount), unit)

    def _rows(self, token: Token, *tables: str) -> str:
        """The metric of a phrase, whose rows facts can be made from; Misfit where it has none, or of another table."""
        metric = self.vocabulary.metric(str(token))
        if self.vocabulary.open_words:
            return metric
        name = self.vocabulary.name(metric)
        if self.vocabulary.aggregates.get(metric) not in ("count", "people"):
            raise Misfit(f"{name} is no count, so it is not known when it happened.", *span_of([token]))
        if tables and self.vocabulary.tables[metric] not in tables:
            of = " or ".join(sorted(tables))
            near = [m for m, table in self.vocabulary.tables.items() if table in tables and m in self.vocabulary.says]
            advice = "For example: " + ", ".join(self.vocabulary.phrase(m) for m in near[:3]) + "." if near else ""
            said = f"{name} counts {self.vocabulary.tables[metric]}; this is said of {of}."
            raise Misfit(said, *span_of([token]), None, advice)
        return metric

    def _days_of(self, amount: Amount, unit: Token) -> int:
        days = {"day": 1, "week": 7}.get(unit_of(unit))
        if days is None:
            near = f"{max(1, round(amount.value * {'month': 30, 'quarter': 91}.get(unit_of(unit), 1 / 24)))} days"
            said = f"{unit_of(unit).capitalize()}s cannot stand here: write days."
            raise Misfit(said, amount.start, unit.end_pos or 0, near)
        return self._whole(amount) * days


def _is_one(token: Token) -> bool:
    """Whether a phrase speaks of one: `ticket`, not `tickets`."""
    return not str(token).lower().endswith("s")
