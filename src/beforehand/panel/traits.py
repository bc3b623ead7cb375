"""Dated traits as they were known at each close: plan, seats, owner, and the stated start and end of a life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import to_us
from beforehand.panel.life import ALWAYS, Stated, until
from beforehand.signals.numbers import Trait

Int = NDArray[np.int64]
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Dated:
    """All values of one trait: row, instant from which each holds, when it was learned, and its code into `words`.

    Rows are sorted by what holds later: a value that stands further back gives way to one further on. Undated first
    values hold from ALWAYS. Code -1 is a value that was taken away.
    """

    row: Int
    at_us: Int
    known_us: Int
    code: Codes
    words: tuple[str, ...]

    @classmethod
    def none(cls) -> Dated:
        """No value of any row."""
        none = np.empty(0, np.int64)
        return cls(none, none, none, np.empty(0, np.int32), ())

    def of(self, low: int, high: int) -> Dated:
        """The values of rows low..high-1, which become rows 0..."""
        mine = (self.row >= low) & (self.row < high)
        return Dated(self.row[mine] - low, self.at_us[mine], self.known_us[mine], self.code[mine], self.words)

    def codes(self, size: int, end_us: Int, known_us: Int) -> Codes:
        """The code that held at each close, `[size, closes]`; -1 where none, -2 where the row has no value at all."""
        first = np.maximum(
            np.searchsorted(end_us, self.at_us, side="right"), np.searchsorted(known_us, self.known_us, side="right")
        )
        on_board = np.full((size, end_us.size + 1), -1, np.int64)
        np.maximum.at(on_board, (self.row, first), np.arange(self.row.size))
        rank = np.maximum.accumulate(on_board, axis=1)[:, :-1]
        codes = np.where(rank >= 0, self.code[rank] if self.row.size else -1, -1).astype(np.int32)
        none = np.ones(size, bool)
        none[self.row] = False
        codes[none] = -2
        return codes


def read(connection: duckdb.DuckDBPyConnection, trait: str, rows: str, people: bool) -> Dated:
    """The values of a trait by row; `rows` is the table that says which row an account or member belongs to."""
    on = "r.account = t.account AND " + ("r.member = t.member" if people else "t.member IS NULL")
    found = connection.execute(
        "SELECT DISTINCT r.row AS row, CASE WHEN t.dated THEN epoch_us(t.occurred_at) END AS at,"
        " CASE WHEN t.dated THEN epoch_us(t.occurred_at) + t.delay END AS known, t.value AS value,"
        " t.dated, t.stored_seq"
        f' FROM traits t JOIN {rows} r ON {on} WHERE t.trait = ? ORDER BY t.dated, "at", t.stored_seq, row',
        [trait],
    ).fetchall()
    found = [row[:4] for row in found]
    words: dict[str, int] = {}
    codes = np.array([-1 if v is None else words.setdefault(v, len(words)) for *_, v in found], dtype=np.int32)
    return Dated(
        np.array([row for row, *_ in found], dtype=np.int64),
        np.array([ALWAYS if at is None else at for _, at, _, _ in found], dtype=np.int64),
        np.array([ALWAYS if known is None else known for _, _, known, _ in found], dtype=np.int64),
        codes,
        tuple(words),
    )  # fmt: skip


def joined(own: Dated, other: Dated) -> tuple[Dated, Dated]:
    """Two traits with one list of words."""
    words = own.words + other.words
    shifted = np.where(other.code >= 0, other.code + len(own.words), -1).astype(np.int32)
    return (
        Dated(own.row, own.at_us, own.known_us, own.code, words),
        Dated(other.row, other.at_us, other.known_us, shifted, words),
    )


def stated(dated: Dated) -> Stated:
    """The instants a trait like `ended_at` states, and until when each stood; what is no time states nothing."""
    order = np.argsort(dated.row, kind="stable")
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    gone = until(dated.row, [np.arange(dated.row.size)], dated.known_us)
    moments = np.array([_moment(word) for word in dated.words] + [ALWAYS], dtype=np.int64)
    at = moments[dated.code]
    kept = order[at[order] != ALWAYS]
    return Stated(dated.row[kept], at[kept], dated.known_us[kept], gone[kept])


def as_trait(codes: Codes, words: tuple[str, ...]) -> Trait:
    """The trait as judges read it: codes into words, and numbers where a value is one (days since 1970 for dates)."""
    codes = np.maximum(codes, -1)
    numbers = np.array([_number(word) for word in words] + [np.nan])
    return Trait(codes=codes, words=words, numbers=numbers[codes])


def _moment(word: str) -> int:
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        return ALWAYS
    return to_us(at if at.tzinfo else at.replace(tzinfo=UTC))


def _number(word: str) -> float:
    try:
        found = float(word)
    except ValueError:
        at = _moment(word)
        return np.nan if at == ALWAYS else at / 86_400_000_000
    return found if np.isfinite(found) else np.nan
