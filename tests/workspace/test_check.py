"""`init` writes a workspace that checks; `check` runs the cases, and says every sentence back."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beforehand.commands import Workspace
from beforehand.commands.check import check
from beforehand.commands.init import init
from beforehand.errors import InputError, Problems
from beforehand.facts.lock import locked
from beforehand.workspace import schemas

NOW = datetime(2026, 6, 10, tzinfo=UTC)
TOOL = Path(sys.executable).with_name("beforehand")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    init(tmp_path / "w")
    return Workspace(tmp_path / "w")


def run(*args: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([TOOL, *map(str, args)], cwd=cwd, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_starter_has_no_problems_and_its_cases_pass(ws: Workspace) -> None:
    result = check(ws, NOW)
    assert result["problems"] == []
    assert {s["signal"] for s in result["signals"]} == {
        "login-frequency-drop", "fewer-people", "error-spike", "slow-start", "ticket-burst", "gone-silent",
        "growing-team",
    }  # fmt: skip
    assert all(s["cases"] >= 1 and s["echo"] for s in result["signals"])
    assert all(spec.why for spec in ws.folder.specs.values())
    assert {spec.polarity for spec in ws.folder.specs.values()} == {"risk", "growth"}


def test_the_starter_has_the_metrics_of_the_contract(ws: Workspace) -> None:
    metrics = ws.folder.metrics
    assert {"logins", "active people", "events", "errors", "tickets"} <= metrics.keys()
    assert {"logins", "login frequency"} <= set(metrics["logins"].says)
    assert ws.folder.settings.zone == "UTC"


def test_a_failing_case_is_a_problem_on_its_line(ws: Workspace) -> None:
    (ws.root / "signals" / "error-spike.yaml").write_text(
        "signal: error-spike\nwhen: logins below 2 per week for 2 weeks\ncases:\n"
        "  - logins: [5, 1, 1]\n    fires: [no, no, yes]\n"
        "  - logins: [5, 1, 1]\n    fires: [no, yes, yes]\n"
        "  - lgins: [5, 1, 1]\n    fires: [no, yes, yes]\n"
        "  - logins: [5, 1]\n    fires: [no, yes, yes]\n"
    )
    with pytest.raises(Problems) as raised:
        check(ws, NOW)
    assert [(p.file, p.line, p.code) for p in raised.value.problems] == [
        ("signals/error-spike.yaml", line, "failing-case") for line in (7, 8, 10)
    ]
    first = raised.value.problems[0]
    assert "week 2" in first.message and "should fire" in first.message and "[no, no, yes]" in first.hint


def test_cases_run_although_another_file_is_wrong(ws: Workspace) -> None:
    (ws.root / "signals" / "a.yaml").write_text("signal: a\nwhen: [\n")
    text = (ws.root / "signals" / "ticket-burst.yaml").read_text()
    (ws.root / "signals" / "ticket-burst.yaml").write_text(text.replace("[no, no, yes, no]", "[no, no, no, no]"))
    with pytest.raises(Problems) as raised:
        check(ws, NOW)
    assert [p.code for p in raised.value.problems] == ["bad-yaml", "failing-case"]


def test_cases_of_signals_in_a_circle_are_not_run(ws: Workspace) -> None:
    case = "cases:\n  - logins: [1]\n    fires: [no]\n"
    (ws.root / "signals" / "a.yaml").write_text(f"signal: a-a\nwhen:\n  any of: [b-b]\n{case}")
    (ws.root / "signals" / "b.yaml").write_text(f"signal: b-b\nwhen:\n  any of: [a-a]\n{case}")
    (ws.root / "signals" / "c.yaml").write_text(f"signal: c-c\nwhen:\n  any of: [a-a]\n{case}")
    with pytest.raises(Problems) as raised:
        check(ws, NOW)
    assert [p.code for p in raised.value.problems] == ["cycle"]


def test_check_lays_the_schemas_a_clone_has_not(ws: Workspace) -> None:
    target = ws.data / "schemas" / "signal.json"
    target.unlink()
    (ws.data / "schemas" / "metrics.json").write_text("{}")
    check(ws, NOW)
    assert json.loads(target.read_text())["title"] == "SignalSpec"
    assert (ws.data / "schemas" / "metrics.json").read_text() == schemas.text("metrics")


def test_init_refuses_what_is_there(tmp_path: Path) -> None:
    init(tmp_path / "w")
    for folder, code in ((tmp_path / "w", "workspace-exists"), (tmp_path / "w" / "metrics.yaml", "not-a-folder")):
        with pytest.raises(InputError) as raised:
            init(folder)
        assert raised.value.code == code and raised.value.hint
    other = tmp_path / "other"
    other.mkdir()
    (other / "metrics.yaml").write_text("mine: {count: events}\n")
    with pytest.raises(InputError) as raised:
        init(other)
    assert "metrics.yaml" in raised.value.message
    assert [p.name for p in other.iterdir()] == ["metrics.yaml"], "nothing was written"


def test_init_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    made = init(tmp_path / "w")
    (tmp_path / "w" / "beforehand.yaml").unlink()
    (tmp_path / "w" / "signals" / "fewer-people.yaml").unlink()
    assert init(tmp_path / "w")["files"] == made["files"]


@pytest.mark.parametrize("name", ["my space", "a: b", "'quoted\"", "#hash", "naïve 名前", "{name}", "- dash", "null"])
def test_any_folder_name_makes_a_workspace(tmp_path: Path, name: str) -> None:
    init(tmp_path / name)
    assert Workspace(tmp_path / name).folder.settings.name == name


def test_the_commands_as_a_person_calls_them(tmp_path: Path) -> None:
    made = run("init", tmp_path / "my space")
    assert made.returncode == 0 and "signals/login-frequency-drop.yaml" in made.stdout
    assert run("init", tmp_path / "my space").returncode == 2
    inside = tmp_path / "my space" / "signals"
    checked = run("check", cwd=inside)
    assert checked.returncode == 0, checked.stderr
    assert "No problems: 7 signals" in checked.stdout
    assert json.loads(run("check", "--json", "-w", tmp_path / "my space").stdout)["problems"] == []
    (inside / "fewer-people.yaml").write_text("signal: fewer-people\nwhen: logins blow 2\n")
    wrong = run("check", "--json", cwd=inside)
    assert wrong.returncode == 2
    problem = json.loads(wrong.stdout)["problems"][0]
    assert (problem["file"], problem["line"]) == ("signals/fewer-people.yaml", 2)
    assert "signals/fewer-people.yaml:2" in wrong.stderr
    assert run("check", cwd=tmp_path).returncode == 2, "no workspace here"


def test_where_the_signals_hold_now(ws: Workspace) -> None:
    assert "not loaded" in check(ws, NOW)["facts"]
    first = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
    rows = ["account,person,event,at"]
    for week in range(8):
        for account, logins in (("acme", 5), ("globex", 5 if week < 4 else 1), ("initech", 3)):
            times = (first + timedelta(weeks=week, hours=5 * n) for n in range(logins))
            rows += [f"{account},u,login,{at.isoformat()}" for at in times]
    (ws.root / "e.csv").write_text("\n".join(rows) + "\n")
    assert run("load", "e.csv", cwd=ws.root).returncode == 0
    result = check(Workspace(ws.root), NOW)
    assert result["facts"] == ""
    held = {s["signal"]: s["holds_now"] for s in result["signals"]}
    # The newest fact is in the eighth week, so the seventh is the newest closed one.
    assert held["login-frequency-drop"] == {
        "as_of": datetime(2026, 4, 20, tzinfo=UTC), "holds": 1, "of": 3, "what": "accounts",
        "examples": ["globex: 1, 1, 1"],
    }  # fmt: skip
    assert held["error-spike"]["holds"] == 0
    said = run("check", cwd=ws.root)
    assert said.returncode == 0
    assert "held for 1 of 3 accounts, for example globex: 1, 1, 1." in " ".join(said.stdout.split())


def test_check_does_not_wait_for_another_process(ws: Workspace) -> None:
    (ws.data / "facts.duckdb").write_bytes(b"no database")
    assert "cannot be said" in check(ws, NOW)["facts"]
    with locked(ws.data):
        assert "left out" in check(ws, NOW)["facts"]
