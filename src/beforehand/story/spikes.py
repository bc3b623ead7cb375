"""A spike in words: how much, since when, what is usual, and how rarely chance alone brings so much.

All of it is worked out from the receipt: the same forecast that judged it, made again from the values kept there.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from beforehand.calendar import Grain
from beforehand.signals.kinds import kind_of
from beforehand.signals.spike import FAR, score_spike
from beforehand.signals.tree import Spike
from beforehand.story.clause import Clause
from beforehand.story.scene import values_said
from beforehand.story.view import Told, View, series_of

RARE = ((1e-6, "a million"), (1e-5, "a hundred thousand"), (1e-3, "a thousand"), (1e-2, "a hundred"))
LIKE = 14


def spike(view: View, leaf: Spike) -> Told:
    """Far above the own usual: how much, since when, what is usual, how rare."""
    clause, judged, last = view.clause, view.judged, view.last
    if last is None:
        text = f"{view.subject} {view.were} {values_said(clause, judged, view.when(len(judged)))}"
        return Told(text, (view.sentence(text, "change"),), series_of(view, None, None, [], None))
    _, end = view.receipt.query.spans[-1]
    at = when(clause, view.when(1), view.receipt.known_us, end, view.period_said(len(view.values) - 1))
    usual = usually(clause, view.values, len(judged))
    text = headline(clause, view.subject, last, at, usual)
    sentences = [view.sentence(text, "change")]
    if len(judged) > 1:
        more = f"{view.they} {view.were} {values_said(clause, judged, view.when(len(judged)))}"
        sentences.append(view.sentence(more, "change"))
    found = chances(leaf, view.values, clause.whole)
    rare = rarely(clause.grain, found[-1])
    if rare:
        sentences.append(view.sentence(rare, "line"))
    first = len(view.values) - len(judged)
    held = [first + n for n, p in enumerate(found) if p <= FAR]
    return Told(text, tuple(sentences), series_of(view, view.band, None, held, first))


def usually(clause: Clause, values: Sequence[float | None], judged: int) -> str | None:
    """`usually 3 a day`, from the periods before those judged; None where none of them is known.

    Hours are compared with the same hour of other days; where that is often nothing, whole days are told.
    """
    before = values[: len(values) - judged]
    if clause.grain is Grain.HOUR:
        like = [v for v in before[-24::-24][:LIKE] if v is not None]
    else:
        like = [v for v in before[-LIKE:] if v is not None]
    if not like:
        return None
    usual = median(like)
    if clause.grain is Grain.HOUR and clause.whole:
        if usual >= 1:
            return f"usually {clause.said(usual)} at that time of the day"
        known = [v or 0.0 for v in before[-24 * LIKE :]]
        days = [sum(known[at : at + 24]) for at in range(len(known) % 24, len(known), 24)]
        usual = median(days) if days else usual
        return f"usually {clause.said(usual)} a day" if usual >= 1 else "usually none"
    if usual == 0 and clause.whole:
        return "usually none"
    return f"usually {clause.said(usual)}{clause.rate}"


def chances(leaf: Spike, values: Sequence[float | None], counted: bool) -> list[float]:
    """How likely each judged value, or more, was by chance; NaN where too little is known."""
    width = kind_of(leaf).width(leaf)
    known = [np.nan if v is None else v for v in values[-width:]]
    series = np.array([[np.nan] * (width - len(known)) + known])
    return [float(p) for p in score_spike(leaf, series, leaf.streak.of, counted)[0]]


def rarely(grain: Grain, chance: float) -> str | None:
    """`chance alone brings so much less than once in a million hours`; None for what is not that rare."""
    times = next((said for bound, said in RARE if chance < bound), None)
    return None if times is None else f"chance alone brings so much less than once in {times} {grain.value}s"


def when(clause: Clause, closed: str, known_us: int, end_us: int, said: str) -> str:
    """`since 08:00` where the period was still filling, else when it was."""
    if known_us >= end_us:
        return closed
    return f"since {said.split(' on ')[0] if clause.grain is Grain.HOUR else said}"


def headline(clause: Clause, subject: str, value: float, at: str, usual: str | None) -> str:
    """`212 export errors since 08:00, usually 3 a day`."""
    aside = f", {usual}" if usual else ""
    if clause.rate:
        return f"{clause.said(value)} {subject} {at}{aside}"
    return f"{subject} {'were' if clause.plural else 'was'} {clause.said(value)} {at}{aside}"
