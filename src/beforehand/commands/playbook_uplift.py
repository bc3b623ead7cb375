"""`uplift PLAYBOOK`: what a playbook made of a difference, from the arms that were stored when it would have acted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from beforehand.calendar import to_us
from beforehand.commands.alerts import present
from beforehand.commands.uplift import compared
from beforehand.errors import InputError, among
from beforehand.playbooks.guards import HELD_OUT, TREATED
from beforehand.store import Alert, runs

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

RECOVERED, REVENUE = "recovered", "revenue"
MONEY = {"renewed": 1.0, "expanded": 1.0, "contracted": -1.0, "churned": -1.0}
"""What counts towards revenue, and which way."""


def uplift_playbook(
    ws: Workspace, name: str, *, outcome: str = RECOVERED, horizon: timedelta | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """The difference between accounts that were helped and those held out, each looked at for `horizon` after.

    `outcome` is `recovered` (the alert closed because the signal was clear again), `revenue` (amounts of outcomes: won
    less lost) or any outcome of the facts. An account whose horizon is not over yet is `unfinished` and not counted.
    Returns what `uplift` of a file does, with `playbook`, `horizon_days` and `unfinished`. Raises InputError where
    nobody was exposed, or for an outcome there is none of.
    """
    folder = ws.folder
    known = (RECOVERED, REVENUE, *folder.outcome_names)
    if outcome not in known:
        raise InputError(f"{outcome!r} is not an outcome.", among(outcome, known), code="unknown-outcome")
    span = horizon or folder.settings.horizon
    with ws.state() as state, state.read() as session:
        at = present(session, now)
        exposed = runs.exposures_of(session, name)
        closed = {e.account: session.get(Alert, e.alert) if e.alert is not None else None for e in exposed}
    if not exposed:
        hint = "A playbook with `holdout:` stores the arm of each account at which it would act."
        raise InputError(f"Nobody was exposed to {name!r} in an experiment.", hint, code="no-exposures")
    salt = exposed[-1].salt  # a new draw is a new experiment
    drawn = [e for e in exposed if e.salt == salt]
    over = [e for e in drawn if e.at + span <= at]
    values: dict[str, float] = {}
    if outcome == RECOVERED:
        for e in over:
            alert = closed[e.account]
            back = alert is not None and alert.close_reason == "cleared" and alert.closed_at is not None
            values[e.account] = float(back and alert is not None and alert.closed_at <= e.at + span)  # type: ignore[operator]
    else:
        wanted = MONEY if outcome == REVENUE else {outcome: 1.0}
        with ws.facts() as facts:
            nodes = {e.account: facts.account_named(e.account) for e in over}
            happened = [
                (row.account, row.occurred_us, sign, row.amount)
                for kind, sign in wanted.items()
                for row in facts.outcomes(kind, to_us(at))
            ]
        for e in over:
            first, last = to_us(e.at), to_us(e.at + span)
            own = [h for h in happened if h[0] == nodes[e.account] and first < h[1] <= last]
            money = sum(sign * (amount or 0.0) for _, _, sign, amount in own)
            values[e.account] = money if outcome == REVENUE else float(bool(own))
    arms = {
        arm: np.array([values[e.account] for e in over if e.arm == arm], dtype=np.float64)
        for arm in (HELD_OUT, TREATED)
    }
    # Who was drawn is told by all exposures, those that are not over as well.
    share = float(np.mean([e.share for e in drawn]))
    found = compared(arms, HELD_OUT, outcome, {HELD_OUT: share, TREATED: 1 - share})
    return found | {"playbook": name, "horizon_days": span.days, "unfinished": len(drawn) - len(over)}
