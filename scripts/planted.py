"""What the signals found of what is planted in a simulated company, and what each was worth there: two tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from beforehand.cli import look
from beforehand.simulate.measure import Measured, measured, read_truth


def show_kinds(company: Path, told: Mapping[str, Any], width: int) -> None:
    """Per kind: planted, found, missed, false and how late, against the truth beside the data."""
    columns: list[look.Column | str] = ["kind", "told by"]
    columns += [look.Column(name, figures=True) for name in ("planted", "found", "missed", "alerts", "false", "days")]
    rows = [(m.kind, m.signal, *figures(m)) for m in measured(read_truth(company), told)]
    look.console(width=width).print(table(columns, rows))


def show_records(signals: Sequence[Mapping[str, Any]], width: int) -> None:
    """Per signal: how often right, with its interval, how many were caught, how early, and both rivals."""
    columns: list[look.Column | str] = ["signal", "outcome"]
    columns += [look.Column(name, figures=True) for name in ("right", "precision", "caught", "days early")]
    columns += [look.Column(name, figures=True) for name in ("quiet longest", "by lot")]
    rows = [record(row) for row in sorted(signals, key=lambda row: str(row["signal"]))]
    look.console(width=width).print(table(columns, rows))


def figures(kind: Measured) -> tuple[object, ...]:
    """The figures of a kind."""
    delay = None if kind.delay_days is None else f"{kind.delay_days:.0f}"
    return kind.planted, kind.found, kind.missed, kind.episodes, kind.false, delay


def record(row: Mapping[str, Any]) -> tuple[object, ...]:
    """The record of a signal as cells."""
    finished = row["episodes"] - row["unfinished"]
    early = row["lead_days"]["p50"]
    return (
        row["signal"], row["outcome"], f"{row['right']} of {finished}", interval(row["precision"]),
        percent(row["recall"][0]), None if early is None else f"{early:.0f}",
        percent(row["rivals"]["recency"]["precision"][0]), percent(row["rivals"]["random"]["precision"][0]),
    )  # fmt: skip


def interval(share: Sequence[float | None]) -> str:
    """A share with its interval: `44% (31 to 58)`; nothing where there is none."""
    value, low, high = share
    if value is None or low is None or high is None:
        return ""
    return f"{value:.0%} ({100 * low:.0f} to {100 * high:.0f})"


def percent(share: float | None) -> str:
    """A share in whole percent."""
    return "" if share is None else f"{share:.0%}"


def table(columns: Sequence[look.Column | str], rows: Sequence[Sequence[object]]) -> Table:
    """A table as the commands draw theirs."""
    return look.table(columns, [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows])
