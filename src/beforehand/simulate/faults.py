"""What the product of the simulated company says when something fails, and how tickets quote it.

Chosen by the number of the event or ticket alone, so that nothing else of a company changes with it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beforehand.simulate.vocabulary import CODE, DETAIL

Int = NDArray[np.int64]

SAID: Mapping[tuple[str, str], str] = {
    ("error shown", "timeout"): "Loading report {n} timed out after {m} s",
    ("error shown", "http 500"): "Server error 500 on dashboard {n}",
    ("error shown", "sync failed"): "Sync failed: source {n} did not answer within {m} s",
    ("error shown", "permission denied"): "Permission denied: segment {n} belongs to another workspace",
    ("export failed", "csv"): "CSV export {n} stopped after {m} s: it was never finished",
    ("export failed", "xlsx"): "Export {n} to Excel is empty: 0 of {m} rows written",
    ("export failed", "pdf"): "PDF export {n} ran out of memory on page {m}",
}
QUOTING: Mapping[str, tuple[str, str]] = {
    "Error 500 when opening a dashboard": ("error shown", "http 500"),
    "Sync failed message since this morning": ("error shown", "sync failed"),
    "CSV export never finishes": ("export failed", "csv"),
    "Export to Excel is empty": ("export failed", "xlsx"),
    "Waiting forever for the segment page": ("error shown", "timeout"),
}
"""The subjects whose tickets may quote what was on the screen."""
ONE_IN = 3


def said(code: Int, detail: Int, number: Int) -> pa.Array:
    """The text of each event that is an error, `[n]`; nothing for all others."""
    texts = np.full(len(code), None, dtype=object)
    for (event, what), text in SAID.items():
        for row in np.flatnonzero((code == CODE[event]) & (detail == DETAIL[what])):
            texts[row] = _filled(text, int(number[row]))
    return pa.array(texts, pa.string())


def quoted(ticket: str, subject: str, body: str) -> str:
    """The body of a ticket, to which one in three adds what was on the screen."""
    shown = QUOTING.get(subject)
    number = zlib.crc32(ticket.encode())
    if shown is None or number % ONE_IN:
        return body
    return f"{body}\n\nIt says: {_filled(SAID[shown], number)}"


def _filled(text: str, number: int) -> str:
    return text.format(n=10_000 + number * 7_919 % 90_000, m=30 + number * 31 % 570)
