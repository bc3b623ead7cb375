"""The name of a group: the most telling phrase of its own words."""

from __future__ import annotations

import math
import re

from beforehand.text.cleaning import clean
from beforehand.text.vectors import Seen, telling_of

SHORTEST, LONGEST_NAME = 2, 7
LONGEST_CHARACTERS = 80
_SENTENCE = re.compile(r"[.!?](?:\s|$)|\n")
_WORD = re.compile(r"\S{1,80}")
_EDGE = ".,;:!?()[]{}\"'`*<>-–—"


def phrase_of(text: str, seen: Seen) -> str:
    """The phrase of the first sentence (or subject) with the most telling words; at most seven words of it."""
    said = clean(text).text or text[:1_000]
    sentences = [part.strip() for part in _SENTENCE.split(said[:1_000]) if any(letter.isalnum() for letter in part)]
    if not sentences:
        return said[:LONGEST_CHARACTERS].strip() or "?"
    # A greeting is no matter: the first sentence with something telling in it counts.
    sentence = next((part for part in sentences if len(part.split()) >= 3), sentences[0])
    words = [word for found in _WORD.finditer(sentence) if (word := found.group().strip(_EDGE))][:60]
    if not words:
        return sentence[:LONGEST_CHARACTERS]
    weights = [telling_of(word, seen) for word in words]
    # Each word must pull its weight: common ones cost a little, and so do not stand at the ends.
    price = math.log(seen.texts + 2) * 0.55
    best, chosen = -math.inf, (0, min(len(words), LONGEST_NAME))
    for start in range(len(words)):
        total = 0.0
        for end in range(start + 1, min(len(words), start + LONGEST_NAME) + 1):
            total += weights[end - 1] - price
            if end - start >= min(SHORTEST, len(words)) and total > best + 1e-9:
                best, chosen = total, (start, end)
    return " ".join(words[chosen[0] : chosen[1]])[:LONGEST_CHARACTERS]
