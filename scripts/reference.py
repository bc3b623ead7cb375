"""Writes docs/reference from the code: commands, files, metrics, errors. `--check` only says what is stale."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from functools import cache
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

import beforehand
from beforehand.cli import app
from beforehand.commands.library import library as listed
from beforehand.commands.library import pack
from beforehand.library import STANDARD, records
from beforehand.panel.where import COLUMNS, FUNCTIONS, WITH_PROPERTIES
from beforehand.signals import KINDS
from beforehand.signals.grammar import FORMS
from beforehand.workspace import schemas
from beforehand.workspace.callback_spec import CallbacksSpec
from beforehand.workspace.channel_spec import AppriseSpec, EmailSpec, SlackSpec, WebhookSpec
from beforehand.workspace.playbook_spec import (
    STEPS,
    CapSpec,
    FixesSpec,
    HoldoutSpec,
    PlaybookSpec,
    ResourceSpec,
    TriggerSpec,
)
from beforehand.workspace.route_spec import (
    ExpectSpec,
    MaintenanceSpec,
    MatchSpec,
    RouteSpec,
    RoutesSpec,
    SuchSpec,
)
from beforehand.workspace.spec import (
    AGGREGATES,
    COUNTABLE,
    RECORDED_OUTCOMES,
    CalendarSpec,
    CompoundSpec,
    ExcludeSpec,
    MetricSpec,
    OutcomeSpec,
    SettingsSpec,
    SignalSpec,
    TextSpec,
)
from beforehand.workspace.spec_base import SecretSpec
from beforehand.workspace.team_spec import AwaySpec, HoldersSpec, PersonSpec, TeamSpec

sys.path.insert(0, str(Path(__file__).parent))
from codes import MEANINGS  # a table beside this file
from planted import record

HERE = Path(__file__).parent.parent
PAGES = HERE / "docs" / "reference"
SOURCE = Path(beforehand.__file__).parent
MADE = "<!-- Made from the code by scripts/reference.py (`make docs`); do not edit. -->\n\n"

FILES: tuple[tuple[str, str, dict[str, type[BaseModel]]], ...] = (
    (
        "beforehand.yaml",
        "What holds for the whole workspace.",
        {
            "": SettingsSpec,
            "Under `exclude:`": ExcludeSpec,
            "Under `text:`": TextSpec,
            "Under `calendar:`": CalendarSpec,
            "Under `channels:`, mail": EmailSpec,
            "Under `channels:`, Slack": SlackSpec,
            "Under `channels:`, a webhook": WebhookSpec,
            "Under `channels:`, Apprise": AppriseSpec,
            "Under `callbacks:`": CallbacksSpec,
            "A secret": SecretSpec,
        },
    ),
    (
        "metrics.yaml",
        "What is counted, and how people say it: a mapping of a metric's name to these keys. Exactly one of `count`, "
        "`sum`, `mean`, `share`, `last` and `people` is given; see [metrics](metrics.md).",
        {"": MetricSpec},
    ),
    (
        "events.yaml",
        "What the product calls the standard events: a mapping of a [standard event](events.md), or of any name that a "
        "metric counts, to one name or a list of them. A name without an entry stands for itself. `beforehand events` "
        "tells what is missing, and `beforehand events --suggest` prints the file.",
        {},
    ),
    (
        "outcomes.yaml",
        "Outcomes read from the facts: a mapping of an outcome's name to these keys. Those that are recorded are "
        f"loaded and need no entry: {', '.join(f'`{o}`' for o in RECORDED_OUTCOMES)}.",
        {"": OutcomeSpec},
    ),
    (
        "team.yaml",
        "The people who hear of alerts. A role of `owners` is held by one person at each account: by hand-over, else "
        "by the trait, else by the first rule that matches, else shared among the others; `beforehand route explain` "
        "says which, and every reason. See [routing](../explanation/routing.md).",
        {
            "": TeamSpec,
            "Under `people:`": PersonSpec,
            "Under `away:`": AwaySpec,
            "Under `owners:`": HoldersSpec,
        },
    ),
    (
        "routes.yaml",
        "Which alert goes to whom. The file itself is the route of everything that no other takes. The first route "
        "that matches is taken; what it does not say it has from the one around it. Without it nobody is told "
        "anything.",
        {
            "": RoutesSpec,
            "Under `routes:`": RouteSpec,
            "Under `match:`": MatchSpec,
            "Under `maintenance:`": MaintenanceSpec,
            "Under `expect:`": ExpectSpec,
            "Under `expect: alert:`": SuchSpec,
        },
    ),
    ("signals/*.yaml", "One signal a file.", {"": SignalSpec, "`when:` as a mapping": CompoundSpec}),
    (
        "playbooks/*.yaml",
        "One playbook a file: what is done about an alert, step by step. How they run is told in "
        "[playbooks](../explanation/playbooks.md).",
        {
            "": PlaybookSpec,
            "Under `when:`": TriggerSpec,
            "Under `holdout:`": HoldoutSpec,
            "Under `cap:`": CapSpec,
            **{f"A step `{key}`": model for key, model in STEPS.items()},
        },
    ),
    ("resources/*.yaml", "One guide, fix or offer a file.", {"": ResourceSpec, "Under `fixes:`": FixesSpec}),
)
MERGES = {
    "count": ("rows", "0", "added up"),
    "sum": ("the numbers of `of:`, added up", "0", "added up"),
    "mean": ("the mean of `of:`", "unsure", "sum and number apart, divided at the end"),
    "share": (
        "the share of rows for which the condition `of:` is true",
        "unsure",
        "both numbers apart, divided at the end",
    ),
    "last": ("the newest value of `of:`", "the value before, carried forward", "the newest wins"),
    "people": ("different people", "0", "bitmaps, joined: a person on two days is one person"),
    "distinct": ("different values of `of:`", "0", "bitmaps, joined: a feature used on two days is one feature"),
}


def commands() -> str:
    """The page of the commands, from the Typer app."""
    root: Any = typer.main.get_command(app)
    parts = [
        "# Commands\n",
        "Every command takes `-w DIR` where it works on a workspace (default: the folder upward that holds "
        "`beforehand.yaml`) and `--json`, which puts the result on standard output and everything else on standard "
        "error. Times are ISO 8601, UTC.\n",
        "Exit codes: 0 well; 1 found something and `--fail-if-found` was given; 2 what was asked or written is wrong, "
        "also a failing case; 3 an engine, a lock or a delivery failed.\n",
    ]
    for name, command in sorted(_flat(root, "")):
        parts.append(f"## {name}\n\n{inspect.cleandoc(command.help or '')}\n")
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        usage = " ".join([name, *(_metavar(p) for p in arguments), *(["[OPTIONS]"] if options else [])])
        parts.append(f"```text\nbeforehand {usage}\n```\n")
        rows = [(f"`{_metavar(p)}`", "", p.help or "") for p in arguments]
        rows += [
            (", ".join(f"`{o}`" for o in (*p.opts, *p.secondary_opts)), _default(p), p.help or "") for p in options
        ]
        parts.append(_table(("argument or option", "default", "what it does"), rows))
        shape = _returns(name)
        if shape:
            parts.append(f"With `--json`: {shape}\n")
    return MADE + "\n".join(parts)


def files() -> str:
    """The page of the workspace's files, from the models."""
    parts = [
        "# Files of a workspace\n",
        "A workspace is a folder of YAML 1.2 files. A key that is not listed here is refused, with the nearest one. "
        "`beforehand check` tells every problem of every file at once. Editors that know the YAML language server "
        "complete and check these keys: the first line of each starter file names its JSON Schema.\n",
        "A span of time is written `90 days`, `6 hours`, `2 weeks` or `30 minutes`; a bare number is days.\n",
    ]
    for name, what, models in FILES:
        parts.append(f"## {name}\n\n{what}\n")
        for heading, model in models.items():
            if heading:
                parts.append(f"### {heading}\n\n{inspect.cleandoc(model.__doc__ or '')}\n")
            parts.append(_table(("key", "is", "default", "what it means"), _keys(model)))
    parts.append(
        "## Not written by people\n\n`.beforehand/` holds the facts (`facts.duckdb`), the state (`state.sqlite`), "
        "the lock and the JSON Schemas for editors. It stays out of git.\n"
    )
    return MADE + "\n".join(parts)


