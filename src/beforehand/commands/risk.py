"""`risk`: one number per account from its open alerts, each weighted by how often its signal was right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from beforehand import store
from beforehand.commands.definition import digest_of
from beforehand.commands.proving import Span, prove_signals
from beforehand.errors import InputError
from beforehand.proof import UNKNOWN, combined, row, shrunk

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace


@dataclass(frozen=True)
class Open:
    """An open episode of a risk signal."""

    account: str
    signal: str
    scope: str
    since: datetime
    alert: str | None = None


def risk(ws: Workspace, *, at: datetime | None = None) -> dict[str, Any]:
    """The risk of every account with an open alert of a risk signal, the highest first.

    1 - prod(1 - precision) over the signals open on it, each once; a precision is the one on record, pulled towards the
    base rate. Without `at` the open alerts and records are those of the state; with it both are worked out from
    history as it was known then. Returns `{"at", "accounts": [{"account", "risk", "reasons": [{"signal", "since",
    "right", "finished", "base_rate", "precision", "alerts", "scopes"}]}]}`; `since` is when the oldest of these alerts
    opened, and `right` is None where the signal has no record. Raises InputError for a time before the first fact.
    """
    episodes, records, when = _of_history(ws, at) if at else _of_state(ws)
    precisions = precision_of(records, {episode.signal for episode in episodes})
    return {"at": when, "accounts": weigh(episodes, precisions)}


def precision_of(records: Mapping[str, Mapping[str, Any]], signals: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Per signal: right, finished, base_rate and the shrunk `precision`.

    A signal without a base rate takes the median of the others'; where none has one, UNKNOWN, and `base_rate` is None.
    """
    rates = [record["base_rate"] for record in records.values() if record.get("base_rate") is not None]
    usual = median(rates) if rates else None
    found = {}
    for signal in signals:
        record = records.get(signal)
        proven = record is not None and record["precision"][0] is not None
        right = round(record["right"]) if record is not None and proven else None
        finished = round(record["episodes"] - record["unfinished"]) if record is not None and proven else 0
        own = record["base_rate"] if record is not None else None
        base = own if own is not None else usual
        precision = shrunk(right or 0, finished, UNKNOWN if base is None else base)
        found[signal] = {"right": right, "finished": finished, "base_rate": base, "precision": precision}
    return found


def weigh(episodes: Iterable[Open], precisions: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The accounts with their risk and reasons, the highest risk first, then by name."""
    by_account: dict[str, dict[str, list[Open]]] = {}
    for episode in episodes:
        by_account.setdefault(episode.account, {}).setdefault(episode.signal, []).append(episode)
    accounts = []
    for account, signals in by_account.items():
        reasons = [
            {
                "signal": signal,
                "since": min(episode.since for episode in found),
                **precisions[signal],
                "alerts": [episode.alert for episode in found if episode.alert is not None],
                "scopes": sorted(episode.scope for episode in found if episode.scope),
            }
            for signal, found in signals.items()
        ]
        reasons.sort(key=lambda reason: (-reason["precision"], reason["signal"]))
        accounts.append(
            {"account": account, "risk": combined(reason["precision"] for reason in reasons), "reasons": reasons}
        )
    return sorted(accounts, key=lambda found: (-found["risk"], found["account"]))


def _of_state(ws: Workspace) -> tuple[list[Open], dict[str, dict[str, Any]], datetime | None]:
    """The open alerts as they stand, and the records that are of the signals as they are written now."""
    folder = ws.folder
    episodes, records = [], {}
    with ws.state() as state, state.read() as session:
        for alert in store.find_alerts(session, open_only=True, shadow=False):
            signal = folder.signals.get(alert.signal)
            if signal is not None and signal.polarity == "risk":
                episodes.append(Open(alert.account, alert.signal, alert.scope, alert.opened_at, alert.name))
        for name, signal in folder.signals.items():
            kept = store.record_of(session, name)
            if kept is not None and kept.digest == digest_of(signal, folder):
                records[name] = kept.record
        last = store.last_run(session)
    return episodes, records, last.now_at if last else None


def _of_history(ws: Workspace, at: datetime) -> tuple[list[Open], dict[str, dict[str, Any]], datetime]:
    """The episodes open at a time and the records as they stood then, worked out from history."""
    from beforehand.calendar import to_datetime, to_us
    from beforehand.commands.proving import first_us

    folder = ws.folder
    names = [name for name, signal in folder.signals.items() if signal.mode == "on" and signal.polarity == "risk"]
    episodes, records = [], {}
    with ws.facts() as facts:
        first = first_us(facts)
        if to_us(at) <= first:
            raise InputError(
                f"Nothing was known at {at:%Y-%m-%d}.",
                f"The first fact is of {to_datetime(first):%Y-%m-%d}.",
                code="before-first-fact",
            )
        for proved in prove_signals(facts, folder, names, Span(None, to_us(at), given=True)):
            records[proved.signal.name] = row(proved.proven)
            for episode in proved.listed():
                if episode["closed_at"] is None:
                    opened = episode["opened_at"]
                    episodes.append(Open(episode["account"], episode["signal"], episode["scope"], opened))
    return episodes, records, at
