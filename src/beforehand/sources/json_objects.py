"""The objects of a JSON file of any size, one at a time: lines, one document, an array, or documents one by one.

Lists at the first level of a document are taken apart where they are among those asked for: `{"tickets": [...]}` gives
each ticket, whatever the size of the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO, Any

LONGEST = 80_000_000
"""Characters of one object: a message of 10 MB in whatever way JSON escapes it."""
_CHUNK, _FIRST_LINE = 1 << 18, 8_000_000
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Found:
    """One value: the list or key it stands under ('' for a document), and the line it begins at.

    `broken` says why nothing more could be read at this place; `value` is then how it begins.
    """

    under: str
    value: Any
    line: int
    broken: str | None = None


def objects(stream: IO[bytes], apart: Collection[str]) -> Iterator[Found]:
    """The objects of a seekable stream, and those of the lists named `apart` before the one that holds them.

    Lines of JSON are read each for itself, so that a bad one costs nothing but itself.
    """
    first = stream.readline(_FIRST_LINE)  # a longer one is rather a document on one line
    stream.seek(0)
    if _whole(first.removeprefix(b"\xef\xbb\xbf")):
        yield from _lines(stream, apart)
    else:
        yield from _documents(_Text(stream), apart)


def _whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lines(stream: IO[bytes], apart: Collection[str]) -> Iterator[Found]:
    number = 0
    while raw := stream.readline(LONGEST):
        number += 1
        if len(raw) == LONGEST and not raw.endswith(b"\n"):
            while (rest := stream.readline(1 << 20)) and not rest.endswith(b"\n"):
                pass
            yield Found("", _shown(raw), number, f"the line is longer than {LONGEST:,} bytes")
            continue
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            continue
        try:
            value = json.loads(raw.decode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            yield Found("", _shown(raw), number, f"the line is not JSON: {_why(error)}")
            continue
        if isinstance(value, dict):
            yield from _taken_apart(value, number, apart)
        else:
            yield Found("", _shown(raw), number, "the line is not a JSON object")


def _taken_apart(value: dict[str, Any], line: int, apart: Collection[str]) -> Iterator[Found]:
    """A document that was read whole."""
    for key in [key for key in value if key in apart and isinstance(value[key], list)]:
        for one in value.pop(key):
            yield Found(key, one, line)
    yield Found("", value, line)


class _Text:
    """A window over a stream of UTF-8 that is decoded, filled as far as needed, and counts its lines."""

    def __init__(self, stream: IO[bytes]) -> None:
        import codecs

        self.stream = stream
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text, self.at, self.ended, self.passed = "", 0, False, 0
        self.begun = False

    def fill(self, wanted: int = _CHUNK) -> bool:
        """Reads on; False at the end of the stream."""
        if self.ended:
            return False
        raw = self.stream.read(max(wanted, _CHUNK))
        self.ended = not raw
        if self.at:
            self.passed += self.text.count("\n", 0, self.at)
            self.text, self.at = self.text[self.at :], 0
        new = self.decoder.decode(raw, final=self.ended)
        if not self.begun and new:
            new, self.begun = new.removeprefix("\ufeff"), True
        self.text += new
        return bool(new) or not self.ended

    @property
    def line(self) -> int:
        """The line (from 1) the window is at."""
        return self.passed + self.text.count("\n", 0, self.at) + 1

    def next(self) -> str:
        """The next sign that is no blank, not taken; '' at the end."""
        while True:
            found = _SPACE.match(self.text, self.at)
            assert found is not None
            self.at = found.end()
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.fill():
                return ""

    def take(self, sign: str) -> bool:
        """Takes a sign if it is the next."""
        if self.next() != sign:
            return False
        self.at += 1
        return True

    def value(self) -> Any:
        """The next value; ValueError where it is none, or does not end."""
        self.next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except RecursionError:
                raise ValueError("it is nested too deeply") from None
            except json.JSONDecodeError as error:
                # The mistake may be that the rest is not here yet; doubled each time, the work stays linear.
                held = len(self.text) - self.at
                torn = error.pos >= len(self.text) - 16 or error.msg.startswith("Unterminated string")
                if held > LONGEST:
                    raise ValueError(f"one value is longer than {LONGEST:,} characters") from None
                if not torn or not self.fill(held):
                    raise ValueError(_why(error)) from None
                continue
            if end == len(self.text) and self.fill():  # a number may go on
                continue
            self.at = end
            return value


def _documents(text: _Text, apart: Collection[str]) -> Iterator[Found]:
    while sign := text.next():
        line = text.line
        try:
            if sign == "[":
                yield from _array(text, "")
            elif sign == "{":
                yield from _object(text, apart)
            elif sign == ",":
                text.at += 1
            else:
                raise ValueError("no object begins here")
        except ValueError as error:
            shown = text.text[text.at : text.at + 10_000]
            yield Found("", shown, max(line, text.line), f"what follows cannot be read as JSON: {error}")
            return


def _object(text: _Text, apart: Collection[str]) -> Iterator[Found]:
    """An object at the first level."""
    line = text.line
    text.at += 1
    rest: dict[str, Any] = {}
    while not text.take("}"):
        key = text.value()
        if not isinstance(key, str) or not text.take(":"):
            raise ValueError("a key and a colon are expected")
        if key in apart and text.next() == "[":
            yield from _array(text, key)
        else:
            rest[key] = text.value()
        if not text.take(",") and text.next() != "}":
            raise ValueError("a comma or the end of the object is expected")
    yield Found("", rest, line)


def _array(text: _Text, under: str) -> Iterator[Found]:
    text.at += 1
    while not text.take("]"):
        text.next()
        line = text.line
        yield Found(under, text.value(), line)
        if not text.take(",") and text.next() != "]":
            raise ValueError("a comma or the end of the list is expected")


def _why(error: Exception) -> str:
    return (
        f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
    )


def _shown(raw: bytes) -> str:
    return raw[:10_000].decode("utf-8", "replace")
