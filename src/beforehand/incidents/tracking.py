"""Events that vanish while the rest of their feed goes on, and those that appear in their place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from beforehand.incidents.pulse import Pulse
from beforehand.incidents.silence import Silence, silences

REACH = 0.5
"""An event that this share of the active accounts used is one that most used."""
NEAR_HOURS = 48
"""What appears so near to where another event stopped may be its new name."""
LIKE = (0.4, 2.5)
"""And comes about as often."""
LEAST_BEFORE = 7 * 24
"""A name is new where the feed is older than it by so many hours."""


def rests(pulses: Mapping[str, Pulse]) -> dict[str, Pulse]:
    """All but each of several; nothing where there are fewer than two."""
    if len(pulses) < 2:
        return {}
    whole = Pulse.together(pulses.values())
    return {name: whole.without(pulse) for name, pulse in pulses.items()}


def vanished(
    pulses: Mapping[str, Pulse], rest: Mapping[str, Pulse], feed: list[Silence], at: int, back: int
) -> dict[str, list[Silence]]:
    """The silences of single events, by name, known at the hour `at`, but for those of their whole `feed`.

    `rest` is, by name, all but that event.
    """
    found = {}
    for name, pulse in pulses.items():
        own = silences(pulse, at, back, rest.get(name))
        left = [s for s in own if not any(covers((whole.since, whole.until), (s.since, s.until)) for whole in feed)]
        if left:
            found[name] = left
    return found


def in_its_place(pulses: Mapping[str, Pulse], name: str, since: int, at: int) -> str | None:
    """The event that began where `name` stopped and comes about as often since as that did, or None."""
    begun = min(pulse.first for pulse in pulses.values())
    old = pulses[name]
    span = max(1, at - since)
    length = min(28 * 24, since - old.first)
    if length < LEAST_BEFORE:
        return None
    usual = _counted(old, since - length, since) / length
    best: tuple[float, str] | None = None
    for other, pulse in pulses.items():
        if other == name or pulse.first - begun < LEAST_BEFORE or abs(pulse.first - since) > NEAR_HOURS:
            continue
        ratio = _counted(pulse, since, at) / span / max(usual, 1e-9)
        if LIKE[0] <= ratio <= LIKE[1]:
            best = min(filter(None, (best, (abs(float(np.log(ratio))), other))))
    return None if best is None else best[1]


def _counted(pulse: Pulse, since: int, until: int) -> int:
    low, high = max(0, since - pulse.first), max(0, until - pulse.first)
    return int(pulse.counts[low:high].sum())


def covers(whole: tuple[int, int | None], part: tuple[int, int | None]) -> bool:
    """Whether a silence of hours (since, until; None: not over) lies in another one, but for a little."""
    (since, until), (whole_since, whole_until) = part, whole
    if until is None:
        return whole_until is None and whole_since - since < NEAR_HOURS
    low, high = max(whole_since, since), until if whole_until is None else min(whole_until, until)
    return high - low >= (until - since) / 2
