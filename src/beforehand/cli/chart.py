"""A chart for the terminal: one line, its usual band, the threshold, the points that made the signal hold.

Drawn in braille (two by four dots a cell), so that it needs no graphics; the labels stand on the line and the band
instead of in a legend. The scale starts at zero unless values are negative: a fall looks as deep as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text

SHADE = "░"
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
LONGEST = {"hour": 72, "day": 45, "week": 26, "month": 24, "quarter": 12}
LEFT = 6
DOTTED = 7


@dataclass(frozen=True)
class Words:
    """How the chart says a value and the start of a period."""

    value: Callable[[float], str]
    day: Callable[[Any], str]


class _Field:
    """Cells of one chart: braille dots of the line, marks, and the rows of band and threshold."""

    def __init__(self, width: int, rows: int, low: float, high: float) -> None:
        self.width, self.rows, self.low, self.high = width, rows, low, high
        self.line = [[0] * width for _ in range(rows)]
        self.bound = [[0] * width for _ in range(rows)]
        self.marks: set[tuple[int, int]] = set()
        self.hot = range(0)

    def y(self, value: float) -> int:
        """The dot row of a value, from the top."""
        part = (value - self.low) / (self.high - self.low)
        return min(max(round((1 - part) * (self.rows * 4 - 1)), 0), self.rows * 4 - 1)

    def x(self, at: int, count: int) -> int:
        """The dot column of the period at a place."""
        return round(at * (self.width * 2 - 1) / max(count - 1, 1)) if count > 1 else self.width

    def stroke(self, a: tuple[int, int], b: tuple[int, int]) -> None:
        """Dots from one point to another."""
        steps = max(abs(a[0] - b[0]), abs(a[1] - b[1]), 1)
        for step in range(steps + 1):
            x, y = round(a[0] + (b[0] - a[0]) * step / steps), round(a[1] + (b[1] - a[1]) * step / steps)
            self.line[y // 4][x // 2] |= DOTS[y % 4][x % 2]

    def level(self, value: float) -> None:
        """A dashed line over the whole width: a dot pair of every second cell."""
        y = self.y(value)
        for column in range(self.width):
            self.bound[y // 4][column] |= DOTS[y % 4][0] if column % 2 else DOTS[y % 4][0] | DOTS[y % 4][1]


def chart(
    shape: Mapping[str, Any], say: Words, *, width: int, rows: int = 7, style: str = "", tinted: bool = False
) -> list[Text]:
    """The lines of a chart of `shape` (a story's series as plain data), at most `width` columns wide.

    Plain text says the same as colour: the points that made the signal hold are `●`, the usual band is shaded, and
    both, like the threshold, are named on the right. `tinted` says that the style `field` colours a background.
    """
    keep = LONGEST.get(str(shape["grain"]), 26)
    values: Sequence[float | None] = shape["values"][-keep:]
    starts = shape["starts"][-keep:]
    cut = len(shape["values"]) - len(values)
    held = {i - cut for i in shape["held"] if i >= cut}
    usual, threshold = shape["usual"], shape["threshold"]
    known = [v for v in values if v is not None]
    if not known:
        return [Text("nothing is known of these periods", style="faint")]
    high = max([*known, *(usual or ()), *([threshold] if threshold is not None else [])])
    low = min([0.0, *known])
    high = high if high > low else low + 1
    right = _labels(shape, values, say)
    left = max(LEFT, cell_len(say.value(high)) + 1, cell_len(say.value(low)) + 1)
    room = width - left - max(map(cell_len, right.values()), default=0) - 2
    field = _Field(max(12, min(room, 4 * len(values) if len(values) > 14 else 56)), rows, low, high)
    _draw(field, values, held, threshold)
    shaded = _band_rows(field, usual)
    placed = _place(field, right, usual, threshold, values)
    lines = []
    for row in range(rows):
        edge = say.value(high) if row == 0 else say.value(low) if row == rows - 1 else ""
        one = Text(edge.rjust(left - 1) + " ", style="faint")
        for column in range(field.width):
            one.append_text(_cell(field, (row, column), row in shaded, style, tinted))
        if row in placed:
            said, kind = placed[row]
            one.append("  ").append(said, style=style if kind in ("threshold", "last") else "faint")
        lines.append(one)
    lines.append(_axis(field, starts, shape["since"], cut, say, left))
    return lines


def _draw(field: _Field, values: Sequence[float | None], held: set[int], threshold: float | None) -> None:
    if threshold is not None:
        field.level(threshold)
    before: tuple[int, int] | None = None
    for at, value in enumerate(values):
        if value is None:
            before = None
            continue
        here = (field.x(at, len(values)), field.y(value))
        field.stroke(before or here, here)
        before = here
        if at in held and (len(held) <= DOTTED or at == max(held)):
            field.marks.add((here[1] // 4, here[0] // 2))
    if len(held) > DOTTED:
        # A point each would hide the line: the stretch itself takes the colour.
        field.hot = range(field.x(min(held), len(values)) // 2, field.x(max(held), len(values)) // 2 + 1)


def _cell(field: _Field, at: tuple[int, int], shaded: bool, style: str, tinted: bool) -> Text:
    row, column = at
    if at in field.marks:
        cell = Text("●", style=style)
    elif field.line[row][column]:
        cell = Text(chr(0x2800 + field.line[row][column]), style=style if column in field.hot else "")
    elif field.bound[row][column]:
        cell = Text(chr(0x2800 + field.bound[row][column]), style=style)
    else:
        cell = Text(SHADE if shaded and not tinted else " ", style="band")
    if shaded and tinted:
        cell.stylize("field")
    return cell


def _band_rows(field: _Field, usual: Sequence[float] | None) -> set[int]:
    """The rows at least half covered by the usual band; the nearest one where it is thinner than a row."""
    if not usual:
        return set()
    top, foot = field.y(usual[1]), field.y(usual[0])
    rows = {row for row in range(field.rows) if min(foot + 1, row * 4 + 4) - max(top, row * 4) >= 2}
    return rows or {(top + foot) // 2 // 4}


def _labels(shape: Mapping[str, Any], values: Sequence[float | None], say: Words) -> dict[str, str]:
    """What stands on the right, by what it names."""
    labels = {}
    usual, threshold = shape["usual"], shape["threshold"]
    if usual:
        low, high = say.value(usual[0]), say.value(usual[1])
        labels["usual"] = f"{shape['against']} {low}" if low == high else f"{shape['against']} {low} to {high}"
    edge = usual and threshold in usual
    if threshold is not None and not edge:
        labels["threshold"] = f"line {say.value(threshold)}"
    last = next((v for v in reversed(values) if v is not None), None)
    if last is not None:
        labels["last"] = say.value(last) if values[-1] is not None else ""
    return {kind: said for kind, said in labels.items() if said}


def _place(
    field: _Field,
    labels: Mapping[str, str],
    usual: Sequence[float] | None,
    threshold: float | None,
    values: Sequence[float | None],
) -> dict[int, tuple[str, str]]:
    """One label a row, each as near as can be to what it names; the last value comes first."""
    wanted: dict[str, float] = {}
    if usual:
        wanted["usual"] = (usual[0] + usual[1]) / 2
    if threshold is not None:
        wanted["threshold"] = threshold
    wanted["last"] = next((v for v in reversed(values) if v is not None), 0.0)
    placed: dict[int, tuple[str, str]] = {}
    for kind in ("last", "threshold", "usual"):
        if kind not in labels:
            continue
        row = field.y(wanted[kind]) // 4
        above = kind == "last" or wanted[kind] >= wanted["last"]
        tries = sorted(range(field.rows), key=lambda r: (abs(r - row), r > row if above else r < row))
        free = next((r for r in tries if r not in placed), None)
        if free is not None:
            placed[free] = (labels[kind], kind)
    return placed


def _axis(field: _Field, starts: Sequence[Any], since: int | None, cut: int, say: Words, left: int) -> Text:
    """The days under the chart: the first, the one where it left the band, the last."""
    count = len(starts)
    spots: list[tuple[int, str]] = [(0, say.day(starts[0]))]
    last = say.day(starts[-1])
    spots_last = max(field.width - cell_len(last), 0)
    marks: list[tuple[int, str, str]] = [(0, spots[0][1], "faint")]
    if since is not None and since >= cut and since - cut < count - 1:
        column = field.x(since - cut, count) // 2
        said = f"▴ {say.day(starts[since - cut])}"
        if column > cell_len(spots[0][1]) + 1 and column + cell_len(said) + 1 < spots_last:
            marks.append((column, said, "soft"))
        elif column > cell_len(spots[0][1]) + cell_len(said) + 2:
            said = f"{say.day(starts[since - cut])} ▴"
            start = min(column + 1, spots_last - 1) - cell_len(said)
            marks.append((start, said, "soft"))
    if count > 1 and spots_last > cell_len(spots[0][1]) + 1:
        marks.append((spots_last, last, "faint"))
    line = Text(" " * left)
    for column, said, style in marks:
        line.append(" " * max(0, left + column - line.cell_len)).append(said, style=style)
    return line
