"""What the base model adds up: each word, the pairs it stands in, and the word under a negation.

A word it never saw is read through its runs of three to five letters. The same functions make the features of
training and of reading, so the two cannot differ. Weights of all features add up, divided by the root of the length
(`scale`), so the share of each word in the result is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from beforehand.text.words import Word

PAIR_BITS = 18
GRAM_BITS = 16
_PAIR_MASK = (1 << PAIR_BITS) - 1
_GRAM_MASK = (1 << GRAM_BITS) - 1
START = "<s>"


def scale(count: int) -> float:
    """What a text of `count` words multiplies its sum by: long texts say more, but not in proportion."""
    return float((count + 2) ** -0.5)


def pair(before: str, form: str) -> int:
    """The bucket of two words that follow each other."""
    return crc32(f"{before} {form}".encode()) & _PAIR_MASK


def denied(form: str) -> int:
    """The bucket of a word under a negation."""
    return crc32(f"!{form}".encode()) & _PAIR_MASK


def pairs(words: Sequence[Word]) -> list[int]:
    """Two buckets for each word, in order: the pair it ends, and the word denied (or -1)."""
    out: list[int] = []
    before = START
    for form, _, _, negated in words:
        out.append(crc32(f"{before} {form}".encode()) & _PAIR_MASK)
        out.append(crc32(f"!{form}".encode()) & _PAIR_MASK if negated else -1)
        before = form
    return out


def grams(form: str) -> list[int]:
    """The buckets of a word's runs of three to five letters, its ends marked; none for marks and masks."""
    if not form[:1].isalpha():
        return []
    marked = f"^{form}$"
    return [
        crc32(marked[at : at + size].encode()) & _GRAM_MASK
        for size in (3, 4, 5)
        for at in range(len(marked) - size + 1)
    ]
