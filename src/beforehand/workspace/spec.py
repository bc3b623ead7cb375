"""What a person writes in the files of a workspace, as validated models (`*Spec`).

The JSON Schema that editors use and the reference pages are made from these models, so each field has a description a
person can act on. Pure: other rooms may import it.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from beforehand.workspace.callback_spec import CallbacksSpec
from beforehand.workspace.channel_spec import Channels
from beforehand.workspace.durations import Duration
from beforehand.workspace.spec_base import Spec as Spec
from beforehand.workspace.state_spec import StateAddress

TABLES = ("events", "tickets", "messages", "subscriptions", "invoices", "surveys", "touches", "outcomes")
Table = Literal[
    "events", "tickets", "messages", "subscriptions", "invoices", "surveys", "touches", "outcomes", "tones", "tensions",
    "moods",
]  # fmt: skip
COUNTABLE = (*TABLES, "tones", "tensions", "moods")
"""What metrics may be over: the tables that are loaded, how messages and accounts sound, how near tickets are to going
wrong."""
SENIORITY = {"decision maker": 3.0, "executive sponsor": 3.0, "champion": 2.0, "admin": 1.5, "user": 1.0}
"""How much the words of people of a role weigh in the mood of their account; those of others weigh 1."""
Severity = Literal["critical", "high", "medium", "low"]
IncidentKind = Literal["feed", "tracking", "definition", "drop", "jump"]
INCIDENT_KINDS: tuple[IncidentKind, ...] = ("feed", "tracking", "definition", "drop", "jump")
Group = Literal["usage", "friction", "relationship", "money"]
AGGREGATES = ("count", "sum", "mean", "share", "last", "people", "distinct")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
HOURS = r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$"
RECORDED_OUTCOMES = ("churned", "contracted", "renewed", "expanded", "escalated", "reopened", "advocate")
SENTENCE, COMPOUND = "sentence", "compound"  # how `when:` may be written


def _longer_than_nothing(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("a span of time must be longer than nothing here")
    return span


Span = Annotated[Duration, AfterValidator(_longer_than_nothing)]


def _in_a_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# One name, or a list of them.
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    Field(min_length=1),
    BeforeValidator(_in_a_list),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}, "minLength": 1, "minItems": 1}),
]


class ExcludeSpec(Spec):
    """Internal, test, bot and impersonated activity that is left out of every count."""

    accounts: tuple[str, ...] = Field(default=(), description="Account ids or patterns (`*` any text) left out.")
    people: tuple[str, ...] = Field(default=(), description="Person ids or e-mail patterns (`*@example.com`) left out.")
    events: str | None = Field(default=None, description="A condition on events; rows where it is true are left out.")


def _as_days(value: Any) -> Any:
    listed = value if isinstance(value, list | tuple) else [value]
    # YAML reads 2025-05-02 as a day of its own accord.
    return [entry.isoformat() if isinstance(entry, date) else entry for entry in listed]


def _hours(value: str) -> str:
    if not re.match(HOURS, value):
        raise ValueError(f"'{value}' is no span of hours; write opening and closing, as 09:00-17:00")
    return value


# A place or a day, or a list of them.
Days = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_days),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
]


class CalendarSpec(Spec):
    """When business is done: what a business day is, and which days say nothing about a customer."""

    weekend: tuple[Weekday, ...] = Field(default=("saturday", "sunday"), description="Days of the week without work.")
    holidays: Days = Field(
        default=(),
        description=(
            "A place whose public holidays hold (`DE`, `DE-BY`), `by country` for those of each account's trait "
            "`country`, days (`2025-05-02`, or `12-24` for every year), or a list of these."
        ),
    )
    hours: Annotated[str, AfterValidator(_hours)] = Field(
        default="09:00-17:00",
        description="Business hours, from opening to closing; `00:00-24:00` for the whole day.",
        json_schema_extra={"pattern": HOURS},
    )


def _since(value: Any) -> Any:
    return "by table" if isinstance(value, dict) else "one day"


def _looked_for(value: Any) -> Any:
    return "a list of kinds" if isinstance(value, list | tuple) else "on or off"


# On, off, or only some kinds.
LookedFor = Annotated[
    Annotated[Literal["on", "off"], Tag("on or off")] | Annotated[tuple[IncidentKind, ...], Tag("a list of kinds")],
    Discriminator(_looked_for),
]


# One day, or a day a table.
Since = Annotated[
    Annotated[date, Tag("one day")] | Annotated[dict[Table, date], Tag("by table")],
    Discriminator(_since),
]


def _readable(value: str) -> str:
    if not any(sign.isalnum() for sign in value):
        raise ValueError(f"'{value}' is no phrase; it needs a letter or a digit")
    return value


Phrases = Annotated[
    tuple[Annotated[str, Field(max_length=100), AfterValidator(_readable)], ...],
    Field(min_length=1, max_length=500),
    BeforeValidator(_in_a_list),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}, "minLength": 1, "minItems": 1}),
]


class OnlyPhrases(Spec):
    """A list of phrases in the place of the one that comes with Beforehand."""

    only: Phrases = Field(description="The phrases, and no others.")


def _how_listed(value: Any) -> str:
    return "in its place" if isinstance(value, dict | OnlyPhrases) else "besides"


# Phrases besides those of the list so called, or in their place.
PhraseList = Annotated[
    Annotated[Phrases, Tag("besides")] | Annotated[OnlyPhrases, Tag("in its place")],
    Discriminator(_how_listed),
]


class TextSpec(Spec):
    """What reads how messages sound. The address of an endpoint is used only where `reader` is `endpoint`."""

    reader: Literal["base", "encoder", "endpoint"] = Field(
        default="base",
        description=(
            "`base` comes with Beforehand; `encoder` needs the extra of that name; `endpoint` asks a model of your "
            "own, and sends it the messages."
        ),
    )
    url: str | None = Field(default=None, description="The address the endpoint is asked at.")
    speaks: Literal["plain", "openai"] = Field(
        default="plain",
        description=(
            'How it is asked: `plain` posts {"texts": [...]} and reads {"readings": [{"negative": 0.9, ..}]}; `openai` '
            "asks the same of an OpenAI-compatible chat."
        ),
    )
    model: str | None = Field(default=None, description="The name of the model, for `speaks: openai`.")
    key_from: str | None = Field(
        default=None, pattern=r"^[A-Za-z_]\w*$", description="The environment variable that holds the key."
    )
    timeout_seconds: int = Field(default=30, ge=1, le=600, description="How long one answer may take.")
    batch: int = Field(default=16, ge=1, le=1000, description="How many messages are sent at once.")
    mask: bool = Field(
        default=True,
        description=(
            "Addresses, telephone, card and account numbers and keys are taken out of what is sent: of messages that "
            "an endpoint reads, and of what customers are quoted with in what is told to people."
        ),
    )


class SettingsSpec(Spec):
    """`beforehand.yaml`: what holds for the whole workspace."""

    name: str = Field(default="Beforehand", description="What this workspace is called on pages and in messages.")
    zone: str = Field(default="UTC", description="The time zone of periods, an IANA name such as Europe/Berlin.")
    earliest: date = Field(default=date(1990, 1, 1), description="Times before this day go to quarantine.")
    accounts_from: str | None = Field(
        default=None,
        description="The one source that may create accounts; facts of others stay unmatched until matched.",
    )
    our_domains: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        alias="our domains",
        description="Domains and single addresses of your own: they decide which mail came in and which went out.",
    )
    grace: dict[str, Duration] = Field(
        default_factory=dict, description="How long to wait for late facts after a period ends, per source."
    )
    exclude: ExcludeSpec = Field(default=ExcludeSpec.model_construct(), description="What is left out of every count.")
    outcome: str = Field(default="churned", description="The outcome that risk signals are proven against.")
    growth_outcome: str = Field(default="expanded", description="The outcome that growth signals are proven against.")
    horizon: Span = Field(default=timedelta(days=90), description="How far ahead of the outcome an alert may be right.")
    incidents: LookedFor = Field(
        default="on",
        description=(
            "What may be wrong with the data is found before signals are judged: `on`, `off`, or some of `feed` (gone "
            "silent), `tracking` (events or versions changed), `definition` (of a metric), `drop` and `jump` (across "
            "most accounts at once)."
        ),
    )
    calendar: CalendarSpec = Field(
        default=CalendarSpec.model_construct(), description="Weekends, public holidays and business hours."
    )
    issue: Literal["category", "meaning"] = Field(
        default="category",
        description="What tells issues apart in sentences about them: the category of a ticket, and where it has none "
        "what its words mean; or `meaning`: its words, and where it has none the category.",
    )
    feature: str = Field(
        default="properties.feature",
        description="The column or property that says which feature an event is about, for sentences about features.",
    )
    tracking_since: Since | None = Field(
        default=None,
        alias="tracking since",
        description="The day from which facts are complete, for all tables or per table; before it nothing is known.",
    )

    state: StateAddress | None = Field(
        default=None,
        description=(
            "Where alerts, runs and acts are kept: a SQLite file beside the facts where absent, else PostgreSQL "
            "(`postgresql://user@host/database`, or `{env: NAME}` where the address has a password)."
        ),
    )
    channels: Channels = Field(
        default_factory=dict, description="The ways out, by name: mail, Slack, webhooks, and what Apprise knows."
    )
    callbacks: CallbacksSpec = Field(
        default=CallbacksSpec.model_construct(),
        description="What comes back: buttons, unsubscriptions, replies; see `beforehand callbacks`.",
    )

    @property
    def weights(self) -> dict[str, float]:
        """How much people of each role weigh, by the role in lower case; those of any other weigh 1."""
        return SENIORITY | {role.strip().lower(): weight for role, weight in self.seniority.items()}

    @property
    def incident_kinds(self) -> tuple[IncidentKind, ...]:
        """The kinds of incidents that are looked for."""
        if isinstance(self.incidents, str):
            return INCIDENT_KINDS if self.incidents == "on" else ()
        return self.incidents

    text: TextSpec = Field(default=TextSpec.model_construct(), description="What reads how messages sound.")
    seniority: dict[Annotated[str, Field(min_length=1)], Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]] = (
        Field(
            default_factory=dict,
            description=(
                "How much the words of people of a role weigh in the mood of their account, by what their trait `role` "
                "says. What is not listed keeps its weight: "
                f"{', '.join(f'{k} {v:g}' for k, v in SENIORITY.items())}, any other 1; 0 is not heard."
            ),
        )
    )
    phrases: dict[Annotated[str, Field(min_length=1)], PhraseList] = Field(
        default_factory=dict,
        description=(
            "Lists of phrases for `mentions`, by name. What is listed is added to the list of that name; "
            "`{only: [...]}` stands in its place."
        ),
    )


class MetricSpec(Spec):
    """One entry of `metrics.yaml`: what is counted and how people say it. Exactly one aggregate names a fact table."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [aggregate]} for aggregate in AGGREGATES]})

    name: str | None = Field(default=None, description="The display name; the key where absent.")
    says: tuple[str, ...] = Field(default=(), description="The phrases that mean this metric in a sentence.")
    count: Table | None = Field(default=None, description="Count the rows of a fact table.")
    sum: Table | None = Field(default=None, description="Add up `of` over the rows of a fact table.")
    mean: Table | None = Field(default=None, description="The mean of `of`; of no rows it is unsure.")
    share: Table | None = Field(default=None, description="The share of rows for which the condition `of` is true.")
    last: Table | None = Field(default=None, description="The last value of `of`, carried forward.")
    people: Table | None = Field(default=None, description="Distinct people.")
    distinct: Table | None = Field(default=None, description="Distinct values of `of`, such as features used.")
    of: str | None = Field(
        default=None,
        description="The column summed, averaged, carried or told apart; for a share, the condition.",
    )
    event: Names = Field(
        default=(),
        description="Only these events, by their standard names; `events.yaml` says what your product calls them.",
    )
    of_event: Names = Field(
        default=(), alias="of event", description="For a share, in place of `of`: the events that are the part."
    )
    where: str | None = Field(default=None, description="Only rows where this condition is true.")
    out_of: str | None = Field(
        default=None, alias="out of", description="The trait that a percentage of it is taken of, such as `seats`."
    )

    @model_validator(mode="after")
    def _one_aggregate(self) -> MetricSpec:
        chosen = [a for a in AGGREGATES if getattr(self, a) is not None]
        if len(chosen) != 1:
            raise ValueError(f"a metric has exactly one of {', '.join(AGGREGATES)}; this one has {len(chosen)}")
        needs_of = chosen[0] in ("sum", "mean", "share", "last", "distinct")
        if self.of_event and (chosen[0] != "share" or self.of is not None):
            raise ValueError("`of event` stands in place of `of`, for a share alone")
        if (self.event or self.of_event) and getattr(self, chosen[0]) != "events":
            raise ValueError("`event` and `of event` are for metrics over events")
        if needs_of and self.of is None and not self.of_event:
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


