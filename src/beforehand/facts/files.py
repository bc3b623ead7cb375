"""A file to load: its format, whether it is compressed, its digest, its columns."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Literal, cast

import duckdb

from beforehand.errors import InputError
from beforehand.facts.quoting import text
from beforehand.facts.scanning import LINE_LIMIT, BadLine, overlong_rows

Form = Literal["csv", "jsonl", "parquet"]
_DELIMITERS = (",", ";", "\t", "|")
_HEAD = 1 << 20
_CHUNK = 1 << 22
# What the rows made of an export hold besides facts: where each stands in the export, and why it cannot be loaded.
PLACE, PLACE_FILE, REFUSED = "_line", "_file", "_refused"


@dataclass(frozen=True)
class InputFile:
    """What a look at a file told: `columns` are (name, DuckDB type) in order; text formats have text columns.

    `header_lines` is how many lines the header takes up. `bad` are lines that cannot start a row; `readable` is a copy
    in which they are blank, made by `without_bad_lines`.
    """

    path: Path
    form: Form
    compressed: bool
    digest: str
    columns: tuple[tuple[str, str], ...]
    delimiter: str = ","
    header_lines: int = 0
    bad: tuple[BadLine, ...] = ()
    readable: Path | None = None

    @property
    def made(self) -> bool:
        """Whether the rows were made of another system's export: mail, tickets, conversations."""
        return any(column == PLACE for column, _ in self.columns)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The type of each column."""
        return dict(self.columns)

    def open(self) -> IO[bytes]:
        """The bytes of the file, uncompressed."""
        return self.readable.open("rb") if self.readable else open_bytes(self.path, self.compressed)

    @cached_property
    def relation(self) -> str:
        """SQL for the rows: CSV as text columns, JSON lines as `line` and `doc`, Parquet with its row number."""
        packed = self.compressed and self.readable is None
        compression = f", compression = '{'gzip' if packed else 'none'}'"
        shared = f"auto_detect = false, store_rejects = true, max_line_size = {LINE_LIMIT}{compression}"
        path = text(_literal(self.readable or self.path))
        if self.form == "parquet":
            return f"read_parquet({path}, file_row_number = true)"
        if self.form == "jsonl":
            whole = "header = false, delim = chr(1), quote = '', escape = ''"
            lines = f"read_csv({path}, columns = {{'line': 'VARCHAR'}}, {whole}, {shared})"
            return f"(SELECT line, TRY_CAST(line AS JSON) AS doc FROM {lines})"
        columns = ", ".join(f"{text(column)}: 'VARCHAR'" for column, _ in self.columns)
        return (
            f"read_csv({path}, columns = {{{columns}}}, header = true, delim = {text(self.delimiter)}, "
            f"quote = '\"', escape = '\"', {shared})"
        )

    @contextmanager
    def without_bad_lines(self, folder: Path) -> Iterator[InputFile]:
        """The file as the engine can read it: itself, or for as long as needed a copy in `folder` where bad lines are
        blank, so that every other line keeps its number."""
        if not self.bad:
            yield self
            return
        with tempfile.TemporaryDirectory(dir=folder) as place:
            copy = Path(place) / "readable"
            with self.open() as stream, copy.open("wb") as out:
                at = 0
                for bad in self.bad:
                    _copy(stream, out, bad.start - at)
                    out.write(b"\n")
                    stream.seek(bad.end)
                    at = bad.end
                shutil.copyfileobj(stream, out, _CHUNK)
            yield replace(self, readable=copy)


def _copy(stream: IO[bytes], out: IO[bytes], count: int) -> None:
    while count > 0 and (chunk := stream.read(min(count, _CHUNK))):
        out.write(chunk)
        count -= len(chunk)


def open_bytes(path: Path, compressed: bool) -> IO[bytes]:
    """A file as bytes, uncompressed where it is gzip."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if compressed else path.open("rb")


def look(path: Path, connection: duckdb.DuckDBPyConnection) -> InputFile:
    """Looks at a file before it is loaded. InputError says what is wrong with it as a whole."""
    try:
        with path.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
            raw.seek(0)
            magic = raw.read(4)
    except FileNotFoundError:
        near = _near(path)
        raise InputError(f"{path} does not exist.", f"Did you mean {near}?" if near else "", code="no-file") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder.", "Name the files in it.", code="not-a-file") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.", code="unreadable") from None
    if not magic:
        raise InputError(f"{path} is empty.", "Nothing was loaded.", code="empty-file")
    if magic == b"PAR1":
        return _parquet(path, digest, connection)
    compressed = magic[:2] == b"\x1f\x8b"
    head = _head(path, compressed)
    form: Form = "jsonl" if _is_json(path, head) else "csv"
    if form == "jsonl":
        with open_bytes(path, compressed) as stream:
            bad = tuple(overlong_rows(stream, None))
        return InputFile(path, form, compressed, digest, (), bad=bad)
    delimiter, names, lines = _header(path, head)
    with open_bytes(path, compressed) as stream:
        bad = tuple(overlong_rows(stream, delimiter.encode()))
    return InputFile(path, form, compressed, digest, tuple((n, "VARCHAR") for n in names), delimiter, lines, bad)


