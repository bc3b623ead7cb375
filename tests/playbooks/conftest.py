"""What the tests of this room share: `playbook_world.Told`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that the tests beside this find `playbook_world`

from playbook_world import Told


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """A workspace in which `globex` stops logging in."""
    return Told(tmp_path / "w")
