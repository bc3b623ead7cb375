"""Sentences made from receipts: the story of an alert."""

from beforehand.story.receipt import Aggregate, Query, Receipt, Value

__all__ = ["Aggregate", "Query", "Receipt", "Value"]
