"""The canonical form: a tree written as a sentence that parses back to the same tree."""

from __future__ import annotations

import re
from decimal import Decimal

from beforehand.calendar import Grain
from beforehand.signals import dates
from beforehand.signals import tree as t
from beforehand.signals.grammar import FORMS
from beforehand.signals.made import quoted, say_counted
from beforehand.signals.tree import USUAL_BASELINE
from beforehand.signals.vocabulary import Vocabulary

SIDES: dict[str, str] = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
EACH: dict[t.SubjectKind, tuple[str, str]] = {
    "account": ("each account", "accounts"),
    "person": ("each person", "people"),
    "ticket": ("each ticket", "each ticket"),
    "issue": ("each issue", "each issue"),
    "feature": ("each feature", "each feature"),
}
"""Each subject alone, and before `where`."""
PLAIN_VALUE = re.compile(r"[^\W\d_][\w.&/+-]*")
PLAIN_TRAIT = re.compile(r"[^\W\d][\w.-]*")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
KEYWORDS = {word for _, forms in FORMS.values() for form in forms for word in form.split()} - {"business"}


def say(sentence: t.Sentence, vocabulary: Vocabulary) -> str:
    """The sentence of a tree in its canonical form."""
    return say_condition(sentence.condition, vocabulary) + say_subject(sentence)


def say_condition(node: t.Node, vocabulary: Vocabulary) -> str:
    """The condition of a tree in its canonical form."""
    from beforehand.signals.kinds import kind_of  # the table names the functions of this module

    match node:
        case t.Named():
            return f"signal {node.signal}"
        case t.All(parts=parts, within_days=days):
            within = f" within {days} days" if days is not None else ""
            return " and ".join(_closed(part, vocabulary) for part in parts) + within
        case t.Any(parts=parts):
            return " or ".join(_closed(part, vocabulary) for part in parts)
        case t.Then(first=first, then=then, within_days=days):
            return f"{_closed(first, vocabulary)} then {_closed(then, vocabulary)} within {days} days"
        case t.AlertOpen(least=least):
            return dates.say_alert(least)
        case t.Due(date=date, days=days):
            return f"{say_date(date)} within {days} days"
        case t.After(condition=condition, days=days, date=date):
            return f"{_closed(condition, vocabulary)} {days} days after {say_date(date)}"
        case t.Negation(condition=condition):
            return f"not ({say_condition(condition, vocabulary)})"
        case t.Unless(condition=condition, exception=exception):
            return f"{_closed(condition, vocabulary)} unless {_closed(exception, vocabulary)}"
        case _:
            return str(kind_of(node).say(node, vocabulary))


def _closed(node: t.Node, vocabulary: Vocabulary) -> str:
    said = say_condition(node, vocabulary)
    return f"({said})" if isinstance(node, t.Compound) else said


def say_subject(sentence: t.Sentence) -> str:
    """`for accounts where ...`, or nothing where the sentence is about every account."""
    if sentence.population is not None:
        return f" for {EACH[sentence.subject][1]} where {say_population(sentence.population)}"
    return "" if sentence.subject == "account" else f" for {EACH[sentence.subject][0]}"


def say_population(population: t.Population) -> str:
    """Who a sentence is about, in its canonical form."""
    match population:
        case t.Compare(trait=trait, op=op, value=value) if op in ("is", "is not"):
            return f"{_trait(trait)} {op} {_value(value)}"
        case t.Compare(trait=trait, op=op, value=value):
            unit = " days" if trait == "age" and not isinstance(value, str) else ""
            return f"{_trait(trait)} {SIDES[op]} {value if isinstance(value, str) else number(value)}{unit}"
        case t.Among(trait=trait, values=values):
            return f"{_trait(trait)} in ({', '.join(_value(v) for v in values)})"
        case t.Not(part=t.Among(trait=trait, values=values)):
            return f"{_trait(trait)} not in ({', '.join(_value(v) for v in values)})"
        case t.Not(part=part):
            return f"not ({say_population(part)})"
        case t.Both(parts=parts):
            return " and ".join(_closed_population(part) for part in parts)
        case t.Either(parts=parts):
            return " or ".join(_closed_population(part) for part in parts)


def _closed_population(population: t.Population) -> str:
    said = say_population(population)
    return f"({said})" if isinstance(population, t.Both | t.Either) else said


def say_level(leaf: t.Level, vocabulary: Vocabulary) -> str:
    """`logins below 2 per week for 3 consecutive weeks`."""
    share = vocabulary.aggregates.get(leaf.quantity.metric) == "share" and not leaf.quantity.per_active
    share = share and leaf.quantity.made is None
    bound = percent(leaf.bound) if share or leaf.of else number(leaf.bound)
    bound += f" of {_trait(leaf.of)}" if leaf.of else ""
    said = f"{_counted(leaf.quantity, vocabulary)} {SIDES[leaf.op]} {bound}"
    return said + _reading(leaf.quantity, leaf.grain) + say_streak(leaf.streak, leaf.grain)


