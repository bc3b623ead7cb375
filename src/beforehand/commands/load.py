"""`load`: files into facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beforehand.errors import InputError, among

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.facts.intake import Taken

OTHERWISE = "events"
"""What the rows of a file are where nobody says and the file does not tell."""


def load(
    ws: Workspace,
    files: Sequence[Path],
    *,
    table: str | None = None,
    source: str | None = None,
    mapping: str | Path | Mapping[str, Any] | None = None,
    learned: str | None = None,
    now: datetime | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Loads files into facts, each table in one transaction; what was loaded before adds nothing.

    `table` is one of the tables, or the system a file is an export of (`mbox`, `eml`, `zendesk`, `intercom`); None: as
    the file tells, else events. `source` None: `files`, or the system of an export. `mapping` is `account=COLUMN,...`,
    a YAML file of such pairs, or the pairs. `learned` is a column, or "occurred" or "now" for every row; None follows
    the rule of go-live. `now` sets the time of loading. `progress` draws a bar on standard error. Where a metric asks
    how messages sound, those that are new are read then; where issues were asked for once, what is new is grouped then.
    Besides the counts of
    `Loaded`, `tables` tells how many rows of each were new, and `our_domain` which domain was taken for ours. Raises
    InputError where a file or mapping is wrong, EngineError where the disk fails, BusyError where another process works
    on the workspace.
    """
    from beforehand.facts import Loaded, issues, read_mapping, tones
    from beforehand.facts.progress import shown, steps

    written = read_mapping(mapping)
    kinds = {file: _kind(file, table, written) for file in files}
    exports = [file for file in files if kinds[file] is not None]
    plain = [file for file in files if kinds[file] is None]
    counted: dict[str, Loaded] = {}
    extra: dict[str, Any] = {}
    with ws.facts() as facts, shown(facts.connection, [str(f) for f in files], progress):
        for kind, group in _tables(plain, table, written):
            loaded = facts.load(group, table=kind, source=source or "files", written=written, learned=learned, now=now)
            counted[kind] = counted.get(kind, Loaded()) + loaded
        if exports:
            taken = _take_in(facts, exports, kinds, source, learned, now or datetime.now(UTC), progress)
            for name, loaded in taken.tables.items():
                counted[name] = counted.get(name, Loaded()) + loaded
            extra = {"our_domain": taken.our_domain} if taken.our_domain else {}
    if "messages" in counted and any(metric.table == "tones" for metric in ws.folder.metrics.values()):
        with ws.facts() as facts, steps("Reading how messages sound", progress) as told:
            tones.ensure(facts, told)
    if counted.keys() & {"tickets", "events"}:
        with ws.facts() as facts, steps("Grouping tickets and errors", progress) as told:
            if issues.begun(facts.connection):
                issues.ensure(facts, told)
    total = sum(counted.values(), Loaded())
    return dict(vars(total)) | {"tables": {name: loaded.loaded for name, loaded in counted.items()}} | extra


def _kind(file: Path, table: str | None, written: Mapping[str, str]) -> str | None:
    """The system a file is an export of; None for rows of one table."""
    from beforehand.facts.schema import LOADABLE
    from beforehand.sources import KINDS, recognise

    if table in KINDS:
        kind: str | None = table
    elif table is not None:
        if table not in LOADABLE:
            raise InputError(f"{table!r} is not a table.", among(table, (*LOADABLE, *KINDS)), code="unknown-table")
        return None
    else:
        kind = recognise(file)
    if kind is not None and written:
        raise InputError(
            f"{file} is an export ({kind}), whose columns need no --map.",
            "Leave --map out, or say with --as what table its rows are of.",
            code="bad-map",
        )
    return kind


def _tables(files: Sequence[Path], table: str | None, written: Mapping[str, str]) -> list[tuple[str, list[Path]]]:
    """The files in groups that follow each other and are of one table."""
    from beforehand.facts.telling import table_of

    groups: list[tuple[str, list[Path]]] = []
    for file in files:
        chosen = table or table_of(file, written) or OTHERWISE
        if groups and groups[-1][0] == chosen:
            groups[-1][1].append(file)
        else:
            groups.append((chosen, [file]))
    return groups


def _take_in(
    facts: Facts,
    files: Sequence[Path],
    kinds: Mapping[Path, str | None],
    source: str | None,
    learned: str | None,
    now: datetime,
    progress: bool,
) -> Taken:
    from beforehand.facts.intake import SOURCES, Taken, take_in
    from beforehand.facts.loading import check_source
    from beforehand.facts.progress import reading

    if learned not in (None, "occurred", "now"):
        raise InputError(
            "--learned names a column, and an export has none.", "Say occurred or now.", code="missing-column"
        )
    taken, digests = Taken(), set[str]()
    for file in files:
        kind = kinds[file] or ""
        check_source(source or SOURCES[kind])
        with reading(str(file), progress) as watch:
            named = source or SOURCES[kind]
            one = take_in(facts, file, kind, source=named, learned=learned, now=now, digests=digests, watch=watch)
        for name, loaded in one.tables.items():
            taken.add(name, loaded)
        taken.our_domain = one.our_domain or taken.our_domain
    return taken
