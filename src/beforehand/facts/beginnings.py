"""When the lives of some accounts began: the earlier of what was stated and the first fact, as known at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from beforehand.calendar import to_us, zone_named
from beforehand.facts.schema import SHAPES

if TYPE_CHECKING:
    from beforehand.facts.facts import Facts


def beginnings(facts: Facts, nodes: Iterable[int], known_us: int) -> dict[int, int]:
    """The beginning of each stored node's life (UTC microseconds); nodes of which nothing was known are left out."""
    listed = ", ".join(str(int(node)) for node in sorted(set(nodes)))
    if not listed:
        return {}
    pieces = [
        f"SELECT account, min(epoch_us(occurred_at)) AS us FROM {shape.name} WHERE account IN ({listed}) "
        f"AND epoch_us(occurred_at) + delay < {known_us}"
        + (" AND sign > 0" if shape.versioned else "")
        + (" AND outcome <> 'churned'" if shape.name == "outcomes" else "")
        + " GROUP BY account"
        for shape in SHAPES.values()
    ]
    with facts.telling():
        first = facts.connection.execute(
            f"SELECT account, min(us) FROM ({' UNION ALL '.join(pieces)}) GROUP BY account"
        ).fetchall()
        stated = facts.connection.execute(
            "SELECT account, value FROM traits WHERE trait = 'started_at' AND member IS NULL "
            f"AND account IN ({listed}) AND (NOT dated OR epoch_us(occurred_at) + delay < {known_us}) "
            "ORDER BY dated, occurred_at, stored_seq"
        ).fetchall()
    found = {int(account): int(us) for account, us in first if us is not None}
    zone = zone_named(facts.settings.zone)
    for account, value in dict(stated).items():
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            continue
        us = to_us(at if at.tzinfo else at.replace(tzinfo=zone))
        found[int(account)] = min(us, found.get(int(account), us))
    return found
