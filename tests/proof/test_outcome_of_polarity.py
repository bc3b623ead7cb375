"""Which outcome a signal is proven against."""

from __future__ import annotations

from pathlib import Path

import pytest

from beforehand.commands.proving import outcome_of
from beforehand.errors import InputError
from beforehand.workspace.folder import read_folder


def test_growth_is_proven_against_its_own_outcome(tmp_path: Path) -> None:
    settings = {"outcome": "escalated", "growth_outcome": "advocate"}
    text = "".join(f"{key}: {value}\n" for key, value in settings.items())
    (tmp_path / "beforehand.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "metrics.yaml").write_text("logins: {count: events}\n", encoding="utf-8")
    (tmp_path / "signals").mkdir()
    for name, more in {"risk": "", "growth": "polarity: growth\n", "own": "outcome: churned\n"}.items():
        text = f"signal: {name}\nwhen: logins below 2\n{more}"
        (tmp_path / "signals" / f"{name}.yaml").write_text(text, encoding="utf-8")
    folder = read_folder(tmp_path)
    found = {name: outcome_of(folder, signal, None) for name, signal in folder.signals.items()}
    assert found == {"risk": "escalated", "growth": "advocate", "own": "churned"}
    assert outcome_of(folder, folder.signals["growth"], "renewed") == "renewed"
    with pytest.raises(InputError, match="not an outcome"):
        outcome_of(folder, folder.signals["growth"], "nothing")
