"""How warm an account is by all who write for it. Plain data in, plain data out.

Each person counts by their newest letter, with a weight of seniority times 2 ^ (-age / 30 days). The weights of a
moment have its date as a common factor, which a mean does not see: what is reckoned here leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from beforehand.calendar import DAY_US

HALVED_US = 30 * DAY_US
"""The age at which a letter counts half."""
FARTHEST = 1_000
"""Halvings (82 years): what is further away weighs no less or more."""
UNKNOWN = 1.0
"""The seniority of a role that is not listed, and of who has none."""


@dataclass(frozen=True)
class Letter:
    """A message that was read: whose voice it is, when it was written and learned (UTC microseconds), how warm it is;
    what it is called, and under which stored account and member."""

    voice: int
    at_us: int
    known_us: int
    warmth: float
    source: str = ""
    id: str = ""
    account: int = 0
    member: int | None = None


@dataclass(frozen=True)
class Said:
    """A role as it was told: when that was learned and from when on it holds (UTC microseconds); None: it always held
    and was always known. Without a `value`, that there is none."""

    known_us: int | None
    since_us: int | None
    value: str | None


@dataclass(frozen=True)
class Mood:
    """The warmth of an account, by how many people."""

    warmth: float
    people: int


Seniority = Callable[[int, int], float]
"""How senior a voice was, as known at a moment (UTC microseconds)."""


def seniority_of(said: Sequence[Said], at_us: int, weights: Mapping[str, float]) -> float:
    """How senior somebody is of whom all this was said in this order, as known at a moment.

    What holds from the latest time counts, of equal ones what arrived last. Of several roles, with commas between
    them, the one that weighs most counts.
    """
    newest: tuple[float, str | None] | None = None
    for one in said:
        if one.known_us is not None and one.known_us > at_us:
            continue
        since = float("-inf") if one.since_us is None else float(one.since_us)
        if since <= at_us and (newest is None or since >= newest[0]):
            newest = (since, one.value)
    roles = [role.strip().lower() for role in ((newest and newest[1]) or "").split(",")]
    return max((weights.get(role, UNKNOWN) for role in roles if role), default=UNKNOWN)


def path(letters: Sequence[Letter], seniority: Seniority) -> Iterator[tuple[Letter, Mood]]:
    """The mood of an account from each moment on at which a letter of it was learned, with the last of these letters.

    `letters` in the order in which they were learned. One that was written before the newest known of its voice changes
    nothing; neither does one of somebody without any weight. Linear in the letters.
    """
    newest: dict[int, int] = {}
    shares: dict[int, tuple[float, float]] = {}
    weight = total = 0.0
    for known_us, together in groupby(letters, key=lambda letter: letter.known_us):
        told: Letter | None = None
        for letter in together:
            if letter.at_us < newest.get(letter.voice, letter.at_us):
                continue
            newest[letter.voice] = letter.at_us
            before = shares.pop(letter.voice, (0.0, 0.0))
            after = _share(letter, seniority(letter.voice, known_us), letters[0].at_us)
            if after[0] > 0:
                shares[letter.voice] = after
                weight, total = weight - before[0] + after[0], total - before[1] + after[1]
            else:  # nothing heavier came in its place, so that what was lost in rounding would show
                weight, total = (sum(share[nth] for share in shares.values()) for nth in (0, 1))
            if before != after:
                told = letter
        if told is not None and shares:
            yield told, Mood(total / weight, len(shares))


def _share(letter: Letter, seniority: float, origin_us: int) -> tuple[float, float]:
    """What a letter weighs, with 1 for one written at the origin, and that times its warmth."""
    halvings = (letter.at_us - origin_us) / HALVED_US
    part = seniority * 2.0 ** max(-FARTHEST, min(FARTHEST, halvings))
    return part, part * letter.warmth


def pulled(letters: Iterable[Letter], seniority: Seniority, since_us: int) -> list[tuple[Letter, float]]:
    """Who pulled the mean down by what they wrote from a moment on: each one's newest letter, and by how much.

    By how much the mean is lower than it would be had that person not written since; who pulled most comes first, and
    who did not is left out. `letters` in the order in which they were learned, all of those that are known.
    """
    now: dict[int, Letter] = {}
    earlier: dict[int, Letter] = {}
    for letter in letters:
        for kept, counts in ((now, True), (earlier, letter.at_us < since_us)):
            if counts and (letter.voice not in kept or letter.at_us >= kept[letter.voice].at_us):
                kept[letter.voice] = letter
    if not now:
        return []
    newest = max(letter.at_us for letter in now.values())

    def share(letter: Letter) -> tuple[float, float]:
        return _share(letter, seniority(letter.voice, letter.known_us), newest)

    shares = {voice: share(letter) for voice, letter in now.items()}
    weight, total = (sum(own[nth] for own in shares.values()) for nth in (0, 1))
    found: list[tuple[Letter, float]] = []
    for voice, letter in now.items():
        if letter.at_us < since_us or not weight:
            continue
        before = share(earlier[voice]) if voice in earlier else (0.0, 0.0)
        other = weight - shares[voice][0] + before[0]
        # Alone, and new: there is no mean without them, and what they say is all there is.
        without = (total - shares[voice][1] + before[1]) / other if other > 1e-12 * weight else 0.0
        if (down := without - total / weight) > 0:
            found.append((letter, down))
    return sorted(found, key=lambda pair: (-pair[1], pair[0].id))
