"""The figures on a history small enough to count by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from beforehand.proof import Outcomes, Trial, combined, prove, row, shrunk, words

DAY = 86_400_000_000
WEEK = 7 * DAY


def trial(
    episodes: list[tuple[int, int]],
    outcomes: list[tuple[int, int, int | None, int | None]],
    accounts: int = 4,
    closes: int = 8,
    horizon: int = 2,
    until: int | None = None,
) -> Trial:
    """Weekly closes 1 to `closes`; times in whole weeks; every account always in reach and active."""

    def us(week: int | None) -> int | None:
        return None if week is None else week * WEEK

    opened = np.arange(1, closes + 1) * WEEK
    return Trial(
        opened_us=opened,
        weeks=np.ones(closes),
        reach=np.ones((accounts, closes), dtype=bool),
        last_us=np.repeat((opened - DAY)[None, :], accounts, axis=0),
        row=np.array([a for a, _ in episodes], dtype=np.int64),
        close=np.array([c for _, c in episodes], dtype=np.int64),
        outcomes=Outcomes.of([(a, o * WEEK, us(n), us(b)) for a, o, n, b in outcomes]),
        horizon_us=horizon * WEEK,
        until_us=(closes if until is None else until) * WEEK,
    )


def nulls(value: Any) -> bool:
    return value is None or (isinstance(value, (list, dict)) and all(nulls(v) for v in _inside(value)))


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def test_right_wrong_too_late_and_unfinished() -> None:
    found = row(
        prove(
            trial(
                episodes=[(0, 1), (1, 1), (2, 3), (3, 7)],
                # 0 churns two weeks after its alert, told one week after it; 2 had told before its alert; 3 is open.
                outcomes=[(0, 4, 3, None), (2, 5, 3, None), (3, 8, None, None)],
            )
        )
    )
    assert (found["episodes"], found["right"], found["too_late"], found["unfinished"]) == (4, 1, 1, 1)
    assert found["precision"][0] == pytest.approx(1 / 3)
    assert found["lead_days"] == {"p25": 7.0, "p50": 7.0, "p75": 7.0}
    assert (found["caught"], found["could_be_caught"]) == (1, 3)
    assert found["episodes_per_week"] == 0.5
    assert found["untouched"]["episodes"] == 1 and found["earlier"]["episodes"] == 3


def test_an_outcome_at_the_very_opening_or_at_the_end_of_the_horizon_is_right() -> None:
    found = row(prove(trial([(0, 1), (1, 1)], [(0, 2, None, None), (1, 4, None, None)])))
    assert found["right"] == 2
    assert found["lead_days"] == {"p25": 3.5, "p50": 7.0, "p75": 10.5}


def test_lead_against_the_beginning_is_negative_when_it_had_begun() -> None:
    found = row(prove(trial([(0, 3)], [(0, 5, None, 1)])))
    assert found["lead_days"]["p50"] == 7.0
    assert found["lead_days_to_began"]["p50"] == -21.0


def test_what_happens_after_the_trial_is_not_looked_at() -> None:
    found = row(prove(trial([(0, 1)], [(0, 4, None, None)], until=3)))
    assert (found["right"], found["unfinished"], found["could_be_caught"]) == (0, 1, 0)


def test_with_nothing_to_divide_by_everything_is_null_and_never_nan() -> None:
    for nothing in (trial([], []), trial([(0, 1)], [], until=1), trial([], [], accounts=0)):
        found = row(prove(nothing))
        json.dumps(found, allow_nan=False)
        for part in (found, found["untouched"], found["rivals"]["recency"], found["rivals"]["random"]):
            assert nulls([part["precision"], part["recall"], part["lead_days"], part["lift"], part["base_rate"]])
        assert found["standing"] == "unknown"


def test_where_no_outcome_is_known_at_all_no_share_is_given() -> None:
    found = row(prove(trial([(0, 1), (1, 2)], [])))
    assert (found["episodes"], found["right"]) == (2, 0)
    assert nulls([found["precision"], found["base_rate"], found["recall"], found["lift"]])
    assert "no outcome is known" in words(found)


def test_a_signal_that_is_never_right_has_precision_zero() -> None:
    found = row(prove(trial([(0, 1), (1, 2)], [(3, 0, None, None)])))
    assert found["precision"][0] == 0.0 and found["precision"][2] > 0
    assert found["base_rate"] == 0.0
    assert nulls([found["recall"], found["lift"]])


def test_random_rival_is_right_as_often_as_the_base_rate_says() -> None:
    random = np.random.default_rng(3)
    episodes = [(int(a), int(c)) for a, c in zip(random.integers(0, 40, 60), random.integers(0, 30, 60), strict=True)]
    outcomes = [(a, int(random.integers(5, 38)), None, None) for a in range(0, 40, 3)]
    found = row(prove(trial(episodes, outcomes, accounts=40, closes=40, horizon=6)))
    chance = found["rivals"]["random"]
    assert chance["episodes"] == found["episodes"] and chance["unfinished"] == found["unfinished"]
    assert chance["precision"][0] == pytest.approx(found["base_rate"], abs=0.01)
    assert chance["lift"] == pytest.approx(1.0, abs=0.1)
    assert row(prove(trial(episodes, outcomes, accounts=40, closes=40, horizon=6))) == found, "seeds are fixed"


def test_a_signal_that_knows_is_said_to_be_better_and_one_that_does_not_is_not() -> None:
    churned = [(a, 10 + a % 5, None, None) for a in range(30)]
    knows = row(prove(trial([(a, 8) for a in range(20)], churned, accounts=200, closes=40, horizon=8)))
    assert knows["standing"] == "better" and "better than chance and" in words(knows)
    draws = np.random.default_rng(8).permutation(200)[:20]
    guesses = row(prove(trial([(int(a), 8) for a in draws], churned, accounts=200, closes=40, horizon=8)))
    assert guesses["standing"] == "chance" and "no better than drawing" in words(guesses)


def test_a_signal_that_only_knows_silence_is_no_better_than_the_recency_rival() -> None:
    base = trial(
        [(a, 9) for a in range(20)], [(a, 14, None, None) for a in range(20)], accounts=100, closes=40, horizon=8
    )
    base.last_us[:20, 5:] = base.opened_us[4]
    found = row(prove(base))
    assert found["rivals"]["recency"]["right"] == 20
    assert found["standing"] == "recency" and "quiet longest" in words(found)


def test_words_count_before_they_judge() -> None:
    assert words(row(prove(trial([], [])))) == "It never alerted in this time."
    assert words(row(prove(trial([(0, 7)], [])))) == "1 alert, none of them old enough to be judged."
    said = words(row(prove(trial([(0, 1), (1, 1)], [(0, 3, None, None)]))))
    assert said.startswith("Right 1 of 2 times, 7 days early (median).")


def test_risk_combines_and_shrinks() -> None:
    assert combined([]) == 0
    assert combined([0.5, 0.5]) == 0.75
    assert combined([1.0, 0.2]) == 1.0
    assert shrunk(0, 0, 0.1) == pytest.approx(0.1)
    assert shrunk(1, 1, 0.1) == pytest.approx(0.25)
    assert shrunk(900, 1000, 0.1) == pytest.approx(0.9, abs=0.005)
