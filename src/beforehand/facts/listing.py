"""Accounts and people as lists: each row names one, says what else it is known by, and holds its traits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from beforehand.facts import batches, linking, traits
from beforehand.facts.asking import only
from beforehand.facts.batches import Batch
from beforehand.facts.checked import Cell, Terms, cell, json_reasons, length_reason, time_reasons
from beforehand.facts.files import InputFile
from beforehand.facts.mapping import Columns
from beforehand.facts.merging import canonical_tables
from beforehand.facts.quarantine import keep_bad_rows
from beforehand.facts.quoting import name
from beforehand.facts.resolving import account_text, resolve_accounts, resolve_people
from beforehand.facts.staging import count, select_into_s
from beforehand.facts.times import time_us, zoneless

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts
    from beforehand.facts.loading import Loaded

LISTS = ("accounts", "people")
MOMENTS = ("started_at", "ended_at")


def stage(connection: duckdb.DuckDBPyConnection, table: str, file: InputFile, columns: Columns, terms: Terms) -> None:
    """Reads a list into `s` (one column per trait) and `k` (who each row is about, and what is wrong with it)."""
    reasons = json_reasons(file)
    given = {role: cell(file, column) for role, column in columns.roles.items()}
    selected: dict[str, str] = {}
    for role in ("account", "person", "email", "domain"):
        selected[role] = given[role].text if role in given else "CAST(NULL AS VARCHAR)"
        reasons += [length_reason(role, selected[role])] if role in given else []
    if table == "people":
        selected["person"] = f"coalesce({selected['person']}, {selected['email']})"
        nobody = f"{selected['account']} IS NULL AND coalesce({selected['email']} NOT LIKE '%_@_%', true)"
        reasons += [(f"{selected['person']} IS NULL", "'person is missing'"), (nobody, "'account is missing'")]
    else:
        reasons.append((f"{selected['account']} IS NULL", "'account is missing'"))
    for role, alias in (("at", "occurred_us"), ("learned", "learned_us")):
        selected[alias] = "CAST(NULL AS BIGINT)"
        if role in given:
            selected[alias] = time_us(*given[role].typed, terms.zone)
            reasons += time_reasons(role, given[role].text, selected[alias], terms, required=False)
    selected["without_zone"] = zoneless(*given["at"].typed) if "at" in given else "false"
    for number, system in enumerate(columns.externals):
        selected[f"x{number}"] = cell(file, columns.externals[system]).text
        reasons.append(length_reason(f"external.{system}", selected[f"x{number}"]))
    held = {trait: cell(file, column) for trait, column in columns.traits.items()}
    if table == "people" and "email" in given:
        held["email"] = given["email"]
    for number, (trait, value) in enumerate(held.items()):
        selected[f"t{number}"], more = _value(trait, value, terms)
        reasons += more
    when = " ".join(f"WHEN {test} THEN {say}" for test, say in reasons)
    selected["reason"] = f"CASE {when} END"
    select_into_s(connection, file, ", ".join(f"{sql} AS {name(alias)}" for alias, sql in selected.items()))
    account = account_text("account", "email") if table == "people" else "account"
    person = "person" if table == "people" else "CAST(NULL AS VARCHAR)"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE k AS SELECT rn, {"person" if table == "people" else "account"} AS id, false AS made,
        {account} AS account, {person} AS person, occurred_us, reason, without_zone,
        learned_us IS NOT NULL AS given, coalesce(learned_us < occurred_us, false) AS raised FROM s"""
    )
    traits.unpivot(connection, list(held))


def _value(trait: str, value: Cell, terms: Terms) -> tuple[str, list[tuple[str, str]]]:
    """A trait as text; the stated start and end of a life as ISO 8601 UTC, which must be readable."""
    sql, kind = value.typed
    moment = kind.startswith("TIMESTAMP")
    if trait not in MOMENTS and not moment:
        return value.text, []
    us = time_us(sql, kind, terms.zone)
    said = f"strftime(make_timestamp({us}), '%Y-%m-%dT%H:%M:%SZ')"
    wrong = f"{value.text} IS NOT NULL AND ({us}) IS NULL"
    return said, [(wrong, f"concat('{trait}: ', left({value.text}, 60), ' is not a time')")] if trait in MOMENTS else []


def store(facts: Facts, batch: Batch, file: InputFile, columns: Columns) -> Loaded:
    """Stores a staged list: who is new, what else each is known by, and which traits changed; part of a transaction."""
    from beforehand.facts.loading import Loaded, unmatched

    connection = facts.connection
    now = batches.plain(batch.loaded_at)
    known_before = only(connection, "SELECT count(*) FROM accounts")[0]
    connection.execute("CREATE OR REPLACE TEMP TABLE changed (rn BIGINT)")
    if batch.table == "people":
        linking.adopt_addresses(connection, batch.source)
    resolve_accounts(connection, batch.source, now)
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
        f"""SELECT count(*), {count("reason IS NULL")}, {count("fresh")}, {count("fresh AND NOT given AND occurred_us IS NOT NULL")},
        {count("fresh AND raised")}, {count("fresh AND without_zone")}, min(CASE WHEN fresh THEN occurred_us END)
        FROM (SELECT *, reason IS NULL AND rn IN (SELECT rn FROM changed) AS fresh FROM k WHERE reason IS NULL OR reason <> '')""",
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE skip AS SELECT rn FROM k WHERE reason IS NULL AND rn NOT IN (SELECT rn FROM changed)"
    )
    kept = keep_bad_rows(connection, batch, file)
    assumed = assumed if batch.arrival == "occurred" else 0
    read = rows + kept.unreadable
    backfilled = batches.backfills(connection, first_us)
    batches.enter(connection, batch, first_seq, first_seq + written - 1, read, fresh, assumed, backfilled)
    return Loaded(read, fresh, good - fresh, kept.total, unmatched(facts), assumed, raised, without_zone)
