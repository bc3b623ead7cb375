"""From columns to one grouped scan: conditional aggregates by subject and local period, as a SQLGlot tree.

Periods are arithmetic on microseconds plus a binary CASE over the zone's changes of offset, which costs a fraction of
`AT TIME ZONE`. What differs between engines is in `Engine`; everything else SQLGlot writes for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from sqlglot import exp

from beforehand.calendar import DAY_US, HOUR_US, Grain, offsets
from beforehand.panel.columns import Column, signed
from beforehand.panel.facets import Facet, source
from beforehand.signals.tree import SubjectKind

ANCHOR_WEEKS = 110_000
"""Integer division rounds towards zero, so that instants before 1970 are first moved up: 110,000 weeks reach year 1."""


class Engine:
    """The handful of expressions that DuckDB and another engine would write differently."""

    dialect = "duckdb"

    @staticmethod
    def microseconds(column: str) -> exp.Expr:
        """A stored UTC time as microseconds since 1970."""
        return exp.func("epoch_us", exp.column(column))

    @staticmethod
    def local_month(local_us: exp.Expr) -> exp.Expr:
        """The month number (0 is January 1970) of local microseconds."""
        at = exp.func("make_timestamp", local_us)
        return _number("(year(:at) - 1970) * 12 + month(:at) - 1", at=at)

    @staticmethod
    def local_quarter(local_us: exp.Expr) -> exp.Expr:
        """The quarter number (0 begins in January 1970) of local microseconds."""
        at = exp.func("make_timestamp", local_us)
        return _number("(year(:at) - 1970) * 4 + quarter(:at) - 1", at=at)

    @staticmethod
    def bit(member: exp.Expr) -> exp.Expr:
        """The member's bit within its word of 64."""
        return _number("CAST(1 AS UBIGINT) << (:member & 63)", member=member)

    @staticmethod
    def order_key(us: exp.Expr) -> exp.Expr:
        """One number that orders rows by time, then by arrival."""
        return _number("CAST(:us AS HUGEINT) * 4611686018427387904 + stored_seq", us=us)


def _number(text: str, **parts: exp.Expr) -> exp.Expr:
    return exp.replace_placeholders(exp.maybe_parse(text, dialect="duckdb"), **parts)


