"""A progress bar on standard error for what takes longer than two seconds, only where somebody looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 2.0


@contextmanager
def bar() -> Iterator[Callable[[str, int, int], None]]:
    """Gives the function a command reports to: (what is being done, steps done, steps in all)."""
    from beforehand.cli import look

    if not look.progress_shown():
        yield lambda said, done, of: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    progress = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=32), TextColumn("{task.completed} of {task.total}"),
        TimeRemainingColumn(), console=look.console(stderr=True), transient=True,
    )  # fmt: skip
    task, began, shown = progress.add_task("", total=None), time.monotonic(), False

    def report(said: str, done: int, of: int) -> None:
        nonlocal shown
        progress.update(task, description=said, completed=done, total=of)
        if not shown and time.monotonic() - began > PATIENCE_S:
            progress.start()
            shown = True

    try:
        yield report
    finally:
        if shown:
            progress.stop()
