"""One condition after another, and exceptions: the words, the plain reference, what a live check has to look back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from beforehand.calendar import DAY_US, Grain, start_of
from beforehand.signals import (
    SentenceError,
    Signal,
    Vocabulary,
    build,
    grain_of,
    judge,
    lookback_days,
    only_truer,
    parse,
    quantities_of,
    wrong_names,
)
from beforehand.signals.numbers import Bool, Float, Int, Trait
from beforehand.signals.tree import All, Any, Level, Named, Quantity, Then, Unless
from beforehand.workspace.spec import SignalSpec

UTC = ZoneInfo("UTC")
MONDAY = 2828
DAY, WEEK = Grain.DAY, Grain.WEEK
LOGINS, ERRORS = Level(Quantity("logins"), "<", 2), Level(Quantity("errors"), ">", 5)
NAN = math.nan
VALUES = st.sampled_from([0.0, 5.0, NAN, math.inf])


@dataclass
class Plain:
    """One account: logins by week and errors by day or week, as known at each close."""

    by: dict[tuple[str, Grain], Float]
    closes: dict[Grain, Int]
    size: int = 1

    def ends(self, grain: Grain) -> Int:
        return self.closes[grain]

    def windows(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        assert width == 1
        return self.by[quantity.metric, grain][:, :, np.newaxis]

    def idle(self, grain: Grain, width: int, days: int = 1) -> Bool:
        return np.zeros((1, len(self.ends(grain)), width), dtype=bool)

    def alive(self, grain: Grain) -> Bool:
        return np.ones((1, len(self.closes[grain])), dtype=bool)

    def trait(self, name: str, grain: Grain) -> Trait:
        raise AssertionError(name)


def weeks(count: int) -> Int:
    return start_of(WEEK, UTC, MONDAY + 1 + np.arange(count))


def days(count: int) -> Int:
    return start_of(DAY, UTC, MONDAY * 7 - 2 + np.arange(count))


def signal(when: object, vocabulary: Vocabulary) -> Signal:
    return build(SignalSpec.model_validate({"signal": "one", "when": when}), vocabulary)


def row(values: list[float]) -> Float:
    return np.array([values], dtype=np.float64)


def verdict(value: float, holds: bool) -> int:
    return 3 if math.isinf(value) else 2 if math.isnan(value) else int(holds)


def both(one: int, two: int) -> int:
    """Kleene's and: clear, else failed, else unsure, else holds."""
    return 0 if 0 in (one, two) else 3 if 3 in (one, two) else 2 if 2 in (one, two) else 1


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("errors above 5, then logins below 2 within 14 days", Then(ERRORS, LOGINS, 14)),
        ("errors above 5 and then logins below 2 within 2 weeks", Then(ERRORS, LOGINS, 14)),
        ("errors above 5 followed by logins below 2 within 14 days", Then(ERRORS, LOGINS, 14)),
        (
            "errors above 5 and signal quiet then logins below 2 within 9 days",
            Then(All((ERRORS, Named("quiet"))), LOGINS, 9),
        ),
        ("logins below 2 unless errors above 5", Unless(LOGINS, ERRORS)),
        ("logins below 2 except when errors above 5", Unless(LOGINS, ERRORS)),
        ("logins below 2 or errors above 5 unless signal quiet", Unless(Any((LOGINS, ERRORS)), Named("quiet"))),
        (
            "errors above 5 then logins below 2 within 14 days unless signal quiet or signal error-spike",
            Unless(Then(ERRORS, LOGINS, 14), Any((Named("quiet"), Named("error-spike")))),
        ),
    ],
)
def test_what_is_meant(text: str, meant: object, vocabulary: Vocabulary) -> None:
    assert parse(text, vocabulary).condition == meant


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("errors above 5 then logins below 2", "errors above 5 then logins below 2 within 14 days"),
        (
            "errors above 5 then logins below 2 within 3 days",
            "errors above 5 then logins below 2 within 7 days",
        ),
        (
            "errors above 5 then logins below 2 within 2 months",
            "errors above 5 then logins below 2 within 60 days",
        ),
        ("errors above 5 than logins below 2 within 14 days", "errors above 5 then logins below 2 within 14 days"),
        ("errors above 5 thn logins below 2 within 14 days", "errors above 5 then logins below 2 within 14 days"),
        ("logins below 2 unles errors above 5", "logins below 2 unless errors above 5"),
    ],
)
def test_a_wrong_one_is_helped(text: str, near: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(SentenceError) as caught:
        parse(text, vocabulary)
    assert caught.value.suggestion == near


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_then_is_the_plain_reference(vocabulary: Vocabulary, data: st.DataObject) -> None:
    count, span = data.draw(st.integers(1, 8)), data.draw(st.integers(7, 30))
    logins = data.draw(st.lists(VALUES, min_size=count, max_size=count))
    daily = data.draw(st.booleans())
    many = count * 7 if daily else count
    errors = data.draw(st.lists(VALUES, min_size=many, max_size=many))
    closes = {WEEK: weeks(count), DAY: days(count * 7)}
    grain = DAY if daily else WEEK
    numbers = Plain({("logins", WEEK): row(logins), ("errors", grain): row(errors)}, closes)
    text = f"errors above 3 per {grain} then logins below 2 per week within {span} days"
    one = signal(text, vocabulary)
    assert grain_of(one) is WEEK, "it is judged when the second is"
    for nth, at in enumerate(closes[WEEK]):
        earlier = [
            verdict(v, v > 3) for end, v in zip(closes[grain], errors, strict=True) if at - span * DAY_US <= end < at
        ]
        short = closes[grain][0] > at - span * DAY_US or not earlier
        first = 1 if 1 in earlier else 3 if 3 in earlier else 2 if 2 in earlier or short else 0
        assert judge(one, numbers).verdicts[0, nth] == both(verdict(logins[nth], logins[nth] < 2), first)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_unless_is_the_plain_reference(vocabulary: Vocabulary, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    logins, errors = (data.draw(st.lists(VALUES, min_size=count, max_size=count)) for _ in range(2))
    numbers = Plain({("logins", WEEK): row(logins), ("errors", WEEK): row(errors)}, {WEEK: weeks(count)})
    got = judge(signal("logins below 2 unless errors above 3", vocabulary), numbers).verdicts[0]
    for login, error, found in zip(logins, errors, got, strict=True):
        exception = verdict(error, error > 3)
        assert found == both(verdict(login, login < 2), {0: 1, 1: 0}.get(exception, exception))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_live_check_that_looks_back_as_told_agrees(vocabulary: Vocabulary, data: st.DataObject) -> None:
    when = data.draw(
        st.sampled_from(
            [
                "logins below 2 per week then errors above 3 per day within 9 days",
                "errors above 3 per day then logins below 2 per week within 9 days",
                "errors above 3 per day and (errors above 3 per day then logins below 2 per week within 9 days)",
                "(logins below 2 per week then errors above 3 per day within 4 days) unless logins below 2 per week",
                "(logins below 2 then logins below 2 within 9 days) then errors above 3 per day within 5 days",
            ]
        )
    )
    one = signal(when, vocabulary)
    few = st.sampled_from([0.0, 5.0, NAN])
    by = {
        ("logins", WEEK): row(data.draw(st.lists(few, min_size=8, max_size=8))),
        ("errors", DAY): row(data.draw(st.lists(few, min_size=56, max_size=56))),
    }
    closes = {WEEK: weeks(8), DAY: days(56)}
    whole = judge(one, Plain(by, closes))
    at = data.draw(st.integers(0, len(whole.ends) - 1))
    until = whole.ends[at]
    since = until - lookback_days(one) * DAY_US
    if since < closes[WEEK][0]:
        return
    kept = {grain: (ends <= until) & (ends >= since) for grain, ends in closes.items()}
    part = Plain({(m, g): v[:, kept[g]] for (m, g), v in by.items()}, {g: closes[g][kept[g]] for g in closes})
    assert judge(one, part).verdicts[0, -1] == whole.verdicts[0, at]


def test_what_is_read_named_and_only_truer(vocabulary: Vocabulary) -> None:
    one = signal("errors above 5 then signal quiet within 14 days unless logins below 2", vocabulary)
    quiet = signal("no logins for 3 days", vocabulary)
    assert grain_of(one, {"quiet": quiet}) is DAY
    assert len(quantities_of(one, {"quiet": quiet})) == 3
    assert [w.other for w in wrong_names({"one": one})] == ["quiet"]
    follows = signal("errors above 5 then tickets above 2 within 14 days", vocabulary)
    assert only_truer(follows, {}, vocabulary)
    assert not only_truer(signal("errors above 5 unless tickets above 2", vocabulary), {}, vocabulary)


def test_a_file_may_say_it_in_parts(vocabulary: Vocabulary) -> None:
    one = signal(
        {
            "all of": ["errors above 5", "quiet"],
            "then": {"any of": ["logins below 2", "tickets above 2"]},
            "within": "2 weeks",
            "unless": "error-spike",
        },
        vocabulary,
    )
    tickets = Level(Quantity("tickets"), ">", 2)
    first = All((ERRORS, Named("quiet")))
    assert one.sentence.condition == Unless(Then(first, Any((LOGINS, tickets)), 14), Named("error-spike"))
    assert one.text == (
        "errors above 5 and quiet, then (logins below 2 or tickets above 2), within 14 days, unless error-spike"
    )
    with pytest.raises(SentenceError) as caught:
        signal({"all of": ["errors above 5"], "unless": "lgins below 2"}, vocabulary)
    assert caught.value.path == ("when", "unless")
    with pytest.raises(ValidationError, match="`then` needs `within`"):
        signal({"all of": ["errors above 5"], "then": "logins below 2"}, vocabulary)
