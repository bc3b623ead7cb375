"""The people of the simulated company and who of them hears of what: team.yaml and routes.yaml as files."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

AWAY = (5, 9)
"""One of them is away from so many days before the end of the data to so many after it."""
TEAM = """# yaml-language-server: $schema=.beforehand/schemas/team.json
# Who works at the simulated company. The trait `owner` of its accounts names the eight who look after them.

people:
  Ingrid Solberg:
    email: ingrid.solberg@simulated.example
    roles: [csm]
    manager: Astrid Falk
    zone: Europe/Stockholm
    holidays: SE
    digest at: "08:30"
  Keiko Tanabe:
    email: keiko.tanabe@simulated.example
    roles: [csm]
    manager: Astrid Falk
    zone: Australia/Sydney
    hours: 09:30-17:30
    digest at: "09:30"
  Lena Voss:
    email: lena.voss@simulated.example
    roles: [csm]
    manager: Astrid Falk
    zone: Europe/Berlin
    holidays: DE-BE
    digest at: "08:30"
    away:
      - {from: AWAY_FROM, until: AWAY_UNTIL, stand-in: Ruth Adler}
  Noor Haddad:
    email: noor.haddad@simulated.example
    roles: [csm]
    manager: Astrid Falk
    zone: Europe/London
    digest at: "09:00"
  Paulo Mendes:
    email: paulo.mendes@simulated.example
    roles: [csm]
    manager: Astrid Falk
    zone: America/Chicago
    digest at: "08:00"
  Ruth Adler:
    email: ruth.adler@simulated.example
    roles: [csm]
    manager: Astrid Falk
    zone: Europe/Berlin
    holidays: DE-BE
    hours: 08:00-14:00
    weekend: [friday, saturday, sunday]
    budget: 12 # four days of six hours
    digest at: "08:00"
  Sam Okoye:
    email: sam.okoye@simulated.example
    roles: [csm]
    manager: Astrid Falk
    zone: America/Toronto
    digest at: "08:30"
  Tom Brennan:
    email: tom.brennan@simulated.example
    roles: [csm]
    manager: Astrid Falk
    zone: America/New_York
    digest at: "08:30"
  Astrid Falk:
    email: astrid.falk@simulated.example
    roles: [head of cs]
    zone: Europe/Stockholm
    holidays: SE
    digest at: "08:00"
  Jonas Weber:
    email: jonas.weber@simulated.example
    roles: [support engineer]
    manager: Priya Nair
    zone: Europe/Berlin
    holidays: DE-BE
    digest at: "09:00"
  Maya Ortiz:
    email: maya.ortiz@simulated.example
    roles: [support engineer]
    manager: Priya Nair
    zone: America/Chicago
    digest at: "09:00"
  Priya Nair:
    email: priya.nair@simulated.example
    roles: [support lead]
    manager: Astrid Falk
    zone: Europe/London

owners:
  csm:
    trait: owner
    others: [Noor Haddad, Tom Brennan]
    share: least loaded
  support engineer:
    rules:
      - for accounts where country is US: Maya Ortiz
      - for accounts where country is CA: Maya Ortiz
    others: [Jonas Weber]

budget: 15
"""
ROUTES = """# yaml-language-server: $schema=.beforehand/schemas/routes.json
# Who at the simulated company hears of which alert, and by when it must be answered.

to: csm
acknowledge within: 2 days
escalate to: [manager]

routes:
  - name: big accounts in danger
    match: {severity: [critical, high], polarity: risk, value at least: 40000}
    to: [csm, head of cs]
    acknowledge within: 4 hours
    remind every: 1 day
  - name: what broke
    match: {group: [friction], severity: [critical, high]}
    to: [csm, support engineer]
    acknowledge within: 1 day
  - name: good news
    match: {polarity: growth}
    digest: true
  - name: not pressing
    match: {severity: [low]}
    digest: true

expect:
  - account: {owner: Noor Haddad, value: 90000}
    alert: {severity: critical}
    who: [Noor Haddad, Astrid Falk]
    route: big accounts in danger
  - account: {owner: Sam Okoye, country: US, value: 900}
    alert: {severity: high, group: friction}
    who: [Sam Okoye, Maya Ortiz]
  - account: {owner: Lena Voss}
    alert: {severity: medium}
    on: END_ON
    who: Ruth Adler
"""


def write_team(folder: Path, end_on: date) -> None:
    """Writes both files into a company whose data end before `end_on`."""
    first, last = (end_on + timedelta(days=days) for days in (-AWAY[0], AWAY[1]))
    team = TEAM.replace("AWAY_FROM", first.isoformat()).replace("AWAY_UNTIL", last.isoformat())
    (folder / "team.yaml").write_text(team, encoding="utf-8")
    (folder / "routes.yaml").write_text(ROUTES.replace("END_ON", end_on.isoformat()), encoding="utf-8")
