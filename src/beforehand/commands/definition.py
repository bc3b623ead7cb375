"""What a signal means, as a digest: the same digest, the same question; another one, a signal switched on anew."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from beforehand.commands.opened import read_by
from beforehand.signals import quantities_of, reads_alerts
from beforehand.signals.signal import Signal, names_in
from beforehand.workspace.spec import CalendarSpec

if TYPE_CHECKING:
    from beforehand.workspace import Folder


BY_NAME = {"name", "says", "event", "of_event"}
"""Keys of a metric that do not decide what is counted by themselves: its events are in its conditions."""


def digest_of(signal: Signal, folder: Folder) -> str:
    """The digest of everything that decides where a signal opens and closes.

    The understood sentences (not how they were written), the delays, the signals it names, the metrics it reads, the
    zone and the calendar, what is excluded and how long is waited. Not the severity, the mode, the reason given or the
    cases.
    """
    parts = [*_meaning(signal, folder, set()), folder.settings.zone, repr(folder.settings.exclude)]
    parts += [repr(sorted(folder.settings.grace.items()))]
    parts += [repr(part) for part in _calendar(signal, folder) if part is not None]
    if reads_alerts(signal, folder.signals):
        for other in sorted(read_by(signal, folder.signals), key=lambda s: s.name):
            parts += [other.name, other.severity, *_meaning(other, folder, {signal.name})]
    metrics = sorted({quantity.metric for quantity, _ in quantities_of(signal, folder.signals)})
    parts += [f"{name}: {folder.metrics[name].model_dump(exclude=BY_NAME)!r}" for name in metrics]
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def _calendar(signal: Signal, folder: Folder) -> tuple[object, ...]:
    """What was set of the calendar; None for what is as it was before there was such a setting."""
    calendar, since = folder.settings.calendar, folder.settings.tracking_since
    return (
        calendar if calendar != CalendarSpec() else None,
        sorted(since.items()) if isinstance(since, dict) else since,
        "own zone" if signal.own_zone else None,
    )


def _meaning(signal: Signal, folder: Folder, seen: set[str]) -> list[str]:
    seen.add(signal.name)
    sentences = [s for s in (signal.sentence, signal.clear) if s is not None]
    parts = [repr((s.condition, s.subject, s.population)) for s in sentences]
    parts.append(repr((signal.delay_in, signal.delay_out, signal.clear is not None)))
    for name in sorted({name for s in sentences for name in names_in(s.condition)} - seen):
        parts += [name, *_meaning(folder.signals[name], folder, seen)]
    return parts
