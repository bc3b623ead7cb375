"""Stories of alerts: the receipts taken when one opens, and asked again before it is told.

What is kept with an alert are its clauses (what was judged) and their receipts (what was known). What stands around
them, such as the renewal or our last contact, is asked anew each time, as of the moment the story is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import start_of, to_datetime, zone_named
from beforehand.commands import marking, parts, questions
from beforehand.commands.opened import Opening
from beforehand.commands.questions import Whose
from beforehand.errors import InputError
from beforehand.signals import Signal, grain_of
from beforehand.signals.dates import RENEWAL
from beforehand.signals.evaluate import node_grain
from beforehand.signals.tree import Absence, After, AlertOpen, All, Due, Leaf, Named, Node, SubjectKind, Then, Unless
from beforehand.signals.tree import Any as AnyOf
from beforehand.story import Query, Receipt, kinds, words
from beforehand.story.clause import Clause, Mark, Role
from beforehand.story.closing import phrase
from beforehand.story.scene import Check, Closing, Occasion, Record, Stake
from beforehand.story.telling import tell

if TYPE_CHECKING:
    from beforehand.commands.judging import SignalHistory
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

Ask = tuple[Query, int]
NOTICE = ("notice_period", "notice_days", "notice")

TOGETHER = 500
"""How many subjects' rows are set aside at a time."""


Part = tuple[Leaf, Role, Receipt]


@dataclass
class Desk:
    """Where receipts are taken; equal questions are asked once."""

    facts: Facts
    taken: dict[Ask, Receipt] = field(default_factory=dict)

    def take(self, asks: Sequence[Ask]) -> list[Receipt]:
        """Receipts for questions, in their order."""
        from beforehand.facts import receipts

        new = list(dict.fromkeys(ask for ask in asks if ask not in self.taken))
        self.taken |= zip(new, receipts.take_all(self.facts, new), strict=True)
        return [self.taken[ask] for ask in asks]


@dataclass
class Witness:
    """What was judged of one subject at one close, and what proves it; `receipts` are known by their place."""

    whose: Whose
    any_of: bool = False
    subject: SubjectKind = "account"
    polarity: str = "risk"
    worth: str = ""
    clauses: list[Clause] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def headline(self, folder: Folder, end_us: int) -> str:
        """The sentence on top of the alert, told as of the close: the same whenever the run came to it."""
        return tell(self.occasion(folder, end_us)).headline

    def occasion(self, folder: Folder, now_us: int) -> Occasion:
        """What is known at the opening, as a story takes it."""
        return Occasion(
            dated=True,
            account=self.whose.account,
            zone=zone_named(folder.settings.zone),
            now_us=now_us,
            clauses=tuple(self.clauses),
            receipts=tuple(self.receipts),
            scope=self.whose.scope,
            subject=self.subject,
            any_of=self.any_of,
            marks=tuple(self.marks),
        )

    def as_json(self, folder: Folder) -> dict[str, Any]:
        """The evidence that is kept with an alert; its receipts are kept beside it."""
        return {
            "polarity": self.polarity,
            "worth": self.worth,
            "zone": folder.settings.zone,
            "any_of": self.any_of,
            "subject": self.subject,
            "clauses": [clause.as_json() for clause in self.clauses],
            "marks": [mark.as_json() for mark in self.marks],
            "nodes": list(self.whose.nodes),
        }


