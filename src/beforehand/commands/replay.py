"""`replay`: lives through history in a scratch workspace, and compares what was raised with what the backtest says.

Facts are fed as they were learned, `run` is called at every close with the time it was then, late facts come late. With
`kill` each step is a process of its own that is killed at random moments and started again until it gets through.
Nothing of the workspace itself is changed.
"""

from __future__ import annotations

import multiprocessing
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beforehand import store
from beforehand.alerts import Policy, trace, warm
from beforehand.calendar import to_datetime, to_us
from beforehand.commands.closes import Teller, Told
from beforehand.commands.feeding import Feed, keep_history
from beforehand.commands.judging import chosen, judge_all
from beforehand.commands.proving import first_us, newest_us
from beforehand.commands.run import LOOK_BACK, Labels, Subjects, run
from beforehand.commands.workspace import SETTINGS_FILE, Workspace
from beforehand.errors import EngineError, InputError

if TYPE_CHECKING:
    from beforehand.commands.judging import SignalHistory
    from beforehand.facts import Facts
    from beforehand.store import Store
    from beforehand.workspace import Folder

Progress = Callable[[str, int, int], None]
Raised = tuple[str, str, datetime, datetime | None, str | None]
"""(account, scope, opened_at, closed_at, reason) of an episode."""

PRELOADED = (
    "beforehand.commands.replay",
    "beforehand.facts.lock",
    "beforehand.panel.panel",
    "beforehand.workspace.folder",
    "sqlalchemy.dialects.sqlite",
)
KILLS = 3
"""How often one step is killed at most before it is let through."""


@dataclass
class Compared:
    """One signal's episodes on both sides."""

    signal: str
    live: set[Raised] = field(default_factory=set)
    backtest: set[Raised] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        """What is on one side only, in order; `episodes` counts the backtest's."""

        def rows(told: set[Raised]) -> list[dict[str, Any]]:
            keys = ("account", "scope", "opened_at", "closed_at", "reason")
            ordered = sorted(told, key=lambda t: (t[2], t[0], t[1], t[3] is None, t[3] or t[2]))
            return [dict(zip(keys, t, strict=True)) for t in ordered]

        return {
            "signal": self.signal,
            "episodes": len(self.backtest),
            "only_live": rows(self.live - self.backtest),
            "only_backtest": rows(self.backtest - self.live),
        }


