"""Sentences as people write them, and the trees they mean."""

from __future__ import annotations

import pytest

from beforehand.calendar import Grain
from beforehand.errors import InputError
from beforehand.signals import SentenceError, Vocabulary, parse
from beforehand.signals.grammar import FORMS, OPEN_NAMES, grammar_for
from beforehand.signals.tree import (
    Absence,
    All,
    Among,
    Any,
    Both,
    Change,
    Compare,
    Either,
    Level,
    Named,
    Not,
    Quantity,
    Streak,
    Usual,
)
from beforehand.workspace.spec import MetricSpec

LOGINS, ERRORS, EVENTS, TICKETS = Quantity("logins"), Quantity("errors"), Quantity("events"), Quantity("tickets")
PEOPLE, RATE = Quantity("active_people"), Quantity("error_rate")
DAY, WEEK, MONTH = Grain.DAY, Grain.WEEK, Grain.MONTH
LOW = Level(LOGINS, "<", 2)
MANY = Level(ERRORS, ">=", 20, DAY)

SENTENCES = {
    "login frequency drops below 2x per week for 3 consecutive weeks": Level(LOGINS, "<", 2, WEEK, Streak(3, 3)),
    "Login Frequency DROPS BELOW 2X PER WEEK FOR 3 Consecutive Weeks": Level(LOGINS, "<", 2, WEEK, Streak(3, 3)),
    "logins at least 3 per week for 2 weeks": Level(LOGINS, ">=", 3, WEEK, Streak(2, 2)),
    "logins falls below 2": LOW,
    "logins is below 2": LOW,
    "logins under 2": LOW,
    "logins less than twice a week": LOW,
    "logins fewer than two per week": LOW,
    "logins < 2": LOW,
    "weekly logins below 2": LOW,
    "logins per week below 2": LOW,
    "logins below 2 weekly": LOW,
    "logins below 2/week": LOW,
    "logins below 2 times each week": LOW,
    "fewer than 2 logins per week": LOW,
    "logins at most 2": Level(LOGINS, "<=", 2),
    "logins no more than 2": Level(LOGINS, "<=", 2),
    "logins 2 or lower": Level(LOGINS, "<=", 2),
    "2 or fewer logins": Level(LOGINS, "<=", 2),
    "logins above 2": Level(LOGINS, ">", 2),
    "logins over 2": Level(LOGINS, ">", 2),
    "logins rises above 2": Level(LOGINS, ">", 2),
    "logins exceeds 2": Level(LOGINS, ">", 2),
    "logins more than 2": Level(LOGINS, ">", 2),
    "logins >= 2": Level(LOGINS, ">=", 2),
    "logins no fewer than 2": Level(LOGINS, ">=", 2),
    "logins 2 or more": Level(LOGINS, ">=", 2),
    "at least 2 logins": Level(LOGINS, ">=", 2),
    "errors at least 20 per day": MANY,
    "errors at least 20 daily": MANY,
    "errors at least 20 a day": MANY,
    "errors below 3 for 4 days": Level(ERRORS, "<", 3, DAY, Streak(4, 4)),
    "errors below 3 for a week": Level(ERRORS, "<", 3, WEEK),
    "errors below 3 for one month": Level(ERRORS, "<", 3, MONTH),
    "logins below 3 for the last 3 weeks": Level(LOGINS, "<", 3, WEEK, Streak(3, 3)),
    "logins below 3 for three weeks in a row": Level(LOGINS, "<", 3, WEEK, Streak(3, 3)),
    "logins below 3 in 3 of 4 weeks": Level(LOGINS, "<", 3, WEEK, Streak(3, 4)),
    "logins below 3 in at least 3 of the last 4 weeks": Level(LOGINS, "<", 3, WEEK, Streak(3, 4)),
    "logins below 3 in 3 out of 4 weeks": Level(LOGINS, "<", 3, WEEK, Streak(3, 4)),
    "paid below 10,000 per month": Level(Quantity("paid"), "<", 10_000, MONTH),
    "amount paid below $2.5k per month": Level(Quantity("paid"), "<", 2_500, MONTH),
    "amount paid above 1.5m": Level(Quantity("paid"), ">", 1_500_000),
    "error rate above 10% per week": Level(RATE, ">", 0.1),
    "error rate above 10 percent": Level(RATE, ">", 0.1),
    "error rate above 0.1": Level(RATE, ">", 0.1),
    "events below 5 per active person for 2 weeks": Level(Quantity("events", True), "<", 5, WEEK, Streak(2, 2)),
    "events per active user below 5 for 2 weeks": Level(Quantity("events", True), "<", 5, WEEK, Streak(2, 2)),
    "events below 5 per active person per day": Level(Quantity("events", True), "<", 5, DAY),
    "tickets at least 3 in 30 days": Level(Quantity("tickets", rolling_days=30), ">=", 3, DAY),
    "at least 3 tickets in the last 30 days": Level(Quantity("tickets", rolling_days=30), ">=", 3, DAY),
    "tickets in 30 days at least 3": Level(Quantity("tickets", rolling_days=30), ">=", 3, DAY),
    "tickets at least 3 within 30 days": Level(Quantity("tickets", rolling_days=30), ">=", 3, DAY),
    "tickets at least 3 in 2 weeks": Level(Quantity("tickets", rolling_days=14), ">=", 3, DAY),
    "tickets at least 3 in 30 days for 5 days": Level(Quantity("tickets", rolling_days=30), ">=", 3, DAY, Streak(5, 5)),
    "active people down 40% vs the 8 weeks before, for 2 weeks": Change(PEOPLE, "down", 0.4, 8, WEEK, Streak(2, 2)),
    "active people is down by 40% against the 8 weeks before": Change(PEOPLE, "down", 0.4, 8),
    "active people drops by 40% compared with the previous 8 weeks": Change(PEOPLE, "down", 0.4, 8),
    "active people drops 40 percent vs 8 weeks earlier": Change(PEOPLE, "down", 0.4, 8),
    "active people rises by 60% versus the 3 months before": Change(PEOPLE, "up", 0.6, 3, MONTH),
    "active people up 250% vs the 14 days before for 3 days": Change(PEOPLE, "up", 2.5, 14, DAY, Streak(3, 3)),
    "tickets in 30 days up 50% vs the 60 days before": Change(Quantity("tickets", rolling_days=30), "up", 0.5, 60, DAY),
    "logins below usual for 2 weeks": Usual(LOGINS, "down", 26, WEEK, Streak(2, 2)),
    "logins is below its usual": Usual(LOGINS, "down"),
    "logins less than usual": Usual(LOGINS, "down"),
    "logins far above usual": Usual(LOGINS, "up", far=True),
    "logins well below normal per day": Usual(LOGINS, "down", 28, DAY, far=True),
    "logins above usual per month": Usual(LOGINS, "up", 12, MONTH),
    "logins below usual of the 12 weeks before": Usual(LOGINS, "down", 12),
    "no logins for 14 days": Absence(LOGINS, 14),
    "no login for 14 days": Absence(LOGINS, 14),
    "zero logins in the last 14 days": Absence(LOGINS, 14),
    "no logins for 2 weeks": Absence(LOGINS, 14),
    "logins below 2 and errors at least 20 per day": All((LOW, MANY)),
    "logins below 2 or errors at least 20 per day": Any((LOW, MANY)),
    "logins below 2 and errors at least 20 per day within 14 days": All((LOW, MANY), 14),
    "logins below 2 and errors at least 20 per day or no logins for 14 days": Any(
        (All((LOW, MANY)), Absence(LOGINS, 14))
    ),
    "logins below 2 and (errors at least 20 per day or no logins for 14 days)": All(
        (LOW, Any((MANY, Absence(LOGINS, 14))))
    ),
    "signal error-spike and logins below 2": All((Named("error-spike"), LOW)),
}


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_means_its_tree(text: str, vocabulary: Vocabulary) -> None:
    read = parse(text, vocabulary)
    assert read.condition == SENTENCES[text]
    assert (read.subject, read.population) == ("account", None)