def metrics() -> str:
    """The page of what can be counted and which conditions may be written."""
    rows = [(f"`{a}`", *MERGES[a]) for a in AGGREGATES]
    parts = [
        "# Metrics\n",
        "A metric has exactly one of these, which names the fact table it reads.\n",
        _table(("", "counts", "of nothing", "over several periods"), rows),
        "Outside an account's life, and before `tracking since`, there is no value at all, not zero.\n",
        "## Conditions\n",
        "`where:`, the `of:` of a share, and `exclude: events:` are conditions on one row, written as in SQL: "
        "comparisons, "
        "`and`, `or`, `not`, `in (...)`, `like`, `between`, `is null`, `is true`, `+ - * / %`, and the functions "
        + ", ".join(f"`{f}`" for f in FUNCTIONS)
        + ". Nothing else is passed on: no subquery, aggregate, window, file or network function. "
        "Text stands in single quotes. What is unknown is false.\n",
        "`properties.NAME` is a property of the row, read as what it is compared with; nested ones are "
        "`properties.a.b`.\n",
        "## Columns\n",
        _table(
            ("table", "columns"),
            [
                (
                    f"`{t}`",
                    ", ".join(f"`{c}` ({k})" for c, k in cols.items())
                    + (", `properties.*`" if t in WITH_PROPERTIES else ""),
                )
                for t, cols in COLUMNS.items()
            ],
        ),
    ]
    return MADE + "\n".join(parts)


