"""How an experiment looks in the terminal: sizes first, then what each arm made of a difference, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from beforehand.cli import look
from beforehand.cli.look import Column
from beforehand.story import words

Row = Mapping[str, Any]
WIDTH = 31
"""Columns of the drawn interval; zero stands in the middle."""


def uplift(result: Row) -> None:
    """The arms, the differences with their intervals drawn on one scale, and whether the arms are to be believed."""
    out = look.console()
    shares = result["shares"]
    out.print()
    out.print(look.heading(result["outcome"], f"against {result['control']}"))
    out.print()
    out.print(
        look.table(
            [Column("arm"), Column("rows", figures=True), Column("share" if shares else "mean", figures=True)],
            [[look.text(a["arm"]), words.number(a["n"]), "" if a["mean"] is None else _level(a["mean"], shares)]
             for a in result["arms"]],
        )
    )  # fmt: skip
    out.print()
    ends = [abs(e[k]) for e in result["effects"] for k in ("lower", "upper") if e[k] is not None]
    reach = max(ends, default=0.0) or 1.0
    for row in result["effects"]:
        out.print(Text.assemble("  ", look.text(row["arm"], "bold"), "  ", _said(row, shares)))
        if row["lower"] is not None:
            out.print(Text.assemble("  ", _drawn(row, reach), "  ", look.text(_interval(row, shares), "soft")))
        out.print(look.inset(look.text(meaning(row, shares), "soft")))
        out.print()
    check = result["ratio_check"]
    if check["ok"]:
        out.print(look.inset(look.text("The arms are of the sizes they were drawn for.", "soft")))
    else:
        expected = ", ".join(f"{name} {words.percent(share)}" for name, share in check["expected"].items())
        out.print(
            look.inset(
                look.text(
                    f"The arms are not of the sizes they were drawn for ({expected}; p {_p(check['p'])}): somebody "
                    "was lost or drawn otherwise. Find out why before you believe a difference.",
                    "critical",
                )
            )
        )
    out.print()


def meaning(row: Row, shares: bool) -> str:
    """What an effect's figures come to, in a sentence."""
    seen = "" if row["detectable"] is None else _difference(row["detectable"], shares)
    match row["standing"]:
        case "too few":
            return "Too few to say." + (
                f" Only a difference of {seen} would have been seen 4 times of 5." if seen else ""
            )
        case "none shown":
            return f"No difference is shown. One of {seen}, up or down, would have been seen 4 times of 5."
        case how:
            return f"It is {how} than chance alone would make it: p {_p(row['p'])}."


def _said(row: Row, shares: bool) -> Text:
    style = {"higher": "growth", "lower": "critical"}.get(row["standing"], "soft")
    said = (
        "" if row["effect"] is None else ("+" if row["effect"] >= 0 else "−") + _difference(abs(row["effect"]), shares)
    )
    return Text(said, style=style)


def _interval(row: Row, shares: bool) -> str:
    low, high = (("+" if row[k] >= 0 else "−") + _bare(abs(row[k]), shares) for k in ("lower", "upper"))
    return f"95 %: {low} to {high}"


def _drawn(row: Row, reach: float) -> Text:
    """The interval as a line on a scale whose middle is no difference, with the effect as a dot."""
    middle = WIDTH // 2

    def at(value: float) -> int:
        return middle + round(value / reach * middle)

    low, high, dot = at(row["lower"]), at(row["upper"]), at(row["effect"])
    cells = ["─" if low <= i <= high else " " for i in range(WIDTH)]
    cells[middle] = "┼" if low <= middle <= high else "│"
    cells[dot] = "●"
    return Text("".join(cells), style="accent")


def _level(value: float, shares: bool) -> str:
    return f"{value * 100:.2f} %" if shares else f"{value:,.4g}"


def _bare(value: float, shares: bool) -> str:
    return f"{value * 100:.2f}" if shares else f"{value:,.4g}"


def _difference(value: float, shares: bool) -> str:
    return f"{value * 100:.2f} points" if shares else f"{value:,.4g}"


def _p(value: float) -> str:
    return "below 0.0001" if value < 0.0001 else f"= {value:.2g}"
