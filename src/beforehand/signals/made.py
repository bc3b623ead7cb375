"""The table of facts made from facts: for each way, its rule, its words, its heading and an example."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from beforehand.calendar import DAY_US, HOUR_US
from beforehand.signals import tree as t
from beforehand.signals.vocabulary import Vocabulary

Made_ = TypeVar("Made_")
UNITS = ((DAY_US, "day"), (HOUR_US, "hour"), (60_000_000, "minute"), (1_000_000, "second"))
PLAIN_WORD = re.compile(r"[^\W\d_][\w-]*")


@dataclass(frozen=True)
class Way(Generic[Made_]):
    """One way to make facts.

    `say` writes the canonical words for what is counted, from the metric's phrase; `tell` names it in plain words, from
    the metric's name; `rule` is its rule of the grammar, `anchor` its heading in docs/explanation/sentences.md.
    """

    made: type[Made_]
    rule: str
    say: Callable[[Made_, str, Vocabulary], str]
    tell: Callable[[Made_, str, Vocabulary], str]
    anchor: str
    example: str


def length(us: int) -> str:
    """`1 hour`, `90 minutes`: a time in its largest whole unit."""
    size, unit = next((size, unit) for size, unit in UNITS if us % size == 0 or size == 1_000_000)
    number = us // size if us % size == 0 else us / size
    return f"{number} {unit}" + ("" if number == 1 else "s")


def quoted(text: str) -> str:
    """A text in the quotes that it does not have itself."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def listed(words: tuple[str, ...]) -> str:
    """`cancel, competitor or price`; what is not one plain word stands in quotes."""
    said = [word if PLAIN_WORD.fullmatch(word) and len(words) == 1 else quoted(word) for word in words]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


def _say_mentions(made: t.Mentions, phrase: str, vocabulary: Vocabulary) -> str:
    return f"{phrase} mention {', '.join(quoted(word) for word in made.words)}"


def _days(made: t.Waiting) -> str:
    return f"{made.days} {'business ' if made.business else ''}days"


WAYS: tuple[Way[Any], ...] = (
    Way(
        t.Without,
        "without",
        say=lambda made, phrase, vocabulary: (
            f"{phrase} without {vocabulary.phrase(made.then)} within {length(made.within_us)}"
        ),
        tell=lambda made, name, vocabulary: (
            f"{name} that no {_low(vocabulary.name(made.then))} of the same person (or account, where no person is "
            f"known) followed within {length(made.within_us)}"
        ),
        anchor="workflows",
        example="export started without export finished within 1 hour, 3 times in 7 days",
    ),
    Way(
        t.Repeated,
        "repeated",
        say=lambda made, phrase, _: f"{phrase} repeated {made.times} times within {length(made.within_us)}",
        tell=lambda made, name, _: f"times that one person came to {made.times} {name} within {length(made.within_us)}",
        anchor="workflows",
        example="setup step repeated 3 times within 1 hour",
    ),
    Way(
        t.BackAndForth,
        "back_and_forth",
        say=lambda made, phrase, vocabulary: (
            f"back and forth between {phrase} and {vocabulary.phrase(made.other)} within {length(made.within_us)}"
        ),
        tell=lambda made, name, vocabulary: (
            f"times that one person went from {name} to {_low(vocabulary.name(made.other))} and back within "
            f"{length(made.within_us)}"
        ),
        anchor="workflows",
        example="back and forth between settings page and report page within 10 minutes, 2 times in 7 days",
    ),
    Way(
        t.Mentions,
        "mentions",
        say=_say_mentions,
        tell=lambda made, name, _: f"{name} in which a customer mentions {listed(made.words)}",
        anchor="mentions",
        example="customer mentions cancel, competitor or price",
    ),
    Way(
        t.Waiting,
        "waiting",
        say=lambda made, phrase, _: f"{phrase} open more than {_days(made)}",
        tell=lambda made, name, _: f"{name} that have been open for more than {_days(made)}",
        anchor="tickets-and-invoices",
        example="urgent ticket open more than 2 business days",
    ),
    Way(
        t.Overdue,
        "overdue",
        say=lambda made, phrase, _: f"{phrase} overdue by more than {made.days} days",
        tell=lambda made, name, _: f"{name} that were due more than {made.days} days ago and are not paid",
        anchor="tickets-and-invoices",
        example="invoice more than 60 days overdue",
    ),
    Way(
        t.Turned,
        "turned",
        say=lambda made, phrase, _: f"{phrase} {made.turn}",
        tell=lambda made, name, _: (
            f"times that {name} were " + ("opened again" if made.turn == "reopened" else "given to somebody else")
        ),
        anchor="tickets-and-invoices",
        example="ticket reopened twice in 30 days",
    ),
    Way(
        t.Shifted,
        "shifted",
        say=lambda made, phrase, _: f"tone shifts to {made.to}",
        tell=lambda made, name, _: (
            "messages of a person whose tone has turned "
            + ("terse, and was warm before" if made.to == "terse" else "warm, and was terse before")
        ),
        anchor="tone",
        example="tone shifts from warm to terse",
    ),
    Way(
        t.AmongLast,
        "among_last",
        say=lambda made, phrase, _: f"{phrase} in {made.need} of the last {made.of} messages",
        tell=lambda made, name, _: f"{name} of a person of whose last {made.of} messages at least {made.need} are such",
        anchor="tone",
        example="frustration in 3 of the last 5 messages",
    ),
    Way(
        t.NewVoice,
        "new_voice",
        say=lambda made, phrase, _: f"{phrase} from a new voice",
        tell=lambda made, name, _: f"{name} among the first three that a person ever wrote",
        anchor="tone",
        example="angry messages from a new voice",
    ),
)
BY_MADE: dict[type, Way[Any]] = {way.made: way for way in WAYS}


def say_counted(quantity: t.Quantity, vocabulary: Vocabulary) -> str:
    """What is counted, in canonical words: a metric, or the facts made from it."""
    phrase = vocabulary.phrase(quantity.metric)
    return BY_MADE[type(quantity.made)].say(quantity.made, phrase, vocabulary) if quantity.made else phrase


def tell_counted(quantity: t.Quantity, vocabulary: Vocabulary) -> str:
    """What is counted, in plain words."""
    name = _low(vocabulary.name(quantity.metric))
    said = BY_MADE[type(quantity.made)].tell(quantity.made, name, vocabulary) if quantity.made else name
    return said + (f" by anybody who is {quantity.role}" if quantity.role is not None else "")


def _low(name: str) -> str:
    # Only a word that is not an abbreviation loses its capital: `NPS` stays, `Logins` becomes `logins`.
    return name[:1].lower() + name[1:] if name[1:2].islower() else name
