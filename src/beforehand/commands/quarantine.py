"""`quarantine`: rows that could not be loaded, and trying them again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace


def quarantine(ws: Workspace, limit: int | None = None) -> dict[str, Any]:
    """The rows in quarantine, oldest load first, at most `limit` of them; `total` counts all."""
    from beforehand.facts import quarantine as room

    with ws.facts() as facts:
        rows, total = room.listed(facts, limit)
    return {"rows": rows, "total": total}


def retry(ws: Workspace, now: datetime | None = None) -> dict[str, Any]:
    """Tries every row in quarantine again, mapped as before, with the settings of now; those that pass are loaded."""
    from beforehand.facts import retrying

    with ws.facts() as facts:
        tried, loaded, left = retrying.retry(facts, now)
    return {"tried": tried, "loaded": loaded, "total": left}


def drop(ws: Workspace, file: Path | None = None) -> dict[str, Any]:
    """Gives up the rows of a file, or of all: they are gone."""
    from beforehand.facts import quarantine as room

    with ws.facts() as facts:
        dropped, left = room.drop(facts, file)
    return {"dropped": dropped, "total": left}
