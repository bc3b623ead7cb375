"""How each message of a customer sounds, as facts: the table `tones`, a row for each message that could be read.

Each message is read once, by the reader of the workspace; what that cannot read is in `tones_unread` with the reason,
and counts in nothing. Rows are known from when their messages were. Under another reader, or another version of one,
all are taken back and read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from beforehand.facts.asking import first, only
from beforehand.facts.derived.mentions import from_customer
from beforehand.facts.quoting import text
from beforehand.facts.schema import NUMBER, TEXT, TONES
from beforehand.text import Reader, Tone, read_messages, warmth_of
from beforehand.text.reading import AUTOMATIC, NO_ANSWER

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

FORM = "2"
"""The form of the rows: a change of meaning is a new one, and all messages are read anew."""
TOGETHER = 2_000
CHARACTERS = 100_000
"""Of a message so many are handed to the reader, which looks at no more."""
PART, PART_LETTERS = 50_000, 64_000_000
"""So many messages, or letters of them, are sorted and written at once."""
_BLOCK = 1_024
_SAID = f"left(coalesce(nullif(trim(text), ''), subject, ''), {CHARACTERS})"
_MACHINE = (
    "coalesce(TRY_CAST(properties.automatic AS VARCHAR), 'false') = 'true' "
    "AND TRY_CAST(properties.mailing_list AS VARCHAR) IS NULL"
)
"""What the head of a letter says a machine wrote; what a list sends on, people wrote."""
_LENGTH = f"least(coalesce(length(text), 0), {CHARACTERS})"
Progress = Callable[[int, int], None]
_FROM = ("seq", "source", "id", "account", "member", "at_us", "delay", "conversation", "channel")
_COLUMNS = ("source", "id", "account", "member", "occurred_at", "delay", "sign", *TONES.columns)
_TYPES = {TEXT: pa.string(), NUMBER: pa.float64()}


@dataclass(frozen=True)
class Read:
    """How many messages were read now, and how many of them nothing can be said of."""

    messages: int
    unsure: int


def ensure(facts: Facts, progress: Progress | None = None) -> Read:
    """Reads the messages that arrived since; a table that does not exist yet is made.

    Written down part by part, `PART` messages at most in one transaction: killed at any moment, it goes on after the
    last whole part, and memory does not grow with their number. Call it outside of a transaction. `progress` is told
    how many of how many have been read.
    """
    connection = facts.connection
    reader = facts.reader()
    said = f"{FORM} {reader.name} {reader.version}".strip()
    _prepare(connection)
    row = first(connection, "SELECT watermark, reader FROM tones_read")
    watermark, before = (-1, "") if row is None else (int(row[0]), str(row[1]))
    if before and before != said:
        watermark = -1
        with _whole(connection):
            _take_back(connection)
            _note(connection, watermark, said)
    newest = int(only(connection, "SELECT coalesce(max(stored_seq), -1) FROM messages")[0])
    if newest <= watermark and not _unanswered(connection):
        return Read(0, 0)
    asked = (
        f"(stored_seq > {watermark} OR stored_seq IN (SELECT seq FROM tones_unread WHERE reason = {_NO_ANSWER})) "
        f"AND {from_customer('f')}"
    )
    parts = _parts(connection, asked)
    total, done, unsure = sum(many for _, _, many in parts), 0, 0
    for low, high, _ in parts:
        with _whole(connection):
            for read, bad in _read(connection, reader, low, high, asked):
                done, unsure = done + read, unsure + bad
                if progress:
                    progress(done, total)
            _note(connection, max(high, watermark), said)
    with _whole(connection):
        _note(connection, max(newest, watermark), said)
    return Read(done, unsure)


@contextmanager
def _whole(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # already rolled back by the engine
            connection.execute("ROLLBACK")
        raise


def _note(connection: duckdb.DuckDBPyConnection, watermark: int, said: str) -> None:
    connection.execute("DELETE FROM tones_read")
    connection.execute("INSERT INTO tones_read VALUES (?, ?)", [watermark, said])


def _parts(connection: duckdb.DuckDBPyConnection, asked: str) -> list[tuple[int, int, int]]:
    """The messages to be read cut into spans of `stored_seq`, first and last, with how many there are in each."""
    parts: list[tuple[int, int, int]] = []
    size = 0
    blocks = connection.execute(
        f"SELECT min(stored_seq), max(stored_seq), count(*), sum({_LENGTH}) FROM messages f WHERE {asked} "
        f"GROUP BY stored_seq // {_BLOCK} ORDER BY 1"
    )
    for low, high, many, letters in blocks.fetchall():
        if parts and parts[-1][2] + many <= PART and size + letters <= PART_LETTERS:
            parts[-1] = (parts[-1][0], int(high), parts[-1][2] + int(many))
            size += int(letters)
        else:
            parts.append((int(low), int(high), int(many)))
            size = int(letters)
    return parts


_NO_ANSWER = text(NO_ANSWER)


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the tables where there are none; before the reading, so that a second connection sees them."""
    if first(connection, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'tones_read' AND NOT temporary") is not None:
        return
    connection.execute("CREATE TABLE IF NOT EXISTS tones_unread (seq BIGINT NOT NULL, reason VARCHAR NOT NULL)")
    connection.execute(TONES.ddl.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))
    connection.execute("CREATE TABLE tones_read (watermark BIGINT NOT NULL, reader VARCHAR NOT NULL)")


