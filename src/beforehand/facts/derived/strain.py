"""How near a ticket or a thread is to going wrong: points for what wears a customer out, each with its reason.

Plain data in, plain data out. What is told at a moment follows from what was known by then, and from the clock: a day
without an answer is told when the day is over.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from beforehand.calendar import DAY_US, HOUR_US

QUIET_US = 14 * DAY_US
"""A thread that no ticket stands for is over when nobody has written for so long."""
WAITS = ((7 * DAY_US, 3, "a week"), (3 * DAY_US, 2, "3 days"), (DAY_US, 1, "a day"))
URGENT = ("urgent", "high", "critical", "highest", "blocker", "1", "p1", "1 - critical", "1 - high", "2 - high")

ASKS = (
    r"\b(?:escalat\w+|manager|supervisor|your boss|formal complaint|complain(?:t|ing)?|unacceptable|lawyer|legal action"
    r"|refund|cancel(?:l?ing|lation)?|switch(?:ing)? to|third time|last time)\b"
)
"""Words of a customer who is about to go over our heads, or away. English."""
PROMISES = (
    r"\b(?:i|we)(?:'ll|’ll| will| shall|'re going to| are going to) (?:\w+ )?(?:get back|come back|reply|answer|update"
    r"|let you know|follow up|fix|send|ship|release|deploy|call|keep you posted|report back)"
)
"""Words of ours that promise something. English."""
_SOON = re.compile(
    r"\b(?:today|tonight|by (?:the )?end of (?:the )?(?:day|business)|eod|this (?:morning|afternoon))\b", re.I
)
_SPAN = re.compile(
    r"\b(?:within|in|next) (?:the next )?(\d{1,3}|a|an|one|two|three) (hour|business day|day|week)s?\b", re.I
)
_NAMED = re.compile(
    r"\b(?:by|on|before) (?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:this|end of (?:the )?) ?week\b", re.I
)
_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3}
_UNITS = {"hour": HOUR_US, "day": DAY_US, "business day": DAY_US * 7 // 5, "week": 7 * DAY_US}


@dataclass(frozen=True)
class State:
    """A version of a ticket: known from `known` on (UTC microseconds). `holder` is who has it, None for nobody."""

    known: int
    at: int
    done: bool
    urgent: bool = False
    holder: str | None = None


@dataclass(frozen=True)
class Said:
    """A message of the customer's (`theirs`) or ours. `angry`, or only `sharp`: how it sounds; `asks`: it has words of
    `ASKS`; `promised`: until when ours promises something (UTC microseconds), None where it promises nothing."""

    known: int
    at: int
    theirs: bool
    angry: bool = False
    asks: bool = False
    promised: int | None = None
    sharp: bool = False


@dataclass(frozen=True)
class Point:
    """The points from a moment on, and why: (reason, points), the most first."""

    at: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def points(self) -> int:
        """All of them together."""
        return sum(points for _, points in self.reasons)


@dataclass
class _Now:
    """What is known of one ticket or thread at a moment."""

    ticket: bool
    open: bool = False
    begun: bool = False
    again: int = 0
    hands: int = 0
    holder: str | None = None
    urgent: bool = False
    waits: int | None = None
    unanswered: int = 0
    asks: bool = False
    last: int = 0
    angry: deque[bool] = field(default_factory=lambda: deque(maxlen=3))
    sharp: bool = False
    promises: list[int] = field(default_factory=list)
    missed: int = 0

    def take(self, event: State | Said) -> None:
        """Learns of a version or a message."""
        if isinstance(event, State):
            self._state(event)
        else:
            self._said(event)

    def _state(self, event: State) -> None:
        if not event.done and not self.open:
            self.again += self.begun
            self.begun = True
        self.open, self.urgent = not event.done, event.urgent
        if event.holder is not None:
            self.hands += self.holder is not None and event.holder != self.holder
            self.holder = event.holder
        if event.done:
            self.waits, self.unanswered, self.asks = None, 0, False
            self.promises.clear()
            self.angry.clear()
            self.sharp = False

    def _said(self, event: Said) -> None:
        self.last = max(self.last, event.at)
        if event.theirs:
            if not self.ticket and not self.open:
                self.open = True
            self.waits = event.at if self.waits is None else min(self.waits, event.at)
            self.unanswered += 1
            self.asks |= event.asks
            self.angry.append(event.angry)
            self.sharp = event.sharp
            return
        self.waits, self.unanswered = None, 0
        self.missed += sum(until < event.at for until in self.promises)
        self.promises = [event.promised] if event.promised is not None else []

    def reasons(self, now: int) -> Iterator[tuple[str, int]]:
        """What wears the customer out at a moment, with points."""
        if not self.open or (not self.ticket and now >= self.last + QUIET_US):
            return
        if self.again:
            yield ("opened again" if self.again == 1 else f"opened again {self.again} times"), min(2 * self.again, 4)
        if self.hands:
            said = "given to somebody else" + (f" {self.hands} times" if self.hands > 1 else "")
            yield said, 1 if self.hands < 3 else 2
        missed = self.missed + sum(until < now for until in self.promises)
        if missed:
            said = "a promise of ours was not kept" if missed == 1 else f"{missed} promises of ours were not kept"
            yield said, 2 if missed == 1 else 3
        if self.waits is not None:
            for span, points, named in WAITS:
                if now >= self.waits + span:
                    yield f"no answer for more than {named}", points
                    break
        if self.unanswered > 1:
            yield f"{self.unanswered} messages without an answer", 1 if self.unanswered == 2 else 2
        if self.angry and self.angry[-1]:
            many = sum(self.angry)
            yield ("their last message is angry" if many == 1 else f"{many} of their last {len(self.angry)} messages "
                   "are angry"), 2 if many == 1 else 3  # fmt: skip
        elif self.sharp:
            yield "their last message is sharp", 1
        if self.asks:
            yield "they speak of a complaint, a manager or leaving", 2
        if self.urgent:
            yield "it is urgent", 1


def path(events: Iterable[State | Said], ticket: bool) -> list[Point]:
    """The points of a ticket (`ticket`), or of a thread without one, each time they or their reasons change.

    Events in any order; a first point of none is left out. Linear in the events, but for their sorting.
    """
    ordered = sorted(events, key=lambda event: (event.known, event.at))
    moments = sorted({at for event in ordered for at in _moments(event, ticket)})
    now, told, found, nth = _Now(ticket), tuple[tuple[str, int], ...](), list[Point](), 0
    for moment in moments:
        while nth < len(ordered) and ordered[nth].known <= moment:
            now.take(ordered[nth])
            nth += 1
        reasons = tuple(sorted(now.reasons(moment), key=lambda reason: -reason[1]))
        if reasons != told:
            found.append(Point(moment, reasons))
            told = reasons
    return found


def _moments(event: State | Said, ticket: bool) -> Iterator[int]:
    """When something may change by an event: as it is learned, and as time goes on after it."""
    yield event.known
    if isinstance(event, State):
        return
    spans = [span for span, _, _ in WAITS] if event.theirs else []
    spans += [] if ticket else [QUIET_US]
    if event.promised is not None:
        yield max(event.known, event.promised + 1)
    for span in spans:
        yield max(event.known, event.at + span)


def promised_until(text: str, at: int) -> int | None:
    """Until when a text of ours promises something, None where it promises nothing; 3 days where it does not say."""
    if not re.search(PROMISES, text, re.IGNORECASE):
        return None
    if _SOON.search(text):
        return at + DAY_US
    if re.search(r"\btomorrow\b", text, re.IGNORECASE):
        return at + 2 * DAY_US
    if span := _SPAN.search(text):
        many = _WORDS.get(span[1].lower()) or int(span[1])
        return at + many * _UNITS[span[2].lower()]
    return at + (7 * DAY_US if _NAMED.search(text) else 3 * DAY_US)
