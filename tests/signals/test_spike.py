"""Spikes: the tails, the forecast and the threshold against slow plain references, and what is promised of them."""

from __future__ import annotations

import math
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import Grain
from beforehand.signals import SeriesNumbers, Signal, Vocabulary, decided, judge, kind_of, parse, run_cases, scores
from beforehand.signals.expected import (
    CAUTION,
    CUT,
    CUT_COUNT,
    DRIFT_PRIOR,
    LEVEL_PRIOR,
    NOTHING,
    PAST,
    SEASON_PRIOR,
    SEASON_PRIOR_PERIODS,
    STRAY,
    STRAY_PRIOR,
    Past,
    forecast,
    forecast_counts,
)
from beforehand.signals.judges import rare_enough
from beforehand.signals.numbers import CLEAR, FAILED, HOLDS, UNSURE
from beforehand.signals.spike import FAR, LEAST, RATE, decide, least_spike, score_spike, spike_width
from beforehand.signals.tails import count_tail, incomplete_beta, log_gamma, t_tail
from beforehand.signals.tree import Quantity, Spike, Streak

NAN = math.nan
Q = Quantity("errors")


# -- tails -------------------------------------------------------------------------------------------------------------


def plain_count_tail(count: int, mu: float, size: float) -> float:
    """Every probability from the count on, or one minus those below it, added one by one."""

    def one(x: int) -> float:
        log = math.lgamma(x + size) - math.lgamma(size) - math.lgamma(x + 1)
        return math.exp(log + size * -math.log1p(mu / size) + x * (math.log(mu) - math.log(size + mu)))

    if count < mu:
        return 1 - math.fsum(one(x) for x in range(count))
    total, x = 0.0, count
    while (term := one(x)) > total * 1e-17 or x < count + 5:
        total, x = total + term, x + 1
    return total


@settings(max_examples=300, deadline=None)
@given(st.floats(-3, 3), st.floats(-0.5, 6), st.floats(-2, 12))
def test_the_tail_of_counts_is_their_sum(log_mean: float, log_size: float, deviations: float) -> None:
    mu, size = 10**log_mean, 10**log_size
    count = max(0, round(mu + deviations * math.sqrt(mu + mu * mu / size)))
    found = float(count_tail(np.array(count), np.array(mu), np.array(size)))
    assert found == pytest.approx(plain_count_tail(count, mu, size), rel=1e-6, abs=1e-250)


def test_the_tail_of_t_is_the_closed_form_for_four_degrees() -> None:
    for t in (-3.0, -0.1, 0.0, 0.5, 1.0, 2.0, 5.0, 20.0):
        part = t / math.sqrt(1 + t * t / 4)
        closed = 0.5 - 3 / 8 * part * (1 - t * t / (12 * (1 + t * t / 4)))
        assert float(t_tail(np.array(t), 4.0)) == pytest.approx(closed, rel=1e-7)


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-3, 1e7))
def test_log_gamma_is_that_of_the_standard_library(z: float) -> None:
    assert float(log_gamma(np.array(z))) == pytest.approx(math.lgamma(z), rel=1e-12, abs=1e-11)


def test_the_incomplete_beta_is_whole_at_its_ends() -> None:
    one = np.ones(1)
    assert incomplete_beta(2 * one, 3 * one, 0 * one)[0] == 0
    assert incomplete_beta(2 * one, 3 * one, one)[0] == 1
    assert incomplete_beta(one, one, 0.3 * one)[0] == pytest.approx(0.3)


# -- the forecast ------------------------------------------------------------------------------------------------------


