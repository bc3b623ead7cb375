"""Cells kept inside the facts file: counted once, then only what is new is counted and put beside them.

A set is the result of one scan: a table of base cells (one per subject, period and part) and a table of later ones
(late facts with the lag after which they were known, and what refreshes found), which merge as their columns say.
`watermark` is the newest arrival a set has seen. All of a preparation is one transaction: killed at any moment, the
file holds the sets as they were or as they are to be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
from sqlglot import exp

from beforehand.calendar import DAY_US, Grain, period_of
from beforehand.errors import EngineError
from beforehand.panel.columns import MADE, Column
from beforehand.panel.compile import Engine, Rows, merged, scan
from beforehand.panel.facets import Facet
from beforehand.panel.subjects import Ids
from beforehand.signals.tree import SubjectKind

VERSION = "4"
"""The form in which cells are kept; those of another form are dropped and counted anew."""
KEPT_BEFORE_US = 90 * DAY_US
"""How much longer than asked for the hours of a set are kept."""
KEPT = 12
"""Sets kept per file and per (table, grain, kind, facets); the least recently used go first."""
COMPACT_AT, COMPACT_FROM = 0.25, 10_000
"""Cells that refreshes added are merged with the others when they are this share of them, and this many more."""

_META = (
    "CREATE TABLE IF NOT EXISTS panel_sets (number INTEGER, context VARCHAR, place VARCHAR, columns VARCHAR, "
    "watermark BIGINT, base_rows BIGINT, later_rows BIGINT, merged_rows BIGINT, excluded VARCHAR, used BIGINT, "
    "since_us BIGINT)"
)


@dataclass(frozen=True)
class Scope:
    """What the cells of a set have in common besides their columns; `since_us`: nothing before is asked for.

    `subject` is what the subjects are where they are neither accounts nor people, `value` what distinct counts tell
    apart, where it is not people.
    """

    table: str
    grain: Grain
    kind: SubjectKind
    zone: ZoneInfo
    grace_us: int
    excluded_events: exp.Expr | None = None
    since_us: int | None = None
    subject: Facet | None = None
    value: Facet | None = None

    @property
    def place(self) -> str:
        """Table, grain, kind, zone and what is told apart, as text."""
        facets = "/".join(facet.name if facet else "" for facet in (self.subject, self.value))
        return f"{self.table}/{self.grain}/{self.kind}/{self.zone.key}/{facets}"

    @property
    def context(self) -> str:
        """A digest of all that changes what cells mean."""
        left_out = self.excluded_events.sql(dialect="duckdb") if self.excluded_events is not None else ""
        text = f"1|{self.place}|{self.grace_us}|{left_out if self.table == 'events' else ''}"
        return sha256(text.encode()).hexdigest()[:24]


@dataclass
class CellSet:
    """A set as stored: the names of its two tables, the columns it holds, up to where it has seen and from when on."""

    base: str
    later: str
    columns: tuple[Column, ...]
    number: int = -1
    watermark: int = -1
    base_rows: int = 0
    later_rows: int = 0
    merged_rows: int = 0
    excluded: str = "[]"
    since_us: int | None = None

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class Span:
    """The extent of rows: instants in UTC microseconds (`last_us` with the longest delay), delay, newest arrival."""

    rows: int
    first_us: int
    last_us: int
    delay_us: int
    newest_seq: int


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it or nothing of it."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def span(connection: duckdb.DuckDBPyConnection, table: str, after_seq: int | None = None) -> Span | None:
    """The extent of a fact table's rows, or of those that arrived after `after_seq`; None where there are none."""
    newer = f" WHERE stored_seq > {after_seq}" if after_seq is not None else ""
    found = connection.execute(
        "SELECT count(*), epoch_us(min(occurred_at)), epoch_us(max(occurred_at)), max(delay), max(stored_seq)"
        f" FROM {table}{newer}"
    ).fetchone()
    if not found or not found[0]:
        return None
    rows, first, last, delay, newest = (int(v) for v in found)
    return Span(rows, first, last + delay, delay, newest)


def renew(connection: duckdb.DuckDBPyConnection) -> None:
    """Drops what another version of the panel kept in the file."""
    found = connection.execute("SELECT value FROM meta WHERE key = 'panel'").fetchone()
    if found == (VERSION,):
        return
    with transaction(connection):
        old = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE NOT temporary AND table_name LIKE 'panel\\_%' ESCAPE '\\'"
        ).fetchall()
        for (name,) in old:
            connection.execute(f"DROP TABLE {name}")
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('panel', ?)", [VERSION])


