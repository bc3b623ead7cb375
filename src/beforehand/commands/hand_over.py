"""`hand-over`: all that one of us owns, or some accounts of it, given to another in one act that can be undone.

One transaction each way: who holds the accounts, what is open there, and the one message to the new owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from beforehand.commands.alerts import present
from beforehand.commands.holdings import Held, every_traits, held_by
from beforehand.commands.people import Holders
from beforehand.commands.route import holders_of
from beforehand.commands.taking_over import take_along
from beforehand.errors import InputError, among
from beforehand.routing.owning import GIVEN
from beforehand.store import Handover, Holder
from beforehand.story import words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.commands.workspace import Workspace

SHOWN = 5


def hand_over(
    ws: Workspace,
    from_: str | None = None,
    to: str | None = None,
    *,
    accounts: Sequence[str] = (),
    undo: int | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Hands over all accounts of one of us, or only those named, or takes one hand-over back (`undo`: its number).

    Open alerts, live runs and drafts to approve go along; the new owner is told once. Undoing gives back what it gave
    and leaves alone what was given to others since. Returns `{"now", "hand_over", "left"}`: see `as_row`; `left` are
    the accounts that undoing left alone.

    Raises InputError for a person who is not in team.yaml or has left, for the same person twice, where there is
    nothing to hand over, where an account is not theirs, and for a number that is none or was undone.
    """
    if ws.folder.team is None:
        raise InputError("There is no team.yaml.", "docs/how-to/route-alerts.md shows one.", code="no-routes")
    if undo is not None:
        from beforehand.commands.hand_back import hand_back

        return hand_back(ws, undo, now)
    if not from_ or not to:
        raise InputError(
            "Say from whom and to whom.", "As `beforehand hand-over Ana Ben`, or `--undo N`.", code="hand-over-what"
        )
    with ws.facts() as facts, ws.state() as state:
        named = [facts.label(facts.account_named(account)) for account in accounts]
        with state.read() as session:
            at = present(session, now)
            holders = holders_of(session, ws.folder, at)
        traits = every_traits(facts, at)
        giver = _giver(holders, from_, traits)
        taker = _taker(holders, giver, to)
        with state.write() as session:
            # Asked again now that nobody else writes.
            holders = holders_of(session, ws.folder, at)
            book = held_by(ws.folder, holders, giver, traits)
            chosen = _chosen(holders, giver, book, named, traits)
            row = _written(session, ws.actor, giver, taker, chosen, at)
            holders = holders_of(session, ws.folder, at)
            given = sorted({held.account for held in chosen})
            along = take_along(
                session, ws.folder, holders, {account: traits[account] for account in given}, at,
                actor=ws.actor, given={taker: given}, thread=f"hand-over {row.number}",
                lead=f"{ws.actor} handed over what was {giver}'s to {taker}.",
            )  # fmt: skip
            row.moved = {**row.moved, **along.as_json()}
            return {"now": at, "hand_over": as_row(row), "left": []}


def hand_overs(session: Session, most: int = SHOWN) -> list[dict[str, Any]]:
    """The newest hand-overs, the newest first."""
    return [as_row(row) for row in session.scalars(select(Handover).order_by(Handover.number.desc()).limit(most))]


def as_row(row: Handover) -> dict[str, Any]:
    """A hand-over: `{"number", "at", "actor", "from", "to", "roles", "accounts", "alerts", "runs", "approvals",
    "told", "undone_at"}`."""
    return {
        "number": row.number, "at": row.at, "actor": row.actor, "from": row.from_person, "to": row.to_person,
        "roles": row.role.split(", "), "accounts": row.accounts, "alerts": sorted(row.moved.get("alerts", {})),
        "runs": sorted(int(run) for run in row.moved.get("runs", {})), "approvals": row.moved.get("approvals", []),
        "told": sorted(row.moved.get("told", {})), "undone_at": row.undone_at,
    }  # fmt: skip


def _giver(holders: Holders, called: str, traits: Mapping[str, Mapping[str, str]]) -> str:
    """Whose accounts: somebody of team.yaml, also who has left, or whom the trait of an account still names."""
    person = holders.team.named(called)
    if person is not None:
        return person
    strangers = {
        str(own[spec.trait])
        for spec in holders.team.spec.owners.values()
        if spec.trait
        for own in traits.values()
        if own.get(spec.trait) and holders.team.named(str(own[spec.trait])) is None
    }
    if called in strangers:
        return called
    raise _unknown(called, [*holders.team.people, *strangers])


def _taker(holders: Holders, giver: str, called: str) -> str:
    person = holders.team.named(called)
    if person is None:
        raise _unknown(called, holders.team.people)
    if person == giver:
        raise InputError(
            f"{giver} would hand over to themselves.", "Name another person to take over.", code="same-person"
        )
    if holders.team.left(person, holders.at):
        gone = holders.team.people[person].left_on
        still = [n for n in holders.team.people if n != giver and not holders.team.left(n, holders.at)]
        raise InputError(
            f"{person} left on {gone} and cannot take over.", f"Who is there: {', '.join(still)}.", code="person-left"
        )
    return person


def _unknown(called: str, valid: Any) -> InputError:
    return InputError(f"{called!r} is no person of team.yaml.", among(called, valid), code="unknown-person")


def _chosen(
    holders: Holders, giver: str, book: Sequence[Held], named: Sequence[str], traits: Mapping[str, Mapping[str, str]]
) -> list[Held]:
    """What is handed over of what somebody holds; InputError where that is nothing, or an account is not theirs."""
    if not book:
        raise InputError(
            f"{giver} holds no account: there is nothing to hand over.",
            "`beforehand route explain ACCOUNT` says whose an account is, and why.",
            code="nothing-to-hand-over",
        )
    theirs = {held.account for held in book}
    for account in named:
        if account not in theirs:
            whose = [
                f"{person} as {role}"
                for role in dict.fromkeys(held.role for held in book)
                if (person := holders.of(role, account, traits.get(account, {})).person) is not None
            ]
            raise InputError(
                f"{account} is not {giver}'s: {' and '.join(whose) or 'nobody'} holds it.",
                f"Theirs: {among(account, theirs).replace('Valid: ', '')}",
                code="nothing-to-hand-over",
            )
    return [held for held in book if not named or held.account in named]


def _written(session: Session, actor: str, giver: str, taker: str, chosen: Sequence[Held], at: datetime) -> Handover:
    """Writes who holds the accounts now, and what was before beside it."""
    before: list[list[Any]] = []
    for held in chosen:
        kept = session.get(Holder, (held.role, held.account))
        was = None if kept is None else [kept.person, kept.how, kept.said, kept.at.isoformat()]
        before.append([held.role, held.account, was])
        session.merge(
            Holder(role=held.role, account=held.account, person=taker, how=GIVEN, said=held.said, at=at)
        )  # fmt: skip
    row = Handover(
        at=at, actor=actor, from_person=giver, to_person=taker,
        role=", ".join(dict.fromkeys(held.role for held in chosen)),
        accounts=sorted({held.account for held in chosen}), moved={"before": before}, undone_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def in_words(row: Mapping[str, Any]) -> str:
    """What went along, in words: 3 accounts, 5 alerts, 1 playbook, 1 draft to approve."""
    parts = [
        words.counted(len(row[key]), one, many)
        for key, one, many in (
            ("accounts", "account", "accounts"), ("alerts", "open alert", "open alerts"),
            ("runs", "playbook", "playbooks"), ("approvals", "draft to approve", "drafts to approve"),
        )
        if row[key]
    ]  # fmt: skip
    return words.listed(parts)
