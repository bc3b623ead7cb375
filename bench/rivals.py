"""What the panel is measured against, written as well as we know how: one grouped scan, and one query per signal.

`scan` counts the same twelve counts and three sums by account and week in one pass, with plain SQL. `streaks` answers
each signal by a query of its own: count the metric by week, lay it over the weeks of each account's life, and add up
the weeks that are on the wrong side in a window. Both are given the weeks as plain arithmetic, not `date_trunc`,
because that is faster, and the first whole week of each account's life for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

WEEK_US = 7 * 86_400_000_000
MONDAY_US = 3 * 86_400_000_000
WEEK = f"((epoch_us(occurred_at) + {MONDAY_US}) // {WEEK_US})"
AMOUNT = "TRY_CAST(properties.amount AS DOUBLE)"


@dataclass(frozen=True)
class Metric:
    """A metric as SQL: the rows it is over, and a sum instead of a count."""

    where: str | None
    amount: bool = False


def scan(connection: duckdb.DuckDBPyConnection, metrics: dict[str, Metric], *, people: bool = False) -> dict[str, Any]:
    """The one grouped scan, fetched; `people` asks for distinct people as bitmaps besides."""
    columns = []
    for name, metric in metrics.items():
        if metric.amount:
            taken = f"CASE WHEN {metric.where} THEN {AMOUNT} END" if metric.where else AMOUNT
            columns.append(f'coalesce(sum({taken}), 0) AS "{name}"')
        else:
            columns.append(f'count_if({metric.where}) AS "{name}"' if metric.where else f'count(*) AS "{name}"')
    more = ""
    if people:
        more = ", member >> 6 AS word, bit_or(1::UBIGINT << (member & 63)) AS bits"
    return connection.execute(
        f"SELECT account, {WEEK} AS week{more}, {', '.join(columns)} FROM events GROUP BY ALL"
    ).fetchnumpy()


def lives(connection: duckdb.DuckDBPyConnection, weeks: tuple[int, int]) -> None:
    """The weeks that lie wholly in each account's life, as a table the streak queries may use."""
    whole = f"(min(epoch_us(occurred_at)) + {MONDAY_US + WEEK_US - 1}) // {WEEK_US}"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE grid AS SELECT account, week FROM"
        f" (SELECT account, {whole} AS first FROM events GROUP BY account),"
        f" range({weeks[0]}, {weeks[1] + 1}) w(week) WHERE week >= first"
    )


def streak(
    connection: duckdb.DuckDBPyConnection, metric: Metric, op: str, bound: float, need: int, of: int
) -> tuple[int, int]:
    """How many (account, close) hold, and a sum over them that tells which: one query for one signal."""
    measured = f"sum({AMOUNT})" if metric.amount else "count(*)"
    found = connection.execute(
        f"""
        WITH counted AS (
            SELECT account, {WEEK} AS week, {measured} AS value FROM events
            {f"WHERE {metric.where}" if metric.where else ""} GROUP BY ALL
        ), judged AS (
            SELECT account, week,
                   count_if(coalesce(value, 0) {op} {bound}) OVER last AS wrong
            FROM grid LEFT JOIN counted USING (account, week)
            WINDOW last AS (PARTITION BY account ORDER BY week ROWS {of - 1} PRECEDING)
        )
        SELECT count(*), coalesce(sum(account * 7919 + week), 0) FROM judged WHERE wrong >= {need}
        """
    ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])
