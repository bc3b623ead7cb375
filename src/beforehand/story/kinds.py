"""What changed, since when, against what is usual, and how far past the line: for every kind of clause.

Each function returns the headline's half sentence and the sentences. Nothing here says why it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from beforehand.calendar import Grain
from beforehand.signals.spike import FAR
from beforehand.signals.tree import Absence, Change, Level, Spike, Usual
from beforehand.story import spikes, words
from beforehand.story.clause import Clause, lasting
from beforehand.story.closing import leaf_phrase
from beforehand.story.receipt import Receipt
from beforehand.story.scene import Occasion, Sentence, Series, Topic, span_said, values_said
from beforehand.story.usual import Said, left_at, line_of, usual_of

# From a rise of 1,000% on, a percentage says less than the two numbers do.
MANY = 10


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
        """What was usual before."""
        return usual_of(self.clause, self.values, len(self.judged))

    @property
    def threshold(self) -> float | None:
        """The line of a level or of a `usual` leaf, as it is said."""
        leaf = self.clause.leaf
        if isinstance(leaf, Level):
            return leaf.bound
        return line_of(self.clause, self.values, len(self.judged)) if isinstance(leaf, Usual) else None

    @property
    def subject(self) -> str:
        """What the sentence is about: `logins`, or `logins of Dana`."""
        return self.clause.called + (f" of {self.occasion.person}" if self.occasion.person else "")

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
        """When the last `count` periods were."""
        edges = self.receipt.query.edges_us
        of = self.occasion
        return span_said(count, self.clause.grain, edges[-1 - count], edges[-1], of.zone, of.now_us, dated=of.dated)

    def sentence(self, text: str, topic: Topic, *more: int | None) -> Sentence:
        """A sentence proven by this clause's receipt and others."""
        places = (self.clause.receipt, *(m for m in more if m is not None))
        return Sentence(words.opened(text), topic, tuple(dict.fromkeys(places)))


def tell(occasion: Occasion, clause: Clause) -> Told:
    """A clause in words."""
    view = View(occasion, clause, occasion.receipts[clause.receipt])
    if clause.role == "unless":
        return _exception(view)
    if isinstance(clause.leaf, Absence):
        return _absence(view, clause.leaf)
    if isinstance(clause.leaf, Change):
        return _change(view, clause.leaf)
    if isinstance(clause.leaf, Spike):
        return _spike(view, clause.leaf)
    return _level(view)


def _exception(view: View) -> Told:
    """What would have spoken against it, and does not: it stands in no headline."""
    judged = view.judged
    text = f"the exception is not there: {view.subject} {view.were} "
    text += values_said(view.clause, judged, view.when(len(judged)))
    sentence = view.sentence(f"{text}; it asks that {leaf_phrase(view.clause)}", "line")
    return Told("", (sentence,), _series(view, view.band, None, [], None))


def _level(view: View) -> Told:
    """A level, or a value outside its own usual band: both are values against a line."""
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
    sentences.extend(_feed(view))
    threshold = view.threshold
    held = [i for i, v in _judged(view) if _past(view, v, threshold)]
    return Told(_level_headline(view, band, last), tuple(sentences), _series(view, band, threshold, held, left))


def _level_headline(view: View, band: Said | None, last: float | None) -> str:
    clause, leaf = view.clause, view.clause.leaf
    moved = "fell" if clause.down else "rose"
    if (
        last is not None
        and band is not None
        and (band.mid > last if clause.down else band.mid < last)
        and not (band.holds(last))
    ):
        return f"{view.subject} {moved} from {_none(clause, band.mid)}{clause.rate} to {_none(clause, last)}"
    side = "below" if clause.down else "above"
    if clause.whole and clause.down and view.judged and not any(view.judged) and None not in view.judged:
        return f"no {view.subject}{_for(view) or ' ' + view.when(1)}"
    if isinstance(leaf, Level):
        bound = f"{_side(leaf)} {clause.said(leaf.bound)}{clause.rate}"
        if leaf.streak.of == 1:
            return f"{view.subject} {view.were} {clause.said(last or 0)} {view.when(1)}, {bound}"
        have = "have" if clause.plural else "has"
        return f"{view.subject} {have} been {bound}{_for(view)}"
    return f"{view.subject} {view.were} {side} what is usual{_for(view) or ' ' + view.when(1)}"