def words() -> str:
    """The page of the language's kinds and words, from the table of kinds and the grammar."""
    explained = "../explanation/sentences.md"
    parts = [
        "# Words of the language\n",
        f"What each means is told in [sentences]({explained}). Letter case, commas and extra blanks mean nothing. A "
        "metric is said by any of its `says:` phrases, in the singular or the plural.\n",
        "## Kinds of conditions\n",
        _table(
            ("kind", "for example"),
            [(f"[{kind.name}]({explained}#{kind.anchor})", f"`{kind.example}`") for kind in KINDS],
        ),
        "## Words\n",
        "The first of each row is how the tools write it; the others mean the same.\n",
        _table(
            ("word", "or"),
            [(f"`{first}`", ", ".join(f"`{form}`" for form in others)) for _, (first, *others) in FORMS.values()],
        ),
        "A number may be written `1,000`, `2k`, `1.5m` or `$500`; a day as 2026-01-31; a trait and its value as text, "
        "in quotes where they hold words of the language.\n",
    ]
    return MADE + "\n".join(parts)


def events() -> str:
    """The page of the standard events, from the vocabulary of the library."""
    counted: dict[str, list[str]] = {}
    for name, spec in pack().metrics.items():
        for event in dict.fromkeys((*spec.event, *spec.of_event)):
            counted.setdefault(event, []).append(name)
    parts = [
        "# Standard events\n",
        "A metric that says `event: login` counts the events that `events.yaml` names for `login`, or those called "
        "`login` where it names none. `beforehand events` knows an event by the spellings below, whatever its "
        "capitals, dashes and underscores; names that are only alike are marked as guessed.\n",
        _table(
            ("event", "means", "counted in the library as", "spelled, for example"),
            [
                (f"`{e.name}`", e.means, ", ".join(counted.get(e.name, ())), ", ".join(f"`{s}`" for s in e.spelled[:6]))
                for e in STANDARD.values()
            ],
        ),
    ]
    return MADE + "\n".join(parts)


