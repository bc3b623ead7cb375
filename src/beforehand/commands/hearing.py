"""The messages behind what was counted of how customers sound: whom a story quotes, and with which of their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from beforehand.calendar import DAY_US, to_datetime
from beforehand.commands.desk import Ask
from beforehand.facts.answering import newest_rows
from beforehand.facts.derived.moods import TEPID
from beforehand.facts.schema import NUMBER, TONES
from beforehand.signals.tree import Shifted, Without
from beforehand.story import Query, Receipt
from beforehand.story.clause import Clause
from beforehand.story.mades import MOST
from beforehand.story.scene import Detail

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.facts.derived.voices import Letter

Kind = Literal["written", "written before", "unanswered", "pulled"]
COLUMNS = "occurred_at, subject, text"
PAST = 40
"""Among so many messages one is looked for that shows how somebody wrote before."""
RANKED = 200
"""Among so many messages those are looked for that a mean is low or high by, or that are most as somebody turned."""
RECENT_US = 60 * DAY_US
"""An account's mood was pulled down by what was written in this time: what is older counts a quarter."""
HEAVY = 0.5
"""Somebody else is told of who pulled at least so much of what the first did."""
FIRST_US = -62_135_596_800_000_000


def heard(facts: Facts, clause: Clause, receipt: Receipt, first: int) -> list[tuple[Detail, Ask]]:
    """The messages behind a clause over tones; of who has turned, also how each wrote before."""
    query, made = receipt.query, clause.quantity.made
    low = query.edges_us[-clause.streak.of - query.span]
    ranked, upwards = _ranked(clause, query)
    found = rows = newest_rows(facts, query, receipt.known_us, low, RANKED if ranked else MOST)
    if ranked:
        worth = _values(facts, query, receipt.known_us, ranked)
        rows = sorted(rows, key=lambda row: worth.get(row[0], 0.0), reverse=upwards)[:MOST]
        if isinstance(made, Shifted):
            # Who has turned terse still writes a friendly line now and then, which would prove nothing.
            rows = [row for row in rows if (worth.get(row[0], TEPID) > TEPID) == upwards] or rows[:1]
    kind: Kind = "unanswered" if isinstance(made, Without) else "written"
    told: list[tuple[str, Kind, int, int, int | None]] = [(name, kind, at, a, m) for name, at, a, m in rows]
    if isinstance(made, Shifted):
        for account, member in dict.fromkeys((a, m) for _, _, a, m in rows):
            until = min(at for _, at, a, m in found if (a, m) == (account, member))
            before = _before(facts, account, member, until, receipt.known_us, made.to)
            told += [(name, "written before", at, account, member) for name, at in before]
    return [
        _ask(facts, clause, receipt, name, kind, at, account, member, first + nth)
        for nth, (name, kind, at, account, member) in enumerate(told)
    ]


def _ranked(clause: Clause, query: Query) -> tuple[str, bool]:
    """By which column of `tones` the messages are chosen that are quoted, and whether the highest; else the newest."""
    made = clause.quantity.made
    if isinstance(made, Shifted):
        return "warmth", made.to == "warm"
    if made is None and clause.measure == "mean" and query.of and TONES.columns.get(query.of) == NUMBER:
        return query.of, not clause.down
    return "", False


def weighed(facts: Facts, clause: Clause, receipt: Receipt, first: int) -> list[tuple[Detail, Ask]]:
    """Who pulled the mood of an account down, by the newest letter of each, and how the first of them wrote before."""
    from beforehand.facts import moods
    from beforehand.facts.derived.voices import pulled

    query = receipt.query
    end_us = query.edges_us[-1]
    low = min(query.edges_us[-clause.streak.of - query.span], end_us - RECENT_US)
    known: list[tuple[Letter, float]] = []
    roots = sorted({facts.canonical(node) for node in query.accounts})
    wrote, roles = moods.letters(facts, f"SELECT unnest([{', '.join(map(str, roots))}]) AS account")
    for root, letters in wrote.items():
        then = [letter for letter in letters if letter.known_us < receipt.known_us and letter.known_us < end_us]
        known += pulled(then, moods.seniorities(facts, roles, root), low)
    known.sort(key=lambda pair: -pair[1])
    most = [letter for letter, down in known if down >= HEAVY * known[0][1]][: MOST - 1]
    told: list[tuple[str, Kind, int, int, int | None]] = [
        (letter.id, "pulled", letter.at_us, letter.account, letter.member) for letter in most
    ]
    if most:
        one = most[0]
        before = _before(facts, one.account, one.member, low, receipt.known_us, "terse")
        told += [(name, "written before", at, one.account, one.member) for name, at in before]
    return [
        _ask(facts, clause, receipt, name, kind, at, account, member, first + nth, role=kind == "pulled")
        for nth, (name, kind, at, account, member) in enumerate(told)
    ]


def _ask(
    facts: Facts, clause: Clause, receipt: Receipt, name: str, kind: Kind, at_us: int, account: int,
    member: int | None, place: int, role: bool = False,
) -> tuple[Detail, Ask]:  # fmt: skip
    query = receipt.query
    asked = Query("messages", "row", (FIRST_US, query.edges_us[-1]), query.accounts, of=COLUMNS, key=("id", name))
    by = writer(facts, account, member, receipt.known_us)
    if role and member is not None:
        held = facts.traits_of(account, to_datetime(receipt.known_us), member).get("role")
        by += f" ({held})" if held else ""
    return Detail(clause.receipt, name, kind, place, at_us, by), (asked, receipt.known_us)


def _values(facts: Facts, query: Query, known_us: int, of: str) -> dict[str, float]:
    """A column of `tones`, message by message."""
    nodes = ", ".join(str(int(node)) for node in query.accounts) or "NULL"
    found = facts.connection.execute(
        f"SELECT id, any_value({of}) FROM tones WHERE account IN ({nodes}) AND {of} IS NOT NULL "
        f"AND epoch_us(occurred_at) >= ? AND epoch_us(occurred_at) + delay < ? GROUP BY id HAVING sum(sign) > 0",
        [query.edges_us[0], known_us],
    )
    return {str(name): float(value) for name, value in found.fetchall()}


def _before(
    facts: Facts, account: int, member: int | None, until_us: int, known_us: int, to: str
) -> list[tuple[str, int]]:
    """Of a person's messages before a moment, the one that is most unlike what they turned to: id and when."""
    most = "max" if to == "terse" else "min"
    found = facts.connection.execute(
        f"""WITH past AS (
            SELECT id, occurred_at, warmth FROM tones WHERE account = ? AND member IS NOT DISTINCT FROM ?
            AND epoch_us(occurred_at) < ? AND epoch_us(occurred_at) + delay < ?
            GROUP BY ALL HAVING sum(sign) > 0 ORDER BY occurred_at DESC LIMIT {PAST})
        SELECT arg_{most}(id, warmth), epoch_us(arg_{most}(occurred_at, warmth)) FROM past""",
        [account, member, until_us, known_us],
    ).fetchall()
    return [(str(name), int(at)) for name, at in found if name is not None]


def writer(facts: Facts, account: int, member: int | None, known_us: int) -> str:
    """What somebody was called as known at a moment, else what they are known by; empty for nobody known."""
    if member is None:
        return ""
    return facts.traits_of(account, to_datetime(known_us), member).get("name") or facts.member_label(account, member)
