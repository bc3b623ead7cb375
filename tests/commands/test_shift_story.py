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
    assert "“Still not fixed”" in told or "“Any update”" in told or "“See the ticket”" in told
    assert "Before that, Dana Reyes wrote" in told
    assert "Kim Lind wrote" not in told
