"""The pack's playbooks: one for every signal, whole in itself; and what `check` says where a signal's has no file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beforehand.commands import Workspace
from beforehand.commands.check import check
from beforehand.commands.init import init
from beforehand.commands.library import pack
from beforehand.commands.playing_ahead import simulate_playbook
from beforehand.errors import Problem, Problems
from beforehand.library import playbooks
from beforehand.playbooks.book import to_customer
from beforehand.workspace.playbook_spec import ApproveStep, CallStep, DraftStep, EscalateStep, SendStep, TaskStep

PACKED = pack()
BOOKS = PACKED.shelf.books
NOW = datetime(2026, 1, 10, 9, tzinfo=UTC)


def test_every_signal_has_its_playbook_and_every_playbook_a_signal() -> None:
    assert {spec.playbook for spec in PACKED.specs.values()} == BOOKS.keys() == playbooks().keys()


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_every_playbook_does_something_and_asks_before_a_customer_hears(name: str) -> None:
    book = BOOKS[name]
    assert book.spec.about and not book.spec.without_approval
    for draft, step in book.of_kind(DraftStep):
        assert all(to_customer(to) for to in step.to)
        assert any(sent.send == draft for _, sent in book.of_kind(SendStep))
    ours = [name for kind in (TaskStep, CallStep, EscalateStep) for name, _ in book.of_kind(kind)]
    assert ours or book.of_kind(SendStep)


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_a_role_that_nobody_has_comes_to_a_manager_or_the_owner(name: str) -> None:
    book = BOOKS[name]
    named = [(book.spec.owner,)]
    named += [task.to for _, task in book.of_kind(TaskStep)]
    named += [told.to for _, told in book.of_kind(EscalateStep)]
    named += [asked.by for _, asked in book.of_kind(ApproveStep)]
    assert book.spec.mode == "on" and {to[-1] for to in named} <= {"owner", "manager"}


def test_every_resource_is_an_example_with_a_link() -> None:
    for resource in PACKED.shelf.resources.values():
        assert resource.link == f"https://help.example.com/{resource.resource}"


def test_the_step_they_are_stuck_at_brings_its_guide(tmp_path: Path) -> None:
    root = tmp_path / "w"
    init(root, pack=True)
    (tmp_path / "people.csv").write_text("account,person,name,email,role\nacme,u1,Ann Lee,ann@acme.example,admin\n")
    met = {"account": "acme", "person": "u1", "event": "onboarding step failed", "properties": {"step": "invite team"}}
    rows = [json.dumps(met | {"at": f"2026-01-0{day}T10:00:00Z"}) for day in range(5, 9)]
    (tmp_path / "events.jsonl").write_text("\n".join(rows) + "\n")
    ws = Workspace(root)
    ws.load([tmp_path / "people.csv"], table="people", now=NOW)
    ws.load([tmp_path / "events.jsonl"], table="events", now=NOW)
    told = json.dumps(simulate_playbook(ws, "onboarding-session", "acme", NOW)["ways"], default=str)
    assert "https://help.example.com/invite-your-team" in told and "Hello Ann," in told


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init(tmp_path / "w")
    (tmp_path / "w/playbooks").mkdir()
    return tmp_path / "w"


def name_it(root: Path, playbook: str) -> None:
    (root / "signals/zz.yaml").write_text(f"signal: zz\nwhen: logins below 3 per week\nplaybook: {playbook}\n")


def wrong(root: Path) -> list[Problem]:
    with pytest.raises(Problems) as raised:
        check(Workspace(root), NOW)
    return list(raised.value.problems)


def test_a_playbook_that_has_no_file_is_told_with_the_nearest(root: Path) -> None:
    (root / "playbooks/a.yaml").write_text("playbook: call-the-owner\nsteps: [{end with: done}]\n")
    name_it(root, "cal-the-owner")
    (found,) = wrong(root)
    assert (found.file, found.line, found.code) == ("signals/zz.yaml", 3, "unknown-playbook")
    assert "Did you mean call-the-owner?" in found.hint
    name_it(root, "call-the-owner")
    assert check(Workspace(root), NOW)["problems"] == []


def test_a_playbook_with_mistakes_is_there_all_the_same(root: Path) -> None:
    (root / "playbooks/a.yaml").write_text("playbook: call-the-owner\nsteps: [{end wiht: done}]\n")
    (root / "playbooks/other-one.yaml").write_text("playbook: [\n")
    name_it(root, "call-the-owner")
    assert {p.file for p in wrong(root)} == {"playbooks/a.yaml", "playbooks/other-one.yaml"}
    name_it(root, "other-one")
    assert {p.file for p in wrong(root)} == {"playbooks/a.yaml", "playbooks/other-one.yaml"}


def test_without_the_folder_a_name_is_a_suggestion(root: Path) -> None:
    (root / "playbooks").rmdir()
    name_it(root, "what-we-always-do")
    assert check(Workspace(root), NOW)["hints"] == []


def test_a_response_of_the_library_without_a_file_is_noted(root: Path) -> None:
    name_it(root, "check-in")
    (hint,) = [h for h in check(Workspace(root), NOW)["hints"] if "check-in" in h]
    assert hint == "Signals name a playbook that is not in playbooks/, and so only suggested: check-in."
