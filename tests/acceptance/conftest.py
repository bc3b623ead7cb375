"""What the tests told in time share: `living.World`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that the tests beside this find `living`

from living import World, new_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A new workspace without signals."""
    return new_world(tmp_path / "w")
