"""How a message is written, apart from what it says: counts that need no model and no language but English words."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[^\W\d_]{1,64}(?:['’][^\W\d_]{1,16})?")
_GREETING = re.compile(
    r"\W{0,8}(?:hi|hello|hey|heya|hiya|dear|good (?:morning|afternoon|evening|day)|greetings|howdy)\b", re.IGNORECASE
)
_THANKS = re.compile(
    r"\b(?:thanks|thank you|thank u|thx|tnx|ty|cheers|much appreciated|grateful"
    r"|(?:really |greatly )?appreciate (?:it|your|the))\b",
    re.IGNORECASE,
)
_NO_THANKS = re.compile(r"\b(?:no thanks to|thanks for nothing|thanks for wasting)\b", re.IGNORECASE)
_PLEASE = re.compile(r"\b(?:please|pls|plz|kindly|would you mind)\b", re.IGNORECASE)
_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|possibly|probably|i (?:think|guess|suppose|believe|wonder|was wondering)|it seems"
    r"|seems like|kind of|sort of|kinda|sorta|somewhat|a bit|a little|not sure|might|could be"
    r"|just wondering|if possible|apparently)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"\?+")
_EXCLAIM = re.compile("!")
# Shorter ones are mostly names: API, SSO, US.
SHOUTED_LETTERS = 4


@dataclass(frozen=True)
class Manner:
    """`words` is the length; `exclamations` counts marks, `questions` runs of them.

    `shouting` is the share of words of four and more letters in capitals, 0 to 1.
    """

    words: int
    greeting: bool
    thanks: bool
    please: bool
    exclamations: int
    questions: int
    hedges: int
    shouting: float


def manner_of(text: str) -> Manner:
    """The manner of a message that has been cleaned."""
    words = _WORD.findall(text)
    long = [word for word in words if len(word) >= SHOUTED_LETTERS]
    return Manner(
        words=len(words),
        greeting=_GREETING.match(text) is not None,
        thanks=_THANKS.search(text) is not None and _NO_THANKS.search(text) is None,
        please=_PLEASE.search(text) is not None,
        exclamations=len(_EXCLAIM.findall(text)),
        questions=len(_QUESTION.findall(text)),
        hedges=len(_HEDGE.findall(text)),
        shouting=sum(word.isupper() for word in long) / len(long) if long else 0.0,
    )
