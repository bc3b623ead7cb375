"""The rows of a text file measured before the engine reads them.

The engine reads CSV in parallel buffers and, where a row is longer than one of them (a line of 1 GB, a quote that is
never closed), loses rows without saying so. So rows are measured here first; a line that starts one too long is set
aside, and reading goes on with the line after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

import numpy as np

LINE_LIMIT = 2_000_000
_CHUNK = 1 << 23
_SHOWN = 10_000
_QUOTE, _BREAK = 0x22, 0x0A


@dataclass(frozen=True)
class BadLine:
    """A line that no row can start with: its first byte and the one after its last, why, and how it begins."""

    start: int
    end: int
    reason: str
    text: str


def overlong_rows(stream: IO[bytes], delimiter: bytes | None) -> list[BadLine]:
    """The lines of an uncompressed, seekable stream that start a row longer than 2 MB, or one that never ends.

    `delimiter` None: every line is a row (JSON lines); else quoted line breaks belong to their row.
    """
    found: list[BadLine] = []
    position = row_start = 0
    quoted = False
    stream.seek(0)
    while True:
        chunk = stream.read(_CHUNK)
        long_row, row_start, quoted = _measure(chunk, position, row_start, quoted, delimiter is not None)
        position += len(chunk)
        if long_row is None and not chunk:
            # The end: what is still open never ends.
            if not quoted:
                return found
            long_row = row_start
        if long_row is None:
            continue
        bad, after = _judge(stream, long_row, delimiter)
        found += [bad] if bad else []
        stream.seek(after)
        position, row_start, quoted = after, after, False


def _measure(chunk: bytes, position: int, row_start: int, quoted: bool, quotes: bool) -> tuple[int | None, int, bool]:
    """Follows rows through a chunk: the start of a row that is too long (None: there is none), that of the row the
    chunk ends in, and whether it ends inside quotes."""
    end = position + len(chunk)
    if quotes and (quoted or b'"' in chunk):
        bytes_ = np.frombuffer(chunk, dtype=np.uint8)
        marks, breaks = np.flatnonzero(bytes_ == _QUOTE), np.flatnonzero(bytes_ == _BREAK)
        ends = breaks[(np.searchsorted(marks, breaks) + quoted) % 2 == 0] + position + 1
        starts = np.concatenate(([row_start], ends))
        lengths = np.diff(np.concatenate((starts, [end])))
        quoted = bool((marks.size + quoted) % 2)
        if (lengths > LINE_LIMIT).any():
            return int(starts[int(np.argmax(lengths > LINE_LIMIT))]), row_start, quoted
        return None, int(starts[-1]), quoted
    # Without quotes: jump from break to break as far as a row may reach.
    while row_start + LINE_LIMIT < end:
        last = chunk.rfind(b"\n", max(row_start - position, 0), row_start - position + LINE_LIMIT)
        if last < 0:
            return row_start, row_start, quoted
        row_start = position + last + 1
    last = chunk.rfind(b"\n", max(row_start - position, 0))
    return None, position + last + 1 if last >= 0 else row_start, quoted


def _judge(stream: IO[bytes], start: int, delimiter: bytes | None) -> tuple[BadLine | None, int]:
    """What is wrong with the line at `start` (None: nothing; a stray quote had misled us), and where the next "
    "begins."""
    stream.seek(start)
    line = stream.readline(LINE_LIMIT + 1)
    text = line[:_SHOWN].decode("utf-8", "replace").rstrip("\r\n")
    after = start + len(line)
    if len(line) > LINE_LIMIT:
        while line and not line.endswith(b"\n"):
            line = stream.readline(LINE_LIMIT)
            after += len(line)
        return BadLine(start, after, f"the row cannot be read: longer than {LINE_LIMIT:,} bytes", text), after
    if delimiter is not None and _stays_open(line, delimiter):
        return BadLine(start, after, "the row cannot be read: a quote that is not closed", text), after
    return None, after


def _stays_open(line: bytes, delimiter: bytes) -> bool:
    """Whether a line ends inside a quoted field."""
    at = 0
    while True:
        if line[at : at + 1] == b'"':
            at += 1
            while True:
                at = line.find(b'"', at) + 1
                if not at:
                    return True
                if line[at : at + 1] != b'"':
                    break
                at += 1
        at = line.find(delimiter, at) + 1
        if not at:
            return False
