"""The question of a receipt in words, so that a person can ask it again by other means."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from beforehand.calendar import Grain
from beforehand.signals.tree import Quantity
from beforehand.story import quantities, words
from beforehand.story.receipt import Query

MEASURES = {
    "count": "{rows} counted",
    "sum": "sum of {of} over {rows}",
    "mean": "mean of {of} over {rows}",
    "share": "share of {rows} for which {of}",
    "last": "last {of} of {rows}",
    "people": "distinct people in {rows}",
    "distinct": "distinct {of} in {rows}",
}


def asked(query: Query, who: str, zone: ZoneInfo, now_us: int) -> str:
    """`Events of Globex counted where event in ('login'), in each of 25 weeks from 25 May to 15 November`.

    `who` names the subject; what the rows of others are is said of all other accounts.
    """
    start, end = query.edges_us[0], query.edges_us[-1]
    of = f"all accounts but {who}" if query.others else who
    if query.aggregate == "trait":
        return f"What was known of {of} on {words.day(end - 1, zone, now_us)}: {query.of}"
    if query.aggregate in ("first", "latest"):
        which = "oldest" if query.aggregate == "first" else "newest"
        return f"The {which} of the {query.table} of {of} before {words.day(end, zone, now_us)}"
    if query.aggregate == "row":
        return f"{query.table.removesuffix('s').capitalize()} {query.key[1]} of {of}: {query.of}"
    rows = f"{_made(query) or query.table} of {of}"
    if query.key:
        rows += f" whose {query.key[0]} is {query.key[1]}"
    said = MEASURES[query.aggregate].format(rows=rows, of=query.of)
    if query.like:
        alike = ", ".join(f"{name} {value}".strip() for name, value in query.like)
        said = f"quartiles over accounts like it ({alike}) of {said}"
    if query.standing:
        said += ", all there had been"
    if query.where:
        said += f" where {' '.join(query.where.split())}"
    if query.per_active:
        said += ", divided by the people who were active"
    return words.opened(f"{said}, {_when(query, start, end, zone, now_us)}").removesuffix(".")


def _made(query: Query) -> str:
    """What made facts are called; blank where the table's own are counted."""
    if not query.made:
        return ""
    made = dict(json.loads(query.made)["made"])
    kind = made.pop("kind")
    found = quantities.MADE[kind](**{k: tuple(v) if isinstance(v, list) else v for k, v in made.items()})
    return quantities.called(Quantity("", made=found), query.table)


def _when(query: Query, start: int, end: int, zone: ZoneInfo, now_us: int) -> str:
    first, last = words.day(start, zone, now_us), words.day(end - 1, zone, now_us)
    count = len(query.spans)
    if query.span > 1:
        return f"in {query.span} {query.grain or 'period'}s, at the end of each {query.grain or 'period'} up to {last}"
    if count == 1:
        return f"on {first}" if first == last else f"from {first} to {last}"
    grain = query.grain if query.grain in set(Grain) else "period"
    return f"in each of {count} {grain}s from {first} to {last}"
