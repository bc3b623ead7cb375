"""What the stages pass on: alerts that are due to somebody, what is to be told, what is held back and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

SEVERITIES = ("critical", "high", "medium", "low")
Kind = Literal["escalated", "worse", "first", "handed over", "still", "since", "digest", "cleared"]
KINDS: tuple[Kind, ...] = ("escalated", "worse", "first", "handed over", "still", "since", "digest", "cleared")
"""What a message may be, the most pressing first; `since`: written into the message that told of the account."""
FREE: tuple[Kind, ...] = ("since", "digest", "cleared")
"""What no budget is spent on: they change what was sent, or take in what is not worth a message of its own."""
Rhythm = Literal["daily", "weekly"]
"""Which digest something may wait for at most; it goes along with whichever is sent first."""


@dataclass(frozen=True)
class Item:
    """An alert as the stages see it. `risk` is how often its signal was right, `value` what the account is worth.

    `waits`: maintenance that keeps it, each with its end and why. `cause`: the incident it was released from.
    """

    number: int
    name: str
    account: str
    signal: str
    severity: str
    opened_at: datetime
    polarity: str = "risk"
    value: float = 0.0
    risk: float = 0.0
    closed: bool = False
    acknowledged: bool = False
    snoozed_until: datetime | None = None
    backlog: bool = False
    cause: int | None = None
    waits: tuple[tuple[datetime, str], ...] = ()

    @property
    def rank(self) -> int:
        """How severe it is, 0 the most."""
        return SEVERITIES.index(self.severity)

    @property
    def urgency(self) -> tuple[int, float, datetime, int]:
        """What comes first where not all can be told: severity, then what is at risk, then what is older."""
        return (self.rank, -self.risk * self.value, self.opened_at, self.number)


@dataclass(frozen=True)
class Due:
    """An alert that a person (or a channel) is to hear of; `news` is set by `Remember`, or given by a clock.

    `digest`: which digest it may wait for, and `waits` why where not its route says so; `alone`: it is always a message
    of its own.
    """

    item: Item
    person: str
    route: str = ""
    why: str = ""
    any_hour: bool = False
    digest: Rhythm | None = None
    waits: str = ""
    alone: bool = False
    channel: bool = False
    news: Kind | None = None


@dataclass(frozen=True)
class Telling:
    """One message to one person: what is new, the most urgent first.

    `replaces`: the key of the message it takes the place of; `also`: the alerts that one told, and still tells.
    """

    person: str
    kind: Kind
    thread: str
    news: tuple[Due, ...]
    also: tuple[int, ...] = ()
    account: str | None = None
    replaces: str | None = None
    at: datetime | None = None
    """When it is handed over; None: at once."""
    silent: bool = False
    """Nothing is handed over, since ending is no message of its own; with `replaces` what waits is taken back."""

    @property
    def critical(self) -> bool:
        """Whether it is about something critical."""
        return any(due.item.severity == "critical" and not due.item.closed for due in self.news)

    @property
    def stake(self) -> float:
        """The most that is at risk by one of its alerts: how often its signal was right, times the account's value."""
        return max((due.item.risk * due.item.value for due in self.news), default=0.0)


@dataclass(frozen=True)
class Held:
    """What somebody is not told now, by which stage and why, and until when where that is known."""

    person: str | None
    alert: int
    stage: str
    why: str
    until: datetime | None = None


@dataclass(frozen=True)
class Said:
    """How an alert was last told to a person."""

    severity: str
    kind: str


@dataclass(frozen=True)
class Lately:
    """What somebody was told of an account in messages of its own, not long ago: the worst of it, and when last."""

    severity: str
    at: datetime


@dataclass(frozen=True)
class Sent:
    """A message that can still be changed: its key, and the alerts it tells.

    `waiting`: it is not handed over yet; else it is edited where it was sent.
    """

    key: str
    alerts: tuple[int, ...]
    waiting: bool = False


@dataclass(frozen=True)
class Doubt:
    """An open incident: alerts of these signals that opened since are not told before it is settled."""

    name: str
    since: datetime
    signals: frozenset[str]


@dataclass(frozen=True)
class Batch:
    """Everything a decision is made of at one moment, and what came of it so far.

    `opens`: when people who do not work now work next. `spent`, `budget` and `week_ends` are by person; a person
    without budget has no limit. `digest_at`, `week_at`: when the next daily and weekly digest of each is; those in
    `digest_now` get one now. `lately`: what was told of (account, polarity, person) not long ago. `last`: the last
    message by (thread, person), where it can be changed.
    """

    now: datetime
    due: tuple[Due, ...] = ()
    tellings: tuple[Telling, ...] = ()
    held: tuple[Held, ...] = ()
    before: Mapping[tuple[int, str], Said] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    covers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    together: int = 5
    opens: Mapping[str, datetime] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)
    budget: Mapping[str, int] = field(default_factory=dict)
    week_ends: Mapping[str, datetime] = field(default_factory=dict)
    critical_counts: bool = False
    digest_now: frozenset[str] = frozenset()
    digest_at: Mapping[str, datetime] = field(default_factory=dict)
    week_at: Mapping[str, datetime] = field(default_factory=dict)
    lately: Mapping[tuple[str, str, str], Lately] = field(default_factory=dict)
    last: Mapping[tuple[str, str], Sent] = field(default_factory=dict)


class Stage(Protocol):
    """One step of telling. It takes nothing away: what it does not pass on it holds back with a reason."""

    def pass_on(self, batch: Batch) -> Batch:
        """The batch after this step."""
        ...
