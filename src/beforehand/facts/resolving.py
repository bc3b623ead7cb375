"""Who the accounts and people of a file are: found by the ids they are known under, or made.

Works on a temporary table `k` of the rows of one file (`account`, `person`, `rn`, `reason`) inside the transaction of
the load, and leaves `acct(text, account)` and `mem(account_text, person_text, member)` behind.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from beforehand.facts.asking import first
from beforehand.facts.merging import canonical_tables
from beforehand.facts.quoting import text

FREE_MAIL = (
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "yahoo.co.uk",
    "icloud.com", "me.com", "aol.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de", "t-online.de",
    "mail.ru", "yandex.ru", "qq.com", "163.com", "126.com", "zoho.com",
)  # fmt: skip
"""Domains at which anybody may have an address: they say nothing about the account."""

DOMAIN = "lower(regexp_extract({0}, '@?([^@]+)$', 1))"


def account_text(account: str, person: str) -> str:
    """SQL for what a row says its account is: the account, else `@` and the person, at whose account it belongs."""
    return f"coalesce({account}, '@' || CASE WHEN {person} LIKE '%_@_%' THEN lower({person}) ELSE {person} END)"


def resolve_accounts(connection: duckdb.DuckDBPyConnection, source: str, now: datetime, make: bool = False) -> None:
    """Finds the accounts of the good rows of `k` by `source:id`, id, then domain, and makes those nobody knows.

    Rows without account (`@` and a person) are about the one account at which the person is known, else about the one
    that has the domain of the address. Where there is none they get their reason here; with `make` there is made one
    for the domain, and for each address at a public mail service.
    """
    domain = DOMAIN.format("t.text")
    connection.execute("UPDATE k SET reason = 'account is missing' WHERE reason IS NULL AND account IS NULL")
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE acct AS
        WITH t AS (SELECT account AS text, min(rn) AS rn FROM k WHERE reason IS NULL GROUP BY 1)
        SELECT t.text, t.rn, COALESCE(q.account, p.account, d.account) AS account FROM t
        LEFT JOIN account_ids q ON q.external = {text(source + ":")} || t.text
        LEFT JOIN account_ids p ON p.external = t.text
        LEFT JOIN account_ids d ON d.external = {domain} AND d.kind = 'domain'"""
    )
    if first(connection, "SELECT 1 FROM acct WHERE text LIKE '@%' LIMIT 1") is not None:
        _by_person(connection, source, make)
    connection.execute(
        """UPDATE acct SET account = made.node FROM (
            SELECT text, row_number() OVER (ORDER BY rn) - 1 + (SELECT coalesce(max(account), -1) + 1 FROM accounts)
            AS node
            FROM acct WHERE account IS NULL) made WHERE made.text = acct.text"""
    )
    connection.execute(
        "INSERT INTO accounts SELECT account, text, false, ?, ? FROM acct WHERE account NOT IN (SELECT account "
        "FROM accounts)",
        [source, now],
    )
    connection.execute(
        "INSERT INTO account_ids SELECT text, account, 'id' FROM acct "
        "WHERE account NOT IN (SELECT account FROM account_ids) AND text NOT IN (SELECT external FROM account_ids)"
    )
    if make:
        _adopt(connection, source, now)
    connection.execute(
        f"INSERT INTO account_sources SELECT DISTINCT account, {text(source)} FROM acct "
        f"WHERE account NOT IN (SELECT account FROM account_sources WHERE source = {text(source)})"
    )


