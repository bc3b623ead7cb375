"""Exports of other systems read as rows of facts: one file per system. What rows mean is not decided here."""

from beforehand.sources.recognising import KINDS, files_of, recognise
from beforehand.sources.row import Row

__all__ = ["KINDS", "Row", "files_of", "recognise"]
