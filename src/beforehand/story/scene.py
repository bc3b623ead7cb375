"""The shapes of a story: what it is told from, and what is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

from beforehand.calendar import Grain, to_datetime
from beforehand.signals.tree import SubjectKind
from beforehand.story import words
from beforehand.story.clause import Clause, Mark
from beforehand.story.receipt import Receipt

Topic = Literal[
    "change", "usual", "since", "line", "peers", "feed", "detail", "late",
    "meanwhile", "stake", "owner", "contact", "why", "close", "record",
]  # fmt: skip
TRUE = "true"


@dataclass(frozen=True)
class Check:
    """What became of a receipt: whether it still gives the answer of then, and the answer to all known today."""

    verified: bool
    now: Receipt | None = None


@dataclass(frozen=True)
class Detail:
    """One row behind a clause, by its `id`: the place of the clause's receipt, and that of the row's own.

    `at_us` is when the fact that was made of it happened, `by` who wrote it. What was `written before` is there to
    show how somebody wrote until then; after what is `unanswered` its writer fell silent, and by what `pulled` the mood
    of an account is lower.
    """

    of: int
    id: str
    kind: Literal["ticket", "invoice", "written", "written before", "strained", "unanswered", "pulled"]
    receipt: int
    at_us: int = 0
    by: str = ""


@dataclass(frozen=True)
class Happening:
    """One thing that happened around the time: what proves it, in the last `weeks` of its receipt where it is a series.

    `name` is who or what it is about, `about` more of it (a role, a headline); `p` is how unusual it is for the
    account.
    """

    kind: str
    p: float
    receipts: tuple[int, ...] = ()
    name: str = ""
    about: str = ""
    weeks: int = 1
    at_us: int = 0
    clause: Clause | None = None


@dataclass(frozen=True)
class Record:
    """How a signal did on history: right of `finished` episodes, with its interval, and the median lead in days.

    `rival` is how often the accounts longest without an event would have been right, at the same number and closes.
    `standing`: better than both rivals, better than chance alone (`recency`), or not shown to be (`chance`).
    """

    outcome: str
    right: int
    finished: int
    low: float | None = None
    high: float | None = None
    lead_days: float | None = None
    rival: int | None = None
    rival_of: int | None = None
    assumed_arrival: bool = False
    standing: Literal["better", "recency", "chance", "unknown"] = "unknown"


@dataclass(frozen=True)
class Stake:
    """Places in the story's receipts of what is at stake (None: nothing is known of it)."""

    value: int | None = None
    currency: int | None = None
    renewal: int | None = None
    notice: int | None = None
    owner: int | None = None
    contact: int | None = None
    contact_by: str = ""
    contact_kind: str = ""
    contacts_kept: bool = False


@dataclass(frozen=True)
class Closing:
    """What ends the episode: the clear sentence in words, or None for the first close that is clear."""

    clear: str | None
    delay_out: int
    grain: Grain


@dataclass(frozen=True)
class Occasion:
    """All that a story is told from. `receipts` are known by their place; `checks` stand beside them (or are empty).

    `any_of` says that one clause was enough. `why` is the signal author's own sentence. `now_us` is when it is told,
    `closed` the reason of an episode that is over. `dated` names each period by its day instead of `last week`, for
    what is kept and read later. `tested` is False where the signal was never run over history. `marks` are the traits
    that were read. `scope` names the `subject` of it that the alert is about, blank for the account itself; `normal` is
    the place of what accounts alike had, `details` the rows behind clauses, `meanwhile` what else happened, the most
    unusual first, of so many things `looked_at`.
    """

    account: str
    zone: ZoneInfo
    now_us: int
    clauses: tuple[Clause, ...]
    receipts: tuple[Receipt, ...]
    scope: str = ""
    subject: SubjectKind = "account"
    any_of: bool = False
    polarity: str = "risk"
    why: str | None = None
    closing: Closing | None = None
    record: Record | None = None
    tested: bool = False
    stake: Stake = Stake()
    checks: tuple[Check, ...] = ()
    closed: str | None = None
    dated: bool = False
    marks: tuple[Mark, ...] = ()
    normal: int | None = None
    details: tuple[Detail, ...] = ()
    meanwhile: tuple[Happening, ...] = ()
    looked_at: int = 0

    @property
    def who(self) -> str:
        """For whom something is usual: the person where the alert is about one, else the account."""
        return self.scope if self.scope and self.subject == "person" else self.account