def say_date(date: str) -> str:
    """`renewal`, or a trait in quotes."""
    return date if date in dates.DAYS else quoted(date)


def say_change(leaf: t.Change, vocabulary: Vocabulary) -> str:
    """`active people down 40% vs the 8 weeks before for 2 consecutive weeks`."""
    said = f"{_quantity(leaf.quantity, vocabulary)} {leaf.direction} {percent(leaf.fraction)}"
    if leaf.ago:
        per = f" per {leaf.grain}" if leaf.grain in (Grain.MONTH, Grain.QUARTER) else ""
        return f"{said} in {leaf.ago} {leaf.grain}s{per}" + say_streak(leaf.streak, leaf.grain)
    return f"{said} vs the {leaf.baseline} {leaf.grain}s before" + say_streak(leaf.streak, leaf.grain)


def say_usual(leaf: t.Usual, vocabulary: Vocabulary) -> str:
    """`logins far below usual per week for 2 consecutive weeks`."""
    side = {"down": "below", "up": "above", "within": "within"}[leaf.direction]
    side = "far " + side if leaf.far else side
    said = f"{_quantity(leaf.quantity, vocabulary)} {side} usual"
    if leaf.baseline != USUAL_BASELINE[leaf.grain]:
        said += f" of the {leaf.baseline} {leaf.grain}s before"
    elif leaf.quantity.rolling_days is None:
        said += f" per {leaf.grain}"
    return said + say_streak(leaf.streak, leaf.grain)


def say_spike(leaf: t.Spike, vocabulary: Vocabulary) -> str:
    """`errors spike per hour`."""
    return f"{_quantity(leaf.quantity, vocabulary)} spike per {leaf.grain}" + say_streak(leaf.streak, leaf.grain)


def say_absence(leaf: t.Absence, vocabulary: Vocabulary) -> str:
    """`no logins for 14 days`."""
    return f"no {_counted(leaf.quantity, vocabulary)} for {leaf.days} {'business ' if leaf.business else ''}days"


def say_peers(leaf: t.Peers, vocabulary: Vocabulary) -> str:
    """`logins among the lowest 25% of accounts like it per week`."""
    side = "lowest" if leaf.direction == "down" else "highest"
    said = f"{_quantity(leaf.quantity, vocabulary)} among the {side} {percent(leaf.share)} of {_alike(leaf.like)}"
    per = f" per {leaf.grain}" if leaf.quantity.rolling_days is None else ""
    return said + per + say_streak(leaf.streak, leaf.grain)


def say_milestone(leaf: t.Milestone, vocabulary: Vocabulary) -> str:
    """`no first reports within 14 days of signup`."""
    phrase = vocabulary.phrase(leaf.quantity.metric)
    if leaf.days is not None:
        return f"no first {phrase} within {leaf.days} days of {say_date(leaf.date)}"
    return f"first {phrase} later than the slowest {percent(leaf.share)} of {_alike(leaf.like)}"


def _alike(like: tuple[str, ...]) -> str:
    return "accounts like it" + (f" by {', '.join(like[:-1])}{' and ' * (len(like) > 1)}{like[-1]}" if like else "")


def say_streak(streak: t.Streak, grain: Grain) -> str:
    """` for 3 consecutive weeks`, ` in 3 of 4 weeks`, or nothing for the last period alone."""
    if streak.of == 1:
        return ""
    if streak.need == streak.of:
        return f" for {streak.of} consecutive {grain}s"
    return f" in {streak.need} of {streak.of} {grain}s"


def number(value: float) -> str:
    """A number without exponent that reads back to the same float."""
    said = format(Decimal(repr(float(value))), "f")
    return said.rstrip("0").rstrip(".") if "." in said else said


def percent(fraction: float) -> str:
    """A fraction in percent that reads back to the same float."""
    said = format(Decimal(repr(float(fraction))) * 100, "f")
    return (said.rstrip("0").rstrip(".") if "." in said else said) + "%"


def _reading(quantity: t.Quantity, grain: Grain) -> str:
    said = " per active person" if quantity.per_active else ""
    return said + (f" in {quantity.rolling_days} days" if quantity.rolling_days is not None else f" per {grain}")


def _quantity(quantity: t.Quantity, vocabulary: Vocabulary) -> str:
    said = _counted(quantity, vocabulary) + (" per active person" if quantity.per_active else "")
    return said + (f" in {quantity.rolling_days} days" if quantity.rolling_days is not None else "")


def _counted(quantity: t.Quantity, vocabulary: Vocabulary) -> str:
    role = "" if quantity.role is None else f" by any {quoted(quantity.role)}"
    return say_counted(quantity, vocabulary) + role


def _trait(trait: str) -> str:
    return trait if PLAIN_TRAIT.fullmatch(trait) and trait.lower() not in KEYWORDS else quoted(trait)


def _value(value: str | float) -> str:
    if not isinstance(value, str):
        return number(value)
    plain = PLAIN_VALUE.fullmatch(value) and value.lower() not in KEYWORDS
    return value if plain or DATE.fullmatch(value) else quoted(value)
