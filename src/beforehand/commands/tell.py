"""Telling: what the stages decide becomes notifications and acts, in one transaction; what waits is written down too.

`run` calls it after alerts are written. What is new to whom follows from the state alone, so a run that was killed
before is made up for by the next one, and one that was killed after tells nothing twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand import store
from beforehand.alerts import State
from beforehand.commands.definition import digest_of
from beforehand.commands.handing import put_message
from beforehand.commands.people import Holders, who_hears
from beforehand.commands.risk import precision_of
from beforehand.commands.route import holders_of, such_alert, traits_of
from beforehand.commands.show import story_of
from beforehand.commands.tell_message import message_of
from beforehand.routing import clocks
from beforehand.routing.batch import Batch, Doubt, Due, Held, Item, Said, Telling
from beforehand.routing.clocks import Ticking
from beforehand.routing.pipeline import decide
from beforehand.routing.who import Hearer, chain
from beforehand.signals.population import true_of
from beforehand.signals.whom import population_of
from beforehand.store import Act, Alert, Clock, HeldBack, Notification, telling
from beforehand.workspace.people import recipient

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.facts import Facts
    from beforehand.store import Store
    from beforehand.workspace import Folder

NOTHING: dict[str, Any] = {"told": 0, "held_back": 0, "nobody": []}
OVERRAN = 1000
"""Added to the level of a clock once somebody heard that its alert was not over in time."""
Way = tuple[str, str]
"""(channel, what somebody is called there)."""


@dataclass
class Gathered:
    """What a decision stands on: the alerts by number, who hears of each, how each is reached, and the batch."""

    alerts: dict[int, Alert]
    holders: Holders
    hearers: dict[int, tuple[Hearer, ...]]
    ways: dict[str, Way]
    batch: Batch
    nobody: list[Held] = field(default_factory=list)
    traits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ticked: dict[int, Ticking] = field(default_factory=dict)


def tell(facts: Facts, folder: Folder, state: Store, at: datetime) -> dict[str, Any]:
    """Tells what is new at a moment to whom routes.yaml says; nothing where there is none.

    Returns `{"told", "held_back", "nobody"}`: how many messages, how many alerts wait for somebody, and the reasons of
    those that nobody can hear of.
    """
    if folder.routes is None or folder.team is None:
        return dict(NOTHING)
    with state.read() as session:
        traits = traits_of(facts, {alert.account for alert in _concerned(session)}, at)
        first = gather(session, folder, traits, at)
        stories = _stories(facts, folder, session, first, decide(first.batch), at)
    with state.write() as session:
        # Asked again now that nobody else writes: what was told meanwhile is not told twice.
        gathered = gather(session, folder, traits, at)
        after = decide(gathered.batch)
        for one in after.tellings:
            _write(session, folder, gathered, one, stories, at)
        held = [*gathered.nobody, *after.held]
        _write_held(session, held, at)
        _write_clocks(session, gathered, after, at)
        telling.put_shared(session, gathered.holders.new, at)
        for number, heard in gathered.hearers.items():
            alert = gathered.alerts[number]
            if alert.closed_at is None and heard[0].person is not None:
                alert.owner = heard[0].person
    waits = {one.alert for one in held}
    return {
        "told": sum(not one.silent for one in after.tellings),
        "held_back": len(waits),
        "nobody": sorted({one.why for one in gathered.nobody}),
    }


def gather(session: Session, folder: Folder, traits: Mapping[str, Mapping[str, str]], at: datetime) -> Gathered:
    """Everything the stages need to know, from the state, and from the traits of accounts."""
    assert folder.routes is not None
    alerts = {alert.number: alert for alert in _concerned(session)}
    holders = holders_of(session, folder, at)
    holders.open = Counter(a.owner for a in alerts.values() if a.closed_at is None and a.owner)
    hearers = {
        number: who_hears(folder, holders, alert.account, such_alert(folder, alert, traits.get(alert.account, {})))
        for number, alert in alerts.items()
    }
    pokes, ticked = _look(session, alerts, hearers, holders, traits, at)
    people = {h.person for heard in hearers.values() for h in heard if h.person is not None}
    people |= {poke.person for of in pokes.values() for poke in of}
    before, told_to = _before(session)
    people |= {person for number in alerts for person in told_to[number]}
    ways = {person: way for person in people if (way := way_to(folder, person)) is not None}
    precisions = _precisions(session, folder, alerts.values())
    due: list[Due] = []
    nobody: list[Held] = []
    for number, alert in alerts.items():
        item = _item(folder, alert, traits.get(alert.account, {}), precisions)
        if item.closed:
            due += [Due(item, person) for person in sorted(told_to[number])]
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
            urgent = one.terms.hours == "any" or (one.terms.hours is None and alert.severity == "critical")
            due.append(Due(item, one.person, one.route, one.why, urgent, bool(one.terms.digest), channel=one.channel))
    batch = Batch(
        now=at,
        due=tuple(due),
        before=before,
        doubts=_doubts(session),
        covers={name: frozenset(covered) for name, covered in folder.routes.covers.items()},
        together=folder.routes.told_together,
        last=_last(session, folder, ways),
        **_of_people(session, holders, at, sorted(ways)),
    )
    return Gathered(alerts, holders, hearers, ways, batch, nobody, traits, ticked)


def _look(
    session: Session,
    alerts: Mapping[int, Alert],
    hearers: Mapping[int, tuple[Hearer, ...]],
    holders: Holders,
    traits: Mapping[str, Mapping[str, str]],
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
        terms, after = hearers[number][0].terms, _chain(hearers[number][0], holders, alert, traits, row.person)
        acknowledged = alert.state == State.ACKNOWLEDGED.value
        pokes[number], ticked[number] = clocks.look(
            holders.team, terms, _ticking(row), after, at, acknowledged=acknowledged
        )
    return pokes, ticked


def _chain(
    heard: Hearer, holders: Holders, alert: Alert, traits: Mapping[str, Mapping[str, str]], person: str
) -> tuple[str, ...]:
    own = traits.get(alert.account, {})
    return chain(holders.team, heard.terms, person, holders.at, lambda role: holders.of(role, alert.account, own))


def _ticking(row: Clock) -> Ticking:
    return Ticking(
        row.person, row.started_at, row.acknowledge_by, row.resolve_by, row.level % OVERRAN, row.level >= OVERRAN,
        row.reminded,
    )  # fmt: skip


def _write_clocks(session: Session, gathered: Gathered, after: Batch, at: datetime) -> None:
    """Starts the clocks of alerts that are told to their first hearer, and moves those that were looked at."""
    team = gathered.holders.team
    begun = dict(gathered.ticked)
    for one in after.tellings:
        for due in one.news:
            first = next(iter(gathered.hearers.get(due.item.number, ())), None)
            fresh = due.news in ("first", "handed over") and first is not None and first.person == one.person
            if fresh and first is not None and one.person in team.people and not due.item.closed:
                clock = clocks.start(team, first.terms, one.person, at)
                if clock is not None:
                    begun[due.item.number] = clock
    for number, clock in begun.items():
        alert, heard = gathered.alerts[number], gathered.hearers[number][0]
        after_them = _chain(heard, gathered.holders, alert, gathered.traits, clock.person)
        acknowledged = alert.state == State.ACKNOWLEDGED.value
        session.merge(
            Clock(
                alert=number,
                person=clock.person,
                started_at=clock.started_at,
                acknowledge_by=clock.acknowledge_by,
                resolve_by=clock.resolve_by,
                level=clock.level + OVERRAN * clock.overran,
                reminded=clock.reminded,
                due_at=clocks.next_look(team, heard.terms, clock, after_them, acknowledged=acknowledged),
            )
        )


def way_to(folder: Folder, name: str) -> Way | None:
    """By which channel somebody is reached, and what they are called there; a channel named by a route is its own."""
    settings = folder.settings
    person = folder.team.people.get(name) if folder.team else None
    if person is None:
        return (name, name) if name in settings.channels else None
    for channel in person.channels or tuple(settings.channels):
        called = recipient(person, channel, settings)
        if called:
            return channel, called
    return None


def _concerned(session: Session) -> list[Alert]:
    """Open alerts, and those that are over and were told and not yet said to be over."""
    found = store.find_alerts(session, open_only=True, shadow=False)
    before, _ = _before(session)
    there = {alert.number for alert in found}
    told = {number for (number, _), said in before.items() if said.kind != "cleared"} - there
    over = session.scalars(select(Alert).where(Alert.number.in_(told), Alert.shadow.is_(False))) if told else ()
    return [*found, *over]


def _before(session: Session) -> tuple[dict[tuple[int, str], Said], dict[int, set[str]]]:
    """How each alert was last told to each, and to whom it was told."""
    before: dict[tuple[int, str], Said] = {}
    told_to: dict[int, set[str]] = defaultdict(set)
    rows = session.execute(select(Notification.person, Notification.said).order_by(Notification.number))
    for person, said in rows:
        for number, (severity, kind) in said.items():
            before[int(number), person] = Said(severity, kind)
            told_to[int(number)].add(person)
    return before, told_to


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


def _last(session: Session, folder: Folder, ways: Mapping[str, Way]) -> dict[tuple[str, str], str]:
    """The newest message in each thread to people whose channel can edit what was sent."""
    editable = {p for p, (channel, _) in ways.items() if getattr(folder.settings.channels[channel], "token", None)}
    if not editable:
        return {}
    rows = session.execute(
        select(Notification.thread, Notification.person, Act.key)
        .join(Act, Act.notification == Notification.number)
        .where(Notification.person.in_(editable))
        .order_by(Notification.number)
    )
    return {(thread, person): key for thread, person, key in rows}


def _of_people(session: Session, holders: Holders, at: datetime, people: list[str]) -> dict[str, Any]:
    """Hours, budgets and digests of the people who hear; channels have none."""
    team = holders.team
    found: dict[str, Any] = {
        name: {} for name in ("opens", "spent", "budget", "week_ends", "digest_at")
    }  # fmt: skip
    now: set[str] = set()
    for name in people:
        if name not in team.people:
            continue
        opens = team.opens(name, at)
        if opens is not None:
            found["opens"][name] = opens
        first, last = team.week(name, at)
        found["week_ends"][name], found["budget"][name] = last, team.budget(name)
        found["spent"][name] = telling.spent(session, name, first, last)
        if team.people[name].digest_at is not None:
            was, comes = team.digests(name, at)
            found["digest_at"][name] = comes
            newest = telling.last_digest(session, name)
            if newest is None or newest < was:
                now.add(name)
    return {**found, "digest_now": frozenset(now), "critical_counts": team.spec.critical_counts}


def _stories(
    facts: Facts, folder: Folder, session: Session, gathered: Gathered, after: Batch, at: datetime
) -> dict[int, dict[str, Any]]:
    """The story of the first alert of each message that is about one account; lists need none."""
    found: dict[int, dict[str, Any]] = {}
    for one in after.tellings:
        if one.account is not None and one.kind not in ("cleared", "digest"):
            alert = gathered.alerts[one.news[0].item.number]
            if alert.number not in found:
                found[alert.number] = story_of(facts, folder, session, alert, at)
    return found


def _write(
    session: Session,
    folder: Folder,
    gathered: Gathered,
    one: Telling,
    stories: Mapping[int, dict[str, Any]],
    at: datetime,
) -> None:
    """Writes a notification, and the act that hands it over."""
    version = telling.newest_version(session, one.thread, one.person) + 1
    lead = one.news[0]
    row = Notification(
        at=at,
        person=one.person,
        kind=one.kind,
        thread=one.thread,
        version=version,
        route=lead.route,
        reason=lead.why,
        account=one.account,
        alerts=[due.item.number for due in one.news],
        said={str(due.item.number): [due.item.severity, due.news] for due in one.news},
    )
    session.add(row)
    session.flush()
    for due in one.news:
        details = {"person": one.person, "kind": due.news, "route": due.route}
        store.log(session, due.item.number, at, "routing", "told", details)
    if one.silent:
        return
    channel, called = gathered.ways[one.person]
    message = message_of(folder, one, gathered.alerts, stories, at)
    put_message(
        session, folder.settings.channels, message, key=f"notification:{row.number}:{version}:{channel}",
        channel=channel, recipient=called, now=at, due_at=max(one.at or at, at), notification=row.number,
    )  # fmt: skip


def _write_held(session: Session, held: list[Held], at: datetime) -> None:
    """Brings the list of what waits up to date: new rows, and an end for those that wait no longer."""
    wanted = {(one.person, one.alert, one.stage): one for one in held}
    for row in telling.held_back(session):
        one = wanted.pop((row.person, row.alert, row.stage), None)
        if one is None:
            row.released_at = at
        else:
            row.reason, row.until = one.why, one.until
    session.add_all(
        HeldBack(at=at, person=one.person, stage=one.stage, reason=one.why, alert=one.alert, until=one.until)
        for one in wanted.values()
    )
