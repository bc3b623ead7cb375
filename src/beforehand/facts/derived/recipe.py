"""What a table of made facts is made by: plain data, which a receipt keeps and a table is known by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo

from beforehand.calendar import BusinessTime
from beforehand.errors import InputError, among
from beforehand.facts.derived.phrases import phrases_of
from beforehand.facts.schema import COUNTABLE
from beforehand.signals.tree import (
    AmongLast,
    BackAndForth,
    Made,
    Mentions,
    NewVoice,
    Overdue,
    Shifted,
    Turned,
    Waiting,
    Without,
)

if TYPE_CHECKING:
    from beforehand.workspace.spec import MetricSpec, SettingsSpec

FORM = "1"
"""The form of the rows: a change of meaning is a new one, and all tables are made anew."""
TEXTS = {"messages": ("subject", "text"), "tickets": ("subject", "body"), "surveys": ("comment",)}
"""Where customers write: the tables that `Mentions` reads, and the columns of their words."""
_READS: dict[type[object], tuple[str, ...]] = {
    Mentions: tuple(TEXTS),
    Waiting: ("tickets",),
    Turned: ("tickets",),
    Overdue: ("invoices",),
    Shifted: ("tones",),
    AmongLast: ("tones",),
    NewVoice: ("tones",),
}
_KINDS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Made)}


@dataclass(frozen=True)
class Recipe:
    """How facts are made from the facts of `table`.

    `where`, `other` and `left_out` are conditions as people write them: of the metric, of the metric that a Without or
    a BackAndForth names besides, and of events that count nowhere. None: every row; for `left_out`, no row. `phrases`
    are those a Mentions looks for, its lists resolved. `time` is what business days are counted by; with `place`, the
    name of a trait, by the holidays of the country or place that an account's trait says.
    """

    made: Made
    table: str
    where: str | None = None
    other: str | None = None
    left_out: str | None = None
    phrases: tuple[str, ...] = ()
    time: BusinessTime | None = None
    place: str | None = None

    @cached_property
    def condition_sql(self) -> str:
        """The rows the facts are made from, as SQL that is true or false. InputError where a condition is not one."""
        return self._sql(self.where)

    @cached_property
    def other_sql(self) -> str:
        """The rows of the other metric, as SQL that is true or false; of kinds that have none: no row, or every one."""
        if isinstance(self.made, AmongLast | NewVoice):
            return "true"  # the person's other messages, among which the metric's are
        return self._sql(self.other) if isinstance(self.made, Without | BackAndForth) else "false"

    @property
    def versioned(self) -> bool:
        """Whether the facts it starts from have versions."""
        return COUNTABLE[self.table].versioned

    @cached_property
    def digest(self) -> str:
        """What a table made by this recipe is known by: the same for conditions that read the same."""
        parts = [FORM, self.table, self.condition_sql, self.other_sql, *self.as_json()["made"].items()]
        parts += [self.phrases, self.as_json().get("time"), self.place]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def _sql(self, text: str | None) -> str:
        from beforehand.panel import where

        parts = ["true" if text is None else f"coalesce({where.condition(text, self.table).sql('duckdb')}, false)"]
        if self.table == "events" and self.left_out is not None:
            parts.append(f"NOT coalesce({where.condition(self.left_out, 'events').sql('duckdb')}, false)")
        return " AND ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """The recipe as plain data, without what is empty."""
        found: dict[str, Any] = {"made": {"kind": type(self.made).__name__, **asdict(self.made)}, "table": self.table}
        for name in ("where", "other", "left_out", "phrases", "place"):
            if getattr(self, name):
                found[name] = getattr(self, name)
        if self.time is not None:
            found["time"] = {k: _plain(v) for k, v in vars(self.time).items()}
        return found

    def as_text(self) -> str:
        """The recipe as one line of JSON, which `from_text` reads back."""
        return json.dumps(self.as_json(), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Recipe:
        """The recipe kept as text; ValueError, KeyError or TypeError where it is none."""
        data = json.loads(text)
        made = dict(data["made"])
        kind = _KINDS[made.pop("kind")]
        data["made"] = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in made.items()})
        data["phrases"] = tuple(data.get("phrases", ()))
        if "time" in data:
            time = data["time"]
            lists = {"weekend": frozenset(time["weekend"]), "closed": tuple(time.get("closed", ()))}
            data["time"] = BusinessTime(**{**time, **lists, "zone": ZoneInfo(time["zone"])})
        return cls(**data)


def recipe_of(
    made: Made,
    metric: MetricSpec,
    metrics: Mapping[str, MetricSpec],
    settings: SettingsSpec,
    time: BusinessTime | None = None,
    place: str | None = None,
) -> Recipe:
    """The recipe of facts made from those of a metric of a workspace.

    `time`, and `place` with it, are for business days alone and ignored otherwise. InputError where the metric is of a
    table that such facts cannot be made from, or the other metric is not defined or of another table.
    """
    kind, table = type(made), metric.table
    reads = _READS.get(kind)
    if reads is not None and table not in reads:
        raise InputError(
            f"{_SAID[kind]} are made from {' or '.join(reads)}, and this metric counts {table}.",
            f"Name a metric over {' or '.join(reads)}.",
            code="wrong-table",
        )
    recipe = Recipe(made, table, metric.where, left_out=settings.exclude.events if table == "events" else None)
    if isinstance(made, Without | BackAndForth):
        named = made.then if isinstance(made, Without) else made.other
        other = metrics.get(named)
        if other is None:
            raise InputError(f"There is no metric {named!r}.", among(named, metrics), code="unknown-metric")
        if other.table != table:
            raise InputError(
                f"{named!r} counts {other.table}, and what it is to follow counts {table}.",
                "Both metrics must count rows of the same table.",
                code="wrong-table",
            )
        recipe = replace(recipe, other=other.where)
    if isinstance(made, Mentions):
        recipe = replace(recipe, phrases=phrases_of(made.words, settings.phrases))
    if isinstance(made, Waiting) and made.business:
        recipe = replace(recipe, time=time or BusinessTime(ZoneInfo(settings.zone)), place=place)
    return recipe


_SAID: dict[type[object], str] = {
    Mentions: "Mentions",
    Waiting: "Waiting tickets",
    Turned: "Tickets opened again or given to somebody else",
    Overdue: "Overdue invoices",
    Shifted: "Shifts of tone",
    AmongLast: "So many of the last messages",
    NewVoice: "New voices",
}


def _plain(value: Any) -> Any:
    if isinstance(value, ZoneInfo):
        return value.key
    return sorted(value) if isinstance(value, frozenset) else value
