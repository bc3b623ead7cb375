"""Days that traits name, and numbers of traits that metrics are held against, as they were known at each close."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from beforehand.calendar import DAY_US, Grain
from beforehand.signals.judges import all_of
from beforehand.signals.numbers import CLEAR, HOLDS, UNSURE, Float, Numbers, Verdicts
from beforehand.signals.peers import traits_alike
from beforehand.signals.tree import After, AlertOpen, Due, Level, Milestone, Named, Node, Peers, parts_of

if TYPE_CHECKING:
    from beforehand.signals.signal import Signal

RENEWAL = ("renewal_on", "renews_on", "renewal_date", "renewal_at", "renewal")
BEGUN = ("contract_start", "contract_started_on", "contract_started_at", "contract_start_at", "started_at")
SIGNUP = "signup"
DAYS: dict[str, tuple[str, ...]] = {"renewal": RENEWAL, "contract start": BEGUN, SIGNUP: ("age",)}
"""What a sentence calls a day, and the traits that may hold it, the first that is known for a subject counts."""
WORDS = (
    (re.compile(r"renew", re.IGNORECASE), "renewal"),
    (re.compile(r"contract", re.IGNORECASE), "contract start"),
    (re.compile(r"sign|registr", re.IGNORECASE), SIGNUP),
)
EARLIEST, LATEST = 3_650, 73_000  # days since 1970: a trait that is no day in 1980 to 2169 names none


def say_alert(least: str) -> str:
    """`any high alert open`."""
    return "any alert open" if least == "low" else f"any {least} alert open"


def called(words: str) -> str:
    """The name of a day in a tree, from the words of a sentence: `sign-up` is `signup`."""
    return next((name for pattern, name in WORDS if pattern.search(words)), words)


def traits_of_date(date: str) -> tuple[str, ...]:
    """The traits that may hold a day; a name that is none of the language is a trait itself."""
    return DAYS.get(date, (date,))


def traits_read(node: Node) -> Iterator[str]:
    """The traits that the conditions of a tree read."""
    match node:
        case Due(date=date) | After(date=date):
            yield from traits_of_date(date)
        case Level(of=str() as trait):
            yield trait
        case Peers(like=like):
            yield from traits_alike(like)
        case Milestone(date=date, days=days, like=like):
            yield from traits_of_date(date)
            if days is None:
                yield from traits_alike(like)
    for part in parts_of(node):
        yield from traits_read(part)


Read = Literal["day", "number", "alert", "bound"]


def bound_name(leaf: Peers | Milestone) -> str:
    """What `cases:` calls the bound that others set: `peers of logins`, `slowest of reports`."""
    return f"{'peers' if isinstance(leaf, Peers) else 'slowest'} of {leaf.quantity.metric}".lower()


def names_read(node: Node, named: Mapping[str, Signal]) -> Iterator[tuple[str, Read]]:
    """What a sentence calls the days, numbers, alerts and bounds of others that its conditions read, beside metrics."""
    match node:
        case Named():
            yield from names_read(named[node.signal].sentence.condition, named)
        case Due(date=date) | After(date=date):
            yield date, "day"
        case Level(of=str() as trait):
            yield trait, "number"
        case AlertOpen(least=least):
            yield say_alert(least), "alert"
        case Peers():
            yield bound_name(node), "bound"
        case Milestone(date=date, days=days):
            yield date, "day"
            if days is None:
                yield bound_name(node), "bound"
    for part in parts_of(node):
        yield from names_read(part, named)


def days_until(date: str, numbers: Numbers, grain: Grain) -> Float:
    """How many days after each close the day is, `[n, Q]`; negative where it is past, NaN where it is not known.

    Whole days, as people count them; since the signup as exact as it is known.
    """
    if date == SIGNUP:
        return -_numbers(numbers, "age", grain)
    ends = numbers.ends(grain) / DAY_US
    found = np.full((numbers.size, len(ends)), np.nan)
    for trait in traits_of_date(date):
        day = _numbers(numbers, trait, grain)
        with np.errstate(invalid="ignore"):
            named = np.isnan(found) & (day > EARLIEST) & (day < LATEST)
        found[named] = day[named]
    return np.asarray(np.round(found - ends))


def judge_due(leaf: Due, numbers: Numbers, grain: Grain) -> Verdicts:
    """Whether the day is at most `days` days ahead and not past; unsure where it is not known."""
    left = days_until(leaf.date, numbers, grain)
    with np.errstate(invalid="ignore"):
        verdicts = np.where((left >= 0) & (left <= leaf.days), HOLDS, CLEAR)
    return np.where(np.isnan(left), UNSURE, verdicts).astype(np.int8)


def judge_after(node: After, verdicts: Verdicts, numbers: Numbers, grain: Grain) -> Verdicts:
    """The verdicts of the condition where so many days are past; clear before, unsure where the day is not known."""
    return judge_since(node.date, node.days, verdicts, numbers, grain)


def judge_since(date: str, days: int, verdicts: Verdicts, numbers: Numbers, grain: Grain) -> Verdicts:
    """Verdicts, asked only once so many days have passed since the day that `date` names."""
    left = days_until(date, numbers, grain)
    with np.errstate(invalid="ignore"):
        past = np.where(-left >= days, HOLDS, CLEAR)
    return all_of([verdicts, np.where(np.isnan(left), UNSURE, past).astype(np.int8)])


def held_against(windows: Float, trait: str, numbers: Numbers, grain: Grain) -> Float:
    """Windows `[n, Q, W]` as fractions of a trait that is a number; NaN where it is not known, or not above zero."""
    number = _numbers(numbers, trait, grain)
    with np.errstate(invalid="ignore"):
        number = np.where(number > 0, number, np.nan)
    return np.asarray(windows / number[:, :, np.newaxis])


def _numbers(numbers: Numbers, trait: str, grain: Grain) -> Float:
    read = numbers.trait(trait, grain).numbers
    return np.full((numbers.size, len(numbers.ends(grain))), np.nan) if read is None else read