class Plain:
    """The forecast of one series by loops over its periods."""

    def __init__(self, x: list[float], past: Past) -> None:
        self.x, self.past = x, past
        self.means: dict[int, tuple[float, float]] = {}

    def known(self, at: int) -> bool:
        return 0 <= at < len(self.x) and not math.isnan(self.x[at])

    def before(self, at: int, length: int) -> list[int]:
        return [s for s in range(max(0, at - length), at) if self.known(s)]

    def cut(self, at: int) -> float:
        like = sorted((self.x[at - lag] for lag in self.past.like if self.known(at - lag)), reverse=True)
        return min(self.x[at], CUT * like[2] + CUT_COUNT) if len(like) >= 3 else self.x[at]

    def level(self, at: int) -> float:
        long, near = self.before(at, self.past.long), self.before(at, self.past.level)
        usual = (sum(map(self.cut, long)) + NOTHING) / max(len(long), 1)
        return (sum(map(self.cut, near)) + LEVEL_PRIOR) / (len(near) + LEVEL_PRIOR / usual)

    def season(self, at: int) -> tuple[float, float]:
        if (at, True) in self.means:  # type: ignore[comparison-overlap]
            return self.means[at, True]  # type: ignore[index]
        level = self.level(at)
        prior = SEASON_PRIOR + SEASON_PRIOR_PERIODS * level
        factor, weight = 1.0, sum(map(self.cut, self.before(at, self.past.level))) + LEVEL_PRIOR
        for length, times in self.past.seasons:
            slots = [
                (at - length * back + step, 1.0 if step == 0 else 0.5) for back in range(1, times + 1)
                for step in (-1, 0, 1)
            ]  # fmt: skip
            slots = [(s, part) for s, part in slots if self.known(s)]
            # Beyond the first period there is no neighbour, and no slot that began there.
            slots = [(s, p) for s, p in slots if s >= 0]
            got = sum(part * self.cut(s) for s, part in slots)
            due = sum(part * self.level(s) for s, part in slots)
            factor, weight = (got + prior * factor) / (due + prior), got + prior
        self.means[at, True] = level * factor, weight  # type: ignore[index]
        return level * factor, weight

    def mean(self, at: int, first: int) -> float:
        expected = self.season(at)[0]
        if not self.past.drift:
            return expected
        lately = [s for s in self.before(at, self.past.drift) if s >= first]
        due = sum(self.season(s)[0] for s in lately)
        return expected * (sum(map(self.cut, lately)) + DRIFT_PRIOR) / (due + DRIFT_PRIOR)

    def forecast(self, at: int, first: int) -> tuple[float, float]:
        past = self.past
        length, number, worst = past.strays
        rows = []
        for back in range(number):
            stop = at - length * back
            usable = [
                s for s in range(max(first, stop - length), stop)
                if self.known(s) and len(self.before(s, past.long)) >= past.least / 2
            ]  # fmt: skip
            means = {s: self.mean(s, first) for s in usable}
            rows.append((
                sum((self.x[s] - means[s]) ** 2 for s in usable), sum(means.values()),
                sum(m * m for m in means.values()), sum((self.cut(s) - means[s]) ** 2 for s in usable),
            ))  # fmt: skip
        kept = len(rows) - worst
        good = sorted((r for r in rows if r[1] > 0), key=lambda r: r[0] / r[1])
        good = good[: max(0, kept - (len(rows) - len(good)))]
        other = sorted((r for r in rows if r[1] > 0), key=lambda r: (r[0] - r[1]) / r[2])
        other = other[: max(0, kept - (len(rows) - len(other)))]
        total = sum(r[1] for r in rows)
        linear = mean(r[0] / r[1] for r in good) * CAUTION if good else 0.0
        linear = max(linear, sum(r[3] for r in rows) / max(total, 1e-9))
        linear = max((linear * total + STRAY * STRAY_PRIOR) / (total + STRAY_PRIOR) - 1, 0.0)
        square = max(mean((r[0] - r[1]) / r[2] for r in other) * CAUTION, 0.0) if other else 0.0
        expected, weight = self.mean(at, first), self.season(at)[1]
        if len(self.before(at, past.long)) < past.least:
            return NAN, NAN
        return expected, 1 / (max(linear / expected, square) + 1 / weight)


TINY = Past(seasons=((2, 2), (4, 2)), level=4, long=9, drift=3, strays=(2, 3, 1), like=(1, 2, 4, 6), least=3)
BARE = Past(seasons=(), level=3, long=6, drift=0, strays=(2, 3, 1), like=(1, 2, 3), least=3)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_forecast_is_the_plain_one(data: st.DataObject) -> None:
    past = data.draw(st.sampled_from([TINY, BARE]))
    value = st.integers(0, 9).map(float) | st.sampled_from([0.0, 0.0, 60.0, NAN])
    x = data.draw(st.lists(value, min_size=past.reach + 1, max_size=past.reach + 4))
    closes = len(x) - past.reach
    found = forecast_counts(np.array([x]), closes, past)
    for q in range(closes):
        at = past.reach + q
        plain = Plain(x, past)
        expected, size = plain.forecast(at, 0)
        if math.isnan(expected):
            assert math.isnan(found.mean[0, q])
        else:
            assert found.mean[0, q] == pytest.approx(expected, rel=1e-9)
            assert found.size[0, q] == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize("grain", list(Grain))
