"""Was the signal right, how early, and would something simpler have done as well? Looks at all, changes nothing."""

from beforehand.proof.figures import Figures
from beforehand.proof.outcomes import NONE, Outcomes
from beforehand.proof.record import row, standing, words
from beforehand.proof.risk import UNKNOWN, combined, shrunk
from beforehand.proof.trial import Proof, Proven, Trial, prove

__all__ = [
    "NONE",
    "UNKNOWN",
    "Figures",
    "Outcomes",
    "Proof",
    "Proven",
    "Trial",
    "combined",
    "prove",
    "row",
    "shrunk",
    "standing",
    "words",
]
