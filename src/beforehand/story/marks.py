"""What a verdict took from traits rather than from counts: days that come or have passed, and what is entitled to."""

from __future__ import annotations

from beforehand.story import words
from beforehand.story.around import moment
from beforehand.story.clause import Mark
from beforehand.story.scene import Occasion, Sentence


def tell(occasion: Occasion, mark: Mark) -> tuple[str, tuple[Sentence, ...]]:
    """A mark in words: half a headline (blank where it is none of its own), and sentences; none if nothing is known."""
    zone, now_us = occasion.zone, occasion.now_us
    if mark.kind == "alert":
        since = words.day(mark.since_us - 1, zone, now_us)
        text = f"the {mark.severity} alert {mark.name} was open, since {since}"
        return f"the alert {mark.name} open since {since}", (Sentence(words.opened(text), "line"),)
    receipt = occasion.receipts[mark.receipt]
    value = receipt.values[-1]
    if mark.kind == "of":
        if not isinstance(value, int | float | str) or value == "":
            return "", ()
        text = f"the line is {words.percent(mark.fraction)} of its {mark.name}, which were {_number(value)}"
        return "", (Sentence(words.opened(text), "line", (mark.receipt,)),)
    day = moment(value, occasion)
    if day is None:
        return "", ()
    on = words.day(day, zone, now_us)
    if mark.kind == "after":
        text = f"it is asked from {words.counted(mark.days, 'day')} after the {mark.name} on, which was on {on}"
        return "", (Sentence(words.opened(text), "line", (mark.receipt,)),)
    left = words.days_between(receipt.query.edges_us[-1], day, zone)
    ahead = f"{words.counted(left, 'day')} after the close"
    text = f"the {mark.name} is on {on}, {ahead}; the line is at most {words.counted(mark.days, 'day')}"
    return f"{mark.name} on {on}", (Sentence(words.opened(text), "change", (mark.receipt,)),)


def _number(value: float | str) -> str:
    try:
        return words.number(float(value))
    except ValueError:
        return str(value)
