"""The tables of the state database as SQLAlchemy models, the same on SQLite and PostgreSQL.

A change here needs a migration in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
FIRST_ALERT = 1000  # A-1001 is the first: ids of one length for long, and never taken for a count


class Moment(TypeDecorator[datetime]):
    """An aware datetime; stored as UTC (without zone on SQLite, which has none)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses a time without zone: whose midnight it is must never be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What was stored, aware in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[Any]: JSON, str: String}  # noqa: RUF012


class Alert(Base):
    """One episode of a signal at a subject; `scope` is '' for the account itself, else the subject's id."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "one_open_episode",
            "account",
            "signal",
            "scope",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("alerts_of_signal", "signal", "closed_at"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    account: Mapped[str]
    signal: Mapped[str]
    scope: Mapped[str] = mapped_column(String, default="")
    severity: Mapped[str]
    state: Mapped[str]
    backlog: Mapped[bool] = mapped_column(Boolean, default=False)
    shadow: Mapped[bool] = mapped_column(Boolean, default=False)
    opened_at: Mapped[datetime]
    """The end of the period judged."""
    since: Mapped[datetime]
    """The start of the first period that made it hold."""
    raised_at: Mapped[datetime]
    """When it was told: at or after the close, or before it where the period was still filling."""
    judged_at: Mapped[datetime]
    """The end of the newest close at which the condition held."""
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None]
    snoozed_until: Mapped[datetime | None]
    reopens: Mapped[int | None] = mapped_column(Integer)
    headline: Mapped[str] = mapped_column(Text)
    owner: Mapped[str | None]
    signal_digest: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    receipts: Mapped[list[Any]]
    incident: Mapped[int | None] = mapped_column(Integer)
    """The incident it was held by, and released from."""

    @property
    def name(self) -> str:
        """What people call it, such as A-1042; never given to another alert."""
        return alert_name(self.number)


class AlertLog(Base):
    """What happened to an alert and who did it; rows are only ever added."""

    __tablename__ = "alert_log"
    __table_args__ = (Index("log_of_alert", "alert", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    alert: Mapped[int] = mapped_column(Integer, ForeignKey("alerts.number"))
    at: Mapped[datetime]
    actor: Mapped[str]
    act: Mapped[str]
    details: Mapped[dict[str, Any]]


class Track(Base):
    """The counts of a subject between closes, kept only where they differ from a fresh one."""

    __tablename__ = "tracks"

    signal: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    scope: Mapped[str] = mapped_column(String, primary_key=True)
    held: Mapped[int] = mapped_column(Integer, default=0)
    calm: Mapped[int] = mapped_column(Integer, default=0)
    armed: Mapped[bool] = mapped_column(Boolean, default=True)


class Watch(Base):
    """A signal that is being judged: which definition, since when, and the end of its newest close."""

    __tablename__ = "watches"

    signal: Mapped[str] = mapped_column(String, primary_key=True)
    digest: Mapped[str]
    mode: Mapped[str]
    grain: Mapped[str]
    switched_on_at: Mapped[datetime]
    last_close_at: Mapped[datetime | None]


class Close(Base):
    """A close judged once and for all; the primary key is what makes a second run of it do nothing."""

    __tablename__ = "closes"

    signal: Mapped[str] = mapped_column(String, primary_key=True)
    grain: Mapped[str] = mapped_column(String, primary_key=True)
    end_at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    digest: Mapped[str]
    judged_at: Mapped[datetime]
    subjects: Mapped[int] = mapped_column(Integer)
    holds: Mapped[int] = mapped_column(Integer)
    unsure: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    opened: Mapped[int] = mapped_column(Integer)
    closed: Mapped[int] = mapped_column(Integer)
    thresholds: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What p-values were held against, by the clause: found over all subjects then, and never found anew."""
    held: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """How many alerts would have opened or closed at it, and were held."""
    incident: Mapped[int | None] = mapped_column(Integer)
    """The incident that made it doubtful."""
    unjudged: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """The incident was settled as one of the data: for those it touched, nothing was judged here."""


