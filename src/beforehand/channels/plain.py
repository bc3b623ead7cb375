"""A message as plain text: the text part of a mail, what Apprise hands on, and what a webhook says beside its blocks.

Pure. Lines are not broken: the reader's program knows how wide it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from beforehand.channels.message import (
    Block,
    Button,
    Chart,
    Divider,
    Facts,
    Headline,
    Link,
    Listing,
    Message,
    Quote,
    Words,
)
from beforehand.story.words import number

BARS = "▁▂▃▄▅▆▇█"
MISSING = "·"


def text(message: Message, *, headlines: bool = True) -> str:
    """The whole message; `headlines=False` leaves the headlines out where the channel shows them by itself."""
    said = [block_text(block) for block in message.blocks if headlines or not isinstance(block, Headline)]
    foot = message.meta.get("footer", "")
    if message.unsubscribe:
        foot = "\n".join(filter(None, [foot, f"Unsubscribe: {message.unsubscribe}"]))
    return "\n\n".join(filter(None, [*said, foot and f"--\n{foot}"])) + "\n"


def block_text(block: Block) -> str:
    """One block; empty where it has nothing to say as text."""
    match block:
        case Headline() | Words():
            return block.text.strip()
        case Facts():
            width = min(28, max((len(label) for label, _ in block.rows), default=0))
            return "\n".join(f"{label + ':':<{width + 1}} {value}" for label, value in block.rows)
        case Quote():
            by = f"\n  {block.by}" if block.by else ""
            return "\n".join(f"> {line}" for line in block.text.strip().splitlines()) + by
        case Chart():
            return f"{block.title}\n{sparkline(block.values)}  {in_words(block)}".strip()
        case Listing():
            return "\n".join(f"- {item}" for item in block.items)
        case Link():
            return f"{block.text}: {block.url}"
        case Button():
            return f"{block.text}: {block.url}" if block.url else ""
        case Divider():
            return ""


def sparkline(values: Sequence[float | None]) -> str:
    """A series as bars from zero (or from its least, where it goes below); `·` is not known."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return MISSING * len(values)
    low, high = min(0.0, *known), max(known)
    reach = (high - low) or 1.0

    def bar(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return MISSING
        return BARS[min(len(BARS) - 1, int((value - low) / reach * len(BARS)))]

    return "".join(bar(value) for value in values)


def in_words(chart: Chart) -> str:
    """What a chart says to who cannot see it: first and last value, and what is usual."""
    known = [(at, value) for at, value in enumerate(chart.values) if value is not None and math.isfinite(value)]
    if not known:
        return "nothing is known"
    (first_at, first), (last_at, last) = known[0], known[-1]

    def named(at: int, value: float) -> str:
        return number(value) + (f" ({chart.labels[at]})" if at < len(chart.labels) and chart.labels[at] else "")

    said = named(first_at, first) if len(known) == 1 else f"{named(first_at, first)} to {named(last_at, last)}"
    if chart.lower is not None and chart.upper is not None:
        said += f", usually {number(chart.lower)} to {number(chart.upper)}"
    if chart.bound is not None:
        said += f", told at {number(chart.bound)}"
    return said
