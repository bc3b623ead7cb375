"""Signals whose periods are in the zone of each account: one sheet a zone, read as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from beforehand.calendar import EVERYWHERE, Grain, period_of, start_of, zone_named
from beforehand.signals.numbers import Bool, Int, Verdicts

if TYPE_CHECKING:
    from beforehand.panel import Block, Sheet
    from beforehand.panel.subjects import Ids
    from beforehand.signals import Signal
    from beforehand.workspace import Folder

Values = TypeVar("Values", Verdicts, Bool)


def closing_zone(signal: Signal, folder: Folder) -> ZoneInfo:
    """The zone by which the closes of a signal come: the workspace's, or the last one on earth for accounts' own."""
    return EVERYWHERE if signal.own_zone else zone_named(folder.settings.zone)


def ended_in(grain: Grain, zone: ZoneInfo | None, end_us: int) -> int:
    """When the period of a close at `end_us` ended in the zone of an account; None for the workspace's, by which it is.

    UTC microseconds.
    """
    if zone is None:
        return end_us
    return int(start_of(grain, zone, period_of(grain, EVERYWHERE, np.array([end_us])))[0])


class Together:
    """What a group of signals is judged on: one sheet, or one for each zone, whose rows are put in order together."""

    def __init__(self, sheets: Sequence[Sheet], zones: Sequence[ZoneInfo | None] | None) -> None:
        from beforehand.panel.zones import joined

        self.sheets = sheets
        self.subjects, self.order = joined([sheet.subjects for sheet in sheets])
        self.zones = None
        if zones is not None:
            of_row = [zone for zone, sheet in zip(zones, sheets, strict=True) for _ in range(sheet.subjects.size)]
            self.zones = tuple(zone for at in self.order.tolist() if (zone := of_row[at]) is not None)
        for sheet in sheets:
            sheet.kept.most //= len(sheets)

    def blocks(self, size: int) -> list[tuple[Ids, Block]]:
        """All subjects in blocks of at most `size`, the sheets one after the other, each with its accounts."""
        return [(s.subjects.account[rows], numbers) for s in self.sheets for rows, numbers in s.blocks(size)]

    def ends(self, grain: Grain) -> Int:
        """The ends of the judged periods of a grain, for all subjects, UTC microseconds, `[Q]`."""
        return self.sheets[0].ends(grain)

    def in_order(self, parts: Sequence[Values]) -> Values:
        """What was found block by block, as rows of `subjects`."""
        found = np.concatenate(parts)
        return found if len(self.sheets) == 1 else found[self.order]
