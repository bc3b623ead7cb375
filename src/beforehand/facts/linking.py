"""What else an account or a person is known by: ids in other systems, domains, e-mail addresses.

A list that says that `stripe:cus_1` is Acme also settles who the facts were about that came from `stripe` as `cus_1`
before: that node is merged into Acme, recorded like any other merge.
"""

from __future__ import annotations

import duckdb

from beforehand.facts.batches import Batch
from beforehand.facts.merging import NodeKind, canonical_tables, final, merge, merged
from beforehand.facts.quoting import text
from beforehand.facts.resolving import FREE_MAIL

ACTOR = "load"
LEGAL = (
    r"( (inc|incorporated|corp|corporation|co|company|llc|ltd|limited|plc|gmbh|ag|kg|se|sa|sas|sarl|bv|nv|ab|as|oy|srl"
    r"|spa|pty))+$"
)
"""What stands at the end of a company's name and is no part of what it is called."""


def link_accounts(connection: duckdb.DuckDBPyConnection, batch: Batch, systems: list[str], known_before: int) -> None:
    """Marks the accounts of `k` as listed and gives them their external ids and domains; rows that brought anything
    new go to `changed`. An external id that another listed account has sends the row to quarantine."""
    connection.execute(
        """INSERT INTO changed SELECT DISTINCT k.rn FROM k JOIN acct a ON a.text = k.account JOIN accounts n
            ON n.account = a.account
        WHERE k.reason IS NULL AND NOT n.listed"""
    )
    _claims(connection, systems)
    _refuse_taken(connection)
    connection.execute(
        """UPDATE accounts SET listed = true, label = named.text
        FROM (SELECT a.account, arg_min(a.text, a.rn) AS text FROM acct a JOIN k ON k.account = a.text
              WHERE k.reason IS NULL AND a.text NOT LIKE '@%' GROUP BY 1) named
        WHERE named.account = accounts.account AND NOT accounts.listed"""
    )
    connection.execute(
        """INSERT INTO changed SELECT DISTINCT rn FROM claims c WHERE good AND NOT EXISTS (
            SELECT 1 FROM account_ids i WHERE i.external = c.external)"""
    )
    # Nodes that facts made under this very id or domain, before anybody said whose it is.
    meant = connection.execute(
        """SELECT DISTINCT n.account, c.account FROM claims c JOIN account_ids i
            ON i.external = c.external OR i.external = c.plain
        JOIN accounts n ON n.account = i.account
        WHERE c.good AND NOT n.listed AND n.account <> c.account
        AND (i.external = c.external OR n.made_by = c.system OR c.system = '')
        ORDER BY 1, 2"""
    ).fetchall()
    connection.execute(
        """INSERT INTO account_ids SELECT external, arg_min(account, rn), any_value(kind) FROM claims
        WHERE good AND external NOT IN (SELECT external FROM account_ids) GROUP BY external"""
    )
    _merge_all(connection, "account", meant, batch)


