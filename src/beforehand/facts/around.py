"""What one account did in the weeks around a moment, and how often accounts do such things: counted to be ranked.

What is told of it is taken as receipts afterwards; here a few grouped scans look at everything at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import DAY_US
from beforehand.facts.schema import COUNTABLE
from beforehand.facts.subjects import excluded_members

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

Float = NDArray[np.float64]
WEEK_US = 7 * DAY_US
YEAR_US = 365 * DAY_US
MOST_NAMES = 40
"""So many names of events are looked at, those that came most often."""


@dataclass(frozen=True)
class Measure:
    """A number per week: an aggregate of a fact table, as metrics have them."""

    table: str
    aggregate: str
    of: str | None = None
    where: str | None = None


class Around:
    """The weeks up to a moment of one account (its stored `nodes`), as known before `known_us`."""

    def __init__(self, facts: Facts, nodes: Sequence[int], end_us: int, weeks: int, known_us: int) -> None:
        self.facts = facts
        self.nodes = ", ".join(str(int(node)) for node in nodes) or "NULL"
        self.weeks, self.end_us, self.known_us = weeks, end_us, known_us
        self.start_us = end_us - weeks * WEEK_US
        self.aside: dict[str, str] = {}

    def __enter__(self) -> Around:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self.aside.values():
            self.facts.connection.execute(f"DROP TABLE IF EXISTS {name}")

    def rows(self, table: str) -> str:
        """The account's rows of a table in these weeks, set aside, with `week` and `who` (the person of a member)."""
        from beforehand.facts import moods, tensions, tones
        from beforehand.panel import where

        if table not in self.aside:
            shape = COUNTABLE[table]
            made = {"tones": tones, "tensions": tensions, "moods": moods}.get(table)
            if made is not None:
                made.ensure(self.facts)
            left_out = ""
            bots = excluded_members(self.facts.connection, self.facts.settings.exclude.people)
            if len(bots):
                pairs = ", ".join(f"({int(a)}, {int(m)})" for a, m in bots)
                left_out += f" AND (member IS NULL OR (account, member) NOT IN ({pairs}))"
            if table == "events" and self.facts.settings.exclude.events:
                rule = where.condition(self.facts.settings.exclude.events, "events").sql(dialect="duckdb")
                left_out += f" AND NOT coalesce({rule}, false)"
            sign = "" if shape.versioned else ", 1::TINYINT AS sign"
            self.facts.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE around_{table} AS SELECT * EXCLUDE (learned_at){sign}, "
                f"(epoch_us(occurred_at) - {self.start_us}) // {WEEK_US} AS week FROM {table} "
                f"WHERE account IN ({self.nodes}) AND occurred_at >= make_timestamp({self.start_us}) "
                f"AND occurred_at < make_timestamp({self.end_us}) "
                f"AND epoch_us(occurred_at) + delay < {self.known_us}{left_out}"
            )
            self.aside[table] = f"around_{table}"
        return self.aside[table]

    def series(self, measures: Sequence[Measure]) -> list[Float]:
        """Each measure by week, `[weeks]`; NaN where a mean or share is of nothing."""
        found: dict[int, Float] = {}
        for table in dict.fromkeys(m.table for m in measures):
            own = [(nth, m) for nth, m in enumerate(measures) if m.table == table]
            columns = ", ".join(_aggregated(m) for _, m in own)
            rows = self.facts.connection.execute(
                f"SELECT week, {columns} FROM {self.rows(table)} GROUP BY week"
            ).fetchall()
            for place, (nth, measure) in enumerate(own):
                nothing = np.nan if measure.aggregate in ("mean", "share") else 0.0
                values = np.full(self.weeks, nothing)
                for row in rows:
                    if 0 <= row[0] < self.weeks and row[place + 1] is not None:
                        values[int(row[0])] = float(row[place + 1])
                found[nth] = values
        return [found[nth] for nth in range(len(measures))]

    def events(self) -> dict[str, Float]:
        """How often each event came by week."""
        rows = self.facts.connection.execute(
            f"""WITH often AS (SELECT event FROM {self.rows("events")} GROUP BY event ORDER BY count(*) DESC, event
                LIMIT {MOST_NAMES})
            SELECT event, week, count(*) FROM {self.rows("events")} JOIN often USING (event) GROUP BY ALL"""
        ).fetchall()
        return self._by_week(rows)

    def people(self) -> dict[tuple[int, int], Float]:
        """How many events each member had by week."""
        rows = self.facts.connection.execute(
            f"SELECT (account, member), week, count(*) FROM {self.rows('events')} WHERE member IS NOT NULL GROUP BY ALL"
        ).fetchall()
        return {(int(who[0]), int(who[1])): series for who, series in self._by_week(rows).items()}

    def seen_before(self, members: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of some members who were seen before these weeks began."""
        if not members:
            return set()
        pairs = ", ".join(f"({a}, {m})" for a, m in members)
        rows = self.facts.connection.execute(
            f"SELECT DISTINCT account, member FROM events WHERE (account, member) IN ({pairs}) "
            f"AND account IN ({self.nodes}) AND occurred_at < make_timestamp({self.start_us})"
        ).fetchall()
        return {(int(a), int(m)) for a, m in rows}

    def _by_week(self, rows: Sequence[tuple[Any, int, int]]) -> dict[Any, Float]:
        found: dict[Any, Float] = {}
        for name, week, count in rows:
            if 0 <= week < self.weeks:
                found.setdefault(name, np.zeros(self.weeks))[int(week)] = count
        return dict(sorted(found.items(), key=lambda pair: str(pair[0])))

    # -- one-off facts -----------------------------------------------------------------------------------------------

    def changes(self, since_us: int) -> list[tuple[int, int | None, str, int]]:
        """What was said anew of the account or its people from `since_us` on: account, member, trait and when it held.

        The first that was ever said of a trait is no change, nor is what was said first of a person.
        """
        return [
            (int(account), None if member is None else int(member), str(trait), int(at))
            for account, member, trait, at in self.facts.connection.execute(
                f"""WITH said AS (SELECT account, member, trait, value, dated, occurred_at, stored_seq,
                    CASE WHEN dated THEN epoch_us(occurred_at) ELSE 0 END AS at_us FROM traits
                    WHERE account IN ({self.nodes}) AND (NOT dated OR epoch_us(occurred_at) + delay < {self.known_us}))
                SELECT account, member, trait, at_us FROM (
                    SELECT *, lag(value) OVER before AS old, row_number() OVER before AS nth,
                        min(at_us) OVER (PARTITION BY account, member) AS began_us FROM said
                    WINDOW before AS (PARTITION BY account, member, trait ORDER BY dated, occurred_at, stored_seq))
                WHERE (nth > 1 OR (member IS NOT NULL AND at_us > began_us)) AND value IS DISTINCT FROM old
                AND at_us >= {since_us} AND at_us < {self.end_us} ORDER BY at_us, trait, account, member"""
            ).fetchall()
        ]

    def rates(self) -> tuple[dict[tuple[str, bool], int], int, int]:
        """How often each trait of accounts (False) and people (True) changed in a year over all, and how many there
        are of both."""
        rows = self.facts.connection.execute(
            f"""SELECT trait, member IS NOT NULL, count(*) FROM (
                SELECT trait, member, value, lag(value) OVER said AS old, row_number() OVER said AS nth,
                    CASE WHEN dated THEN epoch_us(occurred_at) ELSE 0 END AS at_us
                FROM traits WHERE NOT dated OR epoch_us(occurred_at) + delay < {self.known_us}
                WINDOW said AS (PARTITION BY account, member, trait ORDER BY dated, occurred_at, stored_seq))
            WHERE nth > 1 AND value IS DISTINCT FROM old AND at_us >= {self.end_us - YEAR_US} AND at_us < {self.end_us}
            GROUP BY ALL"""
        ).fetchall()
        sizes = self.facts.connection.execute(
            "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM members)"
        ).fetchall()
        return {(str(t), bool(p)): int(n) for t, p, n in rows}, int(sizes[0][0]), int(sizes[0][1])

    def accounts(self) -> int:
        """How many accounts there are."""
        return int(self.facts.connection.execute("SELECT count(*) FROM accounts").fetchall()[0][0])

    def share_due(self, traits: Sequence[str], days: int) -> tuple[int, int]:
        """How many accounts have a day in one of these traits that comes at most so many days after the moment, and
        how many have one at all."""
        listed = ", ".join(f"'{trait}'" for trait in traits)
        row = self.facts.connection.execute(
            f"""SELECT count_if(day >= today AND day <= today + {days}), count(*) FROM (
                SELECT epoch_us(try_cast(arg_max(value, (CASE WHEN dated THEN epoch_us(occurred_at) ELSE 0 END,
                    stored_seq)) AS TIMESTAMP)) / {DAY_US} AS day, {self.end_us / DAY_US} AS today
                FROM traits WHERE trait IN ({listed}) AND member IS NULL
                AND (NOT dated OR (epoch_us(occurred_at) < {self.end_us} AND epoch_us(occurred_at) + delay <
                {self.known_us})) GROUP BY account) WHERE day IS NOT NULL"""
        ).fetchall()[0]
        return int(row[0] or 0), int(row[1] or 0)

    def unpaid(self) -> tuple[list[tuple[str, int]], int, int]:
        """The account's invoices that were due and not paid, oldest first, how many accounts have any, and how many
        have invoices at all."""
        rows = self.facts.connection.execute(
            f"""SELECT account IN ({self.nodes}) AS own, account, id, epoch_us(due_at) AS due,
                paid_at IS NULL AND lower(coalesce(status, '')) NOT IN ('paid', 'void', 'cancelled', 'canceled',
                'written off') AND epoch_us(due_at) < {self.end_us} AS late
            FROM invoices WHERE sign > 0 AND epoch_us(occurred_at) + delay < {self.known_us}
            AND occurred_at < make_timestamp({self.end_us}) AND occurred_at >= make_timestamp({self.end_us - YEAR_US})
            QUALIFY row_number() OVER (PARTITION BY account, id ORDER BY stored_seq DESC) = 1"""
        ).fetchall()
        own = sorted(
            ((str(i), int(due)) for mine, _, i, due, late in rows if mine and late), key=lambda r: (r[1], r[0])
        )
        return own, len({a for _, a, _, _, late in rows if late}), len({row[1] for row in rows})

    def surveys(self, since_us: int) -> list[tuple[str, int | None, int, float]]:
        """The account's answers from `since_us` on: id, member, account, and which share of all answers of that kind
        in a year are as far out as it, on its side of the middle."""
        rows = self.facts.connection.execute(
            f"""WITH every AS (SELECT id, account, member, occurred_at, lower(coalesce(kind, '')) AS kind, score
                FROM surveys WHERE score IS NOT NULL AND occurred_at >= make_timestamp({self.end_us - YEAR_US})
                AND occurred_at < make_timestamp({self.end_us}) AND epoch_us(occurred_at) + delay < {self.known_us})
            SELECT e.id, e.member, e.account, least(1, 2 * least(
                (SELECT avg((o.score <= e.score)::INTEGER) FROM every o WHERE o.kind = e.kind),
                (SELECT avg((o.score >= e.score)::INTEGER) FROM every o WHERE o.kind = e.kind)))
            FROM every e WHERE e.account IN ({self.nodes}) AND e.occurred_at >= make_timestamp({since_us})
            ORDER BY e.occurred_at, e.id"""
        ).fetchall()
        return [(str(i), None if m is None else int(m), int(a), float(p)) for i, m, a, p in rows]

    def named(self, members: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[str, str]]:
        """What people are called, and their role, as known at the moment."""
        found: dict[tuple[int, int], tuple[str, str]] = {}
        if not members:
            return found
        pairs = ", ".join(f"({a}, {m})" for a, m in members)
        rows = self.facts.connection.execute(
            f"""SELECT account, member, trait, arg_max(value, (dated, occurred_at, stored_seq)) FROM traits
            WHERE (account, member) IN ({pairs}) AND trait IN ('name', 'role')
            AND (NOT dated OR (epoch_us(occurred_at) < {self.end_us}
                AND epoch_us(occurred_at) + delay < {self.known_us})) GROUP BY ALL"""
        ).fetchall()
        said = {(int(a), int(m), str(t)): str(v or "") for a, m, t, v in rows}
        for account, member in members:
            name = said.get((account, member, "name")) or self.facts.member_label(account, member)
            found[account, member] = name, said.get((account, member, "role"), "")
        return found


def _aggregated(measure: Measure) -> str:
    from beforehand.panel import where

    chosen = where.condition(measure.where, measure.table).sql(dialect="duckdb") if measure.where else "true"
    only = f"FILTER (WHERE coalesce({chosen}, false))"
    match measure.aggregate:
        case "count":
            return f"sum(sign) {only}"
        case "sum":
            value = where.value(measure.of or "", measure.table).sql(dialect="duckdb")
            return f"sum(sign * CASE WHEN isfinite({value}) THEN {value} END) {only}"
        case "mean":
            value = where.value(measure.of or "", measure.table).sql(dialect="duckdb")
            known = f"CASE WHEN isfinite({value}) THEN {value} END"
            return f"sum(sign * {known}) {only} / nullif(sum(CASE WHEN {known} IS NOT NULL THEN sign END) {only}, 0)"
        case "share":
            hit = where.condition(measure.of or "", measure.table).sql(dialect="duckdb")
            true = f"sum(CASE WHEN coalesce({hit}, false) THEN sign ELSE 0 END) {only}"
            return f"{true} / nullif(sum(sign) {only}, 0)"
        case "distinct":
            item = where.text(measure.of or "", measure.table).sql(dialect="duckdb")
            return f"count(DISTINCT {item}) {only}"
        case _:
            return f"count(DISTINCT (account, member)) FILTER (WHERE member IS NOT NULL AND coalesce({chosen}, false))"
