"""`load`: one file into one table, in one transaction, once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from beforehand.calendar import Grain, start_of, to_us, zone_named
from beforehand.errors import InputError, among
from beforehand.facts import batches, known, listing, staging, versions
from beforehand.facts.asking import first
from beforehand.facts.batches import Batch
from beforehand.facts.checked import Terms
from beforehand.facts.files import PLACE, PLACE_FILE, REFUSED, InputFile, look, with_keys
from beforehand.facts.mapping import Columns, fit, recorded
from beforehand.facts.quarantine import keep_bad_rows
from beforehand.facts.quoting import name, text
from beforehand.facts.resolving import account_text, resolve_accounts, resolve_people
from beforehand.facts.schema import LOADABLE, SHAPES

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts
    from beforehand.workspace.spec import SettingsSpec


@dataclass(frozen=True)
class Loaded:
    """What became of the rows of a file.

    read = loaded + known + quarantined. `known` rows were there before. `unmatched` of the loaded ones belong to an
    account that the accounts' source has not named. `assumed_learned` of them took the time they occurred as their
    time of arrival, `raised_learned` had one before they occurred, `without_zone` times took the workspace's zone.
    """

    read: int = 0
    loaded: int = 0
    known: int = 0
    quarantined: int = 0
    unmatched: int = 0
    assumed_learned: int = 0
    raised_learned: int = 0
    without_zone: int = 0

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(*(mine + yours for mine, yours in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass(frozen=True)
class Request:
    """One file to load: the mapping as it was written, what is said about arrival (a column, "occurred", "now" or
    nothing), and the digests of all files of the same command."""

    file: InputFile
    table: str
    source: str
    written: dict[str, str]
    learned: str | None
    now: datetime
    digests: Collection[str] = ()


def load(
    facts: Facts,
    files: Sequence[Path],
    *,
    table: str = "events",
    source: str = "files",
    written: dict[str, str] | None = None,
    learned: str | None = None,
    now: datetime | None = None,
) -> Loaded:
    """Loads files into a table, each in its own transaction; those loaded before add nothing.

    Raises InputError where a file or its mapping is wrong (before anything of that file is stored) and EngineError
    where the disk or the engine fails; what earlier files brought stays.
    """
    if table not in LOADABLE:
        raise InputError(f"{table!r} is not a table.", among(table, LOADABLE), code="unknown-table")
    check_source(source)
    pairs = dict(written or {})
    if learned is not None and learned not in ("occurred", "now"):
        pairs["learned"] = learned
    total = Loaded()
    with ExitStack() as copies, facts.telling():
        looked = [
            with_keys(
                copies.enter_context(look(path, facts.connection).without_bad_lines(facts.path.parent)),
                facts.connection,
            )
            for path in files
        ]
        for file in looked:  # every mapping is checked before the first file is loaded
            columns_of(file, table, pairs, learned)
        digests = {file.digest for file in looked}
        for file in looked:
            total += load_file(facts, Request(file, table, source, pairs, learned, now or datetime.now(UTC), digests))
    return total


def check_source(source: str) -> None:
    """Raises InputError where a text cannot be the name of a source."""
    if not source.strip() or ":" in source or len(source) > 80:
        raise InputError(
            f"{source!r} cannot be the name of a source.",
            "Use a short name without colon, such as files or zendesk.",
            code="bad-source",
        )


def columns_of(file: InputFile, table: str, written: dict[str, str], learned: str | None) -> Columns:
    """The mapping of a file; `learned` "occurred" or "now" overrides a column of that name."""
    single = len(file.columns) == 1 and file.form == "csv"
    there = [c for c, _ in file.columns if c not in (PLACE, PLACE_FILE, REFUSED)]
    columns = fit(table, written, there, str(file.path), single)
    if learned == "now" or (learned == "occurred" and not file.made):
        columns.roles.pop("learned", None)
    return columns


def load_file(facts: Facts, request: Request) -> Loaded:
    """Loads one file in one transaction: killed at any moment, all of it is there or nothing."""
    connection, file = facts.connection, request.file
    mapping = recorded(
        request.written | ({"learned": f"={request.learned}"} if request.learned in ("occurred", "now") else {})
    )
    before = batches.already(connection, file.digest, mapping, request.table, request.source)
    if before is not None:
        return Loaded(read=before, known=before)
    columns = columns_of(file, request.table, request.written, request.learned)
    arrival = request.learned if request.learned in ("occurred", "now") else None
    arrival = arrival or batches.assumed_arrival(connection, request.source, request.digests)
    batch = Batch(
        batches.next_batch(connection),
        request.table,
        request.source,
        str(file.path),
        file.digest,
        mapping,
        request.now,
        arrival,
    )
    # Staged before the transaction begins: inside one, the row numbers of what it wrote itself are not from 0.
    with facts.telling():
        if request.table in listing.LISTS:
            listing.stage(connection, request.table, file, columns, terms(facts.settings, request.now, arrival))
        else:
            staging.stage(connection, request.table, file, columns, terms(facts.settings, request.now, arrival))
    with facts.transaction():
        return (
            listing.store(facts, batch, file, columns) if request.table in listing.LISTS else store(facts, batch, file)
        )


def terms(settings: SettingsSpec, now: datetime, arrival: str) -> Terms:
    """What rows are checked against in this workspace."""
    zone = zone_named(settings.zone)
    day = (settings.earliest - datetime(1970, 1, 1).date()) // timedelta(days=1)  # noqa: DTZ001 - a day, not a moment
    earliest = int(start_of(Grain.DAY, zone, np.array([day]))[0])
    return Terms(settings.zone, settings.earliest.isoformat(), earliest, to_us(now), arrival)


def store(facts: Facts, batch: Batch, file: InputFile) -> Loaded:
    """Stores the staged rows of a fact table and enters the batch; part of a transaction."""
    connection, shape = facts.connection, SHAPES[batch.table]
    resolve_accounts(connection, batch.source, batches.plain(batch.loaded_at), make=file.made)
    resolve_people(connection, batch.source)
    known.find(connection, batch.table, batch.source, copies=file.made)
    first_seq = batches.next_seq(connection)
    learned = learned_sql(batch)
    if shape.versioned:
        span = versions.insert(connection, shape, batch.source, first_seq, learned)
    else:
        span = _insert(connection, batch, first_seq, learned)
    counted = staging.counts(connection)
    kept = keep_bad_rows(connection, batch, file)
    # The times of arrival of an export's rows are the ones the other system has; when we learned of them is assumed.
    assumed = counted.fresh - (0 if file.made else counted.given) if batch.arrival == "occurred" else 0
    result = Loaded(
        read=counted.rows + kept.unreadable,
        loaded=counted.fresh,
        known=counted.good - counted.fresh,
        quarantined=kept.total,
        unmatched=unmatched(facts),
        assumed_learned=assumed,
        raised_learned=counted.raised,
        without_zone=counted.without_zone,
    )
    backfilled = counted.fresh > 0 and batches.backfills(connection, counted.first_us)
    batches.enter(connection, batch, first_seq, first_seq + span - 1, result.read, counted.fresh, assumed, backfilled)
    return result


def learned_sql(batch: Batch) -> str:
    """SQL for a row's time of arrival: its own, else as the batch says, and never before it occurred."""
    otherwise = str(to_us(batch.loaded_at)) if batch.arrival == "now" else "s.occurred_us"
    return f"greatest(coalesce(s.learned_us, {otherwise}), s.occurred_us)"


