"""How each kind of clause is told: what changed, since when, against what is usual, and how far past the line.

Each teller returns the headline's half sentence, the sentences and the shape. Nothing here says why it happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from beforehand.signals.tree import Absence, Change, Leaf, Level, Milestone, Peers, Spike, Usual
from beforehand.story import words
from beforehand.story.absences import absence, milestone
from beforehand.story.changes import change
from beforehand.story.clause import Clause
from beforehand.story.closing import leaf_phrase
from beforehand.story.levels import band_said, level
from beforehand.story.mades import with_details
from beforehand.story.peers import peers
from beforehand.story.scene import Occasion, values_said
from beforehand.story.spikes import spike
from beforehand.story.view import Told, View, series_of

TELLERS: dict[type[Leaf], Callable[[View, Any], Told]] = {
    Level: level,
    Change: change,
    Usual: level,
    Spike: spike,
    Absence: absence,
    Peers: peers,
    Milestone: milestone,
}


def tell(occasion: Occasion, clause: Clause) -> Told:
    """A clause in words."""
    view = View(occasion, clause, occasion.receipts[clause.receipt])
    if clause.role == "unless":
        return _exception(view)
    if clause.role == "not":
        return _negated(view)
    told = with_details(view, TELLERS[type(clause.leaf)](view, clause.leaf))
    role = clause.quantity.role
    if role is None or not clause.held_by:
        return told
    # Who the people are that a role means, said once, after what they did.
    who = view.sentence(f"{role} there: {words.listed(clause.held_by)}", "detail")
    return replace(told, sentences=(*told.sentences[:1], who, *told.sentences[1:]))


def _exception(view: View) -> Told:
    """What would have spoken against it, and does not: it stands in no headline."""
    judged = view.judged
    text = f"the exception is not there: {view.subject} {view.were} "
    text += values_said(view.clause, judged, view.when(len(judged)))
    sentence = view.sentence(f"{text}; it asks that {leaf_phrase(view.clause)}", "line")
    return Told("", (sentence,), series_of(view, view.band, None, [], None))


def _negated(view: View) -> Told:
    """What is asked not to be so, and is not."""
    judged = view.judged
    text = f"{view.subject} {view.were} {values_said(view.clause, judged, view.when(len(judged)))}"
    band = view.band
    usual = f"; {band_said(view.clause, band)} is usual for {view.occasion.who}" if band else ""
    sentences = [view.sentence(text + usual, "change")]
    sentences.append(view.sentence(f"it is asked not to be so that {leaf_phrase(view.clause)}", "line"))
    held = list(range(len(view.values) - len(judged), len(view.values)))
    newest = values_said(view.clause, judged[-1:], view.when(1))
    headline = f"{view.subject} {view.were} {newest}, and not so that {leaf_phrase(view.clause)}"
    return Told(headline, tuple(sentences), series_of(view, band, None, held, None))
