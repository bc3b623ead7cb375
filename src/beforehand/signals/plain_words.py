"""The echo: what a sentence was understood to mean, in plain words, with every default said out loud."""

from __future__ import annotations

from beforehand.calendar import Grain
from beforehand.signals import dates
from beforehand.signals import tree as t
from beforehand.signals.canonical import EACH, SIDES, number, percent, say_population
from beforehand.signals.made import tell_counted
from beforehand.signals.peers import LIKE
from beforehand.signals.vocabulary import Vocabulary

HOW = {
    "count": "counted",
    "people": "each counted once",
    "distinct": "each counted once",
    "sum": "added up",
    "mean": "averaged",
    "share": "as a share",
    "last": "as last known",
}
CLOSES = {
    Grain.HOUR: "hour",
    Grain.DAY: "day",
    Grain.WEEK: "week (Mon-Sun)",
    Grain.MONTH: "calendar month",
    Grain.QUARTER: "calendar quarter",
}


def echo(sentence: t.Sentence, vocabulary: Vocabulary) -> str:
    """Plain words for a sentence: what is read, what must hold, for whom, and when it is judged.

    A compound of named signals alone has no unit of its own; it is judged at the closes of what it names.
    """
    from beforehand.signals.asked import grains_in, node_grain

    said = _opened(tell(sentence.condition, vocabulary)) + _for_whom(sentence)
    if not grains_in(sentence.condition):
        return f"{said}. Judged when they are."
    return f"{said}. Judged when each {CLOSES[node_grain(sentence.condition)]} closes."


def tell(node: t.Node, vocabulary: Vocabulary) -> str:
    """A node of the condition in plain words."""
    from beforehand.signals.kinds import kind_of  # the table names the functions of this module

    match node:
        case t.Named():
            return f"the signal {node.signal} holds"
        case t.All(parts=parts, within_days=days):
            when = f"all of these, each within {count(days, 'day')} up to the close" if days else "all of these at once"
            return f"{when}: {_listed(parts, vocabulary)}"
        case t.Any(parts=parts):
            return f"at least one of these: {_listed(parts, vocabulary)}"
        case t.Then(first=first, then=then, within_days=days):
            after = f"then, at a later close at most {count(days, 'day')} after that"
            return f"{_part(first, vocabulary)}; {after}, {_part(then, vocabulary)}"
        case t.AlertOpen(least=least):
            level = "" if least == "low" else f" of severity {least}" + (" or worse" if least != "critical" else "")
            return f"an alert{level} of another risk signal is open"
        case t.Due(date=date, days=days):
            return f"the {_day(date)} is at most {count(days, 'day')} ahead"
        case t.After(condition=condition, days=days, date=date):
            return f"{_part(condition, vocabulary)}; asked from {count(days, 'day')} after the {_day(date)} on"
        case t.Negation(condition=condition):
            return f"not so: {_part(condition, vocabulary)}"
        case t.Unless(condition=condition, exception=exception):
            return f"{_part(condition, vocabulary)}; unless {_part(exception, vocabulary)}"
        case _:
            return str(kind_of(node).tell(node, vocabulary))


def tell_level(leaf: t.Level, vocabulary: Vocabulary) -> str:
    """A level in plain words."""
    share = vocabulary.aggregates.get(leaf.quantity.metric) == "share" and not leaf.quantity.per_active
    share = share and leaf.quantity.made is None
    bound = percent(leaf.bound) if share or leaf.of else number(leaf.bound)
    bound += f" of the trait {leaf.of}" if leaf.of else ""
    return f"{_read(leaf.quantity, leaf.grain, vocabulary)}: {SIDES[leaf.op]} {bound}{_lasting(leaf)}"


def tell_change(leaf: t.Change, vocabulary: Vocabulary) -> str:
    """A change in plain words."""
    before = f"the {count(leaf.baseline, leaf.grain.value)} before" if leaf.baseline > 1 else f"the {leaf.grain} before"
    if leaf.ago:
        before = f"the {count(leaf.baseline, leaf.grain.value)} that ended {count(leaf.ago, leaf.grain.value)} earlier"
    against = f"the mean of {before}" if leaf.baseline > 1 else before
    side = "below" if leaf.direction == "down" else "above"
    read = _read(leaf.quantity, leaf.grain, vocabulary)
    return f"{read}: at least {percent(leaf.fraction)} {side} {against},{_lasting(leaf)}"


