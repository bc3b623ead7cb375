"""The base reader: a sum of word weights, trained by scripts/tone/train.py, read with NumPy alone.

Text classification by weighted n-grams (Wang and Manning 2012, "Baselines and Bigrams"); the weights of words and
their letters were smoothed by word vectors at training time, so that rare words lean on their neighbours. What was
trained on what stands in docs/explanation/reading-tone.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from beforehand.text.features import GRAM_BITS, PAIR_BITS, grams, pairs, scale
from beforehand.text.readers import OUTPUTS, Floats, Readings, Weighed
from beforehand.text.words import Word, read_words

# Texts that are added up at once: keeps the memory flat however many are given.
BATCH = 2_000

Table = NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """The trained numbers: a row per word, per bucket of pairs and per bucket of letters, a column per output.

    `common` is how many of the words, the first ones, are common in English.
    """

    vocabulary: dict[str, int]
    common: int
    words: Table
    pairs: Table
    grams: Table
    bias: Table

    @classmethod
    def read(cls, path: str) -> Self:
        """The weights of a file as the training writes it: float16 words, int8 tables with a scale per output."""
        with np.load(path, allow_pickle=False) as stored:
            forms = bytes(stored["vocabulary"]).decode("utf-8").split("\n")
            return cls(
                vocabulary={form: at for at, form in enumerate(forms)},
                common=int(stored["common"]),
                words=stored["words"].astype(np.float32),
                pairs=stored["pairs"] * stored["pairs_scale"].astype(np.float32),
                grams=stored["grams"] * stored["grams_scale"].astype(np.float32),
                bias=stored["bias"].astype(np.float32),
            )

    def __post_init__(self) -> None:
        columns = len(OUTPUTS)
        shapes = {
            "words": (len(self.vocabulary), columns),
            "pairs": (1 << PAIR_BITS, columns),
            "grams": (1 << GRAM_BITS, columns),
            "bias": (columns,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name}: {getattr(self, name).shape} in place of {shape}")


class ToneModel:
    """Reads English. The log-odds of each output are its bias plus the sum over the words, divided by root length."""

    name = "base"
    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(self, weights: Weights, version: str = "") -> None:
        self.weights = weights
        self.version = version

    def knows(self, text: str) -> float:
        """The share of the words of a text that are common English ones; NaN where it has none."""
        vocabulary, common = self.weights.vocabulary, self.weights.common
        forms = [word.form for word in read_words(text[:1000]) if word.form[0].isalpha()]
        if not forms:
            return float("nan")
        return sum(vocabulary.get(form, common) < common for form in forms) / len(forms)

    def read(self, texts: Sequence[str]) -> Readings:
        """How each text sounds; NaN for a text without a word."""
        if not texts:
            return Readings.unread(0)
        odds = np.full((len(texts), len(OUTPUTS)), np.nan)
        told = Words(texts)
        for begins in range(0, len(texts), BATCH):
            part = texts[begins : begins + BATCH]
            odds[begins : begins + len(part)] = self._read(part, told)
        with np.errstate(over="ignore"):
            chances = 1.0 / (1.0 + np.exp(-odds))
        return Readings(chances, words=told, rest=np.full(len(texts), float(self.weights.bias[0])))

    def _read(self, texts: Sequence[str], told: Words) -> Floats:
        """The log-odds `[n, outputs]`, NaN without words; adds to `told` what each word added to the first."""
        weights = self.weights
        lines = [read_words(text) for text in texts]
        counts = np.array([len(line) for line in lines])
        total = int(counts.sum())
        odds = np.full((len(texts), len(OUTPUTS)), np.nan)
        if not total:
            told.add(lines, np.empty(0), np.empty(0))
            return odds
        table, rows = self._rows(lines)
        joined = np.array([bucket for line in lines for bucket in pairs(line)], dtype=np.int64).reshape(total, 2)
        alone = table[rows]
        # A pair and a denial belong to the word that completes them: "not good" is counted at "good".
        context = weights.pairs[joined[:, 0]]
        denied = joined[:, 1] >= 0
        context[denied] += weights.pairs[joined[denied, 1]]
        spoken = np.flatnonzero(counts)
        first = np.concatenate([[0], np.cumsum(counts[spoken])[:-1]])
        scales = np.array([scale(int(count)) for count in counts[spoken]])
        added = (alone + context) * np.repeat(scales, counts[spoken])[:, None]
        odds[spoken] = np.add.reduceat(added, first, axis=0) + weights.bias
        told.add(lines, added[:, 0].copy(), alone[:, 0] * np.repeat(scales, counts[spoken]))
        return odds

    def _rows(self, lines: Sequence[Sequence[Word]]) -> tuple[Table, NDArray[np.int64]]:
        """The table of the words at hand and the row of each word: a word never seen is read by its letters."""
        weights, vocabulary = self.weights, self.weights.vocabulary
        unseen: dict[str, int] = {}
        rows = []
        for line in lines:
            for form, _, _, _ in line:
                row = vocabulary.get(form)
                if row is None:
                    row = unseen.setdefault(form, len(vocabulary) + len(unseen))
                rows.append(row)
        extra = np.zeros((len(unseen), len(OUTPUTS)), np.float32)
        for at, form in enumerate(unseen):
            buckets = grams(form)
            if buckets:
                extra[at] = weights.grams[buckets].sum(axis=0) / len(buckets) ** 0.5
        return np.concatenate([weights.words, extra]) if len(extra) else weights.words, np.array(rows, dtype=np.int64)


class Words:
    """The words of each text by what they added, made when they are asked for: of most texts nobody asks."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._lines: list[tuple[Sequence[Word], Floats, Floats, int]] = []

    def add(self, lines: Sequence[Sequence[Word]], added: Floats, own: Floats) -> None:
        """The next texts: their words, what each added and what it would have added alone, one after the other."""
        at = 0
        for line in lines:
            self._lines.append((line, added, own, at))
            at += len(line)

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Sequence[Weighed]]:
        return (self[at] for at in range(len(self)))

    def __getitem__(self, at: int, /) -> Sequence[Weighed]:
        """The words of a text by weight; a word that counts mostly by what stands before it is shown with that."""
        text = self._texts[at]
        line, added, own, begins = self._lines[at]
        words = []
        before = -1
        for place, (_, start, end, _) in enumerate(line, begins):
            weight, alone = float(added[place]), float(own[place])
            shown = before if before >= 0 and abs(weight - alone) > abs(alone) and start - before < 40 else start
            words.append(Weighed(text[shown:end], shown, end, weight))
            before = start
        words.sort(key=_weight, reverse=True)
        return words


def _weight(word: Weighed) -> float:
    return abs(word.weight)


@cache
def base_model() -> ToneModel:
    """The model that comes with the project, loaded once."""
    path = files("beforehand.text") / "weights" / "tone.npz"
    return ToneModel(Weights.read(str(path)), version=f"{crc32(path.read_bytes()):08x}")
