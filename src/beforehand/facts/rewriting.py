"""Versioned tables that are made from facts: what one does not say yet is added, what is no longer so is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from beforehand.facts.asking import only
from beforehand.facts.schema import NUMBER, Shape


def rewrite(connection: duckdb.DuckDBPyConnection, shape: Shape, rows: Sequence[tuple[Any, ...]], part: str) -> None:
    """Makes a part of a table say these rows and no others; what it says already stays as it was written.

    A row is source, id, account, member, when it was known (UTC microseconds), then the columns of the shape. `part` is
    SQL behind `FROM table t`: which rows belong to the part.
    """
    kinds = {"source": pa.string(), "id": pa.string(), "account": pa.int32(), "member": pa.int32(), "at_us": pa.int64()}
    kinds |= {name: pa.float64() if kind == NUMBER else pa.string() for name, kind in shape.columns.items()}
    given = pa.table({name: pa.array([row[nth] for row in rows], kinds[name]) for nth, name in enumerate(kinds)})
    own, others = ", ".join(kinds), ", ".join(shape.columns)
    stored = ", ".join("epoch_us(t.occurred_at) AS at_us" if name == "at_us" else f"t.{name}" for name in kinds)
    number = int(only(connection, f"SELECT coalesce(max(stored_seq), 0) FROM {shape.name}")[0])
    connection.register("rows_given", given)
    connection.execute(
        f"""INSERT INTO {shape.name} (stored_seq, source, id, account, member, occurred_at, delay, sign, {others})
        SELECT {number} + row_number() OVER (ORDER BY at_us, account, source, id, net), source, id, account, member,
            make_timestamp(at_us), 0, sign(net)::TINYINT, {others}
        FROM (SELECT {own}, sum(sign) AS net FROM (
            SELECT {own}, 1 AS sign FROM rows_given UNION ALL SELECT {stored}, -t.sign FROM {shape.name} t {part})
            GROUP BY ALL HAVING sum(sign) <> 0)"""
    )
    connection.unregister("rows_given")
