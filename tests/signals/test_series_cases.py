"""`cases:` of a signal file, and the plain series behind them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from beforehand.calendar import Grain
from beforehand.errors import InputError
from beforehand.signals import CaseProblem, SeriesNumbers, Vocabulary, build, run_cases
from beforehand.signals.tree import Quantity
from beforehand.workspace.spec import SignalSpec

DAY, WEEK, MONTH = Grain.DAY, Grain.WEEK, Grain.MONTH
NAN = math.nan
STREAK = "login frequency drops below 2x per week for 3 consecutive weeks"


def problems(when: object, case: dict[str, object], vocabulary: Vocabulary) -> list[CaseProblem]:
    spec = SignalSpec.model_validate({"signal": "one", "when": when, "cases": [case]})
    return run_cases(build(spec, vocabulary), spec.cases, vocabulary)


RIGHT: list[tuple[object, dict[str, object]]] = [
    (STREAK, {"logins": [6, 5, 1, 1, 0], "fires": ["no", "no", "no", "no", "yes"]}),
    (STREAK, {"login frequency": [1, 1, 1], "fires": [False, False, True]}),
    (STREAK, {"Logins": [1, None, 1, 1], "fires": ["No", "no", "no", "no"]}),
    (f"{STREAK} for accounts where plan is business", {"logins": [1, 1, 1], "fires": [False, False, True]}),
    ("no logins for 3 days", {"logins": [1, 0, 0, 0, 1], "fires": ["no", "no", "no", "yes", "no"]}),
    ("tickets at least 3 in 2 days", {"tickets": [3, 0, 2, 1], "fires": [False, True, False, True]}),
    (
        "active people down 50% vs the 3 weeks before",
        {"active people": [8, 8, 8, 4, 5], "fires": [False, False, False, True, False]},
    ),
    ("logins below 2 and errors above 5", {"logins": [1, 1], "errors": [9, 5], "fires": [True, False]}),
    (
        "events below 5 per active person",
        {"events": [8, 10, 8], "active people": [2, 2, 0], "fires": [True, False, False]},
    ),
    (
        "logins below 8 per week and errors at least 1 per day",
        {"logins": [1] * 14, "errors": [1] * 14, "fires": [False] * 6 + [True] * 8},
    ),
    ({"any of": ["logins below 2", "logins above 8"]}, {"logins": [1, 5, 9], "fires": [True, False, True]}),
    ("error rate above 10%", {"error rate": [0.05, 0.2, None], "fires": ["no", "yes", "no"]}),
]


@pytest.mark.parametrize(("when", "case"), RIGHT)
def test_a_case_that_is_right_has_no_problem(when: object, case: dict[str, object], vocabulary: Vocabulary) -> None:
    assert problems(when, case, vocabulary) == []


WRONG: list[tuple[str, dict[str, object], str, str | None]] = [
    (STREAK, {"logins": [6, 5, 1, 1, 0], "fires": ["no"] * 5}, "At week 5 (Logins 0)", "fires"),
    (STREAK, {"logins": [6, 5, 1, 1, 0], "fires": ["no", "yes", "no", "no", "yes"]}, "should fire", "fires"),
    (STREAK, {"logins": [6, 5, 1], "fires": ["no"]}, "logins has 3 values, `fires` has 1", "logins"),
    (STREAK, {"lgins": [6], "fires": ["no"]}, "'lgins' is not something that is counted here", "lgins"),
    (STREAK, {"logins": [6]}, "no `fires:`", None),
    (STREAK, {"logins": [], "fires": []}, "empty", "fires"),
    (STREAK, {"fires": ["no"]}, "no series", None),
    (STREAK, {"logins": ["six"], "fires": ["no"]}, "logins value 1 is 'six'", "logins"),
    (STREAK, {"logins": [True], "fires": ["no"]}, "not a number", "logins"),
    (STREAK, {"logins": [math.inf], "fires": ["no"]}, "not a number", "logins"),
    (STREAK, {"logins": [1, math.nan], "fires": ["no", "no"]}, "value 2", "logins"),
    (STREAK, {"logins": [1], "fires": ["maybe"]}, "'maybe'", "fires"),
    (STREAK, {"logins": [1], "fires": [1]}, "`fires` value 1 is 1", "fires"),
    (STREAK, {"logins": [1], "errors": [1], "fires": ["no"]}, "does not read Errors", "errors"),
    (STREAK, {"logins": [1], "login frequency": [1], "fires": ["no"]}, "twice", "login frequency"),
    ("logins below 2 and errors above 5", {"logins": [1], "fires": ["no"]}, "no series of it", None),
    ("events below 5 per active person", {"events": [8], "fires": ["yes"]}, "people active", None),
    (
        "active people below 8 per week and errors at least 1 per day",
        {"active people": [1] * 8, "errors": [1] * 8, "fires": [False] * 8},
        "do not add up",
        None,
    ),
]


@pytest.mark.parametrize(("when", "case", "words", "key"), WRONG)
def test_a_case_that_is_wrong_is_told_in_clear_words(
    when: str, case: dict[str, object], words: str, key: str | None, vocabulary: Vocabulary
) -> None:
    (problem,) = problems(when, case, vocabulary)
    assert words.lower() in problem.message.lower()
    assert problem.case == 0
    if key is not None:
        assert problem.key == key


def test_a_failing_case_shows_how_it_is_judged(vocabulary: Vocabulary) -> None:
    (problem,) = problems(STREAK, {"logins": [6, 1, 1, 0], "fires": [True, False, False, False]}, vocabulary)
    assert problem.message.endswith("the verdict is clear.")
    assert problem.hint == "As it is judged: fires: [no, no, no, yes]"


def series(values: list[float], grain: Grain, aggregate: str = "count") -> SeriesNumbers:
    return SeriesNumbers({"x": np.array([values])}, grain, aggregates={"x": aggregate})


def test_days_are_added_to_whole_weeks_and_months_only() -> None:
    numbers = series([1.0] * 40, DAY)
    assert numbers.windows(Quantity("x"), WEEK, 1)[0, :, 0].tolist() == [7] * 5
    assert numbers.windows(Quantity("x"), MONTH, 1)[0, :, 0].tolist() == [31]
    assert len(numbers.ends(WEEK)) == 5
    assert numbers.ends(WEEK)[0] == numbers.ends(DAY)[6]
    assert numbers.ends(MONTH)[0] == numbers.ends(DAY)[30]
    assert numbers.alive(WEEK).shape == (1, 5)
    assert series([1, 2, 3, 4, 5, 6, 7], DAY, "mean").windows(Quantity("x"), WEEK, 1).tolist() == [[[4]]]
    assert series([1, 2, 3, 4, 5, 6, 7], DAY, "last").windows(Quantity("x"), WEEK, 1).tolist() == [[[7]]]


def test_rolling_days_need_all_their_days() -> None:
    rolled = series([1, 2, NAN, 4, 5, 6], DAY).windows(Quantity("x", rolling_days=2), DAY, 1)[0, :, 0]
    assert np.array_equal(rolled, [NAN, 3, NAN, NAN, 9, 11], equal_nan=True)
    mean = series([1, 2, 4], DAY, "mean").windows(Quantity("x", rolling_days=2), DAY, 1)[0, :, 0]
    assert np.array_equal(mean, [NAN, 1.5, 3], equal_nan=True)
    people = series([1, 2, 4], DAY, "people").windows(Quantity("x", rolling_days=2), DAY, 1)[0, :, 0]
    assert people.tolist() == [1, 2, 4], "distinct people do not add up: taken as rolled"
    assert np.isnan(series([1], DAY).windows(Quantity("x", rolling_days=9), DAY, 1)).all()


def test_windows_reach_back_with_nan_and_share_memory() -> None:
    windows = series([1, 2, 3], WEEK).windows(Quantity("x"), WEEK, 3)
    assert windows.shape == (1, 3, 3)
    assert np.array_equal(windows[0, 0], [NAN, NAN, 1], equal_nan=True)
    assert windows[0, 2].tolist() == [1, 2, 3]
    assert not windows.flags.owndata


def test_what_a_series_cannot_tell_is_an_error() -> None:
    with pytest.raises(InputError, match="by week"):
        series([1], WEEK).ends(DAY)
    with pytest.raises(InputError, match="by week"):
        series([1], WEEK).windows(Quantity("x", rolling_days=3), DAY, 1)
    with pytest.raises(InputError, match="no series for y"):
        series([1], WEEK).windows(Quantity("y"), WEEK, 1)
    with pytest.raises(InputError, match="trait"):
        series([1], WEEK).trait("region", WEEK)
    with pytest.raises(InputError, match="per active person"):
        series([1], WEEK).windows(Quantity("x", per_active=True), WEEK, 1)
    with pytest.raises(ValueError, match="one shape"):
        SeriesNumbers({"x": np.zeros((1, 2)), "y": np.zeros((1, 3))}, WEEK)
