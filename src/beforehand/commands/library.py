"""`library`: the signals that ship with Beforehand, with what each was worth on the simulated company."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from beforehand import library as shipped
from beforehand.errors import InputError, Problems, among

if TYPE_CHECKING:
    from beforehand.workspace import Folder


def library(group: str | None = None) -> dict[str, Any]:
    """The signals of the pack, by group, as `init --pack` writes them.

    Returns `{"groups": {name: heading}, "measured": {"command", "accounts", "days", "seed"}, "signals": [{"signal",
    "group", "sentence", "clear", "severity", "polarity", "why", "source", "playbook", "outcome", "horizon_days",
    "record"}]}`; `playbook` is `{"name", "text"}`, `record` a row of `backtest` over the simulated company, or null
    where it could not be judged there. Raises InputError for a group there is none of.
    """
    known_group(group)
    folder = pack()
    measured = shipped.records()
    found = []
    for name in sorted(folder.signals, key=lambda n: (list(shipped.GROUPS).index(str(folder.specs[n].group)), n)):
        spec, signal = folder.specs[name], folder.signals[name]
        if group is None or spec.group == group:
            horizon = spec.horizon or folder.settings.horizon
            usual = folder.settings.outcome if spec.polarity == "risk" else folder.settings.growth_outcome
            found.append({
                "signal": name, "group": spec.group, "sentence": signal.text, "clear": spec.clear,
                "severity": spec.severity, "polarity": spec.polarity, "why": spec.why, "source": spec.source,
                "playbook": suggested(spec.playbook), "outcome": spec.outcome or usual, "horizon_days": horizon.days,
                "record": measured["signals"].get(name),
            })  # fmt: skip
    return {"groups": dict(shipped.GROUPS), "measured": measured["measured"], "signals": found}


def suggested(playbook: str | None) -> dict[str, str] | None:
    """A response by its name, with what it says where the library knows it."""
    if playbook is None:
        return None
    known = shipped.playbooks().get(playbook)
    return {"name": playbook, "text": known.text if known else ""}


def known_group(group: str | None) -> None:
    """InputError for a name that is no group of signals."""
    if group is not None and group not in shipped.GROUPS:
        raise InputError(f"{group!r} is no group of signals.", among(group, shipped.GROUPS), "unknown-group")


@cache
def pack() -> Folder:
    """The pack as a workspace, read once; what is wrong in it would be a fault of the package."""
    from beforehand.workspace.folder import examine

    folder, problems = examine(shipped.PACK)
    if problems:
        raise Problems(problems)
    return folder
