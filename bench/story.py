"""The stories of a backlog beside the judging that finds it, and how long `show` takes.

    python bench/story.py --events 1e7 [--alerts 1000] [--folder /tmp/bench] [--keep]

Builds a workspace over generated events (generate.py), judges its signals at the newest close as a first run does, and
then takes the receipts and headlines of so many of the rows that hold. The first line is the ratio of the two, which
binds at 1,000 alerts; the second what one receipt costs when it is taken alone, beside one of many. `show` is told in
seconds, over alerts of that backlog, with what else happened and what peers had. Exits 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from beforehand import Workspace, store
from beforehand.calendar import to_us
from beforehand.commands.judging import SignalHistory, judged
from beforehand.commands.run import run
from beforehand.commands.show import show
from beforehand.commands.witnessing import Witness, witnesses
from beforehand.facts import receipts
from beforehand.signals.numbers import HOLDS
from generate import generate

NOW = datetime(2024, 12, 30, 3, tzinfo=UTC)  # three hours after the last week generated
METRICS = "\n".join(
    f"{name}: {{says: [{name}], count: events, where: event = '{event}'}}"
    for name, event in (("logins", "login"), ("views", "page_view"), ("exports", "export"), ("errors", "error"))
)
SIGNALS = {
    "logins-down": "when: logins down 30% vs the 8 weeks before",
    "views-low": "when: views below 3 per week for 3 consecutive weeks",
    "errors-up": "when: errors above usual",
    "no-exports": "when: no exports for 14 days",
    "two-signs": "when:\n  all of: [exports below 2 per week, people below 4]",
}
AT_MOST = {"backlog": 1.0, "receipt": 0.1}
SHOWN = 12
BEFORE_S = 0.3


def built(folder: Path, events: int) -> Path:
    """A workspace whose facts are generated; what is there already is used."""
    root = folder / f"story-{events}"
    (root / "signals").mkdir(parents=True, exist_ok=True)
    (root / "beforehand.yaml").write_text("name: bench\nzone: UTC\n")
    (root / "metrics.yaml").write_text(METRICS + "\npeople: {says: [people], people: events}\n")
    for name, when in SIGNALS.items():
        (root / "signals" / f"{name}.yaml").write_text(f"signal: {name}\n{when}\n")
    if not (root / ".beforehand" / "facts.duckdb").is_file():
        generate(root / ".beforehand" / "facts.duckdb", events)
    return root


def backlog(ws: Workspace, most: int) -> tuple[float, float, list[Witness]]:
    """Seconds of judging and of telling, and the witnesses of at most so many rows over all signals."""
    with ws.facts() as facts:
        began = time.perf_counter()
        histories = list(judged(facts, ws.folder, ws.folder.signals.values(), now_us=to_us(NOW), since_us=_since()))
        judging = time.perf_counter() - began
        began = time.perf_counter()
        told: list[Witness] = []
        for history in histories:
            rows = _rows(history, most // len(histories))
            end_us = int(history.ends[-1])
            for witness in witnesses(facts, ws.folder, history, rows, end_us, to_us(NOW)):
                assert witness.headline(ws.folder, end_us)
                told.append(witness)
        return judging, time.perf_counter() - began, told


def _since() -> int:
    return to_us(NOW) - 60 * 7 * 86_400_000_000


def _rows(history: SignalHistory, most: int) -> list[int]:
    holding = np.flatnonzero((history.verdicts[:, -1] == HOLDS) & history.inside[:, -1])
    return [int(row) for row in np.random.default_rng(1).permutation(holding)[:most]]


def alone(ws: Workspace, told: list[Witness]) -> tuple[float, float, int]:
    """Seconds a receipt costs when it is taken alone, and as one of many; and how many the many are."""
    asks = list(dict.fromkeys((r.query, r.known_us) for one in told for r in one.receipts if r.query.accounts))
    with ws.facts() as facts:
        few = asks[:: max(1, len(asks) // 10)][:10]
        began = time.perf_counter()
        for ask in few:
            receipts.take(facts, *ask)
        each = (time.perf_counter() - began) / len(few)
        began = time.perf_counter()
        receipts.take_all(facts, asks)
        return each, (time.perf_counter() - began) / len(asks), len(asks)


def shown(ws: Workspace) -> list[tuple[float, float]]:
    """Seconds that `show` takes of some alerts of a first run, after one to warm up: by the clock, and of processor."""
    with ws.state() as state, state.read() as session:
        names = [alert.name for alert in store.find_alerts(session)]
    took = []
    for name in names[:: max(1, len(names) // (SHOWN + 1))][: SHOWN + 1]:
        began, worked = time.perf_counter(), time.process_time()
        show(ws, name)
        took.append((time.perf_counter() - began, time.process_time() - worked))
    return sorted(took[1:])


def told_line(name: str, ratio: float, words: str) -> bool:
    well = ratio <= AT_MOST[name]
    print(f"{'ok  ' if well else 'MISS'} {name}: {ratio:.2f} (at most {AT_MOST[name]:g}); {words}")
    return well


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, default=1e6)
    parser.add_argument("--alerts", type=int, default=1_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="bench-story-"))
    events = int(given.events)
    ws = Workspace(built(folder, events), "bench")
    print(f"{events:,} events, 20,000 accounts, {len(SIGNALS)} signals at the close of {NOW:%d %B %Y}")
    judging, telling, told = backlog(ws, given.alerts)
    words = (
        f"{len(told):,} stories in {telling:.2f} s ({telling / len(told) * 1000:.1f} ms each), judging {judging:.2f} s"
    )
    well = told_line("backlog", telling / judging, words)
    each, many, count = alone(ws, told)
    well &= told_line("receipt", many / each, f"{many * 1000:.2f} ms as one of {count:,}, {each * 1000:.0f} ms alone")
    (ws.data / "state.sqlite").unlink(missing_ok=True)
    for name in list(SIGNALS)[1:]:
        (ws.root / "signals" / f"{name}.yaml").unlink()
    opened = run(Workspace(ws.root, "bench"), NOW)["opened"]
    took = shown(Workspace(ws.root, "bench"))
    middle, worked = took[len(took) // 2]
    print(f"     show: {middle * 1000:.0f} ms in the middle (processor {worked * 1000:.0f} ms), "
          f"{took[-1][0] * 1000:.0f} ms at most, of {opened:,} alerts (wanted: {BEFORE_S * 1000:.0f} ms)")  # fmt: skip
    if not given.keep and given.folder is None:
        shutil.rmtree(folder)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
