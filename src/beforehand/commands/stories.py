"""Stories of alerts: the receipts taken when one opens, and asked again before it is told.

What is kept with an alert are its clauses (what was judged) and their receipts (what was known). What stands around
them, such as the renewal or our last contact, is asked anew each time, as of the moment the story is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast
from zoneinfo import ZoneInfo

from beforehand.calendar import to_datetime, zone_named
from beforehand.commands import questions
from beforehand.commands.desk import take_all
from beforehand.commands.details import details_of
from beforehand.commands.meanwhile import Other, Window, found_around
from beforehand.commands.peering import as_narrowly, peers_of
from beforehand.commands.questions import Whose
from beforehand.errors import InputError
from beforehand.signals import Signal, grain_of
from beforehand.signals.dates import RENEWAL
from beforehand.signals.tree import Absence, Milestone, Peers, SubjectKind
from beforehand.story import Receipt, kinds
from beforehand.story.clause import Clause, Mark
from beforehand.story.closing import phrase
from beforehand.story.scene import Check, Closing, Happening, Occasion, Record, Stake

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

NOTICE = ("notice_period", "notice_days", "notice")


@dataclass(frozen=True)
class Kept:
    """An alert as it is kept, for its story: the signal's name, evidence and receipts, and how it ended.

    It holds since `since_us` and opened at `opened_us`; `others` are the alerts of other signals around that time.
    """

    account: str
    scope: str
    signal: str
    evidence: Mapping[str, Any]
    receipts: Sequence[Mapping[str, Any]]
    closed: str | None = None
    since_us: int | None = None
    opened_us: int | None = None
    others: Sequence[Other] = ()


def occasion_of(facts: Facts, folder: Folder, kept: Kept, record: Mapping[str, Any] | None, now_us: int) -> Occasion:
    """The story of a kept alert as of now: its receipts checked, and what stands around it asked anew."""
    clauses = [Clause.from_json(c) for c in kept.evidence.get("clauses", ())]
    then = [Receipt.from_json(r) for r in kept.receipts]
    subject: SubjectKind = kept.evidence.get("subject") or ("person" if kept.scope else "account")
    checks = _checks(facts, folder, clauses, then, now_us)
    whose = replace(_whose(facts, kept), scope=kept.scope, subject=subject)
    around, stake = surroundings(facts, whose, now_us, len(then))
    receipts = [*then, *around]
    normal = _normal(facts, folder, whose, clauses, then) if subject == "account" else None
    receipts += [] if normal is None else [normal]
    more, details = details_of(facts, clauses, then, len(receipts))
    receipts += more
    meanwhile, proofs, looked_at = _meanwhile(facts, folder, whose, kept, clauses, then, len(receipts))
    receipts += proofs
    signal = folder.signals.get(kept.signal)
    return Occasion(
        account=account_name(facts, whose, now_us),
        zone=zone_named(kept.evidence.get("zone", folder.settings.zone)),
        now_us=now_us,
        clauses=tuple(clauses),
        receipts=tuple(receipts),
        scope=kept.scope,
        subject=subject,
        any_of=bool(kept.evidence.get("any_of")),
        polarity=signal.polarity if signal else "risk",
        why=signal.why if signal else None,
        closing=None if signal is None else closing_of(folder, signal),
        record=None if record is None else record_of(record),
        tested=record is not None,
        stake=stake,
        checks=(*checks, *(Check(True, receipt) for receipt in receipts[len(then) :])),
        closed=kept.closed,
        marks=tuple(Mark.from_json(mark) for mark in kept.evidence.get("marks", ())),
        normal=None if normal is None else len(then) + len(around),
        details=tuple(details),
        meanwhile=tuple(meanwhile),
        looked_at=looked_at,
    )


def _normal(
    facts: Facts, folder: Folder, whose: Whose, clauses: Sequence[Clause], then: Sequence[Receipt]
) -> Receipt | None:
    """What is normal for accounts like it, of what the first clause was judged by, as known at the close."""
    clause = next((c for c in clauses if c.role == "" and not isinstance(c.leaf, Peers | Milestone)), None)
    if clause is None or clause is not clauses[0] or clause.quantity.metric not in folder.metrics:
        return None
    receipt, leaf = then[clause.receipt], clause.leaf
    query, quantity = receipt.query, clause.quantity
    if isinstance(leaf, Absence):  # nothing today is normal for many: what the whole silence is beside is told
        days = clause.streak.of
        quantity, query = replace(quantity, rolling_days=days), replace(query, span=days)
        if len(query.edges_us) <= days:
            return None
    return peers_of(
        facts, folder, quantity, clause.grain, query.edges_us[-1], receipt.known_us, [(whose, query)],
        ways=as_narrowly(),
    )[0]  # fmt: skip


def _meanwhile(
    facts: Facts,
    folder: Folder,
    whose: Whose,
    kept: Kept,
    clauses: Sequence[Clause],
    then: Sequence[Receipt],
    first: int,
) -> tuple[list[Happening], list[Receipt], int]:
    """What else happened around the opening, as known then."""
    from beforehand.facts.beginnings import beginnings

    if kept.opened_us is None or kept.since_us is None or whose.nodes == (-1,):
        return [], [], 0
    known = max((receipt.known_us for receipt in then), default=kept.opened_us)
    window = Window.of(kept.since_us, kept.opened_us, known)
    born = min(beginnings(facts, whose.nodes, known).values(), default=None)
    members = tuple(m for clause in clauses for m in then[clause.receipt].query.members)
    whose = replace(whose, born_us=born, members=members if whose.subject == "person" else ())
    judged = {clause.quantity.metric for clause in clauses}
    return found_around(facts, folder, whose, window, judged, kept.others, first)


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


def _checks(
    facts: Facts, folder: Folder, clauses: Sequence[Clause], then: Sequence[Receipt], now_us: int
) -> list[Check]:
    """Of each receipt, whether it still gives the answer of then, and the answer with all that is known now."""
    from beforehand.facts import receipts

    of_peers = {clause.peers: clause for clause in clauses if clause.peers is not None}
    own = [nth for nth in range(len(then)) if nth not in of_peers]
    asks = [*receipts.asks_of([then[n] for n in own]), *((then[n].query, max(now_us, then[n].known_us)) for n in own)]
    taken = receipts.take_all(facts, asks)
    found = {
        nth: Check(receipts.same(then[nth], again), now)
        for nth, again, now in zip(own, taken[: len(own)], taken[len(own) :], strict=True)
    }
    for place, clause in of_peers.items():
        found[place] = _check_of_peers(facts, folder, clause, then[place])
    return [found[nth] for nth in range(len(then))]


def _check_of_peers(facts: Facts, folder: Folder, clause: Clause, then: Receipt) -> Check:
    """Whether accounts alike still had what they had; who is alike with all that is known today is another question."""
    from beforehand.facts.receipts import same

    leaf = clause.leaf
    if not isinstance(leaf, Peers) or clause.quantity.metric not in folder.metrics:
        return Check(True)
    query = replace(then.query, like=())
    (again,) = peers_of(
        facts, folder, clause.quantity, clause.grain, query.edges_us[-1], then.known_us,
        [(Whose("", query.accounts), query)], ways=(leaf.like or as_narrowly()[-1],), share=leaf.share,
        down=leaf.direction == "down",
    )  # fmt: skip
    return Check(again is not None and same(then, replace(again, query=replace(again.query, exclusions=""))))


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
    from beforehand.facts.merging import merged

    return tuple(sorted({node, *(own for own, into in merged(facts.connection, "account").items() if into == node)}))


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