def _what(view: View, band: Said | None) -> str:
    clause = view.clause
    text = f"{view.subject} {view.were} {values_said(clause, view.judged, view.when(len(view.judged)))}"
    who = view.occasion.who
    if band is None:
        return f"{text}; there is too little of {who} yet to say what is usual"
    usual = _band_said(clause, band)
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
    past = [(i, v) for i, v in _judged(view) if _past(view, v, threshold)]
    text = f"the line is {asks}{lasting(clause.streak, clause.grain)}"
    if not past:
        return text
    at, value = past[-1]
    gap = abs(threshold - value)
    newest = at == len(view.values) - 1
    said = _newest(view) if newest else view.period_said(at)
    if gap == 0:
        return f"{text}; {said} was just on it"
    if clause.measure == "share" and not clause.quantity.per_active:
        return f"{text}; {said} was {_points(gap)} {'under' if clause.down else 'over'} it"
    return f"{text}; {said} was {clause.said(gap)} {'under' if clause.down else 'over'} it"


def _change(view: View, leaf: Change) -> Told:
    """Down or up against the mean of the periods before those judged."""
    clause, judged, last = view.clause, view.judged, view.last
    before = [v for v in view.values[: max(0, len(view.values) - leaf.gap)][-leaf.baseline :] if v is not None]
    text = f"{view.subject} {view.were} {values_said(clause, judged, view.when(len(judged)))}"
    if not before or last is None:
        return Told(text, (view.sentence(text, "change"),), _series(view, view.band, None, [], None))
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
    sentences.append(view.sentence(line + _past_change(view, leaf, mean, last), "line"))
    sentences.extend(_feed(view))
    held = [i for i, v in _judged(view) if (v <= threshold if clause.down else v >= threshold)]
    headline = _change_headline(view, mean, last) if (last < mean) == clause.down else text
    shape = _series(view, None, threshold, held, since, (min(before), max(before)))
    return Told(headline, tuple(sentences), shape)


def _past_change(view: View, leaf: Change, mean: float, last: float) -> str:
    """How far the newest period is past the line; nothing where it is not (a streak may hold without it)."""
    if mean <= 0 or (last < mean) != view.clause.down:
        return ""
    part = abs(last - mean) / mean
    past = part - leaf.fraction
    if part >= MANY:
        return f"; {_newest(view)} was many times as much as before"
    if past >= 0.005:
        moved = "down" if view.clause.down else "up"
        return f"; {_newest(view)} was {moved} {words.percent(part)}, {_points(past)} past it"
    return f"; {_newest(view)} was just on it" if past >= 0 else ""


def _change_headline(view: View, mean: float, last: float) -> str:
    moved = "fell" if view.clause.down else "rose"
    by = f" {words.percent(abs(last - mean) / mean)}," if mean > 0 and abs(last - mean) < MANY * mean else ""
    from_ = _about(view.clause, mean) if mean else _none(view.clause, mean)
    return f"{view.subject} {moved}{by} from {from_}{view.clause.rate} to {_none(view.clause, last)}"


def _spike(view: View, leaf: Spike) -> Told:
    """Far above the own usual: how much, since when, what is usual, how rare."""
    clause, judged, last = view.clause, view.judged, view.last
    if last is None:
        text = f"{view.subject} {view.were} {values_said(clause, judged, view.when(len(judged)))}"
        return Told(text, (view.sentence(text, "change"),), _series(view, None, None, [], None))
    _, end = view.receipt.query.spans[-1]
    at = spikes.when(clause, view.when(1), view.receipt.known_us, end, view.period_said(len(view.values) - 1))
    usual = spikes.usually(clause, view.values, len(judged))
    text = spikes.headline(clause, view.subject, last, at, usual)
    sentences = [view.sentence(text, "change")]
    if len(judged) > 1:
        more = f"{view.they} {view.were} {values_said(clause, judged, view.when(len(judged)))}"
        sentences.append(view.sentence(more, "change"))
    chances = spikes.chances(leaf, view.values, clause.whole)
    rare = spikes.rarely(clause.grain, chances[-1])
    if rare:
        sentences.append(view.sentence(rare, "line"))
    first = len(view.values) - len(judged)
    held = [first + n for n, p in enumerate(chances) if p <= FAR]
    return Told(text, tuple(sentences), _series(view, view.band, None, held, first))


