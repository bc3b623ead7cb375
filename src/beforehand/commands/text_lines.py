"""Reads messages to try a reader on: JSON lines with `id`, `text`, `account`, `person` and `at`."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from beforehand.errors import InputError, Problem, Problems, nearest

COLUMNS = ("id", "text", "account", "person", "at")
# A message of 10 MB is read, in whatever way JSON escapes it; a longer line is no message.
LONGEST_LINE = 80_000_000
PIECE = 1_000_000
# Messages taken at once: as many as make a batch worth while, few enough (and short enough) that memory stays flat.
TOGETHER = 2_000
CHARACTERS_TOGETHER = 8_000_000
MOST_PROBLEMS = 50
KINDS = {
    dict: "an object", list: "a list", bool: "true or false", type(None): "null", int: "a number", float: "a number",
}  # fmt: skip
Progress = Callable[[str, int, int], None]
EXAMPLE = 'Write {"id": "m1", "text": "..."}.'


@dataclass(frozen=True)
class Message:
    """One line of the file; what it says besides the text is given back as it came."""

    line: int
    text: str
    columns: dict[str, Any]


def batches_of(
    file: str, progress: Progress | None = None, standard_input: IO[bytes] | None = None
) -> Iterator[list[Message]]:
    """The messages of a file, some at a time; `progress` is told what is done, how far and of how much.

    Raises, after all good lines, Problems with the number of each line that cannot be read (at most `MOST_PROBLEMS`,
    and how many more), and InputError where the file is not there.
    """
    problems: list[Problem] = []
    left_out = 0

    def bad(problem: Problem) -> None:
        nonlocal left_out
        left_out += 1
        if len(problems) < MOST_PROBLEMS:
            problems.append(problem)

    def done(read: int, size: int) -> None:
        if progress and size:
            progress("reading", read, size)

    part: list[Message] = []
    held = 0
    for message in read_messages_file(file, bad, done, standard_input):
        part.append(message)
        held += len(message.text)
        if len(part) == TOGETHER or held > CHARACTERS_TOGETHER:
            yield part
            part, held = [], 0
    if part:
        yield part
    if problems:
        if left_out > len(problems):
            more = f"{left_out - len(problems):,} more lines cannot be read."
            problems.append(Problem(problems[-1].file, None, "bad-row", more))
        raise Problems(problems)


def read_messages_file(
    file: str, bad: Callable[[Problem], None], done: Callable[[int, int], None], standard_input: IO[bytes] | None = None
) -> Iterator[Message]:
    """The messages of a file (`.gz` too) or of standard input for `-`, one at a time.

    A line that cannot be read goes to `bad` with its number and is left out. `done` is told bytes read and bytes in
    all (0 where nobody knows). Raises InputError where the file is not there or is damaged.
    """
    name = "standard input" if file == "-" else Path(file).name
    if file != "-" and Path(file).is_dir():
        raise InputError(f"{file} is a folder.", "Name a file of JSON lines, or -.", code="not-a-file")
    try:
        size = 0 if file == "-" else Path(file).stat().st_size
        with _opened(file, standard_input) as (stream, position):
            number = 0
            while raw := stream.readline(LONGEST_LINE):
                number += 1
                if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                    _skip_line(stream)
                    bad(Problem(name, number, "too-large", f"This line is longer than {LONGEST_LINE:,} bytes."))
                    continue
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                    _check_first(raw, name)
                done(position(), size)
                if not raw.strip():
                    continue
                message = _message(raw, number, name)
                if isinstance(message, Problem):
                    bad(message)
                else:
                    yield message
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{name} cannot be unpacked: {error}.", "Pack it anew with gzip.", code="damaged") from None
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror or error}.",
            "Name a file, or - for standard input.",
            code="no-file",
        ) from None


class _opened:  # noqa: N801 - used as a function
    """The lines of a file, and how many of its bytes were read: those of the packed file where it is packed."""

    def __init__(self, file: str, standard_input: IO[bytes] | None) -> None:
        self.raw = (standard_input or sys.stdin.buffer) if file == "-" else Path(file).open("rb")  # noqa: SIM115
        self.close = file != "-"
        self.lines: IO[bytes] = gzip.GzipFile(fileobj=self.raw) if file.endswith(".gz") else self.raw  # type: ignore[assignment]

    def __enter__(self) -> tuple[IO[bytes], Callable[[], int]]:
        return self.lines, self.raw.tell if self.close else lambda: 0

    def __exit__(self, *_: object) -> None:
        if self.close:
            self.raw.close()


def _skip_line(stream: IO[bytes]) -> None:
    while (piece := stream.readline(PIECE)) and not piece.endswith(b"\n"):
        pass


def _check_first(raw: bytes, name: str) -> None:
    if raw.lstrip()[:1] == b"[":
        raise InputError(
            f"{name} is one JSON array.", "Write one JSON object a line: jq -c '.[]' FILE.", code="json-array"
        )
    if b"\x00" in raw[:200]:
        raise InputError(f"{name} is no text in UTF-8.", "Save it as UTF-8, without zero bytes.", code="not-text")


def _message(raw: bytes, number: int, name: str) -> Message | Problem:
    try:
        said = json.loads(_decoded(raw))
    except (ValueError, RecursionError) as error:
        why = f" ({error.msg}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        return Problem(name, number, "bad-row", f"This line is not JSON{why}.", EXAMPLE)
    if not isinstance(said, dict):
        return Problem(
            name, number, "bad-row", "This line is not one JSON object.", 'Write {"id": "m1", "text": "..."}.'
        )
    text = said.get("text")
    if "text" not in said:
        found = nearest("text", [str(key) for key in said])
        return Problem(
            name,
            number,
            "bad-row",
            "This line has no `text`.",
            f"Rename {found!r} to `text`." if found else _expected(),
        )
    if not isinstance(text, str):
        return Problem(name, number, "bad-row", f"`text` is {_kind(text)}, not a string.", _expected())
    identity = said.get("id", number)
    if isinstance(identity, dict | list):
        return Problem(name, number, "bad-row", f"`id` is {_kind(identity)}, not a string or a number.", _expected())
    columns = {"id": _whole(identity), **{key: _whole(said[key]) for key in COLUMNS[2:] if said.get(key) is not None}}
    return Message(number, _whole(text), columns)


def _decoded(raw: bytes) -> str:
    """UTF-8; a line that is not, as Windows writes it, so that one odd export is not lost for its accents."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _whole(value: Any) -> Any:
    """A value that can be written again: halves of characters (lone surrogates) become `?`, NaN becomes text."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if not value.isascii() else value
    return str(value) if isinstance(value, float) and value != value else value


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        bool: "true or false",
        type(None): "null",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "no text")


def _expected() -> str:
    return "Each line has `text`, and may have `id`, `account`, `person` and `at`."