@pytest.mark.parametrize("counted", [True, False])
def test_one_close_alone_is_judged_as_among_many(grain: Grain, counted: bool) -> None:
    rng = np.random.default_rng(7)
    reach, closes = PAST[grain].reach, 9
    x = rng.poisson(6, (5, reach + closes)).astype(float)
    x[rng.random(x.shape) < 0.05] = NAN
    x[3, : reach - 2] = NAN
    x = x if counted else x * 1.37
    many = forecast(x, closes, grain, counted)
    for q in range(closes):
        one = forecast(x[:, q : q + reach + 1], 1, grain, counted)
        np.testing.assert_allclose(one.mean[:, 0], many.mean[:, q], rtol=1e-9)
        np.testing.assert_allclose(one.size[:, 0], many.size[:, q], rtol=1e-6)


def test_what_follows_the_past_is_expected_and_one_spike_does_not_raise_the_bar() -> None:
    rng = np.random.default_rng(3)
    hours = np.arange(PAST[Grain.HOUR].reach + 1)
    shape = np.where((hours // 24) % 7 < 5, 12.0, 2.0) * (1 + 0.8 * np.sin(2 * np.pi * hours / 24))
    x = rng.poisson(np.tile(shape, (200, 1))).astype(float)
    calm = forecast(x, 1, Grain.HOUR, True)
    assert np.median(calm.mean) == pytest.approx(shape[-1], rel=0.1)
    x[:, [-500, -200, -170, -169, -30]] *= 40
    after = forecast(x, 1, Grain.HOUR, True)
    assert np.median(least_spike(after)) < 2.2 * np.median(least_spike(calm))


def test_a_past_of_nothing_is_a_small_mean() -> None:
    x = np.zeros((1, PAST[Grain.DAY].reach + 1))
    leaf = Spike(Q, Grain.DAY)
    chances = []
    for count in (0, 2, 3, 6):
        x[0, -1] = count
        chances.append(float(score_spike(leaf, x, 1, True)[0, 0]))
    assert chances[:2] == [1.0, 1.0], f"fewer than {LEAST} are none"
    assert chances[3] < chances[2] < FAR


# -- thresholds --------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1e-9, 1e-6, 1e-4, 4e-4, 1e-3, 0.01, 0.04, 0.3, NAN]), st.booleans()),
                min_size=1, max_size=40), st.booleans())  # fmt: skip
def test_the_threshold_is_benjamini_and_hochbergs(rows: list[tuple[float, bool]], filling: bool) -> None:
    p, scope = np.array([[r[0]] for r in rows]), np.array([[r[1]] for r in rows])
    subjects = max(1, sum(r[1] for r in rows))
    known = sorted(r[0] for r in rows if r[1] and not math.isnan(r[0]))
    steps = [RATE * (k + 1) / subjects for k, one in enumerate(known) if one <= RATE * (k + 1) / subjects]
    expected = RATE / subjects if filling or not steps else max(steps)
    (found,) = decide(p, scope, filling)
    assert found == pytest.approx(min(expected, FAR))
    assert found <= decide(p, scope)[0], "a close is never stricter than its period was while it filled"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_streaks_of_spikes_are_counted_at_their_own_thresholds(data: st.DataObject) -> None:
    of = data.draw(st.integers(1, 4))
    streak = Streak(data.draw(st.integers(1, of)), of)
    p = data.draw(st.lists(st.sampled_from([1e-6, 1e-4, 0.5, NAN, math.inf]), min_size=1, max_size=8))
    limits = data.draw(st.lists(st.sampled_from([1e-5, 1e-3]), min_size=len(p), max_size=len(p)))
    found = rare_enough(streak, np.array([p]), np.array(limits))[0]
    for q in range(len(p)):
        seen = [(p[s], limits[s]) if s >= 0 else (NAN, 1.0) for s in range(q - of + 1, q + 1)]
        holding, unknown = sum(a <= b for a, b in seen), sum(math.isnan(a) for a, _ in seen)
        expected = HOLDS if holding >= streak.need else CLEAR if holding + unknown < streak.need else UNSURE
        assert found[q] == (FAILED if any(math.isinf(a) for a, _ in seen) else expected)


# -- signals -----------------------------------------------------------------------------------------------------------


def signal(text: str, vocabulary: Vocabulary) -> Signal:
    return Signal("it", parse(text, vocabulary), counted=frozenset({"errors", "logins"}))


