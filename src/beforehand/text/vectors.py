"""A ticket as a short vector: its words, pairs of words, names, error texts and runs of letters, the telling ones.

How telling a word is follows from how many texts had it so far (`Seen`), and is fixed when a text arrives: a vector
never changes afterwards, so nothing that rests on it changes overnight.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from beforehand.text.cleaning import clean
from beforehand.text.fingerprint import error_lines, template_of

# A vector holds this many of its most telling words (pairs, names and error texts too) and runs of letters.
WORDS, GRAMS = 256, 160
WIDTH = WORDS + GRAMS
# Words of a text that are read: a ticket has said what it is about by then, and time stays bounded.
LONGEST = 300
# The share of the runs of letters in a similarity; the first line, which names the matter, counts twice.
GRAM_SHARE = 0.36
HEAD = 2
# An error text that stands in a ticket is worth as much as several words.
ERROR = 3.0
SIZES = (4,)
BITS = 18
_MASK = (1 << BITS) - 1
_GRAM_BIT = 1 << 31

# Written by scripts/plain_words.py; the counts weigh as much as this many texts of the team's own.
_PLAIN = Path(__file__).parent / "weights" / "plain.txt"
PLAIN_TEXTS = 1_000

_WORD = re.compile(r"[^\W_]{1,64}(?:[_.\-/'’:][^\W_]{1,64}){0,12}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_ENDS = ("ations", "ation", "ings", "ing", "ies", "ied", "ions", "ion", "ed", "es", "ly", "s")

Ints = npt.NDArray[np.uint32]
Reals = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Words:
    """What a text is made of: how often each word, pair, name, error text and run of letters, and its plain words."""

    words: dict[str, float]
    grams: dict[int, float]
    plain: tuple[str, ...]
    errors: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.words)


@dataclass(frozen=True)
class Vector:
    """Sorted ids of features and their weights (the square sums of words and of grams are each at most 1)."""

    ids: Ints
    weights: Reals
    leading: Ints  # ids of its most telling words, the most telling first


class Seen:
    """In how many texts each word was seen. Begins with the shipped counts of plain English.

    Words fall into 2**18 buckets; `counts` and `texts` are the whole state.
    """

    def __init__(self, counts: npt.NDArray[np.uint32] | None = None, texts: int = PLAIN_TEXTS) -> None:
        self.counts = _plain().copy() if counts is None else counts
        self.texts = texts

    def add(self, found: Words) -> None:
        """Counts one text more."""
        for word in found.words:
            if " " not in word:
                self.counts[_bucket(word)] += 1
        grams = np.fromiter(found.grams, np.int64, len(found.grams))
        self.counts[(1 << BITS) + (grams & _MASK)] += 1
        self.texts += 1

    def pack(self) -> bytes:
        """The counts as bytes; `unpack` reads them."""
        return zlib.compress(self.counts.tobytes(), 1)

    @classmethod
    def unpack(cls, packed: bytes, texts: int) -> Seen:
        """The counts that `pack` wrote."""
        return cls(np.frombuffer(zlib.decompress(packed), np.uint32).copy(), texts)


def read(raw: str) -> Words:
    """The features of a ticket or message; none where nothing of it can be read. Linear in the text, and bounded."""
    cleaned = clean(raw)
    errors = tuple(dict.fromkeys(template for line in error_lines(raw) if (template := template_of(line))))[:8]
    head, _, body = cleaned.text.partition("\n")
    if not body:
        head, body = "", head
    words: defaultdict[str, float] = defaultdict(float)
    grams: defaultdict[int, float] = defaultdict(float)
    plain: list[str] = []
    for part, times in ((head, HEAD), (body, 1), *((line, 1) for line in errors)):
        before = ""
        for found in _WORD.finditer(part):
            name = found.group()
            pieces = _PART.findall(name)
            if len(pieces) > 1:
                words["#" + name.lower()] += times
            for piece in pieces:
                lower = piece.lower()
                if len(plain) >= LONGEST:
                    break
                plain.append(lower)
                stem = _stem(lower)
                words[stem] += times
                if before:
                    words[f"{before} {stem}"] += times
                before = stem
                for gram in _grams(lower):
                    grams[gram] += times
    for error in errors:
        words["!" + error] += ERROR
    return Words(dict(words), dict(grams), tuple(plain), errors)


def vector(found: Words, seen: Seen) -> Vector:
    """The vector of a text by what was seen so far; WIDTH features at most."""
    counts, texts = seen.counts, seen.texts + 1
    log = math.log(texts + 1)
    weighed: list[tuple[float, str]] = []
    known: dict[str, float] = {}
    for word in found.words:
        if " " not in word:
            known[word] = log - math.log(float(counts[_bucket(word)]) + 1) + 1
    for word, times in found.words.items():
        if " " in word and word[0] != "!":
            first, _, second = word.partition(" ")
            telling = 0.6 * (known[first] + known[second])
        else:
            telling = known.get(word) or log + 1
        weighed.append(((1 + math.log(times)) * telling, word))
    weighed.sort(key=lambda pair: (-pair[0], pair[1]))
    norm = math.sqrt(sum(weight * weight for weight, _ in weighed)) or 1.0
    kept = weighed[:WORDS]
    word_ids = np.array([crc32(word.encode("utf-8", "replace")) & ~_GRAM_BIT for _, word in kept], np.uint32)
    word_weights = np.array([weight for weight, _ in kept], np.float32) * (math.sqrt(1 - GRAM_SHARE) / norm)
    gram_ids = np.fromiter(found.grams, np.int64, len(found.grams))
    times_ = np.fromiter(found.grams.values(), np.float32, len(found.grams))
    had = counts[(1 << BITS) + (gram_ids & _MASK)].astype(np.float32)
    gram_weights = ((1 + np.log(times_)) * (log - np.log(had + 1) + 1)).astype(np.float32)
    gram_norm = float(np.sqrt(np.square(gram_weights).sum())) or 1.0
    if len(gram_ids) > GRAMS:
        top = np.lexsort((gram_ids, -gram_weights))[:GRAMS]
        gram_ids, gram_weights = gram_ids[top], gram_weights[top]
    ids = np.concatenate([word_ids, (gram_ids.astype(np.uint32) | _GRAM_BIT)]).astype(np.uint32)
    weights = np.concatenate([word_weights, gram_weights * np.float32(math.sqrt(GRAM_SHARE) / gram_norm)])
    ids, places = np.unique(ids, return_index=True)
    return Vector(ids, weights[places].astype(np.float32), word_ids)


def telling_of(word: str, seen: Seen) -> float:
    """How telling a word is by what was seen so far: the rarest of its parts."""
    parts = [_stem(part.lower()) for part in _PART.findall(word)] or [word.lower()]
    return max(math.log((seen.texts + 2) / (float(seen.counts[_bucket(part)]) + 1)) for part in parts)


def plain_words() -> list[str]:
    """Stems of common English words, the commonest first."""
    return [word for word, _ in _plain_counts()]


@cache
def _plain_counts() -> tuple[tuple[str, float], ...]:
    """Stems of common English words, the commonest first, and in how many of 1,000 texts each stands."""
    lines = (line.partition(" ") for line in _PLAIN.read_text(encoding="utf-8").splitlines())
    return tuple((word, float(count)) for word, _, count in lines)


@cache
def _plain() -> npt.NDArray[np.uint32]:
    """The counts to begin with: those of common English words (and their runs of letters) in PLAIN_TEXTS texts."""
    counts = np.zeros(1 << (BITS + 1), np.uint32)
    for word, count in _plain_counts():
        had = round(count * PLAIN_TEXTS / 1000)
        counts[_bucket(word)] += had
        for gram in _grams(word):
            counts[(1 << BITS) + (gram & _MASK)] += had
    return counts


def _bucket(word: str) -> int:
    return crc32(word.encode("utf-8", "replace")) & _MASK


def _stem(word: str) -> str:
    """A word without its commonest English endings; a crude cut serves here, both sides are cut alike."""
    for end in _ENDS:
        if len(word) > len(end) + 2 and word.endswith(end):
            return word[: -len(end)]
    return word


def _grams(word: str) -> Iterable[int]:
    marked = f"^{word}$".encode("utf-8", "replace")[:48]
    for size in SIZES:
        for at in range(len(marked) - size + 1):
            yield crc32(marked[at : at + size]) & 0x7FFFFFFF
