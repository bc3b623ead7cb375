"""Every workspace in the repository checks: the library's pack, the examples'."""

import shutil
from pathlib import Path

import pytest

from beforehand.commands.check import failing_cases
from beforehand.commands.init import init
from beforehand.library import PACK
from beforehand.workspace.folder import examine

ROOT = Path(__file__).parent.parent.parent
SHIPPED = [
    PACK,
    *sorted(path.parent for path in (ROOT / "examples").glob("*/workspace/beforehand.yaml")),
]


PACKED = sorted((ROOT / "examples").glob("*/packed"))


@pytest.mark.parametrize("own", PACKED, ids=lambda p: p.parent.name)
def test_the_library_over_an_example_has_no_problems(own: Path, tmp_path: Path) -> None:
    init(tmp_path / "w", pack=True)
    shutil.copytree(own, tmp_path / "w", dirs_exist_ok=True)
    folder, problems = examine(tmp_path / "w")
    assert [str(p) for p in problems] == []
    assert folder.events["login"] and len(folder.signals) >= 30


@pytest.mark.parametrize("root", SHIPPED, ids=lambda p: str(p.relative_to(ROOT)) if p.is_relative_to(ROOT) else p.name)
def test_a_shipped_workspace_has_no_problems(root: Path) -> None:
    folder, problems = examine(root)
    assert [str(p) for p in (*problems, *failing_cases(folder))] == []
    assert len(folder.signals) >= 5
