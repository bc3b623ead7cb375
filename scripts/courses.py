"""XuetangX: who drops a course, told at day 15 to 30 by sentences, beside naming whoever has been away longest.

The best sentence is chosen on half of the courses and judged on the other half, which nothing was tuned on.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from example import prepare
from numpy.typing import NDArray
from rich.table import Table
from walk import ROOT, Walk

from beforehand.calendar import DAY_US, to_us
from beforehand.commands.judging import judged
from beforehand.commands.workspace import Workspace
from beforehand.signals.numbers import HOLDS

DAYS = (15, 20, 25, 30)
UNTIL = datetime(2014, 9, 1, tzinfo=UTC)
LEAST_NAMED = 0.05
"""A sentence that names fewer than this share of the enrolments of the first half is not chosen, however right."""

Mask = NDArray[np.bool_]


class Enrolments:
    """Who was enrolled, in which course, since when, and whether they dropped it, in the order of their ids."""

    def __init__(self, data: Path) -> None:
        table = pq.read_table(data / "enrollments.parquet").to_pydict()
        order = np.argsort([str(e) for e in table["enrollment_id"]])
        self.label = np.array([str(e) for e in table["enrollment_id"]])[order]
        self.course = np.array(table["course"])[order]
        self.start_us = np.array([to_us(datetime(d.year, d.month, d.day, tzinfo=UTC)) for d in table["start"]])[order]
        self.dropped = np.array(table["dropout"], dtype=bool)[order]
        daily = pq.read_table(data / "daily.parquet").to_pydict()
        row = np.searchsorted(self.label, [str(e) for e in daily["enrollment_id"]])
        seen = np.array([to_us(datetime(d.year, d.month, d.day, tzinfo=UTC)) for d in daily["date"]])
        self.row, self.day = row, (seen - self.start_us[row]) // DAY_US

    def away(self, day: int) -> NDArray[np.int64]:
        """Days since the last active one at the end of a day of the course; never active is away since the start."""
        last = np.full(len(self.label), -1)
        past = self.day < day
        np.maximum.at(last, self.row[past], self.day[past])
        return np.asarray(day - 1 - last)


def main() -> int:
    """Prepares, loads, judges, chooses and compares; 0 also where the data are absent, with a word about it."""
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--scratch", type=Path, help="an empty folder for the workspace; default: a new temporary one")
    asked = read.parse_args()
    data = Path(os.environ.get("BEFOREHAND_DATA") or ROOT.parent / "shared" / "data") / "xuetangx"
    if not data.is_dir():
        print(f"xuetangx: left out, its data are not here ({data}). Set BEFOREHAND_DATA to the folder that holds it.")
        return 0
    scratch = asked.scratch or Path(tempfile.mkdtemp(prefix="beforehand-xuetangx-"))
    prepare("xuetangx", data, scratch)
    walk = Walk(scratch)
    walk.title("XuetangX: 35,610 enrolments in 21 courses, who dropped out")
    walk.show("check")
    walk.show("load", "data/accounts.csv", "--as", "accounts", "--map", "maps/accounts.yaml")
    walk.show("load", "data/events.parquet", "--as", "events", "--map", "maps/events.yaml")
    enrolments = Enrolments(data)
    held = verdicts(Workspace(scratch), enrolments)
    compare(walk, enrolments, held)
    walk.out.print(f"[dim]Done in {walk.seconds:.0f} s. The workspace stays in {scratch}[/]", soft_wrap=True)
    return 0


def verdicts(workspace: Workspace, enrolments: Enrolments) -> dict[str, dict[int, Mask]]:
    """Whether each sentence held for each enrolment when so many days of its course were over."""
    found: dict[str, dict[int, Mask]] = {}
    with workspace.facts() as facts:
        folder = workspace.folder
        for history in judged(facts, folder, folder.signals.values(), now_us=to_us(UNTIL)):
            labels = np.array([history.subjects.label(i) for i in range(history.subjects.size)])
            row = np.searchsorted(enrolments.label, labels)
            at = {}
            for day in DAYS:
                # A weekly sentence says what it said at the last week that was over.
                close = np.searchsorted(history.ends, enrolments.start_us[row] + day * DAY_US, side="right") - 1
                holds = (close >= 0) & (history.verdicts[np.arange(len(row)), np.maximum(close, 0)] == HOLDS)
                at[day] = np.zeros(len(enrolments.label), dtype=bool)
                at[day][row] = holds
            found[history.signal.name] = at
    return found


def recency(away: NDArray[np.int64], dropped: Mask, named: int) -> float:
    """The precision of naming those away longest, as many as `named`; those level at the end are drawn by lot."""
    order = np.argsort(-away, kind="stable")
    last = away[order][named - 1]
    surely, level = away > last, away == last
    left = named - int(surely.sum())
    return float((dropped[surely].sum() + left * dropped[level].mean()) / named)


def compare(walk: Walk, enrolments: Enrolments, held: dict[str, dict[int, Mask]]) -> None:
    """The table of all sentences, and the chosen one on the courses that were left out."""
    courses = np.unique(enrolments.course)
    first = np.isin(enrolments.course, courses[::2])
    for title, part in (
        (f"Chosen on {len(courses[::2])} courses", first),
        (f"Judged on the {len(courses[1::2])} left out", ~first),
    ):
        walk.title(f"{title} ({int(part.sum()):,} enrolments, {enrolments.dropped[part].mean():.1%} dropped out)")
        walk.out.print(_table(enrolments, held, part))
    best = max(held, key=lambda name: _margin(enrolments, held[name], first))
    margins = [m for day in DAYS if (m := _precisions(enrolments, held[best][day], ~first, day))]
    better = sum(own > away for _, own, away in margins)
    walk.say(
        f"\nChosen on the first half, by its lead over recency: [bold]{best}[/]. On the courses left out it is ahead "
        f"of recency at {better} of {len(margins)} days.\n"
    )


def _precisions(enrolments: Enrolments, holds: Mask, part: Mask, day: int) -> tuple[int, float, float] | None:
    """(named, precision of the sentence, precision of recency at as many); None where it names nobody."""
    named = int((holds & part).sum())
    if not named:
        return None
    own = float(enrolments.dropped[holds & part].mean())
    return named, own, recency(enrolments.away(day)[part], enrolments.dropped[part], named)


def _margin(enrolments: Enrolments, holds: dict[int, Mask], part: Mask) -> float:
    """The mean lead of a sentence over recency; one that names too few at any day is never chosen."""
    found = [_precisions(enrolments, holds[day], part, day) for day in DAYS]
    if any(f is None or f[0] < LEAST_NAMED * part.sum() for f in found):
        return -1.0
    return float(np.mean([own - away for named, own, away in (f for f in found if f is not None)]))


def _table(enrolments: Enrolments, held: dict[str, dict[int, Mask]], part: Mask) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("signal")
    for day in DAYS:
        table.add_column(f"day {day}\nright / away / named", justify="right", no_wrap=True)
    for name in sorted(held):
        cells: Sequence[str] = [
            "-" if found is None else f"{found[1]:.1%} / {found[2]:.1%} / {found[0]:,}".replace("%", "")
            for found in (_precisions(enrolments, held[name][day], part, day) for day in DAYS)
        ]
        table.add_row(name, *cells)
    return table


if __name__ == "__main__":
    sys.exit(main())
