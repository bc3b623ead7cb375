"""What follows at an account somebody was told of: joined, put into what waits, taken back; `covers:` is checked."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beforehand.commands.workspace import Workspace
from beforehand.workspace.folder import examine

sys.path.insert(0, str(Path(__file__).parent))
from test_telling import NOW, told, workspace

TO_OWNERS = "to: csm\n"
SATURDAY = datetime(2026, 3, 21, 20, tzinfo=UTC)
SUNDAY = datetime(2026, 3, 22, 6, tzinfo=UTC)
MONDAY_NINE = datetime(2026, 3, 23, 9, tzinfo=UTC)


def made(root: Path, routes: str = TO_OWNERS) -> Workspace:
    """Logins end on 7 March: a weekly signal holds from the 16th on, and one of days from the 22nd."""
    ws = workspace(root, routes=routes)
    (root / "signals" / "quiet.yaml").write_text("signal: quiet\nwhen: no logins for 14 days\nseverity: high\n")
    (root / "signals" / "no.yaml").unlink()
    ws = Workspace(root)
    ws.run(now=NOW - timedelta(days=7))
    return ws


def subjects(ws: Workspace) -> list[tuple[str, str, datetime]]:
    return sorted((a["recipient"], a["state"], a["due_at"]) for a in ws.acts()["acts"])


def test_what_follows_waits_for_the_digest_of_the_next_morning(tmp_path: Path) -> None:
    ws = made(tmp_path)
    assert ws.run(now=NOW)["told"] == 3
    assert ws.run(now=SUNDAY)["told"] == 0
    waits = [w for w in ws.told(held_back=True)["held_back"] if w["signal"] == "quiet"]
    assert len(waits) == 3 and {(w["stage"], w["until"]) for w in waits} == {("digest", MONDAY_NINE)}
    assert all("they were told of the account on 2026-03-16" in w["why"] for w in waits)
    ws.run(now=MONDAY_NINE)
    digests = [a for a in ws.acts()["acts"] if (a["subject"] or "").startswith("Your digest: ")]
    assert sorted(a["recipient"] for a in digests) == ["ana@a.example", "ben@a.example"]
    assert "Since you were told of these accounts, also" in ws.act(digests[0]["act"])["act"]["text"]


def test_a_route_may_ask_for_a_message_of_its_own(tmp_path: Path) -> None:
    ws = made(tmp_path, TO_OWNERS + "digest: false\n")
    ws.run(now=NOW)
    assert ws.run(now=SUNDAY)["told"] == 3


def test_what_comes_while_a_message_waits_is_put_into_it_and_taken_back_when_all_is_over(tmp_path: Path) -> None:
    ws = made(tmp_path)
    assert ws.run(now=SATURDAY)["told"] == 3
    before = subjects(ws)
    assert {(state, due) for _, state, due in before} == {("due", MONDAY_NINE)}
    assert ws.run(now=SUNDAY)["told"] == 0 and subjects(ws) == before, "no message more"
    assert sorted(row for row in told(ws) if row[1] == "since") == [
        ("Ana", "since", "acme"), ("Ana", "since", "cube"), ("Ben", "since", "bolt")
    ]  # fmt: skip
    texts = [ws.act(a["act"])["act"]["text"] for a in ws.acts()["acts"]]
    assert all("Since then also at this account" in text and "No logins for 14 days" in text for text in texts), texts[
        0
    ]
    for alert in ws.alerts(open_only=True, account="acme")["alerts"]:
        ws.resolve([alert["alert"]], now=SUNDAY + timedelta(hours=1))
    assert ws.run(now=SUNDAY + timedelta(hours=2))["told"] == 0
    assert sorted(state for _, state, _ in subjects(ws)) == ["due", "due", "refused"]
    (back,) = [a for a in ws.acts()["acts"] if a["state"] == "refused"]
    assert "over before it was due" in back["reason"]


@pytest.mark.parametrize(
    ("covers", "code"),
    [("[no-such]", "unknown-signal"), ("quiet-as", "unknown-signal"), ("[logins-fall]", "bad-value"),
     ("[quiet]", None), ("champion-silent", None)],
)  # fmt: skip
def test_what_a_signal_covers_is_checked_at_its_line(tmp_path: Path, covers: str, code: str | None) -> None:
    made(tmp_path)
    fall = tmp_path / "signals" / "fall.yaml"
    fall.write_text(f"{fall.read_text()}covers: {covers}\n")
    _, problems = examine(tmp_path)
    assert [(p.file, p.line, p.code) for p in problems] == ([("signals/fall.yaml", 4, code)] if code else [])


def test_a_declared_cover_keeps_its_milder_kin_and_says_so(tmp_path: Path) -> None:
    ws = made(tmp_path)
    fall = tmp_path / "signals" / "fall.yaml"
    fall.write_text(f"{fall.read_text()}covers: quiet\n")
    ws = Workspace(tmp_path)
    ws.run(now=NOW)
    ws.run(now=SUNDAY)
    waits = [w for w in ws.told(held_back=True)["held_back"] if w["signal"] == "quiet"]
    assert len(waits) == 3 and {w["stage"] for w in waits} == {"inhibit"}
    assert all("logins-fall" in w["why"] for w in waits)
