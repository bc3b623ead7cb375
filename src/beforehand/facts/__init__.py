"""What customers did, when it happened and when we learned it; durable, once, bad rows quarantined."""

from beforehand.facts.facts import Facts
from beforehand.facts.loading import Loaded
from beforehand.facts.mapping import read_mapping
from beforehand.facts.subjects import Subjects

__all__ = ["Facts", "Loaded", "Subjects", "read_mapping"]
