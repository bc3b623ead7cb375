"""The pure ring reads no clock, no environment and no chance: time and seeds come in as arguments."""

import ast
from pathlib import Path

import pytest

import beforehand

SOURCE = Path(beforehand.__file__).parent
PURE = ("alerts", "calendar", "incidents", "playbooks", "proof", "routing", "signals", "story", "text")
FILES = sorted(
    [path for room in PURE for path in (SOURCE / room).rglob("*.py")]
    + [SOURCE / "errors.py", SOURCE / "panel" / "where.py", SOURCE / "workspace" / "spec.py"]
)
CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.monotonic",
    "time.perf_counter", "time.localtime", "time.gmtime", "os.environ", "os.getenv", "uuid.uuid4",
    "np.random.seed", "np.random.rand", "np.datetime64('now')",
}  # fmt: skip
UNSEEDED = ("time", "random", "os", "secrets")


def impure(source: str) -> list[str]:
    """The clocks a module reads, each with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            parts = ast.unparse(node).split(".")
            name = ".".join(parts[-2:])
            if name in CLOCKS:
                found.append(f"{node.lineno}: {name}")
        elif isinstance(node, ast.Call) and ast.unparse(node) in CLOCKS:
            found.append(f"{node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.ImportFrom) and node.module in UNSEEDED:
            found.append(f"{node.lineno}: from {node.module} import")
        elif isinstance(node, ast.Import) and (names := {name.name for name in node.names} & {*UNSEEDED}):
            found.append(f"{node.lineno}: import {', '.join(names)}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_pure_module_reads_no_clock(path: Path) -> None:
    assert impure(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["x = datetime.now(UTC)", "import datetime\nx = datetime.datetime.now()", "x = time.time()",
     "from time import time", "import random",
     "x = date.today()", "x = np.datetime64('now')", "x = os.environ['A']"],
)  # fmt: skip
def test_the_walk_sees_a_clock(source: str) -> None:
    assert impure(source)
