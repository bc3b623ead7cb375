"""How fast `load` is against DuckDB's own `insert ... select` of the same columns, into a table that is as full.

    .venv/bin/python bench/load.py [--rows 1000000] [--times 10] [--repeat 3]

Both read the same Parquet file with ids: account, person, event, at, learned and one numeric property. The rival stores
what it reads and asks nothing; `load` checks every row, knows the accounts and people, finds out which ids it has
(none here: the slow case), and writes once. Both tables hold `--times` as many rows before. The best of `--repeat`
runs counts, each into a fresh copy of the filled file.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from beforehand.facts import Facts
from beforehand.workspace.spec import SettingsSpec

TARGET = 0.25
MAPPING = {"properties.amount": "amount"}


def make(connection: duckdb.DuckDBPyConnection, path: Path, first: int, rows: int) -> None:
    """Rows of 2,000 accounts and 70,000 people over a year, a tenth of them learned three days late."""
    connection.execute(
        f"""COPY (SELECT 'evt-' || i AS id, 'account-' || (i * 7 % 2000) AS account,
        'person-' || (i * 7 % 2000) || '-' || (i % 35) AS person,
        CASE i % 3 WHEN 0 THEN 'login' WHEN 1 THEN 'export' ELSE 'search' END AS event,
        TIMESTAMPTZ '2025-01-01 00:00:00Z' + to_seconds(i * 31 % 31000000) AS at,
        TIMESTAMPTZ '2025-01-01 00:00:00Z' + to_seconds(i * 31 % 31000000
            + CASE i % 10 WHEN 0 THEN 259200 ELSE 0 END)
            AS learned, (i % 1000) / 10.0 AS amount
        FROM range({first}, {first + rows}) t(i)) TO '{path}' (FORMAT parquet)"""
    )


def rival(path: Path, file: Path) -> float:
    """Seconds of the plain insert."""
    with duckdb.connect(str(path), config={"memory_limit": "2GB"}) as connection:
        began = time.perf_counter()
        connection.execute(f"INSERT INTO plain SELECT * FROM read_parquet('{file}')")
        return time.perf_counter() - began


def ours(path: Path, file: Path, rows: int) -> float:
    """Seconds of `load`, from the open store on."""
    with Facts.open(path, SettingsSpec()) as facts:
        began = time.perf_counter()
        done = facts.load([file], written=MAPPING, now=datetime(2027, 1, 1, tzinfo=UTC))
        seconds = time.perf_counter() - began
    assert done.loaded == rows, done
    return seconds


def main() -> None:
    """Fills both, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old, new = folder / "old.parquet", folder / "new.parquet"
        with duckdb.connect() as connection:
            make(connection, old, 0, given.rows * given.times)
            make(connection, new, given.rows * given.times, given.rows)
        with duckdb.connect(str(folder / "plain.duckdb")) as connection:
            connection.execute(f"CREATE TABLE plain AS SELECT * FROM read_parquet('{old}')")
        filled = ours_filled(folder / "facts.duckdb", old, given.rows * given.times)
        took: dict[str, list[float]] = {"rival": [], "ours": []}
        for _ in range(given.repeat):
            for kind, store in (("rival", folder / "plain.duckdb"), ("ours", folder / "facts.duckdb")):
                copy = folder / "copy.duckdb"
                shutil.copy(store, copy)
                took[kind].append(rival(copy, new) if kind == "rival" else ours(copy, new, given.rows))
                copy.unlink()
        plain, load = min(took["rival"]), min(took["ours"])
        print(f"{given.rows:,} rows into {given.rows * given.times:,}, the best of {given.repeat}")
        print(f"  insert ... select  {plain:6.2f} s  {given.rows / plain:12,.0f} rows/s")
        print(f"  load               {load:6.2f} s  {given.rows / load:12,.0f} rows/s")
        print(f"  load at {plain / load:.2f} of its speed (target at least {TARGET})")
        print(f"  filling the store: {filled:.1f} s")


def ours_filled(path: Path, file: Path, rows: int) -> float:
    """Loads what is there before; seconds."""
    return ours(path, file, rows)


if __name__ == "__main__":
    main()
