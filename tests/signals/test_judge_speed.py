"""Judges are passes of NumPy, not loops: run with `-s` for the times.

The limits are those asked for two million windows, given here to a tenth of them, so that a busy machine does not fail
the test but a loop over subjects does. `BEFOREHAND_WINDOWS=2000000` measures the full size.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from beforehand.signals import KINDS, kind_of
from beforehand.signals.tree import Absence, Change, Leaf, Level, Quantity, Streak, Usual

Q = Quantity("logins")
WINDOWS = int(os.environ.get("BEFOREHAND_WINDOWS", "200000"))
CLOSES = 100
LIMITS: list[tuple[Leaf, float]] = [
    (Level(Q, "<", 2, streak=Streak(3, 3)), 0.1),
    (Change(Q, "down", 0.4, 8, streak=Streak(2, 2)), 0.2),
    (Usual(Q, "down", 26, streak=Streak(2, 2)), 0.7),
    (Absence(Q, 14), 0.1),
]


def test_every_kind_is_timed() -> None:
    assert {type(leaf) for leaf, _ in LIMITS} == {kind.leaf for kind in KINDS}


@pytest.mark.parametrize("unknown", [0.0, 0.02])
@pytest.mark.parametrize(("leaf", "limit"), LIMITS, ids=lambda value: type(value).__name__)
def test_a_judge_is_quick(leaf: Leaf, limit: float, unknown: float) -> None:
    kind = kind_of(leaf)
    width = kind.width(leaf)
    rng = np.random.default_rng(1)
    series = rng.poisson(8, (WINDOWS // CLOSES, CLOSES + width - 1)).astype(float)
    series[rng.random(series.shape) < unknown] = np.nan
    windows = np.lib.stride_tricks.sliding_window_view(series, width, axis=1)
    times = []
    for _ in range(3):
        began = time.perf_counter()
        kind.judge(leaf, windows, True)
        times.append(time.perf_counter() - began)
    count = windows.shape[0] * windows.shape[1]
    print(f"{kind.name}: {count:,} windows of {width}, {unknown:.0%} unknown: {min(times) * 1e3:.0f} ms")
    assert min(times) < (2 * limit if unknown else limit)
