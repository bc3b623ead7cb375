"""Told in time: facts come in, `run` judges, persons act, time goes on."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from living import BELOW, DAY, MONDAY, WEEK, World, at, iso, spread

from beforehand.store import Store


def test_a_decline_is_told_once_at_the_close_that_shows_it(world: World) -> None:
    world.signal("drop", BELOW + "severity: high\n")
    world.logins("acme", MONDAY, [5, 5, 5, 1, 1, 0, 0, 6, 6])
    world.logins("busy", MONDAY, [5] * 9)
    told = {week: world.run(at(week)) for week in range(3, 10)}
    assert {w: (r["opened"], r["updated"], r["closed"], r["held"]) for w, r in told.items()} == {
        3: (0, 0, 0, 0),
        4: (0, 0, 0, 0),
        5: (0, 0, 0, 0),
        6: (1, 0, 0, 0),
        7: (0, 1, 0, 0),
        8: (0, 0, 1, 0),
        9: (0, 0, 0, 0),
    }
    assert told[6]["closes"] == [{"grain": "week", "end": iso(at(6)), "signals": ["drop"]}]
    (alert,) = world.alerts()
    assert alert["alert"] == "A-1001"
    assert (alert["account"], alert["scope"], alert["severity"]) == ("acme", "", "high")
    assert (alert["opened_at"], alert["since"], alert["closed_at"]) == (iso(at(6)), iso(at(3)), iso(at(8)))
    assert (alert["close_reason"], alert["reopens"], alert["backlog"]) == ("cleared", None, False)


def test_running_again_changes_nothing(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 1, 1, 0, 0])
    world.run(at(4))
    before = world.alerts()
    again = world.run(at(4) + timedelta(hours=3))
    assert again["closes"] == []
    assert world.alerts() == before


def test_missed_closes_are_judged_in_order(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 1, 1, 0, 5, 5, 0, 0, 0, 0])
    world.run(at(3))
    result = world.run(at(10) + 3 * DAY)
    assert [c["end"] for c in result["closes"]] == [iso(at(w)) for w in range(4, 11)]
    assert world.told() == [("acme", "drop", "", 4, "cleared"), ("acme", "drop", "", 9, "open")]
    assert world.alerts()[1]["reopens"] == "A-1001"


def test_late_facts_do_not_change_what_was_known(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 5, 0, 0, 0, 0, 0, 5])
    assert world.run(at(5))["opened"] == 1
    # They happened in the third week and would have kept the alert away; we learn of them in the sixth.
    world.events([("acme", at(2) + i * DAY, at(5) + DAY) for i in range(1, 4)])
    world.run(at(6))
    assert world.told() == [("acme", "drop", "", 5, "open")]
    # Facts of the fifth and sixth week, learned late in the sixth: at the next close it is clear.
    world.events([("acme", at(5) + i * DAY / 2, at(6) + DAY) for i in range(1, 4)])
    world.run(at(7))
    (alert,) = world.alerts()
    assert (alert["close_reason"], alert["closed_at"]) == ("cleared", iso(at(7)))
    assert [(e["account"], e["opened_at"]) for e in world.answer("backtest", "--episodes")["episodes"]] == [
        ("acme", iso(at(5)))
    ]


def test_a_snooze_ends_and_comes_back_open(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0, 0, 0, 0, 5])
    world.run(at(4))
    (done,) = world.answer("snooze", "A-1001", "--for", "10d", "--note", "they are on holiday")["alerts"]
    assert (done["state"], done["snoozed_until"]) == ("snoozed", iso(at(4) + 10 * DAY))
    assert world.run(at(5))["updated"] == 1  # judged all the while
    assert world.told("--open") == [("acme", "drop", "", 4, "snoozed")]
    world.run(at(6))
    assert world.told("--open") == [("acme", "drop", "", 4, "open")]
    world.call("snooze", "A-1001", "--until", iso(at(20)))
    world.run(at(9))  # clear in its sleep
    assert world.told() == [("acme", "drop", "", 4, "cleared")]
    with Store.open(world.root / ".beforehand" / "state.sqlite") as store, store.read() as session:
        from beforehand import store as rooms

        assert [line.act for line in rooms.log_of(session, 1)] == ["opened", "snoozed", "woke", "snoozed", "closed"]


def test_listing_sees_the_end_of_a_snooze_without_a_run(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0])
    world.run(at(4))
    world.call("snooze", "A-1001", "--until", iso(at(5)))
    assert world.told("--now", iso(at(5) - DAY))[0][-1] == "snoozed"
    assert world.told("--now", iso(at(5)))[0][-1] == "open"


def test_resolved_is_quiet_until_it_was_clear_once(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0, 0, 5, 0, 0, 0])
    world.run(at(4))
    world.call("ack", "A-1001")
    assert world.told() == [("acme", "drop", "", 4, "acknowledged")]
    world.call("resolve", "a-1001", "--reason", "not useful", "--note", "a holiday")
    for week in range(5, 10):
        world.run(at(week))
    assert world.told() == [("acme", "drop", "", 4, "not useful")]
    world.run(at(10))
    assert world.told()[1:] == [("acme", "drop", "", 10, "open")]
    assert world.alerts()[1]["reopens"] == "A-1001"


def test_what_already_holds_is_backlog(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0, 0])
    world.logins("slow", MONDAY, [5, 5, 5, 0, 0, 0, 0, 0])
    assert world.run(at(5))["opened"] == 1
    assert world.run(at(6))["opened"] == 1
    old, new = world.alerts()
    assert (old["account"], old["backlog"], old["opened_at"], old["since"]) == ("acme", True, iso(at(5)), iso(at(1)))
    assert (new["account"], new["backlog"]) == ("slow", False)


def test_a_signal_switched_on_later_has_its_own_backlog(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 1, 1, 1, 1, 1, 1])
    world.run(at(5))
    world.signal("few", "when: logins below 3 per week\nseverity: low\n")
    result = world.run(at(5) + DAY)  # its first close is the newest, also between two closes
    assert (result["opened"], result["closes"]) == (1, [{"grain": "week", "end": iso(at(5)), "signals": ["few"]}])
    both = world.run(at(6))["closes"]
    assert both == [{"grain": "week", "end": iso(at(6)), "signals": ["drop", "few"]}]
    assert [(a["signal"], a["backlog"]) for a in world.alerts()] == [("drop", True), ("few", True)]


def test_a_delay_does_not_make_news_of_what_had_held(world: World) -> None:
    world.signal("few", "when: logins below 3 per week\ndelay_in: 3\n")
    world.logins("acme", MONDAY, [5, 1, 1, 1, 1, 1, 1])
    world.logins("late", MONDAY, [5, 5, 5, 5, 1, 1, 1])
    world.run(at(5))
    assert [(a["account"], a["backlog"]) for a in world.alerts()] == [("acme", True)]
    world.run(at(7))
    assert world.told() == [("acme", "few", "", 5, "open"), ("late", "few", "", 7, "open")]


def test_a_changed_sentence_is_a_signal_switched_on(world: World) -> None:
    world.signal("few", "when: logins below 2 per week\n")
    world.logins("one", MONDAY, [5, 1, 1, 1])
    world.logins("four", MONDAY, [5, 4, 4, 4])
    world.run(at(3))
    world.signal("few", "when: logins above 3 per week\n")
    result = world.run(at(3) + DAY)
    assert (result["opened"], result["closed"]) == (1, 1)
    assert world.told() == [("one", "few", "", 3, "superseded"), ("four", "few", "", 3, "open")]
    world.signal("few", "when: logins more than 3 each week\nseverity: critical\n")  # says the same
    assert world.run(at(4))["opened"] == 0
    assert [a["severity"] for a in world.alerts("--open")] == ["critical"]


def test_modes(world: World) -> None:
    world.signal("few", "when: logins below 3 per week\nmode: shadow\n")
    world.logins("acme", MONDAY, [5, 1, 1, 1, 1])
    result = world.run(at(3))
    assert (result["opened"], result["shadow"]) == (0, 1)
    listed = world.answer("alerts")
    assert listed["alerts"] == []
    assert [a["account"] for a in listed["shadow"]] == ["acme"]
    world.signal("few", "when: logins below 3 per week\n")
    assert world.run(at(3) + DAY)["opened"] == 0
    assert [(a["state"], a["backlog"]) for a in world.alerts()] == [("open", True)]
    world.signal("few", "when: logins below 3 per week\nmode: off\n")
    assert world.run(at(4))["closed"] == 1
    assert world.told() == [("acme", "few", "", 3, "superseded")]
    world.signal("few", "")
    world.run(at(5))


def test_a_clear_sentence_and_delays(world: World) -> None:
    world.signal("few", "when: logins below 2 per week\nclear: logins at least 4 per week\ndelay_out: 2\n")
    world.logins("acme", MONDAY, [5, 1, 3, 4, 3, 4, 4, 1])
    for week in range(2, 9):
        world.run(at(week))
    assert world.told() == [("acme", "few", "", 2, "cleared"), ("acme", "few", "", 8, "open")]
    assert world.alerts()[0]["closed_at"] == iso(at(7))


def test_a_growing_count_is_told_before_its_week_is_over(world: World) -> None:
    world.signal("burst", "when: errors at least 3 per week\n")
    world.logins("acme", MONDAY, [2, 2, 2])
    world.run(at(2))
    world.events([("acme", at(2) + i * DAY, None, None, "error") for i in (1, 1.5, 2)])
    assert world.run(at(2) + 1.7 * DAY)["opened"] == 0
    assert world.run(at(2) + 2.5 * DAY)["opened"] == 1
    (alert,) = world.alerts()
    assert (alert["opened_at"], alert["raised_at"]) == (iso(at(3)), iso(at(2) + 2.5 * DAY))
    world.call("resolve", "A-1001")
    assert world.run(at(3))["opened"] == 0
    assert len(world.alerts()) == 1


def test_a_fall_is_never_told_early(world: World) -> None:
    world.signal("few", "when: logins below 3 per week\n")
    world.logins("acme", MONDAY, [5, 5])
    world.run(at(2))
    assert world.run(at(2) + 6 * DAY)["opened"] == 0
    assert world.run(at(3))["opened"] == 1


def test_people_are_subjects_of_their_own(world: World) -> None:
    world.signal("quiet", "when: logins below 1 per week for 2 weeks for people\n")
    world.events(
        spread("acme", MONDAY, [3, 3, 3, 3, 3], person="ann@acme.com")
        + spread("acme", MONDAY, [3, 3, 0, 0, 3], person="bob@acme.com")
        + spread("zeta", MONDAY, [3, 0, 0, 0, 0], person="zoe@zeta.com")
    )
    world.run(at(2))
    world.run(at(3))
    world.run(at(4))
    assert world.told() == [
        ("zeta", "quiet", "zoe@zeta.com", 3, "open"),
        ("acme", "quiet", "bob@acme.com", 4, "open"),
    ]
    world.run(at(5))
    assert world.told()[1] == ("acme", "quiet", "bob@acme.com", 4, "cleared")


def test_signals_of_two_grains(world: World) -> None:
    world.signal("drop", BELOW)
    world.signal("silent", "when: no events for 10 days\n")
    world.logins("acme", MONDAY, [5, 5, 0, 0, 0])
    world.run(at(2))
    closes = world.run(at(5))["closes"]
    assert [c["grain"] for c in closes].count("day") == 21
    assert [c["grain"] for c in closes].count("week") == 3
    ends = [c["end"] for c in closes]
    assert ends == sorted(ends)
    assert sorted(a["signal"] for a in world.alerts("--open")) == ["drop", "silent"]


def test_a_merge_supersedes(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0, 0])
    world.logins("acme-inc", MONDAY, [5, 5, 5, 5, 5, 5])
    world.run(at(4))
    assert world.told("--open") == [("acme", "drop", "", 4, "open")]
    world.call("merge", "acme", "acme-inc")
    world.run(at(5))
    assert world.told() == [("acme", "drop", "", 4, "superseded")]


def test_time_only_goes_forward(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0])
    world.run(at(4))
    said = world.call("run", "--now", iso(at(3)), code=2)
    assert "before the last run" in said
    assert "2025-02-03" in said
    world.run(at(4))  # the same time is no step back


def test_a_workspace_without_facts_and_one_without_signals(world: World) -> None:
    assert world.run(at(1))["closes"] == []
    world.signal("drop", BELOW)
    assert world.run(at(2))["opened"] == 0
    assert world.alerts() == []
    world.logins("acme", at(2), [5, 0, 0, 0, 0])
    world.run(at(6))
    assert world.told() == [("acme", "drop", "", 6, "open")]


@pytest.mark.parametrize("command", ["run", "alerts"])
def test_fail_if_found(world: World, command: str) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0])
    world.call("alerts", "--fail-if-found")
    world.run(at(4))
    now = ["--now", iso(at(4))]
    world.call(command, "--fail-if-found", *now, code=1)
    world.call("resolve", "A-1001")
    world.call(command, "--fail-if-found", *now)


def test_wrong_words_are_answered_with_right_ones(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0])
    assert "No alert is open" in world.call("ack", "A-1001", code=2)
    world.run(at(4))
    assert "Did you mean A-1001?" in world.call("ack", "A-1011", code=2)
    assert "A-1001 (drop)" in world.call("resolve", "acme", code=2)
    assert "not a reason" in world.call("resolve", "A-1001", "--reason", "whatever", code=2)
    assert "has an end" in world.call("snooze", "A-1001", code=2)
    assert "7d" in world.call("snooze", "A-1001", "--for", "a while", code=2)
    assert "already" in world.call("snooze", "A-1001", "--until", iso(at(1)), code=2)
    assert "last day there is" in world.call("snooze", "A-1001", "--for", "999999w", code=2)
    assert "Did you mean drop?" in world.call("alerts", "--signal", "drob", code=2)
    assert "critical" in world.call("alerts", "--severity", "worst", code=2)
    assert "ISO 8601" in world.call("run", "--now", "yesterday", code=2)
    world.call("resolve", "A-1001")
    assert "closed already (resolved)" in world.call("ack", "A-1001", code=2)
    # All or nothing: one wrong name, and nothing is done to the others.
    world.logins("zeta", MONDAY, [5, 0, 0, 0, 0, 0])
    world.run(at(5))
    world.call("ack", "A-1002", "A-9999", code=2)
    assert world.told()[1][-1] == "open"


def test_what_a_person_reads(world: World) -> None:
    world.signal("drop", BELOW + "severity: high\n")
    assert "Nothing has been raised yet" in world.call("alerts")
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0])
    said = world.call("run", "--now", iso(at(4)))
    assert "1 opened" in said
    assert "2025-02-03" in said
    said = world.call("alerts")
    assert "1 open alert" in said
    assert "A-1001" in said
    assert "acme" in said
    assert "A-1001" in world.call("ack", "A-1001")
    assert "No close was due" in world.call("run", "--now", iso(at(4)))
    world.call("resolve", "A-1001")
    said = world.call("alerts")
    assert "No alert is open" in said
    assert "resolved" in said


def test_the_state_is_damaged_or_newer(world: World) -> None:
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0])
    world.run(at(4))
    path = world.root / ".beforehand" / "state.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9'")
    raw.close()
    assert "newer Beforehand" in world.call("alerts", code=3)
    for leftover in path.parent.glob("state.sqlite-*"):
        leftover.unlink()
    path.write_bytes(b"no database " * 1000)
    for command in (("alerts",), ("run", "--now", iso(at(5))), ("ack", "A-1001")):
        assert "damaged" in world.call(*command, code=3)


def test_persons_act_while_a_run_holds_the_facts(world: World) -> None:
    """Commands on the state alone never wait for the facts."""
    world.signal("drop", BELOW)
    world.logins("acme", MONDAY, [5, 0, 0, 0, 0])
    world.run(at(4))
    from beforehand import Workspace

    with Workspace(world.root).facts():
        world.call("ack", "A-1001")
        assert world.told()[0][-1] == "acknowledged"
    assert WEEK