def _unanswered(connection: duckdb.DuckDBPyConnection) -> bool:
    return first(connection, f"SELECT 1 FROM tones_unread WHERE reason = {_NO_ANSWER} LIMIT 1") is not None


def _take_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Says of every row that it is no more, from the moment on at which it was: another reader reads anew."""
    same = ", ".join(name for name in _COLUMNS if name != "sign")
    newest = int(only(connection, "SELECT coalesce(max(stored_seq), 0) FROM tones")[0])
    connection.execute(
        f"INSERT INTO tones (stored_seq, {same}, sign) SELECT {newest} + row_number() OVER (), {same}, -1 FROM "
        f"(SELECT {same} FROM tones GROUP BY ALL HAVING sum(sign) > 0)"
    )
    connection.execute("DELETE FROM tones_unread")


def _read(
    connection: duckdb.DuckDBPyConnection, reader: Reader, low: int, high: int, asked: str
) -> Iterator[tuple[int, int]]:
    """Reads a span of messages and writes their rows; yields how many were read, and how many of them are unsure."""
    number = int(only(connection, "SELECT coalesce(max(stored_seq), 0) FROM tones")[0])
    # A second connection reads what was there before, so that the stream is not cut off by what is written.
    with connection.cursor() as other:
        stream = other.sql(
            "SELECT stored_seq AS seq, source, id, account, member, epoch_us(occurred_at) AS at_us, delay, "
            f"conversation, channel, CASE WHEN {_MACHINE} THEN '' ELSE {_SAID} END AS said, "
            f"{_MACHINE} AS machine FROM messages f WHERE stored_seq BETWEEN {low} AND {high} "
            f"AND {asked} ORDER BY stored_seq"
        ).to_arrow_reader(TOGETHER)
        connection.execute(f"DELETE FROM tones_unread WHERE reason = {_NO_ANSWER} AND seq BETWEEN {low} AND {high}")
        for batch in stream:
            if not batch.num_rows:
                continue
            rows = batch.to_pylist()
            tones = read_messages([row["said"] for row in rows], reader)
            told = list(zip(rows, tones, strict=True))
            good = [(row, tone) for row, tone in told if not tone.unsure]
            bad = [(row["seq"], AUTOMATIC if row["machine"] else tone.reason) for row, tone in told if tone.unsure]
            _add(connection, good, number)
            if bad:
                connection.executemany("INSERT INTO tones_unread VALUES (?, ?)", bad)
            number += len(good)
            yield len(rows), len(bad)


def _add(connection: duckdb.DuckDBPyConnection, good: Sequence[tuple[dict[str, Any], Tone]], number: int) -> None:
    if not good:
        return
    columns: dict[str, Any] = {name: [row[name] for row, _ in good] for name in _FROM}
    columns |= {name: pa.array([value_of(tone, name) for _, tone in good], _TYPES.get(kind, pa.bool_()))
                for name, kind in TONES.columns.items() if name not in _FROM}  # fmt: skip
    columns["member"] = pa.array(columns["member"], pa.int32())
    for name in ("conversation", "channel"):
        columns[name] = pa.array(columns[name], pa.string())
    columns["number"] = pa.array(range(number + 1, number + 1 + len(good)), pa.int64())
    given = pa.table(columns)
    connection.register("tones_given", given)
    own = ", ".join(TONES.columns)
    connection.execute(
        f"INSERT INTO tones (stored_seq, {', '.join(_COLUMNS)}) SELECT number, source, id, account, member, "
        f"make_timestamp(at_us), delay, 1, {own} FROM tones_given"
    )
    connection.unregister("tones_given")


def value_of(tone: Tone, column: str) -> float | bool | str | None:
    """What a column of `tones` has of a message that was read."""
    if column == "warmth":
        return warmth_of(tone)
    if hasattr(tone.manner, column):
        found = getattr(tone.manner, column)
        return found if isinstance(found, bool) else float(found)
    found = getattr(tone, column)
    return found if found is None or isinstance(found, str) else float(found)
