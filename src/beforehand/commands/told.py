"""`told` and `team`: what was told to whom, what is held back and why, and how much each of us has to do."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from beforehand import store
from beforehand.alerts import State
from beforehand.commands.alerts import present
from beforehand.commands.hand_over import hand_overs
from beforehand.commands.people import team_of
from beforehand.errors import InputError, among
from beforehand.store import Alert, alert_name, telling

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

MOST = 200


def told(
    ws: Workspace, *, person: str | None = None, held_back: bool = False, now: datetime | None = None
) -> dict[str, Any]:
    """What was told, the newest first, or with `held_back` what waits; to everybody, or to one person.

    Returns `{"now", "told": [{"at", "person", "kind", "account", "alerts", "route", "why", "thread", "version"}]}`, or
    `{"now", "held_back": [{"at", "person", "alert", "account", "signal", "severity", "stage", "why", "until"}]}`.
    InputError for a person who is neither in team.yaml nor was ever told anything.
    """
    with ws.state() as state, state.read() as session:
        at = present(session, now)
        name = _named(ws, person)
        if held_back:
            rows = []
            for row in telling.held_back(session, person=name):
                alert = session.get(Alert, row.alert)
                if alert is None or alert.closed_at is not None:
                    continue
                rows.append(
                    {
                        "at": row.at,
                        "person": row.person,
                        "alert": alert.name,
                        "account": alert.account,
                        "signal": alert.signal,
                        "severity": alert.severity,
                        "stage": row.stage,
                        "why": row.reason,
                        "until": row.until,
                    }
                )
            return {"now": at, "held_back": rows}
        found = telling.notifications(session, person=name, most=MOST)
        return {
            "now": at,
            "told": [
                {
                    "at": row.at,
                    "person": row.person,
                    "kind": row.kind,
                    "account": row.account,
                    "alerts": [alert_name(number) for number in row.alerts],
                    "route": row.route,
                    "why": row.reason,
                    "thread": row.thread,
                    "version": row.version,
                }
                for row in found
            ],
        }


def team(ws: Workspace, *, now: datetime | None = None) -> dict[str, Any]:
    """Each of us: where they stand, the open alerts that are theirs, and the messages of this week.

    Returns `{"now", "people": [{"person", "roles", "standing", "open", "unanswered", "overdue", "spent", "budget",
    "held_back"}], "hand_overs"}`, of these the newest; `unanswered` are those nobody has acknowledged, `overdue` those
    of them past their time.
    InputError where there is no team.yaml.
    """
    if ws.folder.team is None:
        raise InputError("There is no team.yaml.", "docs/how-to/route-alerts.md shows one.", code="no-routes")
    people = team_of(ws.folder)
    with ws.state() as state, state.read() as session:
        at = present(session, now)
        still = store.find_alerts(session, open_only=True, shadow=False)
        clocks = telling.clocks(session)
        waits = Counter(row.person for row in telling.held_back(session))
        rows = []
        for name, person in people.people.items():
            mine = [alert for alert in still if alert.owner == name]
            waiting = [alert for alert in mine if alert.state == State.OPEN.value]
            late = [a for a in waiting if (c := clocks.get(a.number)) and c.acknowledge_by and c.acknowledge_by < at]
            first, last = people.week(name, at)
            rows.append(
                {
                    "person": name,
                    "roles": list(person.roles),
                    "standing": _standing(people, name, at),
                    "open": len(mine),
                    "unanswered": len(waiting),
                    "overdue": len(late),
                    "spent": telling.spent(session, name, first, last),
                    "budget": people.budget(name),
                    "held_back": waits[name],
                }
            )
        given = hand_overs(session)
    return {"now": at, "people": rows, "hand_overs": given}


def _standing(people: Any, name: str, at: datetime) -> str:
    """Where somebody is at a moment, in words."""
    if people.left(name, at):
        return f"left on {people.people[name].left_on}"
    if people.away(name, at) is not None:
        reach = people.reach(name, at)
        return f"{reach.why}; {reach.person or 'nobody'} hears"
    opens = people.opens(name, at)
    return "at work" if opens is None else f"works from {opens:%Y-%m-%d %H:%M} UTC"


def _named(ws: Workspace, person: str | None) -> str | None:
    if person is None or ws.folder.team is None:
        return person
    found = team_of(ws.folder).named(person)
    if found is None and person not in ws.settings.channels:
        raise InputError(
            f"{person!r} is no person of team.yaml.", among(person, ws.folder.team.people), code="unknown-person"
        )
    return found or person
