"""The canonical form: a tree written as a sentence that parses back to the same tree."""

from __future__ import annotations

import re
from decimal import Decimal

from beforehand.calendar import Grain
from beforehand.signals import dates
from beforehand.signals import tree as t
from beforehand.signals.grammar import FORMS
from beforehand.signals.transform import USUAL_BASELINE
from beforehand.signals.vocabulary import Vocabulary

SIDES: dict[str, str] = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
PLAIN_VALUE = re.compile(r"[^\W\d_][\w.&/+-]*")
PLAIN_TRAIT = re.compile(r"[^\W\d][\w.-]*")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
KEYWORDS = {word for _, forms in FORMS.values() for form in forms for word in form.split()}


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
        who = "people" if sentence.subject == "person" else "accounts"
        return f" for {who} where {say_population(sentence.population)}"
    return " for each person" if sentence.subject == "person" else ""


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
    bound = percent(leaf.bound) if share or leaf.of else number(leaf.bound)
    bound += f" of {_trait(leaf.of)}" if leaf.of else ""
    said = f"{vocabulary.phrase(leaf.quantity.metric)} {SIDES[leaf.op]} {bound}"
    return said + _reading(leaf.quantity, leaf.grain) + say_streak(leaf.streak, leaf.grain)


def say_date(date: str) -> str:
    """`renewal`, or a trait in quotes."""
    return date if date in dates.DAYS else _quoted(date)


def say_change(leaf: t.Change, vocabulary: Vocabulary) -> str:
    """`active people down 40% vs the 8 weeks before for 2 consecutive weeks`."""
    said = f"{_quantity(leaf.quantity, vocabulary)} {leaf.direction} {percent(leaf.fraction)}"
    if leaf.ago:
        per = f" per {leaf.grain}" if leaf.grain in (Grain.MONTH, Grain.QUARTER) else ""
        return f"{said} in {leaf.ago} {leaf.grain}s{per}" + say_streak(leaf.streak, leaf.grain)
    return f"{said} vs the {leaf.baseline} {leaf.grain}s before" + say_streak(leaf.streak, leaf.grain)


def say_usual(leaf: t.Usual, vocabulary: Vocabulary) -> str:
    """`logins far below usual per week for 2 consecutive weeks`."""
    side = ("far " if leaf.far else "") + ("below" if leaf.direction == "down" else "above")
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
    return f"no {vocabulary.phrase(leaf.quantity.metric)} for {leaf.days} days"


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
    said = vocabulary.phrase(quantity.metric) + (" per active person" if quantity.per_active else "")
    return said + (f" in {quantity.rolling_days} days" if quantity.rolling_days is not None else "")


def _trait(trait: str) -> str:
    return trait if PLAIN_TRAIT.fullmatch(trait) and trait.lower() not in KEYWORDS else _quoted(trait)


def _value(value: str | float) -> str:
    if not isinstance(value, str):
        return number(value)
    plain = PLAIN_VALUE.fullmatch(value) and value.lower() not in KEYWORDS
    return value if plain or DATE.fullmatch(value) else _quoted(value)


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'
