"""Most accounts moving at once, definitions that changed, and what an incident may hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain
from beforehand.incidents import (
    BEFORE,
    Incident,
    Reading,
    changed,
    doubt,
    moved_together,
    shares,
    touches,
    undone,
    width,
)
from beforehand.signals import Vocabulary, parse
from beforehand.signals.signal import Signal
from beforehand.workspace.spec import MetricSpec

WEEK_US = 7 * DAY_US
METRICS = {
    "logins": MetricSpec(count="events", where="event = 'login'"),
    "errors": MetricSpec(count="events", where="event = 'error'"),
    "tickets": MetricSpec(count="tickets"),
    "score": MetricSpec(mean="surveys", of="score"),
}


def windows(values: np.ndarray, grain: Grain) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(values, width(grain), axis=1)


def test_a_week_in_which_everybody_falls() -> None:
    rng = np.random.default_rng(1)
    values = rng.poisson(rng.uniform(4, 60, (40, 1)), (40, 40)).astype(float)
    values[:, 30] *= 0.1
    found = shares(windows(values, Grain.WEEK), Grain.WEEK, True)
    (one,) = moved_together(found, 24, BEFORE[Grain.WEEK])
    assert (one.kind, one.q) == ("drop", 30 - 8)
    assert one.could == 40 and one.moved > 35 and one.sure > 0.99
    values[:, 30] *= 40
    (one,) = moved_together(shares(windows(values, Grain.WEEK), Grain.WEEK, True), 24, 8)
    assert one.kind == "jump"


@pytest.mark.parametrize("grain", [Grain.DAY, Grain.WEEK])
def test_nothing_is_told_of_what_is_usual(grain: Grain) -> None:
    """Also where half of the accounts decline, and where counts are small."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        level = rng.gamma(1.0, 6.0, (60, 1)) * np.where(rng.random((60, 1)) < 0.4, np.linspace(1, 0.2, 120), 1)
        values = rng.negative_binomial(2, 2 / (2 + level)).astype(float)
        found = shares(windows(values, grain), grain, True)
        assert list(moved_together(found, 40, BEFORE[grain])) == []


def test_few_accounts_say_nothing() -> None:
    values = np.full((9, 30), 20.0)
    values[:, 25] = 0
    assert list(moved_together(shares(windows(values, Grain.WEEK), Grain.WEEK, True), 20, 8)) == []


def test_who_is_idle_says_nothing() -> None:
    values = np.full((30, 30), 20.0)
    values[:, 25] = 0
    looked = windows(values, Grain.WEEK)
    idle = np.zeros((1, looked.shape[1]), bool)
    idle[0, 25 - 8] = True
    assert list(moved_together(shares(looked, Grain.WEEK, True, idle), 20, 8)) == []


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=9, max_size=9), min_size=1, max_size=12))
def test_shares_one_by_one(rows) -> None:
    """Against going through the accounts one by one."""
    values = np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=float)
    found = shares(windows(values, Grain.WEEK), Grain.WEEK, True)
    could = fell = can_rise = rose = 0
    for *past, now in rows:
        known = sorted(v for v in past if v is not None)
        if len(known) < 4 or now is None:
            continue
        middle = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2
        noise = 2 * max(middle, 1) ** 0.5
        if middle >= 3:
            could += 1
            fell += now <= middle / 2 and now < middle - noise
        if sum(known) >= 3:
            can_rise += 1
            rose += now >= 2 * middle and now > middle + noise + 1
    assert (found.could_fall[0], found.fell[0], found.could_rise[0], found.rose[0]) == (could, fell, can_rise, rose)


def test_definitions() -> None:
    before = {"logins": {"count": "events", "where": "a"}, "gone": {"count": "events"}, "same": {"sum": "x"}}
    now = {"logins": {"count": "events", "where": "b"}, "new": {"count": "events"}, "same": {"sum": "x"}}
    (one,) = changed(before, now)
    assert (one.what, one.before, one.after) == ("logins", {"where": "a"}, {"where": "b"})
    (back,) = changed(now, before)
    assert undone(back, one.before, one.after)
    assert not undone(one, one.before, one.after)


def reading(text: str, clear: str | None = None, grain: Grain = Grain.WEEK) -> Reading:
    vocabulary = Vocabulary.of(METRICS)
    signal = Signal("s", parse(text, vocabulary), None if clear is None else parse(clear, vocabulary))
    return Reading.of(signal, grain, {}, {"score"})


def silence(days: float, *metrics: str, effect="less", kind="feed", until: float | None = None) -> Incident:
    """Began so many days before the close at 0."""
    return Incident(1, kind, effect, frozenset(metrics or ("logins", "errors")), int(-days * DAY_US),
                    None if until is None else int(until * DAY_US))  # fmt: skip


def bits(text: str, incident: Incident, clear: str | None = None) -> str:
    found = doubt(reading(text, clear), incident, 0, 0)
    return "".join(c for c, on in zip("hcmu", (found.holds, found.clear, found.calm, found.unrest), strict=True) if on)


@pytest.mark.parametrize(
    ("text", "less", "more"),
    [
        ("logins below 2 per week", "h", "c"),
        ("logins down 40% vs the 8 weeks before", "h", "c"),
        ("no logins for 7 days", "h", "c"),
        ("errors at least 3 per week", "c", "h"),
        ("errors spike per day", "c", "h"),
        ("errors above 3 per week per active person", "hc", "hc"),
        ("logins below 2 per week and errors above 3 per week", "hc", "hc"),
        ("score below 3 per week", "", ""),
        ("tickets below 3 per week", "", ""),
        ("renewal within 30 days", "", ""),
    ],
)
def test_only_what_could_be_its_effect_is_held(text: str, less: str, more: str) -> None:
    assert bits(text, silence(5)) == less
    assert bits(text, silence(5, effect="more", kind="jump")) == more
    assert touches(reading(text), silence(5)) is bool(less)


def test_the_clear_sentence() -> None:
    assert bits("errors above 9 per week", silence(5), "errors below 2 per week") == "cm"
    assert bits("logins below 2 per week", silence(5), "logins at least 3 per week") == "hu"


def test_how_much_of_a_period_it_takes() -> None:
    assert bits("logins below 2 per week", silence(1)) == ""
    assert bits("logins below 2 per week", silence(1.5)) == "h"
    assert bits("logins below 2 per week for 3 weeks", silence(20, until=-18)) == "h", "in the first of three weeks"
    assert bits("logins below 2 per week", silence(20, until=-8)) == "", "before the week that is judged"
    assert bits("no logins for 30 days", silence(3)) == ""
    assert bits("no logins for 30 days", silence(6)) == "h"


def test_what_was_made_good_is_believed() -> None:
    hole = Incident(1, "feed", "less", frozenset({"logins"}), -5 * DAY_US, -DAY_US, filled_us=DAY_US)
    assert doubt(reading("logins below 2 per week"), hole, 0, 0).holds
    assert not doubt(reading("logins below 2 per week"), hole, 0, DAY_US)


def test_a_drop_of_a_mean_touches_it() -> None:
    assert bits("score below 3 per week", silence(7, "score", kind="drop")) == "h"


def test_a_definition_touches_closes_that_began_before_it() -> None:
    one = Incident(1, "definition", "any", frozenset({"logins"}), 0, 3 * DAY_US)
    own = reading("logins below 2 per week")
    assert doubt(own, one, 0, 0).holds and doubt(own, one, WEEK_US, WEEK_US).clear
    assert not doubt(own, one, 2 * WEEK_US, 2 * WEEK_US)
    assert not doubt(reading("errors above 2 per week"), one, 0, 0)
