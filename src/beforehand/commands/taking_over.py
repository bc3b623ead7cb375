"""What goes along when an account gets another owner: open alerts, live runs, and the drafts that wait for a yes.

All in the caller's transaction: who has each, the clocks of alerts, a line in the journal of each run, and one message
to each new owner. So one that is killed before it commits has changed nothing, and told nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand import store
from beforehand.alerts import SEVERITIES, State
from beforehand.channels import Message
from beforehand.commands.handing import put_message
from beforehand.commands.people import Holders, who_hears, whose_run
from beforehand.commands.route import such_alert
from beforehand.commands.taking_over_message import message_of
from beforehand.commands.tell import way_to
from beforehand.errors import InputError
from beforehand.routing import clocks
from beforehand.routing.who import Hearer, chain
from beforehand.store import Alert, Clock, Notification, Run, alert_name, runs, telling
from beforehand.workspace.playbooks import book_from

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.workspace import Folder

HANDED = "handed over"
OWNER_LINE = "owner"
"""The kind of the journal's line that says that a run has another owner."""
AT_ONCE = 400
Traits = Mapping[str, Mapping[str, str]]
"""The traits of accounts, by label."""


@dataclass
class Taken:
    """What one person takes over, and why it is theirs. `holds`: accounts they were given, whatever is open there."""

    person: str
    alerts: list[tuple[Alert, Hearer]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    reasons: dict[str, None] = field(default_factory=dict)

    @property
    def accounts(self) -> list[str]:
        """Every account of it, in the order of their names."""
        return sorted({*self.holds, *(a.account for a, _ in self.alerts), *(run.account for run in self.runs)})


@dataclass
class Along:
    """What went along: earlier owners of alerts and runs by number, the drafts that wait, and who was told by what."""

    alerts: dict[int, str | None] = field(default_factory=dict)
    runs: dict[int, str | None] = field(default_factory=dict)
    approvals: list[int] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)
    """The notification of each person."""

    def as_json(self) -> dict[str, Any]:
        """As the state keeps it."""
        return {
            "alerts": {alert_name(number): was for number, was in self.alerts.items()},
            "runs": {str(number): was for number, was in self.runs.items()},
            "approvals": self.approvals,
            "told": self.told,
        }


def take_along(
    session: Session, folder: Folder, holders: Holders, traits: Traits, at: datetime, *, actor: str = "routing",
    given: Mapping[str, Iterable[str]] | None = None, thread: str | None = None, lead: str = "", tells: bool = True,
) -> Along:  # fmt: skip
    """Gives what is open at some accounts (those of `traits`) to whoever owns them now, and tells each of them once.

    `given`: people with the accounts they were given by hand, told even where nothing is open there; then what nobody
    was told yet goes along too, without counting as told. `lead`: how the message begins.
    """
    along = Along()
    taken: dict[str, Taken] = {}
    by_hand = given is not None

    def of(person: str) -> Taken:
        return taken.setdefault(person, Taken(person))

    for person, accounts in (given or {}).items():
        reached = holders.team.reach(person, at).person or person
        of(reached).holds += accounts
    told = {int(number) for said in session.scalars(select(Notification.said)) for number in said}
    for alert in store.find_alerts(session, open_only=True, shadow=False):
        if alert.account not in traits or not (by_hand or alert.number in told):
            continue
        heard = who_hears(folder, holders, alert.account, such_alert(folder, alert, traits[alert.account]))
        first = heard[0] if heard else None
        if first is None or first.person is None or first.person == alert.owner:
            continue
        along.alerts[alert.number], alert.owner = alert.owner, first.person
        if first.channel:
            continue
        of(first.person).alerts.append((alert, first))
        of(first.person).reasons.setdefault(first.why)
        if alert.number in told:
            _start_clock(session, holders, alert, first, traits[alert.account], at)
    for run in _live_runs(session, traits):
        alert_owner = _alerted(session, folder, run)
        own = traits[run.account]
        owner, why = whose_run(holders, _role_of(run), run.account, own, alert_owner)
        if owner is None or owner == run.owner or holders.team.named(run.owner or "") == owner:
            continue
        runs.add_line(session, run, max(at, run.began_at), OWNER_LINE, details={"from": run.owner, "owner": owner,
                                                                               "why": why})  # fmt: skip
        along.runs[run.number], run.owner = run.owner, owner
        reached = holders.team.reach(owner, at).person or owner
        of(reached).runs.append(run)
        of(reached).reasons.setdefault(why)
    for one in taken.values():
        _tell(session, folder, holders, one, along, at, told, thread, lead, tells, actor)
    session.flush()
    return along


