"""Is it the data or the customer: feeds gone silent, tracking and definitions changed, everybody moving at once. Pure.

Counts come in as arrays; what is found comes out with the numbers it was found by. What is held back because of it is
decided in `holding`; what happens to alerts is written by `commands`.
"""

from beforehand.incidents.definitions import EXCLUDED, Changed, changed, undone
from beforehand.incidents.holding import KINDS, SAID, Doubt, Incident, Kind, Reading, doubt, touches
from beforehand.incidents.pulse import Pulse, hour_of, lateness
from beforehand.incidents.reading import ACTIVE, Effect
from beforehand.incidents.silence import Silence, silences, went_on
from beforehand.incidents.together import BEFORE, LIKE, Shares, Together, moved_together, shares, width
from beforehand.incidents.tracking import REACH, covers, in_its_place, rests, vanished

__all__ = [
    "ACTIVE",
    "BEFORE",
    "EXCLUDED",
    "KINDS",
    "LIKE",
    "REACH",
    "SAID",
    "Changed",
    "Doubt",
    "Effect",
    "Incident",
    "Kind",
    "Pulse",
    "Reading",
    "Shares",
    "Silence",
    "Together",
    "changed",
    "covers",
    "doubt",
    "hour_of",
    "in_its_place",
    "lateness",
    "moved_together",
    "rests",
    "shares",
    "silences",
    "touches",
    "undone",
    "vanished",
    "went_on",
    "width",
]
