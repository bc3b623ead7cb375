"""Opening the state database: connections, migrations, and its errors in words.

SQLite: WAL, so that reading never waits for writing; a writing transaction takes its lock at the start (BEGIN
IMMEDIATE), so that two processes queue instead of failing half-way; every commit is on disk before it is told.
PostgreSQL: the same, by an advisory lock that writing transactions hold; only those that say that they write beside
others (`BESIDE`: workers, which lock the rows they take) go without it. Reading sees one moment on both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, inspect, make_url, text

from beforehand.errors import BeforehandError, BusyError, EngineError

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every version of the tables this program knows, oldest first; the last is the one it works with."""

MIGRATIONS = Path(__file__).parent / "migrations"
WRITES = "beforehand_writes"
BESIDE = "beside"
ALONE = "alone"
"""What `WRITES` may be: with the lock of the writers, or beside others."""
LOCK = 0x6265666F72  # of the writers, in each database: b"befor"


def connect(where: Path | str, wait_s: float) -> Engine:
    """An engine on a SQLite file or a PostgreSQL address, migrated to the newest version of the tables."""
    engine = _sqlite(where, wait_s) if isinstance(where, Path) else _postgresql(where, wait_s)
    name = named(where)
    try:
        with in_words(name):
            migrate(engine, name)
    except BaseException:
        engine.dispose()
        raise
    return engine


def named(where: Path | str) -> str:
    """What a database is called in words; a password is not part of it."""
    if isinstance(where, Path):
        return str(where)
    url = make_url(where)
    return f"PostgreSQL ({url.host or url.query.get('host') or 'this machine'}, {url.database})"


def _postgresql(address: str, wait_s: float) -> Engine:
    url = make_url(address)
    given = URL.create(
        "postgresql+psycopg", url.username, url.password, url.host, url.port, url.database, dict(url.query)
    )
    try:
        engine = create_engine(
            given,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": max(2, round(wait_s)),
                "application_name": "beforehand",
                "options": f"-c lock_timeout={int(wait_s * 1000)} -c timezone=UTC",
            },
        )
    except ModuleNotFoundError as error:
        raise EngineError(
            "The state is to be in PostgreSQL, and its driver is not installed.",
            "Install it: pip install 'beforehand[postgres]'.",
            code="no-postgres",
        ) from error

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        if writes == ALONE:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        elif writes is None:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    return engine


def _sqlite(path: Path, wait_s: float) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": wait_s})

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlite3.Connection, _: Any) -> None:
        # Transactions are begun below; the driver's own guessing when to begin is switched off.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {int(wait_s * 1000)}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def migrate(engine: Engine, name: str) -> None:
    """Brings the tables to the newest version; EngineError where they are newer than this program."""
    with engine.connect() as connection:
        found = version(connection)
    if found == REVISIONS[-1]:
        return
    if found is not None and found not in REVISIONS:
        raise EngineError(
            f"{name} was written by a newer Beforehand: its tables are version {found}, known is {REVISIONS[-1]}.",
            "Upgrade Beforehand, or use the version that wrote it; nothing was changed.",
            code="state-too-new",
        )
    # Imported only here: a database that is up to date does not pay for Alembic.
    from alembic import command
    from alembic.config import Config

    with engine.connect().execution_options(**{WRITES: ALONE}) as connection, connection.begin():
        # Another process may have done it while this one waited for the lock; Alembic then finds nothing to do.
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def version(connection: Connection) -> str | None:
    """The version of the tables, or None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@contextmanager
def in_words(name: str) -> Iterator[None]:
    """Tells what went wrong with the database as a person can use it."""
    try:
        yield
    except BeforehandError:
        raise
    except (exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        raise _told(name, cause) from error
    except OSError as error:
        raise EngineError(f"{name} cannot be used: {error.strerror or error}.", code="state-unusable") from error


def _told(name: str, error: object) -> EngineError:
    cause = " ".join(str(error).split())
    if "locked" in cause or "busy" in cause or "lock timeout" in cause or "deadlock" in cause:
        return BusyError(
            f"{name} is locked by another process that is writing to it.",
            "Try again when it has finished; nothing was changed.",
            code="state-busy",
        )
    if "not a database" in cause or "malformed" in cause or "disk image" in cause:
        return EngineError(
            f"{name} is damaged: {cause}.",
            "Put back a copy of it; or move it away, and `run` starts a new one (alerts and who did what to them are "
            "in this file only, facts are not).",
            code="state-damaged",
        )
    if "full" in cause:
        return EngineError(
            f"The disk under {name} is full; what had been committed is kept.", "Make room and try again.", "disk-full"
        )
    if "readonly" in cause or "unable to open" in cause or "attempt to write" in cause:
        return EngineError(f"{name} cannot be written: {cause}.", "Look at the rights of the folder.", "state-unusable")
    if "connection" in cause or "could not translate host" in cause or "authentication" in cause:
        hint = "Look at `state:` in beforehand.yaml, and whether the server runs; nothing was changed."
        return EngineError(f"{name} cannot be reached: {cause[:300]}.", hint, "state-unreachable")
    return EngineError(f"{name}: {cause}.", code="state-failed")
