"""The files of `playbooks/` and `resources/`, read and checked: each problem on the line it stands on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from beforehand.errors import InputError, Problem, among, nearest
from beforehand.library import playbooks
from beforehand.playbooks.book import GO_ON, Book, name_of
from beforehand.playbooks.matching import KINDS
from beforehand.signals import Signal
from beforehand.workspace.playbook_check import Around, check_book
from beforehand.workspace.playbook_check import signal_of as signal_of  # told here to who judges them
from beforehand.workspace.playbook_spec import ANY, END, STEPS, PlaybookSpec, ResourceSpec, StepSpec, kinds_of_step
from beforehand.workspace.reading import read_model
from beforehand.workspace.spec import MetricSpec
from beforehand.workspace.yaml_file import At, Written, read_yaml

PLAYBOOKS, RESOURCES = "playbooks", "resources"
NOT_READ = ("readme.md",)
OUR_SOURCE = "beforehand"
"""The source of touches that playbooks made."""


@dataclass(frozen=True)
class Shelf:
    """The playbooks and resources of a workspace by name, the text of each playbook's file, and its problems.

    `judged` are the sentences of playbooks as signals, by sentence; they raise nothing, and are judged in `run`.
    `named` are the names of all playbooks, those with mistakes too; None where there is no folder of them.
    """

    books: dict[str, Book] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    resources: dict[str, ResourceSpec] = field(default_factory=dict)
    judged: dict[str, Signal] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    named: frozenset[str] | None = None


def read_shelf(root: Path, around: Around) -> Shelf:
    """Reads both folders; `around` is what their files may name."""
    shelf = Shelf()
    problems: list[Problem] = []
    taken: dict[str, Written] = {}
    offered: set[str] = set()
    for written in _files(root, RESOURCES, problems):
        offered.add(str(written.data["resource"]) if "resource" in written.data else Path(written.file).stem)
        resource = read_model(ResourceSpec, written) if written.readable else None
        if resource is not None and not written.problems and _first(resource.resource, "resource", written, taken):
            _check_resource(resource, written, around.signals)
            shelf.resources[resource.resource] = resource
        problems += _placed(written)
    around = replace(around, resources=frozenset(offered))
    taken = {}
    named: set[str] = set()
    for written in _files(root, PLAYBOOKS, problems):
        # A file that is no YAML is called what it most likely says.
        named.add(str(written.data["playbook"]) if "playbook" in written.data else Path(written.file).stem)
        book = _book(written)
        if book is not None and _first(book.name, "playbook", written, taken):
            check_book(book, written, around, shelf.judged)
            if not written.problems:
                shelf.books[book.name] = book
                shelf.texts[book.name] = (root / written.file).read_text(encoding="utf-8-sig")
        problems += _placed(written)
    whole = frozenset(named) if (root / PLAYBOOKS).is_dir() else None
    return Shelf(shelf.books, shelf.texts, shelf.resources, shelf.judged, tuple(problems), whole)


def check_named(shelf: Shelf, asked: Iterable[tuple[str | None, Written]]) -> None:
    """Records where a signal names a playbook that has no file; without the folder a name is only a suggestion.

    A response that the library puts in words needs no file: it is told with the alert, and a person does it.
    """
    for name, written in asked:
        if name is None or shelf.named is None or name in shelf.named or name in playbooks():
            continue
        said = f"There is no playbook {name!r} in {PLAYBOOKS}/."
        written.problem(("playbook",), "unknown-playbook", said, among(name, shelf.named | playbooks().keys()))


def without_ours(metrics: Mapping[str, MetricSpec]) -> dict[str, MetricSpec]:
    """Metrics that do not count the touches that playbooks made: no signal reacts to what a playbook did."""
    ours = f"source <> '{OUR_SOURCE}'"
    return {
        name: spec.model_copy(update={"where": ours if spec.where is None else f"({spec.where}) and {ours}"})
        if spec.table == "touches"
        else spec
        for name, spec in metrics.items()
    }


@lru_cache(maxsize=256)  # thousands of runs are on one version, and YAML is slow to read
def book_from(text: str) -> Book:
    """The book of a file's text, as a run keeps it; InputError where this version cannot read it any more."""
    try:
        return Book.of(PlaybookSpec.model_validate(YAML(typ="safe", pure=True).load(text)))
    except (YAMLError, ValidationError) as error:
        said = str(error).splitlines()[0]
        raise InputError(
            f"The playbook a run began on cannot be read: {said}", "End the run.", "bad-playbook"
        ) from None


