"""Facts made from facts against a sort of the same columns, as ratios within one run.

    python bench/derived.py --events 1e7 [--late 0.02] [--folder /tmp/bench] [--keep]

The rival is what any ordered reading has to do first, and nothing else:

    CREATE TABLE AS SELECT account, member, occurred_at, event FROM events ORDER BY account, member, occurred_at

Each kind is made from scratch, with memory limited as everywhere (2 GB), from facts that a condition chooses and, at
its worst, from nearly all of them. Then a day of new events is added and all are brought up to date.
Exits 1 where making takes more than 3 times the sort.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import time
from pathlib import Path

from beforehand.calendar import DAY_US, HOUR_US
from beforehand.facts import Facts
from beforehand.facts.derived import Recipe, ensure, made_tables, recipe_of
from beforehand.signals.tree import BackAndForth, Made, Repeated, Without
from beforehand.workspace.spec import MetricSpec, SettingsSpec
from generate import KINDS, generate

MOST = 3.0
SORT = "SELECT account, member, occurred_at, event FROM events ORDER BY account, member, occurred_at"
METRICS = {kind: MetricSpec(count="events", where=f"event = '{kind}'") for kind in KINDS}
METRICS |= {"anything": MetricSpec(count="events"), "other": MetricSpec(count="events", where="event <> 'error'")}
CASES: tuple[tuple[str, Made], ...] = (
    ("export", Without("report", HOUR_US)),
    ("login", Without("page_view", DAY_US)),
    ("error", Without("other", 7 * DAY_US)),
    ("search", Repeated(3, DAY_US)),
    ("anything", Repeated(5, 7 * DAY_US)),
    ("settings", BackAndForth("report", DAY_US)),
    ("page_view", BackAndForth("other", 7 * DAY_US)),
)


def timed(facts: Facts, recipe: Recipe) -> tuple[float, str]:
    began = time.perf_counter()
    name = ensure(facts.connection, recipe)
    return time.perf_counter() - began, name


def sort(facts: Facts) -> float:
    facts.connection.execute("CHECKPOINT")
    began = time.perf_counter()
    facts.connection.execute(f"CREATE TABLE sorted AS {SORT}")
    took = time.perf_counter() - began
    facts.connection.execute("DROP TABLE sorted")
    facts.connection.execute("CHECKPOINT")
    return took


def clear(facts: Facts) -> None:
    for name in made_tables(facts.connection):
        facts.connection.execute(f"DROP TABLE {name}")
        facts.connection.execute("DELETE FROM recipes WHERE tbl = ?", [name])
    facts.connection.execute("CHECKPOINT")


def add_a_day(facts: Facts, events: int) -> int:
    """A day's share of events more, like the newest ones, a day later; learned at once."""
    count = max(1, events // 728)
    facts.connection.execute(
        "INSERT INTO events (stored_seq, source, id, account, member, occurred_at, delay, event, properties) "
        f"SELECT stored_seq + {count}, source, 'n' || id, account, member, occurred_at + INTERVAL 1 DAY, 0, event, "
        f"properties FROM events WHERE stored_seq > {events - count}"
    )
    return count


def said(metric: str, made: Made) -> str:
    hours = made.within_us // HOUR_US  # type: ignore[union-attr]
    match made:
        case Without(then=then):
            return f"{metric} without {then} within {hours} h"
        case Repeated(times=times):
            return f"{metric} {times} times within {hours} h"
        case BackAndForth(other=other):
            return f"{metric}, {other}, {metric} within {hours} h"
    raise AssertionError(made)


def run(path: Path, events: int) -> bool:
    recipes = [(said(name, made), recipe_of(made, METRICS[name], METRICS, SettingsSpec())) for name, made in CASES]
    fine = True
    with Facts.open(path, SettingsSpec()) as facts:
        clear(facts)
        base = sort(facts)
        print(f"sort of {events:,} events: {base:.1f} s", flush=True)
        for text, recipe in recipes:
            took, name = timed(facts, recipe)
            asked = f"SELECT coalesce(sum(sign), 0), coalesce(count_if(sign < 0), 0) FROM {name}"
            (counted,) = facts.connection.execute(asked).fetchall()
            ratio = took / base
            fine &= ratio <= MOST
            mark = "ok  " if ratio <= MOST else "MISS"
            what = f"{counted[0]:>11,} facts, {counted[1]:,} taken back"
            print(f"{mark} {text:42} {took:7.1f} s  {ratio:5.2f} x of {MOST}  {what}", flush=True)
        count = add_a_day(facts, events)
        print(f"a day of {count:,} events more")
        for text, recipe in recipes:
            took, _ = timed(facts, recipe)
            print(f"     {text:42} {took:7.2f} s  {took / base:5.3f} x", flush=True)
        clear(facts)
        facts.connection.execute(f"DELETE FROM events WHERE stored_seq > {events}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"most memory: {peak:.1f} GB")
    return fine


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, default=1e6)
    parser.add_argument("--late", type=float, default=0.02, help="the share of events learned up to four weeks later")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/bench-derived"))
    parser.add_argument("--keep", action="store_true", help="keep the file of events for the next run")
    given = parser.parse_args()
    events = int(given.events)
    path = given.folder / f"facts-{events}-{given.late}.duckdb"
    try:
        if not path.exists():
            generate(path, events, given.late)
        return 0 if run(path, events) else 1
    finally:
        if not given.keep:
            shutil.rmtree(given.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
