"""What each judge and the life of alerts cost, beside one plain pass over the same numbers (a mean)."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from beforehand.alerts import Policy, trace
from beforehand.calendar import Grain
from beforehand.signals import KINDS, kind_of
from beforehand.signals.tree import Absence, Change, Leaf, Level, Milestone, Peers, Quantity, Spike, Streak, Usual

CLOSES = 100
ROUNDS = 5
LOGINS = Quantity("logins")
LEAVES: tuple[Leaf, ...] = (
    Level(LOGINS, "<", 2, streak=Streak(3, 3)),
    Change(LOGINS, "down", 0.4, 8, streak=Streak(2, 2)),
    Usual(LOGINS, "down", 26, streak=Streak(2, 2)),
    Spike(LOGINS, Grain.WEEK),
    Absence(LOGINS, 14),
)


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=float, default=2e6, help="how many windows each judge sees")
    windows_asked = int(parser.parse_args().windows)
    # Peers and milestones are nothing without the others, and timed in kinds.py.
    missing = {kind.leaf for kind in KINDS} - {type(leaf) for leaf in LEAVES} - {Peers, Milestone}
    if missing:
        raise SystemExit(f"no bench for {', '.join(sorted(kind.__name__ for kind in missing))}")
    rng = np.random.default_rng(1)
    for leaf in LEAVES:
        kind = kind_of(leaf)
        width = kind.width(leaf)
        for unknown in (0.0, 0.02):
            series = rng.poisson(8, (windows_asked // CLOSES, CLOSES + width - 1)).astype(float)
            series[rng.random(series.shape) < unknown] = np.nan
            windows = np.lib.stride_tricks.sliding_window_view(series, width, axis=1)
            plain = best(lambda windows=windows: windows.mean(axis=-1))
            work = lambda kind=kind, leaf=leaf, windows=windows: kind.judge(leaf, windows, True)  # noqa: E731
            if kind.score is not None:  # over the whole series at once
                work = lambda kind=kind, leaf=leaf, series=series: kind.score(leaf, series, CLOSES, True)  # noqa: E731
            took = best(work)
            print(
                f"judge {kind.name:8} {windows_asked:,} windows of {width:2}, {unknown:.0%} unknown: "
                f"{took * 1e3:.0f} ms, plain pass {plain * 1e3:.0f} ms, ratio {took / plain:.2f}"
            )
    verdicts = rng.choice(4, (windows_asked // CLOSES, CLOSES), p=[0.7, 0.2, 0.09, 0.01]).astype(np.int8)
    inside = np.ones_like(verdicts, bool)
    plain = best(lambda: verdicts.mean(axis=-1))
    took = best(lambda: trace(verdicts, None, inside, Policy()))
    print(
        f"life of alerts over {verdicts.size:,} verdicts: {took * 1e3:.0f} ms, plain pass {plain * 1e3:.0f} ms, "
        f"ratio {took / plain:.1f}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
