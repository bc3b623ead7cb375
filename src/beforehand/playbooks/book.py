"""A playbook as it is run: its steps by name, and which follows which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from beforehand.workspace.playbook_spec import (
    END,
    EVENT,
    REPLY,
    STEPS,
    ApproveStep,
    BranchStep,
    DraftStep,
    PlaybookSpec,
    SendStep,
    StepSpec,
    WaitForStep,
    kind_of_step,
)

GO_ON = "go on"
THEIR = "their "
Kind = TypeVar("Kind", bound=StepSpec)


@dataclass(frozen=True)
class Book:
    """A playbook whose steps are understood, in the order written."""

    spec: PlaybookSpec
    steps: Mapping[str, StepSpec]

    @classmethod
    def of(cls, spec: PlaybookSpec) -> Book:
        """The book of a playbook that was checked; pydantic's ValidationError where a step is none."""
        steps: dict[str, StepSpec] = {}
        for place, written in enumerate(spec.steps):
            kind = kind_of_step(written) or "end with"
            step = STEPS[kind].model_validate(written)
            steps[name_of(step, place)] = step
        return cls(spec, steps)

    @property
    def name(self) -> str:
        """What the playbook is called."""
        return self.spec.playbook

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each step, from 0."""
        return {name: place for place, name in enumerate(self.steps)}

    def next(self, name: str, target: str | None = None) -> str:
        """The step that `target` names, or where it is None the one that follows by itself; `end` after the last."""
        wanted = target if target is not None else self.steps[name].then
        if wanted is not None:
            return wanted
        names = list(self.steps)
        place = self.order[name] + 1
        return names[place] if place < len(names) else END

    def leads_to(self, name: str) -> list[tuple[str, str]]:
        """Where a step may go, each with the key that says so."""
        step = self.steps[name]
        found = [] if step.key == "end with" else [("then", self.next(name))]
        otherwise = getattr(step, "otherwise", None)
        if otherwise is not None:
            found.append(("else", otherwise))
        if isinstance(step, ApproveStep):
            found.append(("rejected", step.rejected))
        return found

    def draft(self, name: str) -> DraftStep:
        """The draft of a name; KeyError where no step of that name is one."""
        step = self.steps[name]
        if not isinstance(step, DraftStep):
            raise KeyError(name)
        return step

    def of_kind(self, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
        """The steps of one kind, by name."""
        return ((name, step) for name, step in self.steps.items() if isinstance(step, kind))

    def approved_before(self, send: str) -> bool:
        """Whether some step asks for the approval of what this one sends."""
        sent = self.steps[send]
        return isinstance(sent, SendStep) and any(step.approve == sent.send for _, step in self.of_kind(ApproveStep))

    def outward(self, send: str) -> bool:
        """Whether a step sends to a customer."""
        step = self.steps[send]
        return isinstance(step, SendStep) and any(to_customer(to) for to in self.draft(step.send).to)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every sentence that is judged on the account: the goal, and those of steps."""
        found = [self.spec.goal] if self.spec.goal else []
        found += [step.branch for _, step in self.of_kind(BranchStep) if is_sentence(step.branch)]
        found += [step.wait_for for _, step in self.of_kind(WaitForStep) if is_sentence(step.wait_for)]
        return tuple(dict.fromkeys(found))


def name_of(step: StepSpec, place: int) -> str:
    """A step's own name, else its kind and its place, counted from 1."""
    return step.step or f"{step.key.replace(' ', '-')}-{place + 1}"


def is_sentence(what: str) -> bool:
    """Whether what is waited for, or asked, is a sentence of the language."""
    return what.strip().lower() != REPLY and not EVENT.match(what.strip())


def event_of(what: str) -> str | None:
    """The event that is waited for, None where it is something else."""
    found = EVENT.match(what.strip())
    return found["name"].strip() if found else None


def to_customer(receiver: str) -> bool:
    """Whether a receiver is somebody at the account."""
    return receiver.lower().startswith(THEIR)
