"""Business days by country, what was not tracked yet, and accounts in zones of their own, on a sheet."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beforehand.calendar import DAY_US, EVERYWHERE, Grain, idle, period_of, to_us, workdays
from beforehand.facts import Facts, schema
from beforehand.panel import Panel, Sheet
from beforehand.panel.subjects import Subjects
from beforehand.panel.zones import by_zone, joined, only
from beforehand.signals.tree import Quantity
from beforehand.workspace.spec import MetricSpec, SettingsSpec
from beforehand.workspace.working import business_time

METRICS = {
    "logins": MetricSpec(count="events"),
    "people": MetricSpec(people="events"),
    "tickets": MetricSpec(count="tickets"),
    "last": MetricSpec(last="events", of="properties.amount"),
}
BEGIN = to_us(datetime(2024, 10, 7, tzinfo=UTC))  # a Monday
NOW = to_us(datetime(2025, 1, 20, tzinfo=UTC))
LOGINS = Quantity("logins")


def panel(days: dict[int, list[float]], traits: list[tuple] = [], **given: Any) -> Panel:  # noqa: B006
    """Accounts with logins so many days after `BEGIN`; traits are (account, trait, value, day or None)."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    schema.prepare(connection)
    for seq, (account, at) in enumerate((a, d) for a, some in days.items() for d in some):
        connection.execute(
            "INSERT INTO events (stored_seq, source, id, account, member, delay, event, occurred_at)"
            " VALUES (?, 'files', ?, ?, 0, 0, 'login', make_timestamp(?))",
            [seq, f"e{seq}", account, BEGIN + int(at * DAY_US)],
        )
    for account in days:
        connection.execute("INSERT INTO accounts VALUES (?, ?, true, 'files', now()::TIMESTAMP)", [account, "x"])
    for account, trait, value, day in traits:
        connection.execute(
            "INSERT INTO traits (stored_seq, source, account, trait, value, occurred_at, delay, dated)"
            " VALUES (?, 'files', ?, ?, ?, make_timestamp(?), 0, ?)",
            [0, account, trait, value, BEGIN + int((day or 0) * DAY_US), day is not None],
        )
    facts = Facts(Path("unused"), SettingsSpec.model_validate(given), connection)
    return Panel(facts, SimpleNamespace(metrics=METRICS, settings=facts.settings))  # type: ignore[arg-type]


def weekly(made: Panel, *quantities: Quantity, grain: Grain = Grain.WEEK) -> Sheet:
    return made.sheet("account", [(q, grain) for q in quantities or (LOGINS,)], now_us=NOW)


COUNTRIES = [
    (0, "country", "Germany", None),
    (1, "country", "us", None),
    (1, "country", "DE-BY", 60),
    (3, "country", "Mars", None),
]


@pytest.mark.parametrize("grain", [Grain.DAY, Grain.WEEK, Grain.MONTH])
def test_holidays_go_by_the_country_as_known_at_each_close(grain: Grain) -> None:
    calendar = {"holidays": ["by country", "GB"], "weekend": ["friday", "saturday"]}
    made = panel({a: [0.5] for a in range(4)}, COUNTRIES, calendar=calendar)
    block = weekly(made, LOGINS, grain=grain).numbers()
    ends, width = block.ends(grain), 3
    found = block.idle(grain, width)
    worked = block.workdays(5) if grain is Grain.DAY else None
    assert found.shape == (4, len(ends), width)
    last = period_of(grain, ZoneInfo("UTC"), ends) - 1
    for account in range(4):
        for q, end in enumerate(ends):
            moved = end > BEGIN + 60 * DAY_US
            place = ("DE", "DE-BY" if moved else "US", "GB", "GB")[account]
            time = business_time(made.settings, place)
            p = int(last[q])
            assert found[account, q].tolist() == idle(time, grain, p - width + 1, p).tolist()
            if worked is not None:
                assert worked[account, q].tolist() == workdays(time, p - 4, p).tolist()
    assert found.any() == (grain is not Grain.MONTH)
    assert not found.all()


