"""A chart as a small PNG, drawn in NumPy: mail programs show no SVG, and a chart needs nothing else.

The ground is transparent and every colour lies between light and dark, so that one picture can be read on both; words
and numbers stand around it as text, where they can be read aloud, searched and enlarged. Pure.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beforehand.channels.message import Chart

Plane = NDArray[np.floating[Any]]
Colour = tuple[int, int, int]

WIDTH, HEIGHT = 1072, 264  # twice what it is shown at
EDGE = 14.0
DASH = 20
KEPT = 64
"""So many pictures are kept: several people are told of one alert."""
LINE: Colour = (125, 118, 107)
BAND: Colour = (143, 136, 125)
TONES: dict[str, Colour] = {
    "critical": (217, 72, 58),
    "high": (207, 113, 24),
    "medium": (152, 133, 20),
    "low": (125, 118, 107),
    "growth": (47, 145, 80),
}
"""Of each severity, at least 3 to 1 against the light and the dark ground alike."""


@lru_cache(maxsize=KEPT)
def png(chart: Chart, tone: str = "") -> bytes:
    """A picture of a chart: line, usual band, threshold (dashed), and the points that made it hold in `tone`."""
    sheet = _Sheet()
    mark = TONES.get(tone, LINE)
    levels = [v for v in (chart.lower, chart.upper, chart.bound) if v is not None and math.isfinite(v)]
    known = [(at, v) for at, v in enumerate(chart.values) if v is not None and math.isfinite(v)]
    scale = _Scale([v for _, v in known] + levels, len(chart.values))
    if chart.lower is not None and chart.upper is not None:
        sheet.band(scale.y(chart.upper), scale.y(chart.lower))
    if chart.bound is not None:
        sheet.dashes(scale.y(chart.bound), mark)
    points = {at: (scale.x(at), scale.y(v)) for at, v in known}
    for at, here in points.items():
        if at - 1 in points:
            sheet.stroke(points[at - 1], here, 4.0, LINE)
        elif at + 1 not in points:
            sheet.disc(here, 4.0, LINE)  # alone between periods of which nothing is known
    for at in chart.held:
        if at in points:
            sheet.disc(points[at], 8.0, mark)
    return sheet.png()


class _Scale:
    """Where values and periods lie; zero is on it, so that a fall looks as deep as it is."""

    def __init__(self, values: Sequence[float], count: int) -> None:
        self.low = min(0.0, *values) if values else 0.0
        self.high = max(0.0, *values) if values else 1.0
        if self.high == self.low:
            self.high = self.low + 1.0
        self.count = count

    def x(self, at: int) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (at / (self.count - 1) if self.count > 1 else 0.5)

    def y(self, value: float) -> float:
        return EDGE + (HEIGHT - 2 * EDGE) * (1 - (value - self.low) / (self.high - self.low))


class _Sheet:
    """Pixels with their opacity; what is drawn later covers what lies under it."""

    def __init__(self) -> None:
        self.colour = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        self.opacity = np.zeros((HEIGHT, WIDTH), np.float32)

    def cover(self, rows: slice, columns: slice, part: Plane, colour: Colour) -> None:
        """Lays a colour over a part of the sheet, `part` of each pixel (0 to 1)."""
        under = self.opacity[rows, columns]
        after = part + under * (1 - part)
        share = np.divide(part, after, out=np.zeros_like(part), where=after > 0)[..., None]
        self.colour[rows, columns] = share * np.array(colour) + (1 - share) * self.colour[rows, columns]
        self.opacity[rows, columns] = after

    def band(self, top: float, bottom: float) -> None:
        """The usual range over the whole width."""
        over = slice(max(0, int(top) - 1), min(HEIGHT, math.ceil(bottom) + 1))
        rows = np.arange(HEIGHT, dtype=np.float32)[over] + 0.5
        inside = np.clip(np.minimum(rows - top, bottom - rows) + 0.5, 0, 1) * 0.24
        # It lies under all else, on nothing.
        self.opacity[over] = inside[:, None]
        self.colour[over][inside > 0] = BAND

    def dashes(self, y: float, colour: Colour) -> None:
        """A dashed line over the whole width."""
        # One of them, which ends before the next begins, laid over the sheet again and again.
        rows, columns, part = self._line((DASH + 2, y), (DASH + 10, y), 2.5)
        one = np.zeros((part.shape[0], DASH))
        one[:, : columns.stop - DASH] = part[:, DASH - columns.start :]
        self.cover(rows, slice(None), np.tile(one, -(-WIDTH // DASH))[:, :WIDTH], colour)

    def stroke(self, a: tuple[float, float], b: tuple[float, float], width: float, colour: Colour) -> None:
        """A line with round ends: each pixel by its distance from it."""
        rows, columns, part = self._line(a, b, width)
        self.cover(rows, columns, part, colour)

    def _line(self, a: tuple[float, float], b: tuple[float, float], width: float) -> tuple[slice, slice, Plane]:
        """How much of each pixel a line covers, and where these pixels are."""
        rows, columns, x, y = self._near(a, b, width)
        along = (b[0] - a[0], b[1] - a[1])
        length = along[0] ** 2 + along[1] ** 2
        t = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / length, 0, 1) if length else np.zeros_like(x + y)
        away = np.hypot(x - (a[0] + t * along[0]), y - (a[1] + t * along[1]))
        return rows, columns, np.clip(width / 2 + 0.5 - away, 0, 1)

    def disc(self, at: tuple[float, float], radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.stroke(at, at, radius * 2, colour)

    def _near(self, a: tuple[float, float], b: tuple[float, float], width: float) -> tuple[slice, slice, Plane, Plane]:
        left, right = min(a[0], b[0]) - width, max(a[0], b[0]) + width
        top, bottom = min(a[1], b[1]) - width, max(a[1], b[1]) + width
        columns = slice(max(0, int(left)), min(WIDTH, math.ceil(right) + 1))
        rows = slice(max(0, int(top)), min(HEIGHT, math.ceil(bottom) + 1))
        x = (np.arange(WIDTH)[columns] + 0.5)[None, :]
        y = (np.arange(HEIGHT)[rows] + 0.5)[:, None]
        return rows, columns, x, y

    def png(self) -> bytes:
        """The sheet as a PNG file with 8 bits for red, green, blue and opacity."""
        rows = np.zeros((HEIGHT, 1 + WIDTH * 4), np.uint8)
        pixels = rows[:, 1:].reshape(HEIGHT, WIDTH, 4)
        np.copyto(pixels[..., :3], np.rint(self.colour, out=self.colour), casting="unsafe")
        np.copyto(pixels[..., 3], np.rint(self.opacity * 255), casting="unsafe")
        header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 6, 0, 0, 0)
        return b"".join(
            [
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", header),
                _chunk(b"IDAT", zlib.compress(rows.tobytes(), 2)),
                _chunk(b"IEND", b""),
            ]
        )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
