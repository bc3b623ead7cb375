"""Which alerts of other signals were open when: what a sentence such as `any high alert open` reads.

Traced from the verdicts of those signals, live as in a backtest, so the two cannot disagree: what people did to an
alert does not matter. Only signals that read no alerts themselves are looked at, so nothing goes in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beforehand.alerts import Policy, trace
from beforehand.signals.asked import reads_alerts
from beforehand.signals.numbers import Bool, Int
from beforehand.signals.tree import SEVERITIES

if TYPE_CHECKING:
    from beforehand.commands.judging import SignalHistory
    from beforehand.signals import Signal

STILL = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Opening:
    """An alert that was open at a close."""

    signal: str
    severity: str
    opened_us: int


@dataclass(frozen=True)
class OpenAlerts:
    """Episodes `[E]`: canonical account, rank of severity, signal, when each was known to open and to close (us)."""

    account: Int
    rank: Int
    signal: Int
    opened_us: Int
    closed_us: Int
    names: tuple[str, ...]

    def of(self, accounts: NDArray[np.int32], grace_us: int) -> AccountAlerts:
        """The alerts of the accounts of a block's rows, for a signal that waits `grace_us` after a period's end."""
        return AccountAlerts(self, np.asarray(accounts, dtype=np.int64), grace_us)

    def listed(self, account: int, least: str, at_us: int) -> list[Opening]:
        """The alerts of an account that were open at an instant, the first opened first."""
        mine = (self.account == account) & (self.rank >= SEVERITIES.index(least))
        mine &= (self.opened_us <= at_us) & (self.closed_us > at_us)
        found = np.flatnonzero(mine)
        order = found[np.argsort(self.opened_us[found], kind="stable")]
        return [
            Opening(self.names[int(self.signal[e])], SEVERITIES[int(self.rank[e])], int(self.opened_us[e]))
            for e in order
        ]


@dataclass(frozen=True)
class AccountAlerts:
    """The open alerts of some rows, as the judge asks for them (`signals.numbers.Opened`)."""

    alerts: OpenAlerts
    accounts: Int
    grace_us: int

    def at(self, least: str, ends: Int) -> Bool:
        """Whether an alert of at least that severity was open at each close, `[n, Q]`."""
        unique, row = np.unique(self.accounts, return_inverse=True)
        change = np.zeros((len(unique), len(ends) + 1), dtype=np.int32)
        wanted = (self.alerts.rank >= SEVERITIES.index(least)) & np.isin(self.alerts.account, unique)
        place = np.searchsorted(unique, self.alerts.account[wanted])
        known = ends + self.grace_us
        np.add.at(change, (place, np.searchsorted(known, self.alerts.opened_us[wanted])), 1)
        np.add.at(change, (place, np.searchsorted(known, self.alerts.closed_us[wanted])), -1)
        return np.asarray((np.cumsum(change, axis=1)[:, :-1] > 0)[row])


def read_by(signal: Signal, signals: Mapping[str, Signal]) -> list[Signal]:
    """The signals whose alerts a sentence about alerts reads: risk signals that are on and read none themselves."""
    return [
        other
        for other in signals.values()
        if other.name != signal.name
        and other.mode == "on"
        and other.polarity == "risk"
        and not reads_alerts(other, signals)
    ]


def traced(histories: Iterable[SignalHistory]) -> OpenAlerts:
    """The open alerts of whole histories."""
    columns: list[tuple[Int, Int, Int, Int, Int]] = []
    names: list[str] = []
    for history in histories:
        signal = history.signal
        policy = Policy(signal.delay_in, signal.delay_out)
        found = trace(history.verdicts, history.clears, history.inside, policy)
        known = np.append(history.ends + history.grace_us, STILL)  # -1, still open, reads the last
        node = np.asarray(history.subjects.account, dtype=np.int64)[found.row]
        severity = np.full(len(found), SEVERITIES.index(signal.severity))
        columns.append((node, severity, np.full(len(found), len(names)), known[found.opened], known[found.closed]))
        names.append(signal.name)
    if not columns:
        none = np.empty(0, dtype=np.int64)
        return OpenAlerts(none, none, none, none, none, ())
    account, rank, number, opened, closed = (np.concatenate(column) for column in zip(*columns, strict=True))
    return OpenAlerts(account, rank, number, opened, closed, tuple(names))
