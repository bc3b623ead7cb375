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
    Milestone,
    Named,
    Negation,
    Node,
    Peers,
    Spike,
    Then,
    Unless,
    Usual,
)
from beforehand.story import words
from beforehand.story.clause import Clause, Measure, lasting, part
from beforehand.story.quantities import other_metric

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
        case Negation(condition=condition):
            return f"it is not so that {phrase(condition, called)}"
        case _:
            name, measure = called(node.quantity.metric)
            second = other_metric(node.quantity.made)
            return leaf_phrase(Clause(node, name, measure, 0, other=called(second)[0] if second else ""))


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
            side = {"down": "below", "up": "above", "within": "within"}[usual.direction]
            return f"{are} {'far ' * usual.far}{side} what is usual{lasting(usual.streak, clause.grain)}"
        case Spike() as spike:
            verb = "spike" if clause.plural else "spikes"
            return f"{clause.called} {verb} by the {clause.grain.value}{lasting(spike.streak, clause.grain)}"
        case Absence() as absence:
            verb = "are" if clause.plural else "is"
            days = words.counted(absence.days, "business day" if absence.business else "day")
            return f"there {verb} no {clause.called} for {days}"
        case Peers() as peers:
            end = "lowest" if peers.direction == "down" else "highest"
            among = f"among the {end} {part(peers.share)} of accounts like it"
            return f"{are} {among}{lasting(peers.streak, clause.grain)}"
        case Milestone() as milestone:
            late = f"{words.counted(milestone.days, 'day')} after the {milestone.date}" if milestone.days else (
                f"later than the slowest {part(milestone.share)} of accounts like it"
            )  # fmt: skip
            return f"there {'are' if clause.plural else 'is'} still no {clause.called} {late}"
