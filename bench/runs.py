"""What runs of playbooks cost a `run`: those that are due, each; and those that wait, which is to be nothing.

    .venv/bin/python bench/runs.py [--waiting 100000] [--due 2000]

`run` is asked as people ask it, with the facts, by as many accounts as there are runs; the first of each pair is not
counted. Rows of the state that SQLite reads are counted by its own steps, which do not follow from what else the
machine does.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

sys.path.insert(0, str(Path(__file__).parent))
from chaos_world import World, made

STEPS = 1_000
TIMES = 5


class Steps:
    """How many steps of its own machine SQLite takes, in thousands."""

    def __init__(self) -> None:
        self.taken = 0
        event.listen(Engine, "connect", self._connected)

    def _connected(self, connection: object, _: object) -> None:
        connection.set_progress_handler(self._step, STEPS)  # type: ignore[attr-defined]

    def _step(self) -> int:
        self.taken += 1
        return 0


def idle(world: World, steps: Steps) -> tuple[float, float]:
    """Seconds and thousands of steps that a `run` takes in which nothing is due."""
    world.ws.run()
    took = []
    before = steps.taken
    for _ in range(TIMES):
        began = time.perf_counter()
        assert world.ws.run()["runs"]["moved"] == 0
        took.append(time.perf_counter() - began)
    return statistics.median(took), (steps.taken - before) / TIMES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=2_000)
    args = parser.parse_args()
    steps = Steps()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for n, waiting in enumerate((args.waiting // 100, args.waiting)):
            root = Path(folder) / str(n)
            root.mkdir()
            world = made(root, 2525, "", waiting, args.due, 0.0)
            began, busy, before = time.perf_counter(), time.process_time(), steps.taken
            assert world.ws.run()["runs"]["moved"] == args.due
            took, busy, moved = time.perf_counter() - began, time.process_time() - busy, steps.taken - before
            found[waiting] = (*idle(world, steps), moved)
            print(
                f"{waiting:,} runs wait: {args.due:,} that are due moved in {took:.1f} s ({args.due / took:.0f} a s, "
                f"{busy / args.due * 1e3:.2f} ms of processor each, {moved:,} thousand steps of SQLite); none due: "
                f"{found[waiting][0]:.2f} s, {found[waiting][1]:.0f} thousand steps",
                flush=True,
            )
    few, many = found.values()
    well = many[1] <= few[1] + 5 and many[2] <= 1.2 * few[2]
    print(f"{'ok' if well else 'MISS'}: a hundred times as many that wait, {many[1] - few[1]:+.0f} thousand steps "
          f"where none is due, x{many[2] / few[2]:.2f} where {args.due:,} are")  # fmt: skip
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
