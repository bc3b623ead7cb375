"""What playbooks need to know of an account at a moment: its traits, its people, what is open with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from beforehand.calendar import BusinessTime
from beforehand.errors import InputError
from beforehand.facts.asking import first
from beforehand.facts.merging import merged
from beforehand.workspace.playbooks import OUR_SOURCE as OURS
from beforehand.workspace.working import business_time

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

URGENT, OVER = ("urgent", "critical"), ("solved", "closed", "resolved", "done")
UNKIND, UNKIND_FOR = 0.8, timedelta(days=7)
ERRORS_FOR = timedelta(days=14)
ANYBODY = "person"
YES = ("yes", "true", "1")
"""Values of a person's trait that make its name a role of theirs."""


@dataclass(frozen=True)
class Person:
    """Somebody at an account; `marks` are traits that say yes of them, as `champion: yes` does."""

    id: str
    name: str = ""
    email: str = ""
    role: str = ""
    marks: tuple[str, ...] = ()
    language: str = ""

    @property
    def roles(self) -> frozenset[str]:
        """Their roles, one by one, in lower case and with blanks between words: of `role`, and of marks."""
        said = [*self.role.split(","), *self.marks]
        return frozenset(plainly for part in said if (plainly := _plainly(part)))


@dataclass(frozen=True)
class AtAccount:
    """An account as it was known at `at`."""

    name: str
    at: datetime
    nodes: tuple[int, ...] = ()
    traits: dict[str, str] = field(default_factory=dict)
    people: tuple[Person, ...] = ()

    @property
    def value(self) -> float | None:
        """What it is worth, None where nobody said."""
        try:
            return float(self.traits.get("value") or self.traits.get("amount") or "")
        except ValueError:
            return None

    def receiver(self, wanted: Sequence[str], scope: str = "") -> Person | None:
        """The first who is there of `their ROLE`, ...; those with an address before those without.

        `their person` is whom the alert is about, where it is about one.
        """
        for said in wanted:
            role = _plainly(said.split(None, 1)[1])
            found = [
                p for p in self.people if role in p.roles or (role == ANYBODY and scope and scope in (p.id, p.email))
            ]
            if found:
                return min(found, key=lambda p: (not p.email, p.id))
        return None


def _plainly(role: str) -> str:
    """A role as people compare it: `Decision_Maker` is a decision maker."""
    return " ".join(role.replace("_", " ").replace("-", " ").lower().split())


def at_account(facts: Facts, account: str, at: datetime) -> AtAccount:
    """Reads an account; one that the facts do not know has nothing."""
    try:
        node = facts.account_named(account)
    except InputError:
        return AtAccount(account, at)
    nodes = (node, *(other for other, into in merged(facts.connection, "account").items() if into == node))
    listed = ", ".join(map(str, nodes))
    rows = facts.connection.execute(
        "SELECT m.account, m.member, p.label FROM members m JOIN persons p USING (person) "
        f"WHERE m.account IN ({listed}) ORDER BY m.account, m.member"
    ).fetchall()
    people = []
    for of, member, label in rows:
        said = facts.traits_of(int(of), at, int(member))
        email = said.get("email") or (label if "@" in label else "")
        marks = tuple(trait for trait, value in sorted(said.items()) if str(value).strip().lower() in YES)
        people.append(
            Person(str(label), said.get("name") or "", email, said.get("role") or "", marks, said.get("language") or "")
        )
    return AtAccount(facts.label(node), at, nodes, dict(facts.traits_of(node, at)), tuple(people))


def their_time(folder: Folder, here: AtAccount) -> BusinessTime:
    """Business time where the account is: its own zone, where it has one that exists."""
    zone = here.traits.get("zone")
    try:
        return business_time(folder.settings, zone=zone)
    except InputError:
        return business_time(folder.settings)


