"""JSON Schema of each file of a workspace, for editors: made from the models, shipped with the package.

`python -m beforehand.workspace.schemas` writes them anew after a model has changed; a test keeps them current.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NAMES = ("beforehand", "events", "metrics", "outcomes", "playbook", "resource", "routes", "signal", "team")


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind of file, made from its model."""
    from pydantic import TypeAdapter

    from beforehand.workspace.playbook_spec import PlaybookSpec, ResourceSpec
    from beforehand.workspace.route_spec import RoutesSpec
    from beforehand.workspace.spec import EventsSpec, MetricSpec, OutcomeSpec, SettingsSpec, SignalSpec
    from beforehand.workspace.team_spec import TeamSpec

    written: dict[str, Any] = {
        "beforehand": SettingsSpec,
        "events": EventsSpec,
        "metrics": dict[str, MetricSpec],
        "outcomes": dict[str, OutcomeSpec],
        "playbook": PlaybookSpec,
        "resource": ResourceSpec,
        "routes": RoutesSpec,
        "signal": SignalSpec,
        "team": TeamSpec,
    }
    made: dict[str, Any] = TypeAdapter(written[name]).json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def text(name: str) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema(name), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def lay(folder: Path) -> None:
    """Copies the shipped schemas into a folder where editors find them, rewriting only what differs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        shipped = (HERE / f"{name}.json").read_bytes()
        target = folder / f"{name}.json"
        if not target.is_file() or target.read_bytes() != shipped:
            target.write_bytes(shipped)
