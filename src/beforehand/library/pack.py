"""The files of the pack, the responses its signals suggest, and its records on the simulated company."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PACK = Path(str(files(__package__) / "pack"))
GROUPS = {
    "usage": "Usage",
    "friction": "Friction",
    "relationship": "Relationship and conversation",
    "money": "Money and growth",
}


@dataclass(frozen=True)
class Playbook:
    """A suggested response: who does what, and with what."""

    name: str
    who: str
    does: str
    uses: str

    @property
    def text(self) -> str:
        """The response in one line."""
        return f"{self.who} {self.does}. With: {self.uses}."


@cache
def playbooks() -> dict[str, Playbook]:
    """The responses that the pack's signals suggest, by name."""
    written: dict[str, Any] = YAML(typ="safe", pure=True).load(
        (files(__package__) / "playbooks.yaml").read_text(encoding="utf-8")
    )
    return {name: Playbook(name, said["who"], said["does"], said["uses"]) for name, said in written.items()}


@cache
def records() -> dict[str, Any]:
    """What was measured on the simulated company: `{"command", "signals": {name: figures}, "kinds": [...]}`."""
    found: dict[str, Any] = json.loads((files(__package__) / "records.json").read_text(encoding="utf-8"))
    return found
