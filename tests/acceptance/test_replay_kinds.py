"""Peers, milestones, made facts and roles: history lived through raises the same alerts as the backtest says."""

from __future__ import annotations

import random
from datetime import timedelta

from living import DAY, MONDAY, WEEK, World, at, iso

METRICS = """
exports started: {says: [export started], count: events, where: event = 'export started'}
exports finished: {says: [export finished], count: events, where: event = 'export finished'}
reports: {count: events, where: event = 'report'}
"""
WEEKLY = {
    "lowest": "when: events among the lowest third of accounts like it in 2 of 3 weeks\n",
    "highest": "when: logins above peers by plan\n",
    "abandoned": "when: export started without export finished within 1 hour\n",
    "again": "when: export started repeated 2 times within 2 days\n",
    "not-low": "when: not (logins below 2 or logins below peers)\n",
}
DAILY = {
    "late": "when: no first report within 14 days of signup\n",
    "slowest": "when: first report later than the slowest half of accounts like it\n",
    "business": "when: no logins for 4 business days\n",
}


def history(accounts: int, weeks: int) -> list[tuple]:
    """Logins, exports and a first report of accounts that begin one after the other; half come late."""
    dice = random.Random(7)
    rows = []
    for i in range(accounts):
        began = MONDAY + timedelta(days=dice.randrange(21), hours=i % 20)
        rows.append((f"a{i}", began))
        level = dice.choice((1, 3, 6))
        for week in range(1, weeks):
            for _ in range(int(dice.expovariate(1 / level))):
                happened = at(week) + dice.random() * WEEK
                if happened > began:
                    late = dice.choice((0, 0, 0, 0.2, 3, 9)) * DAY
                    rows.append((f"a{i}", happened, happened + late, f"p{i}", "login"))
            for _ in range(dice.randrange(3)):
                happened = at(week) + dice.random() * WEEK
                late = dice.choice((0, 0, 2)) * DAY
                rows.append((f"a{i}", happened, happened + late, f"p{i}", "export started"))
                if dice.random() < 0.6:
                    done = happened + timedelta(minutes=dice.choice((5, 40, 90)))
                    rows.append((f"a{i}", done, done + dice.choice((0, 0, 2)) * DAY, f"p{i}", "export finished"))
        if dice.random() < 0.8:
            happened = began + dice.randrange(2, 40) * DAY
            rows.append((f"a{i}", happened, happened + dice.choice((0, 0, 2)) * DAY, f"p{i}", "report"))
    return rows


def lived(world: World, signals: dict[str, str], since: float) -> None:
    with (world.root / "metrics.yaml").open("a", encoding="utf-8") as out:
        out.write(METRICS)
    for name, text in signals.items():
        world.signal(name, text)
    world.events(history(26, 9))
    result = world.answer("replay", "--since", iso(at(since)))
    assert result["equal"], result
    assert {row["signal"] for row in result["signals"]} == set(signals)
    assert all(row["episodes"] for row in result["signals"]), result


def test_weekly_kinds_are_replayed_as_the_backtest_says(world: World) -> None:
    lived(world, WEEKLY, 2)


def test_daily_kinds_are_replayed_as_the_backtest_says(world: World) -> None:
    lived(world, DAILY, 6)
