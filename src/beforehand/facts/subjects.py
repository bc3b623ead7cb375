"""Who is judged: accounts as they are known now, after merges, without unmatched and excluded ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import duckdb
import numpy as np
from numpy.typing import NDArray

from beforehand.facts.merging import merged

if TYPE_CHECKING:
    from beforehand.workspace.spec import SettingsSpec

Nodes = NDArray[np.int32]


@dataclass(frozen=True)
class Subjects:
    """`account` are canonical nodes, ascending; `label` what each is called; `canonical` maps every stored node to the
    one it was merged into (itself where it was not). `excluded` and `unmatched` are canonical nodes left out."""

    account: Nodes
    label: tuple[str, ...]
    canonical: Nodes
    excluded: Nodes
    unmatched: Nodes

    @cached_property
    def row_of(self) -> dict[int, int]:
        """The row of each canonical node that is a subject."""
        return {int(node): row for row, node in enumerate(self.account)}


def subjects(connection: duckdb.DuckDBPyConnection, settings: SettingsSpec) -> Subjects:
    """The accounts to judge. Merges, exclusions and `accounts_from` apply as they are now."""
    rows = connection.execute("SELECT account, label FROM accounts ORDER BY account").fetchall()
    size = rows[-1][0] + 1 if rows else 0
    canonical = np.arange(size, dtype=np.int32)
    for node, into in merged(connection, "account").items():
        canonical[node] = into
    labels = dict(rows)
    roots = np.unique(canonical[[node for node, _ in rows]]) if rows else np.empty(0, np.int32)
    excluded = _roots(canonical, excluded_accounts(connection, settings.exclude.accounts))
    unmatched = np.empty(0, np.int32)
    if settings.accounts_from is not None:
        named = connection.execute(
            "SELECT DISTINCT account FROM account_sources WHERE source = ?", [settings.accounts_from]
        )
        unmatched = np.setdiff1d(roots, _roots(canonical, [r[0] for r in named.fetchall()]))
    account = np.setdiff1d(np.setdiff1d(roots, excluded), unmatched).astype(np.int32)
    return Subjects(
        account, tuple(labels[int(a)] for a in account), canonical, excluded, np.setdiff1d(unmatched, excluded)
    )


def excluded_accounts(connection: duckdb.DuckDBPyConnection, patterns: tuple[str, ...]) -> list[int]:
    """The stored nodes with an id that matches a pattern (`*` any text, letter case ignored)."""
    if not patterns:
        return []
    found = connection.execute(
        f"SELECT DISTINCT account FROM account_ids WHERE {' OR '.join(['lower(external) GLOB ?'] * len(patterns))}",
        [glob(pattern) for pattern in patterns],
    )
    return [row[0] for row in found.fetchall()]


def glob(pattern: str) -> str:
    """A pattern in which only `*` means anything, in lower case, as the engine's GLOB takes it."""
    return pattern.lower().replace("[", "[[]").replace("?", "[?]")


def _roots(canonical: Nodes, nodes: list[int]) -> Nodes:
    return np.unique(canonical[nodes]) if nodes else np.empty(0, np.int32)


def excluded_members(connection: duckdb.DuckDBPyConnection, patterns: tuple[str, ...]) -> Nodes:
    """The stored members, `[m, 2]` of account and member, of people with an id or address that matches a pattern."""
    if not patterns:
        return np.empty((0, 2), np.int32)
    found = connection.execute(
        f"SELECT DISTINCT m.account, m.member FROM members m JOIN person_ids i USING (person) "
        f"WHERE {' OR '.join(['lower(i.external) GLOB ?'] * len(patterns))} ORDER BY ALL",
        [glob(pattern) for pattern in patterns],
    ).fetchnumpy()
    return np.stack([np.asarray(found["account"]), np.asarray(found["member"])], axis=1).astype(np.int32)
