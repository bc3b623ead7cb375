"""What is written into a new alert: since when it holds, whose account it is, and the sentence on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import DAY_US, Grain, period_of, start_of, to_datetime, to_us, zone_named
from beforehand.commands.closes import Sheet, Teller, Told
from beforehand.commands.details import details_of
from beforehand.commands.witnessing import Witness, witnesses
from beforehand.commands.zones import ended_in
from beforehand.facts.schema import TONES
from beforehand.signals.numbers import CLEAR, HOLDS
from beforehand.signals.signal import Signal
from beforehand.signals.tree import (
    Absence,
    After,
    AlertOpen,
    All,
    Any,
    Due,
    Milestone,
    Named,
    Negation,
    Node,
    Then,
    Unless,
    parts_of,
)
from beforehand.story.telling import tell as told

if TYPE_CHECKING:
    from beforehand.commands.judging import SignalHistory
    from beforehand.facts import Facts
    from beforehand.workspace import Folder


def telling(facts: Facts, folder: Folder, histories: Mapping[str, SignalHistory], at: datetime) -> Teller:
    """What to write into the alerts that open at a close of one of these histories."""

    def tell(sheet: Sheet, q: int, rows: Sequence[int]) -> list[Told]:
        history = histories[sheet.signal]
        column = int(np.searchsorted(history.ends, int(sheet.ends_us[q])))
        filling = sheet.filling and q == sheet.closes
        seen = witnesses(facts, folder, history, rows, int(sheet.ends_us[q]), to_us(at), filling=filling)
        owners = owners_of(facts, {one.whose.account: one.whose.nodes for one in seen}, at)
        return [
            Told(
                headline=_headline(facts, folder, witness, int(sheet.ends_us[q])),
                since=to_datetime(since_us(history, row, column, folder)),
                owner=owners[witness.whose.account],
                evidence=witness.as_json(folder),
                receipts=[receipt.as_json() for receipt in witness.receipts],
            )
            for row, witness in zip(rows, seen, strict=True)
        ]

    return tell


def _headline(facts: Facts, folder: Folder, witness: Witness, end_us: int) -> str:
    """The sentence on top of the alert; where it is about how people sound, with who they are."""
    clauses = [clause for clause in witness.clauses if witness.receipts[clause.receipt].query.table == TONES.name]
    if not clauses:
        return witness.headline(folder, end_us)
    more, details = details_of(facts, clauses, witness.receipts, len(witness.receipts))
    occasion = witness.occasion(folder, end_us)
    return told(replace(occasion, receipts=(*occasion.receipts, *more), details=tuple(details))).headline


def since_us(history: SignalHistory, row: int, column: int, folder: Folder) -> int:
    """The start of the first period of the run of closes that hold up to `column` (UTC microseconds).

    A close that is unsure does not end a run. It reaches back as far as the history given does.
    """
    first = column
    for q in range(column, -1, -1):
        if history.verdicts[row, q] == CLEAR or not history.inside[row, q]:
            break
        if history.verdicts[row, q] == HOLDS:
            first = q
    own = history.zone_of(row)
    zone, end = own or zone_named(folder.settings.zone), ended_in(history.grain, own, int(history.ends[first]))
    back = max(_reach_us(history.signal.sentence.condition, folder.signals, end, zone), default=DAY_US)
    return end - back


def _reach_us(node: Node, named: Mapping[str, Signal], end_us: int, zone: ZoneInfo) -> list[int]:
    """How far before its close each leaf's judged periods begin, in microseconds."""
    match node:
        case Named():
            return _reach_us(named[node.signal].sentence.condition, named, end_us, zone)
        case Then(first=before, then=then, within_days=within):
            earlier = [within * DAY_US + reach for reach in _reach_us(before, named, end_us, zone)]
            return [*earlier, *_reach_us(then, named, end_us, zone)]
        case Due() | AlertOpen():
            return [DAY_US]
        case Unless(condition=condition) | After(condition=condition) | Negation(condition=condition):
            return _reach_us(condition, named, end_us, zone)
        case All() | Any():
            return [reach for part in parts_of(node) for reach in _reach_us(part, named, end_us, zone)]
        case Absence(days=silent, business=business):
            # Of business days at least two are not worked in each seven.
            return [(silent + 2 * (silent // 5) if business else silent) * DAY_US]
        case Milestone(days=waited):
            return [(waited or 1) * DAY_US]
        case _:
            grain, days = node.grain, node.quantity.rolling_days
            if days:
                return [(days + node.streak.of - 1) * DAY_US]
            # The newest period of a coarser grain that had ended by then.
            last = int(period_of(Grain(grain), zone, np.array([end_us]))[0])
            first = start_of(Grain(grain), zone, np.array([last - node.streak.of]))
            return [end_us - int(first[0])]


def owners_of(facts: Facts, accounts: Mapping[str, Sequence[int]], at: datetime) -> dict[str, str | None]:
    """Whose each account is, by its stored nodes, as known at a time; None where nobody is named."""
    from beforehand.facts.traits import of_many

    names = list(accounts)
    found = of_many(facts, {nth: accounts[name] for nth, name in enumerate(names)}, at)
    return {name: found[nth].get("owner") for nth, name in enumerate(names)}
