"""`run` and workers killed at random while 10,000 of 100,000 live runs write to customers: nothing twice, lost, stuck.

    .venv/bin/python bench/chaos.py                      # 100,000 runs, 10,000 due, 100 kills, SQLite and PostgreSQL
    .venv/bin/python bench/chaos.py --due 500 --kills 10 --waiting 1000 --spread 5 --state sqlite

One process decides, again and again, what runs do next (`run`, with the facts); four hand over what it writes (`work`,
with the state alone). All of them are sent SIGKILL at random moments and started again. A real SMTP server takes the
mails; see `chaos_world.py` for what the runs are.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parent))
from beforehand.store import Act, Entry, Run, Store
from beforehand.store.acts import DUE, HANDING, IN_DOUBT, REFUSED, SENT, count_acts
from chaos_world import DONE, World, made, postgres, serving

LEASE_S = 3.0
BEGIN = """
import sys, time
from datetime import timedelta
from pathlib import Path
from beforehand.commands import Workspace
from beforehand.commands import run, work
ws = Workspace(Path(sys.argv[1]))
print("ready", flush=True)
"""
WORKER = f"{BEGIN}ws.work(lease_for=timedelta(seconds={LEASE_S}))"
MOVER = f"{BEGIN}\nwhile True:\n    ws.run()\n    time.sleep(0.2)\n"


class Killer(threading.Thread):
    """Keeps one process going, and kills it within `life_s` of its start for as long as there are kills left."""

    def __init__(
        self, program: str, world: World, kills: list[int], over: threading.Event, life_s: float, seed: int
    ) -> None:
        super().__init__(daemon=True)
        self.program, self.world, self.kills, self.over, self.life_s = program, world, kills, over, life_s
        self.dice = random.Random(seed)
        self.killed = 0

    def run(self) -> None:
        while not self.over.is_set():
            command = [sys.executable, "-c", self.program, str(self.world.ws.root)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
            assert process.stdout is not None
            process.stdout.readline()
            while not self.over.wait(self.dice.uniform(0.2, self.life_s)):
                if process.poll() is not None:
                    break  # it ended by itself: started again, as whatever keeps it going would
                try:
                    self.kills.pop()
                except IndexError:
                    continue
                self.killed += 1
                process.send_signal(signal.SIGKILL)
                process.communicate()
                break
            else:
                process.terminate()
                process.communicate()


def left_over(state: Store, world: World) -> int:
    """How many runs are due that have not been moved, and acts that have not been handed over."""
    with state.read() as session:
        due = select(func.count()).where(Run.state == "live", Run.due_at <= max(world.last_due, datetime.now(UTC)))
        acts = count_acts(session)
        return int(session.scalar(due) or 0) + acts[DUE] + acts[HANDING]


def chaos(place: str, state: str, args: argparse.Namespace) -> bool:
    """One place once; prints what came of it and returns whether all held."""
    root = Path(tempfile.mkdtemp(prefix="beforehand-chaos-"))
    with serving(args.pause) as (box, port):
        world = made(root, port, state, args.waiting, args.due, args.spread)
        kills, over = list(range(args.kills)), threading.Event()
        began = time.monotonic()
        programs = [MOVER] + [WORKER] * args.workers
        # So that kills fall on the whole time in which runs come due.
        life_s = max(0.5, 2 * args.spread * len(programs) / max(args.kills, 1))
        killers = [Killer(program, world, kills, over, life_s, seed) for seed, program in enumerate(programs)]
        for killer in killers:
            killer.start()
        with world.ws.state() as store:
            while time.monotonic() - began < args.longest:
                time.sleep(1.0)
                if not left_over(store, world) and not kills:
                    break
            took = time.monotonic() - began
            over.set()
            for killer in killers:
                killer.join()
            said, well = verdict(store, world, Counter(box.taken))
    shutil.rmtree(root, ignore_errors=True)
    killed = f"{args.kills - len(kills)} kills ({killers[0].killed} of them of `run`)"
    print(f"{place}: {args.due:,} of {args.waiting + args.due:,} live runs, {args.workers} workers, {killed}, "
          f"{took:.0f} s: {said}", flush=True)  # fmt: skip
    return well and not kills


def verdict(store: Store, world: World, taken: Counter[str]) -> tuple[str, bool]:
    """What came of the runs, the acts and the mails, in words, and whether nothing is twice, lost or stuck."""
    with store.read() as session:
        acts = {run: state for run, state in session.execute(select(Act.run, Act.state).where(Act.outward))}  # noqa: C416
        number_of_acts = session.scalar(select(func.count()).select_from(Act)) or 0
        kinds: dict[int, list[str]] = {}
        for run, kind in session.execute(select(Entry.run, Entry.kind).order_by(Entry.run, Entry.n)):
            kinds.setdefault(run, []).append(kind)
        left = count_acts(session)
    write = {n for n, what in world.what.items() if what != "kept"}
    listed = {n for n in write if n in acts and acts[n] == IN_DOUBT}
    arrived = {n for n in write if taken[world.address(n)]}
    stuck = sum(kinds[n] != DONE[what] for n, what in world.what.items()) + left[DUE] + left[HANDING] + left[REFUSED]
    twice = sum(count > 1 for count in taken.values()) + number_of_acts - len(acts)
    lost = len(write - arrived - listed)
    unasked = len(taken) - len(arrived) + len(acts.keys() - write)
    touched = sum(len(own) for n, own in kinds.items() if n not in world.what) - world.waiting_lines
    said = (
        f"{sum(taken.values()):,} mails at the server, {twice} twice, {lost} lost, {stuck} stuck, {left[IN_DOUBT]} in "
        f"doubt and listed ({len(listed & arrived)} of them had arrived), {len(world.what) - len(write)} kept back, "
        f"{unasked} unasked for, {touched} lines added to runs that wait"
    )
    return said, twice == lost == stuck == unasked == touched == 0 and left[SENT] + left[IN_DOUBT] == len(write)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=90_000, help="Live runs that are not due.")
    parser.add_argument("--due", type=int, default=10_000, help="Live runs that come due.")
    parser.add_argument("--spread", type=float, default=120.0, help="Within so many seconds.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.0, help="Seconds the server thinks about each mail.")
    parser.add_argument("--longest", type=float, default=3600.0, help="Give up after so many seconds.")
    parser.add_argument("--state", choices=("sqlite", "postgresql", "both"), default="both")
    args = parser.parse_args()
    well = True
    if args.state != "postgresql":
        well &= chaos("SQLite", "", args)
    if args.state != "sqlite":
        with postgres() as address:
            well &= chaos("PostgreSQL", address, args)
    print("All of it held." if well else "It did not hold.")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
