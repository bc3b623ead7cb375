"""A customer asks not to be written to any more: kept, and so from now on."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from beforehand.commands.pressing import Outcome
from beforehand.store import Run, callbacks, runs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

CUSTOMER = "customer"
WHY = "unsubscribed"


def suppress_in(session: Session, address: str, at: datetime, run: int | None, via: str) -> Outcome:
    """Puts the address of whoever asked for it on the list, in the caller's transaction; a second time changes nothing.

    `run`: the one whose message they answered, where it is known.
    """
    found = None if run is None else session.get(Run, run)
    account = None if found is None else found.account
    said = f"{address} is not written to any more."
    if not runs.suppress(session, address, WHY, at, CUSTOMER, account):
        return Outcome("already", WHY, said)
    came = Outcome("done", WHY, said)
    digest = hashlib.sha256(address.strip().lower().encode()).hexdigest()[:24]
    details = {"via": via, "address": address, "account": account, "run": run}
    callbacks.keep(session, f"unsubscribe:{digest}", at, callbacks.UNSUBSCRIBED, CUSTOMER, details | came.as_json())
    return came
