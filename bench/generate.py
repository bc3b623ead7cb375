"""Builds a facts file of skewed accounts, as large as asked, directly in the tables of Beforehand.

    python bench/generate.py DIR --events 1e7 [--late 0.1] [--accounts 20000] [--seed 1]

20,000 accounts of which the largest has 5,000 people, two years of events of twelve kinds with an amount, in order of
arrival. The same arguments give the same rows (within one version of DuckDB).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from beforehand.facts import Facts
from beforehand.workspace.spec import SettingsSpec

KINDS = (
    "login", "page_view", "search", "export", "report", "invite", "comment", "upload", "api_call", "error",
    "settings", "logout",
)  # fmt: skip
START = "2023-01-02"
WEEKS = 104
CHUNK = 10_000_000
PEOPLE = "greatest(1, 5000 / pow(account + 1, 0.75))::INTEGER"
"""How many people an account has: 5,000 in the largest, one in most."""


def generate(path: Path, events: int, late: float = 0.0, accounts: int = 20_000, seed: int = 1) -> Path:
    """Writes `path` (a facts.duckdb) with the events and says how long it took; `late` is the share learned later.

    A late event is learned up to four weeks after it occurred. Accounts follow a power law in events and people.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    began = time.perf_counter()
    with Facts.open(path, SettingsSpec()) as facts:
        run = facts.connection.execute
        run("SET preserve_insertion_order = true")
        run(
            f"CREATE TEMP TABLE size AS SELECT account, {PEOPLE} AS people"
            " FROM (SELECT i::INTEGER AS account FROM range(?) t(i))",
            [accounts],
        )
        run("INSERT INTO accounts SELECT account, 'acc-' || account, true, 'files', TIMESTAMP '2023-01-01' FROM size")
        run("INSERT INTO account_ids SELECT 'acc-' || account, account, 'id' FROM size")
        run(
            "INSERT INTO members SELECT account, member::INTEGER,"
            " (row_number() OVER (ORDER BY account, member))::INTEGER FROM size, unnest(range(people)) m(member)"
        )
        run("INSERT INTO persons SELECT person, 'person-' || person FROM members")
        run("INSERT INTO person_ids SELECT 'person-' || person, person, 'id' FROM members")
        span_us = WEEKS * 7 * 86_400_000_000
        kinds = ", ".join(f"'{kind}'" for kind in KINDS)
        delay = f"CASE WHEN (hash(i, {seed + 3}) % 10000) < {int(late * 10_000)}" if late else None
        tardy = f"{delay} THEN ((hash(i, {seed + 4}) % {28 * 86_400})::BIGINT * 1000000) ELSE 0 END" if delay else "0"
        for first in range(0, events, CHUNK):
            last = min(events, first + CHUNK)
            # The account of an event: most go to few accounts, none goes without. Kinds are skewed as well.
            run(
                f"""
                INSERT INTO events (stored_seq, source, id, account, member, occurred_at, delay, event, properties)
                SELECT i + 1, 'files', 'e' || i, account,
                       (hash(i, {seed + 1}) % ({PEOPLE}))::INTEGER,
                       make_timestamp(epoch_us(TIMESTAMP '{START}') + (i::DOUBLE / {events} * {span_us})::BIGINT),
                       {tardy},
                       ([{kinds}])[1 + floor(12 * pow((hash(i, {seed + 2}) % 1000000) / 1000000.0, 1.6))::INTEGER],
                       {{'amount': (hash(i, {seed + 5}) % 1000) / 4.0}}::VARIANT
                FROM (SELECT i, floor({accounts} * pow((hash(i, {seed}) % 1000000007) / 1000000007.0, 2.2))::INTEGER
                      AS account FROM range({first}, {last}) t(i))
                """
            )
        run("UPDATE meta SET value = ? WHERE key = 'next_seq'", [str(events + 1)])
        run("CHECKPOINT")
    print(
        f"{events:,} events in {path} ({path.stat().st_size / 1e6:.0f} MB), {time.perf_counter() - began:.0f} s",
        file=sys.stderr,
    )
    return path


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=float, default=1e6)
    parser.add_argument("--late", type=float, default=0.0)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    generate(given.folder / "facts.duckdb", int(given.events), given.late, given.accounts, given.seed)


if __name__ == "__main__":
    main()