class CellStore:
    """The sets of one facts file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def prepare(self, scope: Scope, columns: Sequence[Column], excluded: Ids) -> tuple[list[CellSet], frozenset[str]]:
        """Sets that hold the columns, counted or refreshed up to the newest arrival, and the columns that failed.

        `excluded` are stored members (pairs) whose facts are left out. Raises EngineError where nothing can be counted.
        """
        self._exclude(excluded)
        try:
            with transaction(self.connection):
                return self._prepare(scope, columns, excluded, frozenset()), frozenset()
        except duckdb.Error as error:
            # One metric that cannot be computed must not take the others with it: find out which by trying each.
            failed = self._failing(scope, columns, len(excluded) > 0)
            if not failed or len(failed) == len(columns) > 1:
                raise EngineError(f"The facts could not be counted: {error}", code="engine") from error
        good = [column for column in columns if column.name not in failed]
        with transaction(self.connection):
            return self._prepare(scope, good, excluded, failed), failed

    def passing(
        self, scope: Scope, columns: Sequence[Column], excluded: Ids, known_before_us: int, name: str
    ) -> tuple[list[CellSet], frozenset[str]]:
        """A set of only what was learned before an instant, in temporary tables named after `name`."""
        self._exclude(excluded)
        extent = span(self.connection, scope.table)
        rows = _rows(scope, extent, None, len(excluded) > 0, known_before_us=known_before_us)
        cells = CellSet(f"panel_base_{name}_t", f"panel_later_{name}_t", tuple(columns))
        failed: frozenset[str] = frozenset()
        try:
            self._fill(scope, rows, cells, extent, "CREATE OR REPLACE TEMP TABLE")
        except duckdb.Error:
            failed = self._failing(scope, columns, len(excluded) > 0)
            cells.columns = tuple(column for column in columns if column.name not in failed)
            self._fill(scope, rows, cells, extent, "CREATE OR REPLACE TEMP TABLE")
        return [cells], failed

    def forget_but(self, made: Sequence[str]) -> None:
        """Drops what was counted of tables of made facts other than these, which are no more."""
        if self.connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'panel_sets'").fetchone() is None:
            return
        rows = self.connection.execute("SELECT number, place FROM panel_sets WHERE place LIKE ?", [MADE + "%"])
        gone = [number for number, place in rows.fetchall() if place.split("/")[0] not in made]
        with transaction(self.connection):
            for number in gone:
                self._drop(CellSet(f"panel_base_{number}", f"panel_later_{number}", (), number))

    # -- counting ------------------------------------------------------------------------------------------------

    def _prepare(self, scope: Scope, columns: Sequence[Column], excluded: Ids, failed: frozenset[str]) -> list[CellSet]:
        missing = {column.name: column for column in columns}
        pairs = json.dumps(excluded.tolist())
        used: list[CellSet] = []
        self.connection.execute(_META)
        self.connection.execute("ALTER TABLE panel_sets ADD COLUMN IF NOT EXISTS since_us BIGINT")
        for cells in self._stored(scope):
            if any(name in failed for name in cells.names) or _begins_late(cells, scope):
                self._drop(cells)
            elif any(name in missing for name in cells.names):
                for name in cells.names:
                    missing.pop(name, None)
                self._trim(scope, cells)
                self._recount(scope, cells, pairs, len(excluded) > 0)
                self._refresh(scope, cells, len(excluded) > 0)
                used.append(cells)
        if missing:
            used.append(self._count(scope, tuple(missing.values()), pairs, len(excluded) > 0))
        self._forget(scope, used)
        return used

    def _count(self, scope: Scope, columns: tuple[Column, ...], excluded: str, people: bool) -> CellSet:
        number = int(_one(self.connection, "SELECT coalesce(max(number), 0) + 1 FROM panel_sets"))
        cells = CellSet(
            f"panel_base_{number}",
            f"panel_later_{number}",
            columns,
            number=number,
            excluded=excluded,
            since_us=scope.since_us,
        )
        extent = span(self.connection, scope.table)
        self._fill(scope, _rows(scope, extent, None, people), cells, extent, "CREATE TABLE")
        self.connection.execute(
            "INSERT INTO panel_sets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            [number, scope.context, scope.place, json.dumps([c.stored() for c in columns]), cells.watermark,
             cells.base_rows, cells.later_rows, cells.merged_rows, excluded, cells.since_us],
        )  # fmt: skip
        return cells

    def _fill(self, scope: Scope, rows: Rows, cells: CellSet, extent: Span | None, create: str) -> None:
        """Makes the two tables of a set."""
        late = extent is not None and extent.delay_us > scope.grace_us
        on_time = scan(
            rows, scope.grain, scope.zone, scope.grace_us, cells.columns, "on time" if late else "all as on time"
        )
        tardy = scan(rows, scope.grain, scope.zone, scope.grace_us, cells.columns, "late")
        cells.base_rows = self._made(f"{create} {cells.base} AS {_sql(on_time)}")
        cells.later_rows = self._made(f"{create} {cells.later} AS {_sql(tardy)}{'' if late else ' LIMIT 0'}")
        cells.merged_rows = cells.later_rows
        cells.watermark = extent.newest_seq if extent else -1

    def _refresh(self, scope: Scope, cells: CellSet, people: bool) -> None:
        """Counts what arrived after the watermark and puts it beside what is there."""
        extent = span(self.connection, scope.table, cells.watermark)
        if extent is None:
            return
        self._append(scope, cells, _rows(replace(scope, since_us=cells.since_us), extent, cells.watermark, people))
        cells.watermark = extent.newest_seq
        added = cells.later_rows - cells.merged_rows
        if added > COMPACT_AT * (cells.base_rows + cells.merged_rows) + COMPACT_FROM:
            self._compact(scope, cells)
        self._note(cells)

    def _trim(self, scope: Scope, cells: CellSet) -> None:
        """Lets go of what lies so far before anything asked for that it is not worth keeping."""
        if cells.since_us is None or scope.since_us is None or scope.since_us - cells.since_us < KEPT_BEFORE_US:
            return
        first = int(period_of(scope.grain, scope.zone, np.array([scope.since_us]))[0])
        cells.base_rows -= self._made(f"DELETE FROM {cells.base} WHERE period < {first}")
        cells.later_rows -= self._made(f"DELETE FROM {cells.later} WHERE period < {first}")
        cells.since_us = scope.since_us
        self._note(cells)

    def _append(self, scope: Scope, cells: CellSet, rows: Rows) -> None:
        # Without a bound on lateness: a row that came on time has lag 0, and merges as well from here.
        new = scan(rows, scope.grain, scope.zone, scope.grace_us, cells.columns, "all")
        cells.later_rows += self._made(f"INSERT INTO {cells.later} {_sql(new)}")

    def _recount(self, scope: Scope, cells: CellSet, excluded: str, people: bool) -> None:
        """Counts the accounts again whose left-out people are others than when they were counted."""
        if cells.excluded == excluded:
            return
        before, now = ({tuple(pair) for pair in json.loads(text)} for text in (cells.excluded, excluded))
        accounts = tuple(sorted({account for account, _ in before ^ now}))
        extent = span(self.connection, scope.table)
        if extent is not None:
            for name in (cells.base, cells.later):
                self.connection.execute(f"DELETE FROM {name} WHERE account IN ({', '.join(map(str, accounts))})")
            upto = cells.watermark
            own = replace(scope, since_us=cells.since_us)
            self._append(scope, cells, _rows(own, extent, None, people, accounts=accounts, upto_seq=upto))
        cells.excluded = excluded
        self._note(cells)

    def _compact(self, scope: Scope, cells: CellSet) -> None:
        """Merges later cells of lag 0 into the base, and the others among themselves."""
        keys = ("account", *(("member",) if scope.kind != "account" else ()), "period", "lag", "part")
        columns = ", ".join([*keys, *(piece.sql("duckdb") for c in cells.columns for piece in merged(c))])
        both = f"SELECT {columns} FROM (FROM {cells.base} UNION ALL FROM {cells.later}) WHERE lag"
        cells.base_rows = self._made(f"CREATE TABLE {cells.base}_new AS {both} = 0 GROUP BY ALL")
        cells.later_rows = self._made(f"CREATE TABLE {cells.later}_new AS {both} > 0 GROUP BY ALL")
        cells.merged_rows = cells.later_rows
        for name in (cells.base, cells.later):
            self.connection.execute(f"DROP TABLE {name}")
            self.connection.execute(f"ALTER TABLE {name}_new RENAME TO {name}")

    # -- bookkeeping ---------------------------------------------------------------------------------------------

    def _stored(self, scope: Scope) -> list[CellSet]:
        found = self.connection.execute(
            "SELECT number, columns, watermark, base_rows, later_rows, merged_rows, excluded, since_us FROM panel_sets"
            " WHERE context = ? ORDER BY number",
            [scope.context],
        ).fetchall()
        return [
            CellSet(f"panel_base_{number}", f"panel_later_{number}",
                    tuple(Column.restored(*column) for column in json.loads(columns)), number, *rest)
            for number, columns, *rest in found
        ]  # fmt: skip

    def _note(self, cells: CellSet) -> None:
        self.connection.execute(
            "UPDATE panel_sets SET watermark = ?, base_rows = ?, later_rows = ?, merged_rows = ?, excluded = ?, "
            "since_us = ? WHERE number = ?",
            [
                cells.watermark,
                cells.base_rows,
                cells.later_rows,
                cells.merged_rows,
                cells.excluded,
                cells.since_us,
                cells.number,
            ],
        )

    def _forget(self, scope: Scope, used: Sequence[CellSet]) -> None:
        """Drops the sets of this place that were not used for longest, beyond those that are kept."""
        numbers = [cells.number for cells in used]
        for number in numbers:
            self.connection.execute(
                "UPDATE panel_sets SET used = (SELECT max(used) + 1 FROM panel_sets) WHERE number = ?", [number]
            )
        old = self.connection.execute(
            "SELECT number FROM panel_sets WHERE place = ? ORDER BY used DESC OFFSET ?", [scope.place, KEPT]
        ).fetchall()
        for (number,) in old:
            if number not in numbers:
                self._drop(CellSet(f"panel_base_{number}", f"panel_later_{number}", (), number))

    def _drop(self, cells: CellSet) -> None:
        self.connection.execute(f"DROP TABLE {cells.base}")
        self.connection.execute(f"DROP TABLE {cells.later}")
        self.connection.execute("DELETE FROM panel_sets WHERE number = ?", [cells.number])

    def _exclude(self, excluded: Ids) -> None:
        self.connection.execute("CREATE OR REPLACE TEMP TABLE panel_excluded (account INTEGER, member INTEGER)")
        if len(excluded):
            found = {"account": np.ascontiguousarray(excluded[:, 0]), "member": np.ascontiguousarray(excluded[:, 1])}
            insert(self.connection, "panel_excluded", found)

    def _failing(self, scope: Scope, columns: Sequence[Column], people: bool) -> frozenset[str]:
        extent = span(self.connection, scope.table)
        failed = set()
        for column in columns:
            whole = scan(_rows(scope, extent, None, people), scope.grain, scope.zone, scope.grace_us, (column,), "all")
            try:
                self.connection.execute(f"SELECT max({column.name}) FROM ({_sql(whole)})").fetchall()
            except duckdb.Error:
                failed.add(column.name)
        return frozenset(failed)

    def _made(self, statement: str) -> int:
        """Runs a statement that makes rows and says how many."""
        found = self.connection.execute(statement).fetchone()
        return int(found[0]) if found else 0


def insert(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, np.ndarray]) -> None:
    """Adds the rows of arrays to a table, by name."""
    import pyarrow as pa

    connection.register("panel_given", pa.table(columns))
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM panel_given")
    connection.unregister("panel_given")


def _begins_late(cells: CellSet, scope: Scope) -> bool:
    """Whether a set lacks the beginning of what is asked for."""
    return cells.since_us is not None and (scope.since_us is None or scope.since_us < cells.since_us)


def _rows(
    scope: Scope,
    extent: Span | None,
    after_seq: int | None,
    people: bool,
    *,
    upto_seq: int | None = None,
    known_before_us: int | None = None,
    accounts: tuple[int, ...] | None = None,
) -> Rows:
    first, last = (extent.first_us, extent.last_us) if extent else (0, 0)
    return Rows(
        scope.table, scope.kind, first, last, after_seq, upto_seq, known_before_us, accounts, scope.excluded_events,
        people, scope.since_us, scope.subject, scope.value,
    )  # fmt: skip


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _sql(select: exp.Select) -> str:
    return select.sql(dialect=Engine.dialect)