def test_a_verdict_is_the_same_in_blocks_and_at_once(vocabulary: Vocabulary) -> None:
    rng = np.random.default_rng(5)
    x = rng.poisson(5, (60, 120)).astype(float)
    x[:4, 110] = 40
    one = signal("errors spike per day", vocabulary)
    whole = judge(one, SeriesNumbers({"errors": x}, Grain.DAY)).verdicts
    blocks = [SeriesNumbers({"errors": x[low : low + 20]}, Grain.DAY) for low in (0, 20, 40)]
    scored = [scores(one, block) for block in blocks]
    limits = decided(scored)
    parts = [
        judge(one, block, scored=own, thresholds=limits).verdicts for block, own in zip(blocks, scored, strict=True)
    ]
    assert (np.concatenate(parts) == whole).all()
    assert (whole[:4, 110] == HOLDS).all()
    assert (whole[:, 20:] == HOLDS).sum() <= 6
    assert (whole[:, :14] == UNSURE).all()
    ((_, limit),) = limits.items()
    assert limit.min() == pytest.approx(RATE / 60)
    assert limit[110] >= RATE * 4 / 60 or limit[110] == FAR


def test_a_spike_is_a_part_of_a_compound_and_may_fill(vocabulary: Vocabulary) -> None:
    x = np.full((1, 90), 4.0)
    x[0, 80] = 60
    numbers = SeriesNumbers({"errors": x, "logins": np.ones((1, 90))}, Grain.DAY)
    both = signal("errors spike per day and logins below 5 per day", vocabulary)
    assert np.flatnonzero(judge(both, numbers).verdicts[0] == HOLDS).tolist() == [80]
    assert np.flatnonzero(judge(both, numbers, filling=True).verdicts[0] == HOLDS).tolist() == [80]
    twice = signal("errors spike per day in 1 of 3 days", vocabulary)
    assert np.flatnonzero(judge(twice, numbers).verdicts[0] == HOLDS).tolist() == [80, 81, 82]
    assert spike_width(twice.sentence.condition) == kind_of(twice.sentence.condition).width(twice.sentence.condition)  # type: ignore[arg-type]


def test_an_infinite_number_fails_its_own_period_only(vocabulary: Vocabulary) -> None:
    x = np.full((1, 60), 4.0)
    x[0, 40] = math.inf
    verdicts = judge(signal("errors spike per day", vocabulary), SeriesNumbers({"errors": x}, Grain.DAY)).verdicts[0]
    assert verdicts[40] == FAILED
    assert (verdicts[41:] == CLEAR).all()


def test_few_closes_raise_anything_without_trouble_and_real_trouble_is_told() -> None:
    """The promise for 20,000 accounts, on a tenth of them; `bench/spike.py` does all."""
    rng = np.random.default_rng(11)
    n, closes, leaf = 2_000, 24, Spike(Q, Grain.HOUR)
    usual, stray = 10 ** rng.uniform(-1, np.log10(40), n), np.where(rng.random(n) < 0.5, 1.0, rng.uniform(1, 1.5, n))
    size = np.where(stray > 1, usual / np.maximum(stray - 1, 1e-9), 1e9)[:, None]
    x = rng.poisson(rng.gamma(size, 1, (n, PAST[Grain.HOUR].reach + closes)) * usual[:, None] / size).astype(float)
    quiet = score_spike(leaf, x, closes, True)
    limits = decide(quiet, np.ones(quiet.shape, dtype=bool))
    assert (quiet <= limits).any(axis=0).sum() <= 2
    hit = rng.choice(np.flatnonzero(usual >= 10), 20, replace=False)
    x[hit, -1] = rng.poisson(rng.gamma(size[hit, 0] * 5, 1) * usual[hit] / size[hit, 0])
    loud = score_spike(leaf, x[:, -PAST[Grain.HOUR].reach - 1 :], 1, True)
    assert (loud[hit, 0] <= RATE / n).sum() >= 18, "told while the hour still fills"


def test_cases_are_judged_as_the_only_subject(vocabulary: Vocabulary) -> None:
    calm = [4.0, 6.0, 5.0, 3.0, 5.0, 4.0, 6.0] * 4
    case = {"errors": [*calm, 31.0, 5.0], "fires": ["no"] * 28 + ["yes", "no"]}
    assert run_cases(signal("errors spike per day", vocabulary), [case], vocabulary) == []
    (problem,) = run_cases(signal("errors spike per day", vocabulary), [case | {"fires": ["no"] * 30}], vocabulary)
    assert "verdict is holds" in problem.message
