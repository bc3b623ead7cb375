"""How fast messages become tones in a facts file, with how much memory, and what a shift over them costs.

    OMP_NUM_THREADS=1 .venv/bin/python bench/tones.py [--messages 1e6]

The messages are the simulator's letters, of people who write a hundred each; they are put into the file directly.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from beforehand.facts import Facts, moods, tones
from beforehand.facts.derived import ensure, recipe_of
from beforehand.panel.plans import enough
from beforehand.signals.tree import Quantity, Shifted
from beforehand.simulate import words
from beforehand.workspace.spec import MetricSpec, SettingsSpec

EACH = 100
TEXTS = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=float, default=1e5)
    count = int(parser.parse_args().messages)
    with tempfile.TemporaryDirectory() as folder, Facts.open(Path(folder) / "facts.duckdb", SettingsSpec()) as facts:
        write(facts, count)
        begin = peak()
        began = time.perf_counter()
        read = tones.ensure(facts, Watch())
        took = time.perf_counter() - began
        print(f"{read.messages:,} messages read in {took:.0f} s, {read.messages / took:,.0f}/s, {read.unsure:,} unsure")
        print(f"memory: at most {begin:,.0f} MB before, at most {peak():,.0f} MB after")
        metrics = {"tones": MetricSpec(count="tones")}
        began = time.perf_counter()
        table = ensure(facts.connection, recipe_of(Shifted(), metrics["tones"], metrics, SettingsSpec()))
        rows = facts.connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        print(f"shifts to terse: {time.perf_counter() - began:.1f} s, {rows:,} messages; at most {peak():,.0f} MB")
        judged = enough(Quantity("tones", made=Shifted()))
        assert judged is not None and judged.made is not None
        began = time.perf_counter()
        ensure(facts.connection, recipe_of(judged.made, metrics["tones"], metrics, SettingsSpec()))
        print(f"who wrote enough to be judged: {time.perf_counter() - began:.1f} s; at most {peak():,.0f} MB")
        began = time.perf_counter()
        moods.ensure(facts)
        rows = facts.connection.execute("SELECT count(*) FROM moods").fetchall()[0][0]
        print(f"moods of accounts: {time.perf_counter() - began:.1f} s, {rows:,} rows; at most {peak():,.0f} MB")
        add(facts, count)
        began = time.perf_counter()
        tones.ensure(facts)
        middle = time.perf_counter()
        ensure(facts.connection, recipe_of(Shifted(), metrics["tones"], metrics, SettingsSpec()))
        print(f"1,000 more: {middle - began:.2f} s to read, {time.perf_counter() - middle:.2f} s for the shifts")
        began = time.perf_counter()
        ensure(facts.connection, recipe_of(judged.made, metrics["tones"], metrics, SettingsSpec()))
        print(f"who wrote enough after them: {time.perf_counter() - began:.2f} s")
        began = time.perf_counter()
        moods.ensure(facts)
        print(f"moods after them: {time.perf_counter() - began:.2f} s")


class Watch:
    """Prints, ten times over the reading, how much memory the process has at that moment."""

    def __init__(self) -> None:
        self.began, self.told = time.perf_counter(), 0

    def __call__(self, done: int, of: int) -> None:
        """Takes how many of how many messages are read."""
        if done * 10 // of > self.told:
            self.told = done * 10 // of
            print(f"  {done:>9,} read after {time.perf_counter() - self.began:4.0f} s: {now():,.0f} MB", flush=True)


def write(facts: Facts, count: int) -> None:
    """Messages of people who write every third day."""
    rng = np.random.default_rng(1)
    texts = [words.letter(rng, words.TOPICS[n % 6], float(rng.uniform(-0.6, 0.8))) for n in range(TEXTS)]
    facts.connection.register("texts", pa.table({"n": range(TEXTS), "said": texts}))
    facts.connection.execute(
        "INSERT INTO messages (stored_seq, source, id, account, member, occurred_at, delay, conversation, direction, "
        f"text) SELECT i, 'bench', 'm' || i, i // {EACH} // 10, (i // {EACH}) % 10, TIMESTAMP '2024-01-01' + "
        f"to_days(3 * (i % {EACH})::INT), 0, 'c' || i, 'in', said || ' ' || i FROM range({count}) r(i) "
        f"JOIN texts ON n = hash(i) % {TEXTS}"
    )
    facts.connection.unregister("texts")
    facts.connection.execute(
        "INSERT INTO accounts SELECT DISTINCT account, 'a' || account, true, 'bench', TIMESTAMP '2024-01-01' "
        "FROM messages"
    )
    facts.connection.execute("INSERT INTO members SELECT DISTINCT account, member, account * 10 + member FROM messages")


def add(facts: Facts, count: int) -> None:
    """A thousand more, of as many people."""
    facts.connection.execute(
        "INSERT INTO messages (stored_seq, source, id, account, member, occurred_at, delay, conversation, direction, "
        f"text) SELECT {count} + i, 'bench', 'n' || i, i // 10, i % 10, TIMESTAMP '2025-06-01', 0, 'd' || i, 'in', "
        "'Still not fixed.' FROM range(1000) r(i)"
    )


def now() -> float:
    """The memory the process has, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def peak() -> float:
    """The most memory so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
