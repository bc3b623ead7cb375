"""Owners who change take what is open along; who is away or left is stood in for; what is in doubt is theirs to say."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from beforehand.commands.workspace import Workspace
from beforehand.store import Act, Run

sys.path.insert(0, str(Path(__file__).parent))
from test_hand_over import LEFT, PLAYBOOK, owners
from test_telling import NOW, OWNERS, TEAM, lived, owned, told

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    (tmp_path / "playbooks").mkdir(parents=True)
    (tmp_path / "playbooks" / "ask.yaml").write_text(PLAYBOOK)
    made = lived(tmp_path)
    made.run(now=NOW)
    return made


def with_team(ws: Workspace, team: str) -> Workspace:
    (ws.root / "team.yaml").write_text(team)
    return Workspace(ws.root)


def runs_of(ws: Workspace) -> dict[str, str]:
    return {row["account"]: row["owner"] for row in ws.runs(live=True)["runs"]}


def test_the_trait_changes_and_everything_follows_in_one_message(ws: Workspace) -> None:
    count = len(told(ws))
    owned(ws, OWNERS | {"acme": "Ben"})
    later = datetime.now(UTC) + 2 * DAY  # a trait without a time holds from its loading
    result = ws.run(now=later)
    # The one that was told; what it covers is told to nobody, and is Ben's all the same.
    assert len(result["taken_over"]["alerts"]) == 1 and set(result["taken_over"]["told"]) == {"Ben"}
    assert ("Ben", "handed over", "acme") in told(ws)[count:]
    assert owners(ws)["acme"] == {"Ben"} and owners(ws)["cube"] == {"Ana"}
    owned(ws, OWNERS | {"acme": "ana@a.example"})
    result = ws.run(now=later + 2 * DAY)  # and back: who had it before hears that it is theirs again
    assert set(result["taken_over"]["told"]) == {"Ana"} and owners(ws)["acme"] == {"Ana"}
    assert ws.run(now=later + 2 * DAY + MINUTE)["taken_over"]["told"] == {}


def test_who_left_is_followed_by_others_with_the_reason_kept(ws: Workspace) -> None:
    before = runs_of(ws)
    assert before == {"acme": "Ana", "bolt": "Ben", "cube": "Ana"}
    again = with_team(ws, LEFT)
    assert again.run(now=NOW + MINUTE)["taken_over"]["told"] == {}  # they leave tomorrow
    count = len(told(again))
    result = again.run(now=NOW + DAY)  # nothing was written since, but the day has come
    assert result["taken_over"]["runs"].keys() == {"1", "3"} and len(result["taken_over"]["approvals"]) == 2
    assert [row for row in told(again)[count:] if row[1] == "handed over"] == [("Ben", "handed over", None)]
    assert runs_of(again) == {"acme": "Ben", "bolt": "Ben", "cube": "Ben"}
    (line,) = [e for e in again.show_run(1)["journal"] if e["kind"] == "owner"]
    assert "they are the only one of the others" in line["why"]
    assert again.run(now=NOW + DAY + MINUTE)["taken_over"]["runs"] == {}


def test_who_is_taken_out_of_the_team_is_followed_too(ws: Workspace) -> None:
    out = TEAM.replace(TEAM.splitlines()[1] + "\n", "").replace(
        "rules: [{for accounts where region is EMEA: Ana}], ", ""
    )
    again = with_team(ws, out)
    again.run(now=NOW + MINUTE)
    assert set(runs_of(again).values()) == {"Ben"} and owners(again)["acme"] == {"Ben"}


def test_where_nobody_else_holds_it_the_manager_does(ws: Workspace) -> None:
    team = LEFT.replace("Ben: {email: ben@a.example, roles: [csm]", "Ben: {email: ben@a.example, left on: 2026-03-17")
    again = with_team(ws, team)
    again.run(now=NOW + DAY)
    assert set(runs_of(again).values()) == {"Marta"}
    (line,) = [e for e in again.show_run(1)["journal"] if e["kind"] == "owner"]
    assert "left on 2026-03-17" in line["why"]


def test_who_is_away_keeps_the_run_and_the_stand_in_is_asked(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir(parents=True)
    (tmp_path / "playbooks" / "ask.yaml").write_text(PLAYBOOK)
    away = "away: [{from: 2026-03-01, until: 2026-03-31, stand-in: Ben}], known"
    ws = lived(tmp_path, team=TEAM.replace("known", away))
    ws.run(now=NOW)
    assert runs_of(ws)["acme"] == "Ana"
    asked = [a for a in ws.acts()["acts"] if a["run"] == 1 and str(a["subject"]).startswith("To approve")]
    assert [a["recipient"] for a in asked] == ["ben@a.example"]
    assert "You stand in: Ana is away until 2026-03-31" in ws.act(asked[0]["act"])["act"]["text"]


def test_what_is_in_doubt_is_told_to_its_owner_once(ws: Workspace) -> None:
    def doubt(number: int, at: datetime) -> None:
        with ws.state() as state, state.write() as session:
            act = session.scalars(select(Act).where(Act.run == number).order_by(Act.number)).first()
            assert act is not None
            act.state, act.reason, act.settled_at, act.handed_at = "in doubt", "cut-off", at, at

    count = len(told(ws))
    doubt(1, NOW + MINUTE)
    ws.run(now=NOW + 2 * MINUTE)
    assert [row[:2] for row in told(ws)[count:]] == [("Ana", "in doubt")]
    act = ws.acts()["acts"][0]
    assert act["recipient"] == "ana@a.example" and str(act["subject"]).startswith("Was it sent? To approve")
    assert "acts resolve" in ws.act(act["act"])["act"]["text"]
    with ws.state() as state, state.write() as session:  # the message itself in doubt is listed only
        own = session.get(Act, act["act"])
        assert own is not None
        own.state, own.settled_at = "in doubt", NOW + 3 * MINUTE
    ws.run(now=NOW + 4 * MINUTE)
    assert len(told(ws)) == count + 1
    doubt(1, NOW + 5 * MINUTE)  # handed over again by a person, and in doubt again
    with ws.state() as state, state.read() as session:
        second = session.scalars(select(Run.number).where(Run.owner == "Ben")).one()
    doubt(second, NOW + 5 * MINUTE)
    ws.run(now=NOW + 6 * MINUTE)
    assert sorted(row[:2] for row in told(ws)[count + 1 :]) == [("Ana", "in doubt"), ("Ben", "in doubt")]
