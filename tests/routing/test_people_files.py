"""team.yaml and routes.yaml: every problem at its line, and the cases of routes run."""

from pathlib import Path

import pytest

from beforehand.commands.people import failing_expectations
from beforehand.workspace.folder import examine

SETTINGS = """channels:
  mail: {kind: email, host: localhost, security: none, sender: care@acme.example}
  chat: {kind: slack, token: {env: SLACK}}
"""
TEAM = """people:
  Ana: {email: ana@a.example, roles: [csm], manager: Marta}
  Ben: {email: ben@a.example, roles: [csm], manager: Marta}
  Marta: {email: marta@a.example}
owners:
  csm:
    trait: owner
    rules:
      - for accounts where region is EMEA: Ana
"""
ROUTES = """to: csm
escalate to: manager
routes:
  - name: big
    match: {severity: [critical], value at least: 1000}
    to: Marta
expect:
  - {account: {region: EMEA}, alert: {severity: critical}, who: Ana}
  - {account: {region: EMEA, value: 2000}, alert: {severity: critical}, who: Marta, route: big}
"""


def told(root: Path, team: str = TEAM, routes: str = ROUTES) -> list[str]:
    for name, text in (("beforehand.yaml", SETTINGS), ("team.yaml", team), ("routes.yaml", routes)):
        (root / name).write_text(text, encoding="utf-8")
    folder, problems = examine(root)
    return [f"{p.file}:{p.line} {p.code}" for p in (problems or failing_expectations(folder))]


def test_right_files_have_no_problem(tmp_path: Path) -> None:
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("manager: Marta}\n  Ben", "manager: Martha}\n  Ben", "team.yaml:2 unknown-person"),
        ("region is EMEA: Ana", "region iss EMEA: Ana", "team.yaml:9 bad-sentence"),
        ("region is EMEA: Ana", "region is EMEA: Anna", "team.yaml:9 unknown-person"),
        ("for accounts where region", "accounts in", "team.yaml:9 bad-value"),
        ("Marta: {email: marta@a.example}", "Marta: {email: marta@a.example, manager: Ana}", "team.yaml:2 cycle"),
        ("Marta: {email: marta@a.example}", "Marta: {channels: [chat]}", "team.yaml:4 nobody-reachable"),
        ("Marta: {email: marta@a.example}", "Marta: {channels: [chatt], email: m@a.example}",
         "team.yaml:4 unknown-channel"),
        ("Marta: {email: marta@a.example}", "Marta: {email: ana@a.example}", "team.yaml:4 name-taken"),
        ("Marta: {email: marta@a.example}", "Marta: {email: m@a.example, zone: Europe/Berln}",
         "team.yaml:4 unknown-zone"),
        ("Marta: {email: marta@a.example}",
         "Marta: {email: m@a.example, away: [{from: 2026-01-01, until: 2026-02-01}]}", "team.yaml:4 nobody-reachable"),
        ("Marta: {email: marta@a.example}",
         "Marta: {email: m@a.example, away: [{from: 2026-03-01, until: 2026-02-01}]}", "team.yaml:4 bad-value"),
        ("Marta: {email: marta@a.example}",
         "Marta: {email: m@a.example, weekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]}",
         "team.yaml:4 no-business-day"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_team_is_told_at_its_line(tmp_path: Path, old: str, new: str, where: str) -> None:
    assert old in TEAM
    assert where in told(tmp_path, team=TEAM.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("to: csm", "to: cms", "routes.yaml:1 unknown-person"),
        ("to: csm\n", "", "routes.yaml:None missing-key"),
        ("to: Marta", "to: Martha", "routes.yaml:6 unknown-person"),
        ("severity: [critical]", "severity: [hihg]", "routes.yaml:5 bad-value"),
        ("severity: [critical]", "signals: no-such", "routes.yaml:5 unknown-signal"),
        ("name: big\n", "name: big\n    mach: {}\n", "routes.yaml:5 unknown-key"),
        ("who: Ana", "who: Ben", "routes.yaml:8 failing-case"),
        ("who: Ana", "who: Zoe", "routes.yaml:8 unknown-person"),
        ("route: big", "route: bigg", "routes.yaml:9 unknown-route"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_routes_is_told_at_its_line(tmp_path: Path, old: str, new: str, where: str) -> None:
    assert old in ROUTES
    assert where in told(tmp_path, routes=ROUTES.replace(old, new))


def test_an_empty_team_and_no_team_are_told(tmp_path: Path) -> None:
    assert "routes.yaml:None nobody-reachable" in told(tmp_path, team="")


def test_a_holiday_on_every_day_is_told(tmp_path: Path) -> None:
    days = [
        f"{m:02}-{d:02}" for m in range(1, 13) for d in range(1, 32) if d <= (29 if m == 2 else 30 + (m + m // 8) % 2)
    ]
    holidays = ", ".join(f'"{day}"' for day in days)
    team = TEAM.replace("marta@a.example}", f"marta@a.example, holidays: [{holidays}]}}")
    assert "team.yaml:4 no-business-day" in told(tmp_path, team=team)
