"""`cases:`: small series written beside a sentence, and at which closes it should fire."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beforehand.calendar import DAY_US, Grain
from beforehand.errors import InputError, among
from beforehand.signals.asked import grain_of, leaves, traits_of
from beforehand.signals.dates import DAYS, SIGNUP, bound_name, names_read, say_alert, traits_of_date
from beforehand.signals.evaluate import judge
from beforehand.signals.kinds import kind_of
from beforehand.signals.made import say_counted
from beforehand.signals.numbers import HOLDS, VERDICT_NAMES, Bool, Int
from beforehand.signals.scoring import decided, scores
from beforehand.signals.series import SeriesNumbers, counted_of
from beforehand.signals.signal import Signal
from beforehand.signals.tree import Milestone, Peers, Quantity
from beforehand.signals.vocabulary import Vocabulary, tidy

FIRES = "fires"
YES, NO = frozenset({"yes", "true", "on"}), frozenset({"no", "false", "off"})
Values = np.ndarray[tuple[int], np.dtype[np.float64]]
Written = Mapping[str, Sequence[float | int | bool | str | None]]


@dataclass(frozen=True)
class CaseProblem:
    """What is wrong with one case: `case` counts from 0, `key` is the series it is about, if one."""

    case: int
    message: str
    hint: str = ""
    key: str | None = None


def run_cases(
    signal: Signal, cases: Sequence[Written], vocabulary: Vocabulary, named: Mapping[str, Signal] | None = None
) -> list[CaseProblem]:
    """Judges each case; a problem where one is not well written or does not fire as it says.

    Each series has one value per period of the signal's grain, the first wholly inside the life; `null` is not known.
    `fires` says `yes` where the condition holds at the close of that period. The population is not asked.
    """
    found: list[CaseProblem] = []
    for index, case in enumerate(cases):
        try:
            found += _run(signal, case, vocabulary, named or {}, index)
        except _Wrong as wrong:
            found.append(CaseProblem(index, str(wrong), wrong.hint, wrong.key))
        except InputError as error:
            found.append(CaseProblem(index, error.message, error.hint))
    return found


class _Wrong(Exception):  # noqa: N818 - told as a CaseProblem, never seen
    def __init__(self, message: str, hint: str = "", key: str | None = None) -> None:
        super().__init__(message)
        self.hint, self.key = hint, key


def _run(
    signal: Signal, case: Written, vocabulary: Vocabulary, named: Mapping[str, Signal], index: int
) -> list[CaseProblem]:
    wanted = _fires(case)
    condition = signal.sentence.condition
    read_too = dict(names_read(condition, named))
    quantities = [kind_of(leaf).reads(leaf)[0] for leaf in leaves(condition, named)]
    read = {quantity.metric for quantity in quantities}
    given = {k: v for k, v in case.items() if tidy(k) in read_too and _metric(k, vocabulary) not in read}
    for name in sorted(read_too.keys() - {tidy(key) for key in given}):
        if read_too[name] == "alert":
            raise _Wrong(f"The case does not say when there is {name}.", f"Add `{name}: [0, 1, ...]`.")
        if read_too[name] == "bound":
            said = "the value that sets the others apart" if name.startswith("peers") else "the days the others took"
            raise _Wrong("The case does not say what others have.", f"Add `{name}: [...]`, {said}.")
        example = "the days until it" if name == "renewal" else "the days since it" if name in DAYS else "its values"
        raise _Wrong(f"The sentence reads {name}, but the case does not give it.", f"Add `{name}: [...]`, {example}.")
    made = {_said(quantity, vocabulary): quantity for quantity in quantities if _is_made(quantity)}
    making = {k: _numbers(k, v, len(wanted)) for k, v in case.items() if tidy(k) in made and k not in given}
    rest = {k: v for k, v in case.items() if k not in given and k not in making}
    series = _series(rest, vocabulary, len(wanted), bool(read) and not making)
    own = {tidy(key) for key in making}
    read = {quantity.metric for quantity in quantities if _said(quantity, vocabulary) not in own}
    people = [metric for metric in series if vocabulary.aggregates.get(metric) == "people"]
    per_active = any(quantity.per_active for quantity in quantities)
    for metric in sorted(read - series.keys()):
        raise _Wrong(
            f"The sentence reads {vocabulary.name(metric)}, but the case has no series of it.",
            f"Add `{metric}: [...]`.",
        )
    for metric in series.keys() - read:
        if not (per_active and metric in people):
            raise _Wrong(
                f"The sentence does not read {vocabulary.name(metric)}.", f"It reads {', '.join(sorted(read))}.", metric
            )
    if per_active and not people:
        raise _Wrong(
            "`per active person` needs a series of the people active in each period.",
            "Add for example `active people: [...]`.",
        )
    grain = grain_of(signal.sentence, named)
    numbers = SeriesNumbers(
        {metric: values[np.newaxis] for metric, values in series.items()} or {"": np.zeros((1, len(wanted)))},
        grain,
        aggregates=vocabulary.aggregates,
        active=series[people[0]][np.newaxis] if per_active else None,
        traits={trait: np.full((1, len(wanted)), np.nan) for trait in traits_of(signal.sentence, named)},
        made={counted_of(made[tidy(key)]): values[np.newaxis] for key, values in making.items()},
    )
    alerts: dict[str, Values] = {}
    bounds: dict[str, Values] = {}
    for key, values in given.items():
        known, kind = _numbers(key, values, len(wanted)), read_too[tidy(key)]
        if kind == "alert":
            alerts[tidy(key)] = known
        elif kind == "bound":
            bounds[tidy(key)] = known
        else:
            _trait(numbers, tidy(key), kind == "day", known)
    opened = _Alerts(alerts, numbers.ends(grain))
    asked = signal.only_condition()
    scored = scores(asked, numbers, named)
    thresholds = decided([scored]) | {
        (name, leaf, group): _at(numbers, kind_of(leaf).reads(leaf)[1], bounds[bound_name(leaf)])
        for (name, leaf), own in scored.items()
        if isinstance(leaf, Peers | Milestone)
        for group in own.groups
    }
    verdicts = judge(asked, numbers, named, opened=opened, scored=scored, thresholds=thresholds).verdicts[0]
    wrong = [i for i, fires in enumerate(wanted) if fires != (verdicts[i] == HOLDS)]
    if not wrong:
        return []
    first = wrong[0]
    of_it = {metric: f"{values[first]:g}" for metric, values in (*series.items(), *making.items())}
    shown = ", ".join(f"{vocabulary.name(metric)} {value}" for metric, value in of_it.items())
    expected = "should fire" if wanted[first] else "should not fire"
    got = ", ".join("yes" if v == HOLDS else "no" for v in verdicts)
    return [
        CaseProblem(
            index,
            f"At {grain} {first + 1} ({shown}) the case says it {expected}, but the verdict is "
            f"{VERDICT_NAMES[verdicts[first]]}.",
            f"As it is judged: fires: [{got}]",
            FIRES,
        )
    ]


def _fires(case: Written) -> list[bool]:
    if FIRES not in case:
        raise _Wrong("The case has no `fires:`.", "Say for each period whether it fires: `fires: [no, no, yes]`.")
    wanted = []
    for position, value in enumerate(case[FIRES]):
        word = value if isinstance(value, str) else ("yes" if value else "no") if isinstance(value, bool) else ""
        if word.strip().lower() not in YES | NO:
            raise _Wrong(f"`fires` value {position + 1} is {value!r}.", "Write yes or no.", FIRES)
        wanted.append(word.strip().lower() in YES)
    if not wanted:
        raise _Wrong("The case is empty.", "Give at least one period.", FIRES)
    return wanted


def _series(case: Written, vocabulary: Vocabulary, length: int, needed: bool = True) -> dict[str, Values]:
    series: dict[str, Values] = {}
    for key, values in case.items():
        if key == FIRES:
            continue
        metric = _metric(key, vocabulary)
        if metric is None:
            raise _Wrong(f"{key!r} is not something that is counted here.", among(key, vocabulary.says.values()), key)
        if metric in series:
            raise _Wrong(f"{key} is given twice.", "", key)
        series[metric] = _numbers(key, values, length)
    if needed and not series:
        raise _Wrong("The case has no series.", "For example `logins: [6, 5, 1, 1, 0]`.")
    return series


@dataclass(frozen=True)
class _Alerts:
    """Alerts of others, as the case says: 1 where one of that severity is open."""

    given: Mapping[str, Values]
    ends: Int

    def at(self, least: str, ends: Int) -> Bool:
        at = np.searchsorted(self.ends, ends, side="right") - 1
        return np.asarray((self.given[say_alert(least)] > 0)[np.newaxis, at])


def _at(numbers: SeriesNumbers, grain: Grain, values: Values) -> Values:
    """What the case gives for each period, at the closes of a grain that may be coarser."""
    return values[np.searchsorted(numbers.ends(numbers.grain), numbers.ends(grain))]


def _is_made(quantity: Quantity) -> bool:
    return quantity.made is not None or quantity.role is not None


def _said(quantity: Quantity, vocabulary: Vocabulary) -> str:
    """What a case may call what is made of a metric's facts: its words in the sentence."""
    return tidy(say_counted(quantity, vocabulary) + (f" by any {quantity.role}" if quantity.role is not None else ""))


