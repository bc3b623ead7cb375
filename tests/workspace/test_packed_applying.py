"""Which of the library's signals have something to count in a workspace, as the examples on real data choose them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from beforehand.commands import Workspace
from beforehand.commands.init import init

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def test_before_any_letter_or_ticket_none_that_reads_them_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from packed import applying

    init(tmp_path / "w", pack=True)
    ws = Workspace(tmp_path / "w")
    assert list(applying(ws)) == []
    rows = "".join(f"acme,ada,login,2026-0{m}-0{d}T10:00:00Z\n" for m in (1, 2) for d in range(1, 10))
    (tmp_path / "e.csv").write_text("account,person,event,at\n" + rows, encoding="utf-8")
    ws.load([tmp_path / "e.csv"])
    chosen = set(applying(ws))
    assert "login-frequency-drop" in chosen
    assert not chosen & {"about-to-go-wrong", "turned-terse", "account-turned-cold", "ticket-burst"}
    sys.modules.pop("packed")
