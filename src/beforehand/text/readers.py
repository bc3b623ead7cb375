"""What reads the tone: one small interface for the base model, the encoder, and a team's own endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Negative and positive: a person would call the tone so; the others: it is heard.
OUTPUTS = ("negative", "positive", "frustration", "gratitude", "urgency")


class Weighed(NamedTuple):
    """A word of a text and what it added to the log-odds of a negative tone; `text[start:end]` is where it stands."""

    text: str
    start: int
    end: int
    weight: float


class Told(Protocol):
    """The words of each of `n` texts. A list is one; what makes them when they are asked for is one too."""

    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> Sequence[Weighed]: ...

    def __iter__(self) -> Iterator[Sequence[Weighed]]: ...


@dataclass(frozen=True)
class Readings:
    """How each of `n` texts sounds. `chances` is `[n, 5]`, 0 to 1, as OUTPUTS; NaN where the reader cannot say.

    `words` are by weight, the heaviest first, and may be made only when they are asked for. `rest` is what the log-odds
    of negative hold besides the words (the model's own base), so that rest and all words sum to them; NaN where the
    words were named without weights.
    """

    chances: Floats
    words: Told = field(repr=False)
    rest: Floats = field(repr=False)

    def __post_init__(self) -> None:
        shape = (len(self.words), len(OUTPUTS))
        if self.chances.shape != shape or self.rest.shape != shape[:1]:
            raise ValueError(f"readings of {self.chances.shape} and {self.rest.shape} for {len(self.words)} texts")

    def __len__(self) -> int:
        return len(self.words)

    @property
    def negative(self) -> Floats:
        """The chance that a person would call the tone negative."""
        return self.chances[:, 0]

    @classmethod
    def unread(cls, count: int) -> Readings:
        """Nothing known of `count` texts."""
        return cls(np.full((count, len(OUTPUTS)), np.nan), words=[()] * count, rest=np.full(count, np.nan))


class Reader(Protocol):
    """Reads texts that have been cleaned; the same text gives the same reading whatever stands beside it."""

    @property
    def name(self) -> str:
        """What it is called in settings and results."""
        ...

    @property
    def version(self) -> str:
        """A text that changes when its readings do."""
        ...

    @property
    def languages(self) -> frozenset[str] | None:
        """The ISO 639 codes it reads; None for any."""
        ...

    def read(self, texts: Sequence[str]) -> Readings:
        """How each text sounds, in order."""
        ...

    def knows(self, text: str) -> float:
        """The share of the words of a text that are common ones of its languages, 0 to 1; NaN where it cannot tell."""
        ...
