"""The words a workspace knows: which phrases mean which metric, and what may be said of each metric."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beforehand.errors import InputError

if TYPE_CHECKING:
    from beforehand.workspace.spec import MetricSpec

# Facts of these tables are never taken back by a new version of the same id.
ONCE_ONLY = frozenset({"events", "messages", "surveys", "touches", "outcomes"})
COUNTED = frozenset({"count", "people", "distinct"})
LASTING = frozenset({"mean", "share", "last"})
ANY_AGGREGATE = "count"
IMPLIED: dict[str, tuple[str, tuple[str, ...]]] = {
    "all events": ("events", ()),
    "all tickets": ("tickets", ("tickets", "support tickets")),
    "all messages": ("messages", ("messages",)),
    "all invoices": ("invoices", ("invoices",)),
    "all touches": ("touches", ("contact from us", "contacts from us")),
    "all tones": ("tones", ()),
}
"""Metrics the language names by itself: the rows of a table, and phrases for them where a workspace has none."""
# What was done, said as a verb: `primary admin has not logged in`.
VERBS = {"logins": ("logged in", "log in"), "sign-ins": ("signed in", "sign in"), "signins": ("signed in",)}


@dataclass(frozen=True)
class Vocabulary:
    """Phrases and metrics as the grammar needs them; `open_words` takes any words before a comparison as a metric.

    `phrases` maps each lower-case phrase to a metric; `aggregates`, `names` and `says` (the phrase a sentence is
    written with) are by metric, as are `out_of`, the trait that a percentage is taken of, and `tables`, the fact table
    it reads. `growing` are the metrics that further facts can only raise; `whole` is, by table, the metric of all rows.
    """

    phrases: Mapping[str, str] = field(default_factory=dict)
    aggregates: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    says: Mapping[str, str] = field(default_factory=dict)
    growing: frozenset[str] = frozenset()
    out_of: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    whole: Mapping[str, str] = field(default_factory=dict)
    signals: frozenset[str] = frozenset()
    open_words: bool = False

    @classmethod
    def of(cls, metrics: Mapping[str, MetricSpec], signals: Iterable[str] = ()) -> Vocabulary:
        """The vocabulary of a workspace; InputError where two metrics claim one phrase."""
        phrases: dict[str, str] = {}
        for metric, spec in metrics.items():
            for phrase in (*spec.says, spec.name or "", metric.replace("_", " ").replace("-", " "), metric):
                said = tidy(phrase)
                if not said:
                    continue
                other = phrases.setdefault(said, metric)
                if other != metric:
                    raise InputError(
                        f"Both {other} and {metric} are called {said!r}.",
                        "A phrase means one metric: change one of the two `says:`.",
                        code="phrase-taken",
                    )
        whole, implied = whole_of(metrics), implied_by(metrics)
        more = {said: m for m in implied for said in (m, *IMPLIED[m][1]) if said not in phrases}
        more |= {said: whole[table] for table, words in IMPLIED.values() if table in whole for said in words}
        return cls(
            phrases=_with_forms(phrases, more),
            aggregates={metric: spec.aggregate for metric, spec in metrics.items()} | dict.fromkeys(implied, "count"),
            tables={metric: spec.table for metric, spec in metrics.items()} | implied,
            whole={table: metric for metric, table in implied.items()} | whole,
            names={metric: spec.name or metric.replace("_", " ") for metric, spec in metrics.items()},
            says={metric: tidy(spec.says[0] if spec.says else spec.name or metric) for metric, spec in metrics.items()},
            growing=frozenset(implied) | {metric for metric, spec in metrics.items() if _only_grows(spec)},
            out_of={metric: spec.out_of for metric, spec in metrics.items() if spec.out_of},
            signals=frozenset(signals),
        )

    @classmethod
    def anything(cls, aggregate: str = ANY_AGGREGATE) -> Vocabulary:
        """The vocabulary without a workspace: whatever stands before the comparison is the metric, of one aggregate."""
        whole = {table: table for table, _ in IMPLIED.values()}
        return cls(aggregates=_Always(aggregate), whole=whole, open_words=True)

    @property
    def counted(self) -> frozenset[str]:
        """The metrics that are whole numbers of things: rows or people."""
        return frozenset(metric for metric, aggregate in self.aggregates.items() if aggregate in COUNTED)

    @property
    def lasting(self) -> frozenset[str]:
        """The metrics that are values: a mean, a share, what was last."""
        return frozenset(metric for metric, aggregate in self.aggregates.items() if aggregate in LASTING)

    def is_counted(self, metric: str) -> bool:
        """Whether a metric is a whole number of things: rows or people."""
        return self.aggregates.get(metric) in COUNTED

    def name(self, metric: str) -> str:
        """How a metric is shown."""
        return self.names.get(metric, metric)

    def phrase(self, metric: str) -> str:
        """How a sentence writes a metric."""
        return self.says.get(metric, metric)

    def metric(self, phrase: str) -> str:
        """The metric a phrase found by the grammar means."""
        said = tidy(phrase)
        return said if self.open_words else self.phrases[said]


def whole_of(metrics: Mapping[str, MetricSpec]) -> dict[str, str]:
    """The metric that counts all rows of a table, by table, where there is one."""
    own = {name for name, spec in metrics.items() if spec.aggregate == "count" and not (spec.where or spec.event)}
    return {metrics[name].table: name for name in sorted(own, reverse=True)}


def implied_by(metrics: Mapping[str, MetricSpec]) -> dict[str, str]:
    """The metrics that the language has beside those of a workspace, each with the table whose rows it counts."""
    whole = whole_of(metrics)
    return {name: table for name, (table, _) in IMPLIED.items() if table not in whole and name not in metrics}


class _Always(dict[str, str]):
    """The one aggregate of every metric, for words that no workspace defined."""

    def __init__(self, aggregate: str) -> None:
        super().__init__()
        self.aggregate = aggregate

    def get(self, key: object, default: object = None) -> str:
        return self.aggregate


def tidy(phrase: str) -> str:
    """A phrase as it is compared: lower case, single spaces."""
    return " ".join(phrase.lower().split())


def _with_forms(declared: Mapping[str, str], implied: Mapping[str, str]) -> dict[str, str]:
    """Adds the singular or plural of each last word (`no login for 14 days`) and what was done as a verb.

    A phrase that is declared is never another; what the language implies gives way to all others.
    """
    more: dict[str, str] = {}
    for phrase, metric in (*declared.items(), *implied.items()):
        if phrase.endswith("s") and not phrase.endswith("ss"):
            more.setdefault(phrase[:-1], metric)
        elif phrase[-1].isalpha() and not phrase.endswith("ss"):
            more.setdefault(phrase + "s", metric)
        for verb in VERBS.get(phrase, ()):
            more.setdefault(verb, metric)
    return dict(implied) | more | dict(declared)


def _only_grows(spec: MetricSpec) -> bool:
    """Whether further facts can only raise the metric.

    Rows of tickets, subscriptions and invoices get new versions; a `where:` may stop being true of them. A sum grows
    where its condition says that what is added is not negative (`where: amount >= 0`).
    """
    if spec.aggregate in COUNTED:
        return spec.table in ONCE_ONLY or spec.where is None
    if spec.aggregate == "sum" and spec.table in ONCE_ONLY and spec.of and spec.where:
        terms = re.split(r"\s+and\s+", spec.where, flags=re.IGNORECASE)
        plain = not re.search(r"\b(or|not|case)\b", spec.where, re.IGNORECASE)
        return plain and any(re.fullmatch(re.escape(spec.of) + r"\s*>=?\s*0+(\.0*)?", t.strip()) for t in terms)
    return False
