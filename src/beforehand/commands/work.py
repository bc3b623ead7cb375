"""`work`: leases acts that are due and hands them over, opening the state alone; as many side by side as one likes.

Clocks, too, go on here: see `commands.clocking`.

Each act is written down as being handed over before its channel is called, and what came of it right after, in one
transaction with the beginning of the next: so one commit an act, and a worker that is killed leaves at most one act of
which it cannot be said whether it was sent.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand.channels import Handed
from beforehand.commands.clocking import Clockwork
from beforehand.commands.handing import REPLACES, Ways, settled
from beforehand.errors import BusyError
from beforehand.store import Act, Store
from beforehand.store.acts import begin, count_acts, give_back, lease, settle

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace

LEASE = timedelta(minutes=10)
"""Longer than any channel may take with all its steps; so long it takes until a dead worker's act is cleared up."""
TAKEN = 20
POLL_S = 0.5
LONGEST_POLL_S = 2.0


def work(
    ws: Workspace,
    *,
    once: bool = False,
    span: timedelta | None = None,
    limit: int | None = None,
    stop: threading.Event | None = None,
    lease_for: timedelta = LEASE,
    told: Callable[[Act, Handed], None] | None = None,
) -> dict[str, Any]:
    """Hands over what is due, until `stop` is set, `span` is over or `limit` acts are handed over.

    `once`: until nothing is due. `told` hears what came of each act. Returns `handed` (how many), `came` (how many by
    what came of them), `reasons` (by their words), `left` (how many acts are due, in doubt, ...) and `by_time` (how
    many messages were written because time had passed: reminders, who hears next, digests; looked at every minute).
    """
    stop = stop or threading.Event()
    until = None if span is None else datetime.now(UTC) + span
    ways = Ways(ws.root, ws.settings.channels, mask=ws.settings.text.mask, callbacks=ws.settings.callbacks)
    came: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    handed = 0

    def heard(act: Act, what: Handed) -> None:
        came[what.state] += 1
        reasons[what.reason] += 1
        if told is not None:
            told(act, what)

    with ws.state() as state:
        worker, clocks, reminded = _Worker(state, ways, lease_for, stop, heard), Clockwork(ws.root, state), 0
        try:
            wait = POLL_S
            while not stop.is_set() and (limit is None or handed < limit):
                now = datetime.now(UTC)
                if until is not None and now >= until:
                    break
                reminded += clocks.look(now)
                done = worker.round(TAKEN if limit is None else min(TAKEN, limit - handed), until)
                handed += done
                if done:
                    wait = POLL_S
                    continue
                if once:
                    break
                left = wait if until is None else min(wait, max(0.0, (until - datetime.now(UTC)).total_seconds()))
                stop.wait(left)
                wait = min(LONGEST_POLL_S, wait * 1.5)
        finally:
            ways.close()
            worker.leave()
        with state.read() as session:
            left_over = count_acts(session)
    return {"handed": handed, "came": dict(came), "reasons": dict(reasons), "left": left_over, "by_time": reminded}


class _Worker:
    """One worker: a name of its own, and a few acts at a time."""

    def __init__(
        self,
        state: Store,
        ways: Ways,
        lease_for: timedelta,
        stop: threading.Event,
        heard: Callable[[Act, Handed], None],
    ) -> None:
        self.state = state
        self.ways = ways
        self.lease_for = lease_for
        self.stop = stop
        self.heard = heard
        self.beside = ThreadPoolExecutor(1)
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def round(self, most: int, until: datetime | None) -> int:
        """Takes up to `most` acts and hands them over; returns how many it handed over."""
        try:
            with self.state.write(beside=True) as session:
                acts = lease(session, self.name, datetime.now(UTC), self.lease_for, most)
        except BusyError:
            return 0  # somebody writes for long; what is due stays due
        done = 0
        past: tuple[Act, Handed] | None = None
        ready: Future[None] | None = None
        for place, act in enumerate(acts, 1):
            over = self.stop.is_set() or (until is not None and datetime.now(UTC) >= until)
            if over:
                break
            # The next one is written while this one waits for the disk and for the other side.
            made, ready = ready, None if place == len(acts) else self.beside.submit(self.ways.ready, acts[place])
            replaces, mine = self._turn(past, act)
            past = None
            if not mine:
                continue
            if made is not None:
                made.result()
            what = self.ways.hand(act, replaces)
            past = (act, what)
            done += 1
            self.heard(act, what)
        self._turn(past, None)
        return done

    def leave(self) -> None:
        """Gives back what was taken and not begun."""
        self.beside.shutdown()
        with self.state.write(beside=True) as session:
            give_back(session, self.name)

    def _turn(self, past: tuple[Act, Handed] | None, act: Act | None) -> tuple[str | None, bool]:
        """Writes down what came of the last act and that the next is begun; is it ours, and what does it replace?"""
        if past is None and act is None:
            return None, False
        while True:
            try:
                with self.state.write(beside=True) as session:
                    now = datetime.now(UTC)
                    if past is not None:
                        settle(session, past[0], self.name, now, settled(past[1]))
                    if act is None:
                        return None, False
                    before = act.payload.get("meta", {}).get(REPLACES)
                    ref = session.scalar(select(Act.ref).where(Act.key == before)) if before else None
                    return ref, begin(session, act, self.name, now, self.lease_for)
            except BusyError:
                # What came of the last act is known here alone: it is worth waiting for as long as it takes.
                if past is None:
                    return None, False
