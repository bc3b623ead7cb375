"""What incidents hold back at a close: the line beside the one that is lived.

While an incident is undecided a signal's subjects have two lines. On the one that is lived, what the incident makes
doubtful is unsure: it neither opens nor closes, and the counts stay. On the line beside it, kept in the state where it
differs, everything is believed. What opens or closes only there is held. The first close that is whole again, or a
person, decides which line is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import delete
from sqlalchemy.orm import Session

from beforehand import store
from beforehand.alerts import Reason, State, Step, Tracks, advance
from beforehand.signals.numbers import CLEAR, HOLDS, UNSURE, Bool, Verdicts
from beforehand.store import Alert, Held, Key, Would
from beforehand.store.incidents import DROPPED, HELD, OVER, RELEASED

if TYPE_CHECKING:
    from beforehand.commands.closes import Sheet, Told

OPENING, CLOSING = "open", "close"


@dataclass(frozen=True)
class Doubts:
    """What cannot be believed at one close, `[n]` each: that the condition holds, that it is clear, that the clear
    sentence holds, and that it does not."""

    holds: Bool
    clear: Bool
    calm: Bool
    unrest: Bool

    @classmethod
    def none(cls, n: int) -> Doubts:
        """Everything is believed."""
        return cls(*(np.zeros(n, bool) for _ in range(4)))

    @property
    def some(self) -> Bool:
        """Where anything is in doubt, `[n]`."""
        return self.holds | self.clear | self.calm | self.unrest

    def cast(self, verdict: Verdicts, clear: Verdicts | None) -> tuple[Verdicts, Verdicts | None]:
        """Verdicts of condition and clear sentence with what is in doubt made unsure."""
        unsure = (self.holds & (verdict == HOLDS)) | (self.clear & (verdict == CLEAR))
        verdict = np.where(unsure, UNSURE, verdict)
        if clear is not None:
            clear = np.where((self.calm & (clear == HOLDS)) | (self.unrest & (clear == CLEAR)), UNSURE, clear)
        return verdict, clear


@dataclass(frozen=True)
class Mask:
    """What incidents make of one close: `undecided` ones hold, `settled` ones (as of the data) leave it unjudged."""

    undecided: Doubts
    settled: Doubts
    by: Sequence[tuple[int, Bool]] = ()
    """The undecided incidents, each with the rows it touches."""
    settled_by: tuple[int, ...] = ()

    def lived(self, verdict: Verdicts, clear: Verdicts | None) -> tuple[Verdicts, Verdicts | None]:
        """The verdicts on the line that is lived."""
        return self.undecided.cast(*self.settled.cast(verdict, clear))

    def numbers(self, row: int) -> list[int]:
        """The undecided incidents that touch a row, the first found first."""
        return [number for number, rows in self.by if rows[row]]


@dataclass
class Beside:
    """What a close does on the line beside the lived one, by row; `adopted` are rows at which that line is now true."""

    opening: list[int] = field(default_factory=list)
    closing: list[int] = field(default_factory=list)
    opened: list[tuple[int, Held]] = field(default_factory=list)
    closed: list[tuple[int, Held]] = field(default_factory=list)
    dropped: list[Held] = field(default_factory=list)
    over: list[Held] = field(default_factory=list)
    tracks: Tracks | None = None
    adopted: list[int] = field(default_factory=list)
    forgotten: set[Key] = field(default_factory=set)
    kept: list[int] = field(default_factory=list)


def beside(
    session: Session, sheet: Sheet, q: int, tracks: Tracks, alerts: Mapping[Key, Alert], step: Step
) -> Beside | None:
    """The other line at a close, where there is one: `tracks` and `alerts` are as before it, `step` is as lived."""
    mask = sheet.mask(q)
    pending = store.held_of(session, signal=sheet.signal)
    would = store.would_of(session, sheet.signal)
    if (mask is None or not mask.by) and not pending and not would:
        return None
    made = Beside()
    if sheet.start is not None and q == 0:  # another definition: what was held of the one before means nothing
        made.over, made.forgotten = pending, set(would)
        pending, would = [], {}
    rows = sheet.keys.rows({(h.account, h.scope) for h in pending} | set(would))
    other = Tracks(tracks.open.copy(), tracks.held.copy(), tracks.calm.copy(), tracks.armed.copy())
    for key, kept in would.items():
        if key in rows:
            row = rows[key]
            other.open[row], other.held[row] = kept.open, kept.held
            other.calm[row], other.armed[row] = kept.calm, kept.armed
        else:
            made.forgotten.add(key)
    verdict, clear = sheet.verdicts[:, q], None if sheet.clears is None else sheet.clears[:, q]
    inside = sheet.inside[:, q]
    if mask is not None:
        verdict, clear = mask.settled.cast(verdict, clear)
    real = advance(other, verdict, clear, inside, sheet.policy)
    made.tracks = real.tracks
    doubtful = mask.undecided.some if mask is not None else np.zeros(len(verdict), bool)
    whole = ~doubtful & ((verdict == HOLDS) | (verdict == CLEAR) | ~inside)
    held: dict[tuple[int, str], Held] = {}
    for h in pending:
        key = (h.account, h.scope)
        if key not in rows or (key in alerts) is (h.act == OPENING):
            made.over.append(h)  # the subject is gone, or a person or the filling period decided
            made.forgotten.add(key)
        else:
            held[rows[key], h.act] = h
    _decide(made, held, whole, verdict == HOLDS, real, step)
    for row in np.flatnonzero(doubtful & real.opened & ~step.opened).tolist():
        if (row, CLOSING) in held:
            made.over.append(held.pop((row, CLOSING)))
        elif (row, OPENING) not in held:
            made.opening.append(row)
    for row in np.flatnonzero(doubtful & real.closed & ~step.closed & step.tracks.open).tolist():
        if (row, CLOSING) not in held:
            made.closing.append(row)
    differs = _differs(real.tracks, step.tracks)
    own = {row: key for key, row in rows.items()}
    for row in {*own, *map(int, np.flatnonzero(doubtful & differs))}:
        if whole[row] or not differs[row]:
            if row in own:
                made.forgotten.add(own[row])
        else:
            made.kept.append(row)
    return made


def _decide(made: Beside, held: dict[tuple[int, str], Held], whole: Bool, holds: Bool, real: Step, step: Step) -> None:
    """What is held is decided at a close that is whole; on the other line it may also just have come to its end."""
    for (row, act), h in list(held.items()):
        if not whole[row]:
            if act == OPENING and real.closed[row]:
                made.over.append(held.pop((row, act)))
        elif act == OPENING and holds[row] and real.tracks.open[row]:
            made.opened.append((row, h))
            made.adopted.append(row)
        elif act == CLOSING and step.closed[row]:
            made.closed.append((row, h))
        else:
            made.dropped.append(h)


def hold(
    session: Session,
    sheet: Sheet,
    q: int,
    made: Beside,
    end: datetime,
    told: Sequence[Told],
    of_row: Mapping[int, Alert],
) -> list[Held]:
    """Writes down what is held at a close, and where the subjects would stand."""
    mask = sheet.mask(q)
    new = []
    first = sheet.start is not None and q == 0
    for act, rows in ((OPENING, made.opening), (CLOSING, made.closing)):
        for at, row in enumerate(rows):
            account, scope = sheet.keys[row]
            numbers = mask.numbers(row) if mask is not None else []
            story = told[at] if act == OPENING else None
            alert = of_row.get(row) if act == CLOSING else None
            new.append(
                Held(
                    incident=numbers[0], others=numbers[1:], signal=sheet.signal, account=account, scope=scope,
                    act=act, end_at=end, state=HELD, severity=sheet.severity, signal_digest=sheet.digest,
                    backlog=first, shadow=sheet.shadow, alert=alert.number if alert is not None else None,
                    since=story.since if story else None,
                    headline=story.headline if story else (alert.headline if alert is not None else ""),
                    owner=story.owner if story else None, evidence=story.evidence if story else {},
                    receipts=story.receipts if story else [],
                )
            )  # fmt: skip
    session.add_all(new)
    for account, scope in made.forgotten:
        session.execute(
            delete(Would).where(Would.signal == sheet.signal, Would.account == account, Would.scope == scope)
        )
    would = store.would_of(session, sheet.signal)
    for row in made.kept:
        key = sheet.keys[row]
        numbers = mask.numbers(row) if mask is not None else []
        assert made.tracks is not None
        stands = {
            "open": bool(made.tracks.open[row]), "held": int(made.tracks.held[row]),
            "calm": int(made.tracks.calm[row]), "armed": bool(made.tracks.armed[row]),
        }  # fmt: skip
        if key in would:
            for name, value in stands.items():
                setattr(would[key], name, value)
        elif numbers:
            session.add(Would(signal=sheet.signal, account=key[0], scope=key[1], incident=numbers[0], **stands))
    return new


def end(helds: Iterable[Held], state: str, now: datetime) -> None:
    """What is held no longer is."""
    for h in helds:
        h.state, h.ended_at = state, now


def release(session: Session, helds: Sequence[Held], now: datetime, actor: str) -> tuple[list[Alert], list[Alert]]:
    """What was held happens after all, each at its own time; returns the alerts opened and those closed.

    Where a person was faster, nothing is left to do.
    """
    closed, alive = [], store.open_alerts(session, {h.signal for h in helds})
    shut: list[tuple[Held, Alert]] = []
    for h in helds:
        alert = alive[h.signal].get((h.account, h.scope))
        if (h.act == OPENING) is (alert is not None):
            end([h], OVER, now)
        elif alert is not None:
            shut.append((h, alert))
    for h, alert in shut:
        _close(session, h, alert, now, actor)
        closed.append(alert)
    session.flush()
    opened = [_open(session, h, now, actor) for h in helds if h.act == OPENING and h.state == HELD]
    return opened, closed


def _open(session: Session, h: Held, now: datetime, actor: str) -> Alert:
    before = store.newest_closed(session, h.signal, [(h.account, h.scope)])
    alert = Alert(
        account=h.account, signal=h.signal, scope=h.scope, severity=h.severity, state=State.OPEN.value,
        backlog=h.backlog, shadow=h.shadow, opened_at=h.end_at, since=h.since, raised_at=now, judged_at=h.end_at,
        reopens=before.get((h.account, h.scope)), headline=h.headline, owner=h.owner, signal_digest=h.signal_digest,
        evidence=h.evidence, receipts=h.receipts, incident=h.incident,
    )  # fmt: skip
    session.add(alert)
    session.flush()
    details = {"incident": h.incident, **({"backlog": True} if h.backlog else {})}
    store.log(session, alert.number, now, actor, "opened", {**details, "released": True})
    h.alert = alert.number
    end([h], RELEASED, now)
    return alert


def _close(session: Session, h: Held, alert: Alert, now: datetime, actor: str) -> None:
    alert.state, alert.closed_at, alert.snoozed_until = State.CLOSED.value, h.end_at, None
    alert.close_reason = Reason.CLEARED.value
    details = {"reason": Reason.CLEARED.value, "incident": h.incident, "released": True}
    store.log(session, alert.number, now, actor, "closed", details)
    end([h], RELEASED, now)


def drop_signal(session: Session, signal: str, now: datetime) -> None:
    """A signal is judged no longer: nothing of it is held."""
    end(store.held_of(session, signal=signal), DROPPED, now)
    store.forget_would(session, signal=signal)


def _differs(one: Tracks, other: Tracks) -> Bool:
    return np.asarray(
        (one.open != other.open) | (one.held != other.held) | (one.calm != other.calm) | (one.armed != other.armed)
    )
