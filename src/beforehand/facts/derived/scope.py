"""Who is looked at again after new facts, from when on, and which of the rows there are stand for what is found.

New facts change nothing that happened before the first of them: rows from then on are said anew (`rows_us`). To find
them, facts are read from where the past has no more to say (`read_us`): a window before, or for what is counted anew
after each find, the last find that was never in doubt, or the last gap longer than the window.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from beforehand.facts.asking import only
from beforehand.facts.derived.presence import EVER
from beforehand.facts.derived.recipe import Recipe
from beforehand.facts.derived.tables import Kept
from beforehand.signals.tree import AmongLast, BackAndForth, NewVoice, Repeated, Shifted, Without

Moods = Shifted | AmongLast | NewVoice
Stepwise = Without | Repeated | BackAndForth | Moods
LOOKS_BACK = 3
"""How many windows before a new fact such a find or gap is looked for, before all of the past is read."""
PLACE = "coalesce(j.to_account, f.account) AS account, coalesce(j.to_member, f.member, -1) AS member"
JOINED = "LEFT JOIN joins j ON j.account = f.account AND j.member = coalesce(f.member, -1)"
IN_SCOPE = "JOIN scope s ON s.account = f.account AND s.member = coalesce(f.member, -1)"


VALUE = "warmth AS value"
"""Of how messages sound, what is read beside when."""


def facts_of(recipe: Recipe, also: str = "") -> str:
    """SQL for the facts of both metrics; conditions choose before anything is joined."""
    own = ", id, source, sign" + (", category" if recipe.table == "tickets" else "") if recipe.versioned else ""
    own += f", {VALUE}" if recipe.table == "tones" else ""
    return (
        f"SELECT account, member, epoch_us(occurred_at) AS at_us, epoch_us(occurred_at) + delay AS known_us, "
        f"stored_seq AS seq, {recipe.condition_sql} AS first, {recipe.other_sql} AS other{own} FROM {recipe.table} "
        f"WHERE (({recipe.condition_sql}) OR ({recipe.other_sql})){also}"
    )


def lay_scope(
    reader: duckdb.DuckDBPyConnection, recipe: Recipe, made: Stepwise, table: Kept, joined: pa.Table
) -> pa.Table:
    """Makes `scope` (account, member, read_us, rows_us) for the reader and returns it.

    It has those whom facts after the table's watermark are of, and the places `joined` or parted since.
    """
    reader.execute(
        f"CREATE OR REPLACE TEMP TABLE touched AS SELECT {PLACE}, min(f.at_us) AS rows_us, "
        f"rows_us - {0 if isinstance(made, Moods) else made.within_us} AS read_us "
        f"FROM ({facts_of(recipe, f' AND stored_seq > {table.watermark}')}) f {JOINED} GROUP BY 1, 2"
    )
    if recipe.versioned:  # what was taken back may lie anywhere
        reader.execute(f"UPDATE touched SET read_us = -{EVER}, rows_us = -{EVER}")
    elif isinstance(made, Repeated):
        _look_back(reader, recipe, made.within_us, table.name)
    reader.register("joined_given", joined)
    reader.execute(
        f"""CREATE OR REPLACE TEMP TABLE scope AS
        SELECT account, member, min(read_us) AS read_us, min(rows_us) AS rows_us FROM (
            SELECT coalesce(j.account, t.account) AS account, coalesce(j.member, t.member) AS member, read_us, rows_us
            FROM touched t LEFT JOIN joins j ON j.to_account = t.account AND j.to_member = t.member
            UNION ALL SELECT account, member, -{EVER}, -{EVER} FROM joined_given) GROUP BY 1, 2"""
    )
    reader.unregister("joined_given")
    return reader.sql("SELECT * FROM scope").to_arrow_table()


def read_from(reader: duckdb.DuckDBPyConnection) -> str:
    """A condition that is said once for all in scope, so that whole blocks of the past are passed over."""
    least = only(reader, f"SELECT coalesce(min(read_us), {EVER}) FROM scope")[0]
    return f" AND occurred_at >= make_timestamp({least})"


def standing(table: Kept) -> str:
    """SQL for the rows that stand for what is said anew."""
    return f"SELECT f.* FROM {table.name} f {IN_SCOPE} WHERE epoch_us(f.occurred_at) >= s.rows_us"


def _look_back(reader: duckdb.DuckDBPyConnection, recipe: Recipe, within_us: int, table: str) -> None:
    """Sets from when on facts are read where counting begins anew after each find.

    After a find that was known before the new facts occurred and that nothing took back since, all that they change
    begins afresh: whenever they are known, it is too. So it does after a gap longer than the window.
    """
    back = LOOKS_BACK * within_us
    least = only(reader, f"SELECT coalesce(min(rows_us), 0) - {back} FROM touched")[0]
    since = f"occurred_at >= make_timestamp({least})"
    reader.execute(
        f"""CREATE OR REPLACE TEMP TABLE touched AS
        WITH near AS (
            SELECT account, member, at_us, count(*) AS alike FROM (
                SELECT {PLACE}, f.at_us FROM ({facts_of(recipe, f" AND {since}")}) f {JOINED})
            JOIN touched t USING (account, member) WHERE at_us BETWEEN rows_us - {back} AND rows_us GROUP BY ALL),
        gaps AS (
            SELECT account, member, at_us, at_us - lag(at_us, 1, rows_us - {back}) OVER (
                PARTITION BY account, member ORDER BY at_us) AS gap
            FROM near JOIN touched USING (account, member)),
        finds AS (
            SELECT account, member, at_us FROM (
                SELECT {PLACE}, f.id, f.source, epoch_us(f.occurred_at) AS at_us,
                epoch_us(f.occurred_at) + f.delay AS known_us, f.sign FROM {table} f {JOINED} WHERE f.{since})
            JOIN touched USING (account, member) WHERE at_us < rows_us
            GROUP BY account, member, source, id, at_us HAVING sum(sign) = 1 AND max(known_us) <= any_value(rows_us)),
        begins AS (
            SELECT account, member, at_us FROM gaps WHERE gap > {within_us}
            UNION ALL
            -- Several at the same time as a find cannot be told apart by time: another is looked for.
            SELECT account, member, at_us + 1 FROM finds JOIN near USING (account, member, at_us) WHERE alike = 1)
        SELECT account, member, rows_us, coalesce(max(b.at_us), -{EVER}) AS read_us
        FROM touched LEFT JOIN begins b USING (account, member) GROUP BY ALL"""
    )
