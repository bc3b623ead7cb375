"""`run` and workers killed at random while runs write to customers: `make chaos`, small."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"
SMALL = {"waiting": 270, "due": 60, "spread": 4.0, "kills": 8, "workers": 2, "pause": 0.02, "longest": 240.0}


def _bench(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_nothing_twice_lost_or_stuck(
    place: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    chaos = _bench("chaos")
    state = request.getfixturevalue("postgres")() if place == "postgresql" else ""
    held = chaos.chaos(place, state, argparse.Namespace(**SMALL))
    said = capsys.readouterr().out
    assert held, said
    assert "60 of 330 live runs, 2 workers, 8 kills" in said
