"""How an account sounds by all of its people, as facts: the table `moods`, a row each time that somebody wrote.

The warmth of an account is the mean of its people's newest letters, each weighted by seniority and by age, halved every
30 days. What all ages have in common cancels out of such a mean, so it changes only when somebody writes. A row is
known, and holds, from when the letter was learned. Where a late role or another reader changes what is to be said, the
row is taken back with the other sign.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from beforehand.facts import tones
from beforehand.facts.asking import first, only
from beforehand.facts.derived.joins import merges
from beforehand.facts.derived.voices import Letter, Said, path, seniority_of
from beforehand.facts.merging import canonical_tables
from beforehand.facts.quoting import text
from beforehand.facts.rewriting import rewrite
from beforehand.facts.schema import MOODS
from beforehand.facts.subjects import excluded_members

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

FORM = "1"
"""The form of the rows: a change of meaning is a new one, and all are made anew."""
TOGETHER = 500
"""Accounts that are read at once."""
DIGITS = 6
"""Digits after the point that are kept: those beyond are of the order in which letters were added up."""
ROLE = "role"


def ensure(facts: Facts) -> None:
    """Brings the table up to date with what arrived since; one transaction, called outside of one.

    All is made anew where who is senior, who is left out, or who was merged with whom has changed.
    """
    connection = facts.connection
    tones.ensure(facts)
    _prepare(connection)
    form = _form(facts)
    seen = first(connection, "SELECT form, tones, roles FROM moods_made")
    before = tuple(seen) if seen is not None and seen[0] == form else (form, -1, -1)
    heard = int(only(connection, "SELECT coalesce(max(stored_seq), -1) FROM tones")[0])
    roles = int(only(connection, f"SELECT coalesce(max(stored_seq), -1) FROM traits WHERE trait = {text(ROLE)}")[0])
    if (heard, roles) == before[1:]:
        return
    connection.execute("BEGIN TRANSACTION")
    try:
        many = _scope(facts, before[1], before[2])
        for low in range(0, many, TOGETHER):
            _write(facts, low, low + TOGETHER)
        connection.execute("DELETE FROM moods_made")
        connection.execute("INSERT INTO moods_made VALUES (?, ?, ?)", [form, heard, roles])
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # already rolled back by the engine
            connection.execute("ROLLBACK")
        raise


def letters(facts: Facts, condition: str) -> tuple[dict[int, list[Letter]], dict[tuple[int, int], list[Said]]]:
    """The letters of accounts, and what was said of the roles of their people: by account, and by account and voice.

    `condition` is SQL that gives `account`, the nodes that merges lead to. Letters are in the order in which they were
    learned.

    A voice is a person, all of whom merges made one; -1 are letters of nobody known. People who are left out of every
    count have no voice. InputError never; the tables `voices` and `roots` are laid for it.
    """
    connection = facts.connection
    _lay(facts)
    rows = connection.execute(
        f"""SELECT v.root, v.voice, epoch_us(t.occurred_at) AS at_us, epoch_us(t.occurred_at) + t.delay AS known_us,
            t.source, t.id, t.warmth, t.account, t.member
        FROM tones t JOIN voices v ON v.account = t.account AND v.member = coalesce(t.member, -1)
        WHERE v.root IN (SELECT account FROM ({condition})) AND t.warmth IS NOT NULL
        GROUP BY ALL HAVING sum(t.sign) > 0 ORDER BY v.root, known_us, at_us, t.id, t.source"""
    ).fetchall()
    said = connection.execute(
        f"""SELECT v.root, v.voice, CASE WHEN dated THEN epoch_us(occurred_at) + delay END, CASE WHEN dated THEN
            epoch_us(occurred_at) END, value FROM traits t
        JOIN voices v ON v.account = t.account AND v.member = t.member
        WHERE t.trait = {text(ROLE)} AND v.root IN (SELECT account FROM ({condition})) ORDER BY t.stored_seq"""
    ).fetchall()
    wrote = {
        root: [Letter(voice, at, known, warmth, source, name, account, member)
               for _, voice, at, known, source, name, warmth, account, member in own]
        for root, own in groupby(rows, key=lambda row: int(row[0]))
    }  # fmt: skip
    roles: dict[tuple[int, int], list[Said]] = {}
    for root, voice, known, since, value in said:
        roles.setdefault((root, voice), []).append(Said(known, since, value))
    return wrote, roles


def seniorities(facts: Facts, roles: Mapping[tuple[int, int], list[Said]], root: int) -> Any:
    """The function that says how senior a voice of an account was, as known at a moment."""
    weights = facts.settings.weights
    return lambda voice, at_us: seniority_of(roles.get((root, voice), ()), at_us, weights)


def _form(facts: Facts) -> str:
    """What the rows follow from besides facts."""
    parts = [FORM, facts.settings.weights, facts.settings.exclude.people, merges(facts.connection)]
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(MOODS.ddl.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS moods_made (form VARCHAR NOT NULL, tones BIGINT NOT NULL, roles BIGINT NOT NULL)"
    )


def _lay(facts: Facts) -> None:
    """`voices`: each place (account, member; -1 for nobody) with the account it counts for and whose voice it is."""
    connection = facts.connection
    canonical_tables(connection)
    aside = excluded_members(connection, facts.settings.exclude.people)
    gone = pa.table({"account": pa.array(aside[:, 0], pa.int32()), "member": pa.array(aside[:, 1], pa.int32())})
    connection.register("voices_gone", gone)
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE voices AS
        SELECT m.account, m.member, coalesce(a.into_node, m.account) AS root, coalesce(p.into_node, m.person) AS voice
        FROM members m LEFT JOIN canon_account a ON a.node = m.account LEFT JOIN canon_person p ON p.node = m.person
        WHERE NOT EXISTS (SELECT 1 FROM voices_gone g WHERE g.account = m.account AND g.member = m.member)
        UNION ALL SELECT account, -1, coalesce(into_node, account), -1 FROM accounts
            LEFT JOIN canon_account ON node = account"""
    )
    connection.unregister("voices_gone")


def _scope(facts: Facts, heard: int, roles: int) -> int:
    """`moody`: the accounts that something new is about, with their places; returns how many there are."""
    connection = facts.connection
    _lay(facts)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE moody AS
        SELECT account, row_number() OVER (ORDER BY account) - 1 AS place FROM (
            SELECT v.root AS account FROM tones t JOIN voices v ON v.account = t.account
                AND v.member = coalesce(t.member, -1) WHERE t.stored_seq > {heard}
            UNION SELECT v.root FROM traits t JOIN voices v ON v.account = t.account AND v.member = t.member
                WHERE t.trait = {text(ROLE)} AND t.stored_seq > {roles}
            UNION SELECT account FROM moods WHERE {heard} < 0)"""
    )
    return int(only(connection, "SELECT count(*) FROM moody")[0])


def _write(facts: Facts, low: int, high: int) -> None:
    """Writes what the table does not say of some accounts, and takes back what is no longer so."""
    here = f"SELECT account FROM moody WHERE place >= {low} AND place < {high}"
    wrote, roles = letters(facts, here)
    rows = [
        (letter.source, letter.id, root, None, letter.known_us, round(mood.warmth, DIGITS), float(mood.people))
        for root, own in wrote.items()
        for letter, mood in path(own, seniorities(facts, roles, root))
    ]
    rewrite(facts.connection, MOODS, rows, f"WHERE t.account IN ({here})")
