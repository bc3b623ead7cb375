"""Where the signals of a workspace hold: folder, facts and panel put together, shared by every command that judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import DAY_US, Grain, to_us
from beforehand.commands.opened import OpenAlerts, read_by, traced
from beforehand.commands.zones import Together
from beforehand.errors import InputError, among
from beforehand.signals import (
    Signal,
    closes_of,
    decided,
    grain_of,
    judge,
    kind_of,
    lookback_days,
    only_truer,
    quantities_of,
    reads_alerts,
    scores,
    traits_of,
    widths_of,
)
from beforehand.signals.numbers import Bool, Float, Int, Verdicts
from beforehand.signals.scoring import Key as ScoreKey
from beforehand.signals.tree import SubjectKind

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.panel import Sheet, Subjects
    from beforehand.store import Kept
    from beforehand.workspace import Folder

BLOCK = 2_000
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class SignalHistory:
    """What one signal said of every subject at every close asked for.

    `ends` are the ends of the periods judged (UTC microseconds, `[Q]`); an episode opens at end + `grace_us`.
    `verdicts` and `clears` are int8 `[n, Q]` (`clears` None where the signal has no clear sentence); `inside` says who
    was in the population and in life; `opened` are the alerts of others that it read, if it reads any. `thresholds`
    are what p-values were held against at each close, `[Q]`, by clause. Where periods are in the zone of each account,
    `ends` are when they have ended everywhere, and `zones` has the zone of each row.
    """

    signal: Signal
    subjects: Subjects
    grain: Grain
    grace_us: int
    ends: Int
    verdicts: Verdicts
    clears: Verdicts | None
    inside: Bool
    opened: OpenAlerts | None = None
    thresholds: Mapping[str, Float] = field(default_factory=dict)
    zones: tuple[ZoneInfo, ...] | None = None

    def zone_of(self, row: int) -> ZoneInfo | None:
        """The zone that the periods of a row are in, None for the workspace's."""
        return None if self.zones is None else self.zones[row]


def chosen(folder: Folder, names: Iterable[str] | None, *, off: bool = False) -> list[Signal]:
    """The signals named, or all that are not off; InputError with the nearest for a name there is none of."""
    if names is None:
        return [s for s in folder.signals.values() if off or s.mode != "off"]
    found = []
    for name in dict.fromkeys(names):
        if name not in folder.signals:
            raise InputError(f"There is no signal {name!r}.", among(name, folder.signals), code="unknown-signal")
        found.append(folder.signals[name])
    return found


