"""Silences: nothing counted, since when, and what there was before; or nothing yet since a day that counts."""

from __future__ import annotations

from beforehand.signals.tree import Absence, Milestone
from beforehand.story import words
from beforehand.story.around import moment
from beforehand.story.peers import slowest
from beforehand.story.view import Told, View, feed, series_of


def absence(view: View, leaf: Absence) -> Told:
    """Nothing for so many days, or business days."""
    clause, values = view.clause, view.values
    judged = len(view.judged)
    days = words.counted(leaf.days, "business day" if leaf.business else "day")
    last = next((i for i in range(len(values) - 1, -1, -1) if values[i]), None)
    edges, zone, now_us = view.receipt.query.edges_us, view.occasion.zone, view.occasion.now_us
    recent = now_us < edges[-1] + (edges[-1] - edges[-2]) and not view.occasion.dated
    when = f"in the last {days}" if recent else f"in the {days} up to {words.day(edges[-1] - 1, zone, now_us)}"
    text = f"there {view.were} no {view.subject} {when}"
    if leaf.business:
        text += f", since {words.day(edges[-1 - judged], zone, now_us)}"
    quiet = len(values) - 1 - last if last is not None else None
    if last is not None and quiet is not None:
        text += f"; the last {view.were} on {view.period_said(last)}"
    elif len(values) > judged:
        text += f", nor in the {words.counted(len(values) - judged, 'day')} before"
    sentences = [view.sentence(text, "change", clause.silence)]
    before = [v for v in values[: len(values) - judged] if v is not None]
    had = sum(1 for v in before if v)
    if had:
        on = "all of them" if had == len(before) else f"{words.number(had)} of them"
        text = f"in the {words.counted(len(before), 'day')} before, {view.occasion.who} had some on {on}"
        sentences.append(view.sentence(text, "usual"))
    line = f"the line is {days} without any"
    if quiet is not None and quiet > judged:
        line += f"; it has been {words.counted(quiet, 'day')}{' in all' if leaf.business else ''}"
    sentences.append(view.sentence(line, "line"))
    sentences.extend(feed(view))
    since = last + 1 if last is not None else None
    held = list(range(len(values) - judged, len(values)))
    shown = f"at least {words.counted(len(values), 'day')}" if len(values) > judged else days
    if leaf.business:
        shown = days
    elif quiet is not None:
        shown = words.counted(max(quiet, judged), "day")
    return Told(f"no {view.subject} for {shown}", tuple(sentences), series_of(view, None, None, held, since))


def milestone(view: View, leaf: Milestone) -> Told:
    """Nothing yet, so many days after a day that counts; or later than the slowest of accounts alike took."""
    clause, of = view.clause, view.occasion
    end = view.receipt.query.edges_us[-1]
    start = None if clause.start is None else moment(of.receipts[clause.start].value, of)
    held = list(range(len(view.values) - len(view.judged), len(view.values)))
    shape = series_of(view, None, None, held, None)
    if start is None:
        text = f"there {view.were} no {view.subject} yet"
        return Told(f"no {view.subject} yet", (view.sentence(text, "change", clause.silence),), shape)
    passed = words.counted(words.days_between(start, end, of.zone), "day")
    text = f"there {view.were} no {view.subject} in the {passed} since the {leaf.date}"
    text += f" on {words.day(start, of.zone, of.now_us)}"
    sentences = [view.sentence(text, "change", clause.silence, clause.start)]
    if leaf.days is not None:
        line = f"the line is {words.counted(leaf.days, 'day')} after the {leaf.date}"
        sentences.append(view.sentence(line, "line"))
    elif clause.peers is not None:
        sentences.append(view.sentence(slowest(view, leaf.share, of.receipts[clause.peers]), "line", clause.peers))
    sentences.extend(feed(view))
    return Told(f"no {view.subject} {passed} after the {leaf.date}", tuple(sentences), shape)
