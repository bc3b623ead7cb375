"""An alert with its story, as the terminal shows it: headline, chart, sentences, and receipts where asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from beforehand.calendar import to_us
from beforehand.cli import look
from beforehand.cli.chart import Words, chart
from beforehand.cli.library_view import response
from beforehand.story import meanwhile, words

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
PROSE = ("change", "detail", "late", "usual", "since", "line", "feed")
BESIDE = (
    (("peers",), "Peers"),
    (("stake",), "At stake"),
    (("owner", "contact"), "Contact"),
    (("why",), "Why"),
    (("close",), "Closes"),
    (("record",), "Record"),
)
LABEL = 10
WIDEST = 96
READABLE = 84
SPARK = 18


class Marks:
    """Receipts numbered in the order in which the reader meets them."""

    def __init__(self) -> None:
        self.order: list[int] = []

    def of(self, receipts: Iterable[int]) -> str:
        """The raised figures for some receipts."""
        for place in receipts:
            if place not in self.order:
                self.order.append(place)
        return " ".join(str(self.order.index(place) + 1).translate(RAISED) for place in receipts)


def show(console: Console, result: Mapping[str, Any], *, receipts: bool = False) -> None:
    """Prints what `show` returned: each alert with its story; of an account also how its metrics went lately."""
    width = min(console.width, WIDEST)
    marks = Marks()
    zone, now_us = ZoneInfo(result["zone"]), to_us(result["now"])
    account = result.get("account")
    if account is not None:
        _account(console, account, bool(result["alerts"]))
    for nth, alert in enumerate(result["alerts"]):
        if nth:
            console.print()
            console.print(look.hairline(), width=width)
            console.print()
        _alert(console, alert, width, zone, now_us, marks, alone=account is None)
    if account is not None and account["metrics"]:
        console.print()
        _metrics(console, account["metrics"], width, zone, now_us)
    if receipts and marks.order:
        console.print()
        _receipts(console, [result["receipts"][place] for place in marks.order], width)


def _account(console: Console, account: Mapping[str, Any], has_alerts: bool) -> None:
    console.print(look.heading(account["name"], "" if account["name"] == account["account"] else account["account"]))
    for said in account["sentences"]:
        console.print(look.text(said["text"], "soft"))
    if not has_alerts:
        console.print(look.text("No alert is open.", "soft"))
    console.print()


def _alert(
    console: Console,
    alert: Mapping[str, Any],
    width: int,
    zone: ZoneInfo,
    now_us: int,
    marks: Marks,
    *,
    alone: bool,
) -> None:
    """One alert; under the heading of its account, what was said there is not said again."""
    story = alert["story"]
    style = look.colour_of(alert["severity"], alert.get("polarity", "risk"))
    head = Text.assemble(look.dot(alert["severity"], alert.get("polarity", "risk")), " ")
    name = look.text(alert["alert"], "faint")
    headline = look.text(story["headline"], "" if story["status"] == "true" else "soft")
    if alone:
        head.append_text(look.text(alert.get("name") or alert["account"], "bold"))
        head.append_text(look.text(f"  {alert['scope']}" if alert["scope"] else "", "soft"))
        _spread(console, head, name, width)
        console.print(look.inset(headline), width=width)
    else:
        headline.stylize("bold")
        first, *rest = headline.wrap(console, width - name.cell_len - 4)
        first.rstrip()
        _spread(console, head.append_text(first), name, width)
        for line in rest:
            console.print(look.inset(line))
    console.print(look.inset(look.text(_standing(alert, zone, now_us), "faint")), width=width)
    shapes = story["series"]
    for shape in shapes:
        console.print()
        _chart(console, shape, width, 7 if len(shapes) == 1 else 5, style, zone, now_us)
    console.print()
    console.print(look.inset(_told(story["sentences"], PROSE, marks)), width=min(width, READABLE))
    console.print()
    if _meanwhile(console, story, marks, min(width, READABLE + 2)):
        console.print()
    for topics, label in BESIDE if alone else (BESIDE[0], *BESIDE[3:]):
        body = _told(story["sentences"], topics, marks)
        if body:
            _beside(console, label, body, min(width, READABLE + 2))
    if alert.get("suggested"):
        _beside(console, "Suggested", look.text(response(alert["suggested"])), min(width, READABLE + 2))


def _titled(said: str, aside: str) -> Text:
    title = look.text(said, "soft")
    return title.append(f"  {aside}" if aside else "", style="faint")


def _meanwhile(console: Console, story: Mapping[str, Any], marks: Marks, width: int) -> bool:
    """What else happened around that time, one below the other, the most unusual first; whether anything did."""
    told = [said for said in story["sentences"] if said["topic"] == "meanwhile"]
    if not told:
        return False
    looked_at = story.get("looked_at") or len(told)
    aside = f"the most unusual of {words.number(looked_at)} things looked at" if looked_at > len(told) else ""
    opening = meanwhile.OPENING.strip().rstrip(":")
    console.print(look.inset(_titled(opening, aside)), width=width)
    for said in told:
        text = said["text"].removeprefix(meanwhile.OPENING)
        line = look.text(text[:1].upper() + text[1:])
        line.append(marks.of(said["receipts"]), style="accent")
        for nth, part in enumerate(line.wrap(console, width - 4)):
            console.print(Text.assemble("  ", ("· " if nth == 0 else "  ", "faint"), part), no_wrap=True, crop=False)
    return True


def _standing(alert: Mapping[str, Any], zone: ZoneInfo, now_us: int) -> str:
    """What it is and how it stands: `login-frequency-drop · critical · open since 16 November, for 6 days`."""
    opened_us = to_us(alert["opened_at"])
    since = f"since {words.day(opened_us, zone, now_us)}"
    state = {
        "open": f"open {since}",
        "acknowledged": f"acknowledged, open {since}",
        "snoozed": f"snoozed, open {since}",
        "closed": f"closed ({alert.get('close_reason') or 'closed'}), opened {words.day(opened_us, zone, now_us)}",
    }.get(alert["state"], alert["state"])
    until = alert.get("snoozed_until")
    if alert["state"] == "snoozed" and until:
        state = f"snoozed until {words.day(to_us(until), zone, now_us)}, open {since}"
    days = words.days_between(opened_us, now_us, zone)
    if alert["state"] != "closed" and days > 1:
        state += f", for {words.counted(days, 'day')}"
    growth = "growth" if alert.get("polarity") == "growth" else alert["severity"]
    again = f" · again after {alert['reopens']}" if alert.get("reopens") else ""
    held = " · backlog" if alert.get("backlog") else ""
    return f"{alert['signal']} · {growth} · {state}{again}{held}"


def _chart(
    console: Console, shape: Mapping[str, Any], width: int, rows: int, style: str, zone: ZoneInfo, now_us: int
) -> None:
    said = Text("  ").append_text(look.text(f"{_raised(shape['metric'])}{shape['rate']}", "soft"))
    if shape["status"] != "true":
        said.append(f", {shape['status']}", style="soft")
    console.print(said, width=width)
    for line in chart(
        shape, words_for(shape, zone, now_us), width=width - 2, rows=rows, style=style, tinted=look.tinted(console)
    ):
        console.print(look.inset(line), width=width, no_wrap=True, overflow="crop")


def words_for(shape: Mapping[str, Any], zone: ZoneInfo, now_us: int) -> Words:
    """How a chart of this series says its values and days."""
    say: Callable[[float], str] = words.percent if shape["share"] else words.short
    return Words(say, lambda at: words.short_day(to_us(at), zone, now_us))


def _told(sentences: Sequence[Mapping[str, Any]], topics: Sequence[str], marks: Marks) -> Text:
    """The sentences about some topics as prose; receipts shared by sentences in a row are marked once, at their end."""
    told = [said for said in sentences if said["topic"] in topics]
    prose = Text()
    for said, after in zip(told, [*told[1:], None], strict=False):
        # Each clause of a compound begins a line of its own.
        prose.append(("\n" if said["topic"] == "change" else " ") if prose else "")
        prose.append_text(look.text(said["text"], "" if said["status"] == "true" else "soft"))
        if said["receipts"] and (after is None or after["receipts"] != said["receipts"]):
            prose.append(marks.of(said["receipts"]), style="accent")
    return prose


def _beside(console: Console, label: str, body: Text, width: int) -> None:
    """A label in a column of its own and the text beside it."""
    lines = body.wrap(console, max(width - LABEL - 2, 20))
    for nth, line in enumerate(lines):
        head = Text.assemble("  ", (label.ljust(LABEL) if nth == 0 else " " * LABEL, "faint"))
        console.print(head.append_text(line), no_wrap=True, overflow="ignore", crop=False)


def _spread(console: Console, left: Text, right: Text, width: int) -> None:
    gap = max(2, width - left.cell_len - right.cell_len)
    console.print(left.append(" " * gap).append_text(right), no_wrap=True, overflow="ellipsis", width=width)


def _metrics(console: Console, shapes: Sequence[Mapping[str, Any]], width: int, zone: ZoneInfo, now_us: int) -> None:
    """How the metrics of an account went: newest value, what is usual, the line."""
    rows = []
    for shape in shapes:
        say = words_for(shape, zone, now_us)
        last = shape["values"][-1] if shape["values"] else None
        usual = shape["usual"]
        band = "" if not usual else say.value(usual[0]) if usual[0] == usual[1] else " to ".join(map(say.value, usual))
        rows.append(
            [
                look.text(_raised(shape["metric"])),
                Text("not known", style="faint") if last is None else Text(say.value(last)),
                look.text(band, "soft"),
                look.spark(shape["values"], band=usual, width=26 if width >= 90 else 16),
            ]
        )
    grain = shapes[0]["grain"]
    columns = [look.Column("metric"), look.Column(f"last {grain}", figures=True), look.Column("usual", figures=True)]
    console.print(look.table([*columns, look.Column(f"{grain}s")], rows), width=width)


def _receipts(console: Console, kept: Sequence[Mapping[str, Any]], width: int) -> None:
    """The receipts: the question in words, then what was counted, when it was known, the digest and some ids."""
    console.print(look.hairline("Receipts"), width=width)
    for nth, receipt in enumerate(kept):
        figure = str(nth + 1).rjust(3)
        question = look.text(receipt["says"])
        for at, line in enumerate(question.wrap(console, width - 5)):
            console.print(Text.assemble((figure if at == 0 else "   ", "accent"), "  ", line), crop=False)
        samples = ", ".join(receipt["samples"])
        known = receipt["known_at"].astimezone(ZoneInfo(receipt.get("zone", "UTC"))).strftime("%Y-%m-%d %H:%M")
        held = "" if receipt.get("verified", True) else "no longer reproducible"
        parts = [_answered(receipt["values"]), words.counted(receipt["count"], "row"), f"known {known}"]
        parts += [f"digest {receipt['digest'][:12]}", held]
        told = " · ".join(p for p in parts if p) + (f" · {samples}" if samples else "")
        for line in look.text(told, "faint").wrap(console, width - 5):
            console.print(Text("     ").append_text(line), crop=False)


def _answered(values: Sequence[float | str | None]) -> str:
    """The answer of a receipt: its value, or the newest three of many."""
    said = ["none" if v is None else v if isinstance(v, str) else words.number(v) for v in values[-3:]]
    return ("... " if len(values) > 3 else "") + ", ".join(said)


def _raised(said: str) -> str:
    return said[:1].upper() + said[1:]


def listed(console: Console, alerts: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Alerts as a list, two lines each: how bad, who, what it is worth, how it stands; the sentence and its shape."""
    width = min(console.width, WIDEST)
    for alert in alerts:
        console.print(_row_head(alert, now, width), no_wrap=True, overflow="ellipsis")
        line = _spark(alert["shape"], look.colour_of(alert["severity"], alert["polarity"]))
        told = look.text(alert["headline"]).wrap(console, width - 2 - SPARK - 2)
        for nth, part in enumerate(told):
            part.rstrip()
            one = Text("  ").append_text(part)
            if nth == 0 and line:
                one.append(" " * (width - SPARK - 2 - part.cell_len + SPARK - line.cell_len)).append_text(line)
            console.print(one, no_wrap=True, overflow="ellipsis")


