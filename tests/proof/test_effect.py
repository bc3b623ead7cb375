"""Experiments: published intervals, error rates over simulated ones, a real one, and files that are wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.commands.uplift import read_shares, uplift
from beforehand.errors import InputError, Problems
from beforehand.proof import Arm, arms_of, effect, ratio
from beforehand.proof.effect import LEVEL, chi_square_tail
from beforehand.signals.numbers import Float

DATA = Path(os.environ.get("BEFOREHAND_DATA", "../shared/data"))


def share(name: str, yes: int, n: int) -> Arm:
    return arms_of({name: np.r_[np.ones(yes), np.zeros(n - yes)]})[0]


def test_the_interval_of_two_shares_is_the_published_one() -> None:
    """Newcombe, "Interval estimation for the difference between independent proportions" (1998), table II."""
    for (a, n, b, m), (lower, upper) in {
        (56, 70, 48, 80): (0.0528, 0.3382),
        (9, 10, 3, 10): (0.1700, 0.8406),
        (5, 56, 0, 29): (-0.0326, 0.1933),
        (0, 10, 0, 20): (-0.1658, 0.2844),
    }.items():
        found = effect(share("a", a, n), share("b", b, m))
        assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=6e-5)


def test_chi_square_tails_are_those_of_the_tables() -> None:
    for freedom, value in enumerate((3.8415, 5.9915, 7.8147, 9.4877, 11.0705, 12.5916, 14.0671), start=1):
        assert chi_square_tail(value, freedom) == pytest.approx(0.05, abs=2e-5)


@given(st.integers(0, 40), st.integers(2, 40), st.integers(0, 40), st.integers(2, 40))
def test_an_interval_leaves_out_nothing_exactly_where_p_is_small(yes: int, n: int, other: int, m: int) -> None:
    found = effect(share("a", min(yes, n), n), share("b", min(other, m), m))
    assert found.lower <= found.effect <= found.upper
    if abs(found.p - LEVEL) > 1e-6:
        assert (found.p < LEVEL) == (found.lower > 0 or found.upper < 0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_of_means_too(own: list[float], other: list[float]) -> None:
    arm, control = arms_of({"a": np.array([*own, 0.5]), "b": np.array([*other, 0.25])})
    found = effect(arm, control)
    assert found.lower <= found.effect <= found.upper
    if abs(found.p - LEVEL) > 1e-6:
        assert (found.p < LEVEL) == (found.lower > 0 or found.upper < 0)


def _likeliest_by_grid(yes: int, n: int, other: int, m: int, delta: float) -> float:
    grid = np.linspace(max(0.0, -delta), min(1.0, 1 - delta), 20_001)[1:-1]
    own = grid + delta
    likelihood = yes * np.log(own) + (n - yes) * np.log1p(-own) + other * np.log(grid) + (m - other) * np.log1p(-grid)
    return float(grid[likelihood.argmax()])


@given(st.integers(1, 19), st.integers(1, 29), st.floats(-0.8, 0.8))
def test_the_likeliest_share_is_that_of_a_search(yes: int, other: int, delta: float) -> None:
    from beforehand.proof.effect import _likeliest

    found = _likeliest(share("a", yes, 20), share("b", other, 30), delta)
    assert found == pytest.approx(_likeliest_by_grid(yes, 20, other, 30, delta), abs=2e-4)


def test_without_an_effect_it_errs_at_its_stated_rate() -> None:
    """2,000 experiments of each kind: 5 % shown, within four standard errors of that."""
    chance = np.random.default_rng(20261122)
    shown = {"shares": 0, "means": 0}
    for _ in range(2000):
        n, m, rate = chance.integers(60, 600), chance.integers(60, 600), chance.uniform(0.05, 0.6)
        shown["shares"] += _shown(chance.binomial(1, rate, n).astype(float), chance.binomial(1, rate, m).astype(float))
        shown["means"] += _shown(chance.gamma(2.0, 10.0, n), chance.gamma(2.0, 10.0, m))
    for kind, count in shown.items():
        assert abs(count / 2000 - LEVEL) < 4 * (0.05 * 0.95 / 2000) ** 0.5, kind


def _shown(own: Float, other: Float) -> bool:
    arm, control = arms_of({"a": own, "b": other})
    return effect(arm, control).standing in ("higher", "lower")


def test_what_could_be_seen_is_seen_four_times_of_five() -> None:
    chance = np.random.default_rng(7)
    n, base = 400, 0.2
    step = effect(share("a", 80, n), share("b", 80, n)).detectable
    seen = np.mean(
        [
            _shown(chance.binomial(1, base + step, n).astype(float), chance.binomial(1, base, n).astype(float))
            for _ in range(1000)
        ]
    )
    assert 0.74 < seen < 0.86


def test_arms_of_other_sizes_than_drawn_for_are_told() -> None:
    even = [share("a", 10, 5000), share("b", 10, 5080)]
    assert ratio(even).ok
    assert not ratio(even, {"a": 0.6, "b": 0.4}).ok
    assert not ratio([share("a", 1, 5000), share("b", 1, 5600)]).ok


def test_few_are_too_few_to_say() -> None:
    assert effect(share("a", 20, 20), share("b", 0, 20)).standing == "too few"
    assert effect(share("a", 2, 400), share("b", 1, 400)).standing == "too few"
    lone = effect(share("a", 1, 1), share("b", 10, 50))
    assert lone.standing == "too few"
    assert np.isnan(lone.p)


def test_the_mail_experiment_gives_back_what_is_known_of_it() -> None:
    file = DATA / "hillstrom" / "hillstrom.csv.gz"
    if not file.exists():
        pytest.skip("needs the shared real data")
    found = uplift(file, arm="segment", control="No E-Mail", outcome="visit")
    by_arm = {row["arm"]: row for row in found["effects"]}
    assert round(by_arm["Mens E-Mail"]["effect"] * 100, 2) == 7.66
    assert round(by_arm["Womens E-Mail"]["effect"] * 100, 2) == 4.52
    assert all(row["lower"] > 0 and row["standing"] == "higher" for row in by_arm.values())
    assert found["ratio_check"]["ok"]
    assert sum(row["n"] for row in found["arms"]) == 64_000


def test_words_and_numbers_and_kinds_of_files(tmp_path: Path) -> None:
    rows = [("kept", "yes"), ("sent", "No"), ("kept", "0"), ("sent", "1"), ("kept", "TRUE"), ("sent", "f")]
    csv = tmp_path / "a.csv"
    csv.write_text("arm,renewed\n" + "".join(f"{arm},{said}\n" for arm, said in rows))
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps({"arm": arm, "renewed": said}) + "\n" for arm, said in rows))
    found = [uplift(file, arm="arm", control="kept", outcome="renewed") for file in (csv, lines)]
    assert found[0] == found[1]
    assert [(row["arm"], row["n"], row["mean"]) for row in found[0]["arms"]] == [
        ("kept", 3, pytest.approx(2 / 3)),
        ("sent", 3, pytest.approx(1 / 3)),
    ]


def test_what_is_wrong_with_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("arm,spent\ncontrol,3\nmail,many\n,4\nmail,\n")
    with pytest.raises(Problems) as told:
        uplift(file, arm="arm", control="control", outcome="spent")
    assert [(p.line, p.code) for p in told.value.problems] == [(3, "bad-row"), (4, "bad-row"), (5, "bad-row")]
    with pytest.raises(InputError, match="no column 'spend'") as wrong:
        uplift(file, arm="arm", control="control", outcome="spend")
    assert "spent" in str(wrong.value.hint)
    file.write_text("arm,spent\ncontrol,3\nmail,5\n")
    with pytest.raises(InputError, match=r"No row of x\.csv has arm = 'controls'"):
        uplift(file, arm="arm", control="controls", outcome="spent")
    with pytest.raises(InputError, match="no such file"):
        uplift(tmp_path / "none.csv", arm="arm", control="c", outcome="o")
    with pytest.raises(InputError, match="share of 'mail' is not given"):
        uplift(file, arm="arm", control="control", outcome="spent", shares={"control": 1.0})
    with pytest.raises(InputError, match="no share of an arm"):
        read_shares(["control=most"])
    file.write_text("arm,spent\n")
    with pytest.raises(InputError, match="holds no rows"):
        uplift(file, arm="arm", control="control", outcome="spent")