class Incident(Base):
    """Something happened to the data, or to most accounts at once; `effect` is less, more or any."""

    __tablename__ = "incidents"
    __table_args__ = (Index("incidents_of_key", "key", "state"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    """What it is about, so that the same thing going on is the same incident."""
    what: Mapped[str]
    source: Mapped[str | None]
    tbl: Mapped[str | None]
    event: Mapped[str | None]
    grain: Mapped[str | None]
    effect: Mapped[str]
    metrics: Mapped[list[Any]]
    signals: Mapped[list[Any]]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    filled_at: Mapped[datetime | None]
    """When what was missing had come: later closes know all of it."""
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    """The newest moment of which it is known whether it goes on."""
    sure: Mapped[float] = mapped_column(Float)
    headline: Mapped[str] = mapped_column(Text)
    numbers: Mapped[dict[str, Any]]
    state: Mapped[str]
    how: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    note: Mapped[str] = mapped_column(Text, default="")


class Held(Base):
    """An alert that would have opened or closed at a close within an incident, and was held."""

    __tablename__ = "held"
    __table_args__ = (
        Index(
            "one_held",
            "account",
            "signal",
            "scope",
            "act",
            unique=True,
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index("held_of_incident", "incident", "state"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    incident: Mapped[int] = mapped_column(Integer, ForeignKey("incidents.number"))
    others: Mapped[list[Any]]
    """Further incidents that made the same close doubtful."""
    signal: Mapped[str]
    account: Mapped[str]
    scope: Mapped[str]
    act: Mapped[str]
    """`open` or `close`."""
    end_at: Mapped[datetime]
    """The end of the period at which it would have."""
    state: Mapped[str]
    """`held`, then `released`, `dropped`, or `over`: it would have ended by itself meanwhile."""
    ended_at: Mapped[datetime | None]
    alert: Mapped[int | None] = mapped_column(Integer)
    """The alert that stays open, or that it became."""
    severity: Mapped[str]
    signal_digest: Mapped[str]
    backlog: Mapped[bool] = mapped_column(Boolean)
    shadow: Mapped[bool] = mapped_column(Boolean)
    since: Mapped[datetime | None]
    headline: Mapped[str] = mapped_column(Text)
    owner: Mapped[str | None]
    evidence: Mapped[dict[str, Any]]
    receipts: Mapped[list[Any]]


class Would(Base):
    """Where a subject would stand had nothing been held, kept where that differs from where it stands."""

    __tablename__ = "would"

    signal: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    scope: Mapped[str] = mapped_column(String, primary_key=True)
    incident: Mapped[int] = mapped_column(Integer, ForeignKey("incidents.number"))
    open: Mapped[bool] = mapped_column(Boolean)
    held: Mapped[int] = mapped_column(Integer)
    calm: Mapped[int] = mapped_column(Integer)
    armed: Mapped[bool] = mapped_column(Boolean)


class Setting(Base):
    """Single values, such as when the last run was."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[dict[str, Any]]


class Record(Base):
    """How a signal did on history, as the newest backtest said; read by stories and by `risk`."""

    __tablename__ = "records"

    signal: Mapped[str] = mapped_column(String, primary_key=True)
    digest: Mapped[str]
    as_of_at: Mapped[datetime]
    record: Mapped[dict[str, Any]]


def alert_name(number: int) -> str:
    """The public id of an alert's number: 1 is A-1001."""
    return f"A-{FIRST_ALERT + number}"


def alert_number(name: str) -> int | None:
    """The number behind a public id (`A-1042`, `a-1042`, `1042`), or None where it is not one."""
    digits = name.strip().upper().removeprefix("A-")
    # Digits of other scripts are refused, and so is what no integer column holds.
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        return None
    number = int(digits) - FIRST_ALERT
    return number if number > 0 else None