def _insert(connection: duckdb.DuckDBPyConnection, batch: Batch, first_seq: int, learned: str) -> int:
    """Writes the good rows that are not in `skip`; returns how many numbers of the sequence they took up."""
    shape = SHAPES[batch.table]
    row = first(
        connection,
        "SELECT count(*), count_if(made AND reason IS NULL), count_if(reason IS NOT NULL), (SELECT count(*) FROM "
        "skip) FROM k",
    )
    assert row is not None
    rows, made, bad, skipped = row
    connection.execute("INSERT INTO skip SELECT rn FROM k WHERE reason IS NOT NULL") if bad else None
    own = ", ".join(shape.stored)
    # The wide columns are read a second time here and never copied before; where ids were made, they are in `k`.
    keyed, row_id = ("JOIN (SELECT rn, id AS made_id FROM k) k USING (rn)", "k.made_id") if made else ("", "s.id")
    person = "m.person_text = s.person" if _has_people(connection) else ""
    people = (
        f"LEFT JOIN mem m ON m.account_text = {account_text('s.account', 's.person')} AND {person}" if person else ""
    )
    connection.execute(
        f"""INSERT INTO {batch.table} (stored_seq, source, id, account, member, occurred_at, delay, {own})
        SELECT {first_seq} + s.rn, {text(batch.source)}, {row_id}, a.account, {"m.member" if person else "NULL"},
        make_timestamp(s.occurred_us), {learned} - s.occurred_us, {", ".join(f"s.{name(c)}" for c in shape.stored)}
        FROM s {keyed} LEFT JOIN acct a ON a.text = {account_text("s.account", "s.person")} {people}
        {"ANTI JOIN skip ON skip.rn = s.rn" if bad or skipped else ""}"""
    )
    if bad:
        connection.execute("DELETE FROM skip WHERE rn IN (SELECT rn FROM k WHERE reason IS NOT NULL)")
    return int(rows)


def _has_people(connection: duckdb.DuckDBPyConnection) -> bool:
    return first(connection, "SELECT 1 FROM mem LIMIT 1") is not None


def unmatched(facts: Facts) -> int:
    """How many new rows belong to accounts that the accounts' source has not named."""
    if facts.settings.accounts_from is None:
        return 0
    row = first(
        facts.connection,
        """SELECT count(*) FROM k JOIN acct ON acct.text = k.account LEFT JOIN canon_account c ON c.node = acct.account
        WHERE k.reason IS NULL AND k.rn NOT IN (SELECT rn FROM skip)
        AND coalesce(c.into_node, acct.account) NOT IN (
            SELECT coalesce(c.into_node, n.account) FROM account_sources n LEFT JOIN canon_account c
            ON c.node = n.account
            WHERE n.source = ?)""",
        [facts.settings.accounts_from],
    )
    assert row is not None
    return int(row[0])
