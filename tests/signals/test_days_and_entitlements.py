"""Days that traits name, and bounds that are a part of a trait: the words, the plain reference, cases."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import Grain, start_of, to_us
from beforehand.errors import InputError
from beforehand.panel.traits import as_trait
from beforehand.signals import (
    SentenceError,
    SeriesNumbers,
    Signal,
    Vocabulary,
    build,
    closes_of,
    grain_of,
    judge,
    only_truer,
    parse,
    quantities_of,
    run_cases,
    traits_of,
)
from beforehand.signals.numbers import Bool, Float, Int, Trait
from beforehand.signals.tree import After, All, Any, Due, Level, Quantity, Streak, Unless
from beforehand.workspace.spec import SignalSpec

MONDAY = 2828
START = date(2024, 3, 11)
DAY, WEEK = Grain.DAY, Grain.WEEK
LOGINS, SEATS = Level(Quantity("logins"), "<", 2), Quantity("seats_used")
NAN = math.nan


@dataclass
class Plain:
    """Numbers by hand, with traits as the panel gives them: a word for each account and close (None: not known)."""

    by: dict[tuple[str, Grain], Float]
    closes: dict[Grain, Int]
    traits: dict[str, list[list[str | None]]] = field(default_factory=dict)
    ages: Float | None = None
    size: int = 1

    def ends(self, grain: Grain) -> Int:
        return self.closes[grain]

    def windows(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        values = self.by[quantity.metric, grain]
        padded = np.concatenate([np.full((len(values), width - 1), NAN), values], axis=1)
        return np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)

    def idle(self, grain: Grain, width: int, days: int = 1) -> Bool:
        return np.zeros((1, len(self.ends(grain)), width), dtype=bool)

    def alive(self, grain: Grain) -> Bool:
        return np.ones((self.size, len(self.closes[grain])), dtype=bool)

    def trait(self, name: str, grain: Grain) -> Trait:
        if name == "age":
            assert self.ages is not None
            return Trait(numbers=self.ages)
        rows = self.traits.get(name, [[None] * len(self.closes[grain])] * self.size)
        words = tuple(dict.fromkeys(w for row in rows for w in row if w is not None))
        codes = np.array([[-1 if w is None else words.index(w) for w in row] for row in rows], dtype=np.int32)
        return as_trait(codes, words)


def days(count: int) -> Int:
    return start_of(DAY, ZoneInfo("UTC"), MONDAY * 7 - 2 + np.arange(count))


def weeks(count: int) -> Int:
    return start_of(WEEK, ZoneInfo("UTC"), MONDAY + 1 + np.arange(count))


def signal(when: object, vocabulary: Vocabulary) -> Signal:
    return build(SignalSpec.model_validate({"signal": "one", "when": when}), vocabulary)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("renewal within 120 days", Due("renewal", 120)),
        ("the renewal date is within 16 weeks", Due("renewal", 112)),
        ("renews in 30 days", Due("renewal", 30)),
        ('"trial end" within 2 weeks', Due("trial end", 14)),
        ("renewal within 120 days and logins below 2", All((Due("renewal", 120), LOGINS))),
        ("logins below 2 unless renewal within 30 days", Unless(LOGINS, Due("renewal", 30))),
        ("logins below 2 90 days after contract start", After(LOGINS, 90, "contract start")),
        ("logins below 2, at least 90 days after the sign-up", After(LOGINS, 90, "signup")),
        ("logins below 2 2 weeks after go_live_on", After(LOGINS, 14, "go_live_on")),
        (
            "(logins below 2 or renewal within 9 days) 90 days after signup",
            After(Any((LOGINS, Due("renewal", 9))), 90, "signup"),
        ),
        (
            "seats used above 90% of seats for 2 weeks",
            Level(SEATS, ">", 0.9, streak=Streak(2, 2), of="seats"),
        ),
        ("seats used above 90%", Level(SEATS, ">", 0.9, of="seats")),
        ("logins at most 20% of the licences", Level(Quantity("logins"), "<=", 0.2, of="licences")),
        (
            "seats used below 30% 90 days after contract start",
            After(Level(SEATS, "<", 0.3, of="seats"), 90, "contract start"),
        ),
    ],
)
def test_what_is_meant(text: str, meant: object, vocabulary: Vocabulary) -> None:
    assert parse(text, vocabulary).condition == meant


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("renewal withn 120 days", "renewal within 120 days"),
        ("renewl within 120 days", "renewal within 120 days"),
        ("renewal within 4 months", "renewal within 120 days"),
        ("seats used above 90% off seats for 2 weeks", "seats used above 90% of seats for 2 weeks"),
        ("seats used bellow 30% 90 days after contract start", "seats used below 30% 90 days after contract start"),
        ("seats used below 30% 90 days aftr signup", "seats used below 30% 90 days after signup"),
        ("seats used below 30% 3 months after signup", "seats used below 30% 90 days after signup"),
        ("logins above 3 of seats", "logins above 3"),
        ("error rate above 10% of seats", "error rate above 10%"),
    ],
)
def test_a_wrong_one_is_helped(text: str, near: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(SentenceError) as caught:
        parse(text, vocabulary)
    assert caught.value.suggestion == near


DATES = st.none() | st.just("soon") | st.integers(-40, 90).map(lambda n: (START + timedelta(days=n)).isoformat())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_day_ahead_is_the_plain_reference(vocabulary: Vocabulary, data: st.DataObject) -> None:
    count, span = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 40))
    first, second = (data.draw(st.lists(DATES, min_size=count, max_size=count)) for _ in range(2))
    numbers = Plain({}, {DAY: days(count)}, {"renewal_on": [first], "renews_on": [second]})
    got = judge(signal(f"renewal within {span} days", vocabulary), numbers).verdicts[0]
    for nth, (one, two) in enumerate(zip(first, second, strict=True)):
        known = next((d for d in (one, two) if d not in (None, "soon")), None)
        close = START + timedelta(days=nth + 1)  # the day after the one that closed has begun
        left = None if known is None else (date.fromisoformat(known) - close).days
        assert got[nth] == (2 if left is None else int(0 <= left <= span))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_day_past_is_the_plain_reference(vocabulary: Vocabulary, data: st.DataObject) -> None:
    count, span = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 60))
    values = data.draw(st.lists(st.sampled_from([0.0, 5.0, NAN]), min_size=count, max_size=count))
    begun = data.draw(st.lists(DATES, min_size=count, max_size=count))
    ages = data.draw(st.lists(st.floats(0, 90) | st.just(NAN), min_size=count, max_size=count))
    named = data.draw(st.sampled_from(["contract start", "signup"]))
    numbers = Plain(
        {("logins", WEEK): np.array([values])}, {WEEK: weeks(count)}, {"started_at": [begun]}, np.array([ages])
    )
    one = signal(f"logins below 2 {span} days after {named}", vocabulary)
    assert grain_of(one) is WEEK
    got = judge(one, numbers).verdicts[0]
    for nth, (value, day, age) in enumerate(zip(values, begun, ages, strict=True)):
        close = START + timedelta(days=7 * (nth + 1))
        past = None if day in (None, "soon") else (close - date.fromisoformat(str(day))).days
        if named == "signup":
            past = None if math.isnan(age) else age  # type: ignore[assignment]
        parts = [2 if math.isnan(value) else int(value < 2), 2 if past is None else int(past >= span)]
        assert got[nth] == (0 if 0 in parts else 2 if 2 in parts else 1)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_part_of_a_trait_is_the_plain_reference(vocabulary: Vocabulary, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    values = data.draw(st.lists(st.sampled_from([0.0, 9.0, 10.0, NAN]), min_size=count, max_size=count))
    seats = data.draw(st.lists(st.sampled_from(["10", "11.0", "0", "many", None]), min_size=count, max_size=count))
    numbers = Plain({("seats_used", WEEK): np.array([values])}, {WEEK: weeks(count)}, {"seats": [seats]})
    got = judge(signal("seats used at least 90% of seats for 2 weeks", vocabulary), numbers).verdicts[0]
    for nth, said in enumerate(seats):
        number = float(said) if said in ("10", "11.0") else None
        pair = [NAN, *values][nth : nth + 2]
        held = [2 if number is None or math.isnan(v) else int(v >= 0.9 * number) for v in pair]
        assert got[nth] == (0 if 0 in held else 2 if 2 in held else 1)


def test_what_is_read(vocabulary: Vocabulary) -> None:
    one = signal("seats used below 30% 90 days after signup unless renewal within 30 days", vocabulary)
    assert traits_of(one) >= {"seats", "age", "renewal_on", "renewal"}
    assert quantities_of(one) == {(SEATS, WEEK)}
    assert closes_of(one) == {DAY, WEEK}
    assert not only_truer(signal("logins above 3 9 days after signup", vocabulary), {}, vocabulary)
    assert quantities_of(signal("renewal within 9 days", vocabulary)) == set()


def test_a_plain_series_has_no_days(vocabulary: Vocabulary) -> None:
    series = SeriesNumbers({"logins": np.zeros((1, 3))}, DAY)
    with pytest.raises(InputError, match="no trait"):
        judge(signal("renewal within 9 days", vocabulary), series)


def test_times_of_day_and_zones_count_whole_days(vocabulary: Vocabulary) -> None:
    ends = np.array([to_us(datetime(2024, 3, 10, 23, tzinfo=UTC))])  # midnight in Berlin
    numbers = Plain({}, {DAY: ends}, {"renewal": [["2024-03-21"]]})
    for span, verdict in ((10, 1), (9, 0)):
        assert judge(signal(f"renewal within {span} days", vocabulary), numbers).verdicts[0, 0] == verdict


CASES = {
    "renewal within 120 days": {"renewal": [122, 121, 120, 0, -1], "fires": ["no", "no", "yes", "yes", "no"]},
    "seats used above 90% of seats": {"seats used": [9, 10, 5], "seats": [10, 10, None], "fires": ["no", "yes", "no"]},
    "logins below 2 14 days after signup": {"logins": [1, 1], "signup": [13.5, 20.5], "fires": ["no", "yes"]},
    "logins below 2 14 days after contract start": {
        "logins": [1, 1], "contract start": [10, 17], "fires": ["no", "yes"],
    },
}  # fmt: skip


@pytest.mark.parametrize("when", CASES)
def test_cases_give_the_days(when: str, vocabulary: Vocabulary) -> None:
    assert run_cases(signal(when, vocabulary), [CASES[when]], vocabulary) == []  # type: ignore[list-item]


def test_a_case_that_leaves_a_day_out_is_told(vocabulary: Vocabulary) -> None:
    found = run_cases(signal("renewal within 9 days", vocabulary), [{"fires": ["no"]}], vocabulary)
    assert "reads renewal" in found[0].message
    assert found[0].hint == "Add `renewal: [...]`, the days until it."
