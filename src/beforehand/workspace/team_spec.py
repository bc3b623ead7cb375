"""`team.yaml`: who we are, when each of us works, how we are reached, and whose each account is. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from beforehand.workspace.channel_spec import MailAddress
from beforehand.workspace.spec import HOURS, Days, Names, Weekday
from beforehand.workspace.spec_base import Spec

WHOSE = "for accounts where "
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
DIGEST = r"^(([01]\d|2[0-3]):[0-5]\d|off)$"
Name = Annotated[str, Field(min_length=1, max_length=80)]


def _hours(value: str) -> str:
    opens, dash, closes = value.partition("-")
    if not dash or opens >= closes:
        raise ValueError(f"'{value}' is no span of hours; write opening, then closing, as 09:00-17:00")
    return value


def _rule(value: Any) -> Any:
    if isinstance(value, dict) and len(value) != 1:
        raise ValueError("a rule is one line, such as `for accounts where region is EMEA: Ana`")
    return value


Rule = Annotated[dict[Name, Names], BeforeValidator(_rule)]


class AwaySpec(Spec):
    """Days on which somebody does not work; both the first and the last are away."""

    from_on: date = Field(alias="from", description="The first day away.")
    until_on: date = Field(alias="until", description="The last day away.")
    stand_in: Name | None = Field(
        default=None, alias="stand-in", description="Who hears in their place; the manager where absent."
    )

    @model_validator(mode="after")
    def _forward(self) -> AwaySpec:
        if self.until_on < self.from_on:
            raise ValueError(f"it ends on {self.until_on} before it begins on {self.from_on}")
        return self


class PersonSpec(Spec):
    """One of us."""

    email: MailAddress | None = Field(default=None, description="Where mail reaches them.")
    roles: tuple[Name, ...] = Field(default=(), description="What they do, such as `csm`; routes tell a role.")
    manager: Name | None = Field(default=None, description="Who hears when they do not answer; a person of this file.")
    known_as: tuple[Name, ...] = Field(
        default=(), alias="known as", description="What else the owner trait of accounts calls them."
    )
    zone: str | None = Field(default=None, description="Their time zone; the workspace's where absent.")
    hours: Annotated[str, AfterValidator(_hours)] | None = Field(
        default=None,
        description="Their working hours, as `09:00-17:00`; the workspace's where absent.",
        pattern=HOURS,
    )
    weekend: tuple[Weekday, ...] | None = Field(
        default=None, description="Their days of the week without work; the workspace's where absent."
    )
    holidays: Days | None = Field(
        default=None,
        description="A place whose public holidays they keep (`DE-BY`), days, or both; the workspace's where absent.",
    )
    away: tuple[AwaySpec, ...] = Field(default=(), description="When they are away, and who stands in.")
    left_on: date | None = Field(
        default=None, alias="left on", description="The day from which they are no longer with us."
    )
    channels: tuple[Name, ...] = Field(
        default=(),
        description="Ways out by name, the one they like best first; the first of the settings where absent.",
    )
    addresses: dict[Name, Name] = Field(
        default_factory=dict, description="What they are called on a channel where that is not their e-mail."
    )
    budget: int | None = Field(
        default=None, ge=0, le=10_000, description="Messages a week at most; the team's where absent."
    )
    digest_at: str | None = Field(
        default=None,
        alias="digest at",
        pattern=DIGEST,
        description="When on working days they get a digest, by their clock, or `off`; the team's where absent.",
    )


class HoldersSpec(Spec):
    """Who holds one role at each account: the first that says so, in the order in which they stand here."""

    trait: Name | None = Field(
        default=None, description="The trait of accounts that names the holder, such as `owner`; as it is now."
    )
    rules: tuple[Rule, ...] = Field(
        default=(), description="Rules in order, each one line: `for accounts where region is EMEA: Ana`."
    )
    others: Names | tuple[()] = Field(
        default=(), description="Who shares the accounts that neither trait nor rule gives to anybody."
    )
    share: Literal["round robin", "least loaded"] = Field(
        default="round robin",
        description=(
            "How accounts are shared among several: in turn, or to who has the fewest open alerts. Once given, an "
            "account stays."
        ),
    )

    @model_validator(mode="after")
    def _something(self) -> HoldersSpec:
        if not (self.trait or self.rules or self.others):
            raise ValueError("say who: give `trait`, `rules` or `others`")
        return self


class TeamSpec(Spec):
    """`team.yaml`: the people who hear of alerts."""

    people: dict[Name, PersonSpec] = Field(default_factory=dict, description="Each of us by name.")
    owners: dict[Name, HoldersSpec] = Field(
        default_factory=dict, description="Per role, whose each account is; a role without entry is shared in turn."
    )
    budget: int = Field(default=20, ge=0, le=10_000, description="Messages a week at most, to each person.")
    digest_at: str = Field(
        default="09:00",
        alias="digest at",
        pattern=DIGEST,
        description=(
            "When on working days a digest is sent where something waits for it, by the clock of each; the weekly one "
            "on the first working day of the week. `off`: nothing waits, each is a message."
        ),
    )
    critical_counts: bool = Field(
        default=False,
        alias="critical counts",
        description="Whether critical alerts, too, wait where the budget is spent; else they always pass.",
    )
