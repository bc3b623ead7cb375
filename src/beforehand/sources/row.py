"""What a reader makes of an export: rows for the tables of facts, under the names of their columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from beforehand.text.markup import html_to_text, looks_like_html

LONGEST_TEXT = 400_000
"""Characters of one text that are kept; no reader of tone looks at more than a quarter of them."""
IN, OUT, INTERNAL = "in", "out", "internal"
_SAMPLE = 10_000
_PRE = re.compile(r"<(/?)pre(?:\s[^<>]{0,4000})?>", re.IGNORECASE)
_CODE = re.compile(r"</?code(?:\s[^<>]{0,4000})?>", re.IGNORECASE)
_QUOTE = re.compile(r"(</?)blockquote", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,4000}>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Row:
    """One row of `table` (the columns of facts, `properties` an object) and where it stands in the export.

    `refused` says why it cannot be a fact: it then goes to quarantine as it is. `file` is the file of a folder.
    """

    table: str
    line: int
    cells: dict[str, Any]
    refused: str | None = None
    file: str | None = None


def refused(table: str, line: int, reason: str, raw: str | bytes, file: str | None = None) -> Row:
    """What could not be read, with its beginning."""
    said = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    return Row(table, line, {"as_read": plain(said[:_SAMPLE])}, reason, file)


def plain(text: str) -> str:
    """A text without what no text holds: control characters, halves of characters; its breaks are newlines."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def words(text: Any, html: bool | None = None) -> tuple[str | None, bool]:
    """A body as plain text (None: there is nothing), and whether the end of it was left out for its length.

    Markup is taken off where it is `html` (None: where it looks so). What another wrote and is quoted goes with it;
    what was pasted as code stays, fenced, as errors are told by it.
    """
    if not isinstance(text, str):
        return None, False
    cut = len(text) > LONGEST_TEXT * 4
    said = plain(text[: LONGEST_TEXT * 4])
    if html or (html is None and looks_like_html(said)):
        fenced = _CODE.sub(" ", _PRE.sub("\n```\n", said))
        said = html_to_text(fenced)[0].strip()
        if not said:  # nothing but a quote: a letter passed on
            said = html_to_text(_QUOTE.sub(r"\1div", _TAG.sub(_bare, fenced)))[0].strip()
        said = re.sub(r"\n{3,}", "\n\n", said)
    said = said.strip("\n")
    cut = cut or len(said) > LONGEST_TEXT
    return said[:LONGEST_TEXT] or None, cut


def _bare(tag: re.Match[str]) -> str:
    """A tag without its attributes."""
    return re.sub(r"\s[\s\S]*?(/?>)$", r"\1", tag[0])


def of(**cells: Any) -> dict[str, Any]:
    """Cells without those that say nothing."""
    return {key: value for key, value in cells.items() if value is not None and value != "" and value != {}}


def name_of(value: Any) -> str | None:
    """An id as text: what is a number in one place of a system is text in another; None where it is none."""
    return None if value is None or value == "" or isinstance(value, dict | list) else str(value)


def held(value: Any) -> dict[str, Any]:
    """An object, or an empty one where something else stands in its place."""
    return value if isinstance(value, dict) else {}


def all_held(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
