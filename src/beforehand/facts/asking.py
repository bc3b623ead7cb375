"""Asking the engine for one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb


def first(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] | None = None
) -> tuple[Any, ...] | None:
    """The first row of a query, or None.

    Fetches to the end: `fetchone` leaves the result open, and DuckDB then refuses to register a table.
    """
    rows = (
        connection.execute(sql, parameters).fetchall() if parameters is not None else connection.execute(sql).fetchall()
    )
    return rows[0] if rows else None


def only(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] | None = None
) -> tuple[Any, ...]:
    """The one row of a query that always has one."""
    row = first(connection, sql, parameters)
    assert row is not None, sql
    return row
