"""Mentions: what customers wrote that has one of the phrases. A row for each such message, ticket or survey."""

from __future__ import annotations

import duckdb

from beforehand.facts.derived.phrases import pattern
from beforehand.facts.derived.recipe import TEXTS, Recipe
from beforehand.facts.derived.tables import Kept, append, what
from beforehand.facts.quoting import text

FROM_CUSTOMER = (
    "in", "inbound", "incoming", "received", "receive", "customer", "from customer", "client", "from client", "user",
    "end user", "contact", "requester", "visitor", "lead", "customer reply",
)  # fmt: skip
"""Directions that mean that the customer wrote."""
FROM_US = (
    "out", "outbound", "outgoing", "sent", "send", "agent", "from us", "us", "teammate", "team", "admin", "operator",
    "support", "staff", "internal", "note", "company", "system", "bot", "automated", "to customer",
)  # fmt: skip
"""Directions that mean that we did."""


def refresh(connection: duckdb.DuckDBPyConnection, table: Kept, recipe: Recipe) -> None:
    """Adds the rows of what arrived since; part of a transaction. Versions of a ticket come with their signs."""
    looked_for = text(pattern(recipe.phrases))
    found = " OR ".join(f"coalesce(regexp_matches(f.{column}, {looked_for}), false)" for column in TEXTS[recipe.table])
    said = f" AND {from_customer('f')}" if recipe.table == "messages" else ""
    append(
        connection,
        table,
        f"SELECT {what(recipe, 'f')}, epoch_us(f.occurred_at) AS at_us, epoch_us(f.occurred_at) + f.delay AS "
        f"learned_us, {'f.sign' if recipe.versioned else '1'} AS sign FROM {recipe.table} f "
        f"WHERE f.stored_seq > {table.watermark} AND {recipe.condition_sql}{said} AND ({found})",
    )


def from_customer(of: str) -> str:
    """SQL for whether a message is the customer's.

    By its direction; where that says nothing we know, by whether the person is someone at the account.
    """
    said = f"replace(replace(lower(trim({of}.direction)), '_', ' '), '-', ' ')"
    theirs, ours = (", ".join(text(word) for word in words) for words in (FROM_CUSTOMER, FROM_US))
    return (
        f"CASE WHEN {said} IN ({theirs}) THEN true WHEN {said} IN ({ours}) THEN false ELSE {of}.member IS NOT NULL END"
    )
