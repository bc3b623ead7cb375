"""The whole workspace read at once: every file, every problem."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from beforehand.calendar import zone_named
from beforehand.errors import InputError, Problem, Problems, among, nearest
from beforehand.library import PACK
from beforehand.signals import Signal, Vocabulary
from beforehand.workspace.events import check_events, expanded, read_events
from beforehand.workspace.metrics import implied_for, read_metrics, read_outcomes, spoken, with_implied
from beforehand.workspace.people import ROUTES, TEAM, check_routes, read_people
from beforehand.workspace.playbook_check import Around
from beforehand.workspace.playbooks import PLAYBOOKS, RESOURCES, Shelf, check_named, read_shelf, without_ours
from beforehand.workspace.reading import read_model
from beforehand.workspace.route_spec import RoutesSpec
from beforehand.workspace.sentences import build_signals
from beforehand.workspace.spec import RECORDED_OUTCOMES, MetricSpec, OutcomeSpec, SettingsSpec, SignalSpec
from beforehand.workspace.team_spec import TeamSpec
from beforehand.workspace.working import check_calendar
from beforehand.workspace.yaml_file import At, Written, read_yaml

SETTINGS, METRICS, OUTCOMES, SIGNALS = "beforehand.yaml", "metrics.yaml", "outcomes.yaml", "signals"
EVENTS = "events.yaml"
FOLDERS = (SIGNALS, PLAYBOOKS, RESOURCES)
NAMES = (SETTINGS, METRICS, OUTCOMES, EVENTS, TEAM, ROUTES)
NOT_READ = ("readme.md",)  # may lie in signals/ without being taken for a signal that is not read


@dataclass(frozen=True)
class Folder:
    """The files of a workspace, understood. `written` says where each signal and case stands, for later problems.

    `metrics` are those of metrics.yaml, and those that sentences imply (`no contact from us`); their conditions hold
    what `events.yaml` says of their events. `events` are the product's own names of each standard event.
    """

    root: Path
    settings: SettingsSpec
    metrics: dict[str, MetricSpec]
    vocabulary: Vocabulary
    signals: dict[str, Signal]
    specs: dict[str, SignalSpec]
    outcomes: dict[str, OutcomeSpec]
    written: dict[str, Written]  # signal name -> its file, with lines
    events: dict[str, tuple[str, ...]]
    team: TeamSpec | None = None
    routes: RoutesSpec | None = None
    routes_written: Written | None = None
    shelf: Shelf = field(default_factory=Shelf)
    """The playbooks and the resources."""

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """Every outcome a signal may be proven against: the recorded ones, then the derived ones."""
        return (*RECORDED_OUTCOMES, *self.outcomes)


def read_folder(root: Path) -> Folder:
    """Reads a workspace; raises `Problems` with every problem of every file at once."""
    folder, problems = examine(root)
    if problems:
        raise Problems(problems)
    return folder


def examine(root: Path) -> tuple[Folder, list[Problem]]:
    """Reads what can be read of a workspace, and tells every problem, in the order of files and lines.

    Where there are problems, the folder holds what is right in itself; `signals` only those that can be judged.
    """
    settings_file = read_yaml(root, SETTINGS)
    metrics_file = read_yaml(root, METRICS) if (root / METRICS).exists() else Written(METRICS)
    outcomes_file = read_yaml(root, OUTCOMES) if (root / OUTCOMES).exists() else Written(OUTCOMES)
    events_file = read_yaml(root, EVENTS) if (root / EVENTS).exists() else Written(EVENTS)

    settings = read_model(SettingsSpec, settings_file)
    counted = read_metrics(metrics_file)
    events = read_events(events_file, counted)
    if events_file.readable:  # else what is mapped is not known
        check_events(counted, events, metrics_file)
    metrics = {name: expanded(spec, events) for name, spec in counted.items()}
    outcomes = read_outcomes(outcomes_file)
    outcome_names = (*RECORDED_OUTCOMES, *outcomes_file.data)
    if settings is not None:
        _check_settings(settings, settings_file, outcome_names)
    files, strays = _signal_files(root)
    specs = _read_specs(files, outcome_names)
    vocabulary, signals = Vocabulary(), dict[str, Signal]()
    # Where metrics.yaml is no YAML, what its metrics are called is not known: the sentences wait until it is mended.
    if metrics_file.readable:
        known = frozenset(str(written.data.get("signal")) for written in files) - specs.keys()
        vocabulary, signals = build_signals(specs, spoken(metrics, metrics_file), known, with_implied(metrics))
        metrics |= implied_for(signals.values(), metrics)
        metrics = without_ours(metrics)
    team, routes, people_files = read_people(root, settings or SettingsSpec())
    routes_file = next((written for written in people_files if written.file == ROUTES), None)
    if routes is not None and routes_file is not None:
        named = {str(written.data.get("signal")) for written in files}
        check_routes(routes, team, routes_file, named, settings or SettingsSpec())

    names = {*specs, *(str(written.data.get("signal")) for written in files)}
    _check_covers(specs, names)
    channels = settings.channels if settings is not None else {}
    shelf = read_shelf(root, Around(vocabulary if metrics_file.readable else None, names, channels, team=team))
    check_named(shelf, ((spec.playbook, written) for spec, written in specs.values()))
    problems = [*_misnamed(root), *strays, *shelf.problems]
    for written in (settings_file, metrics_file, outcomes_file, events_file, *people_files, *files):
        problems += written.problems
    folder = Folder(
        root=root,
        settings=settings or SettingsSpec(),
        metrics=metrics,
        vocabulary=vocabulary,
        signals=signals,
        specs={name: spec for name, (spec, _) in specs.items()},
        outcomes=outcomes,
        written={name: written for name, (_, written) in specs.items()},
        events=events,
        shelf=shelf,
        team=team,
        routes=routes,
        routes_written=routes_file,
    )
    return folder, sorted(problems, key=lambda p: (p.file, p.line or 0))


def _misnamed(root: Path) -> Iterator[Problem]:
    """Files whose name is nearly that of one we read, and would be passed over in silence."""
    for path in sorted(root.iterdir()):
        if path.name in (*NAMES, *FOLDERS) or path.name.startswith("."):
            continue
        known = FOLDERS if path.is_dir() else NAMES
        near = nearest(path.name, known, cutoff=88)
        if near is not None and not (root / near).exists():
            said = f"{path.name} is not read: its name is nearly {near}."
            yield Problem(path.name, None, "misnamed-file", said, f"Rename it to {near}.")


def _check_covers(specs: Mapping[str, tuple[SignalSpec, Written]], names: Collection[str]) -> None:
    """What signals say that they cover: other signals, of this workspace or of the library (it may leave some out)."""
    known = {*names, *(path.stem for path in (PACK / SIGNALS).glob("*.yaml"))}
    for name, (spec, written) in specs.items():
        for nth, other in enumerate(spec.covers):
            at: At = ("covers", nth) if isinstance(written.data.get("covers"), list) else ("covers",)
            if other == name:
                written.problem(at, "bad-value", f"{name} covers itself.", "Name milder signals of the same trouble.")
            elif other not in known:
                written.problem(at, "unknown-signal", f"{other!r} is not a signal.", among(other, sorted(names)))


def _check_settings(settings: SettingsSpec, written: Written, outcomes: tuple[str, ...]) -> None:
    try:
        zone_named(settings.zone)
    except InputError as error:
        written.problem(("zone",), error.code, error.message, error.hint)
    check_calendar(settings, written)
    for key, name in (("outcome", settings.outcome), ("growth_outcome", settings.growth_outcome)):
        _check_outcome(name, key, written, outcomes)
    from beforehand.panel import where

    checks: list[tuple[At, str, Callable[[str, str], object]]] = [(("feature",), settings.feature, where.text)]
    if settings.exclude.events is not None:
        checks.append((("exclude", "events"), settings.exclude.events, where.condition))
    for at, text, check in checks:
        try:
            check(text, "events")
        except InputError as error:
            written.problem(at, error.code or "bad-condition", error.message, error.hint)


def _check_outcome(name: str, key: str, written: Written, outcomes: tuple[str, ...]) -> None:
    if name not in outcomes:
        written.problem((key,), "unknown-outcome", f"{name!r} is not an outcome.", among(name, outcomes))


def _signal_files(root: Path) -> tuple[list[Written], list[Problem]]:
    """The files of signals/, and a problem for each thing in it that would be passed over in silence."""
    folder = root / SIGNALS
    files: list[Written] = []
    strays: list[Problem] = []
    if folder.exists() and not folder.is_dir():
        return [], [Problem(SIGNALS, None, "not-a-folder", "signals is a file.", "Make it a folder of signals.")]
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        name = f"{SIGNALS}/{path.name}"
        if path.name.startswith(".") or path.name.endswith("~") or path.name.lower() in NOT_READ:
            continue
        if path.is_dir():
            strays.append(
                Problem(name, None, "not-a-signal", "Folders in signals/ are not read.", "Move its files up.")
            )
        elif path.suffix.lower() not in (".yaml", ".yml"):
            hint = "Give it the ending .yaml, or move it out of signals/."
            strays.append(Problem(name, None, "not-a-signal", f"{path.name} is not read.", hint))
        else:
            files.append(read_yaml(root, name))
    return files, strays


def _read_specs(files: list[Written], outcomes: tuple[str, ...]) -> dict[str, tuple[SignalSpec, Written]]:
    """Every signal that is right in form, by name; a name is told once, at its second place."""
    specs: dict[str, tuple[SignalSpec, Written]] = {}
    for written in files:
        if not written.readable:
            continue
        spec = read_model(SignalSpec, written)
        if spec is None:
            continue
        if spec.signal in specs:
            other = specs[spec.signal][1]
            said = f"The signal {spec.signal!r} is also in {other.file}:{other.line(('signal',))}."
            written.problem(("signal",), "signal-taken", said, "A name belongs to one file; change one.")
            continue
        specs[spec.signal] = (spec, written)
        if spec.outcome is not None:
            _check_outcome(spec.outcome, "outcome", written, outcomes)
    return specs
