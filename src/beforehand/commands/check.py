"""`check`: every problem in the files at once, the cases run, and each sentence said back in plain words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from beforehand.commands.holding import holding
from beforehand.commands.people import failing_expectations
from beforehand.errors import Problem, Problems
from beforehand.signals import echo, run_cases
from beforehand.workspace import schemas
from beforehand.workspace.folder import Folder, examine
from beforehand.workspace.people import ROUTES, TEAM

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

OWN_ZONE = " Periods are in the time zone of each account."


def check(ws: Workspace, now: datetime) -> dict[str, Any]:
    """Reads and checks the whole workspace, and says where its signals hold as of `now` (aware) or the newest fact.

    Returns `{"problems": [], "signals": [{"signal", "file", "mode", "echo", "cases", "holds_now"}], "facts", "hints"}`:
    `cases` is how many passed, `holds_now` is `{"as_of", "holds", "of", "what", "examples"}` or null, `facts` says why
    null, `hints` are notes on what is suggested only, and on what the facts say about the settings.
    Raises `Problems` with every problem at once; a failing case is one.
    """
    folder, problems = examine(ws.root)
    _lay_schemas(ws)
    # What does not stand cannot be tried: cases of routes wait until the files about people are right.
    wrong = {problem.file for problem in problems}
    expected = [] if wrong & {TEAM, ROUTES} else failing_expectations(folder)
    problems = sorted([*problems, *failing_cases(folder), *expected], key=lambda p: (p.file, p.line or 0))
    if problems:
        raise Problems(problems)
    where, note, hints = holding(ws, folder, now)
    signals = [
        {
            "signal": name,
            "file": folder.written[name].file,
            "mode": signal.mode,
            "echo": echo(signal.sentence, folder.vocabulary) + (OWN_ZONE if signal.own_zone else ""),
            "cases": len(folder.specs[name].cases),
            "holds_now": where.get(name),
        }
        for name, signal in folder.signals.items()
    ]
    return {"problems": [], "signals": signals, "facts": note, "hints": [*_without_playbook(folder), *hints]}


def _without_playbook(folder: Folder) -> list[str]:
    """Responses of the library that signals suggest and that have no file, where there are playbooks at all."""
    named = folder.shelf.named
    asked = {spec.playbook for spec in folder.specs.values() if spec.playbook is not None}
    missing = [] if named is None else sorted(asked - named)
    if not missing:
        return []
    said = "a playbook that is" if len(missing) == 1 else "playbooks that are"
    return [f"Signals name {said} not in playbooks/, and so only suggested: {', '.join(missing)}."]


def failing_cases(folder: Folder) -> list[Problem]:
    """Every case that is not well written or does not fire as it says, with its line."""
    problems = []
    for name, signal in folder.signals.items():
        written = folder.written[name]
        for wrong in run_cases(signal, folder.specs[name].cases, folder.vocabulary, folder.signals):
            at = ("cases", wrong.case, *((wrong.key,) if wrong.key else ()))
            problems.append(Problem(written.file, written.line(at), "failing-case", wrong.message, wrong.hint))
    return problems


def _lay_schemas(ws: Workspace) -> None:
    """Puts the schemas of this version where the files of the workspace point editors; a fresh clone has none."""
    try:
        schemas.lay(ws.data / "schemas")
    except OSError:
        return  # a folder that may not be written to is checked all the same
