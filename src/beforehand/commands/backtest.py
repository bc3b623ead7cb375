"""`backtest`: each signal put to history, beside what silence alone and chance alone would have named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from beforehand import store
from beforehand.calendar import DAY_US, to_datetime
from beforehand.commands.definition import digest_of
from beforehand.commands.noting import Past, past_incidents
from beforehand.commands.proving import Progress, Proved, prove_signals, span_of
from beforehand.facts.asking import only
from beforehand.proof import NONE, prove, row, words
from beforehand.signals import quantities_of, traits_of

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.signals import Signal
    from beforehand.workspace import Folder

STRIP = 12  # equal parts of the horizon in which leads are counted
OF_AGE = frozenset({"age"})  # known from the facts themselves


def backtest(
    ws: Workspace,
    signals: Iterable[str] = (),
    *,
    outcome: str | None = None,
    horizon: timedelta | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    episodes: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Tests signals on history: those named, or all that are not off.

    `until` defaults to the last closed period by when facts happened. Returns `{"signals": [row], "assumed_arrival"}`
    with the rows of the contract; with `episodes` also every episode by name, and the accounts missed. The record of a
    signal tested with its own outcome and horizon over all of history is kept for stories and `risk`. Raises InputError
    for an unknown signal or outcome, and where there are no facts.
    """
    names = list(signals) or None
    whole = outcome is None and horizon is None and since is None and until is None
    rows, listed, missed, records = [], [], [], []
    assumed = False
    with ws.state() as state, state.read() as session:
        past = past_incidents(session, ws.folder)
    with ws.facts() as facts:
        folder = ws.folder
        span = span_of(facts, since, until)
        for proved in prove_signals(facts, folder, names, span, outcome=outcome, horizon=horizon, progress=progress):
            told = told_row(proved, facts, folder, past)
            assumed |= told["assumed_arrival"]
            rows.append(told)
            if episodes:
                listed += list(proved.listed())
                missed += list(proved.missed())
            if whole:
                until_at = to_datetime(proved.trial.until_us)
                records.append((proved.signal.name, digest_of(proved.signal, folder), until_at, told))
    if records:
        with ws.state() as state, state.write() as session:
            for name, digest, at, record in records:
                store.put_record(session, name, digest, at, _kept(record))
    result: dict[str, Any] = {"signals": rows, "assumed_arrival": assumed}
    return result | ({"episodes": listed, "missed": missed} if episodes else {})


def told_row(proved: Proved, facts: Facts, folder: Folder, past: Past) -> dict[str, Any]:
    """The row of one signal, as the contract names its fields, and some more."""
    trial = proved.trial
    figures = row(proved.proven)
    return {
        "signal": proved.signal.name,
        "polarity": proved.signal.polarity,
        "outcome": proved.outcome,
        "horizon_days": trial.horizon_us / DAY_US,
        "since": to_datetime(int(trial.opened_us[0])) if trial.opened_us.size else None,
        "until": to_datetime(trial.until_us),
        "closes": int(trial.opened_us.size),
        **figures,
        "lead_counts": _strip(proved),
        "words": words(figures),
        "assumed_arrival": _assumed(proved.signal, facts, folder),
        "fields_without_history": _undated(proved.signal, facts, folder),
        **_apart(proved, facts, past),
    }


def _apart(proved: Proved, facts: Facts, past: Past) -> dict[str, Any]:
    """How many episodes opened at closes that an incident of the data made doubtful, and the figures without them."""
    episodes = proved.episodes
    within = past.within(facts, proved.history, np.asarray(episodes.row), np.asarray(episodes.opened))
    if not within.any():
        return {"in_incidents": 0, "apart_from_incidents": None}
    trial = replace(proved.trial, row=proved.trial.row[~within], close=proved.trial.close[~within])
    return {"in_incidents": int(within.sum()), "apart_from_incidents": row(prove(trial))}


def _strip(proved: Proved) -> list[int]:
    """How many right episodes were how early: counts over twelve equal parts of the horizon, shortest first."""
    trial = proved.trial
    lead, _ = trial.leads()
    mine = lead[trial.right & ~trial.pending & (lead != NONE)]
    part = np.minimum(mine * STRIP // max(1, trial.horizon_us), STRIP - 1)
    return [int(n) for n in np.bincount(part, minlength=STRIP)]


def _tables(signal: Signal, folder: Folder) -> set[str]:
    """The fact tables a signal reads, and that of the rival."""
    read = quantities_of(signal.sentence, folder.signals)
    if signal.clear is not None:
        read = read | quantities_of(signal.clear, folder.signals)
    return {folder.metrics[quantity.metric].table for quantity, _ in read} | {"events"}


def _assumed(signal: Signal, facts: Facts, folder: Folder) -> bool:
    """Whether facts the signal reads came without a time of arrival, and were taken as known when they happened."""
    tables = sorted(_tables(signal, folder))
    marks = ", ".join("?" * len(tables))
    found = only(
        facts.connection,
        f"SELECT count(*) FROM batches WHERE assumed > 0 AND tbl IN ({marks})",
        tables,
    )
    return bool(found[0])


def _undated(signal: Signal, facts: Facts, folder: Folder) -> list[str]:
    """The traits in the signal's population that came without history: the backtest saw them as they are today."""
    traits = sorted(traits_of(signal.sentence, folder.signals) - OF_AGE)
    if not traits:
        return []
    marks = ", ".join("?" * len(traits))
    found = facts.connection.execute(
        f"SELECT DISTINCT trait FROM traits WHERE NOT dated AND trait IN ({marks}) ORDER BY trait",
        traits,
    ).fetchall()
    return [name for (name,) in found]


def _kept(record: dict[str, Any]) -> dict[str, Any]:
    """A row as the state keeps it: JSON has no times."""
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in record.items()}
