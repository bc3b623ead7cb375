"""Which verdicts an incident holds back at a close: what could be its effect, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from beforehand.calendar import Grain
from beforehand.incidents.reading import BOTH, PERIOD_US, Effect, Read, reads

if TYPE_CHECKING:
    from beforehand.signals.signal import Signal

Kind = Literal["feed", "tracking", "definition", "drop", "jump"]
KINDS: tuple[Kind, ...] = ("feed", "tracking", "definition", "drop", "jump")
SAID: dict[Kind, str] = {
    "feed": "feed silent",
    "tracking": "tracking changed",
    "definition": "definition changed",
    "drop": "drop across accounts",
    "jump": "jump across accounts",
}


@dataclass(frozen=True)
class Incident:
    """What an incident is to the judging of signals; times are UTC microseconds.

    `until_us` None: it is still going on. `filled_us`: what was missing had been learned by then, so later closes are
    whole. `metrics` are those whose numbers it makes doubtful. `undecided`: nobody has settled it yet.
    """

    number: int
    kind: Kind
    effect: Effect
    metrics: frozenset[str]
    since_us: int
    until_us: int | None = None
    filled_us: int | None = None
    undecided: bool = True


@dataclass(frozen=True)
class Reading:
    """A signal as incidents see it: the leaves of its condition and of its clear sentence, and its grain."""

    grain: Grain
    condition: tuple[Read, ...]
    clear: tuple[Read, ...] = ()
    alerts: tuple[Reading, ...] = field(default=())
    """The signals whose alerts it reads: they open and close by what happens to those."""

    @classmethod
    def of(cls, signal: Signal, grain: Grain, named: Mapping[str, Signal], valued: Iterable[str] = ()) -> Reading:
        """How a signal reads its metrics."""
        kept = frozenset(valued)
        clear = () if signal.clear is None else tuple(reads(signal.clear.condition, named, kept))
        return cls(grain, tuple(reads(signal.sentence.condition, named, kept)), clear)

    def metrics(self) -> frozenset[str]:
        """Every metric it reads."""
        own = (read.metrics for read in (*self.condition, *self.clear))
        return frozenset().union(*own, *(other.metrics() for other in self.alerts))


@dataclass(frozen=True)
class Doubt:
    """What cannot be believed of a signal's verdicts at a close: that it holds, that it is clear, that the clear
    sentence holds, and that it does not."""

    holds: bool = False
    clear: bool = False
    calm: bool = False
    unrest: bool = False

    def __bool__(self) -> bool:
        return self.holds or self.clear or self.calm or self.unrest


def doubt(reading: Reading, incident: Incident, end_us: int, known_us: int) -> Doubt:
    """What an incident makes doubtful at the close that ends at `end_us` and knew what was learned before `known_us`.

    Data that are missing or surplus touch a close where they lie in the periods it judges, for a fifth of one at
    least, and had not been made good by then. A changed definition touches it where its newest period began before
    the change.
    """
    if incident.filled_us is not None and incident.filled_us <= known_us:
        return Doubt()
    if incident.kind == "definition":
        changed = incident.until_us if incident.until_us is not None else incident.since_us
        if end_us - PERIOD_US[reading.grain] >= changed or reading.metrics().isdisjoint(incident.metrics):
            return Doubt()
        return Doubt(True, True, True, True)
    holds, clear = _moved(reading.condition, incident, end_us)
    calm, unrest = _moved(reading.clear, incident, end_us)
    for other in reading.alerts:
        theirs = doubt(other, incident, end_us, known_us)
        holds, clear = holds or theirs.holds, clear or theirs.clear
    return Doubt(holds, clear, calm, unrest)


def _moved(condition: tuple[Read, ...], incident: Incident, end_us: int) -> tuple[bool, bool]:
    """Whether it may have made a condition true, and false."""
    effects = BOTH if incident.effect == "any" else frozenset({incident.effect})
    touched = [
        read
        for read in condition
        if read.touched(incident.metrics, incident.since_us, incident.until_us, end_us)
        and not (read.valued and incident.kind in ("feed", "tracking"))
    ]
    return (
        any(not read.true_by.isdisjoint(effects) for read in touched),
        any(not read.false_by.isdisjoint(effects) for read in touched),
    )


def touches(reading: Reading, incident: Incident) -> bool:
    """Whether a signal reads what an incident is about in a way that it could open or close by it, at some close."""
    if reading.metrics().isdisjoint(incident.metrics):
        return False
    if incident.kind == "definition":
        return True
    whole = Incident(incident.number, incident.kind, incident.effect, incident.metrics, -(2**62))
    return bool(doubt(reading, whole, 2**62, 2**62))
