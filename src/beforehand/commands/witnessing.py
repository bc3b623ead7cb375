"""The receipts taken when alerts open: what was judged of each subject, and what proves it.

All questions of all subjects go to the desk together, in three rounds: the series that were judged and the traits that
were read; those that held some closes ago, as they were then; and the zeros with what others did meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import start_of, to_datetime, zone_named
from beforehand.commands import marking, parts, questions
from beforehand.commands.desk import Ask, Desk
from beforehand.commands.holders import NOBODY, Held, Roles
from beforehand.commands.opened import Opening
from beforehand.commands.peering import peers_of
from beforehand.commands.questions import Whose
from beforehand.commands.zones import ended_in
from beforehand.signals.asked import node_grain
from beforehand.signals.dates import SIGNUP
from beforehand.signals.tree import Absence, Leaf, Milestone, Node, Peers, SubjectKind
from beforehand.signals.tree import Any as AnyOf
from beforehand.story import Query, Receipt, words
from beforehand.story.clause import COUNTED, Clause, Mark, Role
from beforehand.story.scene import Occasion
from beforehand.story.telling import tell

if TYPE_CHECKING:
    from beforehand.commands.judging import SignalHistory
    from beforehand.facts import Facts
    from beforehand.panel import Subjects
    from beforehand.workspace import Folder

TOGETHER = 500
"""How many subjects' questions are asked at a time."""


@dataclass
class Witness:
    """What was judged of one subject at one close, and what proves it; `receipts` are known by their place."""

    whose: Whose
    any_of: bool = False
    polarity: str = "risk"
    worth: str = ""
    clauses: list[Clause] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def subject(self) -> SubjectKind:
        """What it is about."""
        return self.whose.subject

    def headline(self, folder: Folder, end_us: int) -> str:
        """The sentence on top of the alert, told as of the close: the same whenever the run came to it."""
        return tell(self.occasion(folder, end_us)).headline

    def occasion(self, folder: Folder, now_us: int) -> Occasion:
        """What is known at the opening, as a story takes it."""
        return Occasion(
            dated=True,
            account=self.whose.account,
            zone=self.whose.zone or zone_named(folder.settings.zone),
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
            "zone": folder.settings.zone if self.whose.zone is None else self.whose.zone.key,
            "any_of": self.any_of,
            "subject": self.subject,
            "clauses": [clause.as_json() for clause in self.clauses],
            "marks": [mark.as_json() for mark in self.marks],
            "nodes": list(self.whose.nodes),
        }

    def add(self, receipt: Receipt | None) -> int | None:
        """The place of a receipt that is added; None for none."""
        if receipt is None:
            return None
        self.receipts.append(receipt)
        return len(self.receipts) - 1


def witnesses(
    facts: Facts,
    folder: Folder,
    history: SignalHistory,
    rows: Sequence[int],
    end_us: int,
    now_us: int,
    *,
    filling: bool = False,
    desk: Desk | None = None,
) -> list[Witness]:
    """The witnesses of rows of a judged history at one of its closes: for whom an alert opens there."""
    from beforehand.facts.beginnings import beginnings
    from beforehand.facts.traits import of_many

    subjects, known_us = history.subjects, now_us if filling else min(end_us + history.grace_us, now_us)
    wanted = [int(subjects.account[row]) for row in rows]
    nodes_of = _nodes(subjects.owned, subjects.owner, wanted)
    labels, kind = _labels(facts, wanted), history.signal.subject
    members_of = _members(subjects, rows) if kind == "person" else {}
    born = beginnings(facts, {node for nodes in nodes_of.values() for node in nodes}, known_us)
    traits = of_many(facts, nodes_of, to_datetime(min(end_us, now_us)))
    whom = [
        Whose(
            labels[account],
            nodes_of[account],
            subjects.scope(row),
            members_of.get(row, ()),
            born_us=min((born[n] for n in nodes_of[account] if n in born), default=None),
            subject=kind,
            country=questions.country_of(folder, traits[account]),
            zone=history.zone_of(row),
        )
        for row, account in zip(rows, wanted, strict=True)
    ]
    found = witness(facts, folder, history, whom, end_us, now_us, filling=filling, desk=desk)
    for one, account in zip(found, wanted, strict=True):
        one.worth = worth_of(traits[account])
    return found


