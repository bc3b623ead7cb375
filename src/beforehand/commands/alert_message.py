"""An alert with its story as a message to a teammate: what `show` tells, as typed blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from beforehand.calendar import to_us
from beforehand.channels import Block, Button, Chart, Facts, Headline, Message, Words
from beforehand.story import words

TOLD = (("change", "detail", "late"), ("usual", "since"), ("tone", "quote"), ("meanwhile",))
"""What is told in paragraphs, by the topics of the sentences."""
BESIDE = (
    ("At stake", ("stake",)),
    ("Contact", ("owner", "contact")),
    ("Peers", ("peers",)),
    ("Closes", ("close",)),
    ("Record", ("record",)),
)
LONGEST = 26
CHARTS = 2
SNOOZE_DAYS = 7


def alert_message(
    alert: Mapping[str, Any], zone: ZoneInfo, now: datetime, *, footer: str = "", why: str = ""
) -> Message:
    """The message about an alert as `show` gives it; `why`: why this reader owns it, `footer`: why they are told."""
    story = alert["story"]
    name = alert.get("name") or alert["account"]
    # Of several signs the first: the sentences below tell all of them, and a subject is read in a list.
    first = story["headline"].partition(";")[0].strip()
    headline = f"{name}: {first[:1].lower()}{first[1:]}" if first else name
    tone = "growth" if alert.get("polarity") == "growth" else alert["severity"]
    blocks: list[Block] = [Headline(headline, tone)]
    paragraphs = [_said(story["sentences"], topics) for topics in TOLD]
    if any(paragraphs):
        blocks.append(Words("\n\n".join(filter(None, paragraphs))))
    blocks += [_chart(shape, zone, now) for shape in story["series"][:CHARTS]]
    reasons = _said(story["sentences"], ("why",))
    rows = [("Why you", why)] if why else []
    rows += [("Why it matters", reasons)] if reasons else []
    rows += [(label, said) for label, topics in BESIDE if (said := _said(story["sentences"], topics))]
    suggested = alert.get("suggested")
    if suggested:
        rows.append(("Response", suggested["name"] if isinstance(suggested, Mapping) else str(suggested)))
    if rows:
        blocks.append(Facts(tuple(rows)))
    number = str(alert["alert"])
    blocks += [
        Button("Acknowledge", "acknowledge", number, "primary"),
        Button(f"Snooze {SNOOZE_DAYS} days", "snooze", f"{number}|{SNOOZE_DAYS}"),
        Button("Not useful", "not-useful", number),
    ]
    if suggested:
        blocks.append(Button("Start playbook", "start-playbook", number))
    said = footer or f"{number} by the signal {alert['signal']}. The receipts: beforehand show {number} --receipts"
    return Message(headline, tuple(blocks), thread=number, meta={"alert": number, "footer": said})


def _said(sentences: Iterable[Mapping[str, Any]], topics: tuple[str, ...]) -> str:
    return " ".join(s["text"] for s in sentences if s["topic"] in topics)


def _chart(shape: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> Chart:
    """A series of a story; of a long one the newest periods."""
    values = tuple(shape["values"][-LONGEST:])
    cut = len(shape["values"]) - len(values)
    starts = shape["starts"][-LONGEST:]
    usual = shape["usual"] or (None, None)
    now_us = to_us(now)
    return Chart(
        title=f"{shape['metric'][:1].upper()}{shape['metric'][1:]}{shape.get('rate') or ''}",
        values=values,
        labels=tuple(words.short_day(to_us(_moment(at)), zone, now_us) for at in starts),
        lower=usual[0],
        upper=usual[1],
        bound=shape["threshold"],
        held=tuple(at - cut for at in shape["held"] if at >= cut),
    )


def _moment(at: Any) -> datetime:
    return at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
