"""Who holds a role at an account, as the panel has it: who holds it at a moment, else who held it last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beforehand.facts.quoting import text

if TYPE_CHECKING:
    from beforehand.facts import Facts

ROLE = "role"
ALWAYS = -(2**62)
NOBODY = ((-1, -1),)
"""Members of a question about people there are none of."""

Member = tuple[int, int]


@dataclass(frozen=True)
class Held:
    """The stored members that hold a role, and what they are called."""

    members: tuple[Member, ...]
    names: tuple[str, ...]


class Roles:
    """What was ever said of the roles of people at some accounts; read once for many questions."""

    def __init__(self, facts: Facts, nodes: Iterable[int]) -> None:
        listed = ", ".join(str(int(node)) for node in sorted(set(nodes))) or "NULL"
        self.facts = facts
        self.said: dict[int, list[tuple[Any, ...]]] = {}
        rows = facts.connection.execute(
            f"""SELECT account, member, CASE WHEN dated THEN epoch_us(occurred_at) ELSE {ALWAYS} END AS at_us,
                CASE WHEN dated THEN epoch_us(occurred_at) + delay ELSE {ALWAYS} END AS known_us, value
            FROM traits WHERE trait = {text(ROLE)} AND member IS NOT NULL AND account IN ({listed})
            ORDER BY dated, at_us, stored_seq"""
        ).fetchall()
        self.names: dict[Member, str] = {
            (int(account), int(member)): str(name)
            for account, member, name in facts.connection.execute(
                "SELECT account, member, arg_max(value, (dated, occurred_at, stored_seq)) FROM traits "
                f"WHERE trait = 'name' AND member IS NOT NULL AND account IN ({listed}) GROUP BY ALL"
            ).fetchall()
            if name
        }
        for row in rows:
            self.said.setdefault(int(row[0]), []).append(row)

    def held(self, nodes: Iterable[int], role: str, end_us: int, known_us: int) -> Held:
        """Who holds the role at the end of a period, or held it last; nobody where nobody ever did."""
        wanted = role.strip().lower()
        history: dict[Member, list[tuple[int, bool]]] = {}
        for node in nodes:
            for account, member, at_us, known, value in self.said.get(node, ()):
                if at_us < end_us and known < known_us:
                    parts = {part.strip().lower() for part in (value or "").split(",")}
                    history.setdefault((account, member), []).append((at_us, wanted in parts))
        now = [who for who, said in history.items() if said[-1][1]]
        if not now:
            until = {who: _until(said) for who, said in history.items() if any(held for _, held in said)}
            now = [who for who, at in until.items() if at == max(until.values())]
        return Held(tuple(sorted(now)), tuple(dict.fromkeys(self._name(who) for who in sorted(now))))

    def _name(self, who: Member) -> str:
        """What a person is called: by name, else as it was first known."""
        return self.names.get(who) or self.facts.member_label(*who)


def _until(said: list[tuple[int, bool]]) -> int:
    """When a role that somebody held was last said of them no more."""
    last = max(place for place, (_, held) in enumerate(said) if held)
    return said[last + 1][0] if last + 1 < len(said) else ALWAYS
