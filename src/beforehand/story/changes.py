"""Down or up against the mean of earlier periods."""

from __future__ import annotations

from collections.abc import Sequence

from beforehand.signals.tree import Change
from beforehand.story import words
from beforehand.story.clause import Clause, lasting
from beforehand.story.scene import values_said
from beforehand.story.view import Told, View, feed, judged_of, newest, none_or, points, series_of

# From a rise of 1,000% on, a percentage says less than the two numbers do.
MANY = 10


def change(view: View, leaf: Change) -> Told:
    """Down or up against the mean of the periods before those judged."""
    clause, judged, last = view.clause, view.judged, view.last
    before = [v for v in view.values[: max(0, len(view.values) - leaf.gap)][-leaf.baseline :] if v is not None]
    text = f"{view.subject} {view.were} {values_said(clause, judged, view.when(len(judged)))}"
    if not before or last is None:
        return Told(text, (view.sentence(text, "change"),), series_of(view, view.band, None, [], None))
    mean = sum(before) / len(before)
    many = f"{words.in_words(leaf.baseline)} {clause.grain.value}s" if leaf.baseline > 1 else clause.grain.value
    average = " on average" if leaf.baseline > 1 else ""
    verb = "had" if clause.rate else "stood at"
    many += f" that ended {words.counted(leaf.ago, clause.grain.value)} earlier" if leaf.ago else " before"
    usual = f"the {many} {verb} {_about(clause, mean)}{clause.rate}{average}" if mean else f"the {many} had none"
    sentences = [view.sentence(f"{text}; {usual}", "change")]
    threshold = mean * (1 - leaf.fraction if clause.down else 1 + leaf.fraction)
    run = _run(view.values, threshold, clause.down)
    since = run[0] if len(run) > 1 and mean > 0 else None
    turn = "fall" if clause.down else "rise"
    if since is not None:
        place = words.placed(clause.grain)
        sentences.append(view.sentence(f"the {turn} began {place} {view.period_said(since)}", "since"))
    line = f"the line is a {turn} of {words.percent(leaf.fraction)}{lasting(leaf.streak, clause.grain)}"
    sentences.append(view.sentence(line + _pastchange(view, leaf, mean, last), "line"))
    sentences.extend(feed(view))
    held = [i for i, v in judged_of(view) if (v <= threshold if clause.down else v >= threshold)]
    headline = _headline(view, mean, last) if (last < mean) == clause.down else text
    shape = series_of(view, None, threshold, held, since, (min(before), max(before)))
    return Told(headline, tuple(sentences), shape)


def _pastchange(view: View, leaf: Change, mean: float, last: float) -> str:
    """How far the newest period is past the line; nothing where it is not (a streak may hold without it)."""
    if mean <= 0 or (last < mean) != view.clause.down:
        return ""
    part = abs(last - mean) / mean
    past = part - leaf.fraction
    if part >= MANY:
        return f"; {newest(view)} was many times as much as before"
    if past >= 0.005:
        moved = "down" if view.clause.down else "up"
        return f"; {newest(view)} was {moved} {words.percent(part)}, {points(past)} past it"
    return f"; {newest(view)} was just on it" if past >= 0 else ""


def _headline(view: View, mean: float, last: float) -> str:
    moved = "fell" if view.clause.down else "rose"
    by = f" {words.percent(abs(last - mean) / mean)}," if mean > 0 and abs(last - mean) < MANY * mean else ""
    from_ = _about(view.clause, mean) if mean else none_or(view.clause, mean)
    return f"{view.subject} {moved}{by} from {from_}{view.clause.rate} to {none_or(view.clause, last)}"


def _run(values: Sequence[float | None], threshold: float, down: bool) -> range:
    """The unbroken run past a threshold at the end."""
    at = len(values)
    while at > 0:
        value = values[at - 1]
        if value is None or not (value <= threshold if down else value >= threshold):
            break
        at -= 1
    return range(at, len(values))


def _about(clause: Clause, mean: float) -> str:
    """A mean as people say it: whole from ten up, one figure after the point below that."""
    if clause.measure == "share" and not clause.quantity.per_active:
        return words.percent(mean)
    if abs(mean) >= 10:
        return clause.said(round(mean))
    return clause.said(round(mean, 1) or mean)
