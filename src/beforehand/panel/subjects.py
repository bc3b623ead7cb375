"""Who the rows of a panel are: accounts or what is within them as known now, and which stored nodes each is made of.

Facts and cells keep the node they were stored under. Merges, their undoing, matches and exclusions apply here, when
cells are laid out, so that none of them makes anything be counted again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
from numpy.typing import NDArray

from beforehand.facts import Facts
from beforehand.panel import facets
from beforehand.panel.facets import Facet, Labels
from beforehand.signals.tree import SubjectKind

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Subjects:
    """The subjects of a sheet, `n` rows, ascending by account, node and member.

    A person is the first of the stored members (`node`, `member`) that are this person at the account, a ticket, issue
    or feature the first of the slots that are it; for accounts `node` is the account and `member` -1. `raw_account`,
    `raw_member` and `raw_row` say which row each stored account, member or slot belongs to. `slots` says, for stored
    accounts whose members are not simply bits of their own account's row, which bit each member is: merged accounts and
    people known under several members. `owner` is the account that each stored account `owned` is now.
    """

    kind: SubjectKind
    account: Ids
    node: Ids
    member: Ids
    raw_account: Ids
    raw_member: Ids
    raw_row: NDArray[np.int64]
    slots: dict[int, NDArray[np.int64]]
    owned: Ids
    owner: Ids
    label: Callable[[int], str]

    def scope(self, row: int) -> str:
        """What tells this subject from others of its account: nothing for the account itself, else who it is."""
        return "" if self.kind == "account" else self.label(row)

    @property
    def size(self) -> int:
        """How many subjects there are (n)."""
        return int(self.account.size)

    @cached_property
    def accounts(self) -> Ids:
        """The accounts that have a row, ascending."""
        return self.account if self.kind == "account" else np.unique(self.account)

    @cached_property
    def group(self) -> NDArray[np.int64]:
        """The place of each row's account in `accounts`, ascending."""
        return np.searchsorted(self.accounts, self.account).astype(np.int64)


@dataclass(frozen=True)
class _Members:
    """Stored members of accounts in scope, the account each belongs to now, and the member it is (`lead`)."""

    account: Ids
    member: Ids
    owner: Ids
    lead_account: Ids
    lead_member: Ids

    def take(self, chosen: NDArray[np.bool_]) -> _Members:
        """Some of them."""
        return _Members(
            self.account[chosen], self.member[chosen], self.owner[chosen], self.lead_account[chosen],
            self.lead_member[chosen],
        )  # fmt: skip


def subjects(facts: Facts, kind: SubjectKind, excluded: Ids, people: bool = True) -> Subjects:
    """The subjects of one kind as they are known now, without accounts and members (`excluded`) that are left out.

    `people` False: nobody counts people of accounts, so their members need not be looked at.
    """
    known = facts.subjects()
    canonical = np.asarray(known.account, dtype=np.int32)
    raw, into = np.arange(known.canonical.size, dtype=np.int32), np.asarray(known.canonical, dtype=np.int32)
    at = np.minimum(np.searchsorted(canonical, into), max(canonical.size - 1, 0))
    inside = (canonical[at] == into) if canonical.size else np.zeros(into.size, bool)
    raw, into, rows = raw[inside], into[inside], at[inside].astype(np.int64)
    if kind == "account":
        slots = _slots(_members(facts.connection, raw, into)) if people else {}
        none, none_raw = np.full(canonical.size, -1, np.int32), np.full(raw.size, -1, np.int32)
        return Subjects(
            kind, canonical, canonical, none, raw, none_raw, rows, slots, raw, into,
            lambda row: str(known.label[row]),
        )  # fmt: skip
    members = _members(facts.connection, raw, into)
    if len(excluded):
        barred = excluded[:, 0].astype(np.int64) << 32 | excluded[:, 1]
        members = members.take(~np.isin(members.account.astype(np.int64) << 32 | members.member, barred))
    key = np.stack([members.owner, members.lead_account, members.lead_member], axis=1)
    unique, row = np.unique(key, axis=0, return_inverse=True)
    account, node, member = (np.ascontiguousarray(unique[:, i]) for i in range(3))
    return Subjects(
        kind, account, node, member, members.account, members.member, row.reshape(-1).astype(np.int64), {}, raw, into,
        lambda i: str(facts.member_label(int(node[i]), int(member[i]))),
    )  # fmt: skip


