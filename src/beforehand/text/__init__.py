"""Reads one message at a time: what its writer typed, in which language, and how it sounds. Plain functions.

Nothing here reaches a network or a database, and nothing a message says changes what happens to it.
"""

from __future__ import annotations

from beforehand.text.cleaning import Cleaned, clean
from beforehand.text.manner import Manner, manner_of
from beforehand.text.masking import mask, mask_secrets
from beforehand.text.readers import Reader, Readings, Weighed
from beforehand.text.reading import Tone, read_messages
from beforehand.text.tone import ToneModel, base_model
from beforehand.text.warmth import warmth_of

__all__ = [
    "Cleaned",
    "Manner",
    "Reader",
    "Readings",
    "Tone",
    "ToneModel",
    "Weighed",
    "base_model",
    "clean",
    "manner_of",
    "mask",
    "mask_secrets",
    "read_messages",
    "warmth_of",
]
