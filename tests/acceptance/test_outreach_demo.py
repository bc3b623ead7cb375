"""The part of the demo that goes from an alert to the recovery, with a mail server and a listener of its own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from beforehand.commands import Workspace

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import outreach
from walk import Walk


def test_from_the_alert_to_the_recovery(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")  # the walk sets it for the commands
    monkeypatch.setattr(outreach, "HILLSTROM", tmp_path / "not-here")
    walk = Walk(tmp_path)
    outreach.show_outreach(walk, tmp_path)
    said = re.sub(r"\s+", " ", capfd.readouterr().out)

    ws = Workspace(tmp_path / "outreach")
    assert ws.check(now=outreach.MONDAY)["problems"] == []
    told = [(row["person"], row["kind"], len(row["alerts"])) for row in reversed(ws.told()["told"])]
    assert told[:2] == [("Ana", "first", 2), ("crm", "first", 2)]
    assert {kind for _, kind, _ in told[2:]} == {"cleared"}  # which is no message
    assert "the trait owner says Ana" in said and "the signature is the same" in said
    acts = ws.acts()["acts"]
    assert {act["state"] for act in acts} == {"sent"}
    assert [act["recipient"] for act in reversed(acts)] == [
        "ana@vendor.example", "crm", "ana@vendor.example", "ada@globex.example"
    ]  # fmt: skip
    assert "To ada@globex.example │" in said and "https://help.vendor.example/exports" in said
    run = ws.show_run(1)["run"]
    assert (run["outcome"], run["reason"]) == ("recovered", "The goal is met: exports at least 3 per week.")
    assert said.endswith("is not on this machine, so this part is left out. ")
    assert walk.folder == tmp_path


@pytest.mark.skipif(not outreach.HILLSTROM.exists(), reason="needs the shared real data")
def test_the_experiment_is_shown_where_its_file_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outreach.show_uplift(Walk(tmp_path))
    said = capfd.readouterr().out
    assert "+7.66 points" in said and "+4.52 points" in said
