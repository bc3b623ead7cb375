"""Was the signal right, how early, and would something simpler have done as well? Looks at all, changes nothing."""

from beforehand.proof.effect import Arm, Effect, Ratio, arms_of, effect, ratio
from beforehand.proof.figures import Figures
from beforehand.proof.outcomes import NONE, Outcomes
from beforehand.proof.record import row, standing, words
from beforehand.proof.risk import UNKNOWN, combined, shrunk
from beforehand.proof.trial import Proof, Proven, Trial, prove

__all__ = [
    "NONE",
    "UNKNOWN",
    "Arm",
    "Effect",
    "Figures",
    "Outcomes",
    "Proof",
    "Proven",
    "Ratio",
    "Trial",
    "arms_of",
    "combined",
    "effect",
    "prove",
    "ratio",
    "row",
    "shrunk",
    "standing",
    "words",
]