def grace_of(signal: Signal, folder: Folder, facts: Facts) -> int:
    """How long after a period's end a signal waits, in microseconds: the largest grace of the sources it reads."""
    if not folder.settings.grace:
        return 0
    quantities = [quantity for quantity, _ in quantities_of(signal, folder.signals)]
    tables = {folder.metrics[quantity.metric].table for quantity in quantities}
    if any(quantity.per_active for quantity in quantities):
        tables.add("events")
    grace = folder.settings.grace
    waits = (grace[source] for table in sorted(tables) for source in facts.sources(table) if source in grace)
    return max((wait // MICROSECOND for wait in waits), default=0)


def judged(
    facts: Facts,
    folder: Folder,
    signals: Iterable[Signal],
    *,
    now_us: int,
    since_us: int | None = None,
    until_us: int | None = None,
    filling: bool = False,
    kept: Mapping[str, Kept] | None = None,
    seen: Callable[[Sheet, Sequence[Signal], int], None] | None = None,
) -> Iterator[SignalHistory]:
    """Judges signals at every close in `[since_us, until_us]` that `now_us` has reached, one history a signal.

    With `filling` only the period still filling is judged (one column, its end ahead of `now_us`), and only the
    signals that further facts can only make truer. The facts are counted once for all signals of one subject kind
    and grace; histories come one by one, so that a caller that lets go of them needs the memory of one.
    `kept` are thresholds of closes that have been judged before: they stay what they were. `seen` is shown each sheet
    of all subjects, with its signals and their grace, before it is let go.
    """
    from beforehand.panel import Panel

    # Signals of hours apart: what others look back would be very many closes for them.
    signals = list(signals)
    alerts: OpenAlerts | None = None
    readers = [signal for signal in signals if reads_alerts(signal, folder.signals)]
    if readers and not filling:
        others = {s.name: s for reader in readers for s in read_by(reader, folder.signals)}
        # From the beginning, however little is asked for: whether an alert is open follows from all before.
        alerts = traced(judged(facts, folder, others.values(), now_us=now_us, until_us=until_us))
    groups: dict[tuple[SubjectKind, int, bool, bool], list[Signal]] = {}
    for signal in signals:
        if not filling or only_truer(signal, folder.signals, folder.vocabulary):
            by_hour = grain_of(signal, folder.signals) is Grain.HOUR
            key = signal.subject, grace_of(signal, folder, facts), by_hour, signal.own_zone
            groups.setdefault(key, []).append(signal)
    panel = Panel(facts, folder)
    for (kind, grace_us, _, own_zone), members in groups.items():
        first_us = now_us if filling else since_us
        if first_us is not None:
            first_us -= max(lookback_days(s, folder.signals) for s in members) * DAY_US
        zones = panel.zones(now_us) if own_zone else {None: None}
        sheets = [
            panel.sheet(
                kind,
                set().union(*(quantities_of(s, folder.signals) for s in members)),
                set().union(*(traits_of(s, folder.signals) for s in members)),
                now_us=now_us,
                grace_us=grace_us,
                since_us=first_us,
                until_us=until_us,
                filling=filling,
                hours=max((_hours(s, folder) for s in members), default=0),
                grains=set().union(*(closes_of(s, folder.signals) for s in members)),
                zone=zone,
                accounts=accounts,
            )
            for zone, accounts in zones.items()
        ]
        laid = Together(sheets, tuple(zones) if own_zone else None)
        for signal in members:
            opened, held = alerts if signal in readers else None, (kept or {}).get(signal.name, {})
            yield _over_blocks(laid, signal, folder, grace_us, since_us, filling, opened, held)
        if seen is not None and not own_zone:  # the accounts of one zone are not all there are
            seen(sheets[0], members, grace_us)
        del sheets, laid  # their arrays, before the next group lays out its own


def _hours(signal: Signal, folder: Folder) -> int:
    """How many hours back a signal reads at a close, where it reads any by the hour."""
    widths = widths_of(signal, folder.signals)
    return max((width for (_, grain), width in widths.items() if grain is Grain.HOUR), default=0)


def _over_blocks(
    laid: Together,
    signal: Signal,
    folder: Folder,
    grace_us: int,
    since_us: int | None,
    filling: bool,
    alerts: OpenAlerts | None,
    kept: Kept,
) -> SignalHistory:
    blocks = laid.blocks(BLOCK)
    # What can only be decided over all subjects goes over the blocks first.
    scored = [scores(signal, numbers, folder.signals) for _, numbers in blocks]
    thresholds = decided(scored, filling=filling)
    clauses = {key: _clause(key, folder) for key in thresholds}
    for key, found in thresholds.items():
        closed = laid.ends(kind_of(key[1]).reads(key[1])[1])
        for end, threshold in kept.get(clauses[key], {}).items():
            found[closed == to_us(end)] = threshold
    parts = []
    for (accounts, numbers), own in zip(blocks, scored, strict=True):
        opened = None if alerts is None else alerts.of(accounts, grace_us)
        parts.append(
            judge(signal, numbers, folder.signals, filling=filling, opened=opened, scored=own, thresholds=thresholds)
        )
    grain = grain_of(signal.sentence, folder.signals)
    ends = laid.ends(grain)
    first = len(ends) - 1 if filling else 0 if since_us is None else int(np.searchsorted(ends, since_us))
    clears = [p.clears[:, first:] for p in parts if p.clears is not None]
    return SignalHistory(
        signal=signal,
        subjects=laid.subjects,
        grain=grain,
        grace_us=grace_us,
        ends=ends[first:],
        verdicts=laid.in_order([p.verdicts[:, first:] for p in parts]),
        clears=laid.in_order(clears) if clears else None,
        inside=laid.in_order([p.inside[:, first:] for p in parts]),
        opened=alerts,
        # A coarser part keeps the threshold of its last close, as it keeps its verdict.
        thresholds={clauses[key]: _at(ends, laid, key, found)[first:] for key, found in thresholds.items()},
        zones=laid.zones,
    )


def _clause(key: ScoreKey, folder: Folder) -> str:
    """What a clause with a threshold is known by, and the group of accounts alike that the threshold is of."""
    group = f" ({key[2]})" if key[2] else ""
    return f"{key[0]}: {kind_of(key[1]).say(key[1], folder.vocabulary)}{group}"


def _at(ends: Int, laid: Together, key: ScoreKey, found: Float) -> Float:
    own = laid.ends(kind_of(key[1]).reads(key[1])[1])
    last = np.searchsorted(own, ends, side="right") - 1
    if len(ends) == len(own):
        return found
    return np.where(last >= 0, found[last] if found.size else np.nan, np.nan)


def judge_all(
    facts: Facts,
    folder: Folder,
    names: Iterable[str] | None = None,
    *,
    now_us: int,
    since_us: int | None = None,
    until_us: int | None = None,
    filling: bool = False,
) -> dict[str, SignalHistory]:
    """The histories of the signals named (default: all that are not off), by name. See `judged`."""
    histories = judged(
        facts, folder, chosen(folder, names), now_us=now_us, since_us=since_us, until_us=until_us, filling=filling
    )
    return {history.signal.name: history for history in histories}
