"""Intervals: known values, properties, and whether 95 % means 95 % when episodes come in clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.proof.intervals import clustered, difference, effective, student, wilson


def test_wilson_is_the_published_interval() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    assert wilson(81 / 263, 263)[1:] == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15 / 148, 148)[1:] == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0 / 20, 20)[1:] == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1 / 29, 29)[1:] == pytest.approx((0.0061, 0.1718), abs=5e-5)


@pytest.mark.parametrize(
    ("freedom", "point"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (10, 2.2281), (30, 2.0423), (120, 1.9799)],
)
def test_student_is_the_tabled_point(freedom: int, point: float) -> None:
    assert student(freedom) == pytest.approx(point, rel=4e-3)


def test_one_episode_per_account_is_plain_wilson() -> None:
    hits, trials = np.array([1.0] * 9 + [0.0] * 5), np.ones(14)
    assert clustered(hits, trials) == pytest.approx(wilson(9 / 14, 14))


def test_whole_accounts_right_or_wrong_count_as_accounts() -> None:
    """Ten episodes each that stand or fall together tell hardly more than the accounts do."""
    hits, trials = np.array([10.0] * 6 + [0.0] * 6), np.full(12, 10.0)
    found = clustered(hits, trials)
    assert found is not None
    assert effective(hits, trials, 0.5, 120.0) < 12
    assert found[2] - found[1] > wilson(0.5, 12)[2] - wilson(0.5, 12)[1] - 1e-9


def test_without_variance_the_accounts_are_what_was_counted() -> None:
    assert clustered(np.array([3.0, 4.0]), np.array([3.0, 4.0])) == wilson(1.0, 2)
    assert clustered(np.zeros(3), np.array([5.0, 5.0, 5.0])) == wilson(0.0, 3)
    assert clustered(np.array([2.0]), np.array([9.0])) == wilson(2 / 9, 1)
    assert clustered(np.array([1.0, 1.0]), np.array([2.0, 2.0])) == wilson(0.5, 2)


def test_no_trials_no_interval() -> None:
    assert clustered(np.zeros(4), np.zeros(4)) is None
    assert difference(np.zeros(2), np.zeros(2), np.ones(2), np.ones(2)) is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_the_interval_holds_the_share_and_stays_between_0_and_1(pairs: list[tuple[int, int]]) -> None:
    trials = np.array([float(a + b) for a, b in pairs])
    hits = np.array([float(a) for a, _ in pairs])
    found = clustered(hits, trials)
    if not trials.sum():
        assert found is None
        return
    assert found is not None
    share, low, high = found
    assert share == pytest.approx(hits.sum() / trials.sum())
    assert 0 <= low <= share <= high <= 1
    assert high > low
    mirrored = clustered(trials - hits, trials)
    assert mirrored is not None
    assert mirrored[1:] == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("accounts", [20, 60])
@pytest.mark.parametrize("share", [0.15, 0.4])
@pytest.mark.parametrize("together", [0.0, 0.5, 0.95])
def test_nominal_95_percent_covers_when_episodes_are_clustered(accounts: int, share: float, together: float) -> None:
    """Accounts with 1 to 6 episodes whose chance is drawn once per account; intra-account correlation `together`."""
    random = np.random.default_rng(11)
    rounds, covered = 1500, 0
    for _ in range(rounds):
        trials = random.integers(1, 7, size=accounts).astype(float)
        if together == 0:
            chance = np.full(accounts, share)
        else:
            strength = (1 - together) / together
            chance = random.beta(share * strength, (1 - share) * strength, size=accounts)
        found = clustered(random.binomial(trials.astype(int), chance).astype(float), trials)
        assert found is not None
        covered += found[1] <= share <= found[2]
    assert covered / rounds >= 0.92


def test_plain_wilson_would_not_have_covered() -> None:
    """The reason for all this: counting episodes as independent is far too sure of itself."""
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(500):
        hits = random.binomial(6, random.beta(0.02, 0.03, size=40)).sum()
        _, low, high = wilson(hits / 240, 240)
        covered += low <= 0.4 <= high
    assert covered / 500 < 0.75


def test_difference_covers_for_rivals_that_name_the_same_accounts() -> None:
    random = np.random.default_rng(5)
    rounds, covered = 1000, 0
    for _ in range(rounds):
        fate = random.random(60) < 0.3
        mine, other = random.integers(0, 4, 60), random.integers(0, 4, 60)
        right = random.binomial(mine, np.where(fate, 0.9, 0.1)).astype(float)
        others = random.binomial(other, np.where(fate, 0.6, 0.05)).astype(float)
        found = difference(right, mine.astype(float), others, other.astype(float))
        assert found is not None
        covered += found[1] <= (0.3 * 0.9 + 0.7 * 0.1) - (0.3 * 0.6 + 0.7 * 0.05) <= found[2]
    assert covered / rounds >= 0.92