def witnesses(
    facts: Facts,
    folder: Folder,
    history: SignalHistory,
    rows: Sequence[int],
    end_us: int,
    now_us: int,
    *,
    filling: bool = False,
) -> list[Witness]:
    """The witnesses of rows of a judged history at one of its closes: for whom an alert opens there."""
    from beforehand.facts.beginnings import beginnings

    subjects, known_us = history.subjects, now_us if filling else min(end_us + history.grace_us, now_us)
    raw_row = np.asarray(subjects.raw_row)
    order = np.argsort(raw_row, kind="stable")
    low = np.searchsorted(raw_row[order], rows, side="left")
    high = np.searchsorted(raw_row[order], rows, side="right")
    whom: list[Whose] = []
    for row, a, b in zip(rows, low, high, strict=True):
        raw = order[int(a) : int(b)]
        nodes = tuple(dict.fromkeys(int(n) for n in subjects.raw_account[raw]))
        scope = subjects.scope(row)
        members = tuple((int(subjects.raw_account[r]), int(subjects.raw_member[r])) for r in raw) if scope else ()
        whom.append(Whose(facts.label(int(subjects.account[row])), nodes, scope, members))
    born = beginnings(facts, {node for whose in whom for node in whose.nodes}, known_us)
    whom = [replace(w, born_us=min((born[n] for n in w.nodes if n in born), default=None)) for w in whom]
    found = witness(facts, folder, history, whom, end_us, now_us, filling=filling)
    for one, row in zip(found, rows, strict=True):
        one.worth = worth_of(facts.traits_of(int(subjects.account[row]), to_datetime(min(end_us, now_us))))
    return found


def worth_of(traits: Mapping[str, Any]) -> str:
    """What an account is worth, as people say it; blank where it is not known."""
    try:
        return words.money(float(traits["value"]), traits.get("currency"))
    except (KeyError, TypeError, ValueError):
        return ""


def shape_of(evidence: Mapping[str, Any], kept: Sequence[Mapping[str, Any]], now_us: int) -> dict[str, Any] | None:
    """The shape of a kept alert's first clause for lists, from its receipts alone; None where it has none."""
    if not evidence.get("clauses"):
        return None
    clause = Clause.from_json(evidence["clauses"][0])
    receipts = tuple(Receipt.from_json(r) for r in kept)
    occasion = Occasion("", zone_named(evidence.get("zone", "UTC")), now_us, (clause,), receipts)
    return kinds.tell(occasion, clause).series.as_json()


def witness(
    facts: Facts,
    folder: Folder,
    history: SignalHistory,
    subjects: Sequence[Whose],
    end_us: int,
    now_us: int,
    *,
    filling: bool = False,
) -> list[Witness]:
    """Takes the receipts that prove a signal at a close, for each subject.

    With `filling` the close is that of the period still filling, and what is known is what is known now.
    """
    found: list[Witness] = []
    for first in range(0, len(subjects), TOGETHER):
        part = subjects[first : first + TOGETHER]
        found += _witness(facts, folder, history, part, end_us, now_us, filling=filling)
    return found


def _witness(
    facts: Facts,
    folder: Folder,
    history: SignalHistory,
    subjects: Sequence[Whose],
    end_us: int,
    now_us: int,
    *,
    filling: bool,
) -> list[Witness]:
    zone = zone_named(folder.settings.zone)
    signal, grace_us = history.signal, history.grace_us
    condition = signal.sentence.condition
    found = [Witness(whose, isinstance(condition, AnyOf), signal.subject, signal.polarity) for whose in subjects]

    def close(node: Node) -> int:
        grain = node_grain(node, folder.signals)
        last = questions.last_period(grain, zone, end_us, filling=filling)
        return int(start_of(grain, zone, np.array([last + 1]))[0])

    leaves = list(dict.fromkeys(parts.leaves_of(condition, folder, close)))
    asks: list[Ask] = []
    for whose in subjects:
        for leaf, where in leaves:
            grain = questions.clause_of(folder, leaf).grain
            last = questions.last_period(grain, zone, end_us, filling=filling)
            query, _ = questions.series_query(folder, leaf, whose, zone, last, back=where.back(grain))
            asks.append((query, now_us if filling else min(query.edges_us[-1] + grace_us, now_us)))
    desk = Desk(facts)
    taken = desk.take(asks)
    for nth, one in enumerate(found):
        answers = dict(zip(leaves, taken[nth * len(leaves) : (nth + 1) * len(leaves)], strict=True))
        known_us = now_us if filling else min(end_us + grace_us, now_us)
        alerts = partial(_open_alerts, facts, history, one.whose, end_us)
        marks = marking.read(desk.take, condition, folder, one.whose, end_us, known_us, alerts)
        _choose(desk, folder, one, condition, close, answers, grace_us, marks)
    return found


