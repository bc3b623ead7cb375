"""`events`: which standard events have data, and which of the product's own nobody counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from beforehand.calendar import to_datetime
from beforehand.library import STANDARD, guess

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

Seen = Mapping[str, tuple[int, int]]  # rows and the newest, UTC microseconds, by the product's own name


def events(ws: Workspace) -> dict[str, Any]:
    """The events that metrics count by their standard names, and those in the data that none of them counts.

    Returns `{"standard": [{"event", "means", "own", "mapped", "rows", "last_at", "metrics"}], "unmapped": [{"event",
    "rows", "last_at", "suggestion", "why", "like"}], "mapping"}`: `own` are the names counted for it; `why` is `known`
    (a spelling of trackers), `alike` or null; `mapping` is what events.yaml would be with every suggestion taken.
    """
    folder = ws.folder
    with ws.facts() as facts:
        seen = _seen(facts)
    counting: dict[str, list[str]] = {}
    for metric, spec in folder.metrics.items():
        for name in dict.fromkeys((*spec.event, *spec.of_event)):
            counting.setdefault(name, []).append(metric)
    standard = [_standard(name, metrics, folder, seen) for name, metrics in counting.items()]
    taken = {own for row in standard for own in row["own"]} | {own for names in folder.events.values() for own in names}
    unmapped = [_unmapped(own, seen) for own in sorted(seen, key=lambda e: (-seen[e][0], e)) if own not in taken]
    return {"standard": standard, "unmapped": unmapped, "mapping": _mapping(folder, standard, unmapped)}


def _seen(facts: Facts) -> Seen:
    found = facts.connection.execute(
        "SELECT event, count(*), epoch_us(max(occurred_at)) FROM events WHERE event IS NOT NULL GROUP BY event"
    ).fetchall()
    return {event: (int(rows), int(last)) for event, rows, last in found}


def _standard(name: str, metrics: list[str], folder: Folder, seen: Seen) -> dict[str, Any]:
    own = folder.events.get(name, (name,))
    found = [seen[event] for event in own if event in seen]
    return {
        "event": name, "means": STANDARD[name].means if name in STANDARD else None, "own": list(own),
        "mapped": name in folder.events, "rows": sum(rows for rows, _ in found),
        "last_at": to_datetime(max(last for _, last in found)) if found else None, "metrics": metrics,
    }  # fmt: skip


def _unmapped(own: str, seen: Seen) -> dict[str, Any]:
    near = guess(own)
    return {
        "event": own, "rows": seen[own][0], "last_at": to_datetime(seen[own][1]),
        "suggestion": near.standard if near else None, "why": near.why if near else None,
        "like": near.like if near else None,
    }  # fmt: skip


def _mapping(folder: Folder, standard: list[dict[str, Any]], unmapped: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What is mapped now and every suggestion; a standard name that has data of its own keeps standing for itself."""
    mapping = {name: list(own) for name, own in folder.events.items()}
    itself = {row["event"] for row in standard if not row["mapped"] and row["rows"]}
    for row in unmapped:
        if row["suggestion"] is not None:
            name = row["suggestion"]
            mapping.setdefault(name, [name] if name in itself else []).append(row["event"])
    return mapping
