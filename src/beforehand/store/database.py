"""Opening the state database: connections, migrations, and its errors in words.

SQLite: WAL, so that reading never waits for writing; a writing transaction takes its lock at the start (BEGIN
IMMEDIATE), so that two processes queue instead of failing half-way; every commit is on disk before it is told.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, inspect, text

from beforehand.errors import BeforehandError, BusyError, EngineError

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every version of the tables this program knows, oldest first; the last is the one it works with."""

MIGRATIONS = Path(__file__).parent / "migrations"
WRITES = "beforehand_writes"


def connect(path: Path, wait_s: float) -> Engine:
    """An engine on a SQLite file, migrated to the newest version of the tables."""
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
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    try:
        with in_words(path):
            migrate(engine, path)
    except BaseException:
        engine.dispose()
        raise
    return engine


def migrate(engine: Engine, path: Path) -> None:
    """Brings the tables to the newest version; EngineError where they are newer than this program."""
    with engine.connect() as connection:
        found = version(connection)
    if found == REVISIONS[-1]:
        return
    if found is not None and found not in REVISIONS:
        raise EngineError(
            f"{path} was written by a newer Beforehand: its tables are version {found}, known is {REVISIONS[-1]}.",
            "Upgrade Beforehand, or use the version that wrote it; nothing was changed.",
            code="state-too-new",
        )
    # Imported only here: a database that is up to date does not pay for Alembic.
    from alembic import command
    from alembic.config import Config

    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
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
def in_words(path: Path) -> Iterator[None]:
    """Tells what went wrong with the database as a person can use it."""
    try:
        yield
    except BeforehandError:
        raise
    except (exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        raise _told(path, str(cause)) from error
    except OSError as error:
        raise EngineError(f"{path} cannot be used: {error.strerror or error}.", code="state-unusable") from error


def _told(path: Path, cause: str) -> EngineError:
    if "locked" in cause or "busy" in cause:
        return BusyError(
            f"{path} is locked by another process that is writing to it.",
            "Try again when it has finished; nothing was changed.",
            code="state-busy",
        )
    if "not a database" in cause or "malformed" in cause or "disk image" in cause:
        return EngineError(
            f"{path} is damaged: {cause}.",
            "Put back a copy of it; or move it away, and `run` starts a new one (alerts and who did what to them are "
            "in this file only, facts are not).",
            code="state-damaged",
        )
    if "full" in cause:
        return EngineError(
            f"The disk under {path} is full; what had been committed is kept.", "Make room and try again.", "disk-full"
        )
    if "readonly" in cause or "unable to open" in cause or "attempt to write" in cause:
        return EngineError(f"{path} cannot be written: {cause}.", "Look at the rights of the folder.", "state-unusable")
    return EngineError(f"{path}: {cause}.", code="state-failed")
