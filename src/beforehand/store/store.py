"""The state of a workspace behind one door: sessions that read, sessions that write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from beforehand.store.database import ALONE, BESIDE, WRITES, connect, in_words, named


class Store:
    """An open state database; use as a context manager, or call `close`."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name

    @classmethod
    def open(cls, where: Path | str, wait_s: float = 10.0) -> Store:
        """Opens a SQLite file (made where absent) or the database at a `postgresql://` address, and migrates it.

        Raises EngineError where it is damaged, not writable, not to be reached or written by a newer version, BusyError
        where another process holds it for longer than `wait_s` seconds.
        """
        return cls(connect(where, wait_s), named(where))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database."""
        with in_words(self.name), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self, *, beside: bool = False) -> Iterator[Session]:
        """One transaction: all of it is kept when the block ends, none where it raises or the process is killed.

        Writers queue, so that what one has read still holds when it writes. `beside`: on PostgreSQL it does not queue;
        for those who lock the rows they work on, as workers do with acts.
        """
        engine = self.engine.execution_options(**{WRITES: BESIDE if beside else ALONE})
        with in_words(self.name), Session(engine, expire_on_commit=False) as session, session.begin():
            session.connection()  # the lock is taken now, before anything is read that the writing depends on
            yield session

    def close(self) -> None:
        """Lets go of the file."""
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
