"""What the panel cannot count, and why: asked where sentences are checked, and again before anything is counted.

Pure: imports no engine, so that `check` can call it.
"""

from __future__ import annotations

from collections.abc import Mapping

from beforehand.errors import InputError
from beforehand.signals.tree import (
    AmongLast,
    BackAndForth,
    Made,
    Mentions,
    NewVoice,
    Overdue,
    Quantity,
    Shifted,
    SubjectKind,
    Turned,
    Waiting,
    Without,
)
from beforehand.workspace.spec import MetricSpec

NOBODYS = frozenset({"subscriptions", "invoices", "outcomes", "moods"})
"""Tables whose rows are of an account, and of nobody at it."""
OF_TICKETS = ("ticket", "issue")
MADE_FROM: dict[type, tuple[str, ...]] = {
    Waiting: ("tickets",),
    Turned: ("tickets",),
    Overdue: ("invoices",),
    Mentions: ("messages", "tickets", "surveys"),
    Shifted: ("tones",),
    AmongLast: ("tones",),
    NewVoice: ("tones",),
}
"""The tables that facts of a kind are made from; others are made from any."""
_SAID: dict[type, str] = {
    Waiting: "What waits",
    Turned: "What is opened again or given to somebody else",
    Overdue: "What is overdue",
    Mentions: "What customers mention",
    Shifted: "A shift of tone",
    AmongLast: "So many of the last messages",
    NewVoice: "A new voice",
}


def why_not(quantity: Quantity, kind: SubjectKind, metrics: Mapping[str, MetricSpec]) -> InputError | None:
    """Why a quantity cannot be counted of subjects of a kind; None where it can, or where its metric is not defined."""
    spec = metrics.get(quantity.metric)
    if spec is None:
        return None
    named = f"{quantity.metric!r}"
    for refused in (
        _made(quantity.made, spec, metrics, named) if quantity.made is not None else None,
        _subject(quantity, kind, spec, named),
        _role(quantity, kind, spec, named) if quantity.role is not None else None,
        _standing(quantity, spec, named) if quantity.standing else None,
    ):
        if refused is not None:
            return refused
    return None


def _made(made: Made, spec: MetricSpec, metrics: Mapping[str, MetricSpec], named: str) -> InputError | None:
    tables = MADE_FROM.get(type(made), (spec.table,))
    if spec.table not in tables:
        listed = " or ".join(tables)
        return _refused(
            f"{_SAID[type(made)]} is found among {listed}, and {named} is over {spec.table}.",
            f"Name a metric over {listed}.",
        )
    if spec.aggregate not in ("count", "people"):
        return _refused(
            f"{named} is a {spec.aggregate}, and facts made from it have no such thing: they are counted.",
            f"Name a metric that counts {spec.table}.",
        )
    other = made.then if isinstance(made, Without) else made.other if isinstance(made, BackAndForth) else None
    second = metrics.get(other) if other is not None else None
    if second is not None and second.table != spec.table:
        return _refused(
            f"{other!r} is over {second.table}, and {named} over {spec.table}: one cannot follow the other.",
            "Both must be metrics over one table.",
        )
    return None


def _subject(quantity: Quantity, kind: SubjectKind, spec: MetricSpec, named: str) -> InputError | None:
    table = spec.table
    if kind == "person" and table in NOBODYS:
        said = f"{named} is over {table}, which are of accounts and not of people."
        return _refused(said, "Leave `for each person` out.")
    if kind in OF_TICKETS and table != "tickets" and (kind, table) != ("ticket", "tensions"):
        return _refused(
            f"A sentence about {kind}s reads tickets, and {named} is over {table}.", "Name a metric over tickets."
        )
    if kind in OF_TICKETS and quantity.per_active:
        return _refused(f"Who is active is not known by {kind}.", "Leave `per active person` out.")
    if kind == "feature" and (table != "events" or quantity.made is not None):
        what = f"is over {table}" if table != "events" else "counts facts made from events, which have none"
        return _refused(
            f"A sentence about features reads events that name one, and {named} {what}.",
            "Name a metric over events, counted as they are.",
        )
    return None


def _role(quantity: Quantity, kind: SubjectKind, spec: MetricSpec, named: str) -> InputError | None:
    if spec.table in NOBODYS:
        return _refused(
            f"{named} is over {spec.table}, which are of accounts: nobody of a role is behind them.",
            f"Leave `by {quantity.role}s` out.",
        )
    if kind not in ("account", "person"):
        return _refused(f"What a role did is not counted by {kind}.", "Ask it of accounts or people.")
    if spec.aggregate in ("last", "distinct"):
        return _refused(
            f"{named} is a {spec.aggregate} value, which those who hold a role do not have together.",
            "Name a metric that counts, adds up or averages.",
        )
    return None


def _standing(quantity: Quantity, spec: MetricSpec, named: str) -> InputError | None:
    if spec.aggregate == "last":
        return _refused(f"{named} is a last value, which does not add up.", "Ask for the value itself.")
    if quantity.rolling_days is not None:
        return _refused("What stands is not counted over a number of days.", "Leave the days out.")
    return None


def _refused(message: str, hint: str) -> InputError:
    return InputError(message, hint, code="cannot-be-counted")
