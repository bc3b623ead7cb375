"""`judge`: one sentence over any series, without a workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from beforehand.calendar import Grain, to_datetime
from beforehand.commands.laying import Laid, lay_by_point, lay_by_time
from beforehand.commands.series import Series, read_series, unit_of
from beforehand.errors import InputError
from beforehand.signals import Signal, decided, grain_of, judge, parse, scores
from beforehand.signals.asked import leaves
from beforehand.signals.judges import baseline_mean
from beforehand.signals.kinds import kind_of
from beforehand.signals.numbers import VERDICT_NAMES, Float
from beforehand.signals.spike import foresee, least_spike
from beforehand.signals.tree import (
    After,
    AlertOpen,
    Change,
    Due,
    Leaf,
    Level,
    Milestone,
    Named,
    Node,
    Peers,
    Sentence,
    Spike,
    Usual,
    parts_of,
)
from beforehand.signals.usual import band
from beforehand.signals.vocabulary import Vocabulary

NAMES_A_UNIT = re.compile(r"\b((hour|day|week|month|quarter)s?|(hour|dai|week|month|quarter)ly)\b", re.IGNORECASE)
GRAINS = {grain.value: grain for grain in Grain}


def judge_series(sentence: str, file: str) -> dict[str, Any]:
    """Judges a sentence over the series of a file, or of standard input for `-`; see `judge_points`."""
    return judge_points(sentence, read_series(file))


def judge_points(sentence: str, series: Series) -> dict[str, Any]:
    """Judges a sentence over series that have been read.

    Whole numbers are counts: summed over a period, gaps are zero. Fractional ones are averaged, gaps are unsure. Where
    the sentence names no unit the grain is the spacing of the series; where that is no grain of ours (five minutes)
    each point is a period. Times are read in UTC.

    Returns `{"sentence", "grain", "counts", "notes", "rows": [{"account", "start", "value", "verdict", "expected",
    "lower", "upper", "p"}]}`: expected, lower and upper are the usual band, the mean before and the bound, or the fixed
    bound, that of peers over the accounts of the file; `p` is how likely so much is by chance, for a spike. Raises
    InputError for a wrong sentence or file, and for what numbers alone cannot tell.
    """
    spacing = _spacing(series)
    unit = _unit(spacing)
    by_time = bool(NAMES_A_UNIT.search(sentence)) or unit in GRAINS
    default = GRAINS.get(unit or "", Grain.DAY)
    vocabulary = Vocabulary.anything("count" if series.whole else "mean")
    read = parse(sentence, vocabulary, default)
    _check(read)
    laid: Laid = lay_by_time(series) if by_time else lay_by_point(series)
    signal = Signal(name="series", sentence=read, counted=vocabulary.counted)
    metrics = {kind_of(leaf).reads(leaf)[0].metric for leaf in leaves(read.condition)}
    if series.whole:
        signal = replace(signal, counted=frozenset(metrics))
    scored = scores(signal, laid)
    thresholds = decided([scored])
    judged = judge(signal, laid, scored=scored, thresholds=thresholds)
    grain = grain_of(read)
    spikes = [of.p for (_, leaf), of in scored.items() if isinstance(leaf, Spike) and leaf.grain is grain]
    chance = spikes[0] if spikes else None
    notes = [] if by_time else [_note(series, spacing)]
    bounds = {leaf: found for (_, leaf, _), found in thresholds.items()}
    expected, lower, upper = _around(read, laid, grain, series.whole, bounds)
    values, starts = laid.values(grain), laid.starts(grain)
    first, last = laid.reach(grain)
    rows = [
        {
            "account": account,
            "start": to_datetime(int(starts[row, at])),
            "value": _known(values[row, at]),
            "verdict": VERDICT_NAMES[judged.verdicts[row, at]],
            "expected": _known(expected[row, at]),
            "lower": _known(lower[row, at]),
            "upper": _known(upper[row, at]),
            "p": None if chance is None else _known(float(chance[row, at])),
        }
        for row, account in enumerate(series.accounts)
        for at in range(int(first[row]), int(last[row]) + 1)
    ]
    return {
        "sentence": read.text,
        "grain": grain.value if by_time else unit or "point",
        "counts": series.whole,
        "notes": notes,
        "rows": rows,
    }


def _note(series: Series, spacing_us: int) -> str:
    steps = series.spacings_us()
    if (steps[steps > 0] == spacing_us).all():
        return f"The series has a value every {spelled(spacing_us)}: each of its points is one period."
    return "The series have no common spacing: each of their points is one period."


def spelled(spacing_us: int) -> str:
    """A spacing in words: `hour`, `5 minutes`, `90 seconds`."""
    for name, length in (
        ("day", 86_400_000_000),
        ("hour", 3_600_000_000),
        ("minute", 60_000_000),
        ("second", 1_000_000),
    ):
        if spacing_us >= length and spacing_us % length == 0:
            count = spacing_us // length
            return name if count == 1 else f"{count} {name}s"
    return f"{spacing_us / 1e6:g} seconds"


def _spacing(series: Series) -> int:
    """The step that most points of the file follow, in microseconds; a day where no account has two points."""
    each = series.spacings_us()
    points = np.bincount(series.row, minlength=len(series.accounts))
    steps = np.unique(each[each > 0])
    if not steps.size:
        return 86_400_000_000
    return int(max(steps, key=lambda step: int(points[each == step].sum())))


def _unit(spacing_us: int) -> str | None:
    """The unit of a spacing; a series with holes may step by two or three days and is a daily one all the same."""
    named = unit_of(spacing_us)
    if named is None and spacing_us % 604_800_000_000 == 0:
        return "week"
    return "day" if named is None and spacing_us % 86_400_000_000 == 0 else named


def _check(read: Sentence) -> None:
    if read.population is not None or read.subject != "account":
        raise InputError(
            "A series has no traits, no people and no tickets, so who a sentence is about has no meaning here.",
            "Leave `for ...`, roles and `on the same ...` out.",
            code="no-traits",
        )
    for part in _parts(read.condition):
        why = _needs(part)
        if why:
            said = f"A series is numbers by time: {why}."
            raise InputError(said, "Judge it as a signal of a workspace.", code="only-numbers")
    quantities = [kind_of(leaf).reads(leaf)[0] for leaf in leaves(read.condition)]
    if any(quantity.per_active for quantity in quantities):
        raise InputError(
            "A series has no people, so `per active person` has no meaning here.", "Leave it out.", "no-people"
        )
    for quantity in quantities:
        if quantity.made is not None or quantity.role is not None:
            what = "a role" if quantity.made is None else "what is made of facts in their order"
            raise InputError(
                f"A series is numbers by time: {what} needs the facts themselves.",
                "Judge it as a signal of a workspace, or give the series of what is counted under a name of its own.",
                code="only-numbers",
            )


def _needs(part: Node) -> str:
    """Why a part cannot be told from a series; blank where it can."""
    match part:
        case Due(date=date) | After(date=date) | Milestone(date=date):
            return f"it has no trait that names the day of the {date}"
        case Level(of=str() as trait):
            return f"it has no trait {trait} to take a part of"
        case Peers(like=like) if like:
            return f"its accounts have no {' and no '.join(like)} to be alike in"
        case AlertOpen():
            return "there are no alerts beside it"
        case Named(signal=signal):
            return f"there is no signal {signal} beside it"
    return ""


def _parts(node: Node) -> Iterator[Node]:
    yield node
    for part in parts_of(node):
        yield from _parts(part)


def _around(
    read: Sentence, laid: Laid, grain: Grain, counted: bool, bounds: Mapping[Leaf, Float]
) -> tuple[Float, Float, Float]:
    """Expected, lower and upper of each period, from the first part of the sentence that is judged at its grain."""
    part = next(leaf for leaf in leaves(read.condition) if kind_of(leaf).reads(leaf)[1] is grain)
    quantity, _ = kind_of(part).reads(part)
    width = kind_of(part).width(part)
    if isinstance(part, Spike):
        series = laid.firsts(quantity, grain, width)
        usual = foresee(part, series, series.shape[1] - width + 1, counted)
        return usual.mean, usual.lower, least_spike(usual)
    windows = laid.windows(quantity, grain, width)
    nothing = np.full(windows.shape[:2], np.nan)
    if isinstance(part, Peers):
        bound = np.broadcast_to(bounds[part], nothing.shape)
        return (nothing, bound, nothing) if part.direction == "down" else (nothing, nothing, bound)
    return _bounds(part, windows, nothing, counted)


def _bounds(part: Leaf, windows: Float, nothing: Float, counted: bool) -> tuple[Float, Float, Float]:
    match part:
        case Level():
            bound = np.full_like(nothing, part.bound)
            return (nothing, bound, nothing) if part.op in ("<", "<=") else (nothing, nothing, bound)
        case Change():
            mean = baseline_mean(part, windows)
            if part.direction == "down":
                return mean, mean * (1 - part.fraction), nothing
            return mean, nothing, mean * (1 + part.fraction)
        case Usual():
            usual = band(windows[..., : part.baseline], counted=counted, far=part.far)
            return usual.mid, usual.lower, usual.upper
        case _:
            return nothing, np.ones_like(nothing), nothing


def _known(value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    return int(value) if value == int(value) else float(value)