def _files(root: Path, name: str, problems: list[Problem]) -> Iterator[Written]:
    folder = root / name
    if folder.exists() and not folder.is_dir():
        problems.append(Problem(name, None, "not-a-folder", f"{name} is a file.", f"Make it a folder of {name}."))
        return
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        if path.name.startswith(".") or path.name.endswith("~") or path.name.lower() in NOT_READ:
            continue
        file = f"{name}/{path.name}"
        if path.is_dir() or path.suffix.lower() not in (".yaml", ".yml"):
            hint = f"Give it the ending .yaml, or move it out of {name}/."
            said = f"{path.name} is not read."
            ours = name == PLAYBOOKS
            problems.append(Problem(file, None, "not-a-playbook" if ours else "not-a-resource", said, hint))
        else:
            yield read_yaml(root, file)


def _first(name: str, kind: str, written: Written, taken: dict[str, Written]) -> bool:
    if name in taken:
        other = taken[name]
        said = f"The {kind} {name!r} is also in {other.file}:{other.line((kind,))}."
        hint = "A name belongs to one file; change one."
        ours = kind == "playbook"
        written.problem((kind,), "playbook-taken" if ours else "resource-taken", said, hint)
        return False
    taken[name] = written
    return True


def _book(written: Written) -> Book | None:
    """The playbook of a file, None where its form is wrong; every wrong step is told."""
    if not written.readable:
        return None
    spec = read_model(PlaybookSpec, written)
    steps: dict[str, StepSpec] = {}
    for place, data in enumerate(spec.steps if spec else ()):
        at: At = ("steps", place)
        kinds = kinds_of_step(data)
        if len(kinds) > 1:
            what = f"A step is one thing, and this says {_or(kinds)}."
            written.problem((*at, kinds[1]), "two-steps", what, "Begin another step with `- `.")
            continue
        if not kinds:
            said = [str(key) for key in data]
            near = next((n for key in said if (n := nearest(key, STEPS))), None)
            hint = (f"Did you mean {near}? " if near else "") + f"Valid: {', '.join(STEPS)}."
            written.problem((*at, *said[:1]), "unknown-step", f"Step {place + 1} says {_or(said)}: no such step.", hint)
            continue
        step = read_model(STEPS[kinds[0]], written, at)
        if step is None:
            continue
        name = name_of(step, place)
        if name in steps or name in (END, GO_ON):
            written.problem((*at, "step"), "step-taken", f"{name!r} is taken.", "Give each step a name of its own.")
        steps[name] = step
    return None if spec is None or written.problems else Book(spec, steps)


def _or(words: list[str]) -> str:
    return " and ".join(f"`{word}`" for word in words) or "nothing"


def _placed(written: Written) -> list[Problem]:
    """The problems of a file, each with a line: what is wrong with the whole of it stands at its top."""
    return [replace(problem, line=problem.line or 1) for problem in written.problems]


def _check_resource(resource: ResourceSpec, written: Written, signals: Collection[str]) -> None:
    if resource.resource in (*KINDS, ANY):
        said = f"{resource.resource!r} says by what a resource is chosen; no resource is called so."
        written.problem(("resource",), "bad-name", said, "Give it another name.")
    fixes: Mapping[str, Any] = resource.fixes.model_dump()
    if not any(fixes.values()):
        written.problem(("fixes",), "missing-key", "`fixes:` says nothing.", "Say what it helps with.")
    if resource.link is None and resource.body is None:
        written.problem((), "missing-key", "It has neither `link:` nor `body:`.", "Say where it is, or what it says.")
    for place, name in enumerate(resource.fixes.signal):
        if name not in signals:
            written.problem(
                ("fixes", "signal", place), "unknown-signal", f"{name!r} is not a signal.", among(name, signals)
            )
