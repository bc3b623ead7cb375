"""The models of `playbooks/*.yaml` and `resources/*.yaml`: what is done about an alert, and what helps with what.

A step is a mapping that holds one of the keys of `STEPS`, which says what kind of step it is. Steps follow each other
as written; `then:` and `else:` name a later one, so that no playbook can go round in a circle.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from beforehand.calendar import BusinessTime, to_datetime, to_us
from beforehand.workspace.spec_base import Spec

NAME = r"^[a-z0-9][a-z0-9-]{0,79}$"
END = "end"
REPLY = "reply"
ANY = "any"
OWNER, MANAGER = "owner", "manager"
EVENT = re.compile(r"^event\s+(?P<name>\S.*)$", re.IGNORECASE)
SPAN = re.compile(r"^\s*(\d{1,4})\s+(business\s+)?(minute|hour|day|week)s?\s*$", re.IGNORECASE)
LENGTHS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1),
           "week": timedelta(weeks=1)}  # fmt: skip


@dataclass(frozen=True)
class Lapse:
    """A span of time, of business time where it says so: `2 days`, `3 business days`, `4 business hours`."""

    amount: int
    unit: str
    business: bool = False

    def after(self, at: datetime, business: BusinessTime) -> datetime:
        """When it has passed since `at` (aware UTC); InputError where a year has no business day."""
        if not self.business:
            return at + self.amount * LENGTHS[self.unit]
        start = np.array([to_us(at)])
        later = business.hours_later if self.unit == "hour" else business.days_later
        return to_datetime(int(later(start, self.amount)[0]))

    def __str__(self) -> str:
        unit = self.unit + ("" if self.amount == 1 else "s")
        return f"{self.amount} business {unit}" if self.business else f"{self.amount} {unit}"


def read_lapse(value: Any) -> Lapse:
    """A span as it is written; ValueError says the valid forms."""
    if isinstance(value, Lapse):
        return value
    found = SPAN.match(str(value))
    if not found or (found[2] and found[3].lower() not in ("day", "hour")):
        raise ValueError(f"{value!r} is not a span of time; write for example `2 days`, `3 business days` or `4 hours`")
    if not int(found[1]):
        raise ValueError(f"{value!r} is no time at all; leave it out")
    return Lapse(int(found[1]), found[3].lower(), bool(found[2]))


Time = Annotated[
    Lapse,
    BeforeValidator(read_lapse),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["2 days", "3 business days", "4 hours"]}),
]


def _plain(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(f"{name!r} is no name for a value; use lower-case letters, digits and underscores")
    return name


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Receivers = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=120)], ...],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Texts = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=500)], ...],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Template = Annotated[str, Field(min_length=1, max_length=10_000)]
NEXT = "The step that follows, by its name, or `end`; the one written below where absent."


class StepSpec(Spec):
    """What every step may say."""

    key: ClassVar[str] = ""
    step: str | None = Field(
        default=None, pattern=NAME, description="Its name, by which others go to it; else its kind and its place."
    )
    then: str | None = Field(default=None, description=NEXT)


class TaskStep(StepSpec):
    """`task`: something for a teammate to do; it is listed, and done by a person."""

    key: ClassVar[str] = "task"
    task: Template = Field(description="What is to be done; a template.")
    to: Receivers = Field(default=(OWNER,), description="Whose it is: `owner`, `manager`, or a role of the team.")
    within: Time | None = Field(default=None, description="By when, such as `2 business days`.")


class CallStep(StepSpec):
    """`call`: somebody at the account is called by the owner of the run; or, with `channel`, another system is."""

    key: ClassVar[str] = "call"
    call: Template = Field(description="What to talk about, or what the other system is told; a template.")
    to: Receivers = Field(
        default=(), description="Whom: `their ROLE`, or several, of which the first who is there is called."
    )
    within: Time | None = Field(default=None, description="By when, such as `1 business day`.")
    channel: str | None = Field(
        default=None,
        description="A channel that is called instead, such as a webhook, once: by the key of its run and step.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> CallStep:
        if bool(self.to) == (self.channel is not None):
            raise ValueError("a call is either `to:` somebody or by a `channel:`")
        if self.channel is not None and self.within is not None:
            raise ValueError("a `channel:` is called at once; leave `within:` out")
        return self


class DraftStep(StepSpec):
    """`draft`: a message is written with what is known at that moment; `send` hands it over."""

    key: ClassVar[str] = "draft"
    draft: Template = Field(description="The text; a template. Blank lines part paragraphs.")
    subject: Annotated[str, Field(min_length=1, max_length=300)] = Field(description="The subject; a template.")
    to: Receivers = Field(description="`owner`, a role of the team, or `their ROLE`: a person at the account.")


class ApproveStep(StepSpec):
    """`approve`: a teammate reads a draft, may change it, and says yes or no."""

    key: ClassVar[str] = "approve"
    approve: str = Field(description="The draft, by the name of its step.")
    by: Receivers = Field(default=(OWNER,), description="Who says so: `owner`, `manager`, or a role of the team.")
    within: Time = Field(default=Lapse(2, "day", True), description="By when; then it goes on with `else`.")
    otherwise: str = Field(default=END, alias="else", description="Where it goes when nobody has said so by then.")
    rejected: str = Field(default=END, description="Where it goes when the answer is no.")


class SendStep(StepSpec):
    """`send`: a draft is handed over, if no guard keeps it back."""

    key: ClassVar[str] = "send"
    send: str = Field(description="The draft, by the name of its step.")
    channel: str | None = Field(default=None, description="By which channel; the first for mail where absent.")
    otherwise: str | None = Field(
        default=None, alias="else", description="Where it goes when a guard keeps it back; on, where absent."
    )


class WaitStep(StepSpec):
    """`wait`: nothing happens for a time."""

    key: ClassVar[str] = "wait"
    wait: Time = Field(description="How long, such as `3 business days`.")


class WaitForStep(StepSpec):
    """`wait for`: until a `reply`, an `event NAME`, or until a sentence holds at the account."""

    key: ClassVar[str] = "wait for"
    wait_for: Annotated[str, Field(min_length=1, max_length=2000)] = Field(
        alias="wait for", description="`reply`, `event NAME`, or a sentence that is judged on the account."
    )
    within: Time = Field(description="How long at most; then it goes on with `else`.")
    otherwise: str | None = Field(
        default=None, alias="else", description="Where it goes when that has not come by then; on, where absent."
    )


class BranchStep(StepSpec):
    """`branch`: goes one way where a sentence holds at the account, or where they have replied; else the other."""

    key: ClassVar[str] = "branch"
    branch: Annotated[str, Field(min_length=1, max_length=2000)] = Field(
        description="`reply` (they have answered since the run began), or a sentence judged on the account."
    )
    otherwise: str = Field(alias="else", description="Where it goes when that is not so (or cannot be told).")


class EscalateStep(StepSpec):
    """`escalate`: somebody else of the team is told."""

    key: ClassVar[str] = "escalate"
    escalate: Template = Field(description="What they must know and do; a template.")
    to: Receivers = Field(
        default=(MANAGER,),
        description="A role of the team, such as `support lead`, or `manager`: that of the run's owner.",
    )


class OfferStep(StepSpec):
    """`offer resource`: finds the resource that fixes what the alert is about, for later templates."""

    key: ClassVar[str] = "offer resource"
    offer: Annotated[str, Field(min_length=1, max_length=80)] = Field(
        alias="offer resource",
        description="By what it is chosen: `error`, `onboarding step`, `feature`, `issue`, `signal`, or `any` for the "
        "closest of all of them; or a resource by its name.",
    )
    otherwise: str | None = Field(
        default=None, alias="else", description="Where it goes when no resource fits; on, where absent."
    )


class SetStep(StepSpec):
    """`set`: keeps values for later templates, read as `set.NAME`."""

    key: ClassVar[str] = "set"
    set: dict[Annotated[str, AfterValidator(_plain)], Template] = Field(
        min_length=1, description="Names with their values; templates."
    )


class EndStep(StepSpec):
    """`end with`: the run is over, with an outcome."""

    key: ClassVar[str] = "end with"
    end: Annotated[str, Field(min_length=1, max_length=80)] = Field(
        alias="end with", description="The outcome in a word or two, such as `recovered` or `no answer`."
    )


STEPS: Mapping[str, type[StepSpec]] = {
    model.key: model
    for model in (
        TaskStep, CallStep, DraftStep, ApproveStep, SendStep, WaitStep, WaitForStep, BranchStep, EscalateStep,
        OfferStep, SetStep, EndStep,
    )
}  # fmt: skip


def kind_of_step(data: Mapping[str, Any]) -> str | None:
    """The kind of a step as written, None where none of its keys names one."""
    return next(iter(kinds_of_step(data)), None)


def kinds_of_step(data: Mapping[str, Any]) -> list[str]:
    """Every kind that a step names, in the order written; a step is of one."""
    return [key for key in data if key in STEPS]


def _steps_schema() -> dict[str, Any]:
    shapes = [model.model_json_schema(by_alias=True) for model in STEPS.values()]
    return {"type": "array", "minItems": 1, "maxItems": 60, "items": {"anyOf": shapes}}


class TriggerSpec(Spec):
    """Which alerts begin a run."""

    signals: Texts = Field(default=(), description="Of these signals, besides those that name the playbook.")
    severity: tuple[Literal["critical", "high", "medium", "low"], ...] = Field(
        default=(), description="Only of these severities; of all where absent."
    )
    accounts: str | None = Field(
        default=None,
        max_length=1000,
        description="Only where this is so, as `plan is enterprise and age above 90 days`.",
    )
    backlog: bool = Field(default=False, description="Also for what held already when a signal was switched on.")


class HoldoutSpec(Spec):
    """A share of accounts for which nothing is done, so that it can be told whether the playbook helps."""

    share: Annotated[float, Field(gt=0, le=0.5)] = Field(description="How many, such as `0.1`.")
    salt: str = Field(default="1", max_length=80, description="Change it to draw anew.")
    never_above: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        alias="never above",
        description="Accounts worth more than this are always helped, and not compared.",
    )


class CapSpec(Spec):
    """How often a person, and an account, may hear from all playbooks together."""

    messages: Annotated[int, Field(ge=1, le=1000)] = Field(default=2, description="At most so many messages ...")
    within: Time = Field(default=Lapse(14, "day"), description="... in this time.")


class PlaybookSpec(Spec):
    """One file of `playbooks/`: what is done about an alert, step by step."""

    playbook: str = Field(pattern=NAME, description="The name: letters, digits and dashes; unique in the workspace.")
    about: str | None = Field(default=None, max_length=500, description="What it is for, in a sentence.")
    mode: Literal["on", "off"] = Field(default="on", description="`off`: no run begins; those begun go on.")
    when: TriggerSpec = Field(default=TriggerSpec(), description="Which alerts begin it.")
    owner: str = Field(
        default=OWNER,
        min_length=1,
        max_length=120,
        description="Whose runs they are: `owner`, or a role of the team.",
    )
    goal: str | None = Field(
        default=None,
        max_length=2000,
        description="A sentence; where it holds at the account the run is over, and well.",
    )
    outcome: str = Field(
        default="recovered", min_length=1, max_length=80, description="The outcome when the goal is met."
    )
    when_cleared: Literal["end", "go on"] = Field(
        default="end", alias="when cleared", description="What becomes of a run when its alert closes."
    )
    when_they_reply: str = Field(
        default=END, alias="when they reply",
        description="Where a run goes that waits when a reply comes: a later step, `end`, or `go on`.",
    )  # fmt: skip
    when_deleted: Literal["finish", "end"] = Field(
        default="finish", alias="when deleted", description="What becomes of live runs when this file is removed."
    )
    without_approval: bool = Field(
        default=False, alias="without approval", description="Lets drafts go to customers that nobody approved."
    )
    holdout: HoldoutSpec | None = Field(default=None, description="A share of accounts for which nothing is done.")
    quiet: str | None = Field(
        default="18:00-09:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$",
        description="When customers are not written to, by their clocks; also not at weekends. `null`: at any time.",
    )  # fmt: skip
    cap: CapSpec = Field(default=CapSpec(), description="How often one may hear from playbooks.")
    after_a_touch: Time | None = Field(
        default=Lapse(2, "day"), alias="after a touch",
        description="Nothing is sent so soon after somebody of us was in touch with the account.",
    )  # fmt: skip
    steps: Annotated[tuple[dict[str, Any], ...], WithJsonSchema(_steps_schema())] = Field(
        min_length=1, max_length=60, description="What is done, in order; see below."
    )


class FixesSpec(Spec):
    """What a resource helps with; a text matches where it is found in what the alert is about, in any case."""

    issue: Texts = Field(default=(), description="Names of issue groups, or categories of tickets.")
    error: Texts = Field(default=(), description="Texts or fingerprints of errors.")
    feature: Texts = Field(default=(), description="Features of the product.")
    onboarding_step: Texts = Field(default=(), alias="onboarding step", description="Steps of onboarding.")
    signal: Texts = Field(default=(), description="Names of signals.")


class ResourceSpec(Spec):
    """One file of `resources/`: a guide, a fix or an offer, and what it helps with."""

    resource: str = Field(pattern=NAME, description="The name: letters, digits and dashes; unique in the workspace.")
    title: str = Field(min_length=1, max_length=200, description="What it is called when it is offered.")
    fixes: FixesSpec = Field(description="What it helps with.")
    language: str = Field(default="en", min_length=2, max_length=12, description="The language it is in, such as `de`.")
    link: str | None = Field(default=None, pattern=r"^https?://\S+$", description="Where it can be read.")
    body: str | None = Field(
        default=None, max_length=10_000, description="What it says, to stand in the message itself."
    )
