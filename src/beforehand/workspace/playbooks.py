"""The files of `playbooks/` and `resources/`, read and checked: each problem on the line it stands on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from beforehand.errors import InputError, Problem, among, nearest
from beforehand.library import playbooks
from beforehand.playbooks import templates
from beforehand.playbooks.book import GO_ON, Book, is_sentence, name_of, to_customer
from beforehand.signals import SentenceError, Signal, Vocabulary, parse
from beforehand.signals.whom import population_of
from beforehand.workspace.playbook_spec import (
    END,
    STEPS,
    ApproveStep,
    BranchStep,
    CallStep,
    DraftStep,
    EscalateStep,
    PlaybookSpec,
    ResourceSpec,
    SendStep,
    SetStep,
    StepSpec,
    TaskStep,
    WaitForStep,
    kind_of_step,
)
from beforehand.workspace.reading import read_model
from beforehand.workspace.spec import MetricSpec
from beforehand.workspace.yaml_file import At, Written, read_yaml

PLAYBOOKS, RESOURCES = "playbooks", "resources"
NOT_READ = ("readme.md",)
OUR_SOURCE = "beforehand"
"""The source of touches that playbooks made."""
OUR_KEYS = ("task", "call", "draft", "subject", "escalate")


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


def read_shelf(
    root: Path, vocabulary: Vocabulary, signals: Collection[str], channels: Collection[str], words: bool = True
) -> Shelf:
    """Reads both folders; `words` False where metrics are not known, so that sentences are not held against anybody."""
    shelf = Shelf()
    problems: list[Problem] = []
    taken: dict[str, Written] = {}
    named: set[str] = set()
    for written in _files(root, PLAYBOOKS, problems):
        # A file that is no YAML is called what it most likely says.
        named.add(str(written.data["playbook"]) if "playbook" in written.data else Path(written.file).stem)
        book = _book(written)
        if book is not None and _first(book.name, "playbook", written, taken):
            _check(book, written, vocabulary if words else None, signals, channels, shelf.judged)
            if not written.problems:
                shelf.books[book.name] = book
                shelf.texts[book.name] = (root / written.file).read_text(encoding="utf-8-sig")
        problems += written.problems
    taken = {}
    for written in _files(root, RESOURCES, problems):
        resource = read_model(ResourceSpec, written) if written.readable else None
        if resource is not None and not written.problems and _first(resource.resource, "resource", written, taken):
            _check_resource(resource, written, signals)
            shelf.resources[resource.resource] = resource
        problems += written.problems
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


def book_from(text: str) -> Book:
    """The book of a file's text, as a run keeps it; InputError where this version cannot read it any more."""
    try:
        return Book.of(PlaybookSpec.model_validate(YAML(typ="safe", pure=True).load(text)))
    except (YAMLError, ValidationError) as error:
        said = str(error).splitlines()[0]
        raise InputError(
            f"The playbook a run began on cannot be read: {said}", "End the run.", "bad-playbook"
        ) from None


def signal_of(sentence: str, vocabulary: Vocabulary) -> Signal:
    """A sentence of a playbook as something that can be judged; SentenceError where it is not understood."""
    read = parse(sentence, vocabulary)
    return Signal(f"playbook: {sentence}", read, counted=vocabulary.counted, lasting=vocabulary.lasting)


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
        kind = kind_of_step(data)
        if kind is None:
            said = [str(key) for key in data]
            near = next((n for key in said if (n := nearest(key, STEPS))), None)
            hint = (f"Did you mean {near}? " if near else "") + f"Valid: {', '.join(STEPS)}."
            written.problem((*at, *said[:1]), "unknown-step", f"Step {place + 1} says {_or(said)}: no such step.", hint)
            continue
        step = read_model(STEPS[kind], written, at)
        if step is None:
            continue
        name = name_of(step, place)
        if name in steps or name in (END, GO_ON):
            written.problem((*at, "step"), "step-taken", f"{name!r} is taken.", "Give each step a name of its own.")
        steps[name] = step
    return None if spec is None or written.problems else Book(spec, steps)


def _or(words: list[str]) -> str:
    return " and ".join(f"`{word}`" for word in words) or "nothing"


def _check(
    book: Book,
    written: Written,
    vocabulary: Vocabulary | None,
    signals: Collection[str],
    channels: Collection[str],
    judged: dict[str, Signal],
) -> None:
    spec = book.spec
    for place, name in enumerate(spec.when.signals):
        if name not in signals:
            at: At = ("when", "signals", place)
            written.problem(at, "unknown-signal", f"{name!r} is not a signal.", among(name, signals))
    if spec.when.accounts is not None:
        try:
            population_of(spec.when.accounts)
        except InputError as error:
            written.problem(("when", "accounts"), error.code or "bad-sentence", error.message, error.hint)
    if spec.when_they_reply not in (END, GO_ON, *book.steps):
        said = f"{spec.when_they_reply!r} is no step."
        written.problem(
            ("when they reply",), "unknown-step", said, among(spec.when_they_reply, (END, GO_ON, *book.steps))
        )
    _check_ways(book, written)
    _check_texts(book, written)
    _check_sends(book, written, channels)
    if vocabulary is not None:
        _check_sentences(book, written, vocabulary, judged)


