"""Which export a file is, by what it holds."""

from __future__ import annotations

import gzip
import re
from itertools import islice
from pathlib import Path
from typing import IO, Literal, cast

from beforehand.sources import intercom, zendesk
from beforehand.sources.json_objects import objects

Kind = Literal["mbox", "eml", "zendesk", "intercom"]
KINDS: tuple[Kind, ...] = ("mbox", "eml", "zendesk", "intercom")
_HEAD = 1 << 16
_FROM = re.compile(rb"^From [^\n]*\r?\n(?:>?[!-9;-~]{1,100}:|From )")
# Behind what is left of a letter that was torn off.
_LATER = re.compile(rb"\n\r?\nFrom \S+ [^\n]*\d{4}\r?\n[!-9;-~]{1,100}: [^\n]*\r?\n[!-9;-~]{1,100}:")
_NAMED = re.compile(rb"^([!-9;-~]{1,100}):", re.MULTILINE)
_LETTER = frozenset((b"from", b"date", b"message-id", b"subject", b"received", b"mime-version", b"to", b"return-path"))
_LOOKED_AT = 5


def recognise(path: Path) -> Kind | None:
    """What a file or folder is an export of; None where it is none that is known, or cannot be read."""
    try:
        if path.is_dir():
            return "eml" if next(iter(files_of(path)), None) is not None else None
        compressed = _is_gzip(path)
        with _opened(path, compressed) as stream:
            head = stream.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
        if _FROM.match(head) or _LATER.search(head):
            return "mbox"
        if head[:1] in (b"{", b"["):
            with _opened(path, compressed) as stream:
                return _of_json(stream)
    except (OSError, EOFError, ValueError):
        return None
    return "eml" if _is_letter(path, head) else None


def files_of(folder: Path) -> list[Path]:
    """The letters in a folder and the folders under it, in the order of their names: .eml files, and a Maildir's."""
    return sorted(
        path
        for path in folder.rglob("*")
        if (path.suffix.lower() == ".eml" or path.parent.name in ("cur", "new")) and path.is_file()
        and not path.name.startswith(".")
    )  # fmt: skip


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _opened(path: Path, compressed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if compressed else path.open("rb")


def _of_json(stream: IO[bytes]) -> Kind | None:
    for found in islice(objects(stream, {*zendesk.LISTS, *intercom.LISTS}), _LOOKED_AT):
        if found.broken is not None or not isinstance(found.value, dict):
            return None
        document = {found.under: [found.value]} if found.under else found.value
        for kind, reader in (("zendesk", zendesk), ("intercom", intercom)):
            if reader.looks_so(document):
                return cast("Kind", kind)
    return None


def _is_letter(path: Path, head: bytes) -> bool:
    """Whether a file begins with the headers of an e-mail, and no table: those of a table are on one line."""
    top = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    names = {name.lower() for name in _NAMED.findall(top)}
    return len(names & _LETTER) >= (2 if path.suffix.lower() == ".eml" else 3) and b"from" in names
