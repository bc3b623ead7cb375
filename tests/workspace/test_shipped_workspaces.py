"""Every workspace in the repository checks: the starter, the simulation's, the examples'."""

from pathlib import Path

import pytest

import beforehand.simulate
from beforehand.commands.check import failing_cases
from beforehand.workspace.folder import examine

ROOT = Path(__file__).parent.parent.parent
SHIPPED = [
    Path(beforehand.simulate.__file__).parent / "folder",
    *sorted(path.parent for path in (ROOT / "examples").glob("*/workspace/beforehand.yaml")),
]


@pytest.mark.parametrize("root", SHIPPED, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_shipped_workspace_has_no_problems(root: Path) -> None:
    folder, problems = examine(root)
    assert [str(p) for p in (*problems, *failing_cases(folder))] == []
    assert len(folder.signals) >= 5
