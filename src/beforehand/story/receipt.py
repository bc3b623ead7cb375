"""Receipts: what proves a number in a story.

A receipt is a question about facts, the moment up to which facts were known, and the answer it had then. It is plain
data: it is kept with the alert as JSON, and `facts.receipts` can ask it again years later. Nothing here reads a
database.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Aggregate = Literal["count", "sum", "mean", "share", "last", "people", "distinct", "trait", "first", "latest", "row"]
Value = float | str | None


@dataclass(frozen=True)
class Query:
    """One question about the facts of one table, answered once per period.

    `edges_us` are the n + 1 boundaries (UTC microseconds, ascending) of n periods that touch; value i covers
    `[edges_us[i], edges_us[i + span])`, so a rolling 30 days over days has `span` 30 and n - 29 values.

    `accounts` are raw node keys (all those that were merged into one account when the receipt was taken); `others`
    turns them around: every account but these, which is how a feed is shown to have been alive. `members` narrows to
    people: (account node, slot) pairs; empty means everybody.

    Aggregates, as metrics define them: count (with `sign`), sum, mean and share (None where no row), people (distinct),
    distinct (values of `of`), last (the newest value of `of` known in or before the period; looks back before the first
    edge). And those of stories: `trait`, the value of the dated trait `of` at the end of each period, with `table`
    "traits"; `first` and `latest`, the `occurred_at` (UTC microseconds) of the oldest and newest row in the period,
    None where there is none; `row`, the columns that `of` lists of the newest version of the row that `key` names, in
    place of a value per period.

    `of` and `where` are the snippets of the metric, as written. `per_active` divides by the distinct people with an
    event in the period, None where nobody was active. `made` are the facts that are counted in the place of the
    table's own, as the JSON text of a recipe (`facts.derived`); `standing` adds up all that came before the first edge
    and in the periods since. `key` narrows to one ticket, issue or feature: a column or property, and its value. `like`
    asks about accounts alike instead (`story.peers`): what they share with this one, as names and values.

    `exclusions` is the digest of the exclusion rules in force; where the rules have changed, the question can no longer
    be asked and the receipt does not verify. `name` and `grain` only serve to say the question in words.
    """

    table: str
    aggregate: Aggregate
    edges_us: tuple[int, ...]
    accounts: tuple[int, ...] = ()
    members: tuple[tuple[int, int], ...] = ()
    others: bool = False
    of: str | None = None
    where: str | None = None
    per_active: bool = False
    span: int = 1
    exclusions: str = ""
    name: str = ""
    grain: str = ""
    made: str = ""
    standing: bool = False
    key: tuple[str, ...] = ()
    like: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.span < 1 or len(self.edges_us) <= self.span:
            raise ValueError(f"{len(self.edges_us)} edges hold no span of {self.span} periods")
        if any(later <= earlier for earlier, later in zip(self.edges_us, self.edges_us[1:], strict=False)):
            raise ValueError("the edges of periods ascend")

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """What each value covers: half-open pairs of UTC microseconds."""
        return tuple(zip(self.edges_us, self.edges_us[self.span :], strict=False))

    def as_json(self) -> dict[str, Any]:
        """The question as plain data, without what is empty."""
        kept = {k: v for k, v in vars(self).items() if v not in (None, "", (), False) and not (k == "span" and v == 1)}
        return {
            k: [list(x) if isinstance(x, tuple) else x for x in v] if isinstance(v, tuple) else v
            for k, v in kept.items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Query:
        """The question kept as plain data; ValueError or TypeError where it is none."""
        read = dict(data)
        read["edges_us"] = tuple(int(x) for x in read["edges_us"])
        read["accounts"] = tuple(int(x) for x in read.get("accounts", ()))
        read["members"] = tuple((int(a), int(m)) for a, m in read.get("members", ()))
        read["key"] = tuple(str(x) for x in read.get("key", ()))
        read["like"] = tuple((str(name), str(value)) for name, value in read.get("like", ()))
        return cls(**read)


@dataclass(frozen=True)
class Receipt:
    """A question, the moment up to which facts were known (`learned_at` < `known_us`), and the answer.

    `values` has one entry per span (None: not known). `count` is how many rows answered it, `digest` the hex digest
    of those rows (source, id, times, sign and the values read; for what others did, of how many of each account and
    when), the same in whatever order they are stored, and
    `samples` the ids of a few of them, oldest first. For silence the count is 0 and the digest that of nothing.
    """

    query: Query
    known_us: int
    values: tuple[Value, ...]
    count: int
    digest: str
    samples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # NaN has no place in JSON and is not equal to itself: not known is None, here and in the store.
        if any(isinstance(v, float) and not math.isfinite(v) for v in self.values):
            object.__setattr__(self, "values", tuple(_known(v) for v in self.values))

    @property
    def value(self) -> Value:
        """The last value, which for a question about one period is the only one."""
        return self.values[-1] if self.values else None

    @property
    def numbers(self) -> tuple[float | None, ...]:
        """The values as numbers; text is not one and reads as None."""
        return tuple(float(v) if isinstance(v, int | float) else None for v in self.values)

    def as_json(self) -> dict[str, Any]:
        """The receipt as plain data for the store and for `show --receipts --json`."""
        return {
            "query": self.query.as_json(),
            "known_us": self.known_us,
            "values": list(self.values),
            "count": self.count,
            "digest": self.digest,
            "samples": list(self.samples),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Receipt:
        """The receipt kept as plain data."""
        return cls(
            Query.from_json(data["query"]),
            int(data["known_us"]),
            tuple(data["values"]),
            int(data["count"]),
            str(data["digest"]),
            tuple(data.get("samples", ())),
        )


def _known(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value
