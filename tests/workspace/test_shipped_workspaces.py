"""Every workspace in the repository checks: the library's pack, the examples'."""

from pathlib import Path

import pytest

from beforehand.commands.check import failing_cases
from beforehand.library import PACK
from beforehand.workspace.folder import examine

ROOT = Path(__file__).parent.parent.parent
SHIPPED = [
    PACK,
    *sorted(path.parent for path in (ROOT / "examples").glob("*/workspace/beforehand.yaml")),
]


@pytest.mark.parametrize("root", SHIPPED, ids=lambda p: str(p.relative_to(ROOT)) if p.is_relative_to(ROOT) else p.name)
def test_a_shipped_workspace_has_no_problems(root: Path) -> None:
    folder, problems = examine(root)
    assert [str(p) for p in (*problems, *failing_cases(folder))] == []
    assert len(folder.signals) >= 5
