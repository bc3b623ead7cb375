"""Accounts as they are known at a moment, each thing asked of the facts once for all of those that are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from beforehand.calendar import to_datetime, to_us
from beforehand.commands.about import Abouts, Texts
from beforehand.commands.at_account import AtAccount, Person, person_of
from beforehand.facts import traits
from beforehand.facts.asking import first
from beforehand.facts.merging import merged
from beforehand.workspace.playbooks import OUR_SOURCE as OURS

if TYPE_CHECKING:
    from beforehand.facts import Facts

URGENT, OVER = ("urgent", "critical"), ("solved", "closed", "resolved", "done")
UNKIND, UNKIND_FOR = 0.8, timedelta(days=7)


class Accounts:
    """Accounts by name at `at`; one that the facts do not know has nothing.

    What is asked of one is read for all of them, when the first is asked about. `since`: events are looked for from
    then on, None for all of them.
    """

    def __init__(self, facts: Facts, names: Iterable[str], at: datetime, since: datetime | None = None) -> None:
        self.facts = facts
        self.at = at
        self.since = since
        self.names = sorted(set(names))
        self._events: dict[str, dict[int, int]] = {}
        self._abouts: dict[str, Abouts] = {}

    def of(self, name: str) -> AtAccount:
        """The account as it is known then."""
        return self.known[name]

    @cached_property
    def known(self) -> dict[str, AtAccount]:
        """Every account that is looked at, by the name it was asked by."""
        connection = self.facts.connection
        into = merged(connection, "account")
        wanted = "SELECT external, account FROM account_ids WHERE external IN (SELECT unnest(?))"
        asked = {name.strip(): name for name in self.names}
        rows = connection.execute(wanted, [list(asked)]).fetchall() if asked else []
        root = {asked[external]: into.get(int(node), int(node)) for external, node in rows}
        roots = set(root.values())
        nodes: dict[int, list[int]] = {node: [node] for node in roots}
        for other, final in into.items():
            if final in roots:
                nodes[final].append(other)
        said = traits.of_many(self.facts, nodes, self.at)
        people = self._people([node for own in nodes.values() for node in own])
        labels = self._labels(roots)
        found = {name: AtAccount(name, self.at) for name in self.names}
        for name, node in root.items():
            there = tuple(person for own in sorted(nodes[node]) for person in people.get(own, ()))
            found[name] = AtAccount(labels[node], self.at, tuple(nodes[node]), said[node], there)
        return found

    def complaint(self, name: str) -> str | None:
        """What is open with an account that somebody must answer first, in words."""
        nodes = self.of(name).nodes
        ticket = min((found for node in nodes if (found := self._urgent.get(node)) is not None), default=None)
        if ticket is not None:
            return f"an urgent ticket, {ticket[1]}"
        return "an angry message of theirs" if any(node in self._angry for node in nodes) else None

    def touched_at(self, name: str) -> datetime | None:
        """When somebody of us was last in touch with an account; what playbooks sent does not count."""
        when = [self._touched[node] for node in self.of(name).nodes if node in self._touched]
        return to_datetime(max(when)) if when else None

    def came(self, name: str, event: str, since: datetime) -> bool:
        """Whether an event of a name came to an account since a moment, as known then."""
        nodes = self.of(name).nodes
        key = event.lower()
        if nodes and key not in self._events:
            from_then = "" if self.since is None else f"AND occurred_at >= {_moment(self.since)}"
            self._events[key] = self._by_node(
                f"SELECT account, epoch_us(max(occurred_at)) FROM events WHERE {self._ours} "
                f"AND lower(event) = lower(?) {from_then} AND learned_at < {_moment(self.at)} GROUP BY account",
                [event],
            )
        return any(self._events[key].get(node, -1) >= to_us(since) for node in nodes)

    def about(
        self, name: str, feature: str, signal: str, scope: str, events: Mapping[str, Sequence[str]] | None = None
    ) -> Texts:
        """What an alert at an account is about, for finding what helps: texts by kind, what weighs most first.

        `feature` is where events say which feature they are of, as in the settings; `events` are the product's own
        names of the standard events.
        """
        if feature not in self._abouts:
            everybody = sorted({node for here in self.known.values() for node in here.nodes})
            self._abouts[feature] = Abouts(self.facts, everybody, self.at, feature, events or {})
        return self._abouts[feature].of(self.of(name).nodes, signal, scope)

    def _people(self, nodes: Iterable[int]) -> dict[int, list[Person]]:
        listed = ", ".join(map(str, nodes))
        if not listed:
            return {}
        us = to_us(self.at)
        rows = self.facts.connection.execute(
            f"""SELECT account, member, trait, value FROM traits
            WHERE account IN ({listed}) AND member IS NOT NULL
            AND (NOT dated OR (epoch_us(occurred_at) <= {us} AND epoch_us(occurred_at) + delay < {us}))
            QUALIFY row_number() OVER (PARTITION BY account, member, trait
                ORDER BY CASE WHEN dated THEN epoch_us(occurred_at) ELSE -9e18 END DESC, stored_seq DESC) = 1
            ORDER BY trait"""
        ).fetchall()
        said: dict[tuple[int, int], dict[str, str]] = {}
        for account, member, trait, value in rows:
            if value is not None:
                said.setdefault((int(account), int(member)), {})[str(trait)] = str(value)
        found: dict[int, list[Person]] = {}
        members = self.facts.connection.execute(
            "SELECT m.account, m.member, p.label FROM members m JOIN persons p USING (person) "
            f"WHERE m.account IN ({listed}) ORDER BY m.account, m.member"
        ).fetchall()
        for account, member, label in members:
            found.setdefault(int(account), []).append(person_of(str(label), said.get((int(account), int(member)), {})))
        return found

    def _labels(self, nodes: Iterable[int]) -> dict[int, str]:
        listed = ", ".join(map(str, nodes))
        if not listed:
            return {}
        rows = self.facts.connection.execute(f"SELECT account, label FROM accounts WHERE account IN ({listed})")
        return {int(account): str(label) for account, label in rows.fetchall()}

    @cached_property
    def _ours(self) -> str:
        """The condition that a row is of one of the accounts."""
        nodes = [node for here in self.known.values() for node in here.nodes]
        return f"account IN ({', '.join(map(str, nodes))})" if nodes else "false"

    def _by_node(self, sql: str, given: list[object]) -> dict[int, int]:
        return {int(node): int(us) for node, us in self.facts.connection.execute(sql, given).fetchall()}

    @cached_property
    def _urgent(self) -> dict[int, tuple[str, str]]:
        """The first urgent ticket that is open with each account: its id, and what it is called."""
        known = _moment(self.at)
        rows = self.facts.connection.execute(
            f"""SELECT account, id, coalesce(max(subject), id) FROM tickets
            WHERE {self._ours} AND learned_at < {known} AND occurred_at < {known}
            GROUP BY account, id, lower(coalesce(status, '')), lower(coalesce(priority, ''))
            HAVING sum(sign) > 0 AND lower(coalesce(any_value(priority), '')) IN {URGENT}
                AND lower(coalesce(any_value(status), '')) NOT IN {OVER} ORDER BY id DESC"""
        ).fetchall()
        return {int(account): (str(ticket), str(said)) for account, ticket, said in rows}

    @cached_property
    def _angry(self) -> frozenset[int]:
        """Accounts with an angry message in the last days."""
        connection = self.facts.connection
        if first(connection, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'tones'") is None:
            return frozenset()
        rows = connection.execute(
            f"SELECT DISTINCT account FROM tones WHERE {self._ours} AND learned_at < {_moment(self.at)} "
            f"AND occurred_at > {_moment(self.at - UNKIND_FOR)} AND sign > 0 AND negative >= {UNKIND}"
        ).fetchall()
        return frozenset(int(node) for (node,) in rows)

    @cached_property
    def _touched(self) -> dict[int, int]:
        known = _moment(self.at)
        return self._by_node(
            f"SELECT account, epoch_us(max(occurred_at)) FROM touches WHERE {self._ours} AND source <> '{OURS}' "
            f"AND learned_at < {known} AND occurred_at < {known} GROUP BY account",
            [],
        )


def _moment(at: datetime) -> str:
    return f"make_timestamp({to_us(at)})"