def test_one_calendar_is_one_row_and_none_is_never_idle() -> None:
    plain = weekly(panel({a: [0.5] for a in range(3)}), LOGINS, grain=Grain.DAY).numbers()
    assert plain.idle(Grain.DAY, 4).shape[0] == 1
    assert not plain.idle(Grain.DAY, 4, days=7).any()
    assert plain.workdays(7).sum(axis=-1).tolist() == [[5] * len(plain.ends(Grain.DAY))]
    made = panel({a: [0.5] for a in range(3)}, calendar={"holidays": "DE"})
    block = weekly(made, LOGINS, grain=Grain.DAY).numbers()
    assert block.idle(Grain.DAY, 4).shape[0] == 1
    assert block.idle(Grain.DAY, 4).any()


def test_parts_of_a_pane_have_their_own_rows() -> None:
    made = panel({a: [0.5] for a in range(4)}, COUNTRIES, calendar={"holidays": "by country"})
    sheet = weekly(made, LOGINS, grain=Grain.DAY)
    whole = sheet.numbers()
    for rows, block in sheet.blocks(1):
        assert np.array_equal(block.idle(Grain.DAY, 2), whole.idle(Grain.DAY, 2)[rows])
        assert np.array_equal(block.workdays(9), whole.workdays(9)[rows])


SINCE = date(2024, 11, 6)  # a Wednesday: the first whole week begins on the 11th


def test_before_tracking_began_nothing_is_known() -> None:
    days = {0: [0.5, 40, 41], 1: [50]}
    before = weekly(panel(days)).numbers().windows(LOGINS, Grain.WEEK, 2)
    block = weekly(panel(days, **{"tracking since": SINCE})).numbers()
    windows = block.windows(LOGINS, Grain.WEEK, 2)
    starts = block.ends(Grain.WEEK)[:, None] - 7 * DAY_US * np.array([2, 1])
    known = starts >= to_us(datetime(2024, 11, 6, tzinfo=UTC))
    assert np.isnan(windows[:, ~known]).all()
    assert np.array_equal(windows[:, known], before[:, known], equal_nan=True)
    assert (before[0, 1:, -1][~known[1:, -1]] == 0).all(), "else they are zeros"
    assert not np.isnan(windows[0, known[:, -1], -1]).any()


def test_a_rolling_sum_waits_for_its_days() -> None:
    rolling = Quantity("logins", rolling_days=7)
    made = panel({0: [0.5, 31, 33]}, **{"tracking since": {"events": SINCE}})
    block = weekly(made, rolling, grain=Grain.DAY).numbers()
    values = block.windows(rolling, Grain.DAY, 1)[0, :, 0]
    first = block.ends(Grain.DAY) - 7 * DAY_US >= to_us(datetime(2024, 11, 6, tzinfo=UTC))
    assert np.array_equal(np.isnan(values), ~first)
    assert values[first][0] == 2


def test_a_table_has_its_own_day_and_a_ratio_the_later_one() -> None:
    tickets, each = Quantity("tickets"), Quantity("tickets", per_active=True)
    days = {0: [0.5, *range(1, 90)]}
    made = panel(days, **{"tracking since": {"events": SINCE}})
    block = weekly(made, LOGINS, tickets, each).numbers()
    unknown = {q: np.isnan(block.windows(q, Grain.WEEK, 1)[0, 1:, 0]) for q in (LOGINS, tickets, each)}
    assert not unknown[tickets].any()
    assert unknown[LOGINS].sum() == 4
    assert unknown[each][:5].tolist() == unknown[LOGINS][:5].tolist()


def test_all_that_ever_came_is_not_known_of_a_life_from_before() -> None:
    ever = Quantity("logins", standing=True)
    days = {0: [0.5, 40], 1: [50.0, 60.0]}
    block = weekly(panel(days, **{"tracking since": SINCE}), ever, grain=Grain.DAY).numbers()
    values = block.windows(ever, Grain.DAY, 1)[:, :, 0]
    assert np.isnan(values[0]).all()
    assert values[1, -1] == 2


