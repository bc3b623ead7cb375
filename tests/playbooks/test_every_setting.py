"""No step and no setting of a playbook or resource is half there: each is read by the code, told and tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from beforehand.workspace import playbook_check, playbook_spec, playbooks
from beforehand.workspace.playbook_spec import (
    STEPS,
    CapSpec,
    FixesSpec,
    HoldoutSpec,
    PlaybookSpec,
    ResourceSpec,
    TriggerSpec,
)

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "write-a-playbook.md").read_text()
REFERENCE = (ROOT / "docs" / "reference" / "files.md").read_text()
READERS = [Path(str(module.__file__)) for module in (playbook_check, playbook_spec, playbooks)]
CODE = "\n".join(
    path.read_text() for path in sorted((ROOT / "src" / "beforehand").rglob("*.py")) if path not in READERS
)
TESTS = "\n".join(path.read_text() for path in sorted(Path(__file__).parent.glob("*.py")) if path != Path(__file__))
TESTS = TESTS.replace("\\n", "\n")  # lines of files that are written in one text
MODELS: dict[str, type[BaseModel]] = {
    "playbook": PlaybookSpec, "when": TriggerSpec, "holdout": HoldoutSpec, "cap": CapSpec, "resource": ResourceSpec,
    "fixes": FixesSpec, **STEPS,
}  # fmt: skip
SETTINGS = [(of, name) for of, model in MODELS.items() for name in model.model_fields]
READ_BY_KIND = ("fixes",)
"""Of these the settings are looked up by their names: `matching.KINDS`."""


def written(of: str, name: str) -> str:
    """A setting as people write it."""
    return MODELS[of].model_fields[name].alias or name


@pytest.mark.parametrize(("of", "name"), SETTINGS)
def test_every_setting_has_an_executor(of: str, name: str) -> None:
    from beforehand.playbooks.matching import KINDS

    if of in READ_BY_KIND:
        assert written(of, name) in KINDS
    else:
        assert re.search(rf"\.{name}\b", CODE), f"nothing outside the check reads {of}.{name}"


@pytest.mark.parametrize(("of", "name"), SETTINGS)
def test_every_setting_is_told_in_the_reference(of: str, name: str) -> None:
    assert f"`{written(of, name)}`" in REFERENCE and MODELS[of].model_fields[name].description


@pytest.mark.parametrize("kind", STEPS)
def test_every_step_has_its_line_in_the_how_to_with_all_it_may_say(kind: str) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
    besides = {written(kind, name) for name in STEPS[kind].model_fields} - {kind, "step", "then"}
    assert {key for key in besides if f"`{key}`" in line} == besides


@pytest.mark.parametrize(("of", "name"), SETTINGS)
def test_every_setting_is_used_by_a_test(of: str, name: str) -> None:
    assert re.search(rf"""(?<![\w-]){re.escape(written(of, name))}["']?: """, TESTS), "no test of this room writes it"


@pytest.mark.parametrize("kind", STEPS)
def test_every_step_is_done_by_a_run_in_a_test(kind: str) -> None:
    names = ("test_steps_in_time.py", "test_told_in_time.py", "test_offer_resource.py")
    told = "\n".join((Path(__file__).parent / name).read_text() for name in names)
    assert re.search(rf"(?<![\w-]){kind}: ", told), f"{kind} is not told in time"
