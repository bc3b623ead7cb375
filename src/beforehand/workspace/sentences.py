"""The sentences of the signals, understood: vocabulary and built signals, each problem on the line of its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from beforehand.signals.vocabulary import Vocabulary
from beforehand.workspace.spec import MetricSpec, SignalSpec
from beforehand.workspace.yaml_file import Written

if TYPE_CHECKING:
    from beforehand.signals import Signal


def build_signals(
    specs: Mapping[str, tuple[SignalSpec, Written]], metrics: Mapping[str, MetricSpec]
) -> tuple[Vocabulary, dict[str, Signal]]:
    """Every signal whose sentences are understood."""
    return Vocabulary.of(metrics, specs), {}
