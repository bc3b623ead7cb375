"""Exports of other systems taken in: read by `sources`, written as rows of our own, and loaded like any file."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from beforehand.errors import InputError
from beforehand.facts import batches, loading
from beforehand.facts.files import PLACE, PLACE_FILE, REFUSED, InputFile
from beforehand.facts.loading import Loaded, Request
from beforehand.facts.resolving import FREE_MAIL
from beforehand.facts.scanning import LINE_LIMIT
from beforehand.sources import Row, files_of, intercom, mail, zendesk

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from beforehand.facts.facts import Facts

FORM = "1"
"""The form of the rows: an export that was read by another is read anew."""
SOURCES = {"mbox": "mail", "eml": "mail", "zendesk": "zendesk", "intercom": "intercom"}
"""What the source of an export is called where nobody says."""
ORDER = ("accounts", "people", "tickets", "messages", "surveys")
_BASE = {"accounts": ("account",), "people": ("account", "person", "email")}
_ALWAYS = ("id", "account", "person", "at", "learned")
_READERS = {"zendesk": zendesk.read, "intercom": intercom.read}
_CUT_TEXT = 100_000


@dataclass
class Taken:
    """What became of the rows of exports, by table, and whose domain was taken for ours where nobody said."""

    tables: dict[str, Loaded] = field(default_factory=dict)
    our_domain: str | None = None

    def add(self, table: str, loaded: Loaded) -> None:
        """Counts rows of a table besides."""
        self.tables[table] = self.tables.get(table, Loaded()) + loaded

    @property
    def total(self) -> Loaded:
        """All tables together."""
        return sum(self.tables.values(), Loaded())


def take_in(
    facts: Facts,
    path: Path,
    kind: str,
    *,
    source: str,
    learned: str | None,
    now: datetime,
    digests: set[str],
    watch: Callable[[int, int], None] = lambda done, of: None,
) -> Taken:
    """Takes one export in, each table of it in a transaction of its own; what was taken in before adds nothing.

    `watch` is told how many bytes are read, of how many. Raises InputError where the file cannot be read, or is mail
    and it cannot be told which addresses are ours.
    """
    taken = Taken()
    with _told(path):
        digest = _digest(path)
        ours, taken.our_domain = _ours(facts, path, kind) if SOURCES[kind] == "mail" else (mail.Ours.of(()), None)
        said = f"{kind} {FORM} {sorted(ours.domains | ours.addresses)}"
        digest = hashlib.sha256(f"{digest} {said}".encode()).hexdigest()
        ledger = f"taken in {digest} {source} {learned or ''}"
        before = batches.meta(facts.connection, ledger)
        if before is not None:
            for table, read in json.loads(before).items():
                taken.add(table, Loaded(read=read, known=read))
            return taken
        with tempfile.TemporaryDirectory(dir=facts.path.parent) as folder, ExitStack() as open_files:
            out = _Tables(Path(folder), open_files)
            for row in _rows(facts, path, kind, source, ours, watch):
                out.put(row)
            open_files.close()
            if not out.columns:
                raise InputError(
                    f"{path} holds nothing that can be taken in.", "Nothing was loaded.", code="empty-file"
                )
            digests.add(digest)
            for table in (t for t in ORDER if t in out.columns):
                file = InputFile(path, "jsonl", False, digest, out.columns_of(table), readable=out.paths[table])
                taken.add(table, loading.load_file(facts, Request(file, table, source, {}, learned, now, digests)))
    with facts.transaction():
        counted = {table: loaded.read for table, loaded in taken.tables.items()}
        batches.set_meta(facts.connection, ledger, json.dumps(counted))
        if taken.our_domain is not None:
            batches.set_meta(facts.connection, "our domain", taken.our_domain)
    return taken


class _told:  # noqa: N801 - used as a function
    """Errors of reading as those a person can act on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, EOFError | gzip.BadGzipFile | zlib.error):
            raise InputError(
                f"{self.path} cannot be unpacked: {error}.", "Is the download complete?", code="damaged"
            ) from None
        if isinstance(error, FileNotFoundError):
            raise InputError(f"{self.path} does not exist.", code="no-file") from None
        if isinstance(error, OSError) and error.filename is not None:
            raise InputError(
                f"{error.filename} cannot be read: {error.strerror or error}.", code="unreadable"
            ) from None


class _Tables:
    """The rows of an export as JSON lines, a file for each table."""

    def __init__(self, folder: Path, open_files: ExitStack) -> None:
        self.folder, self.open_files = folder, open_files
        self.paths: dict[str, Path] = {}
        self.columns: dict[str, dict[str, None]] = {}
        self.files: dict[str, IO[str]] = {}

    def put(self, row: Row) -> None:
        table = row.table
        if table not in self.files:
            self.paths[table] = self.folder / f"{table}.jsonl"
            self.files[table] = self.open_files.enter_context(self.paths[table].open("w", encoding="utf-8"))
            self.columns[table] = dict.fromkeys(_BASE.get(table, _ALWAYS))
        cells = row.cells | {PLACE: row.line}
        cells |= {REFUSED: row.refused} if row.refused else {}
        cells |= {PLACE_FILE: row.file} if row.file else {}
        self.columns[table] |= dict.fromkeys(cells)
        self.files[table].write(_line(cells))

    def columns_of(self, table: str) -> tuple[tuple[str, str], ...]:
        return tuple((column, "JSON") for column in self.columns[table])


