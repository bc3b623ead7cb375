"""Names and values as they stand in SQL."""

from __future__ import annotations


def name(text: str) -> str:
    """An identifier, quoted, so that a column may be called `at`, `order` or anything else."""
    return '"' + text.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"
