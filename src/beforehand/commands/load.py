"""`load`: files into facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace


def load(
    ws: Workspace,
    files: Sequence[Path],
    *,
    table: str = "events",
    source: str = "files",
    mapping: str | Path | Mapping[str, Any] | None = None,
    learned: str | None = None,
    now: datetime | None = None,
    progress: bool = False,
) -> dict[str, int]:
    """Loads files into one table of facts, each once and in one transaction; what was loaded before adds nothing.

    `mapping` is `account=COLUMN,...`, a YAML file of such pairs, or the pairs. `learned` is a column, or "occurred" or
    "now" for every row; None follows the rule of go-live. `now` sets the time of loading. `progress` draws a bar on
    standard error. Where a metric asks how messages sound, those that are new are read then. Raises InputError where a
    file or mapping is wrong, EngineError where the disk fails, BusyError where another process works on the workspace.
    """
    from beforehand.facts import read_mapping, tones
    from beforehand.facts.progress import shown, steps

    written = read_mapping(mapping)
    with ws.facts() as facts, shown(facts.connection, [str(f) for f in files], progress):
        loaded = facts.load(files, table=table, source=source, written=written, learned=learned, now=now)
    if any(metric.table == "tones" for metric in ws.folder.metrics.values()):
        with ws.facts() as facts, steps("Reading how messages sound", progress) as told:
            tones.ensure(facts, told)
    return dict(vars(loaded))
