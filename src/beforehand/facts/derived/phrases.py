"""Lists of phrases, and how one is looked for in what a customer wrote."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beforehand.workspace.spec import PhraseList

SHORT = 3
"""Phrases of so few letters are whole words: `sla` is not in "slate"."""
_WORD = r"\p{L}\p{N}\p{M}_"
_APOSTROPHES = "'’ʼ"


@lru_cache(maxsize=1)
def shipped() -> dict[str, tuple[str, ...]]:
    """The lists that come with Beforehand, by name."""
    text = files("beforehand.facts.derived").joinpath("phrases.toml").read_text(encoding="utf-8")
    return {name: tuple(phrases) for name, phrases in tomllib.loads(text).items()}


def lists(own: Mapping[str, PhraseList]) -> dict[str, tuple[str, ...]]:
    """All lists by name, with those of a workspace: added to what is shipped, or in its place."""
    found = dict(shipped())
    for written, phrases in own.items():
        name = _named(written)
        if isinstance(phrases, tuple):
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *phrases)))
        else:
            found[name] = phrases.only
    return found


def phrases_of(words: Iterable[str], own: Mapping[str, PhraseList]) -> tuple[str, ...]:
    """What is looked for where a sentence says `words`: lists by their name, in singular or plural, others as are."""
    known = lists(own)
    found: list[str] = []
    for word in words:
        name = _named(word)
        names = (name, name.removesuffix("s"), name + "s")
        found += next((known[n] for n in names if n in known), (word,))
    return tuple(dict.fromkeys(found))


def pattern(phrases: Iterable[str]) -> str:
    """A regular expression (RE2, which DuckDB has) that finds any of the phrases: nothing of them is read as one.

    Letter case does not matter, nor how many blanks stand between words, nor the form of an apostrophe.
    """
    free: list[str] = []
    begins: list[str] = []
    for phrase in phrases:
        words = phrase.split()
        if not words:
            continue
        found = r"\s+".join(_escaped(word) for word in words)
        letters = "".join(words)
        if len(letters) <= SHORT and letters.isalnum():
            found += rf"(?:$|[^{_WORD}])"
        # What begins with a sign ($500, #fail) needs no beginning of a word before it.
        (begins if words[0][0].isalnum() else free).append(found)
    parts = [rf"(?:^|[^{_WORD}])(?:{'|'.join(begins)})"] if begins else []
    parts += [f"(?:{'|'.join(free)})"] if free else []
    return f"(?i){'|'.join(parts)}" if parts else r"[^\s\S]"


def _named(text: str) -> str:
    return " ".join(text.lower().split())


def _escaped(word: str) -> str:
    """The word with every sign taken for itself."""
    return "".join(f"[{_APOSTROPHES}]" if c in _APOSTROPHES else re.escape(c) for c in word)