def complaint(facts: Facts, here: AtAccount) -> str | None:
    """What is open with an account that somebody must answer first, in words."""
    if not here.nodes:
        return None
    listed, known = ", ".join(map(str, here.nodes)), here.at.replace(tzinfo=None)
    row = first(
        facts.connection,
        f"""SELECT coalesce(max(subject), id) FROM tickets
        WHERE account IN ({listed}) AND learned_at < ? AND occurred_at < ?
        GROUP BY id, lower(coalesce(status, '')), lower(coalesce(priority, ''))
        HAVING sum(sign) > 0 AND lower(coalesce(any_value(priority), '')) IN {URGENT}
            AND lower(coalesce(any_value(status), '')) NOT IN {OVER} ORDER BY id LIMIT 1""",
        [known, known],
    )
    if row is not None:
        return f"an urgent ticket, {row[0]}"
    if first(facts.connection, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'tones'") is None:
        return None
    row = first(
        facts.connection,
        f"SELECT count(*) FROM tones WHERE account IN ({listed}) AND learned_at < ? AND occurred_at > ? AND sign > 0 "
        f"AND negative >= {UNKIND}",
        [known, known - UNKIND_FOR],
    )
    return "an angry message of theirs" if row is not None and row[0] else None


def touched_at(facts: Facts, here: AtAccount) -> datetime | None:
    """When somebody of us was last in touch with an account; what playbooks sent does not count."""
    if not here.nodes:
        return None
    from beforehand.calendar import to_datetime

    listed, known = ", ".join(map(str, here.nodes)), here.at.replace(tzinfo=None)
    row = first(
        facts.connection,
        f"SELECT epoch_us(max(occurred_at)) FROM touches WHERE account IN ({listed}) AND source <> '{OURS}' "
        "AND learned_at < ? AND occurred_at < ?",
        [known, known],
    )
    return None if row is None or row[0] is None else to_datetime(int(row[0]))


def events_since(facts: Facts, here: AtAccount, event: str, since: datetime) -> bool:
    """Whether an event of a name came since a moment, as known now."""
    if not here.nodes:
        return False
    listed = ", ".join(map(str, here.nodes))
    row = first(
        facts.connection,
        f"SELECT 1 FROM events WHERE account IN ({listed}) AND lower(event) = lower(?) AND occurred_at >= ? "
        "AND learned_at < ? LIMIT 1",
        [event, since.replace(tzinfo=None), here.at.replace(tzinfo=None)],
    )
    return row is not None


def about(facts: Facts, here: AtAccount, signal: str, scope: str, feature: str) -> dict[str, tuple[str, ...]]:
    """What an alert is about, for finding what helps: texts by kind, the most frequent first."""
    found: dict[str, tuple[str, ...]] = {"signal": (signal,)}
    if not here.nodes:
        return found
    listed, known = ", ".join(map(str, here.nodes)), here.at.replace(tzinfo=None)
    since = known - ERRORS_FOR

    def most(what: str, table: str, where: str) -> tuple[str, ...]:
        rows = facts.connection.execute(
            f"SELECT {what} AS said FROM {table} WHERE account IN ({listed}) AND learned_at < ? "
            f"AND occurred_at BETWEEN ? AND ? AND ({where}) AND {what} IS NOT NULL "
            "GROUP BY said ORDER BY count(*) DESC, said LIMIT 20",
            [known, since, known],
        ).fetchall()
        return tuple(str(said) for (said,) in rows)

    def prop(*names: str) -> str:
        return "coalesce(" + ", ".join(f"CAST(properties.{name} AS VARCHAR)" for name in names) + ", NULL)"

    failing = "event ILIKE '%error%' OR event ILIKE '%fail%' OR event ILIKE '%exception%'"
    found["error"] = most(prop("fingerprint", "error_message", "message", "error", "reason"), "events", failing)
    found["onboarding step"] = most(
        prop("step"), "events", "event ILIKE '%onboard%' OR event ILIKE '%step%' OR event ILIKE '%setup%'"
    )
    found["feature"] = most(
        prop(*(["feature"] if not feature.startswith("properties.") else [feature[11:]])), "events", failing
    )
    found["issue"] = (*((scope,) if scope else ()), *most("category", "tickets", "sign > 0"))
    return found
