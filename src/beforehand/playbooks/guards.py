"""What must be so before a customer hears from us, in one place and in one order; and arms of experiments. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from beforehand.calendar import BusinessTime, to_datetime, to_us
from beforehand.calendar.business import local_clock
from beforehand.workspace.playbook_spec import CapSpec, Lapse

HELD_OUT, TREATED = "held out", "treated"
MOST_QUIET_DAYS = 30


@dataclass(frozen=True)
class Asked:
    """What is known when a message would go to a customer.

    `local` is business time in their zone. `to_person` and `to_account` are when messages of playbooks went to them.
    `complaint` and `incident` say what is open in words, `touched_at` when somebody of us was last in touch.
    """

    at: datetime
    approved: bool
    needs_approval: bool
    address: str | None
    suppressed: str | None
    arm: str | None
    local: BusinessTime
    quiet: str | None
    cap: CapSpec
    to_person: Sequence[datetime] = ()
    to_account: Sequence[datetime] = ()
    complaint: str | None = None
    incident: str | None = None
    touched_at: datetime | None = None
    after_a_touch: Lapse | None = None
    receiver: str = "nobody"


@dataclass(frozen=True)
class Kept:
    """A message is kept back by a guard, for a reason in words; `until` where it is only put off."""

    guard: str
    reason: str
    until: datetime | None = None


def kept_back(asked: Asked) -> Kept | None:
    """The first guard that keeps a message back, None where it may go."""
    return next((found for guard in ORDER if (found := guard(asked)) is not None), None)


def arm_of(account: str, playbook: str, salt: str, share: float) -> str:
    """The arm of an account: a hash of (account, playbook, salt), the same whenever and wherever it is asked."""
    digest = hashlib.sha256("\x1f".join((account, playbook, salt)).encode()).digest()
    return HELD_OUT if int.from_bytes(digest[:8], "big") < share * 2**64 else TREATED


def _approval(asked: Asked) -> Kept | None:
    if asked.needs_approval and not asked.approved:
        return Kept("approval", "Nobody approved it.")
    return None


def _suppressed(asked: Asked) -> Kept | None:
    if asked.suppressed is not None:
        return Kept("suppressed", f"{asked.address} is not to be written to: {asked.suppressed}.")
    return None


def _address(asked: Asked) -> Kept | None:
    return None if asked.address else Kept("no-address", f"There is no address: {asked.receiver}.")


def _holdout(asked: Asked) -> Kept | None:
    if asked.arm == HELD_OUT:
        return Kept("holdout", "The account is in the arm for which nothing is done, so that the effect can be told.")
    return None


def _quiet(asked: Asked) -> Kept | None:
    until = quiet_until(asked.at, asked.local, asked.quiet)
    return None if until is None else Kept("quiet-hours", "It is no time to write to them, by their clock.", until)


def _cap(asked: Asked) -> Kept | None:
    cap = asked.cap
    for who, sent in (("This person", asked.to_person), ("The account", asked.to_account)):
        recent = [at for at in sent if at <= asked.at < cap.within.after(at, asked.local)]
        if len(recent) >= cap.messages:
            said = f"{who} has had {len(recent)} of {cap.messages} messages within {cap.within}."
            return Kept("cap", said)
    return None


def _complaint(asked: Asked) -> Kept | None:
    return None if asked.complaint is None else Kept("complaint", f"Something is open with them: {asked.complaint}.")


def _incident(asked: Asked) -> Kept | None:
    return None if asked.incident is None else Kept("incident", f"An incident is open: {asked.incident}.")


def _touch(asked: Asked) -> Kept | None:
    if asked.touched_at is None or asked.after_a_touch is None:
        return None
    until = asked.after_a_touch.after(asked.touched_at, asked.local)
    if asked.touched_at <= asked.at < until:
        return Kept("touch", f"We were in touch with them on {asked.touched_at:%Y-%m-%d}.", until)
    return None


Guard = Callable[[Asked], Kept | None]
ORDER: tuple[Guard, ...] = (_address, _approval, _suppressed, _holdout, _quiet, _cap, _complaint, _incident, _touch)
"""The one place that decides which guard comes before which."""


def quiet_until(at: datetime, local: BusinessTime, quiet: str | None) -> datetime | None:
    """When they may be written to next, None where that is now; `quiet` as `18:00-09:00`, None for no quiet hours."""
    if quiet is None:
        return None
    begins, ends = (_minutes(part) for part in quiet.split("-"))
    step = timedelta(minutes=15)
    moment = at
    for tried in range(MOST_QUIET_DAYS * 96):
        day, clock = local_clock(local.zone, np.array([to_us(moment)]))
        minute = int(clock[0]) // 60_000_000
        asleep = begins <= minute < ends if begins <= ends else minute >= begins or minute < ends
        if not asleep and bool(local.is_workday(day)[0]):
            return None if not tried else moment
        # Quarters of hours, as the zones of the world are apart from each other.
        past = to_us(moment) % (15 * 60_000_000)
        moment = to_datetime(to_us(moment) - past) + step
    return moment


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