def _metric(key: str, vocabulary: Vocabulary) -> str | None:
    return key if key in vocabulary.aggregates else vocabulary.phrases.get(tidy(key))


def _trait(numbers: SeriesNumbers, name: str, is_day: bool, values: Values) -> None:
    """Gives a trait to the series: a number as it is; a day as days until it or, where it can only be past, since."""
    at = numbers.ends(numbers.grain) / DAY_US
    if not is_day:
        numbers.traits[name] = values[np.newaxis]
        return
    first, *others = traits_of_date(name)
    past = name in DAYS and name != "renewal"
    day = values if name == SIGNUP else at - values if past else at + values
    numbers.traits[first] = day[np.newaxis]
    for other in others:
        numbers.traits[other] = np.full((1, len(at)), np.nan)


def _numbers(key: str, values: Sequence[float | int | bool | str | None], length: int) -> Values:
    if len(values) != length:
        raise _Wrong(f"{key} has {len(values)} values, `fires` has {length}.", "Both need one per period.", key)
    return np.array([_number(key, i, value) for i, value in enumerate(values)], dtype=np.float64)


def _number(key: str, position: int, value: float | int | bool | str | None) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Wrong(
            f"{key} value {position + 1} is {value!r}, not a number.", "Write a number, or null for not known.", key
        )
    return float(value)
