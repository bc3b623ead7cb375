"""What the facts say about the settings: notes for a team, no problems. What is not known, and was taken for known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from beforehand.calendar import DAY_US, place_of, to_datetime
from beforehand.facts.asking import only
from beforehand.signals import quantities_of
from beforehand.workspace.working import holidays, tracked_since

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.signals.signal import Signal
    from beforehand.workspace import Folder

LONG_US = 28 * DAY_US
"""Who began so long before the first fact of a table had a life without it."""
MANY, LEAST = 0.2, 5
"""Such accounts are many where they are this share of all, and at least so many."""


def hints(facts: Facts, folder: Folder, now_us: int) -> list[str]:
    """Notes on what the signals that are judged read, as far as known at `now_us`."""
    return [*_untracked(facts, folder, now_us), *_zones(facts, folder), *_countries(facts, folder)]


def _untracked(facts: Facts, folder: Folder, now_us: int) -> Iterator[str]:
    """Tables whose facts begin long after the lives of many accounts did: in between they count as nothing."""
    from beforehand.panel import Panel

    read = {quantity.metric for s in _judged(folder) for quantity, _ in quantities_of(s, folder.signals)}
    tables = sorted({folder.metrics[name].table for name in read if name in folder.metrics})
    asked = [table for table in tables if tracked_since(folder.settings, table) is None]
    if not asked:
        return
    sheet = Panel(facts, folder).sheet("account", [], now_us=now_us)
    begun = sheet.lives.begun(sheet.subjects.size, np.array([now_us]))[:, 0]
    for table in asked:
        span = facts.span(table)
        if span is None:
            continue
        before, everybody = int((begun < span[0] - LONG_US).sum()), int((begun < now_us).sum())
        if before >= LEAST and before >= MANY * everybody:
            day = f"{to_datetime(span[0]):%Y-%m-%d}"
            yield (
                f"{before:,} of {everybody:,} accounts began more than four weeks before the first of the {table},"
                f" {day}; that time counts as nothing done. If {table} were only recorded from then on, write"
                f" `tracking since: {{{table}: {day}}}` in beforehand.yaml: what was before is then not known."
            )


def _zones(facts: Facts, folder: Folder) -> Iterator[str]:
    if any(signal.own_zone for signal in _judged(folder)):
        from beforehand.panel.zones import ZONE_TRAITS, zone_of

        yield from _unread(facts, ZONE_TRAITS, zone_of, "time zone", f"are judged in {folder.settings.zone}")


def _countries(facts: Facts, folder: Folder) -> Iterator[str]:
    known = holidays(folder.settings.calendar)
    if known.by_country:
        from beforehand.panel.working import COUNTRY

        instead = f"have the holidays of {known.place}" if known.place else "have no public holidays"
        yield from _unread(facts, (COUNTRY,), place_of, "country whose holidays are known", instead)


def _unread(
    facts: Facts, traits: tuple[str, ...], known: Callable[[str], object | None], what: str, instead: str
) -> Iterator[str]:
    """Traits of accounts that nobody has, or whose values mean nothing."""
    names = ", ".join("?" * len(traits))
    found = facts.connection.execute(
        f"SELECT value, count(DISTINCT account) FROM traits WHERE trait IN ({names}) AND member IS NULL"
        " AND value IS NOT NULL GROUP BY value ORDER BY count(DISTINCT account) DESC, value",
        list(traits),
    ).fetchall()
    if not found:
        if only(facts.connection, "SELECT count(*) FROM accounts")[0]:
            said = " or ".join(f"`{trait}`" for trait in traits)
            yield f"No account has a trait {said}: all of them {instead}."
        return
    wrong = [(value, count) for value, count in found if known(value) is None]
    if wrong:
        said = ", ".join(repr(value) for value, _ in wrong[:3]) + (", ..." if len(wrong) > 3 else "")
        many = sum(count for _, count in wrong)
        whose = "1 account names" if many == 1 else f"{many:,} accounts name"
        yield f"{whose} no {what} ({said}): such accounts {instead}."


def _judged(folder: Folder) -> list[Signal]:
    return [signal for signal in folder.signals.values() if signal.mode != "off"]
