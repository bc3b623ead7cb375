"""The one place that decides the order of the stages."""

from __future__ import annotations

from collections.abc import Sequence

from beforehand.routing.batch import Batch, Stage
from beforehand.routing.sending import Budget, Digest, Mute, Send
from beforehand.routing.stages import Follow, Group, Hold, Inhibit, Remember

STAGES: tuple[Stage, ...] = (Hold(), Inhibit(), Remember(), Group(), Follow(), Mute(), Digest(), Budget(), Send())


def decide(batch: Batch, stages: Sequence[Stage] = STAGES) -> Batch:
    """What is told to whom at a moment, and what is held back and why."""
    for stage in stages:
        batch = stage.pass_on(batch)
    return batch
