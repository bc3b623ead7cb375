"""History fed as it was learned: a copy of the facts in that order, and what goes from it into a scratch store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from beforehand.facts import Facts
from beforehand.facts.batches import next_seq, set_meta
from beforehand.facts.quoting import text
from beforehand.facts.schema import SHAPES

if TYPE_CHECKING:
    from beforehand.workspace.spec import SettingsSpec

FED = (*SHAPES, "traits")
"""Tables that are fed row by row, by when each row was learned."""
NOT_COPIED = (
    "meta", "quarantine", "recipes", "recipe_joins", "tones", "tones_unread", "tones_read", "tensions", "tensions_made",
    "moods", "moods_made",
)  # fmt: skip
"""Tables of a scratch store that fill by themselves, or that no judge reads."""
HISTORY = "history.duckdb"


def keep_history(facts: Facts, folder: Path, until_us: int) -> int:
    """Copies the facts learned before a moment into `folder`, in order of learning; returns how many were left out.

    Left out are rows that were loaded after go-live for times before it (`backfilled`): nobody had them then.
    """
    connection = facts.connection
    connection.execute(f"ATTACH {text(str(folder / HISTORY))} AS history")
    try:
        left_out = 0
        for table in FED:
            if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:
                continue
            backfilled = (
                f"EXISTS (SELECT 1 FROM batches b WHERE b.backfilled AND b.tbl = {text(table)} "
                f"AND f.stored_seq BETWEEN b.seq_from AND b.seq_to)"
            )
            found = connection.execute(f"SELECT count(*) FROM {table} f WHERE {backfilled}").fetchone()
            count = int(found[0]) if found else 0
            left_out += count
            learned = "epoch_us(occurred_at) + delay"
            # What came without a time is there from the beginning.
            learned = f"CASE WHEN dated THEN {learned} ELSE 0 END" if table == "traits" else learned
            connection.execute(
                f"CREATE TABLE history.{table} AS SELECT f.*, {learned} AS fed_us FROM {table} f "
                f"WHERE {learned} < {until_us} {f'AND NOT {backfilled}' if count else ''} ORDER BY fed_us, stored_seq"
            )
        for table in _others(facts):
            connection.execute(f"CREATE TABLE history.{table} AS SELECT * FROM {table}")
    finally:
        connection.execute("DETACH history")
    return left_out


class Feed:
    """What `keep_history` kept in a folder, on its way into a scratch store."""

    def __init__(self, folder: Path) -> None:
        self.history = folder / HISTORY
        self.tables: tuple[str, ...] | None = None

    def begin(self, settings: SettingsSpec, data: Path) -> None:
        """An empty store at `data` that knows who is who, as it is known now, and nothing of what they did."""
        with Facts.open(data / "facts.duckdb", settings) as facts:
            self._attach(facts)
            with facts.transaction():
                for table in _others(facts):
                    facts.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM history.{table}")
            facts.connection.execute("DETACH history")

    def up_to(self, facts: Facts, now_us: int) -> int:
        """Stores what was learned before a moment and is not there yet, in one transaction; returns how many rows."""
        connection, fed = facts.connection, 0
        self._attach(facts)
        with facts.transaction():
            row = connection.execute("SELECT value FROM meta WHERE key = 'fed_us'").fetchone()
            after = -(2**62) if row is None else int(row[0])
            for table in self.tables or ():
                first = next_seq(connection)
                found = connection.execute(
                    f"INSERT INTO {table} BY NAME SELECT * EXCLUDE (stored_seq, learned_at, fed_us), "
                    f"{first} + row_number() OVER (ORDER BY fed_us, stored_seq) - 1 AS stored_seq "
                    f"FROM history.{table} WHERE fed_us >= {after} AND fed_us < {now_us}"
                ).fetchone()
                count = int(found[0]) if found else 0
                if count:
                    set_meta(connection, "next_seq", str(first + count))
                    fed += count
            set_meta(connection, "fed_us", str(now_us))
        return fed

    def _attach(self, facts: Facts) -> None:
        """Opens the history beside the store, where it is not open yet, and looks which tables it has."""
        attached = "SELECT 1 FROM duckdb_databases() WHERE database_name = 'history'"
        if self.tables is not None and facts.connection.execute(attached).fetchone() is not None:
            return
        facts.connection.execute(f"ATTACH IF NOT EXISTS {text(str(self.history))} AS history (READ_ONLY)")
        rows = facts.connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'history'")
        kept = {name for (name,) in rows.fetchall()}
        self.tables = tuple(table for table in FED if table in kept)


def _others(facts: Facts) -> list[str]:
    """The tables that are copied whole: who is who, merges, the ledger. Panels and made facts come anew."""
    rows = facts.connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary"
    ).fetchall()
    return sorted(
        name
        for (name,) in rows
        if name not in (*FED, *NOT_COPIED) and not name.startswith(("panel_", "made_", "issue"))
    )
