"""The JSON Schemas that editors use say the same as the models."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from beforehand.commands.init import PACK, STARTER
from beforehand.workspace import schemas
from beforehand.workspace.yaml_file import read_yaml

KIND_OF = {
    "beforehand.yaml": "beforehand", "metrics.yaml": "metrics", "outcomes.yaml": "outcomes", "events.yaml": "events",
    "signals": "signal", "playbooks": "playbook", "resources": "resource", "team.yaml": "team", "routes.yaml": "routes",
}  # fmt: skip


def validator(name: str) -> Draft202012Validator:
    shipped: Any = json.loads((schemas.HERE / f"{name}.json").read_text())
    Draft202012Validator.check_schema(shipped)
    return Draft202012Validator(shipped)


@pytest.mark.parametrize("name", schemas.NAMES)
def test_the_shipped_schema_is_current(name: str) -> None:
    assert (schemas.HERE / f"{name}.json").read_text() == schemas.text(name), "run `make docs`"


@pytest.mark.parametrize(
    ("root", "path"),
    [(root, path.relative_to(root)) for root in (STARTER, PACK) for path in sorted(root.rglob("*.yaml"))],
    ids=lambda p: p.name,
)
def test_what_init_writes_is_right_by_its_schema_and_points_to_it(root: Path, path: Path) -> None:
    name = KIND_OF[path.parent.name or path.name]
    data = read_yaml(root, str(path)).data
    if name == "beforehand":
        data["name"] = "text"  # the template has a place here that `init` fills
    assert list(validator(name).iter_errors(data)) == []
    up = "../" if path.parent.name else ""
    first = (root / path).read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={up}.beforehand/schemas/{name}.json"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("signal", {"signal": "a"}),
        ("signal", {"signal": "a", "when": "x", "sevrity": "high"}),
        ("signal", {"signal": "A b", "when": "x"}),
        ("signal", {"signal": "a", "when": {"all of": "x"}}),
        ("signal", {"signal": "a", "when": {"all of": ["x"], "any of": ["y"]}}),
        ("signal", {"signal": "a", "when": "x", "delay_in": 0}),
        ("metrics", {"a": {"count": "event"}}),
        ("metrics", {"a": {"count": "events", "sum": "invoices"}}),
        ("metrics", {"a": {"says": ["x"]}}),
        ("outcomes", {"quiet": {}}),
        ("beforehand", {"zon": "UTC"}),
    ],
)
def test_the_schema_refuses_what_the_models_refuse(name: str, wrong: dict[str, Any]) -> None:
    assert list(validator(name).iter_errors(wrong))
