"""What happened to the accounts, and what that makes of an alert opened at a close.

An outcome lies ahead of an opening when it happens at the opening or within the horizon after it (a period is half
open, so what happens at the very end of a period had not happened in it). Where it came with a notice, the alert must
not come after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beforehand.signals.numbers import Bool, Int

NONE = np.iinfo(np.int64).min  # "no such time"


@dataclass(frozen=True)
class Outcomes:
    """Occurrences of one outcome, sorted by account and time; times in UTC microseconds.

    `row` is the account's place in the arrays of the trial. `notice_us` and `began_us` hold NONE where there is none.
    """

    row: Int
    occurred_us: Int
    notice_us: Int
    began_us: Int

    @classmethod
    def of(cls, occurrences: Sequence[tuple[int, int, int | None, int | None]]) -> Outcomes:
        """From (row, occurred, notice or None, began or None) in any order; equal ones count once."""
        unique = sorted({(r, o, NONE if n is None else n, NONE if b is None else b) for r, o, n, b in occurrences})
        table = np.array(unique, dtype=np.int64).reshape(-1, 4)
        return cls(*(np.ascontiguousarray(column) for column in table.T))

    @property
    def deadline_us(self) -> Int:
        """The last moment an alert could still come: the notice where there is one, else the outcome itself."""
        return np.where(self.notice_us == NONE, self.occurred_us, np.minimum(self.notice_us, self.occurred_us))

    def until(self, until_us: int) -> Outcomes:
        """Those that had happened by `until_us`: a trial does not look behind its end."""
        keep = self.occurred_us <= until_us
        return Outcomes(self.row[keep], self.occurred_us[keep], self.notice_us[keep], self.began_us[keep])


@dataclass(frozen=True)
class Fates:
    """What an alert on each account at each close would have been, `[n, Q]`; neither of both: a false alarm."""

    right: Bool
    late: Bool


def fates(outcomes: Outcomes, opened_us: Int, horizon_us: int, accounts: int) -> Fates:
    """Right and too late for every account and every close (`opened_us` ascending)."""
    first = np.searchsorted(opened_us, outcomes.occurred_us - horizon_us, side="left")
    last = np.searchsorted(opened_us, outcomes.occurred_us, side="right")
    turn = np.clip(np.searchsorted(opened_us, outcomes.deadline_us, side="right"), first, last)
    right = _covered(outcomes.row, first, turn, accounts, opened_us.size)
    late = _covered(outcomes.row, turn, last, accounts, opened_us.size) & ~right
    return Fates(right, late)


def happened(outcomes: Outcomes, opened_us: Int, last_us: Int) -> Bool:
    """Whether the outcome had happened before each close and the account was not seen since, `[n, Q]`.

    `last_us` is its last event as known at each close. An account that came back is open to the outcome again.
    """
    latest = np.full(last_us.shape, NONE, dtype=np.int64)
    after = np.searchsorted(opened_us, outcomes.occurred_us, side="right")
    inside = after < opened_us.size
    np.maximum.at(latest, (outcomes.row[inside], after[inside]), outcomes.occurred_us[inside])
    np.maximum.accumulate(latest, axis=1, out=latest)
    return np.asarray((latest != NONE) & (last_us <= latest))


def leads(outcomes: Outcomes, row: Int, opened_us: Int, horizon_us: int) -> tuple[Int, Int]:
    """For each right alert (account, opening): microseconds to its deadline, and to where the outcome began.

    Of several outcomes ahead the first that makes the alert right counts. NONE where the alert is not right, and in
    the second array also where the outcome has no beginning of its own. The second may be negative.
    """
    lead = np.full(row.shape, NONE, dtype=np.int64)
    began = lead.copy()
    if not outcomes.row.size:
        return lead, began
    lows = np.searchsorted(outcomes.row, row, side="left")
    highs = np.searchsorted(outcomes.row, row, side="right")
    deadline = outcomes.deadline_us
    for step in range(int((highs - lows).max(initial=0))):
        at = np.minimum(lows + step, outcomes.row.size - 1)
        found = (lows + step < highs) & (lead == NONE) & (deadline[at] >= opened_us)
        found &= outcomes.occurred_us[at] <= opened_us + horizon_us
        lead[found] = (deadline[at] - opened_us)[found]
        known = found & (outcomes.began_us[at] != NONE)
        began[known] = (outcomes.began_us[at] - opened_us)[known]
    return lead, began


def _covered(row: Int, first: Int, last: Int, accounts: int, closes: int) -> Bool:
    """True in `[row, first:last]` of each occurrence; built from its edges, so no loop over occurrences."""
    edges = np.zeros((accounts, closes + 1), dtype=np.int16)
    np.add.at(edges, (row, first), 1)
    np.add.at(edges, (row, last), -1)
    return np.asarray(np.cumsum(edges[:, :-1], axis=1, dtype=np.int16) > 0)