def facet_subjects(
    facts: Facts, kind: SubjectKind, facet: Facet, accounts: Subjects, cells: list[tuple[str, list[str]]]
) -> Subjects:
    """The tickets, issues or features of the accounts in scope that have a row of one of the quantities.

    `cells` are tables, each with the columns that count such rows. The same key at accounts that are one now is one
    subject.
    """
    connection = facts.connection
    pieces = [
        f"SELECT account, member FROM {table} WHERE {' OR '.join(f'{name} > 0' for name in names)}"
        for table, names in cells
    ] or ["SELECT 0 AS account, 0 AS member WHERE false"]
    found = connection.execute(" UNION ".join(pieces) + " ORDER BY account, member").fetchnumpy()
    node, slot = (np.asarray(found[name], dtype=np.int32) for name in ("account", "member"))
    owner, inside = _owners(accounts, node)
    node, slot, owner = node[inside], slot[inside], owner[inside]
    lead_node, lead_slot = node.copy(), slot.copy()
    mine = np.flatnonzero(np.isin(owner, _merged_into(accounts)))
    if mine.size:
        lead_node[mine], lead_slot[mine] = _leads(connection, facet, node[mine], slot[mine], owner[mine])
    key = np.stack([owner, lead_node, lead_slot], axis=1)
    lead = (lead_node == node) & (lead_slot == slot)
    order = np.lexsort((slot[lead], node[lead], owner[lead]))
    unique = key[lead][order]
    account, first, member = (np.ascontiguousarray(unique[:, i]) for i in range(3))
    row = np.empty(node.size, np.int64)
    row[np.flatnonzero(lead)[order]] = np.arange(order.size)
    other = np.flatnonzero(~lead)
    if other.size:  # what is the same as another, at an account merged into its own
        place = {pair: i for i, pair in enumerate(zip(node.tolist(), slot.tolist(), strict=True))}
        row[other] = [row[place[int(a), int(b)]] for a, b in key[other][:, 1:]]
    return Subjects(
        kind, account, first, member, node, slot, row, accounts.slots, accounts.owned, accounts.owner,
        Labels(connection, facet, first, member),
    )  # fmt: skip


def facet_slots(
    connection: duckdb.DuckDBPyConnection, facet: Facet, accounts: Subjects
) -> dict[int, NDArray[np.int64]]:
    """As `Subjects.slots`, for the values of a facet: the same value at accounts that are one now is one bit."""
    owners = _merged_into(accounts)
    if not owners.size:
        return {}
    listed = ", ".join(map(str, accounts.owned[np.isin(accounts.owner, owners)].tolist()))
    found = connection.execute(
        f"SELECT node, slot FROM {facets.TABLE} WHERE facet = ? AND node IN ({listed}) ORDER BY node, slot",
        [facet.name],
    ).fetchnumpy()
    node, slot = (np.asarray(found[name], dtype=np.int32) for name in ("node", "slot"))
    owner, _ = _owners(accounts, node)
    return _slots(_Members(node, slot, owner, *_leads(connection, facet, node, slot, owner)))


def _owners(accounts: Subjects, node: Ids) -> tuple[Ids, NDArray[np.bool_]]:
    """The account each stored one is now, and whether that is one of the subjects."""
    order = np.argsort(accounts.owned, kind="stable")
    owned = accounts.owned[order]
    at = np.minimum(np.searchsorted(owned, node), max(owned.size - 1, 0))
    if not owned.size:
        return node, np.zeros(node.size, bool)
    return accounts.owner[order][at], owned[at] == node


def _merged_into(accounts: Subjects) -> Ids:
    """The accounts that others were merged into."""
    return np.unique(accounts.owner[accounts.owner != accounts.owned])


def _leads(connection: duckdb.DuckDBPyConnection, facet: Facet, node: Ids, slot: Ids, owner: Ids) -> tuple[Ids, Ids]:
    """Of each stored slot the first that has the same key at the same account: that of the account itself, if any."""
    import pyarrow as pa

    connection.register("panel_asked", pa.table({"node": node, "slot": slot, "owner": owner}))
    try:
        found = connection.execute(
            f"""SELECT node, slot, first_value(node) OVER same AS lead_node, first_value(slot) OVER same AS lead_slot
            FROM panel_asked JOIN {facets.TABLE} USING (node, slot) WHERE facet = '{facet.name}'
            WINDOW same AS (PARTITION BY owner, key ORDER BY owner <> node, node, slot) ORDER BY node, slot"""
        ).fetchnumpy()
    finally:
        connection.unregister("panel_asked")
    lead = tuple(np.asarray(found[name], dtype=np.int32) for name in ("lead_node", "lead_slot"))
    order = np.lexsort((slot, node))
    out = np.empty((2, node.size), np.int32)
    out[:, order] = lead
    return out[0], out[1]


