"""What a quantity is called in a sentence: `logins`, `exports without a report within 1 hour`, `urgent tickets open
more than 2 business days`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

from beforehand.signals.made import length
from beforehand.signals.tree import (
    AmongLast,
    BackAndForth,
    Made,
    Mentions,
    NewVoice,
    Overdue,
    Quantity,
    Repeated,
    Shifted,
    SubjectKind,
    Turned,
    Waiting,
    Without,
)
from beforehand.story import words

IRREGULAR = {"people", "persons", "staff", "children", "men", "women"}
SINGULAR_ENDINGS = ("ss", "us", "is")
STOPS = (" of ", " per ", " with ", " in ", " for ", " without ", " by ", " to ", " on ", " at ", " from ", " about ")
MADE: dict[str, Any] = {kind.__name__: kind for kind in get_args(Made)}
STANDING = (Waiting, Overdue)
"""Made facts that say by their own words what stands at a close."""


def called(quantity: Quantity, name: str, other: str = "") -> str:
    """The name in a sentence; `name` and `other` are those of its metrics."""
    said = _made(quantity.made, name, other)
    if quantity.standing and not isinstance(quantity.made, STANDING):
        said += " in all"
    if quantity.role is not None:
        said += f" by whoever is {quantity.role}"
    if quantity.per_active:
        said += " per active person"
    days = quantity.rolling_days
    return f"{said} in {words.counted(days, 'day')}" if days else said


def _made(made: Made | None, name: str, other: str) -> str:
    match made:
        case Without(within_us=within):
            return f"{name} without {other or made.then} within {length(within)}"
        case Repeated(times=times, within_us=within):
            return f"runs of {words.number(times)} {name} within {length(within)}"
        case BackAndForth(within_us=within):
            return f"times back and forth between {name} and {other or made.other} within {length(within)}"
        case Mentions(words=chosen):
            return f"mentions of {words.listed(chosen, 'or')}"
        case Waiting(days=days, business=business):
            return f"{name} open more than {words.counted(days, 'business day' if business else 'day')}"
        case Overdue(days=days):
            return f"{name} more than {words.counted(days, 'day')} overdue"
        case Turned(turn=turn):
            return f"{turn} {name}"
        case Shifted(to=to):
            return f"messages in a tone that has turned {to}"
        case AmongLast(need=need, of=of):
            return f"{name} that made {words.number(need)} of somebody's last {words.number(of)} messages"
        case NewVoice():
            return f"{name} from a new voice"
        case None:
            return name


def other_metric(made: Made | None) -> str | None:
    """The second metric that made facts name."""
    return made.then if isinstance(made, Without) else made.other if isinstance(made, BackAndForth) else None


def plural(quantity: Quantity, name: str) -> bool:
    """Whether the name takes `were`: heads that end in s do, as do people and staff."""
    if isinstance(quantity.made, Repeated | BackAndForth | Mentions | Shifted):
        return True
    head = name.lower()
    for stop in STOPS:
        head = head.split(stop)[0]
    last = head.split()[-1:] or [""]
    # What was done to them stands behind: exports started, invoices paid.
    if last[0].endswith("ed") and len(head.split()) > 1:
        last = head.split()[-2:-1]
    if not IRREGULAR.isdisjoint((last[0], *head.split()[:2])):
        return True
    return last[0].endswith("s") and not last[0].endswith(SINGULAR_ENDINGS)


def scoped(said: str, subject: SubjectKind, scope: str) -> str:
    """A quantity of the account, or of the person, ticket, issue or feature of it that is told of."""
    if not scope:
        return said
    match subject:
        case "ticket":
            return f"{said} of ticket {scope}"
        case "issue":
            return f"{said} about {scope}"
        case "feature":
            return f"{said} of the feature {scope}"
        case _:
            return f"{said} of {scope}"


def as_json(quantity: Quantity) -> dict[str, Any]:
    """The quantity as plain data; what is made says of which kind."""
    kept = asdict(quantity)
    if quantity.made is not None:
        kept["made"] = {"kind": type(quantity.made).__name__, **kept["made"]}
    return kept


def from_json(data: Mapping[str, Any]) -> Quantity:
    """The quantity kept as plain data; KeyError or TypeError where it is none."""
    read = dict(data)
    if read.get("made"):
        made = dict(read["made"])
        kind = MADE[made.pop("kind")]
        read["made"] = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in made.items()})
    return Quantity(**read)
