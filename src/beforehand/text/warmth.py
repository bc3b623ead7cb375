"""How warm a message is, by points for what it says and for how it is written: from -2 (cold) to 3 (warm)."""

from __future__ import annotations

from beforehand.text.reading import Tone

# What each part adds at its fullest. Length has no part by itself: a short message with thanks is a busy person's.
SENTIMENT, GRATITUDE, FRUSTRATION = 0.8, 0.5, -0.5
GREETING, THANKS, PLEASE, EXCLAMATION = 0.4, 0.4, 0.2, 0.2
PLAINLY_POSITIVE = 0.5
CURT, CURT_WORDS = -0.5, 12
"""Few words, of which none is a courtesy: all of it where there is one word, nothing from `CURT_WORDS` on."""


def warmth_of(tone: Tone) -> float | None:
    """The points of a message that was read; None where it is unsure.

    Its sentiment, gratitude and frustration count by their chances; a greeting, thanks, a please and a friendly
    exclamation mark count by being there; being curt takes away. A reader that tells no gratitude or frustration adds
    none.
    """
    sentiment = tone.sentiment if tone.sentiment is not None else None if tone.negative is None else -tone.negative
    if sentiment is None:
        return None
    manner = tone.manner
    points = SENTIMENT * sentiment
    points += GRATITUDE * (tone.gratitude or 0.0) + FRUSTRATION * (tone.frustration or 0.0)
    points += GREETING * manner.greeting + THANKS * manner.thanks + PLEASE * manner.please
    points += EXCLAMATION * (manner.exclamations > 0 and sentiment > 0)
    if not (manner.greeting or manner.thanks or manner.please) and sentiment < PLAINLY_POSITIVE:
        points += CURT * max(0.0, CURT_WORDS - manner.words) / (CURT_WORDS - 1)
    return points
