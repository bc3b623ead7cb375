"""Periods in the zone of each account: judged once, when they have ended everywhere; replay equals backtest."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from living import DAY, MONDAY, WEEK, World, at, iso, spread

from beforehand.calendar import to_us
from beforehand.commands.judging import judge_all
from beforehand.commands.workspace import Workspace

ZONES = {
    "tokyo": "Asia/Tokyo",
    "berlin": "Europe/Berlin",
    "paris": "europe/paris",
    "utc": "",
    "lost": "Mars/Olympus",
    "york": "America/New_York",
    "angeles": "America/Los_Angeles",
    "kiribati": "Pacific/Kiritimati",
}


def accounts(world: World, zones: dict[str, str], trait: str = "zone") -> None:
    path = world.root / "accounts.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["account", trait])
        writer.writerows(zones.items())
    world.answer("load", path, "--as", "accounts")


def local(account: str, day: int, hour: float) -> datetime:
    """An hour of a day by the clocks of an account, days counted from the first Monday."""
    zone = {"utc": "UTC", "lost": "UTC", "paris": "Europe/Paris"}.get(account) or ZONES[account]
    there = MONDAY.replace(tzinfo=ZoneInfo(zone)) + timedelta(days=day)  # by the wall clock
    return (there + timedelta(hours=hour)).astimezone(MONDAY.tzinfo)


def test_an_hour_past_midnight_is_of_the_day_it_is_there(world: World) -> None:
    """Each week a login early on Monday and one late on Sunday, by local clocks: two a week in their own zone."""
    few = {name: ZONES[name] for name in ("tokyo", "berlin", "utc", "angeles")}
    accounts(world, few)
    world.events(
        [
            (name, local(name, 7 * week + day, hour))
            for name in few
            for week in range(4)
            for day, hour in ((0, 0.5), (6, 23.5))
        ]
    )
    world.signal("own", "when: logins below 2 per week\nzone: account\n")
    world.signal("ours", "when: logins below 2 per week\n")
    for week in (3, 4):
        world.run(at(week) + DAY / 2)
    told = {(a["account"], a["signal"]) for a in world.alerts()}
    assert not {account for account, signal in told if signal == "own"}
    # By our clocks, what is early on Monday in the east is of the week before: the last week has only one.
    assert {account for account, signal in told if signal == "ours"} == {"tokyo", "berlin"}


def test_a_close_comes_when_its_week_has_ended_everywhere(world: World) -> None:
    accounts(world, {"tokyo": "Asia/Tokyo", "angeles": "America/Los_Angeles", "utc": ""}, trait="time_zone")
    for name in ("tokyo", "angeles", "utc"):
        world.logins(name, MONDAY, [5, 5, 5, 0, 5, 5])
    world.signal("own", "when: logins below 2 per week\nzone: account\n")
    assert world.run(at(3))["closes"][-1]["end"] == iso(at(2) + DAY / 2)
    answer = world.run(at(4))
    assert [close["end"] for close in answer["closes"]] == [iso(at(3) + DAY / 2)]
    assert world.run(at(4) + DAY / 3)["closes"] == [], "the week has not ended in the west"
    answer = world.run(at(4) + DAY / 2)
    assert [close["end"] for close in answer["closes"]] == [iso(at(4) + DAY / 2)]
    assert answer["opened"] == 3
    assert world.run(at(5) + DAY)["closed"] == 3
    assert {a["opened_at"] for a in world.alerts()} == {iso(at(4) + DAY / 2)}


def history(seed: int) -> list[tuple]:
    dice = random.Random(seed)
    rows = []
    for name in ZONES:
        rows.append((name, MONDAY + timedelta(hours=1)))
        level = dice.choice((0.7, 2, 5))
        for week in range(9):
            for _ in range(min(9, int(dice.expovariate(1 / level)))):
                happened = at(week) + dice.random() * WEEK
                late = dice.choice((0, 0, 0, 0.2, 0.6, 3, 9)) * DAY
                rows.append((name, happened, happened + late, f"p{dice.randrange(3)}@{name}.com", None))
    return rows


SIGNALS = {
    "own": "when: logins below 2 per week\nzone: account\n",
    "two": "when: logins below 2 per week for 2 weeks\nclear: logins at least 3 per week\nzone: account\n",
    "often": "when: logins at least 3 per week\nzone: account\n",
    "quiet": "when: logins below 1 per week for 2 weeks for people\nzone: account\n",
    "alone": "when: logins below 2 per week\n",
}
BY_DAYS = {
    "both": "when:\n  all of:\n    - alone\n    - no logins for 4 days\nzone: account\n",
    "alone": SIGNALS["alone"],
}


@pytest.mark.parametrize(("signals", "weeks"), [(SIGNALS, 8), (BY_DAYS, 4)])
def test_replay_equals_backtest_in_every_zone(world: World, signals: dict[str, str], weeks: int) -> None:
    for name, text in signals.items():
        world.signal(name, text)
    few = dict(list(ZONES.items())[::2])
    accounts(world, few)
    world.events([row for row in history(1) if row[0] in few and row[1] < at(weeks)])
    result = world.answer("replay", "--since", iso(at(weeks - 4 if weeks > 5 else weeks - 1)))
    assert result["equal"], result
    assert all(row["episodes"] for row in result["signals"]), result


def test_a_history_of_zones_is_that_of_each_zone_alone(world: World) -> None:
    """Rows are in order of account, whatever their zone, and each is judged as in a workspace of its zone."""
    accounts(world, ZONES)
    world.events(history(3))
    world.signal("own", "when: logins below 2 per week\nzone: account\n")
    world.signal("ours", "when: logins below 2 per week\n")
    settings = (world.root / "beforehand.yaml").read_text()
    now_us = to_us(at(9) + DAY)

    def read() -> dict:
        workspace = Workspace(world.root)
        with workspace.facts() as facts:
            return judge_all(facts, workspace.folder, ["own", "ours"], now_us=now_us)

    own = read()["own"]
    assert own.ends.tolist() == [to_us(at(week) + DAY / 2) for week in range(10)]
    labels = [own.subjects.label(row) for row in range(own.subjects.size)]
    assert sorted(labels) == sorted(ZONES)
    assert list(own.subjects.account) == sorted(own.subjects.account)
    for zone in ("Asia/Tokyo", "America/Los_Angeles", "UTC"):
        (world.root / "beforehand.yaml").write_text(settings.replace("UTC", zone))
        alone = read()["ours"]
        for row, label in enumerate(labels):
            if (ZONES[label] or "UTC") == zone or (zone == "UTC" and label in ("utc", "lost")):
                assert own.zones is not None
                assert own.zones[row].key == zone
                weeks = min(len(own.ends), len(alone.ends))
                assert np.array_equal(own.verdicts[row, -weeks:], alone.verdicts[row, -weeks:]), (label, zone)


def test_the_story_of_an_alert_counts_in_the_zone_of_its_account(world: World) -> None:
    accounts(world, {"tokyo": "Asia/Tokyo", "angeles": "America/Los_Angeles"})
    world.signal("own", "when: logins below 2 per week\nzone: account\n")
    for name in ("tokyo", "angeles"):
        world.events(spread(name, MONDAY, [5, 5, 5, 0, 0, 0]))
        world.events([(name, local(name, 35, 0.5))])
    world.run(at(2) + DAY / 2)
    world.run(at(5) + DAY / 2)
    for alert in world.alerts():
        story = world.answer("show", alert["alert"], "--receipts")
        text = str(story)
        assert "Asia/Tokyo" in text if alert["account"] == "tokyo" else "America/Los_Angeles" in text
    assert len(world.alerts()) == 2
