"""What we do about an alert: a journal per run, its next move, its guards. Pure; it sends nothing by itself."""

from beforehand.playbooks.book import Book
from beforehand.playbooks.guards import Asked, Kept, arm_of, kept_back
from beforehand.playbooks.matching import find_resource
from beforehand.playbooks.moves import (
    MOST_LINES,
    Act,
    Ask,
    End,
    Go,
    Line,
    Move,
    Seen,
    Stuck,
    Wait,
    WaitFor,
    next_move,
    position,
    waiting,
)
from beforehand.playbooks.templates import render

__all__ = [
    "MOST_LINES",
    "Act",
    "Ask",
    "Asked",
    "Book",
    "End",
    "Go",
    "Kept",
    "Line",
    "Move",
    "Seen",
    "Stuck",
    "Wait",
    "WaitFor",
    "arm_of",
    "find_resource",
    "kept_back",
    "next_move",
    "position",
    "render",
    "waiting",
]