def library() -> str:
    """The page of the library, from the pack and the records beside it; figures are measured by scripts/library.py."""
    told = listed()
    measured, kinds = told["measured"], records()["kinds"]
    parts = [
        "# The library\n",
        f"`beforehand init DIR --pack` writes these {len(told['signals'])} signals with their metrics; how to make "
        "them yours is told in [start from the library](../how-to/start-from-the-library.md). Each has cases that "
        "`check` runs.\n",
        f"Records are of one simulated company, `{measured['command']}`, written by `scripts/library.py`: alerts that "
        "were right of those whose time is over, with the interval of 95 %; how many of those who left (or grew) it "
        "caught; how early, by the median; and how often as many alerts would have been right that name whoever has "
        "been quiet longest, or anybody. They say what the signal is worth *there*, where what it looks for was "
        "planted. Yours will differ: `beforehand backtest`.\n",
    ]
    for group, heading in told["groups"].items():
        parts.append(f"## {heading}\n")
        for row in (r for r in told["signals"] if r["group"] == group):
            parts.append(f"### {row['signal']}\n\n{row['why']}\n")
            parts.append(f"```sentence\n{row['sentence']}\n```\n")
            rows = [("severity", row["severity"] + (", growth" if row["polarity"] == "growth" else ""))]
            rows += [("clears", f"`{row['clear']}`")] if row["clear"] else []
            rows += [
                ("from", row["source"]),
                ("suggested", f"**{row['playbook']['name']}**: {row['playbook']['text']}"),
            ]
            parts.append(_table(("", ""), [*rows, ("record", _record(row))]))
    parts.append(
        "## What is planted, and found\n\nIn the same company, against its truth: moments planted, told by the signal, "
        "missed; the signal's alerts, and those of them where nothing of the kind was there; days from the beginning "
        "of what is planted to the alert, by the median.\n"
    )
    head = ("kind", "told by", "planted", "found", "missed", "alerts", "false", "days")
    cells = [
        (k["kind"], f"`{k['signal']}`", *(str(k[key]) for key in ("planted", "found", "missed", "episodes", "false")),
         "" if k["delay_days"] is None else f"{k['delay_days']:.0f}")
        for k in kinds
    ]  # fmt: skip
    parts.append(_table(head, cells))
    return MADE + "\n".join(parts)


def _record(row: dict[str, Any]) -> str:
    """The record of a signal in words and figures."""
    had = row["record"]
    if had is None:
        return "not measured"
    _, _, right, precision, caught, early, quiet, lot = record({"signal": "", "outcome": "", **had})
    if not precision:
        return f"no alert whose time is over ({had['episodes']} alerts)"
    said = (
        f"`{row['outcome']}` within {row['horizon_days']} days: {right} right, {precision}; caught {caught or 'none'}"
    )
    said += f", {early} days early" if early else ""
    return f"{said}; quiet longest {quiet or '-'}, by lot {lot or '-'}"


def errors() -> str:
    """The page of the error codes, from the calls that raise them."""
    parts = [
        "# Error codes\n",
        "With `--json` an error is an object on standard output: "
        '`{"error": {"code", "message", "hint"}, "problems": [{"file", "line", "code", "message", "hint"}]}`. '
        "The codes are stable; the words may change.\n",
        _table(
            ("code", "what it means"),
            [(f"`{code}`", MEANINGS[code]) for code in sorted(codes_raised() & MEANINGS.keys())],
        ),
    ]
    return MADE + "\n".join(parts)


def codes_raised() -> set[str]:
    """Every error code written anywhere in the source."""
    position = {"InputError": 2, "EngineError": 2, "BusyError": 2, "Problem": 2, "problem": 1, "wrong": 0}
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = position.get(called)
                given = [k.value for k in node.keywords if k.arg == "code"]
                given += node.args[place : place + 1] if place is not None else []
                found |= {text for value in given for text in _words(value)}
    return found


def _words(value: ast.expr) -> set[str]:
    found = {n.value for n in ast.walk(value) if isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value}
    # `unknown-{kind}` is written out: the kinds are those of the identities.
    return (found - {"unknown-"}) | ({"unknown-account", "unknown-person"} if "unknown-" in found else set())


