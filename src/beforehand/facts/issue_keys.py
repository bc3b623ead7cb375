"""By what the tickets of one issue are known where rows are counted: their category, or what their words mean."""

from __future__ import annotations

from typing import Literal

import duckdb

from beforehand.facts.asking import only

First = Literal["category", "meaning"]
KEYS: dict[str, First] = {"issue": "category", "meaning": "meaning"}
"""The keys of questions about an issue, and what each looks at first."""


def issue_key(ticket: str, first: First) -> str:
    """The SQL of the text that says which issue a row is of; `ticket` is the column with the id of its ticket.

    By meaning it is the number of the issue and its own words, neither of which ever changes by itself. What is looked
    at first counts, the other where that is missing. `issues.ensure` makes the tables it reads.
    """
    meant = (
        "(SELECT concat('#', of_issue.issue, ' ', of_issue.name) FROM issue_tickets AS of_ticket JOIN issue_keys AS "
        "of_issue ON of_issue.raw = of_ticket.issue WHERE of_ticket.ticket_source = source "
        f"AND of_ticket.ticket_id = {ticket})"
    )
    given = "nullif(category, '')"
    return f"coalesce({given}, {meant})" if first == "category" else f"coalesce({meant}, {given})"


def changes(connection: duckdb.DuckDBPyConnection) -> int:
    """How often people merged and split issues."""
    return int(only(connection, "SELECT count(*) FROM issue_marks WHERE kind <> 'rename'")[0])
