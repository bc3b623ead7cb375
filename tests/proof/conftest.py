"""What the acceptance tests of the proof share: `making.Made`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that the tests beside this find `making`

from making import Made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A new workspace without signals and facts."""
    return Made(tmp_path / "w")
