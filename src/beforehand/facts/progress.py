"""A bar for long loads: on standard error, on a terminal, and only when there is something to wait for."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import duckdb

PATIENCE_S = 2.0
_TICK_S = 0.2


@contextmanager
def shown(connection: duckdb.DuckDBPyConnection, files: Sequence[str], wanted: bool) -> Iterator[None]:
    """Draws how far the engine is with its present step, from the second second on."""
    if not wanted or not sys.stderr.isatty():
        yield
        return
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    done = threading.Event()
    thread = threading.Thread(target=_draw, args=(connection, ", ".join(files), done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def reading(what: str, wanted: bool) -> Iterator[Callable[[int, int], None]]:
    """Gives the function that is told how many bytes of a file are read, of how many; draws it from the second second
    on."""
    if not wanted or not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Reading {task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task, began, drawn = progress.add_task(what, total=None), time.monotonic(), 0.0

    def watch(done: int, of: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - began > PATIENCE_S and now - drawn > _TICK_S:
            progress.start()
            drawn = now
            progress.update(task, completed=done, total=of)

    try:
        yield watch
    finally:
        progress.stop()


def _draw(connection: duckdb.DuckDBPyConnection, what: str, done: threading.Event) -> None:
    if done.wait(PATIENCE_S):
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("Loading {task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        while not done.wait(_TICK_S):
            share = connection.query_progress()
            # -1: the step cannot say how far it is.
            progress.update(task, total=100 if share >= 0 else None, completed=max(share, 0))


@contextmanager
def steps(what: str, wanted: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Gives what is told how many steps of how many are done; it draws them from the second second on.

    None where nobody looks.
    """
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what, markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task, began = progress.add_task(what, total=None), time.monotonic()

    def told(done: int, of: int) -> None:
        progress.update(task, completed=done, total=of)
        if time.monotonic() - began > PATIENCE_S:
            progress.start()

    try:
        yield told
    finally:
        progress.stop()
