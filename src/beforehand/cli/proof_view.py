"""How proof looks in the terminal: counts first, rivals beside, the untouched part apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from beforehand.cli import look
from beforehand.cli.look import Column
from beforehand.story import words

Row = Mapping[str, Any]
MANY = 4  # signals: from here on one table for all instead of one for each
LONGEST = 40  # names in a list


def backtest(result: Mapping[str, Any]) -> None:
    """The figures of each signal; with episodes, by name."""
    out = look.console()
    rows: Sequence[Row] = result["signals"]
    if not rows:
        out.print(look.text("No signal is on. Put one into signals/, or name one that is off.", "soft"))
        return
    out.print()
    if len(rows) < MANY:
        for row in rows:
            _one(out, row)
    else:
        _overview(out, rows)
    _notes(out, result)
    if "episodes" in result:
        for row in rows:
            _by_name(out, row["signal"], result)


def _one(out: Console, row: Row) -> None:
    weekly = row["episodes_per_week"]
    aside = f"{words.counted(row['episodes'], 'alert')}" + (f", {words.number(weekly)} a week" if weekly else "")
    out.print(look.heading(row["signal"], aside))
    if row["since"] is None:
        out.print(look.text("  There is no closed period to test it on yet.", "soft"))
        out.print()
        return
    out.print(look.inset(look.text(row["words"])))
    out.print(look.inset(look.text(_frame(row), "soft")))
    out.print()
    if row["episodes"] and row["standing"] != "unknown":
        untouched = row["untouched"]
        lines = [
            ("this signal", row),
            ("quiet longest", row["rivals"]["recency"]),
            ("by lot", row["rivals"]["random"]),
            ("untouched part", untouched),
            ("quiet longest", untouched["rivals"]["recency"]),
            ("by lot", untouched["rivals"]["random"]),
        ]
        columns: list[Column | str] = [
            Column("", least=14), Column("right", figures=True), Column("precision", figures=True),
            Column("lift", figures=True), Column("caught", figures=True), Column("days early", figures=True),
        ]  # fmt: skip
        out.print(look.inset(look.table(columns, [_line(name, part) for name, part in lines])))
        _strip(out, row)
        out.print()


def _frame(row: Row) -> str:
    since, until = row["since"], row["until"]
    said = (
        f"Tested {since:%-d %b %Y} to {until:%-d %b %Y} against `{row['outcome']}` within {row['horizon_days']:g} days"
    )
    if row["base_rate"] is not None:
        said += f"; of any account {words.percent(row['base_rate'])}"
    extra = [
        f"{words.counted(row[key], label, label)}"
        for key, label in (("too_late", "too late"), ("unfinished", "unfinished"))
        if row[key]
    ]
    return said + (f" · {', '.join(extra)}" if extra else "")


def _line(name: str, part: Row) -> list[Any]:
    done = part["episodes"] - part["unfinished"]
    lead = part["lead_days"]
    return [
        look.text(name, "" if name in ("this signal", "untouched part") else "soft"),
        f"{words.number(part['right'])} of {words.number(done)}" if done else "–",
        _interval(part["precision"]),
        None if part["lift"] is None else f"{part['lift']:.1f}",
        f"{words.number(part['caught'])} of {part['could_be_caught']}" if part["could_be_caught"] else None,
        None if lead["p50"] is None else _soft(f"{lead['p50']:.0f} ", f"{lead['p25']:.0f}–{lead['p75']:.0f}"),
    ]


def _interval(share: Sequence[float | None]) -> Text | None:
    value, low, high = share
    if value is None or low is None or high is None:
        return None
    return _soft(f"{words.percent(value)} ", f"{words.percent(low)[:-1]}–{words.percent(high)}")


def _soft(said: str, aside: str) -> Text:
    return Text(said).append(aside, style="soft")


def _strip(out: Console, row: Row) -> None:
    """When the right alerts came: from the outcome on the right back to the horizon on the left."""
    counts = list(reversed(row["lead_counts"]))
    if not any(counts):
        return
    strip = Text("  right alerts, days before: ", style="soft")
    strip.append(f"{row['horizon_days']:g} ", style="faint")
    strip.append_text(look.spark(counts, style="accent", held=range(len(counts)), width=len(counts)))
    strip.append(" 0", style="faint")
    began = row["lead_days_to_began"]["p50"]
    if began is not None:
        when = "after" if began < 0 else "before"
        strip.append(f"  (median {abs(began):.0f} days {when} it began)", style="soft")
    out.print(strip)


STANDINGS = (
    ("better", "Better than chance and than naming whoever has been quiet longest"),
    ("recency", "Better than chance, not shown to be better than naming whoever has been quiet longest"),
    ("chance", "Not shown to be better than drawing accounts by lot"),
    ("unknown", "Nothing to judge by yet"),
)
WIDE = 92  # characters: from here on the overview has room for who was caught


def _overview(out: Console, rows: Sequence[Row]) -> None:
    wide = out.width >= WIDE
    columns: list[Column | str] = [
        Column("signal", wraps=True, least=20), Column("right", figures=True), Column("95%", figures=True),
        Column("quiet", figures=True), Column("lot", figures=True), Column("early", figures=True),
        *([Column("caught", figures=True)] if wide else []), Column("untouched", figures=True),
    ]  # fmt: skip
    out.print(look.table(columns, [_short(row, wide) for row in rows]))
    out.print()
    out.print(look.text("quiet, lot: the precision of naming as many accounts by silence, or by lot.", "faint"))
    out.print(look.text("early: days, median. untouched: right in the last quarter of the closes.", "faint"))
    out.print()
    for standing, said in STANDINGS:
        names = [row["signal"] for row in rows if row["standing"] == standing]
        if names:
            out.print(look.heading(f"{said}:"))
            out.print(look.inset(look.text(words.listed(names) + ".")))
    out.print()


def _short(row: Row, wide: bool) -> list[Any]:
    def right(part: Row) -> str:
        done = part["episodes"] - part["unfinished"]
        return f"{words.number(part['right'])} of {words.number(done)}" if done else "–"

    def share(part: Row) -> str | None:
        return None if part["precision"][0] is None else words.percent(part["precision"][0])

    value, low, high = row["precision"]
    lead = row["lead_days"]["p50"]
    caught = f"{row['caught']:g}/{row['could_be_caught']}" if row["could_be_caught"] else None
    return [
        row["signal"], right(row), None if value is None else f"{words.percent(low)[:-1]}–{words.percent(high)}",
        share(row["rivals"]["recency"]), share(row["rivals"]["random"]), None if lead is None else f"{lead:.0f}",
        *([caught] if wide else []), right(row["untouched"]),
    ]  # fmt: skip


def _notes(out: Console, result: Mapping[str, Any]) -> None:
    if result["assumed_arrival"]:
        out.print(look.text("Arrival times assumed: some facts were taken as known the moment they happened.", "soft"))
    for row in result["signals"]:
        if row.get("in_incidents"):
            apart = row["apart_from_incidents"]
            done = words.number(apart["episodes"] - apart["unfinished"])
            alerts = words.counted(row["in_incidents"], "alert")
            out.print(
                look.text(
                    f"{row['signal']}: {alerts} opened while the data were wrong; without them right "
                    f"{words.number(apart['right'])} of {done}.",
                    "soft",
                )
            )
        if row["fields_without_history"]:
            fields = words.listed(row["fields_without_history"])
            out.print(
                look.text(f"{row['signal']}: {fields} came without history and was taken as it is today.", "soft")
            )


def _by_name(out: Console, signal: str, result: Mapping[str, Any]) -> None:
    mine = [episode for episode in result["episodes"] if episode["signal"] == signal]
    missed = [miss for miss in result["missed"] if miss["signal"] == signal]
    out.print()
    out.print(look.hairline(signal))
    for title, chosen in (
        ("Hits", [e for e in mine if e["right"]]),
        ("Too late", [e for e in mine if e["too_late"]]),
        ("False alarms", [e for e in mine if e["right"] is False and not e["too_late"]]),
        ("Not finished", [e for e in mine if e["right"] is None]),
    ):
        if chosen:
            out.print(look.heading(title, str(len(chosen))))
            for episode in chosen[:LONGEST]:
                out.print(_named(episode))
            _rest(out, len(chosen))
    if missed:
        out.print(look.heading("Missed", str(len(missed))))
        for miss in missed[:LONGEST]:
            out.print(look.inset(look.line(miss["account"], look.text(f"gone {_day(miss['outcome_at'])}", "soft"))))
        _rest(out, len(missed))


def _named(episode: Row) -> Any:
    lead = episode["lead_days"]
    until = f"to {_day(episode['closed_at'])}" if episode["closed_at"] else "and still open"
    said = f"{_day(episode['opened_at'])} {until}" + (f", {lead:.0f} days early" if lead is not None else "")
    name = look.text(episode["account"])
    if episode["scope"]:
        name.append(f" / {episode['scope']}", style="soft")
    return look.inset(look.line(name, look.text(said, "soft")))


def _rest(out: Console, count: int) -> None:
    if count > LONGEST:
        out.print(look.inset(look.text(f"and {count - LONGEST} more (--json has all)", "faint")))


def _day(at: datetime) -> str:
    return f"{at:%-d %b %Y}"


def diff(result: Mapping[str, Any]) -> None:
    """What changed between two versions, signal by signal, and the alerts by name."""
    out = look.console()
    out.print()
    out.print(look.text(f"From {result['from']} to {result['to']}", "soft"))
    out.print()
    changed = [row for row in result["signals"] if row["change"] != "same"]
    if not changed:
        out.print(look.text("Every signal means the same in both; no alert would be different.", "soft"))
        return
    columns: list[Column | str] = [
        Column("signal", wraps=True, least=20), "", Column("added", figures=True), Column("removed", figures=True),
        Column("moved", figures=True), Column("right", figures=True), Column("then", figures=True),
    ]  # fmt: skip
    out.print(look.table(columns, [_compared(row) for row in changed]))
    for kind in ("added", "removed", "moved"):
        if result[kind]:
            out.print()
            out.print(look.heading(kind.capitalize(), str(len(result[kind]))))
            for episode in result[kind][:LONGEST]:
                was = f"was {_day(episode['was_opened_at'])}" if kind == "moved" else ""
                fate = {True: "right", False: "wrong", None: "not finished"}[episode["right"]]
                said = look.text(_day(episode["opened_at"]), "soft")
                out.print(
                    look.inset(look.line(episode["account"], episode["signal"], said, was, look.text(fate, "soft")))
                )
            _rest(out, len(result[kind]))


def _compared(row: Row) -> list[Any]:
    def right(part: Row | None) -> str | None:
        if part is None:
            return None
        done = part["episodes"] - part["unfinished"]
        return f"{words.number(part['right'])} of {words.number(done)}" if done else "–"

    return [row["signal"], row["change"], row["added"], row["removed"], row["moved"],
            right(row["before"]), right(row["after"])]  # fmt: skip


def risk(result: Mapping[str, Any]) -> None:
    """Accounts by risk, with the reasons."""
    out = look.console()
    if not result["accounts"]:
        out.print(look.text("No account has an open alert of a risk signal.", "soft"))
        return
    out.print()
    rows = []
    for account in result["accounts"]:
        for at, reason in enumerate(account["reasons"]):
            first = at == 0
            rows.append([account["account"] if first else None, words.percent(account["risk"]) if first else None,
                         reason["signal"], _record(reason), look.text(_day(reason["since"]), "soft")])  # fmt: skip
    columns: list[Column | str] = [
        Column("account", wraps=True, least=14),
        Column("risk", figures=True),
        "because of",
        "its record",
        "since",
    ]
    out.print(look.table(columns, rows))


def _record(reason: Row) -> Text:
    if reason["right"] is None:
        return look.text("no record yet", "faint")
    return look.text(f"right {reason['right']} of {reason['finished']}", "soft")


def judged(result: Mapping[str, Any]) -> None:
    """Where the sentence holds: one line per account, its series drawn, and the stretches in which it held."""
    out = look.console()
    out.print()
    out.print(look.heading(result["sentence"], f"by {result['grain']}"))
    for note in result["notes"]:
        out.print(look.text(note, "soft"))
    by_account: dict[str, list[Row]] = {}
    for row in result["rows"]:
        by_account.setdefault(row["account"], []).append(row)
    holding = {account: rows for account, rows in by_account.items() if any(row["verdict"] == "holds" for row in rows)}
    out.print(look.text(f"It holds at some time for {len(holding)} of {len(by_account)} accounts.", "soft"))
    out.print()
    lines = []
    for account, rows in list(holding.items())[:LONGEST]:
        held = [at for at, row in enumerate(rows) if row["verdict"] == "holds"]
        strip = look.spark([row["value"] for row in rows], held=held, style="accent", width=20)
        lines.append([account, strip, _stretches(rows, result["grain"])])
    if lines:
        out.print(
            look.table(
                [Column("account", wraps=True, least=12), "last 20", Column("held", wraps=True, least=22)], lines
            )
        )
        _rest(out, len(holding))


def _stretches(rows: Sequence[Row], grain: str) -> Text:
    """The stretches of time in which the verdict was `holds`, the last ones first."""
    found: list[tuple[Row, Row]] = []
    before = None
    for row in rows:
        if row["verdict"] == "holds":
            found = [*found[:-1], (found[-1][0], row)] if before == "holds" else [*found, (row, row)]
        before = row["verdict"]
    form = "%-d %b %Y" if grain in ("day", "week", "month", "quarter") else "%-d %b %Y %H:%M"
    said = [
        f"{first['start']:{form}}" + ("" if first is last else f" to {last['start']:{form}}")
        for first, last in reversed(found[-3:])
    ]
    more = f" and {len(found) - 3} times before" if len(found) > 3 else ""
    return look.text("; ".join(said) + more, "soft")
