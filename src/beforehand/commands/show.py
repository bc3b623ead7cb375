"""`show`: an alert with its story, or an account with the stories of everything open there.

The receipts of a story are recomputed before it is told; what they no longer prove is told as it was known then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from beforehand import store
from beforehand.calendar import Grain, to_datetime, to_us
from beforehand.commands import questions, stories
from beforehand.commands.alerts import as_row, present
from beforehand.commands.desk import take_all
from beforehand.commands.library import suggested
from beforehand.commands.meanwhile import Other, Window
from beforehand.commands.questions import Whose
from beforehand.errors import InputError, among
from beforehand.signals.tree import Level, Quantity
from beforehand.story import Receipt, around, kinds
from beforehand.story.asked import asked
from beforehand.story.scene import TRUE, Occasion, Series
from beforehand.story.telling import tell
from beforehand.story.usual import HISTORY

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.store import Alert
    from beforehand.workspace import Folder

MOST_METRICS = 12


def show(ws: Workspace, target: str, *, receipts: bool = False, now: datetime | None = None) -> dict[str, Any]:
    """The story of an alert (`A-1042`), or of every open alert at an account, with how its metrics went lately.

    Returns `{"now", "zone", "alerts": [{..., "story"}]}`, for an account also `"account"`, and with `receipts` the
    list that the sentences point into. Raises InputError where neither an alert nor an account has that name.
    """
    folder = ws.folder
    with ws.state() as state, state.read() as session:
        alert = store.alert_of(session, target.strip())
        at = present(session, now)
        with ws.facts() as facts:
            if alert is not None:
                chosen, node = [alert], None
            else:
                node = _account(facts, session, target)
                chosen = _open_at(session, facts.label(node))
            result: dict[str, Any] = {"now": at, "zone": folder.settings.zone, "alerts": []}
            kept: list[dict[str, Any]] = []
            for one in chosen:
                record = store.record_of(session, one.signal)
                told = _told(facts, folder, one, record.record if record else None, at, kept, _others(session, one))
                result["alerts"].append(told)
            if node is not None:
                result["account"] = _about(facts, folder, node, at, kept)
    if receipts:
        result["receipts"] = kept
    return result


def _account(facts: Facts, session: Any, target: str) -> int:
    """The account of a name; the error for none knows of alerts too."""
    try:
        return facts.account_named(target)
    except InputError as error:
        numbers = [a.name for a in store.find_alerts(session, open_only=True)]
        raise InputError(
            f"Neither an alert nor an account is called {target!r}.",
            error.hint if store.alert_number(target) is None else among(target, numbers),
            code="unknown-target",
        ) from None


def _open_at(session: Any, label: str) -> list[Alert]:
    order = {"critical": 0, "high": 1, "medium": 2, "low": 3}
    alerts = store.find_alerts(session, open_only=True, account=label, shadow=False)
    return sorted(alerts, key=lambda a: (order.get(a.severity, 4), -a.opened_at.timestamp(), a.number))


def _others(session: Any, alert: Alert) -> list[Other]:
    """Alerts of other signals on the account that opened around the same time, and how common such are."""
    window = Window.of(to_us(alert.since), to_us(alert.opened_at), to_us(alert.opened_at))
    first, last = to_datetime(window.start_us), to_datetime(window.end_us)
    return [
        Other(one.signal, store.alert_name(one.number), to_us(one.opened_at), one.accounts)
        for one in store.opened_between(session, alert.account, first, last)
        if one.signal != alert.signal
    ]


def _told(
    facts: Facts,
    folder: Folder,
    alert: Alert,
    record: Any,
    at: datetime,
    receipts: list[dict[str, Any]],
    others: Sequence[Other],
) -> dict[str, Any]:
    """One alert with its story; its receipts are added to the list, and its sentences point there."""
    kept = stories.Kept(
        alert.account, alert.scope, alert.signal, alert.evidence, alert.receipts, alert.close_reason,
        to_us(alert.since), to_us(alert.opened_at), others,
    )  # fmt: skip
    occasion = stories.occasion_of(facts, folder, kept, record, to_us(at))
    story = tell(occasion)
    first = len(receipts)
    verified = [check.verified for check in occasion.checks] + [True] * len(story.receipts)
    for receipt, held in zip(story.receipts, verified, strict=False):
        receipts.append(_receipt(receipt, occasion, held, at))
    told = dict(story.as_json())
    told["sentences"] = [{**s, "receipts": [first + p for p in s["receipts"]]} for s in told["sentences"]]
    told["series"] = [{**s, "receipt": None if s["receipt"] is None else first + s["receipt"]} for s in told["series"]]
    if not occasion.clauses:
        told["headline"] = alert.headline
    row, shadow = as_row(alert, at)
    spec = folder.specs.get(alert.signal)
    return {
        **row,
        "shadow": shadow,
        "headline": told["headline"],
        "name": occasion.account,
        "polarity": occasion.polarity,
        "group": spec.group if spec else None,
        "source": spec.source if spec else None,
        "suggested": suggested(spec.playbook) if spec else None,
        "story": told,
    }


def story_of(facts: Facts, folder: Folder, session: Any, alert: Alert, at: datetime) -> dict[str, Any]:
    """One alert as `show` gives it, for who has the facts open already."""
    record = store.record_of(session, alert.signal)
    return _told(facts, folder, alert, record.record if record else None, at, [], _others(session, alert))


def _receipt(receipt: Receipt, occasion: Occasion, verified: bool, at: datetime) -> dict[str, Any]:
    """A receipt for people and programs: its question in words and as data, and the answer."""
    known = to_datetime(receipt.known_us)
    who = occasion.scope if receipt.query.members and occasion.scope else occasion.account
    return {
        "says": asked(receipt.query, who, occasion.zone, to_us(at)),
        "known_at": known,
        "zone": str(occasion.zone),
        "values": list(receipt.values),
        "count": receipt.count,
        "digest": receipt.digest,
        "samples": list(receipt.samples),
        "verified": verified,
        "query": receipt.query.as_json(),
    }


def _about(facts: Facts, folder: Folder, node: int, at: datetime, receipts: list[dict[str, Any]]) -> dict[str, Any]:
    """An account: what is at stake, our last contact, and its metrics over the last half year of closed weeks."""
    from beforehand.facts.beginnings import beginnings

    nodes, now_us = stories.nodes_of(facts, node), to_us(at)
    born = min(beginnings(facts, nodes, now_us).values(), default=None)
    whose = Whose(facts.label(node), nodes, born_us=born)
    asked_around, stake = stories.surroundings(facts, whose, now_us, 0)
    series, taken = _metrics(facts, folder, whose, now_us)
    occasion = Occasion(
        account=stories.account_name(facts, whose, now_us),
        zone=stories.zone_of(folder),
        now_us=now_us,
        clauses=(),
        receipts=tuple(asked_around),
        stake=stake,
    )
    first = len(receipts)
    receipts.extend(_receipt(r, occasion, True, at) for r in (*asked_around, *taken))
    sentences = [s for part in (around.stake, around.owner, around.contact) for s in part(occasion)]
    shapes = [{**s.as_json(), "receipt": first + len(asked_around) + nth} for nth, s in enumerate(series)]
    return {
        "account": whose.account,
        "name": occasion.account,
        "sentences": [{**s.as_json(), "receipts": [first + p for p in s.receipts]} for s in sentences],
        "metrics": shapes,
    }


def _metrics(facts: Facts, folder: Folder, whose: Whose, now_us: int) -> tuple[Sequence[Series], Sequence[Receipt]]:
    """The shapes of the workspace's metrics by week, those that have been nothing but nothing left out."""
    zone = stories.zone_of(folder)
    last = questions.last_period(Grain.WEEK, zone, now_us)
    leaves = [Level(Quantity(metric), "<", 0.0) for metric in list(folder.metrics)[:MOST_METRICS]]
    asks = [(questions.series_query(folder, leaf, whose, zone, last)[0], now_us) for leaf in leaves]
    shown: list[Series] = []
    taken: list[Receipt] = []
    for leaf, receipt in zip(leaves, take_all(facts, asks), strict=True):
        if not any(receipt.numbers):
            continue
        occasion = Occasion(whose.account, zone, now_us, (questions.clause_of(folder, leaf),), (receipt,))
        shape = kinds.tell(occasion, occasion.clauses[0]).series
        values = shape.values[-HISTORY:]
        shown.append(
            Series(shape.metric, shape.grain, shape.starts_us[-HISTORY:], values, usual=shape.usual, status=TRUE,
                   share=shape.share, rate=shape.rate)
        )  # fmt: skip
        taken.append(receipt)
    return shown, taken
