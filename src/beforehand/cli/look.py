"""How the terminal looks: palette, tables, sparklines and charts, for every command.

Words first and few means: the reader's own foreground, two greys, one accent, and colour only where it says how bad
something is or that it is good news. Hairlines instead of boxes. Everything stays readable in 80 columns, without
colour and in a pipe, because meaning is never carried by colour alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Literal

from rich.box import Box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from beforehand.story import words

SEVERITIES = ("critical", "high", "medium", "low")
MARKS = {"critical": "●", "high": "●", "medium": "●", "low": "○", "growth": "▲"}
BLOCKS = "▁▂▃▄▅▆▇"  # not the full block: lines of sparks would run into one another

# The warm palette of the pages, for terminals whose background is known, and one of middle lightness (about 4.5 to 1
# on black and on white) for those that do not tell.
PALETTES = {
    "light": {"accent": "#0f6b64", "critical": "#b42318", "high": "#b3590a", "medium": "#7a6b0c", "growth": "#23743b",
              "soft": "#5f5a52", "faint": "#767068", "hair": "#d8d3cb", "band": "#cfc9be", "field": "on #efebe4"},
    "dark": {"accent": "#5cc4ba", "critical": "#ff8a7a", "high": "#f2a65a", "medium": "#d8c45a", "growth": "#7fcf96",
             "soft": "#a39c91", "faint": "#8f887d", "hair": "#3a3732", "band": "#4d4a43", "field": "on #262420"},
    "either": {"accent": "#0e837a", "critical": "#d8412f", "high": "#b8610a", "medium": "#8a7610", "growth": "#2e8547",
               "soft": "#7d776e", "faint": "#7d776e", "hair": "#7d776e", "band": "#7d776e", "field": "none"},
}  # fmt: skip
HAIR = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")


def background() -> Literal["light", "dark", "either"]:
    """What the terminal says of its background (COLORFGBG, as rxvt, Konsole and iTerm set it)."""
    last = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    if not last.isdigit():
        return "either"
    return "light" if int(last) in (7, 9, 10, 11, 12, 13, 14, 15) else "dark"


def theme(ground: Literal["light", "dark", "either"] | None = None) -> Theme:
    """The named styles: accent, soft, faint, hair, strong, and one per severity and for growth."""
    colours = PALETTES[ground or background()]
    return Theme({**colours, "low": colours["soft"], "strong": "bold"}, inherit=True)


def console(*, stderr: bool = False, width: int | None = None, file: IO[str] | None = None) -> Console:
    """The console every command prints to: plain in a pipe and under NO_COLOR; it does not guess at highlights."""
    return Console(theme=theme(), highlight=False, stderr=stderr, width=width, file=file, emoji=False, markup=True)


def tinted(of: Console) -> bool:
    """Whether a faint background may be laid under things: in colour, and where the terminal tells what it has."""
    return of.color_system is not None and bool(of.get_style("field").bgcolor)


def text(value: object, style: str = "") -> Text:
    """Any value as text that cannot be markup and cannot steer the terminal: control characters become `·`."""
    said = "".join(c if c == "\n" or (c.isprintable() or c == " ") else "·" for c in str(value))
    return Text(said, style=style)


def line(*parts: Text | str | None) -> Text:
    """Parts on one line with a soft dot between them; what is empty or None is left out."""
    shown = [text(p) if isinstance(p, str) else p for p in parts if p is not None and len(p)]
    return Text(" · ", style="faint").join(shown)


def heading(said: str, aside: str = "") -> Text:
    """A heading in one weight up, with an aside in grey."""
    return Text.assemble(text(said, "bold"), "  " if aside else "", text(aside, "soft"))


def hairline(said: str = "") -> RenderableType:
    """A thin line over the whole width, with a small heading where one is given."""
    return Rule(text(said, "soft") if said else "", style="hair", characters="─", align="left")


def inset(body: RenderableType, left: int = 2) -> RenderableType:
    """The body moved in from the left."""
    return Padding(body, (0, 0, 0, left), expand=False)


def dot(severity: str, polarity: str = "risk") -> Text:
    """How bad it is, in one mark: filled from medium up, hollow for low, a triangle for growth."""
    kind = "growth" if polarity == "growth" else severity
    return Text(MARKS.get(kind, "●"), style=kind if kind in MARKS else "soft")


def colour_of(severity: str, polarity: str = "risk") -> str:
    """The style that goes with an alert."""
    return "growth" if polarity == "growth" else severity if severity in SEVERITIES else "soft"


def out_of(part: int, whole: int) -> Text:
    """Counts before percentages: `9 of 14` and, softly, `64%`; below ten a percentage would say too much."""
    said = Text(f"{words.number(part)} of {words.number(whole)}")
    if whole >= 10:
        said.append(f"  {words.percent(part / whole)}", style="soft")
    return said


def interval(low: float, high: float) -> Text:
    """An interval of fractions: 39 to 84%."""
    return Text(f"{words.percent(low)[:-1]} to {words.percent(high)}", style="soft")


@dataclass(frozen=True)
class Column:
    """One column of a table: figures stand right, the column that may wrap says so, the rest keeps to one line."""

    title: str
    figures: bool = False
    wraps: bool = False
    style: str = ""
    least: int | None = None


def table(columns: Sequence[Column | str], rows: Iterable[Sequence[object]]) -> Table:
    """A table with one hairline under its head. Cells are plain values (None: nothing) or Rich renderables."""
    laid = Table(box=HAIR, show_edge=False, pad_edge=False, header_style="faint", border_style="hair", padding=(0, 1))
    for given in columns:
        column = Column(given) if isinstance(given, str) else given
        laid.add_column(
            text(column.title),
            justify="right" if column.figures else "left",
            no_wrap=not column.wraps,
            overflow="fold" if column.wraps else "ellipsis",
            ratio=1 if column.wraps else None,
            style=column.style or None,
            min_width=column.least,
        )
    for row in rows:
        laid.add_row(*(_cell(value) for value in row))
    return laid


def _cell(value: object) -> RenderableType:
    if value is None:
        return Text("")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int | float):
        return Text(words.number(value))
    return text(value) if isinstance(value, str) else value  # type: ignore[return-value]


def spark(
    values: Sequence[float | None],
    *,
    band: tuple[float, float] | None = None,
    held: Iterable[int] = (),
    style: str = "",
    width: int = 16,
) -> Text:
    """One line of the last `width` values: usual ones faint, unusual ones less so.

    The points in `held` (indices into `values`), which made the signal hold, take `style`. The scale starts at zero
    unless values are negative, so that a fall looks as deep as it is. Not known is a dot.
    """
    first = max(0, len(values) - width)
    known = [v for v in values[first:] if v is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    marked, drawn = set(held), Text()
    for at in range(first, len(values)):
        value = values[at]
        if value is None:
            drawn.append("·", style="faint")
            continue
        step = round((value - low) / (high - low) * (len(BLOCKS) - 1)) if high > low else 0
        usual = band is not None and band[0] <= value <= band[1]
        drawn.append(BLOCKS[step], style=style if at in marked else "band" if usual or band is None else "soft")
    return drawn


def progress_shown() -> bool:
    """Whether a progress bar makes sense: only where somebody looks at standard error."""
    return sys.stderr.isatty()
