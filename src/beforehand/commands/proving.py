"""From judged history to trials: what `backtest`, `diff` and `risk` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from beforehand.alerts import Episodes, Policy, trace
from beforehand.calendar import DAY_US, period_of, start_of, to_datetime, to_us
from beforehand.commands.zones import closing_zone
from beforehand.errors import InputError, among
from beforehand.proof import NONE, Outcomes, Proven, Trial, prove
from beforehand.signals.numbers import Bool, Int
from beforehand.workspace.spec import TABLES

if TYPE_CHECKING:
    from beforehand.commands.judging import SignalHistory
    from beforehand.facts import Facts
    from beforehand.panel.last_seen import LastSeen
    from beforehand.signals import Signal
    from beforehand.workspace import Folder

WEEK_US = 7 * DAY_US
Progress = Callable[[str, int, int], None]
"""(what is being done, steps done, steps in all)."""


@dataclass(frozen=True)
class Span:
    """What part of history is tested, UTC microseconds: `since_us` None means from its beginning.

    Unless `given`, `until_us` is the newest fact, and a trial ends with the last period that had closed by then.
    """

    since_us: int | None
    until_us: int
    given: bool = False


@dataclass(frozen=True)
class Proved:
    """One signal put to history: its episodes over subjects, the trial over accounts, and the figures."""

    signal: Signal
    history: SignalHistory
    outcome: str
    episodes: Episodes
    trial: Trial
    accounts: Sequence[str]

    @cached_property
    def proven(self) -> Proven:
        """The figures."""
        return prove(self.trial)

    def listed(self) -> Iterator[dict[str, Any]]:
        """Every episode by name, in order of opening."""
        trial, history = self.trial, self.history
        lead, _ = trial.leads()
        order = np.lexsort((trial.row, trial.close))
        for k in order.tolist():
            close, closed = int(trial.close[k]), int(self.episodes.closed[k])
            # Where no outcome of this kind is known at all, nothing proves an alert and nothing disproves it.
            pending = bool(trial.pending[k]) or not len(trial.seen.row)
            yield {
                "account": self.accounts[int(trial.row[k])],
                "signal": self.signal.name,
                "scope": history.subjects.scope(int(self.episodes.row[k])),
                "opened_at": to_datetime(int(trial.opened_us[close])),
                "closed_at": to_datetime(int(trial.opened_us[closed])) if closed >= 0 else None,
                "right": None if pending else bool(trial.right[k]),
                "too_late": not pending and bool(trial.too_late[k]),
                "lead_days": int(lead[k]) / DAY_US if not pending and trial.right[k] else None,
            }

    def missed(self) -> Iterator[dict[str, Any]]:
        """The accounts that could have been caught and were not, with when their outcome happened."""
        trial = self.trial
        judged = trial.finished
        could: Bool = np.asarray((trial.eligible & trial.fates.right)[:, judged].any(axis=1))
        could[trial.row[trial.right & ~trial.pending]] = False
        for row in np.flatnonzero(could).tolist():
            mine = trial.seen.occurred_us[trial.seen.row == row]
            yield {
                "account": self.accounts[row],
                "signal": self.signal.name,
                "outcome_at": to_datetime(int(mine[mine >= trial.opened_us[0]].min())),
            }


def span_of(facts: Facts, since: datetime | None, until: datetime | None) -> Span:
    """The part of history that is tested; `until` defaults to the newest fact by when it happened.

    Raises InputError where `since` is not before `until`.
    """
    newest = newest_us(facts)
    until_us = to_us(until) if until else newest
    since_us = to_us(since) if since else None
    if since_us is not None and since_us >= until_us:
        raise InputError(
            f"Nothing lies between {since:%Y-%m-%d} and {to_datetime(until_us):%Y-%m-%d}.",
            f"The newest fact is of {to_datetime(newest):%Y-%m-%d}; choose an earlier --since.",
            code="empty-span",
        )
    return Span(since_us, until_us, until is not None)


def newest_us(facts: Facts) -> int:
    """When the newest fact of any table happened (UTC microseconds); InputError where there are none."""
    return max(last for _, last in _spans(facts))


def first_us(facts: Facts) -> int:
    """When the first fact of any table happened (UTC microseconds); InputError where there are none."""
    return min(first for first, _ in _spans(facts))


def _spans(facts: Facts) -> list[tuple[int, int]]:
    spans = [(span[0], span[1]) for table in TABLES if (span := facts.span(table)) is not None]
    if not spans:
        said = "Load what your customers did, for example `beforehand load events.csv`."
        raise InputError("There are no facts yet.", said, code="no-facts")
    return spans


def outcome_of(folder: Folder, signal: Signal, asked: str | None) -> str:
    """The outcome a signal is proven against: as asked, its own, or the workspace's for its polarity."""
    settings = folder.settings
    if asked is not None and asked not in folder.outcome_names:
        raise InputError(f"{asked!r} is not an outcome.", among(asked, folder.outcome_names), code="unknown-outcome")
    usual = settings.growth_outcome if signal.polarity == "growth" else settings.outcome
    return asked or signal.outcome or usual


