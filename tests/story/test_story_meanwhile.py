"""How unusual things are, against plain references; and that no number of what else happened comes from nowhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import isnan
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, to_us
from beforehand.commands.meanwhile import LEAST, MOST, Window
from beforehand.signals.tree import Level, Quantity
from beforehand.story import words
from beforehand.story.clause import Clause
from beforehand.story.meanwhile import OPENING, meanwhile
from beforehand.story.receipt import Query, Receipt
from beforehand.story.scene import Happening, Occasion
from beforehand.story.unusual import count_p, rate_p, stopped_p, value_p

NOW = to_us(datetime(2026, 11, 16, tzinfo=UTC))
WEEK = 7 * DAY_US


def test_of_counts_without_trouble_few_are_unusual() -> None:
    rng = np.random.default_rng(5)
    for mean, shape in ((0.3, 1e6), (4.0, 1e6), (40.0, 1e6), (4.0, 4.0), (40.0, 4.0)):
        series = rng.poisson(mean * rng.gamma(shape, 1 / shape, (1_500, 30)))
        p = np.array([count_p(row[:26], row[26:]) for row in series])
        assert (p <= 0.05).mean() < 0.075
        assert (p <= 0.005).mean() < 0.015


@pytest.mark.parametrize(
    ("past", "now", "rare"),
    [
        ([2, 1, 3, 2, 2, 1, 2, 3, 2, 2, 1, 3], [14, 19, 12], True),
        ([2, 1, 3, 2, 2, 1, 2, 3, 2, 2, 1, 3], [3, 1, 2], False),
        ([0] * 20, [1], False),
        ([0] * 20, [6, 4], True),
        ([20, 24, 19, 22, 25, 21, 20, 23, 22, 21], [0, 0, 0], True),
        ([1, 0, 0, 1, 0, 0, 0, 1, 0, 0], [0, 0, 0], False),
    ],
)
def test_counts_that_anybody_would_call_unusual_are(past: list[float], now: list[float], rare: bool) -> None:
    assert (count_p(past, now) <= 0.01) is rare


@given(st.lists(st.booleans(), min_size=8, max_size=40), st.integers(1, 8))
def test_who_stopped_is_the_product_of_its_steps(weeks: list[bool], silent: int) -> None:
    p = stopped_p([float(w) for w in weeks], silent)
    if True not in weeks or len(weeks) - weeks.index(True) < 8:
        assert isnan(p)
        return
    known, seen = len(weeks) - weeks.index(True), sum(weeks)
    expected = np.prod([1 - (seen + 0.5) / (known + 1 + n) for n in range(silent)])
    assert p == pytest.approx(expected)
    assert stopped_p([float(w) for w in weeks], silent + 1) < p


def test_values_against_their_own_past() -> None:
    past = [0.02, 0.03, 0.02, 0.025, 0.03, 0.02, 0.03, 0.025, 0.02, 0.03]
    assert value_p(past, [0.3, 0.28]) < 0.01
    assert value_p(past, [0.025, 0.028]) > 0.2
    assert isnan(value_p(past[:5], [0.3]))
    assert value_p([*past, float("nan")], [float("nan"), 0.3]) < 0.01


def test_base_rates_are_never_nothing_and_never_more_than_all() -> None:
    assert rate_p(0, 199) == pytest.approx(0.5 / 199.5)
    assert rate_p(500, 100) == 1.0


@given(st.integers(0, 400), st.integers(0, 30))
def test_the_weeks_looked_at_hold_the_beginning(days: int, late: int) -> None:
    opened = NOW - late * DAY_US
    window = Window.of(opened - days * DAY_US, opened, NOW)
    assert LEAST <= window.weeks <= MOST
    assert window.end_us <= opened
    if days <= 6 * 7:
        assert window.end_us == opened
        assert window.start_us <= opened - days * DAY_US
    elif days < 50 * 7:
        assert window.start_us <= opened - days * DAY_US <= window.end_us


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=9, max_size=34),
    st.integers(1, 8),
    st.sampled_from(["metric", "event", "person stopped"]),
    st.sampled_from(["count", "people", "share"]),
)
def test_every_number_has_its_receipt(values: list[int], weeks: int, kind: str, measure: str) -> None:
    share = measure == "share" and kind != "person stopped"
    known = tuple(v / 60 if share else float(v) for v in values)
    edges = tuple(NOW - n * WEEK for n in range(len(values), -1, -1))
    receipt = Receipt(Query("events", "count", edges, (7,)), NOW, known, sum(values), "ab" * 16)
    clause = Clause(Level(Quantity("errors"), "<", 0.0), "errors", "share" if share else "count", 0)
    happening = Happening(kind, 0.01, (0,), "Dana Reyes", "admin", weeks, clause=clause)
    of = Occasion("Globex", ZoneInfo("UTC"), NOW, (), (receipt,), meanwhile=(happening,))
    said = meanwhile(of)
    if not said:
        return
    text = said[0].text
    assert text.startswith(OPENING)
    assert "because" not in text
    before, after = known[: len(known) - weeks], known[len(known) - weeks :]
    mean = [sum(part) / len(part) for part in (before, after) if part]
    first = next((n for n, v in enumerate(before) if v), 0)
    seen = [sum(1 for v in before if v), len(before) - first, len(before)]
    allowed = [*mean, *(m * 100 for m in mean), sum(after), *seen, float(weeks)]
    plain = re.sub(r"up to \d+ \w+", "", text)
    counts = {word: n for n, word in enumerate(words.SMALL)}
    found = [float(f.replace(",", "")) for f in re.findall(r"\d[\d,]*(?:\.\d+)?", plain)]
    found += [float(counts[w]) for w in re.findall(r"[a-z]+", plain) if w in counts and w != "no"]
    for number in found:
        assert any(abs(number - a) <= max(0.5, abs(a) * 0.006) for a in allowed), f"{number} in {text!r}"


def test_the_renewal_is_not_told_twice() -> None:
    from beforehand.story.scene import Stake

    query = Query("traits", "trait", (0, NOW), (7,), of="renewal_on")
    renewal = Receipt(query, NOW, ("2026-12-20",), 1, "ab" * 16)
    happening = Happening("renewal", 0.01, (0,))
    of = Occasion("Globex", ZoneInfo("UTC"), NOW, (), (renewal,), meanwhile=(happening,))
    assert len(meanwhile(of)) == 1
    assert meanwhile(Occasion(**{**vars(of), "stake": Stake(renewal=0)})) == []


def test_a_trait_that_is_a_day_reads_as_a_sentence() -> None:
    query = Query("traits", "trait", (NOW - WEEK, NOW), (7,), of="left_on")
    left = Receipt(query, NOW, (None, "2026-11-14"), 1, "ab" * 16)
    happening = Happening("trait", 0.01, (0,), name="Emma Schulz")
    (said,) = meanwhile(Occasion("Globex", ZoneInfo("UTC"), NOW, (), (left,), meanwhile=(happening,)))
    assert said.text == f"{OPENING}the `left on` of Emma Schulz was set to 14 November on 16 November."
