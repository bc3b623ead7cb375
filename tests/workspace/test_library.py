"""The library: every signal is whole, `init --pack` makes a workspace that checks, own events find their standard."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from beforehand.commands import Workspace
from beforehand.commands.check import failing_cases
from beforehand.commands.init import init
from beforehand.commands.library import library, pack
from beforehand.commands.load import load
from beforehand.errors import InputError, Problems
from beforehand.library import GROUPS, STANDARD, guess, plainly, playbooks
from beforehand.workspace import read_folder
from beforehand.workspace.events import condition

TOOL = Path(sys.executable).with_name("beforehand")
PACKED = pack()


def test_it_has_enough_signals_in_every_group() -> None:
    groups = [spec.group for spec in PACKED.specs.values()]
    assert len(groups) >= 30
    assert {group: groups.count(group) >= 5 for group in GROUPS} == dict.fromkeys(GROUPS, True)
    assert sum(spec.polarity == "growth" for spec in PACKED.specs.values()) >= 4


@pytest.mark.parametrize("name", sorted(PACKED.specs))
def test_every_signal_says_why_and_where_it_comes_from_and_what_to_do(name: str) -> None:
    spec = PACKED.specs[name]
    assert spec.group and spec.why and spec.source and spec.playbook
    assert spec.playbook in playbooks()
    fires = [str(value) for case in spec.cases for value in case["fires"]]
    assert {"yes", "no"} <= set(fires), "a case in which it fires, and a close at which it does not"


def test_the_cases_hold_and_every_response_and_metric_is_used() -> None:
    assert [str(problem) for problem in failing_cases(PACKED)] == []
    assert {spec.playbook for spec in PACKED.specs.values()} == playbooks().keys()
    for response in playbooks().values():
        assert response.text.endswith(".") and response.uses in response.text
    for name, spec in PACKED.metrics.items():
        assert set(spec.event) | set(spec.of_event) <= STANDARD.keys(), name


def test_every_spelling_finds_its_standard_and_no_other() -> None:
    wrong = {}
    for event in STANDARD.values():
        for spelled in (event.name, *event.spelled):
            found = guess(spelled)
            if found is None or found.standard != event.name or found.why != "known":
                wrong[spelled] = found
    assert wrong == {}, "a spelling stands under two events"


@pytest.mark.parametrize(
    ("own", "standard"),
    [
        ("$pageview", "page viewed"), ("Order Completed", "payment made"), ("userLoggedIn", "login"),
        ("user_signed_in", "login"), ("User Logged-In", "login"), ("Report Created", "core action"),
        ("report_createdd", "core action"), ("EXPORT_FAILED", "export failed"),
        ("[Amplitude] Page Viewed", "page viewed"),
        ("onboarding_step_complete", "onboarding step finished"), ("invoice_payment_failed", "payment failed"),
    ],
)  # fmt: skip
def test_names_of_trackers_are_known(own: str, standard: str) -> None:
    found = guess(own)
    assert found is not None and found.standard == standard


@pytest.mark.parametrize("own", ["x", "", "$$$", "invoice parsed by robot", "zebra striped", "日本語のイベント"])
def test_what_is_like_nothing_is_not_guessed(own: str) -> None:
    assert guess(own) is None


def test_style_does_not_matter() -> None:
    assert {plainly(n) for n in ("userSignedIn", "User Signed In", "user_signed_in", "USER-SIGNED-IN")} == {
        "user signed in"
    }


def test_init_with_the_pack_writes_a_workspace_that_checks(tmp_path: Path) -> None:
    made = init(tmp_path / "it's mine", pack=True)
    assert "events.yaml" in made["files"] and "signals/fewer-people.yaml" in made["files"]
    assert {"playbooks/check-in.yaml", "resources/paying.yaml"} <= set(made["files"])
    folder = read_folder(tmp_path / "it's mine")
    assert folder.settings.name == "it's mine"
    assert folder.signals.keys() == PACKED.signals.keys()
    with pytest.raises(InputError, match="workspace already"):
        init(tmp_path / "it's mine", pack=True)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    init(tmp_path / "w", pack=True)
    rows = ["account,person,event,at"]
    sent = {"$pageview": 3, "Logged In": 2, "it's odd": 1, "report_created": 4, "error shown": 1}
    for event, number in sent.items():
        rows += [f"acme,u{n},{event},2026-01-0{1 + n}T10:00:00Z" for n in range(number)]
    (tmp_path / "e.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "w/events.yaml").write_text('login: [Logged In, "it\'s odd"]\n')
    ws = Workspace(tmp_path / "w")
    load(ws, [tmp_path / "e.csv"], table="events", now=None)
    return ws


def test_events_tells_what_has_no_data_and_what_nothing_counts(ws: Workspace) -> None:
    told = ws.events()
    standard = {row["event"]: row for row in told["standard"]}
    assert (standard["login"]["rows"], standard["login"]["own"]) == (3, ["Logged In", "it's odd"])
    assert standard["error shown"]["rows"] == 1 and not standard["error shown"]["mapped"]
    assert standard["core action"]["rows"] == 0 and standard["core action"]["last_at"] is None
    assert [(r["event"], r["rows"], r["suggestion"], r["why"]) for r in told["unmapped"]] == [
        ("report_created", 4, "core action", "known"), ("$pageview", 3, "page viewed", "known")
    ]  # fmt: skip
    assert told["mapping"] == {
        "login": ["Logged In", "it's odd"], "core action": ["report_created"], "page viewed": ["$pageview"]
    }  # fmt: skip


def test_what_is_suggested_may_be_pasted_into_the_file(ws: Workspace) -> None:
    said = subprocess.run([TOOL, "events", "--suggest", "-w", ws.root], capture_output=True, text=True, check=True)
    (ws.root / "events.yaml").write_text(said.stdout)
    assert read_folder(ws.root).events["core action"] == ("report_created",)
    told = Workspace(ws.root).events()
    assert told["unmapped"] == []


def test_a_metric_counts_what_its_events_are_called_here(ws: Workspace) -> None:
    assert ws.folder.metrics["logins"].where == "event in ('Logged In', 'it''s odd')"
    assert ws.folder.metrics["errors"].where == "event = 'error shown'"
    share = ws.folder.metrics["share of exports failing"]
    assert (share.where, share.of) == ("event in ('export finished', 'export failed')", "event = 'export failed'")
    assert condition(["a", "login"], {"login": ("x", "a")}) == "event in ('a', 'x')"


def test_a_condition_beside_the_events_still_holds(ws: Workspace) -> None:
    (ws.root / "metrics.yaml").write_text(
        "a: {count: events, event: login, where: properties.x = 1 or properties.y = 2}\n"
        "b: {sum: events, of: properties.x, event: [login, my own], where: properties.x >= 0}\n"
    )
    for part in ("signals", "playbooks", "resources"):
        shutil.rmtree(ws.root / part)
    folder = read_folder(ws.root)
    assert folder.metrics["a"].where == "event in ('Logged In', 'it''s odd') and (properties.x = 1 or properties.y = 2)"
    assert folder.metrics["b"].where == "event in ('Logged In', 'it''s odd', 'my own') and properties.x >= 0"


def problems(ws: Workspace) -> list[tuple[str, int | None, str]]:
    with pytest.raises(Problems) as raised:
        read_folder(ws.root)
    return [(p.file, p.line, p.code) for p in raised.value.problems]


def test_slips_of_the_pen_are_told_with_the_nearest(ws: Workspace) -> None:
    for part in ("signals", "playbooks", "resources"):
        shutil.rmtree(ws.root / part)
    (ws.root / "events.yaml").write_text("lgoin: [x]\nown thing: [x]\nlogin: []\nerror shown: 3\n")
    (ws.root / "metrics.yaml").write_text(
        "a: {count: events, event: [login, eror shown]}\nb: {count: tickets, event: login}\n"
        "c: {share: events, event: login}\nd: {count: events, of event: login}\ne: {count: events, event: own thing}\n"
    )
    assert problems(ws) == [
        ("events.yaml", 1, "unknown-event"), ("events.yaml", 3, "bad-value"), ("events.yaml", 4, "bad-value"),
        ("metrics.yaml", 1, "unknown-event"), ("metrics.yaml", 2, "bad-value"), ("metrics.yaml", 3, "bad-value"),
        ("metrics.yaml", 4, "bad-value"),
    ]  # fmt: skip


def test_the_library_as_a_list() -> None:
    told = library()
    assert [row["signal"] for row in told["signals"] if row["group"] == "money"] == [
        row["signal"] for row in library("money")["signals"]
    ]
    assert len(told["signals"]) == len(PACKED.signals)
    with pytest.raises(InputError, match="no group"):
        library("muney")


def test_the_commands_as_a_person_calls_them(ws: Workspace) -> None:
    for words, part in (
        (["library"], "Suggested: "), (["library", "usage"], "fewer-people"), (["signals"], "fewer-people"),
        (["events"], "No data yet"),
    ):  # fmt: skip
        where = [] if words[0] == "library" else ["-w", str(ws.root)]
        done = subprocess.run([TOOL, *words, *where], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and part in done.stdout, done.stderr
        said = subprocess.run([TOOL, *words, *where, "--json"], capture_output=True, text=True, check=True)
        assert json.loads(said.stdout)
    wrong = subprocess.run([TOOL, "signals", "usge", "-w", ws.root], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "usage" in wrong.stderr


def test_signals_are_listed_by_group_with_where_they_hold(ws: Workspace) -> None:
    (ws.root / "signals/zz.yaml").write_text("signal: zz\nmode: shadow\nwhen: errors at least 1 per day\n")
    from datetime import UTC, datetime

    told = Workspace(ws.root).signals(datetime(2026, 1, 20, tzinfo=UTC))
    groups = [row["group"] for row in told["signals"]]
    assert groups == sorted(groups, key=[*GROUPS, None].index)
    last = told["signals"][-1]
    assert (last["signal"], last["group"], last["mode"]) == ("zz", None, "shadow")
    assert last["holds_now"]["of"] == 1
    assert all(row["playbook"]["text"] for row in told["signals"] if row["group"])
