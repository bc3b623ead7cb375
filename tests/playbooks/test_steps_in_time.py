"""Every kind of step at work in a workspace, told in time: what it does, and each way it may go on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playbook_world import DAY, MONDAY, SETTINGS, Told, logins

from beforehand.commands.playbooks import note_reply
from beforehand.errors import InputError
from beforehand.store import Run

HOUR = timedelta(hours=1)
TEAM = """people:
  Ann: {email: ann@vendor.example, roles: [csm]%s}
  Marta: {email: marta@vendor.example, roles: [lead]}
owners:
  csm: {trait: owner, others: [Ann]}
"""
HOOK = "  crm: {kind: webhook, url: http://127.0.0.1:9, secret: {env: HOOK}, allow: 127.0.0.1}\n"


def began(root: Path, steps: str, head: str = "without approval: true\n", team: str = "", hook: bool = False) -> Told:
    """A workspace whose playbook has these steps, begun at globex on Monday."""
    told = Told(root, f"playbook: check-in\n{head}steps:\n{steps}", SETTINGS + (HOOK if hook else ""))
    if team:
        (told.root / "team.yaml").write_text(team)
    told.ws.start_playbook("check-in", "globex", now=MONDAY)
    return told


def replied(told: Told, at: Any) -> None:
    with told.ws.state() as state, state.write() as session:
        run = session.get(Run, 1)
        assert run is not None
        note_reply(session, run, at, "Thanks")


def outcome(told: Told, at: Any) -> str | None:
    told.ws.run(at)
    found = told.run_row()["outcome"]
    return None if found is None else str(found)


def test_wait_for_a_sentence(tmp_path: Path) -> None:
    steps = "  - {wait for: logins at least 3 per week, within: 20 days, else: late}\n  - end with: back\n"
    steps += "  - {step: late, end with: late}\n"
    told = began(tmp_path / "a", steps)
    assert outcome(told, MONDAY + 6 * DAY) is None
    told.load("events", logins("globex", MONDAY, 4))
    assert outcome(told, MONDAY + 7 * DAY) == "back"
    told = began(tmp_path / "b", steps)
    assert outcome(told, MONDAY + 20 * DAY - HOUR) is None
    assert outcome(told, MONDAY + 20 * DAY) == "late"


def test_wait_for_an_event_that_is_new(tmp_path: Path) -> None:
    steps = "  - {wait for: event Report made, within: 3 business days, else: late}\n  - end with: came\n"
    steps += "  - {step: late, end with: late}\n"
    told = began(tmp_path / "w", steps)
    row = {"account": "globex", "event": "report made", "person": "p"}
    told.load("events", [row | {"at": (MONDAY - HOUR).isoformat()}])  # before it waited
    assert outcome(told, MONDAY + HOUR) is None
    told.load("events", [row | {"at": (MONDAY + 2 * HOUR).isoformat()}])
    assert outcome(told, MONDAY + 3 * HOUR) == "came"


def test_wait_for_a_reply_that_came_before_the_wait_and_within_its_time(tmp_path: Path) -> None:
    steps = "  - {wait: 1 day}\n  - {wait for: reply, within: 2 days, else: late}\n  - end with: answered\n"
    steps += "  - {step: late, branch: reply, else: none}\n  - end with: earlier\n  - {step: none, end with: none}\n"
    head = "without approval: true\nwhen they reply: go on\n"
    told = began(tmp_path / "a", steps, head)
    replied(told, MONDAY + HOUR)  # while it waits for something else: the wait for a reply begins after it
    assert outcome(told, MONDAY + DAY) is None
    assert outcome(told, MONDAY + 3 * DAY) == "earlier"
    told = began(tmp_path / "b", steps, head)
    told.ws.run(MONDAY + DAY)
    replied(told, MONDAY + 2 * DAY)
    assert outcome(told, MONDAY + 2 * DAY) == "answered"
    told = began(tmp_path / "c", steps, head)
    told.ws.run(MONDAY + DAY)
    assert outcome(told, MONDAY + 3 * DAY) == "none"


@pytest.mark.parametrize(("who", "asked"), [("acme", "many"), ("globex", "few")])
def test_branch_on_a_sentence(tmp_path: Path, who: str, asked: str) -> None:
    steps = "  - {branch: logins at least 3 per week, else: few}\n  - end with: many\n  - {step: few, end with: few}\n"
    told = began(tmp_path / "w", steps)
    if who == "acme":
        told.ws.start_playbook("check-in", "acme", now=MONDAY)
    assert told.run_row(2 if who == "acme" else 1)["outcome"] == asked


@pytest.mark.parametrize(("answer", "found"), [("yes", "sent"), ("no", "rejected"), ("", "late")])
def test_approve_and_each_of_its_ways(tmp_path: Path, answer: str, found: str) -> None:
    steps = "  - {step: d, draft: Hi, subject: Hi, to: their admin}\n"
    steps += (
        "  - {approve: d, by: lead, within: 2 business days, else: late, rejected: no}\n  - {send: d, else: kept}\n"
    )
    steps += "".join(f"  - {{step: {n}, end with: {w}}}\n" for n, w in
                     (("s", "sent"), ("kept", "kept"), ("late", "late"), ("no", "rejected")))  # fmt: skip
    told = began(tmp_path / "w", steps.replace("step: no,", "step: 'no',").replace("rejected: no}", "rejected: 'no'}"),
                 "quiet: null\n", TEAM % "")  # fmt: skip
    (note,) = told.acts()
    assert note.recipient == "marta@vendor.example"
    if answer:
        told.ws.approve(1, yes=answer == "yes", now=MONDAY)
    assert outcome(told, MONDAY + 2 * DAY - HOUR) == (found if answer else None)
    assert outcome(told, MONDAY + 2 * DAY) == found
    assert len(told.acts(outward=True)) == (answer == "yes")


def test_a_place_to_fill_in_is_filled_in_before_it_is_approved(tmp_path: Path) -> None:
    steps = "  - {step: d, draft: 'We do: [fill in: what, and by when]', subject: Hi, to: their admin}\n"
    told = began(tmp_path / "w", steps + "  - approve: d\n  - send: d\n", "")
    with pytest.raises(InputError, match=r"nobody has filled in: .fill in: what, and by when"):
        told.ws.approve(1, now=MONDAY)
    told.ws.approve(1, text="We do it on Friday.", now=MONDAY)
    told.ws.run(MONDAY + HOUR)
    (mail,) = told.acts(outward=True)
    assert mail.payload["blocks"][0]["text"] == "We do it on Friday."


@pytest.mark.parametrize(
    ("manager", "to", "hears", "nobody"),
    [
        (", manager: Marta", "manager", "marta@vendor.example", ""),
        ("", "manager", "ann@vendor.example", "Nobody is manager, so this comes to Ann."),
        ("", "[manager, lead]", "marta@vendor.example", ""),
        ("", "Marta", "marta@vendor.example", ""),
    ],
)
def test_escalate_along_managers_and_with_nobody_above(
    tmp_path: Path, manager: str, to: str, hears: str, nobody: str
) -> None:
    told = began(
        tmp_path / "w", f"  - {{escalate: 'Look at {{{{ account.name }}}}.', to: {to}}}\n", team=TEAM % manager
    )
    told.load("accounts", [{"account": "globex", "owner": "ann@vendor.example"}])
    (act,) = told.acts()
    assert act.recipient == hears
    said = str(act.payload["blocks"])
    assert "Look at Globex." in said and (nobody in said if nobody else "Nobody is" not in said)


def test_what_goes_to_a_role_nobody_has_comes_to_the_owner_and_says_so(tmp_path: Path) -> None:
    steps = "  - {task: Look, to: [lead], within: 1 business day}\n"
    steps += "  - {step: d, draft: Hi, subject: Hi, to: lead}\n  - {send: d, channel: mail}\n"
    told = began(tmp_path / "w", steps)  # no team.yaml: the trait `owner` is all that is known
    task, mail = told.acts()
    assert (task.recipient, mail.recipient) == ("ann@vendor.example", "ann@vendor.example")
    assert task.payload["by"] == (MONDAY + DAY).isoformat()
    line = next(line for line in told.ws.show_run(1)["journal"] if line["step"] == "task-1")
    assert line["why"] == "Nobody is lead, so this comes to ann@vendor.example."


def test_set_keeps_values_for_later_texts_and_for_other_systems(tmp_path: Path) -> None:
    steps = "  - set: {stage: 'at {{ account.name }}', by: '{{ owner.name }}'}\n"
    steps += "  - {step: tell, call: 'Stage {{ set.stage }}', channel: crm}\n  - {task: '{{ set.by }}'}\n"
    told = began(tmp_path / "w", steps, hook=True)
    call, task = told.acts()
    assert (call.kind, call.channel, call.keyed, call.key) == ("webhook", "crm", True, "1:tell:crm:crm")
    texts = [block for block in call.payload["blocks"] if block["block"] in ("words", "facts")]
    assert texts[0]["text"] == "Stage at Globex"
    assert texts[1]["rows"] == [["stage", "at Globex"], ["by", "Ann"]]
    assert call.payload["meta"] | {"account": "globex", "playbook": "check-in", "step": "tell"} == call.payload["meta"]
    assert task.payload["text"] == "Ann" and not call.outward


def test_a_system_that_refuses_is_listed_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every act it is tried again under one key, and refused a day after it was due, as here; the run goes on."""
    monkeypatch.setenv("HOOK", "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = began(tmp_path / "w", "  - {step: tell, call: Hi, channel: crm}\n  - end with: told\n", hook=True)
    assert told.run_row()["outcome"] == "told"
    result = told.ws.work(once=True)
    (call,) = told.acts()
    assert result["came"] == {"retry": 1} and (call.state, call.tries, call.key) == ("refused", 1, "1:tell:crm:crm")
    assert call.reason is not None and call.reason.startswith("gave-up")


def test_a_population_and_a_severity_begin_it(tmp_path: Path) -> None:
    for name, when, runs in (
        ("a", "{severity: [high], accounts: plan is business}", 1),
        ("b", "{accounts: plan is free}", 0),
        ("c", "{severity: [low]}", 0),
    ):
        told = Told(tmp_path / name, f"playbook: check-in\nwhen: {when}\nsteps:\n  - task: x\n")
        told.load("accounts", [{"account": "globex", "plan": "business"}])
        told.ws.run(MONDAY)
        assert len(told.ws.runs()["runs"]) == runs, when


def test_an_angry_message_is_an_open_complaint_for_a_week(tmp_path: Path) -> None:
    steps = "  - {step: d, draft: Hi, subject: Hi, to: their admin}\n  - {send: d, else: kept}\n  - end with: sent\n"
    steps += "  - {step: kept, end with: kept}\n"
    anger = "This is useless and broken. Nobody answers. Terrible, terrible service. I am furious."
    for name, days, found in (("a", 2, "kept"), ("b", 8, "sent")):
        told = Told(tmp_path / name, f"playbook: check-in\nwithout approval: true\nsteps:\n{steps}")
        row = {"id": "m", "account": "globex", "person": "ada@globex.example", "direction": "in", "text": anger}
        path = told.root / "metrics.yaml"
        path.write_text(
            path.read_text() + "angry:\n  says: [angry messages]\n  count: tones\n  where: negative > 0.75\n"
        )
        text = "signal: angry\nwhen: angry messages at least 1 per day\n"
        (told.root / "signals" / "angry.yaml").write_text(text)
        told.load("messages", [row | {"at": (MONDAY - days * DAY).isoformat()}], now=MONDAY - days * DAY + HOUR)
        told.ws.run(MONDAY)
        told.ws.start_playbook("check-in", "globex", now=MONDAY) if not told.ws.runs()["runs"] else None
        assert told.run_row()["outcome"] == found
        assert told.ws.unsent()["by_guard"] == ({"complaint": 1} if found == "kept" else {})


def test_a_playbook_that_is_off_begins_nothing_and_goes_on_with_what_it_began(tmp_path: Path) -> None:
    steps = "steps:\n  - {wait: 1 day}\n  - end with: waited\n"
    told = Told(tmp_path / "w", f"playbook: check-in\n{steps}")
    told.ws.start_playbook("check-in", "acme", now=MONDAY - DAY)
    (told.root / "playbooks" / "check-in.yaml").write_text(f"playbook: check-in\nmode: off\n{steps}")
    told.ws.run(MONDAY)
    assert [(run["account"], run["outcome"]) for run in told.ws.runs()["runs"]] == [("acme", "waited")]


def test_the_outcome_of_the_goal_has_its_own_word(tmp_path: Path) -> None:
    told = began(tmp_path / "w", "  - {wait: 20 days}\n", "goal: logins at least 3 per week\noutcome: back again\n")
    told.load("events", logins("globex", MONDAY, 4))
    assert outcome(told, MONDAY + 7 * DAY) == "back again"


@pytest.mark.parametrize(("after", "days"), [("null", 0), ("5 days", 4)])
def test_how_long_after_a_touch_nothing_is_sent(tmp_path: Path, after: str, days: int) -> None:
    head = f"without approval: true\nquiet: null\nafter a touch: {after}\n"
    steps = "  - {step: d, draft: Hi, subject: Hi, to: their admin}\n  - {send: d}\n  - end with: sent\n"
    told = Told(tmp_path / "w", f"playbook: check-in\n{head}steps:\n{steps}")
    touch = {"account": "globex", "id": "1", "at": (MONDAY - DAY).isoformat(), "kind": "call", "teammate": "ann"}
    told.load("touches", [touch], now=MONDAY - HOUR)
    told.ws.start_playbook("check-in", "globex", now=MONDAY)
    assert told.run_row()["outcome"] == (None if days else "sent")
    assert not days or told.run_row()["due_at"] == MONDAY + days * DAY


@pytest.mark.parametrize("backlog", [True, False])
def test_what_held_already_begins_it_where_it_says_so(tmp_path: Path, backlog: bool) -> None:
    told = Told(tmp_path / "w", "playbook: check-in\nsteps:\n  - task: x\n")
    (told.root / "signals" / "few.yaml").write_text("signal: few\nwhen: logins below 3 per week\n")
    text = f"playbook: other\nwhen: {{signals: [few], backlog: {str(backlog).lower()}}}\nsteps:\n  - task: x\n"
    (told.root / "playbooks" / "other.yaml").write_text(text)
    told.ws.run(MONDAY)
    assert bool(told.ws.runs(playbook="other")["runs"]) == backlog


def test_accounts_worth_more_are_helped_and_not_compared(tmp_path: Path) -> None:
    from beforehand.playbooks.guards import HELD_OUT, arm_of

    salt = next(str(n) for n in range(99) if arm_of("globex", "check-in", str(n), 0.5) == HELD_OUT)
    for value, found in ((900, "held out"), (1100, "done")):
        head = f"holdout: {{share: 0.5, salt: '{salt}', never above: 1000}}\n"
        told = Told(tmp_path / str(value), f"playbook: check-in\n{head}steps:\n  - task: x\n")
        told.load("accounts", [{"account": "globex", "value": value}])
        told.ws.start_playbook("check-in", "globex", now=MONDAY)
        assert told.run_row()["outcome"] == found


def test_a_resource_may_stand_in_the_letter_itself(tmp_path: Path) -> None:
    told = Told(tmp_path / "w", "playbook: check-in\nsteps:\n  - task: x\n")
    text = "resource: how\ntitle: How\nfixes: {signal: login-drop}\nbody: Press Start twice.\n"
    (told.root / "resources" / "how.yaml").write_text(text)
    steps = "  - {offer resource: how, else: end}\n  - {task: '{{ resource.body }}{{ resource.link }}'}\n"
    (told.root / "playbooks" / "check-in.yaml").write_text(f"playbook: check-in\nsteps:\n{steps}")
    told.ws.start_playbook("check-in", "globex", now=MONDAY)
    assert [act.payload["text"] for act in told.acts(kind="task")] == ["Press Start twice."]
