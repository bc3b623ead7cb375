"""What ends an episode, in words: a clear sentence as a colleague would say it."""

from __future__ import annotations

from collections.abc import Callable

from beforehand.signals.tree import (
    Absence,
    After,
    AlertOpen,
    All,
    Any,
    Change,
    Due,
    Level,
    Named,
    Node,
    Spike,
    Then,
    Unless,
    Usual,
)
from beforehand.story import words
from beforehand.story.clause import Clause, Measure, lasting

Called = Callable[[str], tuple[str, Measure]]
"""metric -> (display name, measure)."""
SIDES = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}


def phrase(node: Node, called: Called) -> str:
    """A condition as what follows `when`: `logins are at least 3 a week for two weeks in a row`."""
    match node:
        case Named():
            return f"{node.signal} holds"
        case All(parts=parts, within_days=days):
            within = f", within {words.counted(days, 'day')}" if days else ""
            return words.listed([phrase(part, called) for part in parts]) + within
        case Any(parts=parts):
            return words.listed([phrase(part, called) for part in parts], "or")
        case Then(first=first, then=then, within_days=days):
            return f"{phrase(first, called)}, then {phrase(then, called)} within {words.counted(days, 'day')}"
        case AlertOpen(least=least):
            return "an alert is open" if least == "low" else f"an alert of severity {least} or worse is open"
        case Due(date=date, days=days):
            return f"the {date} is at most {words.counted(days, 'day')} ahead"
        case After(condition=condition, days=days, date=date):
            return f"{phrase(condition, called)}, {words.counted(days, 'day')} after the {date}"
        case Unless(condition=condition, exception=exception):
            return f"{phrase(condition, called)}, unless {phrase(exception, called)}"
        case _:
            return leaf_phrase(Clause(node, *called(node.quantity.metric), 0))


def leaf_phrase(clause: Clause) -> str:
    """A leaf as what follows `when`: `logins are at least 3 a week`."""
    are = f"{clause.called} {'are' if clause.plural else 'is'}"
    match clause.leaf:
        case Level() as level:
            said = f"{words.percent(level.bound)} of {level.of}" if level.of else clause.said(level.bound)
            bound = f"{SIDES[level.op]} {said}{clause.rate}"
            return f"{are} {bound}{lasting(level.streak, clause.grain)}"
        case Change() as change:
            many = f"{words.in_words(change.baseline)} {clause.grain.value}s"
            before = f"the {many if change.baseline > 1 else clause.grain.value} before"
            by = f"{change.direction} {words.percent(change.fraction)} against {before}"
            return f"{are} {by}{lasting(change.streak, clause.grain)}"
        case Usual() as usual:
            side = "below" if usual.direction == "down" else "above"
            return f"{are} {'far ' * usual.far}{side} what is usual{lasting(usual.streak, clause.grain)}"
        case Spike() as spike:
            verb = "spike" if clause.plural else "spikes"
            return f"{clause.called} {verb} by the {clause.grain.value}{lasting(spike.streak, clause.grain)}"
        case Absence() as absence:
            verb = "are" if clause.plural else "is"
            return f"there {verb} no {clause.called} for {words.counted(absence.days, 'day')}"
