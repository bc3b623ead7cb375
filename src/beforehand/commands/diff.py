"""`diff`: what another version of the workspace would have alerted on over the same history."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beforehand.commands.backtest import told_row
from beforehand.commands.definition import digest_of
from beforehand.commands.noting import past_incidents
from beforehand.commands.proving import Progress, Span, prove_signals, span_of
from beforehand.errors import InputError

if TYPE_CHECKING:
    from beforehand.commands.workspace import Workspace
    from beforehand.facts import Facts
    from beforehand.workspace import Folder

Episode = dict[str, Any]


def diff(
    ws: Workspace,
    other: Path | None = None,
    *,
    against: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compares the alerts of two versions of the workspace's files over the facts of this one.

    `other` is a folder: the change is from this workspace to it. `against` is a git revision: the change is from it to
    the files as they are. Exactly one of the two. Only signals that mean something else are run.

    Returns `{"from", "to", "signals": [{"signal", "change", "added", "removed", "moved", "same", "before", "after"}],
    "added": [episode], "removed": [episode], "moved": [episode with "was_opened_at"]}`; `change` is added, removed,
    changed or same, `before` and `after` are rows of `backtest` (None where there is none). An episode is the same
    where one of the same subject opens at the same close; moved where one overlaps it but opens at another.
    """
    from beforehand.commands.workspace import Workspace as Here

    if (other is None) == (against is None):
        raise InputError(
            "Say what to compare with.", "Give the folder of another version, or --against REVISION.", "compare-what"
        )
    if other is not None:
        old, new, names = ws.folder, Here(_folder(other)).folder, (str(ws.root), str(other))
        return _compared(ws, old, new, names, since, until, progress)
    with _revision(ws.root, str(against)) as folder:
        return _compared(ws, Here(folder).folder, ws.folder, (str(against), str(ws.root)), since, until, progress)


def _compared(
    ws: Workspace,
    old: Folder,
    new: Folder,
    names: tuple[str, str],
    since: datetime | None,
    until: datetime | None,
    progress: Progress | None,
) -> dict[str, Any]:
    signals, added, removed, moved = [], [], [], []
    changed = _changed(old, new)
    from beforehand.facts.lock import locked

    with locked(ws.data):
        span = _span(ws, since, until)
        before, were = _run(
            ws, old, [n for n, change in changed.items() if change in ("changed", "removed")], span, progress
        )
        after, are = _run(
            ws, new, [n for n, change in changed.items() if change in ("changed", "added")], span, progress
        )
    for name, change in changed.items():
        gained, lost, shifted, same = compare(were.get(name, ()), are.get(name, ()))
        added += gained
        removed += lost
        moved += shifted
        counts = {"added": len(gained), "removed": len(lost), "moved": len(shifted), "same": same}
        row = {"signal": name, "change": change, **(counts if change != "same" else dict.fromkeys(counts))}
        signals.append({**row, "before": before.get(name), "after": after.get(name)})
    return {"from": names[0], "to": names[1], "signals": signals, "added": added, "removed": removed, "moved": moved}


def compare(
    before: Sequence[Episode], after: Sequence[Episode]
) -> tuple[list[Episode], list[Episode], list[Episode], int]:
    """(added, removed, moved, number of same) of two lists of episodes of one signal."""
    old, new = _by_subject(before), _by_subject(after)
    added: list[Episode] = []
    removed: list[Episode] = []
    moved: list[Episode] = []
    same = 0
    for subject in sorted(old.keys() | new.keys()):
        was, now = old.get(subject, []), new.get(subject, [])
        stays = {e["opened_at"] for e in was} & {e["opened_at"] for e in now}
        same += len(stays)
        left = [e for e in was if e["opened_at"] not in stays]
        for episode in (e for e in now if e["opened_at"] not in stays):
            twin = next((e for e in left if _overlap(e, episode)), None)
            if twin is None:
                added.append(episode)
            else:
                left.remove(twin)
                moved.append({**episode, "was_opened_at": twin["opened_at"]})
        removed += left
    return added, removed, moved, same