def first_columns(path: Path) -> set[str]:
    """The columns of the header, or the keys of the first JSON line; none where a look at the file will say why."""
    try:
        with path.open("rb") as raw:
            magic = raw.read(4)
        if not magic or magic == b"PAR1":
            return set()
        head = _head(path, magic[:2] == b"\x1f\x8b")
        if _is_json(path, head):
            read = json.loads(head.lstrip().split(b"\n", 1)[0])
            return set(read) if isinstance(read, dict) else set()
        return set(_header(path, head)[1])
    except (OSError, InputError, ValueError, RecursionError):
        return set()


def _literal(path: Path) -> str:
    """The path as the engine takes it literally: it would read `*`, `?` and `[` as patterns."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path.absolute()))


def _near(path: Path) -> str | None:
    from beforehand.errors import nearest

    try:
        return nearest(path.name, (p.name for p in path.parent.iterdir() if p.is_file()))
    except OSError:
        return None


def _head(path: Path, compressed: bool) -> bytes:
    try:
        with open_bytes(path, compressed) as stream:
            head = stream.read(_HEAD)
    except (OSError, EOFError) as error:  # gzip says a damaged file with either
        raise InputError(f"{path} cannot be unpacked: {error}.", "Is the download complete?", code="damaged") from None
    if not head.strip():
        raise InputError(f"{path} holds nothing but blanks.", "Nothing was loaded.", code="empty-file")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            f"{path} is UTF-16, not UTF-8.",
            f"Convert it: iconv -f UTF-16 -t UTF-8 {path.name} > utf8.csv",
            code="not-utf-8",
        )
    return head.removeprefix(b"\xef\xbb\xbf")


def _is_json(path: Path, head: bytes) -> bool:
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson", ".json")):
        if head.lstrip()[:1] == b"[":
            raise InputError(
                f"{path} is one JSON array, not JSON lines.",
                f"Convert it: jq -c '.[]' {path.name} > rows.jsonl",
                code="json-array",
            )
        return True
    return head.lstrip()[:1] == b"{"


def _header(path: Path, head: bytes) -> tuple[str, list[str], int]:
    """The delimiter, the column names, and how many lines the header takes up."""
    cut = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1]
    try:
        # Only the first lines matter here; a later one that is not UTF-8 is a row's problem, not the file's.
        sample = cut.split(b"\n", 1)[0].decode("utf-8") + "\n" + cut.split(b"\n", 1)[-1].decode("utf-8", "replace")
    except UnicodeDecodeError:
        raise InputError(
            f"The header of {path} is not UTF-8.",
            f"Convert it: iconv -f LATIN1 -t UTF-8 {path.name} > utf8.csv",
            code="not-utf-8",
        ) from None
    if "\0" in sample:
        raise InputError(
            f"{path} is no text: it holds NUL bytes.", "load takes CSV, JSON lines and Parquet.", code="not-text"
        )
    if not cut:
        raise InputError(
            f"The first line of {path} is longer than {_HEAD:,} bytes.",
            "load takes CSV, JSON lines and Parquet.",
            code="long-header",
        )
    found = {d: _first_record(sample, d) for d in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda d: len(found[d][0]))
    names, lines = found[delimiter]
    names = [n.strip() for n in names]
    twice = [n for n, k in Counter(n.lower() for n in names).items() if k > 1]
    if twice:
        raise InputError(
            f"{path}: two columns are called {', '.join(repr(n) for n in twice)}.",
            "Rename one in the header: " + ", ".join(names),
            code="duplicate-column",
        )
    return delimiter, names, lines


def _first_record(sample: str, delimiter: str) -> tuple[list[str], int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    csv.field_size_limit(LINE_LIMIT)
    try:
        return next(record for record in reader if record), reader.line_num
    except (csv.Error, StopIteration):
        return [sample.split("\n", 1)[0]], 1


def with_keys(file: InputFile, connection: duckdb.DuckDBPyConnection) -> InputFile:
    """JSON lines with the keys of their objects as columns, in the order they are first met; other files as "
    "they are."""
    if file.form != "jsonl":
        return file
    rows = connection.execute(
        "SELECT key FROM (SELECT unnest(json_keys(doc)) AS key, number FROM "
        f"(SELECT doc, row_number() OVER () AS number FROM {file.relation}) WHERE json_type(doc) = 'OBJECT') "
        "GROUP BY key ORDER BY min(number), key"
    ).fetchall()
    return replace(file, columns=tuple((str(key), "JSON") for (key,) in rows))


def _parquet(path: Path, digest: str, connection: duckdb.DuckDBPyConnection) -> InputFile:
    try:
        found = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({text(_literal(path))})").fetchall()
    except duckdb.Error as error:
        raise InputError(
            f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}",
            "Is the download complete?",
            code="damaged",
        ) from None
    return InputFile(path, "parquet", False, digest, tuple((str(row[0]), str(row[1])) for row in found))
