"""The table of kinds: everything a kind of condition must have, in one entry each.

A new kind is a tree class, a grammar rule, a meaning in `transform`, and an entry here; a test walks the table and
fails where one lacks its judge, its echo, its page or its example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from beforehand.calendar import Grain
from beforehand.signals import judges
from beforehand.signals.canonical import say_absence, say_change, say_level, say_spike, say_usual
from beforehand.signals.evidence import (
    Evidence,
    absence_evidence,
    change_evidence,
    level_evidence,
    spike_evidence,
    usual_evidence,
)
from beforehand.signals.numbers import Float, Verdicts
from beforehand.signals.plain_words import tell_absence, tell_change, tell_level, tell_spike, tell_usual
from beforehand.signals.spike import score_spike, spike_width
from beforehand.signals.tree import Absence, Change, Leaf, Level, Quantity, Spike, Usual
from beforehand.signals.vocabulary import Vocabulary

Kind_ = TypeVar("Kind_")


@dataclass(frozen=True)
class Kind(Generic[Kind_]):
    """One kind.

    `score`, where a kind has it, takes the series up to the last close, each period as its own close knew it, and gives
    a p-value per close; over all subjects the threshold of each close is then decided (`evaluate.decided`), and `judge`
    only says what holds for a subject alone. `judge` and `evidence` take a leaf, windows of `width(leaf)` periods of
    `reads(leaf)`, and whether it is counted. `say` writes its canonical sentence, `tell` its echo; `anchor` is its
    heading in docs/explanation/sentences.md.
    """

    name: str
    leaf: type[Kind_]
    rules: tuple[str, ...]
    reads: Callable[[Kind_], tuple[Quantity, Grain]]
    width: Callable[[Kind_], int]
    judge: Callable[[Kind_, Float, bool], Verdicts]
    only_truer: Callable[[Kind_], bool]
    evidence: Callable[[Kind_, Float, bool], Evidence]
    say: Callable[[Kind_, Vocabulary], str]
    tell: Callable[[Kind_, Vocabulary], str]
    anchor: str
    example: str
    score: Callable[[Kind_, Float, int, bool], Float] | None = None


KINDS: tuple[Kind[Any], ...] = (
    Kind(
        name="level",
        leaf=Level,
        rules=("level", "level_or", "level_times", "level_amount_first", "level_or_amount_first"),
        reads=lambda leaf: (leaf.quantity, leaf.grain),
        width=lambda leaf: leaf.streak.of,
        judge=judges.judge_level,
        only_truer=lambda leaf: leaf.op in (">", ">="),
        evidence=level_evidence,
        say=say_level,
        tell=tell_level,
        anchor="levels",
        example="logins below 2 per week for 3 consecutive weeks",
    ),
    Kind(
        name="change",
        leaf=Change,
        rules=("change",),
        reads=lambda leaf: (leaf.quantity, leaf.grain),
        width=lambda leaf: leaf.baseline + leaf.gap,
        judge=judges.judge_change,
        only_truer=lambda leaf: False,  # late facts may raise the baseline too
        evidence=change_evidence,
        say=say_change,
        tell=tell_change,
        anchor="changes",
        example="active people down 40% vs the 8 weeks before, for 2 weeks",
    ),
    Kind(
        name="usual",
        leaf=Usual,
        rules=("usual",),
        reads=lambda leaf: (leaf.quantity, leaf.grain),
        width=lambda leaf: leaf.baseline + leaf.streak.of,
        judge=judges.judge_usual,
        only_truer=lambda leaf: False,  # late facts may move the band too
        evidence=usual_evidence,
        say=say_usual,
        tell=tell_usual,
        anchor="usual",
        example="logins below usual for 2 weeks",
    ),
    Kind(
        name="spike",
        leaf=Spike,
        rules=("spike",),
        reads=lambda leaf: (leaf.quantity, leaf.grain),
        width=spike_width,
        judge=judges.judge_spike,
        only_truer=lambda leaf: True,  # the past is taken as it was known then, and more now is only rarer
        evidence=spike_evidence,
        say=say_spike,
        tell=tell_spike,
        anchor="spikes",
        example="errors spike per hour",
        score=score_spike,
    ),
    Kind(
        name="absence",
        leaf=Absence,
        rules=("absence",),
        reads=lambda leaf: (Quantity(leaf.quantity.metric, leaf.quantity.per_active, leaf.days), Grain.DAY),
        width=lambda leaf: 1,
        judge=judges.judge_absence,
        only_truer=lambda leaf: False,
        evidence=absence_evidence,
        say=say_absence,
        tell=tell_absence,
        anchor="absence",
        example="no logins for 14 days",
    ),
)
BY_LEAF: dict[type, Kind[Any]] = {kind.leaf: kind for kind in KINDS}


def kind_of(leaf: Leaf) -> Kind[Any]:
    """The kind of a leaf of the tree."""
    return BY_LEAF[type(leaf)]