EventsSpec = dict[str, Names]
"""`events.yaml`: what the product calls each standard event."""


class OutcomeSpec(Spec):
    """One entry of `outcomes.yaml`: an outcome derived from facts."""

    silent_for: Span = Field(
        alias="silent for", description="The outcome happens when an account has been silent this long."
    )


def _written_as(value: Any) -> str:
    return COMPOUND if isinstance(value, dict | CompoundSpec) else SENTENCE


# A sentence, or a mapping with `all of` or `any of`. The tag keeps pydantic from telling what is wrong with both.
When = Annotated[
    Annotated[str, Field(max_length=2000), Tag(SENTENCE)] | Annotated["CompoundSpec", Tag(COMPOUND)],
    Discriminator(_written_as),
]
Parts = Annotated[tuple[When, ...], Field(min_length=1, max_length=20)]


class CompoundSpec(Spec):
    """`when:` as a list of parts: sentences, names of other signals, or further lists."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["all of"]}, {"required": ["any of"]}]})

    all_of: Parts | None = Field(default=None, alias="all of", description="Every part holds.")
    any_of: Parts | None = Field(default=None, alias="any of", description="One part at least holds.")
    then: When | None = Field(default=None, description="What follows at a later close, `within` so long after it.")
    within: Span | None = Field(
        default=None,
        description="For `all of`: each part held within this time of the close. With `then`: how long after.",
    )
    unless: When | None = Field(default=None, description="The exception: where this holds, the whole does not.")

    @model_validator(mode="after")
    def _one_kind(self) -> CompoundSpec:
        if (self.all_of is None) == (self.any_of is None):
            raise ValueError("give exactly one of `all of` and `any of`")
        if self.within is not None and self.all_of is None and self.then is None:
            raise ValueError("`within` goes with `all of` or `then`")
        if self.then is not None and self.within is None:
            raise ValueError("`then` needs `within`, such as `within: 14 days`")
        return self

    @property
    def parts(self) -> tuple[str | CompoundSpec, ...]:
        """What is combined, in the order written."""
        return self.all_of or self.any_of or ()


class SignalSpec(Spec):
    """One file of `signals/`: a risk or growth signal with its own cases."""

    signal: str = Field(
        description="The name: letters, digits and dashes; unique in the workspace.",
        pattern=r"^[a-z0-9][a-z0-9-]{0,79}$",
    )
    when: When = Field(description="The sentence, or a mapping with `all of` or `any of` several.")
    clear: str | None = Field(
        default=None, description="The sentence that closes an episode; where absent, the first clear close."
    )
    severity: Severity = Field(default="medium", description="How bad it is, or for growth how much it promises.")
    mode: Literal["on", "shadow", "off"] = Field(
        default="on", description="Shadow: judged and recorded, told to nobody."
    )
    zone: Literal["workspace", "account"] = Field(
        default="workspace",
        description="Whose time zone periods are in: the workspace's, or that of each account by its trait `zone`.",
    )
    polarity: Literal["risk", "growth"] = Field(default="risk", description="Whether it is bad news or good.")
    delay_in: Annotated[int, Field(ge=1, le=365)] = Field(
        default=1, description="Closes in a row that must hold before an episode opens."
    )
    delay_out: Annotated[int, Field(ge=1, le=365)] = Field(
        default=1, description="Closes in a row that must be clear before it closes."
    )
    why: str | None = Field(default=None, description="Why this matters, in a sentence; shown in the story.")
    group: Group | None = Field(
        default=None, description="What it is about; `beforehand signals` lists them so, and alerts say it."
    )
    source: str | None = Field(default=None, description="Who uses such a signal, or where it was read about.")
    playbook: str | None = Field(
        default=None,
        description="The response it suggests, by name: who does what; told with each of its alerts.",
        pattern=r"^[a-z0-9][a-z0-9-]{0,79}$",
    )
    covers: Names | tuple[()] = Field(
        default=(),
        description="Milder signals of the same trouble, not told while an alert of this one is open at the account.",
    )
    outcome: str | None = Field(
        default=None, description="The outcome it is proven against; the workspace's where absent."
    )
    horizon: Span | None = Field(default=None, description="How far ahead; the workspace's where absent.")
    cases: tuple[dict[str, list[float | bool | str | None]], ...] = Field(
        default=(),
        description="Series of metric values, one a period, and at which closes the signal `fires` (yes or no).",
    )
