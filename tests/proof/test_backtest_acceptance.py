"""`backtest` over loaded workspaces: what reaches the figures is what the facts say, as it was known then."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from making import DAY, MONDAY, WEEK, Made

from beforehand.calendar import to_us
from beforehand.cli import main
from beforehand.commands.backtest import backtest
from beforehand.commands.proving import prove_signals, span_of
from beforehand.errors import InputError
from beforehand.proof import NONE

BELOW = "when: logins below 2 per week for 2 consecutive weeks"


def one(result: Mapping[str, Any]) -> dict[str, Any]:
    (row,) = result["signals"]
    return dict(row)


def test_hits_misses_false_alarms_and_what_came_too_late(made: Made) -> None:
    """Five accounts over 30 weeks; all figures counted by hand."""
    busy = [5] * 30
    made.signal("fading", BELOW)
    made.weekly(
        {
            "hit": [5] * 6 + [1] * 4,  # alert at the end of week 7, gone in week 12
            "late": [5] * 6 + [1] * 4,  # the same, but notice was given in week 5
            "alarm": [5] * 6 + [0] * 2 + [5] * 22,
            "missed": busy,
            "stays": busy,
            "open": [5] * 28 + [1] * 2,  # alert at the very end
        }
    )
    gone = MONDAY + 12 * WEEK
    made.load(
        "outcomes",
        ("account", "outcome", "at", "notice_at"),
        [
            ("hit", "churned", gone, ""),
            ("late", "churned", gone, MONDAY + 5 * WEEK),
            ("missed", "churned", MONDAY + 20 * WEEK, ""),
        ],
    )
    result = backtest(made.ws, ["fading"], episodes=True)
    row = one(result)
    opened = MONDAY + 8 * WEEK
    fates = {(e["account"], e["opened_at"]): (e["right"], e["too_late"]) for e in result["episodes"]}
    assert fates[("hit", opened)] == (True, False)
    assert fates[("late", opened)] == (False, True)
    assert fates[("alarm", opened)] == (False, False)
    assert fates[("open", MONDAY + 30 * WEEK)] == (None, False)
    assert (row["right"], row["too_late"], row["unfinished"]) == (1, 1, 1)
    assert row["precision"][0] == pytest.approx(row["right"] / (row["episodes"] - row["unfinished"]))
    assert row["lead_days"]["p50"] == pytest.approx(28)
    assert (row["caught"], row["could_be_caught"]) == (1, 3)
    assert {m["account"] for m in result["missed"]} == {"late", "missed"}
    assert row["closes"] == 30 and row["until"] == MONDAY + 30 * WEEK
    closed = {e["account"]: e["closed_at"] for e in result["episodes"]}
    assert closed["alarm"] == MONDAY + 9 * WEEK
    assert closed["open"] is None


def test_without_any_outcome_figures_are_null_and_nothing_breaks(made: Made) -> None:
    made.signal("fading", BELOW)
    made.weekly({"a": [5, 5, 1, 1, *[5] * 20], "b": [5] * 24})
    row = one(backtest(made.ws))
    assert row["episodes"] >= 1 and row["right"] == 0
    assert row["precision"] == [None] * 3 and row["recall"] == [None] * 3 and row["lift"] is None
    assert row["rivals"]["random"]["precision"] == [None] * 3
    assert "no outcome is known" in row["words"]


def test_an_empty_workspace_says_what_to_do(made: Made) -> None:
    made.signal("fading", BELOW)
    with pytest.raises(InputError, match="no facts yet"):
        backtest(made.ws)


def test_unknown_names_are_refused_with_the_nearest(made: Made) -> None:
    made.signal("fading", BELOW)
    made.weekly({"a": [5, 5]})
    with pytest.raises(InputError) as caught:
        backtest(made.ws, ["fadign"])
    assert "fading" in caught.value.hint
    with pytest.raises(InputError) as caught:
        backtest(made.ws, outcome="chruned")
    assert "churned" in caught.value.hint
    with pytest.raises(InputError, match="Nothing lies between"):
        backtest(made.ws, since=MONDAY + 50 * WEEK)


@pytest.mark.parametrize(("zone", "grace"), [("UTC", 0), ("Europe/Berlin", 3), ("America/New_York", 0)])
def test_reach_and_last_event_are_what_was_known_at_each_close(made: Made, zone: str, grace: int) -> None:
    """Against a plain reading of the same rows: late facts, a change of clocks, grace, a life that ends and reopens."""
    made.setting(f"zone: {zone}")
    if grace:
        made.setting(f"grace:\n  files: {grace} days")
    made.signal("fading", BELOW)
    made.signal("daily", "when: no logins for 5 days")
    rng = random.Random(4)
    rows = []
    for k in range(12):
        start = MONDAY + timedelta(days=rng.uniform(0, 60))
        for _ in range(rng.randint(3, 40)):
            at = start + timedelta(days=rng.uniform(0, 80))
            rows.append((f"a{k}", at, at + timedelta(days=rng.choice([0, 0, 0.5, 4, 15]))))
    made.events(rows)
    left = MONDAY + 70 * DAY
    made.load(
        "outcomes", ("account", "outcome", "at"), [(f"a{k}", "churned", left) for k in range(4)], learned="occurred"
    )
    ws = made.ws
    with ws.facts() as facts:
        labels = list(facts.subjects().label)
        for proved in prove_signals(facts, ws.folder, None, span_of(facts, None, None)):
            trial = proved.trial
            assert trial.opened_us.size > 10
            step = DAY if proved.signal.name == "daily" else WEEK
            offset = {datetime.fromtimestamp(us / 1e6, ZoneInfo(zone)).utcoffset() for us in trial.opened_us}
            assert zone == "UTC" or len(offset) == 2, "the clocks change within the test"
            assert trial.weeks.sum() == pytest.approx(len(trial.weeks) * step / WEEK, abs=0.02)
            ended = {f"a{k}" for k in range(4)}
            for row, label in enumerate(labels):
                for close, opened in enumerate(trial.opened_us.tolist()):
                    known = [to_us(o) for a, o, k in rows if a == label and to_us(k) < opened]
                    end = opened - grace * 86_400_000_000
                    seen = [at for at in known if at < opened]
                    assert trial.last_us[row, close] == max(seen, default=trial.last_us[row, close])
                    begun = [at for at in known if at < end]
                    over = label in ended and to_us(left) < end and max(begun, default=NONE) <= to_us(left)
                    assert trial.reach[row, close] == (bool(begun) and not over), (label, close)


def test_growth_signals_are_proven_against_growth(made: Made) -> None:
    made.signal("rising", "when: logins above 8 per week\npolarity: growth")
    made.signal("fading", BELOW)
    made.weekly({"up": [2] * 6 + [10] * 4 + [2] * 20, "flat": [3] * 30})
    made.load("outcomes", ("account", "outcome", "at"), [("up", "expanded", MONDAY + 11 * WEEK)], learned="occurred")
    rows = {row["signal"]: row for row in backtest(made.ws)["signals"]}
    assert (rows["rising"]["outcome"], rows["fading"]["outcome"]) == ("expanded", "churned")
    assert rows["rising"]["right"] == 1
    assert one(backtest(made.ws, ["rising"], outcome="churned"))["right"] == 0


def test_signals_about_people_count_people_and_prove_accounts(made: Made) -> None:
    made.signal("person", "when: logins below 1 per week for 2 weeks for people")
    weeks = 40
    rows = []
    for week in range(weeks):
        there = [("acme", "bob"), ("calm", "eve"), *([("acme", "ann")] if week < 6 else [])]
        rows += [(account, person, "login", MONDAY + week * WEEK) for account, person in there]
    made.load("events", ("account", "person", "event", "at"), rows)
    made.load("outcomes", ("account", "outcome", "at"), [("acme", "churned", MONDAY + 10 * WEEK)])
    result = backtest(made.ws, episodes=True)
    (episode,) = [e for e in result["episodes"] if e["scope"] == "ann"]
    assert episode["account"] == "acme" and episode["right"]
    row = one(result)
    assert row["could_be_caught"] == 1 and row["caught"] == 1
    assert row["rivals"]["recency"]["episodes"] == row["episodes"]


def test_a_derived_outcome_is_shown_against_its_beginning_too(made: Made) -> None:
    made.setting("outcome: silent")
    made.outcomes("silent:\n  silent for: 60 days\n")
    made.signal("quiet", "when: no logins for 14 days")
    made.weekly({"gone": [3] * 10, "here": [3] * 40})
    row = one(backtest(made.ws, ["quiet"], horizon=90 * DAY))
    assert row["right"] == 1
    assert 40 < row["lead_days"]["p50"] < 60
    assert -16 < row["lead_days_to_began"]["p50"] < -13
    assert sum(row["lead_counts"]) == 1


def test_traits_without_history_and_assumed_arrival_are_told(made: Made) -> None:
    made.signal("fading", BELOW + " for accounts where plan is pro")
    made.load("accounts", ("account", "plan"), [("a", "pro"), ("b", "free")])
    made.load("events", ("account", "event", "at"), [("a", "login", MONDAY + k * DAY) for k in range(30)])
    result = backtest(made.ws)
    assert one(result)["fields_without_history"] == ["plan"]
    assert result["assumed_arrival"] is True


def test_arrival_is_not_assumed_where_it_was_given(made: Made) -> None:
    made.signal("fading", BELOW)
    made.weekly({"a": [5] * 6})
    assert backtest(made.ws)["assumed_arrival"] is False


def test_the_record_is_kept_only_of_the_plain_test(made: Made) -> None:
    from beforehand import store
    from beforehand.commands.definition import digest_of

    made.signal("fading", BELOW)
    made.weekly({"a": [5, 5, 1, 1, 1], "b": [5] * 5})
    ws = made.ws

    def kept() -> Any:
        with ws.state() as state, state.read() as session:
            return store.record_of(session, "fading")

    backtest(ws, horizon=30 * DAY)
    backtest(ws, until=MONDAY + 3 * WEEK)
    assert kept() is None
    row = one(backtest(ws))
    record = kept()
    assert record.digest == digest_of(ws.folder.signals["fading"], ws.folder)
    assert record.record["episodes"] == row["episodes"] and record.as_of_at == row["until"]
    json.dumps(record.record, allow_nan=False)


def test_the_end_is_the_last_closed_period_by_when_things_happened(made: Made) -> None:
    """Not by when they were learned: a row that arrived half a year late does not lengthen the test."""
    made.signal("fading", BELOW)
    made.weekly({"a": [5] * 6})
    made.events([("a", MONDAY + WEEK, MONDAY + 40 * WEEK)], event="other")
    assert one(backtest(made.ws))["until"] == MONDAY + 6 * WEEK


def test_since_and_until_bound_the_closes(made: Made) -> None:
    made.signal("fading", BELOW)
    made.weekly({"a": [5] * 20})
    row = one(backtest(made.ws, since=MONDAY + 5 * WEEK, until=MONDAY + 10 * WEEK))
    assert row["until"] == MONDAY + 10 * WEEK
    assert MONDAY + 5 * WEEK <= row["since"] <= MONDAY + 6 * WEEK
    assert row["closes"] in (5, 6)


def test_off_signals_are_tested_only_when_named(made: Made) -> None:
    made.signal("fading", BELOW + "\nmode: off")
    made.signal("other", BELOW + "\nmode: shadow")
    made.weekly({"a": [5] * 6})
    assert [row["signal"] for row in backtest(made.ws)["signals"]] == ["other"]
    assert [row["signal"] for row in backtest(made.ws, ["fading"])["signals"]] == ["fading"]


def test_the_command_line_prints_and_exits_as_promised(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made.signal("fading", BELOW)
    made.weekly({f"a{k}": [5] * 6 + [1] * 3 + [5] * 21 for k in range(6)})
    made.load("outcomes", ("account", "outcome", "at"), [("a0", "churned", MONDAY + 12 * WEEK)], learned="occurred")

    def call(*words: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["beforehand", *words, "-w", str(made.root)])
        try:
            main()
            ended = 0
        except SystemExit as done:
            ended = int(done.code or 0)
        said = capsys.readouterr()
        assert ended == code, said.err
        return said.out if code < 2 else said.err

    shown = call("backtest", "--episodes", "--fail-if-found", code=1)
    assert "1 of 6" in shown and "False alarms  5" in shown and "Hits  1" in shown
    assert "quiet longest" in shown and "untouched part" in shown
    assert all(len(line.rstrip()) <= 80 for line in shown.splitlines())
    row = json.loads(call("backtest", "fading", "--json"))["signals"][0]
    assert row["right"] == 1 and not np.isnan(row["precision"][0])
    assert "span of time" in call("backtest", "--horizon", "soon", code=2)
    assert "Did you mean fading?" in call("backtest", "fadin", code=2)
    assert "No account has an open alert" in call("risk")
    assert json.loads(call("risk", "--json"))["accounts"] == []
    assert "no alert would be different" in call("diff", str(made.root), "--fail-if-found")


def test_history_too_short_for_one_of_the_signals(made: Made) -> None:
    """A month that never closed is no reason to say nothing of the weeks."""
    made.signal("monthly", "when: logins below 2 per month")
    made.signal("weekly", BELOW)
    made.weekly({"a": [5, 5]})
    rows = {row["signal"]: row for row in backtest(made.ws, episodes=True)["signals"]}
    assert rows["monthly"]["closes"] == 0 and rows["monthly"]["since"] is None
    assert rows["monthly"]["words"] == "It never alerted in this time."
    assert rows["weekly"]["closes"] == 2
    json.dumps(rows, default=str, allow_nan=False)


def test_facts_without_accounts_to_judge(made: Made) -> None:
    made.setting("exclude:\n  accounts: ['*']")
    made.signal("fading", BELOW)
    made.weekly({"a": [5, 5, 1, 1, 1]})
    row = one(backtest(made.ws, episodes=True))
    assert row["episodes"] == 0 and row["precision"] == [None] * 3


def test_what_is_excluded_is_not_seen_by_the_rival_either(made: Made) -> None:
    made.setting("exclude:\n  people: ['bot@*']\n  events: event = 'ping'")
    made.signal("fading", BELOW)
    rows = [("acme", "ann", "login", MONDAY)]
    rows += [("acme", who, what, MONDAY + 20 * DAY) for who, what in (("bot@acme.com", "login"), ("ann", "ping"))]
    rows += [("other", "eve", "login", MONDAY + k * WEEK) for k in range(6)]
    made.load("events", ("account", "person", "event", "at"), rows)
    ws = made.ws
    with ws.facts() as facts:
        (proved,) = prove_signals(facts, ws.folder, None, span_of(facts, None, None))
    at = list(proved.accounts).index("acme")
    assert (proved.trial.last_us[at] == to_us(MONDAY)).all()