ZONED = [
    (0, "zone", "asia/tokyo", None),
    (1, "time_zone", "Europe/Berlin", None),
    (2, "zone", "Europe/Paris", None),
    (3, "zone", "Nowhere", None),
]


def test_zones_whose_clocks_agree_are_one() -> None:
    made = panel({a: [0.5] for a in range(5)}, [*ZONED, (4, "zone", "Africa/Abidjan", None)])
    found = {zone.key: accounts.tolist() for zone, accounts in made.zones(NOW).items()}
    assert found == {"Asia/Tokyo": [0], "Europe/Berlin": [1, 2], "UTC": [3, 4]}


def test_a_zone_is_the_one_known_now() -> None:
    made = panel({0: [0.5]}, [(0, "zone", "Asia/Tokyo", None), (0, "zone", "Europe/Rome", 30)])
    assert list(made.zones(NOW)) == [ZoneInfo("Europe/Rome")]
    assert list(made.zones(BEGIN + 20 * DAY_US)) == [ZoneInfo("Asia/Tokyo")]


def test_periods_are_in_the_zone_and_closes_when_they_ended_everywhere() -> None:
    # Sunday 16:00 UTC is Monday in Tokyo.
    made = panel({0: [0.5, 13.7], 1: [0.5, 13.7]})
    tokyo = ZoneInfo("Asia/Tokyo")
    sheet = made.sheet(
        "account", [(LOGINS, Grain.WEEK)], now_us=NOW, zone=tokyo, accounts=np.array([1], dtype=np.int32)
    )
    here = weekly(made)
    assert sheet.subjects.account.tolist() == [1]
    assert np.nan_to_num(sheet.numbers().windows(LOGINS, Grain.WEEK, 1)[0, :4, 0], nan=-1).tolist() == [-1, 0, 1, 0]
    assert np.nan_to_num(here.numbers().windows(LOGINS, Grain.WEEK, 1)[1, :4, 0], nan=-1).tolist() == [-1, 1, 0, 0]
    ends = sheet.ends(Grain.WEEK)
    assert np.array_equal(sheet.numbers().ends(Grain.WEEK) + 21 * DAY_US // 24, ends)
    assert np.array_equal(period_of(Grain.WEEK, EVERYWHERE, ends), period_of(Grain.WEEK, tokyo, ends))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.data())
def test_sheets_of_parts_joined_are_the_whole(accounts: list[int], data: st.DataObject) -> None:
    account = np.sort(np.array(accounts, dtype=np.int32))
    rows = account.size
    raw = np.array(data.draw(st.permutations(range(rows))), dtype=np.int64)
    whole = Subjects(
        "person", account, account, np.arange(rows, dtype=np.int32), account[raw], raw.astype(np.int32), raw, {},
        np.arange(7, dtype=np.int32), np.arange(7, dtype=np.int32), lambda row: f"s{row}",
    )  # fmt: skip
    part_of = [data.draw(st.integers(0, 2)) for _ in range(7)]
    parts = [only(whole, np.array([a for a in range(7) if part_of[a] == p], dtype=np.int32)) for p in range(3)]
    back, order = joined(parts)
    assert sum(part.size for part in parts) == rows
    assert back.account.tolist() == account.tolist()
    assert back.member.tolist() == whole.member.tolist()
    assert [back.label(row) for row in range(rows)] == [whole.label(row) for row in range(rows)]
    labels = np.array([part.label(row) for part in parts for row in range(part.size)])
    assert labels[order].tolist() == [whole.label(row) for row in range(rows)]
    assert dict(zip(back.raw_member.tolist(), back.raw_row.tolist(), strict=True)) == {int(r): int(r) for r in raw}


def test_the_workspace_speaks_for_its_clocks() -> None:
    zones = [ZoneInfo(name) for name in ("Europe/Amsterdam", "Europe/Berlin", "America/New_York")]
    found = by_zone(np.arange(3, dtype=np.int32), zones, ZoneInfo("Europe/Berlin"), BEGIN, NOW)
    assert {zone.key: accounts.tolist() for zone, accounts in found.items()} == {
        "Europe/Berlin": [0, 1],
        "America/New_York": [2],
    }
