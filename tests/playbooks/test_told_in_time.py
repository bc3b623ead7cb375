"""Playbooks at work on a workspace, told in time: days pass, and what was done, sent and kept back is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playbook_world import DAY, MONDAY, PLAYBOOK, Told, logins
from sqlalchemy import select, update
from typer.testing import CliRunner

from beforehand.cli import app
from beforehand.errors import InputError
from beforehand.store import Act, Alert, Exposure, Incident, Run, runs


def test_from_the_alert_to_the_recovery(told: Told) -> None:
    """Day 1 alert, day 2 approve, mail at once, two weeks later they are back: recovered."""
    result = told.ws.run(MONDAY)
    assert result["runs"] == {"began": 1, "moved": 1, "ended": 0}
    assert told.run_row()["step"] == "approve-3" and told.run_row()["owner"] == "ann@vendor.example"
    (asked,) = told.ws.approvals()["approvals"]
    assert (asked["to"], asked["subject"]) == ("ada@globex.example", "How are you, Ada?")
    assert asked["text"] == "Dear Ada,\nwe saw that Globex is less with us."
    (note,) = told.acts()  # the owner is asked by mail; nothing went to the customer
    assert (note.recipient, note.outward) == ("ann@vendor.example", False)

    told.ws.approve(1, now=MONDAY + DAY, text="Dear Ada, is all well?")
    assert told.ws.approvals()["approvals"] == []
    told.ws.run(MONDAY + DAY)
    (mail,) = told.acts(outward=True)
    assert (mail.recipient, mail.key) == ("ada@globex.example", "1:mail:ada@globex.example:mail")
    assert mail.payload["blocks"][0]["text"] == "Dear Ada, is all well?"
    assert mail.payload["blocks"][1]["url"] == "https://help.vendor.example/first-steps"
    told.ws.run(MONDAY + DAY)
    told.ws.run(MONDAY + 2 * DAY)
    assert len(told.acts(outward=True)) == 1

    told.load("events", logins("globex", MONDAY, 4))
    told.ws.run(MONDAY + 7 * DAY)
    row = told.run_row()
    assert (row["state"], row["outcome"]) == ("ended", "recovered")
    assert row["reason"] == "The goal is met: logins at least 3 per week."


def test_what_was_sent_is_a_touch_that_no_signal_sees(told: Told) -> None:
    told.ws.run(MONDAY)
    told.ws.approve(1, now=MONDAY + DAY)
    told.ws.run(MONDAY + DAY)
    told.change(update(Act).where(Act.outward).values(state="sent", settled_at=MONDAY + DAY))
    for _ in range(2):  # loaded once
        told.ws.run(MONDAY + 2 * DAY)
    with told.ws.facts() as facts:
        rows = facts.connection.execute("SELECT source, kind, note FROM touches").fetchall()
    assert rows == [("beforehand", "mail", "check-in: How are you, Ada?")]
    assert told.ws.folder.metrics["contacts"].where == "source <> 'beforehand'"


def test_nobody_answers_the_owner(told: Told) -> None:
    told.ws.run(MONDAY)
    told.ws.run(MONDAY + 2 * DAY)
    assert (told.run_row()["outcome"], told.acts(outward=True)) == ("done", [])


def test_a_reply_moves_it_and_without_one_somebody_calls(told: Told) -> None:
    told.ws.run(MONDAY)
    told.ws.approve(1, now=MONDAY)
    told.ws.run(MONDAY)
    told.ws.run(MONDAY + 7 * DAY)
    (call,) = told.acts(kind="call")
    assert (call.recipient, call.payload["text"]) == ("ann@vendor.example", "Ask Ada Byron what changed.")
    from beforehand.commands.playbooks import note_reply

    with told.ws.state() as state, state.write() as session:
        run = session.get(Run, 1)
        assert run is not None
        note_reply(session, run, MONDAY + 8 * DAY, "Thanks!")
    told.ws.run(MONDAY + 8 * DAY)
    assert told.run_row()["outcome"] == "replied"


def ready(told: Told) -> None:
    told.ws.run(MONDAY)
    told.ws.approve(1, now=MONDAY)


def suppressed(told: Told) -> None:
    ready(told)
    told.ws.suppress("ADA@globex.example", why="opted out")


def urgent_ticket(told: Told) -> None:
    ready(told)
    ticket = {"account": "globex", "ticket": "T1", "at": (MONDAY - DAY).isoformat(), "priority": "urgent",
              "status": "open", "subject": "Nothing works"}  # fmt: skip
    told.load("tickets", [ticket], now=MONDAY - DAY)


def incident(told: Told) -> None:
    ready(told)
    with told.ws.state() as state, state.write() as session:
        session.add(
            Incident(kind="feed", key="k", what="w", effect="less", metrics=[], signals=[], since=MONDAY,
                     found_at=MONDAY, seen_at=MONDAY, sure=1.0, headline="The feed is silent", numbers={}, state="open")
        )  # fmt: skip


def no_channel(told: Told) -> None:
    (told.root / "beforehand.yaml").write_text("name: Acme\nincidents: off\n")
    ready(told)


@pytest.mark.parametrize(
    ("before", "guard"),
    [(suppressed, "suppressed"), (urgent_ticket, "complaint"), (incident, "incident"), (no_channel, "no-channel")],
)
def test_what_a_guard_keeps_back_is_listed(told: Told, before: Callable[[Told], None], guard: str) -> None:
    before(told)
    told.ws.run(MONDAY + timedelta(hours=1))
    found = told.ws.unsent()
    assert found["by_guard"] == {guard: 1} and found["unsent"][0]["account"] == "globex"
    assert told.acts(outward=True) == []
    assert "unsent mail" in told.kinds()


def test_a_touch_and_quiet_hours_put_it_off(told: Told) -> None:
    ready(told)
    touch = {"account": "globex", "id": "1", "at": (MONDAY - DAY).isoformat(), "kind": "call", "teammate": "ann"}
    told.load("touches", [touch], now=MONDAY)
    told.ws.run(MONDAY + timedelta(hours=1))
    assert told.acts(outward=True) == [] and told.run_row()["due_at"] == MONDAY + DAY
    told.ws.run(MONDAY + DAY + timedelta(hours=10))  # 19:00 is quiet
    assert told.run_row()["due_at"] == datetime(2026, 5, 6, 9, tzinfo=UTC)
    told.ws.run(datetime(2026, 5, 6, 9, tzinfo=UTC))
    assert len(told.acts(outward=True)) == 1 and told.ws.unsent()["unsent"] == []


def test_the_cap_is_over_all_playbooks(told: Told) -> None:
    ready(told)
    (told.root / "playbooks" / "b.yaml").write_text(
        "playbook: other\nwithout approval: true\nquiet: null\ncap: {messages: 1}\nsteps:\n"
        "  - {step: d, draft: Hi, subject: Hi, to: their admin}\n  - send: d\n"
    )
    told.ws.run(MONDAY)
    told.ws.start_playbook("other", "globex", now=MONDAY + timedelta(hours=2))
    assert told.ws.unsent()["by_guard"] == {"cap": 1} and len(told.acts(outward=True)) == 1


def test_nobody_has_the_role(told: Told) -> None:
    told.ws.run(MONDAY)
    with pytest.raises(InputError, match="lives"):
        told.ws.start_playbook("check-in", "globex", now=MONDAY)
    told.ws.start_playbook("check-in", "acme", now=MONDAY)
    assert told.ws.unsent(account="acme")["by_guard"] == {"no-address": 1}


def test_a_run_stays_on_its_version_and_outlives_its_file(told: Told) -> None:
    told.ws.run(MONDAY)
    path = told.root / "playbooks" / "check-in.yaml"
    path.write_text(PLAYBOOK.replace("14 days", "1 days").replace("call-them", "phone"))
    told.ws.approve(1, now=MONDAY)
    told.ws.run(MONDAY + DAY)
    path.unlink()
    told.ws.run(MONDAY + 8 * DAY)
    assert len(told.acts(kind="call")) == 1 and told.run_row()["state"] == "live"
    assert told.acts(kind="call")[0].step == "call-them"


def test_the_alert_is_closed(told: Told) -> None:
    told.ws.run(MONDAY)
    told.ws.resolve(["A-1001"], now=MONDAY)
    told.ws.run(MONDAY + timedelta(hours=1))
    assert told.run_row()["outcome"] == "resolved"


def test_a_holdout_is_stored_and_does_nothing(tmp_path: Path) -> None:
    playbook = PLAYBOOK.replace("steps:", "holdout: {share: 0.5, salt: '%s'}\nsteps:")
    from beforehand.playbooks.guards import HELD_OUT, TREATED, arm_of

    for arm in (HELD_OUT, TREATED):
        salt = next(str(n) for n in range(99) if arm_of("globex", "check-in", str(n), 0.5) == arm)
        told = Told(tmp_path / arm.split()[0], playbook % salt)
        told.ws.run(MONDAY)
        with told.ws.state() as state, state.read() as session:
            (kept,) = session.scalars(select(Exposure))
        assert (kept.arm, kept.share, kept.alert) == (arm, 0.5, 1)
        assert (told.run_row()["outcome"] == "held out") == (arm == HELD_OUT)
        assert bool(told.acts()) == (arm == TREATED)


def test_a_text_that_cannot_be_written_stops_the_run_and_says_so(tmp_path: Path) -> None:
    told = Told(tmp_path / "w", PLAYBOOK.replace("account.name", "account.traits.nothing"))
    told.ws.run(MONDAY)
    row = told.run_row()
    assert row["outcome"] == "stuck" and "nothing" in row["reason"]
    assert told.acts()[0].recipient == "ann@vendor.example"


def test_simulate_tells_every_way_and_keeps_nothing(told: Told) -> None:
    told.ws.run(MONDAY)
    before = told.kinds()
    found = told.ws.simulate_playbook("check-in", "globex", at=MONDAY + DAY)
    assert [(way["if"], way["outcome"]) for way in found["ways"]] == [
        (["approve-3: yes", "reply comes"], "answered"),
        (["approve-3: yes", "reply does not come"], "no answer"),
        (["approve-3: no"], "done"),
        (["approve-3: no answer"], "done"),
    ]
    sent = [line for line in found["ways"][0]["lines"] if line["what"].startswith("send")]
    assert sent[0]["what"] == "send to ada@globex.example: How are you, Ada?"
    assert told.kinds() == before and told.acts(outward=True) == []


def test_the_command_line(told: Told) -> None:
    told.ws.run(MONDAY)
    typed = ("playbooks", "runs", "runs show 1", "approvals", "unsent", "playbook simulate check-in globex",
             "suppress x@y.example", "approve 1")  # fmt: skip
    for words in (line.split() for line in typed):
        for more in ([], ["--json"]):
            if words[0] == "approve" and more:
                continue
            done = CliRunner().invoke(app, [*words, "-w", str(told.root), *more], catch_exceptions=False)
            assert done.exit_code == 0 and done.stdout, words
            assert not more or json.loads(done.stdout)
    with pytest.raises(InputError, match="waits for nobody"):
        told.ws.approve(1)


def test_alerts_of_before_are_left_to_people(told: Told) -> None:
    """A playbook that is new does not begin for what was raised before, nor twice for the same alert."""
    path = told.root / "playbooks" / "check-in.yaml"
    path.unlink()
    told.ws.run(MONDAY)
    path.write_text(PLAYBOOK)
    told.ws.run(MONDAY + DAY)
    assert told.ws.runs()["runs"] == []
    with told.ws.state() as state, state.read() as session:
        assert runs.looked_at(session) == session.scalar(select(Alert.number))


def test_uplift_of_a_playbook(told: Told) -> None:
    """400 accounts, a fifth held out; three of four helped recover, a quarter of the others: it is seen."""
    from beforehand.playbooks.guards import HELD_OUT, TREATED

    with told.ws.state() as state, state.write() as session:
        for n in range(400):
            arm = HELD_OUT if n % 5 == 0 else TREATED
            back = n % 4 != 0 if arm == TREATED else n % 20 == 0
            alert = Alert(
                account=f"a{n}", signal="login-drop", severity="high", state="closed", opened_at=MONDAY, since=MONDAY,
                raised_at=MONDAY, judged_at=MONDAY, closed_at=MONDAY + 20 * DAY,
                close_reason="cleared" if back else "left", headline="h", signal_digest="d", evidence={}, receipts=[],
            )  # fmt: skip
            session.add(alert)
            session.flush()
            at = MONDAY if n < 390 else MONDAY + 50 * DAY
            session.add(
                Exposure(playbook="check-in", account=f"a{n}", salt="1", arm=arm, share=0.2, at=at, alert=alert.number)
            )
    found = told.ws.uplift_playbook("check-in", horizon=60 * DAY, now=MONDAY + 70 * DAY)
    assert [(arm["arm"], arm["n"]) for arm in found["arms"]] == [(HELD_OUT, 78), (TREATED, 312)]
    assert found["unfinished"] == 10 and found["ratio_check"]["ok"]
    (effect,) = found["effects"]
    assert effect["arm"] == TREATED and effect["standing"] == "higher" and effect["lower"] > 0
    with pytest.raises(InputError, match="Nobody was exposed"):
        told.ws.uplift_playbook("other")
    with pytest.raises(InputError, match="not an outcome"):
        told.ws.uplift_playbook("check-in", outcome="recoverd")
    done = CliRunner().invoke(app, ["uplift", "check-in", "-w", str(told.root), "--horizon", "1 day", "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["playbook"] == "check-in"