POPULATIONS = {
    "for accounts where plan is business": Compare("plan", "is", "business"),
    "for all customers whose plan is business": Compare("plan", "is", "business"),
    "for accounts where plan is enterprise and age above 90 days": Both(
        (Compare("plan", "is", "enterprise"), Compare("age", ">", 90))
    ),
    "for accounts where age at least 3 months": Compare("age", ">=", 90),
    "for accounts where age is under 1 year": Compare("age", "<", 365),
    "for accounts where plan is not trial": Compare("plan", "is not", "trial"),
    "for accounts where plan != trial": Compare("plan", "is not", "trial"),
    "for accounts where plan = trial": Compare("plan", "is", "trial"),
    "for accounts where plan in (basic, pro)": Among("plan", ("basic", "pro")),
    "for accounts where plan is in basic, pro": Among("plan", ("basic", "pro")),
    "for accounts where plan not in (basic, pro)": Not(Among("plan", ("basic", "pro"))),
    "for accounts where not plan is trial": Not(Compare("plan", "is", "trial")),
    'for accounts where plan is "free trial"': Compare("plan", "is", "free trial"),
    "for accounts where plan is free trial": Compare("plan", "is", "free trial"),
    "for accounts where 'Account Type' is partner": Compare("Account Type", "is", "partner"),
    "for accounts where value above 10000": Compare("value", ">", 10_000),
    "for accounts where value above 10k": Compare("value", ">", 10_000),
    "for accounts where value at least €1.2m": Compare("value", ">=", 1_200_000),
    "for accounts where seats 5 or more": Compare("seats", ">=", 5),
    "for accounts where tier is 3": Compare("tier", "is", 3.0),
    "for accounts where renewal_at below 2026-07-01": Compare("renewal_at", "<", "2026-07-01"),
    "for accounts where plan is pro or (region is EU and not value below 5k)": Either(
        (Compare("plan", "is", "pro"), Both((Compare("region", "is", "EU"), Not(Compare("value", "<", 5_000)))))
    ),
}


