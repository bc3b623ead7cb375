"""What the tests of facts share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that the tests beside this find `plain_made`

from beforehand.facts import Facts
from beforehand.workspace.spec import SettingsSpec

Open = Callable[..., Facts]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the facts of one workspace, with settings; what is open at the end is closed."""
    kept: list[Facts] = []

    def open_facts(*, derived: dict[str, Any] | None = None, **settings: Any) -> Facts:
        while kept:
            kept.pop().close()
        facts = Facts.open(tmp_path / ".beforehand" / "facts.duckdb", SettingsSpec(**settings), derived)
        kept.append(facts)
        return facts

    yield open_facts
    while kept:
        kept.pop().close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file beside the workspace."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file
