"""What each kind costs over 20,000 accounts and 104 closes, beside reading their numbers once.

Every sentence is judged at all closes from end to end (windows, scores, thresholds over all accounts, verdicts), on
plain arrays; one reading is a sum over the same array. Fails where a kind or a condition has no line.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import get_args

import numpy as np

from beforehand.calendar import Grain
from beforehand.signals import KINDS, SeriesNumbers, Signal, Vocabulary, decided, judge, parse, scores
from beforehand.signals.numbers import Float
from beforehand.signals.tree import Compound
from beforehand.workspace.spec import MetricSpec

ROUNDS = 3
BLOCK = 2_000
METRICS = {"logins": MetricSpec(count="events"), "errors": MetricSpec(count="events", where="event = 'error'")}
SENTENCES: tuple[tuple[str, Grain, str], ...] = (
    ("level", Grain.WEEK, "logins below 2 for 3 weeks"),
    ("level", Grain.WEEK, "logins below 2 in 3 of 4 weeks"),
    ("level", Grain.DAY, "logins at least 3 in 30 days"),
    ("change", Grain.WEEK, "logins down 40% vs the 8 weeks before, for 2 weeks"),
    ("change", Grain.WEEK, "logins up 60% in a quarter"),
    ("usual", Grain.WEEK, "logins below usual for 2 weeks"),
    ("usual", Grain.WEEK, "logins within usual"),
    ("spike", Grain.WEEK, "logins spike per week"),
    ("absence", Grain.DAY, "no logins for 14 days"),
    ("absence", Grain.DAY, "no logins for 10 business days"),
    ("peers", Grain.WEEK, "logins among the lowest quarter of accounts like it for 3 weeks"),
    ("milestone", Grain.DAY, "no first logins within 14 days of signup"),
    ("milestone", Grain.DAY, "first logins later than the slowest quarter of accounts like it"),
    ("All", Grain.WEEK, "logins below 2 and errors at least 20 within 14 days"),
    ("Any", Grain.WEEK, "logins below 2 or errors at least 20"),
    ("Then", Grain.WEEK, "logins recover within 28 days"),
    ("Unless", Grain.WEEK, "logins below 2 unless errors at least 20"),
    ("After", Grain.DAY, "logins below 2 per day 14 days after signup"),
    ("Negation", Grain.WEEK, "logins not below usual"),
)


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def over_blocks(signal: Signal, values: dict[str, Float], ages: Float, grain: Grain) -> None:
    """Judges all accounts in blocks, as a backtest does: what is decided over all goes over the blocks first."""
    blocks = [
        SeriesNumbers(
            {metric: series[low : low + BLOCK] for metric, series in values.items()},
            grain,
            traits={"age": ages[low : low + BLOCK]},
        )
        for low in range(0, len(ages), BLOCK)
    ]
    scored = [scores(signal, block) for block in blocks]
    thresholds = decided(scored)
    for block, own in zip(blocks, scored, strict=True):
        judge(signal, block, scored=own, thresholds=thresholds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--closes", type=int, default=104)
    asked = parser.parse_args()
    kinds = {kind.name for kind in KINDS} | {node.__name__ for node in get_args(Compound)}
    if missing := kinds - {name for name, _, _ in SENTENCES}:
        print(f"no line for {', '.join(sorted(missing))}")
        return 1
    rng = np.random.default_rng(1)
    shape = asked.accounts, asked.closes
    usual = rng.gamma(2, 6, (asked.accounts, 1))
    values = {"logins": rng.poisson(usual, shape).astype(float), "errors": rng.poisson(3, shape).astype(float)}
    ages = np.arange(asked.closes) + rng.integers(0, 800, (asked.accounts, 1)).astype(float)
    vocabulary = Vocabulary.of(METRICS)
    reading = best(lambda: values["logins"].sum())
    print(f"reading {asked.accounts:,} x {asked.closes} numbers once: {reading * 1e3:.1f} ms")
    for name, grain, sentence in SENTENCES:
        signal = Signal("bench", parse(sentence, vocabulary), counted=vocabulary.counted)
        took = best(lambda signal=signal, grain=grain: over_blocks(signal, values, ages, grain))  # type: ignore[misc]
        print(f"{name:9} {took * 1e3:7.0f} ms, ratio {took / reading:6.1f}  {sentence}")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
