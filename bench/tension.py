"""Tickets of a real help desk about to go wrong: what the points of `tensions` say before, beside plain rules.

    OMP_NUM_THREADS=1 .venv/bin/python bench/tension.py [--data ../shared/data]

UCI incident log (ServiceNow, 17,136 incidents, CC BY 4.0): at midnight of every Monday each incident is read that is
open, in time (`made_sla`) and not waiting for its user. It goes wrong where it misses its agreement, or is opened
again, within 14 days. There are no messages in this log, so the points follow from its states alone: opened again,
handed over, urgent. AUC with ties shared; 95 % by a bootstrap over incidents.
"""

from __future__ import annotations

import argparse
import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import DAY_US
from beforehand.facts.derived.strain import State, path

WITHIN_US = 14 * DAY_US
FIRST_MONDAY_US = 1_457_308_800_000_000  # 7 March 2016; the log begins on 29 February
WEEKS = 12
DONE = ("Resolved", "Closed")
Float = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """One incident on one Monday: what went wrong later, and what each rule says of it."""

    number: int
    wrong: bool
    points: float
    days: float
    hands: float
    urgent: float


def looks(rows: list[tuple[Any, ...]]) -> Iterator[Look]:
    """The looks at one incident; rows in order of time."""
    number = int(rows[0][0])
    known = [int(row[1]) for row in rows]
    states = [
        State(at, int(row[2]), row[3] in DONE, row[6] <= 2, None if row[7] == "?" else row[7])
        for at, row in zip(known, rows, strict=True)
    ]
    told = path(states, True)
    moments = [point.at for point in told]
    for week in range(WEEKS):
        now = FIRST_MONDAY_US + week * 7 * DAY_US
        newest = bisect_right(known, now) - 1
        if newest < 0 or newest == len(rows) - 1:
            continue
        _, _, opened, state, in_time, again, priority, _, hands = (rows[newest][0], *rows[newest][1:])
        if state in DONE or state == "Awaiting User Info" or not in_time:
            continue
        later = [row for at, row in zip(known, rows, strict=True) if now < at <= now + WITHIN_US]
        wrong = any(not row[4] or row[5] > again for row in later)
        place = bisect_right(moments, now) - 1
        points = float(told[place].points) if place >= 0 else 0.0
        yield Look(number, wrong, points, (now - int(opened)) / DAY_US, float(hands), -float(priority))


def auc(said: Float, wrong: NDArray[np.bool_]) -> float:
    """The chance that one that goes wrong has more than one that does not; ties count half."""
    _, place, counts = np.unique(said, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    bad = int(wrong.sum())
    good = wrong.size - bad
    return float((ranks[wrong].sum() - bad * (bad + 1) / 2) / (bad * good)) if bad and good else float("nan")


def main() -> int:
    """Prints the figures."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    file = options.parse_args().data / "uci-incidents" / "incident_events.parquet"
    if not file.exists():
        print(f"{file} is not here; skipped.")
        return 0
    rows = duckdb.sql(
        f"""SELECT number, epoch_us(sys_updated_at), epoch_us(opened_at), incident_state, made_sla, reopen_count,
        priority, assigned_to, reassignment_count FROM read_parquet('{file}') WHERE sys_updated_at IS NOT NULL
        ORDER BY number, sys_updated_at, sys_mod_count"""
    ).fetchall()
    found = [look for _, own in groupby(rows, key=itemgetter(0)) for look in looks(list(own))]
    wrong = np.array([look.wrong for look in found])
    numbers, own = np.unique([look.number for look in found], return_inverse=True)
    rules = {
        "points": np.array([look.points for look in found]),
        "days open": np.array([look.days for look in found]),
        "times handed over": np.array([look.hands for look in found]),
        "priority": np.array([look.urgent for look in found]),
    }
    print(f"{len(found):,} looks at {numbers.size:,} open incidents, {wrong.sum():,} ({wrong.mean():.1%}) go wrong")
    rng = np.random.default_rng(7)
    places = np.argsort(own, kind="stable")
    begins = np.searchsorted(own[places], np.arange(numbers.size + 1))
    draws = []
    for _ in range(200):
        drawn = rng.integers(0, numbers.size, numbers.size)
        draws.append(np.concatenate([places[begins[one] : begins[one + 1]] for one in drawn]))
    for name, said in rules.items():
        spread = [auc(said[drawn], wrong[drawn]) for drawn in draws]
        low, high = np.nanquantile(spread, (0.025, 0.975))
        print(f"  {name:20} AUC {auc(said, wrong):.3f} ({low:.3f} to {high:.3f})")
    print("  points   looks   go wrong")
    for least, most in ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 99)):
        here = (rules["points"] >= least) & (rules["points"] <= most)
        if here.any():
            named = f"{least}" if least == most else f"{least} or more"
            print(f"  {named:10} {int(here.sum()):>5,} {wrong[here].mean():>9.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
