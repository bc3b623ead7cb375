"""Every number that any story says is found among its receipts, the bounds its author wrote, or the record.

The test reads the rendered sentences as a stranger would: it takes out dates, then every figure and number word, and
looks for each among candidates it works out itself from the receipts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isnan
from statistics import median
from typing import get_args
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain, period_of, start_of, to_us
from beforehand.signals import band
from beforehand.signals.tree import Absence, Change, Leaf, Level, Quantity, Spike, Streak, Usual
from beforehand.story import words
from beforehand.story.clause import Clause, Measure, Role
from beforehand.story.receipt import Query, Receipt, Value
from beforehand.story.scene import Check, Closing, Occasion, Record, Stake
from beforehand.story.telling import tell

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland")
MONTH = "|".join(words.MONTHS)
DATE = re.compile(rf"\b(?:(\d{{1,2}}) )?({MONTH})\b(?: (\d{{4}}))?")
FIGURE = re.compile(r"(-?)[£€$¥]?(-?\d[\d,]*(?:\.\d+)?)(k|M|bn)?(%?)")
WORDS = {word: count for count, word in enumerate(words.SMALL) if count} | {"once": 1, "twice": 2, "none": 0}
SCALE = {"": 1.0, "k": 1e3, "M": 1e6, "bn": 1e9}

CLOCK = re.compile(r"\b\d\d:\d\d\b")
QUARTER = re.compile(r"the \w+ quarter( \d{4})?")


@st.composite
def streaks(draw: st.DrawFn) -> Streak:
    of = draw(st.integers(1, 8))
    return Streak(draw(st.integers(1, of)), of)


@st.composite
def leaves(draw: st.DrawFn) -> tuple[Leaf, Measure]:
    grain = draw(st.sampled_from(list(Grain)))
    measure: Measure = draw(st.sampled_from(["count", "sum", "mean", "share", "last", "people"]))
    rolling = draw(st.sampled_from([None, None, 7, 30])) if measure in ("count", "sum") else None
    grain = Grain.DAY if rolling else grain
    quantity = Quantity("m", draw(st.booleans()) and measure == "count" and not rolling, rolling)
    direction = draw(st.sampled_from(["down", "up"]))
    kind = draw(st.sampled_from(["level", "change", "usual", "spike", "absence"]))
    if kind == "absence":
        return Absence(Quantity("m"), draw(st.integers(2, 40))), "count"
    if kind == "change":
        fraction = draw(st.integers(1, 300)) / 100
        streak = draw(streaks())
        ago = draw(st.just(0) | st.integers(streak.of, 13))
        return Change(quantity, direction, fraction, draw(st.integers(1, 12)), grain, streak, ago), measure
    if kind == "spike":
        return Spike(Quantity("m"), grain, draw(streaks())), measure
    if kind == "usual":
        return Usual(
            quantity, direction, draw(st.integers(8, 26)), grain, draw(streaks()), draw(st.booleans())
        ), measure
    bound = draw(st.sampled_from([0.1, 0.25, 1.0, 2.0, 5.5, 20.0, 1000.0, 250_000.0]))
    return Level(quantity, draw(st.sampled_from(["<", "<=", ">", ">="])), bound, grain, draw(streaks())), measure


@st.composite
def occasions(draw: st.DrawFn) -> Occasion:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 9000)))
    now_us = to_us(now)
    leaf, measure = draw(leaves())
    judged = leaf.days if isinstance(leaf, Absence) else leaf.streak.of
    name, role = draw(st.sampled_from(["logins", "usage", "share of errors"])), draw(st.sampled_from(get_args(Role)))
    clause = Clause(leaf, name, measure, 0, None, 1, role=role)
    values = draw(_values(clause, draw(st.integers(judged, judged + 30))))
    if isinstance(leaf, Absence):
        values = [*values[: len(values) - judged], *[0.0] * judged]
    alive = [float(draw(st.integers(0, 99_999)))]
    renewal = now + timedelta(days=draw(st.integers(-40, 400)))
    contact = draw(st.none() | st.integers(0, 500))
    receipts = (
        _series(clause, values, zone, now_us),
        _series(clause, alive, zone, now_us),
        _fact(draw(st.none() | st.integers(0, 5_000_000)), now_us),
        _fact("EUR", now_us),
        _fact(renewal.date().isoformat(), now_us),
        _fact(draw(st.sampled_from(["30 days", "2 weeks", "3 months", None])), now_us),
        _fact(draw(st.sampled_from(["Dana", None])), now_us),
        _fact(None if contact is None else float(now_us - contact * DAY_US), now_us),
    )
    finished = draw(st.integers(0, 40))
    record = Record(
        "churned",
        draw(st.integers(0, finished)),
        finished,
        draw(st.none() | st.floats(0, 0.5)),
        draw(st.none() | st.floats(0.5, 1)),
        draw(st.none() | st.floats(0, 300)),
        *((draw(st.integers(0, 9)), 9) if draw(st.booleans()) else (None, None)),
    )
    return Occasion(
        "Globex",
        zone,
        now_us + draw(st.integers(0, 90)) * DAY_US,
        (clause,),
        receipts,
        closing=Closing(None, draw(st.integers(1, 5)), clause.grain),
        record=draw(st.none() | st.just(record)),
        stake=Stake(2, 3, 4, 5, 6, 7, contacts_kept=draw(st.booleans())),
    )


def _values(clause: Clause, count: int) -> st.SearchStrategy[list[Value]]:
    if clause.whole:
        one: st.SearchStrategy[Value] = st.integers(0, 40).map(float)
    elif clause.measure == "share":
        one = st.none() | st.floats(0, 1)
    else:
        one = st.none() | st.floats(0, 2_000_000) | st.floats(0, 10)
    return st.lists(one, min_size=count, max_size=count)


def _series(clause: Clause, values: list[Value], zone: ZoneInfo, now_us: int) -> Receipt:
    grain, span = clause.grain, clause.quantity.rolling_days or 1
    last = int(period_of(grain, zone, np.array([now_us]))[0])
    edges = start_of(grain, zone, np.arange(last - len(values) - span + 1, last + 1))
    return Receipt(
        Query("events", "count", tuple(map(int, edges)), span=span, grain=grain.value), now_us, tuple(values), 1, "d"
    )


def _fact(value: Value, now_us: int) -> Receipt:
    return Receipt(Query("traits", "trait", (now_us - 1, now_us)), now_us, (value,), 1, "d")


def said_numbers(text: str) -> Iterator[tuple[float, float, str]]:
    """Every number of a text: value, half a unit of its last figure, and the text of it."""
    for found in FIGURE.finditer(text):
        sign, figures, unit, percent = found.groups()
        scale = SCALE[unit or ""] * (0.01 if percent else 1)
        decimals = len(figures.partition(".")[2])
        # Large amounts have three figures; what comes after them is cut.
        value = float(figures.replace(",", "")) * scale * (-1 if sign else 1)
        yield value, 0.5 * 10**-decimals * scale, found.group()
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in WORDS:
            yield float(WORDS[word]), 0.0, word


def candidates(of: Occasion) -> tuple[list[float], float]:
    """What may be said, worked out from the receipts, and the coarseness of the usual band."""
    clause = of.clauses[0]
    leaf, values = clause.leaf, [v for v in of.receipts[0].numbers if v is not None]
    numbers = of.receipts[0].numbers
    judged = leaf.days if isinstance(leaf, Absence) else leaf.streak.of
    found: list[float] = [*values, *(v for v in of.receipts[1].numbers if v is not None)]
    coarse = 0.0
    for width in {26, getattr(leaf, "baseline", 26)}:
        before = np.array([np.nan if v is None else v for v in numbers[:-judged][-width:]])
        for far in (False, True):
            usual = band(before, counted=clause.whole, far=far) if before.size else None
            if usual is not None and not isnan(float(usual.mid)):
                edges = [float(usual.lower), float(usual.mid), float(usual.upper), 0.0]
                gaps = [abs(v - e) for v in values for e in edges]
                found += edges + gaps + [gap * 100 for gap in gaps]
                coarse = max(coarse, (edges[2] - edges[0]) / 3, 1.0 if clause.whole else 0.0)
    found += [judged, sum(of.receipts[1].numbers[:1])]  # type: ignore[arg-type]
    if isinstance(leaf, Absence):
        quiet = next((i for i, v in enumerate(reversed(numbers)) if v), len(numbers))
        before_days = numbers[: len(numbers) - judged]
        found += [leaf.days, quiet, len(numbers), len(before_days), sum(1 for v in before_days if v)]
    else:
        found += [leaf.streak.need, leaf.streak.of, clause.quantity.rolling_days or 0]
    if isinstance(leaf, Level):
        found += [leaf.bound, *(abs(v - leaf.bound) for v in values), *(abs(v - leaf.bound) * 100 for v in values)]
    if isinstance(leaf, Spike):
        earlier = numbers[:-judged]
        like = earlier[::-1][23::24] if leaf.grain is Grain.HOUR else earlier[-14:]
        found += [median(known) for known in [[v for v in like[:14] if v is not None]] if known]
        found += [sum(v or 0 for v in earlier[::-1][:24][::-1]), 100, 1000, 1_000_000]
    if isinstance(leaf, Change):
        base = [v for v in numbers[: -leaf.gap][-leaf.baseline :] if v is not None]
        found += [leaf.fraction, leaf.baseline, leaf.ago]
        if base:
            mean = sum(base) / len(base)
            found.append(mean)
            if mean > 0:
                parts = [abs(v - mean) / mean for v in values]
                found += parts + [(p - leaf.fraction) * 100 for p in parts]
    found += [1.0, 0.0]
    for place in (of.stake.value,):
        value = of.receipts[place].value  # type: ignore[index]
        found += [float(value)] if isinstance(value, int | float) else []
    for at in moments(of):
        here, now = words.local(at, of.zone).date(), words.local(of.now_us, of.zone).date()
        found.append(abs((here - now).days))
    assert of.closing is not None
    found.append(of.closing.delay_out)
    if of.record is not None:
        kept = (of.record.right, of.record.finished, of.record.low, of.record.high, of.record.lead_days)
        found += [float(k) for k in (*kept, of.record.rival, of.record.rival_of) if k is not None]
        found += [float(k) * 100 for k in (of.record.low, of.record.high) if k is not None]
    return [float(f) for f in found], coarse


def moments(of: Occasion) -> list[int]:
    """Every instant a story may name: edges of periods, renewal, end of notice, last contact, when it was known."""
    found = [edge - late for r in of.receipts[:2] for edge in r.query.edges_us for late in (0, 1)]
    found += [r.known_us for r in of.receipts]
    renewal = to_us(datetime.fromisoformat(str(of.receipts[4].value)).replace(tzinfo=of.zone))
    days = {"30 days": 30, "2 weeks": 14, "3 months": 90, None: 0}[of.receipts[5].value]  # type: ignore[index]
    found += [renewal, renewal - days * DAY_US]
    contact = of.receipts[7].value
    return [*found, int(contact)] if isinstance(contact, float) else found


def check(of: Occasion) -> None:
    story = tell(of)
    allowed, coarse = candidates(of)
    days = {(d.day, words.MONTHS[d.month - 1], d.year) for d in (words.local(us, of.zone) for us in moments(of))}
    clocks = {f"{words.local(us, of.zone):%H:%M}" for us in moments(of)}
    this_year = words.local(of.now_us, of.zone).year
    for text in (story.headline, *(s.shown for s in story.sentences)):
        for day, month, year in DATE.findall(text):
            wanted = int(year or this_year)
            assert any((not day or d == int(day)) and m == month and y == wanted for d, m, y in days), (
                f"{day} {month} {wanted} in {text!r} is the day of nothing"
            )
        for clock in CLOCK.findall(text):
            assert clock in clocks, f"{clock} in {text!r} is the time of nothing"
        for value, half, token in said_numbers(QUARTER.sub(" ", CLOCK.sub(" ", DATE.sub(" ", text)))):
            # Three figures are said of what is long; a band is rounded inward by up to a third of its width.
            slack = max(half, abs(value) * 0.005) + 1e-9
            near = min(abs(value - c) for c in allowed)
            usual = "usual" in text or "fell" in text or "rose" in text or "line is" in text
            assert near <= slack or (usual and near <= coarse + slack), f"{token} in {text!r} has no receipt"


@settings(max_examples=250, deadline=None)
@given(occasions())
def test_every_number_has_a_receipt(of: Occasion) -> None:
    check(of)


@settings(max_examples=100, deadline=None)
@given(occasions(), st.data())
def test_stories_of_changed_facts_keep_to_receipts(of: Occasion, data: st.DataObject) -> None:
    """Late facts and erasures: what was said stays said of then, and nothing that changed is shown as true."""
    clause = of.clauses[0]
    today = data.draw(_values(clause, len(of.receipts[0].values)))
    verified = data.draw(st.booleans())
    fresh = Receipt(of.receipts[0].query, of.now_us, tuple(today), 1, "e")
    checks = (Check(verified, fresh), *(Check(True, r) for r in of.receipts[1:]))
    told = tell(Occasion(**{**vars(of), "checks": checks}))
    plain = {s.text for s in tell(of).sentences}
    anew = {s.text for s in tell(Occasion(**{**vars(of), "receipts": (fresh, *of.receipts[1:])})).sentences}
    for sentence in told.sentences:
        if 0 not in sentence.receipts or sentence.topic == "late":
            continue
        assert sentence.text in plain
        if not verified or sentence.text not in anew:
            assert sentence.status.startswith("as known on ")
            assert sentence.shown.startswith("As known on ")
        else:
            assert sentence.status == "true"
    assert (told.status == "true") == (told.headline == tell(of).headline)


def test_numbers_are_found_in_text() -> None:
    text = "£84.5k, 1,204 and 39 to 84% in three weeks"
    assert [round(v, 6) for v, _, _ in said_numbers(text)] == [84_500, 1204, 39, 0.84, 3]


def test_the_check_can_fail() -> None:
    """A number that comes from nowhere is found."""
    from importlib import import_module

    kinds = import_module("beforehand.story.levels")
    assert all(a < b for a, b in pairwise(sorted({1, 2, 3})))
    original = kinds.values_said
    leaf = Level(Quantity("m"), "<", 2.0, Grain.WEEK, Streak(3, 3))
    clause = Clause(leaf, "logins", "count", 0, None, 1)
    zone, now_us = ZoneInfo("UTC"), to_us(datetime(2026, 11, 16, tzinfo=UTC))
    receipts = (_series(clause, [9.0, 1.0, 1.0, 0.0], zone, now_us), _series(clause, [5.0], zone, now_us))
    rest = tuple(_fact(v, now_us) for v in (None, "EUR", "2027-01-08", None, None, None))
    of = Occasion(
        "Globex", zone, now_us, (clause,), receipts + rest, closing=Closing(None, 1, Grain.WEEK), stake=Stake(2)
    )
    check(of)
    try:
        kinds.values_said = lambda *_: "37 in the last three weeks"
        failed = False
        try:
            check(of)
        except AssertionError:
            failed = True
        assert failed
    finally:
        kinds.values_said = original