def tell_usual(leaf: t.Usual, vocabulary: Vocabulary) -> str:
    """A comparison with the usual band in plain words."""
    side = {"down": "below", "up": "above", "within": "within"}[leaf.direction]
    band = f"the subject's own usual band of the {count(leaf.baseline, leaf.grain.value)} before"
    far = " (twice as wide)" if leaf.far else ""
    return f"{_read(leaf.quantity, leaf.grain, vocabulary)}: {side} {band}{far},{_lasting(leaf)}"


def tell_spike(leaf: t.Spike, vocabulary: Vocabulary) -> str:
    """A spike in plain words."""
    rare = "so far above the subject's own usual that chance alone hardly explains it"
    return f"{_read(leaf.quantity, leaf.grain, vocabulary)}: {rare},{_lasting(leaf)}"


def tell_absence(leaf: t.Absence, vocabulary: Vocabulary) -> str:
    """An absence in plain words."""
    return f"no {tell_counted(leaf.quantity, vocabulary)} at all in the last " + count(
        leaf.days, "business day" if leaf.business else "day"
    )


def tell_peers(leaf: t.Peers, vocabulary: Vocabulary) -> str:
    """A place among peers in plain words."""
    side = "lowest" if leaf.direction == "down" else "highest"
    read = _read(leaf.quantity, leaf.grain, vocabulary)
    return f"{read}: among the {side} {percent(leaf.share)} of those alike {_alike(leaf.like)},{_lasting(leaf)}"


def tell_milestone(leaf: t.Milestone, vocabulary: Vocabulary) -> str:
    """A milestone in plain words."""
    name = tell_counted(leaf.quantity, vocabulary)
    if leaf.days is not None:
        return f"no {name} yet, {count(leaf.days, 'day')} or more after the {_day(leaf.date)}"
    return (
        f"no {name} yet, more days after the {_day(leaf.date)} than all but the slowest {percent(leaf.share)} of those "
        f"alike {_alike(leaf.like)} took"
    )


def _alike(like: tuple[str, ...]) -> str:
    names = like or LIKE
    return "in " + " and ".join([", ".join(names[:-1])] * (len(names) > 1) + [names[-1]])


def count(number: int, unit: str) -> str:
    """`1 day`, `3 days`."""
    return f"{number} {unit}" + ("" if number == 1 else "s")


def _read(quantity: t.Quantity, grain: Grain, vocabulary: Vocabulary) -> str:
    name = tell_counted(quantity, vocabulary) + (" per active person" if quantity.per_active else "")
    if quantity.standing:
        return f"{name}, as they stand at the end of the {grain}"
    how = HOW["count" if quantity.made else vocabulary.aggregates.get(quantity.metric) or "count"]
    if quantity.rolling_days is not None:
        return f"{name}, {how} over the last {count(quantity.rolling_days, 'day')}"
    return f"{name}, {how} by {grain}"


def _lasting(leaf: t.Level | t.Change | t.Usual | t.Spike | t.Peers) -> str:
    streak, unit = leaf.streak, leaf.grain.value
    if leaf.quantity.rolling_days is not None:
        if streak.of == 1:
            return " at the close of the day"
        some = "each" if streak.need == streak.of else f"at least {streak.need}"
        return f" at the close of {some} of the last {streak.of} days"
    if streak.of == 1:
        return f" in the last closed {unit}"
    if streak.need == streak.of:
        return f" in each of the last {streak.of} closed {unit}s"
    return f" in at least {streak.need} of the last {streak.of} closed {unit}s"


def _day(date: str) -> str:
    return date if date in dates.DAYS else f"day of the trait {date}"


def _listed(parts: tuple[t.Node, ...], vocabulary: Vocabulary) -> str:
    return "; ".join(f"({place}) {_part(part, vocabulary)}" for place, part in enumerate(parts, start=1))


def _part(node: t.Node, vocabulary: Vocabulary) -> str:
    said = tell(node, vocabulary)
    return f"[{said}]" if isinstance(node, t.Compound) else said


def _for_whom(sentence: t.Sentence) -> str:
    if sentence.population is None:
        return "" if sentence.subject == "account" else f", for {EACH[sentence.subject][0]}"
    who = "accounts" if sentence.subject == "account" else EACH[sentence.subject][0]
    return f", for {who} where {say_population(sentence.population)}"


def _opened(text: str) -> str:
    at = len(text) - len(text.lstrip("["))
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]
