"""`text group`: JSON lines in and out without a workspace, bad lines told with their numbers."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from beforehand.cli import app
from beforehand.commands.text_group import group
from beforehand.errors import InputError, Problems

LINES = [
    {"id": "a", "text": "CSV export hangs at 99 percent", "account": "acme", "person": "jo", "at": "2026-01-02"},
    {"id": "b", "text": ""},
    {"id": 3, "text": "the export to CSV hangs again at 99 percent", "at": 1767400000},
    {"id": "d", "text": "Single sign-on with Okta loops back to the login page", "at": "nonsense"},
]


def rows(lines: list[Any], **more: Any) -> list[dict[str, Any]]:
    raw = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    return [
        {key: value for key, value in row.items() if not key.startswith("_")}
        for row in group(None, "-", standard_input=io.BytesIO(raw), **more)
    ]


def test_a_row_for_each_message_as_the_contract_says() -> None:
    found = rows(LINES)
    assert [row["id"] for row in found] == ["a", "b", 3, "d"]
    assert [row["group"] for row in found] == [1, None, 1, 2]
    assert all(set(row) == {"id", "group", "name"} for row in found)
    assert found[0]["name"] == found[2]["name"]
    assert found[1]["name"] is None


def test_log_lines_are_grouped_by_their_template() -> None:
    lines = [{"id": at, "text": f"Session {at}_77 initialized by client Agent in {at} ms"} for at in range(9)]
    found = rows([*lines, {"id": "x", "text": "Connection from 10.0.0.1:77 closed"}])
    assert [row["group"] for row in found] == [1] * 9 + [2]
    assert found[0]["name"] == "Session <*> initialized by client Agent in <*>"
    assert len({row["group"] for row in rows(lines, kind="tickets")}) >= 1


def test_bad_lines_and_kinds() -> None:
    with pytest.raises(Problems):
        rows([*LINES, "no json"])
    with pytest.raises(InputError, match="no kind"):
        rows(LINES, kind="ticket")


def test_the_command_reads_standard_input() -> None:
    raw = "\n".join(json.dumps(line) for line in LINES)
    ran = CliRunner().invoke(app, ["text", "group", "-", "--json"], input=raw)
    assert ran.exit_code == 0, ran.output
    assert [json.loads(line)["group"] for line in ran.stdout.splitlines()] == [1, None, 1, 2]
    shown = CliRunner().invoke(app, ["text", "group", "-"], input=raw)
    assert "4 messages" in shown.output
    assert "2 groups" in shown.output
