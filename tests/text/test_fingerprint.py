"""Templates of error texts: what varies goes, what says which error it is stays, and what was assigned stays so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beforehand.text.fingerprint import error_lines, template_of
from beforehand.text.templates import Templates


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("Connection to 10.0.0.7:5432 refused after 30 seconds", "Connection to <*> refused after <*>"),
        ("GET /v2/users/91823 HTTP/1.1 failed: 502", "GET <*> failed: <*>"),
        ("POST https://api.example.com/v1/orders?id=7 failed", "POST <*> failed"),
        ("user alice not found in /var/lib/app/users.db", "user <*> not found in <*>"),
        ("request 550e8400-e29b-41d4-a716-446655440000 timed out", "request <*> timed out"),
        ("pool is full, size=20, waiting=true", "pool is full, size=<*>, waiting=true"),
        ("Cannot write C:\\Program\\data.db: disk full", "Cannot write <*> disk full"),
        ("2026-01-02 10:00:00,123 ERROR worker-3 died", "worker<*> died"),
        ('column "email" does not exist', "column <*> does not exist"),
        ("java.lang.IllegalStateException: pool 3 exhausted", "IllegalStateException: pool <*> exhausted"),
        ("[instance: a1b2c3d4] took 3.2 seconds", "[instance: <*>] took <*>"),
        ("jk2_init() found child 6725", "jk2_init() found child <*>"),
        ("mode IPv6 is off", "mode IPv6 is off"),
        ("logname= uid=0 user=root", "logname= uid=<*> user=<*>"),
        ("job moved from NEW to RUNNING", "job moved from <*> to <*>"),
        ("synced at Fri Dec 10 19:02:14 EST 2004", "synced at <*>"),
        ("a fan runs at 3000 RPM", "a fan runs at <*> RPM"),
        ("", ""),
        ("---", ""),
        ("🙂🙂", ""),
    ],
)
def test_what_varies_goes(text: str, template: str) -> None:
    assert template_of(text) == template


def test_of_a_stack_trace_the_error_is_taken() -> None:
    python = "Traceback (most recent call last):\n  File \"/srv/a.py\", line 3, in f\n    x()\nKeyError: 'email'\n"
    assert template_of(python) == "KeyError: <*>"
    java = (
        "java.lang.IllegalStateException: pool 3 exhausted\n\tat com.x.Y.z(Y.java:3)\n"
        "Caused by: java.io.IOException: closed"
    )
    assert template_of(java) == "IllegalStateException: pool <*> exhausted"


def test_the_lines_a_machine_wrote_are_found_in_a_ticket() -> None:
    ticket = "Hello,\nthe export fails:\nExportError: row 17 of report 8 is broken\nPlease help!"
    assert error_lines(ticket) == ["ExportError: row 17 of report 8 is broken"]
    assert error_lines("All is well.") == []
    assert error_lines("Hi\nIt says: “Server error 500 on dashboard 7”\nBye") == ["Server error 500 on dashboard 7"]


@given(st.text(max_size=400))
def test_any_text_has_a_template_and_always_the_same(text: str) -> None:
    assert template_of(text) == template_of(text)
    assert "\x00" not in template_of(text)


def test_long_and_hostile_lines_are_cut() -> None:
    for piece in ("a", "/a", "1 ", "a=", "a.", '"', "[(", "\x00", "aaaaaaaa:", "-", "user "):
        assert len(template_of(piece * 200_000)) <= 6_000


def test_names_that_vary_are_one_template() -> None:
    lines = [f"hive {name} was loaded from the registry" for name in ("SOFTWARE", "SYSTEM", "SECURITY", "SAM")]
    assert len(set(Templates().assign(lines))) == 1


def test_plain_words_are_not() -> None:
    lines = [f"the virtual machine was {word} by its owner" for word in ("started", "stopped", "paused", "resumed")]
    assert len(set(Templates().assign(lines))) == 4


def test_short_messages_stay_apart() -> None:
    assert len(set(Templates().assign(["Link error", "Link ok", "Link lost", "Link found"]))) == 4


def test_what_was_assigned_stays_and_an_open_slot_takes_more() -> None:
    templates = Templates()
    names = [f"node{letter}X" for letter in "abcdefgh"]
    lines = [f"no answer from any {name} at all today" for name in names]
    one_by_one = [templates.assign([line])[0] for line in lines]
    assert templates.assign(lines) == one_by_one
    assert one_by_one[:3] == [1, 2, 3]
    assert set(one_by_one[3:]) == {1}


LINE = st.lists(
    st.sampled_from(["error", "in", "PoolA", "PoolB", "PoolC", "PoolD", "7", "x=3", "closed", "opened"]), max_size=7
).map(" ".join)


@given(st.lists(LINE, max_size=30), st.lists(LINE, max_size=10), st.lists(LINE, max_size=10))
def test_what_comes_later_changes_nothing(before: list[str], one: list[str], other: list[str]) -> None:
    first, second = Templates(), Templates()
    assert first.assign(before) == second.assign(before)
    first.assign(one)
    second.assign(other)
    assert first.assign(before) == second.assign(before)


@given(st.lists(st.lists(LINE, max_size=8), max_size=6))
def test_what_is_restored_goes_on_alike(batches: list[list[str]]) -> None:
    straight = Templates()
    for batch in batches:
        straight.assign(batch)
    again = Templates()
    for template, group in straight.templates():
        again.restore(template, group)
    lines = [line for batch in batches for line in batch]
    assert again.assign(lines) == straight.assign(lines)
