"""What signals found of what is planted: per kind planted, found, missed, false and how late, against truth.json."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

Span = tuple[date, date]
BEFORE = 2  # days: a moment is dated by its own day, an episode by the end of one


@dataclass(frozen=True)
class Kind:
    """A kind of signal, the one of the library that tells it, and the moments it has to tell.

    `also` are moments that make the sentence rightly true though they are planted as something else. An episode may
    open up to `after` days after the end of a moment.
    """

    kind: str
    signal: str
    moments: tuple[str, ...]
    also: tuple[str, ...] = ()
    after: int = 7
    seats: int = 0  # only accounts with at least so many on their first day, as the signal's own population asks


FADING = ("decline", "pause", "champion gone", "quiet for its size", "onboarding stuck")
TROUBLE = (
    *FADING, "errors rise", "abandoned exports", "core action stops", "missed milestone", "admin silent",
    "ticket burst", "same issue", "ticket waits", "low NPS", "talks of leaving", "invoice overdue", "payment failed",
    "looks at the exit",
)  # fmt: skip
WORN = ("tone turns", "ticket burst", "ticket waits", "ticket reopened", "ticket passed around")
SOUR = ("turned terse", "silent after anger", "ticket goes wrong")
KINDS = (
    Kind("level", "errors-in-the-way", ("errors rise",), ("error spike",), after=14),
    Kind("change", "fewer-people", ("decline", "pause"), FADING, after=35, seats=6),
    Kind("usual", "less-than-usual", ("decline", "pause"), (*FADING, "admin silent"), after=35),
    Kind("spike by the hour", "error-spike", ("error spike",), ("errors rise",), after=1),
    Kind("spike by the day", "lost-in-the-help", ("lost in the help",), ("back and forth",), after=2),
    Kind("absence", "no-core-action", ("core action stops",), (*FADING, "missed milestone"), after=10, seats=6),
    Kind("one after the other", "trouble-then-leaving", ("trouble, then decline",), (*FADING, "errors rise"), after=28),
    Kind("alerts before a renewal", "renewal-at-risk", ("trouble before the renewal",), TROUBLE, after=14, seats=6),
    Kind("part of a trait", "seats-nearly-full", ("expansion",), ("seats full",), seats=6),
    Kind("not followed in time", "exports-abandoned", ("abandoned exports",), ("errors rise",)),
    Kind("repeated", "tried-again-and-again", ("abandoned exports",), ("errors rise",)),
    Kind("back and forth", "back-and-forth-in-setup", ("back and forth",)),
    Kind("onboarding", "stuck-in-onboarding", ("onboarding stuck",)),
    Kind("milestone", "no-first-value", ("missed milestone",), ("onboarding stuck",)),
    Kind("milestone of the slowest", "slow-to-first-value", ("missed milestone",), ("onboarding stuck",)),
    Kind("different features", "one-feature-left", ("narrow use",), FADING, seats=6),
    Kind("peers", "quiet-for-its-size", ("quiet for its size",), FADING),
    Kind("use and money apart", "paying-less-while-busy", ("money falls",), after=98),
    Kind("the same issue", "same-issue-again", ("ticket burst",), ("same issue",)),
    Kind("waiting", "urgent-ticket-waits", ("ticket waits",)),
    Kind("opened again", "opened-again", ("ticket reopened",)),
    Kind("passed on", "passed-around", ("ticket passed around",)),
    Kind("nobody of a role", "no-admin-left", ("admin silent",), ("champion gone",)),
    Kind("a person silent", "champion-silent", ("champion gone",), (*FADING, "admin silent"), after=31),
    Kind("we silent", "our-silence", ("we were silent",)),
    Kind("answer of a role", "detractor-who-decides", ("low NPS",)),
    Kind("answers, twice", "bad-csat-twice", ("bad answers",)),
    Kind("mentions", "talks-of-leaving", ("talks of leaving",)),
    Kind("shift of tone", "turned-terse", ("turned terse",), TROUBLE, after=30),
    Kind("mood of an account", "account-turned-cold", ("tone turns",), (*TROUBLE, *SOUR), after=30),
    Kind("silence after anger", "silent-after-anger", ("silent after anger",), ("silent after sharp words",)),
    Kind(
        "a ticket going wrong",
        "about-to-go-wrong",
        ("ticket goes wrong",),
        ("tone turns", "ticket burst", "ticket waits"),
    ),
    Kind("overdue", "invoice-overdue", ("invoice overdue",)),
    Kind("payments", "payment-failed", ("payment failed",)),
    Kind("seen", "looks-at-the-exit", ("looks at the exit",)),
    Kind("growth: interest", "upgrade-interest", ("looks at prices",), ("expansion",)),
    Kind("growth: limits", "at-the-limit", ("at the limit",)),
    Kind("growth: advocates", "promoter-with-high-use", ("promoter",), after=60),
    Kind("recovery", "recovered", ("recovery",), after=28, seats=6),
)


@dataclass(frozen=True)
class Measured:
    """What was found of one kind: `planted` moments, of which `found` and `missed`; `false` of `episodes` told nothing
    that was there. `delay_days` is the median from the beginning of a moment to the opening of its episode.
    """

    kind: str
    signal: str
    planted: int
    found: int
    episodes: int
    false: int
    delay_days: float | None

    @property
    def missed(self) -> int:
        """How many planted moments no episode told."""
        return self.planted - self.found


def measured(truth: Mapping[str, Any], told: Mapping[str, Any], kinds: Sequence[Kind] = KINDS) -> list[Measured]:
    """Holds what `backtest --episodes --json` told against a truth, one row per kind whose signal was tested.

    A planted moment is found where an episode of its signal at its account opens within it, or up to `after` days
    later, or was open already. An episode is false where no moment is near, planted or come of itself. Moments before
    the first close that was judged are not counted.
    """
    spans: dict[tuple[str, str], list[Span]] = defaultdict(list)
    since = {row["signal"]: _day(row["since"]) for row in told["signals"] if row["since"] is not None}
    end = date.fromisoformat(truth["end_on"])
    for episode in told["episodes"]:
        closed = _day(episode["closed_at"]) if episode["closed_at"] else end
        spans[episode["signal"], episode["account"]].append((_day(episode["opened_at"]), closed))
    return [_one(kind, truth, spans, since[kind.signal]) for kind in kinds if kind.signal in since]


def read_truth(folder: Path) -> dict[str, Any]:
    """The truth of a simulated company."""
    found: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return found


def _one(kind: Kind, truth: Mapping[str, Any], told: Mapping[tuple[str, str], list[Span]], since: date) -> Measured:
    planted = found = false = number = 0
    delays: list[int] = []
    for account in truth["accounts"]:
        spans = told.get((kind.signal, account["account"]), [])
        moments = [m for m in account["moments"] if m["kind"] in (*kind.moments, *kind.also)]
        near = [_span(moment, kind.after) for moment in moments]
        number += len(spans)
        false += sum(not any(first <= opened <= last for first, last in near) for opened, _ in spans)
        for moment in moments:
            counts = account["seats"] >= kind.seats and date.fromisoformat(moment["to"]) >= since
            if counts and moment["kind"] in kind.moments and moment.get("planted", True):
                planted += 1
                first, last = _span(moment, kind.after)
                within = [opened for opened, _ in spans if first <= opened <= last]
                found += bool(within) or any(opened <= first <= closed for opened, closed in spans)
                if within:
                    delays.append(max(0, (min(within) - date.fromisoformat(moment["from"])).days))
    return Measured(kind.kind, kind.signal, planted, found, number, false, median(delays) if delays else None)


def _span(moment: Mapping[str, Any], after: int) -> Span:
    return (
        date.fromisoformat(moment["from"]) - timedelta(days=BEFORE),
        date.fromisoformat(moment["to"]) + timedelta(days=after + 1),
    )


def _day(at: str | datetime) -> date:
    moment = datetime.fromisoformat(at.replace("Z", "+00:00")) if isinstance(at, str) else at
    return moment.astimezone(UTC).date()
