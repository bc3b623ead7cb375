"""Who is who, as people settle it: what is unmatched, matching, merging, and undoing both."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beforehand.errors import InputError, among
from beforehand.facts import merging
from beforehand.facts.asking import first
from beforehand.facts.merging import NodeKind
from beforehand.facts.resolving import FREE_MAIL
from beforehand.facts.schema import FACT_TABLES

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

SUGGESTED = 200
"""How many unmatched accounts get suggestions: those with the most rows."""
LIKELY = 75.0
"""How alike two names must be (0 to 100) to be suggested."""


@dataclass(frozen=True)
class Suggestion:
    """An account that an unmatched one may be, how alike they are (0 to 100), and what speaks for it."""

    account: str
    score: float
    why: str


@dataclass(frozen=True)
class Unmatched:
    """An account that facts name and the accounts' source does not: kept, and left out of every count until matched."""

    account: str
    source: str
    rows: int
    first_at: datetime | None
    last_at: datetime | None
    suggestions: tuple[Suggestion, ...]


def unmatched(facts: Facts) -> list[Unmatched]:
    """What waits to be matched, most rows first, with suggestions by name and by the domains of its people."""
    nodes = [int(n) for n in facts.subjects().unmatched]
    if not nodes:
        return []
    listed = ", ".join(map(str, nodes))
    counted: dict[int, list[tuple[int, datetime, datetime]]] = defaultdict(list)
    into = merging.merged(facts.connection, "account")
    raw = ", ".join(map(str, {*nodes, *(n for n, root in into.items() if root in set(nodes))}))
    for table in FACT_TABLES:
        found = facts.connection.execute(
            f"SELECT account, count(*), min(occurred_at), max(occurred_at) FROM {table} WHERE account IN ({raw}) "
            "GROUP BY 1"
        ).fetchall()
        for node, rows, low, high in found:
            counted[into.get(node, node)].append((rows, low, high))
    labels = facts.connection.execute(
        f"SELECT account, label, made_by FROM accounts WHERE account IN ({listed})"
    ).fetchall()
    named = {node: (str(label), str(source)) for node, label, source in labels}
    nodes.sort(key=lambda n: (-sum(r for r, _, _ in counted[n]), named[n][0]))
    ideas = _suggestions(facts, nodes[:SUGGESTED], {n: label for n, (label, _) in named.items()})
    return [
        Unmatched(
            *named[node],
            sum(r for r, _, _ in counted[node]),
            min((low for _, low, _ in counted[node]), default=None),
            max((high for _, _, high in counted[node]), default=None),
            tuple(ideas.get(node, ())),
        )
        for node in nodes
    ]


def _suggestions(facts: Facts, nodes: list[int], labels: dict[int, str]) -> dict[int, list[Suggestion]]:
    from rapidfuzz import fuzz, process, utils

    known = facts.subjects()
    label_of = dict(zip((int(a) for a in known.account), known.label, strict=True))
    names = {
        f"{node}/{name}": name
        for node, name in facts.connection.execute(
            "SELECT account, external FROM account_ids UNION SELECT account, value FROM traits WHERE trait = "
            "'name' AND member IS NULL"
        ).fetchall()
        if name and int(known.canonical[node]) in label_of
    }
    domains = dict(
        facts.connection.execute("SELECT external, account FROM account_ids WHERE kind = 'domain'").fetchall()
    )
    people = facts.connection.execute(
        f"""SELECT m.account, lower(regexp_extract(i.external, '@([^@]+)$', 1)) AS domain, count(*) FROM members m
        JOIN person_ids i USING (person) WHERE i.kind = 'email' AND m.account IN ({", ".join(map(str, nodes))})
        GROUP BY ALL"""
    ).fetchall()
    ideas: dict[int, dict[str, Suggestion]] = defaultdict(dict)
    for node, domain, count in people:
        owner = (
            label_of.get(int(known.canonical[domains[domain]]))
            if domain in domains and domain not in FREE_MAIL
            else None
        )
        if owner:
            ideas[node][owner] = Suggestion(
                owner, 100.0, f"{count} {'person has' if count == 1 else 'people have'} an address at {domain}"
            )
    for node in nodes:
        plain = labels[node].split(":", 1)[-1].removeprefix("www.")
        for name, score, key in process.extract(
            plain, names, scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=LIKELY, limit=5
        ):
            label = label_of[int(known.canonical[int(key.split("/", 1)[0])])]
            if label not in ideas[node]:
                ideas[node][label] = Suggestion(label, round(float(score), 1), f"its name or id {name} is alike")
    return {n: sorted(found.values(), key=lambda s: (-s.score, s.account))[:3] for n, found in ideas.items()}


def node_named(facts: Facts, kind: NodeKind, named: str) -> int:
    """The stored node (before merges) of an account or person by any id; InputError with the nearest names."""
    table = "account_ids" if kind == "account" else "person_ids"
    row = first(
        facts.connection,
        f"SELECT {kind} FROM {table} WHERE external IN (?, lower(?)) ORDER BY external <> ?",
        [named] * 3,
    )
    if row is None:
        every = [r[0] for r in facts.connection.execute(f"SELECT external FROM {table}").fetchall()]
        raise InputError(f"No {kind} is called {named!r}.", among(named, every), code=f"unknown-{kind}")
    return int(row[0])


def label_of(facts: Facts, kind: NodeKind, node: int) -> str:
    """What a stored node is called itself, merges not applied."""
    table = "accounts" if kind == "account" else "persons"
    row = first(facts.connection, f"SELECT label FROM {table} WHERE {kind} = ?", [node])
    return str(row[0]) if row else str(node)


def merge(
    facts: Facts, kind: NodeKind, named: str, into: str, actor: str, at: datetime | None = None
) -> tuple[str, str]:
    """Records that two are one; the first goes into the second. Returns what both are called."""
    node, target = node_named(facts, kind, named), node_named(facts, kind, into)
    with facts.transaction():
        merging.merge(facts.connection, kind, node, target, at or datetime.now(UTC), actor)
    ends = merging.merged(facts.connection, kind)
    return label_of(facts, kind, node), label_of(facts, kind, ends.get(target, target))


def unmerge(facts: Facts, kind: NodeKind, named: str, actor: str, at: datetime | None = None) -> tuple[str, str]:
    """Undoes the newest merge or match of one into another. Returns what both are called."""
    node = node_named(facts, kind, named)
    with facts.transaction():
        target = merging.undo(facts.connection, kind, node, at or datetime.now(UTC), actor)
    return label_of(facts, kind, node), label_of(facts, kind, target)


def match(facts: Facts, external: str, account: str, actor: str, at: datetime | None = None) -> tuple[str, str]:
    """Says that an id of another system is an account we know. Returns what both are called.

    Facts that came under the id join the account; where none came yet, those to come will. InputError where the id
    belongs to an account that the accounts' list itself names.
    """
    target = node_named(facts, "account", account)
    row = first(
        facts.connection,
        "SELECT i.account, n.listed FROM account_ids i JOIN accounts n USING (account) WHERE external = ?",
        [external],
    )
    if row is not None and row[1]:
        raise InputError(
            f"{external} is an account of the accounts' list itself.",
            f"To make two listed accounts one: beforehand merge {external} {account}",
            code="already-listed",
        )
    if row is not None:
        return merge(facts, "account", external, account, actor, at)
    with facts.transaction():
        facts.connection.execute("INSERT INTO account_ids VALUES (?, ?, 'external')", [external, target])
    return external, facts.label(target)
