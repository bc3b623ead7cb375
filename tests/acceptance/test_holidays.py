"""A German Christmas: what fell then fell for the holidays, and an ordinary week is told as ever."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest
from living import World, iso

from beforehand.calendar import BusinessTime, zone_named

BEGIN = datetime(2024, 9, 30, tzinfo=UTC)  # a Monday, twelve weeks before Christmas
DAY = timedelta(days=1)
WEEK = 7 * DAY
CHRISTMAS = 12
GERMAN = "calendar:\n  holidays: DE\n"


def settings(world: World, text: str) -> None:
    path = world.root / "beforehand.yaml"
    path.write_text(path.read_text() + "\n" + text)


def weekly(world: World, account: str, counts: Iterable[int]) -> None:
    world.events(
        [
            (account, BEGIN + week * WEEK + (number + 0.5) * 5 * DAY / count)
            for week, count in enumerate(counts)
            for number in range(count)
        ]
    )


def told(world: World, weeks: Iterable[int]) -> set[tuple[str, int]]:
    """Who was told of, and after which week, from runs at the ends of weeks."""
    found: set[tuple[str, int]] = set()
    for week in weeks:
        world.run(BEGIN + (week + 1) * WEEK)
        found |= {
            (a["account"], round((datetime.fromisoformat(a["opened_at"]) - BEGIN) / WEEK) - 1) for a in world.alerts()
        }
    return found


@pytest.mark.parametrize("calendar", ["", GERMAN])
def test_christmas_week_is_no_fall_and_an_ordinary_week_is(world: World, calendar: str) -> None:
    settings(world, calendar)
    usual = [5] * CHRISTMAS
    weekly(world, "rests", [*usual, 1, 5, 5])
    weekly(world, "falls", [*usual, 5, 5, 1])
    weekly(world, "gone", [*usual, 1, 1, 1])
    world.signal("down", "when: logins down 40% vs the 8 weeks before\n")
    world.signal("below", "when: logins below 2 per week\n")
    found = told(world, range(CHRISTMAS - 1, CHRISTMAS + 3))
    if calendar:
        assert found == {("falls", CHRISTMAS + 2), ("gone", CHRISTMAS + 1)}
    else:
        assert found == {("rests", CHRISTMAS), ("falls", CHRISTMAS + 2), ("gone", CHRISTMAS)}
    assert len(world.alerts()) == 2 * len(found), "by both signals at the same closes"


def test_an_alert_that_is_open_stays_open_over_the_holidays(world: World) -> None:
    settings(world, GERMAN)
    weekly(world, "low", [*[5] * (CHRISTMAS - 1), 1, 1, 5, 5])
    weekly(world, "well", [*[5] * (CHRISTMAS - 1), 1, 5, 5, 5])
    world.signal("drop", "when: logins below 2 per week\n")
    world.run(BEGIN + (CHRISTMAS - 1) * WEEK)
    assert world.run(BEGIN + CHRISTMAS * WEEK)["opened"] == 2
    answer = world.run(BEGIN + (CHRISTMAS + 1) * WEEK)
    assert (answer["opened"], answer["held"]) == (0, 1), "five in such a week are enough all the more"
    assert {a["account"] for a in world.alerts("--open")} == {"low"}
    world.run(BEGIN + (CHRISTMAS + 2) * WEEK)
    assert not world.alerts("--open")


def test_holidays_go_by_the_country_of_each_account(world: World) -> None:
    settings(world, "calendar:\n  holidays: by country\n")
    path = world.root / "accounts.csv"
    with path.open("w", newline="") as out:
        csv.writer(out).writerows([("account", "country"), ("berlin", "Germany"), ("tokyo", "JP"), ("none", "")])
    world.answer("load", path, "--as", "accounts")
    for account in ("berlin", "tokyo", "none"):
        weekly(world, account, [*[5] * CHRISTMAS, 1, 5])
    world.signal("drop", "when: logins below 2 per week\n")
    assert told(world, range(CHRISTMAS - 2, CHRISTMAS + 2)) == {("tokyo", CHRISTMAS), ("none", CHRISTMAS)}


def test_business_days_of_silence_skip_the_holidays(world: World) -> None:
    """Silent since Friday 13 December: the tenth business day is the 27th, and the 31st where Christmas is kept."""
    time = BusinessTime(zone_named("UTC"), country="DE")
    last = date(2024, 12, 13)
    days, on = 0, last
    while days < 10:
        on += DAY
        days += bool(time.is_workday((on - date(1970, 1, 1)).days))
    assert on == date(2024, 12, 31)
    weekly(world, "silent", [5] * 11)
    weekly(world, "busy", [5] * 16)
    settings(world, GERMAN)
    world.signal("silence", "when: no logins for 10 business days\n")
    assert [world.run(BEGIN + day * DAY)["opened"] for day in (91, 92, 93)] == [0, 0, 1]
    (alert,) = world.alerts()
    assert alert["account"] == "silent"
    assert alert["opened_at"] == iso(datetime(2025, 1, 1, tzinfo=UTC)), "the end of the tenth"


def test_replay_lives_through_the_holidays_as_the_backtest_says(world: World) -> None:
    settings(world, "calendar:\n  holidays: [DE, 12-24]\ntracking since: 2024-10-14\n")
    weekly(world, "rests", [*[5] * CHRISTMAS, 1, 5, 5, 5])
    weekly(world, "gone", [*[5] * CHRISTMAS, 1, 1, 1, 1])
    world.signal("down", "when: logins down 40% vs the 8 weeks before\n")
    world.signal("below", "when: logins below 2 per week for 2 weeks\n")
    answer = world.answer("replay")
    assert answer["equal"], answer
    assert {row["signal"]: row["episodes"] for row in answer["signals"]} == {"below": 1, "down": 1}
