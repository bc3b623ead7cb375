"""What alerts are about, in texts by kind, for finding the resource that helps: errors, steps, features, issues.

Each kind is asked of the facts once, for all the accounts that are looked at together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from beforehand.calendar import to_us
from beforehand.facts.issues import ERROR_EVENT, PROPERTIES
from beforehand.facts.quoting import text

if TYPE_CHECKING:
    from beforehand.facts import Facts

ERRORS_FOR = timedelta(days=14)
STEPS_FOR = timedelta(days=30)
"""Somebody who is stuck comes seldom: the step is looked for over a longer time."""
MOST_TEXTS = 20
STEP_NAMES = ("step", "step_name", "onboarding_step", "detail")
ONBOARDING, DONE = "onboard|setup|set.up|step", "finish|complet|done|succeed|success"
Texts = dict[str, tuple[str, ...]]
Rows = Mapping[int, list[tuple[Any, ...]]]
"""For each stored account its rows, without the account."""


@dataclass
class Abouts:
    """What is known of the stored accounts `nodes` at `at`.

    `feature` is the property of events that names features, `events` the product's own names of standard events.
    """

    facts: Facts
    nodes: Sequence[int]
    at: datetime
    feature: str
    events: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, nodes: Iterable[int], signal: str, scope: str) -> Texts:
        """Texts by kind, what weighs most first, of an alert of `signal` about `scope` within the account.

        Errors, and features of errors, of the last 14 days, the most frequent first; onboarding steps of the last 30
        that were begun or failed and not finished since, the one that failed most first; issues: the scope, the groups
        of their tickets of 14 days, the categories of these.
        """
        own = list(nodes)
        issues = (*((scope,) if scope else ()), *_most(self._groups, own), *_most(self._categories, own))
        return {
            "signal": (signal,), "error": _most(self._errors, own), "onboarding step": _stuck(self._steps, own),
            "feature": _most(self._features, own), "issue": tuple(dict.fromkeys(issues)),
        }  # fmt: skip

    @cached_property
    def _errors(self) -> Rows:
        # A fingerprint and the words of the same error both say which one it is.
        said = "unnest(list_distinct([" + ", ".join(_property(name) for name in PROPERTIES) + "]))"
        return self._counted(said, "events", self._failing)

    @cached_property
    def _features(self) -> Rows:
        return self._counted(_property(self.feature.removeprefix("properties.")), "events", self._failing)

    @cached_property
    def _categories(self) -> Rows:
        return self._counted("category", "tickets", "sign > 0")

    @cached_property
    def _steps(self) -> Rows:
        said = "coalesce(" + ", ".join(_property(name) for name in STEP_NAMES) + ", event)"
        where = f"regexp_matches(event, '{ONBOARDING}', 'i')" + self._named("onboard")
        return self._rows(
            f"""SELECT account, {said} AS said, count(*) FILTER (regexp_matches(event, '{ERROR_EVENT}', 'i')),
                max(epoch_us(occurred_at)),
                coalesce(max(epoch_us(occurred_at)) FILTER (regexp_matches(event, '{DONE}', 'i')), -1)
            FROM events WHERE {self._ours} AND {self._within("occurred_at", STEPS_FOR)} AND ({where})
            GROUP BY account, said"""
        )

    @cached_property
    def _groups(self) -> Rows:
        """The names of issues that tickets belong to, where issues are grouped at all."""
        from beforehand.facts import issue_marks, issues

        if not issues.begun(self.facts.connection):
            return {}
        issues.ensure(self.facts)
        names, into = issue_marks.names(self.facts.connection), issue_marks.merged(self.facts.connection)
        rows = self._rows(
            "SELECT account, issue, count(*) FROM (SELECT node AS account, issue FROM issue_tickets WHERE issue > 0 "
            f"AND {self._within('opened_at', ERRORS_FOR, learned=False)}) WHERE {self._ours} GROUP BY account, issue"
        )
        return {
            node: [(names[kept], count) for issue, count in said if (kept := into.get(issue, issue)) in names]
            for node, said in rows.items()
        }

    @cached_property
    def _failing(self) -> str:
        return f"regexp_matches(event, '{ERROR_EVENT}', 'i')" + self._named(*ERROR_EVENT.split("|"))

    @cached_property
    def _ours(self) -> str:
        return f"account IN ({', '.join(map(str, self.nodes))})" if self.nodes else "false"

    def _named(self, *words: str) -> str:
        """Own names of the standard events whose name has one of the words, as what else counts."""
        own = [name for standard, names in self.events.items() if any(w in standard for w in words) for name in names]
        return f" OR event IN ({', '.join(text(name) for name in own)})" if own else ""

    def _within(self, column: str, span: timedelta, learned: bool = True) -> str:
        known, since = (f"make_timestamp({to_us(at)})" for at in (self.at, self.at - span))
        return f"{column} BETWEEN {since} AND {known}" + (f" AND learned_at < {known}" if learned else "")

    def _counted(self, what: str, table: str, where: str) -> Rows:
        within = self._within("occurred_at", ERRORS_FOR)
        return self._rows(
            f"SELECT account, said, count(*) FROM (SELECT account, {what} AS said FROM {table} WHERE {self._ours} "
            f"AND {within} AND ({where})) WHERE said IS NOT NULL GROUP BY account, said"
        )

    def _rows(self, question: str) -> Rows:
        found: dict[int, list[tuple[Any, ...]]] = {}
        for account, *row in self.facts.connection.execute(question).fetchall():
            found.setdefault(int(account), []).append(tuple(row))
        return found


def _most(rows: Rows, nodes: Iterable[int]) -> tuple[str, ...]:
    counted: dict[str, int] = {}
    for node in nodes:
        for said, count in rows.get(node, ()):
            counted[said] = counted.get(said, 0) + count
    return tuple(sorted(counted, key=lambda said: (-counted[said], said))[:MOST_TEXTS])


def _stuck(rows: Rows, nodes: Iterable[int]) -> tuple[str, ...]:
    """The steps that are not finished: what failed most, then what was met last."""
    met: dict[str, tuple[int, int, int]] = {}
    for node in nodes:
        for said, failed, last, done in rows.get(node, ()):
            was = met.get(said, (0, -1, -1))
            met[said] = (was[0] + failed, max(was[1], last), max(was[2], done))
    stuck = {said: (failed, last) for said, (failed, last, done) in met.items() if last > done}
    return tuple(sorted(stuck, key=lambda said: (-stuck[said][0], -stuck[said][1], said))[:MOST_TEXTS])


def _property(name: str) -> str:
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
    return f"nullif(trim(TRY_CAST(properties.{quoted} AS VARCHAR)), '')"
