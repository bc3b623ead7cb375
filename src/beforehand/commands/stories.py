"""Stories of alerts: the receipts taken when one opens, and asked again before it is told.

What is kept with an alert are its clauses (what was judged) and their receipts (what was known). What stands around
them, such as the renewal or our last contact, is asked anew each time, as of the moment the story is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import to_datetime, zone_named
from beforehand.commands import questions
from beforehand.commands.desk import take_all
from beforehand.commands.questions import Whose
from beforehand.errors import InputError
from beforehand.signals import Signal, grain_of
from beforehand.signals.dates import RENEWAL
from beforehand.story import Receipt, kinds
from beforehand.story.clause import Clause, Mark
from beforehand.story.closing import phrase
from beforehand.story.scene import Check, Closing, Occasion, Record, Stake

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

NOTICE = ("notice_period", "notice_days", "notice")


@dataclass(frozen=True)
class Kept:
    """An alert as it is kept, for its story: the signal's name, evidence and receipts, and how it ended."""

    account: str
    scope: str
    signal: str
    evidence: Mapping[str, Any]
    receipts: Sequence[Mapping[str, Any]]
    closed: str | None = None


def occasion_of(facts: Facts, folder: Folder, kept: Kept, record: Mapping[str, Any] | None, now_us: int) -> Occasion:
    """The story of a kept alert as of now: its receipts checked, and what stands around it asked anew."""
    clauses = [Clause.from_json(c) for c in kept.evidence.get("clauses", ())]
    then = [Receipt.from_json(r) for r in kept.receipts]
    checks = _checks(facts, then, now_us)
    whose = _whose(facts, kept)
    around, stake = surroundings(facts, whose, now_us, len(then))
    signal = folder.signals.get(kept.signal)
    return Occasion(
        account=account_name(facts, whose, now_us),
        zone=zone_named(kept.evidence.get("zone", folder.settings.zone)),
        now_us=now_us,
        clauses=tuple(clauses),
        receipts=(*then, *around),
        scope=kept.scope,
        subject=kept.evidence.get("subject") or ("person" if kept.scope else "account"),
        any_of=bool(kept.evidence.get("any_of")),
        polarity=signal.polarity if signal else "risk",
        why=signal.why if signal else None,
        closing=None if signal is None else closing_of(folder, signal),
        record=None if record is None else record_of(record),
        tested=record is not None,
        stake=stake,
        checks=(*checks, *(Check(True, receipt) for receipt in around)),
        closed=kept.closed,
        marks=tuple(Mark.from_json(mark) for mark in kept.evidence.get("marks", ())),
    )


def shape_of(evidence: Mapping[str, Any], kept: Sequence[Mapping[str, Any]], now_us: int) -> dict[str, Any] | None:
    """The shape of a kept alert's first clause for lists, from its receipts alone; None where it has none."""
    if not evidence.get("clauses"):
        return None
    clause = Clause.from_json(evidence["clauses"][0])
    receipts = tuple(Receipt.from_json(r) for r in kept)
    occasion = Occasion("", zone_named(evidence.get("zone", "UTC")), now_us, (clause,), receipts)
    return kinds.tell(occasion, clause).series.as_json()


def _whose(facts: Facts, kept: Kept) -> Whose:
    """The account of an alert as it is now; one that was erased is known by the nodes it had."""
    try:
        nodes = nodes_of(facts, facts.account_named(kept.account))
    except InputError:
        nodes = tuple(int(node) for node in kept.evidence.get("nodes", ())) or (-1,)
    return Whose(kept.account, nodes)


def _checks(facts: Facts, then: Sequence[Receipt], now_us: int) -> list[Check]:
    """Of each receipt, whether it still gives the answer of then, and the answer with all that is known now."""
    from beforehand.facts import receipts

    asks = [*receipts.asks_of(then), *((one.query, max(now_us, one.known_us)) for one in then)]
    taken = receipts.take_all(facts, asks)
    pairs = zip(then, taken[: len(then)], taken[len(then) :], strict=True)
    return [Check(receipts.same(one, again), now) for one, again, now in pairs]


