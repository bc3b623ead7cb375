"""Who we are at a moment: who works, who is away, and who hears in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from beforehand.calendar import BusinessTime, to_datetime, to_us
from beforehand.workspace.team_spec import AwaySpec, PersonSpec, TeamSpec


@dataclass(frozen=True)
class Reach:
    """Who hears in the place of somebody: themselves, a stand-in, a manager, or nobody (None); `why` where not they."""

    person: str | None
    why: str = ""


@dataclass(frozen=True)
class Team:
    """The people of team.yaml, and the business time of each by name."""

    spec: TeamSpec
    times: Mapping[str, BusinessTime]

    @property
    def people(self) -> Mapping[str, PersonSpec]:
        """Each of us by name, in the order of the file."""
        return self.spec.people

    @cached_property
    def names(self) -> dict[str, str]:
        """Every way in which a person is called, folded, to the name."""
        found: dict[str, str] = {}
        for name, person in self.people.items():
            for called in (name, person.email or name, *person.known_as):
                found.setdefault(folded(called), name)
        return found

    def named(self, called: str) -> str | None:
        """The name of the person somebody means; None where nobody is called so."""
        return self.names.get(folded(called))

    def in_role(self, role: str) -> tuple[str, ...]:
        """Those of a role, in the order of the file."""
        return tuple(name for name, person in self.people.items() if role in person.roles)

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """Every role somebody has, or accounts are owned in."""
        held = [role for person in self.people.values() for role in person.roles]
        return tuple(dict.fromkeys([*held, *self.spec.owners]))

    def budget(self, name: str) -> int:
        """How many messages a week somebody gets at most."""
        own = self.people[name].budget
        return self.spec.budget if own is None else own

    def today(self, name: str, at: datetime) -> date:
        """The day it is where somebody is."""
        return at.astimezone(self.times[name].zone).date()

    def away(self, name: str, at: datetime) -> AwaySpec | None:
        """The time off somebody has at a moment."""
        day = self.today(name, at)
        return next((off for off in self.people[name].away if off.from_on <= day <= off.until_on), None)

    def left(self, name: str, at: datetime) -> bool:
        """Whether somebody is no longer with us."""
        gone = self.people[name].left_on
        return gone is not None and self.today(name, at) >= gone

    def reach(self, name: str, at: datetime) -> Reach:
        """Who hears in the place of somebody at a moment; nobody is asked twice, so that circles end."""
        reasons: list[str] = []
        asked: list[str] = []
        now: str | None = name
        while now is not None and now in self.people and now not in asked:
            asked.append(now)
            if self.left(now, at):
                reasons.append(f"{now} left on {self.people[now].left_on}")
                now = self.people[now].manager
                continue
            off = self.away(now, at)
            if off is None:
                return Reach(now, "; ".join(reasons))
            reasons.append(f"{now} is away until {off.until_on}" + ("" if off.stand_in else " without a stand-in"))
            now = off.stand_in or self.people[now].manager
        return Reach(None, "; ".join(reasons))

    def opens(self, name: str, at: datetime) -> datetime | None:
        """When somebody works next: None where they work at that moment."""
        time = self.times[name]
        now = to_us(at)
        # The end of the shortest piece of work from now on: where it is no further, they are at work.
        soon = int(time.hours_later(np.array([now]), TICK_HOURS)[0])
        if soon - now <= TICK_US:
            return None
        return to_datetime(soon - TICK_US)

    def later(self, name: str, at: datetime, span: timedelta) -> datetime:
        """When so much business time of somebody has passed: whole days are business days, all else business hours."""
        time, now = self.times[name], np.array([to_us(at)])
        if span % timedelta(days=1) == timedelta():
            return to_datetime(int(time.days_later(now, span // timedelta(days=1))[0]))
        return to_datetime(int(time.hours_later(now, span / timedelta(hours=1))[0]))

    def next_digest(self, name: str, at: datetime, *, weekly: bool = False) -> datetime | None:
        """When the next digest of somebody is: at their hour, on their working days; None for who has none.

        `weekly`: on the first of their working days in each week.
        """
        written = self.people[name].digest_at or self.spec.digest_at
        if written == "off":
            return None
        hour, minute = (int(part) for part in written.split(":"))
        time = self.times[name]
        today = (self.today(name, at) - EPOCH).days
        monday = today - (today + 3) % 7  # 1970-01-01 was a Thursday
        days = np.arange(monday, today + DIGEST_DAYS)
        worked = days[time.is_workday(days)]
        if weekly:
            _, first = np.unique((worked + 3) // 7, return_index=True)
            worked = worked[first]
        dates = [EPOCH + timedelta(days=int(day)) for day in worked]
        moments = (datetime(d.year, d.month, d.day, hour, minute, tzinfo=time.zone) for d in dates)
        comes = next((m for m in moments if m > at), at + timedelta(days=DIGEST_DAYS))
        return to_datetime(to_us(comes))

    def week(self, name: str, at: datetime) -> tuple[datetime, datetime]:
        """The week that a budget is for, from Monday to Monday where somebody is."""
        zone, day = self.times[name].zone, self.today(name, at)
        monday = day - timedelta(days=day.weekday())
        first, last = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (monday, monday + timedelta(days=7)))
        return to_datetime(to_us(first)), to_datetime(to_us(last))


TICK_US = 1_000_000
TICK_HOURS = 1 / 3600
DIGEST_DAYS = 30
EPOCH = date(1970, 1, 1)


def folded(called: str) -> str:
    """A name without what does not tell people apart."""
    return " ".join(called.casefold().split())
