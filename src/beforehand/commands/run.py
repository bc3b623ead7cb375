"""`run`: judges every close that is due, in order, and writes what it means for the alerts.

What is due follows from the state alone: the newest close of each signal is kept with the alerts it raised, in one
transaction per close. So a run that was killed anywhere, and is started again, does the rest and nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from beforehand import store
from beforehand.alerts import Policy, Reason, Tracks, warm
from beforehand.calendar import Grain, period_of, start_of, to_datetime, to_us
from beforehand.commands import closes
from beforehand.commands.alerts import remembered
from beforehand.commands.closes import Sheet, Tally, Teller, Told
from beforehand.commands.definition import digest_of
from beforehand.commands.doubts import tell_doubts
from beforehand.commands.following import follow
from beforehand.commands.judging import SignalHistory, grace_of, judged
from beforehand.commands.noting import Noted
from beforehand.commands.playing import play
from beforehand.commands.taking_over import Along
from beforehand.commands.tell import NOTHING
from beforehand.commands.tell import tell as tell_people
from beforehand.commands.telling import telling
from beforehand.commands.zones import closing_zone
from beforehand.errors import InputError
from beforehand.signals import grain_of, only_truer
from beforehand.signals.signal import Signal
from beforehand.store import Kept, Key, Store, Watch

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

Progress = Callable[[str, int, int], None]
"""(what is being done, steps done, steps in all)."""
Storyteller = Callable[["Facts", "Folder", Mapping[str, SignalHistory], datetime], Teller]
"""Makes, from what was judged, the function that writes new alerts; see `commands.telling`."""

LOOK_BACK = {Grain.HOUR: 168, Grain.DAY: 400, Grain.WEEK: 60, Grain.MONTH: 24, Grain.QUARTER: 8}
"""How many closes before its first one a new signal is judged at, to tell since when it holds."""
SLACK = 4
"""How many closes more than its delay a signal looks back otherwise: an unsure close does not end a run of holding."""


@dataclass(frozen=True)
class Due:
    """A signal with closes to judge: those after `after_us`, looking back from `from_us`.

    `start`: it is judged for the first time, or, where `changed`, for the first time by this definition.
    """

    signal: Signal
    digest: str
    grain: Grain
    from_us: int
    after_us: int
    start: bool = False
    changed: bool = False


def run(
    ws: Workspace,
    now: datetime | None = None,
    *,
    names: Collection[str] | None = None,
    progress: Progress | None = None,
    told_by: Storyteller = telling,
    incidents: bool = True,
    tells: bool = True,
    playbooks: bool = True,
) -> dict[str, Any]:
    """Judges what is due at `now` (None: the clock), of all signals or only of those named.

    What may be wrong with the data is found first, unless `incidents` says otherwise, and what it would cause is held.
    Open alerts and live runs follow owners who changed. Who is to hear of what is new is told then, unless `tells`
    says otherwise.
    Then playbooks begin for new alerts and those at work go on, unless `playbooks` says otherwise.

    With a `now` that is given, facts learned at or after it do not exist. A first run judges the newest close of each
    signal; what holds there already is backlog. Raises InputError where `now` is earlier than the last run, BusyError
    where another process works on the workspace.
    """
    at = now or datetime.now(UTC)
    folder = ws.folder
    with ws.facts() as facts, ws.state() as state:
        with state.read() as session:
            last = store.last_run(session)
            watches = store.watches(session)
        if last is not None and at < last.now_at:
            raise InputError(
                f"{_said(at)} is before the last run, which was as of {_said(last.now_at)}.",
                "Time only goes forward here; `beforehand replay` looks at history in a place of its own.",
                code="earlier-than-last-run",
            )
        if last is None:
            facts.go_live(at)
        tally, done = Tally(), []
        _switch(state, folder, watches, at, tally)
        with state.read() as session:
            watches = store.watches(session)
        judging = [s for s in folder.signals.values() if s.mode != "off" and (names is None or s.name in names)]
        due = [d for s in judging if (d := _due(s, folder, facts, watches, at))]
        with state.read() as session:
            kept = store.thresholds_of(session, {d.signal.name: d.digest for d in due})
        noted = Noted(facts, folder, state, at, None if last is None else last.now_at) if incidents else None
        sheets = _sheets(facts, folder, due, at, progress, kept, noted)
        if noted is not None:
            noted.find(sheets)
            sheets = [(noted.mask(sheet, history), history) for sheet, history in sheets]
        tell = told_by(facts, folder, {sheet.signal: history for sheet, history in sheets}, at)
        done = _judge(state, [sheet for sheet, _ in sheets], at, tell, tally, progress)
        _judge_filling(state, facts, folder, judging, at, told_by, tally, noted)
        if noted is not None:
            noted.settle()
        with state.write() as session:
            closes.wake(session, at)
            store.put_last_run(session, remembered(at, now is not None))
            open_incidents = [incident.number for incident in store.find_incidents(session, open_only=True)]
            waiting = tally.held_back & {held.number for held in store.held_of(session)}
        along = follow(facts, folder, state, at, tells=tells) if tells or playbooks else Along()
        heard = tell_people(facts, folder, state, at) if tells else dict(NOTHING)
        doubts = tell_doubts(folder, state, at) if tells else 0
        played = play(facts, folder, state, at) if playbooks else {"began": 0, "moved": 0, "ended": 0}
    return {
        "now": at,
        "closes": done,
        "opened": len(tally.opened),
        "updated": len(tally.updated),
        "closed": len(tally.closed),
        "held": len(tally.held) + len(waiting),
        "held_by": {"incidents": len(waiting), "unsure": len(tally.held)},
        "incidents": open_incidents,
        "shadow": len(tally.shadow),
        "told": heard["told"] + len(along.told) + doubts,
        "taken_over": along.as_json(),
        "held_back": heard["held_back"],
        "nobody": heard["nobody"],
        "runs": played,
    }


def _switch(state: Store, folder: Folder, watches: dict[str, Watch], at: datetime, tally: Tally) -> None:
    """Signals whose mode is another than at the last run, or whose file is gone."""
    for name, watch in sorted(watches.items()):
        mode = folder.signals[name].mode if name in folder.signals else "off"
        if mode != watch.mode:
            with state.write() as session:
                kept = store.watches(session)[name]
                tally.add("closed", closes.switch(session, kept, mode, at))


def _due(signal: Signal, folder: Folder, facts: Facts, watches: dict[str, Watch], at: datetime) -> Due | None:
    """What there is to judge of a signal, None where its newest close has been judged."""
    grain = grain_of(signal.sentence, folder.signals)
    zone = closing_zone(signal, folder)
    reached = np.array([to_us(at) - grace_of(signal, folder, facts)])
    period = int(period_of(grain, zone, reached)[0])
    digest, watch = digest_of(signal, folder), watches.get(signal.name)

    def start(p: int) -> int:
        return int(start_of(grain, zone, np.array([p]))[0])

    if watch is None or watch.digest != digest:
        from_us = start(period - LOOK_BACK[grain] - signal.delay_in)
        return Due(signal, digest, grain, from_us, start(period) - 1, start=True, changed=watch is not None)
    if watch.last_close_at is None or to_us(watch.last_close_at) >= start(period):
        return None
    after_us = to_us(watch.last_close_at)
    last = int(period_of(grain, zone, np.array([after_us]))[0])
    return Due(signal, digest, grain, start(last - SLACK - signal.delay_in), after_us)


def _sheets(
    facts: Facts,
    folder: Folder,
    due: Sequence[Due],
    at: datetime,
    progress: Progress | None,
    kept: Mapping[str, Kept],
    noted: Noted | None,
) -> list[tuple[Sheet, SignalHistory]]:
    """The verdicts of every close that is due, one sheet a signal; those of one span are counted together."""
    found: list[tuple[Sheet, SignalHistory]] = []
    labels = Labels(facts)

    def span(d: Due) -> tuple[bool, bool, int]:
        return d.grain is Grain.HOUR, d.start, d.from_us if d.start else 0

    for _, group in groupby(sorted(due, key=lambda d: (*span(d), d.signal.name)), key=span):
        members = {d.signal.name: d for d in group}
        since_us = min(d.from_us for d in members.values())
        judging = [d.signal for d in members.values()]
        seen = None if noted is None else noted.moved
        for history in judged(facts, folder, judging, now_us=to_us(at), since_us=since_us, kept=kept, seen=seen):
            if progress is not None:
                progress("judging", len(found), len(due))
            sheet = _sheet(Subjects(labels, history), members[history.signal.name], history)
            if sheet is not None:
                found.append((sheet, history))
    return found


def _sheet(subjects: Subjects, due: Due, history: SignalHistory) -> Sheet | None:
    """The part of a history that is due; None where no close of it has come yet (there are no facts)."""
    first = int(np.searchsorted(history.ends, due.after_us, side="right"))
    if first >= len(history.ends):
        return None
    policy = Policy(due.signal.delay_in, due.signal.delay_out)
    start: Tracks | None = None
    if due.start:
        start = warm(history.verdicts[:, :first], history.inside[:, :first], policy)
    return Sheet(
        signal=due.signal.name,
        digest=due.digest,
        shadow=due.signal.mode == "shadow",
        severity=due.signal.severity,
        grain=due.grain.value,
        policy=policy,
        keys=subjects,
        ends_us=history.ends[first:],
        verdicts=history.verdicts[:, first:],
        clears=None if history.clears is None else history.clears[:, first:],
        inside=history.inside[:, first:],
        start=start,
        changed=due.changed,
        gone=subjects.gone,
        thresholds={clause: found[first:] for clause, found in history.thresholds.items()},
    )


def _judge(
    state: Store, sheets: Sequence[Sheet], at: datetime, tell: Teller, tally: Tally, progress: Progress | None
) -> list[dict[str, Any]]:
    """Every close in order of its end, each for all signals that are judged at it, in one transaction."""
    order = {grain.value: i for i, grain in enumerate(Grain)}
    steps = sorted(
        ((int(end), order[sheet.grain], sheet.signal, q) for sheet in sheets for q, end in enumerate(sheet.ends_us)),
    )
    by_name = {sheet.signal: sheet for sheet in sheets}
    done: list[dict[str, Any]] = []
    for (end_us, _), group in groupby(steps, key=lambda step: step[:2]):
        columns = [(by_name[name], q) for _, _, name, q in group]
        if progress is not None:
            progress(f"close of {to_datetime(end_us):%Y-%m-%d %H:%M}", len(done), len({step[:2] for step in steps}))
        ready = _told_before(state, columns, tell)
        with state.write() as session:
            for sheet, q in columns:
                closes.judge_close(session, sheet, q, at, ready, tally)
        signals = [sheet.signal for sheet, _ in columns]
        done.append({"grain": columns[0][0].grain, "end": to_datetime(end_us), "signals": signals})
    return done


def _told_before(state: Store, columns: Sequence[tuple[Sheet, int]], tell: Teller) -> Teller:
    """Tells the stories before the state is locked for writing: they ask the facts, and nobody shall wait for that."""
    ready: dict[tuple[str, int, int], Told] = {}
    for sheet, q in columns:
        with state.read() as session:
            rows = closes.opening(session, sheet, q)
        if rows:
            ready |= {(sheet.signal, q, row): told for row, told in zip(rows, tell(sheet, q, rows), strict=True)}

    def told(sheet: Sheet, q: int, rows: Sequence[int]) -> list[Told]:
        # What a person did in between may let one more open; that story is told now.
        return [ready.get((sheet.signal, q, row)) or tell(sheet, q, [row])[0] for row in rows]

    return told


def _judge_filling(
    state: Store,
    facts: Facts,
    folder: Folder,
    judging: Sequence[Signal],
    at: datetime,
    told_by: Storyteller,
    tally: Tally,
    noted: Noted | None,
) -> None:
    """Signals that further facts can only make truer are told at once, not at the end of the period."""
    with state.read() as session:
        watches = store.watches(session)
        kept = store.thresholds_of(session, {name: watch.digest for name, watch in watches.items()})
    growing = [
        signal for signal in judging if signal.name in watches and only_truer(signal, folder.signals, folder.vocabulary)
    ]
    if not growing:
        return
    labels = Labels(facts)
    for history in judged(facts, folder, growing, now_us=to_us(at), filling=True, kept=kept):
        signal = history.signal
        subjects = Subjects(labels, history)
        sheet = Sheet(
            signal=signal.name,
            digest=watches[signal.name].digest,
            shadow=signal.mode == "shadow",
            severity=signal.severity,
            grain=history.grain.value,
            policy=Policy(signal.delay_in, signal.delay_out),
            keys=subjects,
            ends_us=history.ends,
            verdicts=history.verdicts,
            clears=history.clears,
            inside=history.inside,
            filling=True,
            gone=subjects.gone,
        )
        sheet = sheet if noted is None else noted.mask(sheet, history)
        tell = _told_before(state, [(sheet, 0)], told_by(facts, folder, {signal.name: history}, at))
        with state.write() as session:
            closes.judge_filling(session, sheet, at, tell, tally)


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


class Labels:
    """What the accounts are called, and which is called so; asked once for all signals of a run."""

    def __init__(self, facts: Facts) -> None:
        known = facts.subjects()
        self.facts = facts
        self.of_node = dict(zip(map(int, known.account), map(str, known.label), strict=True))
        self.node = {label: node for node, label in self.of_node.items()}


class Subjects:
    """The rows of a history as (account label, scope); labels of people are asked for only where they are needed."""

    def __init__(self, labels: Labels, history: SignalHistory) -> None:
        self.labels = labels
        self.subjects = history.subjects
        self.nodes = np.asarray(history.subjects.account)
        self.told: dict[int, Key] = {}

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, row: int) -> Key:
        if row not in self.told:
            self.told[row] = self.labels.of_node[int(self.nodes[row])], str(self.subjects.scope(row))
        return self.told[row]

    def remember(self, rows: Iterable[int]) -> None:
        """Reads the labels of these rows now, for when the facts are closed."""
        for row in rows:
            self[int(row)]

    def rows(self, keys: Iterable[Key]) -> dict[Key, int]:
        """The rows of these subjects. Rows are in order of account: only those of the accounts asked for are told."""
        found: dict[Key, int] = {}
        wanted = sorted(keys)
        for label, group in groupby(wanted, key=lambda key: key[0]):
            node = self.labels.node.get(label)
            if node is None:
                continue
            low, high = np.searchsorted(self.nodes, [node, node + 1])
            scopes = {self[row][1]: row for row in range(int(low), int(high))}
            found.update({key: scopes[key[1]] for key in group if key[1] in scopes})
        return found

    def gone(self, key: Key) -> Reason:
        """Why a subject has no row any more: merged into another, or it has left what is looked at."""
        with suppress(InputError):
            node = self.labels.facts.account_named(key[0])
            if self.labels.of_node.get(int(node), key[0]) != key[0]:
                return Reason.SUPERSEDED
        return Reason.LEFT
