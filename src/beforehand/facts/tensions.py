"""How near each ticket and thread is to going wrong, as facts: the table `tensions`, a row each time the points change.

A row says how many points a ticket has from its moment on, and why (`derived.strain`). Tickets are read with the
messages of the conversation that has their id; a conversation without a ticket is a thread and goes by its own. Where a
late fact changes what is to be said, the row is taken back with the other sign.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any

import duckdb

from beforehand.facts import tones
from beforehand.facts.asking import first, only
from beforehand.facts.derived.histories import HOLDERS, SOLVED
from beforehand.facts.derived.mentions import from_customer
from beforehand.facts.derived.strain import ASKS, PROMISES, URGENT, Point, Said, State, path, promised_until
from beforehand.facts.quoting import name, text
from beforehand.facts.rewriting import rewrite
from beforehand.facts.schema import TENSIONS

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

FORM = "2"
"""The form of the rows: a change of meaning is a new one, and all are made anew."""
TOGETHER = 2_000
"""Tickets that are read at once."""
ANGRY = "(frustration > 0.6 OR negative > 0.95)"
"""What says that something is broken is negative, and not angry yet."""
SHARP = "negative > 0.85"
_LETTERS = 4_000


def ensure(facts: Facts) -> None:
    """Brings the table up to date with what arrived since; one transaction, called outside of one."""
    connection = facts.connection
    tones.ensure(facts)
    _prepare(connection)
    seen = first(connection, "SELECT form, tickets, messages, tones FROM tensions_made")
    before = tuple(seen) if seen is not None and seen[0] == FORM else (FORM, -1, -1, -1)
    newest = tuple(
        int(only(connection, f"SELECT coalesce(max(stored_seq), -1) FROM {table}")[0])
        for table in ("tickets", "messages", "tones")
    )
    if newest == before[1:]:
        return
    connection.execute("BEGIN TRANSACTION")
    try:
        _scope(connection, before[1:])
        many = int(only(connection, "SELECT count(*) FROM tense")[0])
        for low in range(0, many, TOGETHER):
            _write(connection, low, low + TOGETHER)
        connection.execute("DELETE FROM tensions_made")
        connection.execute("INSERT INTO tensions_made VALUES (?, ?, ?, ?)", [FORM, *newest])
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # already rolled back by the engine
            connection.execute("ROLLBACK")
        raise


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(TENSIONS.ddl.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS tensions_made (form VARCHAR NOT NULL, tickets BIGINT NOT NULL, messages BIGINT NOT "
        "NULL, tones BIGINT NOT NULL)"
    )


def _scope(connection: duckdb.DuckDBPyConnection, before: tuple[int, ...]) -> None:
    """`tense`: the tickets and threads that something new is about, with their places."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE tense AS
        SELECT source, key, row_number() OVER (ORDER BY source, key) - 1 AS place
        FROM (SELECT source, id AS key FROM tickets WHERE stored_seq > {before[0]}
            UNION SELECT source, conversation FROM messages WHERE stored_seq > {before[1]}
            UNION SELECT source, conversation FROM tones WHERE stored_seq > {before[2]}
            UNION SELECT source, ticket FROM tensions WHERE {before[0]} < 0)
        WHERE key IS NOT NULL"""
    )


def _write(connection: duckdb.DuckDBPyConnection, low: int, high: int) -> None:
    """Writes what the table does not say of some tickets, and takes back what is no longer so."""
    rows = [row for key in _read(connection, low, high) for row in key]
    part = f"JOIN tense s ON s.source = t.source AND s.key = t.ticket WHERE s.place >= {low} AND s.place < {high}"
    rewrite(connection, TENSIONS, rows, part)


def _read(connection: duckdb.DuckDBPyConnection, low: int, high: int) -> list[list[tuple[Any, ...]]]:
    """The rows that should be there of the tickets at some places."""
    here = f"JOIN tense s ON s.place >= {low} AND s.place < {high} AND s.source = t.source"
    status = "replace(replace(lower(trim(t.status)), '_', ' '), '-', ' ')"
    holder = ", ".join(f"nullif(trim(TRY_CAST(t.properties.{name(p)} AS VARCHAR)), '')" for p in HOLDERS)
    listed = ", ".join
    versions = connection.execute(
        f"""SELECT s.place, t.source, t.id, t.account, t.member, t.category, epoch_us(t.occurred_at) AS at_us,
            epoch_us(t.occurred_at) + t.delay AS known_us, coalesce({status} IN ({listed(map(text, SOLVED))}), false),
            coalesce(lower(trim(t.priority)) IN ({listed(map(text, URGENT))}), false), coalesce({holder})
        FROM tickets t {here} AND s.key = t.id GROUP BY ALL HAVING sum(t.sign) > 0 ORDER BY s.place, known_us, at_us"""
    ).fetchall()
    wrote = connection.execute(
        f"""SELECT s.place, t.source, t.conversation, t.account, t.member, epoch_us(t.occurred_at) AS at_us,
            epoch_us(t.occurred_at) + t.delay AS known_us, theirs, coalesce(h.angry, false), coalesce(h.sharp, false),
            theirs AND regexp_matches(left(coalesce(t.text, ''), {_LETTERS}), {text(ASKS)}, 'i'),
            CASE WHEN NOT theirs AND regexp_matches(left(coalesce(t.text, ''), {_LETTERS}), {text(PROMISES)}, 'i')
            THEN left(t.text, {_LETTERS}) END
        FROM (SELECT f.*, {from_customer("f")} AS theirs, TRY_CAST(properties.automatic AS VARCHAR) AS automatic
            FROM messages f) t {here} AND s.key = t.conversation
        LEFT JOIN (SELECT source, id, bool_or({ANGRY}) AS angry, bool_or({SHARP}) AS sharp FROM (
            SELECT source, id, frustration, negative FROM tones WHERE (source, conversation) IN (
                SELECT (source, key) FROM tense WHERE place >= {low} AND place < {high})
            GROUP BY ALL HAVING sum(sign) > 0) GROUP BY ALL) h ON h.source = t.source AND h.id = t.id
        WHERE (theirs OR lower(trim(coalesce(t.direction, ''))) NOT IN ('internal', 'note'))
        AND coalesce(t.automatic, 'false') <> 'true' ORDER BY s.place, known_us, at_us"""
    ).fetchall()
    tickets = {place: list(rows) for place, rows in groupby(versions, key=lambda row: row[0])}
    letters = {place: list(rows) for place, rows in groupby(wrote, key=lambda row: row[0])}
    return [_rows(tickets.get(place, []), letters.get(place, [])) for place in sorted(tickets.keys() | letters.keys())]


def _rows(versions: list[Any], letters: list[Any]) -> list[tuple[Any, ...]]:
    """The rows of one ticket or thread: who it is about as its newest version says, or its first letter."""
    _, source, key, account, member = (versions[-1] if versions else letters[0])[:5]
    category = versions[-1][5] if versions else None
    events: list[State | Said] = [
        State(known, at, done, urgent, holder) for *_, at, known, done, urgent, holder in versions
    ]
    for *_, at, known, theirs, angry, sharp, asks, words in letters:
        events.append(Said(known, at, theirs, angry, asks, promised_until(words, at) if words else None, sharp))
    return [
        (source, f"{key} {point.at}", account, member, point.at, key, category, float(point.points), said(point))
        for point in path(events, ticket=bool(versions))
    ]


def said(point: Point) -> str:
    """The reasons in words: `opened again (2), no answer for more than a day (1)`."""
    return ", ".join(f"{reason} ({points})" for reason, points in point.reasons)
