"""One message from its raw text to how it sounds: cleaned, its language told, read, or `unsure` with the reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from beforehand.text.cleaning import Cleaned, clean
from beforehand.text.language import UNKNOWN, Language, detect, has_letters, latin_share
from beforehand.text.manner import Manner, manner_of
from beforehand.text.readers import Reader, Readings, Told, Weighed

# Why nothing is said of a message.
EMPTY, QUOTED, AUTOMATIC, NO_WORDS, LANGUAGE, NO_ANSWER = (
    "empty", "nothing of their own", "automatic", "no words", "language", "no answer",
)  # fmt: skip

# The detector errs on short and technical messages; where half of the words are common ones of the reader's language it
# is overruled, unless it is quite sure of another, and where nearly all are, always.
KNOWN = 0.5
SURE = 0.9
# Fewer known words than this in a text whose language cannot be told: names and codes, not something said.
SOME_KNOWN = 0.2


@dataclass(frozen=True)
class Tone:
    """How one message sounds. The five readings are None where `unsure`, and `reason` says why.

    `sentiment` goes from -1 to 1: the chance of a positive tone less that of a negative one. `text` is what was read
    and `words` point into it, the heaviest first: their weights and `rest` sum to the log-odds of `negative`. `cut`
    names what was left out of the message.
    """

    negative: float | None
    positive: float | None
    frustration: float | None
    gratitude: float | None
    urgency: float | None
    language: str
    reason: str
    text: str
    cut: frozenset[str]
    rest: float | None
    manner: Manner
    _told: tuple[Told, int] | None = field(repr=False, compare=False)

    @property
    def words(self) -> Sequence[Weighed]:
        """The words that were read; made each time they are asked for, as most messages are only counted."""
        return () if self._told is None else self._told[0][self._told[1]]

    @property
    def unsure(self) -> bool:
        """Whether nothing could be said of the message."""
        return self.negative is None

    @property
    def sentiment(self) -> float | None:
        """From -1 (negative) to 1 (positive)."""
        return None if self.negative is None or self.positive is None else self.positive - self.negative


def read_messages(raw: Sequence[str], reader: Reader) -> list[Tone]:
    """How each message sounds to a reader, in order. Nothing a message says changes how any other is read."""
    cleaned = [clean(text) for text in raw]
    languages = detect([message.text for message in cleaned])
    reasons = [
        _unread(message, language, whole, reader)
        for message, language, whole in zip(cleaned, languages, raw, strict=True)
    ]
    asked = [at for at, reason in enumerate(reasons) if not reason]
    readings = reader.read([cleaned[at].text for at in asked])
    places = {at: row for row, at in enumerate(asked)}
    return [
        _tone(cleaned[at], _named(languages[at], reasons[at], reader), reasons[at], readings, places.get(at))
        for at in range(len(raw))
    ]


def _unread(message: Cleaned, language: Language, raw: str, reader: Reader) -> str:
    """Why a message is not given to the reader; empty where it is."""
    if not message.text:
        return QUOTED if raw.strip() and message.cut else EMPTY
    if message.automatic:
        return AUTOMATIC
    if not has_letters(message.text):
        return NO_WORDS
    if reader.languages is None:
        return ""
    if latin_share(message.text) < KNOWN:
        return LANGUAGE
    if language.code in reader.languages and language.probability >= KNOWN:
        return ""
    known = reader.knows(message.text)
    if math.isnan(known):
        return NO_WORDS
    if language.code in reader.languages:
        return "" if known >= SOME_KNOWN else LANGUAGE
    if language.code == UNKNOWN:
        return "" if known >= SOME_KNOWN else NO_WORDS
    return "" if known >= SURE or (known >= KNOWN and language.probability < SURE) else LANGUAGE


def _named(language: Language, reason: str, reader: Reader) -> str:
    """The language as it is told: a message that is read is in a language the reader reads."""
    if reason or reader.languages is None or language.code in reader.languages or len(reader.languages) != 1:
        return language.code
    return next(iter(reader.languages))


def _tone(message: Cleaned, language: str, reason: str, readings: Readings, row: int | None) -> Tone:
    negative = positive = frustration = gratitude = urgency = rest = None
    told = None
    if row is not None:
        known = [None if math.isnan(value) else value for value in readings.chances[row].tolist()]
        negative, positive, frustration, gratitude, urgency = known
        told = None if negative is None else (readings.words, row)
        rest = None if math.isnan(readings.rest[row]) else float(readings.rest[row])
        reason = NO_ANSWER if negative is None else ""
    return Tone(
        negative=negative,
        positive=positive,
        frustration=frustration,
        gratitude=gratitude,
        urgency=urgency,
        language=language,
        reason=reason,
        text=message.text,
        cut=message.cut,
        rest=rest,
        manner=manner_of(message.text),
        _told=told,
    )
