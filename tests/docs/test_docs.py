"""The documentation says what the code does: references are made from it, snippets hold, links lead somewhere."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from beforehand.cli import app
from beforehand.commands.init import init
from beforehand.library import STANDARD
from beforehand.workspace import schemas
from beforehand.workspace.folder import examine
from beforehand.workspace.spec import AGGREGATES, MetricSpec, SettingsSpec, SignalSpec
from beforehand.workspace.yaml_file import read_yaml

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md"), *ROOT.glob("*.md")])
BLOCK = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
GROUPS: Any = typer.main.get_command(app)


def loaded(name: str) -> ModuleType:
    """A module of scripts/, which is no package."""
    sys.path.insert(0, str(ROOT / "scripts"))
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = loaded("reference")


def blocks(*kinds: str) -> list[Any]:
    """Every code block of these kinds, with its page for the name of the test."""
    found = []
    for page in PAGES:
        for number, block in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8"))):
            if block[1] in kinds:
                found.append(pytest.param(page, block[2], id=f"{page.relative_to(ROOT)}#{number}"))
    return found


@pytest.mark.parametrize("name", ["commands", "files", "metrics", "words", "events", "errors"])
def test_the_reference_is_current(name: str) -> None:
    made = {path.stem: text for path, text in reference.pages().items()}
    assert (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8") == made[name], "run `make docs`"


def test_every_error_code_is_told() -> None:
    raised = reference.codes_raised()
    assert sorted(raised - reference.MEANINGS.keys()) == [], "codes without a meaning in scripts/codes.py"
    assert sorted(reference.MEANINGS.keys() - raised) == [], "meanings of codes that nothing raises"


def test_every_command_and_option_says_what_it_does() -> None:
    silent = []
    for name, command in reference._flat(GROUPS, ""):
        silent += [] if command.help else [name]
        silent += [f"{name} {p.name}" for p in command.params if p.name != "help" and not getattr(p, "help", None)]
    assert silent == []


def test_every_key_and_every_aggregate_has_a_description() -> None:
    for model in (SettingsSpec, MetricSpec, SignalSpec):
        assert [name for name, field in model.model_fields.items() if not field.description] == []
    assert set(reference.MERGES) == set(AGGREGATES)
    assert set(schemas.NAMES) == {
        "beforehand", "events", "metrics", "outcomes", "playbook", "resource", "routes", "signal", "team",
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name) if name else page
        if not target.exists() or (heading and heading not in headings(target)):
            dead.append(link)
    assert dead == []


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in found}


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        links = LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))
        todo += [(page.parent / link.partition("#")[0]).resolve() for link in links if "://" not in link]
    assert [str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md") if p.resolve() not in seen] == []


@pytest.mark.parametrize(("page", "text"), blocks("console"))
def test_commands_in_a_console_block_exist(page: Path, text: str) -> None:
    """Lines that begin with `$ ` are what a person types; the others are what comes back."""
    typed = re.sub(r"\\\n\s*", "", text)
    for line in (line[2:] for line in typed.splitlines() if line.startswith("$ ")):
        for part in re.split(r"\s(?:&&|\|)\s", line.split(" #")[0]):
            words = shlex.split(part)
            if words[0] == "make":
                targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
                assert all(w in targets for w in words[1:] if "=" not in w), line
            elif Path(words[0]).name == "beforehand":
                check_command(words[1:], line)


def check_command(words: list[str], line: str) -> None:
    """The command exists, with every option that is given."""
    command = GROUPS
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    assert command is not GROUPS or words[:1] in ([], ["--help"], ["-h"]), f"no such command: {line}"
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
    assert [w for w in words if re.match(r"--?[a-z]", w) and w.split("=")[0] not in options] == [], line


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_yaml_in_the_docs_is_valid(page: Path, text: str, tmp_path: Path) -> None:
    """A block is read as the file it looks like, in a workspace with the starter's metrics and those of its page."""
    root = tmp_path / "w"
    init(root)
    every = BLOCK.findall(page.read_text(encoding="utf-8"))
    metrics = [t for k, t in every if k == "yaml" and kind(t, tmp_path) == "metrics.yaml"]
    if kind(text, tmp_path) == "metrics.yaml":
        (root / "metrics.yaml").write_text(text)
        for path in (root / "signals").iterdir():
            path.unlink()
    else:
        named = {line.split(":")[0] for t in metrics for line in t.splitlines() if re.match(r"^\w", line)}
        kept = re.sub(r"^(\w[\w ]*):\n(?:[ #].*\n|\n)*", lambda m: "" if m[1] in named else m[0],
                      (root / "metrics.yaml").read_text(), flags=re.MULTILINE)  # fmt: skip
        (root / "metrics.yaml").write_text("\n".join([kept, *metrics]))
        place = kind(text, tmp_path)
        if place.startswith("signals/"):
            text = text if re.search(r"^signal:", text, re.MULTILINE) else f"signal: in-the-docs\n{text}"
            own = re.search(r"^signal: *(\S+)", text, re.MULTILINE)
            for path in (root / "signals").iterdir():
                if metrics or (own and path.stem == own[1]):
                    path.unlink()
        if place == "routes.yaml":  # about the team of its page
            (root / "team.yaml").write_text(
                next(t for k, t in every if k == "yaml" and kind(t, tmp_path) == "team.yaml")
            )
        (root / place).parent.mkdir(exist_ok=True)
        (root / place).write_text(text)
    _, problems = examine(root)
    assert [str(p) for p in problems] == []


def kind(text: str, folder: Path) -> str:
    """Which file of a workspace a block looks like."""
    (folder / "block.yaml").write_text(text)
    written = read_yaml(folder, "block.yaml")
    assert written.problems == []
    data = written.data
    for name in ("playbook", "resource"):
        if name in data and "signal" not in data:
            return f"{name}s/block.yaml"
    for name in ("people", "to"):
        if name in data:
            return {"people": "team.yaml", "to": "routes.yaml"}[name]
    if "when" in data or "signal" in data:
        return "signals/block.yaml"
    if data and data.keys() <= STANDARD.keys():
        return "events.yaml"
    inner = [value for value in data.values() if isinstance(value, dict)]
    if inner and all("silent for" in value for value in inner):
        return "outcomes.yaml"
    if inner and all(value.keys() & set(AGGREGATES) for value in inner):
        return "metrics.yaml"
    return "beforehand.yaml"
