"""YAML as plain data that still knows its lines.

A file is composed into nodes (YAML 1.2: `yes` and `no` are words) and walked once into dicts, lists and scalars. Every
key and item keeps the line it was written on, so that any later problem can name file and line. Duplicate keys, tags
of other languages and files that are not text are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from beforehand.errors import Problem

At = tuple[str | int, ...]  # where a value stands: keys and positions from the top

LARGEST = 1_000_000  # bytes; a file people write is far smaller
MOST_VALUES = 50_000  # aliases may repeat a value, but not without end
DEEPEST = 40

ALIKE = "Indent keys of one block alike."

# What the parser says (words, and the character it names), then what that means to a person, and what to do.
IN_PLAIN_WORDS = (
    ("cannot start any token", "'\\t'", "A tab stands where YAML wants spaces.", "Indent with spaces."),
    ("cannot start any token", "", "A value begins with a character YAML keeps for itself.", "Put it in quotes."),
    ("mapping values are not allowed", "", "A colon or an indentation is not expected here.",
     "Put a text that holds `: ` in quotes; " + ALIKE[0].lower() + ALIKE[1:]),
    ("could not find expected ':'", "", "A key has no colon after it.", "Write `key: value`."),
    ("expected <block end>", "", "The indentation does not fit the lines above.", ALIKE),
    ("did not find expected key", "", "The indentation does not fit the lines above.", ALIKE),
    ("unexpected end of stream", "", "A quote is opened and never closed.", "Close it, or leave the quotes out."),
    ("<stream end>", "", "A list in brackets is not closed.", "Write `[a, b]` or `{a: 1}`."),
    ("expected ',' or", "", "A list in brackets is not closed.", "Write `[a, b]` or `{a: 1}`."),
    ("expected a single document", "", "The file holds several documents.", "Remove the line `---`."),
    ("undefined alias", "", "An alias (`*name`) names nothing.", "Put a text that begins with * in quotes."),
    ("determine a constructor", "", "A tag (`!name`) is not known here.", "Remove it, or put the text in quotes."),
    ("special characters are not", "", "The file holds control characters.", "Save it again as plain UTF-8 text."),
)  # fmt: skip


@dataclass
class Written:
    """What one file says: `data` as plain values, the line of each key or item, and what is wrong with its form."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[At, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def readable(self) -> bool:
        """Whether the file has values at all: one that is no YAML has not, and what it means cannot be said."""
        return bool(self.data) or not self.problems

    def line(self, at: At) -> int | None:
        """The line of the value at `at`, or of the nearest one around it; None for the whole file."""
        while at:
            if at in self.lines:
                return self.lines[at]
            at = at[:-1]
        return None

    def problem(self, at: At, code: str, message: str, hint: str = "") -> None:
        """Records one thing wrong with the value at `at`."""
        self.problems.append(Problem(self.file, self.line(at), code, message, hint))


def read_yaml(root: Path, name: str) -> Written:
    """Reads `root / name`, whose top must be a mapping; an empty file is an empty mapping. Raises nothing."""
    written = Written(name)
    text = _text(root / name, written)
    if text is None:
        return written
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
        if node is None:
            return written
        if not isinstance(node, MappingNode):
            written.problems.append(
                Problem(name, node.start_mark.line + 1, "not-a-mapping", "The file is not made of `key: value` lines.",
                        "Start the first line with a key and a colon.")
            )  # fmt: skip
            return written
        written.data = _Walk(yaml, written).value(node, ())
    except MarkedYAMLError as error:
        written.problems.append(_broken(name, error, text))
    except YAMLError as error:
        message, hint = _plain_words(str(error))
        written.problems.append(Problem(name, None, "bad-yaml", message, hint))
    except (RecursionError, _TooMuchError):
        written.data = {}
        written.problems.append(
            Problem(
                name, None, "too-large", "The file nests or repeats its values without end.", "Write them out plainly."
            )
        )
    return written


class _TooMuchError(Exception):
    """More values than a person writes."""


class _Walk:
    """Turns nodes into plain data, noting lines and duplicate keys."""

    def __init__(self, yaml: YAML, written: Written) -> None:
        self.yaml = yaml
        self.written = written
        self.left = MOST_VALUES

    def value(self, node: Node, at: At) -> Any:
        """The plain value of a node that stands at `at`."""
        self.left -= 1
        if self.left < 0 or len(at) > DEEPEST:
            raise _TooMuchError
        if isinstance(node, MappingNode):
            return {key: self.value(child, (*at, key)) for key, child in self._pairs(node, at)}
        if isinstance(node, SequenceNode):
            for number, child in enumerate(node.value):
                self.written.lines[*at, number] = child.start_mark.line + 1
            return [self.value(child, (*at, number)) for number, child in enumerate(node.value)]
        return self._scalar(node)

    def _pairs(self, node: MappingNode, at: At) -> Iterator[tuple[str, Node]]:
        first: dict[str, int] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.written.problems.append(
                    Problem(
                        self.written.file, line, "bad-key", "A key is a list or a mapping.", "Keys are plain words."
                    )
                )
                continue
            key = str(key_node.value)
            if key in first:
                said = f"`{key}` is written twice, first on line {first[key]}."
                self.written.problems.append(
                    Problem(self.written.file, line, "duplicate-key", said, "Keep one of them.")
                )
                continue
            first[key] = line
            self.written.lines[*at, key] = line
            yield key, child

    def _scalar(self, node: Node) -> Any:
        try:
            return self.yaml.constructor.construct_object(node, deep=True)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # The parser's own readers of numbers and days meet what their patterns let through: `!!int`, 2025-02-30.
            line = node.start_mark.line + 1
            self.written.problems.append(
                Problem(self.written.file, line, "bad-yaml", f"{node.value!r} cannot be read as a number or a day.",
                        "Mend it, or put it in quotes if it is text.")
            )  # fmt: skip
            return str(node.value)


def _text(path: Path, written: Written) -> str | None:
    """The file as text, or None with the problem recorded."""

    def wrong(code: str, message: str, hint: str, line: int | None = None) -> None:
        written.problems.append(Problem(written.file, line, code, message, hint))

    try:
        size = path.stat().st_size
        if size > LARGEST:
            wrong("too-large", f"The file has {size:,} bytes; at most {LARGEST:,} are read.", "Is it the right file?")
            return None
        raw = path.read_bytes()
    except OSError as error:
        wrong("unreadable", f"The file cannot be read: {error.strerror or error}.", "Look at its rights.")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        wrong(
            "not-utf-8",
            f"The file is not UTF-8: byte 0x{raw[error.start]:02x} on line {line}.",
            "Save it as UTF-8.",
            line,
        )
        return None


def _broken(name: str, error: MarkedYAMLError, text: str) -> Problem:
    said = " ".join(str(part) for part in (error.context, error.problem) if part)
    # What is never closed is wrong where it begins, not at the end of the file.
    never_closed = "end of stream" in said or "expected ',' or" in said
    marks = (error.problem_mark, error.context_mark)
    mark = next((m for m in (marks[::-1] if never_closed else marks) if m), None)
    message, hint = _plain_words(said)
    last = text.rstrip().count("\n") + 1  # what is missed at the end is missed on the last line that says something
    return Problem(name, min(mark.line + 1, last) if mark else None, "bad-yaml", message, hint)


def _plain_words(said: str) -> tuple[str, str]:
    for words, character, message, hint in IN_PLAIN_WORDS:
        if words in said and character in said:
            return message, hint
    return (
        f"This is not YAML: {' '.join(said.split())}.",
        "Compare the indentation and the quotes with the lines around.",
    )
