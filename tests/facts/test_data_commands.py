"""The commands as a person runs them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from beforehand.cli import app
from beforehand.errors import InputError


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "beforehand.yaml").write_text("name: Test\naccounts_from: crm\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def invoke(*arguments):
        result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if "--json" in arguments else result.stdout

    return invoke


def test_load_quarantine_match_merge(run, write):
    crm = write("a.csv", "account,name,domain\nA-1,Acme,acme.com\nA-2,Beta,\n")
    assert run("load", crm, "--as", "accounts", "--source", "crm", "--json")["loaded"] == 2
    events = write(
        "e.csv", "co,who,what,ts\nws_1,ann@acme.com,login,2026-01-01\n,x,login,2026-01-01\nA-2,y,login,never\n"
    )
    told = run("load", events, "--map", "account=co,person=who,event=what,at=ts")
    assert "1 rows of events loaded · 3 read" in told
    assert "2 in quarantine" in told and "1 about accounts that are not in the accounts' list" in told
    assert "line 3 · account is missing" in run("quarantine")
    kept = run("quarantine", "--json")
    assert kept["total"] == 2 and kept["rows"][0]["row"] == {
        "co": None,
        "who": "x",
        "what": "login",
        "ts": "2026-01-01",
    }
    assert run("quarantine", "retry", "--json") == {"tried": 2, "loaded": 0, "total": 2}
    assert "2 rows given up" in run("quarantine", "drop", "--file", "e.csv")
    assert run("quarantine") == "Nothing is in quarantine.\n"
    assert "beforehand match ws_1 A-1" in run("unmatched")
    waiting = run("unmatched", "--json")
    assert waiting["total"] == 1 and waiting["unmatched"][0]["first_at"] == "2026-01-01T00:00:00Z"
    assert run("match", "ws_1", "acme.com", "--json")["account"] == "A-1"
    assert run("unmatched") == "Every account is matched.\n"
    assert "A-2 is part of A-1 now" in run("merge", "A-2", "A-1")
    assert "stands by itself again" in run("unmerge", "A-2")
    assert run("load", events, "--map", "account=co,person=who,event=what,at=ts", "--json")["loaded"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("load", "nowhere.csv"), "does not exist"),
        (("load", "beforehand.yaml", "--as", "evnts"), "not a table"),
        (("load", "beforehand.yaml", "--source", "a:b"), "name of a source"),
        (("load", "beforehand.yaml", "--now", "soon"), "not a time"),
        (("quarantine", "retri"), "nothing that can be done"),
        (("quarantine", "--file", "x"), "--file goes with drop"),
        (("quarantine", "drop", "--file", "x"), "no row of x"),
        (("match", "x", "nobody"), "No account is called 'nobody'"),
        (("unmerge", "nobody", "--people"), "No person is called 'nobody'"),
    ],
)
def test_wrong_words_are_told(run, arguments, words):
    with pytest.raises(InputError, match=words) as told:
        CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert told.value.exit_code == 2
