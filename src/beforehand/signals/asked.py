"""What a condition asks for: its leaves, the quantities, traits and closes they read, and how far back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beforehand.calendar import DAY_US, HOUR_US, Grain
from beforehand.signals.dates import traits_read
from beforehand.signals.kinds import kind_of
from beforehand.signals.population import traits_in
from beforehand.signals.signal import Signal, names_in
from beforehand.signals.tree import (
    After,
    AlertOpen,
    All,
    Any,
    Due,
    Leaf,
    Named,
    Negation,
    Node,
    Peers,
    Quantity,
    Sentence,
    Spike,
    Then,
    Unless,
    parts_of,
)

FINENESS = tuple(Grain)
LONGEST_DAYS = {Grain.HOUR: 1, Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 31, Grain.QUARTER: 92}
LONGEST_US = {grain: days * DAY_US for grain, days in LONGEST_DAYS.items()} | {Grain.HOUR: HOUR_US}


def leaves(node: Node, named: Mapping[str, Signal] | None = None) -> Iterator[Leaf]:
    """Every leaf of a tree in the order it is written; those of named signals too where `named` is given."""
    match node:
        case Named():
            if named:
                yield from leaves(named[node.signal].sentence.condition, named)
        case All() | Any() | Then() | Unless() | After() | Negation():
            for part in parts_of(node):
                yield from leaves(part, named)
        case Due() | AlertOpen():
            return  # it reads no metric
        case _:
            yield node


def quantities_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> set[tuple[Quantity, Grain]]:
    """The quantities a sentence reads, each with its grain; of a signal, those of its clear sentence too."""
    return set(widths_of(read, named))


def widths_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> dict[tuple[Quantity, Grain], int]:
    """How many periods back each quantity is read at a close, the close's own included."""
    widths: dict[tuple[Quantity, Grain], int] = {}
    for sentence in sentences_of(read):
        for leaf in leaves(sentence.condition, named):
            reads = kind_of(leaf).reads(leaf)
            widths[reads] = max(widths.get(reads, 0), kind_of(leaf).width(leaf))
    return widths


def traits_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> set[str]:
    """The traits that a sentence reads, who it is about and its conditions; those of the signals it names too."""
    found: set[str] = set()
    for sentence in sentences_of(read):
        found |= traits_in(sentence.population) | set(traits_read(sentence.condition))
        for other in names_in(sentence.condition):
            if named:
                found |= traits_of(named[other].sentence, named)
    return found


def grain_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> Grain:
    """The grain a sentence is judged at: that of its finest member; a signal's is its condition's."""
    return node_grain((read.sentence if isinstance(read, Signal) else read).condition, named)


def sentences_of(read: Signal | Sentence) -> tuple[Sentence, ...]:
    """A sentence, or those of a signal."""
    if isinstance(read, Sentence):
        return (read,)
    return (read.sentence,) if read.clear is None else (read.sentence, read.clear)


def closes_of(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> set[Grain]:
    """Every grain at whose closes a part is judged, whether it reads a metric or not."""
    found: set[Grain] = set()
    for sentence in sentences_of(read):
        found |= _closes(sentence.condition, named)
    return found


def _closes(node: Node, named: Mapping[str, Signal] | None) -> set[Grain]:
    inner = (named[node.signal].sentence.condition,) if isinstance(node, Named) and named else parts_of(node)
    return set().union(*(_closes(part, named) for part in inner)) if inner else grains_in(node, named)


def reads_alerts(read: Signal | Sentence, named: Mapping[str, Signal]) -> bool:
    """Whether a condition asks for alerts of other signals, itself or through a signal it names."""
    return any(_reads_alerts(sentence.condition, named) for sentence in sentences_of(read))


def _reads_alerts(node: Node, named: Mapping[str, Signal]) -> bool:
    inner = (named[node.signal].sentence.condition,) if isinstance(node, Named) else parts_of(node)
    return isinstance(node, AlertOpen) or any(_reads_alerts(part, named) for part in inner)


def node_grain(node: Node, named: Mapping[str, Signal] | None = None) -> Grain:
    """The grain a node is judged at: the finest among those of its leaves."""
    return min(grains_in(node, named), key=FINENESS.index)


def grains_in(node: Node, named: Mapping[str, Signal] | None = None) -> set[Grain]:
    """The grains that decide when a node is judged; what `then` comes after does not. None of named signals alone
    where `named` is not given.
    """
    match node:
        case Named():
            return grains_in(named[node.signal].sentence.condition, named) if named else set()
        case Then(then=then):
            return grains_in(then, named)
        case All() | Any() | Unless() | After() | Negation():
            return set().union(*(grains_in(part, named) for part in parts_of(node)))
        case Due() | AlertOpen():
            return {Grain.DAY}
        case _:
            return {kind_of(node).reads(node)[1]}


def lookback_days(read: Signal | Sentence, named: Mapping[str, Signal] | None = None) -> int:
    """How many days of closes before the one judged are looked at: coarser members, `clear:`, and `within`.

    A live check that asks for the closes of so many days back gets the verdicts a backtest gets.
    """
    finest = grain_of(read, named)
    return max(_lookback(sentence.condition, finest, named) for sentence in sentences_of(read))


def _lookback(node: Node, finest: Grain, named: Mapping[str, Signal] | None) -> int:
    match node:
        case Named():
            return _lookback(named[node.signal].sentence.condition, finest, named) if named else 0
        case All(parts=parts, within_days=days):
            back = max(_lookback(part, finest, named) for part in parts)
            return back if days is None else back + days + LONGEST_DAYS[finest]
        case Then(first=first, then=then, within_days=days):
            own = node_grain(node, named)
            before = _lookback(first, own, named) + days + LONGEST_DAYS[own]
            carried = 0 if own is finest else LONGEST_DAYS[own] + 1
            return carried + max(before, _lookback(then, own, named))
        case Any() | Unless() | After() | Negation():
            return max(_lookback(part, finest, named) for part in parts_of(node))
        case _:
            own = node_grain(node)
            # Each period of a streak of spikes, or beside peers, is held against the threshold of its own close.
            run = -(-(node.streak.of - 1) * LONGEST_US[own] // DAY_US) if isinstance(node, Spike | Peers) else 0
            return int(run) + (0 if own is finest else LONGEST_DAYS[own] + 1)
