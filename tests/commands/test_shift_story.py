"""From letters to an alert that quotes them: somebody turns terse, and their account is told of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from beforehand.commands.workspace import Workspace

BEGIN = datetime(2025, 1, 6, 9, tzinfo=UTC)
NOW = BEGIN + timedelta(days=140)
WARM = (
    "Hi team, thank you so much for the quick help, the new report is great!",
    "Hello, could you have a look at the export when you find time? Thanks a lot!",
    "Hi, perfect, that works wonderfully. Have a lovely day!",
)
TERSE = ("Still not fixed.", "Any update.", "See the ticket.", "No.")


def workspace(root: Path) -> Workspace:
    (root / "signals").mkdir()
    (root / "beforehand.yaml").write_text("zone: UTC\n")
    (root / "metrics.yaml").write_text("frustration:\n  count: tones\n  where: negative > 0.5\n")
    (root / "signals" / "terse.yaml").write_text("signal: turned-terse\nwhen: tone shifts from warm to terse\n")
    rows = []
    for number in range(46):
        for who in ("dana", "kim"):
            turned = who == "dana" and number >= 34
            rows.append({
                "id": f"{who}-{number}", "account": "acme", "person": f"{who}@acme.com", "direction": "in",
                "at": (BEGIN + timedelta(days=3 * number)).isoformat(),
                "text": TERSE[number % 4] if turned else WARM[number % 3],
            })  # fmt: skip
    (root / "accounts.csv").write_text("id,name\nacme,Acme\n")
    (root / "people.csv").write_text("id,account,name\ndana@acme.com,acme,Dana Reyes\nkim@acme.com,acme,Kim Lind\n")
    (root / "messages.jsonl").write_text("\n".join(map(json.dumps, rows)))
    made = Workspace(root)
    made.load([root / "accounts.csv"], table="accounts")
    made.load([root / "people.csv"], table="people")
    made.load([root / "messages.jsonl"], table="messages", learned="occurred")
    return made


def test_the_alert_names_who_has_turned_and_quotes_them(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    ws.run(now=NOW)
    story = ws.show("acme", now=NOW)
    assert [alert["signal"] for alert in story["alerts"]] == ["turned-terse"]
    told = json.dumps(story, ensure_ascii=False, default=str)
    assert "tone of Dana Reyes has turned terse" in told
    (listed,) = ws.alerts(now=NOW)["alerts"]
    assert "The tone of Dana Reyes has turned terse" in listed["headline"]
    assert "“Still not fixed”" in told or "“Any update”" in told or "“See the ticket”" in told
    assert "Before that, Dana Reyes wrote" in told
    assert "Kim Lind wrote" not in told


def test_a_friendly_line_of_who_has_turned_terse_is_not_quoted_as_a_proof(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    days = (NOW - BEGIN).days
    friendly = [
        row(f"dana-new-{n}", days - 1 - n / 100, f"Hello, we really like it, many thanks! {n}", "dana@acme.com")
        for n in range(2)
    ]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, friendly)))
    ws.load([tmp_path / "more.jsonl"], table="messages", learned="occurred")
    ws.run(now=NOW)
    told = json.dumps(ws.show("acme", now=NOW), ensure_ascii=False, default=str)
    assert "tone of Dana Reyes has turned terse" in told
    assert "“Still not fixed”" in told or "“Any update”" in told or "“See the ticket”" in told
    assert "really like it" not in told


def stories(root: Path, signal: str, rows: list[dict[str, str]], now: datetime, people: str = "") -> str:
    """What is told of an account whose messages these are, under one signal of the library's metrics."""
    from beforehand.library import PACK

    (root / "signals").mkdir()
    (root / "beforehand.yaml").write_text("zone: UTC\n")
    (root / "metrics.yaml").write_text((PACK / "metrics.yaml").read_text())
    (root / "events.yaml").write_text((PACK / "events.yaml").read_text())
    (root / "signals" / f"{signal}.yaml").write_text(
        "".join(
            line for line in (PACK / "signals" / f"{signal}.yaml").read_text().splitlines(keepends=True)
            if not line.startswith("playbook:")
        )
    )  # fmt: skip
    (root / "people.csv").write_text("id,account,name,role\n" + people)
    (root / "messages.jsonl").write_text("\n".join(map(json.dumps, rows)))
    made = Workspace(root)
    made.load([root / "people.csv"], table="people")
    made.load([root / "messages.jsonl"], table="messages", learned="occurred")
    made.run(now=now)
    story = made.show("acme", now=now)
    assert [alert["signal"] for alert in story["alerts"]] == [signal]
    listed = made.alerts(now=now)["alerts"][0]["headline"].rstrip(".")
    assert listed.partition(" on ")[0] in story["alerts"][0]["headline"], "the list and the story begin alike"
    return json.dumps(story, ensure_ascii=False, default=str)


