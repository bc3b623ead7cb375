"""What a person may do with an alert, and what it is then. Pure: `now` is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from beforehand.errors import InputError, among


class State(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Reason(StrEnum):
    """Why an alert was closed."""

    CLEARED = "cleared"
    RESOLVED = "resolved"
    NOT_USEFUL = "not useful"
    LEFT = "left"
    SUPERSEDED = "superseded"


BY_PERSON = (Reason.RESOLVED, Reason.NOT_USEFUL)
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Standing:
    """The part of an alert that acts change."""

    state: State
    snoozed_until_at: datetime | None = None
    close_reason: Reason | None = None

    def at(self, now: datetime) -> Standing:
        """The standing once time has done its part: a snooze that is over leaves the alert open."""
        over = self.state is State.SNOOZED and self.snoozed_until_at is not None and self.snoozed_until_at <= now
        return Standing(State.OPEN) if over else self


def acknowledge(standing: Standing, name: str) -> Standing:
    """Somebody has taken it on; ends a snooze. Doing it twice changes nothing. InputError where it is closed."""
    _alive(standing, name, "acknowledge")
    return Standing(State.ACKNOWLEDGED)


def snooze(standing: Standing, name: str, now: datetime, until: datetime) -> Standing:
    """Quiet until a time; judging goes on and may close it. InputError where closed or `until` is not ahead."""
    _alive(standing, name, "snooze")
    if until <= now:
        raise InputError(
            f"{name} cannot sleep until {until:%Y-%m-%d %H:%M} UTC: it is already {now:%Y-%m-%d %H:%M} UTC.",
            "Give a time ahead, for example --for 7d.",
            code="snooze-in-the-past",
        )
    return Standing(State.SNOOZED, until)


def resolve(standing: Standing, name: str, reason: str) -> Standing:
    """A person closes it. InputError for an unknown reason or where it is closed already."""
    _alive(standing, name, "resolve")
    known = {str(r): r for r in BY_PERSON}
    given = " ".join(reason.lower().replace("-", " ").replace("_", " ").split())
    if given not in known:
        raise InputError(
            f"{reason!r} is not a reason to close an alert.",
            f"{among(given, known)} Other words go into --note.",
            code="unknown-reason",
        )
    return Standing(State.CLOSED, None, known[given])


def _alive(standing: Standing, name: str, verb: str) -> None:
    if standing.state is State.CLOSED:
        raise InputError(
            f"{name} is closed already ({standing.close_reason}); there is nothing to {verb}.",
            "If it happens again a new alert opens and links back to it.",
            code="alert-closed",
        )
