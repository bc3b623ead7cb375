"""The tables of what is told and done: notifications, acts, playbook runs, and what was not sent.

The same on SQLite and PostgreSQL. An act is written in the transaction that decides on it and handed over later, by
whoever leases it: the transactional outbox (Richardson, "Microservices Patterns", 2018, section 3.3).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from beforehand.store.models import Base

LIVE = text("state = 'live'")


class Notification(Base):
    """What was told to a teammate, once for each time: the alerts it was about and why it went to this person.

    `kind`: first, worse, still, cleared, handed over, escalated, digest. `thread` ties together what is about one
    thing; `version` counts what was told in it.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("thread", "person", "version", name="uq_notifications_thread"),
        Index("notifications_of_person", "person", "at"),
        Index("notifications_of_account", "account"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    person: Mapped[str]
    kind: Mapped[str]
    thread: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    route: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None]
    alerts: Mapped[list[Any]]
    """Their numbers, most urgent first."""
    said: Mapped[dict[str, Any]]
    """What `remember` compares: severity and standing of each alert as it was told."""


class HeldBack(Base):
    """What somebody was not told, and why; shown to them, so that nothing is lost."""

    __tablename__ = "held_back"
    __table_args__ = (Index("held_back_from", "person", "at"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    person: Mapped[str | None]
    stage: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    alert: Mapped[int] = mapped_column(Integer, ForeignKey("alerts.number"))
    until: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


class Clock(Base):
    """By when an alert must be acknowledged and resolved, computed once, and how far it has been escalated."""

    __tablename__ = "clocks"
    __table_args__ = (Index("clocks_due", "due_at"),)

    alert: Mapped[int] = mapped_column(Integer, ForeignKey("alerts.number"), primary_key=True)
    person: Mapped[str]
    started_at: Mapped[datetime]
    acknowledge_by: Mapped[datetime | None]
    resolve_by: Mapped[datetime | None]
    level: Mapped[int] = mapped_column(Integer, default=0)
    reminded: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime | None]
    """When it is to be looked at next; None where nothing more will happen by itself."""


class Holder(Base):
    """Whom an account was given to in a role: `shared` among several, or `handed over`; else team.yaml says who.

    `said`: who held it by team.yaml when it was handed over.
    """

    __tablename__ = "holders"

    role: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    person: Mapped[str]
    how: Mapped[str]
    said: Mapped[str | None]
    at: Mapped[datetime]


class AccountTraits(Base):
    """The traits of an account with something to tell, as they were at the last run; clocks go on by them."""

    __tablename__ = "account_traits"

    account: Mapped[str] = mapped_column(String, primary_key=True)
    traits: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Handover(Base):
    """Accounts given from one teammate to another in one act, which can be undone in one."""

    __tablename__ = "handovers"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    from_person: Mapped[str]
    to_person: Mapped[str]
    role: Mapped[str]
    accounts: Mapped[list[Any]]
    """Their ids; empty: all that were held at the time are listed anyway, so that undoing gives back exactly them."""
    moved: Mapped[dict[str, Any]]
    """Alerts, runs and approvals that went along."""
    undone_at: Mapped[datetime | None]


class Act(Base):
    """Something to be handed over to a channel, once: `due`, `handing`, `sent`, `refused` or `in doubt`.

    `key` is the id of the work: `run:step:recipient:channel` or `notification:version:channel`. `lease_until` is when
    another worker may take it from one that died. `keyed`: the channel knows the key, so that handing over again is
    safe; where it is not, what was cut off while handing is in doubt.
    """

    __tablename__ = "acts"
    __table_args__ = (
        UniqueConstraint("key", name="uq_acts_key"),
        Index("acts_to_do", "state", "due_at"),
        Index("acts_of_run", "run"),
        Index("acts_by_ref", "ref"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str]
    kind: Mapped[str]
    """mail, slack, webhook, apprise, task, note or call."""
    channel: Mapped[str]
    """The name of the channel in the settings."""
    recipient: Mapped[str]
    outward: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether it goes to a customer."""
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String, default="due")
    due_at: Mapped[datetime]
    """When it is to be handed over next; `wanted_at` is when it was to be at first."""
    wanted_at: Mapped[datetime]
    made_at: Mapped[datetime]
    keyed: Mapped[bool] = mapped_column(Boolean, default=False)
    lease_by: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(Integer, default=0)
    handed_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    ref: Mapped[str | None]
    """What the other side calls it: a message id, a timestamp of Slack."""
    reason: Mapped[str | None] = mapped_column(Text)
    run: Mapped[int | None] = mapped_column(Integer, ForeignKey("runs.number"))
    step: Mapped[str | None]
    notification: Mapped[int | None] = mapped_column(Integer, ForeignKey("notifications.number"))


class Run(Base):
    """A playbook at work on an account: live or ended. It stays on the version it began on, whose text is kept.

    `due_at` is when its next move is to be looked at, None while only an event can move it.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("one_live_run", "account", "playbook", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
        Index("runs_due", "due_at", sqlite_where=LIVE, postgresql_where=LIVE),
        Index("runs_of_account", "account"),
        Index("runs_of_alert", "alert"),
        Index("runs_of_version", "digest", sqlite_where=LIVE, postgresql_where=LIVE),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    playbook: Mapped[str]
    digest: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    account: Mapped[str]
    scope: Mapped[str] = mapped_column(String, default="")
    alert: Mapped[int | None] = mapped_column(Integer, ForeignKey("alerts.number"))
    owner: Mapped[str | None]
    state: Mapped[str] = mapped_column(String, default="live")
    outcome: Mapped[str | None]
    reason: Mapped[str | None] = mapped_column(Text)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    entries: Mapped[int] = mapped_column(Integer, default=0)


class Entry(Base):
    """One line of a run's journal; lines are only ever added, and what to do next follows from them."""

    __tablename__ = "journal"

    run: Mapped[int] = mapped_column(Integer, ForeignKey("runs.number"), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    step: Mapped[str]
    details: Mapped[dict[str, Any]]


class Unsent(Base):
    """What a customer was not sent, by which guard, and why in words."""

    __tablename__ = "unsent"
    __table_args__ = (Index("unsent_of_account", "account", "at"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    run: Mapped[int | None] = mapped_column(Integer, ForeignKey("runs.number"))
    step: Mapped[str]
    playbook: Mapped[str]
    account: Mapped[str]
    person: Mapped[str | None]
    guard: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)


class Suppression(Base):
    """An address that must not be written to: opted out, bounced, or put here by a teammate."""

    __tablename__ = "suppressions"

    address: Mapped[str] = mapped_column(String, primary_key=True)
    """In lower case."""
    account: Mapped[str | None]
    why: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]


class Exposure(Base):
    """Which arm of a playbook's holdout an account is in, stored at the moment we would have acted."""

    __tablename__ = "exposures"

    playbook: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    salt: Mapped[str] = mapped_column(String, primary_key=True)
    arm: Mapped[str]
    """`treated` or `held out`."""
    share: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime]
    alert: Mapped[int | None] = mapped_column(Integer, ForeignKey("alerts.number"))


class Callback(Base):
    """Something that came back, once: a button, a reply, an unsubscription; `key` keeps a second one from counting."""

    __tablename__ = "callbacks"
    __table_args__ = (Index("callbacks_from", "at"),)

    key: Mapped[str] = mapped_column(String, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    actor: Mapped[str]
    details: Mapped[dict[str, Any]]


class TouchDue(Base):
    """A touch of ours that the facts are to learn of when they are open next."""

    __tablename__ = "touches_due"
    __table_args__ = (
        UniqueConstraint("key", name="uq_touches_due_key"),
        Index("touches_to_load", "loaded_at"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str]
    at: Mapped[datetime]
    account: Mapped[str]
    person: Mapped[str | None]
    teammate: Mapped[str | None]
    kind: Mapped[str]
    note: Mapped[str] = mapped_column(Text)
    loaded_at: Mapped[datetime | None]