def _line(cells: dict[str, Any]) -> str:
    """One row as one line no longer than a row may be: a longer one loses the end of its text and says so."""
    line = json.dumps(cells, ensure_ascii=False) + "\n"
    if len(line) * 4 >= LINE_LIMIT and len(line.encode("utf-8", "replace")) >= LINE_LIMIT:
        short = {key: value[:_CUT_TEXT] if isinstance(value, str) else value for key, value in cells.items()}
        properties: dict[str, Any] = cells.get("properties") or {}
        short["properties"] = {k: v for k, v in properties.items() if len(str(v)) <= 1000} | {"cut": True}
        line = json.dumps(short, ensure_ascii=False) + "\n"
    # Half a character, as broken exports have it, is no UTF-8.
    return line if line.isascii() else line.encode("utf-8", "replace").decode("utf-8")


def _rows(
    facts: Facts, path: Path, kind: str, source: str, ours: mail.Ours, watch: Callable[[int, int], None]
) -> Iterator[Row]:
    if kind in _READERS:
        with _stream(path) as (stream, raw):
            size = path.stat().st_size
            for row in _READERS[kind](stream):
                watch(raw.tell(), size)
                yield row
        return
    box = mail.Mailbox(ours, _threads(facts, source))
    if path.is_dir():
        paths = files_of(path)
        for done, (file, letter) in enumerate(mail.letters_of_files(paths)):
            watch(done, len(paths))
            yield box.row(letter, 1, file=str(file))
    elif kind == "eml":
        with _stream(path) as (stream, _):
            yield box.row(stream.read(mail.LONGEST_LETTER), 1)
    else:
        size = path.stat().st_size
        with _stream(path) as (stream, raw):
            for line, envelope, letter in mail.letters_of_mbox(stream):
                watch(raw.tell(), size)
                yield box.row(letter, line, envelope)


class _stream:  # noqa: N801 - used as a function
    """The bytes of a file, unpacked, and the file itself, whose place says how far we are."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as stream:
            compressed = stream.read(2) == b"\x1f\x8b"
        self.raw = path.open("rb")
        self.stream: Any = gzip.GzipFile(fileobj=self.raw) if compressed else self.raw

    def __enter__(self) -> tuple[IO[bytes], IO[bytes]]:
        return self.stream, self.raw

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.raw.close()


def _threads(facts: Facts, source: str) -> Iterator[tuple[str, str]]:
    """The letters loaded before that answer others, with the conversation of each."""
    found = facts.connection.cursor().execute(
        "SELECT id, conversation FROM messages WHERE source = ? AND conversation <> id", [source]
    )
    while rows := found.fetchmany(10_000):
        yield from rows


def _digest(path: Path) -> str:
    """The digest of a file, or of all letters of a folder and their names."""
    if not path.is_dir():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    whole = hashlib.sha256()
    for file in files_of(path):
        with file.open("rb") as stream:
            whole.update(f"{file.relative_to(path)} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def _ours(facts: Facts, path: Path, kind: str) -> tuple[mail.Ours, str | None]:
    """Which addresses are ours: as `our domains` says, else the domain that takes part in nearly all letters."""
    if facts.settings.our_domains:
        return mail.Ours.of(facts.settings.our_domains), None
    customers = {
        str(domain)
        for (domain,) in facts.connection.execute("SELECT external FROM account_ids WHERE kind = 'domain'").fetchall()
    }
    kept = batches.meta(facts.connection, "our domain")
    if kept is not None:  # what was once taken for ours stays, so that all mail is read alike
        return mail.Ours.of([kept]), kept
    found, near = mail.our_domain(_first_letters(path, kind), customers, FREE_MAIL)
    if found is None:
        raise InputError(
            f"{path}: which of these letters are yours cannot be told, and so not who wrote to whom.",
            "Say which domains or addresses are yours in beforehand.yaml, for example "
            f"`our domains: [{near[0] if near else 'acme.com'}]`."
            + (f" The letters are of {', '.join(near)}." if near else ""),
            code="whose-mail",
        )
    return mail.Ours.of([found]), found


def _first_letters(path: Path, kind: str) -> Iterator[bytes]:
    if path.is_dir():
        yield from (letter for _, letter in mail.letters_of_files(files_of(path)[: mail.LOOKED_AT]))
    elif kind == "eml":
        with _stream(path) as (stream, _):
            yield stream.read(mail.LONGEST_LETTER)
    else:
        with _stream(path) as (stream, _):
            for _, _, letter in mail.letters_of_mbox(stream):
                yield letter
