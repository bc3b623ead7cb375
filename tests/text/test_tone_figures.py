"""The committed weights give the figures of reading-tone.md on sixty messages of our own that nothing was taught on."""

from __future__ import annotations

import csv
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from beforehand.commands.text import reader_of
from beforehand.text.encoder import NEEDED
from beforehand.workspace.spec import TextSpec

HERE = Path(__file__)
PAGE = HERE.parents[2] / "docs" / "explanation" / "reading-tone.md"
WITHOUT = not all(find_spec(name) for name in NEEDED)


@pytest.mark.parametrize(
    "name",
    ["base", pytest.param("encoder", marks=pytest.mark.skipif(WITHOUT, reason="the extra `encoder` is not here"))],
)
def test_the_weights_give_the_documented_figures(name: str) -> None:
    with HERE.with_name("own_messages.tsv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    truth = np.array([row["negative"] == "1" for row in rows])
    said = reader_of(TextSpec(reader=name)).read([row["text"] for row in rows]).negative
    # How often a negative message is said to be more so than another: the area under the curve.
    area = np.mean([above > below for above in said[truth] for below in said[~truth]])
    brier = np.mean((said - truth) ** 2)
    found = re.search(rf"^\| {name} \| ([01]?\.\d+) \| (\.\d+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert found, f"reading-tone.md has no figures of {name} on our own messages"
    assert (f"{area:.2f}".removeprefix("0"), f"{brier:.2f}".removeprefix("0")) == found.groups()
