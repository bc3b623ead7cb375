"""A clause beside its receipts: what every kind of clause is told from, and the words that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from beforehand.calendar import Grain
from beforehand.signals.tree import Level, Usual
from beforehand.story import words
from beforehand.story.clause import Clause
from beforehand.story.quantities import STANDING, scoped
from beforehand.story.receipt import Receipt
from beforehand.story.scene import Occasion, Sentence, Series, Topic, span_said
from beforehand.story.usual import Said, line_of, usual_of


@dataclass(frozen=True)
class Told:
    """One clause told: half a headline (without stop, first letter small), sentences, and the shape of it."""

    headline: str
    sentences: tuple[Sentence, ...]
    series: Series


@dataclass(frozen=True)
class View:
    """A clause beside its receipt: the values, those judged, the band of those before."""

    occasion: Occasion
    clause: Clause
    receipt: Receipt

    @property
    def values(self) -> tuple[float | None, ...]:
        """All periods, oldest first."""
        return self.receipt.numbers

    @property
    def judged(self) -> tuple[float | None, ...]:
        """The periods the verdict was made of."""
        return self.values[-self.clause.streak.of :]

    @property
    def last(self) -> float | None:
        """The newest judged value that is known."""
        return next((v for v in reversed(self.judged) if v is not None), None)

    @property
    def band(self) -> Said | None:
        """What was usual before; of a running total nothing is."""
        return None if self.runs_on else usual_of(self.clause, self.values, len(self.judged))

    @property
    def runs_on(self) -> bool:
        """Whether it is a total of all that ever came in."""
        return self.clause.quantity.standing and not isinstance(self.clause.quantity.made, STANDING)

    @property
    def threshold(self) -> float | None:
        """The line of a level or of a `usual` leaf, as it is said."""
        leaf = self.clause.leaf
        if isinstance(leaf, Level):
            return leaf.bound
        return line_of(self.clause, self.values, len(self.judged)) if isinstance(leaf, Usual) else None

    @property
    def subject(self) -> str:
        """What the sentence is about: `logins`, `logins of Dana`, `tickets about exports`."""
        return scoped(self.clause.called, self.occasion.subject, self.occasion.scope)

    @property
    def were(self) -> str:
        """The verb that goes with it."""
        return "were" if self.clause.plural else "was"

    @property
    def they(self) -> str:
        """The pronoun that goes with it."""
        return "they" if self.clause.plural else "it"

    def period_said(self, index: int) -> str:
        """The period at an index: `the week of 26 October`; `the 30 days up to 26 October` for a rolling one."""
        start, end = self.receipt.query.spans[index]
        zone, now_us = self.occasion.zone, self.occasion.now_us
        if self.clause.quantity.rolling_days:
            return words.day(end - 1, zone, now_us)
        return words.period(start, self.clause.grain, zone, now_us)

    def when(self, count: int) -> str:
        """When the last `count` periods were; what stands is told of their ends."""
        edges = self.receipt.query.edges_us
        of = self.occasion
        said = span_said(count, self.clause.grain, edges[-1 - count], edges[-1], of.zone, of.now_us, dated=of.dated)
        if not self.clause.quantity.standing:
            return said
        return f"at the end{'s' * (count > 1)} of {said.removeprefix('in ').removeprefix('on ')}"

    def sentence(self, text: str, topic: Topic, *more: int | None) -> Sentence:
        """A sentence proven by this clause's receipt and others."""
        places = (self.clause.receipt, *(m for m in more if m is not None))
        return Sentence(words.opened(text), topic, tuple(dict.fromkeys(places)))


def feed(view: View) -> list[Sentence]:
    """For zeros: that the same feed brought facts of others in that time, or that it did not."""
    place = view.clause.alive
    if place is None:
        return []
    receipt = view.occasion.receipts[place]
    total = sum(v for v in receipt.numbers if v is not None)
    same = "that day" if view.clause.streak.of == 1 and view.clause.grain is Grain.DAY else "in that time"
    if total > 0:
        facts = view.clause.facts if total != 1 else view.clause.facts.rstrip("s")
        text = f"the feed was alive: {words.number(total)} {facts} of all accounts {same}"
    else:
        text = f"no account at all had any {view.clause.facts} {same}, so the feed itself may be silent"
    return [Sentence(words.opened(text), "feed", (place,))]


def series_of(
    view: View,
    band: Said | None,
    threshold: float | None,
    held: Sequence[int],
    since: int | None,
    before: tuple[float, float] | None = None,
    against: Literal["before", "peers"] = "before",
) -> Series:
    """The shape of a clause; a change is drawn over the range of the periods `before` that it was judged against, a
    comparison with peers over that of theirs."""
    clause = view.clause
    spans = view.receipt.query.spans
    rolling = clause.quantity.rolling_days is not None
    edges = view.receipt.query.edges_us
    starts = edges[view.receipt.query.span - 1 : -1] if rolling else tuple(start for start, _ in spans)
    return Series(
        metric=view.subject,
        grain=clause.grain,
        starts_us=tuple(starts),
        values=view.values,
        held=tuple(held),
        usual=before or ((band.low, band.high) if band else None),
        against=against if before else "usual",
        threshold=threshold,
        since=since,
        share=clause.measure == "share" and not clause.quantity.per_active,
        rate=clause.rate,
        down=clause.down,
        receipt=clause.receipt,
    )


def judged_of(view: View) -> list[tuple[int, float]]:
    """The judged values that are known, with their places in the series."""
    first = len(view.values) - len(view.judged)
    return [(first + i, v) for i, v in enumerate(view.judged) if v is not None]


def newest(view: View) -> str:
    """The newest judged period as the subject of a clause: `last week`, `the week of 9 November`."""
    if view.clause.quantity.standing:
        return "that"
    said = view.when(1)
    return said.removeprefix("at ").removeprefix("in ").removeprefix("on ")


def none_or(clause: Clause, value: float) -> str:
    """A value in a headline: nothing is `none`, where it is a count."""
    return "none" if value == 0 and (clause.whole or clause.quantity.per_active) else clause.said(value)


def points(gap: float) -> str:
    """A difference of percentages."""
    return words.counted(max(1, round(gap * 100)), "point")
