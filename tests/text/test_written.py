"""The texts of our own that the readers are taught on: well formed, each once, and none of those they are tested on."""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wording() -> ModuleType:
    """scripts/tone/wording.py."""
    spec = importlib.util.spec_from_file_location("wording", ROOT / "scripts" / "tone" / "wording.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["wording"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def plain(text: str) -> str:
    """A text without its marks and capitals; what is only marks as it stands."""
    return re.sub(r"\W+", " ", text.lower()).strip() or text


def test_each_message_stands_once_and_sounds_like_something(wording: ModuleType) -> None:
    messages = wording.messages(wording.registers())
    assert len(messages) > 10_000
    assert len({plain(message.text) for message in messages}) == len(messages)
    for message in messages:
        assert not set(message.text) & set("<>{}|[]"), message.text
        assert all(0 <= label <= 1 for label in message.labels), message
    assert all(len(wording.messages([name])) > 1_000 for name in wording.registers())


def test_nothing_was_taught_on_the_messages_of_the_figures(wording: ModuleType) -> None:
    with (Path(__file__).parent / "own_messages.tsv").open(newline="", encoding="utf-8") as file:
        tested = {plain(row["text"]) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    assert not tested & {plain(message.text) for message in wording.messages(wording.registers())}


def test_a_seed_writes_the_same_texts_and_another_one_others(wording: ModuleType) -> None:
    names = wording.registers()[:1]
    assert wording.write(50, 3) == wording.write(50, 3) != wording.write(50, 4)
    assert wording.retold(names, 3) == wording.retold(names, 3) != wording.retold(names, 4)
    assert len(wording.retold(names, 3)) == len(wording.messages(names))
