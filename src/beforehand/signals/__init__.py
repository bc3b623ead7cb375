"""The language of signals, and the judges that decide where a sentence holds."""

from beforehand.signals.asked import (
    closes_of,
    grain_of,
    leaves,
    lookback_days,
    quantities_of,
    reads_alerts,
    traits_of,
    widths_of,
)
from beforehand.signals.canonical import say
from beforehand.signals.cases import CaseProblem, run_cases
from beforehand.signals.evaluate import Judged, judge
from beforehand.signals.evidence import Evidence
from beforehand.signals.kinds import KINDS, Kind, kind_of
from beforehand.signals.language import parse
from beforehand.signals.plain_words import echo
from beforehand.signals.scoring import decided, scores
from beforehand.signals.sentence_error import SentenceError
from beforehand.signals.series import SeriesNumbers
from beforehand.signals.signal import Signal, build, only_truer, wrong_names
from beforehand.signals.tree import Sentence
from beforehand.signals.usual import Band, band
from beforehand.signals.vocabulary import Vocabulary

__all__ = [
    "KINDS",
    "Band",
    "CaseProblem",
    "Evidence",
    "Judged",
    "Kind",
    "Sentence",
    "SentenceError",
    "SeriesNumbers",
    "Signal",
    "Vocabulary",
    "band",
    "build",
    "closes_of",
    "decided",
    "echo",
    "grain_of",
    "judge",
    "kind_of",
    "leaves",
    "lookback_days",
    "only_truer",
    "parse",
    "quantities_of",
    "reads_alerts",
    "run_cases",
    "say",
    "scores",
    "traits_of",
    "widths_of",
    "wrong_names",
]