@pytest.mark.parametrize("text", POPULATIONS)
def test_a_population_means_its_tree(text: str, vocabulary: Vocabulary) -> None:
    read = parse(f"logins below 2 per week for 3 consecutive weeks {text}", vocabulary)
    assert read.condition == Level(LOGINS, "<", 2, WEEK, Streak(3, 3))
    assert (read.subject, read.population) == ("account", POPULATIONS[text])


def test_people_are_subjects_of_their_own(vocabulary: Vocabulary) -> None:
    each = parse("no logins for 14 days for each person", vocabulary)
    assert (each.condition, each.subject, each.population) == (Absence(LOGINS, 14), "person", None)
    admins = parse("no logins for 30 days for people where role is admin", vocabulary)
    assert (admins.subject, admins.population) == ("person", Compare("role", "is", "admin"))


def test_the_default_grain_can_be_another(vocabulary: Vocabulary) -> None:
    assert parse("logins below 2", vocabulary, Grain.DAY).condition == Level(LOGINS, "<", 2, DAY)
    assert parse("logins below 2 per month", vocabulary, Grain.DAY).condition == Level(LOGINS, "<", 2, MONTH)


# text: the wrong part (marked by the caret), a word of the reason, the suggestion
MISFITS = {
    "logins below 2 per day for 3 weeks": (
        "for 3 weeks",
        "by day",
        "logins below 2 per day for 21 consecutive days",
    ),
    "logins below 2 per week for 14 days": (
        "for 14 days",
        "by week",
        "logins below 2 per week for 2 consecutive weeks",
    ),
    "logins below 2 per month in 3 of 4 weeks": ("in 3 of 4 weeks", "by month", None),
    "tickets at least 3 in 30 days for 2 weeks": (
        "for 2 weeks",
        "each day",
        "tickets at least 3 in 30 days for 14 consecutive days",
    ),
    "tickets at least 3 in 30 days per week": ("per week", "each day", "tickets at least 3 in 30 days"),
    "tickets at least 3 in 3 months": ("in 3 months", "Months", "tickets at least 3 in 90 days"),
    "no logins for 2 months": ("for 2 months", "Months", "no logins for 60 days"),
    "logins down 40% vs the 8 weeks before for 2 days": ("8 weeks before", "by day", None),
    "logins per day down 40% vs the 2 weeks before": (
        "2 weeks before",
        "by day",
        "logins per day down 40% vs the 14 days before",
    ),
    "logins down 40 vs the 8 weeks before": ("40", "percent", "logins down 40% vs the 8 weeks before"),
    "logins down 140% vs the 8 weeks before": ("140%", "100%", None),
    "logins below 10%": ("10%", "counted", "logins below 10"),
    "error rate above 10": ("10", "share", "error rate above 10%"),
    "no error rate for 14 days": ("error rate", "not counted", None),
    "no seats for 14 days": ("seats", "not counted", None),
    "seats below 3 in 30 days": ("in 30 days", "last value", "seats below 3"),
    "logins below 3 in 5 of 4 weeks": ("in 5 of 4 weeks", "5 of 4", "logins below 3 in 4 of 5 weeks"),
    "logins below 3 for 0 weeks": ("0", "whole number", None),
    "logins below 3 for 2.5 weeks": ("2.5", "whole number", None),
    "logins below 2 per week per day": ("per day", "twice", "logins below 2 per week"),
    "logins below usual of the 3 weeks before": ("3 weeks before", "at least 8", None),
    "signal eror-spike": ("eror-spike", "not a signal", "signal error-spike"),
}


