"""First facts of every stored account, member or slot, kept in the facts file and brought up to date by what is new.

For each the first fact learned, then each fact learned later that occurred before all learned earlier. Facts that are
left out (internal, test, bot) begin no life; a churned outcome neither begins one nor opens it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import duckdb
import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from beforehand.panel.columns import signed
from beforehand.panel.compile import Engine, Rows
from beforehand.panel.facets import Facet
from beforehand.panel.life import NEVER, Points, Stated
from beforehand.panel.store import Span, insert, span, transaction
from beforehand.panel.subjects import Ids
from beforehand.signals.tree import SubjectKind
from beforehand.workspace.spec import TABLES

Int = NDArray[np.int64]
LARGE = 1_000_000
"""Rows from which on it is worth looking at the early and the recent ones first."""
_BEFORE = "min(us) OVER (PARTITION BY {} ORDER BY known, us ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before"
_OCCURRED = Engine.microseconds("occurred_at").sql(dialect=Engine.dialect)
_FIRST = (
    f"min({_OCCURRED}) AS first_us, min({_OCCURRED} + delay) AS known_us,"
    f" arg_min({_OCCURRED}, {_OCCURRED} + delay) AS at_us"
)
"""The earliest fact; when the first was learned, and when that had occurred."""


@dataclass(frozen=True)
class Firsts:
    """First facts by row of the roster, and the newest fact of each row (-1 where none, UTC microseconds)."""

    points: Points
    newest_us: Int


class Begins:
    """The table of first facts of one kind of subject.

    `rows` is the sheet's table of stored nodes and their rows, `accounts` that of stored accounts and the places of
    theirs. `facet` is what the subjects are within accounts; then only tables whose rows have it are looked at.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        kind: SubjectKind,
        excluded_events: exp.Expr | None,
        excluded: Ids,
        rows: str,
        accounts: str,
        facet: Facet | None = None,
    ) -> None:
        self.rows, self.accounts, self.facet = rows, accounts, facet
        self.tables = TABLES if facet is None else facet.tables
        self.connection = connection
        self.kind = kind
        self.excluded_events = excluded_events
        self.people = len(excluded) > 0
        self.member = "NULL" if kind == "account" else "member" if facet is None else "subject_slot"
        self.keys = "account" if kind == "account" else f"account, {self.member}"
        left_out = excluded_events.sql(dialect="duckdb") if excluded_events is not None else ""
        text = f"1|{left_out}|{excluded.tolist()}|{facet.name if facet else ''}"
        self.context = sha256(text.encode()).hexdigest()[:24]
        self.table = f"panel_first_{kind}"

    def refresh(self) -> None:
        """Brings the table up to the newest arrivals; counted anew where what is left out has changed."""
        with transaction(self.connection):
            self.connection.execute(
                "CREATE TABLE IF NOT EXISTS panel_first_seen "
                "(kind VARCHAR, context VARCHAR, tbl VARCHAR, watermark BIGINT)"
            )
            seen = dict(
                self.connection.execute(
                    "SELECT tbl, watermark FROM panel_first_seen WHERE kind = ? AND context = ?",
                    [self.kind, self.context],
                ).fetchall()
            )
            if not seen:
                self.connection.execute("DELETE FROM panel_first_seen WHERE kind = ?", [self.kind])
                self.connection.execute(
                    f"CREATE OR REPLACE TABLE {self.table}"
                    " (account INTEGER, member INTEGER, at_us BIGINT, known_us BIGINT, newest_us BIGINT)"
                )
            for table in self.tables:
                watermark = seen.get(table, -1)
                extent = span(self.connection, table, watermark)
                if extent is not None:
                    self._add(table, extent, watermark)
                if extent is not None or table not in seen:
                    self._see(table, extent.newest_seq if extent else -1)
            if "" not in seen:
                self._see("", self._count())
            self._compact(seen.get("", self._count()))

    def _source(self, table: str, after_seq: int | None) -> tuple[str, str]:
        """Where to read from, and the conditions that rows must meet (with `WHERE`, or nothing)."""
        rows = Rows(
            table, self.kind, 0, 0, after_seq, excluded_events=self.excluded_events, excluded_people=self.people,
            subject=self.facet,
        )  # fmt: skip
        filters = rows.filters()
        if signed(table):
            filters.append(exp.GT(this=exp.column("sign"), expression=exp.Literal.number(0)))
        if table == "outcomes":
            filters.append(exp.NEQ(this=exp.column("outcome"), expression=exp.Literal.string("churned")))
        conditions = " WHERE " + exp.and_(*filters).sql(dialect=Engine.dialect) if filters else ""
        return rows.source.sql(dialect=Engine.dialect), conditions

    def _add(self, table: str, extent: Span, watermark: int) -> None:
        """Adds the first facts of a table, or of what arrived after the watermark."""
        source, rows = self._source(table, watermark if watermark >= 0 else None)
        if self.kind == "account" and extent.rows >= LARGE:
            self._add_by_time(table, extent, rows)
        else:
            self._add_rows(source, extent, rows)

    def _add_by_time(self, table: str, extent: Span, rows: str) -> None:
        """As `_add_rows`, quicker: facts lie roughly in order of time, so most first facts are among the early ones.

        What an account had learned of by the end of the early part are early facts, and one with recent facts has its
        newest among them. Only the accounts of which this is not true are looked for in all rows.
        """
        also = " AND " if rows else " WHERE "
        last_us = extent.last_us - extent.delay_us
        part = (last_us - extent.first_us) // 16
        until_us = extent.first_us + part
        early = f"{rows}{also}occurred_at < make_timestamp({until_us})"
        run = self.connection.execute
        run(
            f"CREATE OR REPLACE TEMP TABLE panel_early AS SELECT account, {_FIRST} FROM {table}{early}"
            f" GROUP BY account HAVING min({_OCCURRED} + delay) < {until_us}"
        )
        run(
            f"CREATE OR REPLACE TEMP TABLE panel_recent AS SELECT account, max({_OCCURRED}) AS us FROM {table}{rows}"
            f"{also}occurred_at >= make_timestamp({last_us - part}) GROUP BY account"
        )
        among = f"{rows}{also}account IN (SELECT account FROM panel_left)"
        if self._left("panel_early", "panel_recent"):
            run(f"INSERT INTO panel_recent SELECT account, max({_OCCURRED}) FROM {table}{among} GROUP BY account")
        run(
            f"INSERT INTO {self.table} SELECT account, NULL, e.at_us, e.known_us, n.us FROM panel_early e"
            " JOIN panel_recent n USING (account)"
        )
        self._add_earlier(table, extent, early, "panel_early")
        if self._left("accounts", "panel_early"):
            self._add_rows(table, extent, among)

    def _left(self, these: str, but: str) -> bool:
        """Whether there are accounts of one table that are not in another; they are put into `panel_left`."""
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE panel_left AS SELECT account FROM {these} EXCEPT SELECT account FROM {but}"
        )
        return self.connection.execute("SELECT 1 FROM panel_left LIMIT 1").fetchone() is not None

    def _add_rows(self, source: str, extent: Span, rows: str) -> None:
        member = self.member
        if not extent.delay_us:
            self.connection.execute(
                f"INSERT INTO {self.table} SELECT account, {member}, epoch_us(min(occurred_at)) AS first_us, first_us,"
                f" epoch_us(max(occurred_at)) FROM {source}{rows} GROUP BY {self.keys}"
            )
            return
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE panel_firsts AS SELECT {self.keys}, {_FIRST}, max({_OCCURRED}) AS newest_us"
            f" FROM {source}{rows} GROUP BY {self.keys}"
        )
        self.connection.execute(
            f"INSERT INTO {self.table} SELECT account, {member}, at_us, known_us, newest_us FROM panel_firsts"
        )
        self._add_earlier(source, extent, rows, "panel_firsts")

    def _add_earlier(self, source: str, extent: Span, rows: str, firsts: str) -> None:
        """Adds the facts that occurred before the one learned first: each that was earlier than all learned before."""
        if not extent.delay_us:
            return
        earlier = (
            f"SELECT {self.keys}, {_OCCURRED} AS us, {_OCCURRED} + t.delay AS known FROM (FROM {source}{rows}) t"
            f" JOIN (FROM {firsts} WHERE first_us < at_us) f USING ({self.keys}) WHERE {_OCCURRED} < f.at_us"
        )
        self.connection.execute(
            f"INSERT INTO {self.table} SELECT account, {self.member}, us, known, us FROM"
            f" (SELECT *, {_BEFORE.format(self.keys)} FROM ({earlier})) WHERE before IS NULL OR us < before"
        )

    def _compact(self, after: int) -> None:
        """Drops points that no longer say anything, when there are many more than after the last time."""
        count = self._count()
        if count <= 2 * after + 10_000:
            return
        self.connection.execute(
            f"CREATE TABLE {self.table}_new AS SELECT account, member, us AS at_us, known AS known_us, newest_us FROM"
            f" (SELECT account, member, us, known, max(newest_us) OVER (PARTITION BY account, member) AS newest_us,"
            f" {_BEFORE.format('account, member')} FROM (SELECT *, at_us AS us, known_us AS known FROM {self.table}))"
            f" WHERE before IS NULL OR us < before"
        )
        self.connection.execute(f"DROP TABLE {self.table}")
        self.connection.execute(f"ALTER TABLE {self.table}_new RENAME TO {self.table}")
        self._see("", self._count())

    def _count(self) -> int:
        found = self.connection.execute(f"SELECT count(*) FROM {self.table}").fetchone()
        return int(found[0]) if found else 0

    def _see(self, table: str, watermark: int) -> None:
        self.connection.execute("DELETE FROM panel_first_seen WHERE kind = ? AND tbl = ?", [self.kind, table])
        self.connection.execute(
            "INSERT INTO panel_first_seen VALUES (?, ?, ?, ?)", [self.kind, self.context, table, watermark]
        )

    def read(self, size: int) -> Firsts:
        """The first facts by row."""
        on = "USING (account)" if self.kind == "account" else "USING (account, member)"
        found = self.connection.execute(
            f"SELECT r.row AS row, t.at_us AS at_us, t.known_us AS known_us, t.newest_us AS newest_us"
            f" FROM {self.table} t JOIN {self.rows} r {on}"
        ).fetchnumpy()
        row, at, known, newest = (
            np.asarray(found[n], dtype=np.int64) for n in ("row", "at_us", "known_us", "newest_us")
        )
        latest = np.full(size, -1, np.int64)
        np.maximum.at(latest, row, newest)
        return Firsts(Points(row, at, known).frontier(), latest)

    def churned(self) -> Stated:
        """The recorded churned outcomes, as ends; rows are places of accounts."""
        found = self.connection.execute(
            f"SELECT DISTINCT r.row AS row, {_OCCURRED} AS at, {_OCCURRED} + o.delay AS known FROM outcomes o"
            f" JOIN {self.accounts} r USING (account) WHERE o.outcome = 'churned' ORDER BY r.row, \"at\", known"
        ).fetchnumpy()
        row, at, known = (np.asarray(found[name], dtype=np.int64) for name in ("row", "at", "known"))
        return Stated(row, at, known, np.full(row.size, NEVER, np.int64))

    def after(self, chosen: Int, ends: Stated) -> Points:
        """The facts after some of the ends as points, whose row is the index of the end."""
        if not chosen.size:
            none = np.empty(0, np.int64)
            return Points(none, none, none)
        self.connection.execute("CREATE OR REPLACE TEMP TABLE panel_ends (row BIGINT, end_us BIGINT, number BIGINT)")
        insert(self.connection, "panel_ends", {"row": ends.row[chosen], "end_us": ends.at_us[chosen], "number": chosen})
        on = "e.account = t.account" + ("" if self.kind == "account" else f" AND e.member = t.{self.member}")
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE panel_ended AS SELECT r.account, r.member, e.end_us, e.number"
            f" FROM {self.rows} r JOIN panel_ends e USING (row)"
        )
        pieces = []
        for table in self.tables:
            inner = "FROM " + "".join(self._source(table, None))
            pieces.append(
                f"SELECT e.number AS number, {_OCCURRED} AS us, {_OCCURRED} + t.delay AS known FROM ({inner}) t"
                f" JOIN panel_ended e ON {on} WHERE {_OCCURRED} > e.end_us"
            )
        found = self.connection.execute(
            f"SELECT number, us, known FROM (SELECT *, {_BEFORE.format('number')} FROM ({' UNION ALL '.join(pieces)}))"
            " WHERE before IS NULL OR us < before"
        ).fetchnumpy()
        number, us, known = (np.asarray(found[n], dtype=np.int64) for n in ("number", "us", "known"))
        return Points(number, us, known).frontier()


def first_ever(connection: duckdb.DuckDBPyConnection, table: str) -> Points:
    """The first fact of a whole table as row 0: that learned first, and each later one that is earlier than all."""
    known = f"{_OCCURRED} + delay"
    found = connection.execute(
        f"SELECT us, known FROM (SELECT us, known, {_BEFORE.replace('PARTITION BY {} ', '')} FROM"
        f" (SELECT {_OCCURRED} AS us, {known} AS known FROM {table}"
        f" WHERE {_OCCURRED} <= (SELECT arg_min({_OCCURRED}, {known}) FROM {table})))"
        " WHERE before IS NULL OR us < before"
    ).fetchnumpy()
    us, learned = (np.asarray(found[name], dtype=np.int64) for name in ("us", "known"))
    return Points(np.zeros(us.size, np.int64), us, learned).frontier()
