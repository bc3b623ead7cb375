"""A story, told from receipts and held to them.

Each sentence is told twice: from the receipts kept with the alert, and from the answers that the same questions have
today. Where a receipt can no longer be reproduced, or today's answer would give another sentence, the first is shown
with the day it was known on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from beforehand.story import around, kinds, marks, words
from beforehand.story.meanwhile import meanwhile
from beforehand.story.peers import normal
from beforehand.story.receipt import Receipt
from beforehand.story.scene import TRUE, Occasion, Sentence, Series, Story
from beforehand.story.view import Told

# Headlines name at most this many clauses; more are counted.
NAMED = 2
Part = Callable[[Occasion], list[Sentence]]


def tell(occasion: Occasion) -> Story:
    """The whole story of one alert."""
    then = _plain(occasion)
    if not occasion.checks:
        return then
    today = _plain(replace(occasion, receipts=_today(occasion), checks=()))
    known = _known_on(occasion)
    said = {s.text for s in today.sentences}
    sentences = tuple(_held(occasion, s, said, known) for s in then.sentences)
    broken = {s.receipts[0]: s.status for s in sentences if s.topic == "change" and s.status != TRUE}
    series = tuple(
        replace(s, status=broken.get(s.receipt, TRUE) if s.receipt is not None else TRUE) for s in then.series
    )
    status = next(iter(broken.values()), TRUE)
    return Story(
        headline=Sentence(then.headline, "change", status=status).shown,
        sentences=_with_late(sentences, occasion, today),
        series=series,
        receipts=occasion.receipts + tuple(c.now for c in occasion.checks if c.now is not None),
        status=status,
        looked_at=occasion.looked_at,
    )


def _plain(occasion: Occasion) -> Story:
    told = [kinds.tell(occasion, clause) for clause in occasion.clauses]
    marked = [marks.tell(occasion, mark) for mark in occasion.marks]
    sentences = [s for t in told for s in t.sentences] + [s for _, more in marked for s in more]
    sentences.extend(_normal(occasion))
    after: tuple[Part, ...] = (meanwhile, around.stake, around.owner, around.contact, around.why)
    for part in after:
        sentences.extend(part(occasion))
    if occasion.closed is None:
        sentences.extend(around.closes(occasion.closing))
    sentences.extend(around.record(occasion))
    sentences = _once(sentences)
    signs = [(c.role == "first", t) for c, t in zip(occasion.clauses, told, strict=True) if c.role != "unless"]
    also = [text for text, _ in marked if text]
    headline, shapes = _headline(signs, also), _shapes([t for _, t in signs])
    return Story(headline, tuple(sentences), shapes, occasion.receipts, looked_at=occasion.looked_at)


def _once(sentences: list[Sentence]) -> list[Sentence]:
    """Nothing twice: what two clauses of one metric both say is said where it comes first, with both receipts."""
    kept: dict[str, Sentence] = {}
    for sentence in sentences:
        before = kept.setdefault(sentence.text, sentence)
        more = tuple(place for place in sentence.receipts if place not in before.receipts)
        kept[sentence.text] = replace(before, receipts=before.receipts + more)
    return list(kept.values())


def _normal(occasion: Occasion) -> list[Sentence]:
    """What is normal for accounts like it, of the first clause that says a number."""
    if occasion.normal is None or not occasion.clauses:
        return []
    said = normal(occasion, occasion.clauses[0], occasion.receipts[occasion.normal])
    return [] if said is None else [said]


def _headline(signs: list[tuple[bool, Told]], also: list[str]) -> str:
    """The half sentences of the first clauses as one, without a stop: `Logins fell from 14 a week to 1`.

    A clause that came before another is told before it, and the other follows with `then`.
    """
    came_first: dict[str, bool] = {}
    for first, told in signs:
        came_first.setdefault(told.headline, first)
    for text in also:
        came_first.setdefault(text, False)
    said = list(came_first)
    if not said:
        return "Nothing is known any more of what made this signal hold"
    more = len(said) - NAMED
    text = said[0]
    for before, after in pairwise(said[:NAMED]):
        text += ("; then " if came_first[before] and not came_first[after] else "; ") + after
    text += f"; and {words.in_words(more)} more sign{'s' * (more > 1)}" if more > 0 else ""
    return text[0].upper() + text[1:]


def _shapes(told: list[Told]) -> tuple[Series, ...]:
    """One shape per metric: the same line is not drawn twice."""
    kept: dict[tuple[str, str], Series] = {}
    for one in told:
        kept.setdefault((one.series.metric, one.series.grain.value), one.series)
    return tuple(kept.values())


def _today(occasion: Occasion) -> tuple[Receipt, ...]:
    return tuple(
        check.now if check.now is not None else receipt
        for receipt, check in zip(occasion.receipts, occasion.checks, strict=True)
    )


def _known_on(occasion: Occasion) -> Callable[[Sentence], str]:
    def said(sentence: Sentence) -> str:
        known_us = max(occasion.receipts[p].known_us for p in sentence.receipts)
        return f"as known on {words.day(known_us, occasion.zone, occasion.now_us)}"

    return said


def _held(occasion: Occasion, sentence: Sentence, today: set[str], known_on: Callable[[Sentence], str]) -> Sentence:
    """The sentence with its status: what no receipt proves (the author's own words) stands as it is."""
    if not sentence.receipts:
        return sentence
    verified = all(occasion.checks[p].verified for p in sentence.receipts)
    if verified and sentence.text in today:
        return sentence
    return replace(sentence, status=known_on(sentence))


def _with_late(sentences: tuple[Sentence, ...], occasion: Occasion, today: Story) -> tuple[Sentence, ...]:
    """After a sentence about the change that late facts have altered: what it says with all that is known now."""
    shown: list[Sentence] = []
    fresh = {s.receipts[0]: s for s in today.sentences if s.topic == "change"}
    places = _fresh_places(occasion)
    for sentence in sentences:
        shown.append(sentence)
        if sentence.topic != "change" or sentence.status == TRUE:
            continue
        now = fresh.get(sentence.receipts[0])
        if now is None or now.text == sentence.text or sentence.receipts[0] not in places:
            continue
        text = f"With all that is known today: {now.text}"
        shown.append(Sentence(text, "late", tuple(places[p] for p in now.receipts if p in places)))
    return tuple(shown)


def _fresh_places(occasion: Occasion) -> dict[int, int]:
    """Where the answers of today stand: behind the receipts of then, in their order."""
    with_now = [place for place, check in enumerate(occasion.checks) if check.now is not None]
    return {place: len(occasion.receipts) + nth for nth, place in enumerate(with_now)}
