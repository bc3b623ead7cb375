"""`unmatched`, `match`, `merge`, `unmerge`: who is who."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace


def unmatched(ws: Workspace) -> dict[str, Any]:
    """The accounts that facts name and the accounts' source does not, most rows first, with suggestions."""
    from beforehand.facts import identity

    with ws.facts() as facts:
        found = identity.unmatched(facts)
    return {
        "unmatched": [
            {
                "account": u.account,
                "source": u.source,
                "rows": u.rows,
                "first_at": u.first_at,
                "last_at": u.last_at,
                "suggestions": [vars(s) for s in u.suggestions],
            }
            for u in found
        ],
        "total": len(found),
    }


def match(ws: Workspace, external: str, account: str) -> dict[str, Any]:
    """Says that an id of another system is an account we know."""
    from beforehand.facts import identity

    with ws.facts() as facts:
        named, into = identity.match(facts, external, account, ws.actor)
    return {"matched": named, "account": into, "actor": ws.actor}


def merge(ws: Workspace, named: str, into: str, *, people: bool = False) -> dict[str, Any]:
    """Makes two accounts (or people) one: the first goes into the second."""
    from beforehand.facts import identity

    with ws.facts() as facts:
        one, other = identity.merge(facts, "person" if people else "account", named, into, ws.actor)
    return {"merged": one, "into": other, "actor": ws.actor}


def unmerge(ws: Workspace, named: str, *, people: bool = False) -> dict[str, Any]:
    """Undoes the newest merge or match of an account (or person) into another."""
    from beforehand.facts import identity

    with ws.facts() as facts:
        one, other = identity.unmerge(facts, "person" if people else "account", named, ws.actor)
    return {"unmerged": one, "from": other, "actor": ws.actor}
