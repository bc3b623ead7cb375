"""Signals of the library about conversations, told in time: silence after anger, a ticket about to go wrong."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from living import MONDAY, World

from beforehand import cli

DAY = timedelta(days=1)
ANGRY = "This is useless and broken. Nobody answers. Terrible, terrible service."
CALM = "Hello, thanks a lot, it works again. Great help!"


@pytest.fixture
def packed(tmp_path: Path) -> World:
    """The library's workspace with the two signals alone."""
    root = tmp_path / "company"
    argv = ["beforehand", "init", str(root), "--pack"]
    with (
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        cli.main()
    for path in (root / "signals").glob("*.yaml"):
        if path.stem not in ("silent-after-anger", "about-to-go-wrong"):
            path.unlink()
    for name in ("playbooks", "resources"):  # they name the other signals
        shutil.rmtree(root / name, ignore_errors=True)
    return World(root)


def rows(world: World, table: str, given: list[dict[str, object]], *options: object) -> None:
    path = world.root / f"{table}.jsonl"
    path.write_text("\n".join(map(json.dumps, given)), encoding="utf-8")
    world.call("load", path, "--as", table, *options)


def message(who: str, day: float, text: str, **more: object) -> dict[str, object]:
    account = who.split("@")[1]
    return {"id": f"{who}{day}", "account": account, "person": who, "direction": "in", "text": text,
            "at": (MONDAY + day * DAY).isoformat(), **more}  # fmt: skip


def test_who_is_angry_and_writes_no_more_is_told_when_two_weeks_are_over(packed: World) -> None:
    said = [message(who, 0.4, CALM) for who in ("a@left.com", "a@wrote.com", "a@calm.com")]
    said += [message(who, 10.4, ANGRY) for who in ("a@left.com", "a@wrote.com")]
    # Somebody else's letter is no answer of hers; her own is, whatever it says.
    said += [message("b@left.com", 15.4, CALM), message("a@wrote.com", 23.4, ANGRY), message("a@calm.com", 10.4, CALM)]
    rows(packed, "messages", said, "--learned", "occurred")
    packed.run(MONDAY + 24 * DAY)
    assert packed.alerts() == []
    packed.run(MONDAY + 25 * DAY)
    assert [(a["account"], a["signal"]) for a in packed.alerts()] == [("left.com", "silent-after-anger")]


def test_a_ticket_is_told_on_the_day_on_which_its_points_reach_five(packed: World) -> None:
    states = [("open", 0.4), ("solved", 1.4), ("open", 2.4), ("solved", 3.4), ("open", 4.4)]
    begun = (MONDAY + 0.4 * DAY).isoformat()
    versions: list[dict[str, object]] = [
        {"id": "7", "account": "acme.com", "at": begun, "learned": (MONDAY + day * DAY).isoformat(), "status": status}
        for status, day in states
    ]
    rows(packed, "tickets", versions)
    words = [message("a@acme.com", 4.5, "The export stops at half.", conversation="7")]
    rows(packed, "messages", words, "--learned", "occurred")
    packed.run(MONDAY + 5 * DAY)
    assert packed.alerts() == []  # opened again twice: 4
    packed.run(MONDAY + 6 * DAY)  # and no answer for more than a day: 5
    assert [(a["account"], a["signal"], a["scope"]) for a in packed.alerts()] == [
        ("acme.com", "about-to-go-wrong", "7")
    ]
