"""Levels, and values outside their own usual band: both are values against a line."""

from __future__ import annotations

from beforehand.signals.tree import Level, Usual
from beforehand.story import words
from beforehand.story.clause import Clause, lasting
from beforehand.story.scene import values_said
from beforehand.story.usual import Said, left_at
from beforehand.story.view import Told, View, feed, judged_of, newest, none_or, points, series_of


def level(view: View, leaf: Level | Usual) -> Told:
    """A level, or a value outside its own usual band: both are values against a line."""
    if isinstance(leaf, Usual) and leaf.direction == "within":
        return _within(view, leaf)
    clause, band, last = view.clause, view.band, view.last
    sentences = [view.sentence(_what(view, band), "change")]
    left = left_at(band, view.values, clause.down) if band else None
    if left is not None and left < len(view.values) - 1:
        inside = "below" if clause.down else "above"
        place = words.placed(clause.grain)
        sentences.append(
            view.sentence(f"{view.they} went {inside} that {place} {view.period_said(left)}", "since")
            if left >= len(view.values) - 26
            else view.sentence(f"{view.they} {'have' if clause.plural else 'has'} been {inside} that for long", "since")
        )
    line = _line(view)
    if line:
        sentences.append(view.sentence(line, "line"))
    sentences.extend(feed(view))
    threshold = view.threshold
    held = [i for i, v in judged_of(view) if _past(view, v, threshold)]
    return Told(_headline(view, band, last), tuple(sentences), series_of(view, band, threshold, held, left))


def _within(view: View, leaf: Usual) -> Told:
    """Back in the own usual band, as a recovery asks."""
    clause, band, judged = view.clause, view.band, view.judged
    text = f"{view.subject} {view.were} {values_said(clause, judged, view.when(len(judged)))}"
    held = [i for i, _ in judged_of(view)]
    if band is None or view.last is None:
        return Told(text, (view.sentence(text, "change"),), series_of(view, band, None, held, None))
    usual = f"within what is usual for {view.occasion.who}: {band_said(clause, band)}"
    sentences = [view.sentence(f"{text}, {usual}", "change")]
    headline = f"{view.subject} {view.were} {clause.said(view.last)} {view.when(1)}, within what is usual"
    if leaf.streak.of > 1:
        headline = f"{view.subject} {'have' if clause.plural else 'has'} been within what is usual{lasted(view)}"
    return Told(headline, tuple(sentences), series_of(view, band, None, held, None))


def _headline(view: View, band: Said | None, last: float | None) -> str:
    clause, leaf = view.clause, view.clause.leaf
    moved = "fell" if clause.down else "rose"
    if (
        last is not None
        and band is not None
        and (band.mid > last if clause.down else band.mid < last)
        and not (band.holds(last))
    ):
        return f"{view.subject} {moved} from {none_or(clause, band.mid)}{clause.rate} to {none_or(clause, last)}"
    side = "below" if clause.down else "above"
    if clause.whole and clause.down and view.judged and not any(view.judged) and None not in view.judged:
        return f"no {view.subject}{lasted(view) or ' ' + view.when(1)}"
    if isinstance(leaf, Level):
        bound = f"{_side(leaf)} {clause.said(leaf.bound)}{clause.rate}"
        if leaf.streak.of == 1:
            return f"{view.subject} {view.were} {clause.said(last or 0)} {view.when(1)}, {bound}"
        have = "have" if clause.plural else "has"
        return f"{view.subject} {have} been {bound}{lasted(view)}"
    return f"{view.subject} {view.were} {side} what is usual{lasted(view) or ' ' + view.when(1)}"


def _what(view: View, band: Said | None) -> str:
    clause = view.clause
    text = f"{view.subject} {view.were} {values_said(clause, view.judged, view.when(len(view.judged)))}"
    who = view.occasion.who
    if view.runs_on:
        return text
    if band is None:
        return f"{text}; there is too little of {who} yet to say what is usual"
    usual = band_said(clause, band)
    inside = [v for v in view.judged if v is not None and band.holds(v)]
    if len(inside) == len(view.judged):
        return f"{text}, within what is usual for {who}: {usual}"
    return f"{text}; {usual} is usual for {who}"


def _line(view: View) -> str | None:
    """The threshold and the gap to it, judged by the newest value that is past it."""
    clause, leaf = view.clause, view.clause.leaf
    threshold = view.threshold
    if threshold is None:
        return None
    bound = f"{clause.said(threshold)}{clause.rate}"
    if isinstance(leaf, Level):
        asks = f"{_side(leaf)} {bound}"
    elif isinstance(leaf, Usual) and leaf.far:
        asks = f"twice as far out, {'below' if clause.down else 'above'} {bound}"
    else:
        asks = f"the {'foot' if clause.down else 'top'} of that band, {bound}"
    past = [(i, v) for i, v in judged_of(view) if _past(view, v, threshold)]
    text = f"the line is {asks}{lasting(clause.streak, clause.grain)}"
    if not past:
        return text
    at, value = past[-1]
    gap = abs(threshold - value)
    said = newest(view) if at == len(view.values) - 1 else view.period_said(at)
    if gap == 0:
        return f"{text}; {said} was just on it"
    if clause.measure == "share" and not clause.quantity.per_active:
        return f"{text}; {said} was {points(gap)} {'under' if clause.down else 'over'} it"
    return f"{text}; {said} was {clause.said(gap)} {'under' if clause.down else 'over'} it"


def _past(view: View, value: float, threshold: float | None) -> bool:
    if isinstance(view.clause.leaf, Level):
        return view.clause.holds(value)
    return threshold is not None and (value < threshold if view.clause.down else value > threshold)


def _side(leaf: Level) -> str:
    return {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}[leaf.op]


def lasted(view: View) -> str:
    """How long it has held: ` for three weeks`; nothing for one period."""
    streak, grain = view.clause.streak, view.clause.grain
    if streak.of == 1:
        return ""
    if streak.need == streak.of:
        return f" for {words.in_words(streak.of)} {grain.value}s"
    return f" in {words.in_words(streak.need)} of {words.in_words(streak.of)} {grain.value}s"


def band_said(clause: Clause, band: Said) -> str:
    """What is usual: `5 to 23 a week`."""
    low, high = clause.said(band.low), clause.said(band.high)
    return f"{low}{clause.rate}" if low == high else f"{low} to {high}{clause.rate}"