def _nodes(owned: NDArray[np.int32], owner: NDArray[np.int32], accounts: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """The stored nodes that are each of some accounts now."""
    ours = np.isin(owner, np.unique(np.array(accounts, dtype=np.int64)))
    found: dict[int, tuple[int, ...]] = dict.fromkeys(accounts, ())
    for node, account in zip(owned[ours].tolist(), owner[ours].tolist(), strict=True):
        found[account] = (*found[account], node)
    return found


def _members(subjects: Subjects, rows: Sequence[int]) -> dict[int, tuple[tuple[int, int], ...]]:
    """The stored places of the people that rows are."""
    ours = np.flatnonzero(np.isin(subjects.raw_row, np.array(rows, dtype=np.int64)))
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    for at in ours.tolist():
        place = int(subjects.raw_account[at]), int(subjects.raw_member[at])
        found[int(subjects.raw_row[at])] = (*found.get(int(subjects.raw_row[at]), ()), place)
    return found


def _labels(facts: Facts, accounts: Sequence[int]) -> dict[int, str]:
    """What accounts that exist now are called."""
    listed = ", ".join(map(str, sorted(set(accounts)))) or "NULL"
    rows = facts.connection.execute(f"SELECT account, label FROM accounts WHERE account IN ({listed})").fetchall()
    return {int(account): str(label) for account, label in rows}


def worth_of(traits: Mapping[str, Any]) -> str:
    """What an account is worth, as people say it; blank where it is not known."""
    try:
        return words.money(float(traits["value"]), traits.get("currency"))
    except (KeyError, TypeError, ValueError):
        return ""


def witness(
    facts: Facts,
    folder: Folder,
    history: SignalHistory,
    subjects: Sequence[Whose],
    end_us: int,
    now_us: int,
    *,
    filling: bool = False,
    desk: Desk | None = None,
) -> list[Witness]:
    """Takes the receipts that prove a signal at a close, for each subject.

    With `filling` the close is that of the period still filling, and what is known is what is known now.
    """
    found: dict[int, Witness] = {}
    desk = desk or Desk(facts)
    by_zone: dict[ZoneInfo | None, list[int]] = {}
    for place, whose in enumerate(subjects):
        by_zone.setdefault(whose.zone, []).append(place)
    for own, places in by_zone.items():
        zone, ended_us = own or zone_named(folder.settings.zone), ended_in(history.grain, own, end_us)
        for first in range(0, len(places), TOGETHER):
            some = places[first : first + TOGETHER]
            told = _Round(folder, history, ended_us, now_us, filling, desk, zone)
            found |= zip(some, told.witnesses([subjects[place] for place in some]), strict=True)
    return [found[place] for place in range(len(subjects))]


Told = tuple[Leaf, Role, Receipt]
"""A leaf that is told, its role, and its series."""
Placed = tuple[Leaf, parts.Where]


@dataclass
class _Round:
    """One signal at one close, for some subjects whose periods are in one zone."""

    folder: Folder
    history: SignalHistory
    end_us: int
    now_us: int
    filling: bool
    desk: Desk
    zone: ZoneInfo

    def witnesses(self, subjects: Sequence[Whose]) -> list[Witness]:
        """What made it hold for each."""
        signal = self.history.signal
        condition = signal.sentence.condition
        found = [Witness(whose, isinstance(condition, AnyOf), signal.polarity) for whose in subjects]
        leaves = list(dict.fromkeys(parts.leaves_of(condition, self.folder, self.close)))
        self.held = self._held(subjects, leaves)
        asks = {(one.whose, placed): self._series(one.whose, placed) for one in found for placed in leaves}
        traits = {one.whose: marking.asks(condition, self.folder, one.whose, self.end_us, self.known) for one in found}
        self.desk.take([*asks.values(), *(ask for own in traits.values() for ask in own)])
        peers = self._peers(subjects, leaves, asks)
        told: list[tuple[Witness, marking.Marks, list[tuple[Told, int]]]] = []
        for one in found:
            answers = {placed: self.desk.take([asks[one.whose, placed]])[0] for placed in leaves}
            alerts = partial(self._open_alerts, one.whose)
            marks = marking.read(self.desk.take, condition, self.folder, one.whose, self.end_us, self.known, alerts)
            theirs = {leaf: receipt for (whose, leaf), receipt in peers.items() if whose == one.whose}
            chosen = parts.chosen(condition, self.folder, self.close, answers, marks, theirs)
            told.append((one, marks, chosen))
        # What held some closes ago is told as it was then.
        self.desk.take([self._ago(r, ago) for _, _, chosen in told for (_, _, r), ago in chosen if ago])
        plain = [(one, marks, [self._then(t, ago) for t, ago in chosen]) for one, marks, chosen in told]
        self.desk.take([ask for one, _, own in plain for t in own for _, ask in self._beside(one.whose, t)])
        for one, marks, own in plain:
            for leaf, role, receipt in {(leaf, role): (leaf, role, receipt) for leaf, role, receipt in own}.values():
                self._add(one, leaf, role, receipt, marks, peers.get((one.whose, marks.unbound(leaf))))
            for mark, proof in marks.told.items():
                place = one.add(proof)
                one.marks.append(mark if place is None else replace(mark, receipt=place))
        return found

    @property
    def known(self) -> int:
        """What had been learned before this instant was known at the close."""
        return self.now_us if self.filling else min(self.end_us + self.history.grace_us, self.now_us)

    def close(self, node: Node) -> int:
        """The newest close of a node as of the close that is told."""
        grain = node_grain(node, self.folder.signals)
        last = questions.last_period(grain, self.zone, self.end_us, filling=self.filling)
        return int(start_of(grain, self.zone, np.array([last + 1]))[0])

    def _held(self, subjects: Sequence[Whose], leaves: Sequence[Placed]) -> dict[tuple[Whose, str], Held]:
        """Who holds the roles that leaves ask about."""
        named = dict.fromkeys(leaf.quantity.role for leaf, _ in leaves if leaf.quantity.role is not None)
        if not named:
            return {}
        roles = Roles(self.desk.facts, {node for whose in subjects for node in whose.nodes})
        return {
            (whose, role): roles.held(whose.nodes, role, self.end_us, self.known)
            for whose in subjects
            for role in named
        }

    def _series(self, whose: Whose, placed: Placed) -> Ask:
        leaf, where = placed
        grain = questions.clause_of(self.folder, leaf).grain
        last = questions.last_period(grain, self.zone, self.end_us, filling=self.filling)
        asked = whose
        if leaf.quantity.role is not None:
            members = self.held[whose, leaf.quantity.role].members
            own = tuple(m for m in members if m in whose.members) if whose.members else members
            asked = replace(whose, members=own or NOBODY)
        query, _ = questions.series_query(self.folder, leaf, asked, self.zone, last, back=where.back(grain))
        return query, self.now_us if self.filling else min(query.edges_us[-1] + self.history.grace_us, self.now_us)

    def _peers(
        self, subjects: Sequence[Whose], leaves: Sequence[Placed], asks: Mapping[tuple[Whose, Placed], Ask]
    ) -> dict[tuple[Whose, Leaf], Receipt]:
        """What accounts alike had, for leaves that are judged by it."""
        found: dict[tuple[Whose, Leaf], Receipt] = {}
        for placed in leaves:
            leaf = placed[0]
            if not isinstance(leaf, Peers):
                continue
            asked = [(whose, asks[whose, placed][0]) for whose in subjects]
            end, known = asked[0][1].edges_us[-1], asks[subjects[0], placed][1]
            grain = questions.clause_of(self.folder, leaf).grain
            like, share, down = leaf.like, leaf.share, leaf.direction == "down"
            taken = peers_of(
                self.desk.facts, self.folder, leaf.quantity, grain, end, known, asked,
                ways=(like or peering_like(),), share=share, down=down,
            )  # fmt: skip
            found |= {(whose, leaf): one for whose, one in zip(subjects, taken, strict=True) if one is not None}
        return found

    def _open_alerts(self, whose: Whose, least: str) -> list[Opening]:
        """The alerts of others that were open on the account at the close."""
        if self.history.opened is None:
            return []
        account = int(self.desk.facts.canonical(whose.nodes[0]))
        return self.history.opened.listed(account, least, self.end_us + self.history.grace_us)

    def _ago(self, receipt: Receipt, ago: int) -> Ask:
        """The question of a receipt as it was some closes earlier."""
        edges = receipt.query.edges_us[:-ago]
        return replace(receipt.query, edges_us=edges), edges[-1] + self.history.grace_us

    def _then(self, told: Told, ago: int) -> Told:
        leaf, role, receipt = told
        return told if not ago else (leaf, role, self.desk.take([self._ago(receipt, ago)])[0])

    def _judged(self, whose: Whose, leaf: Leaf, receipt: Receipt) -> int:
        """How many periods of a series were judged."""
        clause = questions.clause_of(self.folder, leaf)
        last = questions.last_period(clause.grain, self.zone, receipt.query.edges_us[-1])
        return questions.days_judged(self.folder, leaf, whose, last) or clause.streak.of

    def _beside(self, whose: Whose, told: Told) -> list[tuple[str, Ask]]:
        """The questions that stand beside a series: for nothing, that it is nothing, and that the feed was alive."""
        leaf, _, receipt = told
        clause = questions.clause_of(self.folder, leaf)
        judged = self._judged(whose, leaf, receipt)
        quiet = clause.measure in (*COUNTED, "sum") and not receipt.numbers[-1] and not leaf.quantity.standing
        more: list[tuple[str, Query]] = []
        if isinstance(leaf, Absence | Milestone):
            more.append(("silence", questions.silence_query(receipt.query, judged)))
        if isinstance(leaf, Absence | Milestone) or quiet:
            more.append(("alive", questions.alive_query(receipt.query, judged)))
        return [(name, (query, receipt.known_us)) for name, query in more]

    def _add(
        self,
        one: Witness,
        leaf: Leaf,
        role: Role,
        receipt: Receipt,
        marks: marking.Marks,
        peers: Receipt | None,
    ) -> None:
        """A clause with its receipts."""
        place = len(one.receipts)
        one.receipts.append(receipt)
        clause = questions.clause_of(self.folder, leaf, place)
        beside = self._beside(one.whose, (leaf, role, receipt))
        places = {
            name: one.add(proof)
            for (name, _), proof in zip(beside, self.desk.take([ask for _, ask in beside]), strict=True)
        }
        named = leaf.quantity.role
        held = None if named is None else self.held.get((one.whose, named))
        shown = self._judged(one.whose, leaf, receipt)
        start = marks.of.get(leaf.date) if isinstance(leaf, Milestone) else None
        if isinstance(leaf, Milestone) and leaf.date == SIGNUP and start is None:
            start = self.desk.take([(questions.first_query(one.whose, self.end_us), self.known)])[0]
        one.clauses.append(
            replace(
                clause,
                silence=places.get("silence"),
                alive=places.get("alive"),
                role=role,
                judged=shown if isinstance(leaf, Absence | Milestone) and shown != clause.streak.of else 0,
                peers=one.add(peers),
                start=one.add(start),
                held_by=held.names if held is not None else (),
            )
        )


def peering_like() -> tuple[str, ...]:
    """In what accounts are alike where a sentence does not say it."""
    from beforehand.signals.peers import LIKE

    return LIKE
