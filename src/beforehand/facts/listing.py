"""Accounts and people as lists: each row names one, says what else it is known by, and holds its traits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from beforehand.facts import batches, linking, traits
from beforehand.facts.asking import only
from beforehand.facts.batches import Batch
from beforehand.facts.checked import Reading, Terms, cell
from beforehand.facts.files import InputFile
from beforehand.facts.mapping import Columns
from beforehand.facts.merging import canonical_tables
from beforehand.facts.quarantine import keep_bad_rows
from beforehand.facts.resolving import account_text, resolve_accounts, resolve_people
from beforehand.facts.staging import count, select_into_s

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts
    from beforehand.facts.loading import Loaded

LISTS = ("accounts", "people")
MOMENTS = ("started_at", "ended_at")


def stage(connection: duckdb.DuckDBPyConnection, table: str, file: InputFile, columns: Columns, terms: Terms) -> None:
    """Reads a list into `s` (one column per trait) and `k` (who each row is about, and what is wrong with it)."""
    reading = Reading(file, terms)
    given = {role: cell(file, column) for role, column in columns.roles.items()}
    for role in ("account", "person", "email"):
        reading.identifier(role, given.get(role))
    reading.text("domain", given.get("domain"))
    if table == "people":
        reading.values["person"] = f"coalesce({reading.values['person']}, {reading.values['email']})"
        reading.needed("person")
        nobody = "account IS NULL AND coalesce(email NOT LIKE '%_@_%', true)"
        reading.reasons.append((nobody, "'account is missing'"))
    else:
        reading.needed("account")
    reading.arrival(given, ("at",))
    for number, system in enumerate(columns.externals):
        reading.identifier(f"x{number}", cell(file, columns.externals[system]))
    held = {trait: cell(file, column) for trait, column in columns.traits.items()}
    if table == "people" and "email" in given:
        held["email"] = given["email"]
    for number, (trait, value) in enumerate(held.items()):
        if trait in MOMENTS or value.typed[1].startswith("TIMESTAMP"):
            reading.moment(trait, value, f"v_{trait}_us")
            us = reading.values[f"v_{trait}_us"]
            reading.values[f"t{number}"] = f"strftime(make_timestamp({us}), '%Y-%m-%dT%H:%M:%SZ')"
        else:
            reading.text(f"t{number}", value)
    select_into_s(connection, file, reading)
    account = account_text("account", "email") if table == "people" else "account"
    person = "person" if table == "people" else "CAST(NULL AS VARCHAR)"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE k AS SELECT rn, {"person" if table == "people" else "account"} AS id, false
            AS made,
        {account} AS account, {person} AS person, occurred_us, refused AS reason, without_zone,
        learned_us IS NOT NULL AS given, coalesce(learned_us < occurred_us, false) AS raised FROM s"""
    )
    traits.unpivot(connection, list(held))


def store(facts: Facts, batch: Batch, file: InputFile, columns: Columns) -> Loaded:
    """Stores a staged list: who is new, what else each is known by, and which traits changed; part of a transaction."""
    from beforehand.facts.loading import Loaded, unmatched

    connection = facts.connection
    now = batches.plain(batch.loaded_at)
    known_before = only(connection, "SELECT count(*) FROM accounts")[0]
    connection.execute("CREATE OR REPLACE TEMP TABLE changed (rn BIGINT)")
    if batch.table == "people":
        linking.adopt_addresses(connection, batch.source)
    if file.made and batch.table == "accounts":
        linking.adopt_accounts(connection, batch.source)
    resolve_accounts(connection, batch.source, now, make=file.made)
    if batch.table == "people":
        resolve_people(connection, batch.source)
        linking.link_people(connection, batch, list(columns.externals))
    else:
        linking.link_accounts(connection, batch, list(columns.externals), known_before)
    canonical_tables(connection)
    first_seq = batches.next_seq(connection)
    written = traits.record(connection, batch, first_seq)
    rows, good, fresh, assumed, raised, without_zone, first_us = only(
        connection,
        f"""SELECT count(*), {count("reason IS NULL")}, {count("fresh")},
            {count("fresh AND NOT given AND occurred_us IS NOT NULL")},
        {count("fresh AND raised")}, {count("fresh AND without_zone")}, min(CASE WHEN fresh THEN occurred_us END)
        FROM (SELECT *, reason IS NULL AND rn IN (SELECT rn FROM changed) AS fresh FROM k
        WHERE reason IS NULL OR reason <> '')""",
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE skip AS SELECT rn FROM k WHERE reason IS NULL AND rn NOT IN (SELECT rn "
        "FROM changed)"
    )
    kept = keep_bad_rows(connection, batch, file)
    assumed = assumed if batch.arrival == "occurred" else 0
    read = rows + kept.unreadable
    backfilled = batches.backfills(connection, first_us)
    batches.enter(connection, batch, first_seq, first_seq + written - 1, read, fresh, assumed, backfilled)
    return Loaded(read, fresh, good - fresh, kept.total, unmatched(facts), assumed, raised, without_zone)
