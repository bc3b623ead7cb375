"""How each message of a customer sounds, as facts: the table `tones`, a row for each message that could be read.

Each message is read once, by the reader of the workspace; what that cannot read is in `tones_unread` with the reason,
and counts in nothing. Rows are known from when their messages were. Under another reader, or another version of one,
all are taken back and read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from beforehand.facts.asking import first, only
from beforehand.facts.derived.mentions import from_customer
from beforehand.facts.quoting import text
from beforehand.facts.schema import NUMBER, TEXT, TONES
from beforehand.text import Reader, Tone, read_messages, warmth_of
from beforehand.text.reading import NO_ANSWER

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

FORM = "1"
"""The form of the rows: a change of meaning is a new one, and all messages are read anew."""
TOGETHER = 2_000
CHARACTERS = 100_000
"""Of a message so many are handed to the reader, which looks at no more."""
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

    One transaction: killed at any moment, the table is as it was. Call it outside of one. Messages are taken
    `TOGETHER` at a time; all the same the process took at most 312 MB for 100,000 and 731 MB for a million when that
    was measured, and what grew was not traced. `progress` is told how many of how many have been read.
    """
    connection = facts.connection
    reader = facts.reader()
    said = f"{FORM} {reader.name} {reader.version}".strip()
    _prepare(connection)
    connection.execute("BEGIN TRANSACTION")
    try:
        row = first(connection, "SELECT watermark, reader FROM tones_read")
        watermark, before = (-1, "") if row is None else (int(row[0]), str(row[1]))
        if before and before != said:
            _take_back(connection)
            watermark = -1
        asked = f"stored_seq > {watermark} OR stored_seq IN (SELECT seq FROM tones_unread WHERE reason = {_NO_ANSWER})"
        newest = int(only(connection, "SELECT coalesce(max(stored_seq), -1) FROM messages")[0])
        found = Read(0, 0)
        if newest > watermark or _unanswered(connection):
            found = _read(connection, reader, asked, progress)
        connection.execute("DELETE FROM tones_read")
        connection.execute("INSERT INTO tones_read VALUES (?, ?)", [max(newest, watermark), said])
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # already rolled back by the engine
            connection.execute("ROLLBACK")
        raise
    return found


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


def _read(connection: duckdb.DuckDBPyConnection, reader: Reader, asked: str, progress: Progress | None) -> Read:
    chosen = f"FROM messages f WHERE ({asked}) AND {from_customer('f')}"
    said = f"left(coalesce(nullif(trim(text), ''), subject, ''), {CHARACTERS})"
    total = int(only(connection, f"SELECT count(*) {chosen}")[0]) if progress else 0
    number = int(only(connection, "SELECT coalesce(max(stored_seq), 0) FROM tones")[0])
    read = unsure = 0
    # A second connection reads what was there before, so that the stream is not cut off by what is written.
    with connection.cursor() as other:
        stream = other.sql(
            "SELECT stored_seq AS seq, source, id, account, member, epoch_us(occurred_at) AS at_us, delay, "
            f"conversation, channel, {said} AS said {chosen} ORDER BY stored_seq"
        ).to_arrow_reader(TOGETHER)
        connection.execute(f"DELETE FROM tones_unread WHERE reason = {_NO_ANSWER}")
        for rows in _parts(stream):
            tones = read_messages([row["said"] for row in rows], reader)
            told = list(zip(rows, tones, strict=True))
            good = [(row, tone) for row, tone in told if not tone.unsure]
            bad = [(row["seq"], tone.reason) for row, tone in told if tone.unsure]
            _add(connection, good, number)
            if bad:
                connection.executemany("INSERT INTO tones_unread VALUES (?, ?)", bad)
            number += len(good)
            read, unsure = read + len(rows), unsure + len(bad)
            if progress:
                progress(read, total)
    return Read(read, unsure)


def _parts(stream: Any) -> Iterator[list[dict[str, Any]]]:
    for batch in stream:
        if batch.num_rows:
            yield batch.to_pylist()


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
