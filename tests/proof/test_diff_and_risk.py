"""`diff` between versions of the files, and `risk` from alerts that are open."""

from __future__ import annotations

import subprocess
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import MONDAY, WEEK, Made

from beforehand.commands.backtest import backtest
from beforehand.commands.diff import compare, diff
from beforehand.commands.risk import Open, precision_of, risk, weigh
from beforehand.commands.run import run
from beforehand.errors import InputError

BELOW = "when: logins below {} per week for 2 consecutive weeks"


def episode(account: str, opened: int, closed: int | None, scope: str = "") -> dict[str, Any]:
    ended = None if closed is None else MONDAY + closed * WEEK
    return {"account": account, "scope": scope, "opened_at": MONDAY + opened * WEEK, "closed_at": ended}


def test_episodes_are_the_same_moved_added_or_removed() -> None:
    before = [episode("a", 1, 4), episode("b", 1, 4), episode("c", 1, 4), episode("a", 8, None)]
    after = [episode("a", 1, 9), episode("b", 2, 4), episode("d", 1, 4), episode("c", 6, 7)]
    added, removed, moved, same = compare(before, after)
    assert same == 1
    assert [(e["account"], e["opened_at"]) for e in added] == [("c", MONDAY + 6 * WEEK), ("d", MONDAY + WEEK)]
    assert [(e["account"], e["opened_at"]) for e in removed] == [("a", MONDAY + 8 * WEEK), ("c", MONDAY + WEEK)]
    assert [(e["account"], e["was_opened_at"], e["opened_at"]) for e in moved] == [
        ("b", MONDAY + WEEK, MONDAY + 2 * WEEK)
    ]


EPISODES = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(1, 6)),
    max_size=6,
    unique_by=lambda e: (e[0], e[1]),
)


@given(EPISODES, EPISODES)
def test_every_episode_of_both_sides_is_told_once(one: list[Any], two: list[Any]) -> None:
    before, after = ([episode(a, o, o + length) for a, o, length in side] for side in (one, two))
    added, removed, moved, same = compare(before, after)
    assert len(added) + len(moved) + same == len(after)
    assert len(removed) + len(moved) + same == len(before)
    mirrored = compare(after, before)
    assert same == mirrored[3]


@pytest.fixture
def history(made: Made) -> Made:
    made.signal("fading", BELOW.format(2))
    made.signal("other", BELOW.format(1))
    made.weekly({"low": [5] * 5 + [1] * 3 + [5] * 22, "mid": [5] * 5 + [2] * 3 + [5] * 22, "busy": [9] * 30})
    made.load("outcomes", ("account", "outcome", "at"), [("low", "churned", MONDAY + 10 * WEEK)], learned="occurred")
    return made


def test_another_folder(history: Made) -> None:
    other = history.copy(history.root.parent / "other")
    other.signal("fading", BELOW.format(3))
    result = diff(history.ws, other.root)
    rows = {row["signal"]: row for row in result["signals"]}
    assert rows["other"]["change"] == "same" and rows["other"]["added"] is None
    fading = rows["fading"]
    assert (fading["change"], fading["added"], fading["removed"], fading["moved"]) == ("changed", 1, 0, 0)
    assert [(e["account"], e["signal"]) for e in result["added"]] == [("mid", "fading")]
    assert fading["before"]["episodes"] + 1 == fading["after"]["episodes"]
    assert fading["before"] == next(r for r in backtest(history.ws)["signals"] if r["signal"] == "fading")


def test_signals_that_come_and_go_and_what_else_decides_figures(history: Made) -> None:
    other = history.copy(history.root.parent / "other")
    (other.root / "signals" / "other.yaml").unlink()
    other.signal("new", BELOW.format(3))
    other.signal("fading", BELOW.format(2) + "\nhorizon: 10 days\nseverity: high")
    result = diff(history.ws, other.root)
    rows = {row["signal"]: row for row in result["signals"]}
    assert {name: row["change"] for name, row in rows.items()} == {
        "fading": "changed",
        "new": "added",
        "other": "removed",
    }
    assert rows["fading"]["added"] == rows["fading"]["removed"] == 0
    assert rows["fading"]["before"]["right"] == 1 and rows["fading"]["after"]["right"] == 0
    assert rows["new"]["before"] is None and rows["new"]["after"]["episodes"] == rows["new"]["added"]


