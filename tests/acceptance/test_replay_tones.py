"""How messages sound, and how a tone shifts: history lived through raises the alerts that the backtest says."""

from __future__ import annotations

import json
import random

from living import DAY, MONDAY, World, at, iso

METRICS = """
sentiment: {mean: tones, of: sentiment}
frustration: {count: tones, where: negative > 0.5}
"""
SIGNALS = {
    "terse": "when: tone shifts from warm to terse\n",
    "again": "when: frustration in 3 of the last 5 messages\n",
    "voice": "when: frustration from a new voice in 14 days for people\n",
    "cold": "when: sentiment below 0.5 for 2 weeks\n",
}
WARM = ("Hi, thank you so much for the quick help!", "Hello, the new report is great!", "Hi, works well. Thanks!")
TERSE = ("Still not fixed.", "This is useless and broken.", "Nobody answers. Terrible.", "No.")


def letters() -> list[dict[str, object]]:
    """Four months of people who stay warm, turn terse, or begin late and angry; half of it is learned late."""
    dice = random.Random(3)
    rows: list[dict[str, object]] = []
    for i in range(6):
        for who in ("a", "b"):
            turns = 11 + i if who == "a" and i < 4 else 99
            begins = 13 if who == "b" and i > 3 else 0
            for number in range(36):
                happened = at(begins) + (number * 3.5 + dice.random()) * DAY
                cold = happened > at(turns) or (begins and number < 2)
                learned = happened + dice.choice((0, 0, 0, 0.2, 2, 9)) * DAY
                rows.append({
                    "id": f"{who}{i}-{number}", "account": f"a{i}", "person": f"{who}@a{i}.com", "direction": "in",
                    "at": happened.isoformat(), "learned": learned.isoformat(),
                    "text": dice.choice(TERSE if cold else WARM),
                })  # fmt: skip
    return [row for row in rows if str(row["at"]) < at(17).isoformat()]


def test_tones_are_replayed_as_the_backtest_says(world: World) -> None:
    with (world.root / "metrics.yaml").open("a", encoding="utf-8") as out:
        out.write(METRICS)
    for name, text in SIGNALS.items():
        world.signal(name, text)
    world.events([(f"a{i}", MONDAY) for i in range(6)])
    path = world.root / "messages.jsonl"
    path.write_text("\n".join(map(json.dumps, letters())), encoding="utf-8")
    world.call("load", path, "--as", "messages", "--learned", "learned")
    result = world.answer("replay", "--since", iso(at(11.5)))
    assert result["equal"], result
    assert {row["signal"] for row in result["signals"]} == set(SIGNALS)
    assert [row["signal"] for row in result["signals"] if not row["episodes"]] == []
