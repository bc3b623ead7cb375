"""Which table the rows of a file are of, by its columns, where nobody says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from beforehand.facts.files import first_columns

# Columns that rows of one table have and those of no other; all of a set must be there.
_TELLING = (
    ("messages", ({"conversation", "text"}, {"direction", "text"}, {"message", "text"})),
    ("tickets", ({"ticket", "status"}, {"ticket", "subject"}, {"status", "priority", "subject"})),
)


def table_of(path: Path, written: Mapping[str, str]) -> str | None:
    """`messages` or `tickets` where the columns of a file or its mapping are theirs, and no `event` is among them."""
    columns = first_columns(path) | set(written)
    if "event" in columns:
        return None
    return next((table for table, sets in _TELLING if any(needed <= columns for needed in sets)), None)