def _spark(shape: Mapping[str, Any] | None, style: str) -> Text:
    """The shape of an alert in one line; daily counts are added up, so that a long silence shows what it ended."""
    if shape is None:
        return Text()
    values, held = shape["values"], set(shape["held"])
    if shape["grain"] == "day" and shape["rate"] and len(values) > SPARK:
        step = -(-len(values) // SPARK)
        first = len(values) % step
        parts = [range(max(0, at), at + step) for at in range(first - step if first else 0, len(values), step)]
        values = [sum(values[i] or 0.0 for i in part) for part in parts]
        return look.spark(
            values, held=[n for n, part in enumerate(parts) if held & set(part)], style=style, width=SPARK
        )
    cut = max(0, len(values) - SPARK)
    marked = [i - cut for i in held if i >= cut]
    return look.spark(values[cut:], band=shape["usual"], held=marked, style=style, width=SPARK)


def _row_head(alert: Mapping[str, Any], now: datetime, width: int) -> Text:
    over = alert["closed_at"] or now
    days = max((over - alert["opened_at"]).days, 0)
    lasted = words.counted(days, "day") if days else "new"
    state = {
        "closed": f"{alert['close_reason']} after {words.counted(days, 'day')}",
        "snoozed": f"snoozed to {alert['snoozed_until']:%-d %b}" if alert["snoozed_until"] else "snoozed",
        "acknowledged": f"acknowledged, {lasted}",
    }.get(alert["state"], f"{lasted}, backlog" if alert["backlog"] else lasted)
    right = look.text(f"{state} · {alert['alert']}", "faint")
    head = Text.assemble(look.dot(alert["severity"], alert["polarity"]), " ")
    head.append_text(look.text(alert["account"], "bold"))
    aside = " · ".join(part for part in (alert["worth"], alert["owner"]) if part)
    if aside:
        head.append("  ").append_text(look.text(aside, "soft"))
    head.truncate(max(width - right.cell_len - 2, 10), overflow="ellipsis")
    return head.append(" " * max(2, width - head.cell_len - right.cell_len)).append_text(right)