def _tell(
    session: Session, folder: Folder, holders: Holders, one: Taken, along: Along, at: datetime, told: set[int],
    thread: str | None, lead: str, tells: bool, actor: str,
) -> None:  # fmt: skip
    """One message to one person, and the notification it belongs to."""
    from beforehand.commands.playbooks import asked_of

    waits = [asked for run in one.runs if (asked := asked_of(session, run)) is not None]
    along.approvals += [asked["run"] for asked in waits]
    if not tells:
        return
    for alert, _ in one.alerts:
        details = {"person": one.person, "was": along.alerts[alert.number], "kind": HANDED}
        store.log(session, alert.number, at, actor, "told", details)
    thread = thread or f"{HANDED} {at:%Y-%m-%d}"
    one.alerts.sort(key=lambda pair: (SEVERITIES.index(pair[0].severity), pair[0].opened_at, pair[0].number))
    accounts = one.accounts
    before = dict.fromkeys(was for asked in waits if (was := along.runs.get(asked["run"])) is not None)
    message = message_of(one, waits, lead=lead, before=list(before))
    along.told[one.person] = say(
        session, folder, holders, one.person, message, kind=HANDED, thread=thread,
        reason="; ".join([*([lead] if lead else []), *list(one.reasons)[:3]]),
        route=one.alerts[0][1].route if one.alerts else "",
        account=accounts[0] if len(accounts) == 1 else None,
        alerts=[alert.number for alert, _ in one.alerts],
        said={str(alert.number): [alert.severity, HANDED] for alert, _ in one.alerts if alert.number in told},
    )  # fmt: skip


def say(
    session: Session, folder: Folder, holders: Holders, person: str, message: Message, *, kind: str, thread: str,
    reason: str, route: str = "", account: str | None = None, alerts: Sequence[int] = (),
    said: Mapping[str, Any] | None = None,
) -> int:  # fmt: skip
    """Tells one of us something that no stage decides on: a notification, and where they are reached its act.

    It waits for their working hours. Returns the number of the notification.
    """
    at = holders.at
    row = Notification(
        at=at, person=person, kind=kind, thread=thread, version=telling.newest_version(session, thread, person) + 1,
        route=route, reason=reason, account=account, alerts=list(alerts), said=dict(said or {}),
    )  # fmt: skip
    session.add(row)
    session.flush()
    way = way_to(folder, person)
    if way is not None:
        opens = holders.team.opens(person, at) if person in holders.team.people else None
        put_message(
            session, folder.settings.channels, replace(message, thread=f"{thread} {person}"),
            key=f"notification:{row.number}:{row.version}:{way[0]}", channel=way[0], recipient=way[1], now=at,
            due_at=opens or at, notification=row.number,
        )  # fmt: skip
    return row.number


def _start_clock(
    session: Session, holders: Holders, alert: Alert, heard: Hearer, traits: Mapping[str, str], at: datetime
) -> None:
    """The new owner has as long to answer as the first one had."""
    team, person = holders.team, str(heard.person)
    clock = clocks.start(team, heard.terms, person, at) if person in team.people else None
    if clock is None:
        return
    after = chain(team, heard.terms, person, at, lambda role: holders.of(role, alert.account, traits))
    acknowledged = alert.state == State.ACKNOWLEDGED.value
    session.merge(
        Clock(
            alert=alert.number, person=person, started_at=clock.started_at, acknowledge_by=clock.acknowledge_by,
            resolve_by=clock.resolve_by, level=0, reminded=0,
            due_at=clocks.next_look(team, heard.terms, clock, after, acknowledged=acknowledged),
        )
    )  # fmt: skip


def _live_runs(session: Session, accounts: Iterable[str]) -> list[Run]:
    wanted, found = list(accounts), []
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        found += list(session.scalars(select(Run).where(runs.LIVES, Run.account.in_(some))))
    return sorted(found, key=lambda run: run.number)


def _alerted(session: Session, folder: Folder, run: Run) -> str | None:
    """Whose the alert is that began a run, where routes keep that up to date."""
    alert = session.get(Alert, run.alert) if run.alert is not None and folder.routes is not None else None
    return None if alert is None else alert.owner


def _role_of(run: Run) -> str:
    """The role a run's playbook belongs to, of the version it began on."""
    try:
        return book_from(run.text).spec.owner
    except InputError:
        return OWNER_LINE
