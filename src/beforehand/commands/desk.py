"""Where receipts are taken for stories: equal questions are asked once, and alike ones together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beforehand.story import Query, Receipt

if TYPE_CHECKING:
    from beforehand.facts import Facts

Ask = tuple[Query, int]
"""A question, and the moment up to which facts were known (UTC microseconds)."""


@dataclass
class Desk:
    """Answers that were got so far; asking many questions at once is much quicker than one after the other."""

    facts: Facts
    taken: dict[Ask, Receipt] = field(default_factory=dict)

    def take(self, asks: Sequence[Ask]) -> list[Receipt]:
        """Receipts for questions, in their order."""
        from beforehand.facts import receipts

        new = list(dict.fromkeys(ask for ask in asks if ask not in self.taken))
        self.taken |= zip(new, receipts.take_all(self.facts, new), strict=True)
        return [self.taken[ask] for ask in asks]


def take_all(facts: Facts, asks: Sequence[Ask]) -> list[Receipt]:
    """Receipts for questions, in their order; equal ones are asked once."""
    return Desk(facts).take(asks)