def _open_alerts(facts: Facts, history: SignalHistory, whose: Whose, end_us: int, least: str) -> list[Opening]:
    """The alerts of others that were open on the account at the close."""
    if history.opened is None:
        return []
    return history.opened.listed(int(facts.canonical(whose.nodes[0])), least, end_us + history.grace_us)


def _choose(
    desk: Desk,
    folder: Folder,
    one: Witness,
    condition: Node,
    close: parts.Close,
    answers: Mapping[tuple[Leaf, parts.Where], Receipt],
    grace_us: int,
    marks: marking.Marks,
) -> None:
    """Puts the clauses that made it hold into a witness; of `any of` those parts that do, where the receipts say so.

    Of an exception, what is not so.
    """

    def keep(node: Node, where: parts.Where) -> tuple[bool, list[Part]]:
        match node:
            case Named():
                return keep(folder.signals[node.signal].sentence.condition, where)
            case AlertOpen():
                return marks.opened(node), []
            case Due():
                return marks.due(node, where.days is None), []
            case After():
                holds, found = keep(node.condition, where)
                if holds:
                    marks.after(node)
                return holds, found
            case All() | AnyOf() | Then() | Unless():
                kept = [keep(part, place) for part, place in parts.places(node, close, where)]
                holding = [found for holds, found in kept if holds]
                if isinstance(node, AnyOf):
                    return bool(holding), [leaf for found in holding or [f for _, f in kept] for leaf in found]
                found = [leaf for _, leaves in kept for leaf in leaves]
                if isinstance(node, Unless):
                    (holds, _), (excepted, _) = kept
                    return holds and not excepted, found
                return len(holding) == len(kept), found
            case _:
                receipt = answers[node, where]
                leaf = marks.bound(node)
                held = parts.held_at(folder, leaf, receipt, where)
                if held is not None and where.role != "unless":
                    marks.entitled(node)
                if held:
                    receipt = _earlier(desk, receipt, held, grace_us)
                spoken = held is None or where.role != "unless"
                return held is not None, [(leaf, where.role, receipt)] if spoken else []

    _, told = keep(condition, parts.Where())
    for (leaf, role), receipt in {(leaf, role): receipt for leaf, role, receipt in told}.items():
        _add(desk, folder, one, leaf, receipt, role)
    for mark, proof in marks.told.items():
        one.marks.append(mark if proof is None else replace(mark, receipt=len(one.receipts)))
        one.receipts += [] if proof is None else [proof]


def _earlier(desk: Desk, receipt: Receipt, ago: int, grace_us: int) -> Receipt:
    """The receipt as it was at an earlier close."""
    edges = receipt.query.edges_us[:-ago]
    return desk.take([(replace(receipt.query, edges_us=edges), edges[-1] + grace_us)])[0]


def _add(desk: Desk, folder: Folder, one: Witness, leaf: Leaf, receipt: Receipt, role: Role) -> None:
    """A clause with its receipts; zeros come with the receipt that the feed was alive."""
    clause = questions.clause_of(folder, leaf, len(one.receipts))
    one.receipts.append(receipt)
    judged = clause.streak.of
    quiet = clause.measure in ("count", "sum", "people") and not receipt.numbers[-1]
    more: list[tuple[str, Query]] = []
    if isinstance(leaf, Absence):
        more.append(("silence", questions.silence_query(receipt.query, judged)))
    if isinstance(leaf, Absence) or quiet:
        more.append(("alive", questions.alive_query(receipt.query, judged)))
    taken = desk.take([(query, receipt.known_us) for _, query in more])
    places = {kind: len(one.receipts) + nth for nth, (kind, _) in enumerate(more)}
    one.receipts.extend(taken)
    one.clauses.append(replace(clause, silence=places.get("silence"), alive=places.get("alive"), role=role))


def take_all(facts: Facts, asks: Sequence[Ask]) -> list[Receipt]:
    """Receipts for questions, in their order; equal ones are asked once."""
    return Desk(facts).take(asks)


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
        zone=zone_named(folder.settings.zone),
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
