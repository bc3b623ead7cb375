"""Who a sentence is about: the population, judged on dated traits as they were known at each close.

Two-valued on purpose: a comparison with a trait that is not known is false, so the subject is not inside; `is not` and
`not` turn that around, so `plan is not trial` is true where no plan is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from beforehand.calendar import Grain
from beforehand.signals.judges import COMPARE
from beforehand.signals.numbers import Bool, Float, Numbers, Trait
from beforehand.signals.tree import Among, Both, Compare, Either, Not, Op, Population

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def inside(population: Population | None, numbers: Numbers, grain: Grain) -> Bool:
    """Whether each subject is in the population at each close of the grain and within its life, `[n, Q]`."""
    alive = numbers.alive(grain)
    return alive if population is None else alive & _true(population, numbers, grain)


def true_of(population: Population | None, traits: Mapping[str, object]) -> bool:
    """Whether one subject is in the population, from its traits (None, or left out: not known)."""
    return population is None or bool(_true(population, _One(traits), Grain.WEEK).all())  # type: ignore[arg-type]


def traits_in(population: Population | None) -> set[str]:
    """The traits a population reads."""
    match population:
        case None:
            return set()
        case Compare() | Among():
            return {population.trait}
        case Not():
            return traits_in(population.part)
        case Both() | Either():
            return set().union(*(traits_in(p) for p in population.parts))


class _One:
    """One subject at one close, as the comparisons read it."""

    def __init__(self, traits: Mapping[str, object]) -> None:
        self.traits = traits

    def trait(self, name: str, grain: Grain) -> Trait:
        """The trait as text, whatever it was given as."""
        value = self.traits.get(name)
        known = value is not None and str(value).strip() != ""
        words = (str(value).strip(),) if known else ()
        return Trait(codes=np.array([[0 if known else -1]], dtype=np.int32), words=words)


def _true(population: Population, numbers: Numbers, grain: Grain) -> Bool:
    match population:
        case Compare(trait=trait, op="is not", value=value):
            return ~_equal(numbers.trait(trait, grain), value)
        case Compare(trait=trait, op="is", value=value):
            return _equal(numbers.trait(trait, grain), value)
        case Compare(trait=trait, op=op, value=value):
            return _ordered(numbers.trait(trait, grain), op, value)  # type: ignore[arg-type]
        case Among(trait=trait, values=values):
            known = numbers.trait(trait, grain)
            return np.asarray(np.logical_or.reduce([_equal(known, value) for value in values]))
        case Not(part=part):
            return ~_true(part, numbers, grain)
        case Both(parts=parts):
            return np.asarray(np.logical_and.reduce([_true(p, numbers, grain) for p in parts]))
        case Either(parts=parts):
            return np.asarray(np.logical_or.reduce([_true(p, numbers, grain) for p in parts]))


def _equal(trait: Trait, value: str | float) -> Bool:
    if trait.codes is not None:
        wanted = _as_number(value)
        same = [
            _folded(word) == _folded(value) or (wanted is not None and _as_number(word) == wanted)
            for word in trait.words
        ]
        return _by_word(trait, np.array(same, dtype=bool))
    number = _as_number(value)
    return np.asarray(_numbers(trait) == (np.nan if number is None else number))


def _ordered(trait: Trait, op: Op, value: str | float) -> Bool:
    if isinstance(value, str) and DAY.fullmatch(value):
        # Days compare as ISO text does, whatever time of day follows.
        words = [word[:10] for word in trait.words]
        with_days = np.array([bool(DAY.fullmatch(w)) for w in words], dtype=bool)
        order = np.array([(w > value) - (w < value) for w in words], dtype=np.float64)
        holds = np.asarray(COMPARE[op](order, 0.0)) & with_days
        return _by_word(trait, holds) if trait.codes is not None else np.zeros(_numbers(trait).shape, dtype=bool)
    number = _as_number(value)
    if number is None:
        number = np.nan
    if trait.codes is not None:
        read = np.array([np.nan if n is None else n for n in map(_as_number, trait.words)], dtype=np.float64)
        return _by_word(trait, np.asarray(COMPARE[op](read, number)))
    return np.asarray(COMPARE[op](_numbers(trait), number))


def _by_word(trait: Trait, of_word: Bool) -> Bool:
    assert trait.codes is not None
    return np.append(of_word, False)[trait.codes]  # code -1, not known, reads the last


def _numbers(trait: Trait) -> Float:
    assert trait.numbers is not None, "a trait has codes or numbers"
    return trait.numbers


def _folded(value: str | float) -> str:
    return " ".join(str(value).casefold().split())


def _as_number(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