@dataclass(frozen=True)
class Sentence:
    """A sentence with its numbers, the places of the receipts that prove them, and whether they still do.

    `status` is "true", or "as known on 12 June" where the facts have changed since; `shown` says that with it.
    """

    text: str
    topic: Topic
    receipts: tuple[int, ...] = ()
    status: str = TRUE

    @property
    def shown(self) -> str:
        """The text as it may be shown: what is no longer true says when it was."""
        return self.text if self.status == TRUE else f"{self.status[0].upper()}{self.status[1:]}: {self.text}"

    def as_json(self) -> dict[str, Any]:
        """Plain data, as CONTRACT has it."""
        return {"text": self.shown, "topic": self.topic, "receipts": list(self.receipts), "status": self.status}


@dataclass(frozen=True)
class Series:
    """What a sparkline draws: values per period, those that made the signal hold, the usual band and the threshold.

    `against` names the band: what is usual, or the range of the periods before that a change was judged against.
    `starts_us` are the starts of the periods. `share` says that values are fractions, `rate` what follows a number.
    `since` is the index where the values left the band. `status` is that of the sentence that tells it.
    """

    metric: str
    grain: Grain
    starts_us: tuple[int, ...]
    values: tuple[float | None, ...]
    held: tuple[int, ...] = ()
    usual: tuple[float, float] | None = None
    threshold: float | None = None
    since: int | None = None
    share: bool = False
    rate: str = ""
    down: bool = True
    against: Literal["usual", "before", "peers"] = "usual"
    receipt: int | None = None
    status: str = TRUE

    def as_json(self) -> dict[str, Any]:
        """Plain data; times are aware datetimes."""
        return {
            "metric": self.metric,
            "grain": self.grain.value,
            "starts": [to_datetime(us) for us in self.starts_us],
            "values": list(self.values),
            "held": list(self.held),
            "usual": list(self.usual) if self.usual else None,
            "against": self.against,
            "threshold": self.threshold,
            "since": self.since,
            "share": self.share,
            "rate": self.rate,
            "receipt": self.receipt,
            "status": self.status,
        }


@dataclass(frozen=True)
class Story:
    """What a colleague would say of an alert: the headline first, then the sentences in the order they matter.

    What else happened was found among `looked_at` things.
    """

    headline: str
    sentences: tuple[Sentence, ...]
    series: tuple[Series, ...]
    receipts: tuple[Receipt, ...] = field(default=(), repr=False)
    status: str = TRUE
    looked_at: int = 0

    def of(self, *topics: str) -> tuple[Sentence, ...]:
        """The sentences about these topics."""
        return tuple(s for s in self.sentences if s.topic in topics)

    def first(self, topic: str) -> str | None:
        """The first sentence about a topic as shown, None where there is none."""
        return next((s.shown for s in self.sentences if s.topic == topic), None)

    def as_json(self) -> Mapping[str, Any]:
        """Plain data, as CONTRACT has it; the receipts stand beside the alerts, not in here."""
        return {
            "headline": self.headline,
            "status": self.status,
            "sentences": [s.as_json() for s in self.sentences],
            "stake": self.first("stake"),
            "closes_when": self.first("close"),
            "record": self.first("record"),
            "looked_at": self.looked_at,
            "series": [s.as_json() for s in self.series],
        }


def span_said(
    count: int, grain: Grain, start_us: int, end_us: int, zone: ZoneInfo, now_us: int, *, dated: bool = False
) -> str:
    """When `count` periods were, seen from `now_us`: `last week`, `in the three weeks up to 15 November`."""
    recent = now_us < end_us + (end_us - start_us) / count and not dated
    if count == 1:
        if recent:
            return {Grain.DAY: "yesterday", Grain.HOUR: "in the last hour"}.get(grain, f"last {grain.value}")
        return f"{words.placed(grain)} {words.period(start_us, grain, zone, now_us)}"
    if recent:
        return f"in the {words.periods(count, grain)}"
    upto = words.period(end_us, grain, zone, now_us) if grain is Grain.HOUR else words.day(end_us - 1, zone, now_us)
    return f"in the {words.in_words(count)} {grain.value}s up to {upto}"


def values_said(clause: Clause, values: Sequence[float | None], when: str) -> str:
    """The judged values and when they were: `1, 1 and 0 in the last three weeks`, `0 in each of the last two weeks`.

    Many are said as `between 0 and 3`; what is not known is left out.
    """
    known = [v for v in values if v is not None]
    if not known:
        return f"not known {when}"
    said = [clause.said(v) for v in known]
    if len(said) > 1 and len(set(said)) == 1:
        return f"{said[0]} in each of {when.removeprefix('in ')}"
    if len(said) > 6:
        return f"between {clause.said(min(known))} and {clause.said(max(known))} {when}"
    return f"{words.listed(said)} {when}"
