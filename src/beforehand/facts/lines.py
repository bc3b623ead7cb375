"""Where in its file a row stands: the true line, quoted line breaks and unreadable rows included."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from typing import IO

from beforehand.facts.files import InputFile
from beforehand.facts.scanning import LINE_LIMIT

_CHUNK = 1 << 22


def lines_at(file: InputFile, offsets: Collection[int]) -> dict[int, int]:
    """The line (from 1) that starts at each byte of the file as the engine reads it."""
    with file.open() as stream:
        return lines_in(stream, offsets)


def lines_in(stream: IO[bytes], offsets: Collection[int]) -> dict[int, int]:
    """The line (from 1) that starts at each byte of a stream."""
    found: dict[int, int] = {}
    wanted = sorted(set(offsets), reverse=True)
    base, breaks = 0, 0
    while wanted and (chunk := stream.read(_CHUNK)):
        start = 0
        while wanted and wanted[-1] <= base + len(chunk):
            at = wanted.pop()
            breaks += chunk.count(b"\n", start, at - base)
            start = at - base
            found[at] = breaks + 1
        breaks += chunk.count(b"\n", start)
        base += len(chunk)
    return found | dict.fromkeys(wanted, 1)


def lines_of_rows(file: InputFile, rows: Collection[int], total: int, unreadable: Collection[int]) -> dict[int, int]:
    """The line (from 1) at which each row (from 0, unreadable ones not counted) starts.

    `total` is how many rows were read, `unreadable` the lines of those that were not. Where every line is a row this is
    arithmetic; else the file is walked once, up to the last row asked for.
    """
    if not rows:
        return {}
    if file.form == "parquet":
        return {row: row + 1 for row in rows}
    if file.form == "jsonl":
        return _around(rows, unreadable)
    if not unreadable and _breaks(file) - total - file.header_lines in (0, -1):
        return {row: row + 1 + file.header_lines for row in rows}
    return _walk(file, rows, set(unreadable))


def rows_at_lines(file: InputFile, lines: Collection[int], total: int, unreadable: Collection[int]) -> dict[int, int]:
    """The row (from 0) that starts at each line (from 1); lines at which none starts are left out."""
    if not lines or not total:
        return {}
    first = 0 if file.form == "parquet" else file.header_lines
    exact = file.form == "parquet" or (not unreadable and _breaks(file) - total - first in (0, -1))
    if exact:
        return {line: line - 1 - first for line in lines if 0 <= line - 1 - first < total}
    rows = range(min(total, max(lines)))
    return {line: row for row, line in lines_of_rows(file, rows, total, unreadable).items() if line in set(lines)}


def _around(rows: Collection[int], unreadable: Collection[int]) -> dict[int, int]:
    """Lines that are rows, counted past those that were not read."""
    found: dict[int, int] = {}
    gaps = sorted(unreadable)
    passed = 0
    for row in sorted(rows):
        while passed < len(gaps) and gaps[passed] <= row + 1 + passed:
            passed += 1
        found[row] = row + 1 + passed
    return found


def _breaks(file: InputFile) -> int:
    with file.open() as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(_CHUNK), b""))


def _walk(file: InputFile, rows: Collection[int], unreadable: set[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    wanted, last = set(rows), max(rows)
    csv.field_size_limit(LINE_LIMIT * 2)
    with file.open() as stream:
        reader = csv.reader(_short_lines(stream), delimiter=file.delimiter)
        row, line = -1, 1
        header = True
        while row < last:
            try:
                record = next(reader)
            except StopIteration:
                break
            except csv.Error:  # an unreadable row, told elsewhere
                record = ["?"]
            start, line = line, reader.line_num + 1
            if not record or start in unreadable:
                continue
            if header:
                header = False
                continue
            row += 1
            if row in wanted:
                found[row] = start
    return {r: found.get(r, 0) for r in rows}


def _short_lines(stream: IO[bytes]) -> Iterator[str]:
    """The lines of a file, each cut off where it is longer than a row may be, so that none fills the memory."""
    while line := stream.readline(LINE_LIMIT + 1):
        yield line.decode("utf-8", "replace")
        while line and not line.endswith(b"\n") and len(line) > LINE_LIMIT:
            line = stream.readline(LINE_LIMIT + 1)
