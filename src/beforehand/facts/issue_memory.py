"""What the grouping of issues learned, kept beside the facts: its index, its templates, what was seen how often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from beforehand.facts.asking import first, only
from beforehand.text.grouping import DAY_US, WINDOW_DAYS, Groups, Kept
from beforehand.text.naming import phrase_of
from beforehand.text.vectors import Seen, Vector

TOGETHER = 2_000


def restored(connection: duckdb.DuckDBPyConnection) -> tuple[Groups, int]:
    """The grouping as it was after the last arrival, and the number of its next text."""
    row = first(connection, "SELECT texts, counts, next_nth FROM issue_read")
    seen = Seen() if row is None else Seen.unpack(row[1], int(row[0]))
    following = int(only(connection, "SELECT coalesce(max(issue), 0) + 1 FROM issues")[0])
    groups = Groups(seen, following=following, joined=True)
    since = "SELECT coalesce(max(at_us), 0) FROM issue_index"  # the window ends where the newest text stands
    stream = connection.sql(
        f"SELECT ids, weights, pointing, digest, at_us, context, issue FROM issue_index "
        f"WHERE at_us >= ({since}) - {WINDOW_DAYS * DAY_US} ORDER BY nth"
    ).to_arrow_reader(TOGETHER)
    for rows in parts(stream):
        for kept in rows:
            groups.restore(_kept(kept))
    templates = connection.execute("SELECT template, number, issue FROM issue_templates ORDER BY nth").fetchall()
    for template, number, issue in templates:
        groups.restore_template(template, number, issue)
    for kept_issue, gone in connection.execute(
        "SELECT issue, other FROM issue_marks WHERE kind = 'merge' ORDER BY mark"
    ).fetchall():
        groups.merge(kept_issue, gone)
    groups.following = max(groups.following, following)
    groups.names.update(dict(connection.execute("SELECT issue, name FROM issues").fetchall()))
    return groups, 0 if row is None else int(row[2])


def _kept(row: dict[str, Any]) -> Kept:
    vector = Vector(
        np.frombuffer(row["ids"], np.uint32),
        np.frombuffer(row["weights"], np.float16).astype(np.float32),
        np.frombuffer(row["pointing"], np.uint32),
    )
    person, account, category = row["context"]
    return Kept(vector, row["digest"], row["at_us"], (person, account, category), row["issue"])


def add_index(connection: duckdb.DuckDBPyConnection, groups: Groups, nth: int) -> int:
    """Keeps the texts that came into the index since; returns the number of the next."""
    kept = groups.kept
    if kept:
        given = pa.table(
            {
                "nth": pa.array(range(nth, nth + len(kept)), pa.int64()),
                "ids": [one.vector.ids.tobytes() for one in kept],
                "weights": [one.vector.weights.astype(np.float16).tobytes() for one in kept],
                "pointing": [one.vector.leading.tobytes() for one in kept],
                "digest": [one.digest for one in kept],
                "at_us": pa.array([one.at_us for one in kept], pa.int64()),
                "context": pa.array([list(one.context) for one in kept], pa.list_(pa.int64())),
                "issue": pa.array([one.group for one in kept], pa.int32()),
            }
        )
        insert(connection, "issue_index", given)
    nth += len(kept)
    groups.kept = []
    return nth


def keep_templates(connection: duckdb.DuckDBPyConnection, groups: Groups, known: int) -> None:
    """Keeps the templates after the first `known`."""
    learned = groups.groups_of_templates()[known:]
    if learned:
        given = pa.table(
            {
                "nth": pa.array(range(known, known + len(learned)), pa.int32()),
                "template": [template for template, _, _ in learned],
                "number": pa.array([number for _, number, _ in learned], pa.int32()),
                "issue": pa.array([issue for _, _, issue in learned], pa.int32()),
            }
        )
        insert(connection, "issue_templates", given)


def keep_seen(connection: duckdb.DuckDBPyConnection, seen: Seen, newest: list[int], nth: int) -> None:
    """Keeps how often each word was seen, up to which facts, and the number of the next text."""
    connection.execute("DELETE FROM issue_read")
    connection.execute("INSERT INTO issue_read VALUES (?, ?, ?, ?, ?)", [*newest, seen.texts, seen.pack(), nth])


def move(connection: duckdb.DuckDBPyConnection, texts: list[str], issue: int) -> None:
    """Puts texts that people moved under another issue in what the grouping knows: texts like them follow."""
    groups, nth = restored(connection)
    before = {number: of for _, number, of in groups.groups_of_templates()}
    known = len(before)
    digests = [digest for text in texts if (digest := groups.move(text, issue))]
    connection.executemany("UPDATE issue_index SET issue = ? WHERE digest = ?", [[issue, digest] for digest in digests])
    nth = add_index(connection, groups, nth)
    changed = [[of, number] for _, number, of in groups.groups_of_templates() if before.get(number, of) != of]
    if changed:
        connection.executemany("UPDATE issue_templates SET issue = ? WHERE number = ?", changed)
    keep_templates(connection, groups, known)
    connection.execute("UPDATE issue_read SET next_nth = ?", [nth])


def name_of(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The most telling phrase of a text, by what was seen so far."""
    row = first(connection, "SELECT texts, counts FROM issue_read")
    return phrase_of(text, Seen() if row is None else Seen.unpack(row[1], int(row[0])))


def parts(stream: Any) -> Iterator[list[dict[str, Any]]]:
    """The rows of a stream, some thousand at a time."""
    for batch in stream:
        if batch.num_rows:
            yield batch.to_pylist()


def insert(connection: duckdb.DuckDBPyConnection, table: str, given: pa.Table) -> None:
    """Adds rows to a table."""
    connection.register("issues_given", given)
    connection.execute(f"INSERT INTO {table} SELECT * FROM issues_given")
    connection.unregister("issues_given")
