"""What accounts alike had: the same numbers as the judge has of them, as known at the close.

Who is alike is what `signals.peers` says: the same plan, size and age. Where fewer than ten are, those of the same plan
and age.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beforehand.calendar import DAY_US, Grain
from beforehand.commands.questions import Whose
from beforehand.errors import EngineError, InputError
from beforehand.signals.numbers import MetricFailed
from beforehand.signals.tree import Quantity
from beforehand.story import Query, Receipt
from beforehand.story.peers import FEWEST

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

NARROW = ("plan", "size", "age")
"""Accounts alike, as a story has it where a sentence does not say in what."""
SPAN = {Grain.HOUR: 2, Grain.DAY: 3, Grain.WEEK: 15, Grain.MONTH: 63, Grain.QUARTER: 186}
"""Days before a close within which its period lies, whatever the clocks do."""


def peers_of(
    facts: Facts,
    folder: Folder,
    quantity: Quantity,
    grain: Grain,
    end_us: int,
    known_us: int,
    asked: Sequence[tuple[Whose, Query]],
    *,
    ways: Sequence[tuple[str, ...]] = (NARROW,),
    share: float = 0.25,
    down: bool = True,
) -> list[Receipt | None]:
    """Receipts of what accounts alike had in the period that ended at `end_us`, as known before `known_us`.

    `asked` are accounts with the question of their own number, whose last period it is. `ways` are in what they are
    alike, the first with enough of them counts. `share` (of the lowest, or where not `down` of the highest) says which
    of their numbers is the line. None where fewer than ten are alike, and where nothing can be counted.
    """
    from beforehand.panel import Panel
    from beforehand.signals.peers import traits_alike

    every = {trait for names in ways for trait in traits_alike(names)} - {"age"}
    try:
        sheet = Panel(facts, folder).sheet(
            "account",
            [(quantity, grain)],
            every,
            now_us=known_us,
            grace_us=max(0, known_us - end_us),
            since_us=end_us - SPAN[grain] * DAY_US,
            until_us=end_us,
        )
        numbers = sheet.numbers()
        ends = numbers.ends(grain)
        if not ends.size or int(ends[-1]) != end_us:
            return [None] * len(asked)
        values = np.asarray(numbers.windows(quantity, grain, 1)[:, -1, 0])
        groups = [_alike(names, numbers, grain) for names in ways]
    except (InputError, EngineError, MetricFailed):
        return [None] * len(asked)
    accounts = np.asarray(sheet.subjects.account)
    found: list[Receipt | None] = []
    for whose, query in asked:
        rows = np.flatnonzero(np.isin(accounts, whose.nodes))
        row = int(rows[0]) if rows.size else None
        found.append(None if row is None else _receipt(query, known_us, values, row, groups, share, down))
    return found


def as_narrowly() -> tuple[tuple[str, ...], ...]:
    """The ways in which accounts are alike where nobody says one: as narrowly as there are enough."""
    from beforehand.signals.peers import LIKE

    return NARROW, LIKE


def _alike(names: tuple[str, ...], numbers: object, grain: Grain) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    from beforehand.signals.peers import alike

    codes, said = alike(names, numbers, grain)  # type: ignore[arg-type]
    return codes[:, -1], said


def _receipt(
    query: Query,
    known_us: int,
    values: NDArray[np.float64],
    row: int,
    groups: Iterable[tuple[NDArray[np.int32], tuple[str, ...]]],
    share: float,
    down: bool,
) -> Receipt | None:
    alike = ((np.flatnonzero((codes == codes[row]) & np.isfinite(values)), codes, words) for codes, words in groups)
    same, codes, words = next((found for found in alike if found[0].size >= FEWEST), (None, None, ()))
    if same is None or codes is None or not np.isfinite(values[row]):
        return None
    theirs = np.sort(values[same[same != row]])
    # The line is that of the judge, who counts the account among those alike.
    own = np.sort(values[same])
    rank = int(np.floor(share * own.size + 1e-9))
    edge = float(own[rank] if down else own[own.size - 1 - rank])
    low, mid, high = (float(v) for v in np.quantile(theirs, (0.25, 0.5, 0.75), method="lower"))
    below, above = int((theirs < values[row]).sum()), int((theirs > values[row]).sum())
    digest = sha256(theirs.astype("<f8").tobytes()).hexdigest()
    said = tuple(("", part) for part in words[int(codes[row])].split(", ") if part)
    edges = query.edges_us[-1 - query.span :]
    asked = replace(query, edges_us=edges, like=said)
    numbers = (low, mid, high, edge, float(theirs.size), float(below), float(above))
    return Receipt(asked, known_us, numbers, int(theirs.size), digest)