def _flat(group: Any, before: str) -> list[tuple[str, Any]]:
    """The commands of a group and of the groups in it, by full name."""
    found: list[tuple[str, Any]] = []
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                found.append((before + name, command))
            found += _flat(command, before + name + " ")
        else:
            found.append((before + name, command))
    return found


def _metavar(argument: Any) -> str:
    name = argument.metavar or str(argument.name).upper()
    name = name if argument.nargs != -1 else name.rstrip(".") + "..."
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _default(option: Any) -> str:
    value = option.default
    if (
        callable(value)
        or value is None
        or value is False
        or value == ()
        or value == []
        or "Sentinel" in type(value).__name__
    ):
        return ""
    return f"`{value}`"


def _returns(name: str) -> str:
    """What the command's function says it returns, joined into one line."""
    first = name.split(" ")[0].replace("-", "_")
    try:
        module = importlib.import_module(f"beforehand.commands.{first}")
    except ModuleNotFoundError:
        return ""
    function = getattr(module, name.replace(" ", "_").replace("-", "_"), None) or getattr(
        module, name.split(" ")[-1], None
    )
    for paragraph in inspect.cleandoc(getattr(function, "__doc__", None) or "").split("\n\n"):
        words = " ".join(paragraph.split())
        if words.startswith("Returns "):
            return words.removeprefix("Returns ").split(" Raises ")[0]
    return ""


def _keys(model: type[BaseModel]) -> list[tuple[str, str, str, str]]:
    schema = model.model_json_schema(by_alias=True)
    schema = {**schema, **schema.get("$defs", {}).get(model.__name__, {})} if "$ref" in schema else schema
    rows = []
    for name, said in schema["properties"].items():
        needed = name in schema.get("required", ())
        default = "needed" if needed else _written(said.get("default"))
        rows.append((f"`{name}`", _kind(said, schema.get("$defs", {})), default, said.get("description", "")))
    return rows


def _written(value: Any) -> str:
    if value in (None, "", [], {}) or isinstance(value, dict):
        return ""
    if isinstance(value, str) and value.startswith("P") and value.endswith("D"):
        return f"`{value[1:-1]} days`"
    return f"`{value}`"


def _kind(said: dict[str, Any], defs: dict[str, Any]) -> str:
    """A JSON Schema as people say it."""
    if tuple(said.get("enum", ())) == COUNTABLE:
        return "a fact table"
    if "const" in said:
        return f"`{said['const']}`"
    if "enum" in said:
        return " \\| ".join(f"`{v}`" for v in said["enum"])
    if "anyOf" in said or "oneOf" in said:
        kinds = [_kind(k, defs) for k in said.get("anyOf") or said["oneOf"] if k.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in said:
        return "a mapping"
    if said.get("type") == ["string", "array"]:
        return "a name or a list of names"
    if isinstance(said.get("type"), list):
        return "a span of time"
    if said.get("type") == "array" and "oneOf" in said.get("items", {}):
        return "a list of sentences, names or mappings"
    if said.get("type") == "array":
        inner = _kind(said.get("items", {}), defs)
        return "a list of mappings" if inner == "a mapping" else "a list of " + inner
    if said.get("type") == "object":
        return (
            "a mapping to " + _kind(said["additionalProperties"], defs)
            if said.get("additionalProperties")
            else "a mapping"
        )
    if said.get("format") == "date":
        return "a day"
    return {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "yes or no"}.get(
        str(said.get("type")), "text"
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


@cache
def pages() -> dict[Path, str]:
    """Every page and what it should say."""
    made = {
        "commands": commands, "files": files, "metrics": metrics, "words": words, "events": events,
        "library": library, "errors": errors,
    }  # fmt: skip
    return {PAGES / f"{name}.md": make() for name, make in made.items()}


def main() -> int:
    """Writes the pages, or with `--check` says which are stale."""
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    stale += [
        schemas.HERE / f"{n}.json" for n in schemas.NAMES if (schemas.HERE / f"{n}.json").read_text() != schemas.text(n)
    ]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(HERE)} is stale: run `make docs`")
        return 1 if stale else 0
    PAGES.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
