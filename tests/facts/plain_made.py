"""What made facts are, in plain Python: of one person's facts, or one ticket's versions, known at a moment."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

Row = tuple[int, int]
"""The fact a row is made from, and when it happened."""


class Fact(NamedTuple):
    key: int
    at: int
    seq: int
    known: int
    gone: int
    first: bool
    other: bool


def plain_without(mine: list[Fact], within: int, moment: int) -> list[Row]:
    return [
        (a.seq, a.at + within)
        for a in mine
        if a.first and a.at + within <= moment
        and not any(b is not a and b.other and a.at <= b.at <= a.at + within for b in mine)
    ]  # fmt: skip


def plain_repeated(mine: list[Fact], times: int, within: int) -> list[Row]:
    found, counted = [], list[Fact]()
    for fact in mine:
        if fact.first:
            counted.append(fact)
            if len(counted) >= times and fact.at - counted[-times].at <= within:
                found.append((fact.seq, fact.at))
                counted = []
    return found


def plain_returns(mine: list[Fact], within: int) -> list[Row]:
    found, last, away = [], None, False
    for fact in mine:
        if not fact.first:
            away = True
            continue
        if last is not None and away and fact.at - last <= within:
            found.append((fact.seq, fact.at))
        last, away = fact.at, False
    return found


class Version(NamedTuple):
    fact: int
    known: int
    at: int
    done: bool
    counts: bool
    due: int
    paid: int
    holder: int


def told(rows: list[Version]) -> list[tuple[int, Version]]:
    """When each version of one ticket began, as those known tell it."""
    begins = [min(row.at for row in rows)]
    latest = rows[0].at
    for before, row in pairwise(rows):
        latest = max(latest, row.at if row.at > before.at else row.known)
        begins.append(latest)
    return list(zip(begins, rows, strict=True))


def plain_waiting(rows: list[Version], hours: int, at: int) -> bool:
    opened = None
    now: Version | None = None
    for begin, row in told(rows):
        if begin > at:
            break
        opened = None if row.done else begin if opened is None else opened
        now = row
    return opened is not None and now is not None and now.counts and at >= opened + hours


def plain_overdue(rows: list[Version], hours: int, at: int) -> bool:
    now = next((row for begin, row in reversed(told(rows)) if begin <= at), None)
    return now is not None and not now.done and now.counts and now.due + hours <= at < rows[-1].paid
