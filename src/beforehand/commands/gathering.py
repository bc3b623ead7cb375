"""What a decision about telling stands on: alerts, who hears of each and how, clocks, and what was told before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand import store
from beforehand.alerts import State
from beforehand.commands.definition import digest_of
from beforehand.commands.people import Holders, who_hears
from beforehand.commands.risk import precision_of
from beforehand.commands.route import holders_of, such_alert
from beforehand.commands.told_before import Before, last_of, lately, said_before, tried_last
from beforehand.routing import clocks
from beforehand.routing.batch import Batch, Doubt, Due, Held, Item
from beforehand.routing.clocks import Ticking
from beforehand.routing.sending import rhythm_of
from beforehand.routing.who import Hearer, chain
from beforehand.signals.population import true_of
from beforehand.signals.whom import population_of
from beforehand.store import Alert, Clock, telling
from beforehand.workspace.people import recipient

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.workspace import Folder

OVERRAN = 1000
"""Added to the level of a clock once somebody heard that its alert was not over in time."""
TRIES = 3
"""After so many refusals in a row something is listed as refused, and tried no more by itself."""
Way = tuple[str, str]
"""(channel, what somebody is called there)."""
Traits = Mapping[str, Mapping[str, str]]
"""The traits of accounts, by label."""


@dataclass
class Gathered:
    """What a decision stands on: the alerts by number, who hears of each, how each is reached, and the batch."""

    alerts: dict[int, Alert]
    holders: Holders
    hearers: dict[int, tuple[Hearer, ...]]
    ways: dict[str, Way]
    batch: Batch
    nobody: list[Held] = field(default_factory=list)
    traits: Traits = field(default_factory=dict)
    ticked: dict[int, Ticking] = field(default_factory=dict)
    poked: dict[int, frozenset[str]] = field(default_factory=dict)
    """Who is to hear of an alert because time has passed."""


def gather(session: Session, folder: Folder, traits: Traits, at: datetime) -> Gathered:
    """Everything the stages need to know, from the state, and from the traits of accounts."""
    assert folder.routes is not None
    alerts = {alert.number: alert for alert in concerned(session)}
    holders = holders_of(session, folder, at)
    holders.open = Counter(a.owner for a in alerts.values() if a.closed_at is None and a.owner)
    hearers = {
        number: who_hears(folder, holders, alert.account, such_alert(folder, alert, traits.get(alert.account, {})))
        for number, alert in alerts.items()
    }
    pokes, ticked = _look(session, alerts, hearers, holders, traits, at)
    people = {h.person for heard in hearers.values() for h in heard if h.person is not None}
    people |= {poke.person for of in pokes.values() for poke in of}
    told = said_before(session)
    people |= {person for number in alerts for person in told.told_to[number]}
    refusing = tried_last(session, people)
    ways = {p: way for p in people if (way := way_to(folder, p, last=refusing.get(p, ()))) is not None}
    pokes = _made_up_for(alerts, pokes, told)
    precisions = _precisions(session, folder, alerts.values())
    due: list[Due] = []
    nobody: list[Held] = []
    for number, alert in alerts.items():
        item = _item(folder, alert, traits.get(alert.account, {}), precisions)
        if item.closed:
            due += [Due(item, person) for person in sorted(told.told_to[number])]
            continue
        poked = {poke.person: poke for poke in pokes.get(number, ())}
        route = hearers[number][0].route
        due += [
            Due(item, poke.person, route, poke.why, alert.severity == "critical", news=poke.kind)
            for poke in poked.values()
            if poke.person in ways
        ]
        for one in hearers[number]:
            if one.person in poked:
                continue
            if one.person is None or one.person not in ways:
                why = one.why if one.person is None else f"no channel of beforehand.yaml reaches {one.person}"
                nobody.append(Held(one.person, number, "nobody", why))
                continue
            refused = told.refused.get((number, one.person), [])
            if len(refused) >= TRIES and (number, one.person) not in told.said:
                why = f"it was refused {len(refused)} times, by {refused[-1].channel} for {refused[-1].reason}"
                nobody.append(Held(one.person, number, "channel", why))
                continue
            due.append(_due(item, one))
    still = {number for number, alert in alerts.items() if alert.closed_at is None}
    batch = Batch(
        now=at,
        due=tuple(due),
        before=told.said,
        doubts=_doubts(session),
        covers=covers_of(folder),
        together=folder.routes.told_together,
        lately=lately(session, still, at - folder.routes.follow_within),
        last=last_of(session, _editable(folder, ways), {alert.account for alert in alerts.values()}, at),
        **_of_people(session, holders, at, sorted(ways)),
    )
    poked_of = {number: frozenset(p.person for p in of if p.person in ways) for number, of in pokes.items()}
    return Gathered(alerts, holders, hearers, ways, batch, nobody, traits, ticked, poked_of)


def _made_up_for(
    alerts: Mapping[int, Alert], pokes: Mapping[int, tuple[clocks.Poke, ...]], told: Before
) -> dict[int, tuple[clocks.Poke, ...]]:
    """What clocks ask for, and what they asked for before and a channel refused: that is said again, so often."""
    found = dict(pokes)
    for (number, person), refused in told.refused.items():
        kind = refused[-1].kind
        alert = alerts.get(number)
        if alert is None or alert.closed_at is not None or alert.state != State.OPEN.value or len(refused) >= TRIES:
            continue
        if kind in ("still", "escalated") and person not in {poke.person for poke in found.get(number, ())}:
            why = f"it could not be handed over before: {refused[-1].reason}"
            again = clocks.Poke(person, "escalated" if kind == "escalated" else "still", why)
            found[number] = (*found.get(number, ()), again)
    return found


def _due(item: Item, heard: Hearer) -> Due:
    """An alert as one is to hear of it: `digest: false` of a route means a message of its own, whatever was told."""
    assert heard.person is not None
    terms = heard.terms
    urgent = terms.hours == "any" or (terms.hours is None and item.severity == "critical")
    rhythm = rhythm_of(terms.digest, item.severity, item.polarity)
    return Due(
        item, heard.person, heard.route, heard.why, urgent, rhythm, alone=terms.digest is False, channel=heard.channel
    )


def covers_of(folder: Folder) -> dict[str, frozenset[str]]:
    """Which signals each covers: as its file says, and as routes.yaml adds."""
    added = folder.routes.covers if folder.routes else {}
    said = {name: spec.covers for name, spec in folder.specs.items()}
    found = {name: frozenset((*said.get(name, ()), *added.get(name, ()))) for name in {*said, *added}}
    return {name: covered for name, covered in found.items() if covered}


def _look(
    session: Session,
    alerts: Mapping[int, Alert],
    hearers: Mapping[int, tuple[Hearer, ...]],
    holders: Holders,
    traits: Traits,
    at: datetime,
) -> tuple[dict[int, tuple[clocks.Poke, ...]], dict[int, Ticking]]:
    """Who must hear because time has passed; clocks of alerts that sleep stand still."""
    pokes: dict[int, tuple[clocks.Poke, ...]] = {}
    ticked: dict[int, Ticking] = {}
    for number, row in telling.clocks(session).items():
        alert = alerts.get(number)
        if alert is None or alert.closed_at is not None or alert.state == State.SNOOZED.value:
            continue
        if row.due_at is None or row.due_at > at or row.person != hearers[number][0].person:
            continue  # whoever has it now has a clock of their own once they are told
        terms, after = hearers[number][0].terms, chain_of(hearers[number][0], holders, alert, traits, row.person)
        acknowledged = alert.state == State.ACKNOWLEDGED.value
        pokes[number], ticked[number] = clocks.look(
            holders.team, terms, _ticking(row), after, at, acknowledged=acknowledged
        )
    return pokes, ticked


def chain_of(heard: Hearer, holders: Holders, alert: Alert, traits: Traits, person: str) -> tuple[str, ...]:
    """Who hears after somebody when nobody answers."""
    own = traits.get(alert.account, {})
    return chain(holders.team, heard.terms, person, holders.at, lambda role: holders.of(role, alert.account, own))


def _ticking(row: Clock) -> Ticking:
    return Ticking(
        row.person, row.started_at, row.acknowledge_by, row.resolve_by, row.level % OVERRAN, row.level >= OVERRAN,
        row.reminded,
    )  # fmt: skip


def way_to(folder: Folder, name: str, last: Collection[str] = ()) -> Way | None:
    """By which channel somebody is reached, and what they are called there; a channel named by a route is its own.

    `last`: channels that are tried after all others.
    """
    settings = folder.settings
    person = folder.team.people.get(name) if folder.team else None
    if person is None:
        return (name, name) if name in settings.channels else None
    for channel in sorted(person.channels or tuple(settings.channels), key=lambda channel: channel in last):
        called = recipient(person, channel, settings)
        if called:
            return channel, called
    return None


def concerned(session: Session) -> list[Alert]:
    """Open alerts, and those that are over and were told and not yet said to be over."""
    found = store.find_alerts(session, open_only=True, shadow=False)
    there = {alert.number for alert in found}
    told = {number for (number, _), said in said_before(session).said.items() if said.kind != "cleared"} - there
    over = session.scalars(select(Alert).where(Alert.number.in_(told), Alert.shadow.is_(False))) if told else ()
    return [*found, *over]


def _precisions(session: Session, folder: Folder, alerts: Any) -> Mapping[str, Mapping[str, Any]]:
    names = {alert.signal for alert in alerts}
    records = {}
    for name in names & folder.signals.keys():
        kept = store.record_of(session, name)
        if kept is not None and kept.digest == digest_of(folder.signals[name], folder):
            records[name] = kept.record
    return precision_of(records, names)


def _item(folder: Folder, alert: Alert, traits: Mapping[str, str], precisions: Mapping[str, Mapping[str, Any]]) -> Item:
    such = such_alert(folder, alert, traits)
    windows = folder.routes.maintenance if folder.routes else ()
    return Item(
        number=alert.number,
        name=alert.name,
        account=alert.account,
        signal=alert.signal,
        severity=alert.severity,
        opened_at=alert.opened_at,
        polarity=such.polarity,
        value=such.value,
        risk=float(precisions[alert.signal]["precision"]),
        closed=alert.closed_at is not None,
        acknowledged=alert.state == State.ACKNOWLEDGED.value,
        snoozed_until=alert.snoozed_until if alert.state == State.SNOOZED.value else None,
        backlog=alert.backlog,
        cause=alert.incident,
        waits=tuple(
            (window.until_at, f"maintenance: {window.why}")
            for window in windows
            if window.accounts is None or true_of(population_of(window.accounts), traits)
        ),
    )


def _doubts(session: Session) -> tuple[Doubt, ...]:
    return tuple(
        Doubt(f"incident {incident.number} ({incident.what})", incident.since, frozenset(incident.signals))
        for incident in store.find_incidents(session, open_only=True)
    )


def _of_people(session: Session, holders: Holders, at: datetime, people: list[str]) -> dict[str, Any]:
    """Hours, budgets and digests of the people who hear; channels have none."""
    team = holders.team
    found: dict[str, Any] = {
        name: {} for name in ("opens", "spent", "budget", "week_ends", "digest_at", "week_at")
    }  # fmt: skip
    for name in people:
        if name not in team.people:
            continue
        opens = team.opens(name, at)
        if opens is not None:
            found["opens"][name] = opens
        first, last = team.week(name, at)
        found["week_ends"][name], found["budget"][name] = last, team.budget(name)
        found["spent"][name] = telling.spent(session, name, first, last)
        daily, weekly = team.next_digest(name, at), team.next_digest(name, at, weekly=True)
        if daily is not None and weekly is not None:
            found["digest_at"][name], found["week_at"][name] = daily, weekly
    now = telling.digests_due(session, at)
    return {
        **found,
        "digest_now": frozenset(now & found["digest_at"].keys()),
        "critical_counts": team.spec.critical_counts,
    }


def _editable(folder: Folder, ways: Mapping[str, Way]) -> set[str]:
    """Those whose channel can edit what was sent."""
    channels = folder.settings.channels
    return {person for person, (channel, _) in ways.items() if getattr(channels[channel], "token", None)}