def row(name: str, day: float, text: str, person: str) -> dict[str, str]:
    return {
        "id": name, "account": "acme", "person": person, "direction": "in", "text": text,
        "at": (BEGIN + timedelta(days=day)).isoformat(),
    }  # fmt: skip


def test_silence_after_anger_is_told_by_who_was_angry_in_their_words(tmp_path: Path) -> None:
    angry = "This is useless and I am fed up. Nobody answers, it is a disgrace."
    rows = [row(f"k{n}", 3 * n, WARM[n % 3], "kim@acme.com") for n in range(20)]
    rows += [row(f"d{n}", 5 * n, WARM[n % 3], "dana@acme.com") for n in range(4)] + [
        row("d9", 41, angry, "dana@acme.com")
    ]
    now = BEGIN + timedelta(days=57)
    told = stories(tmp_path, "silent-after-anger", rows, now, "dana@acme.com,acme,Dana Reyes,admin\n")
    assert "Dana Reyes sent an angry message on 16 February, and no other in the 14 days after" in told
    assert (
        "Dana Reyes wrote on 16 February: “This is useless and I am fed up. Nobody answers, it is a disgrace”" in told
    )
    assert "kim" not in told


def test_the_mood_of_an_account_is_told_with_who_pulled_it_down(tmp_path: Path) -> None:
    cold = "It fails again. Nobody answers. Useless."
    rows = [row(f"k{n}", 4 * n, WARM[n % 3], "kim@acme.com") for n in range(30)]
    rows += [row(f"d{n}", 4 * n + 1, cold if n > 21 else WARM[n % 3], "dana@acme.com") for n in range(30)]
    now = BEGIN + timedelta(days=119)
    people = "dana@acme.com,acme,Dana Reyes,decision maker\nkim@acme.com,acme,Kim Lind,user\n"
    told = stories(tmp_path, "account-turned-cold", rows, now, people)
    assert "It was pulled down most by Dana Reyes (decision maker), who wrote on" in told
    assert "“It fails again. Nobody answers. Useless”" in told
    assert "Before that, Dana Reyes wrote on" in told
    assert "Kim Lind" not in told


def test_a_low_mean_is_told_by_the_messages_that_it_is_low_by(tmp_path: Path) -> None:
    workspace(tmp_path)
    (tmp_path / "metrics.yaml").write_text("sentiment:\n  mean: tones\n  of: sentiment\n")
    (tmp_path / "signals" / "terse.yaml").unlink()
    (tmp_path / "signals" / "low.yaml").write_text("signal: low\nwhen: sentiment below 0.9 for 2 weeks\n")
    ws = Workspace(tmp_path)
    cold = row("kim-cold", 128, "This is useless. Nobody answers, I am fed up.", "kim@acme.com")
    later = [row(f"kim-later-{n}", 129 + n, WARM[n % 3], "kim@acme.com") for n in range(9)]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, [cold, *later])))
    ws.load([tmp_path / "more.jsonl"], table="messages", learned="occurred")
    ws.run(now=NOW)
    told = json.dumps(ws.show("acme", now=NOW), ensure_ascii=False, default=str)
    assert "Kim Lind wrote on 14 May: “This is useless. Nobody answers, I am fed up”" in told
    assert "thank you so much" not in told
