"""History lived through day by day raises the same alerts as the backtest says."""

from __future__ import annotations

import json
import random
import sqlite3
from datetime import timedelta

import pytest
from living import BELOW, DAY, MONDAY, WEEK, World, at, iso


def history(seed: int, accounts: int = 12, weeks: int = 14) -> list[tuple]:
    """Events of which half come late, by hours up to weeks."""
    dice = random.Random(seed)
    rows = []
    for i in range(accounts):
        rows.append((f"a{i}", MONDAY + timedelta(hours=i + 1)))
        level = dice.choice((0.7, 2, 5))
        for week in range(1, weeks):
            for _ in range(min(9, int(dice.expovariate(1 / level)))):
                happened = at(week) + dice.random() * WEEK
                late = dice.choice((0, 0, 0, 0.2, 3, 9, 20)) * DAY
                person = f"p{dice.randrange(3)}@a{i}.com"
                rows.append((f"a{i}", happened, happened + late, person, dice.choice(("login", "login", "error"))))
    return rows


SIGNALS = {
    "drop": BELOW,
    "few": "when: logins below 2 per week\nclear: logins at least 4 per week\ndelay_in: 2\ndelay_out: 2\n",
    "silent": "when: no events for 9 days\n",
    "burst": "when: errors at least 3 per week\n",
    "quiet": "when: logins below 1 per week for 2 weeks for people\n",
    "down": "when: logins down 40% vs the 4 weeks before\nmode: shadow\n",
}


@pytest.mark.parametrize("seed", [1, 2])
def test_replay_equals_backtest(world: World, seed: int) -> None:
    """The signal judged by days only once: it makes seven times as many runs."""
    signals = {name: text for name, text in SIGNALS.items() if seed == 1 or name != "silent"}
    for name, text in signals.items():
        world.signal(name, text)
    world.events(history(seed, weeks=10 if seed == 1 else 14))
    result = world.answer("replay")
    assert result["equal"], result
    assert {row["signal"] for row in result["signals"]} == set(signals)
    assert all(row["episodes"] for row in result["signals"]), result
    assert result["killed"] == 0
    assert "replay equals backtest" in world.call("replay", "drop", "few", "--since", iso(at(6)))


SPIKES = {
    "burst": "when: errors spike per hour\n",
    "often": "when: errors spike per day in 2 of 3 days\n",
    "worse": "when: errors spike per hour and logins below 50 per week\n",
}


def test_spikes_are_replayed_as_the_backtest_says(world: World) -> None:
    """Hours, with facts that come late, thresholds over all accounts, and what is told while a period still fills."""
    dice = random.Random(4)
    hour = WEEK / 168
    rows = [(f"a{i}", MONDAY, None, None, "login") for i in range(8)]
    for i in range(8):
        for step in range(24 * 22):
            count = 30 if (i, step) in ((1, 500), (2, 470), (2, 490), (3, 515)) else int(dice.random() < 0.4)
            for _ in range(count):
                happened = MONDAY + step * hour + dice.random() * hour
                late = dice.choice((0, 0, 0, 0.3, 2, 30)) * hour
                rows.append((f"a{i}", happened, happened + late, None, "error"))
    for name, text in SPIKES.items():
        world.signal(name, text)
    world.events(rows)
    result = world.answer("replay", "--since", iso(at(0) + 465 * hour))
    assert result["equal"], result
    found = {row["signal"]: row["episodes"] for row in result["signals"]}
    assert found["burst"] >= 4, result
    assert found["worse"] == found["burst"], result


def test_a_spike_is_told_within_the_hour(world: World) -> None:
    """While the hour still fills, and the threshold its close is held against is kept."""
    hour = WEEK / 168
    world.signal("burst", SPIKES["burst"])
    rows = [(f"a{i}", MONDAY + step * hour * 2, None, None, "error") for i in range(5) for step in range(100)]
    world.events(rows, "--learned", "occurred")
    world.run(at(0) + 200 * hour)
    world.events([("a3", at(0) + 200 * hour + hour * part / 90, None, None, "error") for part in range(40)])
    told = world.run(at(0) + 200.5 * hour)
    assert told["opened"] == 1, told
    (alert,) = world.alerts()
    assert alert["account"] == "a3"
    assert alert["headline"].startswith("40 errors since 08:00, usually ")
    assert world.run(at(0) + 201 * hour)["opened"] == 0
    assert world.alerts()[0]["state"] == "open", "at its close it still holds"
    shown = world.call("show", alert["alert"])
    assert "hance alone brings" in " ".join(shown.split())
    with sqlite3.connect(world.root / ".beforehand" / "state.sqlite") as state:
        kept = [json.loads(row[0]) for row in state.execute("SELECT thresholds FROM closes WHERE thresholds NOT NULL")]
    assert kept and all(0.05 / 5 >= limit > 0 for close in kept for limit in close.values())
    world.run(at(0) + 202 * hour)
    assert world.alerts()[0]["state"] == "closed"


def test_replay_survives_being_killed(world: World) -> None:
    for name in ("drop", "few"):
        world.signal(name, SIGNALS[name])
    world.events(history(5))
    result = world.answer("replay", "--kill", "--since", iso(at(10)))
    assert result["equal"], result
    assert result["killed"] > 0


def test_replay_changes_nothing_here(world: World) -> None:
    world.signal("drop", BELOW)
    world.events(history(6, weeks=6))
    world.run(at(5))
    before = world.alerts()
    world.answer("replay")
    assert world.alerts() == before


def test_a_difference_is_told_by_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a run that forgets what a close showed is found out."""
    from beforehand.commands import replay

    world.signal("drop", BELOW)
    world.events(history(7))
    honest, calls = replay.run, []

    def forgetful(ws, now, **given):
        calls.append(now)
        return None if len(calls) % 3 == 0 else honest(ws, now - WEEK, **given)

    monkeypatch.setattr(replay, "run", forgetful)
    said = world.answer("replay", code=3)
    assert said["equal"] is False
    assert said["signals"][0]["only_backtest"]
    assert {"account", "scope", "opened_at", "closed_at", "reason"} <= said["signals"][0]["only_backtest"][0].keys()


def test_replay_of_nothing(world: World) -> None:
    world.signal("drop", BELOW)
    assert "no facts" in world.call("replay", code=2)
