"""Accounts by their own time zones: who has which, and sheets of several zones read as one.

Zones whose clocks were the same all through the facts count as one, so that what is counted by one serves the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import DAY_US, offsets, zone_named
from beforehand.panel import traits
from beforehand.panel.subjects import Ids, Subjects

Int = NDArray[np.int64]

AHEAD_US = 100 * DAY_US
"""Clocks of zones that count as one agree so far ahead: no period that is filling is longer."""

ZONE_TRAITS = ("zone", "time_zone")
"""The traits that say in which zone an account is; the first that has a known one counts."""


def zone_of(text: str) -> ZoneInfo | None:
    """The zone of an IANA name in any case, None where there is none so called."""
    name = _names().get(text.strip().lower())
    return None if name is None else zone_named(name)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def own_zones(
    connection: duckdb.DuckDBPyConnection, rows: str, size: int, now_us: int, usual: ZoneInfo
) -> list[ZoneInfo]:
    """The zone of each row of a table of rows as known at `now_us`; `usual` where none is known."""
    at, found = np.array([now_us]), [usual] * size
    for name in reversed(ZONE_TRAITS):
        dated = traits.read(connection, name, rows, people=False)
        known = [zone_of(word) for word in dated.words]
        for row, code in enumerate(dated.codes(size, at, at)[:, 0].tolist()):
            found[row] = (known[code] if code >= 0 else None) or found[row]
    return found


def by_zone(
    accounts: Ids, zones: Sequence[ZoneInfo], usual: ZoneInfo, first_us: int, last_us: int
) -> dict[ZoneInfo, Ids]:
    """The accounts of each zone, those whose clocks agree from one instant until some time after another together.

    Of several zones the workspace's (`usual`) speaks for all, else the first by name.
    """
    span = first_us // DAY_US * DAY_US, last_us // DAY_US * DAY_US + AHEAD_US
    tables = {zone: offsets(zone, *span) for zone in {*zones, usual}}
    speaks: dict[tuple[tuple[int, int], ...], ZoneInfo] = {}
    for zone in sorted(tables, key=lambda z: (z.key != usual.key, z.key)):
        speaks.setdefault(tables[zone], zone)
    found: dict[ZoneInfo, list[int]] = {}
    for account, zone in zip(accounts.tolist(), zones, strict=True):
        found.setdefault(speaks[tables[zone]], []).append(account)
    return {zone: np.array(found[zone], dtype=np.int32) for zone in sorted(found, key=lambda z: z.key)}


def only(subjects: Subjects, accounts: Ids) -> Subjects:
    """The subjects of some accounts."""
    rows = np.flatnonzero(np.isin(subjects.account, accounts))
    place = np.full(subjects.size, -1, dtype=np.int64)
    place[rows] = np.arange(rows.size)
    raw = place[subjects.raw_row] >= 0
    owned = np.isin(subjects.owner, accounts)
    label = subjects.label
    return replace(
        subjects,
        account=subjects.account[rows],
        node=subjects.node[rows],
        member=subjects.member[rows],
        raw_account=subjects.raw_account[raw],
        raw_member=subjects.raw_member[raw],
        raw_row=place[subjects.raw_row[raw]],
        owned=subjects.owned[owned],
        owner=subjects.owner[owned],
        label=lambda row: label(int(rows[row])),
    )


def joined(parts: Sequence[Subjects]) -> tuple[Subjects, Int]:
    """The subjects of several sheets as one, in their usual order, and for each which it is of all parts in a row."""
    if len(parts) == 1:
        return parts[0], np.arange(parts[0].size)
    account, node, member = (np.concatenate([getattr(p, n) for p in parts]) for n in ("account", "node", "member"))
    order = np.lexsort((member, node, account))
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    firsts = np.cumsum([0, *(part.size for part in parts)])
    raw_row = np.concatenate([place[part.raw_row + first] for part, first in zip(parts, firsts, strict=False)])
    slots = {stored: bits for part in parts for stored, bits in part.slots.items()}

    def label(row: int) -> str:
        at = int(order[row])
        part = int(np.searchsorted(firsts, at, side="right")) - 1
        return parts[part].label(at - int(firsts[part]))

    return (
        replace(
            parts[0],
            account=account[order],
            node=node[order],
            member=member[order],
            raw_account=np.concatenate([part.raw_account for part in parts]),
            raw_member=np.concatenate([part.raw_member for part in parts]),
            raw_row=raw_row,
            slots=slots,
            owned=np.concatenate([part.owned for part in parts]),
            owner=np.concatenate([part.owner for part in parts]),
            label=label,
        ),
        order,
    )
