"""What a run surely has when it comes to a step, whichever way it came. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from beforehand.playbooks.book import Book
from beforehand.workspace.playbook_spec import (
    ApproveStep,
    DraftStep,
    OfferStep,
    SendStep,
    SetStep,
    StepSpec,
    WaitForStep,
    WaitStep,
)


@dataclass(frozen=True)
class Known:
    """What is there on every way: a resource that was found, drafts, and values that were set.

    `offered`: some step looked for a resource, found or not.
    """

    resource: bool = False
    offered: bool = False
    drafts: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()

    def and_by(self, other: Known) -> Known:
        """What is there on both ways."""
        return Known(
            self.resource and other.resource, self.offered or other.offered, self.drafts & other.drafts,
            self.values & other.values,
        )  # fmt: skip


def known_at(book: Book) -> dict[str, Known]:
    """For each step what is known before it is done; steps that nothing leads to know nothing.

    Steps go forward only, so that one pass in their order sees every way (a forward dataflow analysis without loops:
    Kildall, "A Unified Approach to Global Program Optimization", 1973).
    """
    found: dict[str, Known] = {next(iter(book.steps)): Known()}
    for name, step in book.steps.items():
        here = found.setdefault(name, Known())
        ways = [(target, _after(name, step, here, key)) for key, target in book.leads_to(name)]
        if isinstance(step, WaitStep | WaitForStep | ApproveStep | SendStep):  # a reply may come while it waits
            ways.append((book.spec.when_they_reply, here))
        for target, then in ways:
            if book.order.get(target, -1) > book.order[name]:
                found[target] = found[target].and_by(then) if target in found else then
    return found


def _after(name: str, step: StepSpec, before: Known, key: str) -> Known:
    """What is known behind a step that was left by `then`, `else` or another of its ways."""
    match step:
        case DraftStep():
            return replace(before, drafts=before.drafts | {name})
        case SetStep():
            return replace(before, values=before.values | set(step.set))
        case OfferStep():
            return replace(before, resource=before.resource or (key == "then" and step.otherwise is not None),
                           offered=True)  # fmt: skip
    return before