def _by_person(connection: duckdb.DuckDBPyConnection, source: str, make: bool) -> None:
    """Settles the rows of `acct` that say `@person`: at which account that person is known, and else the domain.

    With `make`, those of nobody go to `adopted` (text, name, rn) under the name that their account is to have.
    """
    canonical_tables(connection)
    connection.execute(
        f"""UPDATE acct SET account = found.account FROM (
            SELECT t.text, min(coalesce(c.into_node, m.account)) AS account FROM acct t
            JOIN person_ids i ON i.external IN ({text(source + ":")} || t.text[2:], t.text[2:]) JOIN members m
            ON m.person = i.person LEFT JOIN canon_account c ON c.node = m.account
            WHERE t.text LIKE '@%' GROUP BY t.text HAVING count(DISTINCT coalesce(c.into_node, m.account)) = 1) found
        WHERE found.text = acct.text"""
    )
    domain, free = DOMAIN.format("text"), ", ".join(text(d) for d in FREE_MAIL)
    if make:
        named = f"CASE WHEN {domain} IN ({free}) THEN text[2:] ELSE {domain} END"
        # The account of a domain may be there under that very name, made for another of its people.
        connection.execute(
            f"""UPDATE acct SET account = i.account FROM account_ids i
            WHERE acct.account IS NULL AND acct.text LIKE '@%_@_%'
            AND i.external = {named.replace("text", "acct.text")}"""
        )
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE adopted AS SELECT text, {named} AS name, rn FROM acct
            WHERE account IS NULL AND text LIKE '@%_@_%'"""
        )
    else:
        connection.execute(
            f"""UPDATE k SET reason = concat('account is missing, and no account has the domain ',
                {DOMAIN.format("account")})
            WHERE reason IS NULL AND account LIKE '@%_@_%' AND {DOMAIN.format("account")} NOT IN ({free})
            AND account IN (SELECT text FROM acct WHERE account IS NULL)"""
        )
    left = "AND account NOT LIKE '@%_@_%'" if make else ""
    connection.execute(
        f"""UPDATE k SET reason = 'account is missing' WHERE reason IS NULL AND account LIKE '@%' {left}
        AND account IN (SELECT text FROM acct WHERE account IS NULL)"""
    )
    connection.execute("DELETE FROM acct WHERE account IS NULL AND text LIKE '@%'")


def _adopt(connection: duckdb.DuckDBPyConnection, source: str, now: datetime) -> None:
    """Makes the accounts of `adopted`, one for each name, and enters them in `acct`."""
    if not _exists(connection, "adopted"):
        return
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE named AS SELECT name, row_number() OVER (ORDER BY min(rn)) - 1
            + (SELECT coalesce(max(account), -1) + 1 FROM accounts) AS account FROM adopted GROUP BY name"""
    )
    connection.execute("INSERT INTO accounts SELECT account, name, false, ?, ? FROM named", [source, now])
    connection.execute("INSERT INTO account_ids SELECT name, account, 'id' FROM named")
    connection.execute("INSERT INTO acct SELECT a.text, a.rn, n.account FROM adopted a JOIN named n USING (name)")
    connection.execute("DROP TABLE adopted")


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return first(connection, "SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = ?", [table]) is not None


def resolve_people(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Finds the people of the good rows of `k` by `source:id`, id or e-mail, makes new ones, and their places.

    A person has one member number at each account they appear at, counted from 0 within the account.
    """
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE pers AS
        WITH t AS (SELECT person AS text, min(rn) AS rn FROM k WHERE reason IS NULL AND person IS NOT NULL GROUP BY 1)
        SELECT t.text, t.rn, COALESCE(q.person, p.person, e.person) AS person FROM t
        LEFT JOIN person_ids q ON q.external = {text(source + ":")} || t.text
        LEFT JOIN person_ids p ON p.external = t.text
        LEFT JOIN person_ids e ON t.text LIKE '%_@_%' AND e.external = lower(t.text) AND e.kind = 'email'"""
    )
    # An address in another case is the same person: new ones are known by the address in lower case.
    key = "CASE WHEN text LIKE '%_@_%' THEN lower(text) ELSE text END"
    connection.execute(
        f"""UPDATE pers SET person = made.node FROM (
            SELECT key, row_number() OVER (ORDER BY min(rn)) - 1 + (SELECT coalesce(max(person), -1) + 1
            FROM persons) AS node
            FROM (SELECT {key} AS key, rn FROM pers WHERE person IS NULL) GROUP BY key) made
        WHERE pers.person IS NULL AND made.key = {key.replace("text", "pers.text")}"""
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE fresh AS
        SELECT person, any_value({key}) AS external FROM pers WHERE person NOT IN (SELECT person FROM persons)
        GROUP BY person"""
    )
    connection.execute("INSERT INTO persons SELECT person, external FROM fresh")
    connection.execute(
        "INSERT INTO person_ids SELECT external, person, CASE WHEN external LIKE '%_@_%' THEN 'email' ELSE 'id' "
        "END FROM fresh"
    )
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE mem AS
        SELECT t.account AS account_text, t.person AS person_text, a.account, p.person, t.rn, m.member
        FROM (SELECT account, person, min(rn) AS rn FROM k WHERE reason IS NULL AND person IS NOT NULL GROUP BY ALL) t
        JOIN acct a ON a.text = t.account JOIN pers p ON p.text = t.person
        LEFT JOIN members m ON m.account = a.account AND m.person = p.person"""
    )
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE fresh AS
        SELECT account, person, row_number() OVER (PARTITION BY account ORDER BY rn) - 1
            + coalesce((SELECT max(member) + 1 FROM members m WHERE m.account = n.account), 0) AS member
        FROM (SELECT account, person, min(rn) AS rn FROM mem WHERE member IS NULL GROUP BY ALL) n"""
    )
    connection.execute("INSERT INTO members SELECT account, member, person FROM fresh")
    connection.execute(
        "UPDATE mem SET member = fresh.member FROM fresh WHERE mem.member IS NULL AND fresh.account = "
        "mem.account AND fresh.person = mem.person"
    )
