"""Where signals hold at their newest close: how many, and a few by name with their numbers. For the echo of `check`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from beforehand.calendar import DAY_US, Grain, to_datetime, to_us
from beforehand.commands.hints import hints
from beforehand.commands.judging import SignalHistory, judged
from beforehand.commands.proving import newest_us
from beforehand.errors import BusyError, EngineError, InputError
from beforehand.signals import grain_of
from beforehand.signals.kinds import kind_of
from beforehand.signals.numbers import HOLDS, MetricFailed
from beforehand.signals.signal import PLURAL
from beforehand.signals.tree import Absence, AlertOpen, Compound, Due, Level, Milestone, Named

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

SHOWN = 3
BACK_DAYS = {Grain.HOUR: 1, Grain.DAY: 3, Grain.WEEK: 15, Grain.MONTH: 63, Grain.QUARTER: 185}
"""So far back each grain has a close, whatever its signals wait for."""


def holding(ws: Workspace, folder: Folder, now: datetime) -> tuple[dict[str, dict[str, Any]], str, list[str]]:
    """Where each signal of a folder holds as of its newest fact, by signal, and why not where that cannot be said.

    Returns `({signal: {"as_of", "holds", "of", "what", "examples"}}, note, hints)`. Does not wait for another process
    that works on the facts. Raises nothing: what is asked for is the check of the files.
    """
    path = ws.data / "facts.duckdb"
    if not path.is_file():
        return {}, "Facts are not loaded yet: where the signals hold now cannot be said.", []
    from beforehand.commands.text import reader
    from beforehand.facts import Facts
    from beforehand.facts.lock import locked

    read_by = reader(folder.settings)
    try:
        with locked(ws.data, wait_s=0), Facts.open(path, folder.settings, reader=read_by) as facts:
            now_us = min(to_us(now), newest_us(facts) + 1)
            return _holding(facts, folder, now_us), "", hints(facts, folder, now_us)
    except BusyError as error:
        return {}, f"Where the signals hold now is left out. {error.message}", []
    except (EngineError, InputError) as error:
        return {}, f"Where the signals hold now cannot be said: {error.message}", []


def _holding(facts: Facts, folder: Folder, now_us: int) -> dict[str, dict[str, Any]]:
    found = {}
    signals = [signal for signal in folder.signals.values() if signal.mode != "off"]
    for grain, days in BACK_DAYS.items():
        members = [signal for signal in signals if grain_of(signal, folder.signals) is grain]
        for history in judged(facts, folder, members, now_us=now_us, since_us=now_us - days * DAY_US):
            if history.ends.size:
                found[history.signal.name] = _told(facts, folder, history, now_us)
    return found


def _told(facts: Facts, folder: Folder, history: SignalHistory, now_us: int) -> dict[str, Any]:
    inside = history.inside[:, -1]
    rows = np.flatnonzero(inside & (history.verdicts[:, -1] == HOLDS))
    return {
        "as_of": to_datetime(int(history.ends[-1])),
        "holds": int(rows.size),
        "of": int(inside.sum()),
        "what": PLURAL[history.signal.subject],
        "examples": _examples(facts, folder, history, rows[:SHOWN], now_us) if rows.size else [],
    }


def _examples(facts: Facts, folder: Folder, history: SignalHistory, rows: Any, now_us: int) -> list[str]:
    """The first few by name; where the sentence is about one number, with its values, the oldest first."""
    labels = [history.subjects.label(int(row)) for row in rows]
    leaf = history.signal.sentence.condition
    if history.zones is not None or isinstance(leaf, Milestone):
        return labels
    if isinstance(leaf, Absence | AlertOpen | Due | Named | Compound) or (isinstance(leaf, Level) and leaf.of):
        return labels
    from beforehand.panel import Panel

    quantity, grain = kind_of(leaf).reads(leaf)
    sheet = Panel(facts, folder).sheet(
        history.signal.subject, [(quantity, grain)], now_us=now_us, grace_us=history.grace_us, last=1
    )
    said = {}
    try:
        for part, block in sheet.blocks():
            for row in (int(r) for r in rows if part.start <= r < part.stop):
                window = block.windows(quantity, grain, leaf.streak.of)[row - part.start, -1]
                said[row] = ", ".join(f"{value:g}" for value in window)
    except MetricFailed:
        return labels
    return [f"{label}: {said[int(row)]}" for label, row in zip(labels, rows, strict=True)]