@pytest.mark.parametrize("text", MISFITS)
def test_words_that_do_not_fit_are_told_with_the_right_ones(text: str, vocabulary: Vocabulary) -> None:
    wrong, reason, suggestion = MISFITS[text]
    with pytest.raises(SentenceError) as caught:
        parse(text, vocabulary)
    error = caught.value
    assert text[error.column - 1 : error.column - 1 + error.width] == wrong
    assert reason in error.reason
    if suggestion is not None:
        assert error.suggestion == suggestion
    if error.suggestion is not None:
        parse(error.suggestion, vocabulary)


def test_the_caret_stands_under_the_wrong_word(vocabulary: Vocabulary) -> None:
    with pytest.raises(SentenceError) as caught:
        parse("login frequency drops blow 2x per weak for 3 consecutive weeks", vocabulary)
    error = caught.value
    assert isinstance(error, InputError)
    said, line, caret = error.message.split("\n")
    assert said == "'blow' is not understood here."
    assert line.strip() == "login frequency drops blow 2x per weak for 3 consecutive weeks"
    assert line[caret.index("^") : caret.rindex("^") + 1] == "blow"
    assert error.column == 23
    assert {"below", "above", "at least", "at most"} <= set(error.expected)
    assert error.suggestion == "login frequency drops below 2x per week for 3 consecutive weeks"
    assert error.suggestion in error.hint


