"""Rows that have versions: another content under a known id is read as it was known at each moment.

Nothing is rewritten. A version v, learned at l, that follows a version u adds a retraction of u (its copy with sign -1,
learned at l) and v itself; where a version w learned later is known already, u is also put back at w's time and v
retracted there. The sum of `sign` over what was learned before any moment is then right, in whatever order versions
arrive.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from beforehand.facts.asking import first
from beforehand.facts.known import ARRIVING, STORED, arriving_content, stored_content
from beforehand.facts.quoting import text
from beforehand.facts.schema import Shape


@dataclass(frozen=True)
class Ref:
    """Where the content of a version stands: a row of the file, or a stored row."""

    row: int | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Version:
    """A content and when it was learned (UTC microseconds)."""

    learned_us: int
    content: str
    ref: Ref


@dataclass(frozen=True)
class Entry:
    """One row to write: the content of `ref` with a sign, as learned at `learned_us`."""

    ref: Ref
    sign: int
    learned_us: int


def chain(rows: Iterable[tuple[int, int, str, int]]) -> list[Version]:
    """The versions of one id, by the time they were learned, from its stored rows (seq, learned_us, content, sign).

    A content that was put back and taken away at one moment was never seen and is no version.
    """
    net: dict[tuple[int, str], int] = defaultdict(int)
    refs: dict[str, int] = {}
    for seq, learned_us, content, sign in rows:
        net[learned_us, content] += sign
        refs.setdefault(content, seq)
    return sorted(
        (Version(learned, content, Ref(seq=refs[content])) for (learned, content), sign in net.items() if sign > 0),
        key=lambda v: v.learned_us,
    )


def place(versions: list[Version], new: Version) -> list[Entry]:
    """The rows that put a new version into a chain, which is changed in place; none where it says nothing new.

    Of two versions learned at one moment the one that arrived last holds.
    """
    at = bisect_right(versions, new.learned_us, key=lambda v: v.learned_us)
    before = versions[at - 1] if at else None
    if before is not None and before.content == new.content:
        return []
    entries = [Entry(new.ref, 1, new.learned_us)]
    if before is not None:
        entries.insert(0, Entry(before.ref, -1, new.learned_us))
    if at < len(versions):
        then = versions[at].learned_us
        if before is not None:
            entries.append(Entry(before.ref, 1, then))
        entries.append(Entry(new.ref, -1, then))
    if before is not None and before.learned_us == new.learned_us:
        versions[at - 1 : at] = [new]
    else:
        versions.insert(at, new)
    # What now says the same as the version before it is none of its own: its rows have cancelled out.
    versions[:] = [v for nth, v in enumerate(versions) if not nth or v.content != versions[nth - 1].content]
    return entries


def insert(connection: duckdb.DuckDBPyConnection, shape: Shape, source: str, first_seq: int, learned: str) -> int:
    """Writes the good rows of `k`: those of unknown ids as they are, the others as versions.

    `learned` is SQL for a row's time of arrival in microseconds. Versions that say nothing new go to `skip`. Returns
    how many numbers of the sequence the rows took up.
    """
    table = shape.name
    chained = "id IN (SELECT id FROM hit UNION ALL SELECT id FROM twice)"
    arriving = connection.execute(
        f"SELECT k.id, k.rn, {learned} AS learned_us, {arriving_content(shape)} FROM k {ARRIVING} "
        f"WHERE k.reason IS NULL AND k.{chained} ORDER BY k.id, k.rn"
    ).fetchall()
    stored: dict[str, list[tuple[int, int, str, int]]] = defaultdict(list)
    for row_id, seq, learned_us, content, sign in connection.execute(
        f"SELECT e.id, e.stored_seq, epoch_us(e.occurred_at) + e.delay, {stored_content(shape)}, e.sign FROM "
        f"{table} e {STORED} "
        f"WHERE e.source = {text(source)} AND e.id IN (SELECT id FROM hit) ORDER BY e.stored_seq"
    ).fetchall():
        stored[row_id].append((seq, learned_us, content, sign))
    entries: list[Entry] = []
    chains: dict[str, list[Version]] = {}
    unchanged: list[int] = []
    for row_id, rn, learned_us, content in arriving:
        versions = chains.setdefault(row_id, chain(stored.get(row_id, ())))
        new = place(versions, Version(learned_us, content, Ref(row=rn)))
        entries += new
        if not new:
            unchanged.append(rn)
    connection.register("unchanged_rows", pa.table({"rn": pa.array(unchanged, pa.int64())}))
    connection.execute("INSERT INTO skip SELECT rn FROM unchanged_rows")
    connection.unregister("unchanged_rows")
    row = first(connection, f"SELECT count(*), max(rn) FROM k WHERE reason IS NULL AND NOT k.{chained}")
    assert row is not None
    simple, last = row
    span = 0 if last is None else last + 1
    own = ", ".join((*shape.columns, "properties"))
    into = f"INSERT INTO {table} (stored_seq, source, id, account, member, occurred_at, delay, sign, {own})"
    if simple:
        connection.execute(
            f"{into} SELECT {first_seq} + k.rn, {text(source)}, k.id, a.account, m.member, "
            "make_timestamp(s.occurred_us), "
            f"({learned}) - s.occurred_us, 1, {_of('s', shape)} FROM k {ARRIVING} WHERE k.reason IS NULL AND NOT "
            f"k.{chained}"
        )
    _write(connection, shape, source, into, entries, first_seq + span)
    return span + len(entries)


def _write(
    connection: duckdb.DuckDBPyConnection, shape: Shape, source: str, into: str, entries: list[Entry], first_seq: int
) -> None:
    if not entries:
        return
    plan = pa.table(
        {
            "seq": pa.array(range(first_seq, first_seq + len(entries)), pa.int64()),
            "from_row": pa.array([e.ref.row for e in entries], pa.int64()),
            "from_seq": pa.array([e.ref.seq for e in entries], pa.int64()),
            "sign": pa.array([e.sign for e in entries], pa.int8()),
            "learned_us": pa.array([e.learned_us for e in entries], pa.int64()),
        }
    )
    connection.register("version_plan", plan)
    connection.execute("CREATE OR REPLACE TEMP TABLE version_entries AS SELECT * FROM version_plan")
    connection.unregister("version_plan")
    connection.execute(
        f"""{into} SELECT v.seq, {text(source)}, k.id, a.account, m.member, make_timestamp(s.occurred_us),
        v.learned_us - s.occurred_us, v.sign, {_of("s", shape)} FROM version_entries v JOIN k
        ON k.rn = v.from_row {ARRIVING}
        UNION ALL SELECT v.seq, e.source, e.id, e.account, e.member, e.occurred_at,
        v.learned_us - epoch_us(e.occurred_at), v.sign, {_of("e", shape)} FROM version_entries v
        JOIN {shape.name} e ON e.stored_seq = v.from_seq"""
    )


def _of(side: str, shape: Shape) -> str:
    return ", ".join(f"{side}.{c}" for c in (*shape.columns, "properties"))
