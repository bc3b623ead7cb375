"""Dated traits: each value holds from a time, and reloading records what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb
import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import to_us
from beforehand.facts.asking import only
from beforehand.facts.batches import Batch
from beforehand.facts.quoting import text

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts


@dataclass(frozen=True)
class Values:
    """Values of traits, sorted by account, member (-1: the account itself), trait, the time from which they hold
    (`from_us`) and arrival. `value` None is a value that was taken away. Undated ones hold from the beginning and were
    always known: both times are 0 and `dated` is False."""

    account: NDArray[np.int32]
    member: NDArray[np.int32]
    trait: tuple[str, ...]
    value: tuple[str | None, ...]
    from_us: NDArray[np.int64]
    learned_us: NDArray[np.int64]
    dated: NDArray[np.bool_]


def unpivot(connection: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    """Makes `long(rn, trait, value)` of the trait columns of `s`."""
    if not names:
        connection.execute("CREATE OR REPLACE TEMP TABLE long (rn BIGINT, trait VARCHAR, value VARCHAR)")
        return
    listed = ", ".join(text(n) for n in names)
    values = ", ".join(f"t{number}" for number in range(len(names)))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE long AS SELECT rn, unnest([{listed}]) AS trait, unnest([{values}]) AS "
        "value FROM s"
    )


def record(connection: duckdb.DuckDBPyConnection, batch: Batch, first_seq: int) -> int:
    """Writes what changed in the traits of the good rows of `k`, adds those rows to `changed`; returns how many values.

    A value without a time: the first of its trait holds from the beginning, undated; another one than the newest holds
    from the time of loading. A value with a time is written unless the same one stands at that time. A blank takes
    away a value that there was.
    """
    now_us = to_us(batch.loaded_at)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE arriving AS
        SELECT l.rn, a.account, m.member, l.trait, l.value, s.occurred_us,
            CASE WHEN s.occurred_us IS NULL THEN 0 ELSE
                greatest(coalesce(s.learned_us, {
            now_us if batch.arrival == "now" else "s.occurred_us"
        }), s.occurred_us) - s.occurred_us
            END AS delay
        FROM long l JOIN k USING (rn) JOIN s USING (rn) JOIN acct a ON a.text = k.account
        {
            "JOIN mem m ON m.account_text = k.account AND m.person_text = k.person"
            if batch.table == "people"
            else "CROSS JOIN (SELECT CAST(NULL AS INTEGER) AS member) m"
        }
        WHERE k.reason IS NULL"""
    )
    # Of several undated rows about one account the last says how it is.
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE fresh AS
        WITH newest AS (
            SELECT account, member, trait, arg_max({'value': value}, (occurred_at, stored_seq)).value AS value, true
            AS there
            FROM traits WHERE account IN (SELECT account FROM arriving) GROUP BY ALL),
        undated AS (
            SELECT max(rn) AS rn, account, member, trait, arg_max({'value': value}, rn).value AS value
            FROM arriving WHERE occurred_us IS NULL GROUP BY account, member, trait)
        SELECT u.rn, u.account, u.member, u.trait, u.value, coalesce(n.there, false) AS dated,
            CASE WHEN n.there THEN CAST(? AS BIGINT) ELSE 0 END AS occurred_us, CAST(0 AS BIGINT) AS delay
        FROM undated u LEFT JOIN newest n
            ON n.account = u.account AND n.member IS NOT DISTINCT FROM u.member AND n.trait = u.trait
        WHERE CASE WHEN n.there THEN u.value IS DISTINCT FROM n.value ELSE u.value IS NOT NULL END
        UNION ALL
        SELECT min(a.rn), a.account, a.member, a.trait, a.value, true, a.occurred_us, min(a.delay) FROM arriving a
        WHERE a.occurred_us IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM traits t WHERE t.account = a.account AND t.member IS NOT DISTINCT FROM a.member
            AND t.trait = a.trait AND t.value IS NOT DISTINCT FROM a.value AND epoch_us(t.occurred_at) = a.occurred_us)
        GROUP BY a.account, a.member, a.trait, a.value, a.occurred_us""",
        [now_us],
    )
    connection.execute(
        f"""INSERT INTO traits (stored_seq, source, account, member, trait, value, occurred_at, delay, dated)
        SELECT {first_seq} - 1 + row_number() OVER (ORDER BY rn, trait), {text(batch.source)}, account, member,
        trait, value,
        make_timestamp(occurred_us), delay, dated FROM fresh"""
    )
    connection.execute("INSERT INTO changed SELECT DISTINCT rn FROM fresh")
    return int(only(connection, "SELECT count(*) FROM fresh")[0])


def values(facts: Facts, names: tuple[str, ...] = ()) -> Values:
    """All values of the traits named (none: of all), of stored accounts and members, merges not applied."""
    marks = f"WHERE trait IN ({', '.join('?' * len(names))})" if names else ""
    found = facts.connection.execute(
        f"""SELECT account, coalesce(member, -1) AS member, trait, value, CASE WHEN dated THEN epoch_us(occurred_at)
            ELSE 0 END AS from_us,
        CASE WHEN dated THEN epoch_us(occurred_at) + delay ELSE 0 END AS learned_us, dated FROM traits {marks}
        ORDER BY account, coalesce(member, -1), trait, from_us, stored_seq""",
        list(names),
    ).fetchall()
    columns = list(zip(*found, strict=True)) or [()] * 7
    return Values(
        np.array(columns[0], np.int32),
        np.array(columns[1], np.int32),
        tuple(columns[2]),
        tuple(columns[3]),
        np.array(columns[4], np.int64),
        np.array(columns[5], np.int64),
        np.array(columns[6], bool),
    )


def of(facts: Facts, account: int, member: int | None, at: datetime) -> dict[str, str]:
    """The traits of an account, or a person at it, as known at a time; those of what was merged into it included.

    Where several say something, what holds from a later time wins, then what arrived later.
    """
    from beforehand.facts.merging import merged

    into = merged(facts.connection, "account")
    root = into.get(account, account)
    nodes = [account] if member is not None else [root, *(n for n, r in into.items() if r == root)]
    us = to_us(at)
    rows = facts.connection.execute(
        f"""SELECT trait, arg_max({{'value': value}}, (CASE WHEN dated THEN epoch_us(occurred_at) ELSE -9e18 END,
            stored_seq)).value
        FROM traits WHERE account IN ({", ".join(map(str, nodes))}) AND member IS NOT DISTINCT FROM ?
        AND (NOT dated OR (epoch_us(occurred_at) <= ? AND epoch_us(occurred_at) + delay < ?)) GROUP BY trait
        ORDER BY trait""",
        [member, us, us],
    ).fetchall()
    return {trait: value for trait, value in rows if value is not None}


def of_many(facts: Facts, accounts: Mapping[int, Sequence[int]], at: datetime) -> dict[int, dict[str, str]]:
    """What `of` says of each of some accounts, by any number of theirs and all their stored nodes, in one look."""
    nodes = sorted({int(node) for own in accounts.values() for node in own})
    if not nodes:
        return {account: {} for account in accounts}
    us = to_us(at)
    rows = facts.connection.execute(
        f"""SELECT account, trait, value,
            CASE WHEN dated THEN epoch_us(occurred_at) ELSE -9e18 END AS from_us, stored_seq FROM traits
        WHERE account IN ({", ".join(map(str, nodes))}) AND member IS NULL
        AND (NOT dated OR (epoch_us(occurred_at) <= {us} AND epoch_us(occurred_at) + delay < {us}))
        QUALIFY row_number() OVER (PARTITION BY account, trait ORDER BY from_us DESC, stored_seq DESC) = 1"""
    ).fetchall()
    by_node: dict[int, list[tuple[str, str | None, float, int]]] = {}
    for account, trait, value, from_us, seq in rows:
        by_node.setdefault(int(account), []).append((str(trait), value, float(from_us), int(seq)))
    found: dict[int, dict[str, str]] = {}
    for account, own in accounts.items():
        said = sorted((row for node in own for row in by_node.get(int(node), ())), key=lambda row: (row[0], *row[2:]))
        newest = {trait: value for trait, value, _, _ in said}
        found[account] = {trait: value for trait, value in newest.items() if value is not None}
    return found
