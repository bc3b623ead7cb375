"""The tables of the facts: what each holds, and the version they were written in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import duckdb

from beforehand.errors import EngineError
from beforehand.facts.asking import first

VERSION = 1
ID_LIMIT = 512

_FIRST = (
    "stored_seq BIGINT NOT NULL, source VARCHAR NOT NULL, id VARCHAR NOT NULL, account INTEGER NOT NULL, "
    "member INTEGER, occurred_at TIMESTAMP NOT NULL, delay BIGINT NOT NULL, "
    "learned_at TIMESTAMP GENERATED ALWAYS AS (occurred_at + to_microseconds(delay)) VIRTUAL"
)


@dataclass(frozen=True)
class Shape:
    """One fact table: its own columns (name to type), how its id may be called, and what a row cannot do without.

    `versioned`: another content under a known id is a new version, kept as a retraction (`sign` -1) and a row, so
    that the sum of `sign` over rows learned before any moment is what was known then.
    """

    name: str
    columns: dict[str, str]
    id_names: tuple[str, ...] = ("id",)
    needs: tuple[str, ...] = ()
    versioned: bool = False
    properties: bool = True
    at_names: tuple[str, ...] = ("at", "occurred_at")

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """The columns that are written, in the order of the table, after the seven that all tables share."""
        sign = ("sign",) if self.versioned else ()
        return (*sign, *self.columns, *(("properties",) if self.properties else ()))

    @cached_property
    def ddl(self) -> str:
        """The statement that creates it."""
        own = (["sign TINYINT NOT NULL"] if self.versioned else []) + [f"{c} {t}" for c, t in self.columns.items()]
        own += ["properties VARIANT"] if self.properties else []
        return f"CREATE TABLE {self.name} ({', '.join([_FIRST, *own])})"


TEXT, NUMBER, TIME = "VARCHAR", "DOUBLE", "TIMESTAMP"

SHAPES = {
    shape.name: shape
    for shape in (
        Shape("events", {"event": TEXT}, needs=("event",)),
        Shape(
            "tickets",
            {"status": TEXT, "priority": TEXT, "category": TEXT, "subject": TEXT, "body": TEXT},
            id_names=("id", "ticket"),
            versioned=True,
        ),
        Shape(
            "subscriptions",
            {
                "plan": TEXT,
                "seats": NUMBER,
                "amount": NUMBER,
                "currency": TEXT,
                "status": TEXT,
                "start_at": TIME,
                "end_at": TIME,
            },
            id_names=("id", "subscription"),
            versioned=True,
            at_names=("at", "occurred_at", "start_at"),
        ),
        Shape(
            "invoices",
            {"amount": NUMBER, "currency": TEXT, "status": TEXT, "due_at": TIME, "paid_at": TIME},
            id_names=("id", "invoice"),
            versioned=True,
        ),
        Shape(
            "messages",
            {"conversation": TEXT, "direction": TEXT, "channel": TEXT, "subject": TEXT, "text": TEXT},
            id_names=("id", "message"),
        ),
        Shape("surveys", {"kind": TEXT, "score": NUMBER, "comment": TEXT}, id_names=("id", "survey")),
        Shape("touches", {"teammate": TEXT, "kind": TEXT, "note": TEXT}, id_names=("id", "touch")),
        Shape(
            "outcomes",
            {"outcome": TEXT, "amount": NUMBER, "reason": TEXT, "notice_at": TIME, "end_at": TIME},
            needs=("outcome",),
            properties=False,
        ),
    )
}
FACT_TABLES = tuple(SHAPES)
YES = "BOOLEAN"
TONES = Shape(
    "tones",
    {
        "conversation": TEXT, "channel": TEXT, "language": TEXT,
        "negative": NUMBER, "positive": NUMBER, "sentiment": NUMBER, "frustration": NUMBER, "gratitude": NUMBER,
        "urgency": NUMBER, "warmth": NUMBER,
        "words": NUMBER, "greeting": YES, "thanks": YES, "please": YES, "exclamations": NUMBER, "questions": NUMBER,
        "hedges": NUMBER, "shouting": NUMBER,
    },
    versioned=True,
    properties=False,
)  # fmt: skip
"""How each message of a customer sounds, as `tones` makes it from messages: nobody loads it."""
TENSIONS = Shape(
    "tensions", {"ticket": TEXT, "category": TEXT, "points": NUMBER, "reasons": TEXT}, versioned=True, properties=False
)
"""How near each ticket and thread is to going wrong, as `tensions` makes it: nobody loads it."""
MOODS = Shape("moods", {"warmth": NUMBER, "people": NUMBER}, versioned=True, properties=False)
"""How an account sounds by all of its people, as `moods` makes it from tones and roles: nobody loads it."""
COUNTABLE = {**SHAPES, TONES.name: TONES, TENSIONS.name: TENSIONS, MOODS.name: MOODS}
"""What metrics may be over."""
LOADABLE = ("accounts", "people", *FACT_TABLES)

_LEDGERS = (
    "CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR)",
    # `value` of a trait is text; `occurred_at` of an undated one is 1970-01-01: it holds from the beginning.
    "CREATE TABLE traits (stored_seq BIGINT NOT NULL, source VARCHAR NOT NULL, account INTEGER NOT NULL, member "
    "INTEGER, "
    "trait VARCHAR NOT NULL, value VARCHAR, occurred_at TIMESTAMP NOT NULL, delay BIGINT NOT NULL, dated BOOLEAN "
    "NOT NULL, "
    "learned_at TIMESTAMP GENERATED ALWAYS AS (occurred_at + to_microseconds(delay)) VIRTUAL)",
    # `listed`: an accounts file has named it, so its label is final; others were made by facts.
    "CREATE TABLE accounts (account INTEGER PRIMARY KEY, label VARCHAR NOT NULL, listed BOOLEAN NOT NULL, "
    "made_by VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL)",
    # Which sources named an account: what `accounts_from` asks for, as the setting is now.
    "CREATE TABLE account_sources (account INTEGER NOT NULL, source VARCHAR NOT NULL)",
    "CREATE TABLE account_ids (external VARCHAR PRIMARY KEY, account INTEGER NOT NULL, kind VARCHAR NOT NULL)",
    "CREATE TABLE persons (person INTEGER PRIMARY KEY, label VARCHAR NOT NULL)",
    "CREATE TABLE person_ids (external VARCHAR PRIMARY KEY, person INTEGER NOT NULL, kind VARCHAR NOT NULL)",
    "CREATE TABLE members (account INTEGER NOT NULL, member INTEGER NOT NULL, person INTEGER NOT NULL)",
    "CREATE TABLE merges (merge INTEGER PRIMARY KEY, kind VARCHAR NOT NULL, node INTEGER NOT NULL, into_node "
    "INTEGER NOT NULL, "
    "merged_at TIMESTAMP NOT NULL, actor VARCHAR NOT NULL, undone_at TIMESTAMP, undone_by VARCHAR)",
    "CREATE TABLE batches (batch INTEGER PRIMARY KEY, tbl VARCHAR NOT NULL, source VARCHAR NOT NULL, file "
    "VARCHAR NOT NULL, "
    "digest VARCHAR NOT NULL, mapping VARCHAR NOT NULL, seq_from BIGINT NOT NULL, seq_to BIGINT NOT NULL, "
    "read BIGINT NOT NULL, loaded BIGINT NOT NULL, loaded_at TIMESTAMP NOT NULL, arrival VARCHAR NOT NULL, "
    "assumed BIGINT NOT NULL, backfilled BOOLEAN NOT NULL)",
    "CREATE TABLE quarantine (batch INTEGER NOT NULL, tbl VARCHAR NOT NULL, source VARCHAR NOT NULL, file "
    "VARCHAR NOT NULL, "
    'line BIGINT NOT NULL, reason VARCHAR NOT NULL, "row" VARCHAR NOT NULL, id VARCHAR, retry BOOLEAN NOT NULL)',
)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates what is missing in an empty file, or checks that the file is of this version.

    Raises EngineError where another version wrote it.
    """
    exists = first(connection, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'meta'")
    if exists and exists[0]:
        row = first(connection, "SELECT value FROM meta WHERE key = 'schema'")
        found = row[0] if row else "none"
        if found != str(VERSION):
            newer = found.isdigit() and int(found) > VERSION
            raise EngineError(
                f"The facts of this workspace have schema version {found}; this Beforehand works with version "
                f"{VERSION}.",
                "Update Beforehand to the version that wrote them."
                if newer
                else "Keep .beforehand/facts.duckdb aside and load the files again, or use the version that wrote it.",
                code="schema-version",
            )
        return
    connection.execute("BEGIN")
    for statement in (*_LEDGERS, *(shape.ddl for shape in SHAPES.values())):
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('schema', ?), ('next_seq', '1')", [str(VERSION)])
    connection.execute("COMMIT")
