"""Sentences as teams type them, over metrics whose phrases are theirs: they parse and mean what they say."""

from __future__ import annotations

import pytest

from beforehand.signals import SentenceError, Vocabulary, build, parse, run_cases, say
from beforehand.workspace.spec import MetricSpec, SignalSpec

METRICS = {
    "contacts": {"count": "touches", "says": ["contact from us"]},
    "nps": {"mean": "surveys", "of": "score", "where": "kind = 'nps'", "says": ["NPS"]},
    "bad_csat": {"count": "surveys", "where": "kind = 'csat' and score <= 2", "says": ["CSAT bad", "bad CSAT"]},
    "logins": {"count": "events", "where": "event = 'login'", "says": ["logins"]},
    "reporters": {"people": "events", "where": "event = 'report'", "says": ["people using reports"]},
    "mentions": {
        "count": "messages",
        "where": "direction = 'in' and (text ilike '%cancel%' or text ilike '%competitor%' or text ilike '%price%')",
        "says": ["mentions of cancel or price"],
    },
    "seats_used": {"people": "events", "says": ["seats used"], "out of": "seats"},
    "active_people": {"people": "events", "says": ["active people"]},
}
SAID = {
    "no contact from us for 45 days": "no contact from us for 45 days",
    "NPS 6 or lower": "nps at most 6 per week",
    "CSAT bad twice in 30 days": "csat bad at least 2 in 30 days",
    "bad CSAT 3 times in the last 30 days": "csat bad at least 3 in 30 days",
    "people using reports below 3 in 3 of 4 weeks": "people using reports below 3 per week in 3 of 4 weeks",
    "at least 1 mentions of cancel or price per day": "mentions of cancel or price at least 1 per day",
    "no logins for 30 days for people where role is primary admin": (
        'no logins for 30 days for people where role is "primary admin"'
    ),
    "active people up 60% in a quarter and seats used above 90%": (
        "active people up 60% in 13 weeks and seats used above 90% of seats per week"
    ),
    "renewal within 120 days and any high alert open": "renewal within 120 days and any high alert open",
    "seats used below 30% 90 days after contract start": (
        "seats used below 30% of seats per week 90 days after contract start"
    ),
}


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return Vocabulary.of({name: MetricSpec.model_validate(spec) for name, spec in METRICS.items()})


@pytest.mark.parametrize("text", SAID)
def test_it_means_what_it_says(text: str, words: Vocabulary) -> None:
    assert say(parse(text, words), words) == SAID[text]


def test_only_what_is_counted_happens_so_often(words: Vocabulary) -> None:
    with pytest.raises(SentenceError, match="does not happen twice"):
        parse("NPS twice in 30 days", words)


CASES = {
    "CSAT bad twice in 3 days": {"CSAT bad": [0, 1, 0, 1, 0, 0], "fires": ["no", "no", "no", "yes", "no", "no"]},
    "no contact from us for 2 days": {"contact from us": [1, 0, 0, 1], "fires": ["no", "no", "yes", "no"]},
}


@pytest.mark.parametrize("when", CASES)
def test_their_cases_hold(when: str, words: Vocabulary) -> None:
    signal = build(SignalSpec(signal="one", when=when), words)
    assert run_cases(signal, [CASES[when]], words) == []  # type: ignore[list-item]
