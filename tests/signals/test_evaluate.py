"""Signals over a block of numbers: grains that differ, `within`, populations, named signals, failures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    traits_of,
    widths_of,
    wrong_names,
)
from beforehand.signals.numbers import CLEAR, FAILED, HOLDS, UNSURE, Bool, Float, Int, MetricFailed, Trait
from beforehand.signals.tree import All, Any, Level, Named, Quantity
from beforehand.workspace.spec import SignalSpec

UTC = ZoneInfo("UTC")
MONDAY = 2828  # week number of 2024-03-11 .. any Monday will do
DAY, WEEK = Grain.DAY, Grain.WEEK
NAN = math.nan


@dataclass
class Plain:
    """Numbers by hand: `by[(metric, grain)]` is `[n, P]`, the last column the newest close."""

    by: Mapping[tuple[str, Grain], Float]
    closes: Mapping[Grain, Int]
    traits: Mapping[str, Trait] = field(default_factory=dict)
    living: Mapping[Grain, Bool] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        return len(next(iter(self.by.values())))

    def ends(self, grain: Grain) -> Int:
        return self.closes[grain]

    def windows(self, quantity: Quantity, grain: Grain, width: int) -> Float:
        if quantity.metric in self.failing:
            raise MetricFailed(quantity.metric)
        values = self.by[quantity.metric, grain]
        padded = np.concatenate([np.full((len(values), width - 1), NAN), values], axis=1)
        return np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)

    def idle(self, grain: Grain, width: int, days: int = 1) -> Bool:
        return np.zeros((1, len(self.ends(grain)), width), dtype=bool)

    def alive(self, grain: Grain) -> Bool:
        return self.living.get(grain, np.ones((self.size, len(self.closes[grain])), dtype=bool))

    def trait(self, name: str, grain: Grain) -> Trait:
        return self.traits[name]


def weeks(count: int) -> Int:
    return start_of(WEEK, UTC, MONDAY + 1 + np.arange(count))


def days(count: int, first: int = 0) -> Int:
    return start_of(DAY, UTC, MONDAY * 7 - 3 + 1 + first + np.arange(count))


def signal(when: object, vocabulary: Vocabulary, **more: object) -> Signal:
    return build(SignalSpec.model_validate({"signal": "one", "when": when, **more}), vocabulary)


def row(*values: float) -> Float:
    return np.array([values], dtype=np.float64)


def said(verdicts: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> str:
    return "".join("-h?!"[v] for v in verdicts[0])


def test_one_sentence_and_its_clear_at_the_same_closes(vocabulary: Vocabulary) -> None:
    one = signal("logins below 2 for 3 weeks", vocabulary, clear="logins at least 3 per week for 2 weeks")
    numbers = Plain({("logins", WEEK): row(6, 5, 1, 1, 0, 4, 4)}, {WEEK: weeks(7)})
    judged = judge(one, numbers)
    assert (judged.ends == weeks(7)).all()
    # Before the third week a streak of three cannot be known to hold, but a week above the bound refutes it.
    assert said(judged.verdicts) == "----h--"
    assert judged.clears is not None
    assert said(judged.clears) == "?h----h"
    assert judged.inside.all()


def test_a_compound_keeps_the_last_verdict_of_its_coarser_member(vocabulary: Vocabulary) -> None:
    both = signal("logins below 2 per week and errors at least 3 per day", vocabulary)
    assert grain_of(both) is DAY
    numbers = Plain({("logins", WEEK): row(1, 5), ("errors", DAY): row(*[3] * 20)}, {WEEK: weeks(2), DAY: days(20)})
    # 7 days until the first week closes: unsure. Then a week of holding, then clear.
    assert said(judge(both, numbers).verdicts) == "?" * 6 + "h" * 7 + "-" * 7
    clear = signal("errors at least 3 per day", vocabulary, clear="logins at least 3 per week")
    assert said(judge(clear, numbers).clears) == "?" * 6 + "-" * 7 + "h" * 7  # type: ignore[arg-type]
    finer = signal("logins below 2 per week", vocabulary, clear="errors at most 2 per day")
    judged = judge(finer, numbers)
    assert (said(judged.verdicts), said(judged.clears)) == ("h-", "--")  # type: ignore[arg-type]


def test_a_filling_close_belongs_to_the_filling_close_of_the_coarser(vocabulary: Vocabulary) -> None:
    both = signal("logins at least 2 per week and errors at least 3 per day", vocabulary)
    numbers = Plain(
        {("logins", WEEK): row(0, 5), ("errors", DAY): row(3, 3, 3)}, {WEEK: weeks(2), DAY: days(3, first=6)}
    )
    assert said(judge(both, numbers).verdicts) == "---"
    assert said(judge(both, numbers, filling=True).verdicts) == "--h"


def test_within_looks_back_over_the_closes_of_each_part(vocabulary: Vocabulary) -> None:
    near = signal("logins below 2 per week and errors at least 3 per week within 14 days", vocabulary)
    logins = row(1, 5, 5, 5, 5, 1, 5, 5)
    errors = row(0, 0, 3, 0, 0, 0, 0, 0)
    numbers = Plain({("logins", WEEK): logins, ("errors", WEEK): errors}, {WEEK: weeks(8)})
    # Week 0 (logins) and week 2 (errors) are 14 days apart: within. The first two closes cannot see far enough back,
    # which leaves them unsure only where nothing refutes the whole.
    assert said(judge(near, numbers).verdicts) == "??h-----"
    once = signal("logins below 2 per week and errors at least 3 per week", vocabulary)
    assert said(judge(once, numbers).verdicts) == "--------"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_within_is_the_plain_reference(vocabulary: Vocabulary, data: st.DataObject) -> None:
    count, span = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 30))
    values = st.lists(st.sampled_from([0.0, 5.0, NAN, math.inf]), min_size=count, max_size=count)
    logins = data.draw(values)
    daily = data.draw(st.lists(st.sampled_from([0.0, 5.0, NAN]), min_size=count * 7, max_size=count * 7))
    two = signal(f"logins below 2 per week and errors at least 3 per day within {span} days", vocabulary)
    closes = {WEEK: weeks(count), DAY: days(count * 7)}
    numbers = Plain({("logins", WEEK): row(*logins), ("errors", DAY): row(*daily)}, closes)

    def verdict(value: float, holds: bool) -> int:
        return 3 if math.isinf(value) else 2 if math.isnan(value) else int(holds)

    parts = [
        (closes[WEEK], [verdict(v, v < 2) for v in logins]),
        (closes[DAY], [verdict(v, v >= 3) for v in daily]),
    ]
    for at, got in zip(closes[DAY], judge(two, numbers).verdicts[0], strict=True):
        told = []
        for ends, verdicts in parts:
            seen = [v for end, v in zip(ends, verdicts, strict=True) if at - span * DAY_US <= end <= at]
            short = ends[0] > at - span * DAY_US or not seen
            told.append(1 if 1 in seen else 3 if 3 in seen else 2 if 2 in seen or short else 0)
        assert got == (0 if 0 in told else 3 if 3 in told else 2 if 2 in told else 1)


def test_a_metric_that_failed_fails_every_verdict_that_needs_it(vocabulary: Vocabulary) -> None:
    numbers = Plain(
        {("logins", WEEK): row(1, 5), ("errors", WEEK): row(9, 9)}, {WEEK: weeks(2)}, failing=frozenset({"logins"})
    )
    assert said(judge(signal("logins below 2", vocabulary), numbers).verdicts) == "!!"
    assert said(judge(signal("logins below 2 or errors above 5", vocabulary), numbers).verdicts) == "hh"
    assert said(judge(signal("logins below 2 and errors above 5", vocabulary), numbers).verdicts) == "!!"
    assert said(judge(signal("logins below 2 and errors below 5", vocabulary), numbers).verdicts) == "--"


def codes(*words: str | None) -> Trait:
    """A trait of three accounts, each the same at both closes."""
    known = tuple(dict.fromkeys(w for w in words if w is not None))
    column = np.array([-1 if w is None else known.index(w) for w in words], dtype=np.int32)
    return Trait(codes=np.repeat(column[:, np.newaxis], 2, axis=1), words=known)


def figures(*values: float) -> Trait:
    return Trait(numbers=np.repeat(np.array(values)[:, np.newaxis], 2, axis=1))


TRAITS = {
    "plan": codes("Business", "trial", None),
    "age": figures(100, 30, NAN),
    "tier": codes("3", "03.0", "gold"),
    "renewal_at": codes("2026-01-31T00:00:00+00:00", "2027-01-01", "soon"),
}
POPULATIONS = {
    "plan is business": [1, 0, 0],
    "plan is BUSINESS": [1, 0, 0],
    "plan is not business": [0, 1, 1],
    "not plan is business": [0, 1, 1],
    "plan in (business, trial)": [1, 1, 0],
    "plan not in (business, trial)": [0, 0, 1],
    "plan is business or plan is trial": [1, 1, 0],
    "plan is business and plan is trial": [0, 0, 0],
    "age above 90 days": [1, 0, 0],
    "age at most 100": [1, 1, 0],
    "age is 30": [0, 1, 0],
    "age is not 30": [1, 0, 1],
    "age is old": [0, 0, 0],
    "not age above 90 days": [0, 1, 1],
    "tier is 3": [1, 1, 0],
    "tier at least 3": [1, 1, 0],
    "tier is gold": [0, 0, 1],
    "renewal_at below 2026-06-30": [1, 0, 0],
    "renewal_at at least 2026-01-31": [1, 1, 0],
    "plan above 3": [0, 0, 0],
    "age above 2026-01-31": [0, 0, 0],
}


@pytest.mark.parametrize("written", POPULATIONS)
def test_who_is_inside(written: str, vocabulary: Vocabulary) -> None:
    one = signal(f"logins below 2 for accounts where {written}", vocabulary)
    numbers = Plain({("logins", WEEK): np.zeros((3, 2))}, {WEEK: weeks(2)}, TRAITS)
    judged = judge(one, numbers)
    assert judged.inside[:, 0].astype(int).tolist() == POPULATIONS[written]
    assert judged.verdicts.all(), "the verdict does not know of the population"


def test_outside_its_life_nobody_is_inside(vocabulary: Vocabulary) -> None:
    living = {WEEK: np.array([[False, True, False]])}
    numbers = Plain({("logins", WEEK): row(NAN, 1, NAN)}, {WEEK: weeks(3)}, living=living)
    judged = judge(signal("logins below 2", vocabulary), numbers)
    assert judged.inside.tolist() == [[False, True, False]]
    assert said(judged.verdicts) == "?h?"


def test_the_population_is_asked_at_each_close(vocabulary: Vocabulary) -> None:
    moving = Trait(codes=np.array([[0, 1]], dtype=np.int32), words=("trial", "pro"))
    numbers = Plain({("logins", WEEK): row(0, 0)}, {WEEK: weeks(2)}, {"plan": moving})
    assert judge(signal("logins below 2 for accounts where plan is pro", vocabulary), numbers).inside.tolist() == [
        [False, True]
    ]


def test_a_named_signal_holds_only_inside_its_own_population(vocabulary: Vocabulary) -> None:
    spike = signal("errors above 5 per week for accounts where plan is business", vocabulary)
    both = signal({"any of": ["logins below 2", "error-spike"]}, vocabulary)
    numbers = Plain(
        {("logins", WEEK): np.full((3, 2), 9.0), ("errors", WEEK): np.full((3, 2), 9.0)}, {WEEK: weeks(2)}, TRAITS
    )
    judged = judge(both, numbers, {"error-spike": spike})
    assert judged.verdicts[:, 0].tolist() == [HOLDS, CLEAR, CLEAR]
    assert judged.inside.all()
    assert quantities_of(both, {"error-spike": spike}) == {(Quantity("logins"), WEEK), (Quantity("errors"), WEEK)}
    assert traits_of(both, {"error-spike": spike}) == {"plan"}


def test_a_named_signal_keeps_its_own_grain(vocabulary: Vocabulary) -> None:
    quiet = signal("no logins for 14 days", vocabulary)
    one = signal({"all of": ["quiet", "errors above 5 per week"]}, vocabulary)
    assert grain_of(one, {"quiet": quiet}) is DAY
    numbers = Plain({("logins", DAY): row(*[0] * 8), ("errors", WEEK): row(9)}, {DAY: days(8), WEEK: weeks(1)})
    assert said(judge(one, numbers, {"quiet": quiet}).verdicts) == "??????hh"


def test_what_a_signal_reads(vocabulary: Vocabulary) -> None:
    one = signal(
        "active people down 40% vs the 8 weeks before for 2 weeks and tickets at least 3 in 30 days "
        "for accounts where plan is pro and not age below 90 days",
        vocabulary,
        clear="active people at least 5 per week for 3 weeks",
    )
    people, tickets = (Quantity("active_people"), WEEK), (Quantity("tickets", rolling_days=30), DAY)
    assert quantities_of(one) == {people, tickets}
    assert widths_of(one) == {people: 10, tickets: 1}
    assert widths_of(one.clear or one)[people] == 3
    assert traits_of(one) == {"plan", "age"}
    assert quantities_of(signal("no logins for 9 days", vocabulary)) == {(Quantity("logins", rolling_days=9), DAY)}


@pytest.mark.parametrize(
    ("when", "days_back"),
    [
        ("logins below 2 for 3 weeks", 0),
        ("errors above 5 per day and logins below 2 per week", 8),
        ("errors above 5 per day and logins below 2 per month", 32),
        ("errors above 5 per day and logins below 2 per day within 14 days", 15),
    ],
)
def test_how_far_back_the_closes_must_reach(when: str, days_back: int, vocabulary: Vocabulary) -> None:
    assert lookback_days(signal(when, vocabulary)) == days_back


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_last_close_alone_is_what_the_whole_history_says(vocabulary: Vocabulary, data: st.DataObject) -> None:
    """A live check that loads only as many closes as `lookback_days` says agrees with a backtest."""
    when = data.draw(
        st.sampled_from(
            [
                "errors at least 3 per day and logins below 2 per week",
                "errors at least 3 per day and logins below 2 per week within 9 days",
                "(errors at least 3 per day and logins below 2 per week within 5 days) or tickets above 4 per week",
            ]
        )
    )
    one = signal(when, vocabulary)
    few = st.sampled_from([0.0, 5.0, NAN])
    by = {
        ("logins", WEEK): row(*data.draw(st.lists(few, min_size=6, max_size=6))),
        ("tickets", WEEK): row(*data.draw(st.lists(few, min_size=6, max_size=6))),
        ("errors", DAY): row(*data.draw(st.lists(few, min_size=42, max_size=42))),
    }
    closes = {WEEK: weeks(6), DAY: days(42)}
    whole = judge(one, Plain(by, closes))
    at = data.draw(st.integers(lookback_days(one) + 7, 41))
    until = closes[DAY][at]
    since = until - lookback_days(one) * DAY_US
    kept = {grain: (ends <= until) & (ends >= since) for grain, ends in closes.items()}
    part = Plain({(m, g): v[:, kept[g]] for (m, g), v in by.items()}, {g: closes[g][kept[g]] for g in closes})
    assert judge(one, part).verdicts[0, -1] == whole.verdicts[0, at]


TRUER = {
    "logins at least 3": True,
    "logins above 3 for 2 weeks": True,
    "logins above 3 in 2 of 4 weeks": True,
    "tickets at least 3 in 30 days": True,
    "active people at least 9 per day": True,
    "storage used above 100": True,
    "logins at least 3 and errors at least 5": True,
    "(logins at least 3 and errors at least 5) or tickets above 3": True,
    "logins at least 3 and errors at least 5 within 3 days": True,
    "logins below 3": False,
    "logins at most 3": False,
    "logins at least 3 per active person": False,
    "error rate above 10%": False,
    "load time above 10": False,
    "seats above 10": False,
    "bytes moved above 10": False,
    "amount paid above 10": False,
    "urgent tickets at least 3": False,
    "logins at least 3 and errors below 5": False,
    "logins up 40% vs the 8 weeks before": False,
    "logins above usual": False,
    "no logins for 3 days": False,
    "signal quiet or logins at least 3": False,
    "signal error-spike or logins at least 3": True,
}


@pytest.mark.parametrize("when", TRUER)
def test_what_further_facts_can_only_make_truer(when: str, vocabulary: Vocabulary) -> None:
    named = {"quiet": signal("no logins for 3 days", vocabulary), "error-spike": signal("errors above 9", vocabulary)}
    assert only_truer(signal(when, vocabulary), named, vocabulary) is TRUER[when]


def test_a_compound_of_a_file_is_one_tree(vocabulary: Vocabulary) -> None:
    one = signal(
        {
            "all of": [
                "logins below 2 for 2 weeks",
                {"any of": ["errors above 5", "error-spike"]},
                "tickets above 1 for accounts where plan is pro",
            ],
            "within": "2 weeks",
        },
        vocabulary,
    )
    assert isinstance(one.sentence.condition, All)
    first, second, third = one.sentence.condition.parts
    assert one.sentence.condition.within_days == 14
    assert isinstance(first, Level)
    assert isinstance(second, Any)
    assert second.parts[1] == Named("error-spike")
    assert third == Level(Quantity("tickets"), ">", 1)
    assert traits_of(one.sentence) == {"plan"}
    assert signal({"any of": ["logins below 2"]}, vocabulary).sentence.condition == Level(Quantity("logins"), "<", 2)


@pytest.mark.parametrize(
    ("spec", "path", "word"),
    [
        ({"when": "logins blow 2"}, ("when",), "blow"),
        ({"when": "logins below 2", "clear": "logins abve 2"}, ("clear",), "abve"),
        (
            {"when": "logins below 2", "clear": "logins above 2 for accounts where plan is pro"},
            ("clear",),
            "same accounts",
        ),
        ({"when": {"all of": ["logins below 2", "lgins below 2"]}}, ("when", "all of", 1), "lgins"),
        (
            {"when": {"all of": ["logins below 2", {"any of": ["lgins below 2"]}]}},
            ("when", "all of", 1, "any of", 0),
            "lgins",
        ),
        (
            {"when": {"all of": ["logins below 2 for each person", "logins below 2 for accounts where plan is pro"]}},
            ("when", "all of", 1),
            "one population",
        ),
        ({"when": {"all of": ["logins below 2", "errors above 3"], "within": "6 hours"}}, ("when",), "whole days"),
        ({"when": {"all of": ["logins below 2"], "within": "6 days"}}, ("when",), "two parts"),
    ],
)
def test_where_in_its_file_a_sentence_is_wrong(
    spec: dict[str, object], path: tuple[object, ...], word: str, vocabulary: Vocabulary
) -> None:
    with pytest.raises(SentenceError) as caught:
        build(SignalSpec.model_validate({"signal": "one", **spec}), vocabulary)
    assert caught.value.path == path
    assert word in caught.value.message


def test_signals_that_name_each_other_in_a_circle_are_told_with_the_path() -> None:
    known = Vocabulary.anything()
    names = Vocabulary(open_words=True, signals=frozenset("abcd"), aggregates=known.aggregates)

    def named(*others: str) -> Signal:
        return signal({"any of": [*others, "logins below 2"]}, names)

    def wrong(**signals: Signal) -> list[tuple[str, str, str]]:
        return [(w.signal, w.error.code, w.error.message) for w in wrong_names(signals)]

    def circle(first: str, ring: str) -> tuple[str, str, str]:
        return (first, "cycle", f"Signals name each other in a circle: {ring}.")

    assert wrong(a=named("b", "c"), b=named("c"), c=named()) == []
    assert wrong(a=named("b"), b=named("c"), c=named("a")) == [circle("a", "a -> b -> c -> a")]
    assert wrong(a=named("b"), b=named("b")) == [circle("b", "b -> b")]
    assert wrong(a=named("a"), b=named("c"), c=named("d"), d=named("b")) == [
        circle("a", "a -> a"), circle("b", "b -> c -> d -> b"),
    ]  # fmt: skip
    assert wrong(a=named("d")) == [("a", "unknown-signal", "a names 'd', which is no signal.")]
    assert list(wrong_names({"a": named("d")}, known={"d"})) == []
    people = signal("no logins for 3 days for each person", names)
    assert wrong(a=named("b"), b=people) == [("a", "other-subject", "a is about accounts, but b is about people.")]


def test_a_signal_carries_what_its_file_says(vocabulary: Vocabulary) -> None:
    one = signal("no logins for 14 days for each person", vocabulary, severity="high", polarity="growth", delay_in=2)
    assert (one.severity, one.polarity, one.delay_in, one.delay_out, one.subject) == ("high", "growth", 2, 1, "person")
    assert one.text == "no logins for 14 days for each person"
    assert "logins" in one.counted
    assert "error_rate" not in one.counted


def test_one_close_needs_a_whole_history_of_failed_and_unsure(vocabulary: Vocabulary) -> None:
    numbers = Plain({("logins", WEEK): row(NAN, 1, math.inf, 5)}, {WEEK: weeks(4)})
    assert judge(signal("logins below 2", vocabulary), numbers).verdicts[0].tolist() == [UNSURE, HOLDS, FAILED, CLEAR]
    assert parse("logins below 2", vocabulary).population is None
