"""The table of kinds: everything a kind of condition must have, in one entry each.

A new kind is a tree class, a grammar rule, a meaning in `transform`, and an entry here; a test walks the table and
fails where one lacks its judge, its echo, its page or its example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from beforehand.calendar import Grain
from beforehand.signals import judges
from beforehand.signals.canonical import (
    say_absence,
    say_change,
    say_level,
    say_milestone,
    say_peers,
    say_spike,
    say_usual,
)
from beforehand.signals.evidence import (
    Evidence,
    absence_evidence,
    change_evidence,
    level_evidence,
    milestone_evidence,
    peers_evidence,
    spike_evidence,
    usual_evidence,
)
from beforehand.signals.milestone import judge_milestone, milestone_width
from beforehand.signals.numbers import Bool, Float, Verdicts
from beforehand.signals.peers import judge_peers, score_peers
from beforehand.signals.plain_words import (
    tell_absence,
    tell_change,
    tell_level,
    tell_milestone,
    tell_peers,
    tell_spike,
    tell_usual,
)
from beforehand.signals.spike import score_spike, spike_width
from beforehand.signals.tree import Absence, Change, Leaf, Level, Milestone, Peers, Quantity, Spike, Usual
from beforehand.signals.vocabulary import Vocabulary

Kind_ = TypeVar("Kind_")
BUSINESS_SLACK = 14
"""How many days more than twice their number business days are looked for in: a long holiday."""


class Judge(Protocol):
    """A judge of a kind: a leaf, windows `[n, Q, W]`, whether they are counts, and which judged periods are idle."""

    def __call__(self, leaf: Any, windows: Float, counted: bool = True, idle: Bool | None = None, /) -> Verdicts:
        """Verdicts `[n, Q]`."""
        ...


@dataclass(frozen=True)
class Kind(Generic[Kind_]):
    """One kind.

    `score`, where a kind has it, takes the series up to the last close, each period as its own close knew it, and gives
    a p-value (of peers, the value) per close; over all subjects the threshold of each close is then decided
    (`scoring.decided`), and `judge` only says what holds for a subject alone. `judge` and `evidence` take a leaf,
    windows of `width(leaf)` periods of `reads(leaf)`, and whether it is counted; `judge` also which of the judged
    periods are idle, where the leaf `falls`: says that there is less than there should be. `say` writes its canonical
    sentence, `tell` its echo; `anchor` is its heading in docs/explanation/sentences.md.
    """

    name: str
    leaf: type[Kind_]
    rules: tuple[str, ...]
    reads: Callable[[Kind_], tuple[Quantity, Grain]]
    width: Callable[[Kind_], int]
    judge: Judge
    falls: Callable[[Kind_], bool]
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
        rules=("level", "level_or", "level_times", "level_many", "level_overdue", "seen"),
        reads=lambda leaf: (leaf.quantity, leaf.grain),
        width=lambda leaf: leaf.streak.of,
        judge=judges.judge_level,
        falls=lambda leaf: leaf.op in ("<", "<="),
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
        falls=lambda leaf: leaf.direction == "down",
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
        falls=lambda leaf: leaf.direction == "down",
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
        falls=lambda leaf: False,
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
        rules=("absence", "absence_of", "gone"),
        reads=lambda leaf: (
            leaf.quantity if leaf.business else replace(leaf.quantity, rolling_days=leaf.days),
            Grain.DAY,
        ),
        width=lambda leaf: 2 * leaf.days + BUSINESS_SLACK if leaf.business else 1,
        judge=judges.judge_absence,
        falls=lambda leaf: not leaf.business,
        only_truer=lambda leaf: False,
        evidence=absence_evidence,
        say=say_absence,
        tell=tell_absence,
        anchor="absence",
        example="no logins for 14 days",
    ),
    Kind(
        name="peers",
        leaf=Peers,
        rules=("peers",),
        reads=lambda leaf: (leaf.quantity, leaf.grain),
        width=lambda leaf: leaf.streak.of,
        judge=judge_peers,
        falls=lambda leaf: leaf.direction == "down",
        only_truer=lambda leaf: False,  # more of the others may raise the bound
        evidence=peers_evidence,
        say=say_peers,
        tell=tell_peers,
        anchor="peers",
        example="logins among the lowest quarter of accounts like it for 3 weeks",
        score=score_peers,
    ),
    Kind(
        name="milestone",
        leaf=Milestone,
        rules=("milestone", "slowest"),
        reads=lambda leaf: (replace(leaf.quantity, standing=True), Grain.DAY),
        width=milestone_width,
        judge=judge_milestone,
        falls=lambda leaf: False,
        only_truer=lambda leaf: False,
        evidence=milestone_evidence,
        say=say_milestone,
        tell=tell_milestone,
        anchor="milestones",
        example="no first report within 14 days of signup",
    ),
)
BY_LEAF: dict[type, Kind[Any]] = {kind.leaf: kind for kind in KINDS}


def kind_of(leaf: Leaf) -> Kind[Any]:
    """The kind of a leaf of the tree."""
    return BY_LEAF[type(leaf)]