def _check_ways(book: Book, written: Written) -> None:
    """Every way leads forward, to a step there is; and every step can be reached."""
    reached = {next(iter(book.steps))}
    if spec_reply := book.spec.when_they_reply:
        reached |= {spec_reply} & set(book.steps)
    for place, name in enumerate(book.steps):
        for key, target in book.leads_to(name):
            at: At = ("steps", place, key)
            if target == END:
                continue
            if target not in book.steps:
                written.problem(at, "unknown-step", f"{target!r} is no step.", among(target, (END, *book.steps)))
            elif book.order[target] <= place:
                said = f"{name} goes back to {target}: a run would go round in a circle."
                written.problem(at, "playbook-loop", said, "Steps go forward only; write the step again below.")
            elif name in reached:
                reached.add(target)
        if name not in reached:
            said = f"Nothing leads to the step {name}."
            written.problem(
                ("steps", place), "unreachable-step", said, "Name it in a `then:` or `else:`, or remove it."
            )


def _check_texts(book: Book, written: Written) -> None:
    own = frozenset(name for _, step in book.of_kind(SetStep) for name in step.set)
    for place, step in enumerate(book.steps.values()):
        texts: list[tuple[At, str]] = [
            ((k,), getattr(step, k)) for k in OUR_KEYS if isinstance(getattr(step, k, None), str)
        ]
        if isinstance(step, SetStep):
            texts = [(("set", name), text) for name, text in step.set.items()]
        for at, text in texts:
            for wrong in templates.problems(text, own):
                written.problem(("steps", place, *at), "bad-template", wrong.message, wrong.hint)


def _check_sends(book: Book, written: Written, channels: Collection[str]) -> None:
    drafts = {name for name, _ in book.of_kind(DraftStep)}
    for place, (name, step) in enumerate(book.steps.items()):
        at: At = ("steps", place)
        if isinstance(step, SendStep | ApproveStep):
            wanted = step.send if isinstance(step, SendStep) else step.approve
            if wanted not in drafts:
                written.problem((*at, step.key), "unknown-step", f"{wanted!r} is no draft.", among(wanted, drafts))
                continue
            if book.order[wanted] >= place:
                said = f"{name} comes before the draft {wanted}."
                written.problem((*at, step.key), "playbook-loop", said, "Draft first.")
        if isinstance(step, SendStep):
            if step.channel is not None and step.channel not in channels:
                said = f"There is no channel {step.channel!r}."
                written.problem((*at, "channel"), "unknown-channel", said, among(step.channel, channels))
            if book.outward(name) and not book.approved_before(name) and not book.spec.without_approval:
                said = f"{name} writes to a customer, and nobody approves it."
                hint = f"Put `- approve: {step.send}` before it, or say `without approval: true`."
                written.problem((*at, "send"), "no-approval", said, hint)
        if isinstance(step, CallStep) and not all(to_customer(to) for to in step.to):
            written.problem((*at, "to"), "bad-value", "A call is to somebody at the account.", "Write `their ROLE`.")
        if isinstance(step, TaskStep | EscalateStep) and any(to_customer(to) for to in step.to):
            said = f"`{step.key}` is for one of us."
            written.problem((*at, "to"), "bad-value", said, "Write `owner`, or a role of the team.")
        if isinstance(step, DraftStep) and len({to_customer(to) for to in step.to}) > 1:
            said = "A draft is for one of us, or for somebody at the account."
            written.problem((*at, "to"), "bad-value", said, "Write two drafts.")


def _check_sentences(book: Book, written: Written, vocabulary: Vocabulary, judged: dict[str, Signal]) -> None:
    places: list[tuple[At, str]] = [] if book.spec.goal is None else [(("goal",), book.spec.goal)]
    for place, step in enumerate(book.steps.values()):
        if isinstance(step, BranchStep) and is_sentence(step.branch):
            places.append((("steps", place, "branch"), step.branch))
        elif isinstance(step, WaitForStep) and is_sentence(step.wait_for):
            places.append((("steps", place, "wait for"), step.wait_for))
    for at, sentence in places:
        try:
            found = signal_of(sentence, vocabulary)
        except SentenceError as error:
            hint = error.hint or "Compare it with the sentences of your signals."
            written.problem(at, error.code or "bad-sentence", error.message, hint)
            continue
        if found.subject != "account" or found.sentence.population is not None:
            said = "What a playbook asks is judged on the account of its run."
            written.problem(at, "bad-sentence", said, "Leave the `for ...` out.")
            continue
        judged[sentence] = found


def _check_resource(resource: ResourceSpec, written: Written, signals: Collection[str]) -> None:
    said: Mapping[str, Any] = resource.fixes.model_dump()
    if not any(said.values()):
        written.problem(("fixes",), "missing-key", "`fixes:` says nothing.", "Say what it helps with.")
    if resource.link is None and resource.body is None:
        written.problem((), "missing-key", "It has neither `link:` nor `body:`.", "Say where it is, or what it says.")
    for place, name in enumerate(resource.fixes.signal):
        if name not in signals:
            written.problem(
                ("fixes", "signal", place), "unknown-signal", f"{name!r} is not a signal.", among(name, signals)
            )
