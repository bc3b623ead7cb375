"""`routes.yaml`: which alert goes to whom, by when it must be answered, and what happens when it is not. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from beforehand.workspace.spec import Group, Names, Severity, Span
from beforehand.workspace.spec_base import Spec
from beforehand.workspace.team_spec import Name

Value = str | float | bool | None
MANAGER = "manager"
NOBODY = "nobody"


class MatchSpec(Spec):
    """What an alert must be to take a route; all that is given must be true."""

    signals: Names | None = Field(default=None, description="One of these signals.")
    severity: Annotated[tuple[Severity, ...], Field(min_length=1)] | None = Field(
        default=None, description="One of these severities, as a list."
    )
    polarity: Literal["risk", "growth"] | None = Field(default=None, description="Bad news, or good.")
    group: Annotated[tuple[Group, ...], Field(min_length=1)] | None = Field(
        default=None, description="One of these groups of signals, as a list."
    )
    accounts: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Only of accounts where this is true: `plan is business`.",
    )
    value_at_least: float | None = Field(
        default=None, alias="value at least", ge=0, description="The account is worth so much (its trait `value`)."
    )

    @model_validator(mode="after")
    def _something(self) -> MatchSpec:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("it matches everything; leave `match:` out, or say what is matched")
        return self


class TermsSpec(Spec):
    """What a route says of who hears and by when; what is absent is taken from the route around it."""

    to: Names | None = Field(
        default=None,
        description="Who hears: a role (its holder at the account), a person, or a channel of the settings.",
    )
    acknowledge_within: Span | None = Field(
        default=None,
        alias="acknowledge within",
        description="By when somebody must have taken it on. Whole days are business days, the rest business hours.",
    )
    resolve_within: Span | None = Field(
        default=None, alias="resolve within", description="By when it must be over, in the same business time."
    )
    escalate_to: Names | None = Field(
        default=None,
        alias="escalate to",
        description="Who hears next, one after the other, when nobody answers: `manager`, a role or a person.",
    )
    remind_every: Span | None = Field(
        default=None, alias="remind every", description="How often it is said again until it is acknowledged."
    )
    remind_at_most: int | None = Field(
        default=None, alias="remind at most", ge=0, le=20, description="How often at most (2 where absent)."
    )
    digest: bool | Literal["daily", "weekly"] | None = Field(
        default=None,
        description=(
            "Whether it waits for a digest, `daily` (or `true`) or `weekly`; `false`: always a message of its own. "
            "Where absent, growth waits for the weekly one, what is of low severity for the daily one."
        ),
    )
    hours: Literal["working", "any"] | None = Field(
        default=None,
        description="`working`: it waits for working hours. `any`: at once. Critical ones are by default.",
    )


class RouteSpec(TermsSpec):
    """One route under `routes:`; the first that matches is taken."""

    name: Name | None = Field(default=None, description="What it is called; its place, such as `2`, where absent.")
    match: MatchSpec | None = Field(default=None, description="What it is for; everything where absent.")
    goes_on: bool = Field(
        default=False, alias="continue", description="Whether the routes after it are tried too, although it matched."
    )
    routes: tuple[RouteSpec, ...] = Field(default=(), description="Routes within it, tried in order before itself.")


class MaintenanceSpec(Spec):
    """A time in which nothing is told; afterwards what still holds is."""

    from_at: datetime = Field(alias="from", description="When it begins, with its time zone.")
    until_at: datetime = Field(alias="until", description="When it ends, with its time zone.")
    why: Name = Field(description="Why, in a few words; said wherever something waits for it.")
    accounts: str | None = Field(
        default=None, min_length=1, max_length=500, description="Only of accounts where this is true."
    )

    @model_validator(mode="after")
    def _forward(self) -> MaintenanceSpec:
        if self.from_at.tzinfo is None or self.until_at.tzinfo is None:
            raise ValueError("a time needs its zone, as 2026-05-02T20:00:00Z")
        if self.until_at <= self.from_at:
            raise ValueError("it ends before it begins")
        return self


class SuchSpec(Spec):
    """An alert as an `expect:` case describes it."""

    signal: Name | None = Field(default=None, description="Its signal, which says what is not given here.")
    severity: Severity | None = Field(default=None, description="How bad it is.")
    polarity: Literal["risk", "growth"] | None = Field(default=None, description="Bad news, or good.")
    group: Group | None = Field(default=None, description="What it is about.")


class ExpectSpec(Spec):
    """A case that `check` runs: an account and an alert, and who must hear of it."""

    account: dict[Name, Value] = Field(default_factory=dict, description="Traits of the account; others are not known.")
    alert: SuchSpec = Field(default=SuchSpec.model_construct(), description="What the alert is.")
    on: date | None = Field(default=None, description="The day it happens, at noon; nobody is away where absent.")
    who: Names = Field(description="Who must hear, all of them by name; `nobody` where nobody can.")
    route: Names | None = Field(default=None, description="Which routes must be taken.")


class RoutesSpec(TermsSpec):
    """`routes.yaml`. The file itself is the route of everything that no other takes, so it says `to:`."""

    to: Names = Field(description="Who hears of what no route below takes.")
    routes: tuple[RouteSpec, ...] = Field(default=(), description="The routes, in the order in which they are tried.")
    covers: dict[Name, Names] = Field(
        default_factory=dict,
        description=(
            "Signals not told while another is open at the account: `silent-account: [logins-fall]`. To what the "
            "signals say themselves (`covers:` in their files) this is added."
        ),
    )
    told_together: int = Field(
        default=5,
        alias="told together",
        ge=2,
        le=1000,
        description="From so many accounts on one signal is told to a person once, with the list.",
    )
    follow_within: Span = Field(
        default=timedelta(days=30),
        alias="follow within",
        description=(
            "So long after somebody was told of an account, or while what they were told is open, what is no worse "
            "joins that message or the next digest."
        ),
    )
    maintenance: tuple[MaintenanceSpec, ...] = Field(default=(), description="Times in which nothing is told.")
    expect: tuple[ExpectSpec, ...] = Field(default=(), description="Cases that `beforehand check` runs.")