def period(grain: Grain, zone: ZoneInfo, us: exp.Expr, first_us: int, last_us: int) -> exp.Expr:
    """The period number of `us` (UTC microseconds between the two instants), equal to `calendar.period_of`."""
    if grain is Grain.HOUR:
        hours = ANCHOR_WEEKS * 7 * 24
        shifted = exp.Paren(this=_sum(us, _whole(hours * HOUR_US)))
        return exp.Sub(this=exp.IntDiv(this=shifted, expression=_whole(HOUR_US)), expression=_whole(hours))
    turns = offsets(zone, first_us, max(first_us, last_us))
    if grain in (Grain.MONTH, Grain.QUARTER):
        local = _sum(us, _offset(us, turns, 0))
        return Engine.local_month(local) if grain is Grain.MONTH else Engine.local_quarter(local)
    days = ANCHOR_WEEKS * 7 + (3 if grain is Grain.WEEK else 0)
    length = 7 if grain is Grain.WEEK else 1
    shifted = exp.Paren(this=_sum(us, _offset(us, turns, days * DAY_US)))
    whole = exp.IntDiv(this=shifted, expression=exp.Literal.number(length * DAY_US))
    return exp.Sub(this=whole, expression=exp.Literal.number(ANCHOR_WEEKS * 7 // length))


def _sum(us: exp.Expr, offset: exp.Expr) -> exp.Expr:
    return exp.Add(this=us.copy(), expression=offset)


def _offset(us: exp.Expr, turns: Sequence[tuple[int, int]], plus: int) -> exp.Expr:
    """A binary tree of CASE over the changes of offset."""
    if len(turns) == 1:
        return _whole(turns[0][1] + plus)
    middle = len(turns) // 2
    before = exp.LT(this=us.copy(), expression=_whole(turns[middle][0]))
    return exp.Paren(
        this=exp.Case(
            ifs=[exp.If(this=before, true=_offset(us, turns[:middle], plus))],
            default=_offset(us, turns[middle:], plus),
        )
    )


def _whole(number: int) -> exp.Expr:
    found = exp.Literal.number(abs(number))
    return exp.Paren(this=exp.Neg(this=found)) if number < 0 else found


@dataclass(frozen=True)
class Rows:
    """Which rows of a fact table a scan reads, and what its instants span (UTC microseconds, arrivals included).

    `subject` is what the subjects are where they are neither accounts nor people, `value` what bits stand for.
    """

    table: str
    kind: SubjectKind
    first_us: int
    last_us: int
    after_seq: int | None = None
    upto_seq: int | None = None
    known_before_us: int | None = None
    accounts: tuple[int, ...] | None = None
    excluded_events: exp.Expr | None = None
    excluded_people: bool = False
    since_us: int | None = None
    subject: Facet | None = None
    value: Facet | None = None

    @property
    def source(self) -> exp.Expr:
        """What to read from, by the name of the table."""
        return source(self.table, self.subject, self.value)

    def filters(self) -> list[exp.Expr]:
        """The conditions a row must meet."""
        found: list[exp.Expr] = []
        if self.since_us is not None:
            found.append(exp.GTE(this=Engine.microseconds("occurred_at"), expression=_whole(self.since_us)))
        if self.after_seq is not None:
            found.append(exp.GT(this=exp.column("stored_seq"), expression=_whole(self.after_seq)))
        if self.upto_seq is not None:
            found.append(exp.LTE(this=exp.column("stored_seq"), expression=_whole(self.upto_seq)))
        if self.known_before_us is not None:
            learned = exp.Add(this=Engine.microseconds("occurred_at"), expression=exp.column("delay"))
            found.append(exp.LT(this=learned, expression=_whole(self.known_before_us)))
        if self.accounts is not None:
            found.append(exp.column("account").isin(*self.accounts))
        if self.kind == "person":
            found.append(exp.Not(this=exp.Is(this=exp.column("member"), expression=exp.Null())))
        if self.excluded_events is not None and self.table == "events":
            found.append(exp.Not(this=exp.func("coalesce", self.excluded_events.copy(), exp.false())))
        if self.excluded_people:
            found.append(
                exp.maybe_parse(
                    f"NOT EXISTS (SELECT 1 FROM panel_excluded AS x WHERE x.account = {self.table}.account"
                    f" AND x.member = {self.table}.member)"
                )
            )
        return found

    def keys(self) -> list[exp.Expr]:
        """The columns a subject is known by: its account, and its place there as `member`."""
        if self.kind == "account":
            return [exp.column("account")]
        member = exp.column("member") if self.subject is None else _as(exp.column("subject_slot"), "INTEGER", "member")
        return [exp.column("account"), member]


def scan(
    rows: Rows,
    grain: Grain,
    zone: ZoneInfo,
    grace_us: int,
    columns: Sequence[Column],
    reads: Literal["on time", "late", "all", "all as on time"],
) -> exp.Select:
    """The grouped scan of all columns: subject, period, lag, part, then one result per column.

    `reads`: rows whose delay is within grace, which are surely on time; the others, with their lag; all, with their
    lag; or all where none is late. Lag is the number of periods from the one a fact belongs to up to the first close
    that knew it. `part` is the word of a bitmap, the member (or the slot of a value) where each is counted by itself,
    else -1.
    """
    us = Engine.microseconds("occurred_at")
    belongs = period(grain, zone, us, rows.first_us, rows.last_us)
    lag: exp.Expr = exp.Literal.number(0)
    filters = rows.filters()
    if reads in ("on time", "late"):
        compare = exp.LTE if reads == "on time" else exp.GT
        filters.insert(0, compare(this=exp.column("delay"), expression=_whole(grace_us)))
    if reads in ("late", "all"):
        learned = exp.Paren(this=exp.Sub(this=_sum(us, exp.column("delay")), expression=_whole(grace_us)))
        known = period(grain, zone, learned, rows.first_us - grace_us, rows.last_us)
        lag = exp.func("greatest", exp.Sub(this=known, expression=exp.Paren(this=belongs.copy())), _whole(0))
    part: exp.Expr = exp.Literal.number(-1)
    apart = exp.column("member" if rows.value is None else "value_slot")
    if any(column.op == "bits" for column in columns):
        part = _number("COALESCE(:apart >> 6, -1)", apart=apart)
    elif any(column.op == "present" for column in columns):
        part = exp.func("coalesce", apart, _whole(-1))
    keys = [
        *rows.keys(),
        _as(belongs, "INTEGER", "period"),
        _as(lag, "INTEGER", "lag"),
        _as(part, "INTEGER", "part"),
    ]
    # Constants are no part of the key: each would make every group larger.
    grouped = [str(i + 1) for i, key in enumerate(keys) if key.find(exp.Column) is not None]
    values = [piece for column in columns for piece in aggregates(column, rows.table, us, apart)]
    return exp.select(*keys, *values).from_(rows.source).where(*filters).group_by(*grouped)


def aggregates(column: Column, table: str, us: exp.Expr, apart: exp.Expr) -> list[exp.Expr]:
    """A column's results over the rows of a group; a last value has three (value, time, arrival).

    `apart` is the number of the bit a row has in a bitmap.
    """
    sign = exp.column("sign") if signed(table) else None
    condition = column.condition
    match column.op:
        case "rows":
            added = exp.GT(this=exp.column("sign"), expression=_whole(0))
            given = added if condition is None else exp.and_(condition.copy(), added)
            return [_as(exp.CountIf(this=given), "INTEGER", column.name)]
        case "count" | "present":
            if sign is not None:
                counted: exp.Expr = exp.func("coalesce", exp.Sum(this=_where(condition, sign)), _whole(0))
            elif condition is None:
                counted = exp.Count(this=exp.Star())
            else:
                counted = exp.CountIf(this=condition.copy())
            return [_as(counted, "INTEGER", column.name)]
        case "sum":
            assert column.value is not None
            value = column.value.copy()
            # Infinity and NaN are refused at load; one that is computed here must not spoil a whole period either.
            value = _where(exp.func("isfinite", value.copy()), value)
            if sign is not None:
                value = exp.Mul(this=value, expression=sign)
            return [_as(exp.func("coalesce", exp.Sum(this=_where(condition, value)), _whole(0)), "DOUBLE", column.name)]
        case "bits":
            bit = Engine.bit(apart.copy())
            taken = exp.BitwiseOrAgg(this=_where(condition, bit))
            return [_as(exp.func("coalesce", taken, _whole(0)), "UBIGINT", column.name)]
        case _:
            assert column.value is not None
            value = column.value.copy()
            usable = exp.func("isfinite", value.copy())
            taken_if = usable if condition is None else exp.and_(condition.copy(), usable)
            key = _where(taken_if, Engine.order_key(us.copy()))
            pieces = [(value, "DOUBLE", ""), (us.copy(), "BIGINT", "_at"), (exp.column("stored_seq"), "BIGINT", "_seq")]
            return [
                _as(exp.func("arg_max", piece, key.copy()), kind, column.name + suffix)
                for piece, kind, suffix in pieces
            ]


def results(column: Column) -> list[str]:
    """The names of the results a column has in a table of cells."""
    return [column.name, column.name + "_at", column.name + "_seq"] if column.op == "last" else [column.name]


def merged(column: Column) -> list[exp.Expr]:
    """How stored cells of one key become one."""
    name = exp.column(column.name)
    match column.op:
        case "bits":
            return [_as(exp.BitwiseOrAgg(this=name), "UBIGINT", column.name)]
        case "last":
            key = _number(f"CAST({column.name}_at AS HUGEINT) * 4611686018427387904 + {column.name}_seq")
            return [exp.alias_(exp.func("arg_max", exp.column(n), key.copy()), n) for n in results(column)]
        case op:
            return [_as(exp.Sum(this=name), "DOUBLE" if op == "sum" else "INTEGER", column.name)]


def _where(condition: exp.Expr | None, then: exp.Expr) -> exp.Expr:
    if condition is None:
        return then
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=then)])


def _as(node: exp.Expr, kind: str, name: str) -> exp.Expr:
    return exp.alias_(exp.Cast(this=node, to=exp.DataType.build(kind, dialect="duckdb")), name)
