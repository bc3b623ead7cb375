"""From alerts that `run` raised to notifications, acts, and what is held back; nothing twice and nothing lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from beforehand.commands.workspace import Workspace
from beforehand.errors import InputError

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)  # a Monday, at work
TEAM = """people:
  Ana: {email: ana@a.example, roles: [csm], manager: Marta, known as: [A. Diaz]}
  Ben: {email: ben@a.example, roles: [csm], manager: Marta}
  Marta: {email: marta@a.example, zone: America/New_York}
owners:
  csm: {trait: owner, rules: [{for accounts where region is EMEA: Ana}], others: [Ben]}
"""
ROUTES = """to: csm
acknowledge within: 1 day
remind every: 2 hours
remind at most: 1
escalate to: manager
"""
OWNERS = {"acme": "A. Diaz", "bolt": "", "cube": "Zoe"}


def workspace(root: Path, team: str = TEAM, routes: str = ROUTES) -> Workspace:
    root.mkdir(parents=True, exist_ok=True)
    (root / "signals").mkdir()
    (root / "beforehand.yaml").write_text(
        "zone: UTC\nincidents: 'off'\nchannels:\n"
        "  mail: {kind: email, host: localhost, security: none, sender: care@a.example}\n"
    )
    (root / "metrics.yaml").write_text("logins:\n  count: events\n")
    (root / "signals" / "fall.yaml").write_text("signal: logins-fall\nwhen: logins below 2 per week\nseverity: high\n")
    (root / "signals" / "no.yaml").write_text("signal: no-logins\nwhen: logins below 1 per week\nseverity: low\n")
    (root / "team.yaml").write_text(team)
    (root / "routes.yaml").write_text(routes)
    return owned(Workspace(root), OWNERS, first=True)


def owned(ws: Workspace, owners: dict[str, str], first: bool = False) -> Workspace:
    lines = [f"{name},{name.title()},{owner},{'EMEA' if name == 'cube' else ''}" for name, owner in owners.items()]
    path = ws.root / "accounts.csv"
    path.write_text("\n".join(["id,name,owner,region", *lines]) + "\n")
    ws.load([path], table="accounts")
    if first:
        rows = [
            f"{name}-{day}-{n},{name},{(MONDAY + timedelta(days=day, hours=n)).isoformat()},login"
            for name in owners for day in range(-35, 7, 2) for n in range(2)
        ]  # fmt: skip
        logins(ws, rows)
    return ws


def logins(ws: Workspace, rows: list[str]) -> None:
    path = ws.root / f"events-{len(list(ws.root.glob('events-*')))}.csv"
    path.write_text("\n".join(["id,account,at,event", *rows]) + "\n")
    ws.load([path], table="events", learned="occurred")


def told(ws: Workspace) -> list[tuple[str, str, str | None]]:
    return [(t["person"], t["kind"], t["account"]) for t in reversed(ws.told()["told"])]


def lived(root: Path, **more: Any) -> Workspace:
    """A workspace that went live a week before everybody fell silent."""
    ws = workspace(root, **more)
    ws.run(now=NOW - timedelta(days=7))
    return ws


def test_each_owner_is_told_once_by_mail_and_what_is_covered_is_listed(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    result = ws.run(now=NOW)
    assert result["told"] == 3 and result["nobody"] == []
    assert sorted(told(ws)) == [("Ana", "first", "acme"), ("Ana", "first", "cube"), ("Ben", "first", "bolt")]
    acts = ws.acts()["acts"]
    assert sorted(a["recipient"] for a in acts) == ["ana@a.example", "ana@a.example", "ben@a.example"]
    assert {a["state"] for a in acts} == {"due"}
    waits = ws.told(held_back=True)["held_back"]
    assert {(w["stage"], w["signal"]) for w in waits} == {("inhibit", "no-logins")} and len(waits) == 3
    assert "the trait owner says A. Diaz" in ws.act(min(a["act"] for a in acts))["act"]["text"]
    again = ws.run(now=NOW + timedelta(minutes=5))
    assert again["told"] == 0 and again["held_back"] == 3 and len(told(ws)) == 3


def test_a_run_that_was_cut_off_before_telling_is_made_up_for(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    assert ws.run(now=NOW, tells=False)["told"] == 0
    assert ws.run(now=NOW + timedelta(minutes=1))["told"] == 3


def test_without_routes_nobody_is_told(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    (tmp_path / "routes.yaml").unlink()
    ws = Workspace(tmp_path)
    assert ws.run(now=NOW)["told"] == 0 and ws.acts()["acts"] == []
    with pytest.raises(InputError, match=r"routes\.yaml"):
        ws.explain("acme")


def test_an_owner_who_changes_takes_the_alerts_along_told_once(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    ws.run(now=NOW)
    owned(ws, OWNERS | {"acme": "Ben"})
    later = datetime.now(UTC) + timedelta(days=2)  # a trait without a time holds from its loading
    ws.run(now=later)
    assert ("Ben", "handed over", "acme") in told(ws)
    assert {a["owner"] for a in ws.alerts(open_only=True, account="acme")["alerts"]} == {"Ben"}
    count = len(told(ws))
    ws.run(now=later + timedelta(minutes=1))
    assert len(told(ws)) == count


def test_what_is_over_is_no_message(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    ws.run(now=NOW)
    for alert in ws.alerts(open_only=True, account="acme")["alerts"]:
        ws.resolve([alert["alert"]], now=NOW)
    assert ws.run(now=NOW + timedelta(minutes=1))["told"] == 0
    assert told(ws)[-1] == ("Ana", "cleared", "acme") and len(ws.acts()["acts"]) == 3


def test_a_snoozed_alert_waits_and_the_budget_is_kept(tmp_path: Path) -> None:
    ws = lived(tmp_path, team=TEAM.replace("known as: [A. Diaz]", "known as: [A. Diaz], budget: 1"))
    ws.run(now=NOW)
    waits = [(w["stage"], w["person"]) for w in ws.told(held_back=True)["held_back"] if w["stage"] == "budget"]
    assert waits == [("budget", "Ana")]
    next_week = NOW + timedelta(days=7)
    ws.run(now=next_week)
    assert [row for row in told(ws) if row[0] == "Ana"].count(("Ana", "first", "cube")) == 1


def test_nobody_is_an_error_with_a_name(tmp_path: Path) -> None:
    alone = "people:\n  Ana: {email: ana@a.example, left on: 2026-01-01}\n  Marta: {email: m@a.example}\n"
    ws = lived(tmp_path, team=alone + "owners:\n  csm: {trait: owner, others: [Ana]}\n", routes="to: csm\n")
    result = ws.run(now=NOW)
    assert result["told"] == 0 and any("csm" in why for why in result["nobody"])
    assert {w["stage"] for w in ws.told(held_back=True)["held_back"]} == {"nobody"}


def test_explain_and_team_say_what_became_of_it(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    ws.run(now=NOW)
    found = ws.explain("cube", now=NOW)
    fall = next(a for a in found["alerts"] if a["signal"] == "logins-fall")
    assert fall["hearers"][0]["person"] == "Ana" and fall["hearers"][0]["escalates_to"] == ["Marta"]
    assert any("Zoe, who is not in team.yaml" in r["why"] for r in fall["hearers"][0]["reasons"])
    assert fall["told"][0]["kind"] == "first"
    (ana, ben, _) = ws.team(now=NOW)["people"]
    assert (ana["open"], ana["spent"], ben["spent"]) == (4, 2, 1)


def test_reminded_then_the_manager_hears_and_acknowledging_ends_it(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    ws.run(now=NOW)
    count = len(told(ws))
    ws.run(now=NOW + timedelta(hours=3))
    assert told(ws)[count:] == [] or {row[1] for row in told(ws)[count:]} == {"still"}
    acme = [a["alert"] for a in ws.alerts(open_only=True, account="acme")["alerts"]]
    ws.ack(acme, now=NOW + timedelta(hours=4))
    count = len(told(ws))
    ws.run(now=NOW + timedelta(days=1, hours=1))
    later = told(ws)[count:]
    assert {row[:2] for row in later} == {("Marta", "escalated")}
    assert "acme" not in {row[2] for row in later}
    count = len(told(ws))
    ws.run(now=NOW + timedelta(days=1, hours=2))
    assert len(told(ws)) == count
