"""`signals`: the signals of the workspace by group, with their mode and where each holds now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from beforehand.commands.holding import holding
from beforehand.commands.library import known_group, suggested
from beforehand.library import GROUPS

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace


def signals(ws: Workspace, now: datetime, *, group: str | None = None) -> dict[str, Any]:
    """Every signal, those of a group of the library first, the others after them, as of `now` or the newest fact.

    Returns `{"groups": {name: heading}, "signals": [{"signal", "group", "mode", "severity", "polarity", "sentence",
    "why", "source", "playbook", "file", "holds_now"}], "facts"}`; `holds_now` is `{"as_of", "holds", "of", "what",
    "examples"}` or null, `facts` says why null. Raises InputError for a group there is none of.
    """
    known_group(group)
    folder = ws.folder
    where, note, _ = holding(ws, folder, now)
    order = [*GROUPS, None]
    rows = []
    for name in sorted(folder.signals, key=lambda n: (order.index(folder.specs[n].group), n)):
        spec, signal = folder.specs[name], folder.signals[name]
        if group is None or spec.group == group:
            rows.append({
                "signal": name, "group": spec.group, "mode": spec.mode, "severity": spec.severity,
                "polarity": spec.polarity, "sentence": signal.text, "why": spec.why, "source": spec.source,
                "playbook": suggested(spec.playbook), "file": folder.written[name].file, "holds_now": where.get(name),
            })  # fmt: skip
    return {"groups": dict(GROUPS), "signals": rows, "facts": note}
