"""How numbers, dates and tables are said and drawn."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, Grain, to_us
from beforehand.cli import look
from beforehand.cli.chart import Words, chart
from beforehand.signals.tree import Absence, Change, Level, Quantity, Streak, Usual
from beforehand.story import words
from beforehand.story.around import notice_days
from beforehand.story.clause import Clause
from beforehand.story.receipt import Query, Receipt

BERLIN = ZoneInfo("Europe/Berlin")
NOW = to_us(datetime(2026, 6, 10, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1204, "1,204"),
        (0, "0"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (14.26, "14.3"),
        (0.042, "0.042"),
        (1e-9, "0"),
        (1234.5, "1,234"),
    ],
)
def test_numbers(value: float, said: str) -> None:
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(9_999, "9,999"), (84_000, "84k"), (84_499, "84.5k"), (999_960, "1M"), (1_250_000, "1.25M"), (3e9, "3bn")],
)
def test_large_numbers(value: float, said: str) -> None:
    assert words.short(value) == said


@given(st.floats(-1e12, 1e12))
def test_no_number_is_scientific_and_short_ones_are_near(value: float) -> None:
    assert "e" not in words.number(value)
    said = words.short(value)
    unit = {"k": 1e3, "M": 1e6, "n": 1e9}.get(said[-1], 1.0)
    assert float(said.rstrip("kMbn").replace(",", "")) * unit == pytest.approx(value, rel=0.0051, abs=0.0051)


def test_shares_are_never_rounded_to_all_or_nothing() -> None:
    assert [words.percent(v) for v in (0.999, 0.9999, 1.0, 0.004, 0.0, 0.315, 2.5)] == [
        "99.9%", "99.9%", "100%", "0.4%", "0%", "32%", "250%",
    ]  # fmt: skip


def test_money_lists_and_plurals() -> None:
    assert words.money(84_000, "GBP") == "£84k"
    assert words.money(1_200_000, "CHF") == "CHF 1.2M"
    assert words.money(-500, "EUR") == "-€500"
    assert words.money(500, None) == "500"
    assert words.listed(["1", "1", "0"]) == "1, 1 and 0"
    assert (words.counted(1, "day"), words.counted(1204, "day")) == ("1 day", "1,204 days")
    assert words.stopped("Acme Inc.") == "Acme Inc."


def test_days_are_said_in_the_zone_and_with_their_year_when_it_is_another() -> None:
    late = to_us(datetime(2025, 12, 31, 23, 30, tzinfo=UTC))
    assert words.day(late, BERLIN, NOW) == "1 January"
    assert words.day(late, ZoneInfo("UTC"), NOW) == "31 December 2025"
    assert words.period(late, Grain.MONTH, ZoneInfo("UTC"), NOW) == "December 2025"
    assert [words.ahead(NOW + n * DAY_US, BERLIN, NOW) for n in (-2, -1, 0, 1, 47)] == [
        "2 days ago", "yesterday", "today", "tomorrow", "in 47 days",
    ]  # fmt: skip
    # The clocks change on 25 October: still so many days.
    assert words.days_between(NOW, NOW + 160 * DAY_US, BERLIN) == 160


@pytest.mark.parametrize(
    ("written", "days"),
    [("30", 30), ("30 days", 30), ("30.0", 30), ("2 weeks", 14), ("3 months", 90), ("soon", None), (None, None)],
)
def test_notice_periods(written: str | None, days: int | None) -> None:
    assert notice_days(written) == days


@pytest.mark.parametrize(
    ("name", "plural"),
    [("logins", True), ("active people", True), ("share of failed exports", False), ("usage", False), ("status", False),
     ("visits to pricing", True), ("time to answer", False), ("", False)],
)  # fmt: skip
def test_plurals_of_names(name: str, plural: bool) -> None:
    assert Clause(Level(Quantity("m"), "<", 1.0), name, "count", 0).plural is plural


@pytest.mark.parametrize(
    "leaf",
    [
        Level(Quantity("m", True), "<=", 2.0, Grain.MONTH, Streak(2, 3)),
        Change(Quantity("m"), "up", 0.4, 8),
        Usual(Quantity("m", rolling_days=30), "down", 26, Grain.DAY, Streak(), True),
        Absence(Quantity("m"), 21),
    ],
)
def test_clauses_and_receipts_survive_storage(leaf: object) -> None:
    clause = Clause(leaf, "logins", "count", 2, None, 3)  # type: ignore[arg-type]
    assert Clause.from_json(clause.as_json()) == clause
    query = Query(
        "events", "count", (0, 5, 9), (1, 2), ((1, 0),), False, None, "event = 'x'", True, 2, "ab", "logins", "day"
    )
    receipt = Receipt(query, 9, (1.0,), 3, "d", ("a",))
    assert Receipt.from_json(receipt.as_json()) == receipt
    assert Receipt(query, 9, (float("nan"),), 0, "d").values == (None,)


def test_questions_must_make_sense() -> None:
    with pytest.raises(ValueError, match="ascend"):
        Query("events", "count", (5, 5))
    with pytest.raises(ValueError, match="span"):
        Query("events", "count", (5, 6), span=2)


def printed(*what: object, width: int = 80) -> str:
    out = io.StringIO()
    look.console(width=width, file=out).print(*what)
    return out.getvalue()


def test_names_cannot_steer_the_terminal_or_be_markup() -> None:
    shown = printed(look.table(["a"], [["\x1b[31mred\x07 [bold]x[/bold]"]]))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]x[/bold]" in shown


def test_tables_set_figures_right_and_counts_before_percentages() -> None:
    shown = printed(
        look.table([look.Column("n", figures=True), "right"], [[5, look.out_of(9, 14)], [1204, look.out_of(1, 4)]])
    )
    lines = shown.splitlines()
    assert lines[2].startswith("    5") and lines[3].startswith("1,204")
    assert "9 of 14  64%" in shown
    assert "1 of 4" in shown and "25%" not in shown


def test_sparks_start_at_zero_and_mark_what_is_not_known() -> None:
    assert look.spark([0, 4, 8, None]).plain == "▁▄▇·"
    assert look.spark([]).plain == ""
    assert look.spark([5, 5]).plain == "▇▇"
    assert look.spark([0, 0]).plain == "▁▁"
    assert look.spark([-2, 0, 2]).plain == "▁▄▇"


shapes = st.fixed_dictionaries(
    {
        "values": st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=60),
        "usual": st.none() | st.tuples(st.floats(0, 50), st.floats(50, 1e5)),
        "threshold": st.none() | st.floats(-100, 1e6),
        "grain": st.sampled_from(["day", "week", "month"]),
        "since": st.none() | st.integers(0, 59),
        "against": st.sampled_from(["usual", "before"]),
    }
)


@given(shapes, st.integers(48, 140), st.integers(4, 7))
def test_charts_keep_to_their_width_whatever_is_drawn(shape: dict, width: int, rows: int) -> None:
    count = len(shape["values"])
    if shape["since"] is not None and shape["since"] >= count:
        shape["since"] = None
    shape |= {"starts": list(range(count)), "held": [count - 1]}
    lines = chart(shape, Words(words.short, lambda at: f"{at} Oct"), width=width, rows=rows, style="high")
    assert len(lines) in (1, rows + 1)
    assert max(line.cell_len for line in lines) <= width


@pytest.mark.parametrize(("noun", "said"), [("meeting", "a meeting"), ("email", "an email"), ("Invite", "an Invite")])
def test_article(noun: str, said: str) -> None:
    assert words.article(noun) == said
