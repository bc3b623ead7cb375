"""How much `beforehand --help` costs, in starts of a bare interpreter; the two alternate so that noise meets both."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

AT_MOST = 12.0
ROUNDS = 25


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> int:
    python = sys.executable
    tool = str(Path(python).with_name("beforehand"))
    commands = {"bare": [python, "-c", "pass"], "help": [tool, "--help"]}
    for command in commands.values():  # the first start fills the disk cache and writes byte code
        seconds(command)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(seconds(command))
    bare, shown = (statistics.median(times[name]) for name in ("bare", "help"))
    ratio = shown / bare
    print(
        f"help: {shown * 1000:.0f} ms, bare interpreter {bare * 1000:.1f} ms, ratio {ratio:.1f} (at most {AT_MOST:g})"
    )
    return 0 if ratio <= AT_MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
