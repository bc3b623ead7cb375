"""Reads a series (`account,at,value`) from CSV, JSON lines or Parquet, and finds its spacing."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from beforehand.calendar import DAY_US, HOUR_US, to_us
from beforehand.errors import InputError, Problem, Problems, among
from beforehand.signals.numbers import Float, Int

NEEDED = ("at", "value")
ALONE = "series"  # the account of a file that has no such column
MOST_PROBLEMS = 50
LONGEST_LINE = 1_000_000
# What a spacing is called: between these two lengths it is that unit.
UNITS = (
    ("hour", HOUR_US - 60_000_000, HOUR_US + 60_000_000),
    ("day", 23 * HOUR_US, 25 * HOUR_US),
    ("week", 7 * DAY_US - HOUR_US, 7 * DAY_US + HOUR_US),
    ("month", 28 * DAY_US - HOUR_US, 31 * DAY_US + HOUR_US),
    ("quarter", 90 * DAY_US - HOUR_US, 92 * DAY_US + HOUR_US),
)


@dataclass(frozen=True)
class Series:
    """The points of a file in order of (account, time); `row` is each point's place in `accounts`."""

    accounts: tuple[str, ...]
    row: Int
    at_us: Int
    value: Float

    @property
    def whole(self) -> bool:
        """Whether every value is a whole number: then they are counts."""
        return bool((self.value == np.floor(self.value)).all())

    def spacings_us(self) -> Int:
        """Each account's usual step: the commonest distance of two points, else the middle one; 0 for one point."""
        found = np.zeros(len(self.accounts), dtype=np.int64)
        edges = np.searchsorted(self.row, np.arange(len(self.accounts) + 1))
        for row, (first, last) in enumerate(pairwise(edges)):
            steps = np.diff(np.unique(self.at_us[first:last]))
            if steps.size:
                values, times = np.unique(steps, return_counts=True)
                common = times.max() * 5 >= steps.size and times.max() > 1
                found[row] = values[times.argmax()] if common else np.sort(steps)[steps.size // 2]
        return found


def unit_of(spacing_us: int) -> str | None:
    """`hour`, `day`, `week`, `month` or `quarter` where a spacing is one of them."""
    return next((name for name, low, high in UNITS if low <= spacing_us <= high), None)


def read_series(file: str, standard_input: IO[bytes] | None = None) -> Series:
    """The series in a file, or on standard input for `-`.

    A time without zone is UTC. Raises InputError where the file or a column is missing, and Problems that name every
    bad row with its line (at most 50).
    """
    name = "standard input" if file == "-" else Path(file).name
    rows: dict[str, int] = {}
    points: list[tuple[int, int, float]] = []
    problems: list[Problem] = []
    for line, said in _rows(file, name, standard_input or sys.stdin.buffer):
        try:
            account = ALONE if said.get("account") is None else str(said["account"])
            points.append((rows.setdefault(account, len(rows)), _instant(said.get("at")), _number(said.get("value"))))
        except ValueError as error:
            problems.append(Problem(name, line, "bad-row", str(error)))
            if len(problems) >= MOST_PROBLEMS:
                break
    if problems:
        raise Problems(problems)
    if not points:
        raise InputError(f"{name} holds no rows.", "A series has the columns account, at and value.", code="empty-file")
    accounts = sorted(rows)
    place = np.empty(len(rows), dtype=np.int64)
    place[[rows[account] for account in accounts]] = np.arange(len(accounts))
    row = place[[point[0] for point in points]]
    at = np.array([point[1] for point in points], dtype=np.int64)
    value = np.array([point[2] for point in points])
    order = np.lexsort((at, row))
    return Series(tuple(accounts), row[order], at[order], value[order])


def _rows(file: str, name: str, standard_input: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, columns) of each row."""
    if file.endswith((".parquet", ".pq")):
        yield from _parquet_rows(Path(file), name)
        return
    try:
        with _opened(file, standard_input) as raw:
            text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
            skipped, first = 0, _line(text)
            while first and not first.strip():
                skipped, first = skipped + 1, _line(text)
            read = _json_rows if first.lstrip().startswith("{") else _csv_rows
            for line, said in read(first, text, name):
                yield line + skipped, said
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror or error}.",
            "Name a file, or - for standard input.",
            code="no-file",
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 (byte {error.start}).", "Save it as UTF-8.", code="not-utf-8") from None
    except (csv.Error, EOFError) as error:
        raise InputError(
            f"{name} cannot be read: {error}.", "A series is CSV, JSON lines or Parquet.", code="damaged"
        ) from None


def _opened(file: str, standard_input: IO[bytes]) -> IO[bytes]:
    if file == "-":
        return standard_input
    return gzip.open(file) if file.endswith(".gz") else Path(file).open("rb")  # type: ignore[return-value]


def _line(text: IO[str]) -> str:
    """The next line; csv.Error where it is longer than any row of a series, before all of it is read."""
    line = text.readline(LONGEST_LINE)
    if len(line) == LONGEST_LINE:
        raise csv.Error(f"a line is longer than {LONGEST_LINE:,} characters")
    return line


def _csv_rows(first: str, text: IO[str], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    header = [column.strip().lower() for column in next(csv.reader([first]), [])]
    _check_columns(header, name)
    reader = csv.reader(iter(lambda: _line(text), ""))
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num + 1, dict(zip(header, cells, strict=False))


def _json_rows(first: str, text: IO[str], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    number, line = 1, first
    while line:
        if line.strip():
            try:
                said = json.loads(line)
            except ValueError:
                said = None
            if not isinstance(said, dict):
                raise Problems([Problem(name, number, "bad-row", "This line is not one JSON object.")])
            if number == 1:
                _check_columns(list(said), name)
            yield number, said
        number, line = number + 1, _line(text)


def _parquet_rows(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as parquet:
            _check_columns(parquet.schema_arrow.names, name)
            wanted = [c for c in ("account", *NEEDED) if c in parquet.schema_arrow.names]
            number = 0
            for batch in parquet.iter_batches(columns=wanted):
                for said in batch.to_pylist():
                    number += 1
                    yield number, said
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}.", "Is it a Parquet file?", code="damaged") from None


def _check_columns(header: list[str], name: str) -> None:
    missing = [column for column in NEEDED if column not in header]
    if missing:
        raise InputError(
            f"{name} has no column {missing[0]!r}.",
            f"A series has the columns account, at and value. {among(missing[0], header)}",
            code="missing-column",
        )
    double = next((column for column in header if header.count(column) > 1), None)
    if double is not None:
        raise InputError(f"{name} has the column {double!r} twice.", "Remove one.", code="duplicate-column")


def _instant(value: Any) -> int:
    """The time of a row in UTC microseconds; ValueError in plain words."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - takes its zone below
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"at is {value[:40]!r}, which is not a time such as 2026-06-10T00:00:00Z.") from None
    if not isinstance(value, datetime):
        raise ValueError("at is missing." if value is None else f"at is {str(value)[:40]!r}, which is not a time.")
    return to_us(value.replace(tzinfo=UTC) if value.tzinfo is None else value)


def _number(value: Any) -> float:
    """The value of a row; ValueError in plain words."""
    if value is None or value == "":
        raise ValueError("value is empty; leave the row out where nothing was measured.")
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"value is {str(value)[:40]!r}, which is not a number.") from None
    if not math.isfinite(number):
        raise ValueError(f"value is {str(value)[:40]!r}; a value must be a finite number.")
    return number
