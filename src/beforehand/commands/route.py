"""`route explain`: who hears of an alert and why, and what became of telling them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand import store
from beforehand.commands import stories
from beforehand.commands.alerts import present
from beforehand.commands.people import Holders, such_of, team_of, who_hears
from beforehand.errors import InputError, among
from beforehand.routing.explaining import HELD, Trace, steps, trace
from beforehand.routing.owning import Kept, Owned
from beforehand.routing.tree import Such
from beforehand.routing.who import Hearer, chain
from beforehand.store import Act, Notification, alert_name, telling

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.commands.gathering import Gathered
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.store import Alert
    from beforehand.workspace import Folder


def explain(ws: Workspace, target: str, *, now: datetime | None = None) -> dict[str, Any]:
    """Who hears of an alert (`A-1042`), or of each open one of an account, with every reason that spoke for anybody.

    Returns `{"now", "account", "traits", "alerts": [{"alert", "signal", "severity", "hearers", "told", "held_back"}],
    "owners"}`; a hearer is `{"person", "route", "why", "reasons", "escalates_to", "acknowledge_by", "resolve_by",
    "stages": [{"stage", "word", "why", "until"}]}`: what each stage makes of it now.
    Raises InputError where there is no routes.yaml, and where neither an alert nor an account has that name.
    """
    folder = ws.folder
    if folder.routes is None or folder.team is None:
        missing = "routes.yaml" if folder.routes is None else "team.yaml"
        raise InputError(
            f"There is no {missing}: nobody is told anything.",
            "Write team.yaml and routes.yaml; docs/how-to/route-alerts.md shows both.",
            code="no-routes",
        )
    from beforehand.commands.gathering import concerned, gather

    with ws.state() as state, state.read() as session:
        alert = store.alert_of(session, target.strip())
        at = present(session, now)
        with ws.facts() as facts:
            label = alert.account if alert is not None else _label(facts, session, target)
            every = traits_of(facts, [label, *(one.account for one in concerned(session))], at)
        traits = every[label]
        gathered = gather(session, folder, every, at)
        holders = gathered.holders
        chosen = (
            [alert] if alert is not None else store.find_alerts(session, account=label, open_only=True, shadow=False)
        )
        traced = trace(gathered.batch)
        rows = [_row(session, folder, gathered, traced, one, traits) for one in chosen]
        owners = {role: _owned(holders.of(role, label, traits)) for role in holders.team.roles}
    return {"now": at, "account": label, "traits": traits, "alerts": rows, "owners": owners}


def holders_of(session: Session, folder: Folder, at: datetime) -> Holders:
    """Who holds what, with what the state keeps."""
    kept = {key: Kept(row.person, row.how, row.said) for key, row in telling.holders(session).items()}
    return Holders(team_of(folder), at, kept)


def such_alert(folder: Folder, alert: Alert, traits: Mapping[str, object]) -> Such:
    """A kept alert as routes ask of it."""
    return such_of(folder, alert.signal, alert.severity, str(alert.evidence.get("polarity", "risk")), traits)


def traits_of(facts: Facts, accounts: Iterable[str], at: datetime) -> dict[str, dict[str, str]]:
    """The traits of accounts by label, as known at a time; none of one that is not there any more."""
    from beforehand.facts.traits import of_many

    labels = list(dict.fromkeys(accounts))
    nodes: dict[int, tuple[int, ...]] = {}
    for nth, label in enumerate(labels):
        try:
            nodes[nth] = stories.nodes_of(facts, facts.account_named(label))
        except InputError:
            continue
    found = of_many(facts, nodes, at)
    return {label: found.get(nth, {}) for nth, label in enumerate(labels)}


def _label(facts: Facts, session: Session, target: str) -> str:
    try:
        return facts.label(facts.account_named(target))
    except InputError as error:
        numbers = [alert.name for alert in store.find_alerts(session, open_only=True)]
        raise InputError(
            f"Neither an alert nor an account is called {target!r}.",
            error.hint if store.alert_number(target) is None else among(target, numbers),
            code="unknown-target",
        ) from None


def _row(
    session: Session, folder: Folder, gathered: Gathered, traced: Trace, alert: Alert, traits: Mapping[str, object]
) -> dict[str, Any]:
    heard = who_hears(folder, gathered.holders, alert.account, such_alert(folder, alert, traits))
    waits = [row for row in telling.held_back(session) if row.alert == alert.number]
    return {
        "alert": alert.name,
        "signal": alert.signal,
        "scope": alert.scope,
        "severity": alert.severity,
        "headline": alert.headline,
        "state": alert.state,
        "hearers": [
            _hearer(gathered.holders, alert, one, traits) | {"stages": _stages(gathered, traced, alert, one)}
            for one in heard
        ],
        "told": [_told(session, alert, row) for row in telling.notifications_of(session, [alert.number])],
        "held_back": [
            {"at": w.at, "person": w.person, "stage": w.stage, "why": w.reason, "until": w.until} for w in waits
        ],
    }


def _stages(gathered: Gathered, traced: Trace, alert: Alert, heard: Hearer) -> list[dict[str, Any]]:
    """What each stage makes of an alert for one hearer, as things stand."""
    nobody = next((h for h in gathered.nobody if (h.alert, h.person) == (alert.number, heard.person)), None)
    if nobody is not None or heard.person is None:
        return [{"stage": "reach", "word": HELD, "why": nobody.why if nobody else heard.why, "until": None}]
    if alert.number not in gathered.alerts:
        return []
    return [asdict(step) for step in steps(traced, alert.number, heard.person)]


def _told(session: Session, alert: Alert, row: Notification) -> dict[str, Any]:
    """A message that told of an alert: what else it told, and how far it has got."""
    act = session.scalars(select(Act).where(Act.notification == row.number).order_by(Act.number.desc())).first()
    return {
        "at": row.at, "person": row.person, "kind": row.kind, "route": row.route, "why": row.reason,
        "with": [alert_name(number) for number in row.alerts if number != alert.number],
        "channel": act.channel if act else None, "state": act.state if act else None,
    }  # fmt: skip


def _hearer(holders: Holders, alert: Alert, heard: Hearer, traits: Mapping[str, object]) -> dict[str, Any]:
    team, person = holders.team, heard.person
    known = person is not None and not heard.channel
    start = max(alert.raised_at, alert.opened_at)

    def by(span: Any) -> datetime | None:
        return team.later(person, start, span) if known and person and span is not None else None

    after = (
        chain(team, heard.terms, person, holders.at, lambda role: holders.of(role, alert.account, traits))
        if known and person
        else ()
    )
    return {
        "person": person,
        "channel": heard.channel,
        "route": heard.route,
        "role": heard.role,
        "why": heard.why,
        "reasons": [{"person": r.person, "why": r.why, "holds": r.holds} for r in heard.reasons],
        "digest": "daily" if heard.terms.digest is True else heard.terms.digest or None,
        "acknowledge_by": by(heard.terms.acknowledge_within),
        "resolve_by": by(heard.terms.resolve_within),
        "escalates_to": list(after),
    }


def _owned(owned: Owned) -> dict[str, Any]:
    reasons = [{"person": r.person, "why": r.why, "holds": r.holds} for r in owned.reasons]
    return {"person": owned.person, "reasons": reasons}