def _by_subject(episodes: Sequence[Episode]) -> dict[tuple[str, str], list[Episode]]:
    found: dict[tuple[str, str], list[Episode]] = {}
    for episode in episodes:
        found.setdefault((episode["account"], episode["scope"]), []).append(episode)
    return found


def _overlap(one: Episode, two: Episode) -> bool:
    return _starts_within(one, two) or _starts_within(two, one)


def _starts_within(one: Episode, two: Episode) -> bool:
    return bool(
        two["opened_at"] <= one["opened_at"] and (two["closed_at"] is None or one["opened_at"] < two["closed_at"])
    )


def _changed(old: Folder, new: Folder) -> dict[str, str]:
    """What became of each signal's meaning; a signal that is off counts as not there."""
    before = {name: signal for name, signal in old.signals.items() if signal.mode != "off"}
    after = {name: signal for name, signal in new.signals.items() if signal.mode != "off"}
    found = {}
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            found[name] = "removed"
        elif name not in before:
            found[name] = "added"
        else:
            same = digest_of(before[name], old) == digest_of(after[name], new) and _judged_by(old, name) == _judged_by(
                new, name
            )
            found[name] = "same" if same else "changed"
    return found


def _judged_by(folder: Folder, name: str) -> tuple[Any, ...]:
    """What else decides the figures of a signal."""
    signal, settings = folder.signals[name], folder.settings
    outcome = signal.outcome or (settings.growth_outcome if signal.polarity == "growth" else settings.outcome)
    return outcome, folder.outcomes.get(outcome), signal.horizon or settings.horizon


def _opened(ws: Workspace, folder: Folder) -> Facts:
    """The facts of this workspace, read by the settings of one version: its zone and what it leaves out."""
    from beforehand.commands.text import reader
    from beforehand.facts import Facts

    derived = {name: spec.silent_for for name, spec in folder.outcomes.items()}
    return Facts.open(ws.data / "facts.duckdb", folder.settings, derived, reader(folder.settings))


def _span(ws: Workspace, since: datetime | None, until: datetime | None) -> Span:
    with _opened(ws, ws.folder) as facts:
        return span_of(facts, since, until)


def _run(
    ws: Workspace, folder: Folder, names: list[str], span: Span, progress: Progress | None
) -> tuple[dict[str, dict[str, Any]], dict[str, list[Episode]]]:
    """Rows and episodes of some signals of one version."""
    rows: dict[str, dict[str, Any]] = {}
    episodes: dict[str, list[Episode]] = {}
    if names:
        with ws.state() as state, state.read() as session:
            past = past_incidents(session, folder)
        with _opened(ws, folder) as facts:
            for proved in prove_signals(facts, folder, names, span, progress=progress):
                rows[proved.signal.name] = told_row(proved, facts, folder, past)
                episodes[proved.signal.name] = list(proved.listed())
    return rows, episodes


def _folder(other: Path) -> Path:
    from beforehand.commands.workspace import SETTINGS_FILE

    if not (other / SETTINGS_FILE).is_file():
        raise InputError(
            f"{other} holds no {SETTINGS_FILE}.", "Name the folder of another version.", code="no-workspace"
        )
    return other.absolute()


@contextmanager
def _revision(root: Path, revision: str) -> Iterator[Path]:
    """The files of the workspace as they were at a git revision, in a folder that is removed afterwards."""
    if revision.startswith("-"):
        raise InputError(
            f"{revision!r} is not a revision.", "For example: --against HEAD~3, or --against main.", code="git"
        )
    packed = _git(root, "archive", "--format=tar", revision, ".")
    with tempfile.TemporaryDirectory(prefix="beforehand-") as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            tar.extractall(folder, filter="data")
        yield _folder(Path(folder))


def _git(root: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError(
            "git is not installed.", "Give the folder of another version instead of --against.", code="git"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(
            f"git: {said[-1] if said else 'it failed'}.",
            "Is the workspace in a git repository, and the revision in it?",
            code="git",
        )
    return done.stdout
