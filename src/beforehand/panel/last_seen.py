"""When each account was last seen, as it was known at each close: what the proof's recency rival looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sqlglot import exp

from beforehand.calendar import Grain, zone_named
from beforehand.panel import where
from beforehand.panel.compile import Engine, Rows, period
from beforehand.panel.subjects import excluded_people
from beforehand.signals.numbers import Int

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.workspace.spec import SettingsSpec

UNSEEN = "NOT EXISTS (SELECT 1 FROM not_seen AS x WHERE x.account = events.account AND x.member = events.member)"
NEVER = np.iinfo(np.int64).min


class LastSeen:
    """The last event of every account at every close; one scan of the events per grain and grace, kept."""

    def __init__(self, facts: Facts, settings: SettingsSpec) -> None:
        self.facts = facts
        self.zone = zone_named(settings.zone)
        self.excluded = where.condition(settings.exclude.events, "events") if settings.exclude.events else None
        self.left_out = excluded_people(facts.connection, settings.exclude.people)
        self.found: dict[tuple[Grain, int, int], tuple[Int, Int, Int]] = {}

    def at(self, grain: Grain, periods: Int, grace_us: int, accounts: Int) -> Int:
        """Microseconds of the last event learned before each close, `[n, Q]`; NEVER where there was none.

        `periods` are the numbers of the periods that close, one after the other; `accounts` canonical nodes, ascending.
        """
        last = np.full((accounts.size, periods.size), NEVER, dtype=np.int64)
        if not periods.size or not accounts.size:
            return last
        node, known, occurred = self._scan(grain, grace_us, int(periods[0]))
        own = np.asarray(self.facts.subjects().canonical, dtype=np.int64)[node]
        row = np.minimum(np.searchsorted(accounts, own), accounts.size - 1)
        column = np.maximum(known - periods[0], 0)
        mine = (accounts[row] == own) & (column < periods.size)
        np.maximum.at(last, (row[mine], column[mine]), occurred[mine])
        return np.asarray(np.maximum.accumulate(last, axis=1))

    def _scan(self, grain: Grain, grace_us: int, first: int) -> tuple[Int, Int, Int]:
        """(account, period whose close is the first to know, `first` at least, newest time) of the events."""
        if (grain, grace_us, first) not in self.found:
            span = self.facts.span("events")
            if span is None:
                nothing = np.zeros(0, dtype=np.int64)
                return nothing, nothing, nothing
            begun, last, delay = span
            rows = Rows("events", "account", begun - grace_us, last + delay, excluded_events=self.excluded)
            us = Engine.microseconds("occurred_at")
            learned = exp.Paren(
                this=exp.Sub(
                    this=exp.Add(this=us.copy(), expression=exp.column("delay")),
                    expression=exp.Literal.number(grace_us),
                )
            )
            number = period(grain, self.zone, learned, rows.first_us, rows.last_us)
            known = exp.alias_(exp.func("greatest", number, exp.Literal.number(first)), "known")
            query = exp.select("account", known, exp.alias_(exp.Max(this=us), "occurred")).from_("events")
            query = query.where(*rows.filters(), *([exp.maybe_parse(UNSEEN)] if len(self.left_out) else [])).group_by(
                "ALL"
            )
            people = {"account": self.left_out[:, 0], "member": self.left_out[:, 1]}
            self.facts.connection.register("not_seen", people)
            try:
                table = self.facts.connection.execute(query.sql(dialect=Engine.dialect)).fetchnumpy()
            finally:
                self.facts.connection.unregister("not_seen")
            self.found[grain, grace_us, first] = tuple(  # type: ignore[assignment]
                np.asarray(table[name], dtype=np.int64) for name in ("account", "known", "occurred")
            )
        return self.found[grain, grace_us, first]
