"""What accounts alike had: of a judged `Peers`, and beside any other clause as what is normal for accounts like it.

The receipt of a question about peers answers with: the lower quartile, the median and the upper quartile of their
numbers, the number that the `share` asked for ends at, how many accounts there are, how many of them had less than this
one, and how many had more.
"""

from __future__ import annotations

from dataclasses import dataclass

from beforehand.calendar import Grain
from beforehand.signals.tree import Peers
from beforehand.story import words
from beforehand.story.clause import Clause, lasting, part, rest
from beforehand.story.receipt import Receipt
from beforehand.story.scene import Occasion, Sentence, values_said
from beforehand.story.view import Told, View, none_or, series_of

FEWEST = 10
"""Of fewer accounts alike nothing is told."""


@dataclass(frozen=True)
class Standing:
    """What accounts alike had, and where this one stands among them."""

    low: float
    mid: float
    high: float
    edge: float
    count: int
    below: int
    above: int


def standing(receipt: Receipt) -> Standing | None:
    """The answer of a question about peers; None where there is none."""
    numbers = receipt.numbers
    if len(numbers) != 7 or any(n is None for n in numbers):
        return None
    low, mid, high, edge, count, below, above = (float(n or 0.0) for n in numbers)
    return Standing(low, mid, high, edge, int(count), int(below), int(above))


def alike(receipt: Receipt) -> str:
    """By what accounts are alike: ` (plan business, 10 to 49 people)`; blank where it is by nothing."""
    said = [f"{name} {value}".strip() for name, value in receipt.query.like]
    return f" ({', '.join(said)})" if said else ""


def peers(view: View, leaf: Peers) -> Told:
    """Among the lowest or highest of accounts alike."""
    clause, judged = view.clause, view.judged
    text = f"{view.subject} {view.were} {values_said(clause, judged, view.when(len(judged)))}"
    receipt = None if clause.peers is None else view.occasion.receipts[clause.peers]
    found = None if receipt is None else standing(receipt)
    held = list(range(len(view.values) - len(judged), len(view.values)))
    if receipt is None or found is None or view.last is None:
        return Told(text, (view.sentence(text, "change"),), series_of(view, view.band, None, held, None))
    end = "lowest" if clause.down else "highest"
    sentences = [view.sentence(text, "change")]
    sentences.append(view.sentence(_had(view, receipt, found), "peers", clause.peers))
    asks = f"the line is the {end} {part(leaf.share)} of them, {'below' if clause.down else 'above'} "
    asks += f"{clause.said(found.edge)}{clause.rate}{lasting(leaf.streak, clause.grain)}"
    sentences.append(view.sentence(asks, "line", clause.peers))
    headline = f"{view.subject} {view.were} {clause.said(view.last)} {view.when(1)}, among the {end} {part(leaf.share)}"
    headline += f" of {words.number(found.count)} accounts like it"
    shape = series_of(view, None, found.edge, held, None, (found.low, found.high), "peers")
    return Told(headline, tuple(sentences), shape)


def normal(occasion: Occasion, clause: Clause, receipt: Receipt) -> Sentence | None:
    """What is normal for accounts like it, in the newest period judged; None where too few are alike."""
    found = standing(receipt)
    view = View(occasion, clause, occasion.receipts[clause.receipt])
    if found is None or found.count < FEWEST or view.last is None or occasion.scope:
        return None
    return view.sentence(_had(view, receipt, found), "peers", occasion.normal)


def _had(view: View, receipt: Receipt, found: Standing) -> str:
    """`Of 84 accounts like Globex (plan business), half had 8 to 21 logins a week; 80 had more`."""
    clause = view.clause
    of = f"of {words.number(found.count)} accounts like {view.occasion.account}{alike(receipt)}, "
    low, mid, high = (clause.said(v) for v in (found.low, found.mid, found.high))
    middle = f" (the middle one {mid})" if low != high and mid not in (low, high) else ""
    what = f" {clause.called}" if clause.rate and clause.quantity.made is None else ""
    days = receipt.query.span
    when = "then" if clause.quantity.standing else f"in the same {days} days" if days > 1 else _same(clause.grain)
    if low == high:
        had = f"at least half had {none_or(clause, found.low)}{what if found.low else ''}"
    else:
        had = f"half had {low} to {high}{what}"
    text = f"{of}{had} {when}{middle}"
    more, less = words.number(found.above), words.number(found.below)
    if found.above >= found.below:
        return f"{text}; {'all' if found.above == found.count else more} had more than {view.occasion.account}"
    return f"{text}; {'all' if found.below == found.count else less} had less than {view.occasion.account}"


def _same(grain: Grain) -> str:
    return "that day" if grain is Grain.DAY else f"in the same {grain.value}"


def slowest(view: View, share: float, receipt: Receipt) -> str:
    """The line of a milestone that is set by others: how long all but the slowest took for their first."""
    found = standing(receipt)
    if found is None:
        return f"the line is what the slowest {part(share)} of accounts like it took"
    took = f"{rest(share)} of the {words.number(found.count)} accounts like it{alike(receipt)} had theirs"
    return f"{took} within {words.counted(found.edge, 'day')}, which is the line"