def prove_signals(
    facts: Facts,
    folder: Folder,
    names: Iterable[str] | None,
    span: Span,
    *,
    outcome: str | None = None,
    horizon: timedelta | None = None,
    progress: Progress | None = None,
) -> Iterator[Proved]:
    """Puts signals to history: those named, or all that are not off. The facts are counted once for all of them."""
    from beforehand.commands.judging import chosen, judged
    from beforehand.panel.last_seen import LastSeen

    signals = chosen(folder, names)
    happened: dict[str, Sequence[Any]] = {}
    for signal in signals:  # before anything is counted: a wrong name is said at once
        happened[outcome_of(folder, signal, outcome)] = ()
    for name in happened:
        happened[name] = facts.outcomes(name, span.until_us)
    last_seen = LastSeen(facts, folder.settings)
    histories = judged(facts, folder, signals, now_us=span.until_us, since_us=span.since_us, until_us=span.until_us)
    for step, history in enumerate(histories):
        if progress is not None:
            progress(history.signal.name, step, len(signals))
        name = outcome_of(folder, history.signal, outcome)
        ahead = horizon or history.signal.horizon or folder.settings.horizon
        yield _prove(facts, folder, history, name, happened[name], ahead, span, last_seen)
    if progress is not None:
        progress("", len(signals), len(signals))


def _prove(
    facts: Facts,
    folder: Folder,
    history: SignalHistory,
    outcome: str,
    happened: Sequence[Any],
    horizon: timedelta,
    span: Span,
    last_seen: LastSeen,
) -> Proved:
    """One history as a trial over accounts: people's rows become rows of their accounts."""
    signal, zone = history.signal, closing_zone(history.signal, folder)
    known = facts.subjects()
    accounts = np.asarray(known.account, dtype=np.int64)
    place = np.searchsorted(accounts, np.asarray(history.subjects.account, dtype=np.int64))
    opened = history.ends + history.grace_us
    number = period_of(history.grain, zone, history.ends - 1)
    episodes = trace(history.verdicts, history.clears, history.inside, Policy(signal.delay_in, signal.delay_out))
    reach = np.zeros((accounts.size, opened.size), dtype=bool)
    _spread(reach, place, history.inside)
    where = {int(account): row for row, account in enumerate(accounts)}
    rows = [(where[o.account], o.occurred_us, o.notice_us, o.began_us) for o in happened if int(o.account) in where]
    until = span.until_us if span.given or not opened.size else int(opened[-1])
    trial = Trial(
        opened_us=opened,
        weeks=(history.ends - start_of(history.grain, zone, number)) / WEEK_US,
        reach=reach,
        last_us=_since_life(last_seen.at(history.grain, number, history.grace_us, accounts), reach, opened),
        row=place[episodes.row].astype(np.int64),
        close=episodes.opened.astype(np.int64),
        outcomes=Outcomes.of(rows),
        horizon_us=horizon // timedelta(microseconds=1),
        until_us=until,
    )
    return Proved(signal, history, outcome, episodes, trial, [str(label) for label in known.label])


def _spread(reach: Bool, place: Int, inside: Bool) -> None:
    """An account is in reach where any of its rows is; rows are in order of account."""
    if place.size:
        own, first = np.unique(place, return_index=True)
        reach[own] = inside if own.size == place.size else np.logical_or.reduceat(inside, first, axis=0)


def _since_life(last_us: Int, reach: Bool, opened_us: Int) -> Int:
    """Where no event was known yet, an account counts as quiet since the first close at which it was in reach."""
    if not opened_us.size:
        return last_us
    first = np.where(reach.any(axis=1), opened_us[reach.argmax(axis=1)], opened_us[0])
    return np.where(last_us == NONE, first[:, None] - 1, last_us)
