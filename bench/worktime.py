"""What holidays by country and zones of accounts cost: business time beside a sort, and a judged signal beside itself.

    python bench/worktime.py [--events 2e6] [--accounts 20000]

A weekly level over two years is judged for accounts of some countries (which reads a trait, as holidays do), then with
holidays by country besides (eight places), then in the zone of each account (six zones); the first run counts, the next
ones read what is kept. Processor seconds over all threads.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from beforehand.calendar import DAY_US, BusinessTime, to_us, zone_named
from beforehand.commands.judging import judge_all
from beforehand.facts import Facts
from beforehand.workspace.folder import read_folder
from generate import START, WEEKS, generate

COUNTRIES = ("DE", "DE-BY", "US", "FR", "GB", "JP", "BR", "IN")
ZONES = (
    "Asia/Tokyo",
    "Europe/Berlin",
    "Europe/Paris",
    "UTC",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Kolkata",
)
CALENDAR = "calendar: {holidays: by country}\n"
AT_MOST = {"days": 40.0, "hours": 60.0, "country": 1.5}
"""Business days and hours of a million instants beside a sort of them; holidays by country beside none."""


def told(name: str, ratio: float, text: str) -> bool:
    """Prints one line, and says whether its target is met."""
    most = AT_MOST.get(name)
    met = most is None or ratio <= most
    bound = "" if most is None else f" (at most {most:g})"
    print(f"{'' if most is None else 'ok   ' if met else 'MISS '}{text}: {ratio:.2f}x{bound}")
    return met


def timed(work: Callable[[], object], rounds: int = 3) -> float:
    """The best of some rounds, in processor seconds."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def business() -> bool:
    """Business time of a million instants of two years."""
    at = to_us(datetime(2023, 1, 2, tzinfo=UTC)) + np.random.default_rng(1).integers(0, WEEKS * 7 * DAY_US, 1_000_000)
    berlin = BusinessTime(zone_named("Europe/Berlin"), country="DE-BY")
    berlin.hours_later(at, 16)  # reads holidays and boundaries once
    plain = timed(lambda: np.sort(at))
    days, hours = timed(lambda: berlin.days_later(at, 2)), timed(lambda: berlin.hours_later(at, 16))
    found = [
        told(name, took / plain, f"1,000,000 instants, a sort {plain * 1000:.0f} ms, {name} later {took * 1000:.0f} ms")
        for name, took in (("days", days), ("hours", hours))
    ]
    return all(found)


def workspace(root: Path, settings: str, signal: str = "") -> Path:
    """A folder with one signal."""
    (root / "signals").mkdir(parents=True, exist_ok=True)
    (root / "beforehand.yaml").write_text(f"name: bench\n{settings}")
    (root / "metrics.yaml").write_text("logins:\n  count: events\n  where: event = 'login'\n")
    (root / "signals" / "drop.yaml").write_text(
        "signal: drop\nwhen: logins below 2 per week for 3 consecutive weeks for accounts where country is not FR\n"
        + signal
    )
    return root


def signals(events: int, accounts: int) -> bool:
    """One signal, three ways."""
    with tempfile.TemporaryDirectory() as made:
        path = generate(Path(made) / "facts.duckdb", events, accounts=accounts)
        forms = {"none": ("", ""), "country": (CALENDAR, ""), "zones": ("", "zone: account\n")}
        folders = {name: read_folder(workspace(Path(made) / name, *form)) for name, form in forms.items()}
        now_us = to_us(datetime.fromisoformat(START).replace(tzinfo=UTC)) + WEEKS * 7 * DAY_US
        took: dict[str, tuple[float, float]] = {}
        with Facts.open(path, folders["none"].settings) as facts:
            for trait, words in (("country", COUNTRIES), ("zone", ZONES)):
                facts.connection.execute(
                    "INSERT INTO traits (stored_seq, source, account, trait, value, occurred_at, delay, dated)"
                    " SELECT 0, 'files', account, ?, ?[1 + account % ?],"
                    " TIMESTAMP '2023-01-01', 0, false FROM accounts",
                    [trait, list(words), len(words)],
                )
            for name, folder in folders.items():
                judge = partial(judge_all, facts, folder, now_us=now_us)
                took[name] = (timed(judge, 1), timed(judge))
        plain, what = took["none"][1], f"{events:,} events, {accounts:,} accounts"
        print(f"{what}, judged without a calendar: first {took['none'][0]:.2f} s, again {plain:.2f} s")
        found = [
            told(name, again / plain, f"{what}, {name}: first {first:.2f} s, again {again:.2f} s")
            for name, (first, again) in list(took.items())[1:]
        ]
    return all(found)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--events", type=float, default=2e6)
    asked.add_argument("--accounts", type=int, default=20_000)
    given = asked.parse_args()
    return 0 if business() & signals(int(given.events), given.accounts) else 1


if __name__ == "__main__":
    raise SystemExit(main())
