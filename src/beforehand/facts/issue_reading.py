"""Issues as people read them: who wrote about each, who sees its error, and who of them has not written yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from beforehand.calendar import to_datetime
from beforehand.facts import issue_marks
from beforehand.facts.subjects import excluded_members

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts

QUOTED = 300
"""Characters of a ticket that are quoted."""


@dataclass
class OfAccount:
    """What one account has to do with an issue: its tickets, how often it met the error, and who of it when last.

    `met_at` is when the account met the error last.
    """

    account: int
    tickets: int = 0
    errors: int = 0
    people: dict[tuple[int, int], datetime] = field(default_factory=dict)
    wrote: set[tuple[int, int]] = field(default_factory=set)
    first_at: datetime | None = None
    last_at: datetime | None = None
    met_at: datetime | None = None

    def meets(self, who: tuple[int, int] | None, at: datetime) -> None:
        """Takes in when the error was met last, by a person where one is known."""
        self.met_at = at if self.met_at is None else max(self.met_at, at)
        if who is not None:
            self.people[who] = max(self.people.get(who, at), at)

    def spans(self, first_at: datetime, last_at: datetime) -> None:
        """Takes in when something was first and last seen."""
        self.first_at = first_at if self.first_at is None else min(self.first_at, first_at)
        self.last_at = last_at if self.last_at is None else max(self.last_at, last_at)


@dataclass
class Issue:
    """An issue with all it was merged with; `accounts` by canonical node, without those that are set aside."""

    number: int
    name: str
    accounts: dict[int, OfAccount] = field(default_factory=dict)

    @property
    def tickets(self) -> int:
        """How many tickets are about it."""
        return sum(one.tickets for one in self.accounts.values())

    @property
    def errors(self) -> int:
        """How many times its error was met."""
        return sum(one.errors for one in self.accounts.values())

    @property
    def unwritten(self) -> list[OfAccount]:
        """The accounts that met the error and wrote no ticket about it, those that met it most first."""
        found = [one for one in self.accounts.values() if one.errors and not one.tickets]
        return sorted(found, key=lambda one: (-one.errors, one.account))

    def unwritten_since(self, since: datetime | None) -> list[OfAccount]:
        """Those of them that met it at or after a moment."""
        return [one for one in self.unwritten if since is None or (one.met_at is not None and one.met_at >= since)]

    def span(self) -> tuple[datetime | None, datetime | None]:
        """When it was first and last seen."""
        firsts = [one.first_at for one in self.accounts.values() if one.first_at]
        lasts = [one.last_at for one in self.accounts.values() if one.last_at]
        return min(firsts, default=None), max(lasts, default=None)


def read(facts: Facts, only: Iterable[int] | None = None) -> list[Issue]:
    """All issues (or those named by their own numbers), by number; call `issues.ensure` before."""
    connection = facts.connection
    into, names = issue_marks.merged(connection), issue_marks.names(connection)
    wanted = None if only is None else {into.get(issue, issue) for issue in only}
    subjects = facts.subjects()
    aside = {(int(a), int(m)) for a, m in excluded_members(connection, facts.settings.exclude.people)}
    found: dict[int, Issue] = {}

    def of(issue: int, node: int) -> OfAccount | None:
        number = into.get(issue, issue)
        account = int(subjects.canonical[node])
        if (wanted is not None and number not in wanted) or account not in subjects.row_of:
            return None
        one = found.setdefault(number, Issue(number, names[number]))
        return one.accounts.setdefault(account, OfAccount(account))

    tickets = connection.execute(
        "SELECT issue, node, person, min(opened_at), max(opened_at), count(*) FROM issue_tickets "
        "WHERE issue > 0 GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    for issue, node, person, first_at, last_at, times in tickets:
        if (node, person) not in aside and (one := of(issue, node)) is not None:
            one.tickets += times
            one.spans(_utc(first_at), _utc(last_at))
            if person is not None:
                one.wrote.add((node, person))
    errors = connection.execute("SELECT issue, node, person, first_at, last_at, times FROM issue_errors ORDER BY ALL")
    for issue, node, person, first_at, last_at, times in errors.fetchall():
        if (node, person) not in aside and (one := of(issue, node)) is not None:
            one.errors += times
            one.spans(_utc(first_at), _utc(last_at))
            one.meets(None if person is None else (node, person), _utc(last_at))
    return [found[number] for number in sorted(found)]


def newest_at(facts: Facts) -> datetime | None:
    """When the newest ticket or event was, None where there are none."""
    ends = [span[1] for table in ("tickets", "events") if (span := facts.span(table)) is not None]
    return to_datetime(max(ends)) if ends else None


def templates_of(facts: Facts, issue: int) -> list[str]:
    """The error texts of an issue, what varies left out, in order of arrival."""
    into = issue_marks.merged(facts.connection)
    rows = facts.connection.execute("SELECT template, issue FROM issue_templates ORDER BY nth").fetchall()
    return [template for template, of in rows if into.get(of, of) == issue]


def samples(facts: Facts, issue: int, most: int) -> list[dict[str, Any]]:
    """The newest tickets of an issue, quoted."""
    connection = facts.connection
    into = issue_marks.merged(connection)
    numbers = [issue, *(gone for gone, kept in into.items() if kept == issue)]
    subjects = facts.subjects()
    rows = connection.execute(
        "SELECT i.ticket_source, i.ticket_id, i.node, i.person, i.opened_at, left(concat_ws(chr(10), "
        f"nullif(trim(t.subject), ''), nullif(trim(t.body), '')), {QUOTED + 1}) FROM issue_tickets i "
        "JOIN tickets t ON i.ticket_source = t.source AND i.ticket_id = t.id "
        f"WHERE i.issue IN ({', '.join(map(str, numbers))}) AND t.sign > 0 "
        "QUALIFY row_number() OVER (PARTITION BY t.source, t.id ORDER BY t.stored_seq) = 1 "
        "ORDER BY i.opened_at DESC, i.ticket_id"
    ).fetchall()
    found: list[dict[str, Any]] = []
    for source, ticket, node, person, at, said in rows:
        if int(subjects.canonical[node]) not in subjects.row_of:
            continue
        who = None if person is None else facts.member_label(node, person)
        quoted = said if len(said) <= QUOTED else said[:QUOTED] + " ..."
        found.append(
            {"ticket": ticket, "source": source, "account": facts.label(node), "person": who, "at": _utc(at),
             "text": quoted}
        )  # fmt: skip
        if len(found) == most:
            break
    return found


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
