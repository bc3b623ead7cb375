"""The demo from end to end, on a small company: what `make demo` does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def script(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
    )


def test_demo_goes_from_nothing_to_stories_and_proof(tmp_path: Path) -> None:
    done = script(
        "scripts/demo.py",
        "--accounts",
        "60",
        "--days",
        "300",
        "--end",
        "2026-06-29",
        "--folder",
        str(tmp_path),
        CI="true",
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for part in ("five most urgent", "Are the signals any good?", "fewer-people", "What to try next"):
        assert part in done.stdout
    assert (tmp_path / "company/truth.json").is_file()
    assert "Traceback" not in done.stderr


def test_examples_say_that_their_data_are_absent(tmp_path: Path) -> None:
    for name in ("openstack", "ravenstack"):
        done = script("scripts/example.py", name, BEFOREHAND_DATA=str(tmp_path))
        assert done.returncode == 0
        assert "left out" in done.stdout