def excluded_people(connection: duckdb.DuckDBPyConnection, patterns: tuple[str, ...]) -> Ids:
    """The stored members (pairs of account and member, `[m, 2]`) of people with an id or e-mail that matches a pattern.

    People merged with one that matches are that one.
    """
    if not patterns:
        return np.empty((0, 2), np.int32)
    matched = connection.execute(
        f"SELECT DISTINCT person FROM person_ids WHERE {' OR '.join(['lower(external) GLOB ?'] * len(patterns))}",
        [pattern.lower().replace("[", "[[]").replace("?", "[?]") for pattern in patterns],
    ).fetchnumpy()
    found = connection.execute("SELECT account, member, person FROM members ORDER BY account, member").fetchnumpy()
    people = _merged_people(connection, np.asarray(matched["person"], dtype=np.int64))
    barred = np.isin(_merged_people(connection, np.asarray(found["person"], dtype=np.int64)), people)
    return np.stack([np.asarray(found[n], dtype=np.int32)[barred] for n in ("account", "member")], axis=1)


def _members(connection: duckdb.DuckDBPyConnection, raw: Ids, into: Ids) -> _Members:
    """Members of one account (after merges) that are one person (after merges) are one: the first of them."""
    found = connection.execute("SELECT account, member, person FROM members ORDER BY account, member").fetchnumpy()
    account, member = (np.asarray(found[name], dtype=np.int32) for name in ("account", "member"))
    person = np.asarray(found["person"], dtype=np.int64)
    order = np.argsort(raw, kind="stable")
    at = np.minimum(np.searchsorted(raw[order], account), max(raw.size - 1, 0))
    inside = (raw[order][at] == account) if raw.size else np.zeros(account.size, bool)
    owner = into[order][at[inside]] if raw.size else into
    account, member, person = account[inside], member[inside], person[inside]
    person = _merged_people(connection, person)
    # Members of the account itself come before those of accounts merged into it, so that they keep their place.
    by = np.lexsort((member, account, owner != account, person, owner))
    first = np.ones(by.size, dtype=bool)
    first[1:] = (owner[by][1:] != owner[by][:-1]) | (person[by][1:] != person[by][:-1])
    lead = np.empty(by.size, np.int64)
    lead[by] = by[first][np.cumsum(first) - 1]
    return _Members(account, member, owner, account[lead], member[lead])


def _merged_people(connection: duckdb.DuckDBPyConnection, person: NDArray[np.int64]) -> NDArray[np.int64]:
    merges = connection.execute(
        "SELECT node, into_node FROM merges WHERE kind = 'person' AND undone_at IS NULL ORDER BY merge"
    ).fetchall()
    if not merges:
        return person
    into = dict(merges)

    def final(node: int) -> int:
        seen = set()
        while node in into and node not in seen:
            seen.add(node)
            node = into[node]
        return node

    unique, inverse = np.unique(person, return_inverse=True)
    return np.array([final(int(p)) for p in unique], dtype=np.int64)[inverse]


def _slots(members: _Members) -> dict[int, NDArray[np.int64]]:
    """For each stored account whose members are not simply their own bits: the bit of each member.

    A member of the account itself keeps its number; one that came with a merged account gets a number beyond those.
    """
    own = members.lead_account == members.owner
    odd = np.unique(
        members.account[~own | (members.owner != members.account) | (members.lead_member != members.member)]
    )
    if not odd.size:
        return {}
    size = np.zeros(int(max(members.owner.max(), members.account.max())) + 1, np.int64)
    np.maximum.at(size, members.account, members.member.astype(np.int64) + 1)
    bit = members.lead_member.astype(np.int64)
    if not own.all():
        foreign = np.stack([members.owner, members.lead_account, members.lead_member], axis=1)[~own]
        unique, inverse = np.unique(foreign, axis=0, return_inverse=True)
        number = np.arange(len(unique)) - np.searchsorted(unique[:, 0], unique[:, 0], side="left")
        bit[~own] = (size[unique[:, 0]] + number)[inverse.reshape(-1)]
    slots: dict[int, NDArray[np.int64]] = {}
    for node in odd:
        mine = members.account == node
        found = np.full(int(members.member[mine].max()) + 1, -1, np.int64)
        found[members.member[mine]] = bit[mine]
        slots[int(node)] = found
    return slots
