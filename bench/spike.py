"""The spike judge beside two plain ones on marked production series, and what it raises where there is no trouble.

Series: Microsoft's production series (`ms-cloud` in the data folder; without it that part is skipped), judged as
`beforehand judge "value spikes"` judges them. The rivals see the same past (the same number of points, at least 48):
a robust z-score (median and MAD, above 6) and a Gaussian (mean and deviation, above 4); thresholds at which people use
them. An anomaly is a run of marked points; its delay is counted in points from its first to the first that is told. Not
all marks are rises, and nobody may tell falls here. Then 20,000 simulated accounts with counts per hour.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from beforehand.calendar import Grain, to_us
from beforehand.commands.judge import judge_points
from beforehand.commands.series import Series
from beforehand.signals.expected import PAST
from beforehand.signals.spike import RATE, decide, score_spike
from beforehand.signals.tree import Quantity, Spike

Bool = NDArray[np.bool_]
Float = NDArray[np.float64]
DATA = Path(os.environ.get("BEFOREHAND_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
HOUR = Spike(Quantity("errors"), Grain.HOUR)
WINDOW = 336
LEAST = 48


def rivals(value: Float) -> dict[str, Bool]:
    padded = np.concatenate([np.full(WINDOW, np.nan), value])
    before = sliding_window_view(padded, WINDOW)[LEAST:-1]
    mean, spread = np.nanmean(before, axis=1), np.nanstd(before, axis=1)
    mid = np.nanmedian(before, axis=1)
    mad = 1.4826 * np.nanmedian(np.abs(before - mid[:, None]), axis=1)
    young, now = np.zeros(LEAST, dtype=bool), value[LEAST:]
    return {
        "robust z above 6": np.concatenate([young, now > mid + 6 * np.maximum(mad, 1e-9)]),
        "gaussian above 4": np.concatenate([young, now > mean + 4 * np.maximum(spread, 1e-9)]),
    }


def runs(marked: Bool) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[0], marked.astype(int), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


class Tally:
    """What one judge told over all series."""

    def __init__(self) -> None:
        self.told = self.right = self.caught = self.events = self.calm = self.false = self.marked = self.wrong = 0
        self.stretches = self.good = 0
        self.delays: list[int] = []

    def add(self, held: Bool, marked: Bool) -> None:
        if not marked.any():
            self.calm, self.false = self.calm + held.size, self.false + int(held.sum())
            return
        self.told, self.right = self.told + int(held.sum()), self.right + int((held & marked).sum())
        self.marked += int(marked.sum())
        for first, last in runs(held):
            self.stretches += 1
            self.good += bool(marked[first:last].any())
        for first, last in runs(marked):
            self.events += 1
            seen = np.flatnonzero(held[first:last])
            if seen.size:
                self.caught += 1
                self.delays.append(int(seen[0]))

    def line(self, name: str) -> str:
        delay = f"{np.median(self.delays):.0f}, mean {np.mean(self.delays):.1f}" if self.delays else "-"
        return (
            f"  {name:18} precision: points {self.right}/{self.told} = {self.right / max(1, self.told):.2f}, alarms "
            f"{self.good}/{self.stretches} = {self.good / max(1, self.stretches):.2f}; recall: anomalies {self.caught}/"
            f"{self.events} = {self.caught / max(1, self.events):.2f}, points {self.right / max(1, self.marked):.3f}; "
            f"delay: median {delay} points; false alarms per 1,000 points on series without: "
            f"{1000 * self.false / max(1, self.calm):.2f}"
        )


def production() -> None:
    path = DATA / "ms-cloud" / "series.parquet"
    if not path.exists():
        print(f"spike: {path} is not there; the production series are skipped")
        return
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    names = np.array(table["series"].to_pylist())
    at = table["timestamp"].to_numpy(zero_copy_only=False).astype("datetime64[us]").astype(np.int64)
    value, label = table["value"].to_numpy(), table["label"].to_numpy() > 0
    tallies: dict[str, Tally] = {}
    began = time.perf_counter()
    for name in np.unique(names):
        mine = np.flatnonzero(names == name)
        mine = mine[np.argsort(at[mine], kind="stable")]
        series = Series((str(name),), np.zeros(mine.size, dtype=np.int64), at[mine], value[mine])
        rows = judge_points("value spikes", series)["rows"]
        verdicts = {to_us(row["start"]): row["verdict"] for row in rows}
        held = np.array([verdicts.get(int(us)) == "holds" for us in at[mine]])
        for judge, found in {"spike": held, **rivals(value[mine])}.items():
            tallies.setdefault(judge, Tally()).add(found, label[mine])
    print(
        f"spike: {len(np.unique(names))} production series, {value.size:,} points, {time.perf_counter() - began:.0f} s"
    )
    for judge, tally in tallies.items():
        print(tally.line(judge))


def drawn(rng: np.random.Generator, usual: Float, size: Float) -> Float:
    return rng.poisson(rng.gamma(size, 1.0) * usual / size).astype(np.float64)


def simulated(accounts: int, closes: int, seed: int, shape: str) -> None:
    rng = np.random.default_rng(seed)
    usual = 10 ** rng.uniform(-1, np.log10(40), accounts)
    stray = np.where(rng.random(accounts) < 0.5, 1.0, rng.uniform(1, 1.5, accounts))
    hours = np.arange(PAST[Grain.HOUR].reach + closes)
    course = np.ones(hours.size)
    if shape == "days and weeks":
        course = np.where((hours // 24) % 7 < 5, 1.0, 0.3) * (1 + 0.9 * np.sin(2 * np.pi * hours / 24))
        course /= course.mean()
    p = np.empty((accounts, closes))
    hit = rng.choice(np.flatnonzero((usual >= 10) & (usual * course[-1] >= 10)), 20, replace=False)
    loud = np.empty((accounts, 1))
    took = 0.0
    for low in range(0, accounts, 500):
        rows = slice(low, low + 500)
        mean = usual[rows, None] * course
        size = np.where(stray[rows, None] > 1, mean / np.maximum(stray[rows, None] - 1, 1e-9), 1e9)
        x = drawn(rng, mean, size)
        began = time.perf_counter()
        p[rows] = score_spike(HOUR, x, closes, True)
        took += time.perf_counter() - began
        mine = hit[(hit >= low) & (hit < low + 500)] - low
        x[mine, -1] = drawn(rng, 5 * mean[mine, -1], 5 * size[mine, -1])
        loud[rows] = score_spike(HOUR, x[:, -PAST[Grain.HOUR].reach - 1 :], 1, True)
    everybody = np.ones(p.shape, dtype=bool)
    raised = (p <= decide(p, everybody)).any(axis=0)
    closed = (loud <= decide(loud, everybody[:, :1]))[hit, 0].sum()
    filling = (loud[hit, 0] <= RATE / accounts).sum()
    print(
        f"spike: {accounts:,} accounts without trouble ({shape}): {raised.sum()} of {closes} closes raise anything; "
        f"of 20 planted spikes {filling} told while the hour fills, {closed} at its close; "
        f"{took:.1f} s for {closes} closes"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--closes", type=int, default=168)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    production()
    for shape in ("even", "days and weeks"):
        simulated(given.accounts, given.closes, given.seed, shape)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
