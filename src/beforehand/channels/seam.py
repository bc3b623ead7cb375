"""The one seam of all channels: a message handed over once, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from beforehand.channels.message import Message


@dataclass(frozen=True)
class Handed:
    """What came of handing a message over.

    `sent`: the other side has taken it, and calls it `ref`. `retry`: it may take it later, not before `after_s`
    seconds where it says so. `refused`: it never will. `in doubt`: it was handed over and nobody said whether it was
    taken. `reason` is one word for a metric's label (`accepted`, `timeout`, `bad-address`, ...), `detail` what a
    person needs to know, without any secret.
    """

    state: Literal["sent", "retry", "refused", "in doubt"]
    reason: str
    detail: str = ""
    ref: str | None = None
    after_s: float | None = None


class Channel(Protocol):
    """A way out. It never retries, never sleeps longer than its timeout, and reads nothing but what it is given."""

    keyed: bool
    """Whether the other side knows `key`, so that handing over twice is told once."""

    def hand(self, message: Message, recipient: str, key: str, replaces: str | None = None) -> Handed:
        """Hands a message to a recipient; `replaces` is the `ref` of one sent before that this one takes the place of.

        Raises nothing for what the other side or the network does: that is what `Handed` is for.
        """
        ...
