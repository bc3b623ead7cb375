"""Counts first, then shares with their intervals: what a set of namings was worth.

The same function serves the signal and both rivals, so that they cannot be counted differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from beforehand.proof.intervals import Interval, by_account, clustered, difference, wilson
from beforehand.proof.outcomes import NONE, leads
from beforehand.proof.rivals import Namings
from beforehand.signals.numbers import Bool, Float, Int

if TYPE_CHECKING:
    from beforehand.proof.trial import Trial

DAY = 86_400_000_000
Quartiles = Mapping[str, float | None]


@dataclass(frozen=True)
class Ground:
    """What all namings of one part of time are measured on.

    `inside` [Q] are the closes of the part; `catchable` [n] the accounts whose outcome could have been caught;
    `base_rate` how often an eligible account was right, at the closes of the signal's finished episodes. Where no
    outcome is known at all (`known` False) nobody can say what was right, so no share is given.
    """

    trial: Trial
    inside: Bool
    catchable: Bool
    base_rate: float | None
    known: bool

    @classmethod
    def of(cls, trial: Trial, inside: Bool, wanted: Int, own: Namings) -> Ground:
        """The ground of the closes `inside`, where the signal opened `wanted` [Q] episodes, namely `own`."""
        judged = inside & trial.finished
        chances = trial.eligible & trial.fates.right
        catchable: Bool = np.asarray(chances[:, judged].any(axis=1))
        caught = judged[own.close] & trial.fates.right[own.row, own.close]
        catchable[own.row[caught]] = True
        pool, hits = trial.eligible.sum(axis=0), chances.sum(axis=0)
        used = judged & (wanted > 0) & (pool > 0)
        rate = float((wanted * hits / np.maximum(pool, 1))[used].sum() / wanted[used].sum()) if used.any() else None
        known = bool(trial.outcomes.row.size)
        return cls(trial, inside, catchable, rate if known else None, known)


@dataclass(frozen=True)
class Figures:
    """What namings were worth. None wherever there is nothing to divide by; counts of the random rival are means.

    Intervals are 95 %: by account for real namings, and for the random rival the range its draws stay in.
    `lead_days_to_began` is against where the outcome began (negative: it already had). `ahead` is how much better
    the signal's precision is than these namings'; only rivals have it.
    """

    episodes: float
    right: float
    too_late: float
    unfinished: float
    caught: float
    could_be_caught: int
    precision: Interval | None
    recall: Interval | None
    lead_days: Quartiles
    lead_days_to_began: Quartiles
    episodes_per_week: float | None
    base_rate: float | None
    lift: float | None
    ahead: Interval | None = None


def figures(ground: Ground, namings: Namings, against: Namings | None = None) -> Figures:
    """The figures of the namings inside the ground's part; of several draws their mean.

    `against` are the signal's own namings, where these are a rival's.
    """
    trial, draws = ground.trial, namings.draws
    kept = ground.inside[namings.close]
    row, close, draw = namings.row[kept], namings.close[kept], namings.draw[kept]
    done = trial.finished[close]
    right = done & trial.fates.right[row, close]
    late = done & trial.fates.late[row, close]
    judged = by_account(draw[done], draws)
    hits = by_account(draw[right], draws)
    people = int(ground.catchable.sum())
    names = np.unique(draw[right] * ground.catchable.size + row[right])
    caught = by_account(names // max(1, ground.catchable.size), draws)
    lead, began = leads(trial.seen, row[right], trial.opened_us[close[right]], trial.horizon_us)
    weeks = float(trial.weeks[ground.inside].sum())
    precision: Interval | None
    recall: Interval | None
    if not ground.known:
        precision, recall = None, None
    elif draws == 1:
        precision = clustered(*_tally(trial, row, done, right))
        recall = wilson(float(caught[0]) / people, people) if people else None
    else:
        precision, recall = _spread(hits, judged), _spread(caught, np.full(draws, float(people)))
    return Figures(
        episodes=row.size / draws,
        right=float(hits.mean()),
        too_late=int(late.sum()) / draws,
        unfinished=int((~done).sum()) / draws,
        caught=float(caught.mean()),
        could_be_caught=people,
        precision=precision,
        recall=recall,
        lead_days=_quartiles(lead),
        lead_days_to_began=_quartiles(began),
        episodes_per_week=row.size / draws / weeks if weeks > 0 else None,
        base_rate=ground.base_rate,
        lift=precision[0] / ground.base_rate if precision and ground.base_rate else None,
        ahead=_ahead(ground, against, precision, (row, done, right), draws) if against and ground.known else None,
    )


def _tally(trial: Trial, row: Int, done: Bool, right: Bool) -> tuple[Float, Float]:
    """Right and finished namings per account."""
    accounts = trial.reach.shape[0]
    return by_account(row[right], accounts), by_account(row[done], accounts)


def _ahead(
    ground: Ground, own: Namings, rival: Interval | None, rivals: tuple[Int, Bool, Bool], draws: int
) -> Interval | None:
    """The signal's precision minus the rival's, with its interval."""
    trial = ground.trial
    kept = ground.inside[own.close]
    done = trial.finished[own.close[kept]]
    right = done & trial.fates.right[own.row[kept], own.close[kept]]
    hits, trials = _tally(trial, own.row[kept], done, right)
    if draws == 1:
        return difference(hits, trials, *_tally(trial, *rivals))
    mine = clustered(hits, trials)
    if mine is None or rival is None:
        return None
    # What lots give on average is known nearly exactly; what is uncertain is the signal.
    value, low, high = (bound - rival[0] for bound in mine)
    return value, low, high


def _spread(hits: Float, trials: Float) -> Interval | None:
    """Mean share over draws, and the range that holds 95 % of them."""
    if not trials.sum():
        return None
    shares = hits[trials > 0] / trials[trials > 0]
    low, high = np.percentile(shares, [2.5, 97.5])
    mean = float(shares.mean())
    return mean, min(mean, float(low)), max(mean, float(high))


def _quartiles(lead_us: Int) -> Quartiles:
    days = lead_us[lead_us != NONE] / DAY
    if not days.size:
        return {"p25": None, "p50": None, "p75": None}
    p25, p50, p75 = np.percentile(days, [25, 50, 75])
    return {"p25": float(p25), "p50": float(p50), "p75": float(p75)}