def replay(
    ws: Workspace,
    names: Sequence[str] = (),
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    kill: bool = False,
    seed: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Runs at every close in `[since, until]` (default: all of history) and compares per (subject, signal, close).

    `names` are the signals lived with (default: all that are not off); `until` defaults to the newest fact by when it
    happened. Rows that were loaded after go-live for times before it are left out on both sides. Raises InputError
    for a signal there is none of, and where there is nothing to live through.
    """
    folder = ws.folder
    signals = {signal.name for signal in chosen(folder, names or None) if signal.mode != "off"}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="beforehand-replay-") as made:
        scratch = _scratch(ws, Path(made))
        with ws.facts() as facts:
            until_us = newest_us(facts) if until is None else to_us(until)
            if progress is not None:
                progress("reading history", 0, 1)
            left_out = keep_history(facts, Path(made), until_us)
            histories = {} if left_out else _histories(ws, facts, signals, until_us)
        feed = Feed(Path(made))
        feed.begin(folder.settings, scratch.data)
        if left_out:
            with scratch.facts() as facts:
                feed.up_to(facts, until_us)
                histories = _histories(ws, facts, signals, until_us)
            shutil.rmtree(scratch.data)
            feed.begin(folder.settings, scratch.data)
        moments = _moments(histories, since)
        if not moments:
            raise InputError(
                "There is no close to live through.",
                "Load facts that span at least one period, or choose an earlier --since or a later --until.",
                code="no-closes",
            )
        live = Live(scratch.root, Path(made), frozenset(signals), moments)
        killed = live.killed(random.Random(seed), progress) if kill else live.through(progress)
        compared = _compare(scratch, histories, moments[0])
    rows = [c.as_json() for c in compared]
    return {
        "equal": not any(row["only_live"] or row["only_backtest"] for row in rows),
        "since": to_datetime(moments[0]),
        "until": to_datetime(moments[-1]),
        "closes": len(moments),
        "runs": len(moments) + killed,
        "killed": killed,
        "left_out": left_out,
        "seconds": round(time.monotonic() - began, 1),
        "signals": rows,
    }


class Opened(Workspace):
    """A workspace whose facts and state stay open from run to run, where each run is not a process of its own."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        super().__init__(root, actor="replay")
        self.held = stack.enter_context(super().facts()), stack.enter_context(super().state())

    @contextmanager
    def facts(self) -> Iterator[Facts]:
        """The facts that are open."""
        yield self.held[0]

    @contextmanager
    def state(self) -> Iterator[Store]:
        """The state that is open."""
        yield self.held[1]


def _scratch(ws: Workspace, at: Path) -> Workspace:
    """A workspace with the same files, and nothing else."""
    root = at / "workspace"
    root.mkdir()
    for path in ws.root.iterdir():
        if path.is_file() and path.suffix in (".yaml", ".yml"):
            shutil.copy(path, root / path.name)
        elif path.name == "signals" and path.is_dir():
            shutil.copytree(path, root / path.name)
    if not (root / SETTINGS_FILE).exists():
        raise InputError(f"{ws.root} holds no {SETTINGS_FILE}.", code="no-workspace")
    return Workspace(root, actor="replay")


def _histories(
    ws: Workspace, facts: Facts, signals: set[str], until_us: int
) -> dict[str, tuple[SignalHistory, Subjects]]:
    """What the backtest sees: every close of history, each as it was known then."""
    # From the first fact on, hours too: unasked, those begin 90 days before now.
    found = judge_all(facts, ws.folder, sorted(signals), now_us=until_us, since_us=first_us(facts))
    labels = Labels(facts)
    held = {name: (history, Subjects(labels, history)) for name, history in found.items()}
    for history, subjects in held.values():
        # Labels are read while the facts are open: of those that ever hold only.
        subjects.remember(np.flatnonzero((history.verdicts == 1).any(axis=1)))
    return held


def _moments(histories: dict[str, tuple[SignalHistory, Subjects]], since: datetime | None) -> list[int]:
    """When runs do something: the end of every close plus what its signal waits for, UTC microseconds, ascending."""
    moments = {int(end) + history.grace_us for history, _ in histories.values() for end in history.ends}
    since_us = None if since is None else to_us(since)
    return sorted(m for m in moments if since_us is None or m >= since_us)


@dataclass(frozen=True)
class Live:
    """Runs at every moment, each fed with what was known then."""

    root: Path
    made: Path
    signals: frozenset[str]
    moments: list[int]

    def through(self, progress: Progress | None) -> int:
        """All moments in this process; returns that none was killed."""
        with ExitStack() as stack:
            opened, feed = Opened(self.root, stack), Feed(self.made)
            for step, now_us in enumerate(self.moments):
                self._tell(progress, step)
                self.step(opened, feed, now_us)
        return 0

    def killed(self, dice: random.Random, progress: Progress | None) -> int:
        """Each moment in a process of its own, killed at random up to `KILLS` times; returns how often."""
        context = multiprocessing.get_context("forkserver")
        # Children start with everything imported, so that a kill falls into the work and not into the imports.
        context.set_forkserver_preload(list(PRELOADED))
        killed, took_s = 0, 0.5
        for step, now_us in enumerate(self.moments):
            self._tell(progress, step)
            for attempt in range(KILLS + 1):
                process = context.Process(target=self.alone, args=(now_us,))
                began = time.monotonic()
                process.start()
                process.join(dice.random() * took_s * 1.1 if attempt < KILLS else None)
                if process.is_alive():
                    process.kill()
                    process.join()
                code = process.exitcode
                process.close()
                if code == 0:
                    took_s = 0.7 * took_s + 0.3 * (time.monotonic() - began)
                    break
                if code is None or code > 0:
                    said = f"The run of {to_datetime(now_us):%Y-%m-%d} failed (exit {code})."
                    raise EngineError(said, "What it said stands above.", code="replay-failed")
                killed += 1
        return killed

    def alone(self, now_us: int) -> None:
        """One moment as a process of its own."""
        self.step(Workspace(self.root, actor="replay"), Feed(self.made), now_us)

    def step(self, ws: Workspace, feed: Feed, now_us: int) -> None:
        """Feeds what was learned before a moment, and runs as of it. Both may be cut off anywhere and done again."""
        with ws.facts() as facts:
            feed.up_to(facts, now_us)
        # What is held is not compared: it is the life of alerts, and the backtest knows of verdicts alone.
        run(ws, to_datetime(now_us), names=self.signals, told_by=untold, incidents=False, playbooks=False, tells=False)

    def _tell(self, progress: Progress | None, step: int) -> None:
        if progress is not None:
            progress(f"living through {to_datetime(self.moments[step]):%Y-%m-%d %H:%M}", step, len(self.moments))


def untold(facts: Facts, folder: Folder, histories: Mapping[str, SignalHistory], at: datetime) -> Teller:
    """Alerts without their story: whom it is about and when is all that is compared."""
    return lambda sheet, q, rows: [Told("", to_datetime(int(sheet.ends_us[q]))) for _ in rows]


def _compare(scratch: Workspace, histories: dict[str, tuple[SignalHistory, Subjects]], first_us: int) -> list[Compared]:
    found = []
    with scratch.state() as state, state.read() as session:
        for name, (history, subjects) in histories.items():
            live = {
                (a.account, a.scope, a.opened_at, a.closed_at, a.close_reason)
                for a in store.find_alerts(session, signal=name)
            }
            found.append(Compared(name, live, _backtested(history, subjects, first_us)))
    return found


def _backtested(history: SignalHistory, subjects: Subjects, first_us: int) -> set[Raised]:
    """The episodes of the same closes, from the same beginning: nothing is open before the first run."""
    # A run starts with the newest close that has ended, even where it ended before the first moment.
    reached = np.searchsorted(history.ends + history.grace_us, first_us, side="right")
    first = max(0, int(reached) - 1)
    policy = Policy(history.signal.delay_in, history.signal.delay_out)
    before = max(0, first - LOOK_BACK[history.grain] - history.signal.delay_in)
    start = warm(history.verdicts[:, before:first], history.inside[:, before:first], policy)
    clears = None if history.clears is None else history.clears[:, first:]
    told: set[Raised] = set()
    ends = history.ends[first:]
    for episode in trace(history.verdicts[:, first:], clears, history.inside[:, first:], policy, start):
        account, scope = subjects[episode.row]
        closed = None if episode.closed is None else to_datetime(int(ends[episode.closed]))
        told.add((account, scope, to_datetime(int(ends[episode.opened])), closed, episode.reason))
    return told