def test_an_unknown_metric_names_the_nearest(vocabulary: Vocabulary) -> None:
    with pytest.raises(SentenceError) as caught:
        parse("lgins below 2 per week", vocabulary)
    assert caught.value.suggestion == "logins below 2 per week"
    assert "logins" in caught.value.hint
    with pytest.raises(SentenceError) as caught:
        parse("photosynthesis below 2 per week", vocabulary)
    assert caught.value.suggestion is None
    assert "active people" in caught.value.hint, "every metric is told where none is near"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\n", "(", "((((", "logins", "2", "%", '"', "for", "logins below", "x" * 5000, "(" * 500, "a " * 400,
     "logins below 2 " * 60, "логины ниже 2", "logins below \x00 2", "logins below 99999999999999999999999999999 per",
     "no no no no", "'unclosed below 2", "logins below 2 for accounts where", "logins below 2 and", "; drop table"],
)  # fmt: skip
def test_nonsense_is_an_error_of_the_sentence(text: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(SentenceError):
        parse(text, vocabulary)


def test_long_sentences_and_deep_ones_are_read(vocabulary: Vocabulary) -> None:
    many = " or ".join(["logins below 2"] * 50)
    assert parse(many, vocabulary).condition == Any((LOW,) * 50)
    assert parse("(" * 20 + "logins below 2" + ")" * 20, vocabulary).condition == LOW


def test_a_phrase_is_matched_longest_first_at_word_boundaries() -> None:
    known = Vocabulary.of(
        {
            "a": MetricSpec(count="events", says=("reports",)),
            "b": MetricSpec(count="events", says=("reports shared",)),
            "c": MetricSpec(people="events", says=("people using reports",)),
            "d": MetricSpec(count="events", says=("no shows", "days at least 3 per week")),
        }
    )
    assert parse("reports below 2", known).condition == Level(Quantity("a"), "<", 2)
    assert parse("reports shared below 2", known).condition == Level(Quantity("b"), "<", 2)
    assert parse("people using reports below 3 in 3 of 4 weeks", known).condition == Level(
        Quantity("c"), "<", 3, WEEK, Streak(3, 4)
    )
    assert parse("no shows at least 2", known).condition == Level(Quantity("d"), ">=", 2)
    assert parse("days at least 3 per week below 2", known).condition == Level(Quantity("d"), "<", 2)
    with pytest.raises(SentenceError):
        parse("reportsx below 2", known)


def test_any_words_are_a_metric_without_a_workspace() -> None:
    free = Vocabulary.anything()
    assert parse("cpu load of db-1 above usual", free).condition == Usual(Quantity("cpu load of db-1"), "up")
    assert parse("value drops below 3 for 3 weeks", free).condition == Level(
        Quantity("value"), "<", 3, WEEK, Streak(3, 3)
    )
    assert parse("no visits for 3 days", free).condition == Absence(Quantity("visits"), 3)
    assert parse("at least 3 sign ups per day", free).condition == Level(Quantity("sign ups"), ">=", 3, DAY)
    assert parse("page views down 40% vs the 8 weeks before", free).condition == Change(
        Quantity("page views"), "down", 0.4, 8
    )
    with pytest.raises(SentenceError) as caught:
        parse("temperature drops blow 3", free)
    assert caught.value.suggestion == "temperature drops below 3"


def test_every_terminal_has_words_for_people_and_every_form_is_taken_by_its_own_pattern(vocabulary: Vocabulary) -> None:
    lark = grammar_for(vocabulary)
    names = {terminal.name for terminal in lark.terminals if terminal.name != "BLANK"}
    assert names <= FORMS.keys() | OPEN_NAMES.keys()
    assert FORMS.keys() <= names
    import re

    for terminal in lark.terminals:
        for form in FORMS.get(terminal.name, ("", ()))[1]:
            flags = re.IGNORECASE if "i" in terminal.pattern.flags else 0
            assert re.fullmatch(terminal.pattern.to_regexp(), form, flags), (terminal.name, form)


def test_two_metrics_of_one_phrase_are_refused() -> None:
    with pytest.raises(InputError, match=r"Both a and b are called 'logins'"):
        Vocabulary.of(
            {"a": MetricSpec(count="events", says=("Logins",)), "b": MetricSpec(count="events", says=("logins",))}
        )


def test_a_declared_phrase_wins_over_a_made_singular() -> None:
    known = Vocabulary.of(
        {"one": MetricSpec(count="events", says=("visit",)), "many": MetricSpec(people="events", says=("visits",))}
    )
    assert (known.metric("visit"), known.metric("Visits")) == ("one", "many")
