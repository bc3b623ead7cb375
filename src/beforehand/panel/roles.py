"""Who holds a role: the people that a trait `role` names, at each close as it was known then.

A role trait may name several roles, with commas between them; letter case does not matter. Where nobody of an account
holds the role at a close, those count who held it last, which is until something else was said of them. Where nobody
ever did, it is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
from numpy.typing import NDArray

from beforehand.panel.layout import Float
from beforehand.panel.life import ALWAYS
from beforehand.panel.plans import Plan
from beforehand.panel.store import insert
from beforehand.panel.strip import Asked, Strip
from beforehand.panel.subjects import Subjects
from beforehand.panel.traits import Dated
from beforehand.signals.numbers import Bool, Int

if TYPE_CHECKING:
    from beforehand.panel.sheet import Sheet

ROLE = "role"
TOGETHER = 2_500_000
"""People times periods that are rolled up together."""
LEAST = 64
"""People that are, however many periods there are."""


@dataclass(frozen=True)
class Holders:
    """The people who ever held a role, ascending by account.

    `table` says which of them (`row`) a stored account and member is, `group` which place their account has in the
    sheet's `Subjects.accounts`, `person` their row in a sheet of people. `said` is what was said of them: code 1 where
    it names the role, 0 or -1 where not.
    """

    table: str
    group: Int
    person: Int
    said: Dated

    def at(self, low: int, high: int, ends: Int, known: Int) -> tuple[Bool, Bool]:
        """Whether each of the holders low .. high-1 counts at each close, `[high - low, closes]`; whole accounts.

        And whether anybody of the account ever held the role by then, the same for all of an account.
        """
        said = self.said.of(low, high)
        size = high - low
        holds = said.codes(size, ends, known) == 1
        if not size:
            return holds, holds
        starts = np.flatnonzero(np.append(True, self.group[low + 1 : high] != self.group[low : high - 1]))
        account = np.repeat(np.arange(starts.size), np.diff(np.append(starts, size)))
        anybody = np.logical_or.reduceat(holds, starts, axis=0)
        ever = anybody.copy()
        lost = np.flatnonzero(~anybody.all(axis=1))
        if lost.size:
            mine = np.isin(account[said.row], lost)
            order = np.flatnonzero(mine)[np.argsort(said.row[mine], kind="stable")]
            row, at, learned, names = (a[order] for a in (said.row, said.at_us, said.known_us, said.code == 1))
            for close in np.flatnonzero(~anybody[lost].all(axis=0)):
                then = (at < ends[close]) & (learned < known[close])
                last, until = _held_last(row[then], at[then], names[then])
                best = np.full(starts.size, ALWAYS - 1, np.int64)
                np.maximum.at(best, account[last], until)
                ever[:, close] |= best >= ALWAYS
                counts = (until == best[account[last]]) & ~anybody[account[last], close]
                holds[last[counts], close] = True
        return holds, ever[account]

    def whole(self, low: int, high: int, most: int) -> Iterator[tuple[int, int]]:
        """The holders of the accounts low .. high-1 in runs of whole accounts, of about `most` at a time."""
        first, last = (int(i) for i in np.searchsorted(self.group, [low, high]))
        while first < last:
            end = min(first + most, last)
            end = int(np.searchsorted(self.group, self.group[end - 1], side="right"))
            yield first, end
            first = end


def rolled_up(
    sheet: Sheet, holders: Holders, plan: Plan, asked: Asked, low: int, high: int
) -> tuple[list[Float], Bool]:
    """The columns of a plan over the accounts low .. high-1, each the sum over those who hold the role at each close.

    `[ages or 1, n, periods]`; and whether anybody ever held the role by each close, `[n, periods]`.
    """
    closes, first = asked.closes, asked.first
    ends = closes.starts(first, closes.last)[1:]
    width = ends.size
    found = [np.zeros((1, high - low, width)) for _ in plan.columns]
    ever = np.zeros((high - low, width), bool)
    for begin, end in holders.whole(low, high, max(LEAST, TOGETHER // max(width, 1))):
        holds, known_ever = holders.at(begin, end, ends, closes.known(ends))
        starts = np.flatnonzero(np.append(True, holders.group[begin + 1 : end] != holders.group[begin : end - 1]))
        rows = holders.group[begin:end][starts] - low
        ever[rows] = known_ever[starts]
        steady = bool((holds == holds[:, :1]).all())
        strip = Strip(sheet, holders.table, True, begin, end)
        for number, part in enumerate(strip.values(plan, asked)):
            ages = part.shape[0] if steady else asked.ages
            if len(found[number]) < ages:
                found[number] = np.repeat(found[number], ages, axis=0)
            for age, target in enumerate(found[number]):
                at = np.minimum(np.arange(width) + age, width - 1)
                counted = part[min(age, part.shape[0] - 1)] * holds[:, at]
                target[rows] = np.add.reduceat(counted, starts, axis=0)
    return found, ever


def held_by(holders: Holders, asked: Asked, group: Int, low: int, high: int) -> Bool:
    """Whether each of the people low .. high-1 of a sheet of people holds the role at each close, `[n, periods]`."""
    closes = asked.closes
    ends = closes.starts(asked.first, closes.last)[1:]
    out = np.zeros((high - low, ends.size), bool)
    if high > low:
        first, last = np.searchsorted(holders.group, [group[low], group[high - 1] + 1])
        holds, _ = holders.at(int(first), int(last), ends, closes.known(ends))
        person = holders.person[first:last]
        ours = (person >= low) & (person < high)
        out[person[ours] - low] = holds[ours]
    return out


def _held_last(row: Int, at: Int, names: Bool) -> tuple[Int, Int]:
    """Who was ever said to hold the role, and when that last stopped being said of them; rows lie together."""
    place = np.flatnonzero(names)
    who = row[place]
    final = np.append(who[1:] != who[:-1], True) if who.size else np.empty(0, bool)
    place, who = place[final], who[final]
    after = np.minimum(place + 1, row.size - 1)
    # Of one who holds it still nothing came after; then nobody asks until when.
    return who, np.where(row[after] == who, at[after], ALWAYS)


def holders(
    connection: duckdb.DuckDBPyConnection, role: str, people: Subjects, accounts: NDArray[np.int32], table: str
) -> Holders:
    """Everybody of the accounts who ever held a role; `table` is the name of a temporary table that is made."""
    place = np.searchsorted(accounts, people.account)
    inside = place < accounts.size
    inside[inside] = accounts[place[inside]] == people.account[inside]
    connection.execute(f"CREATE TEMP TABLE {table} (account INTEGER, member INTEGER, row BIGINT)")
    named = [
        word
        for (word,) in connection.execute("SELECT DISTINCT value FROM traits WHERE trait = ?", [ROLE]).fetchall()
        if word is not None and role.strip().lower() in {part.strip().lower() for part in word.split(",")}
    ]
    insert(connection, table, {"account": people.raw_account, "member": people.raw_member, "row": people.raw_row})
    found = connection.execute(
        f"""WITH said AS (
            SELECT r.row, CASE WHEN t.dated THEN epoch_us(t.occurred_at) ELSE {ALWAYS} END AS at_us,
                CASE WHEN t.dated THEN epoch_us(t.occurred_at) + t.delay ELSE {ALWAYS} END AS known_us,
                coalesce(list_contains(?::VARCHAR[], t.value), false) AS names, t.dated, t.stored_seq
            FROM traits t JOIN {table} r USING (account, member) WHERE t.trait = ?)
        SELECT row, at_us, known_us, names FROM said WHERE row IN (SELECT row FROM said WHERE names)
        ORDER BY dated, at_us, stored_seq, row""",
        [named, ROLE],
    ).fetchnumpy()
    row, at, known = (np.asarray(found[name], dtype=np.int64) for name in ("row", "at_us", "known_us"))
    code = np.asarray(found["names"], dtype=np.int32)
    ours = inside[row]
    person, holder = np.unique(row[ours], return_inverse=True)
    said = Dated(holder.reshape(-1), at[ours], known[ours], code[ours], ())
    connection.execute(f"DELETE FROM {table}")
    number = np.full(people.size, -1, np.int64)
    number[person] = np.arange(person.size)
    mine = number[people.raw_row] >= 0
    insert(
        connection, table,
        {"account": people.raw_account[mine], "member": people.raw_member[mine], "row": number[people.raw_row[mine]]},
    )  # fmt: skip
    return Holders(table, place[person], person, said)
