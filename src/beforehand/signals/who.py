"""Whom a sentence is about: its population, its subject, and what its words alone make of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any as Whatever

from lark import Token

from beforehand.signals import tree as t
from beforehand.signals.fitting import DAYS, Fitting
from beforehand.signals.spoken import Amount, Misfit, Said, number_of, one_of, unit_of, unquoted
from beforehand.signals.vocabulary import COUNTED

OPS: dict[str, t.Op] = {"BELOW": "<", "ABOVE": ">", "AT_LEAST": ">=", "AT_MOST": "<=", "OR_MORE": ">=", "OR_LESS": "<="}
SUBJECTS: dict[str, t.SubjectKind] = {
    "FOR_ACCOUNTS": "account",
    "FOR_PEOPLE": "person",
    "FOR_TICKET": "ticket",
    "FOR_ISSUE": "issue",
    "FOR_FEATURE": "feature",
}
OF_TABLE: dict[t.SubjectKind, str] = {"ticket": "tickets", "issue": "tickets", "feature": "events"}
"""The fact table whose rows know the subject."""
TENSIONS = "tensions"
"""The points of tickets: made from them, and so of them."""
Whom = tuple[t.SubjectKind, t.Population | None]


# ruff: noqa: D102 - each method below is called by Lark for the grammar rule it is named after
class Populations(Fitting):
    """Reads `for accounts where ...`, and settles the subject of the whole sentence."""

    def start(self, parts: list[Whatever]) -> tuple[t.Node, t.SubjectKind, t.Population | None]:
        return self._settled(parts[0], parts[1] if len(parts) > 1 else None)

    def population(self, parts: list[Whatever]) -> tuple[Token, t.Population | None]:
        return parts[0], parts[2] if len(parts) > 1 else None

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

    def equal(self, parts: list[Whatever]) -> t.Compare:
        return t.Compare(parts[0], "is", parts[-1])

    def is_not(self, parts: list[Whatever]) -> t.Compare:
        return t.Compare(parts[0], "is not", parts[-1])

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

    # -- the subject of the whole ----------------------------------------------------------------------------------

    def _settled(self, condition: t.Node, said: tuple[Token, t.Population | None] | None) -> tuple[t.Node, *Whom]:
        """The condition, its subject and its population, from `for ...` and from what the words of its parts say."""
        explicit = said[0] if said else None
        named = SUBJECTS[explicit.type] if explicit is not None else None
        population = said[1] if said else None
        marks = {id(node): mark for node, mark in self.marks}
        found = list(_endings(condition))
        marked = [marks.get(id(node)) for node in found]
        roles = list(dict.fromkeys(m.role for m in marked if m is not None and m.role is not None))
        if roles and all(m is not None and m.role == roles[0] for m in marked) and named in (None, "account", "person"):
            claim: t.Population = t.Compare("role", "is", roles[0])
            return condition, "person", claim if population is None else t.Both((claim, population))
        if roles:
            condition = self._as_one(condition, marks)
        firm = [m for m in marked if m is not None and m.role is None]
        subject = self._subject(firm, len(found), named, explicit, where=population is not None)
        self._has_it(condition, subject, explicit)
        return condition, subject, population

    def _subject(
        self, marked: list[Said], parts: int, named: t.SubjectKind | None, explicit: Token | None, *, where: bool
    ) -> t.SubjectKind:
        """The one subject: what is said to be, else what all parts are about."""
        for mark in marked:
            if mark.together and named not in (None, "account", mark.about):
                assert explicit is not None
                said = f"The sentence is about {_plural(mark.about)} already."
                raise Misfit(said, explicit.start_pos or 0, explicit.end_pos or 0, None, "It has one subject: say one.")
        firm = [mark for mark in marked if mark.together]
        if firm:
            others = [mark for mark in firm if mark.about != firm[0].about]
            if others:
                said = f"One part is about {_plural(firm[0].about)}, another about {_plural(others[0].about)}."
                raise Misfit(said, others[0].start, others[0].end, None, "Make two signals of it.")
            assert firm[0].about is not None
            return firm[0].about
        if named is not None and (named != "account" or not where):
            return named  # `for accounts where ...` may say whose tickets; `for each account` says whom
        about = {mark.about for mark in marked}
        if len(marked) == parts and len(about) == 1 and None not in about:
            return next(kind for kind in about if kind is not None)
        return named or "account"

    def _as_one(self, condition: t.Node, marks: dict[int, Said]) -> t.Node:
        """Beside other parts, what holders of a role did is counted as one thing of the account."""

        def joined(node: t.Node) -> t.Node:
            mark = marks.get(id(node))
            quantity = getattr(node, "quantity", None)
            if mark is None or mark.role is None or quantity is None:
                return node
            if quantity.made is None and self.vocabulary.aggregates.get(quantity.metric) not in COUNTED:
                name = self.vocabulary.name(quantity.metric)
                said = f"{name} of each {mark.role} stands beside a part about the account: a sentence has one subject."
                advice = (
                    f"Say it of people as a whole: `... for people where role is {mark.role}`, or make two signals."
                )
                raise Misfit(said, mark.start, mark.end, None, advice)
            return replace(node, quantity=replace(quantity, role=mark.role))

        return mapped(condition, joined)

    def _has_it(self, condition: t.Node, subject: t.SubjectKind, explicit: Token | None) -> None:
        """Misfit where the facts of a part do not know the subject."""
        table = OF_TABLE.get(subject)
        if table is None or self.vocabulary.open_words:
            return
        where = (explicit.start_pos or 0, explicit.end_pos or 0) if explicit is not None else (0, 0)
        for node in _endings(condition):
            quantity: t.Quantity | None = getattr(node, "quantity", None)
            if quantity is None:
                continue
            own = self.vocabulary.tables.get(quantity.metric, table)
            own = table if own == TENSIONS and subject == "ticket" else own
            name = self.vocabulary.name(quantity.metric)
            if own != table or (subject == "feature" and quantity.made is not None):
                said = f"The sentence is about {_plural(subject)}, but {name} counts {own}, which have no {subject}."
                if subject == "feature" and own == table:
                    said = f"What is made of {name} is not known by feature."
                advice = f"A sentence has one subject: all of its parts count {table}, or make two signals of it."
                raise Misfit(said, *where, None, advice)
            if quantity.per_active or quantity.role is not None:
                what = "`per active person`" if quantity.per_active else f"The role {quantity.role}"
                raise Misfit(f"{what} has no meaning for {_plural(subject)}.", *where)


def mapped(node: t.Node, change: Callable[[t.Node], t.Node]) -> t.Node:
    """The tree with every part that is no compound changed."""
    match node:
        case t.All() | t.Any():
            return replace(node, parts=tuple(mapped(part, change) for part in node.parts))
        case t.Then():
            return replace(node, first=mapped(node.first, change), then=mapped(node.then, change))
        case t.Unless():
            return replace(node, condition=mapped(node.condition, change), exception=mapped(node.exception, change))
        case t.After() | t.Negation():
            return replace(node, condition=mapped(node.condition, change))
        case _:
            return change(node)


def _endings(node: t.Node) -> list[t.Node]:
    """The parts of a tree that are no compounds."""
    parts = t.parts_of(node)
    return [ending for part in parts for ending in _endings(part)] if parts else [node]


def _plural(subject: t.SubjectKind | None) -> str:
    return "people" if subject == "person" else f"{subject}s"
