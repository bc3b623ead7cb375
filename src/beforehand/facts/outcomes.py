"""What became of accounts: outcomes that were recorded, and those made from facts (`silent for 180 days`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from beforehand.errors import InputError, among
from beforehand.facts.schema import FACT_TABLES
from beforehand.facts.subjects import excluded_members
from beforehand.workspace.spec import RECORDED_OUTCOMES

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts


@dataclass(frozen=True)
class Occurrence:
    """One outcome of one account (canonical node), times in UTC microseconds.

    `notice_us` is when notice was given, `began_us` the last fact before a silence; None where there is none.
    """

    account: int
    occurred_us: int
    learned_us: int
    notice_us: int | None = None
    began_us: int | None = None
    amount: float | None = None


def occurrences(facts: Facts, outcome: str, until_us: int) -> list[Occurrence]:
    """Every occurrence of an outcome that had happened by `until_us`, by account and time.

    A derived outcome happens when the silence is full (which is also when it is learned), and only where the silence
    reaches the end of the data: `until_us`, or the newest fact of all where that is earlier. InputError for an outcome
    that is neither recorded nor derived.
    """
    if outcome in facts.derived:
        return list(_silences(facts, facts.derived[outcome], until_us))
    found = facts.connection.execute(
        """SELECT account, epoch_us(occurred_at), epoch_us(occurred_at) + delay, epoch_us(notice_at), amount
            FROM outcomes
        WHERE outcome = ? AND epoch_us(occurred_at) <= ? ORDER BY stored_seq""",
        [outcome, until_us],
    ).fetchall()
    if not found and outcome not in RECORDED_OUTCOMES:
        names = {r[0] for r in facts.connection.execute("SELECT DISTINCT outcome FROM outcomes").fetchall()}
        if outcome not in names:
            raise InputError(
                f"{outcome!r} is not an outcome.",
                among(outcome, names | {*RECORDED_OUTCOMES, *facts.derived}),
                code="unknown-outcome",
            )
    canonical = facts.subjects().canonical
    rows = [Occurrence(int(canonical[a]), at, known, notice, None, amount) for a, at, known, notice, amount in found]
    return sorted(rows, key=lambda o: (o.account, o.occurred_us))


def _silences(facts: Facts, full: timedelta, until_us: int) -> Iterable[Occurrence]:
    """Accounts whose last fact lies at least `full` before the end of the data."""
    connection = facts.connection
    known = facts.subjects()
    left_out = excluded_members(connection, facts.settings.exclude.people)
    connection.register(
        "left_out",
        pa.table({"account": pa.array(left_out[:, 0], pa.int32()), "member": pa.array(left_out[:, 1], pa.int32())}),
    )
    try:
        last = np.full(known.canonical.size, np.iinfo(np.int64).min)
        for table in FACT_TABLES:
            # An outcome is our record of what happened, not something the customer did; nor are our own touches.
            if table in ("outcomes", "touches"):
                continue
            people = "AND NOT EXISTS (SELECT 1 FROM left_out x WHERE x.account = t.account AND x.member = t.member)"
            bots = _not_excluded(facts) if table == "events" else ""
            found = connection.execute(
                f"""SELECT account, epoch_us(max(occurred_at)) AS at FROM {table} t WHERE epoch_us(occurred_at) <= ?
                {people if len(left_out) else ""} {bots} GROUP BY account""",
                [until_us],
            ).fetchnumpy()
            np.maximum.at(last, known.canonical[np.asarray(found["account"])], np.asarray(found["at"], dtype=np.int64))
    finally:
        connection.unregister("left_out")
    newest = max((span[1] for table in FACT_TABLES if (span := facts.span(table)) is not None), default=until_us)
    end = min(until_us, newest)
    length = full // timedelta(microseconds=1)
    for node in known.account:
        began = int(last[node])
        if began > np.iinfo(np.int64).min and began + length <= end:
            yield Occurrence(int(node), began + length, began + length, None, began)


def _not_excluded(facts: Facts) -> str:
    from beforehand.panel import where

    written = facts.settings.exclude.events
    return f"AND NOT coalesce({where.condition(written, 'events').sql(dialect='duckdb')}, false)" if written else ""
