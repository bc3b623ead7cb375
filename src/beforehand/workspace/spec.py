"""What a person writes in the files of a workspace, as validated models (`*Spec`)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from beforehand.workspace.durations import Duration

TABLES = ("events", "tickets", "messages", "subscriptions", "invoices", "surveys", "touches", "outcomes")
Table = Literal["events", "tickets", "messages", "subscriptions", "invoices", "surveys", "touches", "outcomes"]
Severity = Literal["critical", "high", "medium", "low"]
AGGREGATES = ("count", "sum", "mean", "share", "last", "people")


class Spec(BaseModel):
    """The base: unknown keys are refused, so that nothing written is silently ignored."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class ExcludeSpec(Spec):
    """Internal, test, bot and impersonated activity that is left out of every count."""

    accounts: tuple[str, ...] = Field((), description="Account ids or patterns (`*` any text) left out.")
    people: tuple[str, ...] = Field((), description="Person ids or e-mail patterns (`*@example.com`) left out.")
    events: str | None = Field(None, description="A condition on events; rows where it is true are left out.")


class SettingsSpec(Spec):
    """`beforehand.yaml`: what holds for the whole workspace."""

    name: str = Field("Beforehand", description="What this workspace is called on pages and in messages.")
    zone: str = Field("UTC", description="The time zone of periods, an IANA name such as Europe/Berlin.")
    earliest: date = Field(date(1990, 1, 1), description="Times before this day go to quarantine.")
    accounts_from: str | None = Field(
        None, description="The one source that may create accounts; facts of others stay unmatched until matched."
    )
    grace: dict[str, Duration] = Field(
        default_factory=dict, description="How long to wait for late facts after a period ends, per source."
    )
    exclude: ExcludeSpec = Field(default_factory=ExcludeSpec, description="What is left out of every count.")
    outcome: str = Field("churned", description="The outcome that risk signals are proven against.")
    growth_outcome: str = Field("expanded", description="The outcome that growth signals are proven against.")
    horizon: Duration = Field(timedelta(days=90), description="How far ahead of the outcome an alert may be right.")


class MetricSpec(Spec):
    """One entry of `metrics.yaml`: what is counted and how people say it. Exactly one aggregate names a fact table."""

    name: str | None = Field(None, description="The display name; the key where absent.")
    says: tuple[str, ...] = Field((), description="The phrases that mean this metric in a sentence.")
    count: Table | None = Field(None, description="Count the rows of a fact table.")
    sum: Table | None = Field(None, description="Add up `of` over the rows of a fact table.")
    mean: Table | None = Field(None, description="The mean of `of`; of no rows it is unsure.")
    share: Table | None = Field(None, description="The share of rows for which the condition `of` is true.")
    last: Table | None = Field(None, description="The last value of `of`, carried forward.")
    people: Table | None = Field(None, description="Distinct people.")
    of: str | None = Field(None, description="The column summed, averaged or carried; for a share, the condition.")
    where: str | None = Field(None, description="Only rows where this condition is true.")

    @model_validator(mode="after")
    def _one_aggregate(self) -> MetricSpec:
        chosen = [a for a in AGGREGATES if getattr(self, a) is not None]
        if len(chosen) != 1:
            raise ValueError(f"a metric has exactly one of {', '.join(AGGREGATES)}; this one has {len(chosen)}")
        needs_of = chosen[0] in ("sum", "mean", "share", "last")
        if needs_of and self.of is None:
            raise ValueError(f"`{chosen[0]}` needs `of:`, the column or condition it is taken over")
        if not needs_of and self.of is not None:
            raise ValueError(f"`{chosen[0]}` takes no `of:`")
        return self

    @property
    def aggregate(self) -> str:
        """Which aggregate this metric is."""
        return next(a for a in AGGREGATES if getattr(self, a) is not None)

    @property
    def table(self) -> str:
        """The fact table it reads."""
        return str(getattr(self, self.aggregate))


class OutcomeSpec(Spec):
    """One entry of `outcomes.yaml`: an outcome derived from facts."""

    silent_for: Duration = Field(alias="silent for", description="The outcome happens when this silence is full.")


class CompoundSpec(Spec):
    """`when:` as a list of parts: sentences, or names of other signals."""

    all_of: tuple[str | CompoundSpec, ...] | None = Field(None, alias="all of", description="Every part holds.")
    any_of: tuple[str | CompoundSpec, ...] | None = Field(None, alias="any of", description="One part holds.")
    within: Duration | None = Field(None, description="For `all of`: each part held within this time of the close.")

    @model_validator(mode="after")
    def _one_kind(self) -> CompoundSpec:
        if (self.all_of is None) == (self.any_of is None):
            raise ValueError("give exactly one of `all of` and `any of`")
        if self.within is not None and self.all_of is None:
            raise ValueError("`within` goes with `all of`")
        return self


class SignalSpec(Spec):
    """One file of `signals/`: a risk or growth signal with its own cases."""

    signal: str = Field(description="The name: letters, digits and dashes; unique in the workspace.",
                        pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")
    when: str | CompoundSpec = Field(description="The sentence, or `all of` / `any of` several.")
    clear: str | None = Field(None, description="The sentence that closes an episode; where absent, the first clear close.")
    severity: Severity = Field("medium", description="How bad it is.")
    mode: Literal["on", "shadow", "off"] = Field("on", description="Shadow: judged and recorded, told to nobody.")
    polarity: Literal["risk", "growth"] = Field("risk", description="Whether it is bad news or good.")
    delay_in: Annotated[int, Field(ge=1, le=365)] = Field(1, description="Closes in a row that must hold before an episode opens.")
    delay_out: Annotated[int, Field(ge=1, le=365)] = Field(1, description="Closes in a row that must be clear before it closes.")
    why: str | None = Field(None, description="Why this matters, in a sentence; shown in the story.")
    outcome: str | None = Field(None, description="The outcome it is proven against; the workspace's where absent.")
    horizon: Duration | None = Field(None, description="How far ahead; the workspace's where absent.")
    cases: tuple[dict[str, list[float | int | bool | str | None]], ...] = Field(
        (), description="Series of metric values, and at which closes the condition `fires`."
    )