def _absence(view: View, leaf: Absence) -> Told:
    clause, values = view.clause, view.values
    days = words.counted(leaf.days, "day")
    last = next((i for i in range(len(values) - 1, -1, -1) if values[i]), None)
    edges, zone, now_us = view.receipt.query.edges_us, view.occasion.zone, view.occasion.now_us
    recent = now_us < edges[-1] + (edges[-1] - edges[-2])
    when = f"in the last {days}" if recent else f"in the {days} up to {words.day(edges[-1] - 1, zone, now_us)}"
    text = f"there {view.were} no {view.subject} {when}"
    quiet = len(values) - 1 - last if last is not None else None
    if last is not None and quiet is not None:
        text += f"; the last {view.were} on {view.period_said(last)}"
    elif len(values) > leaf.days:
        text += f", nor in the {words.counted(len(values) - leaf.days, 'day')} before"
    sentences = [view.sentence(text, "change", clause.silence)]
    before = [v for v in values[: len(values) - leaf.days] if v is not None]
    had = sum(1 for v in before if v)
    if had:
        on = "all of them" if had == len(before) else f"{words.number(had)} of them"
        text = f"in the {words.counted(len(before), 'day')} before, {view.occasion.who} had some on {on}"
        sentences.append(view.sentence(text, "usual"))
    line = f"the line is {days} without any"
    if quiet is not None and quiet > leaf.days:
        line += f"; it has been {words.counted(quiet, 'day')}"
    sentences.append(view.sentence(line, "line"))
    sentences.extend(_feed(view))
    since = last + 1 if last is not None else None
    held = list(range(len(values) - leaf.days, len(values)))
    shown = f"at least {words.counted(len(values), 'day')}" if len(values) > leaf.days else days
    if quiet is not None:
        shown = words.counted(max(quiet, leaf.days), "day")
    return Told(f"no {view.subject} for {shown}", tuple(sentences), _series(view, None, None, held, since))


def _feed(view: View) -> list[Sentence]:
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


def _series(
    view: View,
    band: Said | None,
    threshold: float | None,
    held: Sequence[int],
    since: int | None,
    before: tuple[float, float] | None = None,
) -> Series:
    """The shape of a clause; a change is drawn over the range of the periods `before` that it was judged against."""
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
        against="before" if before else "usual",
        threshold=threshold,
        since=since,
        share=clause.measure == "share" and not clause.quantity.per_active,
        rate=clause.rate,
        down=clause.down,
        receipt=clause.receipt,
    )


def _judged(view: View) -> list[tuple[int, float]]:
    """The judged values that are known, with their places in the series."""
    first = len(view.values) - len(view.judged)
    return [(first + i, v) for i, v in enumerate(view.judged) if v is not None]


def _past(view: View, value: float, threshold: float | None) -> bool:
    if isinstance(view.clause.leaf, Level):
        return view.clause.holds(value)
    return threshold is not None and (value < threshold if view.clause.down else value > threshold)


def _run(values: Sequence[float | None], threshold: float, down: bool) -> range:
    """The unbroken run past a threshold at the end."""
    at = len(values)
    while at > 0:
        value = values[at - 1]
        if value is None or not (value <= threshold if down else value >= threshold):
            break
        at -= 1
    return range(at, len(values))


def _side(leaf: Level) -> str:
    return {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}[leaf.op]


def _for(view: View) -> str:
    streak, grain = view.clause.streak, view.clause.grain
    if streak.of == 1:
        return ""
    if streak.need == streak.of:
        return f" for {words.in_words(streak.of)} {grain.value}s"
    return f" in {words.in_words(streak.need)} of {words.in_words(streak.of)} {grain.value}s"


def _newest(view: View) -> str:
    """The newest judged period as the subject of a clause: `last week`, `the week of 9 November`."""
    said = view.when(1)
    return said if not said.startswith(("in ", "on ")) else said[3:]


def _band_said(clause: Clause, band: Said) -> str:
    low, high = clause.said(band.low), clause.said(band.high)
    return f"{low}{clause.rate}" if low == high else f"{low} to {high}{clause.rate}"


def _none(clause: Clause, value: float) -> str:
    """A value in a headline: nothing is `none`, where it is a count."""
    return "none" if value == 0 and (clause.whole or clause.quantity.per_active) else clause.said(value)


def _about(clause: Clause, mean: float) -> str:
    """A mean as people say it: whole from ten up, one figure after the point below that."""
    if clause.measure == "share" and not clause.quantity.per_active:
        return words.percent(mean)
    if abs(mean) >= 10:
        return clause.said(round(mean))
    return clause.said(round(mean, 1) or mean)


def _points(gap: float) -> str:
    """A difference of percentages."""
    return words.counted(max(1, round(gap * 100)), "point")