def test_a_git_revision(history: Made) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", "-C", str(history.root.parent), *who, *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", "w/beforehand.yaml", "w/metrics.yaml", "w/outcomes.yaml", "w/signals")
    git("commit", "-qm", "as it was")
    history.signal("fading", BELOW.format(3))
    result = diff(history.ws, against="HEAD")
    assert result["from"] == "HEAD"
    assert [(e["account"], e["signal"]) for e in result["added"]] == [("mid", "fading")]
    with pytest.raises(InputError, match="git"):
        diff(history.ws, against="no-such-thing")
    with pytest.raises(InputError):
        diff(history.ws, against="--output=/tmp/x")


def test_diff_needs_one_thing_to_compare_with(history: Made) -> None:
    for wrong in ({}, {"other": history.root, "against": "HEAD"}, {"other": history.root / "signals"}):
        with pytest.raises(InputError):
            diff(history.ws, **wrong)  # type: ignore[arg-type]


def record(right: int, episodes: int, base: float | None, unfinished: int = 0) -> dict[str, Any]:
    done = episodes - unfinished
    share = right / done if done and base is not None else None
    return {
        "right": right,
        "episodes": episodes,
        "unfinished": unfinished,
        "base_rate": base,
        "precision": [share, 0, 1],
    }


def test_precisions_are_shrunk_towards_the_base_rate() -> None:
    found = precision_of({"a": record(5, 10, 0.1), "b": record(1, 1, 0.3), "c": record(0, 4, None, 4)}, "abcd")
    assert found["a"] == {"right": 5, "finished": 10, "base_rate": 0.1, "precision": pytest.approx(5.5 / 15)}
    assert found["b"]["precision"] == pytest.approx(2.5 / 6)
    for unknown in "cd":  # no base rate of their own: the median of the others'
        assert found[unknown] == {"right": None, "finished": 0, "base_rate": 0.2, "precision": pytest.approx(0.2)}
    assert precision_of({}, ["x"])["x"] == {"right": None, "finished": 0, "base_rate": None, "precision": 0.5}


def test_a_signal_counts_once_for_an_account_however_many_people_it_names() -> None:
    at = datetime(2025, 5, 1, tzinfo=MONDAY.tzinfo)
    precisions = {s: {"right": 1, "finished": 2, "base_rate": 0.1, "precision": p} for s, p in (("s", 0.5), ("t", 0.2))}
    opened = [
        Open("acme", "s", "ann", at, "A-1001"), Open("acme", "s", "bob", at + WEEK, "A-1002"),
        Open("acme", "t", "", at), Open("zeta", "t", "", at), Open("beta", "t", "", at),
    ]  # fmt: skip
    found = weigh(opened, precisions)
    assert [(a["account"], a["risk"]) for a in found] == [
        ("acme", 0.6),
        ("beta", pytest.approx(0.2)),
        ("zeta", pytest.approx(0.2)),
    ]
    first = found[0]["reasons"][0]
    assert (first["signal"], first["since"], first["alerts"], first["scopes"]) == (
        "s",
        at,
        ["A-1001", "A-1002"],
        ["ann", "bob"],
    )


def test_risk_now_is_risk_at_the_time_of_the_last_run(history: Made) -> None:
    history.signal("rising", "when: logins above 8 per week\npolarity: growth")
    at = MONDAY + 8 * WEEK
    ws = history.ws
    backtest(ws, until=at)
    run(ws, at)
    now, then = risk(ws), risk(ws, at=at)
    assert [a["account"] for a in now["accounts"]] == [a["account"] for a in then["accounts"]] == ["low"]
    assert now["accounts"][0]["reasons"][0]["alerts"]
    assert now["accounts"][0]["reasons"][0]["right"] is None, "a bounded backtest leaves no record"
    backtest(ws)
    (account,) = risk(ws)["accounts"]
    (reason,) = account["reasons"]
    assert (reason["signal"], reason["right"]) == ("fading", 1)
    assert account["risk"] == pytest.approx(reason["precision"])
    history.signal("fading", BELOW.format(2) + "\ndelay_in: 2")
    assert risk(history.ws)["accounts"][0]["reasons"][0]["right"] is None, "the record is of another definition"


def test_risk_of_the_past_knows_nothing_later(history: Made) -> None:
    then = risk(history.ws, at=MONDAY + 8 * WEEK)
    (reason,) = then["accounts"][0]["reasons"]
    assert reason["right"] is None, "nobody had left yet"
    with pytest.raises(InputError, match="Nothing was known"):
        risk(history.ws, at=MONDAY - WEEK)