def surroundings(facts: Facts, whose: Whose, now_us: int, first: int) -> tuple[list[Receipt], Stake]:
    """Receipts of what is at stake and of our last contact, and their places, counted from `first`."""
    known = _traits(facts, whose, now_us)
    wanted = {
        "value": "value" if "value" in known else None,
        "currency": "currency" if "currency" in known else None,
        "renewal": next((name for name in RENEWAL if name in known), None),
        "notice": next((name for name in NOTICE if name in known), None),
        "owner": "owner" if "owner" in known else None,
    }
    asks = {kind: questions.trait_query(whose, trait, now_us) for kind, trait in wanted.items() if trait is not None}
    touched = facts.span("touches") is not None
    if touched:
        asks["contact"] = questions.contact_query(whose, now_us)
    taken = take_all(facts, [(query, now_us) for query in asks.values()])
    places: dict[str, Any] = {kind: first + nth for nth, kind in enumerate(asks)}
    by, how = last_touch(facts, taken[-1]) if touched else ("", "")
    return taken, Stake(**places, contact_by=by, contact_kind=how, contacts_kept=touched)


def last_touch(facts: Facts, receipt: Receipt) -> tuple[str, str]:
    """Who made the newest touch of a receipt, and what it was; blank where there is none or it is not known."""
    if not isinstance(receipt.value, int | float):
        return "", ""
    marks = ", ".join("?" * len(receipt.query.accounts))
    rows = facts.connection.execute(
        f"SELECT teammate, kind FROM touches WHERE account IN ({marks}) AND epoch_us(occurred_at) = ? "
        "ORDER BY stored_seq DESC LIMIT 1",
        [*receipt.query.accounts, int(receipt.value)],
    ).fetchall()
    return ("", "") if not rows else (rows[0][0] or "", (rows[0][1] or "").replace("_", " "))


def account_name(facts: Facts, whose: Whose, now_us: int) -> str:
    """The name people know an account by, else its id."""
    return str(_traits(facts, whose, now_us).get("name") or whose.account)


def _traits(facts: Facts, whose: Whose, now_us: int) -> Mapping[str, Any]:
    return facts.traits_of(facts.canonical(whose.nodes[0]), to_datetime(now_us))


def nodes_of(facts: Facts, node: int) -> tuple[int, ...]:
    """All stored nodes that are one account now."""
    canonical = np.asarray(facts.subjects().canonical)
    return tuple(int(n) for n in np.flatnonzero(canonical == node)) or (node,)


def closing_of(folder: Folder, signal: Signal) -> Closing:
    """What ends an episode of a signal."""

    def called(metric: str) -> tuple[str, Any]:
        spec = folder.metrics[metric]
        name = folder.vocabulary.name(metric)
        return name[0].lower() + name[1:], spec.aggregate

    clear = None if signal.clear is None else phrase(signal.clear.condition, called)
    return Closing(clear, signal.delay_out, grain_of(signal, folder.signals))


def record_of(kept: Mapping[str, Any]) -> Record | None:
    """A signal's record on history from what the newest backtest left; None where no outcome was ever known."""
    standing = kept.get("standing") or "unknown"
    finished = round(float(kept["episodes"]) - float(kept["unfinished"]))
    if not kept["episodes"] or (standing == "unknown" and finished):
        return None
    precision = kept.get("precision") or [None, None, None]
    rival = (kept.get("rivals") or {}).get("recency") or {}
    rival_of = round(float(rival.get("episodes") or 0) - float(rival.get("unfinished") or 0))
    return Record(
        outcome=str(kept.get("outcome") or "churned"),
        right=round(float(kept["right"])),
        finished=finished,
        low=precision[1],
        high=precision[2],
        lead_days=(kept.get("lead_days") or {}).get("p50"),
        rival=round(float(rival.get("right") or 0)) if rival_of else None,
        rival_of=rival_of or None,
        assumed_arrival=bool(kept.get("assumed_arrival")),
        standing=cast("Literal['better', 'recency', 'chance', 'unknown']", standing),
    )


def zone_of(folder: Folder) -> ZoneInfo:
    """The workspace's zone."""
    return zone_named(folder.settings.zone)
