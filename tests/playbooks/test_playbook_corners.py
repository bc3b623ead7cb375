"""What goes wrong around playbooks, told in time: nobody to write to, a file removed, a clock set back, a full cap."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playbook_world import DAY, MONDAY, PLAYBOOK, Told

from beforehand.commands.at_accounts import Accounts
from beforehand.errors import InputError

TWICE = """playbook: check-in
without approval: true
quiet: null
cap: {messages: 2, within: 14 days}
steps:
  - {step: one, draft: One, subject: One, to: their admin}
  - send: one
  - wait: 1 day
  - {step: two, draft: Two, subject: Two, to: their admin}
  - send: two
  - wait: 1 day
  - {step: three, draft: Three, subject: Three, to: their admin}
  - {step: third, send: three, else: too-many}
  - end with: three letters
  - {step: too-many, end with: two letters}
"""


def test_a_simulation_counts_what_it_supposes_to_have_sent(tmp_path: Path) -> None:
    """What is simulated is what then happens: the third letter within two weeks is kept back by the cap."""
    told = Told(tmp_path / "w", TWICE)
    found = told.ws.simulate_playbook("check-in", "globex", at=MONDAY)
    (way,) = found["ways"]
    assert way["outcome"] == "two letters"
    assert [line["what"] for line in way["lines"] if line["step"] == "third"] == [
        "not sent: cap: This person has had 2 of 2 messages within 14 days."
    ]
    for days in range(3):
        told.ws.run(MONDAY + days * DAY)
    assert told.run_row()["outcome"] == "two letters"
    assert [act.recipient for act in told.acts(outward=True)] == ["ada@globex.example"] * 2


def test_nobody_is_asked_to_approve_what_goes_to_nobody(told: Told) -> None:
    told.ws.start_playbook("check-in", "acme", now=MONDAY)
    assert told.ws.approvals()["approvals"] == [] and told.acts(outward=False) == []
    assert told.ws.unsent(account="acme")["by_guard"] == {"no-address": 1}
    said = [line["why"] for line in told.ws.show_run(1)["journal"] if line["step"] == "approve-3"]
    assert said == ["There is nobody to write to, so nobody is asked."]


def test_nor_what_goes_to_somebody_without_an_address(told: Told) -> None:
    told.load("people", [{"account": "acme", "person": "u7", "name": "Cy Om", "role": "admin"}])
    told.ws.start_playbook("check-in", "acme", now=MONDAY)
    assert told.ws.approvals()["approvals"] == []
    assert told.ws.unsent(account="acme")["by_guard"] == {"no-address": 1}


@pytest.mark.parametrize("yes", ["yes", "true", True, 1])
def test_people_are_marked_as_champions(told: Told, yes: object) -> None:
    """`champion: yes` of a person is a role of theirs, as is `role: Decision_Maker`, in whatever way it is written."""
    people = [
        {"account": "globex", "person": "cy@globex.example", "email": "cy@globex.example", "champion": yes},
        {"account": "globex", "person": "di@globex.example", "email": "di@globex.example", "role": "Decision_Maker"},
        {"account": "globex", "person": "ed@globex.example", "email": "ed@globex.example", "champion": "no"},
    ]  # fmt: skip
    told.load("people", people)
    with told.ws.facts() as facts:
        here = Accounts(facts, ["globex"], MONDAY).of("globex")
    found = [here.receiver([wanted]) for wanted in ("their champion", "their decision maker", "their billing")]
    assert [person and person.id for person in found] == ["cy@globex.example", "di@globex.example", None]
    told.ws.run(MONDAY)
    assert [asked["to"] for asked in told.ws.approvals()["approvals"]] == ["cy@globex.example"]


def test_a_file_removed_ends_its_runs_where_it_says_so(tmp_path: Path) -> None:
    told = Told(tmp_path / "w", "when deleted: end\n" + PLAYBOOK)
    told.ws.run(MONDAY)
    (told.root / "playbooks" / "check-in.yaml").unlink()
    told.ws.run(MONDAY + timedelta(hours=1))
    row = told.run_row()
    assert (row["state"], row["outcome"]) == ("ended", "playbook removed")
    with pytest.raises(InputError, match="waits for nobody"):
        told.ws.approve(1, now=MONDAY + DAY)


def test_a_file_removed_and_written_anew_begins_no_second_run(told: Told) -> None:
    path = told.root / "playbooks" / "check-in.yaml"
    told.ws.run(MONDAY)
    path.unlink()
    told.ws.run(MONDAY + DAY)
    path.write_text(PLAYBOOK.replace("7 days", "1 day"))
    told.ws.approve(1, now=MONDAY + DAY)
    told.ws.run(MONDAY + DAY)
    told.ws.run(MONDAY + 3 * DAY)
    assert len(told.ws.runs()["runs"]) == 1 and told.acts(kind="call") == []  # seven days, as when it began


def test_a_clock_set_back_moves_nothing_and_repeats_nothing(told: Told) -> None:
    told.ws.run(MONDAY)
    told.ws.approve(1, now=MONDAY + DAY)
    told.ws.run(MONDAY + DAY)
    before = told.kinds()
    with pytest.raises(InputError, match="before the last run"):
        told.ws.run(MONDAY)
    told.ws.run(MONDAY + DAY)
    assert told.kinds() == before and len(told.acts(outward=True)) == 1


def test_an_answer_from_before_the_question_counts_once(told: Told) -> None:
    """The clock of whoever approves is behind: it counts, and nothing comes before what it follows."""
    told.ws.run(MONDAY)
    told.ws.approve(1, now=MONDAY - 3 * DAY)
    told.ws.run(MONDAY)
    told.ws.run(MONDAY + timedelta(hours=1))
    (mail,) = told.acts(outward=True)
    assert mail.made_at == MONDAY
