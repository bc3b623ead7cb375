"""The facts of a workspace: one DuckDB file, opened by one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from beforehand.calendar import zone_named
from beforehand.errors import BusyError, EngineError, InputError, among
from beforehand.facts import batches, loading, outcomes, schema, traits
from beforehand.facts.asking import first
from beforehand.facts.outcomes import Occurrence
from beforehand.facts.quoting import text
from beforehand.facts.subjects import Subjects, subjects
from beforehand.text import base_model

if TYPE_CHECKING:
    from types import TracebackType

    from beforehand.text import Reader
    from beforehand.workspace.spec import SettingsSpec

MEMORY_LIMIT = "2GB"


class Facts:
    """What customers did, when it happened and when we learned it. A context manager; hold the workspace's lock."""

    def __init__(self, path: Path, settings: SettingsSpec, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self.settings = settings
        self.connection = connection
        self.derived: Mapping[str, timedelta] = {}
        self.reader: Callable[[], Reader] = base_model

    @classmethod
    def open(
        cls,
        path: Path,
        settings: SettingsSpec,
        derived: Mapping[str, timedelta] | None = None,
        reader: Callable[[], Reader] | None = None,
    ) -> Facts:
        """Opens the facts at `path`, made where absent. `derived` are outcomes made from facts: name and full silence.

        `reader` gives what reads how messages sound; without it, the one that comes with Beforehand.

        Raises EngineError where the file is damaged, cannot be written or was made by another version, BusyError where
        another process has it open, InputError where the workspace's zone does not exist.
        """
        zone_named(settings.zone)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = duckdb.connect(
                str(path), config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(path.parent / "tmp")}
            )
        except OSError as error:
            raise EngineError(
                f"{path.parent} cannot be written: {error.strerror or error}.", code="unwritable"
            ) from None
        except duckdb.Error as error:
            raise _opening(path, error) from None
        try:
            connection.execute(f"SET TimeZone = {text(settings.zone)}")
            schema.prepare(connection)
        except duckdb.Error as error:
            connection.close()
            raise _opening(path, error) from None
        except EngineError:
            connection.close()
            raise
        facts = cls(path, settings, connection)
        facts.derived = dict(derived or {})
        facts.reader = reader or base_model
        return facts

    def close(self) -> None:
        """Closes the file; a context manager does it by itself."""
        self.connection.close()

    def __enter__(self) -> Facts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, duckdb.Error):
            raise failed(error) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is there, or nothing of it. EngineError where the engine or the disk fails."""
        self.connection.execute("BEGIN")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException as error:
            with suppress(duckdb.Error):  # already rolled back by the engine, or the engine gave up
                self.connection.execute("ROLLBACK")
            if isinstance(error, duckdb.Error):
                raise failed(error) from None
            raise

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Errors of the engine become EngineError."""
        try:
            yield
        except duckdb.Error as error:
            raise failed(error) from None

    # -- loading ---------------------------------------------------------------------------------------------------

    def load(self, files: Sequence[Path], **options: Any) -> loading.Loaded:
        """Loads files; see `loading.load` for the options."""
        return loading.load(self, files, **options)

    def go_live(self, now: datetime) -> datetime:
        """Sets the moment of the first run where there was none, and returns it."""
        found = batches.go_live_at(self.connection)
        if found is None:
            batches.set_meta(self.connection, "go_live_at", now.isoformat())
        return found or now

    @property
    def go_live_at(self) -> datetime | None:
        """When the first run was, or None."""
        return batches.go_live_at(self.connection)

    @property
    def assumed_arrival(self) -> bool:
        """Whether any row took the time it occurred as its time of arrival."""
        return first(self.connection, "SELECT 1 FROM batches WHERE assumed > 0 LIMIT 1") is not None

    def watermark(self) -> int:
        """The newest number of the sequence over all fact tables; 0 where nothing was ever stored."""
        return batches.next_seq(self.connection) - 1

    def span(self, table: str) -> tuple[int, int, int] | None:
        """The first and last `occurred_at` (UTC microseconds) and the largest delay of a table, None where it "
        "is empty."""
        row = first(
            self.connection, f"SELECT epoch_us(min(occurred_at)), epoch_us(max(occurred_at)), max(delay) FROM {table}"
        )
        return None if row is None or row[0] is None else (int(row[0]), int(row[1]), int(row[2]))

    def sources(self, table: str) -> tuple[str, ...]:
        """The sources a table has rows of."""
        rows = self.connection.execute(
            "SELECT DISTINCT source FROM batches WHERE tbl = ? AND loaded > 0 ORDER BY 1", [table]
        )
        return tuple(str(source) for (source,) in rows.fetchall())

    # -- who -------------------------------------------------------------------------------------------------------

    def subjects(self) -> Subjects:
        """The accounts to judge, as they are known now."""
        return subjects(self.connection, self.settings)

    def account_named(self, named: str) -> int:
        """The canonical node of an account by any of its ids; InputError with the nearest names."""
        row = first(self.connection, "SELECT account FROM account_ids WHERE external = ?", [named.strip()])
        if row is None:
            every = [r[0] for r in self.connection.execute("SELECT external FROM account_ids").fetchall()]
            raise InputError(f"No account is called {named!r}.", among(named, every), code="unknown-account")
        return self.canonical(int(row[0]))

    def canonical(self, node: int) -> int:
        """The account a stored node was merged into; itself where it was not."""
        from beforehand.facts.merging import merged

        return merged(self.connection, "account").get(node, node)

    def label(self, node: int) -> str:
        """What an account is called: its id in the accounts file, or the one it was first known by."""
        row = first(self.connection, "SELECT label FROM accounts WHERE account = ?", [self.canonical(node)])
        if row is None:
            raise InputError(f"There is no account {node}.", code="unknown-account")
        return str(row[0])

    def member_label(self, account: int, member: int) -> str:
        """What a person at an account is called."""
        row = first(
            self.connection,
            "SELECT p.label FROM members m JOIN persons p USING (person) WHERE m.account = ? AND m.member = ?",
            [account, member],
        )
        return str(row[0]) if row else f"person {member}"

    def traits_of(self, account: int, at: datetime, member: int | None = None) -> dict[str, str]:
        """The traits of an account, or of a person at it, as known at a time."""
        return traits.of(self, account, member, at)

    def traits(self, *names: str) -> traits.Values:
        """All dated values of the traits named (none: of all)."""
        return traits.values(self, names)

    def outcomes(self, outcome: str, until_us: int) -> list[Occurrence]:
        """Every occurrence of an outcome up to a moment, recorded or derived."""
        return outcomes.occurrences(self, outcome, until_us)


def failed(error: duckdb.Error) -> EngineError:
    """What an engine's error means to a person."""
    first = str(error).splitlines()[0]
    if (
        "No space left" in str(error)
        or "not enough space" in str(error).lower()
        or "could not write" in str(error).lower()
    ):
        return EngineError(
            f"The disk is full or cannot be written: {first}",
            "What had been stored before is untouched. Make room and run the command again.",
            code="disk-full",
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return EngineError(
            f"The facts need more room than there is: {first}",
            f"They use {MEMORY_LIMIT} of memory and then the disk of the workspace. Make room there and run the "
            "command again.",
            code="out-of-memory",
        )
    return EngineError(f"The facts could not be read or written: {first}", "Nothing was half done.", code="engine")


def _opening(path: Path, error: duckdb.Error) -> EngineError:
    first = str(error).splitlines()[0]
    if "lock" in first.lower():
        return BusyError(f"Another process has {path} open: {first}", "Stop it and try again.", code="busy")
    if "No space left" in str(error):
        return failed(error)
    return EngineError(
        f"{path} cannot be opened: {first}", "Is it damaged, or from another version?", code="unreadable-facts"
    )