def _claims(connection: duckdb.DuckDBPyConnection, systems: list[str]) -> None:
    """`claims`: what each good row says its account is also known by."""
    parts = [
        f"SELECT rn, {text(system + ':')} || x{number} AS external, x{number} AS plain, {text(system)} AS system, "
        "'external' AS kind "
        f"FROM s WHERE x{number} IS NOT NULL"
        for number, system in enumerate(systems)
    ]
    free = ", ".join(text(d) for d in FREE_MAIL)
    parts.append(
        f"SELECT rn, d AS external, d AS plain, '' AS system, 'domain' AS kind FROM (SELECT rn, unnest(list_transform("
        "regexp_split_to_array(lower(domain), '[,; ]+'), lambda x: regexp_replace(x, '^(https?://)?(www[.])?@?', "
        "''))) AS d FROM s "
        f"WHERE domain IS NOT NULL) WHERE d <> '' AND d NOT IN ({free})"
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE claims AS SELECT p.*, a.account, true AS good
        FROM ({" UNION ALL ".join(parts)}) p JOIN k USING (rn) JOIN acct a ON a.text = k.account
        WHERE k.reason IS NULL"""
    )


def _refuse_taken(connection: duckdb.DuckDBPyConnection) -> None:
    """A row may not take an external id from a listed account, nor from an earlier row; a domain stays where it is."""
    into = merged(connection, "account")
    rows = connection.execute(
        """SELECT c.rn, c.external, c.kind, c.account, i.account, n.label FROM claims c JOIN account_ids i
            ON i.external = c.external
        JOIN accounts n ON n.account = i.account WHERE n.listed AND i.account <> c.account
        UNION ALL
        SELECT rn, external, kind, account, owner, (SELECT label FROM accounts WHERE accounts.account = owner)
        FROM (SELECT *, first_value(account) OVER (PARTITION BY external ORDER BY rn) AS owner FROM claims)
        WHERE owner <> account"""
    ).fetchall()
    for rn, external, kind, account, owner, label in rows:
        if final(into, account) == final(into, owner):
            continue
        connection.execute("UPDATE claims SET good = false WHERE rn = ? AND external = ?", [rn, external])
        if kind == "external":
            connection.execute(
                "UPDATE k SET reason = ? WHERE rn = ? AND reason IS NULL",
                [f"{external} belongs to account {label} already", rn],
            )
            connection.execute("UPDATE claims SET good = false WHERE rn = ?", [rn])


def adopt_accounts(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Accounts of another system's list that nobody knows by their id there: the id is added to the account they are.

    That is the account their `external_id` names, else the one that has their domain, else the only one of their name
    (letter case, marks and the legal form left out), where the list has but one of that name too and that account has
    no other in it.
    """
    canonical_tables(connection)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE adopted AS
        WITH theirs AS (
            SELECT rn, account FROM k WHERE reason IS NULL AND account NOT IN (SELECT external FROM account_ids)
            AND {text(source + ":")} || account NOT IN (SELECT external FROM account_ids)),
        roots AS (SELECT account, coalesce(into_node, account) AS root FROM accounts
            LEFT JOIN canon_account ON node = account),
        called AS (
            SELECT root, {_said("arg_max(value, (occurred_at, stored_seq))")} AS name
            FROM traits t JOIN roots r USING (account)
            WHERE trait = 'name' AND member IS NULL AND value IS NOT NULL GROUP BY root
            UNION SELECT root, {_said("label")} FROM accounts JOIN roots USING (account)),
        one AS (SELECT name, any_value(root) AS root FROM called WHERE length(name) > 2 GROUP BY name
            HAVING count(DISTINCT root) = 1
            AND any_value(root) NOT IN (SELECT coalesce(into_node, account) FROM account_ids LEFT JOIN canon_account
                ON node = account WHERE starts_with(external, {text(source + ":")}))),
        named AS (SELECT {_said("value")} AS name, min(t.account) AS account FROM theirs t JOIN long l USING (rn)
            WHERE l.trait = 'name' GROUP BY 1 HAVING count(DISTINCT t.account) = 1),
        found AS (
            SELECT t.account, r.root, 1 AS rank FROM theirs t JOIN long l USING (rn)
                JOIN account_ids i ON i.external = l.value JOIN roots r ON r.account = i.account
                WHERE l.trait = 'external_id'
            UNION SELECT t.account, r.root, 2 FROM theirs t JOIN (
                SELECT rn, unnest(regexp_split_to_array(lower(domain), '[,; ]+')) AS domain FROM s) d USING (rn)
                JOIN account_ids i ON i.external = d.domain AND i.kind = 'domain'
                JOIN roots r ON r.account = i.account
            UNION SELECT n.account, o.root, 3 FROM named n JOIN one o USING (name))
        SELECT account, rank, any_value(root) AS root FROM found GROUP BY account, rank
        HAVING count(DISTINCT root) = 1"""
    )
    connection.execute(
        f"""INSERT INTO account_ids SELECT {text(source + ":")} || account, arg_min(root, rank), 'external' FROM adopted
        GROUP BY account"""
    )
    connection.execute("DROP TABLE adopted")


def _said(name: str) -> str:
    """SQL for a name as it is compared."""
    words = f"regexp_replace(lower({name}), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g')"
    return f"trim(regexp_replace(trim({words}), {text(LEGAL)}, ''))"


def adopt_addresses(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """A person who was known by an address alone, and now gets an id, keeps their place: the id is added to them."""
    connection.execute(
        f"""INSERT INTO person_ids SELECT text, any_value(person), 'id' FROM (
            SELECT s.person AS text, e.person FROM s JOIN k USING (rn) JOIN person_ids e ON e.external = lower(s.email)
            WHERE k.reason IS NULL AND s.person <> s.email
            AND s.person NOT IN (SELECT external FROM person_ids)
            AND {text(source + ":")} || s.person NOT IN (SELECT external FROM person_ids)) GROUP BY text"""
    )


def link_people(connection: duckdb.DuckDBPyConnection, batch: Batch, systems: list[str]) -> None:
    """Gives the people of `k` their addresses and ids in other systems; what one of these stood for alone is merged."""
    parts = ["SELECT rn, lower(email) AS external, 'email' AS kind FROM s WHERE email LIKE '%_@_%'"]
    parts += [
        f"SELECT rn, {text(system + ':')} || x{number} AS external, 'external' AS kind FROM s WHERE x{number} IS "
        "NOT NULL"
        for number, system in enumerate(systems)
    ]
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE claims AS SELECT p.*, m.person FROM ({" UNION ALL ".join(parts)}) p
            JOIN k USING (rn)
        JOIN mem m ON m.account_text = k.account AND m.person_text = k.person WHERE k.reason IS NULL"""
    )
    connection.execute(
        """INSERT INTO changed SELECT DISTINCT rn FROM claims c WHERE NOT EXISTS (
            SELECT 1 FROM person_ids i WHERE i.external = c.external)"""
    )
    # Two ids for one address: whoever was known by nothing else becomes the other; people with ids of their own do not.
    meant = connection.execute(
        """SELECT DISTINCT i.person, c.person FROM claims c JOIN person_ids i ON i.external = c.external
        WHERE i.person <> c.person AND (SELECT count(*) FROM person_ids o WHERE o.person = i.person) = 1 ORDER BY 1,
        2"""
    ).fetchall()
    connection.execute(
        """INSERT INTO person_ids SELECT external, arg_min(person, rn), any_value(kind) FROM claims
        WHERE external NOT IN (SELECT external FROM person_ids) GROUP BY external"""
    )
    _merge_all(connection, "person", meant, batch)


def _merge_all(
    connection: duckdb.DuckDBPyConnection, kind: NodeKind, pairs: list[tuple[int, int]], batch: Batch
) -> None:
    for node, into_node in pairs:
        into = merged(connection, kind)
        if final(into, node) != final(into, into_node):
            merge(connection, kind, node, into_node, batch.loaded_at, ACTOR)
