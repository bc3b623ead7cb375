"""The language of signals, and the judges that decide where a sentence holds."""

from beforehand.signals.evaluate import (
    Judged,
    grain_of,
    judge,
    leaves,
    lookback_days,
    quantities_of,
    traits_of,
    widths_of,
)
from beforehand.signals.evidence import Evidence
from beforehand.signals.kinds import KINDS, Kind, kind_of
from beforehand.signals.language import parse
from beforehand.signals.sentence_error import SentenceError
from beforehand.signals.signal import Signal, build, check_names, only_truer
from beforehand.signals.tree import Sentence
from beforehand.signals.usual import Band, band
from beforehand.signals.vocabulary import Vocabulary

__all__ = [
    "KINDS",
    "Band",
    "Evidence",
    "Judged",
    "Kind",
    "Sentence",
    "SentenceError",
    "Signal",
    "Vocabulary",
    "band",
    "build",
    "check_names",
    "grain_of",
    "judge",
    "kind_of",
    "leaves",
    "lookback_days",
    "only_truer",
    "parse",
    "quantities_of",
    "traits_of",
    "widths_of",
]
